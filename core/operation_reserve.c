/*
 * operation_reserve.c - soft reservations, checked level by level.
 *
 * A checked reservation must fit at its own level and, in strict mode, at
 * every coarser level where it could oversell: the configured reservation
 * levels above it, and every other level at which the product holds
 * reservations. The smallest of these is what can be had.
 */
#include "core/operation.h"

#include <inttypes.h>
#include <string.h>

/* The bytes that make two reservations the same record. */
static uint64_t hash_identity(rf_work *work, const rf_command *command)
{
    rf_buffer *identity = rf_workset_scratch(work->workset);
    rf_write_text(identity, command->organization);
    rf_write_text(identity, command->product);
    rf_write_varint(identity, command->measure);
    rf_write_text(identity, command->recipient);
    rf_write_text(identity, command->order_tag);
    rf_write_coordinates(identity, command->place.given, &command->place);
    return rf_buffer_failed(identity)
               ? 0
               : rf_hash(identity->bytes, identity->length);
}

/* Make room for `more` levels of the check. */
static rf_status reserve_totals(rf_work *work, rf_plan *plan, size_t more,
                                rf_error *err)
{
    size_t capacity = plan->total_count + more;
    if (capacity <= plan->total_capacity) {
        return RF_OK;
    }
    rf_total *totals = rf_arena_alloc(rf_workset_arena(work->workset),
                                      capacity * sizeof *totals);
    if (totals == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    if (plan->total_count > 0) {
        memcpy(totals, plan->totals, plan->total_count * sizeof *totals);
    }
    plan->totals = totals;
    plan->total_capacity = capacity;
    return RF_OK;
}

static rf_status add_total(rf_work *work, rf_plan *plan, rf_level level,
                           rf_error *err)
{
    for (size_t i = 0; i < plan->total_count; i++) {
        if (plan->totals[i].level == level) {
            return RF_OK;
        }
    }
    rf_status status = rf_total_plan(work, &plan->posting, level,
                                     &plan->totals[plan->total_count], err);
    if (status == RF_OK) {
        plan->total_count++;
    }
    return status;
}

/* Add the configured reservation levels above the request's own, the finest
 * first. */
static rf_status add_prefixes(rf_work *work, const rf_command *command,
                              rf_plan *plan, rf_error *err)
{
    const rf_catalog *catalog = work->catalog;
    rf_level prefixes[RF_COORDINATES_MAX + 1];
    size_t count = 0;
    prefixes[count++] = 0;
    for (size_t i = 0; i < catalog->reservation_dimension_count; i++) {
        prefixes[count] =
            prefixes[count - 1] | RF_BIT(catalog->reservation_dimensions[i]);
        count++;
    }
    while (count-- > 0) {
        bool in_partition = catalog->by_product ||
                            rf_level_covers(prefixes[count], RF_LEVEL_PLACE);
        if (!in_partition ||
            !rf_level_covers(command->place.given, prefixes[count])) {
            continue;
        }
        rf_status status = add_total(work, plan, prefixes[count], err);
        if (status != RF_OK) {
            return status;
        }
    }
    return RF_OK;
}

/* Add the coarser levels at which the product holds reservations. */
static rf_status add_held_levels(rf_work *work, const rf_command *command,
                                 rf_plan *plan, rf_error *err)
{
    const rf_head *head = plan->head->as.head;
    rf_status room =
        reserve_totals(work, plan, head == NULL ? 0 : head->count, err);
    if (room != RF_OK) {
        return room;
    }
    for (size_t i = 0; head != NULL && i < head->count; i++) {
        if (!rf_level_covers(command->place.given, head->levels[i].level)) {
            continue;
        }
        rf_status status = add_total(work, plan, head->levels[i].level, err);
        if (status != RF_OK) {
            return status;
        }
    }
    return RF_OK;
}

static rf_status plan_check(rf_work *work, const rf_command *command,
                            rf_plan *plan, rf_error *err)
{
    /* The own level, the empty one, and one for each configured dimension. */
    rf_status status = reserve_totals(
        work, plan, work->catalog->reservation_dimension_count + 2, err);
    if (status == RF_OK) {
        status = add_total(work, plan, command->place.given, err);
    }
    if (status == RF_OK && work->catalog->strict) {
        status = add_prefixes(work, command, plan, err);
    }
    return status;
}

static rf_status plan_reserve(rf_work *work, const rf_command *command,
                              rf_plan *plan, rf_error *err)
{
    rf_status status =
        rf_posting_plan(work, command->organization, command->product,
                        &command->place, &plan->posting, err);
    if (status != RF_OK) {
        return status;
    }
    rf_key key;
    rf_key_product(&key, work->environment->number, command->organization,
                   command->product);
    rf_key head;
    rf_key_copy(&head, &key);
    rf_key_head(&head);
    plan->head =
        rf_workset_want(work->workset, RF_TABLE_STOCK, RF_RECORD_HEAD, &head);
    plan->reservation_id = hash_identity(work, command);
    rf_key_reservation(&key, plan->reservation_id);
    plan->reservation = rf_workset_want(work->workset, RF_TABLE_STOCK,
                                        RF_RECORD_RESERVATION, &key);
    if (plan->reservation_id == 0 || plan->head == NULL ||
        plan->reservation == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    return command->check ? plan_check(work, command, plan, err) : RF_OK;
}

/* Find the smallest of all levels; of equal ones the first. */
static rf_status find_available(rf_work *work, const rf_command *command,
                                const rf_plan *plan, rf_result *result,
                                rf_error *err)
{
    const rf_physical *measure =
        rf_catalog_physical_number(work->catalog, command->measure);
    if (measure == NULL || measure->reservation < 0) {
        return rf_fail_field(err, RF_E_NO_RESERVATION_MAPPING, "modifier",
                             "the measure is not mapped to a calculated "
                             "measure that could be checked");
    }
    const rf_calculated *formula =
        &work->catalog->calculated[measure->reservation];
    for (size_t i = 0; i < plan->total_count; i++) {
        rf_quantity value;
        rf_status status =
            rf_total_value(work, &plan->totals[i], formula, &value, err);
        if (status != RF_OK) {
            return status;
        }
        if (i == 0 || value < result->binding_value) {
            result->binding_value = value;
            result->binding_level = plan->totals[i].level;
        }
    }
    result->available = result->binding_value > 0 ? result->binding_value : 0;
    return RF_OK;
}

/* Set result->quantity to what the check leaves of the request. */
static rf_status check_available(rf_work *work, const rf_command *command,
                                 rf_plan *plan, rf_result *result,
                                 rf_error *err)
{
    rf_status status = find_available(work, command, plan, result, err);
    if (status != RF_OK || command->quantity <= result->available) {
        return status;
    }
    bool enough = command->allow_partial && result->available > 0 &&
                  result->available >= command->minimum;
    if (enough) {
        result->quantity = result->available;
        result->partial = true;
        return RF_OK;
    }
    char requested[RF_QUANTITY_TEXT_MAX];
    char available[RF_QUANTITY_TEXT_MAX];
    rf_quantity_print(command->quantity, requested);
    rf_quantity_print(result->available, available);
    result->has_binding = true;
    return rf_refuse(result, RF_E_INSUFFICIENT_AVAILABLE, "quantity",
                     "requested %s, available for reservation %s", requested,
                     available);
}

static bool is_same_record(const rf_reservation *record,
                           const rf_command *command)
{
    return record->measure == command->measure &&
           record->level == command->place.given &&
           rf_text_equal(record->recipient, command->recipient) &&
           rf_text_equal(record->order_tag, command->order_tag);
}

/* Make the record that a first reservation starts. */
static rf_status start_record(rf_work *work, const rf_command *command,
                              rf_reservation *out, rf_error *err)
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
    };
    return copy == NULL ? rf_fail(err, RF_E_NO_MEMORY, "out of memory") : RF_OK;
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
    bool was_live = before->quantity > 0;
    bool is_live = after.quantity > 0;
    if (was_live != is_live) {
        rf_head head = {0};
        if (plan->head->as.head != NULL) {
            head = *plan->head->as.head;
        }
        if (!rf_head_count(&head, after.level, is_live ? 1 : -1)) {
            return rf_fail(err, RF_E_TOO_MANY_ITEMS,
                           "a product may hold reservations at no more than "
                           "%d levels",
                           RF_HEAD_LEVELS_MAX);
        }
        rf_status status =
            rf_workset_set_head(work->workset, plan->head, &head, err);
        if (status != RF_OK) {
            return status;
        }
    }
    return rf_workset_set_reservation(work->workset, plan->reservation, &after,
                                      err);
}

static rf_status enter_reservation(rf_work *work, const rf_command *command,
                                   rf_plan *plan, rf_result *result,
                                   rf_error *err)
{
    rf_reservation before = {0};
    rf_status status = RF_OK;
    if (!plan->reservation->present) {
        status = start_record(work, command, &before, err);
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
    result->quantity = command->quantity;
    rf_status status = RF_OK;
    if (command->check) {
        if (work->catalog->strict) {
            status = add_held_levels(work, command, plan, err);
        }
        if (status != RF_OK || rf_workset_is_waiting(work->workset)) {
            return status;
        }
        status = check_available(work, command, plan, result, err);
    }
    if (status == RF_OK && result->status == RF_OK) {
        status = enter_reservation(work, command, plan, result, err);
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
