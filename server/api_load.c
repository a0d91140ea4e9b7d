/*
 * api_load.c - loads of a call: submitting, waiting, refusing.
 */
#include "server/api_load.h"

#include "server/api_result.h"

rf_load *rf_load_make(rf_call *call, rf_load_kind kind)
{
    rf_load *load = rf_call_alloc(call, 1, sizeof *load);
    if (load != NULL) {
        load->kind = kind;
        load->environment = call->environment;
    }
    return load;
}

/* On the loader's thread; the call may be resumed before this returns. */
static void wake(rf_load *load)
{
    rf_call *call = load->owner;
    rf_exchange_wake(call->exchange);
}

rf_step rf_load_submit(rf_call *call, rf_load *load, rf_call_step *finish)
{
    rf_error error = {0};
    if (rf_call_flag(call, "dryRun", &load->dry_run, &error) != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    load->actor = call->identity->name;
    rf_call_request_id(call, load->request_id);
    load->done = wake;
    load->owner = call;
    call->resume = finish;
    rf_status status =
        rf_loader_submit(call->thread->api->options.loader, load, &error);
    return status == RF_OK ? RF_STEP_WAIT : rf_reply_failure(call, &error);
}

void rf_load_put_dry_run(const rf_load *load, rf_json_writer *writer)
{
    if (load->dry_run) {
        rf_json_put_key(writer, "dryRun");
        rf_json_put_bool(writer, true);
    }
}

/* ---- Refusing ---- */

static void append_problem(rf_buffer *message, const rf_problem *problem)
{
    if (problem->path[0] != '\0') {
        rf_buffer_append_string(message, problem->path);
        rf_buffer_append_string(message, ": ");
    }
    rf_buffer_append_string(message, problem->message);
}

static void append_problems(rf_buffer *message, const rf_problems *problems)
{
    size_t kept =
        problems->count < RF_PROBLEMS_MAX ? problems->count : RF_PROBLEMS_MAX;
    for (size_t i = 0; i < kept; i++) {
        rf_buffer_append_string(message, i == 0 ? "" : "; ");
        append_problem(message, &problems->items[i]);
    }
    if (problems->count > kept) {
        rf_buffer_append_string(message, "; and more");
    }
    rf_buffer_append_byte(message, '\0');
}

rf_step rf_load_refuse(rf_call *call, const rf_load *load)
{
    if (load->problems.count == 0) {
        return rf_reply_failure(call, &load->error);
    }
    rf_buffer message = {0};
    append_problems(&message, &load->problems);
    rf_answer answer = {.prefix = "",
                        .id = RF_TEXT_EMPTY,
                        .status = load->error.status,
                        .message = rf_buffer_failed(&message)
                                       ? load->error.message
                                       : message.bytes,
                        .field = load->problems.items[0].path,
                        .script = &load->error.script};
    rf_step step = rf_reply_error(call, &answer);
    rf_buffer_done(&message);
    return step;
}
