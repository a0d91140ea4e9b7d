/*
 * operation_post.c - on-hand change events: add to measures at a place.
 *
 * No availability is checked: what a source system reports has happened.
 */
#include "core/operation.h"

static rf_status plan_post(rf_work *work, const rf_command *command,
                           rf_plan *plan, rf_error *err)
{
    return rf_posting_plan(work, command->organization, command->product,
                           &command->place, &plan->posting, err);
}

static rf_status apply_post(rf_work *work, const rf_command *command,
                            rf_plan *plan, rf_result *result, rf_error *err)
{
    (void)result;
    for (size_t i = 0; i < command->change_count; i++) {
        rf_status status =
            rf_posting_apply(work, &plan->posting, command->changes[i].measure,
                             command->changes[i].quantity, err);
        if (status != RF_OK) {
            return status;
        }
    }
    rf_posting_note_totals(work, &plan->posting);
    return RF_OK;
}

const rf_operation_entry rf_operation_post = {RF_OPERATION_POST, "post", "ohce",
                                              plan_post, apply_post};
