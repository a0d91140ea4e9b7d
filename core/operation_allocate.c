/*
 * operation_allocate.c - setting stock aside for groups, and giving it back.
 *
 * What is allocated comes out of the common pool, whose size is a formula that
 * is checked level by level like a reservation (check.h).
 */
#include "core/allocation.h"
#include "core/operation.h"

rf_status rf_allocation_plan(rf_work *work, const rf_command *command,
                             rf_plan *plan, rf_error *err)
{
    rf_key key;
    rf_key_product(&key, work->environment->number, command->organization,
                   command->product);
    plan->head = rf_check_want_head(work, &key);
    if (plan->head == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_status status =
        rf_posting_plan(work, command->organization, command->product,
                        &command->place, &plan->posting, err);
    return status == RF_OK
               ? rf_pool_plan(work, command->organization, command->product,
                              &command->place, &plan->pool, err)
               : status;
}

rf_status rf_allocation_begin(rf_work *work, const rf_command *command,
                              rf_result *result, rf_error *err)
{
    rf_status status = rf_allocation_check(work->catalog, command, err);
    if (status != RF_OK) {
        return status;
    }
    if (!work->catalog->by_product &&
        !rf_level_covers(command->place.given, RF_LEVEL_PLACE)) {
        return rf_refuse(result, RF_E_MISSING_PARTITION, "dimensions",
                         "an allocation needs siteId and locationId");
    }
    result->quantity = command->quantity;
    return RF_OK;
}

rf_status rf_allocation_require(rf_work *work, const rf_pool *pool,
                                const rf_command *command, rf_result *result)
{
    result->available = rf_pool_allocated(work, pool);
    if (command->quantity <= result->available) {
        return RF_OK;
    }
    char requested[RF_QUANTITY_TEXT_MAX];
    char available[RF_QUANTITY_TEXT_MAX];
    rf_quantity_print(command->quantity, requested);
    rf_quantity_print(result->available, available);
    return rf_refuse(result, RF_E_INSUFFICIENT_ALLOCATED, "quantity",
                     "requested %s, allocated to the groups %s", requested,
                     available);
}

rf_status rf_allocation_post(rf_work *work, rf_plan *plan, rf_measure measure,
                             rf_quantity delta, rf_error *err)
{
    rf_status status =
        measure == work->catalog->pool.allocated
            ? rf_pool_allocate(work, &plan->pool, plan->head, delta, err)
            : rf_pool_add(work, &plan->pool, measure, delta, err);
    return status == RF_OK
               ? rf_posting_apply(work, &plan->posting, measure, delta, err)
               : status;
}

/* ---- Allocate ---- */

static rf_status plan_allocate(rf_work *work, const rf_command *command,
                               rf_plan *plan, rf_error *err)
{
    rf_status status = rf_allocation_plan(work, command, plan, err);
    return status == RF_OK
               ? rf_check_plan(work, &plan->posting, &plan->check, err)
               : status;
}

__extension__ typedef unsigned __int128 wide;

/* So many percent of what is there, rounded down to some decimals. */
static rf_quantity take_percent(const rf_command *command,
                                rf_quantity available)
{
    rf_quantity step = RF_QUANTITY_SCALE;
    for (unsigned i = 0; i < command->decimals && step > 1; i++) {
        step /= 10;
    }
    wide part = (wide)available * (wide)command->percent / RF_PERCENT_MAX;
    return (rf_quantity)part - (rf_quantity)part % step;
}

/* A share is whatever there is of it, as long as that is something. */
static void grant_share(const rf_command *command, rf_result *result)
{
    rf_quantity share = result->available;
    if (command->share == RF_SHARE_PERCENT) {
        share = take_percent(command, share);
    } else if (command->quantity > 0) {
        result->partial = share < command->quantity;
        share = result->partial ? share : command->quantity;
    }
    if (share > 0 && share >= command->minimum) {
        result->quantity = share;
        return;
    }
    char available[RF_QUANTITY_TEXT_MAX];
    rf_quantity_print(result->available, available);
    result->partial = false;
    result->has_binding = true;
    rf_refuse(result, RF_E_INSUFFICIENT_AVAILABLE,
              command->share == RF_SHARE_PERCENT ? "percent" : "quantity",
              "of the %s available to allocate too little would be taken",
              available);
}

static rf_status check_pool(rf_work *work, const rf_command *command,
                            const rf_plan *plan, rf_result *result,
                            rf_error *err)
{
    const rf_catalog *catalog = work->catalog;
    rf_status status = rf_check_value(
        work, &plan->check, &catalog->calculated[catalog->pool_formula], result,
        err);
    if (status != RF_OK) {
        return status;
    }
    if (command->share == RF_SHARE_QUANTITY) {
        rf_check_grant(&(rf_ask){command->quantity, command->allow_partial,
                                 command->minimum, "available to allocate"},
                       result);
    } else {
        grant_share(command, result);
    }
    return RF_OK;
}

static rf_status apply_allocate(rf_work *work, const rf_command *command,
                                rf_plan *plan, rf_result *result, rf_error *err)
{
    const rf_pool_measures *measures = &work->catalog->pool;
    rf_status status = rf_allocation_begin(work, command, result, err);
    if (status == RF_OK && result->status == RF_OK) {
        status = rf_check_plan_held(work, &plan->check, plan->head, err);
    }
    if (status != RF_OK || result->status != RF_OK ||
        rf_workset_is_waiting(work->workset)) {
        return status;
    }
    status = check_pool(work, command, plan, result, err);
    if (status != RF_OK || result->status != RF_OK) {
        return status;
    }
    status = rf_allocation_post(work, plan, measures->allocated,
                                result->quantity, err);
    if (status == RF_OK) {
        status = rf_allocation_post(work, plan, measures->cumulative_allocated,
                                    result->quantity, err);
    }
    rf_posting_note_totals(work, &plan->posting);
    return status;
}

/* ---- Unallocate ---- */

static rf_status apply_unallocate(rf_work *work, const rf_command *command,
                                  rf_plan *plan, rf_result *result,
                                  rf_error *err)
{
    rf_status status = rf_allocation_begin(work, command, result, err);
    if (status == RF_OK && result->status == RF_OK) {
        status = rf_allocation_require(work, &plan->pool, command, result);
    }
    if (status != RF_OK || result->status != RF_OK) {
        return status;
    }
    status = rf_allocation_post(work, plan, work->catalog->pool.allocated,
                                -command->quantity, err);
    rf_posting_note_totals(work, &plan->posting);
    return status;
}

const rf_operation_entry rf_operation_allocate = {
    RF_OPERATION_ALLOCATE, "allocate", "alloc", plan_allocate, apply_allocate};
const rf_operation_entry rf_operation_unallocate = {
    RF_OPERATION_UNALLOCATE, "unallocate", "alloc", rf_allocation_plan,
    apply_unallocate};
