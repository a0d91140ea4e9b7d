/*
 * operation_plan.c - the head of a basket that brings records to targets.
 *
 * What a plan moves follows from what its records had when it was made. Its
 * head changes nothing. It refuses the basket when a record has something else
 * by now, so that a new one can be made, and it stands for the whole basket
 * under the plan's id (engine.c).
 */
#include "core/operation.h"

static rf_status plan_records(rf_work *work, const rf_command *command,
                              rf_plan *plan, rf_error *err)
{
    plan->expected =
        rf_arena_calloc(rf_workset_arena(work->workset),
                        command->expected_count + 1, sizeof *plan->expected);
    if (plan->expected == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_status status = RF_OK;
    for (size_t i = 0; i < command->expected_count && status == RF_OK; i++) {
        status =
            rf_pool_plan(work, command->organization, command->product,
                         command->expected[i].place, &plan->expected[i], err);
    }
    return status;
}

/* A refusal for this reason is not remembered: nothing is wrong with the plan.
 */
static rf_status check_records(rf_work *work, const rf_command *command,
                               rf_plan *plan, rf_result *result, rf_error *err)
{
    (void)err;
    if (!work->catalog->by_product &&
        !rf_level_covers(command->place.given, RF_LEVEL_PLACE)) {
        return rf_refuse(result, RF_E_MISSING_PARTITION, "dimensions",
                         "an allocation needs siteId and locationId");
    }
    for (size_t i = 0; i < command->expected_count; i++) {
        if (rf_pool_allocated(work, &plan->expected[i]) !=
            command->expected[i].allocated) {
            return rf_refuse(result, RF_E_CHANGED, "",
                             "other commands have changed the allocations");
        }
    }
    return RF_OK;
}

const rf_operation_entry rf_operation_plan = {
    RF_OPERATION_PLAN, "plan", "alloc", plan_records, check_records};
