/*
 * api_partitions.c - which partitions hold data, and erasing them.
 */
#include "core/partitions.h"
#include "server/api_result.h"
#include "server/api_task.h"

/* Partitions of one slice. */
#define PARTITIONS_PER_SLICE 1000

/* ---- Listing ---- */

typedef struct listing {
    rf_partition_listing listing;
    rf_json_writer writer;
} listing;

static rf_status put_partition(void *context, const rf_partition *partition,
                               rf_error *err)
{
    listing *list = context;
    (void)err;
    rf_json_put_text(&list->writer, partition->id);
    return RF_OK;
}

static rf_step list_on(rf_call *call)
{
    listing *list = call->state;
    rf_error error = {0};
    bool end = false;
    rf_status status = rf_partitions_list(call->thread->api->options.store,
                                          &list->listing, &end, &error);
    if (status != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    if (!end) {
        return RF_STEP_AGAIN;
    }
    rf_json_end_array(&list->writer);
    return RF_STEP_DONE;
}

static rf_step list_partitions(rf_call *call)
{
    listing *list = rf_call_alloc(call, 1, sizeof *list);
    if (list == NULL) {
        return rf_reply_no_memory(call);
    }
    list->listing = (rf_partition_listing){.generation = call->generation,
                                           .limit = PARTITIONS_PER_SLICE,
                                           .visit = put_partition,
                                           .context = list};
    call->state = list;
    call->resume = list_on;
    rf_reply_begin(call, 200, &list->writer);
    rf_json_begin_array(&list->writer);
    return list_on(call);
}

/* ---- Erasing ---- */

static rf_step finish_erase(rf_call *call)
{
    const rf_task *task = call->state;
    return task->status == RF_OK ? rf_task_reply(call, 0)
                                 : rf_reply_failure(call, &task->error);
}

/* Read the body: an array of partition ids. */
static rf_status read_ids(rf_call *call, rf_task *task, rf_error *err)
{
    if (!rf_json_is(call->body, RF_JSON_ARRAY)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "an array is expected");
    }
    rf_text *ids =
        rf_call_alloc(call, rf_json_length(call->body) + 1, sizeof *ids);
    if (ids == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    for (const rf_json *value = rf_json_first(call->body); value != NULL;
         value = rf_json_next(value)) {
        if (!rf_json_is(value, RF_JSON_STRING)) {
            return rf_fail(err, RF_E_INVALID_FIELD,
                           "a partition's id is a string");
        }
        ids[task->partition_count++] = rf_json_text(value);
    }
    task->partitions = ids;
    return RF_OK;
}

static rf_step erase_partitions(rf_call *call)
{
    rf_error error = {0};
    rf_task *task = rf_call_alloc(call, 1, sizeof *task);
    if (task == NULL) {
        return rf_reply_no_memory(call);
    }
    if (read_ids(call, task, &error) != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    if (task->partition_count == 0) {
        return rf_task_reply(call, 0);
    }
    task->kind = RF_TASK_ERASE;
    call->state = task;
    return rf_task_submit(call, task, finish_erase);
}

static const rf_route rows[] = {
    {RF_METHOD_GET, "/allpartitionids", RF_MAY_READ, 0, list_partitions},
    {RF_METHOD_DELETE, "/partitions/cleanupalldata", RF_MAY_ADMIN,
     RF_ROUTE_BODY | RF_ROUTE_REAL, erase_partitions},
    {RF_METHOD_DELETE, "/cleanupalldata", RF_MAY_ADMIN,
     RF_ROUTE_BODY | RF_ROUTE_REAL, erase_partitions},
};

const rf_routes rf_routes_partitions = {rows, sizeof rows / sizeof rows[0]};
