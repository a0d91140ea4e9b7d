/*
 * engine_jobs.c - opening jobs, carrying on with them, forgetting them.
 *
 * One job is under way at a time, the oldest first; the others wait in the
 * store. It is done in steps between batches, each of which saves the job's
 * record with whatever it changes, so nobody has to remember after a crash what
 * was going on: unfinished jobs are found at the start and taken up again.
 */
#include "core/alloc.h"
#include "core/engine_internal.h"

#include <stdio.h>
#include <string.h>

/* A step that failed is tried again so often, after this time. */
#define RETRIES_MAX 3
#define RETRY_AFTER_MS 1000

static const char completed[] = "Job Completed";

/* ---- Going through the jobs of an environment ---- */

typedef struct job_scan {
    rf_environment *environment;
    rf_job_kind kind; /* only such jobs, if it is not 0 */
    bool is_found;
    rf_job_id id; /* of what was looked for */
    int64_t at_ms;
    rf_buffer *value;    /* its record, if wanted */
    rf_buffer *keys;     /* of what was looked for, if there may be several */
    int64_t before_ms;   /* likewise: what ended before then */
    int64_t next_end_ms; /* the first end that is not before then */
} job_scan;

static rf_status scan_jobs(rf_engine *engine, rf_store_transaction *transaction,
                           rf_store_visit *visit, job_scan *scan, rf_error *err)
{
    rf_key from;
    rf_key to;
    rf_key_environment(&from, scan->environment->number);
    rf_key_copy(&to, &from);
    bool bounded = rf_key_after_prefix(&to);
    return engine->store->operations->scan(
        transaction,
        &(rf_store_range){RF_TABLE_JOBS, rf_key_bytes(&from),
                          bounded ? rf_key_bytes(&to) : (rf_bytes){NULL, 0}},
        visit, scan, err);
}

/* Read one job of a scan. A record that is damaged is left to be found by
 * verification: it must not keep the others from being done. */
static bool read_job(rf_bytes key, rf_bytes value, rf_job_id *id,
                     rf_job_record *record)
{
    return rf_job_key_read(key, id) &&
           rf_job_record_decode(value, record, NULL) == RF_OK;
}

static void note_end(rf_environment *environment, int64_t at_ms)
{
    if (at_ms < environment->jobs_since_ms) {
        environment->jobs_since_ms = at_ms;
    }
}

static bool count_job(void *context, rf_bytes key, rf_bytes value)
{
    const job_scan *scan = context;
    rf_environment *environment = scan->environment;
    rf_job_id id;
    rf_job_record record;
    environment->jobs_kept++;
    if (!read_job(key, value, &id, &record)) {
        return true;
    }
    if (rf_job_record_is_finished(&record)) {
        note_end(environment, record.updated_ms);
    } else {
        environment->jobs_waiting++;
    }
    return true;
}

rf_status rf_engine__count_jobs(rf_engine *engine, rf_environment *environment,
                                rf_error *err)
{
    job_scan scan = {.environment = environment};
    rf_store_transaction *transaction = NULL;
    rf_status status = engine->store->operations->begin(engine->store, false,
                                                        &transaction, err);
    if (status == RF_OK) {
        status = scan_jobs(engine, transaction, count_job, &scan, err);
        engine->store->operations->abort(transaction);
    }
    return status;
}

static void take_job(job_scan *scan, const rf_job_id *id, int64_t at_ms)
{
    scan->is_found = true;
    scan->id = *id;
    scan->at_ms = at_ms;
}

/* Look for the job that was opened first of those that wait. */
static bool visit_waiting(void *context, rf_bytes key, rf_bytes value)
{
    job_scan *scan = context;
    rf_job_id id;
    rf_job_record record;
    if (read_job(key, value, &id, &record) &&
        !rf_job_record_is_finished(&record) &&
        (!scan->is_found || record.created_ms < scan->at_ms)) {
        take_job(scan, &id, record.created_ms);
        rf_buffer_clear(scan->value);
        rf_buffer_append(scan->value, value.bytes, value.length);
    }
    return true;
}

/* Look for the job that came to its end first. */
static bool visit_finished(void *context, rf_bytes key, rf_bytes value)
{
    job_scan *scan = context;
    rf_job_id id;
    rf_job_record record;
    if (read_job(key, value, &id, &record) &&
        rf_job_record_is_finished(&record) &&
        (scan->kind == 0 || scan->kind == id.kind) &&
        (!scan->is_found || record.updated_ms < scan->at_ms)) {
        take_job(scan, &id, record.updated_ms);
    }
    return true;
}

/* ---- Opening ---- */

static rf_status save_record(rf_engine *engine,
                             rf_store_transaction *transaction,
                             const rf_key *key, const rf_job_record *record,
                             rf_error *err)
{
    rf_buffer value = {0};
    rf_job_record_encode(record, &value);
    rf_store_item item = {RF_TABLE_JOBS,
                          rf_key_bytes(key),
                          {(const unsigned char *)value.bytes, value.length}};
    rf_status status =
        rf_buffer_failed(&value)
            ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
            : engine->store->operations->save(transaction, &item, 1, err);
    rf_buffer_done(&value);
    return status;
}

/* Say whether a job is there already, which is well if it was opened for the
 * same thing. */
static rf_status find_known(rf_engine *engine,
                            rf_store_transaction *transaction,
                            const rf_key *key, const rf_task *task, bool *known,
                            rf_error *err)
{
    rf_job_record record;
    rf_store_item item = {.table = RF_TABLE_JOBS, .key = rf_key_bytes(key)};
    rf_status status =
        engine->store->operations->load(transaction, &item, 1, err);
    if (status != RF_OK || item.value.bytes == NULL) {
        return status;
    }
    status = rf_job_record_decode(item.value, &record, err);
    if (status != RF_OK) {
        return status;
    }
    *known = record.content.high == task->content.high &&
             record.content.low == task->content.low;
    return *known ? RF_OK
                  : rf_fail_field(err, RF_E_CONFLICT, "id",
                                  "this id came before with other content");
}

/* Let the oldest finished job go if there are as many as are kept: one of the
 * same kind if there is one, so that many of a kind cost no others. */
static rf_status make_room(rf_engine *engine, rf_environment *environment,
                           rf_store_transaction *transaction, rf_job_kind kind,
                           bool *dropped, rf_error *err)
{
    job_scan scan = {.environment = environment, .kind = kind};
    if (environment->jobs_kept < RF_JOBS_KEPT_MAX) {
        return RF_OK;
    }
    rf_status status =
        scan_jobs(engine, transaction, visit_finished, &scan, err);
    if (status == RF_OK && !scan.is_found) {
        scan.kind = 0;
        status = scan_jobs(engine, transaction, visit_finished, &scan, err);
    }
    if (status != RF_OK || !scan.is_found) {
        return status;
    }
    rf_key key;
    rf_job_key(&key, environment->number, &scan.id);
    rf_store_item item = {RF_TABLE_JOBS, rf_key_bytes(&key), {NULL, 0}};
    *dropped = true;
    return engine->store->operations->save(transaction, &item, 1, err);
}

/* A selection is done with when it is made. */
static rf_job_record make_record(const rf_engine *engine,
                                 const rf_environment *environment,
                                 const rf_task *task)
{
    bool is_done = task->job.kind == RF_JOB_LOG;
    rf_job_record record = {
        .state = is_done ? RF_JOB_COMPLETED : RF_JOB_QUEUED,
        .created_ms = engine->work.now_ms,
        .updated_ms = engine->work.now_ms,
        .number = environment->last_number,
        .done = is_done ? 1 : 0,
        .total = is_done ? 1 : 0,
        .content = task->content,
        .actor = task->actor,
        .progress = RF_TEXT_EMPTY,
        .message = is_done ? rf_text_of(completed) : RF_TEXT_EMPTY,
        .parameters = task->parameters,
        .position = {(const unsigned char *)"", 0},
    };
    memcpy(record.request_id, task->request_id, sizeof record.request_id);
    return record;
}

static rf_status check_waiting(const rf_environment *environment,
                               rf_job_kind kind, rf_error *err)
{
    return kind == RF_JOB_LOG || environment->jobs_waiting < RF_JOBS_WAITING_MAX
               ? RF_OK
               : rf_fail(err, RF_E_OVERLOADED, "%d jobs are waiting already",
                         RF_JOBS_WAITING_MAX);
}

/* Enter a job in the store, unless it is there; the transaction is over then.
 */
static rf_status enter_job(rf_engine *engine, rf_environment *environment,
                           rf_store_transaction *transaction,
                           const rf_task *task, bool *known, rf_error *err)
{
    rf_key key;
    bool dropped = false;
    rf_job_key(&key, environment->number, &task->job);
    rf_status status = find_known(engine, transaction, &key, task, known, err);
    if (status == RF_OK && !*known) {
        status = check_waiting(environment, task->job.kind, err);
    }
    if (status == RF_OK && !*known) {
        status = make_room(engine, environment, transaction, task->job.kind,
                           &dropped, err);
    }
    if (status == RF_OK && !*known) {
        rf_job_record record = make_record(engine, environment, task);
        status = save_record(engine, transaction, &key, &record, err);
    }
    if (status != RF_OK || *known) {
        engine->store->operations->abort(transaction);
        return status;
    }
    status = rf_engine__commit(engine, transaction, err);
    if (status == RF_OK) {
        environment->jobs_kept += dropped ? 0 : 1;
    }
    return status;
}

static rf_status open_job(rf_engine *engine, const rf_task *task, rf_error *err)
{
    rf_store_transaction *transaction = NULL;
    bool known = false;
    rf_environment *environment =
        rf_engine__environment_by_id(engine, task->environment);
    if (environment == NULL || environment->generation == NULL) {
        return rf_fail(err, RF_E_UNKNOWN_ENVIRONMENT, "no such environment");
    }
    rf_status status = rf_engine__begin(engine, &transaction, err);
    if (status == RF_OK) {
        status = enter_job(engine, environment, transaction, task, &known, err);
    }
    if (status != RF_OK || known) {
        return status;
    }
    if (task->job.kind == RF_JOB_LOG) {
        note_end(environment, engine->work.now_ms);
    } else {
        environment->jobs_waiting++;
    }
    return RF_OK;
}

/* Open every job that was asked for, and say so. */
/* NOLINTNEXTLINE(readability-non-const-parameter): one step of a table */
rf_status rf_engine__open_jobs_step(rf_engine *engine, bool *more,
                                    rf_error *err)
{
    (void)more;
    while (engine->opening != NULL) {
        rf_task *task = engine->opening;
        rf_error error = {0};
        rf_status status;
        do {
            status = open_job(engine, task, &error);
        } while (status == RF_E_STORAGE_FULL &&
                 engine->store->operations->grow(engine->store, NULL) == RF_OK);
        engine->opening = task->next;
        task->status = status;
        task->error = error;
        rf_engine__settle(engine);
        task->done(task);
        if (status == RF_E_OUTCOME_UNKNOWN) {
            return rf_fail(err, status, "%s", error.message);
        }
    }
    return RF_OK;
}

/* ---- Carrying on ---- */

void rf_engine__put_job_down(rf_engine *engine)
{
    rf_running_job *job = engine->running;
    if (job != NULL) {
        rf_buffer_done(&job->stored);
        rf_buffer_done(&job->position);
        rf_free(job);
        engine->running = NULL;
    }
}

/* Find the next job of an environment. */
static rf_status find_job(rf_engine *engine, rf_environment *environment,
                          rf_running_job *job, bool *found, rf_error *err)
{
    job_scan scan = {.environment = environment, .value = &job->stored};
    rf_store_transaction *transaction = NULL;
    rf_status status = engine->store->operations->begin(engine->store, false,
                                                        &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status = scan_jobs(engine, transaction, visit_waiting, &scan, err);
    engine->store->operations->abort(transaction);
    if (status == RF_OK && rf_buffer_failed(&job->stored)) {
        status = rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    if (status != RF_OK || !scan.is_found) {
        return status;
    }
    *found = true;
    job->environment = environment;
    job->id = scan.id;
    return rf_job_record_decode(
        (rf_bytes){(const unsigned char *)job->stored.bytes,
                   job->stored.length},
        &job->record, err);
}

static rf_status take_up(rf_engine *engine, rf_environment *environment,
                         rf_error *err)
{
    bool found = false;
    engine->running = rf_calloc(1, sizeof *engine->running);
    if (engine->running == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_status status =
        find_job(engine, environment, engine->running, &found, err);
    if (status == RF_OK && !found) {
        environment->jobs_waiting = 0; /* all that waits is damaged */
    }
    if (status != RF_OK || !found) {
        rf_engine__put_job_down(engine);
    }
    return status;
}

/* Take up the next job, if there is one. */
static rf_status take_up_next(rf_engine *engine, rf_error *err)
{
    rf_status status = RF_OK;
    for (size_t i = 0; i < engine->environment_count && status == RF_OK &&
                       engine->running == NULL;
         i++) {
        rf_environment *environment = engine->environments[i];
        if (environment->generation != NULL && environment->jobs_waiting > 0) {
            status = take_up(engine, environment, err);
        }
    }
    return status;
}

rf_status rf_engine__save_job(rf_engine *engine,
                              rf_store_transaction *transaction, rf_error *err)
{
    const rf_running_job *job = engine->running;
    rf_key key;
    rf_job_key(&key, job->environment->number, &job->id);
    return save_record(engine, transaction, &key, &job->record, err);
}

/* Save the record by itself. */
static rf_status store_job(rf_engine *engine, rf_error *err)
{
    rf_store_transaction *transaction = NULL;
    rf_status status = rf_engine__begin(engine, &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status = rf_engine__save_job(engine, transaction, err);
    if (status != RF_OK) {
        engine->store->operations->abort(transaction);
        return status;
    }
    return rf_engine__commit(engine, transaction, err);
}

/* Note that a step has failed; too often, and the job has. */
static void note_failure(rf_running_job *job, int64_t now_ms,
                         const rf_error *failure)
{
    rf_job_record *record = &job->record;
    snprintf(job->message, sizeof job->message, "%s", failure->message);
    record->message = rf_text_of(job->message);
    record->updated_ms = now_ms;
    record->failures++;
    record->state =
        record->failures > RETRIES_MAX ? RF_JOB_FAILED : RF_JOB_QUEUED;
    job->rests_until_ms = now_ms + RETRY_AFTER_MS;
}

/* Say whether a failure has to do with the store as a whole and not with the
 * job, which then waits as all others do. */
static bool is_of_store(rf_status status)
{
    return status == RF_E_STORAGE_FULL || status == RF_E_NO_MEMORY ||
           status == RF_E_OUTCOME_UNKNOWN;
}

/* A clock that was set back must not make a job rest for longer. */
static bool is_resting(const rf_running_job *job, int64_t now_ms)
{
    return now_ms < job->rests_until_ms &&
           now_ms + RETRY_AFTER_MS >= job->rests_until_ms;
}

/* Go one step on with the job under way. What failed for good without being
 * saved is saved now. */
static rf_status carry_on(rf_engine *engine, rf_error *err)
{
    rf_running_job *job = engine->running;
    if (rf_job_record_is_finished(&job->record)) {
        return store_job(engine, err);
    }
    rf_error failure = {0};
    rf_status status = rf_engine__resync_step(engine, job, &failure);
    if (status == RF_OK) {
        return RF_OK;
    }
    if (is_of_store(status)) {
        return rf_fail(err, status, "%s", failure.message);
    }
    note_failure(job, engine->work.now_ms, &failure);
    return store_job(engine, err);
}

rf_status rf_engine__jobs_step(rf_engine *engine, bool *more, rf_error *err)
{
    int64_t now_ms = engine->options.clock.now_ms(engine->options.clock.self);
    rf_status status = RF_OK;
    if (engine->running == NULL) {
        status = take_up_next(engine, err);
    }
    rf_running_job *job = engine->running;
    if (status != RF_OK || job == NULL || is_resting(job, now_ms)) {
        return status;
    }
    status = carry_on(engine, err);
    *more = true;
    if (status == RF_OK && rf_job_record_is_finished(&job->record)) {
        job->environment->jobs_waiting--;
        note_end(job->environment, job->record.updated_ms);
        rf_engine__put_job_down(engine);
    }
    rf_engine__settle(engine);
    return status;
}

/* ---- Forgetting ---- */

static bool visit_old(void *context, rf_bytes key, rf_bytes value)
{
    job_scan *scan = context;
    rf_job_id id;
    rf_job_record record;
    if (!read_job(key, value, &id, &record) ||
        !rf_job_record_is_finished(&record)) {
        return true;
    }
    if (record.updated_ms >= scan->before_ms) {
        if (record.updated_ms < scan->next_end_ms) {
            scan->next_end_ms = record.updated_ms;
        }
        return true;
    }
    rf_write_text(scan->keys, (rf_text){(const char *)key.bytes, key.length});
    return true;
}

static rf_status delete_jobs(rf_engine *engine,
                             rf_store_transaction *transaction,
                             const rf_buffer *keys, size_t *count,
                             rf_error *err)
{
    rf_reader reader = rf_reader_of(
        (rf_bytes){(const unsigned char *)keys->bytes, keys->length});
    rf_status status = rf_buffer_failed(keys)
                           ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
                           : RF_OK;
    while (reader.at < reader.end && status == RF_OK) {
        rf_text key = rf_read_text(&reader);
        rf_store_item item = {RF_TABLE_JOBS,
                              {(const unsigned char *)key.bytes, key.length},
                              {NULL, 0}};
        status = engine->store->operations->save(transaction, &item, 1, err);
        *count += 1;
    }
    return status;
}

static rf_status drop_old(rf_engine *engine, rf_store_transaction *transaction,
                          job_scan *scan, size_t *count, rf_error *err)
{
    rf_status status = scan_jobs(engine, transaction, visit_old, scan, err);
    if (status == RF_OK) {
        status = delete_jobs(engine, transaction, scan->keys, count, err);
    }
    if (status != RF_OK) {
        engine->store->operations->abort(transaction);
        return status;
    }
    return rf_engine__commit(engine, transaction, err);
}

rf_status rf_engine__drop_jobs(rf_engine *engine, rf_environment *environment,
                               int64_t before_ms, rf_error *err)
{
    rf_buffer keys = {0};
    size_t count = 0;
    rf_store_transaction *transaction = NULL;
    job_scan scan = {.environment = environment,
                     .keys = &keys,
                     .before_ms = before_ms,
                     .next_end_ms = INT64_MAX};
    if (environment->jobs_since_ms >= before_ms) {
        return RF_OK;
    }
    rf_status status = rf_engine__begin(engine, &transaction, err);
    if (status == RF_OK) {
        status = drop_old(engine, transaction, &scan, &count, err);
    }
    rf_buffer_done(&keys);
    if (status == RF_OK) {
        environment->jobs_kept -= count;
        environment->jobs_since_ms = scan.next_end_ms;
    }
    return status;
}
