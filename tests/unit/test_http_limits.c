/*
 * test_http_limits.c - deadlines, connection and descriptor limits, the stop.
 *
 * Every test waits for what the limit must bring about; none waits for time to
 * pass.
 */
#include "core/alloc.h"
#include "tests/unit/http_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET_ECHO "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"
#define GET_HOLD "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"
#define GET_LARGE "GET /large HTTP/1.1\r\nHost: x\r\n\r\n"

static int set_up(void **state)
{
    static http_fixture fixture;
    http_init_fixture(&fixture);
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

/* ---- deadlines ---- */

static void closes_idle_connections(void **state)
{
    http_fixture *fixture = *state;
    fixture->options.idle_timeout_ms = 50;
    http_start_server(fixture);
    int silent = http_open_client(fixture);
    int used = http_open_client(fixture);
    http_send_text(used, GET_ECHO);
    assert_echo(used, "GET /echo   ");
    http_assert_closed(used);
    http_assert_closed(silent);
    assert_int_equal(fixture->finished_count, 1);
}

static void times_out_a_request_that_stalls(void **state)
{
    static const char *const parts[] = {
        "G",
        "GET /echo HTTP/1.1\r\nHost: x\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhell",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
    };
    http_fixture *fixture = *state;
    fixture->options.request_timeout_ms = 50;
    http_start_server(fixture);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        int client = http_open_client(fixture);
        http_send_text(client, parts[i]);
        http_reply reply = http_read_reply(client);
        assert_int_equal(reply.status, 408);
        assert_non_null(strstr(reply.body, "\"code\":\"request_timeout\""));
        http_assert_closed(client);
    }
}

/* The deadline is for the whole request: no byte extends it. */
static void times_out_a_request_that_drips(void **state)
{
    http_fixture *fixture = *state;
    fixture->options.request_timeout_ms = 100;
    http_start_server(fixture);
    int client = http_open_client(fixture);
    http_send_text(client, "GET /");
    struct pollfd answer = {.fd = client, .events = POLLIN};
    int dripped = 0;
    while (poll(&answer, 1, 5) == 0) {
        assert_true(++dripped < 4000);
        (void)http_send_bytes(client, "x", 1);
    }
    assert_int_equal(http_read_reply(client).status, 408);
    http_assert_closed(client);
}

/* A handler may take longer than any deadline of the client's. */
static void gives_the_handler_all_time(void **state)
{
    http_fixture *fixture = *state;
    fixture->options.request_timeout_ms = 30;
    fixture->options.idle_timeout_ms = 30;
    fixture->options.write_timeout_ms = 30;
    http_start_server(fixture);
    int client = http_open_client(fixture);
    http_send_text(client, GET_HOLD);
    http_wait_for_count(fixture, &fixture->held_count, 1);
    int silent = http_open_client(fixture);
    http_assert_closed(silent);
    http_release_held(fixture);
    assert_echo(client, "GET /hold   ");
    close(client);
}

/* One reply is made for a client that reads none of them; then it is cut. */
static void cuts_a_client_that_does_not_read(void **state)
{
    http_fixture *fixture = *state;
    fixture->options.write_timeout_ms = 100;
    http_start_server(fixture);
    int client = http_open_client(fixture);
    for (int i = 0; i < 100; i++) {
        if (!http_send_bytes(client, GET_LARGE, strlen(GET_LARGE))) {
            break;
        }
    }
    http_wait_for_count(fixture, &fixture->finished_count, 1);
    http_wait_for_connections(fixture, 0);
    assert_int_equal(fixture->finished_count, 1);
    close(client);
}

/* Two large replies fit, a third is refused until one of them is read. */
static void limits_the_replies_of_all(void **state)
{
    enum {
        CLIENTS = 3
    };
    http_fixture *fixture = *state;
    fixture->options.memory_bytes_max = LARGE_BYTES * 5 / 2;
    http_start_server(fixture);
    int clients[CLIENTS];
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = http_open_client(fixture);
        http_send_text(clients[i], GET_LARGE);
        http_wait_for_count(fixture, &fixture->finished_count, i + 1);
    }
    http_reply reply = http_read_reply(clients[2]);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.body, "\"code\":\"overloaded\""));
    http_assert_closed(clients[2]);
    assert_int_equal(http_read_reply(clients[0]).length, LARGE_BYTES);
    http_send_text(clients[0], GET_ECHO);
    assert_echo(clients[0], "GET /echo   ");
    clients[2] = http_open_client(fixture);
    http_send_text(clients[2], GET_LARGE);
    assert_int_equal(http_read_reply(clients[2]).length, LARGE_BYTES);
    for (unsigned i = 0; i < CLIENTS; i++) {
        close(clients[i]);
    }
}

/* A refused client that neither reads nor hangs up is let go. */
static void lingers_for_a_while_only(void **state)
{
    http_fixture *fixture = *state;
    fixture->options.linger_timeout_ms = 50;
    http_start_server(fixture);
    int client = http_open_client(fixture);
    http_send_text(client, "nonsense\r\n\r\n");
    http_wait_for_count(fixture, &fixture->finished_count, 1);
    http_wait_for_connections(fixture, 0);
    assert_int_equal(http_read_reply(client).status, 400);
    close(client);
}

/* ---- connections and descriptors ---- */

static void refuses_one_connection_too_many(void **state)
{
    http_fixture *fixture = *state;
    fixture->options.connections_max = 2;
    http_start_server(fixture);
    int first = http_open_client(fixture);
    int second = http_open_client(fixture);
    http_send_text(second, GET_HOLD);
    http_wait_for_count(fixture, &fixture->held_count, 1);
    int third = http_open_client(fixture);
    http_reply reply = http_read_reply(third);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.head, "\r\nRetry-After: 1\r\n"));
    assert_non_null(strstr(reply.body, "\"code\":\"overloaded\""));
    http_assert_closed(third);
    close(first);
    http_wait_for_connections(fixture, 1);
    third = http_open_client(fixture);
    http_send_text(third, GET_ECHO);
    assert_echo(third, "GET /echo   ");
    http_release_held(fixture);
    assert_echo(second, "GET /hold   ");
    close(second);
    close(third);
}

/* Far too many: some wait in the kernel, and each gets its refusal. */
static void answers_a_flood_of_connections(void **state)
{
    enum {
        CLIENTS = 100
    };
    http_fixture *fixture = *state;
    fixture->options.connections_max = 1;
    fixture->options.linger_timeout_ms = 20;
    http_start_server(fixture);
    int first = http_open_client(fixture);
    http_send_text(first, GET_ECHO);
    assert_echo(first, "GET /echo   ");
    int clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = http_open_client(fixture);
    }
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(http_read_reply(clients[i]).status, 503);
        http_assert_closed(clients[i]);
    }
    http_send_text(first, GET_ECHO);
    assert_echo(first, "GET /echo   ");
    close(first);
}

static void recovers_from_a_lack_of_descriptors(void **state)
{
    http_fixture *fixture = *state;
    http_start_server(fixture);
    int first = http_open_client(fixture);
    http_send_text(first, GET_ECHO);
    assert_echo(first, "GET /echo   ");
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int client = http_make_socket();
    struct rlimit none_left = before;
    none_left.rlim_cur = (rlim_t)fcntl(client, F_DUPFD, 0);
    assert_int_equal(close((int)none_left.rlim_cur), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none_left), 0);
    http_connect_to_server(fixture, client);
    http_send_text(client, GET_ECHO);
    http_wait_for_count(fixture, &fixture->warning_count, 1);
    http_send_text(first, GET_ECHO);
    assert_echo(first, "GET /echo   ");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_echo(client, "GET /echo   ");
    assert_int_equal(fixture->warning_count, 1);
    close(first);
    close(client);
}

static void fits_connections_to_the_descriptor_limit(void **state)
{
    http_fixture *fixture = *state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit low = before;
    low.rlim_cur = 20;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    rf_error err = {0};
    fixture->options.connections_max = 100;
    assert_int_equal(rf_http_create(&fixture->options, &fixture->http, &err),
                     RF_OK);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(low.rlim_cur, 100 + 64);
    assert_int_equal(fixture->warning_count, 0);
    rf_http_free(fixture->http);
    fixture->options.connections_max = 1000000;
    assert_int_equal(rf_http_create(&fixture->options, &fixture->http, &err),
                     RF_OK);
    assert_int_equal(fixture->warning_count, before.rlim_max < 1000064 ? 1 : 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* ---- starting ---- */

static void refuses_bad_options(void **state)
{
    static const char *const addresses[] = {
        "",        "localhost:80", "127.0.0.1",      "127.0.0.1:",
        "[::1]",   "127.0.0.1:-1", "1.2.3.4:80x",    "127.0.0.1:65536",
        "[::1:80", "::1:80",       "[127.0.0.1]:80", "300.0.0.1:80",
    };
    http_fixture *fixture = *state;
    rf_error err;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        fixture->options.listen = addresses[i];
        assert_int_equal(
            rf_http_create(&fixture->options, &fixture->http, &err),
            RF_E_BAD_CONFIGURATION);
    }
    fixture->options.listen = "127.0.0.1:0";
    fixture->options.threads = 0;
    assert_int_equal(rf_http_create(&fixture->options, &fixture->http, &err),
                     RF_E_BAD_CONFIGURATION);
    assert_null(fixture->http);
}

static void knows_loopback_addresses(void **state)
{
    static const struct {
        const char *address;
        bool is_loopback;
    } cases[] = {{"127.0.0.1:80", true}, {"127.1.2.3:0", true},
                 {"[::1]:8080", true},   {"0.0.0.0:80", false},
                 {"[::]:80", false},     {"10.0.0.1:80", false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool is_loopback = !cases[i].is_loopback;
        assert_int_equal(
            rf_http_check_address(cases[i].address, &is_loopback, NULL), RF_OK);
        assert_int_equal(is_loopback, cases[i].is_loopback);
    }
}

static void refuses_a_port_in_use(void **state)
{
    http_fixture *fixture = *state;
    http_start_server(fixture);
    char address[32];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u",
                   rf_http_port(fixture->http));
    rf_http_options options = fixture->options;
    options.listen = address;
    rf_http *second = NULL;
    rf_error err;
    assert_int_equal(rf_http_create(&options, &second, &err), RF_OK);
    assert_int_equal(rf_http_start(second, &err), RF_E_BAD_CONFIGURATION);
    assert_non_null(strstr(err.message, address));
    rf_http_free(second);
}

static void does_not_start_without_every_handler(void **state)
{
    http_fixture *fixture = *state;
    rf_error err;
    fixture->options.threads = 3;
    fixture->failing_thread = 1;
    assert_int_equal(rf_http_create(&fixture->options, &fixture->http, &err),
                     RF_OK);
    assert_int_equal(rf_http_start(fixture->http, &err), RF_E_INTERNAL);
    assert_int_equal(fixture->started_count, 2);
}

/* Whichever allocation fails, the process stays whole: the start is refused,
 * or the one request is answered 503 or dropped. */
static void survives_every_failed_allocation(void **state)
{
    http_fixture *fixture = *state;
    fixture->options.threads = 1;
    fixture->options.idle_timeout_ms = 20;
    bool answered = false;
    for (unsigned long nth = 1; !answered; nth++) {
        assert_true(nth < 200);
        rf_error err;
        rf_http *http = NULL;
        rf_alloc_fail_at(nth);
        if (rf_http_create(&fixture->options, &http, &err) != RF_OK) {
            continue;
        }
        fixture->http = http;
        if (rf_http_start(http, &err) == RF_OK) {
            int client = http_open_client(fixture);
            http_send_text(client, GET_ECHO);
            char *text = http_read_all(client);
            answered = strncmp(text, "HTTP/1.1 200 OK", 15) == 0;
            assert_true(answered || *text == '\0' ||
                        strncmp(text, "HTTP/1.1 503", 12) == 0);
            free(text);
            close(client);
        }
        fixture->http = NULL;
        rf_http_free(http);
    }
    rf_alloc_fail_at(0);
}

/* ---- stopping ---- */

static void *stop_server(void *http)
{
    rf_http_stop(http);
    return NULL;
}

static void finishes_what_is_under_way(void **state)
{
    http_fixture *fixture = *state;
    /* On one thread: the idle one's end says that the drain has begun. */
    fixture->options.threads = 1;
    http_start_server(fixture);
    int idle = http_open_client(fixture);
    int partial = http_open_client(fixture);
    int waiting = http_open_client(fixture);
    http_send_text(idle, GET_ECHO);
    assert_echo(idle, "GET /echo   ");
    http_send_text(partial, GET_ECHO "GET /echo HT");
    assert_echo(partial, "GET /echo   ");
    http_send_text(waiting, GET_HOLD GET_ECHO);
    http_wait_for_count(fixture, &fixture->held_count, 1);
    pthread_t stopper;
    assert_int_equal(pthread_create(&stopper, NULL, stop_server, fixture->http),
                     0);
    http_assert_closed(idle);
    http_send_text(partial, "TP/1.1\r\nHost: x\r\n\r\n");
    http_reply reply = http_read_reply(partial);
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.head, "\r\nConnection: close\r\n"));
    http_assert_closed(partial);
    http_release_held(fixture);
    reply = http_read_reply(waiting);
    assert_string_equal(reply.body, "GET /hold   ");
    assert_non_null(strstr(reply.head, "\r\nConnection: close\r\n"));
    http_assert_closed(waiting);
    assert_int_equal(pthread_join(stopper, NULL), 0);
    assert_int_equal(rf_http_connections(fixture->http), 0);
    assert_int_equal(fixture->warning_count, 0);
}

/* An exchange that nobody wakes in time does not hold up the stop, and a late
 * wake does no harm. */
static void gives_up_after_the_drain_limit(void **state)
{
    http_fixture *fixture = *state;
    fixture->options.drain_timeout_ms = 50;
    http_start_server(fixture);
    int client = http_open_client(fixture);
    http_send_text(client, GET_HOLD);
    http_wait_for_count(fixture, &fixture->held_count, 1);
    rf_http_stop(fixture->http);
    rf_http_stop(fixture->http);
    http_assert_closed(client);
    assert_int_equal(fixture->warning_count, 1);
    http_release_held(fixture);
}

/* Start, stop, and start another server on the same port. */
static bool takes_the_port_again(http_fixture *fixture)
{
    rf_http *first = NULL;
    rf_http *second = NULL;
    char address[32];
    rf_http_options options = fixture->options;
    assert_int_equal(rf_http_create(&options, &first, NULL), RF_OK);
    assert_int_equal(rf_http_start(first, NULL), RF_OK);
    (void)snprintf(address, sizeof address, "127.0.0.1:%u",
                   rf_http_port(first));
    rf_http_stop(first);
    options.listen = address;
    assert_int_equal(rf_http_create(&options, &second, NULL), RF_OK);
    bool is_free = rf_http_start(second, NULL) == RF_OK;
    rf_http_free(first);
    rf_http_free(second);
    return is_free;
}

static void frees_the_port_at_the_stop(void **state)
{
    /* Some other program may have been quicker, but not every time. */
    bool is_free = false;
    for (int tries = 0; tries < 10 && !is_free; tries++) {
        is_free = takes_the_port_again(*state);
    }
    assert_true(is_free);
}

int main(void)
{
#define LIMIT_TEST(test)                                                       \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        LIMIT_TEST(closes_idle_connections),
        LIMIT_TEST(times_out_a_request_that_stalls),
        LIMIT_TEST(times_out_a_request_that_drips),
        LIMIT_TEST(gives_the_handler_all_time),
        LIMIT_TEST(cuts_a_client_that_does_not_read),
        LIMIT_TEST(limits_the_replies_of_all),
        LIMIT_TEST(lingers_for_a_while_only),
        LIMIT_TEST(refuses_one_connection_too_many),
        LIMIT_TEST(answers_a_flood_of_connections),
        LIMIT_TEST(recovers_from_a_lack_of_descriptors),
        LIMIT_TEST(fits_connections_to_the_descriptor_limit),
        LIMIT_TEST(refuses_bad_options),
        LIMIT_TEST(knows_loopback_addresses),
        LIMIT_TEST(refuses_a_port_in_use),
        LIMIT_TEST(does_not_start_without_every_handler),
        LIMIT_TEST(survives_every_failed_allocation),
        LIMIT_TEST(finishes_what_is_under_way),
        LIMIT_TEST(gives_up_after_the_drain_limit),
        LIMIT_TEST(frees_the_port_at_the_stop),
    };
#undef LIMIT_TEST
    return cmocka_run_group_tests_name("http_limits", tests, NULL, NULL);
}
