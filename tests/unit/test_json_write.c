/*
 * test_json_write.c - commas, escapes, and what happens without memory.
 */
#include "core/alloc.h"
#include "server/json_write.h"
#include "tests/unit/unit.h"

#include <string.h>

static rf_buffer out;
static rf_json_writer writer;

static int set_up(void **state)
{
    (void)state;
    rf_json_writer_init(&writer, &out, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rf_buffer_done(&out);
    return 0;
}

static void assert_written(const char *expected)
{
    assert_false(rf_buffer_failed(&out));
    assert_int_equal(out.length, strlen(expected));
    assert_memory_equal(out.bytes, expected, out.length);
    rf_buffer_clear(&out);
    rf_json_writer_init(&writer, &out, writer.pretty);
}

/* A reply with every kind of value and all the ways to nest. */
static void write_sample(void)
{
    rf_json_begin_object(&writer);
    rf_json_put_key(&writer, "id");
    rf_json_put_string(&writer, "ohre~1");
    rf_json_put_key(&writer, "quantity");
    rf_json_put_quantity(&writer, -1500000);
    rf_json_put_key_text(&writer, rf_text_of("a\"b"));
    rf_json_begin_array(&writer);
    rf_json_put_integer(&writer, 200);
    rf_json_put_bool(&writer, true);
    rf_json_begin_object(&writer);
    rf_json_end_object(&writer);
    rf_json_begin_array(&writer);
    rf_json_put_null(&writer);
    rf_json_end_array(&writer);
    rf_json_put_raw(&writer, rf_text_of("1e5"));
    rf_json_end_array(&writer);
    rf_json_put_key(&writer, "last");
    rf_json_put_bool(&writer, false);
    rf_json_end_object(&writer);
}

static void values_are_separated(void **state)
{
    (void)state;
    write_sample();
    assert_written("{\"id\":\"ohre~1\",\"quantity\":-1.5,\"a\\\"b\":"
                   "[200,true,{},[null],1e5],\"last\":false}");
}

static void pretty_output_is_indented(void **state)
{
    (void)state;
    writer.pretty = true;
    write_sample();
    assert_written("{\n  \"id\": \"ohre~1\",\n  \"quantity\": -1.5,\n"
                   "  \"a\\\"b\": [\n    200,\n    true,\n    {},\n    [\n"
                   "      null\n    ],\n    1e5\n  ],\n  \"last\": false\n}");
    rf_json_begin_array(&writer);
    rf_json_end_array(&writer);
    assert_written("[]");
}

static void a_single_value_is_a_document(void **state)
{
    (void)state;
    rf_json_put_string(&writer, "x");
    assert_written("\"x\"");
    rf_json_put_integer(&writer, 0);
    assert_written("0");
}

static void text_is_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *written;
    } cases[] = {
        {"", "\"\""},
        {"plain / text", "\"plain / text\""},
        {"\"\\", "\"\\\"\\\\\""},
        {"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
        {"\x01\x1F\x7F", "\"\\u0001\\u001f\\u007f\""},
        {"a\nb", "\"a\\nb\""},
        {"\xC3\xA4\xF0\x9F\x98\x80", "\"\xC3\xA4\xF0\x9F\x98\x80\""},
        {"\xE2\x80\xA8\xE2\x80\xA9", "\"\\u2028\\u2029\""},
        {"a\xFFz", "\"a\\ufffdz\""},
        {"cut\xE2\x82", "\"cut\\ufffd\\ufffd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rf_json_put_string(&writer, cases[i].text);
        assert_written(cases[i].written);
        rf_json_begin_object(&writer);
        rf_json_put_key_text(&writer, rf_text_of(cases[i].text));
        rf_json_put_string(&writer, cases[i].text);
        rf_json_end_object(&writer);
        assert_int_equal(out.length, 2 * strlen(cases[i].written) + 3);
        rf_buffer_clear(&out);
        rf_json_writer_init(&writer, &out, false);
    }
    rf_json_put_text(&writer, (rf_text){"a\0b", 3});
    assert_written("\"a\\u0000b\"");
}

static void integers_reach_both_ends(void **state)
{
    (void)state;
    rf_json_put_integer(&writer, INT64_MIN);
    assert_written("-9223372036854775808");
    rf_json_put_integer(&writer, INT64_MAX);
    assert_written("9223372036854775807");
    rf_json_put_integer(&writer, -1);
    assert_written("-1");
}

static void nesting_reaches_its_limit(void **state)
{
    (void)state;
    for (int i = 0; i < RF_JSON_WRITE_DEPTH_MAX; i++) {
        rf_json_begin_array(&writer);
    }
    for (int i = 0; i < RF_JSON_WRITE_DEPTH_MAX; i++) {
        rf_json_end_array(&writer);
    }
    assert_int_equal(out.length, 2 * RF_JSON_WRITE_DEPTH_MAX);
}

/* Writing goes on after a failed allocation, and the buffer remembers it. */
static void every_failed_allocation_is_remembered(void **state)
{
    (void)state;
    bool passed = false;
    for (unsigned long nth = 1; !passed; nth++) {
        rf_alloc_fail_at(nth);
        write_sample();
        for (int i = 0; i < 200; i++) {
            rf_json_writer_init(&writer, &out, i % 2 == 0);
            write_sample();
        }
        rf_alloc_fail_at(0);
        passed = !rf_buffer_failed(&out);
        assert_true(!passed || nth > 6);
        rf_buffer_done(&out);
        rf_json_writer_init(&writer, &out, false);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_are_separated),
        TEST(pretty_output_is_indented),
        TEST(a_single_value_is_a_document),
        TEST(text_is_escaped),
        TEST(integers_reach_both_ends),
        TEST(nesting_reaches_its_limit),
        TEST(every_failed_allocation_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
