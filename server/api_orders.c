/*
 * api_orders.c - GET /orders/{source}/{orderId}.
 *
 * No orders are kept yet, so there is none to tell of.
 */
#include "server/api_internal.h"
#include "server/api_result.h"

static rf_step tell_order(rf_call *call)
{
    rf_error error = {0};
    rf_fail(&error, RF_E_UNKNOWN_ORDER, "there is no such order");
    return rf_reply_failure(call, &error);
}

static const rf_route rows[] = {
    {RF_METHOD_GET, "/orders/{source}/{orderId}", RF_MAY_READ, 0, tell_order},
};

const rf_routes rf_routes_orders = {rows, sizeof rows / sizeof rows[0]};
