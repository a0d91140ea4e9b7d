/*
 * operation_schedule.c - changes that are expected on days to come.
 *
 * What is scheduled lies beside the stock, day by day, and changes none of it;
 * a negative change takes back what was scheduled. A day may be from today on
 * and as far ahead as the configuration says. Who sends the same command again
 * on a later day is answered from memory before that is looked at.
 */
#include "core/operation.h"

#include <stdio.h>

static size_t count_days(const rf_command *command)
{
    size_t count = 0;
    for (size_t i = 0; i < command->scheduled_count; i++) {
        bool is_new = i == 0 || command->scheduled[i].day !=
                                    command->scheduled[i - 1].day;
        count += is_new ? 1 : 0;
    }
    return count;
}

static rf_status plan_schedule(rf_work *work, const rf_command *command,
                               rf_plan *plan, rf_error *err)
{
    plan->posting = (rf_posting){.organization = command->organization,
                                 .product = command->product,
                                 .place = &command->place};
    plan->days = rf_arena_calloc(rf_workset_arena(work->workset),
                                 count_days(command), sizeof *plan->days);
    rf_status status = plan->days == NULL
                           ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
                           : RF_OK;
    for (size_t i = 0; i < command->scheduled_count && status == RF_OK; i++) {
        rf_day day = command->scheduled[i].day;
        if (i == 0 || day != command->scheduled[i - 1].day) {
            status = rf_posting_plan_day(work, &plan->posting, day,
                                         &plan->days[plan->day_count++], err);
        }
    }
    return status;
}

static rf_status check_window(const rf_work *work, rf_day day, rf_error *err)
{
    rf_day today = rf_day_of(work->now_ms);
    rf_day last = today + (rf_day)work->catalog->schedule.days - 1;
    if (day >= today && day <= last) {
        return RF_OK;
    }
    char texts[3][RF_DAY_TEXT_SIZE];
    char field[64];
    rf_day_print(day, texts[0]);
    rf_day_print(today, texts[1]);
    rf_day_print(last, texts[2]);
    snprintf(field, sizeof field, "quantitiesByDate.%s", texts[0]);
    return rf_fail_field(err, RF_E_DATE_OUT_OF_WINDOW, field,
                         "%s is not one of the %u days from %s to %s", texts[0],
                         work->catalog->schedule.days, texts[1], texts[2]);
}

static rf_status apply_schedule(rf_work *work, const rf_command *command,
                                rf_plan *plan, rf_result *result, rf_error *err)
{
    rf_status status = RF_OK;
    rf_posting *day = plan->days;
    (void)result;
    for (size_t i = 0; i < plan->day_count && status == RF_OK; i++) {
        status = check_window(work, plan->days[i].day, err);
    }
    for (size_t i = 0; i < command->scheduled_count && status == RF_OK; i++) {
        const rf_scheduled *change = &command->scheduled[i];
        while (day->day != change->day) {
            day++;
        }
        status =
            rf_posting_apply(work, day, change->measure, change->delta, err);
    }
    for (size_t i = 0; i < plan->day_count && status == RF_OK; i++) {
        rf_posting_note_totals(work, &plan->days[i]);
    }
    return status;
}

const rf_operation_entry rf_operation_schedule = {
    RF_OPERATION_SCHEDULE, "schedule", "ohcs", plan_schedule, apply_schedule};
