/*
 * api_onhand.c - change events: POST /onhand, POST /onhand/bulk.
 */
#include "server/api_command.h"
#include "server/api_write.h"

#include <string.h>

static rf_status read_event(rf_call *call, rf_json_object line,
                            rf_command *command, rf_error *err)
{
    const rf_json *quantities = NULL;
    rf_amount amounts[RF_EVENT_QUANTITIES_MAX];
    size_t count = 0;
    rf_status status =
        rf_read_key(call, line, RF_JSON_REQUIRED, command, NULL, err);
    if (status == RF_OK) {
        status = rf_json_child(line, "quantities", RF_JSON_REQUIRED,
                               RF_JSON_OBJECT, &quantities, err);
    }
    if (status == RF_OK) {
        status =
            rf_read_quantities(call, (rf_json_object){quantities, "quantities"},
                               amounts, &count, err);
    }
    if (status != RF_OK) {
        return status;
    }
    rf_amount *changes = rf_call_alloc(call, count, sizeof *changes);
    if (changes == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    memcpy(changes, amounts, count * sizeof *changes);
    command->changes = changes;
    command->change_count = count;
    return RF_OK;
}

static rf_step post_one(rf_call *call)
{
    return rf_write_one(call, RF_OPERATION_POST, read_event);
}

static rf_step post_many(rf_call *call)
{
    return rf_write_many(call, RF_OPERATION_POST, read_event);
}

static const rf_route rows[] = {
    {RF_METHOD_POST, "/onhand", RF_MAY_POST_STOCK, RF_ROUTE_BODY, post_one},
    {RF_METHOD_POST, "/onhand/bulk", RF_MAY_POST_STOCK, RF_ROUTE_BODY,
     post_many},
};

const rf_routes rf_routes_onhand = {rows, sizeof rows / sizeof rows[0]};
