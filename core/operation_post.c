/*
 * operation_post.c - on-hand change events: add to measures at a place.
 *
 * No availability is checked: what a source system reports has happened. An
 * event that realizes what was scheduled for a day takes it off that day in the
 * same step, so that nobody counts it twice or not at all in between. More than
 * was scheduled may come, and less: the rest then is still expected.
 */
#include "core/operation.h"

static rf_status plan_post(rf_work *work, const rf_command *command,
                           rf_plan *plan, rf_error *err)
{
    rf_status status =
        rf_posting_plan(work, command->organization, command->product,
                        &command->place, &plan->posting, err);
    if (status != RF_OK || command->realizes == 0) {
        return status;
    }
    plan->days =
        rf_arena_calloc(rf_workset_arena(work->workset), 1, sizeof *plan->days);
    return plan->days == NULL
               ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
               : rf_posting_plan_day(work, &plan->posting, command->realizes,
                                     plan->days, err);
}

/* Return what a change takes off the day: what is scheduled there in the same
 * direction, as far as the change goes. */
static rf_quantity realized(const rf_posting *day, const rf_amount *change)
{
    rf_quantity scheduled =
        rf_measures_get(&day->nodes[0]->node.measures, change->measure);
    if ((scheduled > 0) != (change->quantity > 0)) {
        return 0;
    }
    bool is_whole = scheduled > 0 ? change->quantity <= scheduled
                                  : change->quantity >= scheduled;
    return is_whole ? change->quantity : scheduled;
}

static rf_status realize(rf_work *work, const rf_command *command,
                         rf_posting *day, rf_error *err)
{
    rf_status status = RF_OK;
    for (size_t i = 0; i < command->change_count && status == RF_OK; i++) {
        const rf_amount *change = &command->changes[i];
        rf_quantity taken = realized(day, change);
        if (taken != 0) {
            status = rf_posting_apply(work, day, change->measure, -taken, err);
        }
    }
    rf_posting_note_totals(work, day);
    return status;
}

static rf_status apply_post(rf_work *work, const rf_command *command,
                            rf_plan *plan, rf_result *result, rf_error *err)
{
    rf_status status = RF_OK;
    (void)result;
    for (size_t i = 0; i < command->change_count && status == RF_OK; i++) {
        status =
            rf_posting_apply(work, &plan->posting, command->changes[i].measure,
                             command->changes[i].quantity, err);
    }
    rf_posting_note_totals(work, &plan->posting);
    return status == RF_OK && plan->days != NULL
               ? realize(work, command, plan->days, err)
               : status;
}

const rf_operation_entry rf_operation_post = {RF_OPERATION_POST, "post", "ohce",
                                              plan_post, apply_post};
