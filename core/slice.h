/*
 * slice.h - how long one read transaction may last, and where to go on.
 *
 * A snapshot that is kept open stops the store from using old pages again, and
 * a thread that reads does not answer anybody else. So whoever reads much
 * reads in slices: it counts the keys it looks at, stops when the slice is
 * used up, keeps the key to go on from, and begins a new transaction later.
 */
#ifndef RINGFENCE_CORE_SLICE_H
#define RINGFENCE_CORE_SLICE_H

#include "core/key.h"
#include "core/store.h"

#include <stdbool.h>

/* Whichever comes first ends a slice. */
#define RF_SLICE_KEYS 10000
#define RF_SLICE_MS 100

typedef struct rf_slice {
    size_t keys; /* looked at so far */
    int64_t started_ms;
    bool is_over;
} rf_slice;

void rf_slice_start(rf_slice *slice);

/* Count one key. Return false when the slice is over; it stays over. */
bool rf_slice_spend(rf_slice *slice);

/* Set `next` to the first key behind `key`, to go on from there. */
void rf_slice_behind(rf_key *next, rf_bytes key);

/* Records of the stock table: those whose keys start with `prefix`, from `next`
 * on when that is not empty. */
typedef struct rf_slice_range {
    const rf_key *prefix;
    const rf_key *next;
} rf_slice_range;

/* Visit the records of a range as the store's scan does. */
RF_MUST_CHECK rf_status rf_slice_scan(rf_store *store,
                                      rf_store_transaction *transaction,
                                      const rf_slice_range *range,
                                      rf_store_visit *visit, void *context,
                                      rf_error *err);

#endif
