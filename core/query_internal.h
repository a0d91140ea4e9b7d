/*
 * query_internal.h - what the query's files share.
 *
 * query.c plans and goes from product to product, query_read.c reads the nodes
 * of one product; groups.h adds them up to rows.
 */
#ifndef RINGFENCE_CORE_QUERY_INTERNAL_H
#define RINGFENCE_CORE_QUERY_INTERNAL_H

#include "core/groups.h"
#include "core/key.h"
#include "core/place_walk.h"
#include "core/query.h"
#include "core/record.h"
#include "core/slice.h"

/* Keys are sought one by one for at most so many combinations of filter
 * values; beyond that a scan that looks each node up is cheaper. */
#define RF_QUERY_COMBINATIONS_MAX 16

/* How far the reading of one product has got. */
typedef struct rf_reading {
    size_t combination;
    bool in_hashed; /* among the keys whose tail is hashed */
    rf_key next;    /* empty: begin at the beginning of the range */
} rf_reading;

typedef enum {
    RF_QUERY_SEEK, /* find the next product */
    RF_QUERY_READ, /* read its nodes */
    RF_QUERY_TELL, /* visit its rows */
    RF_QUERY_END
} rf_query_phase;

struct rf_query_run {
    rf_generation *generation;
    rf_query query;        /* with the day among its groups, where days are
                              wanted */
    rf_level_number level; /* what is read now: that of the stock, or, after it,
                              that of what is scheduled */
    rf_level_number stock_level;
    rf_level_number schedule_level;
    bool in_schedule;
    char first_day[RF_DAY_TEXT_SIZE];
    char last_day[RF_DAY_TEXT_SIZE];
    rf_row_day *days; /* of the row being told */

    /* One filter per coordinate, in their order; values in the order of keys,
     * none twice. */
    rf_filter filters[RF_COORDINATES_MAX];
    rf_level filtered;
    rf_level sought;     /* leading coordinates whose values are sought */
    size_t combinations; /* of their values */

    rf_query_phase phase;
    size_t organization;
    const rf_text *products; /* in order, none twice */
    size_t product_count;
    size_t product; /* the next one */
    rf_text at_product;

    /* Without products: through the index of places. */
    bool walks;
    rf_filter allowed[2]; /* sites and locations, no values: all of them */
    rf_key walk;          /* where to go on, empty: begin an organization */
    rf_place_entry entry; /* the texts of `here` lie in it */
    rf_text here[2];      /* the place under way */

    rf_reading reading;
    rf_groups groups;
    size_t told; /* rows visited so far */
    bool paused; /* the slice is to end */
    rf_node node;
    rf_place picked; /* the values sought now, or where the row lies */
};

/* Say whether a value is among a filter's. */
bool rf_query__allows(const rf_filter *filter, rf_text value);

/* Return the filter of a filtered coordinate. */
const rf_filter *rf_query__filter(const rf_query_run *run, unsigned coordinate);

typedef struct rf_query_slicing {
    rf_store *store;
    rf_store_transaction *transaction;
    rf_slice slice;
    rf_row_visit *visit;
    void *context;
} rf_query_slicing;

/* Turn to the stock, or to what is scheduled, from its beginning: decide which
 * coordinates are sought there. */
void rf_query__turn(rf_query_run *run, bool to_schedule);

/* Read on in the product at hand; `*end`: all of it is read. */
RF_MUST_CHECK rf_status rf_query__read(rf_query_run *run,
                                       rf_query_slicing *slicing, bool *end,
                                       rf_error *err);

#endif
