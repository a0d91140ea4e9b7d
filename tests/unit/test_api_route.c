/*
 * test_api_route.c - which path, method and media type belongs to a route.
 */
#include "server/api_route.h"
#include "tests/unit/unit.h"

#include <string.h>

#define SEGMENTS_MAX 8

/* Split at slashes; the text starts with one, or is empty. */
static size_t split(const char *path, rf_text segments[SEGMENTS_MAX])
{
    size_t count = 0;
    while (*path == '/') {
        size_t length = strcspn(path + 1, "/");
        segments[count++] = (rf_text){path + 1, length};
        path += 1 + length;
    }
    return count;
}

static bool matches(const char *pattern, const char *path)
{
    rf_text segments[SEGMENTS_MAX];
    size_t count = split(path, segments);
    return rf_route_matches(pattern, segments, count);
}

static void paths_match_as_a_whole(void **state)
{
    (void)state;
    assert_true(matches("/onhand", "/onhand"));
    assert_true(matches("/onhand/reserve/bulk", "/onhand/reserve/bulk"));
    assert_false(matches("/onhand", "/onhand/reserve"));
    assert_false(matches("/onhand/reserve", "/onhand"));
    assert_false(matches("/onhand/reserve", "/onhand/reserved"));
    assert_false(matches("/onhand/reserve", "/onhand/reserv"));
    assert_false(matches("/onhand/reserve", "/reserve/onhand"));
    assert_false(matches("/onhand", ""));
    assert_true(matches("/", ""));
    assert_false(matches("/", "/onhand"));
}

static void paths_match_in_any_letter_case(void **state)
{
    (void)state;
    assert_true(matches("/onhand/indexquery", "/OnHand/IndexQuery"));
    assert_true(matches("/health/ping", "/HEALTH/PING"));
}

static void a_decoded_slash_is_no_border(void **state)
{
    (void)state;
    rf_text segment = rf_text_of("onhand/reserve");
    assert_false(rf_route_matches("/onhand/reserve", &segment, 1));
}

static void names_in_braces_stand_for_any_segment(void **state)
{
    (void)state;
    assert_true(matches("/plugins/{name}", "/plugins/Safety"));
    assert_true(matches("/plugins/{name}", "/plugins/{name}"));
    assert_true(matches("/plugins/{name}/{file}", "/PLUGINS/a/plugin.lua"));
    assert_true(matches("/orders/{source}/lines", "/orders/web/lines"));
    assert_false(matches("/plugins/{name}", "/plugins"));
    assert_false(matches("/plugins/{name}", "/plugins/a/b"));
    assert_false(matches("/plugins/{name}/{file}", "/plugins/a"));
    assert_false(matches("/orders/{source}/lines", "/orders/web/parts"));
    assert_false(matches("/orders/{source}/lines", "/orders/web"));
}

static void segments_in_braces_are_captured(void **state)
{
    rf_text segments[SEGMENTS_MAX];
    rf_text captured[RF_ROUTE_CAPTURES_MAX] = {{0}};
    (void)state;
    split("/plugins/Safety/plugin.lua", segments);
    rf_route_capture("/plugins/{name}/{file}", segments, captured);
    assert_true(rf_text_equal(captured[0], rf_text_of("Safety")));
    assert_true(rf_text_equal(captured[1], rf_text_of("plugin.lua")));
    assert_null(captured[2].bytes);
    split("/a/B/c/D", segments);
    rf_route_capture("/a/{x}/c/{y}", segments, captured);
    assert_true(rf_text_equal(captured[0], rf_text_of("B")));
    assert_true(rf_text_equal(captured[1], rf_text_of("D")));
}

static void head_is_answered_like_get(void **state)
{
    (void)state;
    assert_true(rf_route_answers(RF_METHOD_GET, RF_METHOD_GET));
    assert_true(rf_route_answers(RF_METHOD_GET, RF_METHOD_HEAD));
    assert_false(rf_route_answers(RF_METHOD_POST, RF_METHOD_HEAD));
    assert_false(rf_route_answers(RF_METHOD_POST, RF_METHOD_GET));
}

static void methods_are_listed(void **state)
{
    (void)state;
    assert_string_equal(rf_route_allow(1U << RF_METHOD_GET), "GET, HEAD");
    assert_string_equal(rf_route_allow(1U << RF_METHOD_POST), "POST");
    assert_string_equal(rf_route_allow(1U << RF_METHOD_DELETE), "DELETE");
    assert_string_equal(
        rf_route_allow(1U << RF_METHOD_GET | 1U << RF_METHOD_POST),
        "GET, HEAD, POST");
    assert_string_equal(
        rf_route_allow(1U << RF_METHOD_PUT | 1U << RF_METHOD_DELETE),
        "PUT, DELETE");
}

static void json_in_utf8_is_taken(void **state)
{
    static const char *const good[] = {
        "",
        "  ",
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json ; charset=\"utf-8\"",
        "application/json; odata.metadata=minimal; charset=utf-8",
        "application/json;",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(rf_route_is_json(rf_text_of(good[i])));
    }
}

static void other_types_are_not(void **state)
{
    static const char *const bad[] = {
        "text/plain",
        "application/jsonp",
        "application/json; charset=utf-16",
        "application/json; charset=",
        "application/json; charset=utf-8; charset=latin1",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "json",
        "; charset=utf-8",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(rf_route_is_json(rf_text_of(bad[i])));
    }
}

static void scripts_come_as_text(void **state)
{
    static const char *const good[] = {
        "",
        "text/plain",
        "Text/X-Lua",
        "application/octet-stream",
        "text/plain; charset=UTF-8",
    };
    static const char *const bad[] = {
        "application/json",
        "text/html",
        "text/plain; charset=latin1",
        "application/x-www-form-urlencoded",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(rf_route_is_text(rf_text_of(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(rf_route_is_text(rf_text_of(bad[i])));
    }
}

static void forms_are_told_by_their_type(void **state)
{
    static const struct {
        const char *type;
        const char *boundary; /* NULL: not in parts */
        bool is_form;
    } cases[] = {
        {"", NULL, false},
        {" ", NULL, false},
        {"application/json", NULL, false},
        {"application/x-www-form-urlencoded", NULL, true},
        {"Application/X-WWW-Form-Urlencoded ; charset=UTF-8", NULL, true},
        {"application/x-www-form-urlencoded; charset=latin1", NULL, false},
        {"multipart/mixed; boundary=b", NULL, false},
        {"multipart/form-data", "", false},
        {"multipart/form-data; charset=utf-8", "", false},
        {"multipart/form-data; boundary=--b", "--b", false},
        {"MULTIPART/form-data;Boundary=\"a b\" ; charset=utf-8", "a b", false},
        {"multipart/form-data; boundary=\"", "\"", false},
        {"multipart/form-data; boundary=", "", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rf_text boundary;
        rf_text type = rf_text_of(cases[i].type);
        assert_true(rf_route_is_form(type) == cases[i].is_form);
        assert_true(rf_route_is_multipart(type, &boundary) ==
                    (cases[i].boundary != NULL));
        if (cases[i].boundary != NULL) {
            assert_true(rf_text_equal(boundary, rf_text_of(cases[i].boundary)));
        }
    }
}

static void accept_weighs_what_it_names(void **state)
{
    static const struct {
        const char *accept;
        unsigned weight;
    } cases[] = {
        {"", 0},
        {"a/b", 1000},
        {" A/B ", 1000},
        {"a/bc", 0},
        {"*/*", 0},
        {"c/d, a/b;q=0.5", 500},
        {"a/b;q=0", 0},
        {"a/b;q=0.001", 1},
        {"a/b;q=1.000", 1000},
        {"a/b;q=1.001", 0},
        {"a/b;q=2", 0},
        {"a/b;q=", 0},
        {"a/b;q=0.5555", 0},
        {"a/b;q=,5", 0},
        {"a/b;level=1;Q=0.25", 250},
        {"a/b;q=0.2, a/b", 200},
        {",;,a/b", 1000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(rf_route_accepts(rf_text_of(cases[i].accept), "a/b"),
                         cases[i].weight);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_match_as_a_whole),
        cmocka_unit_test(paths_match_in_any_letter_case),
        cmocka_unit_test(a_decoded_slash_is_no_border),
        cmocka_unit_test(names_in_braces_stand_for_any_segment),
        cmocka_unit_test(segments_in_braces_are_captured),
        cmocka_unit_test(head_is_answered_like_get),
        cmocka_unit_test(methods_are_listed),
        cmocka_unit_test(json_in_utf8_is_taken),
        cmocka_unit_test(other_types_are_not),
        cmocka_unit_test(scripts_come_as_text),
        cmocka_unit_test(forms_are_told_by_their_type),
        cmocka_unit_test(accept_weighs_what_it_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
