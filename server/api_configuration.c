/*
 * api_configuration.c - GET /configuration, POST /configuration/hardupdate.
 *
 * A document is kept as it came, unknown members too; only environmentId is
 * set to the id of the path. What it says is the loader's to judge, and all of
 * its mistakes are reported together.
 */
#include "server/api_load.h"
#include "server/api_result.h"
#include "server/api_task.h"
#include "server/environment_file.h"

/* As deep as a document that is printed again may be. */
#define LIMITS                                                                 \
    ((rf_json_limits){.depth_max = RF_JSON_DEPTH_CEILING, .values_max = 200000})

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

static rf_step finish_update(rf_call *call)
{
    rf_load *load = call->state;
    rf_step step = RF_STEP_DONE;
    if (load->error.status == RF_OK) {
        rf_json_writer writer;
        rf_task_begin_reply(call, load->generation, &writer);
        rf_load_put_dry_run(load, &writer);
        rf_json_end_object(&writer);
    } else {
        step = rf_load_refuse(call, load);
    }
    rf_load_done(load);
    return step;
}

static rf_status prepare(rf_call *call, rf_load *load, rf_error *err)
{
    if (!rf_environment_id_is_valid(call->environment)) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, "environmentId",
                             "an environment's id is made of 1 to 50 letters, "
                             "digits, '-' and '_'");
    }
    if (!rf_json_is(call->body, RF_JSON_OBJECT)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "an object is expected");
    }
    return make_document(call, &load->document, err);
}

static rf_step update_configuration(rf_call *call)
{
    rf_error error = {0};
    rf_load *load = rf_load_make(call, RF_LOAD_CONFIGURE);
    if (load == NULL) {
        return rf_reply_no_memory(call);
    }
    call->state = load;
    return prepare(call, load, &error) == RF_OK
               ? rf_load_submit(call, load, finish_update)
               : rf_reply_failure(call, &error);
}

static const rf_route rows[] = {
    {RF_METHOD_GET, "/configuration", RF_MAY_READ, 0, get_configuration},
    {RF_METHOD_POST, "/configuration/hardupdate", RF_MAY_ADMIN,
     RF_ROUTE_BODY | RF_ROUTE_DOCUMENT | RF_ROUTE_CREATES,
     update_configuration},
};

const rf_routes rf_routes_configuration = {rows, sizeof rows / sizeof rows[0]};
