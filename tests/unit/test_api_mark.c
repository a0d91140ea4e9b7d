/*
 * test_api_mark.c - marks between pages of rows.
 */
#include "server/api_mark.h"
#include "tests/unit/unit.h"

#include <string.h>

static rf_mark mark_of(const char *organization, const char *product,
                       const char *site, const char *location, bool placed)
{
    rf_place place = {0};
    place.value[RF_SITE] = rf_text_of(site);
    place.value[RF_LOCATION] = rf_text_of(location);
    rf_row row = {.organization = rf_text_of(organization),
                  .product = rf_text_of(product),
                  .place = &place};
    rf_mark mark;
    rf_mark_set(&mark, &row, placed);
    return mark;
}

static void assert_names(const rf_mark *mark, const char *organization,
                         const char *product, const char *site,
                         const char *location)
{
    rf_query_mark names = rf_mark_names(mark);
    assert_true(rf_text_equal(names.organization, rf_text_of(organization)));
    assert_true(rf_text_equal(names.product, rf_text_of(product)));
    assert_true(rf_text_equal(names.site, rf_text_of(site)));
    assert_true(rf_text_equal(names.location, rf_text_of(location)));
}

static void test_a_mark_says_where_the_row_was(void **state)
{
    (void)state;
    rf_mark mark = mark_of("usmf", "LAMP", "1", "", true);
    assert_names(&mark, "usmf", "LAMP", "1", "");
    mark = mark_of("usmf", "LAMP", "1", "W", false);
    assert_names(&mark, "usmf", "LAMP", "", "");
}

static void test_marks_are_compared(void **state)
{
    (void)state;
    rf_mark mark = mark_of("a", "bc", "1", "W", true);
    rf_mark same = mark_of("a", "bc", "1", "W", true);
    rf_mark moved = mark_of("ab", "c", "1", "W", true);
    rf_mark elsewhere = mark_of("a", "bc", "1", "X", true);
    assert_true(rf_mark_equal(&mark, &same));
    assert_false(rf_mark_equal(&mark, &moved));
    assert_false(rf_mark_equal(&mark, &elsewhere));
}

static void test_a_text_is_read_back(void **state)
{
    (void)state;
    char organization[RF_ORGANIZATION_BYTES_MAX + 1] = "";
    char product[RF_PRODUCT_BYTES_MAX + 1] = "";
    char value[RF_PLACE_VALUE_BYTES_MAX + 1] = "";
    memset(organization, 'o', sizeof organization - 1);
    memset(product, 'p', sizeof product - 1);
    memset(value, 'v', sizeof value - 1);
    const rf_mark marks[] = {
        mark_of("", "", "", "", true), mark_of("usmf", "a/b+c", "1", "W", true),
        mark_of(organization, product, value, value, true)};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        char text[RF_MARK_TEXT_MAX];
        rf_mark read;
        rf_mark_print(&marks[i], text);
        assert_true(rf_mark_parse(rf_text_of(text), &read));
        assert_true(rf_mark_equal(&marks[i], &read));
    }
}

/* Whatever is cut off, added or changed: no mark, or one that can be taken
 * apart. */
static void test_other_texts_are_refused(void **state)
{
    (void)state;
    rf_mark read;
    char text[RF_MARK_TEXT_MAX];
    rf_mark mark = mark_of("usmf", "LAMP", "1", "W", true);
    rf_mark_print(&mark, text);
    size_t length = strlen(text);
    for (size_t cut = 0; cut < length; cut++) {
        assert_false(rf_mark_parse((rf_text){text, cut}, &read));
    }
    for (size_t i = 0; i < length; i++) {
        for (int byte = 1; byte < 256; byte++) {
            char changed[RF_MARK_TEXT_MAX];
            memcpy(changed, text, length + 1);
            changed[i] = (char)byte;
            if (rf_mark_parse((rf_text){changed, length}, &read)) {
                (void)rf_mark_names(&read);
            }
        }
    }
    char longer[RF_MARK_TEXT_MAX + 8];
    memset(longer, 'A', sizeof longer);
    for (size_t more = 1; more <= sizeof longer; more++) {
        assert_true(more == 6 || /* four empty names */
                    !rf_mark_parse((rf_text){longer, more}, &read));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mark_says_where_the_row_was),
        cmocka_unit_test(test_marks_are_compared),
        cmocka_unit_test(test_a_text_is_read_back),
        cmocka_unit_test(test_other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
