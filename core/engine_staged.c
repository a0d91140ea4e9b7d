/*
 * engine_staged.c - posting adjustments that waited for their time.
 *
 * Each is posted once: what is staged goes in the transaction that holds the
 * change and its journal entry, which names the one it was staged by. An
 * adjustment that has no room in a total is refused there, so that it does not
 * keep others waiting, and one whose partition was erased since is dropped.
 */
#include "core/engine_internal.h"

rf_status rf_engine__want_staged(rf_engine *engine, rf_due_item *item,
                                 rf_error *err)
{
    bool hashed;
    item->plan.due = rf_work_due(&engine->work, &item->parts);
    if (item->plan.due == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_status status = rf_coordinates_read(item->staged.coordinates,
                                           &item->place, &hashed, err);
    return status == RF_OK
               ? rf_posting_plan(&engine->work, item->parts.organization,
                                 item->parts.product, &item->place,
                                 &item->plan.posting, err)
               : status;
}

/* The rule by which the partition was told then may be another one now, which
 * takes that all of them had been erased. */
static bool is_erased(const rf_environment *environment,
                      const rf_due_item *item)
{
    const rf_due_parts *parts = &item->parts;
    for (int by_product = 0; by_product < 2; by_product++) {
        uint64_t partition = rf_partition_hash(
            by_product == 1, parts->organization, parts->product, &item->place);
        if (rf_environment_erased_at(environment, partition) >=
            parts->reservation) {
            return true;
        }
    }
    return false;
}

static rf_status journal(rf_engine *engine, rf_environment *environment,
                         const rf_due_item *item, const rf_result *result,
                         rf_error *err)
{
    rf_entry entry = {
        .number = environment->last_number + 1,
        .at_ms = engine->work.now_ms,
        .operation = RF_OPERATION_ADJUST,
        .actor = rf_text_of("system"),
        .id = item->staged.id,
        .organization = item->parts.organization,
        .product = item->parts.product,
        .coordinates = item->staged.coordinates,
        .movements = engine->work.movements,
        .movement_count = engine->work.movement_count,
        .code = rf_text_of(rf_status_word(result->status)),
        .result = *result,
        .adjusted = {.staged = item->parts.reservation,
                     .measure = item->staged.measure,
                     .reference = item->staged.reference},
    };
    return rf_engine__append(engine, environment, &entry, err);
}

/* Post, or say in the result why not. */
static rf_status post(rf_engine *engine, rf_due_item *item, rf_result *result,
                      rf_error *err)
{
    rf_work *work = &engine->work;
    rf_error refusal = {0};
    size_t mark = rf_workset_mark(engine->workset);
    rf_status status =
        rf_posting_apply(work, &item->plan.posting, item->staged.measure,
                         item->staged.quantity, &refusal);
    if (status == RF_OK) {
        rf_posting_note_totals(work, &item->plan.posting);
        return RF_OK;
    }
    if (status != RF_E_QUANTITY_OVERFLOW) {
        return rf_fail(err, status, "%s", refusal.message);
    }
    rf_workset_undo(engine->workset, mark);
    return rf_refuse(result, status, "quantity", "%s", refusal.message);
}

rf_status rf_engine__post_staged(rf_engine *engine, rf_environment *environment,
                                 rf_due_item *item, rf_error *err)
{
    rf_result result = {.quantity = item->staged.quantity};
    rf_engine__begin_work(engine, environment);
    rf_status status =
        rf_workset_set_present(engine->workset, item->plan.due, false, err);
    if (status != RF_OK || is_erased(environment, item)) {
        return status;
    }
    status = post(engine, item, &result, err);
    return status == RF_OK ? journal(engine, environment, item, &result, err)
                           : status;
}
