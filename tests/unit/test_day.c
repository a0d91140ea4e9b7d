/*
 * test_day.c - days and dates.
 */
#include "core/day.h"
#include "tests/unit/unit.h"

#include <time.h>

static void test_known_dates(void **state)
{
    static const struct {
        const char *text;
        rf_day day;
    } known[] = {
        {"1970-01-01", 0},          {"1969-12-31", -1},
        {"2000-02-29", 11016},      {"2031-03-11", 22349},
        {"0001-01-01", RF_DAY_MIN}, {"9999-12-31", RF_DAY_MAX},
    };
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        rf_day day = 0;
        char text[RF_DAY_TEXT_SIZE];
        assert_true(rf_day_parse(rf_text_of(known[i].text), &day));
        assert_int_equal(day, known[i].day);
        rf_day_print(day, text);
        assert_string_equal(text, known[i].text);
    }
}

/* Every day of 9999 years there and back, and some against the C library. */
static void test_every_day(void **state)
{
    char text[RF_DAY_TEXT_SIZE];
    (void)state;
    for (rf_day day = RF_DAY_MIN; day <= RF_DAY_MAX; day++) {
        rf_day back;
        rf_day_print(day, text);
        assert_true(rf_day_parse(rf_text_of(text), &back));
        assert_int_equal(back, day);
    }
    for (rf_day day = -100000; day <= 100000; day += 97) {
        time_t seconds = (time_t)(rf_day_start(day) / 1000);
        struct tm utc;
        char expected[32];
        assert_non_null(gmtime_r(&seconds, &utc));
        strftime(expected, sizeof expected, "%Y-%m-%d", &utc);
        rf_day_print(day, text);
        assert_string_equal(text, expected);
    }
}

static void test_no_dates(void **state)
{
    static const char *const texts[] = {
        "",           "2031-3-11",  "2031-03-11 ", "2031-02-29", "2100-02-29",
        "2031-00-01", "2031-13-01", "2031-01-00",  "2031-01-32", "0000-01-01",
        "2031/03/11", "2031-03-1x", "-031-03-11",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        rf_day day;
        assert_false(rf_day_parse(rf_text_of(texts[i]), &day));
    }
}

static void test_days_begin_at_midnight(void **state)
{
    (void)state;
    assert_int_equal(rf_day_of(0), 0);
    assert_int_equal(rf_day_of(86399999), 0);
    assert_int_equal(rf_day_of(86400000), 1);
    assert_int_equal(rf_day_of(-1), -1);
    assert_int_equal(rf_day_of(INT64_MAX), RF_DAY_MAX);
    assert_int_equal(rf_day_of(INT64_MIN), RF_DAY_MIN);
    assert_int_equal(rf_day_start(22349), INT64_C(22349) * 86400000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_dates),
        cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_no_dates),
        cmocka_unit_test(test_days_begin_at_midnight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
