/*
 * api_configuration.c - GET /configuration, POST /configuration/hardupdate.
 *
 * A document is kept as it came, unknown members too; only environmentId is
 * set to the id of the path. Its form is checked here, its meaning by the
 * engine, and both lists of mistakes are reported together. The file is written
 * by the writer's thread when the new generation is ready, in front of its
 * publication.
 */
#include "server/api_internal.h"
#include "server/api_result.h"
#include "server/api_task.h"
#include "server/document.h"
#include "server/environment_file.h"
#include "server/log.h"

#include <string.h>

/* As deep as a document that is printed again may be. */
#define LIMITS                                                                 \
    ((rf_json_limits){.depth_max = RF_JSON_DEPTH_CEILING, .values_max = 200000})

typedef struct update {
    rf_task task;
    rf_call *call;
    rf_draft draft;
    rf_problems problems;
} update;

static rf_step get_configuration(rf_call *call)
{
    const rf_generation *generation = call->generation;
    rf_response *response = &call->exchange->response;
    response->status = 200;
    response->content_type = RF_CONTENT_JSON;
    rf_buffer_append(&response->body, generation->document,
                     generation->document_length);
    return RF_STEP_DONE;
}

/* ---- The document to keep ---- */

/* Print the members, with the path's id for environmentId. `value` is room for
 * one member at a time. */
static void print_members(const rf_call *call, rf_buffer *value, rf_buffer *out)
{
    rf_text own = rf_text_of("environmentId");
    rf_json_writer writer;
    rf_json_writer_init(&writer, out, false);
    rf_json_begin_object(&writer);
    rf_json_put_key(&writer, "environmentId");
    rf_json_put_text(&writer, call->environment);
    for (const rf_json *member = rf_json_first(call->body); member != NULL;
         member = rf_json_next(member)) {
        if (rf_text_is_name(rf_json_name(member), own)) {
            continue;
        }
        rf_buffer_clear(value);
        rf_json_print(member, value, false);
        rf_json_put_key_text(&writer, rf_json_name(member));
        rf_json_put_raw(&writer, (rf_text){value->bytes, value->length});
    }
    rf_json_end_object(&writer);
}

/* Lay the document out for people, who read and edit the file. */
static rf_status print_pretty(rf_call *call, rf_text compact, rf_buffer *out,
                              rf_error *err)
{
    const rf_json *root = NULL;
    rf_status status =
        rf_json_parse(&call->exchange->arena, compact, LIMITS, &root, err);
    if (status == RF_OK) {
        rf_buffer_clear(out);
        rf_json_print(root, out, true);
        rf_buffer_append_byte(out, '\n');
    }
    return status;
}

static rf_status make_document(rf_call *call, rf_text *out, rf_error *err)
{
    rf_buffer value = {0};
    rf_buffer text = {0};
    print_members(call, &value, &text);
    rf_status status = RF_OK;
    if (!rf_buffer_failed(&value) && !rf_buffer_failed(&text)) {
        status =
            print_pretty(call, (rf_text){text.bytes, text.length}, &value, err);
    }
    if (rf_buffer_failed(&value) || rf_buffer_failed(&text)) {
        status = rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    if (status == RF_OK) {
        out->length = value.length;
        out->bytes =
            rf_arena_copy(&call->exchange->arena, value.bytes, value.length);
        if (out->bytes == NULL) {
            status = rf_fail(err, RF_E_NO_MEMORY, "out of memory");
        }
    }
    rf_buffer_done(&value);
    rf_buffer_done(&text);
    return status;
}

/* ---- The update ---- */

/* On the writer's thread. */
static rf_status persist(rf_task *task, rf_error *err)
{
    const rf_call *call = task->owner;
    const rf_options *options = call->thread->api->options.options;
    return rf_environment_file_write(options->environments_directory,
                                     task->environment, task->document, err);
}

/* Tell all mistakes, of which a message of an error could hold but a few. */
static rf_step reply_problems(rf_call *call, const update *u)
{
    rf_buffer message = {0};
    size_t kept = u->problems.count < RF_PROBLEMS_MAX ? u->problems.count
                                                      : RF_PROBLEMS_MAX;
    for (size_t i = 0; i < kept; i++) {
        const rf_problem *problem = &u->problems.items[i];
        rf_buffer_append_string(&message, i == 0 ? "" : "; ");
        rf_buffer_append_string(&message, problem->path);
        rf_buffer_append_string(&message, ": ");
        rf_buffer_append_string(&message, problem->message);
    }
    if (u->problems.count > kept) {
        rf_buffer_append_string(&message, "; and more");
    }
    rf_buffer_append_byte(&message, '\0');
    rf_answer answer = {.prefix = "",
                        .id = RF_TEXT_EMPTY,
                        .status = u->task.status,
                        .message =
                            rf_buffer_failed(&message) ? "" : message.bytes,
                        .field = u->problems.items[0].path};
    rf_step step = rf_reply_error(call, &answer);
    rf_buffer_done(&message);
    return step;
}

static void log_update(const rf_call *call, const rf_task *task)
{
    rf_log_line line;
    bool good = task->status == RF_OK;
    rf_log_begin(&line, RF_LOG_INFO, "api",
                 good ? "configuration replaced"
                      : "configuration refused, nothing changed");
    rf_log_text(&line, "environment", call->environment);
    rf_log_text(&line, "actor", call->identity->name);
    if (good) {
        rf_log_integer(&line, "generation", (int64_t)task->generation);
    } else {
        rf_log_failure(&line, &task->error);
    }
    rf_log_end(&line);
}

static rf_step finish_update(rf_call *call)
{
    const update *u = call->state;
    bool good = u->task.status == RF_OK;
    log_update(call, &u->task);
    rf_metrics_count_reload(call->thread->api->metrics, call->environment,
                            rf_text_of(good ? "success" : "failure"));
    if (good) {
        return rf_task_reply(call, u->task.generation);
    }
    return u->problems.count > 0 ? reply_problems(call, u)
                                 : rf_reply_failure(call, &u->task.error);
}

/* Read the document. Mistakes of its form are no reason to stop here: the
 * engine adds those of its meaning. */
static rf_status prepare(rf_call *call, update *u, rf_error *err)
{
    if (!rf_environment_id_is_valid(call->environment)) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, "environmentId",
                             "an environment's id is made of 1 to 50 letters, "
                             "digits, '-' and '_'");
    }
    if (!rf_json_is(call->body, RF_JSON_OBJECT)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "an object is expected");
    }
    rf_status status = rf_document_read(&call->exchange->arena, call->body,
                                        &u->draft, &u->problems, err);
    if (status != RF_OK && status != RF_E_BAD_CONFIGURATION) {
        return status;
    }
    return make_document(call, &u->task.document, err);
}

static rf_step update_configuration(rf_call *call)
{
    rf_error error = {0};
    update *u = rf_call_alloc(call, 1, sizeof *u);
    if (u == NULL) {
        return rf_reply_no_memory(call);
    }
    u->call = call;
    call->state = u;
    if (prepare(call, u, &error) != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    u->task.kind = RF_TASK_CONFIGURE;
    u->task.draft = &u->draft;
    u->task.problems = &u->problems;
    u->task.persist = persist;
    return rf_task_submit(call, &u->task, finish_update);
}

static const rf_route rows[] = {
    {RF_METHOD_GET, "/configuration", RF_MAY_READ, 0, get_configuration},
    {RF_METHOD_POST, "/configuration/hardupdate", RF_MAY_ADMIN,
     RF_ROUTE_BODY | RF_ROUTE_DOCUMENT | RF_ROUTE_CREATES,
     update_configuration},
};

const rf_routes rf_routes_configuration = {rows, sizeof rows / sizeof rows[0]};
