/*
 * http.h - requests and replies on plain sockets.
 *
 * Requests are texts made once and sent as they are, so that sending one again
 * sends the very same bytes. Replies carry a Content-Length; anything else
 * from the server ends the test.
 */
#ifndef RINGFENCE_TESTS_FAULT_HTTP_H
#define RINGFENCE_TESTS_FAULT_HTTP_H

#include <stdbool.h>
#include <stddef.h>

/* One reply as received; `body` is borrowed from the receive buffer. */
typedef struct rf_reply {
    int status;
    const char *body;
    size_t body_length;
    size_t length; /* of head and body together */
} rf_reply;

/* Return the text of a request to `path` below the test's environment: owned.
 * A NULL body makes a GET. */
char *rf_http_request(const char *path, const char *body);

/* Read one reply from what was received so far; false while it is not whole. */
bool rf_http_parse(const char *bytes, size_t length, rf_reply *out);

/* Connect to a port of this machine; -1 when nobody listens. */
int rf_http_connect(int port);

/* One connection for checks, used for one request after the other. */
typedef struct rf_client {
    int port;
    int fd; /* -1 while not connected */
    char *received;
    size_t capacity;
} rf_client;

/* Set up a client; it connects when first used. */
void rf_client_init(rf_client *client, int port);

/* Close and free. */
void rf_client_done(rf_client *client);

/* Send a request and wait for its reply, whose body is borrowed until the next
 * call. Returns false when the connection broke or 30 seconds have passed. */
bool rf_client_send(rf_client *client, const char *request, rf_reply *out);

/* The same with a request made from path and body. */
bool rf_client_call(rf_client *client, const char *path, const char *body,
                    rf_reply *out);

#endif
