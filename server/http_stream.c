/*
 * http_stream.c - replies that go out piece by piece.
 *
 * Between two pieces a stream rests until the client has taken the last one,
 * so one piece is the most that is kept for a client; the kernel's copy is
 * bounded as well. A stream that watches rests on until somebody stirs. What
 * ends the rest (rouse) has the exchange resumed on a later turn of the loop:
 * a client that is quick, or a stream that has much to send, holds up nobody.
 *
 * A client that has vanished is found by the heartbeats it does not
 * acknowledge, one that does not read by taking nothing for too long.
 */
#include "server/http_internal.h"

#include <event2/bufferevent.h>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* What the kernel may keep for a client on its way. */
#define KERNEL_BYTES (256 * 1024)

static const rf_http_options *options_of(const rf_http_connection *connection)
{
    return &connection->thread->http->options;
}

static bool is_chunked(const rf_http_connection *connection)
{
    return !rf_http_parser_is_old(connection->parser);
}

/* ---- pieces ---- */

static void bound_socket(const rf_http_connection *connection)
{
    int descriptor = bufferevent_getfd(connection->events);
    int bytes = KERNEL_BYTES;
    unsigned timeout_ms = options_of(connection)->write_timeout_ms;
    (void)setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
                     sizeof timeout_ms);
}

static void send_head(rf_http_connection *connection)
{
    rf_exchange *exchange = &connection->exchange;
    const rf_http_thread *thread = connection->thread;
    bool chunked = is_chunked(connection);
    exchange->streaming = true;
    connection->replied_ns = rf_http_now_ns();
    connection->sent_ns = connection->replied_ns;
    connection->asked_close = !rf_http_parser_keeps_alive(connection->parser);
    connection->closing = exchange->response.close || connection->asked_close ||
                          thread->draining || !chunked;
    if (connection->events == NULL) {
        return;
    }
    bound_socket(connection);
    rf_http_reply reply = {
        .date = thread->date,
        .connection =
            connection->closing ? RF_CONNECTION_CLOSES : RF_CONNECTION_STAYS,
        .framing = chunked ? RF_FRAMING_CHUNKED : RF_FRAMING_CLOSE};
    rf_http_reply_head(&connection->out, exchange, &reply);
}

static void queue_piece(rf_http_connection *connection, const char *bytes,
                        size_t length)
{
    if (connection->events == NULL || length == 0 ||
        !rf_http_reply_has_body(&connection->exchange)) {
        return;
    }
    connection->sent_ns = rf_http_now_ns();
    if (is_chunked(connection)) {
        rf_http_reply_chunk(&connection->out, bytes, length);
    } else {
        rf_buffer_append(&connection->out, bytes, length);
    }
}

/* Send what is queued; what the client does not take yet is taken from the
 * budget. */
static void send_queued(rf_http_connection *connection)
{
    rf_http_send_now(connection);
    if (connection->events == NULL) {
        return;
    }
    rf_http_stream_release(connection);
    connection->held_bytes = rf_http_unsent_bytes(connection);
    rf_http_memory_hold(&connection->thread->http->memory,
                        connection->held_bytes);
}

void rf_http_stream_send(rf_http_connection *connection)
{
    rf_buffer *body = &connection->exchange.response.body;
    if (!connection->exchange.streaming) {
        send_head(connection);
    }
    if (rf_buffer_failed(body)) {
        rf_http_lose(connection); /* a piece is missing */
    }
    queue_piece(connection, body->bytes, body->length);
    rf_http_give_back(body);
    send_queued(connection);
}

void rf_http_stream_finish(rf_http_connection *connection)
{
    const rf_buffer *body = &connection->exchange.response.body;
    if (rf_buffer_failed(body)) {
        rf_http_lose(connection);
    }
    queue_piece(connection, body->bytes, body->length);
    if (connection->events != NULL && is_chunked(connection) &&
        rf_http_reply_has_body(&connection->exchange)) {
        rf_http_reply_last_chunk(&connection->out);
    }
}

void rf_http_stream_release(rf_http_connection *connection)
{
    rf_http_memory_give(&connection->thread->http->memory,
                        connection->held_bytes);
    connection->held_bytes = 0;
}

/* ---- watching ---- */

/* Enter the list of those that watch; false when it is there already. */
static bool begin_watching(rf_http_connection *connection)
{
    rf_http_thread *thread = connection->thread;
    if (connection->is_watcher) {
        return false;
    }
    connection->is_watcher = true;
    connection->watch_previous = NULL;
    connection->watch_next = thread->watchers;
    if (thread->watchers != NULL) {
        thread->watchers->watch_previous = connection;
    }
    thread->watchers = connection;
    atomic_fetch_add(&thread->watcher_count, 1);
    return true;
}

void rf_http_stream_forget(rf_http_connection *connection)
{
    rf_http_thread *thread = connection->thread;
    if (!connection->is_watcher) {
        return;
    }
    connection->is_watcher = false;
    connection->watching = false;
    if (connection->watch_next != NULL) {
        connection->watch_next->watch_previous = connection->watch_previous;
    }
    if (connection->watch_previous != NULL) {
        connection->watch_previous->watch_next = connection->watch_next;
    } else {
        thread->watchers = connection->watch_next;
    }
    atomic_fetch_sub(&thread->watcher_count, 1);
}

/* ---- resting ---- */

/* What the client has not acknowledged: ours and the kernel's. */
static size_t count_pending(const rf_http_connection *connection)
{
    int queued = 0;
    (void)ioctl(bufferevent_getfd(connection->events), SIOCOUTQ, &queued);
    return rf_http_unsent_bytes(connection) + (size_t)queued;
}

static void set_deadline(rf_http_connection *connection)
{
    const rf_http_options *options = options_of(connection);
    if (rf_http_unsent_bytes(connection) == 0) {
        connection->deadline_ns =
            connection->sent_ns + (uint64_t)options->heartbeat_ms * 1000000;
        return;
    }
    unsigned timeout_ms = connection->thread->draining
                              ? options->linger_timeout_ms
                              : options->write_timeout_ms;
    connection->pending_bytes = count_pending(connection);
    connection->deadline_ns = rf_http_now_ns() + (uint64_t)timeout_ms * 1000000;
}

bool rf_http_stream_is_over(const rf_http_connection *connection)
{
    bool head_only = connection->exchange.request.method == RF_METHOD_HEAD;
    return connection->events == NULL || head_only ||
           (connection->watching &&
            (connection->input_ended || connection->thread->draining));
}

void rf_http_stream_rest(rf_http_connection *connection, bool watching)
{
    /* What happened before the stream was on the list has stirred nobody, so
     * the first time it looks once more. */
    bool looks_again = !watching || begin_watching(connection);
    connection->watching = watching;
    if (rf_http_stream_is_over(connection) ||
        (looks_again && rf_http_unsent_bytes(connection) == 0)) {
        rf_http_thread_again(connection->thread, connection);
        return;
    }
    connection->state = RF_HTTP_STREAMING;
    connection->stirred = looks_again;
    set_deadline(connection);
}

void rf_http_stream_rouse(rf_http_connection *connection)
{
    connection->state = RF_HTTP_HANDLING;
    connection->deadline_ns = UINT64_MAX;
    rf_http_thread_again(connection->thread, connection);
}

void rf_http_stream_taken(rf_http_connection *connection)
{
    rf_http_stream_release(connection);
    if (connection->stirred) {
        rf_http_stream_rouse(connection);
    } else {
        set_deadline(connection);
    }
}

void rf_http_stream_stirred(rf_http_connection *connection)
{
    if (connection->state != RF_HTTP_STREAMING) {
        return; /* it is about to look anyway */
    }
    connection->stirred = true;
    if (rf_http_unsent_bytes(connection) == 0) {
        rf_http_stream_rouse(connection);
    }
}

static void send_heartbeat(rf_http_connection *connection)
{
    const char *text = connection->exchange.response.heartbeat;
    connection->sent_ns = rf_http_now_ns();
    if (text != NULL) {
        queue_piece(connection, text, strlen(text));
        send_queued(connection);
    }
}

void rf_http_stream_expire(rf_http_connection *connection)
{
    if (rf_http_unsent_bytes(connection) == 0) {
        send_heartbeat(connection);
    } else if (count_pending(connection) >= connection->pending_bytes) {
        rf_http_cut(connection);
    }
    if (connection->state == RF_HTTP_STREAMING) {
        set_deadline(connection);
    }
}

void rf_http_stream_drain(rf_http_connection *connection)
{
    if (connection->watching) {
        rf_http_stream_rouse(connection);
    } else {
        set_deadline(connection);
    }
}
