/*
 * operation_consume.c - using up what is allocated.
 *
 * The allocation falls, and the stock measures that the client names change by
 * the same quantity. A reservation measure among them has its record raised as
 * well, so that the reservation can be given back. Nothing is checked but the
 * allocation: what others can have does not fall by it.
 */
#include "core/allocation.h"
#include "core/operation.h"

/* Make the reservation that goes with a consumption: at the dimensions of the
 * allocation, by the measure named. */
static rf_status plan_reservation(rf_work *work, const rf_command *command,
                                  rf_plan *plan, rf_error *err)
{
    const rf_amount *change = rf_allocation_reserves(work->catalog, command);
    if (change == NULL) {
        return RF_OK;
    }
    plan->reserve =
        rf_arena_alloc(rf_workset_arena(work->workset), sizeof *plan->reserve);
    if (plan->reserve == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    *plan->reserve = *command;
    plan->reserve->place.given &= RF_LEVEL_LEAF;
    plan->reserve->measure = change->measure;
    return rf_reservation_plan(work, plan->reserve, plan, err);
}

static rf_status plan_consume(rf_work *work, const rf_command *command,
                              rf_plan *plan, rf_error *err)
{
    rf_status status = rf_allocation_plan(work, command, plan, err);
    return status == RF_OK ? plan_reservation(work, command, plan, err)
                           : status;
}

static rf_status post_consumed(rf_work *work, const rf_command *command,
                               rf_plan *plan, rf_error *err)
{
    const rf_pool_measures *measures = &work->catalog->pool;
    const rf_amount changes[] = {
        {measures->allocated, -command->quantity},
        {measures->consumed, command->quantity},
        {measures->cumulative_consumed, command->quantity},
    };
    rf_status status = RF_OK;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        if (status == RF_OK) {
            status = rf_allocation_post(work, plan, changes[i].measure,
                                        changes[i].quantity, err);
        }
    }
    return status;
}

/* Post what the client names; that it names what was consumed does not make it
 * count twice. */
static rf_status post_named(rf_work *work, const rf_command *command,
                            rf_plan *plan, rf_error *err)
{
    rf_status status = RF_OK;
    for (size_t i = 0; i < command->change_count && status == RF_OK; i++) {
        const rf_amount *change = &command->changes[i];
        if (change->measure != work->catalog->pool.consumed) {
            status = rf_posting_apply(work, &plan->posting, change->measure,
                                      change->quantity > 0 ? command->quantity
                                                           : -command->quantity,
                                      err);
        }
    }
    return status;
}

static rf_status apply_consume(rf_work *work, const rf_command *command,
                               rf_plan *plan, rf_result *result, rf_error *err)
{
    rf_status status = rf_allocation_begin(work, command, result, err);
    if (status == RF_OK && result->status == RF_OK) {
        status = rf_allocation_require(work, &plan->pool, command, result);
    }
    if (status != RF_OK || result->status != RF_OK) {
        return status;
    }
    status = post_consumed(work, command, plan, err);
    if (status == RF_OK) {
        status = post_named(work, command, plan, err);
    }
    if (status == RF_OK && plan->reserve != NULL) {
        status = rf_reservation_enter(work, plan->reserve, plan, result, err);
    }
    rf_posting_note_totals(work, &plan->posting);
    return status;
}

const rf_operation_entry rf_operation_consume = {
    RF_OPERATION_CONSUME, "consume", "alloc", plan_consume, apply_consume};
