/*
 * api_events.c - GET /events: the journal in pages.
 */
#include "core/journal.h"
#include "core/key.h"
#include "server/api_result.h"

#include <inttypes.h>
#include <stdio.h>

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000

/* Entries read in one transaction, and in one turn of the loop. */
#define ENTRIES_PER_SLICE 200

typedef struct page {
    rf_call *call;
    rf_json_writer writer;
    uint64_t after; /* the last number shown */
    int64_t limit;
    int64_t shown;
    int64_t slice_end; /* shown when the slice is over */
    bool more;         /* the slice ended in front of an entry */
    uint64_t last;     /* of the journal */
} page;

/* ---- One entry ---- */

static void put_request_id(rf_json_writer *writer, const unsigned char id[16])
{
    static const char digits[] = "0123456789abcdef";
    char text[36];
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text[at++] = '-';
        }
        text[at++] = digits[id[i] >> 4];
        text[at++] = digits[id[i] & 15];
    }
    rf_json_put_key(writer, "requestId");
    rf_json_put_text(writer, (rf_text){text, at});
}

/* Put "source.measure". A measure that the configuration names no more goes by
 * its number. */
static void put_measure_key(rf_json_writer *writer, const rf_catalog *catalog,
                            rf_measure measure)
{
    char text[512];
    const rf_physical *named = rf_catalog_physical_number(catalog, measure);
    int length = named == NULL
                     ? snprintf(text, sizeof text, "#%u", (unsigned)measure)
                     : snprintf(text, sizeof text, "%.*s.%.*s",
                                (int)named->source.length, named->source.bytes,
                                (int)named->name.length, named->name.bytes);
    RF_ASSERT(length > 0 && (size_t)length < sizeof text);
    rf_json_put_key_text(writer, (rf_text){text, (size_t)length});
}

static void put_movements(rf_json_writer *writer, const rf_catalog *catalog,
                          const rf_entry *entry)
{
    rf_json_put_key(writer, "deltas");
    rf_json_begin_object(writer);
    for (size_t i = 0; i < entry->movement_count; i++) {
        put_measure_key(writer, catalog, entry->movements[i].measure);
        rf_json_put_quantity(writer, entry->movements[i].delta);
    }
    rf_json_end_object(writer);
    rf_json_put_key(writer, "totals");
    rf_json_begin_object(writer);
    for (size_t i = 0; i < entry->movement_count; i++) {
        put_measure_key(writer, catalog, entry->movements[i].measure);
        rf_json_put_quantity(writer, entry->movements[i].total);
    }
    rf_json_end_object(writer);
}

static void put_key(rf_json_writer *writer, const char *name, rf_text text)
{
    rf_json_put_key(writer, name);
    rf_json_put_text(writer, text);
}

/* Refusals have a word, whatever else they have. */
static void put_result(rf_json_writer *writer, const rf_entry *entry)
{
    bool good = entry->code.length == 0;
    rf_json_put_key(writer, "result");
    rf_json_put_string(writer, !good                   ? "refused"
                               : entry->result.partial ? "partialSuccess"
                                                       : "success");
    put_key(writer, "code", entry->code);
    rf_json_put_key(writer, "message");
    rf_json_put_string(writer, entry->result.message);
    if (entry->result.basket != 0) {
        rf_json_put_key(writer, "basket");
        rf_json_put_integer(writer, (int64_t)entry->result.basket);
    }
}

/* An entry's own coordinates are never shortened to a hash. */
static void put_dimensions(rf_json_writer *writer, const rf_catalog *catalog,
                           const rf_entry *entry)
{
    rf_place place;
    bool hashed = false;
    if (rf_coordinates_read(entry->coordinates, &place, &hashed, NULL) !=
        RF_OK) {
        place.given = 0;
    }
    rf_json_put_key(writer, "dimensions");
    rf_put_place(writer, catalog, place.given & RF_LEVEL_LEAF, &place);
}

static void put_entry(rf_json_writer *writer, const rf_catalog *catalog,
                      const rf_entry *entry)
{
    rf_json_begin_object(writer);
    rf_json_put_key(writer, "number");
    rf_json_put_integer(writer, (int64_t)entry->number);
    rf_json_put_key(writer, "at");
    rf_put_time(writer, entry->at_ms);
    put_key(writer, "actor", entry->actor);
    put_request_id(writer, entry->request_id);
    rf_json_put_key(writer, "operation");
    rf_json_put_string(writer, rf_operation_name(entry->operation));
    put_key(writer, "id", entry->id);
    put_key(writer, "organizationId", entry->organization);
    put_key(writer, "productId", entry->product);
    put_dimensions(writer, catalog, entry);
    put_movements(writer, catalog, entry);
    put_result(writer, entry);
    rf_json_end_object(writer);
}

/* ---- The page ---- */

/* Put entries until the slice is full; the one behind shows that there are
 * more. */
static bool visit(void *context, const rf_entry *entry)
{
    page *p = context;
    if (p->shown == p->slice_end) {
        p->more = true;
        return false;
    }
    put_entry(&p->writer, rf_call_catalog(p->call), entry);
    p->after = entry->number;
    p->shown++;
    return true;
}

/* Read one slice in a transaction of its own; `last` follows the journal. */
static rf_status read_slice(page *p, rf_error *err)
{
    rf_store *store = p->call->thread->api->options.store;
    uint16_t environment = p->call->generation->environment;
    rf_store_transaction *transaction = NULL;
    uint64_t first = 0;
    rf_status status =
        store->operations->begin(store, false, &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    int64_t rest = p->limit - p->shown;
    p->slice_end =
        p->shown + (rest < ENTRIES_PER_SLICE ? rest : ENTRIES_PER_SLICE);
    p->more = false;
    status = rf_journal_bounds(store, transaction, environment, &first,
                               &p->last, err);
    if (status == RF_OK) {
        status = rf_journal_read(store, transaction,
                                 (rf_journal_range){environment, p->after},
                                 visit, p, err);
    }
    store->operations->abort(transaction);
    return status;
}

static rf_step finish(page *p)
{
    char link[80] = "";
    if (p->more) {
        snprintf(link, sizeof link, "events?after=%" PRIu64 "&limit=%" PRId64,
                 p->after, p->limit);
    }
    rf_json_end_array(&p->writer);
    rf_json_put_key(&p->writer, "last");
    rf_json_put_integer(&p->writer, (int64_t)p->last);
    rf_json_put_key(&p->writer, "nextLink");
    rf_json_put_string(&p->writer, link);
    rf_json_end_object(&p->writer);
    return RF_STEP_DONE;
}

static rf_step read_on(rf_call *call)
{
    page *p = call->state;
    rf_error error = {0};
    if (read_slice(p, &error) != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    return p->more && p->shown < p->limit ? RF_STEP_AGAIN : finish(p);
}

static rf_step list_events(rf_call *call)
{
    rf_error error = {0};
    int64_t after = 0;
    page *p = rf_call_alloc(call, 1, sizeof *p);
    if (p == NULL) {
        return rf_reply_no_memory(call);
    }
    p->call = call;
    p->limit = LIMIT_DEFAULT;
    rf_status status =
        rf_call_integer(call, "limit", 1, LIMIT_MAX, &p->limit, &error);
    if (status == RF_OK) {
        status = rf_call_integer(call, "after", 0, INT64_MAX, &after, &error);
    }
    if (status != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    p->after = (uint64_t)after;
    call->state = p;
    call->resume = read_on;
    rf_reply_begin(call, 200, &p->writer);
    rf_json_begin_object(&p->writer);
    rf_json_put_key(&p->writer, "events");
    rf_json_begin_array(&p->writer);
    return read_on(call);
}

static const rf_route rows[] = {
    {RF_METHOD_GET, "/events", RF_MAY_READ, 0, list_events},
};

const rf_routes rf_routes_events = {rows, sizeof rows / sizeof rows[0]};
