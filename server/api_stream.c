/*
 * api_stream.c - following the journal.
 */
#include "server/api_stream.h"

#include "server/api_entry.h"
#include "server/api_result.h"
#include "server/api_route.h"

#include <inttypes.h>
#include <stdio.h>

#define CONTENT_EVENTS "text/event-stream"

/* A comment: clients read over it. */
#define HEARTBEAT ":\n\n"

typedef struct stream {
    rf_call *call;
    uint64_t after; /* the last number sent */
    bool full;      /* the piece is, there may be more to read */
} stream;

bool rf_stream_is_wanted(const rf_call *call)
{
    rf_text accept = call->exchange->request.accept;
    unsigned events = rf_route_accepts(accept, CONTENT_EVENTS);
    return events > 0 && events >= rf_route_accepts(accept, "application/json");
}

static bool put_event(void *context, const rf_entry *entry)
{
    stream *s = context;
    rf_buffer *body = &s->call->exchange->response.body;
    rf_json_writer writer;
    char head[80];
    snprintf(head, sizeof head,
             "id: %" PRIu64 "\nevent: %s\ndata: ", entry->number,
             rf_operation_name(entry->operation));
    rf_buffer_append_string(body, head);
    rf_json_writer_init(&writer, body, false);
    rf_entry_put(&writer, rf_call_catalog(s->call), entry);
    rf_buffer_append_string(body, "\n\n");
    s->after = entry->number;
    s->full = body->length >= RF_PIECE_BYTES;
    return !s->full;
}

/* Read one piece in a transaction of its own. */
static rf_status read_piece(stream *s, rf_error *err)
{
    rf_store *store = s->call->thread->api->options.store;
    uint16_t environment = s->call->generation->environment;
    rf_store_transaction *transaction = NULL;
    rf_status status =
        store->operations->begin(store, false, &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    s->full = false;
    status = rf_journal_read(store, transaction,
                             (rf_journal_range){environment, s->after},
                             put_event, s, err);
    store->operations->abort(transaction);
    return status;
}

/* A stream that was not behind when the server stops has told all that was
 * acknowledged before: it looks once more. */
static rf_step follow(stream *s)
{
    rf_call *call = s->call;
    rf_error error = {0};
    bool ends =
        call->exchange->gone || atomic_load(&call->thread->api->draining);
    if (ends && s->full) {
        return RF_STEP_DONE;
    }
    rf_call_renew(call);
    rf_status status = read_piece(s, &error);
    rf_call_rest(call);
    if (status != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    return ends ? RF_STEP_DONE : s->full ? RF_STEP_MORE : RF_STEP_WATCH;
}

static rf_step go_on(rf_call *call)
{
    rf_step step = follow(call->state);
    if (step == RF_STEP_DONE || step == RF_STEP_DROP) {
        atomic_fetch_sub(&call->thread->api->streams, 1);
    }
    return step;
}

static rf_status read_last_seen(const rf_call *call, uint64_t *after,
                                rf_error *err)
{
    rf_text text = call->exchange->request.last_event_id;
    int64_t number = 0;
    if (text.length == 0) {
        return RF_OK;
    }
    if (!rf_api_read_digits(text, &number)) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, "Last-Event-ID",
                             "Last-Event-ID: the number of an event is "
                             "expected");
    }
    *after = (uint64_t)number;
    return RF_OK;
}

static rf_status take_place(rf_api *api, rf_error *err)
{
    unsigned max = (unsigned)api->options.options->streams;
    if (atomic_fetch_add(&api->streams, 1) < max) {
        return RF_OK;
    }
    atomic_fetch_sub(&api->streams, 1);
    return rf_fail(err, RF_E_OVERLOADED,
                   "at most %u streams may be open at the same time", max);
}

rf_step rf_stream_begin(rf_call *call, uint64_t after)
{
    rf_error error = {0};
    rf_response *response = &call->exchange->response;
    stream *s = rf_call_alloc(call, 1, sizeof *s);
    if (s == NULL) {
        return rf_reply_no_memory(call);
    }
    rf_status status = read_last_seen(call, &after, &error);
    if (status == RF_OK) {
        status = take_place(call->thread->api, &error);
    }
    if (status != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    *s = (stream){.call = call, .after = after};
    call->state = s;
    call->resume = go_on;
    response->status = 200;
    response->content_type = CONTENT_EVENTS;
    response->heartbeat = HEARTBEAT;
    rf_buffer_clear(&response->body);
    return go_on(call);
}
