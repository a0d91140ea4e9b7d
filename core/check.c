/*
 * check.c - the levels of a check, and what they leave.
 */
#include "core/check.h"

#include "core/check_levels.h"
#include "core/operation.h"

#include <string.h>

/* Plan the totals of those levels that are not planned yet: what a head adds
 * stands behind what there is without it. */
static rf_status plan_levels(rf_work *work, rf_check *check,
                             const rf_head *head, rf_error *err)
{
    rf_level levels[RF_CHECK_LEVELS_MAX];
    size_t count = rf_check_levels(work->catalog, check->own, head, levels);
    if (count > RF_CHECK_LEVELS_MAX) {
        return rf_fail(err, RF_E_TOO_MANY_ITEMS,
                       "the product holds something at so many levels that "
                       "more than %d would have to be checked",
                       RF_CHECK_LEVELS_MAX);
    }
    if (count == check->count) {
        return RF_OK;
    }
    rf_total *totals =
        rf_arena_alloc(rf_workset_arena(work->workset), count * sizeof *totals);
    if (totals == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    if (check->count > 0) {
        memcpy(totals, check->totals, check->count * sizeof *totals);
    }
    check->totals = totals;
    rf_status status = RF_OK;
    while (check->count < count && status == RF_OK) {
        status = rf_total_plan(work, check->posting, levels[check->count],
                               &totals[check->count], err);
        check->count += status == RF_OK ? 1 : 0;
    }
    return status;
}

rf_status rf_check_plan(rf_work *work, const rf_posting *posting, rf_check *out,
                        rf_error *err)
{
    *out = (rf_check){.posting = posting,
                      .own = posting->place->given & RF_LEVEL_LEAF};
    return plan_levels(work, out, NULL, err);
}

rf_status rf_check_plan_held(rf_work *work, rf_check *check,
                             const rf_record *head, rf_error *err)
{
    return plan_levels(work, check, head->as.head, err);
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
        if (!is_live) {
            return rf_fail(err, RF_E_STORAGE, "a product's head is damaged");
        }
        return rf_fail(err, RF_E_TOO_MANY_ITEMS,
                       "a product may hold reservations and allocations at no "
                       "more than %d levels",
                       RF_HEAD_LEVELS_MAX);
    }
    return rf_workset_set_head(work->workset, head, &counted, err);
}
