/*
 * level_scan.c - jumping from product to product.
 */
#include "core/level_scan.h"

#include "core/slice.h"

#include <string.h>

typedef struct walk {
    rf_level_scan *scan;
    rf_level_scan_visit *visit;
    void *context;
    size_t left;
    rf_status status;
    rf_error *err;
    bool jumps; /* the records at hand are not of the level */
    rf_key next;
} walk;

/* Aim at this product's nodes of the level, or, when those lie behind, at the
 * next product. */
static void jump(walk *walked, const rf_key_parts *parts)
{
    rf_key_product(&walked->next, parts->environment, parts->organization,
                   parts->product);
    bool is_before = parts->kind < RF_KEY_NODE ||
                     (parts->kind == RF_KEY_NODE &&
                      parts->level_number < walked->scan->level_number);
    if (is_before) {
        rf_key_level(&walked->next, walked->scan->level_number);
    } else {
        walked->next.bytes[walked->next.length++] = RF_KEY_END;
    }
    walked->jumps = true;
}

static bool visit_record(void *context, rf_bytes key, rf_bytes value)
{
    walk *walked = context;
    rf_key_parts parts;
    walked->status = rf_key_read(key, &parts, walked->err);
    if (walked->status != RF_OK) {
        return false;
    }
    bool jumps = parts.kind != RF_KEY_NODE ||
                 parts.level_number != walked->scan->level_number;
    if (jumps) {
        jump(walked, &parts);
    } else {
        walked->status =
            walked->visit(walked->context, key, &parts, value, walked->err);
    }
    if (walked->status != RF_OK) {
        return false;
    }
    walked->scan->cursor.length = (uint16_t)key.length;
    memcpy(walked->scan->cursor.bytes, key.bytes, key.length);
    return --walked->left > 0 && !jumps;
}

rf_status rf_level_scan_run(rf_store *store, rf_store_transaction *transaction,
                            rf_level_scan *scan, rf_level_scan_visit *visit,
                            void *context, rf_error *err)
{
    walk walked = {.scan = scan,
                   .visit = visit,
                   .context = context,
                   .left = scan->limit,
                   .err = err};
    rf_key to;
    rf_key_environment(&to, scan->environment);
    walked.next = to;
    if (scan->cursor.length > 0) {
        rf_slice_behind(&walked.next, rf_key_bytes(&scan->cursor));
    }
    bool bounded = rf_key_after_prefix(&to);
    do {
        rf_key from = walked.next;
        walked.jumps = false;
        rf_status status = store->operations->scan(
            transaction,
            &(rf_store_range){RF_TABLE_STOCK, rf_key_bytes(&from),
                              bounded ? rf_key_bytes(&to)
                                      : (rf_bytes){NULL, 0}},
            visit_record, &walked, err);
        if (status != RF_OK || walked.status != RF_OK) {
            return status != RF_OK ? status : walked.status;
        }
    } while (walked.jumps && walked.left > 0);
    scan->ended = walked.left > 0;
    return RF_OK;
}
