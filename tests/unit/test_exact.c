/*
 * test_exact.c - exact percentages, roundings and dates of the prelude.
 */
#include "scripts/date.h"
#include "scripts/exact.h"
#include "tests/unit/unit.h"

#include <string.h>

#define UNIT RF_QUANTITY_SCALE

static rf_quantity percent(rf_quantity value, rf_quantity share,
                           rf_rounding rounding, unsigned decimals)
{
    rf_quantity result = 0;
    assert_true(rf_exact_percent(value, share, rounding, decimals, &result));
    return result;
}

static rf_quantity rounded(rf_quantity value, unsigned decimals,
                           rf_rounding rounding)
{
    rf_quantity result = 0;
    assert_true(rf_exact_round(value, decimals, rounding, &result));
    return result;
}

static void test_roundings_differ_where_they_should(void **state)
{
    (void)state;
    static const struct {
        rf_quantity value;
        rf_quantity floor;
        rf_quantity ceil;
        rf_quantity half_even;
        rf_quantity half_up;
    } cases[] = {
        {2400000, 2, 3, 2, 2},
        {2500000, 2, 3, 2, 3},
        {2500001, 2, 3, 3, 3},
        {3500000, 3, 4, 4, 4},
        {-2400000, -3, -2, -2, -2},
        {-2500000, -3, -2, -2, -3},
        {-2500001, -3, -2, -3, -3},
        {-3500000, -4, -3, -4, -4},
        {7000000, 7, 7, 7, 7},
        {-7000000, -7, -7, -7, -7},
        {0, 0, 0, 0, 0},
        {1, 0, 1, 0, 0},
        {-1, -1, 0, 0, 0},
        {500000, 0, 1, 0, 1},
        {-500000, -1, 0, 0, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rf_quantity value = cases[i].value;
        assert_int_equal(rounded(value, 0, RF_ROUND_FLOOR),
                         cases[i].floor * UNIT);
        assert_int_equal(rounded(value, 0, RF_ROUND_CEIL),
                         cases[i].ceil * UNIT);
        assert_int_equal(rounded(value, 0, RF_ROUND_HALF_EVEN),
                         cases[i].half_even * UNIT);
        assert_int_equal(rounded(value, 0, RF_ROUND_HALF_UP),
                         cases[i].half_up * UNIT);
    }
}

static void test_decimals_are_counted_from_the_point(void **state)
{
    (void)state;
    assert_int_equal(rounded(1234567, 6, RF_ROUND_FLOOR), 1234567);
    assert_int_equal(rounded(1234567, 5, RF_ROUND_FLOOR), 1234560);
    assert_int_equal(rounded(1234567, 2, RF_ROUND_HALF_UP), 1230000);
    assert_int_equal(rounded(1235000, 2, RF_ROUND_HALF_EVEN), 1240000);
    assert_int_equal(rounded(1245000, 2, RF_ROUND_HALF_EVEN), 1240000);
    assert_int_equal(rounded(INT64_MIN + 1, 6, RF_ROUND_FLOOR), INT64_MIN + 1);
}

static void test_percentages_are_exact(void **state)
{
    (void)state;
    assert_int_equal(percent(99 * UNIT, 2500000, RF_ROUND_FLOOR, 0), 2 * UNIT);
    assert_int_equal(percent(99 * UNIT, 2500000, RF_ROUND_FLOOR, 6), 2475000);
    /* 29 percent of 100 is below 29 in floats. */
    assert_int_equal(percent(100 * UNIT, 29 * UNIT, RF_ROUND_FLOOR, 0),
                     29 * UNIT);
    assert_int_equal(percent(-10 * UNIT, 25 * UNIT, RF_ROUND_FLOOR, 0),
                     -3 * UNIT);
    assert_int_equal(percent(-10 * UNIT, 25 * UNIT, RF_ROUND_CEIL, 0),
                     -2 * UNIT);
    assert_int_equal(percent(10 * UNIT, 25 * UNIT, RF_ROUND_HALF_EVEN, 0),
                     2 * UNIT);
    assert_int_equal(percent(1, 1, RF_ROUND_CEIL, 6), 1);
    assert_int_equal(percent(INT64_MAX, 100 * UNIT, RF_ROUND_FLOOR, 6),
                     INT64_MAX);
}

static void test_what_is_out_of_range_is_told(void **state)
{
    (void)state;
    rf_quantity result = 7;
    assert_false(
        rf_exact_percent(INT64_MAX, 101 * UNIT, RF_ROUND_FLOOR, 6, &result));
    assert_false(
        rf_exact_percent(INT64_MIN, INT64_MIN, RF_ROUND_FLOOR, 0, &result));
    assert_false(rf_exact_round(INT64_MAX, 0, RF_ROUND_CEIL, &result));
    assert_int_equal(result, 7);
}

static void expect_date(int64_t seconds, const char *date)
{
    char text[RF_DAY_TEXT_SIZE];
    rf_date_print(seconds, text);
    assert_string_equal(text, date);
}

static void test_dates_are_printed(void **state)
{
    (void)state;
    expect_date(0, "1970-01-01");
    expect_date(86399, "1970-01-01");
    expect_date(86400, "1970-01-02");
    expect_date(-1, "1969-12-31");
    expect_date(951782399, "2000-02-28");
    expect_date(951782400, "2000-02-29");
    expect_date(951868800, "2000-03-01");
    expect_date(1930899600, "2031-03-10");
    expect_date(4107542400, "2100-03-01");
    expect_date(RF_DATE_SECONDS_MAX, "9999-12-31");
    expect_date(INT64_MAX, "9999-12-31");
    expect_date(INT64_MIN, "0001-01-01");
}

static void test_every_day_comes_back(void **state)
{
    (void)state;
    for (int64_t day = -719162; day * 86400 < RF_DATE_SECONDS_MAX; day++) {
        char text[RF_DAY_TEXT_SIZE];
        int64_t seconds = 1;
        rf_date_print(day * 86400, text);
        if (!rf_date_parse(rf_text_of(text), &seconds) ||
            seconds != day * 86400) {
            fail_msg("%s is not day %lld", text, (long long)day);
        }
    }
}

static void test_texts_that_are_no_time_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "2031",
                                      "2031-3-10",
                                      "2031-13-01",
                                      "2031-00-10",
                                      "2031-02-29",
                                      "2031-04-31",
                                      "2031-03-00",
                                      "0000-01-01",
                                      "2031/03/10",
                                      "2031-03-10 ",
                                      "2031-03-10T09:00:00",
                                      "2031-03-10 09:00:00Z",
                                      "2031-03-10T24:00:00Z",
                                      "2031-03-10T09:60:00Z",
                                      "2031-03-10T09:00:60Z",
                                      "2031-03-10T09:00:00z"};
    int64_t seconds = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (rf_date_parse(rf_text_of(bad[i]), &seconds)) {
            fail_msg("'%s' was read", bad[i]);
        }
    }
    assert_int_equal(seconds, 7);
    assert_true(rf_date_parse(rf_text_of("2031-03-10T09:00:01Z"), &seconds));
    assert_int_equal(seconds, 1930899601);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roundings_differ_where_they_should),
        cmocka_unit_test(test_decimals_are_counted_from_the_point),
        cmocka_unit_test(test_percentages_are_exact),
        cmocka_unit_test(test_what_is_out_of_range_is_told),
        cmocka_unit_test(test_dates_are_printed),
        cmocka_unit_test(test_every_day_comes_back),
        cmocka_unit_test(test_texts_that_are_no_time_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
