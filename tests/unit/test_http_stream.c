/*
 * test_http_stream.c - replies in pieces over sockets.
 *
 * The handler of these tests answers by path:
 *   /pieces     "one", "two" and "three" as three pieces
 *   /flood      pieces of RF_PIECE_BYTES until nobody waits for them
 *   /watch      the number of ticks whenever it has changed
 *   /cut        one piece, and then no end
 *   /no-memory  one piece, and then one that found no memory
 */
#include "tests/unit/http_fixture.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define LAST_CHUNK "0\r\n\r\n"
#define TICKS 2000U

/* More than the buffers of two sockets take. */
#define KERNEL_PIECES_MAX 1024U

typedef struct flow {
    atomic_uint ticks;
    atomic_uint pieces; /* of floods */
    atomic_uint ends;   /* streams that were told that it is over */
} flow;

static flow state_of_all;

/* What one stream has done. */
typedef struct progress {
    unsigned pieces;
    unsigned ticks;
    bool told; /* some number of ticks */
} progress;

/* ---- the handler ---- */

static rf_step send_three(rf_buffer *body, progress *done)
{
    static const char *const words[] = {"one", "two", "three"};
    rf_buffer_append_string(body, words[done->pieces++]);
    return done->pieces < 3 ? RF_STEP_MORE : RF_STEP_DONE;
}

static rf_step send_flood(rf_buffer *body)
{
    char *room = rf_buffer_reserve(body, RF_PIECE_BYTES);
    if (room != NULL) {
        memset(room, 'x', RF_PIECE_BYTES);
        body->length += RF_PIECE_BYTES;
    }
    atomic_fetch_add(&state_of_all.pieces, 1);
    return RF_STEP_MORE;
}

static rf_step send_ticks(rf_buffer *body, progress *done)
{
    unsigned ticks = atomic_load(&state_of_all.ticks);
    char text[24];
    if (!done->told || ticks != done->ticks) {
        (void)snprintf(text, sizeof text, "<%u>", ticks);
        rf_buffer_append_string(body, text);
    }
    done->told = true;
    done->ticks = ticks;
    return RF_STEP_WATCH;
}

static rf_step break_off(rf_exchange *exchange, progress *done)
{
    rf_buffer *body = &exchange->response.body;
    bool drops = rf_text_equal(exchange->request.path, rf_text_of("/cut"));
    if (done->pieces++ == 0) {
        rf_buffer_append_string(body, "begun");
        return RF_STEP_MORE;
    }
    body->failed = !drops;
    return drops ? RF_STEP_DROP : RF_STEP_MORE;
}

static rf_step go_on(void *thread, rf_exchange *exchange)
{
    (void)thread;
    rf_text path = exchange->request.path;
    rf_buffer *body = &exchange->response.body;
    progress *done = exchange->state;
    if (exchange->gone) {
        atomic_fetch_add(&state_of_all.ends, 1);
        return RF_STEP_DONE;
    }
    if (rf_text_equal(path, rf_text_of("/pieces"))) {
        return send_three(body, done);
    }
    if (rf_text_equal(path, rf_text_of("/flood"))) {
        return send_flood(body);
    }
    if (rf_text_equal(path, rf_text_of("/watch"))) {
        return send_ticks(body, done);
    }
    return break_off(exchange, done);
}

static rf_step begin(void *thread, rf_exchange *exchange)
{
    exchange->state = rf_arena_calloc(&exchange->arena, 1, sizeof(progress));
    exchange->response.status = 200;
    exchange->response.content_type = "text/plain";
    exchange->response.heartbeat = "~";
    return go_on(thread, exchange);
}

static int set_up(void **state)
{
    static http_fixture fixture;
    http_init_fixture(&fixture);
    fixture.handler.handle = begin;
    fixture.handler.resume = go_on;
    atomic_store(&state_of_all.ticks, 0);
    atomic_store(&state_of_all.pieces, 0);
    atomic_store(&state_of_all.ends, 0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    http_stop_fixture(*state);
    return 0;
}

/* ---- the client ---- */

static int ask(http_fixture *fixture, const char *request)
{
    int client = http_open_client(fixture);
    http_send_text(client, request);
    return client;
}

static void assert_next(int client, const char *expected)
{
    char text[64] = "";
    size_t length = strlen(expected);
    assert_true(length < sizeof text);
    assert_int_equal(recv(client, text, length, MSG_WAITALL), length);
    assert_string_equal(text, expected);
}

/* Read chunks of ticks until this number has come. */
static void await_tick(int client, unsigned ticks)
{
    char wanted[24];
    char text[64] = "";
    size_t length = 0;
    (void)snprintf(wanted, sizeof wanted, "<%u>\r\n", ticks);
    while (strstr(text, wanted) == NULL) {
        if (length == sizeof text - 1) {
            memmove(text, text + length / 2, length - length / 2);
            length -= length / 2;
        }
        assert_int_equal(recv(client, text + length, 1, 0), 1);
        text[++length] = '\0';
    }
}

static void wait_for_held(const http_fixture *fixture, bool some)
{
    for (int tries = 0; tries < 20000; tries++) {
        if ((rf_http_held_bytes(fixture->http) > 0) == some) {
            return;
        }
        (void)poll(NULL, 0, 1);
    }
    fail_msg("%zu bytes are held", rf_http_held_bytes(fixture->http));
}

/* Wait until a flood stands in front of a client that does not read. What it
 * has sent is in the kernel, but for what is left of one piece. */
static unsigned wait_for_rest(const http_fixture *fixture)
{
    wait_for_held(fixture, true);
    assert_true(rf_http_held_bytes(fixture->http) < 2 * RF_PIECE_BYTES);
    return atomic_load(&state_of_all.pieces);
}

/* ---- pieces ---- */

static void sends_pieces_as_chunks(void **state)
{
    http_fixture *fixture = *state;
    http_start_server(fixture);
    int client = ask(fixture, REQUEST("/pieces") REQUEST("/pieces"));
    for (int i = 0; i < 2; i++) {
        http_reply head = http_read_reply_head(client);
        assert_int_equal(head.status, 200);
        assert_non_null(
            strstr(head.head, "\r\nTransfer-Encoding: chunked\r\n"));
        assert_non_null(strstr(head.head, "\r\nCache-Control: no-store\r\n"));
        assert_null(strstr(head.head, "Content-Length"));
        assert_null(strstr(head.head, "Connection"));
        assert_next(client,
                    "3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n" LAST_CHUNK);
    }
    http_wait_for_count(fixture, &fixture->finished_count, 2);
    close(client);
}

static void closes_behind_a_stream_where_asked_to(void **state)
{
    http_fixture *fixture = *state;
    http_start_server(fixture);
    int client = ask(fixture, "GET /pieces HTTP/1.1\r\nHost: x\r\n"
                              "Connection: close\r\n\r\n");
    http_reply head = http_read_reply_head(client);
    assert_non_null(strstr(head.head, "\r\nConnection: close\r\n"));
    assert_next(client, "3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n" LAST_CHUNK);
    http_assert_closed(client);
}

static void sends_pieces_plain_to_old_clients(void **state)
{
    http_fixture *fixture = *state;
    http_start_server(fixture);
    int client = ask(fixture, "GET /pieces HTTP/1.0\r\n"
                              "Connection: keep-alive\r\n\r\n");
    http_reply head = http_read_reply_head(client);
    assert_null(strstr(head.head, "Transfer-Encoding"));
    assert_null(strstr(head.head, "Content-Length"));
    assert_non_null(strstr(head.head, "\r\nConnection: close\r\n"));
    assert_next(client, "onetwothree");
    http_assert_closed(client);
}

static void answers_head_with_the_head_alone(void **state)
{
    static const char *const paths[] = {"/pieces", "/flood", "/watch"};
    http_fixture *fixture = *state;
    http_start_server(fixture);
    int client = http_open_client(fixture);
    for (unsigned i = 0; i < 3; i++) {
        char request[64];
        (void)snprintf(request, sizeof request,
                       "HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n", paths[i]);
        http_send_text(client, request);
        http_reply head = http_read_reply_head(client);
        assert_non_null(
            strstr(head.head, "\r\nTransfer-Encoding: chunked\r\n"));
        http_wait_for_count(fixture, &fixture->finished_count, i + 1);
    }
    assert_int_equal(atomic_load(&state_of_all.ends), 3);
    close(client);
}

/* A client must see that a reply is not whole. */
static void leaves_out_the_end_of_a_broken_stream(void **state)
{
    static const char *const requests[] = {REQUEST("/cut"),
                                           REQUEST("/no-memory")};
    http_fixture *fixture = *state;
    http_start_server(fixture);
    for (int i = 0; i < 2; i++) {
        int client = ask(fixture, requests[i]);
        (void)http_read_reply_head(client);
        assert_next(client, "5\r\nbegun\r\n");
        http_assert_closed(client);
    }
    http_wait_for_connections(fixture, 0);
}

/* ---- back-pressure ---- */

static void keeps_one_piece_for_a_client_that_does_not_read(void **state)
{
    http_fixture *fixture = *state;
    fixture->options.threads = 1;
    http_start_server(fixture);
    int client = ask(fixture, REQUEST("/flood"));
    unsigned pieces = wait_for_rest(fixture);
    int other = ask(fixture, REQUEST("/pieces"));
    assert_int_equal(http_read_reply_head(other).status, 200);
    assert_true(atomic_load(&state_of_all.pieces) < KERNEL_PIECES_MAX);
    (void)http_read_reply_head(client);
    char piece[4096];
    while (atomic_load(&state_of_all.pieces) < 4 * pieces) {
        assert_true(recv(client, piece, sizeof piece, 0) > 0);
    }
    http_reset_client(client);
    http_wait_for_count(fixture, &fixture->finished_count, 2);
    wait_for_held(fixture, false);
    assert_int_equal(atomic_load(&state_of_all.ends), 1);
    close(other);
}

static void cuts_a_client_that_takes_nothing(void **state)
{
    http_fixture *fixture = *state;
    fixture->options.write_timeout_ms = 100;
    http_start_server(fixture);
    int client = ask(fixture, REQUEST("/flood"));
    http_wait_for_count(fixture, &fixture->finished_count, 1);
    http_wait_for_connections(fixture, 0);
    assert_int_equal(rf_http_held_bytes(fixture->http), 0);
    assert_int_equal(atomic_load(&state_of_all.ends), 1);
    close(client);
}

/* ---- watching ---- */

/* However the ticks and the looks fall together, the last is not missed. */
static void tells_those_who_watch(void **state)
{
    http_fixture *fixture = *state;
    http_start_server(fixture);
    rf_http_stir(fixture->http);
    int clients[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = ask(fixture, REQUEST("/watch"));
    }
    for (unsigned tick = 1; tick <= TICKS; tick++) {
        atomic_store(&state_of_all.ticks, tick);
        rf_http_stir(fixture->http);
        if (tick % 100 == 0) {
            await_tick(clients[tick / 100 % 3], tick);
        }
    }
    for (int i = 0; i < 3; i++) {
        if (TICKS / 100 % 3 != (unsigned)i) {
            await_tick(clients[i], TICKS);
        }
        close(clients[i]);
    }
    http_wait_for_count(fixture, &fixture->finished_count, 3);
    http_wait_for_connections(fixture, 0);
    assert_int_equal(atomic_load(&state_of_all.ends), 3);
}

static void sends_signs_of_life(void **state)
{
    http_fixture *fixture = *state;
    fixture->options.heartbeat_ms = 10;
    fixture->options.idle_timeout_ms = 20;
    http_start_server(fixture);
    int client = ask(fixture, REQUEST("/watch"));
    (void)http_read_reply_head(client);
    assert_next(client, "3\r\n<0>\r\n");
    for (int i = 0; i < 10; i++) {
        assert_next(client, "1\r\n~\r\n");
    }
    close(client);
}

static void ends_when_the_client_sends_no_more(void **state)
{
    http_fixture *fixture = *state;
    http_start_server(fixture);
    int client = ask(fixture, REQUEST("/watch"));
    (void)http_read_reply_head(client);
    assert_next(client, "3\r\n<0>\r\n");
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    assert_next(client, LAST_CHUNK);
    http_assert_closed(client);
}

/* ---- stopping ---- */

static void ends_streams_that_watch_at_a_stop(void **state)
{
    http_fixture *fixture = *state;
    http_start_server(fixture);
    int clients[4];
    for (int i = 0; i < 4; i++) {
        clients[i] = ask(fixture, REQUEST("/watch"));
        (void)http_read_reply_head(clients[i]);
        assert_next(clients[i], "3\r\n<0>\r\n");
    }
    rf_http_stop(fixture->http);
    for (int i = 0; i < 4; i++) {
        assert_next(clients[i], LAST_CHUNK);
        http_assert_closed(clients[i]);
    }
    assert_int_equal(fixture->warning_count, 0);
    assert_int_equal(fixture->finished_count, 4);
}

/* Whether its time is up or the drain's, a stream that nobody reads is told
 * and does not stay. */
static void does_not_wait_for_who_does_not_read(void **state)
{
    http_fixture *fixture = *state;
    fixture->options.linger_timeout_ms = 50;
    for (int i = 0; i < 2; i++) {
        fixture->options.linger_timeout_ms = i == 0 ? 50 : 20000;
        fixture->options.drain_timeout_ms = i == 0 ? 20000 : 50;
        http_start_server(fixture);
        int client = ask(fixture, REQUEST("/flood"));
        (void)wait_for_rest(fixture);
        rf_http_stop(fixture->http);
        assert_int_equal(fixture->finished_count, i + 1);
        assert_int_equal(fixture->warning_count, 0);
        rf_http_free(fixture->http);
        fixture->http = NULL;
        close(client);
    }
    assert_int_equal(atomic_load(&state_of_all.ends), 2);
}

int main(void)
{
#define STREAM_TEST(test)                                                      \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STREAM_TEST(sends_pieces_as_chunks),
        STREAM_TEST(closes_behind_a_stream_where_asked_to),
        STREAM_TEST(sends_pieces_plain_to_old_clients),
        STREAM_TEST(answers_head_with_the_head_alone),
        STREAM_TEST(leaves_out_the_end_of_a_broken_stream),
        STREAM_TEST(keeps_one_piece_for_a_client_that_does_not_read),
        STREAM_TEST(cuts_a_client_that_takes_nothing),
        STREAM_TEST(tells_those_who_watch),
        STREAM_TEST(sends_signs_of_life),
        STREAM_TEST(ends_when_the_client_sends_no_more),
        STREAM_TEST(ends_streams_that_watch_at_a_stop),
        STREAM_TEST(does_not_wait_for_who_does_not_read),
    };
#undef STREAM_TEST
    return cmocka_run_group_tests_name("http_stream", tests, NULL, NULL);
}
