/*
 * pool_measures.h - the measures that allocations change, by their numbers.
 *
 * Four of them are the service's own physical measures, which queries show.
 * They are kept for every allocation record and, as totals of all records, at
 * every level without groups. The fifth says how much a record got from other
 * records; only levels with groups have it, and it has a number but no place
 * among a configuration's measures.
 */
#ifndef RINGFENCE_CORE_POOL_MEASURES_H
#define RINGFENCE_CORE_POOL_MEASURES_H

#include "core/measures.h"
#include "core/registry.h"

/* The full name of the fifth. */
#define RF_REALLOCATED "@iv.@reallocated"

typedef struct rf_pool_measures {
    rf_measure allocated;
    rf_measure consumed;
    rf_measure cumulative_allocated; /* by allocating */
    rf_measure cumulative_consumed;
    rf_measure reallocated; /* by moving: cumulative, too */
} rf_pool_measures;

/* Find the numbers; false: no configuration has been made with them yet. */
bool rf_pool_measures_find(const rf_registry *registry, rf_pool_measures *out);

/* Say whether a measure is one of the four that are kept without groups, too.
 */
bool rf_pool_measures_are_totalled(const rf_pool_measures *measures,
                                   rf_measure measure);

#endif
