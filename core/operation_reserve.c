/*
 * operation_reserve.c - soft reservations, checked level by level (check.h).
 */
#include "core/operation.h"

#include <inttypes.h>

/* The bytes that make two reservations the same record. */
static uint64_t hash_identity(rf_work *work, const rf_command *command)
{
    rf_buffer *identity = rf_workset_scratch(work->workset);
    rf_write_text(identity, command->organization);
    rf_write_text(identity, command->product);
    rf_write_varint(identity, command->measure);
    rf_write_text(identity, command->recipient);
    rf_write_text(identity, command->order_tag);
    if (command->ttl_ms != 0 || command->expires_ms != 0) {
        /* Every hold is its own, also when its id comes again after it was
         * forgotten. */
        rf_write_text(identity, command->id);
        rf_write_signed(identity, work->now_ms);
    }
    rf_write_coordinates(identity, command->place.given, &command->place);
    return rf_buffer_failed(identity)
               ? 0
               : rf_hash(identity->bytes, identity->length);
}

/* A hold is found by the time at which it ends. */
static rf_status plan_hold(rf_work *work, const rf_command *command,
                           rf_plan *plan, rf_error *err)
{
    plan->expires_ms = command->ttl_ms != 0 ? work->now_ms + command->ttl_ms
                                            : command->expires_ms;
    if (plan->expires_ms == 0) {
        return RF_OK;
    }
    plan->due = rf_work_due(
        work, &(rf_due_parts){work->environment->number, plan->expires_ms,
                              command->organization, command->product,
                              plan->reservation_id, RF_DUE_HOLD});
    return plan->due == NULL ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
                             : RF_OK;
}

rf_status rf_reservation_plan(rf_work *work, const rf_command *command,
                              rf_plan *plan, rf_error *err)
{
    rf_key key;
    rf_key_product(&key, work->environment->number, command->organization,
                   command->product);
    plan->head = rf_check_want_head(work, &key);
    plan->reservation_id = hash_identity(work, command);
    rf_key_reservation(&key, plan->reservation_id);
    plan->reservation = rf_workset_want(work->workset, RF_TABLE_STOCK,
                                        RF_RECORD_RESERVATION, &key);
    if (plan->reservation_id == 0 || plan->head == NULL ||
        plan->reservation == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    return plan_hold(work, command, plan, err);
}

static rf_status plan_reserve(rf_work *work, const rf_command *command,
                              rf_plan *plan, rf_error *err)
{
    rf_status status =
        rf_posting_plan(work, command->organization, command->product,
                        &command->place, &plan->posting, err);
    if (status == RF_OK) {
        status = rf_reservation_plan(work, command, plan, err);
    }
    if (status == RF_OK && command->check) {
        status = rf_check_plan(work, &plan->posting, &plan->check, err);
    }
    return status;
}

/* Set result->quantity to what the check leaves of the request. */
static rf_status check_available(rf_work *work, const rf_command *command,
                                 rf_plan *plan, rf_result *result,
                                 rf_error *err)
{
    const rf_physical *measure =
        rf_catalog_physical_number(work->catalog, command->measure);
    if (measure == NULL || measure->reservation < 0) {
        return rf_fail_field(err, RF_E_NO_RESERVATION_MAPPING, "modifier",
                             "the measure is not mapped to a calculated "
                             "measure that could be checked");
    }
    rf_status status = rf_check_value(
        work, &plan->check, &work->catalog->calculated[measure->reservation],
        result, err);
    if (status == RF_OK) {
        rf_check_grant(&(rf_ask){command->quantity, command->allow_partial,
                                 command->minimum, "available for reservation"},
                       result);
    }
    return status;
}

static bool is_same_record(const rf_reservation *record,
                           const rf_command *command)
{
    return record->measure == command->measure &&
           record->level == command->place.given && record->expires_ms == 0 &&
           rf_text_equal(record->recipient, command->recipient) &&
           rf_text_equal(record->order_tag, command->order_tag);
}

/* Make the record that a first reservation starts. */
static rf_status start_record(rf_work *work, const rf_command *command,
                              int64_t expires_ms, rf_reservation *out,
                              rf_error *err)
{
    rf_buffer *coordinates = rf_workset_scratch(work->workset);
    rf_write_coordinates(coordinates, command->place.given, &command->place);
    const void *copy =
        rf_buffer_failed(coordinates)
            ? NULL
            : rf_arena_copy(rf_workset_arena(work->workset), coordinates->bytes,
                            coordinates->length);
    *out = (rf_reservation){
        .measure = command->measure,
        .level = command->place.given,
        .coordinates = {copy, coordinates->length},
        .recipient = command->recipient,
        .order_tag = command->order_tag,
        .created_ms = work->now_ms,
        .created_number = work->number,
        .expires_ms = expires_ms,
    };
    return copy == NULL ? rf_fail(err, RF_E_NO_MEMORY, "out of memory") : RF_OK;
}

/* Nobody asks whether a marker is there: its record says so. */
rf_record *rf_work_due(rf_work *work, const rf_due_parts *parts)
{
    rf_key key;
    rf_key_due(&key, parts);
    return rf_workset_blind(work->workset, RF_TABLE_DUE, RF_RECORD_MARKER,
                            &key);
}

rf_status rf_reservation_change(rf_work *work, rf_plan *plan,
                                const rf_reservation *before, rf_quantity delta,
                                rf_error *err)
{
    rf_reservation after = *before;
    after.updated_ms = work->now_ms;
    if (!rf_quantity_add(before->quantity, delta, &after.quantity)) {
        return rf_fail(err, RF_E_QUANTITY_OVERFLOW,
                       "the reservation would be too large to be exact");
    }
    rf_status status =
        rf_check_count(work, plan->head, after.level, before->quantity > 0,
                       after.quantity > 0, err);
    if (status != RF_OK) {
        return status;
    }
    return rf_workset_set_reservation(work->workset, plan->reservation, &after,
                                      err);
}

rf_status rf_reservation_enter(rf_work *work, const rf_command *command,
                               rf_plan *plan, rf_result *result, rf_error *err)
{
    rf_reservation before = {0};
    rf_status status = RF_OK;
    if (!plan->reservation->present) {
        status = start_record(work, command, plan->expires_ms, &before, err);
    } else if (is_same_record(&plan->reservation->as.reservation, command)) {
        before = plan->reservation->as.reservation;
    } else {
        status = rf_fail(err, RF_E_INTERNAL,
                         "two reservations of this product share the id "
                         "%016" PRIx64,
                         plan->reservation_id);
    }
    if (status == RF_OK) {
        status =
            rf_reservation_change(work, plan, &before, result->quantity, err);
    }
    if (status == RF_OK) {
        result->reservation = plan->reservation_id;
        result->reservation_created = before.created_number;
        result->expires_ms = plan->expires_ms;
    }
    if (status == RF_OK && plan->due != NULL) {
        status = rf_workset_set_present(work->workset, plan->due, true, err);
    }
    return status;
}

static rf_status apply_reserve(rf_work *work, const rf_command *command,
                               rf_plan *plan, rf_result *result, rf_error *err)
{
    if (!work->catalog->by_product &&
        !rf_level_covers(command->place.given, RF_LEVEL_PLACE)) {
        return rf_refuse(result, RF_E_MISSING_PARTITION, "dimensions",
                         "a reservation needs siteId and locationId");
    }
    if (command->check && command->quantity < 0) {
        return rf_refuse(result, RF_E_NEGATIVE_QUANTITY, "quantity",
                         "a negative quantity cannot be checked");
    }
    if (plan->expires_ms != 0 && command->quantity < 0) {
        return rf_refuse(result, RF_E_NEGATIVE_QUANTITY, "quantity",
                         "a negative quantity cannot be held for a time");
    }
    if (plan->expires_ms != 0 && plan->expires_ms <= work->now_ms) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, "expiresAt",
                             "a time in the future is expected");
    }
    result->quantity = command->quantity;
    rf_status status = RF_OK;
    if (command->check) {
        status = rf_check_plan_held(work, &plan->check, plan->head, err);
        if (status != RF_OK || rf_workset_is_waiting(work->workset)) {
            return status;
        }
        status = check_available(work, command, plan, result, err);
    }
    if (status == RF_OK && result->status == RF_OK) {
        status = rf_reservation_enter(work, command, plan, result, err);
    }
    if (status == RF_OK && result->status == RF_OK) {
        status = rf_posting_apply(work, &plan->posting, command->measure,
                                  result->quantity, err);
        rf_posting_note_totals(work, &plan->posting);
    }
    return status;
}

const rf_operation_entry rf_operation_reserve = {
    RF_OPERATION_RESERVE, "reserve", "ohre", plan_reserve, apply_reserve};
