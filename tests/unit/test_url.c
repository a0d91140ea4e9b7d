/*
 * test_url.c - splitting paths and reading queries, friendly and hostile.
 */
#include "core/alloc.h"
#include "server/url.h"
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

static rf_status split(const char *raw, rf_path *path)
{
    return rf_url_split_path(&arena, rf_text_of(raw), path, &err);
}

static void assert_text(rf_text text, const char *expected)
{
    assert_int_equal(text.length, strlen(expected));
    assert_memory_equal(text.bytes, expected, text.length);
}

static void paths_are_split_and_then_decoded(void **state)
{
    (void)state;
    rf_path path;
    assert_int_equal(split("/api/environment/demo/onhand", &path), RF_OK);
    assert_int_equal(path.count, 4);
    assert_text(path.segments[0], "api");
    assert_text(path.segments[3], "onhand");
    assert_int_equal(split("/a%20b/%c3%A4;x=1/c+d/%25", &path), RF_OK);
    assert_int_equal(path.count, 4);
    assert_text(path.segments[0], "a b");
    assert_text(path.segments[1], "\xC3\xA4;x=1");
    assert_text(path.segments[2], "c+d");
    /* Decoded once: what comes out is not decoded again. */
    assert_text(path.segments[3], "%");
    assert_int_equal(split("/%252e%252e", &path), RF_OK);
    assert_text(path.segments[0], "%2e%2e");
    assert_int_equal(split("/...", &path), RF_OK);
}

static void one_trailing_slash_is_ignored(void **state)
{
    (void)state;
    rf_path path;
    assert_int_equal(split("/", &path), RF_OK);
    assert_int_equal(path.count, 0);
    assert_int_equal(split("/onhand/", &path), RF_OK);
    assert_int_equal(path.count, 1);
    assert_int_equal(split("/onhand//", &path), RF_E_INVALID_FIELD);
    assert_int_equal(split("//", &path), RF_E_INVALID_FIELD);
}

static void dangerous_paths_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",       "a",       "*",          "//a",
        "/a//b",  "/.",      "/..",        "/a/../b",
        "/a/./b", "/%2e",    "/%2E%2e/a",  "/a%2fb",
        "/a%5Cb", "/a\\b",   "/%",         "/%4",
        "/a%",    "/%zz",    "/%4g",       "/%00",
        "/a%00b", "/%0a",    "/%1F",       "/%7f",
        "/a b",   "/a\x01",  "/a\x7F",     "/a\xC3\xA4",
        "/%ff",   "/%c0%af", "/%ed%a0%80", "/%f4%90%80%80",
        "/%c3/x",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rf_path path;
        assert_int_equal(split(bad[i], &path), RF_E_INVALID_FIELD);
        assert_string_equal(err.field, "path");
    }
    rf_path path;
    assert_int_equal(
        rf_url_split_path(&arena, (rf_text){"/a\0b", 4}, &path, &err),
        RF_E_INVALID_FIELD);
}

static void segments_are_limited(void **state)
{
    (void)state;
    char raw[2 * (RF_PATH_SEGMENTS_MAX + 1) + 1] = "";
    rf_path path;
    for (size_t i = 1; i <= RF_PATH_SEGMENTS_MAX + 1; i++) {
        strcat(raw, "/s");
        assert_int_equal(split(raw, &path),
                         i <= RF_PATH_SEGMENTS_MAX ? RF_OK : RF_E_UNKNOWN_PATH);
    }
}

static rf_status parse(const char *raw, rf_url_query *query)
{
    return rf_url_parse_query(&arena, rf_text_of(raw), query, &err);
}

static void queries_are_read_in_order(void **state)
{
    (void)state;
    rf_url_query query;
    assert_int_equal(
        parse("SiteId=1&groupBy=a+b&&dryRun&siteid=%32%26&x==&=v&", &query),
        RF_OK);
    assert_int_equal(query.count, 6);
    assert_text(query.pairs[1].value, "a b");
    assert_text(query.pairs[2].name, "dryRun");
    assert_text(query.pairs[2].value, "");
    assert_text(query.pairs[4].value, "=");
    assert_text(query.pairs[5].name, "");

    size_t from = 0;
    rf_text name = rf_text_of("SITEID");
    assert_text(rf_url_query_next(&query, name, &from)->value, "1");
    assert_text(rf_url_query_next(&query, name, &from)->value, "2&");
    assert_null(rf_url_query_next(&query, name, &from));

    bool found = false;
    assert_text(rf_url_query_value(&query, rf_text_of("dryrun"), &found), "");
    assert_true(found);
    assert_text(rf_url_query_value(&query, rf_text_of("none"), &found), "");
    assert_false(found);
    assert_text(rf_url_query_value(&query, rf_text_of("x"), NULL), "=");
}

static void empty_queries_hold_nothing(void **state)
{
    (void)state;
    static const char *const empty[] = {"", "&", "&&&"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        rf_url_query query;
        assert_int_equal(parse(empty[i], &query), RF_OK);
        assert_int_equal(query.count, 0);
        assert_text(rf_url_query_value(&query, rf_text_of("a"), NULL), "");
    }
}

static void values_may_hold_what_ids_may_hold(void **state)
{
    (void)state;
    rf_url_query query;
    assert_int_equal(parse("productId=a%1F%7F%2F%5c%E2%80%AE", &query), RF_OK);
    assert_text(query.pairs[0].value, "a\x1F\x7F/\\\xE2\x80\xAE");
}

static void malformed_queries_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"a=%",        "a=%4",   "%zz=1",
                                      "a=%00",      "a=%ff",  "%C0%AF=1",
                                      "ok=1&a=%c3", "a=\xFF", "a=1&%"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rf_url_query query;
        assert_int_equal(parse(bad[i], &query), RF_E_INVALID_FIELD);
        assert_string_equal(err.field, "query");
    }
}

static void a_form_is_read_like_a_query(void **state)
{
    (void)state;
    rf_url_query form;
    assert_int_equal(rf_url_parse_form(&arena,
                                       rf_text_of("client_id=a+b&secret=%7E"),
                                       &form, &err),
                     RF_OK);
    assert_int_equal(form.count, 2);
    assert_text(form.pairs[0].value, "a b");
    assert_text(form.pairs[1].value, "~");
    assert_int_equal(rf_url_parse_form(&arena, rf_text_of("a=%"), &form, &err),
                     RF_E_INVALID_FIELD);
    assert_string_equal(err.field, "body");
}

static void pairs_are_limited(void **state)
{
    (void)state;
    char raw[4 * (RF_QUERY_PAIRS_MAX + 1) + 1] = "";
    rf_url_query query;
    for (size_t i = 1; i <= RF_QUERY_PAIRS_MAX + 1; i++) {
        strcat(raw, "a=1&");
        assert_int_equal(parse(raw, &query),
                         i <= RF_QUERY_PAIRS_MAX ? RF_OK : RF_E_TOO_MANY_ITEMS);
    }
    assert_non_null(strstr(err.message, "128"));
}

static void every_failed_allocation_is_a_status(void **state)
{
    (void)state;
    bool passed = false;
    for (unsigned long nth = 1; !passed; nth++) {
        rf_arena small;
        rf_path path;
        rf_url_query query;
        rf_arena_init(&small, 16, 0);
        rf_alloc_fail_at(nth);
        rf_status status =
            rf_url_split_path(&small, rf_text_of("/a%20b/c%20d"), &path, &err);
        if (status == RF_OK) {
            status =
                rf_url_parse_query(&small, rf_text_of("a=1&b=2"), &query, &err);
        }
        rf_alloc_fail_at(0);
        passed = status == RF_OK;
        assert_true(passed || status == RF_E_NO_MEMORY);
        assert_true(!passed || nth > 5);
        rf_arena_done(&small);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(paths_are_split_and_then_decoded),
        TEST(one_trailing_slash_is_ignored),
        TEST(dangerous_paths_are_refused),
        TEST(segments_are_limited),
        TEST(queries_are_read_in_order),
        TEST(empty_queries_hold_nothing),
        TEST(values_may_hold_what_ids_may_hold),
        TEST(malformed_queries_are_refused),
        TEST(a_form_is_read_like_a_query),
        TEST(pairs_are_limited),
        TEST(every_failed_allocation_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
