/*
 * operation_reallocate.c - moving what is allocated from groups to others.
 *
 * The totals without groups stay as they are, and so does what can be
 * allocated; the record that gives remembers nothing of it, the one that takes
 * counts it among what it was given.
 */
#include "core/operation.h"

/* Where the source lies: the place of the command with the source's groups. */
static const rf_place *place_source(rf_work *work, const rf_command *command)
{
    rf_place *place =
        rf_arena_alloc(rf_workset_arena(work->workset), sizeof *place);
    if (place == NULL) {
        return NULL;
    }
    *place = command->place;
    rf_level groups = command->source->given & RF_LEVEL_GROUPS;
    place->given = (command->place.given & RF_LEVEL_LEAF) | groups;
    for (unsigned c = RF_DIMENSION_COUNT; c < RF_COORDINATES_MAX; c++) {
        place->value[c] = (groups & RF_BIT(c)) != 0 ? command->source->value[c]
                                                    : RF_TEXT_EMPTY;
    }
    return place;
}

static rf_status plan_reallocate(rf_work *work, const rf_command *command,
                                 rf_plan *plan, rf_error *err)
{
    rf_status status = rf_allocation_plan(work, command, plan, err);
    if (status != RF_OK) {
        return status;
    }
    const rf_place *place = place_source(work, command);
    return place == NULL
               ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
               : rf_pool_plan(work, command->organization, command->product,
                              place, &plan->source, err);
}

static rf_status apply_reallocate(rf_work *work, const rf_command *command,
                                  rf_plan *plan, rf_result *result,
                                  rf_error *err)
{
    rf_status status = rf_allocation_begin(work, command, result, err);
    if (status == RF_OK && result->status == RF_OK) {
        status = rf_allocation_require(work, &plan->source, command, result);
    }
    if (status != RF_OK || result->status != RF_OK) {
        return status;
    }
    status = rf_pool_allocate(work, &plan->source, plan->head,
                              -command->quantity, err);
    if (status == RF_OK) {
        status = rf_pool_allocate(work, &plan->pool, plan->head,
                                  command->quantity, err);
    }
    return status == RF_OK
               ? rf_pool_add(work, &plan->pool, work->catalog->pool.reallocated,
                             command->quantity, err)
               : status;
}

const rf_operation_entry rf_operation_reallocate = {
    RF_OPERATION_REALLOCATE, "reallocate", "alloc", plan_reallocate,
    apply_reallocate};
