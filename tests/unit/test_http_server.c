/*
 * test_http_server.c - requests and replies over sockets.
 */
#include "core/alloc.h"
#include "tests/unit/http_fixture.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET_ECHO "GET /echo?a=b HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST_ECHO                                                              \
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/x\r\n"               \
    "Content-Length: 5\r\n\r\nhello"
#define CHUNKED_ECHO                                                           \
    "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"     \
    "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"

#define MANY_CONNECTIONS 2000
#define PIPELINED 300

static int set_up(void **state)
{
    static http_fixture fixture;
    http_init_fixture(&fixture);
    http_start_server(&fixture);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    http_stop_fixture(*state);
    return 0;
}

static void assert_echo(int client, const char *expected)
{
    http_reply reply = http_read_reply(client);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, expected);
}

static void assert_head_has(const http_reply *reply, const char *line)
{
    if (strstr(reply->head, line) == NULL) {
        fail_msg("no %s in %s", line, reply->head);
    }
}

static void assert_head_lacks(const http_reply *reply, const char *line)
{
    if (strstr(reply->head, line) != NULL) {
        fail_msg("%s in %s", line, reply->head);
    }
}

/* Send a request on a connection of its own and read its reply. */
static http_reply ask(const http_fixture *fixture, const char *request)
{
    int client = http_open_client(fixture);
    http_send_text(client, request);
    http_reply reply = http_read_reply(client);
    close(client);
    return reply;
}

static const char *find_id(const http_reply *reply)
{
    static const char start[] = "\r\nx-ms-correlation-id: ";
    const char *id = strstr(reply->head, start);
    assert_non_null(id);
    return id + sizeof start - 1;
}

static void answers_with_the_usual_headers(void **state)
{
    http_reply reply = ask(*state, GET_ECHO);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "GET /echo a=b  ");
    assert_head_has(&reply, "HTTP/1.1 200 OK\r\nDate: ");
    assert_head_has(&reply, "\r\nContent-Type: text/plain\r\n");
    assert_head_has(&reply, "\r\nx-content-type-options: nosniff\r\n");
    assert_head_lacks(&reply, "Connection:");
    const char *id = find_id(&reply);
    for (size_t i = 0; i < 36; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        assert_true(is_dash ? id[i] == '-' : isxdigit(id[i]) != 0);
    }
    assert_int_equal(id[14], '4');
    assert_int_equal(id[36], '\r');
    http_reply other = ask(*state, GET_ECHO);
    assert_memory_not_equal(id, find_id(&other), 36);
}

static void answers_special_statuses(void **state)
{
    http_reply reply =
        ask(*state, "GET /unauthorized HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(reply.status, 401);
    assert_head_has(&reply, "\r\nContent-Length: 0\r\n");
    assert_head_has(&reply, "\r\nWWW-Authenticate: Bearer\r\n");
    assert_head_lacks(&reply, "Content-Type");
    reply = ask(*state, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(reply.status, 204);
    assert_head_lacks(&reply, "Content-Length");
    reply = ask(*state, "GET /busy HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(reply.status, 503);
    assert_head_has(&reply, "\r\nRetry-After: 7\r\n");
    assert_head_has(&reply, "\r\nAllow: GET, POST\r\n");
    assert_head_has(&reply, "\r\nConnection: close\r\n");
    reply = ask(*state, "GET /no-memory HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.body, "\"code\":\"out_of_memory\""));
}

static void refuses_in_the_shape_of_every_error(void **state)
{
    int client = http_open_client(*state);
    http_send_text(client, "GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n");
    http_reply reply = http_read_reply(client);
    assert_int_equal(reply.status, 400);
    assert_head_has(&reply, "\r\nContent-Type: application/json\r\n");
    assert_head_has(&reply, "\r\nConnection: close\r\n");
    assert_head_has(&reply, "\r\nx-ms-correlation-id: ");
    assert_string_equal(
        reply.body, "{\"id\":\"\",\"processingStatus\":\"failure\",\"message\":"
                    "\"the header host is there twice\",\"statusCode\":400,"
                    "\"code\":\"bad_request\"}");
    http_assert_closed(client);
}

static void answers_head_without_a_body(void **state)
{
    int client = http_open_client(*state);
    http_send_text(client, "HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\n" GET_ECHO);
    http_reply reply = http_read_reply_head(client);
    assert_int_equal(reply.length, strlen("HEAD /echo   "));
    assert_echo(client, "GET /echo a=b  ");
    close(client);
}

static void closes_when_the_client_wants_it(void **state)
{
    static const struct {
        const char *request;
        const char *header; /* of the reply, NULL for none */
        bool closes;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
         "Connection: close", true},
        {"GET / HTTP/1.0\r\n\r\n", "Connection: close", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
         "Connection: keep-alive", false},
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int client = http_open_client(*state);
        http_send_text(client, cases[i].request);
        http_reply reply = http_read_reply(client);
        if (cases[i].header != NULL) {
            assert_head_has(&reply, cases[i].header);
        } else {
            assert_head_lacks(&reply, "Connection:");
        }
        if (cases[i].closes) {
            http_assert_closed(client);
        } else {
            http_send_text(client, GET_ECHO);
            assert_echo(client, "GET /echo a=b  ");
            close(client);
        }
    }
}

static void answers_byte_by_byte(void **state)
{
    static const char requests[] = GET_ECHO POST_ECHO CHUNKED_ECHO;
    int client = http_open_client(*state);
    for (size_t i = 0; i < sizeof requests - 1; i++) {
        assert_true(http_send_bytes(client, requests + i, 1));
    }
    assert_echo(client, "GET /echo a=b  ");
    assert_echo(client, "POST /echo  text/x hello");
    assert_echo(client, "POST /echo   hello");
    close(client);
}

/* The pieces arrive apart when the first is answered before the second. */
static void answers_requests_cut_anywhere(void **state)
{
    static const char requests[] = POST_ECHO CHUNKED_ECHO;
    for (size_t cut = 1; cut < sizeof requests - 1; cut++) {
        int client = http_open_client(*state);
        http_send_text(client, GET_ECHO);
        assert_true(http_send_bytes(client, requests, cut));
        assert_echo(client, "GET /echo a=b  ");
        assert_true(
            http_send_bytes(client, requests + cut, sizeof requests - 1 - cut));
        assert_echo(client, "POST /echo  text/x hello");
        assert_echo(client, "POST /echo   hello");
        close(client);
    }
}

static void answers_pipelined_requests_in_order(void **state)
{
    static const char *const paths[] = {"echo", "early", "again"};
    int client = http_open_client(*state);
    for (int i = 0; i < PIPELINED; i++) {
        char request[64];
        (void)snprintf(request, sizeof request,
                       "GET /%s?%d HTTP/1.1\r\nHost: x\r\n\r\n", paths[i % 3],
                       i);
        http_send_text(client, request);
    }
    for (int i = 0; i < PIPELINED; i++) {
        char expected[64];
        (void)snprintf(expected, sizeof expected, "GET /%s %d  ", paths[i % 3],
                       i);
        assert_echo(client, expected);
    }
    close(client);
}

static void answers_what_came_before_a_half_close(void **state)
{
    int client = http_open_client(*state);
    http_send_text(client, GET_ECHO GET_ECHO "GET /early HTTP/1.1\r\nHost: "
                                             "x\r\n\r\n" GET_ECHO);
    shutdown(client, SHUT_WR);
    assert_echo(client, "GET /echo a=b  ");
    assert_echo(client, "GET /echo a=b  ");
    assert_echo(client, "GET /early   ");
    assert_echo(client, "GET /echo a=b  ");
    http_assert_closed(client);
    client = http_open_client(*state);
    http_send_text(client, GET_ECHO "GET /ec");
    shutdown(client, SHUT_WR);
    assert_echo(client, "GET /echo a=b  ");
    assert_int_equal(http_read_reply(client).status, 400);
    http_assert_closed(client);
}

/* What follows a body that was cut too short is not taken for a request. */
static void hangs_up_on_the_rest_of_a_malformed_body(void **state)
{
    int client = http_open_client(*state);
    http_send_text(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: "
                           "application/json\r\nContent-Length: 2\r\n\r\n"
                           "{\"}" GET_ECHO);
    http_reply reply = http_read_reply(client);
    assert_int_equal(reply.status, 400);
    assert_head_has(&reply, "\r\nConnection: close\r\n");
    http_assert_closed(client);
}

static void expects_100_continue(void **state)
{
    int client = http_open_client(*state);
    http_send_text(client, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: "
                           "100-continue\r\nContent-Length: 5\r\n\r\n");
    http_reply reply = http_read_reply_head(client);
    assert_int_equal(reply.status, 100);
    http_send_text(client, "hello");
    assert_echo(client, "POST /echo   hello");
    http_send_text(client, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: "
                           "100-continue\r\nContent-Length: 2000000\r\n\r\n");
    reply = http_read_reply(client);
    assert_int_equal(reply.status, 413);
    assert_non_null(strstr(reply.body, "1048576"));
    http_assert_closed(client);
}

/* The refusal must arrive although the client is still sending. */
static void refuses_a_large_body_while_it_comes(void **state)
{
    int client = http_open_client(*state);
    http_send_text(client, "POST /echo HTTP/1.1\r\nHost: x\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n");
    static char chunk[65536 + 9];
    (void)snprintf(chunk, sizeof chunk, "10000\r\n");
    memset(chunk + 7, 'x', 65536);
    memcpy(chunk + 7 + 65536, "\r\n", 2);
    bool is_open = true;
    for (int i = 0; i < 20 && is_open; i++) {
        is_open = http_send_bytes(client, chunk, sizeof chunk);
    }
    http_reply reply = http_read_reply(client);
    assert_int_equal(reply.status, 413);
    assert_non_null(strstr(reply.body, "\"code\":\"body_too_large\""));
    http_assert_closed(client);
}

static void takes_a_body_of_the_limit(void **state)
{
    size_t limit = rf_http_options_default().body_bytes_max;
    char *body = malloc(limit);
    memset(body, 'b', limit);
    char head[128];
    int client = http_open_client(*state);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(head, sizeof head,
                       "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: "
                       "%zu\r\n\r\n",
                       limit);
        http_send_text(client, head);
        assert_true(http_send_bytes(client, body, limit));
        http_reply reply = http_read_reply(client);
        assert_int_equal(reply.status, 200);
        assert_int_equal(reply.length, strlen("POST /   ") + limit);
    }
    close(client);
    free(body);
}

static void sends_large_replies(void **state)
{
    int client = http_open_client(*state);
    http_send_text(client, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n" GET_ECHO
                           "GET /large HTTP/1.1\r\nHost: x\r\nConnection: "
                           "close\r\n\r\n");
    assert_int_equal(http_read_reply(client).length, LARGE_BYTES);
    assert_echo(client, "GET /echo a=b  ");
    http_reply reply = http_read_reply(client);
    assert_int_equal(reply.length, LARGE_BYTES);
    assert_int_equal(reply.body[100], 'x');
    http_assert_closed(client);
}

static void drops_a_connection(void **state)
{
    int client = http_open_client(*state);
    http_send_text(client, GET_ECHO "GET /drop HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_echo(client, "GET /echo a=b  ");
    http_assert_closed(client);
}

/* ---- exchanges that wait ---- */

static void answers_a_batch_of_wakes(void **state)
{
    enum {
        CLIENTS = 64
    };
    http_fixture *fixture = *state;
    int clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = http_open_client(fixture);
    }
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < CLIENTS; i++) {
            http_send_text(clients[i], "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
        }
        http_wait_for_count(fixture, &fixture->held_count, CLIENTS);
        http_release_held(fixture);
        for (int i = 0; i < CLIENTS; i++) {
            assert_echo(clients[i], "GET /hold   ");
        }
    }
    for (int i = 0; i < CLIENTS; i++) {
        close(clients[i]);
    }
}

/* The exchange runs to its end, and the connection goes away with it. */
static void survives_a_client_that_leaves_while_waiting(void **state)
{
    http_fixture *fixture = *state;
    for (unsigned way = 0; way < 3; way++) {
        int client = http_open_client(fixture);
        http_send_text(client, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
        http_wait_for_count(fixture, &fixture->held_count, 1);
        if (way == 0) {
            http_reset_client(client);
        } else if (way == 1) {
            close(client);
        } else {
            http_send_text(client, GET_ECHO);
            http_reset_client(client);
        }
        unsigned finished = fixture->finished_count;
        http_release_held(fixture);
        http_wait_for_count(fixture, &fixture->finished_count, finished + 1);
        http_wait_for_connections(fixture, 0);
    }
}

/* Others are served on the same thread while one asks for turn after turn. */
static void lets_others_in_between_turns(void **state)
{
    http_fixture *fixture = *state;
    enum {
        CLIENTS = 4
    };
    int clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = http_open_client(fixture);
    }
    for (int i = 0; i < CLIENTS / 2; i++) {
        http_send_text(clients[i], "GET /spin HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (int i = CLIENTS / 2; i < CLIENTS; i++) {
        http_send_text(clients[i], GET_ECHO);
        assert_echo(clients[i], "GET /echo a=b  ");
    }
    http_send_text(clients[3], "GET /again HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_echo(clients[3], "GET /again   ");
    atomic_store(&fixture->spin_ended, true);
    for (int i = 0; i < CLIENTS / 2; i++) {
        assert_echo(clients[i], "GET /spin   ");
    }
    for (int i = 0; i < CLIENTS; i++) {
        close(clients[i]);
    }
}

/* ---- many ---- */

static void serves_two_thousand_connections_evenly(void **state)
{
    http_fixture *fixture = *state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    static int clients[MANY_CONNECTIONS];
    for (int i = 0; i < MANY_CONNECTIONS; i++) {
        clients[i] = http_open_client(fixture);
        http_send_text(clients[i], GET_ECHO);
    }
    for (int i = 0; i < MANY_CONNECTIONS; i++) {
        assert_echo(clients[i], "GET /echo a=b  ");
    }
    assert_int_equal(rf_http_connections(fixture->http), MANY_CONNECTIONS);
    assert_int_equal(atomic_load(&fixture->served[0]), MANY_CONNECTIONS / 2);
    assert_int_equal(atomic_load(&fixture->served[1]), MANY_CONNECTIONS / 2);
    for (int i = 0; i < MANY_CONNECTIONS; i++) {
        close(clients[i]);
    }
    http_wait_for_connections(fixture, 0);
}

static void needs_no_memory_once_warm(void **state)
{
    int client = http_open_client(*state);
    unsigned long before = 0;
    for (int i = 0; i < 200; i++) {
        if (i == 100) {
            before = rf_alloc_count();
        }
        http_send_text(client, i % 2 == 0 ? POST_ECHO : CHUNKED_ECHO);
        (void)http_read_reply(client);
    }
    assert_int_equal(rf_alloc_count(), before);
    close(client);
}

int main(void)
{
#define SERVER_TEST(test)                                                      \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SERVER_TEST(answers_with_the_usual_headers),
        SERVER_TEST(answers_special_statuses),
        SERVER_TEST(refuses_in_the_shape_of_every_error),
        SERVER_TEST(answers_head_without_a_body),
        SERVER_TEST(closes_when_the_client_wants_it),
        SERVER_TEST(answers_byte_by_byte),
        SERVER_TEST(answers_requests_cut_anywhere),
        SERVER_TEST(answers_pipelined_requests_in_order),
        SERVER_TEST(answers_what_came_before_a_half_close),
        SERVER_TEST(hangs_up_on_the_rest_of_a_malformed_body),
        SERVER_TEST(expects_100_continue),
        SERVER_TEST(refuses_a_large_body_while_it_comes),
        SERVER_TEST(takes_a_body_of_the_limit),
        SERVER_TEST(sends_large_replies),
        SERVER_TEST(drops_a_connection),
        SERVER_TEST(answers_a_batch_of_wakes),
        SERVER_TEST(survives_a_client_that_leaves_while_waiting),
        SERVER_TEST(lets_others_in_between_turns),
        SERVER_TEST(serves_two_thousand_connections_evenly),
        SERVER_TEST(needs_no_memory_once_warm),
    };
#undef SERVER_TEST
    return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
