/*
 * api_plugins_change.c - PUT /plugins/{name}/{file}, DELETE /plugins/{name},
 * POST /plugins/rollback.
 *
 * Each is a load: it is answered when the new generation is in force, or with
 * what is wrong when nothing has changed.
 */
#include "server/api_load.h"
#include "server/api_plugins.h"
#include "server/api_result.h"
#include "server/json_read.h"

/* Open a reply with what all of them say. */
static void begin_reply(rf_call *call, const rf_load *load,
                        rf_json_writer *writer)
{
    rf_reply_begin(call, 200, writer);
    rf_json_begin_object(writer);
    rf_json_put_key(writer, "generation");
    rf_json_put_integer(writer, (int64_t)load->generation);
    rf_json_put_key(writer, "changed");
    rf_json_put_bool(writer, load->changed);
    rf_load_put_dry_run(load, writer);
}

/* Refuse a load that failed, and give back what it brought. */
static rf_step end_refused(rf_call *call, rf_load *load)
{
    rf_step step = rf_load_refuse(call, load);
    rf_load_done(load);
    return step;
}

/* ---- Putting a file ---- */

static rf_step finish_put(rf_call *call)
{
    rf_load *load = call->state;
    char hash[RF_PLUGINS_HASH_SIZE];
    if (load->error.status != RF_OK) {
        return end_refused(call, load);
    }
    rf_json_writer writer;
    begin_reply(call, load, &writer);
    rf_json_put_key(&writer, "plugin");
    rf_json_put_text(&writer, load->plugin);
    rf_json_put_key(&writer, "file");
    rf_json_put_text(&writer, load->file);
    if (rf_plugins__hash(load->text, hash)) {
        rf_json_put_key(&writer, "sha256");
        rf_json_put_string(&writer, hash);
    }
    rf_json_end_object(&writer);
    rf_load_done(load);
    return RF_STEP_DONE;
}

static rf_status prepare_put(const rf_call *call, rf_load *load, rf_error *err)
{
    load->plugin = call->captured[0];
    load->file = call->captured[1];
    load->text = call->exchange->request.body;
    rf_status status = rf_plugins__check_name(load->plugin, "name", err);
    return status == RF_OK ? rf_plugins__check_file(load->file, "file", err)
                           : status;
}

rf_step rf_plugins__put(rf_call *call)
{
    rf_error error = {0};
    rf_load *load = rf_load_make(call, RF_LOAD_PUT);
    if (load == NULL) {
        return rf_reply_no_memory(call);
    }
    call->state = load;
    return prepare_put(call, load, &error) == RF_OK
               ? rf_load_submit(call, load, finish_put)
               : rf_reply_failure(call, &error);
}

/* ---- Removing the environment's own copy ---- */

static rf_step finish_remove(rf_call *call)
{
    rf_load *load = call->state;
    if (load->error.status != RF_OK) {
        return end_refused(call, load);
    }
    rf_json_writer writer;
    begin_reply(call, load, &writer);
    rf_json_put_key(&writer, "plugin");
    rf_json_put_text(&writer, load->plugin);
    rf_json_end_object(&writer);
    rf_load_done(load);
    return RF_STEP_DONE;
}

rf_step rf_plugins__remove(rf_call *call)
{
    rf_error error = {0};
    rf_load *load = rf_load_make(call, RF_LOAD_REMOVE);
    if (load == NULL) {
        return rf_reply_no_memory(call);
    }
    call->state = load;
    load->plugin = call->captured[0];
    return rf_plugins__check_name(load->plugin, "name", &error) == RF_OK
               ? rf_load_submit(call, load, finish_remove)
               : rf_reply_failure(call, &error);
}

/* ---- Putting a generation back ---- */

static rf_step finish_rollback(rf_call *call)
{
    rf_load *load = call->state;
    if (load->error.status != RF_OK) {
        return end_refused(call, load);
    }
    rf_json_writer writer;
    begin_reply(call, load, &writer);
    rf_json_put_key(&writer, "restored");
    rf_json_put_integer(&writer, (int64_t)load->number);
    rf_json_end_object(&writer);
    rf_load_done(load);
    return RF_STEP_DONE;
}

rf_step rf_plugins__roll_back(rf_call *call)
{
    rf_error error = {0};
    int64_t number = 0;
    rf_load *load = rf_load_make(call, RF_LOAD_ROLLBACK);
    if (load == NULL) {
        return rf_reply_no_memory(call);
    }
    call->state = load;
    if (!rf_json_is(call->body, RF_JSON_OBJECT)) {
        rf_fail(&error, RF_E_INVALID_FIELD, "an object is expected");
        return rf_reply_failure(call, &error);
    }
    rf_status status = rf_json_integer(
        (rf_json_object){call->body, ""}, "generation", RF_JSON_REQUIRED,
        (rf_json_range){1, INT64_MAX}, &number, &error);
    load->number = (uint64_t)number;
    return status == RF_OK ? rf_load_submit(call, load, finish_rollback)
                           : rf_reply_failure(call, &error);
}
