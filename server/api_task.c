/*
 * api_task.c - tasks of the writer.
 */
#include "server/api_task.h"

#include "server/api_result.h"

static void wake(rf_task *task)
{
    rf_call *call = task->owner;
    rf_exchange_wake(call->exchange);
}

rf_step rf_task_submit(rf_call *call, rf_task *task, rf_call_step *finish)
{
    rf_error error = {0};
    task->environment = call->environment;
    task->actor = call->identity->name;
    rf_call_request_id(call, task->request_id);
    task->done = wake;
    task->owner = call;
    call->resume = finish;
    rf_status status =
        rf_writer_submit_task(call->thread->api->options.writer, task, &error);
    return status == RF_OK ? RF_STEP_WAIT : rf_reply_failure(call, &error);
}

void rf_task_begin_reply(rf_call *call, uint64_t generation,
                         rf_json_writer *writer)
{
    rf_answer answer = {.prefix = "",
                        .id = RF_TEXT_EMPTY,
                        .status = RF_OK,
                        .message = "",
                        .field = ""};
    rf_reply_begin(call, 200, writer);
    rf_json_begin_object(writer);
    rf_answer_put(writer, &answer);
    if (generation != 0) {
        rf_json_put_key(writer, "generation");
        rf_json_put_integer(writer, (int64_t)generation);
    }
}

rf_step rf_task_reply(rf_call *call, uint64_t generation)
{
    rf_json_writer writer;
    rf_task_begin_reply(call, generation, &writer);
    rf_json_end_object(&writer);
    return RF_STEP_DONE;
}
