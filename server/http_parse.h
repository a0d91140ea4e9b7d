/*
 * http_parse.h - bytes in, one request out.
 *
 * A parser belongs to a connection and reads its requests one after the other.
 * It wraps llhttp in strict mode, has the head checked (http_head.h), collects
 * the body and enforces every limit while the bytes arrive, so that
 * it never holds more than head_bytes_max + body_bytes_max. It knows no socket
 * and no clock.
 */
#ifndef RINGFENCE_SERVER_HTTP_PARSE_H
#define RINGFENCE_SERVER_HTTP_PARSE_H

#include "server/exchange.h"
#include "server/http_head.h"
#include "server/http_memory.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct rf_http_parser rf_http_parser;

typedef enum {
    RF_HTTP_MORE,     /* all bytes used, the request is not complete */
    RF_HTTP_COMPLETE, /* the request is complete, further bytes are the next */
    RF_HTTP_REFUSED   /* see rf_http_parser_refusal; the connection is lost */
} rf_http_progress;

/* Make a parser, freed with rf_http_parser_free; NULL when out of memory. The
 * limits, and the memory that bodies are taken from, are borrowed for its
 * life. */
rf_http_parser *rf_http_parser_create(const rf_http_limits *limits,
                                      rf_http_memory *memory);

void rf_http_parser_free(rf_http_parser *parser);

/* Get ready for the next request. What the last one returned is gone, and the
 * memory of a large one is given back. */
void rf_http_parser_reset(rf_http_parser *parser);

/* Read some bytes. `used_out` says how many of them belong to this request;
 * they are the same however the bytes are cut into pieces. After COMPLETE or
 * REFUSED only reset may follow. */
rf_http_progress rf_http_parser_feed(rf_http_parser *parser, const char *bytes,
                                     size_t length, size_t *used_out);

/* Say whether some bytes of a request have been read since the last reset. */
bool rf_http_parser_has_begun(const rf_http_parser *parser);

/* Say whether the client waits for a "100 Continue" before it sends its body.
 * Answers true once for a request. */
bool rf_http_parser_take_continue(rf_http_parser *parser);

/* Say whether the client wants to use the connection again. Meaningful after
 * COMPLETE. */
bool rf_http_parser_keeps_alive(const rf_http_parser *parser);

/* Say whether the client must be told so: HTTP/1.0 closes by default. */
bool rf_http_parser_is_old(const rf_http_parser *parser);

/* Fill in all of the request but its correlation id. Before COMPLETE only what
 * is known so far. The texts are borrowed until the next reset. */
void rf_http_parser_request(const rf_http_parser *parser, rf_request *out);

/* Why the request was refused. Borrowed until the next reset. */
const rf_http_refusal *rf_http_parser_refusal(const rf_http_parser *parser);

#endif
