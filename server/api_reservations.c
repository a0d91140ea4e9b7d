/*
 * api_reservations.c - GET /reservations: what is held, page by page.
 *
 * Every parameter that is none of the page's own is a filter: by name, or by a
 * dimension.
 */
#include "core/reservations.h"
#include "server/api_parameter.h"
#include "server/api_result.h"
#include "server/api_time.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000
#define AGE_SECONDS_MAX INT64_C(10000000000)

typedef struct page {
    rf_call *call;
    rf_json_writer writer;
    rf_reservation_filter filter;
    rf_text order_tag;
    rf_text recipient;
    rf_place place;
    rf_reservation_cursor cursor;
    int64_t limit;
    int64_t shown;
    bool another; /* there is one behind the page */
} page;

/* ---- Filters ---- */

static bool is_of_page(rf_text name)
{
    return rf_text_is_name(name, rf_text_of("limit")) ||
           rf_text_is_name(name, rf_text_of("after")) ||
           rf_text_is_name(name, rf_text_of("olderThanSeconds")) ||
           rf_text_is_name(name, rf_text_of("expiresBefore"));
}

static rf_status read_pair(page *p, const rf_url_pair *pair, rf_error *err)
{
    rf_text name = pair->name;
    if (is_of_page(name)) {
        return RF_OK;
    }
    if (rf_text_is_name(name, rf_text_of("organizationId"))) {
        return rf_parameter_text(pair, RF_ORGANIZATION_BYTES_MAX,
                                 &p->filter.organization, err);
    }
    if (rf_text_is_name(name, rf_text_of("productId"))) {
        return rf_parameter_text(pair, RF_PRODUCT_BYTES_MAX, &p->filter.product,
                                 err);
    }
    if (rf_text_is_name(name, rf_text_of("orderTag"))) {
        p->order_tag = pair->value;
        p->filter.order_tag = &p->order_tag;
        return RF_OK;
    }
    if (rf_text_is_name(name, rf_text_of("recipient"))) {
        p->recipient = pair->value;
        p->filter.recipient = &p->recipient;
        return RF_OK;
    }
    return rf_parameter_dimension(p->call, pair, &p->place, err);
}

/* "Older" means not changed since. */
static rf_status read_age(page *p, rf_error *err)
{
    int64_t seconds = -1;
    rf_status status = rf_call_integer(p->call, "olderThanSeconds", 0,
                                       AGE_SECONDS_MAX, &seconds, err);
    if (status == RF_OK && seconds >= 0) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        p->filter.has_before = true;
        p->filter.before_ms = (now.tv_sec - seconds) * 1000;
    }
    return status;
}

static rf_status read_end(page *p, rf_error *err)
{
    bool found = false;
    rf_text text = rf_url_query_value(&p->call->query,
                                      rf_text_of("expiresBefore"), &found);
    if (!found || text.length == 0) {
        return RF_OK;
    }
    p->filter.has_end = rf_time_parse(text, &p->filter.end_ms);
    return p->filter.has_end
               ? RF_OK
               : rf_fail_field(err, RF_E_INVALID_FIELD, "expiresBefore",
                               "expiresBefore: a time such as "
                               "2031-03-10T09:00:00Z is expected");
}

static rf_status read_page(page *p, rf_error *err)
{
    rf_status status =
        rf_call_integer(p->call, "limit", 1, LIMIT_MAX, &p->limit, err);
    rf_text after =
        rf_url_query_value(&p->call->query, rf_text_of("after"), NULL);
    if (status == RF_OK && after.length > 0 &&
        !rf_reservation_cursor_parse(after, &p->cursor)) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, "after",
                             "after: what a nextLink says is expected");
    }
    if (status == RF_OK) {
        status = read_age(p, err);
    }
    return status == RF_OK ? read_end(p, err) : status;
}

static rf_status read_query(page *p, rf_error *err)
{
    const rf_url_query *query = &p->call->query;
    rf_status status = read_page(p, err);
    for (size_t i = 0; i < query->count && status == RF_OK; i++) {
        status = read_pair(p, &query->pairs[i], err);
    }
    p->filter.place = &p->place;
    return status;
}

/* ---- Rows ---- */

static void put_text(rf_json_writer *writer, const char *name, rf_text text)
{
    rf_json_put_key(writer, name);
    rf_json_put_text(writer, text);
}

/* A measure that the configuration names no more goes by its number. */
static void put_measure(rf_json_writer *writer, const rf_catalog *catalog,
                        rf_measure measure)
{
    char number[16];
    const rf_physical *named = rf_catalog_physical_number(catalog, measure);
    snprintf(number, sizeof number, "#%u", (unsigned)measure);
    put_text(writer, "quantityDataSource",
             named == NULL ? RF_TEXT_EMPTY : named->source);
    put_text(writer, "modifier",
             named == NULL ? rf_text_of(number) : named->name);
}

static rf_status put_held(void *context, const rf_held *held, rf_error *err)
{
    page *p = context;
    rf_json_writer *writer = &p->writer;
    const rf_catalog *catalog = rf_call_catalog(p->call);
    const rf_reservation *record = held->reservation;
    char id[RF_RESERVATION_TEXT_MAX];
    size_t length = rf_reservation_print(held->id, record->created_number, id);
    (void)err;
    rf_json_begin_object(writer);
    put_text(writer, "reservationId", (rf_text){id, length});
    put_text(writer, "organizationId", held->organization);
    put_text(writer, "productId", held->product);
    rf_json_put_key(writer, "dimensions");
    rf_put_place(writer, catalog, record->level, held->place);
    put_measure(writer, catalog, record->measure);
    rf_json_put_key(writer, "quantity");
    rf_json_put_quantity(writer, record->quantity);
    put_text(writer, "orderTag", record->order_tag);
    put_text(writer, "recipient", record->recipient);
    rf_json_put_key(writer, "createdAt");
    rf_put_time(writer, record->created_ms);
    rf_json_put_key(writer, "updatedAt");
    rf_put_time(writer, record->updated_ms);
    rf_json_put_key(writer, "expiresAt");
    if (record->expires_ms == 0) {
        rf_json_put_null(writer);
    } else {
        rf_put_exact_time(writer, record->expires_ms);
    }
    rf_json_end_object(writer);
    p->shown++;
    return RF_OK;
}

static rf_status note_another(void *context, const rf_held *held, rf_error *err)
{
    page *p = context;
    (void)held;
    (void)err;
    p->another = true;
    return RF_OK;
}

/* ---- The link to the next page ---- */

/* The next page is asked for with the same filters. */
static void print_link(const page *p, rf_buffer *out)
{
    char text[RF_RESERVATION_CURSOR_TEXT_MAX + 64];
    char cursor[RF_RESERVATION_CURSOR_TEXT_MAX];
    size_t length = rf_reservation_cursor_print(&p->cursor, cursor);
    snprintf(text, sizeof text, "reservations?after=%.*s&limit=%" PRId64,
             (int)length, cursor, p->limit);
    rf_parameter_link(p->call, text, out);
}

static rf_step finish(page *p)
{
    rf_buffer *link = &p->call->thread->scratch;
    rf_buffer_clear(link);
    if (p->another) {
        print_link(p, link);
    }
    if (rf_buffer_failed(link)) {
        return rf_reply_no_memory(p->call);
    }
    rf_json_end_array(&p->writer);
    rf_json_put_key(&p->writer, "nextLink");
    rf_json_put_text(&p->writer, (rf_text){link->bytes, link->length});
    rf_json_end_object(&p->writer);
    return RF_STEP_DONE;
}

/* ---- The call ---- */

/* Read on. When the page is full, look whether there is another record, so
 * that no link leads to an empty page. */
static rf_status read_slice(page *p, bool *end, rf_error *err)
{
    rf_store *store = p->call->thread->api->options.store;
    rf_reservation_listing listing = {.environment =
                                          p->call->generation->environment,
                                      .filter = &p->filter,
                                      .limit = (size_t)(p->limit - p->shown),
                                      .visit = put_held,
                                      .context = p,
                                      .cursor = p->cursor};
    if (p->shown == p->limit) {
        listing.limit = 1;
        listing.visit = note_another;
    }
    rf_status status = rf_reservations_list(store, &listing, end, err);
    if (status == RF_OK && !p->another) {
        p->cursor = listing.cursor; /* nothing that counts stands in between */
    }
    return status;
}

static rf_step read_on(rf_call *call)
{
    page *p = call->state;
    rf_error error = {0};
    bool end = false;
    if (read_slice(p, &end, &error) != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    return end || p->another ? finish(p) : RF_STEP_AGAIN;
}

static rf_step list_reservations(rf_call *call)
{
    rf_error error = {0};
    page *p = rf_call_alloc(call, 1, sizeof *p);
    if (p == NULL) {
        return rf_reply_no_memory(call);
    }
    p->call = call;
    p->limit = LIMIT_DEFAULT;
    if (read_query(p, &error) != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    call->state = p;
    call->resume = read_on;
    rf_reply_begin(call, 200, &p->writer);
    rf_json_begin_object(&p->writer);
    rf_json_put_key(&p->writer, "Value");
    rf_json_begin_array(&p->writer);
    return read_on(call);
}

static const rf_route rows[] = {
    {RF_METHOD_GET, "/reservations", RF_MAY_READ, RF_ROUTE_STOCK,
     list_reservations},
};

const rf_routes rf_routes_reservations = {rows, sizeof rows / sizeof rows[0]};
