/*
 * writer.c - taking everything that waits, one batch after the other.
 */
#include "server/writer.h"

#include "core/alloc.h"
#include "server/slice.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

/* Commands of one batch: enough to share a commit between all that can be in
 * flight, few enough to keep a transaction's dirty pages in the thousands. */
#define BATCH_COMMANDS_MAX ((size_t)1024)

/* How often maintenance looks for something to do when nothing happens, and
 * how soon a turn that failed is tried again. The wall clock may be set while
 * the writer sleeps: it never sleeps longer. */
#define IDLE_MS 1000

/* What is due after a turn has just become so, or cannot be done: neither is a
 * reason to turn without a rest. */
#define LATE_MS 10

struct rf_writer {
    rf_writer_options options;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* around everything down to `stopping` */
    pthread_cond_t filled;
    rf_job *first;
    rf_job **end;
    rf_task *tasks;
    bool waiting; /* the writer sleeps until something comes */
    bool stopping;
    atomic_size_t depth; /* commands in the list */
    atomic_bool writable;
    atomic_ulong turns;
    rf_view view;          /* of what is published; the writer's own */
    size_t batch_commands; /* of the batch under way; the writer's own */
    struct timespec batch_start;
    pthread_mutex_t figures_lock;
    rf_environment_figures *figures;
    size_t figure_count;
};

static rf_status init_locks(rf_writer *writer)
{
    pthread_condattr_t attributes;
    bool made = pthread_condattr_init(&attributes) == 0 &&
                pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&writer->filled, &attributes) == 0 &&
                pthread_mutex_init(&writer->lock, NULL) == 0 &&
                pthread_mutex_init(&writer->figures_lock, NULL) == 0;
    pthread_condattr_destroy(&attributes);
    return made ? RF_OK : RF_E_NO_MEMORY;
}

rf_status rf_writer_create(const rf_writer_options *options, rf_writer **out,
                           rf_error *err)
{
    rf_writer *writer = rf_calloc(1, sizeof *writer);
    if (writer == NULL || init_locks(writer) != RF_OK) {
        rf_free(writer);
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    writer->options = *options;
    writer->end = &writer->first;
    atomic_init(&writer->depth, 0);
    atomic_init(&writer->writable, true);
    *out = writer;
    return RF_OK;
}

void rf_writer_free(rf_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    rf_writer_stop(writer);
    pthread_cond_destroy(&writer->filled);
    pthread_mutex_destroy(&writer->lock);
    pthread_mutex_destroy(&writer->figures_lock);
    rf_free(writer->figures);
    rf_free(writer);
}

static int64_t wall_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Say how long there is nothing to do unless something comes: no longer than
 * until the next hold ends. */
static int64_t find_rest_ms(rf_writer *writer)
{
    const rf_world *world =
        rf_view_world(&writer->view, rf_engine_globe(writer->options.engine));
    int64_t now_ms = wall_clock_ms();
    int64_t rest_ms = IDLE_MS;
    for (size_t i = 0; i < world->count; i++) {
        int64_t next_ms = rf_due_next(world->generations[i]->due);
        if (next_ms <= now_ms) {
            return LATE_MS;
        }
        if (next_ms - now_ms < rest_ms) {
            rest_ms = next_ms - now_ms;
        }
    }
    return rest_ms;
}

/* Sleep until something comes, but no longer than that. */
static void wait_for_work(rf_writer *writer, int64_t rest_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += rest_ms % 1000 * 1000000;
    until.tv_sec += rest_ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    writer->waiting = true;
    int timed_out = 0;
    while (writer->first == NULL && writer->tasks == NULL &&
           !writer->stopping && timed_out == 0) {
        timed_out =
            pthread_cond_timedwait(&writer->filled, &writer->lock, &until);
    }
    writer->waiting = false;
}

/* Cut the list after the job that fills the batch. Returns its commands. */
static size_t take_jobs(rf_writer *writer, rf_job **jobs)
{
    size_t commands = 0;
    rf_job **at = &writer->first;
    *jobs = writer->first;
    while (*at != NULL && commands < BATCH_COMMANDS_MAX) {
        commands += (*at)->count;
        at = &(*at)->next;
    }
    writer->first = *at;
    if (writer->first == NULL) {
        writer->end = &writer->first;
    }
    *at = NULL;
    return commands;
}

/* Take the next batch, and the tasks that have come. Returns false when there
 * is nothing left to do and no more will come. */
static bool take_work(rf_writer *writer, int64_t rest_ms, rf_job **jobs,
                      size_t *commands, rf_task **tasks)
{
    pthread_mutex_lock(&writer->lock);
    if (rest_ms > 0) {
        wait_for_work(writer, rest_ms);
    }
    *commands = take_jobs(writer, jobs);
    *tasks = writer->tasks;
    writer->tasks = NULL;
    bool over = writer->stopping && *jobs == NULL && *tasks == NULL;
    pthread_mutex_unlock(&writer->lock);
    atomic_fetch_sub_explicit(&writer->depth, *commands, memory_order_relaxed);
    return !over;
}

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) +
           (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

/* Copy what other threads may ask for. */
static void publish_figures(rf_writer *writer)
{
    rf_environment_figures figures;
    size_t count = 0;
    pthread_mutex_lock(&writer->figures_lock);
    while (rf_engine_environment_figures(writer->options.engine, count,
                                         &figures)) {
        if (count == writer->figure_count) {
            rf_environment_figures *more =
                rf_realloc(writer->figures, count + 1, sizeof *writer->figures);
            if (more == NULL) {
                break;
            }
            writer->figures = more;
            writer->figure_count++;
        }
        writer->figures[count++] = figures;
    }
    pthread_mutex_unlock(&writer->figures_lock);
}

/* What has become durable is counted before anybody is told of it, so that
 * whoever has a reply finds it in the figures. */
static void note_settled(void *self)
{
    rf_writer *writer = self;
    const rf_writer_options *options = &writer->options;
    if (writer->batch_commands > 0 && options->batch_done != NULL) {
        options->batch_done(options->observer, writer->batch_commands,
                            seconds_since(&writer->batch_start));
    }
    writer->batch_commands = 0;
    publish_figures(writer);
    if (options->settled != NULL) {
        options->settled(options->observer);
    }
}

/* What is only tried is no command of a batch. */
static size_t count_commands(const rf_job *jobs)
{
    size_t commands = 0;
    for (; jobs != NULL; jobs = jobs->next) {
        commands += jobs->dry_run ? 0 : jobs->count;
    }
    return commands;
}

static rf_status run_batch(rf_writer *writer, rf_job *jobs, rf_error *err)
{
    writer->batch_commands = count_commands(jobs);
    clock_gettime(CLOCK_MONOTONIC, &writer->batch_start);
    return rf_engine_run(writer->options.engine, jobs, err);
}

/* One turn: a batch, new tasks, one step of maintenance. */
static rf_status take_turn(rf_writer *writer, rf_job *jobs, rf_task *tasks,
                           bool *more, rf_error *err)
{
    rf_status status = RF_OK;
    if (jobs != NULL) {
        status = run_batch(writer, jobs, err);
    }
    while (tasks != NULL) {
        rf_task *next = tasks->next;
        rf_engine_submit(writer->options.engine, tasks);
        tasks = next;
    }
    if (status == RF_E_OUTCOME_UNKNOWN) {
        return status;
    }
    /* What makes room must have its turn also while there is none. */
    rf_error error = {0};
    rf_status stepped = rf_engine_step(writer->options.engine, more, &error);
    if (status == RF_OK || stepped == RF_E_OUTCOME_UNKNOWN) {
        *err = error;
        return stepped;
    }
    return status;
}

/* Answer what came too late, and let nothing more in. */
static void refuse_rest(rf_writer *writer)
{
    rf_error error = {0};
    pthread_mutex_lock(&writer->lock);
    writer->stopping = true;
    rf_job *jobs = writer->first;
    rf_task *tasks = writer->tasks;
    writer->first = NULL;
    writer->end = &writer->first;
    writer->tasks = NULL;
    pthread_mutex_unlock(&writer->lock);
    rf_fail(&error, RF_E_STOPPING, "the server is stopping");
    rf_jobs_fail(jobs, RF_E_STOPPING, &error);
    while (tasks != NULL) {
        rf_task *next = tasks->next;
        tasks->status = RF_E_STOPPING;
        tasks->error = error;
        tasks->done(tasks);
        tasks = next;
    }
}

static void *run_writer(void *argument)
{
    rf_writer *writer = argument;
    const rf_writer_options *options = &writer->options;
    rf_job *jobs;
    rf_task *tasks;
    size_t commands;
    int64_t rest_ms = 0;
    rf_slice_shorten();
    while (take_work(writer, rest_ms, &jobs, &commands, &tasks)) {
        rf_error error = {0};
        bool more = false;
        atomic_fetch_add_explicit(&writer->turns, 1, memory_order_relaxed);
        rf_status status = take_turn(writer, jobs, tasks, &more, &error);
        if (status == RF_E_OUTCOME_UNKNOWN) {
            options->failed(options->observer, error.message);
            break;
        }
        bool writable = status == RF_OK;
        if (!writable && atomic_load(&writer->writable) &&
            options->warn != NULL) {
            options->warn(options->observer, error.message);
        }
        atomic_store(&writer->writable, writable);
        rest_ms = !writable ? IDLE_MS : more ? 0 : find_rest_ms(writer);
    }
    refuse_rest(writer);
    rf_view_done(&writer->view);
    return NULL;
}

rf_status rf_writer_start(rf_writer *writer, rf_error *err)
{
    publish_figures(writer);
    rf_engine_observe(writer->options.engine, note_settled, writer);
    if (pthread_create(&writer->thread, NULL, run_writer, writer) != 0) {
        return rf_fail(err, RF_E_INTERNAL, "the writer's thread did not start");
    }
    writer->started = true;
    return RF_OK;
}

void rf_writer_stop(rf_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->stopping = true;
    pthread_cond_signal(&writer->filled);
    pthread_mutex_unlock(&writer->lock);
    if (writer->started) {
        pthread_join(writer->thread, NULL);
        writer->started = false;
    }
}

rf_status rf_writer_submit(rf_writer *writer, rf_job *job, rf_error *err)
{
    rf_status status = RF_OK;
    size_t depth = atomic_load_explicit(&writer->depth, memory_order_relaxed);
    pthread_mutex_lock(&writer->lock);
    if (writer->stopping) {
        status = rf_fail(err, RF_E_STOPPING, "the server is stopping");
    } else if (depth + job->count > writer->options.commands_max) {
        status = rf_fail(err, RF_E_OVERLOADED,
                         "%zu commands are waiting already", depth);
    }
    bool wake = false;
    if (status == RF_OK) {
        job->next = NULL;
        *writer->end = job;
        writer->end = &job->next;
        atomic_fetch_add_explicit(&writer->depth, job->count,
                                  memory_order_relaxed);
        wake = writer->waiting;
        writer->waiting = false; /* one wake-up is enough */
    }
    pthread_mutex_unlock(&writer->lock);
    if (wake) {
        pthread_cond_signal(&writer->filled);
    }
    return status;
}

rf_status rf_writer_submit_task(rf_writer *writer, rf_task *task, rf_error *err)
{
    pthread_mutex_lock(&writer->lock);
    bool stopping = writer->stopping;
    if (!stopping) {
        rf_task **end = &writer->tasks;
        while (*end != NULL) {
            end = &(*end)->next;
        }
        task->next = NULL;
        *end = task;
        pthread_cond_signal(&writer->filled);
    }
    pthread_mutex_unlock(&writer->lock);
    return stopping ? rf_fail(err, RF_E_STOPPING, "the server is stopping")
                    : RF_OK;
}

size_t rf_writer_queue_depth(const rf_writer *writer)
{
    return atomic_load_explicit(&writer->depth, memory_order_relaxed);
}

bool rf_writer_environment_figures(rf_writer *writer, size_t index,
                                   rf_environment_figures *out)
{
    pthread_mutex_lock(&writer->figures_lock);
    bool known = index < writer->figure_count;
    if (known) {
        *out = writer->figures[index];
    }
    pthread_mutex_unlock(&writer->figures_lock);
    return known;
}

unsigned long rf_writer_turns(const rf_writer *writer)
{
    return atomic_load_explicit(&writer->turns, memory_order_relaxed);
}

bool rf_writer_is_writable(const rf_writer *writer)
{
    return atomic_load(&writer->writable);
}
