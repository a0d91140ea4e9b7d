/*
 * http.h - the server's wire: listening, connections, requests and replies.
 *
 * A number of I/O threads share the connections of one listening address. Each
 * runs an event loop, reads requests with a strict parser, has the handler
 * answer them and sends the replies. Everything a stranger on the network can
 * hold on to is bounded here: bytes of a head and of a body, bytes waiting in
 * either direction, connections, and the time each step may take.
 *
 * What this part does not do: paths, tokens, JSON. They belong to the handler
 * (exchange.h). Refusals that need no handler (a malformed request, one that
 * is too large or too slow) are answered here, in the shape of every other
 * error, and close their connection.
 */
#ifndef RINGFENCE_SERVER_HTTP_H
#define RINGFENCE_SERVER_HTTP_H

#include "core/error.h"
#include "server/exchange.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct rf_http rf_http;

typedef struct rf_http_options {
    const char *listen; /* numeric, "127.0.0.1:8080" or "[::1]:0"; port 0 takes
                           a free one */
    unsigned threads;   /* I/O threads, at least 1 */
    unsigned connections_max;    /* open at once, over all threads */
    unsigned header_count_max;   /* header lines of one request */
    size_t head_bytes_max;       /* request line and headers together; the
                                    target alone may be half of it */
    size_t body_bytes_max;       /* of one request, chunk framing left out */
    size_t arena_bytes_max;      /* what one exchange's arena may grow to */
    size_t memory_bytes_max;     /* request bodies and large replies of all
                                    clients together, at least 4 bodies */
    unsigned request_timeout_ms; /* first byte to last byte of a request */
    unsigned idle_timeout_ms;    /* between two requests */
    unsigned write_timeout_ms;   /* for a client to take a reply, or anything
                                    of a stream */
    unsigned heartbeat_ms;       /* a stream that is quiet for so long sends a
                                    sign of life */
    unsigned linger_timeout_ms;  /* for a client to hang up after a refusal */
    unsigned drain_timeout_ms;   /* for what is under way at a stop */
    unsigned sweep_ms;           /* how often deadlines are looked at */
    const rf_handler *handler;   /* borrowed until rf_http_free */
    /* Told of trouble worth a log line, at most a few times a minute. Called on
     * any I/O thread; may be NULL. */
    void (*warn)(void *self, const char *text);
    void *warn_self;
} rf_http_options;

/* Return the options of an ordinary server. `listen` and `handler` are for the
 * caller to set. */
rf_http_options rf_http_options_default(void);

/* Say whether `listen` is an address and port this part can bind, and whether
 * only this machine can reach it.
 * RF_E_BAD_CONFIGURATION: not a numeric address with a port. */
RF_MUST_CHECK rf_status rf_http_check_address(const char *listen,
                                              bool *is_loopback_out,
                                              rf_error *err);

/* Make a server that does not listen yet. The options are copied; the address
 * text, the handler and `warn_self` are borrowed until rf_http_free. Raises the
 * process's soft limit of descriptors to what `connections_max` needs; where
 * the hard limit forbids it fewer connections are taken and `warn` says so.
 * RF_E_BAD_CONFIGURATION: an option out of range. */
RF_MUST_CHECK rf_status rf_http_create(const rf_http_options *options,
                                       rf_http **out, rf_error *err);

/* Bind, start the threads and accept. Returns when every thread's handler is
 * ready. Called once.
 * RF_E_BAD_CONFIGURATION: the address cannot be bound.
 * RF_E_INTERNAL: a thread, its event loop or its handler did not start. */
RF_MUST_CHECK rf_status rf_http_start(rf_http *http, rf_error *err);

/* The port being listened on; 0 before the start. */
unsigned rf_http_port(const rf_http *http);

/* Connections open now, for the metrics. Any thread. */
unsigned rf_http_connections(const rf_http *http);

/* Bytes of request bodies, of large replies and of pieces of streams that wait
 * for their clients now, for the metrics. Any thread. */
size_t rf_http_held_bytes(const rf_http *http);

/* Something has happened that streams watch for (RF_STEP_WATCH): have them
 * resumed. Costs next to nothing when there are none. Any thread, from the
 * start until rf_http_free. */
void rf_http_stir(rf_http *http);

/* Stop gracefully: accept nothing more, close what is idle, answer what is
 * under way with `Connection: close`, at most for the drain timeout, then end
 * the threads. Blocks until they have ended; must not be called on one of
 * them. Whoever answers exchanges from another thread must still be working.
 * A second call does nothing. */
void rf_http_stop(rf_http *http);

/* Stop if need be and free everything. No thread may call rf_exchange_wake any
 * more: exchanges that were still waiting at the end of the drain go away
 * here. NULL is accepted. */
void rf_http_free(rf_http *http);

#endif
