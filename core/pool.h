/*
 * pool.h - what has been allocated to one set of groups at one place.
 *
 * An allocation record is a node at the leaf level joined with all configured
 * groups; groups below the given ones are absent from it. Levels of fewer
 * groups hold what the records below them come to. All of these are changed
 * together here; the totals at levels without groups are the stock's, and are
 * posted like any other change (work.h).
 */
#ifndef RINGFENCE_CORE_POOL_H
#define RINGFENCE_CORE_POOL_H

#include "core/work.h"

typedef struct rf_pool {
    rf_level dimensions; /* those of its place */
    rf_record **nodes;   /* the record itself first; in the workset's arena */
    size_t count;        /* 0: the configuration has no groups */
} rf_pool;

/* Want the record of a place with groups, and all totals it counts in. */
RF_MUST_CHECK rf_status rf_pool_plan(rf_work *work, rf_text organization,
                                     rf_text product, const rf_place *place,
                                     rf_pool *out, rf_error *err);

/* Return what is allocated now. */
rf_quantity rf_pool_allocated(const rf_work *work, const rf_pool *pool);

/* Add to a measure of the record and of its totals. */
RF_MUST_CHECK rf_status rf_pool_add(rf_work *work, const rf_pool *pool,
                                    rf_measure measure, rf_quantity delta,
                                    rf_error *err);

/* Change what is allocated, and count the record in the product's head while
 * that is above zero. */
RF_MUST_CHECK rf_status rf_pool_allocate(rf_work *work, const rf_pool *pool,
                                         rf_record *head, rf_quantity delta,
                                         rf_error *err);

#endif
