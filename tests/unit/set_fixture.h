/*
 * set_fixture.h - counts on an engine rig, for the tests of them.
 *
 * Everything is about the product SHIRT unless it says otherwise; times are
 * seconds behind SET_EPOCH, 0 for "now".
 */
#ifndef RINGFENCE_TESTS_UNIT_SET_FIXTURE_H
#define RINGFENCE_TESTS_UNIT_SET_FIXTURE_H

#include "tests/unit/engine_rig.h"

#define SET_EPOCH INT64_C(1600000000000)

/* Make a count: what measures of a place were at a time. */
rf_command set_command(engine_rig *rig, const char *place, const char *values,
                       int seconds);

/* Carry one out: it must change something, or be stale. */
rf_result *set_do(engine_rig *rig, const char *place, const char *values,
                  int seconds);
rf_result *set_stale(engine_rig *rig, const char *place, const char *values,
                     int seconds);

/* Post changes. */
void set_post(engine_rig *rig, const char *place, const char *changes);

/* Return what exactly this row has of a measure; false: it has none. */
bool set_row(engine_rig *rig, const char *place, const char *measure,
             rf_quantity *out);

/* Count the records that say when rows were set, of all products. */
size_t set_count_records(engine_rig *rig);

#endif
