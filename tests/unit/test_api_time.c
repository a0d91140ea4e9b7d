/*
 * test_api_time.c - which texts are times, and which ones.
 */
#include "server/api_time.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <time.h>

static void test_times(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } times[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"0001-01-01T00:00:00Z", INT64_C(-62135596800000)},
        {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
        {"2000-02-29T12:00:00Z", INT64_C(951825600000)},
        {"2031-03-10T09:00:00Z", INT64_C(1930899600000)},
        {"2031-03-10t09:00:00z", INT64_C(1930899600000)},
        {"2031-03-10 09:00:00", INT64_C(1930899600000)},
        {"2031-03-10T09:00:00+00:00", INT64_C(1930899600000)},
        {"2031-03-10T10:30:00+01:30", INT64_C(1930899600000)},
        {"2031-03-09T22:00:00-11:00", INT64_C(1930899600000)},
        {"2031-03-10T08:59:60Z", INT64_C(1930899600000)},
        {"2031-03-10T09:00:00.5Z", INT64_C(1930899600500)},
        {"2031-03-10T09:00:00.05", INT64_C(1930899600050)},
        {"2031-03-10T09:00:00.0019999999999Z", INT64_C(1930899600001)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        int64_t ms = 7;
        assert_true(rf_time_parse(rf_text_of(times[i].text), &ms));
        if (ms != times[i].ms) {
            fail_msg("%s is %lld", times[i].text, (long long)ms);
        }
    }
}

static void test_what_is_no_time(void **state)
{
    static const char *const texts[] = {
        "",
        "2031",
        "2031-03-10",
        "2031-03-10T",
        "2031-03-10T09:00",
        "2031-03-10T09:00Z",
        "2031-03-10T09:00:00ZZ",
        "2031-03-10T09:00:00 Z",
        " 2031-03-10T09:00:00Z",
        "2031-03-10_09:00:00Z",
        "2031/03/10T09:00:00Z",
        "31-03-10T09:00:00Z",
        "+2031-03-10T09:00:00Z",
        "0000-03-10T09:00:00Z",
        "12031-03-10T09:00:00Z",
        "2031-3-10T09:00:00Z",
        "2031-00-10T09:00:00Z",
        "2031-13-10T09:00:00Z",
        "2031-03-00T09:00:00Z",
        "2031-03-32T09:00:00Z",
        "2031-04-31T09:00:00Z",
        "2031-02-29T09:00:00Z",
        "1900-02-29T09:00:00Z",
        "2031-03-10T24:00:00Z",
        "2031-03-10T09:60:00Z",
        "2031-03-10T09:00:61Z",
        "2031-03-10T09:00:00.",
        "2031-03-10T09:00:00.Z",
        "2031-03-10T09:00:00,5Z",
        "2031-03-10T09:00:00+",
        "2031-03-10T09:00:00+01",
        "2031-03-10T09:00:00+0100",
        "2031-03-10T09:00:00+24:00",
        "2031-03-10T09:00:00-01:60",
        "2031-03-10T09:00:00 PM",
        "yesterday",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t ms = 7;
        if (rf_time_parse(rf_text_of(texts[i]), &ms)) {
            fail_msg("'%s' is no time", texts[i]);
        }
        assert_true(ms == 7);
    }
    int64_t ms;
    assert_false(rf_time_parse((rf_text){NULL, 0}, &ms));
}

/* Every prefix of a time that ends before the seconds do is none. */
static void test_beginnings(void **state)
{
    const char *whole = "2031-03-10T09:00:00";
    int64_t ms;
    (void)state;
    for (size_t length = 0; length < 19; length++) {
        assert_false(rf_time_parse((rf_text){whole, length}, &ms));
    }
    assert_true(rf_time_parse((rf_text){whole, 19}, &ms));
}

/* Every day of the calendar is the one after the day before. */
static void test_every_day(void **state)
{
    int64_t day_ms = INT64_C(86400000);
    int64_t expected = INT64_C(-62135596800000);
    char text[64];
    (void)state;
    for (; expected < INT64_C(253402300800000); expected += day_ms) {
        time_t seconds = (time_t)(expected / 1000);
        struct tm utc;
        int64_t ms;
        assert_non_null(gmtime_r(&seconds, &utc));
        snprintf(text, sizeof text, "%04d-%02d-%02dT00:00:00Z",
                 utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday);
        assert_true(rf_time_parse(rf_text_of(text), &ms));
        assert_true(ms == expected);
    }
}

static void expect_span(const char *text, int64_t start_ms, int64_t length_ms)
{
    rf_time_span span = {-1, -1};
    if (!rf_time_parse_span(rf_text_of(text), &span)) {
        fail_msg("%s is a span", text);
    }
    assert_true(span.start_ms == start_ms);
    assert_true(span.end_ms == start_ms + length_ms);
}

/* 2023-08-23 is day 19592. */
static void test_dates_and_times_as_spans(void **state)
{
    const int64_t day = INT64_C(86400000);
    const int64_t start = 19592 * day;
    (void)state;
    expect_span("2023/8/23", start, day);
    expect_span("2023/08/23", start, day);
    expect_span("2023-08-23", start, day);
    expect_span("1970-01-01", 0, day);
    expect_span("1969/12/31", -day, day);
    expect_span("2023/8/23 10:00:00", start + 36000000, 1);
    expect_span("2023-08-23T10:00:00Z", start + 36000000, 1);
    expect_span("2023-08-23T10:00:00.250+10:00", start + 250, 1);
}

static void test_what_is_no_span(void **state)
{
    static const char *const texts[] = {
        "",           "2023",       "2023/8",     "2023/13/1",  "2023/2/29",
        "2023/8/0",   "2023/8/32",  "2023/8/23T", "2023-8-23",  "2023/8-23",
        "2023/8/23x", "2023/8/231", "8/23/2023",  "2023-08-23Z"};
    rf_time_span span = {1, 2};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (rf_time_parse_span(rf_text_of(texts[i]), &span)) {
            fail_msg("%s is no span", texts[i]);
        }
    }
    assert_true(span.start_ms == 1 && span.end_ms == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_what_is_no_time),
        cmocka_unit_test(test_beginnings),
        cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_dates_and_times_as_spans),
        cmocka_unit_test(test_what_is_no_span),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
