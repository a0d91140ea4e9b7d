/*
 * date.c - days and seconds of the calendar, always UTC.
 *
 * Years are taken to begin in March, so that a leap day is the last of its
 * year; 400 of them, an era, always have the same number of days.
 */
#include "scripts/date.h"

#include <stdio.h>
#include <string.h>

#define DAY 86400
#define ERA_DAYS 146097
#define ERA_YEARS 400

/* Days from the first of March of the year 0 to 1970-01-01. */
#define EPOCH_DAYS 719468

/* Divide towards minus infinity. */
static int64_t divide_down(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

/* Days before the month that is `month` months after March. */
static int64_t days_before(int64_t month)
{
    return (153 * month + 2) / 5;
}

size_t rf_date_print(int64_t seconds, char text[RF_DATE_TEXT_MAX])
{
    int64_t days = divide_down(seconds, DAY) + EPOCH_DAYS;
    int64_t era = divide_down(days, ERA_DAYS);
    int64_t day = days - era * ERA_DAYS;
    /* Take out the leap days, which every 4 years but not every 100 have. */
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    int64_t month = (5 * day + 2) / 153;
    day -= days_before(month);
    year += era * ERA_YEARS + (month >= 10 ? 1 : 0);
    int length =
        snprintf(text, RF_DATE_TEXT_MAX, "%04lld-%02d-%02d", (long long)year,
                 (int)(month < 10 ? month + 3 : month - 9), (int)day + 1);
    return (size_t)length;
}

/* Read `count` digits at `at` of the text, or return -1. */
static int read_digits(rf_text text, size_t at, size_t count)
{
    int number = 0;
    for (size_t i = at; i < at + count; i++) {
        if (i >= text.length || text.bytes[i] < '0' || text.bytes[i] > '9') {
            return -1;
        }
        number = number * 10 + (text.bytes[i] - '0');
    }
    return number;
}

static int64_t count_days(int year, int month, int day)
{
    int64_t march = month > 2 ? month - 3 : month + 9;
    int64_t full = month > 2 ? year : year - 1;
    return 365 * full + full / 4 - full / 100 + full / 400 +
           days_before(march) + day - 1 - EPOCH_DAYS;
}

/* Say whether the letters and signs of a text are where a pattern has them;
 * its zeros are digits. */
static bool is_like(rf_text text, const char *pattern)
{
    if (text.length != strlen(pattern)) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        bool same = pattern[i] == '0'
                        ? text.bytes[i] >= '0' && text.bytes[i] <= '9'
                        : text.bytes[i] == pattern[i];
        if (!same) {
            return false;
        }
    }
    return true;
}

bool rf_date_parse(rf_text text, int64_t *seconds)
{
    bool has_clock = is_like(text, "0000-00-00T00:00:00Z");
    if (!has_clock && !is_like(text, "0000-00-00")) {
        return false;
    }
    int month = read_digits(text, 5, 2);
    int64_t start =
        count_days(read_digits(text, 0, 4), month, read_digits(text, 8, 2)) *
        DAY;
    int clock = 0;
    if (has_clock) {
        int minute = read_digits(text, 14, 2);
        int second = read_digits(text, 17, 2);
        clock = read_digits(text, 11, 2) * 3600 + minute * 60 + second;
        if (clock >= DAY || minute > 59 || second > 59) {
            return false;
        }
    }
    /* A day or month that does not exist is another when it is printed. */
    char printed[RF_DATE_TEXT_MAX];
    if (month > 12 || rf_date_print(start, printed) != 10 ||
        memcmp(printed, text.bytes, 10) != 0) {
        return false;
    }
    *seconds = start + clock;
    return true;
}
