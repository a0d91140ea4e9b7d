/*
 * api_query.c - answering queries of stock, however they were asked.
 *
 * What searches for its products does so first, slice by slice, before the
 * reply is begun. From there on it is a query that names them.
 *
 * An answer is made of runs of the core, one after the other: one for an index
 * query, one for each tuple of an exact query, one for each warehouse of a page
 * of warehouses, so that rows come warehouse by warehouse. A page of warehouses
 * begins with a run that finds out which there are, without writing anything.
 *
 * A turn of the loop is held for a moment only, and what has been written is
 * sent piece by piece: an answer of any length costs one piece of memory. All
 * of it is made under the generation it began with; rows are those of the
 * moment they were read at. A client that reads slowly keeps that generation,
 * and levels that were given up since then, but not for ever.
 */
#include "core/query.h"
#include "server/api_filter.h"
#include "server/api_result.h"
#include "server/api_row.h"
#include "server/api_search.h"
#include "server/api_warehouses.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RUN_BLOCK_BYTES ((size_t)16 * 1024)

/* What the rows of one product may take while they are added up: some hundred
 * thousand of them. */
#define RUN_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* How long an answer keeps others of its thread waiting at a time. */
#define TURN_NANOSECONDS 500000

typedef struct answer {
    rf_stock_query asked;
    rf_product_search *search; /* or NULL */
    rf_query_run *run;
    rf_arena memory; /* of the run */
    rf_row_layout *layout;
    rf_row_style style;
    rf_promises *promises; /* or NULL */
    rf_json_writer writer;
    rf_call *call;
    int64_t now_ms; /* one time for the whole answer */
    int64_t turn_end_ns;
    int64_t replaced_ns; /* when its generation was seen replaced, or 0 */

    /* What there is a run for each of: warehouses or tuples. */
    rf_warehouses found;
    size_t next; /* the one to read next */
    size_t end;  /* the first that is not read */
    rf_filter filters[RF_DIMENSION_COUNT];

    /* Of a page of rows. */
    rf_query_mark behind;
    int64_t told; /* rows so far */
    rf_mark mark; /* behind the last of them */
    bool full;    /* there is another behind the page */
} answer;

static bool has_piece(const answer *a)
{
    return a->call->exchange->response.body.length >= RF_PIECE_BYTES;
}

static bool is_turn_over(const answer *a)
{
    return has_piece(a) || rf_api_now_ns() >= a->turn_end_ns;
}

/* ---- Rows ---- */

/* A coordinate with one filter value is the same in all that a row adds up:
 * formulas see it as they do when a reservation names it. */
static void fix_place(answer *a)
{
    const rf_query *query = &a->asked.query;
    for (size_t i = 0; i < query->filter_count; i++) {
        const rf_filter *filter = &query->filters[i];
        if (filter->count == 1 && filter->values[0].length > 0) {
            a->style.fixed.given |= RF_BIT(filter->coordinate);
            a->style.fixed.value[filter->coordinate] = filter->values[0];
        }
    }
}

/* Of several organizations a product may have been found in one only. */
static bool is_found(const answer *a, const rf_row *row)
{
    return a->search == NULL ||
           rf_product_search_has(a->search, row->organization, row->product);
}

/* Count a row of a page. A page is full when its rows are told and another
 * product begins, so that none is torn and no link leads to an empty page. */
static bool fits_page(answer *a, const rf_row *row)
{
    if (a->asked.limit == 0) {
        return true;
    }
    rf_mark mark;
    rf_mark_set(&mark, row, a->asked.query.product_count == 0);
    if (a->told >= a->asked.limit && !rf_mark_equal(&mark, &a->mark)) {
        return false;
    }
    a->mark = mark;
    a->told++;
    return true;
}

static rf_status visit_row(void *context, const rf_row *row, rf_error *err)
{
    answer *a = context;
    rf_status status = RF_OK;
    bool found = is_found(a, row);
    a->full = found && !fits_page(a, row);
    if (found && !a->full) {
        status = rf_row_put(a->layout, &a->style, row, &a->writer, err);
    }
    if (a->full || is_turn_over(a)) {
        rf_query_pause(a->run);
    }
    return status;
}

static rf_status visit_warehouse(void *context, const rf_row *row,
                                 rf_error *err)
{
    answer *a = context;
    if (is_turn_over(a)) {
        rf_query_pause(a->run);
    }
    return is_found(a, row)
               ? rf_warehouses_add(&a->found, &a->call->exchange->arena,
                                   row->place->value[RF_LOCATION], err)
               : RF_OK;
}

/* ---- Runs ---- */

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

static bool filters_places_only(const rf_query *query)
{
    for (size_t i = 0; i < query->filter_count; i++) {
        if (query->filters[i].coordinate > RF_LOCATION) {
            return false;
        }
    }
    return true;
}

/* Find out which warehouses there are: from rows without the other groups or,
 * of all products, from the places alone. */
static rf_status begin_counting(answer *a, rf_error *err)
{
    rf_query query = a->asked.query;
    if (query.product_count > 0) {
        query.group_by &= RF_BIT(RF_LOCATION);
    } else {
        query.group_by = RF_LEVEL_PLACE;
        query.places = filters_places_only(&query);
    }
    return begin_run(a, &query, err);
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
    while (at < query.filter_count &&
           query.filters[at].coordinate != RF_LOCATION) {
        a->filters[at] = query.filters[at];
        at++;
    }
    a->filters[at] = (rf_filter){RF_LOCATION, location, 1};
    for (at++; at < query.filter_count; at++) {
        a->filters[at] = query.filters[at];
    }
    query.filter_count = at;
    query.filters = a->filters;
    return begin_run(a, &query, err);
}

/* Begin the run of the next tuple: one value for each coordinate. */
static rf_status begin_tuple(answer *a, rf_error *err)
{
    const rf_text *texts = a->asked.tuples[a->next++].texts;
    rf_query query = a->asked.query;
    query.organizations = &texts[0];
    query.organization_count = 1;
    query.filters = a->filters;
    for (rf_level rest = a->asked.named; rest != 0; rest &= rest - 1) {
        a->filters[query.filter_count] = (rf_filter){
            (unsigned)__builtin_ctzll(rest), &texts[1 + query.filter_count], 1};
        query.filter_count++;
    }
    return begin_run(a, &query, err);
}

/* Begin what comes next. `*done`: nothing does. */
static rf_status begin_next(answer *a, bool *done, rf_error *err)
{
    *done = a->next == a->end;
    if (*done) {
        return RF_OK;
    }
    return a->asked.exact ? begin_tuple(a, err) : begin_warehouse(a, err);
}

/* ---- The reply ---- */

/* Answers to exact queries have no pages, and so nothing round their rows. */
static bool has_pages(const rf_stock_query *asked)
{
    return asked->second && !asked->exact;
}

/* Open the reply in front of the first row. */
static rf_status begin_rows(answer *a, rf_error *err)
{
    const rf_stock_query *asked = &a->asked;
    a->style = (rf_row_style){.shown = asked->query.group_by,
                              .organization = asked->second,
                              .negative = asked->negative,
                              .now_ms = a->now_ms,
                              .thread = a->call->thread->number,
                              .promises = a->promises};
    fix_place(a);
    rf_reply_begin(a->call, 200, &a->writer);
    if (has_pages(asked)) {
        rf_json_begin_object(&a->writer);
        rf_json_put_key(&a->writer, "Value");
    }
    rf_json_begin_array(&a->writer);
    return rf_row_layout_make(rf_call_catalog(a->call),
                              &a->call->exchange->arena, &a->layout, err);
}

static void put_next_link(answer *a)
{
    char link[RF_MARK_TEXT_MAX + 96] = "";
    char mark[RF_MARK_TEXT_MAX];
    const char *kind = a->asked.searches ? "productsearch/" : "";
    if (a->full) {
        rf_mark_print(&a->mark, mark);
        snprintf(link, sizeof link,
                 "onhand/%sindexquery?limit=%" PRId64 "&after=%s", kind,
                 a->asked.limit, mark);
    } else if (a->end < a->found.count) {
        snprintf(link, sizeof link,
                 "onhand/%sindexquery?pageNumber=%" PRId64 "&pageSize=%" PRId64,
                 kind, a->asked.page_number + 1, a->asked.page_size);
    }
    rf_json_put_key(&a->writer, "nextLink");
    rf_json_put_string(&a->writer, link);
}

static rf_step finish(answer *a)
{
    end_run(a);
    rf_json_end_array(&a->writer);
    if (has_pages(&a->asked)) {
        put_next_link(a);
        rf_json_end_object(&a->writer);
    }
    return RF_STEP_DONE;
}

/* ---- The call ---- */

/* The warehouses are known: choose those of the page. */
static rf_status choose_page(answer *a, rf_error *err)
{
    size_t size = (size_t)a->asked.page_size;
    size_t skipped = ((size_t)a->asked.page_number - 1) * size;
    a->next = skipped < a->found.count ? skipped : a->found.count;
    a->end = a->found.count - a->next > size ? a->next + size : a->found.count;
    return begin_rows(a, err);
}

/* Read one slice, and begin what comes next when a run is done. */
static rf_status read_slice(answer *a, bool *done, rf_error *err)
{
    bool run_done = false;
    rf_status status = rf_query_slice(
        a->run, a->call->thread->api->options.store,
        is_counting(a) ? visit_warehouse : visit_row, a, &run_done, err);
    *done = a->full;
    if (status != RF_OK || !run_done || a->full) {
        return status;
    }
    if (is_counting(a)) {
        status = choose_page(a, err);
    }
    return status == RF_OK ? begin_next(a, done, err) : status;
}

static rf_status check_generation(answer *a, rf_error *err)
{
    const rf_call *call = a->call;
    int64_t max_ms = call->thread->api->options.options->replaced_ms;
    if (rf_call_newest(call) == call->generation) {
        return RF_OK;
    }
    if (a->replaced_ns == 0) {
        a->replaced_ns = rf_api_now_ns();
    }
    return rf_api_now_ns() - a->replaced_ns <= max_ms * 1000000
               ? RF_OK
               : rf_fail(err, RF_E_CHANGED,
                         "the configuration was replaced more than %" PRId64
                         " ms before the answer was read",
                         max_ms);
}

static rf_step fail(answer *a, const rf_error *error)
{
    end_run(a);
    return rf_reply_failure(a->call, error);
}

/* Read for one turn of the loop. */
static rf_step read_on(rf_call *call)
{
    answer *a = call->state;
    rf_error error = {0};
    rf_status status = check_generation(a, &error);
    bool done = call->exchange->gone;
    a->turn_end_ns = rf_api_now_ns() + TURN_NANOSECONDS;
    while (status == RF_OK && !done && !is_turn_over(a)) {
        status = read_slice(a, &done, &error);
    }
    if (status != RF_OK) {
        return fail(a, &error);
    }
    if (done) {
        return finish(a);
    }
    return has_piece(a) ? RF_STEP_MORE : RF_STEP_AGAIN;
}

/* Without a page size everything is on the first page; and without products
 * that were searched for there is nothing, though to the core none are all. */
static bool is_empty(const rf_stock_query *asked)
{
    return (asked->second && asked->page_size == 0 && asked->page_number > 1) ||
           (asked->searches && asked->query.product_count == 0);
}

/* Have what is scheduled read, too, where the client wants promises. */
static rf_status begin_promises(answer *a, rf_error *err)
{
    rf_promise_request *promise = &a->asked.promise;
    a->now_ms = rf_api_clock_ms();
    promise->now_ms = a->now_ms;
    return promise->wanted
               ? rf_promises_make(rf_call_catalog(a->call), promise,
                                  &a->call->exchange->arena, &a->asked.query,
                                  &a->promises, err)
               : RF_OK;
}

/* Begin the first run. `*done`: there is nothing to read. */
static rf_status begin(answer *a, bool *done, rf_error *err)
{
    *done = is_empty(&a->asked);
    if (is_counting(a) && !*done) {
        return begin_counting(a, err);
    }
    rf_status status = begin_rows(a, err);
    if (status != RF_OK || *done) {
        return status;
    }
    if (a->asked.exact) {
        a->end = a->asked.tuple_count;
        return begin_next(a, done, err);
    }
    rf_query query = a->asked.query;
    if (a->asked.after.length > 0) {
        a->behind = rf_mark_names(&a->asked.after);
        query.behind = &a->behind;
    }
    return begin_run(a, &query, err);
}

/* The products are known: begin to read. */
static rf_step answer_query(answer *a)
{
    rf_error error = {0};
    bool done = false;
    a->call->resume = read_on;
    if (begin(a, &done, &error) != RF_OK) {
        return fail(a, &error);
    }
    return done ? finish(a) : read_on(a->call);
}

/* Search for one turn of the loop. */
static rf_step search_on(rf_call *call)
{
    answer *a = call->state;
    rf_error error = {0};
    bool done = false;
    if (rf_product_search_step(a->search, &done, &error) != RF_OK) {
        return fail(a, &error);
    }
    return done ? answer_query(a) : RF_STEP_AGAIN;
}

static rf_step begin_query(rf_call *call, rf_stock_query_read *read,
                           bool searches)
{
    rf_error error = {0};
    answer *a = rf_call_alloc(call, 1, sizeof *a);
    if (a == NULL) {
        return rf_reply_no_memory(call);
    }
    a->call = call;
    a->asked.searches = searches;
    call->state = a;
    call->resume = search_on;
    if (read(call, &a->asked, &error) != RF_OK ||
        begin_promises(a, &error) != RF_OK ||
        (searches && rf_product_search_begin(call, &a->asked.query, &a->search,
                                             &error) != RF_OK)) {
        return fail(a, &error);
    }
    return searches ? search_on(call) : answer_query(a);
}

static rf_step query_index(rf_call *call)
{
    return begin_query(call, rf_index_query_read, false);
}

static rf_step query_exact(rf_call *call)
{
    return begin_query(call, rf_exact_query_read, false);
}

static rf_step query_url(rf_call *call)
{
    return begin_query(call, rf_url_query_read, false);
}

static rf_step search_index(rf_call *call)
{
    return begin_query(call, rf_index_query_read, true);
}

static rf_step search_exact(rf_call *call)
{
    return begin_query(call, rf_exact_query_read, true);
}

static const rf_route rows[] = {
    {RF_METHOD_POST, "/onhand/indexquery", RF_MAY_READ,
     RF_ROUTE_BODY | RF_ROUTE_STOCK, query_index},
    {RF_METHOD_POST, "/onhand/exactquery", RF_MAY_READ,
     RF_ROUTE_BODY | RF_ROUTE_TUPLES | RF_ROUTE_STOCK, query_exact},
    {RF_METHOD_GET, "/onhand", RF_MAY_READ, RF_ROUTE_STOCK, query_url},
    {RF_METHOD_POST, "/onhand/productsearch/indexquery", RF_MAY_READ,
     RF_ROUTE_BODY | RF_ROUTE_STOCK, search_index},
    {RF_METHOD_POST, "/onhand/productsearch/exactquery", RF_MAY_READ,
     RF_ROUTE_BODY | RF_ROUTE_TUPLES | RF_ROUTE_STOCK, search_exact},
};

const rf_routes rf_routes_query = {rows, sizeof rows / sizeof rows[0]};
