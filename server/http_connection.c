/*
 * http_connection.c - one client: its requests, its replies, its end.
 *
 * A callback does what it can (advance), then settles: sends what was queued,
 * picks the next state, and frees a dead connection. Nothing else frees, so
 * no function below has to ask whether its connection is still there.
 */
#include "core/alloc.h"
#include "server/http_internal.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include <sys/socket.h>
#include <unistd.h>

/* Bytes that may wait unread while a request is handled. */
#define INPUT_BYTES_MAX ((size_t)16 * 1024)

/* Most bytes given to the kernel at a time. */
#define WRITE_BYTES_MAX ((size_t)256 * 1024)

/* Most bytes read over after a refusal before hanging up all the same. */
#define DISCARDED_BYTES_MAX ((size_t)1024 * 1024)

#define ARENA_BLOCK_BYTES ((size_t)8 * 1024)

#define NEVER UINT64_MAX

static const rf_http_options *options_of(const rf_http_connection *connection)
{
    return &connection->thread->http->options;
}

static const rf_handler *handler_of(const rf_http_connection *connection)
{
    return options_of(connection)->handler;
}

static struct evbuffer *input_of(const rf_http_connection *connection)
{
    return bufferevent_get_input(connection->events);
}

static void set_deadline(rf_http_connection *connection, uint64_t now_ns,
                         unsigned timeout_ms)
{
    connection->deadline_ns = now_ns + (uint64_t)timeout_ms * 1000000;
}

/* ---- exchanges ---- */

static void begin_exchange(rf_http_connection *connection)
{
    rf_exchange *exchange = &connection->exchange;
    rf_http_parser_request(connection->parser, &exchange->request);
    rf_http_random_guid(&connection->thread->random,
                        exchange->request.correlation_id);
    rf_buffer body = exchange->response.body;
    exchange->response = (rf_response){.body = body};
    exchange->state = NULL;
    exchange->streaming = false;
    exchange->gone = false;
}

static void end_exchange(rf_http_connection *connection, uint64_t now_ns)
{
    rf_arena_reset(&connection->exchange.arena);
    rf_http_give_back(&connection->exchange.response.body);
    rf_http_parser_reset(connection->parser);
    rf_http_stream_forget(connection);
    connection->state =
        connection->events == NULL ? RF_HTTP_DEAD : RF_HTTP_READING;
    set_deadline(connection, now_ns, options_of(connection)->idle_timeout_ms);
}

/* The response is complete: queue it and be ready for the next request. */
static void finish(rf_http_connection *connection)
{
    rf_exchange *exchange = &connection->exchange;
    if (exchange->streaming) {
        rf_http_stream_finish(connection);
    } else if (connection->events != NULL) {
        rf_http_queue_reply(connection);
    }
    uint64_t now_ns = rf_http_now_ns();
    uint64_t replied_ns = exchange->streaming ? connection->replied_ns : now_ns;
    const rf_handler *handler = handler_of(connection);
    handler->finished(connection->thread->context, exchange,
                      (double)(replied_ns - connection->started_ns) / 1e9);
    end_exchange(connection, now_ns);
}

/* Answer without the handler, and close. */
static void refuse(rf_http_connection *connection,
                   const rf_http_refusal *refusal)
{
    begin_exchange(connection);
    rf_http_reply_refusal(&connection->exchange.response, refusal);
    connection->closing = true;
    finish(connection);
}

static void refuse_as(rf_http_connection *connection, int status,
                      const char *code, const char *message)
{
    rf_http_refusal refusal;
    rf_http_refuse(&refusal, status, code, "%s", message);
    refuse(connection, &refusal);
}

/* Bytes that follow a body that made no sense may be the rest of that body,
 * and must not be taken for a request. */
static bool is_in_doubt(const rf_http_connection *connection)
{
    return connection->exchange.response.status == 400 &&
           connection->events != NULL &&
           evbuffer_get_length(input_of(connection)) > 0;
}

static void finish_handled(rf_http_connection *connection)
{
    rf_response *response = &connection->exchange.response;
    if (rf_buffer_failed(&response->body)) {
        rf_http_refusal refusal;
        rf_http_refuse(&refusal, 503, rf_status_word(RF_E_NO_MEMORY),
                       "no memory for the reply");
        rf_buffer_done(&response->body);
        rf_http_reply_refusal(response, &refusal);
    }
    connection->asked_close = !rf_http_parser_keeps_alive(connection->parser);
    connection->closing = response->close || connection->asked_close ||
                          connection->thread->draining ||
                          is_in_doubt(connection);
    finish(connection);
}

/* The last piece of a stream: its head has said most of what there is to say.
 */
static void finish_stream(rf_http_connection *connection)
{
    connection->closing = connection->closing || connection->thread->draining;
    finish(connection);
}

/* Do what the handler said. */
static void follow(rf_http_connection *connection, rf_step step)
{
    switch (step) {
    case RF_STEP_DONE:
        if (connection->exchange.streaming) {
            finish_stream(connection);
        } else {
            finish_handled(connection);
        }
        break;
    case RF_STEP_WAIT:
        break;
    case RF_STEP_AGAIN:
        rf_http_thread_again(connection->thread, connection);
        break;
    case RF_STEP_MORE:
    case RF_STEP_WATCH:
        rf_http_stream_send(connection);
        rf_http_stream_rest(connection, step == RF_STEP_WATCH);
        break;
    case RF_STEP_DROP:
        connection->state = RF_HTTP_DEAD;
        break;
    }
}

static void handle(rf_http_connection *connection)
{
    begin_exchange(connection);
    connection->state = RF_HTTP_HANDLING;
    connection->deadline_ns = NEVER;
    follow(connection,
           handler_of(connection)
               ->handle(connection->thread->context, &connection->exchange));
}

/* ---- reading ---- */

/* A request is begun only when its reply would find nothing in its way: so a
 * client that does not read has at most one reply waiting for it. */
static bool may_read(const rf_http_connection *connection)
{
    return connection->state == RF_HTTP_READING && !connection->closing &&
           rf_http_unsent_bytes(connection) == 0 &&
           evbuffer_get_length(input_of(connection)) > 0;
}

static void read_piece(rf_http_connection *connection)
{
    rf_http_parser *parser = connection->parser;
    struct evbuffer *input = input_of(connection);
    struct evbuffer_iovec piece = {0};
    (void)evbuffer_peek(input, -1, NULL, &piece, 1);
    if (!rf_http_parser_has_begun(parser)) {
        connection->started_ns = rf_http_now_ns();
        set_deadline(connection, connection->started_ns,
                     options_of(connection)->request_timeout_ms);
    }
    size_t used = 0;
    rf_http_progress progress =
        rf_http_parser_feed(parser, piece.iov_base, piece.iov_len, &used);
    (void)evbuffer_drain(input, used);
    switch (progress) {
    case RF_HTTP_MORE:
        if (rf_http_parser_take_continue(parser)) {
            rf_buffer_append_string(&connection->out,
                                    "HTTP/1.1 100 Continue\r\n\r\n");
        }
        break;
    case RF_HTTP_COMPLETE:
        handle(connection);
        break;
    case RF_HTTP_REFUSED:
        refuse(connection, rf_http_parser_refusal(parser));
        break;
    }
}

/* ---- states ---- */

/* Read over what the client still sends, so that the kernel does not answer it
 * with a reset that would overtake our last reply. */
static void discard_input(rf_http_connection *connection)
{
    struct evbuffer *input = input_of(connection);
    size_t length = evbuffer_get_length(input);
    connection->discarded_bytes += length;
    if (evbuffer_drain(input, length) != 0 ||
        connection->discarded_bytes > DISCARDED_BYTES_MAX) {
        connection->state = RF_HTTP_DEAD;
    }
}

/* The last reply is sent. */
static void hang_up(rf_http_connection *connection)
{
    bool is_over = connection->input_ended ||
                   (connection->asked_close &&
                    evbuffer_get_length(input_of(connection)) == 0);
    if (is_over ||
        shutdown(bufferevent_getfd(connection->events), SHUT_WR) != 0) {
        connection->state = RF_HTTP_DEAD;
        return;
    }
    connection->state = RF_HTTP_LINGERING;
    set_deadline(connection, rf_http_now_ns(),
                 options_of(connection)->linger_timeout_ms);
    discard_input(connection);
}

/* End a callback: the only way out of every one of them. */
static void settle(rf_http_connection *connection)
{
    rf_http_send_now(connection);
    if (connection->state == RF_HTTP_READING) {
        if (rf_http_unsent_bytes(connection) > 0) {
            const rf_http_options *options = options_of(connection);
            connection->state = RF_HTTP_WRITING;
            set_deadline(connection, rf_http_now_ns(),
                         connection->exchange.streaming &&
                                 connection->thread->draining
                             ? options->linger_timeout_ms
                             : options->write_timeout_ms);
        } else if (connection->closing) {
            hang_up(connection);
        } else if (connection->input_ended) {
            connection->state = RF_HTTP_DEAD;
        }
    }
    if (connection->state == RF_HTTP_DEAD) {
        rf_http_connection_free(connection);
    }
}

/* Serve what has arrived as far as possible, then settle. */
static void advance(rf_http_connection *connection)
{
    while (may_read(connection)) {
        if (connection->out.length > RF_HTTP_JOINED_BYTES_MAX) {
            rf_http_send_now(connection);
        } else {
            read_piece(connection);
        }
    }
    if (connection->state == RF_HTTP_READING && connection->input_ended &&
        !connection->closing && rf_http_unsent_bytes(connection) == 0 &&
        rf_http_parser_has_begun(connection->parser)) {
        refuse_as(connection, 400, "bad_request",
                  "the request ended before it was complete");
    }
    settle(connection);
}

/* ---- callbacks of the loop ---- */

static void on_read(struct bufferevent *events, void *self)
{
    (void)events;
    rf_http_connection *connection = self;
    if (connection->state == RF_HTTP_LINGERING) {
        discard_input(connection);
    }
    advance(connection);
}

static void on_write(struct bufferevent *events, void *self)
{
    (void)events;
    rf_http_connection *connection = self;
    if (connection->state == RF_HTTP_WRITING) {
        connection->state = RF_HTTP_READING;
        set_deadline(connection, rf_http_now_ns(),
                     options_of(connection)->idle_timeout_ms);
    } else if (connection->state == RF_HTTP_STREAMING) {
        rf_http_stream_taken(connection);
    }
    advance(connection);
}

static void on_event(struct bufferevent *events, short what, void *self)
{
    (void)events;
    rf_http_connection *connection = self;
    if ((what & BEV_EVENT_EOF) == 0) {
        rf_http_lose(connection);
    } else if (connection->state == RF_HTTP_LINGERING) {
        connection->state = RF_HTTP_DEAD;
    }
    connection->input_ended = true;
    if (connection->state == RF_HTTP_STREAMING && connection->watching) {
        rf_http_stream_rouse(connection);
    }
    advance(connection);
}

/* ---- life ---- */

rf_http_connection *rf_http_connection_create(rf_http_thread *thread,
                                              int descriptor)
{
    rf_http_connection *connection = rf_calloc(1, sizeof *connection);
    if (connection == NULL) {
        return NULL;
    }
    connection->parser =
        rf_http_parser_create(&thread->http->limits, &thread->http->memory);
    if (connection->parser == NULL) {
        rf_free(connection);
        return NULL;
    }
    connection->thread = thread;
    connection->descriptor = descriptor;
    connection->state = RF_HTTP_OPENING;
    rf_arena_init(&connection->exchange.arena, ARENA_BLOCK_BYTES,
                  thread->http->options.arena_bytes_max);
    return connection;
}

void rf_http_connection_free(rf_http_connection *connection)
{
    if (connection->events != NULL) {
        bufferevent_free(connection->events);
    }
    if (connection->descriptor >= 0) {
        (void)close(connection->descriptor);
    }
    if (connection->state != RF_HTTP_OPENING) {
        rf_http_thread_remove(connection->thread, connection);
    }
    rf_http_stream_release(connection);
    rf_http_stream_forget(connection);
    atomic_fetch_sub(&connection->thread->http->connections, 1);
    rf_http_parser_free(connection->parser);
    rf_arena_done(&connection->exchange.arena);
    rf_buffer_done(&connection->exchange.response.body);
    rf_buffer_done(&connection->out);
    rf_free(connection);
}

static void open_connection(rf_http_connection *connection)
{
    rf_http_thread *thread = connection->thread;
    struct bufferevent *events = bufferevent_socket_new(
        thread->base, connection->descriptor, BEV_OPT_CLOSE_ON_FREE);
    if (events == NULL || thread->draining) {
        if (events != NULL) {
            connection->descriptor = -1;
            bufferevent_free(events);
        }
        rf_http_connection_free(connection);
        return;
    }
    rf_http_thread_add(thread, connection);
    connection->descriptor = -1;
    connection->events = events;
    connection->state = RF_HTTP_READING;
    connection->started_ns = rf_http_now_ns();
    set_deadline(connection, connection->started_ns,
                 options_of(connection)->idle_timeout_ms);
    bufferevent_setcb(events, on_read, on_write, on_event, connection);
    bufferevent_setwatermark(events, EV_READ, 0, INPUT_BYTES_MAX);
    (void)bufferevent_set_max_single_write(events, WRITE_BYTES_MAX);
    (void)bufferevent_enable(events, EV_READ);
    if (connection->unwanted) {
        refuse_as(connection, 503, rf_status_word(RF_E_OVERLOADED),
                  "too many connections");
    }
    settle(connection);
}

void rf_http_connection_woken(rf_http_connection *connection)
{
    if (connection->state == RF_HTTP_OPENING) {
        open_connection(connection);
    } else {
        rf_http_connection_resume(connection);
    }
}

void rf_http_connection_resume(rf_http_connection *connection)
{
    rf_exchange *exchange = &connection->exchange;
    exchange->gone = exchange->gone || (exchange->streaming &&
                                        rf_http_stream_is_over(connection));
    follow(
        connection,
        handler_of(connection)->resume(connection->thread->context, exchange));
    advance(connection);
}

void rf_http_connection_expire(rf_http_connection *connection)
{
    if (connection->state == RF_HTTP_READING &&
        rf_http_parser_has_begun(connection->parser)) {
        refuse_as(connection, 408, "request_timeout",
                  "the request took too long to arrive");
    } else if (connection->state == RF_HTTP_STREAMING) {
        rf_http_stream_expire(connection);
    } else if (connection->state == RF_HTTP_WRITING) {
        rf_http_cut(connection);
    } else if (connection->state != RF_HTTP_HANDLING) {
        rf_http_lose(connection);
    }
    settle(connection);
}

void rf_http_connection_drain(rf_http_connection *connection)
{
    if (connection->state == RF_HTTP_READING &&
        !rf_http_parser_has_begun(connection->parser) &&
        evbuffer_get_length(input_of(connection)) == 0) {
        rf_http_lose(connection);
    } else if (connection->state == RF_HTTP_STREAMING) {
        rf_http_stream_drain(connection);
    }
    settle(connection);
}

void rf_http_connection_abandon(rf_http_connection *connection)
{
    rf_http_lose(connection);
    settle(connection);
}

void rf_exchange_wake(rf_exchange *exchange)
{
    rf_http_connection *connection = (rf_http_connection *)exchange;
    rf_http_thread_push(connection->thread, connection);
}
