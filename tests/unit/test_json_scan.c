/*
 * test_json_scan.c - what the strict gate lets through, and what not.
 */
#include "server/json_scan.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static const rf_json_limits usual = {.depth_max = 16, .values_max = 20000};

/* Scan text held in memory of its exact size, into room of the exact size, so
 * that the sanitizer sees any step over an end. */
static rf_status scan_text(rf_text text, const rf_json_limits *limits,
                           rf_text *out, rf_error *err)
{
    char *input = malloc(text.length + 1);
    char *room = malloc(rf_json_scan_room(text.length, limits));
    assert_non_null(input);
    assert_non_null(room);
    char *exact = realloc(input, text.length > 0 ? text.length : 1);
    assert_non_null(exact);
    memcpy(exact, text.bytes, text.length);
    size_t used = 0;
    rf_status status =
        rf_json_scan((rf_text){exact, text.length}, limits, room, &used, err);
    if (status == RF_OK) {
        assert_true(used <= rf_json_scan_room(text.length, limits));
    }
    free(exact);
    if (out == NULL || status != RF_OK) {
        free(room);
    } else {
        *out = (rf_text){room, used};
    }
    return status;
}

static rf_status scan_string(const char *text)
{
    return scan_text(rf_text_of(text), &usual, NULL, NULL);
}

static void valid_texts_pass(void **state)
{
    (void)state;
    static const char *const good[] = {
        "0",
        "-0",
        "1",
        "-1",
        "10",
        "1.0",
        "10e-1",
        "1E+2",
        "0.5",
        "1e400",
        "true",
        "false",
        "null",
        "\"\"",
        "\"a\"",
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "[1,2]",
        "{\"a\":1}",
        "{\"a\":{\"b\":[1,{}]},\"c\":[]}",
        " \t\r\n[ 1 , 2 ]\n",
        "{ \"a\" : 1 }",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u00e4\\u20AC\"",
        "\"\\ud83d\\ude00\"",
        "\"\xC3\xA4\xF0\x9F\x98\x80\"",
        "\"\x7F\"",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(scan_string(good[i]), RF_OK);
    }
}

static void assert_all_refused(const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(scan_string(texts[i]), RF_E_BAD_JSON);
    }
}

#define ASSERT_ALL_REFUSED(texts)                                              \
    assert_all_refused(texts, sizeof(texts) / sizeof *(texts))

static void malformed_documents_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      " \n",
                                      "{",
                                      "[",
                                      "[1",
                                      "{\"a\"",
                                      "{\"a\":",
                                      "{\"a\":1",
                                      "{} {}",
                                      "{}x",
                                      "1 2",
                                      "[1],",
                                      "]",
                                      "}",
                                      "[}",
                                      "{]",
                                      "[1}",
                                      "{\"a\":1]",
                                      "\xEF\xBB\xBF{}",
                                      "\v1",
                                      "\f1",
                                      "\xC2\xA0"};
    ASSERT_ALL_REFUSED(bad);
}

static void malformed_containers_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "{\"a\":1,}",
                                      "{,}",
                                      "{\"a\" 1}",
                                      "{\"a\"::1}",
                                      "{a:1}",
                                      "{'a':1}",
                                      "{1:1}",
                                      "{\"a\":1 \"b\":2}",
                                      "[1]/**/",
                                      "//x\n1"};
    ASSERT_ALL_REFUSED(bad);
}

static void malformed_words_and_numbers_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "nul",   "NaN",  "Infinity", "-Infinity", "True", "NULL",
        "nullx", "01",   "-01",      "00",        "+1",   ".5",
        "1.",    "1.e1", "1e",       "1e+",       "0x10", "1_000",
        "--1",   "-",    "1.2.3",    "1,5x",      "1e1.5"};
    ASSERT_ALL_REFUSED(bad);
}

static void malformed_strings_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"\"",
                                      "\"a",
                                      "'a'",
                                      "\"\\x\"",
                                      "\"\\\"",
                                      "\"\\u12G4\"",
                                      "\"\\u12\"",
                                      "\"\\u",
                                      "\"\\u0000\"",
                                      "\"\\ud83d\"",
                                      "\"\\ude00\"",
                                      "\"\\ude00\\ud83d\"",
                                      "\"\\ud83d\\u0041\"",
                                      "\"\\ud83dx\"",
                                      "\"\\ud83d\\",
                                      "\"a\nb\"",
                                      "\"a\tb\"",
                                      "\"\x1F\"",
                                      "{\"a\x01\":1}",
                                      "\"\xFF\"",
                                      "\"\xC0\xAF\"",
                                      "\"\xED\xA0\x80\"",
                                      "\"\xF4\x90\x80\x80\"",
                                      "\"\xC3\"",
                                      "\"\xE2\x82\""};
    ASSERT_ALL_REFUSED(bad);
}

static void nul_bytes_are_refused_everywhere(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,\"b\"]}";
    char copy[sizeof text];
    for (size_t at = 0; at < sizeof text; at++) {
        memcpy(copy, text, at);
        copy[at] = '\0';
        memcpy(copy + at + 1, text + at, sizeof text - 1 - at);
        rf_text with_nul = {copy, sizeof text};
        assert_int_equal(scan_text(with_nul, &usual, NULL, NULL),
                         RF_E_BAD_JSON);
    }
}

static void every_beginning_of_a_document_is_refused(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":[true,-1.5e3,null],\"\\u20ac\":{\"\xC3\xA4\":\"x\"}}";
    for (size_t length = 0; length < sizeof text - 1; length++) {
        rf_text part = {text, length};
        assert_int_equal(scan_text(part, &usual, NULL, NULL), RF_E_BAD_JSON);
    }
    assert_int_equal(scan_string(text), RF_OK);
}

static void numbers_are_rewritten_and_the_rest_is_kept(void **state)
{
    (void)state;
    rf_text out = RF_TEXT_EMPTY;
    assert_int_equal(
        scan_text(
            rf_text_of(" {\"1\": [-0.50e1, \"2\"],\"b\":9007199254740993}"),
            &usual, &out, NULL),
        RF_OK);
    static const char expected[] =
        " {\"1\": [\"\xFF-0.50e1\", \"2\"],\"b\":\"\xFF"
        "9007199254740993\"}";
    assert_int_equal(out.length, sizeof expected - 1);
    assert_memory_equal(out.bytes, expected, out.length);
    free((void *)(uintptr_t)out.bytes);
}

/* The document that needs the most room: nothing but numbers. */
static void room_suffices_for_numbers_only(void **state)
{
    (void)state;
    char text[2 * 101];
    text[0] = '[';
    for (size_t i = 0; i < 100; i++) {
        text[1 + 2 * i] = '7';
        text[2 + 2 * i] = i == 99 ? ']' : ',';
    }
    rf_text out = RF_TEXT_EMPTY;
    rf_json_limits limits = {16, 101};
    assert_int_equal(scan_text((rf_text){text, 201}, &limits, &out, NULL),
                     RF_OK);
    assert_int_equal(out.length, 201 + 3 * 100);
    free((void *)(uintptr_t)out.bytes);
    assert_int_equal(scan_text(rf_text_of("7"), &limits, NULL, NULL), RF_OK);
}

static void long_numbers_are_refused(void **state)
{
    (void)state;
    char text[80];
    memset(text, '1', sizeof text);
    rf_error err = {0};
    assert_int_equal(scan_text((rf_text){text, 63}, &usual, NULL, NULL), RF_OK);
    assert_int_equal(scan_text((rf_text){text, 64}, &usual, NULL, NULL), RF_OK);
    assert_int_equal(scan_text((rf_text){text, 65}, &usual, NULL, &err),
                     RF_E_BAD_JSON);
    assert_non_null(strstr(err.message, "64"));
}

/* `depth` arrays in each other, with a number in the middle. */
static rf_status scan_nested(size_t depth, const rf_json_limits *limits,
                             rf_error *err)
{
    char text[2 * 64 + 1];
    assert_true(depth <= 64);
    memset(text, '[', depth);
    text[depth] = '1';
    memset(text + depth + 1, ']', depth);
    return scan_text((rf_text){text, 2 * depth + 1}, limits, NULL, err);
}

static void depth_is_limited(void **state)
{
    (void)state;
    rf_error err = {0};
    assert_int_equal(scan_nested(15, &usual, NULL), RF_OK);
    assert_int_equal(scan_nested(16, &usual, NULL), RF_OK);
    assert_int_equal(scan_nested(17, &usual, &err), RF_E_BAD_JSON);
    assert_non_null(strstr(err.message, "16"));
    /* The ceiling holds whatever the limits say. */
    rf_json_limits generous = {1000, 1000};
    assert_int_equal(scan_nested(RF_JSON_DEPTH_CEILING, &generous, NULL),
                     RF_OK);
    assert_int_equal(scan_nested(RF_JSON_DEPTH_CEILING + 1, &generous, NULL),
                     RF_E_BAD_JSON);
    /* Depth is what is open at once, not what was opened. */
    rf_json_limits flat = {2, 1000};
    assert_int_equal(
        scan_text(rf_text_of("[[],[],{\"a\":{}},[[]]]"), &flat, NULL, NULL),
        RF_E_BAD_JSON);
    assert_int_equal(
        scan_text(rf_text_of("[[],[],{\"a\":1},[2]]"), &flat, NULL, NULL),
        RF_OK);
}

static void values_are_limited(void **state)
{
    (void)state;
    rf_error err = {0};
    rf_json_limits five = {16, 5};
    rf_text exact = rf_text_of("{\"a\":[1,{}],\"b\":\"x\"}");
    assert_int_equal(scan_text(exact, &five, NULL, NULL), RF_OK);
    rf_json_limits four = {16, 4};
    assert_int_equal(scan_text(exact, &four, NULL, &err), RF_E_BAD_JSON);
    assert_non_null(strstr(err.message, "4 values"));
}

static void messages_say_where(void **state)
{
    (void)state;
    rf_error err = {0};
    assert_int_equal(scan_text(rf_text_of("{\"a\": tru}"), &usual, NULL, &err),
                     RF_E_BAD_JSON);
    assert_string_equal(err.message, "at byte 7: a value is expected");
    assert_string_equal(err.field, "");
    assert_int_equal(scan_text(rf_text_of("[1"), &usual, NULL, &err),
                     RF_E_BAD_JSON);
    assert_string_equal(err.message, "the JSON text ends too early");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_texts_pass),
        cmocka_unit_test(malformed_documents_are_refused),
        cmocka_unit_test(malformed_containers_are_refused),
        cmocka_unit_test(malformed_words_and_numbers_are_refused),
        cmocka_unit_test(malformed_strings_are_refused),
        cmocka_unit_test(nul_bytes_are_refused_everywhere),
        cmocka_unit_test(every_beginning_of_a_document_is_refused),
        cmocka_unit_test(numbers_are_rewritten_and_the_rest_is_kept),
        cmocka_unit_test(room_suffices_for_numbers_only),
        cmocka_unit_test(long_numbers_are_refused),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(values_are_limited),
        cmocka_unit_test(messages_say_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
