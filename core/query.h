/*
 * query.h - reading totals: which nodes answer a question, row by row.
 *
 * A query names an organization, products (or none, for all products at some
 * places), values to filter coordinates by, and coordinates to group by. It is
 * planned on the smallest level that contains all of them; where that level
 * has more coordinates, its nodes are added up. The cost follows the rows
 * returned, not the leaves.
 *
 * A query runs in slices, each in a read transaction of its own, so that
 * neither a loop nor a snapshot is held for long. So the rows of a long answer
 * are not all of one instant. A query can begin anywhere in the order of its
 * rows, which costs no more than beginning at the beginning.
 */
#ifndef RINGFENCE_CORE_QUERY_H
#define RINGFENCE_CORE_QUERY_H

#include "core/arena.h"
#include "core/day.h"
#include "core/generation.h"
#include "core/store.h"

/* The values a coordinate may have; an empty text means "not given". */
typedef struct rf_filter {
    unsigned coordinate;
    const rf_text *values; /* any of these, at least one */
    size_t count;
} rf_filter;

/* A place between the rows of a query: behind all rows of this product, and,
 * where the query names no products, of this site and location. */
typedef struct rf_query_mark {
    rf_text organization;
    rf_text product;
    rf_text site;
    rf_text location;
} rf_query_mark;

/* All texts and lists are borrowed until the run is freed. */
typedef struct rf_query {
    const rf_text *organizations; /* at least one */
    size_t organization_count;
    const rf_text *products; /* none: all that the filtered places ever held */
    size_t product_count;
    const rf_filter *filters; /* one per coordinate at most */
    size_t filter_count;
    rf_level group_by; /* what rows are told apart by, the partition's
                          dimensions included where the contract wants them */
    bool scheduled;    /* also what is scheduled for these days, which are
                          RF_SCHEDULE_DAYS_MAX at most */
    rf_day first_day;
    rf_day last_day;

    /* Where to begin; NULL: at the beginning. */
    const rf_query_mark *behind;

    /* Tell nothing but the places: one row, without a product and without
     * measures, for each site and location that ever held one. For queries
     * without products and with filters by these two only. */
    bool places;
} rf_query;

/* What is scheduled for a day. */
typedef struct rf_row_day {
    rf_day day;
    const rf_measures *measures;
} rf_row_day;

/* One answer. Borrowed until the visit returns. */
typedef struct rf_row {
    rf_text organization;
    rf_text product;
    const rf_place *place; /* the coordinates of group_by */
    const rf_measures *measures;
    const rf_row_day
        *days; /* those that something is scheduled for, in order */
    size_t day_count;
} rf_row;

typedef rf_status rf_row_visit(void *context, const rf_row *row, rf_error *err);

typedef struct rf_query_run rf_query_run;

/* Plan a query under a generation, which the run keeps a reference to.
 * `arena` gives the run's memory and outlives it; the rows of a product take as
 * much again at most as the arena may.
 * RF_E_MISSING_PRODUCT: there are no products, and group_by lacks site or
 * location. RF_E_UNKNOWN_DIMENSION: no totals are kept by these groups.
 * RF_E_INVALID_FIELD: `behind` is of none of the organizations. */
RF_MUST_CHECK rf_status rf_query_start(rf_generation *generation,
                                       const rf_query *query, rf_arena *arena,
                                       rf_query_run **out, rf_error *err);

/* Read on for one slice and visit the rows it completes. `*done`: that was all.
 *
 * Rows come in the order of the organizations as given, then of products, then
 * of their coordinates in the order of the coordinates' numbers (site and
 * location first); all of these by bytes, the empty value first. A product's
 * rows are kept until it is read to its end, so that memory follows the rows
 * of one product.
 *
 * Without products the order is organization, site, location, product, and
 * only then the other coordinates; here sites, locations and products come as
 * they are stored, a shorter one before a longer one. So every place is
 * finished before the next, and memory follows one product at one place.
 *
 * A status that `visit` returns ends the query and is returned. */
RF_MUST_CHECK rf_status rf_query_slice(rf_query_run *run, rf_store *store,
                                       rf_row_visit *visit, void *context,
                                       bool *done, rf_error *err);

/* Have the slice under way end with the row that is being visited. To be called
 * by a visit that has had enough for now. */
void rf_query_pause(rf_query_run *run);

void rf_query_free(rf_query_run *run);

#endif
