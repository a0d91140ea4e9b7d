/*
 * operation_unreserve.c - taking back what was reserved, by reservation id.
 *
 * The record and the reservation measure fall together, by no more than the
 * record holds; what was asked beyond that is reported, not applied.
 */
#include "core/operation.h"

#include <string.h>

/* Want everything that hangs on the product, once it is known. */
static rf_status plan_product(rf_work *work, const rf_command *command,
                              rf_plan *plan, rf_error *err)
{
    rf_status status =
        rf_posting_plan(work, command->organization, plan->product,
                        &command->place, &plan->posting, err);
    if (status != RF_OK) {
        return status;
    }
    rf_key key;
    rf_key_product(&key, work->environment->number, command->organization,
                   plan->product);
    plan->head = rf_check_want_head(work, &key);
    rf_key_reservation(&key, plan->reservation_id);
    plan->reservation = rf_workset_want(work->workset, RF_TABLE_STOCK,
                                        RF_RECORD_RESERVATION, &key);
    if (plan->head == NULL || plan->reservation == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    return RF_OK;
}

static rf_status plan_unreserve(rf_work *work, const rf_command *command,
                                rf_plan *plan, rf_error *err)
{
    if (!rf_reservation_parse(command->reservation, &plan->reservation_id,
                              &plan->reservation_created)) {
        return RF_OK; /* none of ours: apply finds no record */
    }
    plan->product = command->product;
    if (plan->product.length > 0) {
        return plan_product(work, command, plan, err);
    }
    rf_key key;
    rf_key_journal(&key, work->environment->number, plan->reservation_created);
    plan->created_entry =
        rf_workset_want(work->workset, RF_TABLE_JOURNAL, RF_RECORD_ENTRY, &key);
    return plan->created_entry == NULL
               ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
               : RF_OK;
}

/* Learn the product from the entry that created the reservation. */
static rf_status find_product(rf_work *work, const rf_command *command,
                              rf_plan *plan, rf_error *err)
{
    if (plan->reservation != NULL || plan->created_entry == NULL ||
        !plan->created_entry->present) {
        return RF_OK;
    }
    rf_text organization;
    if (!rf_entry_peek_product(plan->created_entry->as.bytes, &organization,
                               &plan->product)) {
        return rf_fail(err, RF_E_STORAGE, "a journal entry is damaged");
    }
    return plan->product.length == 0 ? RF_OK
                                     : plan_product(work, command, plan, err);
}

static bool lies_at(const rf_reservation *reservation, const rf_place *place)
{
    rf_place at;
    bool hashed;
    return reservation->level == place->given &&
           rf_coordinates_read(reservation->coordinates, &at, &hashed, NULL) ==
               RF_OK &&
           rf_place_agrees(&at, place, reservation->level);
}

/* A hold that is given back whole does not end any more. */
static rf_status forget_due(rf_work *work, const rf_command *command,
                            rf_plan *plan, rf_error *err)
{
    const rf_reservation *hold = &plan->reservation->as.reservation;
    if (hold->expires_ms == 0) {
        return RF_OK;
    }
    plan->due = rf_work_due(
        work, &(rf_due_parts){work->environment->number, hold->expires_ms,
                              command->organization, plan->product,
                              plan->reservation_id, RF_DUE_HOLD});
    return plan->due == NULL
               ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
               : rf_workset_set_present(work->workset, plan->due, false, err);
}

static rf_status apply_unreserve(rf_work *work, const rf_command *command,
                                 rf_plan *plan, rf_result *result,
                                 rf_error *err)
{
    rf_status status = find_product(work, command, plan, err);
    if (status != RF_OK || rf_workset_is_waiting(work->workset)) {
        return status;
    }
    const rf_record *record = plan->reservation;
    if (record == NULL || !record->present ||
        !lies_at(&record->as.reservation, &command->place)) {
        result->invalid_offset = command->quantity;
        return rf_refuse(result, RF_E_UNKNOWN_RESERVATION, "reservationId",
                         "no such reservation at these dimensions");
    }
    const rf_reservation *reservation = &record->as.reservation;
    rf_quantity held = reservation->quantity > 0 ? reservation->quantity : 0;
    rf_quantity valid = command->quantity < held ? command->quantity : held;
    result->quantity = valid;
    result->invalid_offset = command->quantity - valid;
    result->partial = result->invalid_offset > 0;
    result->reservation = plan->reservation_id;
    result->reservation_created = reservation->created_number;
    if (valid == 0) {
        return RF_OK;
    }
    rf_measure measure = reservation->measure;
    if (valid == held) {
        status = forget_due(work, command, plan, err);
    }
    if (status == RF_OK) {
        status = rf_reservation_change(work, plan, reservation, -valid, err);
    }
    if (status == RF_OK) {
        status = rf_posting_apply(work, &plan->posting, measure, -valid, err);
        rf_posting_note_totals(work, &plan->posting);
    }
    return status;
}

const rf_operation_entry rf_operation_unreserve = {
    RF_OPERATION_UNRESERVE, "unreserve", "ohoe", plan_unreserve,
    apply_unreserve};
