/*
 * api_sweep.c - asking the writer to end holds.
 */
#include "server/api_sweep.h"

#include "server/api_result.h"

/* On the writer's thread; the call may be resumed before this returns. */
static void wake(rf_job *job)
{
    rf_call *call = job->owner;
    rf_exchange_wake(call->exchange);
}

/* Without room, reads go on with what there is; so they do while the server
 * stops. */
static bool is_told(rf_status status)
{
    return status != RF_OK && status != RF_E_STORAGE_FULL &&
           status != RF_E_STOPPING;
}

static rf_step go_on(rf_call *call)
{
    const rf_job *job = call->state;
    rf_error error = {0};
    call->state = NULL;
    if (is_told(job->due_status)) {
        rf_fail(&error, job->due_status,
                "what is due in this environment cannot be done");
        return rf_reply_failure(call, &error);
    }
    return call->route->handle(call);
}

/* A job without commands asks for nothing but the sweep. */
static rf_step ask_writer(rf_call *call)
{
    rf_error error = {0};
    rf_job *job = rf_call_alloc(call, 1, sizeof *job);
    if (job == NULL) {
        return rf_reply_no_memory(call);
    }
    job->generation = call->generation;
    job->actor = call->identity->name;
    rf_call_request_id(call, job->request_id);
    job->done = wake;
    job->owner = call;
    call->state = job;
    call->resume = go_on;
    rf_status status =
        rf_writer_submit(call->thread->api->options.writer, job, &error);
    return status == RF_OK ? RF_STEP_WAIT : rf_reply_failure(call, &error);
}

rf_step rf_sweep_first(rf_call *call)
{
    return rf_due_is_past(call->generation->due, rf_api_clock_ms())
               ? ask_writer(call)
               : call->route->handle(call);
}
