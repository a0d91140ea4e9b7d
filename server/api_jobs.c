/*
 * api_jobs.c - opening a resync of reservations, and how far a job is.
 *
 * A job is answered when it is durable; it is carried on with between batches
 * (core/engine_jobs.c), and nobody has to ask for that.
 */
#include "server/api_jobs.h"

#include "server/api_result.h"
#include "server/api_task.h"

#include <stdio.h>
#include <string.h>

void rf_put_job_id(rf_json_writer *writer, const rf_job_id *id)
{
    char text[RF_JOB_ID_TEXT_MAX];
    size_t length = rf_job_id_print(id, text);
    rf_json_put_key(writer, "jobId");
    rf_json_put_text(writer, (rf_text){text, length});
}

/* ---- Progress ---- */

rf_status rf_call_job(rf_call *call, rf_job_id *id, rf_job_record *out,
                      rf_error *err)
{
    static const char name[] = "jobId";
    bool found = false;
    rf_key key;
    rf_text text = rf_url_query_value(&call->query, rf_text_of(name), &found);
    if (!found || text.length == 0) {
        return rf_fail_field(err, RF_E_MISSING_FIELD, name, "a job is needed");
    }
    found = false;
    if (rf_job_id_parse(text, id)) {
        rf_job_key(&key, call->generation->environment, id);
        rf_status status =
            rf_job_record_load(call->thread->api->options.store, &key,
                               &call->exchange->arena, out, &found, err);
        if (status != RF_OK) {
            return status;
        }
    }
    return found ? RF_OK
                 : rf_fail_field(err, RF_E_UNKNOWN_JOB, name,
                                 "there is no job %.*s", RF_SHOWN(text));
}

static void put_text(rf_json_writer *writer, const char *name, rf_text text)
{
    rf_json_put_key(writer, name);
    rf_json_put_text(writer, text);
}

static void put_progress(rf_json_writer *writer, const rf_job_id *id,
                         const rf_job_record *record)
{
    rf_json_begin_object(writer);
    rf_put_job_id(writer, id);
    put_text(writer, "jobType", rf_text_of(rf_job_kind_word(id->kind)));
    put_text(writer, "status", rf_text_of(rf_job_state_word(record->state)));
    rf_json_put_key(writer, "currentProgress");
    rf_json_put_integer(writer, (int64_t)record->done);
    rf_json_put_key(writer, "totalProgress");
    rf_json_put_integer(writer, (int64_t)record->total);
    put_text(writer, "progressMessage", record->progress);
    put_text(writer, "message", record->message);
    rf_json_put_key(writer, "createdAt");
    rf_put_time(writer, record->created_ms);
    rf_json_put_key(writer, "updatedAt");
    rf_put_time(writer, record->updated_ms);
    rf_json_end_object(writer);
}

static rf_step tell_progress(rf_call *call)
{
    rf_error error = {0};
    rf_job_id id = {.kind = RF_JOB_RESYNC};
    rf_job_record record = {.state = RF_JOB_QUEUED};
    rf_json_writer writer;
    if (rf_call_job(call, &id, &record, &error) != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    rf_reply_begin(call, 200, &writer);
    put_progress(&writer, &id, &record);
    return RF_STEP_DONE;
}

/* ---- Resync ---- */

static rf_status fail_name(size_t place, rf_status status, rf_text name,
                           rf_error *err)
{
    char field[32];
    snprintf(field, sizeof field, "[%zu]", place);
    return status == RF_E_INVALID_FIELD
               ? rf_fail_field(err, status, field,
                               "a data source's name is a string")
               : rf_fail_field(err, status, field,
                               "there is no data source %.*s", RF_SHOWN(name));
}

/* See that the body names data sources. */
static rf_status check_names(const rf_call *call, rf_error *err)
{
    size_t place = 0;
    if (!rf_json_is(call->body, RF_JSON_ARRAY)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "an array is expected");
    }
    if (rf_json_length(call->body) > RF_SOURCES_MAX) {
        return rf_fail(err, RF_E_TOO_MANY_ITEMS,
                       "at most %d data sources are allowed", RF_SOURCES_MAX);
    }
    for (const rf_json *value = rf_json_first(call->body); value != NULL;
         value = rf_json_next(value), place++) {
        if (!rf_json_is(value, RF_JSON_STRING)) {
            return fail_name(place, RF_E_INVALID_FIELD, RF_TEXT_EMPTY, err);
        }
        rf_text name = rf_json_text(value);
        if (rf_catalog_source(rf_call_catalog(call), name) == NULL) {
            return fail_name(place, RF_E_UNKNOWN_DATA_SOURCE, name, err);
        }
    }
    return RF_OK;
}

/* No names stand for all. */
static bool is_named(const rf_json *names, rf_text source)
{
    const rf_json *value = rf_json_first(names);
    if (value == NULL) {
        return true;
    }
    while (value != NULL && !rf_text_is_name(rf_json_text(value), source)) {
        value = rf_json_next(value);
    }
    return value != NULL;
}

/* What is allocated is no reservation, whatever it is mapped to. */
static bool is_reserved(const rf_catalog *catalog, const rf_physical *measure)
{
    return measure->reservation >= 0 &&
           !rf_pool_measures_are_totalled(&catalog->pool, measure->number);
}

/* Find the measures that are meant. */
static rf_status find_measures(rf_call *call, rf_task *task, rf_error *err)
{
    const rf_catalog *catalog = rf_call_catalog(call);
    rf_measure measures[RF_RESYNC_MEASURES_MAX];
    size_t count = 0;
    rf_buffer *parameters = &call->thread->scratch;
    for (size_t i = 0; i < catalog->physical_count; i++) {
        const rf_physical *measure = &catalog->physicals[i];
        if (!is_reserved(catalog, measure) ||
            !is_named(call->body, measure->source)) {
            continue;
        }
        if (count == RF_RESYNC_MEASURES_MAX) {
            return rf_fail(err, RF_E_TOO_MANY_ITEMS,
                           "at most %d measures are allowed: name the data "
                           "sources",
                           RF_RESYNC_MEASURES_MAX);
        }
        measures[count++] = measure->number;
    }
    rf_buffer_clear(parameters);
    rf_resync_encode(measures, count, parameters);
    const void *copy =
        rf_buffer_failed(parameters)
            ? NULL
            : rf_arena_copy(&call->exchange->arena, parameters->bytes,
                            parameters->length);
    task->parameters = (rf_bytes){copy, parameters->length};
    return copy == NULL ? rf_fail(err, RF_E_NO_MEMORY, "out of memory") : RF_OK;
}

static rf_step finish_opening(rf_call *call)
{
    const rf_task *task = call->state;
    rf_json_writer writer;
    if (task->status != RF_OK) {
        return rf_reply_failure(call, &task->error);
    }
    rf_reply_begin(call, 200, &writer);
    rf_json_begin_object(&writer);
    rf_put_job_id(&writer, &task->job);
    rf_json_end_object(&writer);
    return RF_STEP_DONE;
}

/* The job goes by the request's correlation id, which nothing else has. */
static rf_step open_resync(rf_call *call)
{
    rf_error error = {0};
    rf_task *task = rf_call_alloc(call, 1, sizeof *task);
    if (task == NULL) {
        return rf_reply_no_memory(call);
    }
    rf_status status = check_names(call, &error);
    if (status == RF_OK) {
        status = find_measures(call, task, &error);
    }
    if (status != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    task->kind = RF_TASK_OPEN_JOB;
    task->job.kind = RF_JOB_RESYNC;
    rf_call_request_id(call, task->job.guid);
    call->state = task;
    return rf_task_submit(call, task, finish_opening);
}

static const rf_route rows[] = {
    {RF_METHOD_POST, "/onhand/reserve/resyncjob", RF_MAY_ADMIN,
     RF_ROUTE_BODY | RF_ROUTE_REAL, open_resync},
    {RF_METHOD_GET, "/getjobprogress", RF_MAY_READ, 0, tell_progress},
};

const rf_routes rf_routes_jobs = {rows, sizeof rows / sizeof rows[0]};
