/*
 * http_fixture.h - a server on a free port with a handler for tests, and a
 * client that sends raw bytes.
 *
 * The handler answers by path:
 *   /large          LARGE_BYTES of body
 *   /hold           waits until the test calls http_release_held
 *   /early          is woken before it says that it waits
 *   /again          asks for AGAIN_TURNS more turns
 *   /spin           asks for turns until the test sets spin_ended
 *   /drop           hangs up without a reply
 *   /unauthorized   401 without a body
 *   /nothing        204
 *   /busy           503 with every optional header
 *   /no-memory      a body that found no memory
 *   anything else   "METHOD path query type body" of the request; 200, or 400
 *                   for application/json that does not end with a brace
 * Every wait is for an event and gives up after 20 s, so that a lost reply
 * fails a test instead of hanging it. All functions fail the test on trouble.
 */
#ifndef RINGFENCE_TESTS_UNIT_HTTP_FIXTURE_H
#define RINGFENCE_TESTS_UNIT_HTTP_FIXTURE_H

#include "server/http.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>

#define HELD_MAX 4096
#define SERVED_MAX 8
#define LARGE_BYTES ((size_t)8 * 1024 * 1024)
#define AGAIN_TURNS 5

typedef struct http_fixture {
    rf_http *http;
    rf_handler handler;
    rf_http_options options;
    pthread_mutex_t lock; /* over the members up to last_status */
    pthread_cond_t changed;
    rf_exchange *held[HELD_MAX];
    unsigned held_count;
    unsigned finished_count;
    unsigned warning_count;
    unsigned started_count; /* threads */
    unsigned stopped_count;
    int last_status;
    atomic_uint served[SERVED_MAX]; /* requests, by thread */
    atomic_bool spin_ended;
    unsigned failing_thread; /* its start fails; SERVED_MAX for none */
} http_fixture;

/* Set up without starting, so that a test may change `options`: a fast sweep,
 * two threads, else as shipped. */
void http_init_fixture(http_fixture *owner);

void http_start_server(http_fixture *owner);

/* Stop, free, and check that every started thread was stopped. */
void http_stop_fixture(http_fixture *owner);

/* Wait until one of the counters under the lock has reached a number. */
void http_wait_for_count(http_fixture *owner, const unsigned *counter,
                         unsigned number);

/* Wait until the server has so many connections. */
void http_wait_for_connections(const http_fixture *owner, unsigned number);

/* Wake everything that is held, as one batch, on the caller's thread. */
void http_release_held(http_fixture *owner);

/* Make a client socket, connect one, or both. */
int http_make_socket(void);
void http_connect_to_server(const http_fixture *owner, int client);
int http_open_client(const http_fixture *owner);

/* Send all bytes; false when the server has hung up meanwhile. */
bool http_send_bytes(int client, const char *bytes, size_t length);

void http_send_text(int client, const char *text);

/* Close with a reset instead of an orderly end. */
void http_reset_client(int client);

/* Read until the server closes. Returns a string, freed with free; a NUL byte
 * in it became a question mark. */
char *http_read_all(int client);

typedef struct http_reply {
    int status;
    size_t length;   /* what Content-Length says, 0 without it */
    char head[1024]; /* up to the empty line, as a string */
    char body[2048]; /* its start, as a string */
} http_reply;

/* Read one reply, or only its head. */
http_reply http_read_reply(int client);
http_reply http_read_reply_head(int client);

/* Check that the server closes without sending more, and close. */
void http_assert_closed(int client);

#endif
