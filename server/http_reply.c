/*
 * http_reply.c - status lines, headers, refusals and correlation ids.
 */
#include "server/http_reply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* ---- ids ---- */

rf_status rf_http_random_init(rf_http_random *random, rf_error *err)
{
    ssize_t got;
    do {
        got = getrandom(random->state, sizeof random->state, 0);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof random->state) {
        return rf_fail(err, RF_E_INTERNAL, "no random numbers: %s",
                       strerror(errno));
    }
    random->state[0] |= 1; /* all zeroes is the one state that never moves */
    return RF_OK;
}

static uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

/* Step xoshiro256++, a public domain generator by Blackman and Vigna. */
static uint64_t next_random(rf_http_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate(s[0] + s[3], 23) + s[0];
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

void rf_http_random_guid(rf_http_random *random, char out[37])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t words[2] = {next_random(random), next_random(random)};
    words[0] = (words[0] & ~UINT64_C(0xF000)) | UINT64_C(0x4000);
    words[1] = (words[1] & ~(UINT64_C(3) << 62)) | UINT64_C(1) << 63;
    size_t at = 0;
    for (unsigned digit = 0; digit < 32; digit++) {
        if (digit == 8 || digit == 12 || digit == 16 || digit == 20) {
            out[at++] = '-';
        }
        out[at++] = digits[words[digit / 16] >> (60 - digit % 16 * 4) & 15];
    }
    out[at] = '\0';
}

/* ---- heads ---- */

void rf_http_date(time_t now, char out[RF_HTTP_DATE_BYTES])
{
    struct tm utc;
    if (gmtime_r(&now, &utc) == NULL ||
        strftime(out, RF_HTTP_DATE_BYTES, "%a, %d %b %Y %H:%M:%S GMT", &utc) ==
            0) {
        memcpy(out, "Thu, 01 Jan 1970 00:00:00 GMT", RF_HTTP_DATE_BYTES);
    }
}

static const char *find_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        if (phrases[i].status == status) {
            return phrases[i].phrase;
        }
    }
    return "Status";
}

static void append_number(rf_buffer *out, size_t number)
{
    char digits[24];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    rf_buffer_append(out, digits + at, sizeof digits - at);
}

static void append_header(rf_buffer *out, const char *start, const char *value)
{
    rf_buffer_append_string(out, start);
    rf_buffer_append_string(out, value);
}

/* Statuses whose replies have no body by definition say no length either. */
static bool has_length(int status)
{
    return status != 204 && status != 304;
}

bool rf_http_reply_has_body(const rf_exchange *exchange)
{
    return exchange->request.method != RF_METHOD_HEAD &&
           has_length(exchange->response.status);
}

static void append_optional(rf_buffer *out, const rf_response *response)
{
    if (response->allow != NULL) {
        append_header(out, "\r\nAllow: ", response->allow);
    }
    if (response->policy != NULL) {
        append_header(out, "\r\nContent-Security-Policy: ", response->policy);
    }
    if (response->retry_after_s > 0) {
        rf_buffer_append_string(out, "\r\nRetry-After: ");
        append_number(out, (size_t)response->retry_after_s);
    }
    if (response->status == 401) {
        rf_buffer_append_string(out, "\r\nWWW-Authenticate: Bearer");
    }
}

static void append_framing(rf_buffer *out, const rf_response *response,
                           rf_http_framing framing)
{
    if (framing == RF_FRAMING_CHUNKED) {
        rf_buffer_append_string(out, "\r\nTransfer-Encoding: chunked");
    }
    if (framing != RF_FRAMING_LENGTH || response->is_secret) {
        rf_buffer_append_string(out, "\r\nCache-Control: no-store");
    }
    if (framing == RF_FRAMING_LENGTH && has_length(response->status)) {
        rf_buffer_append_string(out, "\r\nContent-Length: ");
        append_number(out, response->body.length);
    }
}

void rf_http_reply_head(rf_buffer *out, const rf_exchange *exchange,
                        const rf_http_reply *reply)
{
    static const char *const connection[] = {
        [RF_CONNECTION_STAYS] = "",
        [RF_CONNECTION_STAYS_SAID] = "\r\nConnection: keep-alive",
        [RF_CONNECTION_CLOSES] = "\r\nConnection: close",
    };
    const rf_response *response = &exchange->response;
    rf_buffer_append_string(out, "HTTP/1.1 ");
    append_number(out, (size_t)response->status);
    append_header(out, " ", find_phrase(response->status));
    append_header(out, "\r\nDate: ", reply->date);
    append_framing(out, response, reply->framing);
    if (response->content_type != NULL) {
        append_header(out, "\r\nContent-Type: ", response->content_type);
    }
    append_header(
        out, "\r\nx-ms-correlation-id: ", exchange->request.correlation_id);
    append_optional(out, response);
    rf_buffer_append_string(out, "\r\nx-content-type-options: nosniff");
    append_header(out, connection[reply->connection], "\r\n\r\n");
}

void rf_http_reply_chunk(rf_buffer *out, const char *bytes, size_t length)
{
    char start[24];
    (void)snprintf(start, sizeof start, "%zx\r\n", length);
    rf_buffer_append_string(out, start);
    rf_buffer_append(out, bytes, length);
    rf_buffer_append_string(out, "\r\n");
}

void rf_http_reply_last_chunk(rf_buffer *out)
{
    rf_buffer_append_string(out, "0\r\n\r\n");
}

void rf_http_reply_refusal(rf_response *response,
                           const rf_http_refusal *refusal)
{
    rf_buffer *body = &response->body;
    rf_buffer_clear(body);
    response->status = refusal->status;
    response->content_type = "application/json";
    response->allow = NULL;
    response->policy = NULL;
    response->retry_after_s = refusal->status == 503 ? 1 : 0;
    response->close = true;
    rf_buffer_append_string(body, "{\"id\":\"\",\"processingStatus\":"
                                  "\"failure\",\"message\":\"");
    rf_buffer_append_string(body, refusal->message);
    rf_buffer_append_string(body, "\",\"statusCode\":");
    append_number(body, (size_t)refusal->status);
    append_header(body, ",\"code\":\"", refusal->code);
    rf_buffer_append_string(body, "\"}");
}
