/*
 * http_reply.h - the bytes of a reply, and the ids that go with it.
 *
 * Every reply says how it ends, carries a fresh correlation id and forbids
 * guessing its type. Nothing of the request is ever written into a header.
 */
#ifndef RINGFENCE_SERVER_HTTP_REPLY_H
#define RINGFENCE_SERVER_HTTP_REPLY_H

#include "core/error.h"
#include "server/exchange.h"
#include "server/http_head.h"

#include <stdint.h>
#include <time.h>

/* A source of ids that never repeat by chance and need not be secret. One for
 * each thread. */
typedef struct rf_http_random {
    uint64_t state[4];
} rf_http_random;

/* Seed from the kernel.
 * RF_E_INTERNAL: the kernel has no random numbers to give. */
RF_MUST_CHECK rf_status rf_http_random_init(rf_http_random *random,
                                            rf_error *err);

/* Write a random GUID (version 4) and a NUL. */
void rf_http_random_guid(rf_http_random *random, char out[37]);

#define RF_HTTP_DATE_BYTES 30

/* Write the instant as a Date header has it, and a NUL. */
void rf_http_date(time_t now, char out[RF_HTTP_DATE_BYTES]);

typedef enum {
    RF_CONNECTION_STAYS,      /* the default of HTTP/1.1 */
    RF_CONNECTION_STAYS_SAID, /* HTTP/1.0 wants to be told */
    RF_CONNECTION_CLOSES
} rf_http_connection_header;

typedef enum {
    RF_FRAMING_LENGTH, /* the body is known */
    RF_FRAMING_CHUNKED,
    RF_FRAMING_CLOSE /* for HTTP/1.0, which knows no chunks */
} rf_http_framing;

/* What the head of a reply needs besides the exchange. */
typedef struct rf_http_reply {
    const char *date;
    rf_http_connection_header connection;
    rf_http_framing framing;
} rf_http_reply;

/* Say whether the body of the response goes out: not after a HEAD, and not
 * with a status that has none by definition. */
bool rf_http_reply_has_body(const rf_exchange *exchange);

/* Append the status line, all headers and the empty line. The body
 * is left to the caller. Streams are forbidden to caches: what happens next is
 * what they are asked for. */
void rf_http_reply_head(rf_buffer *out, const rf_exchange *exchange,
                        const rf_http_reply *reply);

/* Append some bytes as one chunk, or the chunk that ends all. */
void rf_http_reply_chunk(rf_buffer *out, const char *bytes, size_t length);
void rf_http_reply_last_chunk(rf_buffer *out);

/* Fill in the response of a refusal, in the shape of every other error. */
void rf_http_reply_refusal(rf_response *response,
                           const rf_http_refusal *refusal);

#endif
