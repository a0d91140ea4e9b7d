/*
 * test_json_read.c - members of a body: types, bounds, and how refusals read.
 */
#include "core/alloc.h"
#include "server/json_read.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static rf_arena arena;
static rf_error err;

static int set_up(void **state)
{
    (void)state;
    rf_arena_init(&arena, 4096, 0);
    err = (rf_error){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rf_arena_done(&arena);
    return 0;
}

static rf_json_object parse_at(const char *text, const char *path)
{
    const rf_json *root = NULL;
    assert_int_equal(rf_json_parse(&arena, rf_text_of(text),
                                   RF_JSON_REQUEST_LIMITS, &root, NULL),
                     RF_OK);
    return (rf_json_object){root, path};
}

static rf_json_object parse(const char *text)
{
    return parse_at(text, "");
}

static void strings_are_read_and_refused(void **state)
{
    (void)state;
    rf_text out = RF_TEXT_EMPTY;
    assert_int_equal(rf_json_string(parse("{\"PRODUCTID\":\"Bike\"}"),
                                    "productId", RF_JSON_REQUIRED, 100, &out,
                                    &err),
                     RF_OK);
    assert_true(rf_text_equal(out, rf_text_of("Bike")));

    static const char *const wrong[] = {"{\"a\":7}", "{\"a\":true}",
                                        "{\"a\":[]}", "{\"a\":{}}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(rf_json_string(parse_at(wrong[i], "lines[2]"), "a",
                                        RF_JSON_OPTIONAL, 9, &out, &err),
                         RF_E_INVALID_FIELD);
        assert_string_equal(err.field, "lines[2].a");
    }
    assert_int_equal(rf_json_string(parse("{}"), "productId", RF_JSON_REQUIRED,
                                    100, &out, &err),
                     RF_E_MISSING_FIELD);
    assert_string_equal(err.field, "productId");
    assert_string_equal(err.message, "productId is missing");
    assert_int_equal(rf_json_string(parse("{\"a\":\"\"}"), "a",
                                    RF_JSON_REQUIRED, 100, &out, &err),
                     RF_E_MISSING_FIELD);
    assert_int_equal(rf_json_string(parse("{\"a\":null}"), "a",
                                    RF_JSON_REQUIRED, 100, &out, &err),
                     RF_E_INVALID_FIELD);
    /* Nothing of this has touched what was read before. */
    assert_true(rf_text_equal(out, rf_text_of("Bike")));
}

/* A number is what was written. */
static void texts_may_be_numbers(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"{\"a\":\"red\"}", "red"},
        {"{\"a\":12.50}", "12.50"},
        {"{\"a\":-1E2}", "-1E2"},
        {"{\"a\":\"\"}", ""},
    };
    rf_text out = RF_TEXT_EMPTY;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const rf_json *value = rf_json_first(parse(texts[i][0]).value);
        assert_int_equal(rf_json_to_text(value, 5, &out, &err), RF_OK);
        assert_true(rf_text_equal(out, rf_text_of(texts[i][1])));
    }
    const rf_json *value = rf_json_first(parse("{\"a\":123456}").value);
    assert_int_equal(rf_json_to_text(value, 5, &out, &err), RF_E_TOO_LONG);
    value = rf_json_first(parse("{\"a\":true}").value);
    assert_int_equal(rf_json_to_text(value, 5, &out, &err), RF_E_INVALID_FIELD);
}

static void optional_members_leave_the_default(void **state)
{
    (void)state;
    rf_text text = rf_text_of("before");
    bool flag = true;
    rf_quantity quantity = 5;
    int64_t integer = 6;
    const rf_json *child = NULL;
    static const char *const absent[] = {"{}", "{\"b\":1}", "{\"a\":null}"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        assert_int_equal(rf_json_string(parse(absent[i]), "a", RF_JSON_OPTIONAL,
                                        9, &text, &err),
                         RF_OK);
        assert_int_equal(rf_json_child(parse(absent[i]), "a", RF_JSON_OPTIONAL,
                                       RF_JSON_ARRAY, &child, &err),
                         RF_OK);
    }
    rf_json_range range = {0, 9};
    assert_int_equal(
        rf_json_bool(parse("{}"), "a", RF_JSON_OPTIONAL, &flag, &err), RF_OK);
    assert_int_equal(
        rf_json_quantity(parse("{}"), "a", RF_JSON_OPTIONAL, &quantity, &err),
        RF_OK);
    assert_int_equal(rf_json_integer(parse("{}"), "a", RF_JSON_OPTIONAL, range,
                                     &integer, &err),
                     RF_OK);
    assert_true(rf_text_equal(text, rf_text_of("before")));
    assert_true(flag);
    assert_int_equal(quantity, 5);
    assert_int_equal(integer, 6);
    assert_null(child);
}

static rf_status read_sized(const char *characters, size_t count, size_t max)
{
    char text[2048] = "{\"a\":\"";
    for (size_t i = 0; i < count; i++) {
        strcat(text, characters);
    }
    strcat(text, "\"}");
    rf_text out = RF_TEXT_EMPTY;
    return rf_json_string(parse(text), "a", RF_JSON_REQUIRED, max, &out, &err);
}

static void length_is_counted_in_characters(void **state)
{
    (void)state;
    assert_int_equal(read_sized("p", 99, 100), RF_OK);
    assert_int_equal(read_sized("p", 100, 100), RF_OK);
    assert_int_equal(read_sized("p", 101, 100), RF_E_TOO_LONG);
    assert_string_equal(err.message, "at most 100 characters are allowed");
    assert_string_equal(err.field, "a");
    assert_int_equal(read_sized("\xE2\x82\xAC", 100, 100), RF_OK);
    assert_int_equal(read_sized("\xE2\x82\xAC", 101, 100), RF_E_TOO_LONG);
    assert_int_equal(read_sized("\\u20ac", 100, 100), RF_OK);
}

static void ids_hold_no_control_bytes(void **state)
{
    (void)state;
    rf_text out = RF_TEXT_EMPTY;
    assert_int_equal(
        rf_json_id(parse("{\"Id\":\"\xC3\xA4 -1\"}"), "id", &out, &err), RF_OK);
    assert_true(rf_text_equal(out, rf_text_of("\xC3\xA4 -1")));
    static const char *const bad[] = {"{\"id\":\"a\\u001fb\"}",
                                      "{\"id\":\"\\n\"}", "{\"id\":\"a\x7F\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(rf_json_id(parse(bad[i]), "id", &out, &err),
                         RF_E_INVALID_FIELD);
        assert_string_equal(err.field, "id");
    }
    char text[256];
    for (int length = 127; length <= 129; length++) {
        snprintf(text, sizeof text, "{\"id\":\"%0*d\"}", length, 0);
        assert_int_equal(rf_json_id(parse(text), "id", &out, &err),
                         length <= RF_JSON_ID_MAX ? RF_OK : RF_E_TOO_LONG);
    }
    assert_int_equal(rf_json_id(parse("{\"id\":\"\"}"), "id", &out, &err),
                     RF_E_MISSING_FIELD);
    assert_int_equal(rf_json_id(parse("{\"id\":7}"), "id", &out, &err),
                     RF_E_INVALID_FIELD);
}

static void only_true_and_false_are_booleans(void **state)
{
    (void)state;
    bool out = false;
    assert_int_equal(
        rf_json_bool(parse("{\"a\":true}"), "a", RF_JSON_REQUIRED, &out, &err),
        RF_OK);
    assert_true(out);
    static const char *const bad[] = {"{\"a\":\"false\"}", "{\"a\":0}",
                                      "{\"a\":null}", "{\"a\":[]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(
            rf_json_bool(parse(bad[i]), "a", RF_JSON_OPTIONAL, &out, &err),
            RF_E_INVALID_FIELD);
        assert_true(out);
    }
    assert_int_equal(
        rf_json_bool(parse("{}"), "a", RF_JSON_REQUIRED, &out, &err),
        RF_E_MISSING_FIELD);
}

static void quantities_are_numbers_or_numeric_strings(void **state)
{
    (void)state;
    static const char *const good[] = {"{\"q\":1.5}", "{\"q\":\"1.5\"}",
                                       "{\"q\":15e-1}", "{\"q\":\"1.50\"}"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        rf_quantity out = 0;
        assert_int_equal(
            rf_json_quantity(parse(good[i]), "q", RF_JSON_REQUIRED, &out, &err),
            RF_OK);
        assert_int_equal(out, 1500000);
    }
    static const char *const bad[] = {
        "{\"q\":true}",     "{\"q\":null}",      "{\"q\":[]}",
        "{\"q\":{}}",       "{\"q\":\"NaN\"}",   "{\"q\":\"\"}",
        "{\"q\":\" 1\"}",   "{\"q\":1e-7}",      "{\"q\":1e400}",
        "{\"q\":\"0x10\"}", "{\"q\":1.0000001}", "{\"q\":100000000001}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rf_quantity out = 7;
        assert_int_equal(rf_json_quantity(parse_at(bad[i], "quantities.wms"),
                                          "q", RF_JSON_OPTIONAL, &out, &err),
                         RF_E_INVALID_QUANTITY);
        assert_string_equal(err.field, "quantities.wms.q");
        assert_true(strlen(err.message) > 0);
        assert_int_equal(out, 7);
    }
}

static rf_status read_integer(const char *value, int64_t min, int64_t max,
                              int64_t *out)
{
    char text[128];
    snprintf(text, sizeof text, "{\"n\":%s}", value);
    return rf_json_integer(parse(text), "n", RF_JSON_REQUIRED,
                           (rf_json_range){min, max}, out, &err);
}

static void integers_are_whole_and_in_range(void **state)
{
    (void)state;
    static const char *const tens[] = {"10", "\"10\"", "1e1", "10.0",
                                       "\"010\""};
    for (size_t i = 0; i < sizeof tens / sizeof *tens; i++) {
        int64_t out = 0;
        assert_int_equal(read_integer(tens[i], 1, 10, &out), RF_OK);
        assert_int_equal(out, 10);
        assert_int_equal(read_integer(tens[i], 1, 9, &out), RF_E_INVALID_FIELD);
        assert_int_equal(read_integer(tens[i], 11, 20, &out),
                         RF_E_INVALID_FIELD);
    }
    assert_string_equal(err.message,
                        "a whole number from 11 to 20 is expected");
    static const char *const bad[] = {"1.5",  "\"\"",  "\"-\"", "\"1x\"",
                                      "true", "null",  "[]",    "\" 1\"",
                                      "1e30", "1e-30", "\"+1\""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t out = 3;
        assert_int_equal(read_integer(bad[i], INT64_MIN, INT64_MAX, &out),
                         RF_E_INVALID_FIELD);
        assert_int_equal(out, 3);
    }
}

static void integers_reach_both_ends_of_64_bits(void **state)
{
    (void)state;
    int64_t out = 0;
    assert_int_equal(
        read_integer("9223372036854775807", INT64_MIN, INT64_MAX, &out), RF_OK);
    assert_true(out == INT64_MAX);
    assert_int_equal(
        read_integer("-9223372036854775808", INT64_MIN, INT64_MAX, &out),
        RF_OK);
    assert_true(out == INT64_MIN);
    assert_int_equal(
        read_integer("9223372036854775808", INT64_MIN, INT64_MAX, &out),
        RF_E_INVALID_FIELD);
    assert_int_equal(
        read_integer("-9223372036854775809", INT64_MIN, INT64_MAX, &out),
        RF_E_INVALID_FIELD);
}

static void children_have_their_kind(void **state)
{
    (void)state;
    const rf_json *out = NULL;
    rf_json_object body = parse("{\"o\":{},\"a\":[1],\"s\":\"x\"}");
    assert_int_equal(
        rf_json_child(body, "O", RF_JSON_REQUIRED, RF_JSON_OBJECT, &out, &err),
        RF_OK);
    assert_int_equal(rf_json_kind_of(out), RF_JSON_OBJECT);
    assert_int_equal(
        rf_json_child(body, "a", RF_JSON_REQUIRED, RF_JSON_ARRAY, &out, &err),
        RF_OK);
    assert_int_equal(rf_json_length(out), 1);
    assert_int_equal(
        rf_json_child(body, "s", RF_JSON_OPTIONAL, RF_JSON_ARRAY, &out, &err),
        RF_E_INVALID_FIELD);
    assert_string_equal(err.message, "an array is expected");
    assert_int_equal(
        rf_json_child(body, "x", RF_JSON_REQUIRED, RF_JSON_OBJECT, &out, &err),
        RF_E_MISSING_FIELD);
    assert_string_equal(err.field, "x");
    assert_int_equal(rf_json_child(parse("{\"o\":null}"), "o", RF_JSON_REQUIRED,
                                   RF_JSON_OBJECT, &out, &err),
                     RF_E_INVALID_FIELD);
}

static void paths_are_put_together(void **state)
{
    (void)state;
    rf_json_object body = {NULL, ""};
    rf_json_object dimensions = {NULL, "dimensions"};
    rf_fail(&err, RF_E_UNKNOWN_DIMENSION, "unknown");
    assert_int_equal(rf_json_at(dimensions, rf_text_of("TillColor"),
                                RF_E_UNKNOWN_DIMENSION, &err),
                     RF_E_UNKNOWN_DIMENSION);
    assert_string_equal(err.field, "dimensions.TillColor");
    assert_string_equal(err.message, "unknown");
    rf_json_at(body, rf_text_of("id"), RF_E_CONFLICT, &err);
    assert_string_equal(err.field, "id");
    rf_json_at(dimensions, RF_TEXT_EMPTY, RF_E_CONFLICT, &err);
    assert_string_equal(err.field, "dimensions");
    rf_json_at(body, rf_text_of("other"), RF_OK, &err);
    assert_string_equal(err.field, "dimensions");
    assert_int_equal(rf_json_at(body, rf_text_of("x"), RF_E_CONFLICT, NULL),
                     RF_E_CONFLICT);
}

static void long_names_are_cut_in_paths(void **state)
{
    (void)state;
    char name[4000];
    memset(name, 'n', sizeof name);
    rf_json_at((rf_json_object){NULL, "dimensions"},
               (rf_text){name, sizeof name}, RF_E_UNKNOWN_DIMENSION, &err);
    assert_int_equal(strlen(err.field), sizeof err.field - 1);
}

static void failures_need_no_error_to_fill_in(void **state)
{
    (void)state;
    rf_text text = RF_TEXT_EMPTY;
    rf_quantity quantity = 0;
    assert_int_equal(
        rf_json_string(parse("{}"), "a", RF_JSON_REQUIRED, 1, &text, NULL),
        RF_E_MISSING_FIELD);
    assert_int_equal(rf_json_quantity(parse("{\"a\":\"x\"}"), "a",
                                      RF_JSON_REQUIRED, &quantity, NULL),
                     RF_E_INVALID_QUANTITY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(strings_are_read_and_refused),
        TEST(texts_may_be_numbers),
        TEST(optional_members_leave_the_default),
        TEST(length_is_counted_in_characters),
        TEST(ids_hold_no_control_bytes),
        TEST(only_true_and_false_are_booleans),
        TEST(quantities_are_numbers_or_numeric_strings),
        TEST(integers_are_whole_and_in_range),
        TEST(integers_reach_both_ends_of_64_bits),
        TEST(children_have_their_kind),
        TEST(paths_are_put_together),
        TEST(long_names_are_cut_in_paths),
        TEST(failures_need_no_error_to_fill_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
