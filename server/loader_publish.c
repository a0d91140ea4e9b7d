/*
 * loader_publish.c - from a candidate that has passed to a generation.
 *
 * The writer builds what levels are missing, then has the files written
 * (persist, on its thread), stores the publication, and publishes. When that
 * fails the files are put back as they were; when nobody can say whether it
 * failed they stay, and the next start looks.
 */
#include "server/loader_internal.h"
#include "server/log.h"

#include <string.h>
#include <time.h>

#define ARENA_BLOCK_BYTES ((size_t)64 * 1024)

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void warn(const char *message, const rf_attempt *attempt,
                 const rf_error *error)
{
    rf_log_line line;
    rf_log_begin(&line, RF_LOG_WARN, "loader", message);
    rf_log_string(&line, "environment", attempt->entry->id);
    rf_log_failure(&line, error);
    rf_log_end(&line);
}

rf_status rf_loader__begin(rf_attempt *attempt, rf_loader *loader,
                           rf_text environment, rf_error *err)
{
    const rf_options *options = loader->options.options;
    memset(attempt, 0, sizeof *attempt);
    attempt->loader = loader;
    rf_arena_init(&attempt->memory, ARENA_BLOCK_BYTES, 0);
    rf_status status =
        rf_loader__entry(loader, environment, &attempt->entry, err);
    if (status != RF_OK) {
        return status;
    }
    const rf_generation *current = rf_loader__current(loader, environment);
    rf_text id = rf_text_of(attempt->entry->id);
    attempt->request = (rf_candidate_request){
        .options = options,
        .environment = id,
        .threads = loader->options.threads,
        .without_own = RF_TEXT_EMPTY,
        .registry = attempt->entry->registry,
    };
    if (attempt->request.registry == NULL && current != NULL) {
        attempt->request.registry = current->registry;
    }
    attempt->change = (rf_environment_change){
        .directory = options->environments_directory, .environment = id};
    return RF_OK;
}

void rf_loader__end(rf_attempt *attempt)
{
    rf_candidate_done(&attempt->candidate);
    rf_arena_done(&attempt->memory);
}

/* ---- The files ---- */

/* Write the generation's file, unless it is there from an earlier run. */
static rf_status write_generation(const rf_attempt *attempt, rf_error *err)
{
    const rf_candidate *candidate = &attempt->candidate;
    if (rf_loader__is_kept(attempt->entry, attempt->number,
                           candidate->content)) {
        return RF_OK;
    }
    rf_generation_text text = {
        .number = attempt->number,
        .published_ms = attempt->published_ms,
        .actor = attempt->actor,
        .document = candidate->request.document,
        .plugins = candidate->plugins,
    };
    return rf_generation_file_write(attempt->change.directory,
                                    attempt->change.environment, &text, err);
}

/* On the writer's thread; it may come again after it made room. */
static rf_status persist(rf_task *task, rf_error *err)
{
    rf_attempt *attempt = task->owner;
    rf_status status = rf_environment_change_undo(&attempt->change, err);
    if (status != RF_OK) {
        return status;
    }
    rf_error unkept = {0};
    attempt->number = task->generation;
    attempt->published_ms = now_ms();
    attempt->change.number = task->generation;
    status = write_generation(attempt, &unkept);
    if (status != RF_OK && !attempt->is_from_files) {
        return rf_fail(err, status, "%s", unkept.message);
    }
    if (status != RF_OK) {
        warn("the generation cannot be put back later", attempt, &unkept);
    }
    return rf_environment_change_apply(&attempt->change, err);
}

/* ---- The writer ---- */

static void note_settled(rf_task *task)
{
    rf_attempt *attempt = task->owner;
    rf_loader *loader = attempt->loader;
    pthread_mutex_lock(&loader->lock);
    attempt->is_settled = true;
    pthread_cond_broadcast(&loader->settled);
    pthread_mutex_unlock(&loader->lock);
}

/* Do the writer's work here, before there is one. */
static rf_status step_engine(rf_attempt *attempt, rf_error *err)
{
    rf_engine *engine = attempt->loader->options.engine;
    rf_status status = RF_OK;
    rf_engine_submit(engine, &attempt->task);
    while (!attempt->is_settled && status == RF_OK) {
        bool more;
        status = rf_engine_step(engine, &more, err);
    }
    return status;
}

static rf_status await_writer(rf_attempt *attempt, rf_error *err)
{
    rf_loader *loader = attempt->loader;
    rf_status status =
        rf_writer_submit_task(loader->options.writer, &attempt->task, err);
    if (status != RF_OK) {
        return status;
    }
    pthread_mutex_lock(&loader->lock);
    while (!attempt->is_settled && !loader->writer_is_gone) {
        pthread_cond_wait(&loader->settled, &loader->lock);
    }
    bool is_settled = attempt->is_settled;
    pthread_mutex_unlock(&loader->lock);
    return is_settled ? RF_OK
                      : rf_fail(err, RF_E_OUTCOME_UNKNOWN,
                                "the writer has ended with this undone");
}

static rf_status carry_out(rf_attempt *attempt, rf_error *err)
{
    rf_task *task = &attempt->task;
    rf_status status = attempt->loader->options.writer == NULL
                           ? step_engine(attempt, err)
                           : await_writer(attempt, err);
    if (status == RF_OK && task->status != RF_OK) {
        *err = task->error;
        status = task->status;
    }
    return status;
}

/* ---- Publishing ---- */

static void settle_good(rf_attempt *attempt)
{
    attempt->candidate.catalog = NULL; /* the generation's now */
    attempt->candidate.scripts = NULL;
    attempt->candidate.registry = NULL;
    rf_registry_free(attempt->entry->registry);
    attempt->entry->registry = NULL;
    rf_environment_change_keep(&attempt->change);
    rf_loader__note_published(attempt);
}

/* The numbers may have been stored, so whatever comes next goes on from them.
 */
static void settle_bad(rf_attempt *attempt, rf_status status)
{
    rf_loader_entry *entry = attempt->entry;
    rf_registry_free(entry->registry);
    entry->registry = attempt->candidate.registry;
    attempt->candidate.registry = NULL;
    if (status == RF_E_OUTCOME_UNKNOWN) {
        return;
    }
    rf_error stuck = {0};
    if (rf_environment_change_undo(&attempt->change, &stuck) != RF_OK) {
        warn("the files are those of what was not published", attempt, &stuck);
    }
    if (attempt->number != 0) {
        rf_generation_files_prune(attempt->change.directory,
                                  attempt->change.environment,
                                  attempt->number - 1, RF_GENERATIONS_KEPT);
    }
}

rf_status rf_loader__publish(rf_attempt *attempt, rf_error *err)
{
    rf_candidate *candidate = &attempt->candidate;
    rf_task *task = &attempt->task;
    *task = (rf_task){
        .kind = RF_TASK_CONFIGURE,
        .environment = candidate->request.environment,
        .actor = attempt->actor,
        .silent = attempt->is_start,
        .dry_run = attempt->is_dry_run,
        .needs_empty = attempt->needs_empty,
        .catalog = candidate->catalog,
        .registry = candidate->registry,
        .document = candidate->request.document,
        .content = candidate->content,
        .persist = persist,
        .done = note_settled,
        .owner = attempt,
    };
    if (attempt->request_id != NULL) {
        memcpy(task->request_id, attempt->request_id, sizeof task->request_id);
    }
    rf_status status = carry_out(attempt, err);
    if (attempt->is_dry_run) {
        return status; /* all of it is still the attempt's */
    }
    if (status == RF_OK) {
        settle_good(attempt);
    } else {
        settle_bad(attempt, status);
    }
    return status;
}
