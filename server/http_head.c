/*
 * http_head.c - keeping the headers that are read, refusing doubtful heads.
 */
#include "server/http_head.h"

#include <stdarg.h>
#include <stdio.h>

/* All but Accept may come once only: of two, one program would believe the
 * first and another the second. */
static const rf_text known_headers[RF_HEADER_COUNT] = {
    [RF_HEADER_HOST] = {"host", 4},
    [RF_HEADER_CONTENT_LENGTH] = {"content-length", 14},
    [RF_HEADER_TRANSFER_ENCODING] = {"transfer-encoding", 17},
    [RF_HEADER_CONTENT_TYPE] = {"content-type", 12},
    [RF_HEADER_AUTHORIZATION] = {"authorization", 13},
    [RF_HEADER_API_VERSION] = {"api-version", 11},
    [RF_HEADER_IDEMPOTENCY_KEY] = {"idempotency-key", 15},
    [RF_HEADER_LAST_EVENT_ID] = {"last-event-id", 13},
    [RF_HEADER_EXPECT] = {"expect", 6},
    [RF_HEADER_UPGRADE] = {"upgrade", 7},
    [RF_HEADER_ACCEPT] = {"accept", 6},
    [RF_HEADER_ENVIRONMENT_ID] = {"x-ms-environment-id", 19},
};

void rf_http_refuse(rf_http_refusal *refusal, int status, const char *code,
                    const char *format, ...)
{
    refusal->status = status;
    refusal->code = code;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(refusal->message, sizeof refusal->message, format,
                    arguments);
    va_end(arguments);
}

/* Refuse as malformed; false, for the caller to return. */
static bool refuse_bad(rf_http_refusal *refusal, const char *problem)
{
    rf_http_refuse(refusal, 400, "bad_request", "%s", problem);
    return false;
}

/* ---- collecting ---- */

void rf_http_head_append(rf_http_head *head, const char *bytes, size_t length)
{
    rf_buffer_append(&head->bytes, bytes, length);
}

static void begin_header(rf_http_head *head)
{
    head->name_start = head->bytes.length;
    head->value_start = head->bytes.length;
}

void rf_http_head_end_target(rf_http_head *head)
{
    head->target_bytes = head->bytes.length;
    begin_header(head);
}

void rf_http_head_end_name(rf_http_head *head)
{
    head->value_start = head->bytes.length;
}

static rf_http_header find_known(rf_text name)
{
    unsigned header = 0;
    while (header < RF_HEADER_COUNT &&
           !rf_text_is_name(known_headers[header], name)) {
        header++;
    }
    return (rf_http_header)header;
}

/* Remember a value, or forget the bytes of a header that nobody reads. */
static bool keep_header(rf_http_head *head, rf_text name, rf_text value,
                        rf_http_refusal *refusal)
{
    rf_http_header header = find_known(name);
    if (header == RF_HEADER_COUNT ||
        (header == RF_HEADER_ACCEPT && head->known[header].present)) {
        head->bytes.length = head->name_start;
        return true;
    }
    if (head->known[header].present) {
        rf_http_refuse(refusal, 400, "bad_request",
                       "the header %s is there twice",
                       known_headers[header].bytes);
        return false;
    }
    head->known[header] =
        (rf_http_span){.start = (size_t)(value.bytes - head->bytes.bytes),
                       .length = value.length,
                       .present = true};
    return true;
}

bool rf_http_head_end_value(rf_http_head *head, const rf_http_limits *limits,
                            rf_http_refusal *refusal)
{
    if (++head->header_count > limits->header_count_max) {
        rf_http_refuse(refusal, 431, "headers_too_large",
                       "more than %u header lines", limits->header_count_max);
        return false;
    }
    const char *bytes = head->bytes.bytes;
    rf_text name = {bytes + head->name_start,
                    head->value_start - head->name_start};
    rf_text value = rf_http_trim((rf_text){
        bytes + head->value_start, head->bytes.length - head->value_start});
    const char *problem = rf_http_lint_header(name, value);
    if (problem != NULL) {
        return refuse_bad(refusal, problem);
    }
    bool kept = keep_header(head, name, value, refusal);
    begin_header(head);
    return kept;
}

rf_text rf_http_head_target(const rf_http_head *head)
{
    return head->target_bytes == 0
               ? RF_TEXT_EMPTY
               : (rf_text){head->bytes.bytes, head->target_bytes};
}

rf_text rf_http_head_value(const rf_http_head *head, rf_http_header header)
{
    const rf_http_span *value = &head->known[header];
    return value->present
               ? (rf_text){head->bytes.bytes + value->start, value->length}
               : RF_TEXT_EMPTY;
}

/* ---- checking ---- */

static bool has_header(const rf_http_head *head, rf_http_header header)
{
    return head->known[header].present;
}

static bool value_is(const rf_http_head *head, rf_http_header header,
                     const char *word)
{
    return rf_text_is_name(rf_http_head_value(head, header), rf_text_of(word));
}

/* Check the request line. Its length tells whether anything but single blanks
 * stands between its three parts; the parser does not pass those on. */
static bool check_request_line(const rf_http_head *head,
                               const rf_http_facts *facts,
                               const rf_http_limits *limits,
                               rf_http_refusal *refusal)
{
    size_t expected =
        facts->method_bytes + 1 + head->target_bytes + sizeof " HTTP/1.1" - 1;
    if (head->lines.request_line_bytes != expected) {
        return refuse_bad(refusal, "the request line is malformed");
    }
    if (facts->major != 1 || facts->minor > 1) {
        rf_http_refuse(refusal, 505, "bad_request",
                       "only HTTP/1.0 and HTTP/1.1 are spoken here");
        return false;
    }
    size_t target_max = limits->head_bytes_max / 2;
    if (head->target_bytes > target_max) {
        rf_http_refuse(refusal, 414, "uri_too_long",
                       "the request target is longer than %zu bytes",
                       target_max);
        return false;
    }
    const char *problem = rf_http_lint_target(rf_http_head_target(head));
    return problem == NULL || refuse_bad(refusal, problem);
}

static bool check_transfer(const rf_http_head *head, const rf_http_facts *facts,
                           rf_http_refusal *refusal)
{
    if (!has_header(head, RF_HEADER_TRANSFER_ENCODING)) {
        return true;
    }
    if (facts->minor == 0 || has_header(head, RF_HEADER_CONTENT_LENGTH)) {
        return refuse_bad(refusal, "transfer-encoding is not allowed here");
    }
    return value_is(head, RF_HEADER_TRANSFER_ENCODING, "chunked") ||
           refuse_bad(refusal, "the only transfer-encoding is chunked");
}

/* Check that there is a body only where one makes sense, and no doubt about
 * its length. */
static bool check_body(const rf_http_head *head, const rf_http_facts *facts,
                       const rf_http_limits *limits, rf_http_refusal *refusal)
{
    bool chunked = has_header(head, RF_HEADER_TRANSFER_ENCODING);
    bool sized = has_header(head, RF_HEADER_CONTENT_LENGTH);
    bool needs =
        facts->method == RF_METHOD_POST || facts->method == RF_METHOD_PUT;
    if (needs && !chunked && !sized) {
        rf_http_refuse(refusal, 411, "length_required",
                       "POST and PUT need a content-length, 0 for no body");
        return false;
    }
    if ((chunked || facts->content_length > 0) && !needs &&
        facts->method != RF_METHOD_DELETE) {
        return refuse_bad(refusal, "only POST, PUT and DELETE may have a body");
    }
    if (facts->content_length > limits->body_bytes_max) {
        rf_http_refuse(refusal, 413, rf_status_word(RF_E_BODY_TOO_LARGE),
                       "the body is larger than %zu bytes",
                       limits->body_bytes_max);
        return false;
    }
    return true;
}

/* An offer to go on in h2c is ignored, as the standard allows and some clients
 * make it unasked; any other would change what the next bytes mean. */
static bool check_wishes(const rf_http_head *head, const rf_http_facts *facts,
                         rf_http_refusal *refusal)
{
    if (has_header(head, RF_HEADER_UPGRADE) &&
        !value_is(head, RF_HEADER_UPGRADE, "h2c")) {
        return refuse_bad(refusal, "no upgrade is offered here");
    }
    if (has_header(head, RF_HEADER_EXPECT) && facts->minor > 0 &&
        !value_is(head, RF_HEADER_EXPECT, "100-continue")) {
        rf_http_refuse(refusal, 417, "expectation_failed",
                       "the only expectation is 100-continue");
        return false;
    }
    return true;
}

bool rf_http_head_check(const rf_http_head *head, const rf_http_facts *facts,
                        const rf_http_limits *limits, rf_http_refusal *refusal)
{
    if (!check_request_line(head, facts, limits, refusal)) {
        return false;
    }
    if (facts->minor > 0 && !has_header(head, RF_HEADER_HOST)) {
        return refuse_bad(refusal, "the header host is missing");
    }
    return check_transfer(head, facts, refusal) &&
           check_body(head, facts, limits, refusal) &&
           check_wishes(head, facts, refusal);
}
