/*
 * engine.h - the single writer's work, batch by batch.
 *
 * Everything that changes the store goes through one engine, used by one
 * thread. A batch is all that was waiting: each command in it is atomic by
 * itself and sees the ones before it; all of them are saved in one
 * transaction, and a job's `done` is called only when that is durable.
 *
 * Between batches the engine does its maintenance in small steps: building and
 * removing levels, publishing generations, erasing partitions, carrying on with
 * jobs (job_record.h), forgetting old ids and old journal entries.
 */
#ifndef RINGFENCE_CORE_ENGINE_H
#define RINGFENCE_CORE_ENGINE_H

#include "core/clock.h"
#include "core/codec.h"
#include "core/command.h"
#include "core/job_record.h"
#include "core/registry.h"
#include "core/store.h"
#include "core/world.h"

typedef struct rf_engine rf_engine;

typedef struct rf_engine_options {
    rf_store *store; /* borrowed until the engine is freed */
    rf_clock clock;
    uint64_t ids_max;                /* remembered per environment */
    unsigned journal_retention_days; /* at least the ids' retention */
    uint64_t journal_bytes_max;      /* per environment, 0 for no limit */
    unsigned thread;                 /* the writer's number for formulas */
} rf_engine_options;

/* One piece of administration, done in steps between batches. The texts are
 * borrowed until `done` is called on the writer's thread. */
typedef enum {
    RF_TASK_CONFIGURE,
    RF_TASK_ERASE,
    RF_TASK_OPEN_JOB /* does not wait for the others */
} rf_task_kind;

typedef struct rf_task rf_task;

struct rf_task {
    rf_task *next;
    rf_task_kind kind;
    rf_text environment; /* id; a configuration may bring a new one */
    rf_text actor;
    unsigned char request_id[16];
    bool silent;  /* leave no journal entry: a start is no event */
    bool dry_run; /* configure: check, as far as data decide, and do nothing */
    bool needs_empty; /* configure: refuse while there is stock, whatever the
                         catalog changes */

    /* Configure. The catalog was built from a copy of the environment's
     * registry (rf_engine_registry, or the published generation's), which holds
     * the new numbers. Both, and the catalog's host, are the engine's when the
     * task has succeeded, and NULL here then. */
    rf_catalog *catalog;
    rf_registry *registry;
    rf_text document;
    rf_fingerprint content; /* of the document and of all plugins' sources */
    /* Called when all is ready, before the generation is published, with its
     * number in `generation`: put it where the next start finds it. May be
     * NULL. */
    rf_status (*persist)(rf_task *task, rf_error *err);

    /* Erase. */
    const rf_text *partitions; /* ids as rf_partition_print makes them */
    size_t partition_count;

    /* Open a job: `content` tells whether one of the same id, which is answered
     * as if it was new, is meant. */
    rf_job_id job;
    rf_bytes parameters;

    /* Out. */
    rf_status status;
    rf_error error;
    uint64_t generation;

    void (*done)(rf_task *task);
    void *owner;
};

/* What may be said of one environment from any thread. */
typedef struct rf_environment_figures {
    char id[RF_ENVIRONMENT_ID_MAX + 1];
    uint64_t generation;
    uint64_t journal_last;
    uint64_t ids;         /* remembered */
    int64_t ids_since_ms; /* when the oldest of them was made, 0: none */
} rf_environment_figures;

/* Make an engine over an open store and read what it keeps: environments,
 * their numbers, the ids of their journals. Nothing is published yet. */
RF_MUST_CHECK rf_status rf_engine_create(const rf_engine_options *options,
                                         rf_engine **out, rf_error *err);
void rf_engine_free(rf_engine *engine);

/* Have `settled` called on the writer's thread whenever something has become
 * durable, before whoever asked for it is told. */
void rf_engine_observe(rf_engine *engine, void (*settled)(void *self),
                       void *self);

/* Copy the numbers an environment's names have, none when it is new. Only
 * before the writer's thread is started: later, ask its generation. */
RF_MUST_CHECK rf_status rf_engine_registry(rf_engine *engine,
                                           rf_text environment,
                                           rf_registry **out, rf_error *err);

/* Where readers find the published generations. */
rf_globe *rf_engine_globe(rf_engine *engine);

/* Carry out a list of jobs, oldest first, as one batch, and call their `done`.
 * What is due is done first, such as ending holds; a job without commands asks
 * for nothing else. Where that fails for what is stored of one environment, the
 * jobs of that one fail.
 * Every job is answered whatever is returned; refused commands are no failure.
 * RF_E_STORAGE_FULL and the like: nothing was changed, the results say so.
 * RF_E_OUTCOME_UNKNOWN: so do the results, and the process must end. */
RF_MUST_CHECK rf_status rf_engine_run(rf_engine *engine, rf_job *jobs,
                                      rf_error *err);

/* Answer a list of jobs with one failure instead of running them. */
void rf_jobs_fail(rf_job *jobs, rf_status status, const rf_error *error);

/* Hand over a piece of administration; `done` is called by a later step. For a
 * job that is when it is durable, not when it has come to its end.
 * RF_E_OVERLOADED: too many jobs are waiting. RF_E_CONFLICT: there is one of
 * this id with other content. */
void rf_engine_submit(rf_engine *engine, rf_task *task);

/* Do one bounded step of maintenance. `*more` tells whether there is more to
 * do at once. Fails like rf_engine_run. */
RF_MUST_CHECK rf_status rf_engine_step(rf_engine *engine, bool *more,
                                       rf_error *err);

/* Copy the figures of one environment by index; false: no such index. */
bool rf_engine_environment_figures(rf_engine *engine, size_t index,
                                   rf_environment_figures *out);

#define RF_PARTITION_TEXT_MAX 1024

/* Print a partition's id, and read it back (into `place` for a partition by
 * location, `product` for one by product; texts are borrowed from `scratch`).
 * false: not a partition id. */
size_t rf_partition_print(bool by_product, rf_text organization,
                          rf_text product, rf_text site, rf_text location,
                          char text[RF_PARTITION_TEXT_MAX]);
bool rf_partition_parse(bool by_product, rf_text id,
                        char scratch[RF_PARTITION_TEXT_MAX],
                        rf_text *organization, rf_text *product,
                        rf_place *place);

#endif
