/*
 * http_send.c - replies on their way to the client.
 *
 * Small replies are joined in `out` and sent straight to the socket. Only what
 * the socket does not take goes to the loop's own output, and a large body
 * goes there without being copied.
 */
#include "core/alloc.h"
#include "server/http_internal.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include <errno.h>
#include <sys/socket.h>

/* Clear a buffer, and free it if a large reply went through it. */
void rf_http_give_back(rf_buffer *buffer)
{
    if (buffer->capacity > RF_HTTP_JOINED_BYTES_MAX * 2) {
        rf_buffer_done(buffer);
    }
    rf_buffer_clear(buffer);
}

/* The client is gone. An exchange that is being handled goes on without. */
void rf_http_lose(rf_http_connection *connection)
{
    if (connection->events != NULL) {
        bufferevent_free(connection->events);
        connection->events = NULL;
    }
    rf_http_stream_release(connection);
    if (connection->state == RF_HTTP_STREAMING) {
        rf_http_stream_rouse(connection);
    } else if (connection->state != RF_HTTP_HANDLING) {
        connection->state = RF_HTTP_DEAD;
    }
}

void rf_http_cut(rf_http_connection *connection)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(bufferevent_getfd(connection->events), SOL_SOCKET,
                     SO_LINGER, &at_once, sizeof at_once);
    rf_http_lose(connection);
}

size_t rf_http_unsent_bytes(const rf_http_connection *connection)
{
    return evbuffer_get_length(bufferevent_get_output(connection->events));
}

/* Leave `out` from `start` on for the loop to send when the client reads. */
static void send_later(rf_http_connection *connection, size_t start)
{
    struct evbuffer *output = bufferevent_get_output(connection->events);
    const rf_buffer *out = &connection->out;
    if (rf_buffer_failed(out) ||
        (start < out->length &&
         evbuffer_add(output, out->bytes + start, out->length - start) != 0)) {
        rf_http_lose(connection);
    }
    rf_http_give_back(&connection->out);
}

/* Send `out`, straight to the socket if nothing else waits before it: that
 * saves arming the loop for nearly every reply. */
void rf_http_send_now(rf_http_connection *connection)
{
    const rf_buffer *out = &connection->out;
    if (connection->events == NULL ||
        (out->length == 0 && !rf_buffer_failed(out))) {
        return;
    }
    ssize_t sent = 0;
    if (rf_http_unsent_bytes(connection) == 0 && !rf_buffer_failed(out)) {
        sent = send(bufferevent_getfd(connection->events), out->bytes,
                    out->length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            rf_http_lose(connection);
            return;
        }
    }
    send_later(connection, sent > 0 ? (size_t)sent : 0);
}

/* Free a body that went out by reference. */
static void free_sent_body(const void *bytes, size_t length, void *memory)
{
    union {
        const void *lent;
        void *owned;
    } body = {.lent = bytes};
    rf_http_memory_give(memory, length);
    rf_free(body.owned);
}

/* Give a large body, taken from the budget, to the loop, which frees it once
 * it is sent. */
static void hand_over_body(rf_http_connection *connection)
{
    rf_http_memory *memory = &connection->thread->http->memory;
    rf_buffer *body = &connection->exchange.response.body;
    send_later(connection, 0);
    if (connection->events == NULL ||
        evbuffer_add_reference(bufferevent_get_output(connection->events),
                               body->bytes, body->length, free_sent_body,
                               memory) != 0) {
        rf_http_memory_give(memory, body->length);
        rf_http_lose(connection);
        return;
    }
    *body = (rf_buffer){0};
}

static rf_http_connection_header
connection_header(const rf_http_connection *connection)
{
    if (connection->closing) {
        return RF_CONNECTION_CLOSES;
    }
    return rf_http_parser_is_old(connection->parser) ? RF_CONNECTION_STAYS_SAID
                                                     : RF_CONNECTION_STAYS;
}

static bool is_large(const rf_exchange *exchange)
{
    return rf_http_reply_has_body(exchange) &&
           exchange->response.body.length > RF_HTTP_JOINED_BYTES_MAX;
}

/* Replace a reply that there is no memory to keep until the client reads it. */
static void replace_reply(rf_http_connection *connection)
{
    rf_response *response = &connection->exchange.response;
    rf_http_refusal refusal;
    rf_http_refuse(&refusal, 503, rf_status_word(RF_E_OVERLOADED),
                   "too many large replies are waiting for their clients");
    rf_buffer_done(&response->body);
    rf_http_reply_refusal(response, &refusal);
    connection->closing = true;
}

void rf_http_queue_reply(rf_http_connection *connection)
{
    const rf_exchange *exchange = &connection->exchange;
    const rf_buffer *body = &exchange->response.body;
    if (is_large(exchange) &&
        !rf_http_memory_take(&connection->thread->http->memory, body->length)) {
        replace_reply(connection);
    }
    rf_http_reply reply = {.date = connection->thread->date,
                           .connection = connection_header(connection)};
    rf_http_reply_head(&connection->out, exchange, &reply);
    if (is_large(exchange)) {
        hand_over_body(connection);
    } else if (rf_http_reply_has_body(exchange)) {
        rf_buffer_append(&connection->out, body->bytes, body->length);
    }
}
