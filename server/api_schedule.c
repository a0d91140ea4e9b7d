/*
 * api_schedule.c - expected changes: POST /onhand/changeschedule and its bulk
 * form.
 *
 * A line is that of a change event, with quantities for each of some days in
 * place of those of now:
 *
 *     "quantitiesByDate": {"2031-03-11": {"pos": {"inbound": 5}}}
 */
#include "server/api_command.h"
#include "server/api_time.h"
#include "server/api_write.h"

#include <string.h>

#define BY_DATE "quantitiesByDate"

/* Most quantities that one command may schedule, over all its days. */
#define SCHEDULED_MAX 1000

/* Move what is scheduled for one day to its place among the others. */
static rf_status enter_day(rf_scheduled *scheduled, size_t *count, rf_day day,
                           const rf_amount *amounts, size_t added,
                           rf_error *err)
{
    size_t at = *count;
    if (added > SCHEDULED_MAX - *count) {
        return rf_fail(err, RF_E_TOO_MANY_ITEMS,
                       "one command schedules at most %d quantities",
                       SCHEDULED_MAX);
    }
    while (at > 0 && scheduled[at - 1].day > day) {
        at--;
    }
    if (at > 0 && scheduled[at - 1].day == day) {
        return rf_fail(err, RF_E_DUPLICATE_KEY, "two names for the same day");
    }
    memmove(&scheduled[at + added], &scheduled[at],
            (*count - at) * sizeof *scheduled);
    for (size_t i = 0; i < added; i++) {
        scheduled[at + i] =
            (rf_scheduled){day, amounts[i].measure, amounts[i].quantity};
    }
    *count += added;
    return RF_OK;
}

/* Read the quantities of one day; the error's field begins with its name. */
static rf_status read_day(const rf_call *call, const rf_json *member,
                          rf_scheduled *scheduled, size_t *count, rf_error *err)
{
    rf_amount amounts[RF_EVENT_QUANTITIES_MAX];
    rf_text name = rf_json_name(member);
    rf_day day = 0;
    size_t added = 0;
    rf_status status = RF_OK;
    if (!rf_time_parse_day(name, &day)) {
        status = rf_fail(err, RF_E_INVALID_FIELD,
                         "a date such as 2031-03-10 is expected");
    } else if (!rf_json_is(member, RF_JSON_OBJECT)) {
        status = rf_fail(err, RF_E_INVALID_FIELD, "an object is expected");
    }
    if (status != RF_OK) {
        return rf_json_at((rf_json_object){member, ""}, name, status, err);
    }
    status = rf_read_quantities(call, (rf_json_object){member, name.bytes},
                                amounts, &added, err);
    if (status != RF_OK) {
        return status;
    }
    status = enter_day(scheduled, count, day, amounts, added, err);
    return rf_json_at((rf_json_object){member, ""}, name, status, err);
}

static rf_status read_days(rf_call *call, const rf_json *by_date,
                           rf_command *command, rf_error *err)
{
    rf_scheduled scheduled[SCHEDULED_MAX];
    size_t count = 0;
    for (const rf_json *member = rf_json_first(by_date); member != NULL;
         member = rf_json_next(member)) {
        rf_status status = read_day(call, member, scheduled, &count, err);
        if (status != RF_OK) {
            char inner[sizeof err->field];
            memcpy(inner, err->field, sizeof inner);
            return rf_json_at((rf_json_object){by_date, BY_DATE},
                              rf_text_of(inner), status, err);
        }
    }
    if (count == 0) {
        return rf_fail_field(err, RF_E_MISSING_FIELD, BY_DATE,
                             "no quantity is given");
    }
    rf_scheduled *kept = rf_call_alloc(call, count, sizeof *kept);
    if (kept == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    memcpy(kept, scheduled, count * sizeof *kept);
    command->scheduled = kept;
    command->scheduled_count = count;
    return RF_OK;
}

static rf_status read_schedule(rf_call *call, rf_json_object line,
                               rf_command *command, rf_error *err)
{
    const rf_json *by_date = NULL;
    rf_status status =
        rf_read_key(call, line, RF_JSON_REQUIRED, command, NULL, err);
    if (status == RF_OK) {
        status = rf_json_child(line, BY_DATE, RF_JSON_REQUIRED, RF_JSON_OBJECT,
                               &by_date, err);
    }
    return status == RF_OK ? read_days(call, by_date, command, err) : status;
}

static rf_step schedule_one(rf_call *call)
{
    return rf_write_one(call, RF_OPERATION_SCHEDULE, read_schedule);
}

static rf_step schedule_many(rf_call *call)
{
    return rf_write_many(call, RF_OPERATION_SCHEDULE, read_schedule);
}

/* Some translations of the contract spell the paths with a hyphen. */
static const rf_route rows[] = {
    {RF_METHOD_POST, "/onhand/changeschedule", RF_MAY_POST_STOCK, RF_ROUTE_BODY,
     schedule_one},
    {RF_METHOD_POST, "/onhand/changeschedule/bulk", RF_MAY_POST_STOCK,
     RF_ROUTE_BODY, schedule_many},
    {RF_METHOD_POST, "/on-hand/changeschedule", RF_MAY_POST_STOCK,
     RF_ROUTE_BODY, schedule_one},
    {RF_METHOD_POST, "/on-hand/changeschedule/bulk", RF_MAY_POST_STOCK,
     RF_ROUTE_BODY, schedule_many},
};

const rf_routes rf_routes_schedule = {rows, sizeof rows / sizeof rows[0]};
