/*
 * api_history.c - GET /history: why is this number so?
 *
 * The entries of one product, page by page: of one organization, at or below a
 * place, touching a measure, as asked. A page reads no more of the journal
 * than `limits.historyEntries`; one that found little by then says where the
 * next goes on.
 */
#include "server/api_history.h"

#include "core/key.h"
#include "server/api_entry.h"
#include "server/api_parameter.h"
#include "server/api_result.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- Filters ---- */

/* Read "source.measure". */
static rf_status read_measure(rf_history_page *p, const rf_url_pair *pair,
                              rf_error *err)
{
    const rf_catalog *catalog = rf_call_catalog(p->call);
    rf_text text = pair->value;
    const char *point = memchr(text.bytes, '.', text.length);
    if (point == NULL) {
        return rf_parameter_fail(pair, RF_E_INVALID_FIELD,
                                 "source.measure is expected", err);
    }
    rf_text source = {text.bytes, (size_t)(point - text.bytes)};
    rf_text name = {point + 1, text.length - source.length - 1};
    p->filter.has_measures = true;
    const rf_physical *physical = rf_catalog_physical(catalog, source, name);
    if (physical != NULL) {
        p->filter.measures = &physical->number;
        p->filter.measure_count = 1;
        return RF_OK;
    }
    const rf_calculated *calculated =
        rf_catalog_calculated(catalog, source, name);
    if (calculated == NULL) {
        return rf_parameter_fail(pair, RF_E_UNKNOWN_MEASURE,
                                 "there is no such measure", err);
    }
    /* It is touched where one that it is made of is. */
    p->filter.measures = calculated->reads;
    p->filter.measure_count = calculated->read_count;
    return RF_OK;
}

static rf_status read_pair(rf_history_page *p, const rf_url_pair *pair,
                           rf_error *err)
{
    rf_text name = pair->name;
    if (rf_text_is_name(name, rf_text_of("limit")) ||
        rf_text_is_name(name, rf_text_of("after"))) {
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
    if (rf_text_is_name(name, rf_text_of("measure"))) {
        return pair->value.length == 0 ? RF_OK : read_measure(p, pair, err);
    }
    return rf_parameter_dimension(p->call, pair, &p->place, err);
}

static rf_status read_filters(rf_history_page *p, rf_error *err)
{
    const rf_url_query *query = &p->call->query;
    rf_status status = RF_OK;
    for (size_t i = 0; i < query->count && status == RF_OK; i++) {
        status = read_pair(p, &query->pairs[i], err);
    }
    if (status == RF_OK && p->filter.product.length == 0) {
        return rf_fail_field(err, RF_E_MISSING_FIELD, "productId",
                             "a product is needed");
    }
    return status;
}

/* ---- Pages ---- */

rf_status rf_history_page_make(rf_call *call, rf_history_page **out,
                               rf_error *err)
{
    rf_history_page *p = rf_call_alloc(call, 1, sizeof *p);
    int64_t after = 0;
    if (p == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    p->call = call;
    p->limit = RF_ENTRIES_DEFAULT;
    p->filter.environment = call->generation->environment;
    p->filter.place = &p->place;
    p->history.filter = &p->filter;
    p->history.looks =
        (uint64_t)call->thread->api->options.options->history_entries;
    rf_status status =
        rf_call_integer(call, "limit", 1, RF_ENTRIES_MAX, &p->limit, err);
    if (status == RF_OK) {
        status = rf_call_integer(call, "after", 0, INT64_MAX, &after, err);
    }
    p->history.after = (uint64_t)after;
    *out = p;
    return status;
}

/* When the page is full, go on to the next entry all the same, so that no link
 * leads to nothing. */
static bool visit(void *context, const rf_entry *entry)
{
    rf_history_page *p = context;
    if (p->shown == p->limit) {
        p->another = true;
        return false;
    }
    p->put(p, entry);
    p->shown++;
    return true;
}

static rf_step finish(rf_history_page *p)
{
    char start[80];
    rf_buffer *link = &p->call->thread->scratch;
    rf_buffer_clear(link);
    if (!p->history.ended) {
        snprintf(start, sizeof start, "%s?after=%" PRIu64 "&limit=%" PRId64,
                 p->path, p->history.after, p->limit);
        rf_parameter_link(p->call, start, link);
    }
    return rf_buffer_failed(link)
               ? rf_reply_no_memory(p->call)
               : p->end(p, (rf_text){link->bytes, link->length});
}

static rf_step read_on(rf_call *call)
{
    rf_history_page *p = call->state;
    rf_store *store = call->thread->api->options.store;
    rf_error error = {0};
    if (rf_history_read(store, &p->history, visit, p, &error) != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    bool done = p->another || p->history.ended || p->history.looks == 0;
    return done ? finish(p) : RF_STEP_AGAIN;
}

rf_step rf_history_page_read(rf_history_page *page)
{
    page->call->state = page;
    page->call->resume = read_on;
    return read_on(page->call);
}

/* ---- History ---- */

static void put_entry(rf_history_page *p, const rf_entry *entry)
{
    rf_entry_put(&p->writer, rf_call_catalog(p->call), entry);
}

static rf_step end_entries(rf_history_page *p, rf_text link)
{
    return rf_entries_end(&p->writer, p->history.last, link);
}

static rf_step list_history(rf_call *call)
{
    rf_error error = {0};
    rf_history_page *p = NULL;
    rf_status status = rf_history_page_make(call, &p, &error);
    if (status == RF_OK) {
        RF_ASSERT(p != NULL);
        status = read_filters(p, &error);
    }
    if (status != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    p->path = "history";
    p->put = put_entry;
    p->end = end_entries;
    rf_entries_begin(call, &p->writer);
    return rf_history_page_read(p);
}

static const rf_route rows[] = {
    {RF_METHOD_GET, "/history", RF_MAY_READ, 0, list_history},
};

const rf_routes rf_routes_history = {rows, sizeof rows / sizeof rows[0]};
