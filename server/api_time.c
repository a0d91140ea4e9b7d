/*
 * api_time.c - reading dates, times of day and zones.
 */
#include "server/api_time.h"

#define MS_PER_MINUTE 60000

/* What is left of the text that is being read. */
typedef struct rest {
    const char *at;
    const char *end;
} rest;

/* Take exactly `count` digits that stand for a number from `min` to `max`. */
static bool take_number(rest *text, int count, int min, int max, int *out)
{
    int number = 0;
    if (text->end - text->at < count) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        char digit = *text->at++;
        if (digit < '0' || digit > '9') {
            return false;
        }
        number = number * 10 + (digit - '0');
    }
    *out = number;
    return number >= min && number <= max;
}

static bool take_one_of(rest *text, const char *characters, char *out)
{
    if (text->at == text->end) {
        return false;
    }
    for (const char *c = characters; *c != '\0'; c++) {
        if (*c == *text->at) {
            *out = *text->at++;
            return true;
        }
    }
    return false;
}

static bool take(rest *text, const char *characters)
{
    char ignored;
    return take_one_of(text, characters, &ignored);
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

/* Count the days from 1970 to a date. Years begin in March here, so that the
 * leap day is the last of its year: the months before then have as many days
 * as (153 m + 2) / 5 says. */
static int64_t days_to(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t m = month > 2 ? month - 3 : month + 9;
    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 -
           719468;
}

static bool take_date(rest *text, int64_t *days)
{
    int year;
    int month;
    int day;
    if (!take_number(text, 4, 1, 9999, &year) || !take(text, "-") ||
        !take_number(text, 2, 1, 12, &month) || !take(text, "-") ||
        !take_number(text, 2, 1, days_of_month(year, month), &day)) {
        return false;
    }
    *days = days_to(year, month, day);
    return true;
}

/* Take ".25", if it is there: of any length, but not of none. */
static bool take_fraction(rest *text, int *ms)
{
    int place = 100;
    *ms = 0;
    if (!take(text, ".")) {
        return true;
    }
    const char *start = text->at;
    int digit;
    while (text->at < text->end && *text->at >= '0' && *text->at <= '9' &&
           take_number(text, 1, 0, 9, &digit)) {
        *ms += digit * place;
        place /= 10;
    }
    return text->at > start;
}

static bool take_time_of_day(rest *text, int64_t *ms)
{
    int hour;
    int minute;
    int second;
    int fraction;
    if (!take_number(text, 2, 0, 23, &hour) || !take(text, ":") ||
        !take_number(text, 2, 0, 59, &minute) || !take(text, ":") ||
        !take_number(text, 2, 0, 60, &second) ||
        !take_fraction(text, &fraction)) {
        return false;
    }
    *ms = (int64_t)((hour * 60 + minute) * 60 + second) * 1000 + fraction;
    return true;
}

/* Take "Z", "+01:00", or nothing, which is UTC. */
static bool take_zone(rest *text, int64_t *east_ms)
{
    char sign;
    int hours;
    int minutes;
    *east_ms = 0;
    if (text->at == text->end || take(text, "Zz")) {
        return true;
    }
    if (!take_one_of(text, "+-", &sign) ||
        !take_number(text, 2, 0, 23, &hours) || !take(text, ":") ||
        !take_number(text, 2, 0, 59, &minutes)) {
        return false;
    }
    int east = sign == '+' ? hours * 60 + minutes : -(hours * 60 + minutes);
    *east_ms = (int64_t)east * MS_PER_MINUTE;
    return true;
}

bool rf_time_parse(rf_text text, int64_t *out)
{
    rest left = {text.bytes, text.bytes + text.length};
    int64_t days;
    int64_t ms;
    int64_t east_ms;
    if (!take_date(&left, &days) || !take(&left, "Tt ") ||
        !take_time_of_day(&left, &ms) || !take_zone(&left, &east_ms) ||
        left.at != left.end) {
        return false;
    }
    *out = days * 24 * 60 * MS_PER_MINUTE + ms - east_ms;
    return true;
}
