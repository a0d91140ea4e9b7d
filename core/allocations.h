/*
 * allocations.h - reading what is allocated to groups.
 *
 * A record is there from the first allocation on, whatever is left in it. The
 * records of one place are read in slices, those of an environment page by
 * page; what all records below some groups come to is one node.
 */
#ifndef RINGFENCE_CORE_ALLOCATIONS_H
#define RINGFENCE_CORE_ALLOCATIONS_H

#include "core/generation.h"
#include "core/key.h"
#include "core/store.h"

/* One record, or what several come to. Borrowed until the visit returns. */
typedef struct rf_allocation {
    rf_text organization;
    rf_text product;
    const rf_place *place; /* dimensions and groups */
    rf_quantity allocated;
    rf_quantity consumed;
    rf_quantity cumulative_allocated; /* given to it by whatever command */
    rf_quantity cumulative_consumed;
} rf_allocation;

/* A status other than RF_OK ends the reading and is returned from it. */
typedef rf_status rf_allocation_visit(void *context,
                                      const rf_allocation *allocation,
                                      rf_error *err);

/* Where to read; all of it is borrowed. */
typedef struct rf_allocation_query {
    rf_text organization;
    rf_text product;
    const rf_place *place; /* exactly these dimensions; without groups: all */
    bool prefix;           /* groups below the given ones, too */
} rf_allocation_query;

/* What is to be read, and how far that has got. */
typedef struct rf_allocation_listing {
    const rf_generation *generation; /* borrowed; the same one to the end */
    size_t limit;                    /* one call visits no more */
    rf_allocation_visit *visit;
    void *context;
    rf_key next;    /* where to go on; empty: begin */
    bool in_hashed; /* of one place: among the keys whose tail is hashed */
} rf_allocation_listing;

/* Visit the records of one place, in the order of their keys: group by group
 * in the order of their numbers, a shorter value before a longer one; records
 * with very long coordinates come behind the others. One call is one slice and
 * may visit fewer than `limit`, even none; `*end` says that there are no
 * more. */
RF_MUST_CHECK rf_status rf_allocations_read(rf_store *store,
                                            rf_allocation_listing *listing,
                                            const rf_allocation_query *query,
                                            bool *end, rf_error *err);

/* Visit all records of the environment, product by product. One call is one
 * bounded step and may visit fewer than `limit`, even none. */
RF_MUST_CHECK rf_status rf_allocations_list(rf_store *store,
                                            rf_allocation_listing *listing,
                                            bool *end, rf_error *err);

/* Return what the records at and below the groups of the query's place come
 * to; without groups what the stock says of all records there, which does not
 * count what was moved between them as allocated once more. */
RF_MUST_CHECK rf_status rf_allocations_total(rf_store *store,
                                             const rf_generation *generation,
                                             const rf_allocation_query *query,
                                             rf_allocation *out, rf_error *err);

#endif
