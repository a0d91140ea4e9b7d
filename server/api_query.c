/*
 * api_query.c - POST /onhand/indexquery, Api-Version 1.0 and 2.0.
 *
 * An answer is written slice by slice, one slice for each turn of the loop.
 * Pages of version 2.0 are pages of warehouses (a warehouse is a LocationId): a
 * first run finds out which there are, without writing anything; then each
 * warehouse of the page gets a run of its own, so that rows come warehouse by
 * warehouse.
 */
#include "core/query.h"
#include "server/api_filter.h"
#include "server/api_result.h"
#include "server/api_row.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RUN_BLOCK_BYTES ((size_t)16 * 1024)

/* What the rows of one product may take while they are added up: some hundred
 * thousand of them. */
#define RUN_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* Warehouses in order, each of them once; memory of the call. */
typedef struct warehouses {
    rf_text *items;
    size_t count;
    size_t capacity;
} warehouses;

typedef struct answer {
    rf_index_query asked;
    rf_query_run *run;
    rf_arena memory; /* of the run */
    rf_row_layout *layout;
    rf_row_style style;
    rf_place fixed; /* by the filters */
    rf_json_writer writer;
    rf_call *call;

    /* Of pages. */
    warehouses found;
    size_t next; /* the warehouse to read next */
    size_t end;  /* the first behind the page */
    rf_filter filters[RF_DIMENSION_COUNT + 1];
} answer;

/* ---- Warehouses ---- */

/* Return the place of the first warehouse at or behind `wanted`. */
static size_t find_warehouse(const warehouses *list, rf_text wanted)
{
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rf_text_compare(list->items[middle], wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool make_room(rf_call *call, warehouses *list)
{
    if (list->count < list->capacity) {
        return true;
    }
    size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
    rf_text *items = rf_call_alloc(call, capacity, sizeof *items);
    if (items == NULL) {
        return false;
    }
    if (list->count > 0) {
        memcpy(items, list->items, list->count * sizeof *items);
    }
    list->items = items;
    list->capacity = capacity;
    return true;
}

/* Enter a warehouse in its place; rows come product by product, so the same
 * ones come again and again. */
static rf_status add_warehouse(rf_call *call, warehouses *list, rf_text found,
                               rf_error *err)
{
    size_t at = find_warehouse(list, found);
    if (at < list->count && rf_text_equal(list->items[at], found)) {
        return RF_OK;
    }
    found.bytes =
        rf_arena_copy(&call->exchange->arena, found.bytes, found.length);
    if (found.bytes == NULL || !make_room(call, list)) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    memmove(&list->items[at + 1], &list->items[at],
            (list->count - at) * sizeof found);
    list->items[at] = found;
    list->count++;
    return RF_OK;
}

/* ---- Runs ---- */

static rf_status visit_warehouse(void *context, const rf_row *row,
                                 rf_error *err)
{
    answer *a = context;
    bool given = (row->place->given & RF_BIT(RF_LOCATION)) != 0;
    rf_text found = given ? row->place->value[RF_LOCATION] : RF_TEXT_EMPTY;
    return add_warehouse(a->call, &a->found, found, err);
}

/* A coordinate with one filter value is the same in all that a row adds up:
 * formulas see it as they do when a reservation names it. */
static void fix_place(answer *a)
{
    const rf_query *query = &a->asked.query;
    for (size_t i = 0; i < query->filter_count; i++) {
        const rf_filter *filter = &query->filters[i];
        if (filter->count == 1 && filter->values[0].length > 0) {
            a->fixed.given |= RF_BIT(filter->coordinate);
            a->fixed.value[filter->coordinate] = filter->values[0];
        }
    }
}

static rf_status visit_row(void *context, const rf_row *row, rf_error *err)
{
    answer *a = context;
    rf_level more = a->fixed.given & ~row->place->given;
    if (more == 0 || rf_call_catalog(a->call)->host == NULL) {
        return rf_row_put(a->layout, &a->style, row, &a->writer, err);
    }
    rf_place place = *row->place;
    rf_row complete = *row;
    complete.place = &place;
    place.given |= more;
    for (; more != 0; more &= more - 1) {
        unsigned coordinate = (unsigned)__builtin_ctzll(more);
        place.value[coordinate] = a->fixed.value[coordinate];
    }
    return rf_row_put(a->layout, &a->style, &complete, &a->writer, err);
}

/* Give back what a run holds; none may be under way. */
static void end_run(answer *a)
{
    rf_query_free(a->run);
    a->run = NULL;
    rf_arena_done(&a->memory);
}

static rf_status begin_run(answer *a, const rf_query *query, rf_error *err)
{
    end_run(a);
    rf_arena_init(&a->memory, RUN_BLOCK_BYTES, RUN_BYTES_MAX);
    return rf_query_start(a->call->generation, query, &a->memory, &a->run, err);
}

/* The layout is made when the first row can come: until then warehouses are
 * being counted. */
static bool is_counting(const answer *a)
{
    return a->asked.page_size > 0 && a->layout == NULL;
}

/* Find out which warehouses there are: rows without the other groups. */
static rf_status begin_counting(answer *a, rf_error *err)
{
    rf_query query = a->asked.query;
    query.group_by &= RF_BIT(RF_LOCATION);
    return begin_run(a, &query, err);
}

/* Open the reply in front of the first row. */
static rf_status begin_rows(answer *a, rf_error *err)
{
    const rf_index_query *asked = &a->asked;
    a->style = (rf_row_style){.shown = asked->query.group_by,
                              .organization = asked->second,
                              .negative = asked->negative,
                              .now_ms = rf_api_clock_ms(),
                              .thread = a->call->thread->number};
    fix_place(a);
    rf_status status = rf_row_layout_make(
        rf_call_catalog(a->call), &a->call->exchange->arena, &a->layout, err);
    if (status == RF_OK && asked->promise.wanted) {
        rf_promise_request *promise = &a->asked.promise;
        promise->now_ms = a->style.now_ms;
        status = rf_promises_make(rf_call_catalog(a->call), promise,
                                  &a->call->exchange->arena, &a->asked.query,
                                  &a->style.promises, err);
    }
    if (status != RF_OK) {
        return status;
    }
    rf_reply_begin(a->call, 200, &a->writer);
    if (asked->second) {
        rf_json_begin_object(&a->writer);
        rf_json_put_key(&a->writer, "Value");
    }
    rf_json_begin_array(&a->writer);
    return RF_OK;
}

/* Begin the run of the next warehouse of the page: its location takes the
 * place of the query's own filter. Rows that are not told apart by location
 * belong to one warehouse, the only one. */
static rf_status begin_warehouse(answer *a, rf_error *err)
{
    const rf_text *location = &a->found.items[a->next++];
    rf_query query = a->asked.query;
    if ((query.group_by & RF_BIT(RF_LOCATION)) == 0) {
        return begin_run(a, &query, err);
    }
    size_t at = 0;
    memcpy(a->filters, query.filters, query.filter_count * sizeof *a->filters);
    while (at < query.filter_count &&
           a->filters[at].coordinate != RF_LOCATION) {
        at++;
    }
    a->filters[at] = (rf_filter){RF_LOCATION, location, 1};
    query.filter_count += at == query.filter_count ? 1 : 0;
    query.filters = a->filters;
    return begin_run(a, &query, err);
}

/* The warehouses are known: choose those of the page. */
static rf_status choose_page(answer *a, rf_error *err)
{
    size_t size = (size_t)a->asked.page_size;
    size_t skipped = ((size_t)a->asked.page_number - 1) * size;
    a->next = skipped < a->found.count ? skipped : a->found.count;
    a->end = a->found.count - a->next > size ? a->next + size : a->found.count;
    return begin_rows(a, err);
}

/* ---- The call ---- */

static void put_next_link(answer *a)
{
    char link[96] = "";
    if (a->end < a->found.count) {
        snprintf(link, sizeof link,
                 "onhand/indexquery?pageNumber=%" PRId64 "&pageSize=%" PRId64,
                 a->asked.page_number + 1, a->asked.page_size);
    }
    rf_json_put_key(&a->writer, "nextLink");
    rf_json_put_string(&a->writer, link);
}

static rf_step finish(answer *a)
{
    end_run(a);
    rf_json_end_array(&a->writer);
    if (a->asked.second) {
        put_next_link(a);
        rf_json_end_object(&a->writer);
    }
    return RF_STEP_DONE;
}

/* A run is done: go on to whatever comes next. `*done`: nothing does. */
static rf_status go_on(answer *a, bool *done, rf_error *err)
{
    rf_status status = RF_OK;
    if (is_counting(a)) {
        status = choose_page(a, err);
    }
    *done = status == RF_OK && a->next == a->end;
    return status == RF_OK && !*done ? begin_warehouse(a, err) : status;
}

/* Read one slice. */
static rf_step read_on(rf_call *call)
{
    answer *a = call->state;
    rf_error error = {0};
    bool run_done = false;
    bool done = false;
    rf_status status = rf_query_slice(
        a->run, call->thread->api->options.store,
        is_counting(a) ? visit_warehouse : visit_row, a, &run_done, &error);
    if (status == RF_OK && run_done) {
        status = go_on(a, &done, &error);
    }
    if (status != RF_OK) {
        end_run(a);
        return rf_reply_failure(call, &error);
    }
    return done ? finish(a) : RF_STEP_AGAIN;
}

/* With a page size there is more than one run. */
static rf_status begin(answer *a, rf_error *err)
{
    rf_status status = rf_index_query_read(a->call, &a->asked, err);
    if (status != RF_OK) {
        return status;
    }
    if (is_counting(a)) {
        return begin_counting(a, err);
    }
    status = begin_rows(a, err);
    return status == RF_OK ? begin_run(a, &a->asked.query, err) : status;
}

/* Without a page size everything is on the first page. */
static bool is_beyond(const rf_index_query *asked)
{
    return asked->second && asked->page_size == 0 && asked->page_number > 1;
}

static rf_step query_index(rf_call *call)
{
    rf_error error = {0};
    answer *a = rf_call_alloc(call, 1, sizeof *a);
    if (a == NULL) {
        return rf_reply_no_memory(call);
    }
    a->call = call;
    call->state = a;
    call->resume = read_on;
    if (begin(a, &error) != RF_OK) {
        end_run(a);
        return rf_reply_failure(call, &error);
    }
    return is_beyond(&a->asked) ? finish(a) : read_on(call);
}

static const rf_route rows[] = {
    {RF_METHOD_POST, "/onhand/indexquery", RF_MAY_READ,
     RF_ROUTE_BODY | RF_ROUTE_STOCK, query_index},
};

const rf_routes rf_routes_query = {rows, sizeof rows / sizeof rows[0]};
