/*
 * holds_fixture.h - holds on an engine rig, for the tests of them.
 *
 * Everything is about the product SHIRT; times are the rig's clock's.
 */
#ifndef RINGFENCE_TESTS_UNIT_HOLDS_FIXTURE_H
#define RINGFENCE_TESTS_UNIT_HOLDS_FIXTURE_H

#include "tests/unit/engine_rig.h"

/* Make the command of an unchecked hold, or the hold itself. */
rf_command holds_command(engine_rig *rig, const char *place, double quantity,
                         int64_t ttl_ms);
rf_result *holds_make(engine_rig *rig, const char *place, double quantity,
                      int64_t ttl_ms);

/* Try to give a part of a hold back. */
rf_result *holds_give_back(engine_rig *rig, const char *place,
                           const rf_result *held, double quantity);

void holds_post(engine_rig *rig, const char *place, const char *changes);

/* Run a job without commands: it asks for nothing but to end what has ended.
 * The other one moves the clock before. */
rf_status holds_sweep(engine_rig *rig);
void holds_sweep_at(engine_rig *rig, int64_t now_ms);

/* Count what the store knows to end. */
size_t holds_count_ends(engine_rig *rig);

/* The journal's last number. */
uint64_t holds_last_number(engine_rig *rig);

/* Say whether something is seen to have ended at a time. */
bool holds_is_past(engine_rig *rig, int64_t at_ms);

/* Pick one of `count` numbers from 0 on, the same ones for the same seed. */
unsigned holds_pick(uint64_t *seed, unsigned count);

#endif
