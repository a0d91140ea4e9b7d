/*
 * api_task.h - administration that the writer does for a call.
 */
#ifndef RINGFENCE_SERVER_API_TASK_H
#define RINGFENCE_SERVER_API_TASK_H

#include "server/api_internal.h"
#include "server/json_write.h"

/* Hand a task of the call to the writer and wait; `finish` is what the call is
 * resumed with. Environment, actor, request id, `done` and `owner` are filled
 * in here. */
rf_step rf_task_submit(rf_call *call, rf_task *task, rf_call_step *finish);

/* Open the reply to something that was done, for more members. `generation` is
 * put when it is not 0. */
void rf_task_begin_reply(rf_call *call, uint64_t generation,
                         rf_json_writer *writer);

/* Reply that a task is done. `generation` is put when it is not 0. */
rf_step rf_task_reply(rf_call *call, uint64_t generation);

#endif
