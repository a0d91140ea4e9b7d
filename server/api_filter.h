/*
 * api_filter.h - reading what a query of stock asks for.
 *
 * The same question can be put in three ways: as an index query, whose lists
 * of sites and locations multiply; as an exact query, whose tuples name each
 * combination by itself; and in a URL. Each has a reader of its own, and all
 * fill in one structure, which api_query.c answers.
 */
#ifndef RINGFENCE_SERVER_API_FILTER_H
#define RINGFENCE_SERVER_API_FILTER_H

#include "core/query.h"
#include "server/api_internal.h"
#include "server/api_mark.h"
#include "server/api_promise.h"

/* Most tuples of an exact query: as many combinations of sites and locations as
 * an index query may name. */
#define RF_QUERY_TUPLES_MAX 10000

/* One combination: an organization, then a value for each coordinate that the
 * query names, in the order of their numbers. */
typedef struct rf_tuple {
    const rf_text *texts;
    size_t count;
} rf_tuple;

/* One query of stock, as it was asked. Texts are borrowed from the body and
 * the call's memory. */
typedef struct rf_stock_query {
    rf_query query; /* of an exact one what all its tuples share */
    rf_filter filters[RF_DIMENSION_COUNT];
    bool searches;    /* its products are found by what is known of them */
    const char *path; /* in front of a filter's name in errors: "filters." */
    bool second;      /* Api-Version 2.0: pages, several organizations */
    bool negative;    /* returnNegative */
    rf_promise_request promise; /* QueryATP and its dates */

    /* Pages of warehouses. */
    int64_t page_number; /* from 1 */
    int64_t page_size;   /* 0: everything on one page */

    /* Pages of rows. */
    int64_t limit; /* a page ends with the product that has this row; 0: none */
    rf_mark after; /* where the page before ended */

    bool exact;
    rf_level named;         /* the coordinates of the tuples */
    const rf_tuple *tuples; /* in order, each of them once */
    size_t tuple_count;
} rf_stock_query;

/* Read a call. `out` is zeroed, but for `searches`, which is said before: such
 * a query names no products, they are put into it when they are found
 * (api_search.h). It must stay where it is while the query is used. */
typedef rf_status rf_stock_query_read(rf_call *call, rf_stock_query *out,
                                      rf_error *err);

/* POST /onhand/indexquery: the body, and the page from the URL.
 * RF_E_MISSING_FIELD, RF_E_INVALID_FIELD, RF_E_CONFLICTING_FIELDS,
 * RF_E_TOO_LONG, RF_E_TOO_MANY_ITEMS, RF_E_TOO_MANY_ORGANIZATIONS,
 * RF_E_UNKNOWN_DATA_SOURCE, RF_E_UNKNOWN_DIMENSION, RF_E_DUPLICATE_DIMENSION,
 * RF_E_MISSING_PRODUCT, RF_E_NO_INDEX, RF_E_ATP_GROUP_BY, RF_E_NO_MEMORY. */
rf_stock_query_read rf_index_query_read;

/* POST /onhand/exactquery. The same, and RF_E_TUPLE_LENGTH; and
 * RF_E_PARTITION_NEEDED: neither site nor location is named where they part the
 * stock. */
rf_stock_query_read rf_exact_query_read;

/* GET /onhand: every parameter that is none of the query's own names a
 * dimension. Values are lists with commas, and may be repeated. The same. */
rf_stock_query_read rf_url_query_read;

#endif
