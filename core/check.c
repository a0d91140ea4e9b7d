/*
 * check.c - the levels of a check, and what they leave.
 */
#include "core/check.h"

#include "core/operation.h"

#include <string.h>

/* Make room for `more` levels. */
static rf_status make_room(rf_work *work, rf_check *check, size_t more,
                           rf_error *err)
{
    size_t capacity = check->count + more;
    if (capacity <= check->capacity) {
        return RF_OK;
    }
    rf_total *totals = rf_arena_alloc(rf_workset_arena(work->workset),
                                      capacity * sizeof *totals);
    if (totals == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    if (check->count > 0) {
        memcpy(totals, check->totals, check->count * sizeof *totals);
    }
    check->totals = totals;
    check->capacity = capacity;
    return RF_OK;
}

/* Add a level that is not finer than what is asked for. */
static rf_status add_level(rf_work *work, rf_check *check, rf_level level,
                           rf_error *err)
{
    if (!rf_level_covers(check->own, level)) {
        return RF_OK;
    }
    for (size_t i = 0; i < check->count; i++) {
        if (check->totals[i].level == level) {
            return RF_OK;
        }
    }
    rf_status status = rf_total_plan(work, check->posting, level,
                                     &check->totals[check->count], err);
    if (status == RF_OK) {
        check->count++;
    }
    return status;
}

/* Add the configured reservation levels above the own one, the finest
 * first. */
static rf_status add_prefixes(rf_work *work, rf_check *check, rf_error *err)
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
    rf_status status = RF_OK;
    while (count-- > 0 && status == RF_OK) {
        if (catalog->by_product ||
            rf_level_covers(prefixes[count], RF_LEVEL_PLACE)) {
            status = add_level(work, check, prefixes[count], err);
        }
    }
    return status;
}

rf_status rf_check_plan(rf_work *work, const rf_posting *posting, rf_check *out,
                        rf_error *err)
{
    *out = (rf_check){.posting = posting,
                      .own = posting->place->given & RF_LEVEL_LEAF};
    /* The own level, the empty one, and one for each configured dimension. */
    rf_status status = make_room(
        work, out, work->catalog->reservation_dimension_count + 2, err);
    if (status == RF_OK) {
        status = add_level(work, out, out->own, err);
    }
    if (status == RF_OK && work->catalog->strict) {
        status = add_prefixes(work, out, err);
    }
    return status;
}

rf_status rf_check_plan_held(rf_work *work, rf_check *check,
                             const rf_record *head, rf_error *err)
{
    const rf_head *held = head->as.head;
    if (held == NULL || !work->catalog->strict) {
        return RF_OK;
    }
    rf_status status = make_room(work, check, held->count, err);
    for (size_t i = 0; i < held->count && status == RF_OK; i++) {
        status = add_level(work, check, held->levels[i].level, err);
    }
    return status;
}

rf_status rf_check_value(rf_work *work, const rf_check *check,
                         const rf_calculated *formula, rf_result *result,
                         rf_error *err)
{
    for (size_t i = 0; i < check->count; i++) {
        rf_quantity value;
        rf_status status =
            rf_total_value(work, &check->totals[i], formula, &value, err);
        if (status != RF_OK) {
            return status;
        }
        if (i == 0 || value < result->binding_value) {
            result->binding_value = value;
            result->binding_level = check->totals[i].level;
        }
    }
    result->available = result->binding_value > 0 ? result->binding_value : 0;
    return RF_OK;
}

void rf_check_grant(const rf_ask *ask, rf_result *result)
{
    if (ask->quantity <= result->available) {
        result->quantity = ask->quantity;
        return;
    }
    bool enough = ask->allow_partial && result->available > 0 &&
                  result->available >= ask->minimum;
    if (enough) {
        result->quantity = result->available;
        result->partial = true;
        return;
    }
    char requested[RF_QUANTITY_TEXT_MAX];
    char available[RF_QUANTITY_TEXT_MAX];
    rf_quantity_print(ask->quantity, requested);
    rf_quantity_print(result->available, available);
    result->has_binding = true;
    rf_refuse(result, RF_E_INSUFFICIENT_AVAILABLE, "quantity",
              "requested %s, %s %s", requested, ask->available, available);
}

rf_record *rf_check_want_head(rf_work *work, const rf_key *product)
{
    rf_key key;
    rf_key_copy(&key, product);
    rf_key_head(&key);
    return rf_workset_want(work->workset, RF_TABLE_STOCK, RF_RECORD_HEAD, &key);
}

rf_status rf_check_count(rf_work *work, rf_record *head, rf_level level,
                         bool was_live, bool is_live, rf_error *err)
{
    if (was_live == is_live) {
        return RF_OK;
    }
    rf_head counted = {0};
    if (head->as.head != NULL) {
        counted = *head->as.head;
    }
    if (!rf_head_count(&counted, level, is_live ? 1 : -1)) {
        return rf_fail(err, RF_E_TOO_MANY_ITEMS,
                       "a product may hold reservations and allocations at no "
                       "more than %d levels",
                       RF_HEAD_LEVELS_MAX);
    }
    return rf_workset_set_head(work->workset, head, &counted, err);
}
