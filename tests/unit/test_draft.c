/*
 * test_draft.c - collecting the mistakes of a document.
 */
#include "core/draft.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static void test_each_mistake_keeps_its_place(void **state)
{
    (void)state;
    rf_problems problems = {0};
    rf_problems_add(&problems, rf_text_of("$.a[0]"), "%s is wrong", "x");
    rf_problems_add(&problems, (rf_text){NULL, 0}, "nowhere");
    assert_int_equal(problems.count, 2);
    assert_string_equal(problems.items[0].path, "$.a[0]");
    assert_string_equal(problems.items[0].message, "x is wrong");
    assert_string_equal(problems.items[1].path, "");
}

static void test_what_is_too_much_is_counted(void **state)
{
    (void)state;
    rf_problems problems = {0};
    for (int i = 0; i < RF_PROBLEMS_MAX + 5; i++) {
        rf_problems_add(&problems, rf_text_of("$"), "%d", i);
    }
    assert_int_equal(problems.count, RF_PROBLEMS_MAX + 5);
    assert_string_equal(problems.items[RF_PROBLEMS_MAX - 1].message, "19");
}

static void test_texts_are_cut_between_characters(void **state)
{
    (void)state;
    char text[401];
    rf_problems problems = {0};
    for (size_t start = 0; start < 2; start++) {
        memset(text, 'a', start);
        for (size_t i = start; i + 2 < sizeof text; i += 2) {
            memcpy(text + i, "\xC3\xA9", 3);
        }
        rf_problems_add(&problems, rf_text_of(text), "%s", text);
    }
    size_t size = sizeof problems.items[0].message;
    for (size_t i = 0; i < 2; i++) {
        /* 159 bytes hold 79 characters of two bytes, or one of one as well. */
        assert_int_equal(strlen(problems.items[i].message), size - 2 + i);
        assert_int_equal(strlen(problems.items[i].path), size - 2 + i);
    }
    assert_int_equal(rf_shown_length(rf_text_of(text)), 71);
    assert_int_equal(rf_shown_length(rf_text_of("short")), 5);
    assert_int_equal(rf_shown_length((rf_text){NULL, 0}), 0);
}

static void test_a_failure_lists_what_fits(void **state)
{
    (void)state;
    rf_problems problems = {0};
    rf_error err;
    rf_problems_add(&problems, rf_text_of("$.a"), "is bad");
    assert_int_equal(rf_problems_fail(&problems, &err), RF_E_BAD_CONFIGURATION);
    assert_int_equal(err.status, RF_E_BAD_CONFIGURATION);
    assert_string_equal(err.field, "$.a");
    assert_string_equal(err.message, "$.a: is bad");

    rf_problems_add(&problems, rf_text_of("$.b"), "is worse");
    rf_problems_fail(&problems, &err);
    assert_string_equal(err.message, "$.a: is bad; $.b: is worse");

    for (int i = 0; i < 100; i++) {
        rf_problems_add(&problems, rf_text_of("$.c"), "number %d", i);
    }
    rf_problems_fail(&problems, &err);
    assert_memory_equal(err.message, "$.a: is bad; $.b: is worse; $.c: ", 33);
    const char *more = strstr(err.message, "; and ");
    int rest = 0;
    int listed = 1;
    assert_non_null(more);
    assert_int_equal(sscanf(more, "; and %d more", &rest), 1);
    for (const char *at = err.message; at < more; at++) {
        listed += *at == ';' ? 1 : 0;
    }
    assert_int_equal(listed + rest, 102);
}

/* Mistakes of the document come first: they may be what caused the others. */
static void test_the_status_is_the_documents_or_the_firsts(void **state)
{
    (void)state;
    rf_problems problems = {0};
    rf_error err;
    rf_script_place place = {
        .plugin = "acme", .file = "plugin.lua", .function = "iv.x", .line = 7};
    rf_problems_add_as(&problems, RF_E_UNKNOWN_MEASURE, RF_TEXT_EMPTY, &place,
                       "there is no measure %s", "a.b");
    rf_problems_add_as(&problems, RF_E_FORMULA_CYCLE, rf_text_of("$.x"), NULL,
                       "round and round");
    assert_int_equal(rf_problems_fail(&problems, &err), RF_E_UNKNOWN_MEASURE);
    assert_int_equal(err.status, RF_E_UNKNOWN_MEASURE);
    assert_string_equal(err.field, "acme/plugin.lua:7");
    assert_string_equal(err.script.plugin, "acme");
    assert_int_equal(err.script.line, 7);
    rf_problems_add(&problems, rf_text_of("$.y"), "no list");
    assert_int_equal(rf_problems_fail(&problems, &err), RF_E_BAD_CONFIGURATION);
    rf_fail(&err, RF_E_INTERNAL, "another");
    assert_string_equal(err.script.plugin, "");
}

static void test_a_long_first_mistake_stands_alone(void **state)
{
    (void)state;
    char path[160];
    memset(path, 'p', sizeof path);
    path[sizeof path - 1] = '\0';
    rf_problems problems = {0};
    rf_error err;
    rf_problems_add(&problems, rf_text_of(path), "%0150d", 1);
    rf_problems_add(&problems, rf_text_of("$"), "another");
    rf_problems_fail(&problems, &err);
    assert_int_equal(strlen(err.field), sizeof err.field - 1);
    assert_string_equal(err.message, problems.items[0].message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_mistake_keeps_its_place),
        cmocka_unit_test(test_what_is_too_much_is_counted),
        cmocka_unit_test(test_texts_are_cut_between_characters),
        cmocka_unit_test(test_a_failure_lists_what_fits),
        cmocka_unit_test(test_the_status_is_the_documents_or_the_firsts),
        cmocka_unit_test(test_a_long_first_mistake_stands_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
