/*
 * engine_rig.h - an engine over a store of its own, for the tests of it.
 *
 * Stock is described in short texts: places as "siteid=1, locationid=W,
 * ColorId=red", changes as "pos.inbound=5, pos.outbound=-2" in whole units.
 * Every text that a rig makes lives until its tear-down. Whatever goes wrong
 * in here fails the case; at tear-down every total is compared with the sum
 * of its leaves.
 */
#ifndef RINGFENCE_TESTS_UNIT_ENGINE_RIG_H
#define RINGFENCE_TESTS_UNIT_ENGINE_RIG_H

#include "core/engine.h"
#include "core/verify.h"
#include "tests/unit/draft_fixture.h"
#include "tests/unit/store_rig.h"

typedef struct engine_rig {
    store_rig *disk;
    draft_fixture *draft; /* of the next configuration */
    rf_engine *engine;
    rf_view view;
    rf_arena arena;
    rf_buffer scratch;
    int64_t now_ms;
    unsigned next_id;
    unsigned done_count;  /* jobs answered */
    rf_task *configuring; /* the last one handed over, done or not */
    bool is_damaged;      /* on purpose: tear-down does not verify */
} engine_rig;

#define RIG_ENVIRONMENT "shop"
#define RIG_ORGANIZATION "usmf"

/* For cmocka: `*state` is an engine_rig with the draft of a shop
 * (draft_shop), not configured yet, or configured already, also with what can
 * be allocated: what is on hand but for reservations and allocations. */
int engine_set_up(void **state);
int engine_set_up_shop(void **state);
int engine_set_up_pool(void **state);
int engine_tear_down(void **state);

/* Close engine and store and open both again; publish the draft. */
void engine_restart(engine_rig *rig);

/* The same, with no more steps of maintenance than publishing takes. */
void engine_reopen(engine_rig *rig);

/* Carry out the draft as the configuration of RIG_ENVIRONMENT, to the end. */
rf_status engine_try_configure(engine_rig *rig);
void engine_configure(engine_rig *rig);

/* Hand the draft over and leave the steps to the caller. The task says when it
 * is done by its `owner` becoming NULL. */
rf_task *engine_submit_configure(engine_rig *rig);

/* For tasks of a test's own: note that one is done in its `owner`. */
void engine_note_done(rf_task *task);

/* Do maintenance until there is none left. */
void engine_settle(engine_rig *rig);

/* Erase a partition by its id: to the end, or step by step as above. */
rf_status engine_erase(engine_rig *rig, const char *partition);
rf_task *engine_submit_erase(engine_rig *rig, const char *partition);

/* The published generation; borrowed until the next call. */
rf_generation *engine_generation(engine_rig *rig);
const rf_catalog *engine_catalog(engine_rig *rig);
rf_measure engine_measure(engine_rig *rig, const char *name);

/* Read a place, or a set of coordinates. */
rf_place engine_place(engine_rig *rig, const char *text);
rf_level engine_level(engine_rig *rig, const char *names);
rf_quantity engine_units(double units);

/* Make commands. Their ids are new ones unless the caller sets another. */
rf_command engine_post(engine_rig *rig, const char *product, const char *place,
                       const char *changes);
rf_command engine_reserve(engine_rig *rig, const char *product,
                          const char *place, double quantity, bool check);
rf_command engine_unreserve(engine_rig *rig, const char *product,
                            const char *place, const rf_result *reserved,
                            double quantity);

/* The same on allocations; a place then names groups, too ("channel=web"), and
 * what is consumed is a list of measures with signs ("pos.inbound=-1"). */
rf_command engine_allocation(engine_rig *rig, rf_operation operation,
                             const char *product, const char *place,
                             double quantity);
rf_command engine_reallocate(engine_rig *rig, const char *product,
                             const char *from, const char *to, double quantity);
rf_command engine_consume(engine_rig *rig, const char *product,
                          const char *place, double quantity,
                          const char *measures);

/* Make a job of commands, which are checked and copied. */
rf_job *engine_job(engine_rig *rig, const rf_command *commands, size_t count);

/* Run one job, or one command as a job of its own; the results live until
 * tear-down. */
rf_result *engine_run_job(engine_rig *rig, rf_job *job);
rf_result *engine_run(engine_rig *rig, const rf_command *command);

/* Run a command that must be carried out. */
rf_result *engine_do(engine_rig *rig, const rf_command *command);

/* Return a total as it is stored: of one measure, at the level with exactly
 * these coordinates. No such node counts as 0; no such level fails. */
rf_quantity engine_total(engine_rig *rig, const char *product,
                         const char *place, const char *level,
                         const char *measure);

/* The same at the level of the place's own coordinates, in whole units. */
void engine_expect(engine_rig *rig, const char *product, const char *place,
                   const char *measure, double units);

/* Compare every total with its leaves; return the number of differences. */
uint64_t engine_verify(engine_rig *rig, rf_verify_report *report);

#endif
