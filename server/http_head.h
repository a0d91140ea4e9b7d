/*
 * http_head.h - what is kept of a request's head, and whether it is clear.
 *
 * The parser hands over the target and each header in pieces; of these the
 * target and the headers somebody here reads are kept, one after the other in
 * one buffer. When the head has ended, rf_http_head_check decides whether it
 * says beyond doubt where the request ends and whom it is for. Knows neither
 * the parser nor a socket.
 */
#ifndef RINGFENCE_SERVER_HTTP_HEAD_H
#define RINGFENCE_SERVER_HTTP_HEAD_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/text.h"
#include "server/exchange.h"
#include "server/http_lint.h"

#include <stdint.h>

typedef struct rf_http_limits {
    size_t head_bytes_max; /* the target may be half of it */
    size_t body_bytes_max;
    unsigned header_count_max;
} rf_http_limits;

/* Why a request is not read any further. */
typedef struct rf_http_refusal {
    int status;       /* HTTP status; 0 for no refusal */
    const char *code; /* the stable word of the reply, static */
    char message[128];
} rf_http_refusal;

/* Fill in a refusal. Text that does not fit is cut. */
void rf_http_refuse(rf_http_refusal *refusal, int status, const char *code,
                    const char *format, ...) RF_PRINTF(4, 5);

typedef enum {
    RF_HEADER_HOST,
    RF_HEADER_CONTENT_LENGTH,
    RF_HEADER_TRANSFER_ENCODING,
    RF_HEADER_CONTENT_TYPE,
    RF_HEADER_AUTHORIZATION,
    RF_HEADER_API_VERSION,
    RF_HEADER_IDEMPOTENCY_KEY,
    RF_HEADER_LAST_EVENT_ID,
    RF_HEADER_EXPECT,
    RF_HEADER_UPGRADE,
    RF_HEADER_ACCEPT,
    RF_HEADER_ENVIRONMENT_ID,
    RF_HEADER_COUNT
} rf_http_header;

/* Where a value lies in the buffer. Not a pointer: the buffer moves while it
 * grows. */
typedef struct rf_http_span {
    size_t start;
    size_t length;
    bool present;
} rf_http_span;

/* All zeroes for a new request; `bytes` may keep its memory. */
typedef struct rf_http_head {
    rf_http_lines lines;
    rf_buffer bytes;
    size_t target_bytes; /* the target comes first in the buffer */
    size_t name_start;   /* of the header being read */
    size_t value_start;
    rf_http_span known[RF_HEADER_COUNT];
    unsigned header_count;
} rf_http_head;

/* What only the parser knows of the request line and the body. */
typedef struct rf_http_facts {
    rf_method method;
    size_t method_bytes; /* length of the method's name */
    unsigned major;
    unsigned minor;
    uint64_t content_length; /* 0 without the header */
} rf_http_facts;

/* Append a piece of the target, a name or a value. A lack of memory is left in
 * `bytes` for rf_buffer_failed. */
void rf_http_head_append(rf_http_head *head, const char *bytes, size_t length);

/* The pieces since the last of these calls were the target, or a name. */
void rf_http_head_end_target(rf_http_head *head);
void rf_http_head_end_name(rf_http_head *head);

/* The pieces since the name were its value. Checks the header, counts it, and
 * keeps it if it is a known one. False and a refusal when it must not pass. */
RF_MUST_CHECK bool rf_http_head_end_value(rf_http_head *head,
                                          const rf_http_limits *limits,
                                          rf_http_refusal *refusal);

/* The head has ended: check it as a whole. False and a refusal when the
 * request must not pass. */
RF_MUST_CHECK bool rf_http_head_check(const rf_http_head *head,
                                      const rf_http_facts *facts,
                                      const rf_http_limits *limits,
                                      rf_http_refusal *refusal);

/* Return the target, or a header's value without blanks around it; the empty
 * text when it is not there. Borrowed until the next append. */
rf_text rf_http_head_target(const rf_http_head *head);
rf_text rf_http_head_value(const rf_http_head *head, rf_http_header header);

#endif
