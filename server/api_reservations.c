/*
 * api_reservations.c - GET /reservations: what is held, page by page.
 *
 * Every parameter that is none of the page's own is a filter: by name, or by a
 * dimension.
 */
#include "core/reservations.h"
#include "server/api_page.h"
#include "server/api_parameter.h"
#include "server/api_result.h"
#include "server/api_time.h"

#include <stdio.h>
#include <time.h>

#define AGE_SECONDS_MAX INT64_C(10000000000)

typedef struct reservations {
    rf_page page;
    rf_reservation_filter filter;
    rf_text order_tag;
    rf_text recipient;
    rf_place place;
} reservations;

/* ---- Filters ---- */

/* Those that are read one by one. */
static bool is_no_pair(rf_text name)
{
    return rf_page_owns(name) ||
           rf_text_is_name(name, rf_text_of("olderThanSeconds")) ||
           rf_text_is_name(name, rf_text_of("expiresBefore"));
}

static rf_status read_pair(reservations *p, const rf_url_pair *pair,
                           rf_error *err)
{
    rf_text name = pair->name;
    if (is_no_pair(name)) {
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
    return rf_parameter_dimension(p->page.call, pair, &p->place, err);
}

/* "Older" means not changed since. */
static rf_status read_age(reservations *p, rf_error *err)
{
    int64_t seconds = -1;
    rf_status status = rf_call_integer(p->page.call, "olderThanSeconds", 0,
                                       AGE_SECONDS_MAX, &seconds, err);
    if (status == RF_OK && seconds >= 0) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        p->filter.has_before = true;
        p->filter.before_ms = (now.tv_sec - seconds) * 1000;
    }
    return status;
}

static rf_status read_end(reservations *p, rf_error *err)
{
    bool found = false;
    rf_text text = rf_url_query_value(&p->page.call->query,
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

static rf_status read_query(reservations *p, rf_error *err)
{
    const rf_url_query *query = &p->page.call->query;
    rf_status status = read_age(p, err);
    if (status == RF_OK) {
        status = read_end(p, err);
    }
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
    reservations *p = context;
    rf_json_writer *writer = &p->page.writer;
    const rf_catalog *catalog = rf_call_catalog(p->page.call);
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
    p->page.shown++;
    return RF_OK;
}

static rf_status note_another(void *context, const rf_held *held, rf_error *err)
{
    reservations *p = context;
    (void)held;
    (void)err;
    p->page.another = true;
    return RF_OK;
}

/* ---- The call ---- */

static rf_status read_slice(reservations *p, bool *end, rf_error *err)
{
    rf_page *page = &p->page;
    rf_store *store = page->call->thread->api->options.store;
    rf_reservation_listing listing = {
        .environment = page->call->generation->environment,
        .filter = &p->filter,
        .limit = rf_page_room(page),
        .visit = rf_page_is_full(page) ? note_another : put_held,
        .context = p,
        .next = page->next};
    rf_status status = rf_reservations_list(store, &listing, end, err);
    if (status == RF_OK && !page->another) {
        page->next = listing.next; /* nothing that counts stands in between */
    }
    return status;
}

static rf_step read_on(rf_call *call)
{
    reservations *p = call->state;
    rf_error error = {0};
    bool end = false;
    if (read_slice(p, &end, &error) != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    return end || p->page.another ? rf_page_end(&p->page, "reservations")
                                  : RF_STEP_AGAIN;
}

static rf_step list_reservations(rf_call *call)
{
    rf_error error = {0};
    reservations *p = rf_call_alloc(call, 1, sizeof *p);
    if (p == NULL) {
        return rf_reply_no_memory(call);
    }
    if (rf_page_read(call, &p->page, &error) != RF_OK ||
        read_query(p, &error) != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    call->state = p;
    call->resume = read_on;
    rf_page_begin(&p->page);
    return read_on(call);
}

static const rf_route rows[] = {
    {RF_METHOD_GET, "/reservations", RF_MAY_READ, RF_ROUTE_STOCK,
     list_reservations},
};

const rf_routes rf_routes_reservations = {rows, sizeof rows / sizeof rows[0]};
