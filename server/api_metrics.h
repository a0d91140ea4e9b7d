/*
 * api_metrics.h - what the api part counts, and what it asks others for.
 */
#ifndef RINGFENCE_SERVER_API_METRICS_H
#define RINGFENCE_SERVER_API_METRICS_H

#include "core/command.h"
#include "server/api_internal.h"

/* The word for whatever belongs to no route; the routes follow it in the
 * order of the tables. */
#define RF_ROUTE_OTHER 0

/* Make the metrics of an api, with a word for each route of the tables.
 * RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_api__make_metrics(rf_api *api,
                                             const rf_routes *const *tables,
                                             size_t table_count, rf_error *err);

/* Count one command that the writer has answered, on its I/O thread. */
void rf_api__count_command(const rf_call *call, rf_operation operation,
                           const rf_result *result, double seconds);

#endif
