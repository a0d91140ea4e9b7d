/*
 * history.h - the journal of a product, a place, a measure, a time.
 *
 * The journal lies in the order of its numbers, and nothing else leads to an
 * entry: a second order would cost every command a scattered page in its
 * commit. So a history goes through the journal entry by entry, which costs a
 * look at organization and product for those it does not want. It does so in
 * slices, and whoever asks decides how many of them to spend.
 */
#ifndef RINGFENCE_CORE_HISTORY_H
#define RINGFENCE_CORE_HISTORY_H

#include "core/journal.h"

/* Which entries; all texts and arrays are borrowed. */
typedef struct rf_history_filter {
    uint16_t environment;
    rf_text organization;  /* empty: any */
    rf_text product;       /* likewise */
    const rf_place *place; /* what is given there must be equal */
    bool has_span;         /* it must have been made then: */
    int64_t from_ms;       /* from here on, since 1970 */
    int64_t end_ms;        /* and before */
    uint64_t last;         /* no later number; 0: any */
    bool has_succeeded;    /* only what was carried out */
    bool has_measures;     /* it must have moved one of these */
    const rf_measure *measures;
    size_t measure_count;
} rf_history_filter;

typedef struct rf_history {
    const rf_history_filter *filter;
    uint64_t after; /* entries up to here have been looked at or do not count */
    uint64_t looks; /* in, out: how many more entries may be looked at */
    uint64_t last;  /* out: last number of the journal */
    bool ended;     /* out: there are no more entries */
} rf_history;

/* Visit the entries of the next slice. A visit that returns false ends it: the
 * entry is not looked at and will come first the next time. */
RF_MUST_CHECK rf_status rf_history_read(rf_store *store, rf_history *history,
                                        rf_entry_visit *visit, void *context,
                                        rf_error *err);

#endif
