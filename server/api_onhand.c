/*
 * api_onhand.c - change events: POST /onhand, POST /onhand/bulk.
 */
#include "server/api_command.h"
#include "server/api_write.h"

static rf_step post_one(rf_call *call)
{
    return rf_write_one(call, RF_OPERATION_POST, rf_read_event);
}

static rf_step post_many(rf_call *call)
{
    return rf_write_many(call, RF_OPERATION_POST, rf_read_event);
}

static const rf_route rows[] = {
    {RF_METHOD_POST, "/onhand", RF_MAY_POST_STOCK, RF_ROUTE_BODY, post_one},
    {RF_METHOD_POST, "/onhand/bulk", RF_MAY_POST_STOCK, RF_ROUTE_BODY,
     post_many},
};

const rf_routes rf_routes_onhand = {rows, sizeof rows / sizeof rows[0]};
