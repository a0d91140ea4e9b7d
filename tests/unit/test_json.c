/*
 * test_json.c - documents as trees: numbers, names, limits, printing, memory.
 */
#include "core/alloc.h"
#include "server/json.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_BYTES 4096

static rf_arena arena;

static int set_up(void **state)
{
    (void)state;
    rf_arena_init(&arena, BLOCK_BYTES, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rf_arena_done(&arena);
    return 0;
}

static const rf_json *parse(const char *text)
{
    const rf_json *root = NULL;
    rf_error err = {0};
    rf_status status = rf_json_parse(&arena, rf_text_of(text),
                                     RF_JSON_REQUEST_LIMITS, &root, &err);
    if (status != RF_OK) {
        print_error("%s: %s\n", text, err.message);
    }
    assert_int_equal(status, RF_OK);
    return root;
}

static rf_status parse_status(const char *text, rf_error *err)
{
    const rf_json *root = NULL;
    rf_status status = rf_json_parse(&arena, rf_text_of(text),
                                     RF_JSON_REQUEST_LIMITS, &root, err);
    assert_true(status == RF_OK || root == NULL);
    return status;
}

static void assert_text(rf_text text, const char *expected)
{
    assert_int_equal(text.length, strlen(expected));
    assert_memory_equal(text.bytes, expected, text.length);
}

static void kinds_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(rf_json_kind_of(parse("null")), RF_JSON_NULL);
    assert_int_equal(rf_json_kind_of(parse("true")), RF_JSON_BOOLEAN);
    assert_int_equal(rf_json_kind_of(parse("false")), RF_JSON_BOOLEAN);
    assert_int_equal(rf_json_kind_of(parse("1")), RF_JSON_NUMBER);
    assert_int_equal(rf_json_kind_of(parse("\"1\"")), RF_JSON_STRING);
    assert_int_equal(rf_json_kind_of(parse("[]")), RF_JSON_ARRAY);
    assert_int_equal(rf_json_kind_of(parse("{}")), RF_JSON_OBJECT);
    assert_true(rf_json_truth(parse("true")));
    assert_false(rf_json_truth(parse("false")));
    assert_false(rf_json_is(NULL, RF_JSON_NULL));
}

static void numbers_keep_their_text(void **state)
{
    (void)state;
    static const char *const numbers[] = {
        "0",
        "-0",
        "1.0",
        "10e-1",
        "9007199254740993",
        "1e400",
        "0.1000000000000000055511151231257827",
        "1234567890123456789012345678901234567890123456789012345678901234"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const rf_json *number = parse(numbers[i]);
        assert_int_equal(rf_json_kind_of(number), RF_JSON_NUMBER);
        assert_text(rf_json_text(number), numbers[i]);
    }
}

static void strings_are_unescaped(void **state)
{
    (void)state;
    assert_text(rf_json_text(parse("\"\"")), "");
    assert_text(rf_json_text(parse("\"\\u0041\\n\\t\\/\\\"\\\\\"")),
                "A\n\t/\"\\");
    assert_text(rf_json_text(parse("\"\\ud83d\\ude00\\u00ff\"")),
                "\xF0\x9F\x98\x80\xC3\xBF");
    assert_text(rf_json_text(parse("\"\\u001f\x7F\"")), "\x1F\x7F");
    /* U+00FF is not the byte that marks a number. */
    assert_int_equal(rf_json_kind_of(parse("\"\\u00ff1\"")), RF_JSON_STRING);
}

static void members_are_found_without_case(void **state)
{
    (void)state;
    const rf_json *root =
        parse("{\"ProductID\":1,\"product\":2,\"\xC3\xA4\":3,\"a\\u0062\":4}");
    assert_text(rf_json_text(rf_json_member(root, rf_text_of("productId"))),
                "1");
    assert_text(rf_json_text(rf_json_member(root, rf_text_of("PRODUCT"))), "2");
    assert_text(rf_json_text(rf_json_member(root, rf_text_of("\xC3\xA4"))),
                "3");
    assert_text(rf_json_text(rf_json_member(root, rf_text_of("AB"))), "4");
    assert_null(rf_json_member(root, rf_text_of("produc")));
    assert_null(rf_json_member(root, rf_text_of("products")));
    assert_null(rf_json_member(root, rf_text_of("")));
    assert_null(rf_json_member(root, (rf_text){"product\0x", 9}));
    assert_null(rf_json_member(parse("[1]"), rf_text_of("a")));
    assert_text(rf_json_name(rf_json_first(root)), "ProductID");
}

static void containers_are_walked_in_order(void **state)
{
    (void)state;
    const rf_json *array = parse("[1,2,[3,4],5]");
    assert_int_equal(rf_json_length(array), 4);
    const rf_json *value = rf_json_first(array);
    assert_text(rf_json_text(value), "1");
    value = rf_json_next(rf_json_next(value));
    assert_int_equal(rf_json_length(value), 2);
    value = rf_json_next(value);
    assert_text(rf_json_text(value), "5");
    assert_null(rf_json_next(value));
    assert_null(rf_json_first(parse("[]")));
    assert_null(rf_json_first(parse("7")));
    assert_int_equal(rf_json_length(parse("{}")), 0);
}

static void assert_twin(const char *text, const char *field)
{
    rf_error err = {0};
    assert_int_equal(parse_status(text, &err), RF_E_DUPLICATE_KEY);
    assert_string_equal(err.field, field);
}

static void names_stand_only_once(void **state)
{
    (void)state;
    assert_twin("{\"a\":1,\"a\":2}", "a");
    assert_twin("{\"quantity\":1,\"b\":2,\"QUANTITY\":1}", "QUANTITY");
    assert_twin("{\"quantity\":1,\"quant\\u0069ty\":50}", "quantity");
    assert_twin("{\"\":1,\"\":2}", "");
    assert_twin("{\"d\":{\"x\":1,\"X\":2}}", "d.X");
    assert_twin("[1,{\"d\":[0,{\"x\":1,\"y\":0,\"x\":2}]}]", "[1].d[1].x");
    /* Elsewhere the same name is another one. */
    assert_int_equal(
        parse_status("{\"a\":{\"a\":1},\"b\":{\"a\":[{\"a\":1},{\"a\":2}]}}",
                     NULL),
        RF_OK);
    /* Only ASCII letters have a case. */
    assert_int_equal(parse_status("{\"\xC3\xA4\":1,\"\xC3\x84\":2}", NULL),
                     RF_OK);
    /* What the quick comparison takes for equal: length, first and last. */
    assert_int_equal(parse_status("{\"siteid\":1,\"sizeid\":2}", NULL), RF_OK);
}

/* An object of `count` members, the last of which is called `last`. */
static void build_object(rf_buffer *text, size_t count, const char *last)
{
    rf_buffer_clear(text);
    rf_buffer_append_string(text, "{");
    for (size_t i = 0; i + 1 < count; i++) {
        char member[64];
        snprintf(member, sizeof member, "\"name%zu\":%zu,", i, i);
        rf_buffer_append_string(text, member);
    }
    rf_buffer_append_string(text, "\"");
    rf_buffer_append_string(text, last);
    rf_buffer_append_string(text, "\":1}");
    rf_buffer_append_byte(text, '\0');
    assert_false(rf_buffer_failed(text));
}

/* Around the size at which the way of comparing changes, and far above. */
static void names_stand_only_once_in_large_objects(void **state)
{
    (void)state;
    static const size_t counts[] = {23, 24, 25, 26, 1000, 19999};
    rf_buffer text = {0};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        build_object(&text, counts[i], "NAME7");
        assert_twin(text.bytes, "NAME7");
        build_object(&text, counts[i], "other");
        assert_int_equal(parse_status(text.bytes, NULL), RF_OK);
        rf_arena_reset(&arena);
    }
    rf_buffer_done(&text);
}

/* Append `count` copies of `element`, as an array. */
static void build_array(rf_buffer *text, size_t count, const char *element)
{
    rf_buffer_clear(text);
    for (size_t i = 0; i < count; i++) {
        rf_buffer_append_string(text, i == 0 ? "[" : ",");
        rf_buffer_append_string(text, element);
    }
    rf_buffer_append(text, "]", 2);
    assert_false(rf_buffer_failed(text));
}

static void requests_of_full_size_pass_and_floods_do_not(void **state)
{
    (void)state;
    rf_buffer text = {0};
    build_array(&text, 512,
                "{\"id\":\"x\",\"organizationId\":\"usmf\",\"productId\":\"p\","
                "\"dimensions\":{\"siteId\":\"1\",\"locationId\":\"11\","
                "\"colorId\":\"red\",\"sizeId\":\"L\",\"styleId\":\"s\"},"
                "\"quantityDataSource\":\"iv\",\"modifier\":\"softreserved\","
                "\"quantity\":1,\"ifCheckAvailForReserv\":true,"
                "\"dimensionDataSource\":\"pos\",\"recipient\":\"X\","
                "\"orderTag\":\"o\",\"ttlSeconds\":60,\"allowPartial\":true}");
    assert_int_equal(parse_status(text.bytes, NULL), RF_OK);
    build_array(&text, 5000, "\"product\"");
    assert_int_equal(parse_status(text.bytes, NULL), RF_OK);

    build_array(&text, 19999, "0");
    assert_int_equal(parse_status(text.bytes, NULL), RF_OK);
    build_array(&text, 20000, "0");
    assert_int_equal(parse_status(text.bytes, NULL), RF_E_BAD_JSON);
    build_array(&text, 30001, "0");
    assert_int_equal(parse_status(text.bytes, NULL), RF_E_BAD_JSON);
    build_array(&text, 20001, "{}");
    assert_int_equal(parse_status(text.bytes, NULL), RF_E_BAD_JSON);
    rf_buffer_done(&text);
}

static void assert_prints(const char *text, const char *expected, bool pretty)
{
    rf_buffer out = {0};
    rf_json_print(parse(text), &out, pretty);
    assert_false(rf_buffer_failed(&out));
    assert_text((rf_text){out.bytes, out.length}, expected);
    rf_buffer_done(&out);
}

static void printing_gives_the_document_back(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "null",
        "-0.10e5",
        "\"\"",
        "[]",
        "{}",
        "[[],{},[[1]],2]",
        "{\"a\":{\"b\":[true,false,null,9007199254740993]},\"c\":\"d\"}",
        "{\"\":{},\"\\u0001\\n\":\"\\u2028\\\"\\\\\\u007f\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_prints(texts[i], texts[i], false);
    }
    assert_prints(" { \"a\" : [ 1 , 2 ] } ", "{\"a\":[1,2]}", false);
    assert_prints("{\"a\":[1,{}],\"b\":{\"c\":[]}}",
                  "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n"
                  "    \"c\": []\n  }\n}",
                  true);
}

static void a_part_of_a_document_can_be_printed(void **state)
{
    (void)state;
    const rf_json *root = parse("{\"a\":{\"b\":[1]},\"c\":2}");
    rf_buffer out = {0};
    rf_json_print(rf_json_member(root, rf_text_of("a")), &out, false);
    assert_text((rf_text){out.bytes, out.length}, "{\"b\":[1]}");
    rf_buffer_done(&out);
}

static void every_failed_allocation_is_a_status(void **state)
{
    (void)state;
    rf_buffer text = {0};
    build_object(&text, 60, "last");
    bool passed = false;
    for (unsigned long nth = 1; !passed; nth++) {
        rf_arena small;
        rf_arena_init(&small, 64, 0);
        const rf_json *root = NULL;
        rf_error err = {0};
        rf_alloc_fail_at(nth);
        rf_status status = rf_json_parse(&small, rf_text_of(text.bytes),
                                         RF_JSON_REQUEST_LIMITS, &root, &err);
        rf_alloc_fail_at(0);
        passed = status == RF_OK;
        assert_true(passed ? nth > 100 : status == RF_E_NO_MEMORY);
        assert_true(passed == (root != NULL));
        rf_arena_done(&small);
    }
    rf_buffer_done(&text);
}

static void an_arena_over_its_limit_is_a_status(void **state)
{
    (void)state;
    rf_arena tight;
    rf_arena_init(&tight, 256, 512);
    const rf_json *root = NULL;
    assert_int_equal(rf_json_parse(&tight,
                                   rf_text_of("[1,2,3,4,5,6,7,8,9,10,11]"),
                                   RF_JSON_REQUEST_LIMITS, &root, NULL),
                     RF_E_NO_MEMORY);
    rf_arena_done(&tight);
}

static void a_warm_arena_needs_no_heap(void **state)
{
    (void)state;
    parse("{\"a\":[1,2,{\"b\":\"c\"}]}");
    rf_arena_reset(&arena);
    unsigned long before = rf_alloc_count();
    parse("{\"a\":[1,2,{\"b\":\"c\"}]}");
    assert_int_equal(rf_alloc_count(), before);
}

#define THREADS 3
#define DOCUMENTS_PER_THREAD 2000

/* Parse into an arena of the thread's own. */
static void *parse_in_thread(void *unused)
{
    (void)unused;
    rf_arena own;
    rf_arena_init(&own, BLOCK_BYTES, 0);
    uintptr_t good = 0;
    for (int i = 0; i < DOCUMENTS_PER_THREAD; i++) {
        const rf_json *root = NULL;
        rf_status status =
            rf_json_parse(&own, rf_text_of("{\"a\":[1,2,{\"b\":\"c\"}]}"),
                          RF_JSON_REQUEST_LIMITS, &root, NULL);
        good += status == RF_OK &&
                rf_json_length(rf_json_member(root, rf_text_of("a"))) == 3;
        rf_arena_reset(&own);
    }
    rf_arena_done(&own);
    return (void *)good;
}

static void threads_parse_side_by_side(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(
            pthread_create(&threads[i], NULL, parse_in_thread, NULL), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *good = NULL;
        pthread_join(threads[i], &good);
        assert_int_equal((uintptr_t)good, DOCUMENTS_PER_THREAD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kinds_are_told_apart, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(numbers_keep_their_text, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(strings_are_unescaped, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(members_are_found_without_case, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(containers_are_walked_in_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(names_stand_only_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(names_stand_only_once_in_large_objects,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            requests_of_full_size_pass_and_floods_do_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(printing_gives_the_document_back,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_part_of_a_document_can_be_printed,
                                        set_up, tear_down),
        cmocka_unit_test(every_failed_allocation_is_a_status),
        cmocka_unit_test(threads_parse_side_by_side),
        cmocka_unit_test(an_arena_over_its_limit_is_a_status),
        cmocka_unit_test_setup_teardown(a_warm_arena_needs_no_heap, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
