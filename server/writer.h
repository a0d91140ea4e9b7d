/*
 * writer.h - the one thread that changes the store, and its queue.
 *
 * I/O threads hand jobs and tasks over; the writer takes all that is waiting,
 * runs it as one batch (core/engine.h), and begins again when that is durable.
 * There is no timer: while a commit is under way the next batch gathers.
 * Between batches it does the engine's maintenance; a hold that ends wakes it.
 */
#ifndef RINGFENCE_SERVER_WRITER_H
#define RINGFENCE_SERVER_WRITER_H

#include "core/engine.h"

typedef struct rf_writer rf_writer;

typedef struct rf_writer_options {
    rf_engine *engine;   /* used by the writer's thread from start to stop */
    size_t commands_max; /* waiting at the same time; beyond: overloaded */
    void *observer;      /* passed to the callbacks, which may be NULL */
    /* A batch was carried out: how many commands, and how long it took from
     * the start of its execution to its end. On the writer's thread. */
    void (*batch_done)(void *observer, size_t commands, double seconds);
    /* Something may have become durable; nobody has been told yet. Called at
     * least once for everything that has, on the writer's thread. */
    void (*settled)(void *observer);
    /* Something to tell the log; the writer goes on. */
    void (*warn)(void *observer, const char *text);
    /* The store cannot be trusted to have kept or dropped the last batch: its
     * jobs have been answered, and the process must end. */
    void (*failed)(void *observer, const char *text);
} rf_writer_options;

RF_MUST_CHECK rf_status rf_writer_create(const rf_writer_options *options,
                                         rf_writer **out, rf_error *err);

/* Start the thread. Until then submitted jobs wait. */
RF_MUST_CHECK rf_status rf_writer_start(rf_writer *writer, rf_error *err);

/* Take nothing new, finish what was accepted, join the thread. */
void rf_writer_stop(rf_writer *writer);

void rf_writer_free(rf_writer *writer);

/* Queue a job from any thread; its `done` will be called on the writer's.
 * RF_E_OVERLOADED: too many commands are waiting. RF_E_STOPPING: the server is
 * about to end. The job is then not queued. */
RF_MUST_CHECK rf_status rf_writer_submit(rf_writer *writer, rf_job *job,
                                         rf_error *err);

/* The same for a piece of administration. */
RF_MUST_CHECK rf_status rf_writer_submit_task(rf_writer *writer, rf_task *task,
                                              rf_error *err);

/* Commands waiting now. Any thread. */
size_t rf_writer_queue_depth(const rf_writer *writer);

/* Copy the figures of one environment by index, as of the last batch; false:
 * no such index. Any thread. */
bool rf_writer_environment_figures(rf_writer *writer, size_t index,
                                   rf_environment_figures *out);

/* Turns the writer has taken: it takes one a second even with nothing to do,
 * so a number that stands still means that it hangs. Any thread. */
unsigned long rf_writer_turns(const rf_writer *writer);

/* Say whether the last write transaction could be made: false while the disk
 * or the map is full. Any thread. */
bool rf_writer_is_writable(const rf_writer *writer);

#endif
