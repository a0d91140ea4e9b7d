/*
 * test_http_parse.c - the request parser, without sockets.
 *
 * Each case is fed whole and cut at every position; the outcome must be the
 * same, since the network cuts where it likes.
 */
#include "core/alloc.h"
#include "server/http_parse.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const rf_http_limits limits = {
    .head_bytes_max = 1024, .body_bytes_max = 64, .header_count_max = 8};

static rf_http_memory memory = {.bytes_max = 4096};

/* Room for the largest request here. */
#define REQUEST_BYTES 4096

typedef struct outcome {
    rf_http_progress progress;
    size_t used;
} outcome;

/* Feed a request in two pieces, the second as often as bytes are wanted. */
static outcome feed_cut(rf_http_parser *parser, const char *bytes,
                        size_t length, size_t cut)
{
    outcome result = {0};
    const size_t ends[] = {cut, length};
    for (size_t i = 0; i < 2 && result.progress == RF_HTTP_MORE; i++) {
        size_t used = 0;
        result.progress = rf_http_parser_feed(parser, bytes + result.used,
                                              ends[i] - result.used, &used);
        result.used += used;
    }
    return result;
}

/* Feed one byte at a time. */
static outcome feed_bytes(rf_http_parser *parser, const char *bytes,
                          size_t length)
{
    outcome result = {0};
    while (result.progress == RF_HTTP_MORE && result.used < length) {
        size_t used = 0;
        result.progress =
            rf_http_parser_feed(parser, bytes + result.used, 1, &used);
        result.used += used;
    }
    return result;
}

static void assert_text(rf_text text, const char *expected)
{
    assert_int_equal(text.length, strlen(expected));
    assert_memory_equal(text.bytes, expected, text.length);
}

/* ---- what is accepted ---- */

typedef struct accepted {
    const char *bytes;
    rf_method method;
    bool keeps_alive;
    const char *path;
    const char *query;
    const char *body;
} accepted;

static const accepted accepted_cases[] = {
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", RF_METHOD_GET, true, "/", "", ""},
    {"\r\nGET /a?b=c%20d HTTP/1.1\r\nhOST:a\r\n\r\n", RF_METHOD_GET, true, "/a",
     "b=c%20d", ""},
    {"HEAD /a? HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
     RF_METHOD_HEAD, false, "/a", "", ""},
    {"GET /a HTTP/1.0\r\n\r\n", RF_METHOD_GET, false, "/a", "", ""},
    {"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", RF_METHOD_GET, true,
     "/a", "", ""},
    {"GET /a HTTP/1.1\r\nHost:\r\nX-Empty:\r\nContent-Length: 0\r\n\r\n",
     RF_METHOD_GET, true, "/a", "", ""},
    {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
     RF_METHOD_POST, true, "/a", "", "hello"},
    {"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", RF_METHOD_PUT,
     true, "/a", "", ""},
    {"DELETE /a HTTP/1.1\r\nHost: a\r\n\r\n", RF_METHOD_DELETE, true, "/a", "",
     ""},
    {"DELETE /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
     RF_METHOD_DELETE, true, "/a", "", "x"},
    {"OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\n", RF_METHOD_OTHER, true, "/a", "",
     ""},
    {"GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
     "Upgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n",
     RF_METHOD_GET, true, "/a", "", ""},
    {"POST /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
     "Content-Length: 2\r\n\r\nhi",
     RF_METHOD_POST, true, "/a", "", "hi"},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
     "5\r\nhello\r\nB;x=\"y\"\r\n, and more.\r\n0\r\n\r\n",
     RF_METHOD_POST, true, "/a", "", "hello, and more."},
    {"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
     "3\r\nabc\r\n1\r\nd\r\n0\r\nAuthorization: late\r\n\r\n",
     RF_METHOD_POST, true, "/a", "", "abcd"},
};

static void check_accepted(rf_http_parser *parser, const accepted *expected,
                           outcome got)
{
    if (got.progress != RF_HTTP_COMPLETE) {
        fail_msg("%s: %s", rf_http_parser_refusal(parser)->message,
                 expected->bytes);
    }
    assert_int_equal(got.used, strlen(expected->bytes));
    rf_request request;
    rf_http_parser_request(parser, &request);
    assert_int_equal(request.method, expected->method);
    assert_text(request.path, expected->path);
    assert_text(request.query, expected->query);
    assert_text(request.authorization, "");
    assert_text(request.body, expected->body);
    assert_int_equal(rf_http_parser_keeps_alive(parser), expected->keeps_alive);
}

/* The next request of a pipeline must not be touched. */
static void accepts_wherever_it_is_cut(void **state)
{
    (void)state;
    rf_http_parser *parser = rf_http_parser_create(&limits, &memory);
    for (size_t i = 0; i < sizeof accepted_cases / sizeof accepted_cases[0];
         i++) {
        const accepted *expected = &accepted_cases[i];
        char bytes[REQUEST_BYTES];
        int length = snprintf(bytes, sizeof bytes, "%sGET /next HTTP/1.1\r\n",
                              expected->bytes);
        for (size_t cut = 0; cut <= (size_t)length; cut++) {
            rf_http_parser_reset(parser);
            assert_false(rf_http_parser_has_begun(parser));
            check_accepted(parser, expected,
                           feed_cut(parser, bytes, (size_t)length, cut));
        }
        rf_http_parser_reset(parser);
        check_accepted(parser, expected,
                       feed_bytes(parser, bytes, (size_t)length));
    }
    rf_http_parser_free(parser);
}

static void keeps_the_headers_that_are_read(void **state)
{
    (void)state;
    static const char bytes[] =
        "GET /a HTTP/1.1\r\nHost: a\r\nX-Other: 1\r\n"
        "Content-Type: \t application/json \t\r\nAUTHORIZATION: Bearer k\r\n"
        "Api-Version: 1.0\r\nIdempotency-Key: i\r\n"
        "Accept: text/event-stream\r\nX-MS-Environment-Id: e\r\n\r\n";
    rf_http_parser *parser = rf_http_parser_create(&limits, &memory);
    for (size_t cut = 0; cut < sizeof bytes; cut++) {
        rf_http_parser_reset(parser);
        outcome got = feed_cut(parser, bytes, sizeof bytes - 1,
                               cut < sizeof bytes - 1 ? cut : 0);
        assert_int_equal(got.progress, RF_HTTP_COMPLETE);
        rf_request request;
        rf_http_parser_request(parser, &request);
        assert_text(request.content_type, "application/json");
        assert_text(request.authorization, "Bearer k");
        assert_text(request.api_version, "1.0");
        assert_text(request.idempotency_key, "i");
        assert_text(request.accept, "text/event-stream");
        assert_text(request.last_event_id, "");
        assert_text(request.environment_id, "e");
    }
    rf_http_parser_free(parser);
}

/* ---- what is refused ---- */

typedef struct refused {
    int status;
    const char *bytes;
} refused;

#define GET_A "GET /a HTTP/1.1\r\nHost: a\r\n"
#define POST_A "POST /a HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED_A POST_A "Transfer-Encoding: chunked\r\n\r\n"

static const refused refused_cases[] = {
    /* The request line. */
    {400, "GET  /a HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /a  HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /a HTTP/1.1 \r\nHost: a\r\n\r\n"},
    {400, "GET\t/a HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, " GET /a HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "get /a HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "BREW /a HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /a\r\nHost: a\r\n\r\n"},
    {505, "GET /a HTTP/2.0\r\nHost: a\r\n\r\n"},
    {400, "GET /a HTTP/1.2\r\nHost: a\r\n\r\n"},
    {400, "GET /a http/1.1\r\nHost: a\r\n\r\n"},
    {400, "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"},
    /* The target. */
    {400, "GET a HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET //a HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET http://b/a HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /\"a HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /a?b=%zz HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET /% HTTP/1.1\r\nHost: a\r\n\r\n"},
    /* Lines and headers. */
    {400, "GET /a HTTP/1.1\nHost: a\n\n"},
    {400, GET_A "X-A: b\n\r\n"},
    {400, GET_A "X-A: b\r\n c\r\n\r\n"},
    {400, GET_A "X-A: b\r\n\tc\r\n\r\n"},
    {400, "GET /a HTTP/1.1\r\n Host: a\r\n\r\n"},
    {400, GET_A "X-A: b\rc\r\n\r\n"},
    {400, GET_A "X-A: b\x01\r\n\r\n"},
    {400, GET_A "X-A: b\x7f\r\n\r\n"},
    {400, GET_A "no colon\r\n\r\n"},
    {400, GET_A ": b\r\n\r\n"},
    {400, GET_A "X A: b\r\n\r\n"},
    {400, GET_A "X-A : b\r\n\r\n"},
    {400, GET_A "X(A): b\r\n\r\n"},
    {400, "GET /a HTTP/1.1\r\n\r\n"},
    {400, GET_A "Host: b\r\n\r\n"},
    {400, GET_A "Authorization: a\r\nAuthorization: b\r\n\r\n"},
    {400, GET_A "Content-Type: a\r\ncontent-type: a\r\n\r\n"},
    {400, GET_A "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"},
    {431, GET_A "1: 2\r\n2: 2\r\n3: 2\r\n4: 2\r\n5: 2\r\n6: 2\r\n7: 2\r\n8: "
                "2\r\n\r\n"},
    /* Where the body ends. */
    {400, GET_A "Content-Length: 1\r\n\r\nx"},
    {400, GET_A "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {400, "HEAD /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"},
    {400, "PATCH /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"},
    {411, POST_A "\r\n"},
    {411, "PUT /a HTTP/1.1\r\nHost: a\r\n\r\n"},
    {413, POST_A "Content-Length: 65\r\n\r\n"},
    {400, POST_A "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"},
    {400, POST_A "Content-Length: +1\r\n\r\nx"},
    {400, POST_A "Content-Length: -1\r\n\r\nx"},
    {400, POST_A "Content-Length: 1, 1\r\n\r\nx"},
    {400, POST_A "Content-Length: 0x1\r\n\r\nx"},
    {400, POST_A "Content-Length: 18446744073709551617\r\n\r\nx"},
    {400, POST_A "Content-Length:\r\n\r\n"},
    {400, POST_A "Content-Length : 1\r\n\r\nx"},
    {400, POST_A "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {400, POST_A "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"},
    {400, POST_A "Transfer-Encoding: gzip\r\n\r\n"},
    {400, POST_A "Transfer-Encoding: gzip, chunked\r\n\r\n"},
    {400, POST_A "Transfer-Encoding: chunked\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n"},
    {400, "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {417, POST_A "Content-Length: 1\r\nExpect: 200-ok\r\n\r\nx"},
    /* Chunks. */
    {400, CHUNKED_A "0x1\r\na\r\n0\r\n\r\n"},
    {400, CHUNKED_A "+1\r\na\r\n0\r\n\r\n"},
    {400, CHUNKED_A "-1\r\na\r\n0\r\n\r\n"},
    {400, CHUNKED_A "1\r\na0\r\n\r\n"},
    {400, CHUNKED_A "1\na\n0\n\n"},
    {400, CHUNKED_A "1\r\nab\r\n0\r\n\r\n"},
    {400, CHUNKED_A "\r\n1\r\na\r\n0\r\n\r\n"},
    {400, CHUNKED_A "fffffffffffffffff\r\na\r\n0\r\n\r\n"},
    {413, CHUNKED_A "41\r\n"},
    {413, CHUNKED_A "40\r\n0123456789012345678901234567890123456789012345678901"
                    "234567890123\r\n1\r\n"},
};

static int feed_refused(rf_http_parser *parser, const char *bytes, size_t cut)
{
    rf_http_parser_reset(parser);
    outcome got = feed_cut(parser, bytes, strlen(bytes), cut);
    if (got.progress != RF_HTTP_REFUSED) {
        return 0;
    }
    const rf_http_refusal *refusal = rf_http_parser_refusal(parser);
    assert_true(strlen(refusal->message) > 0);
    assert_null(strpbrk(refusal->message, "\"\\"));
    return refusal->status;
}

static void check_refused(rf_http_parser *parser, const refused *expected)
{
    for (size_t cut = 0; cut <= strlen(expected->bytes); cut++) {
        int status = feed_refused(parser, expected->bytes, cut);
        if (status != expected->status) {
            fail_msg("%d instead of %d, cut at %zu: %s", status,
                     expected->status, cut, expected->bytes);
        }
    }
}

static void refuses_wherever_it_is_cut(void **state)
{
    (void)state;
    rf_http_parser *parser = rf_http_parser_create(&limits, &memory);
    for (size_t i = 0; i < sizeof refused_cases / sizeof refused_cases[0];
         i++) {
        check_refused(parser, &refused_cases[i]);
    }
    rf_http_parser_free(parser);
}

/* ---- limits ---- */

/* Feed a request with so many bytes of head; returns its status, 0 if it is
 * complete. */
static int feed_head_of(rf_http_parser *parser, size_t head_bytes)
{
    static const char start[] = GET_A "X-A: ";
    char bytes[REQUEST_BYTES];
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, start, sizeof start - 1);
    memcpy(bytes + head_bytes - 4, "\r\n\r\n", 4);
    rf_http_parser_reset(parser);
    size_t used = 0;
    rf_http_progress progress =
        rf_http_parser_feed(parser, bytes, head_bytes, &used);
    return progress == RF_HTTP_COMPLETE
               ? 0
               : rf_http_parser_refusal(parser)->status;
}

static void limits_the_head(void **state)
{
    (void)state;
    rf_http_parser *parser = rf_http_parser_create(&limits, &memory);
    assert_int_equal(feed_head_of(parser, limits.head_bytes_max - 1), 0);
    assert_int_equal(feed_head_of(parser, limits.head_bytes_max), 0);
    assert_int_equal(feed_head_of(parser, limits.head_bytes_max + 1), 431);
    char target[REQUEST_BYTES] = "GET /";
    memset(target + 5, 'a', limits.head_bytes_max);
    size_t used = 0;
    rf_http_parser_reset(parser);
    assert_int_equal(
        rf_http_parser_feed(parser, target, limits.head_bytes_max + 1, &used),
        RF_HTTP_REFUSED);
    assert_int_equal(rf_http_parser_refusal(parser)->status, 414);
    rf_http_parser_free(parser);
}

/* Feed a request with a target of so many bytes; returns its status, 0 if it
 * is complete. */
static int feed_target_of(rf_http_parser *parser, size_t target_bytes)
{
    rf_buffer bytes = {0};
    rf_buffer_append_string(&bytes, "GET /");
    while (bytes.length < strlen("GET ") + target_bytes) {
        rf_buffer_append_byte(&bytes, 'a');
    }
    rf_buffer_append_string(&bytes, " HTTP/1.1\r\nHost: a\r\n\r\n");
    rf_http_parser_reset(parser);
    size_t used = 0;
    rf_http_progress progress =
        rf_http_parser_feed(parser, bytes.bytes, bytes.length, &used);
    rf_buffer_done(&bytes);
    return progress == RF_HTTP_COMPLETE
               ? 0
               : rf_http_parser_refusal(parser)->status;
}

static void limits_the_target(void **state)
{
    (void)state;
    rf_http_parser *parser = rf_http_parser_create(&limits, &memory);
    assert_int_equal(feed_target_of(parser, limits.head_bytes_max / 2), 0);
    assert_int_equal(feed_target_of(parser, limits.head_bytes_max / 2 + 1),
                     414);
    rf_http_parser_free(parser);
}

/* Blanks before a header's value and empty lines before a request reach no
 * callback of the parser; they count all the same. */
static void limits_what_is_skipped(void **state)
{
    (void)state;
    rf_http_parser *parser = rf_http_parser_create(&limits, &memory);
    char bytes[REQUEST_BYTES] = GET_A "X-A:";
    memset(bytes + strlen(bytes), ' ', limits.head_bytes_max);
    assert_int_equal(feed_refused(parser, bytes, 0), 431);
    for (size_t i = 0; i < limits.head_bytes_max; i++) {
        memcpy(bytes + 2 * i, "\r\n", 3);
    }
    assert_int_equal(feed_refused(parser, bytes, 0), 414);
    rf_http_parser_free(parser);
}

/* A chunk-size line without an end, and a body in one-byte chunks. */
static void limits_chunk_framing(void **state)
{
    (void)state;
    rf_http_parser *parser = rf_http_parser_create(&limits, &memory);
    char bytes[REQUEST_BYTES] = CHUNKED_A;
    memset(bytes + strlen(bytes), '0', limits.head_bytes_max + 1);
    assert_int_equal(feed_refused(parser, bytes, 0), 400);
    rf_buffer small = {0};
    rf_buffer_append_string(&small, CHUNKED_A);
    for (size_t i = 0; i < limits.body_bytes_max; i++) {
        rf_buffer_append_string(&small, "1\r\nx\r\n");
    }
    rf_buffer_append_string(&small, "0\r\n\r\n");
    rf_http_parser_reset(parser);
    assert_int_equal(feed_bytes(parser, small.bytes, small.length).progress,
                     RF_HTTP_COMPLETE);
    rf_buffer_done(&small);
    rf_http_parser_free(parser);
}

/* Bodies of all parsers come out of one budget, and go back into it. */
static void limits_the_bodies_of_all(void **state)
{
    (void)state;
    static const rf_http_limits wide = {
        .head_bytes_max = 1024, .body_bytes_max = 65536, .header_count_max = 8};
    static const char head[] = POST_A "Content-Length: 40000\r\n\r\n";
    static const char body[40000];
    rf_http_memory shared = {.bytes_max = 100000};
    rf_http_parser *first = rf_http_parser_create(&wide, &shared);
    rf_http_parser *second = rf_http_parser_create(&wide, &shared);
    size_t used = 0;
    (void)rf_http_parser_feed(first, head, sizeof head - 1, &used);
    (void)rf_http_parser_feed(second, head, sizeof head - 1, &used);
    assert_int_equal(rf_http_parser_feed(first, body, sizeof body, &used),
                     RF_HTTP_COMPLETE);
    assert_int_equal(rf_http_parser_feed(second, body, sizeof body, &used),
                     RF_HTTP_REFUSED);
    assert_int_equal(rf_http_parser_refusal(second)->status, 503);
    rf_http_parser_reset(first);
    rf_http_parser_reset(second);
    assert_int_equal(atomic_load(&shared.held_bytes), 0);
    (void)rf_http_parser_feed(second, head, sizeof head - 1, &used);
    assert_int_equal(rf_http_parser_feed(second, body, sizeof body, &used),
                     RF_HTTP_COMPLETE);
    rf_http_parser_free(first);
    rf_http_parser_free(second);
    assert_int_equal(atomic_load(&shared.held_bytes), 0);
}

static void asks_for_100_continue_once(void **state)
{
    (void)state;
    static const char head[] = POST_A "Expect: 100-Continue\r\n"
                                      "Content-Length: 1\r\n\r\n";
    rf_http_parser *parser = rf_http_parser_create(&limits, &memory);
    size_t used = 0;
    assert_int_equal(rf_http_parser_feed(parser, head, sizeof head - 1, &used),
                     RF_HTTP_MORE);
    assert_true(rf_http_parser_take_continue(parser));
    assert_false(rf_http_parser_take_continue(parser));
    assert_int_equal(rf_http_parser_feed(parser, "x", 1, &used),
                     RF_HTTP_COMPLETE);
    rf_http_parser_free(parser);
}

/* Whichever allocation fails, the request is refused and the next succeeds. */
static void survives_every_failed_allocation(void **state)
{
    (void)state;
    static const char bytes[] =
        POST_A "Content-Length: 5\r\nAccept: a\r\n\r\nhello";
    bool completed = false;
    for (unsigned long nth = 1; !completed; nth++) {
        assert_true(nth < 100);
        rf_alloc_fail_at(nth);
        rf_http_parser *parser = rf_http_parser_create(&limits, &memory);
        if (parser == NULL) {
            continue;
        }
        size_t used = 0;
        rf_http_progress progress =
            rf_http_parser_feed(parser, bytes, sizeof bytes - 1, &used);
        completed = progress == RF_HTTP_COMPLETE;
        if (!completed) {
            assert_int_equal(rf_http_parser_refusal(parser)->status, 503);
            rf_http_parser_reset(parser);
            assert_int_equal(
                rf_http_parser_feed(parser, bytes, sizeof bytes - 1, &used),
                RF_HTTP_COMPLETE);
        }
        rf_http_parser_free(parser);
    }
    rf_alloc_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_wherever_it_is_cut),
        cmocka_unit_test(keeps_the_headers_that_are_read),
        cmocka_unit_test(refuses_wherever_it_is_cut),
        cmocka_unit_test(limits_the_head),
        cmocka_unit_test(limits_the_target),
        cmocka_unit_test(limits_what_is_skipped),
        cmocka_unit_test(limits_chunk_framing),
        cmocka_unit_test(limits_the_bodies_of_all),
        cmocka_unit_test(asks_for_100_continue_once),
        cmocka_unit_test(survives_every_failed_allocation),
    };
    return cmocka_run_group_tests_name("http_parse", tests, NULL, NULL);
}
