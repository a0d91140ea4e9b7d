/*
 * level_scan.h - walking all nodes of one level, in bounded stretches.
 *
 * The nodes of a level lie scattered over the products; the scan jumps from
 * product to product and remembers where it stopped, so that it can go on in
 * another transaction, or after a restart. A jump counts as much as a node: a
 * stretch is short also where few products have nodes of the level.
 */
#ifndef RINGFENCE_CORE_LEVEL_SCAN_H
#define RINGFENCE_CORE_LEVEL_SCAN_H

#include "core/key.h"
#include "core/store.h"

typedef struct rf_level_scan {
    uint16_t environment;
    uint8_t level_number;
    size_t limit;  /* nodes and jumps of one stretch */
    rf_key cursor; /* everything up to this key was looked at; empty: begin at
                      the beginning */
    bool ended;    /* out: there are no more */
} rf_level_scan;

/* Called for each node, in key order. A status other than RF_OK ends the scan
 * and is returned from it. */
typedef rf_status rf_level_scan_visit(void *context, rf_bytes key,
                                      const rf_key_parts *parts, rf_bytes value,
                                      rf_error *err);

/* Visit the next stretch of nodes behind the cursor, and move it. */
RF_MUST_CHECK rf_status rf_level_scan_run(rf_store *store,
                                          rf_store_transaction *transaction,
                                          rf_level_scan *scan,
                                          rf_level_scan_visit *visit,
                                          void *context, rf_error *err);

#endif
