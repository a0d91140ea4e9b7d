/*
 * api_events.c - GET /events: the journal in pages, or as a stream.
 */
#include "server/api_entry.h"
#include "server/api_result.h"
#include "server/api_stream.h"

#include <inttypes.h>
#include <stdio.h>

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

/* Put entries until the slice is full; the one behind shows that there are
 * more. */
static bool visit(void *context, const rf_entry *entry)
{
    page *p = context;
    if (p->shown == p->slice_end) {
        p->more = true;
        return false;
    }
    rf_entry_put(&p->writer, rf_call_catalog(p->call), entry);
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
    return rf_entries_end(&p->writer, p->last, rf_text_of(link));
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

static rf_step list_events(rf_call *call, uint64_t after, int64_t limit)
{
    page *p = rf_call_alloc(call, 1, sizeof *p);
    if (p == NULL) {
        return rf_reply_no_memory(call);
    }
    p->call = call;
    p->after = after;
    p->limit = limit;
    call->state = p;
    call->resume = read_on;
    rf_entries_begin(call, &p->writer);
    return read_on(call);
}

/* The same events either way: the parameters are those of a page, and a stream
 * makes no use of the limit. */
static rf_step tell_events(rf_call *call)
{
    rf_error error = {0};
    int64_t after = 0;
    int64_t limit = RF_ENTRIES_DEFAULT;
    rf_status status =
        rf_call_integer(call, "limit", 1, RF_ENTRIES_MAX, &limit, &error);
    if (status == RF_OK) {
        status = rf_call_integer(call, "after", 0, INT64_MAX, &after, &error);
    }
    if (status != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    return rf_stream_is_wanted(call)
               ? rf_stream_begin(call, (uint64_t)after)
               : list_events(call, (uint64_t)after, limit);
}

static const rf_route rows[] = {
    {RF_METHOD_GET, "/events", RF_MAY_READ, 0, tell_events},
};

const rf_routes rf_routes_events = {rows, sizeof rows / sizeof rows[0]};
