/*
 * api_write.c - lines, jobs, and the six buckets of a list's reply.
 */
#include "server/api_write.h"

#include "server/api_dry_run.h"
#include "server/api_metrics.h"
#include "server/api_result.h"

#include <inttypes.h>
#include <string.h>

/* The buckets of a reply to a list, in its order. */
typedef enum {
    BUCKET_SUCCESS,
    BUCKET_FAILURE,
    BUCKET_CONFLICT,
    BUCKET_NOT_FOUND,
    BUCKET_PARTIAL,
    BUCKET_UNKNOWN,
    BUCKET_COUNT
} bucket;

static const char *const bucket_names[BUCKET_COUNT] = {
    "success", "failure", "conflict", "notFound", "partialSuccess", "unknown",
};

/* One line of the body: an invalid one has an error, one that is carried out
 * has a command, and one behind the end of a basket has neither. */
typedef struct line {
    rf_text id;
    const rf_error *invalid;
    const rf_command *command;
    const rf_result *result;
} line;

typedef struct write {
    rf_job job;
    rf_operation operation;
    rf_line_read *read;
    line *lines;
    size_t line_count;
    bool many;
    rf_dry_run *dry_run; /* once it was carried out */
} write;

/* How a write is to be carried out, from the parameters. */
typedef struct mode {
    bool atomic;
    bool dry_run;
} mode;

/* ---- Reading ---- */

static rf_status read_mode(const rf_call *call, mode *out, rf_error *err)
{
    rf_status status = rf_call_flag(call, "dryRun", &out->dry_run, err);
    return status == RF_OK ? rf_call_flag(call, "atomic", &out->atomic, err)
                           : status;
}

/* The id comes first, so that every other mistake can be told under it. */
static rf_status read_line(rf_call *call, const write *w, const rf_json *value,
                           line *out, rf_command *command, rf_error *err)
{
    rf_json_object object = {value, ""};
    if (!rf_json_is(value, RF_JSON_OBJECT)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "an object is expected");
    }
    rf_status status = rf_json_id(object, "id", &out->id, err);
    if (status != RF_OK) {
        return status;
    }
    command->operation = w->operation;
    command->id = out->id;
    command->recipient = RF_TEXT_EMPTY;
    command->order_tag = RF_TEXT_EMPTY;
    command->reservation = RF_TEXT_EMPTY;
    status = w->read(call, object, command, err);
    return status == RF_OK ? rf_command_check(rf_call_catalog(call), command,
                                              &call->thread->scratch, err)
                           : status;
}

/* Read the ids of the lines that nobody judges. */
static void read_id_only(const rf_json *value, line *out)
{
    rf_error ignored;
    rf_json_object object = {value, ""};
    if (rf_json_id(object, "id", &out->id, &ignored) != RF_OK) {
        out->id = RF_TEXT_EMPTY;
    }
}

/* Errors are large and rare: memory for them is taken when they are there. */
static rf_status keep_error(rf_call *call, const rf_error *error, line *out)
{
    rf_error *copy = rf_call_alloc(call, 1, sizeof *copy);
    if (copy == NULL) {
        return RF_E_NO_MEMORY;
    }
    *copy = *error;
    out->invalid = copy;
    return RF_OK;
}

/* Read line `index`. A line that is invalid is no failure of the list. */
static rf_status take_line(rf_call *call, write *w, const rf_json *value,
                           size_t index)
{
    line *entry = &w->lines[index];
    rf_error error = {0};
    if (w->job.stops_invalid) {
        read_id_only(value, entry);
        return RF_OK;
    }
    rf_command *command = &w->job.commands[w->job.count];
    rf_status status = read_line(call, w, value, entry, command, &error);
    if (status == RF_OK) {
        entry->command = command;
        entry->result = &w->job.results[w->job.count];
        w->job.count++;
        return RF_OK;
    }
    if (rf_status_class(status) != RF_CLASS_INVALID) {
        return status; /* out of memory */
    }
    memset(command, 0, sizeof *command);
    w->job.stops_invalid = w->job.atomic;
    return keep_error(call, &error, entry);
}

static write *make_write(rf_call *call, rf_operation operation,
                         rf_line_read *read, size_t count)
{
    write *w = rf_call_alloc(call, 1, sizeof *w);
    if (w == NULL) {
        return NULL;
    }
    w->operation = operation;
    w->read = read;
    w->line_count = count;
    w->lines = rf_call_alloc(call, count, sizeof *w->lines);
    w->job.commands = rf_call_alloc(call, count, sizeof *w->job.commands);
    w->job.results = rf_call_alloc(call, count, sizeof *w->job.results);
    bool complete =
        w->lines != NULL && w->job.commands != NULL && w->job.results != NULL;
    return complete ? w : NULL;
}

/* ---- Replying ---- */

/* Say what became of a line; a line that was not judged shares the fate of its
 * basket. */
static rf_answer answer_of(const write *w, const line *entry)
{
    rf_answer answer = {.prefix = rf_operation_prefix(w->operation),
                        .id = entry->id,
                        .status = RF_E_BASKET_REFUSED,
                        .message = "another line of the basket was refused",
                        .field = ""};
    if (entry->invalid != NULL) {
        answer.status = entry->invalid->status;
        answer.message = entry->invalid->message;
        answer.field = entry->invalid->field;
        answer.script = &entry->invalid->script;
    } else if (entry->result != NULL) {
        answer.status = entry->result->status;
        answer.partial = entry->result->partial;
        answer.message = entry->result->message;
        answer.field = entry->result->field;
        answer.script = &entry->result->script;
    }
    return answer;
}

static void put_dry_run(rf_json_writer *writer, const write *w)
{
    if (w->job.dry_run) {
        rf_json_put_key(writer, "dryRun");
        rf_json_put_bool(writer, true);
    }
}

static void put_line(rf_json_writer *writer, const rf_call *call,
                     const write *w, const line *entry)
{
    rf_answer answer = answer_of(w, entry);
    rf_json_begin_object(writer);
    rf_answer_put(writer, &answer);
    if (entry->result != NULL) {
        rf_result_put_extra(writer, rf_call_catalog(call), entry->command,
                            entry->result);
    }
    put_dry_run(writer, w);
    if (w->dry_run != NULL && answer.status == RF_OK &&
        rf_operation_is_of_stock(w->operation)) {
        rf_dry_run_put(writer, w->dry_run, entry->command, entry->result);
    }
    rf_json_end_object(writer);
}

static bucket bucket_of(const rf_answer *answer)
{
    switch (rf_status_class(answer->status)) {
    case RF_CLASS_OK:
        return answer->partial ? BUCKET_PARTIAL : BUCKET_SUCCESS;
    case RF_CLASS_CONFLICT:
        return BUCKET_CONFLICT;
    case RF_CLASS_NOT_FOUND:
        return BUCKET_NOT_FOUND;
    case RF_CLASS_UNAVAILABLE:
        return answer->status == RF_E_OUTCOME_UNKNOWN ? BUCKET_UNKNOWN
                                                      : BUCKET_FAILURE;
    case RF_CLASS_INVALID:
    case RF_CLASS_REFUSED:
    case RF_CLASS_UNKNOWN:
    case RF_CLASS_FORBIDDEN:
    case RF_CLASS_METHOD:
    case RF_CLASS_TOO_LARGE:
    case RF_CLASS_MEDIA:
    case RF_CLASS_INTERNAL:
    case RF_CLASS_STORAGE_FULL:
        break;
    }
    return BUCKET_FAILURE;
}

/* Put the lines of one bucket, in the order of the request. */
static void put_bucket(rf_json_writer *writer, const rf_call *call,
                       const write *w, bucket wanted)
{
    rf_json_put_key(writer, bucket_names[wanted]);
    rf_json_begin_array(writer);
    for (size_t i = 0; i < w->line_count; i++) {
        rf_answer answer = answer_of(w, &w->lines[i]);
        if (bucket_of(&answer) == wanted) {
            put_line(writer, call, w, &w->lines[i]);
        }
    }
    rf_json_end_array(writer);
}

/* When the engine stopped earlier, the invalid line behind was not judged. */
static void forget_unjudged(write *w)
{
    for (size_t i = 0; i < w->line_count; i++) {
        w->lines[i].invalid = NULL;
    }
}

static bool is_whole(const write *w)
{
    bool whole = true;
    for (size_t i = 0; i < w->job.count; i++) {
        whole = whole && w->job.results[i].status == RF_OK;
    }
    return whole;
}

/* Up to the line that stopped a basket, lines and commands go together. */
static int status_of_basket(write *w)
{
    size_t stopper = w->job.stopped_at;
    if (stopper < w->job.count) {
        forget_unjudged(w);
    } else if (!w->job.stops_invalid) {
        return is_whole(w) ? 200 : 409;
    }
    rf_answer answer = answer_of(w, &w->lines[stopper]);
    rf_class class = rf_status_class(answer.status);
    return class == RF_CLASS_INVALID || class == RF_CLASS_INTERNAL
               ? rf_answer_code(answer.status)
               : 409;
}

static rf_step reply_many(rf_call *call, write *w)
{
    rf_json_writer writer;
    int status = w->job.atomic ? status_of_basket(w) : 200;
    rf_reply_begin(call, status, &writer);
    rf_json_begin_object(&writer);
    for (bucket b = BUCKET_SUCCESS; b < BUCKET_COUNT; b++) {
        put_bucket(&writer, call, w, b);
    }
    if (w->job.atomic) {
        rf_json_put_key(&writer, "atomic");
        rf_json_put_bool(&writer, true);
    }
    put_dry_run(&writer, w);
    rf_json_end_object(&writer);
    return RF_STEP_DONE;
}

static rf_step reply_one(rf_call *call, const write *w)
{
    rf_answer answer = answer_of(w, &w->lines[0]);
    rf_json_writer writer;
    rf_reply_begin(call,
                   rf_answer_http(answer.status,
                                  rf_call_catalog(call)->refusal_http_status),
                   &writer);
    put_line(&writer, call, w, &w->lines[0]);
    return RF_STEP_DONE;
}

static bool is_outage(rf_status status)
{
    rf_class class = rf_status_class(status);
    return class == RF_CLASS_UNAVAILABLE || class == RF_CLASS_STORAGE_FULL;
}

/* An outage hits all lines alike: it is the answer to the request as a whole,
 * so that a client which looks at nothing but the HTTP status tries again. */
static rf_step reply(rf_call *call, write *w)
{
    const rf_result *first = w->job.count > 0 ? &w->job.results[0] : NULL;
    if (w->many && first != NULL && is_outage(first->status)) {
        rf_answer answer = {.prefix = "",
                            .id = RF_TEXT_EMPTY,
                            .status = first->status,
                            .message = first->message,
                            .field = ""};
        return rf_reply_error(call, &answer);
    }
    return w->many ? reply_many(call, w) : reply_one(call, w);
}

/* ---- Waiting for the writer ---- */

/* What was only tried is no command, and its results own what they show. */
static rf_step finish_dry_run(rf_call *call, write *w)
{
    rf_error error = {0};
    rf_status status = rf_dry_run_make(call, &w->dry_run, &error);
    rf_step step =
        status == RF_OK ? reply(call, w) : rf_reply_failure(call, &error);
    for (size_t i = 0; i < w->job.count; i++) {
        rf_result_done(&w->job.results[i]);
    }
    return step;
}

static void count_commands(const rf_call *call, const write *w)
{
    double seconds = (double)(rf_api_now_ns() - w->job.queued_ns) / 1e9;
    for (size_t i = 0; i < w->job.count; i++) {
        rf_api__count_command(call, w->operation, &w->job.results[i], seconds);
    }
}

/* The job is durable, or refused: back on the call's own thread. */
static rf_step finish(rf_call *call)
{
    write *w = call->state;
    for (size_t i = 0; i < w->line_count; i++) {
        rf_answer answer = answer_of(w, &w->lines[i]);
        rf_answer_log(call, &answer);
    }
    if (w->job.dry_run) {
        return finish_dry_run(call, w);
    }
    count_commands(call, w);
    return reply(call, w);
}

/* On the writer's thread; the call may be resumed before this returns. */
static void wake(rf_job *job)
{
    rf_call *call = job->owner;
    rf_exchange_wake(call->exchange);
}

/* Hand over what is to be carried out. The job lives in the exchange's memory,
 * and the call's reference keeps its generation, until the call is resumed. */
static rf_step submit(rf_call *call, write *w)
{
    if (w->job.count == 0) {
        return reply(call, w);
    }
    rf_job *job = &w->job;
    job->generation = call->generation;
    job->actor = call->identity->name;
    rf_call_request_id(call, job->request_id);
    job->queued_ns = rf_api_now_ns();
    job->done = wake;
    job->owner = call;
    call->state = w;
    call->resume = finish;
    rf_error error = {0};
    rf_status status =
        rf_writer_submit(call->thread->api->options.writer, job, &error);
    return status == RF_OK ? RF_STEP_WAIT : rf_reply_failure(call, &error);
}

/* ---- Beginning ---- */

rf_step rf_write_one(rf_call *call, rf_operation operation, rf_line_read *read)
{
    rf_error error = {0};
    mode asked = {0};
    if (read_mode(call, &asked, &error) != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    write *w = make_write(call, operation, read, 1);
    if (w == NULL) {
        return rf_reply_no_memory(call);
    }
    w->job.dry_run = asked.dry_run;
    return take_line(call, w, call->body, 0) == RF_OK
               ? submit(call, w)
               : rf_reply_no_memory(call);
}

static rf_status check_count(const rf_call *call, size_t *count, rf_error *err)
{
    size_t max = (size_t)call->thread->api->options.options->bulk_items;
    if (!rf_json_is(call->body, RF_JSON_ARRAY)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "an array is expected");
    }
    *count = rf_json_length(call->body);
    if (*count == 0) {
        return rf_fail(err, RF_E_EMPTY_BATCH, "the array is empty");
    }
    return *count <= max ? RF_OK
                         : rf_fail(err, RF_E_TOO_MANY_ITEMS,
                                   "at most %zu lines are allowed", max);
}

rf_step rf_write_many(rf_call *call, rf_operation operation, rf_line_read *read)
{
    rf_error error = {0};
    mode asked = {0};
    size_t count = 0;
    rf_status status = read_mode(call, &asked, &error);
    if (status == RF_OK) {
        status = check_count(call, &count, &error);
    }
    if (status != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    write *w = make_write(call, operation, read, count);
    if (w == NULL) {
        return rf_reply_no_memory(call);
    }
    w->many = true;
    w->job.atomic = asked.atomic;
    w->job.dry_run = asked.dry_run;
    const rf_json *value = rf_json_first(call->body);
    for (size_t i = 0; i < count; i++, value = rf_json_next(value)) {
        if (take_line(call, w, value, i) != RF_OK) {
            return rf_reply_no_memory(call);
        }
    }
    return submit(call, w);
}
