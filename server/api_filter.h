/*
 * api_filter.h - reading what an index query asks for.
 */
#ifndef RINGFENCE_SERVER_API_FILTER_H
#define RINGFENCE_SERVER_API_FILTER_H

#include "core/query.h"
#include "server/api_internal.h"
#include "server/api_promise.h"

/* One index query, as it was asked. */
typedef struct rf_index_query {
    rf_query query; /* borrows from the body and the call's memory */
    rf_filter filters[RF_DIMENSION_COUNT];
    bool second;   /* Api-Version 2.0: pages, several organizations */
    bool negative; /* returnNegative */
    rf_promise_request promise; /* QueryATP and its dates */
    int64_t page_number;        /* from 1 */
    int64_t page_size;          /* in warehouses; 0: everything on one page */
} rf_index_query;

/* Read the body and the parameters of a call. `out` must stay where it is
 * while the query is used.
 * RF_E_MISSING_FIELD, RF_E_INVALID_FIELD, RF_E_CONFLICTING_FIELDS,
 * RF_E_TOO_LONG, RF_E_TOO_MANY_ITEMS, RF_E_TOO_MANY_ORGANIZATIONS,
 * RF_E_UNKNOWN_DATA_SOURCE, RF_E_UNKNOWN_DIMENSION, RF_E_DUPLICATE_DIMENSION,
 * RF_E_MISSING_PRODUCT, RF_E_NO_INDEX, RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_index_query_read(rf_call *call, rf_index_query *out,
                                            rf_error *err);

#endif
