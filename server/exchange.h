/*
 * exchange.h - one request and its reply, as the http and api parts share it.
 *
 * The http part fills in the request and sends the response; the api part
 * reads the request and fills in the response. Neither sees the other's
 * library: no event2 type and no cJSON type appears here.
 *
 * An exchange belongs to one connection and is used again for its next
 * request. It is handled by one I/O thread from the first byte to the last;
 * only rf_exchange_wake may be called from another thread.
 */
#ifndef RINGFENCE_SERVER_EXCHANGE_H
#define RINGFENCE_SERVER_EXCHANGE_H

#include "core/arena.h"
#include "core/buffer.h"
#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    RF_METHOD_GET,
    RF_METHOD_HEAD,
    RF_METHOD_POST,
    RF_METHOD_PUT,
    RF_METHOD_DELETE,
    RF_METHOD_OTHER /* well-formed, but nothing here answers to it */
} rf_method;

/* All texts are borrowed until the reply has been sent; an absent header is
 * the empty text. */
typedef struct rf_request {
    rf_method method;
    rf_text path;  /* raw, starts with '/', without the query */
    rf_text query; /* raw, without '?' */
    rf_text content_type;
    rf_text authorization;
    rf_text api_version;
    rf_text idempotency_key;
    rf_text last_event_id;
    rf_text accept;
    rf_text environment_id;
    rf_text body;
    char correlation_id[37]; /* a fresh GUID, sent back as a header */
} rf_request;

typedef struct rf_response {
    int status;               /* HTTP status */
    const char *content_type; /* static text, or NULL for no body */
    const char *allow;        /* static text of the Allow header, or NULL */
    const char *policy;       /* text of the Content-Security-Policy header, in
                                 the exchange's memory or static, or NULL */
    int retry_after_s;        /* Retry-After in seconds, 0 for none */
    bool close;               /* close the connection after this reply */
    bool is_secret;           /* nobody on the way may keep the reply */
    /* What is sent when a stream that watches has been quiet for a while, so
     * that nobody between here and the client takes it for dead: a static
     * text, or NULL for nothing. */
    const char *heartbeat;
    rf_buffer body; /* of a stream: its next piece */
} rf_response;

typedef struct rf_exchange {
    rf_request request;
    rf_response response;
    rf_arena arena; /* reset after the reply */
    void *state;    /* the handler's own, NULL at the start of a request */
    bool streaming; /* the head and perhaps some pieces are on their way */
    bool gone;      /* nobody waits for more of the stream: end it */
} rf_exchange;

/* What a handler tells the http part.
 *
 * A reply that is too long for memory, or has no end, is a stream: the handler
 * fills in the response, puts a piece of some RF_PIECE_BYTES into the body and
 * says RF_STEP_MORE. The piece is sent, the body is empty again, and resume is
 * called when the client has taken all of it: so a client that reads slowly,
 * or not at all, costs one piece of memory. RF_STEP_WATCH is for streams that
 * have caught up with what happens: it also waits until rf_http_stir was
 * called. The length of a stream is not told beforehand (chunks in HTTP/1.1,
 * the end of the connection in 1.0), and what has been sent cannot be taken
 * back: RF_STEP_DROP then cuts the reply off, which the client sees.
 *
 * When the client of a stream is gone, or the server stops while it watches,
 * `gone` is set and resume called: RF_STEP_DONE is then what is left. */
typedef enum {
    RF_STEP_DONE,  /* the response is complete, send it */
    RF_STEP_WAIT,  /* somebody will call rf_exchange_wake */
    RF_STEP_AGAIN, /* call resume on a later turn of the loop */
    RF_STEP_MORE,  /* send a piece, call resume when it has been taken */
    RF_STEP_WATCH, /* the same, but not before something has happened */
    RF_STEP_DROP   /* send nothing more and close the connection */
} rf_step;

/* About how long a piece should be: system calls and framing are nothing
 * beside it, and a thousand streams fit into memory. */
#define RF_PIECE_BYTES ((size_t)64 * 1024)

/* What the http part calls; all on the I/O thread of the exchange. A client
 * that goes away changes nothing: the exchange still runs to its end. */
typedef struct rf_handler {
    void *self;
    /* Make what one I/O thread needs for itself; NULL stops the start. */
    void *(*thread_start)(void *self, unsigned thread);
    void (*thread_stop)(void *self, void *thread);
    rf_step (*handle)(void *thread, rf_exchange *exchange);
    rf_step (*resume)(void *thread, rf_exchange *exchange);
    /* One finished reply, for the counters; `seconds` from first byte to send,
     * of a stream to its first piece.
     * Called for replies the http part makes itself too, with a NULL exchange
     * state and whatever of the request was read. */
    void (*finished)(void *thread, const rf_exchange *exchange, double seconds);
} rf_handler;

/* Have the exchange's I/O thread call resume. Any thread, exactly once for
 * every RF_STEP_WAIT; may also be called before the handler has returned it. */
void rf_exchange_wake(rf_exchange *exchange);

#endif
