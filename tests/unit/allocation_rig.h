/*
 * allocation_rig.h - reading allocation records, for the tests of them.
 *
 * All of it is about the product ALLOCATION_PRODUCT. Places are texts as the
 * engine's rig reads them, with or without groups.
 */
#ifndef RINGFENCE_TESTS_UNIT_ALLOCATION_RIG_H
#define RINGFENCE_TESTS_UNIT_ALLOCATION_RIG_H

#include "core/allocations.h"
#include "tests/unit/engine_rig.h"

#define ALLOCATION_PRODUCT "BIKE"

/* What a reading found. */
typedef struct allocation_found {
    size_t count;
    rf_allocation last; /* without its texts and its place */
    rf_level given;     /* the coordinates of its place */
} allocation_found;

/* A visit that counts in an allocation_found. */
rf_status allocation_note(void *context, const rf_allocation *allocation,
                          rf_error *err);

/* Read the records of a place, so many at a time. */
allocation_found allocation_read(engine_rig *rig, const char *place,
                                 bool prefix, size_t limit);

/* Expect exactly one record, with these numbers in whole units. */
void allocation_expect(engine_rig *rig, const char *place, double allocated,
                       double cumulative, double consumed);

/* Return what is allocated at and below some groups, in whole units. */
double allocation_total(engine_rig *rig, const char *place);

#endif
