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

/* Take "2031-03-10". */
static bool take_date(rest *text, rf_day *day)
{
    const size_t length = RF_DAY_TEXT_SIZE - 1;
    if ((size_t)(text->end - text->at) < length ||
        !rf_day_parse((rf_text){text->at, length}, day)) {
        return false;
    }
    text->at += length;
    return true;
}

/* Take a number of one digit or two. */
static bool take_short(rest *text, int max, int *out)
{
    rest start = *text;
    if (take_number(text, 2, 1, max, out)) {
        return true;
    }
    *text = start;
    return take_number(text, 1, 1, max, out);
}

/* Take "2031/3/10". */
static bool take_slashed_date(rest *text, rf_day *out)
{
    int year;
    int month;
    int day;
    return take_number(text, 4, 1, 9999, &year) && take(text, "/") &&
           take_short(text, 12, &month) && take(text, "/") &&
           take_short(text, 31, &day) && rf_day_of_date(year, month, day, out);
}

static bool take_any_date(rest *text, rf_day *out)
{
    rest start = *text;
    if (take_date(text, out)) {
        return true;
    }
    *text = start;
    return take_slashed_date(text, out);
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

/* Take what stands behind a date, to the end. */
static bool take_time(rest *text, rf_day day, int64_t *out)
{
    int64_t ms;
    int64_t east_ms;
    if (!take(text, "Tt ") || !take_time_of_day(text, &ms) ||
        !take_zone(text, &east_ms) || text->at != text->end) {
        return false;
    }
    *out = rf_day_start(day) + ms - east_ms;
    return true;
}

bool rf_time_parse(rf_text text, int64_t *out)
{
    rest left = {text.bytes, text.bytes + text.length};
    rf_day day;
    return take_date(&left, &day) && take_time(&left, day, out);
}

/* Take one of some names of three letters; `*out` is its place. */
static bool take_name(rest *text, const char *const *names, size_t count,
                      int *out)
{
    const size_t length = 3;
    if ((size_t)(text->end - text->at) < length) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (rf_text_is_name((rf_text){text->at, length},
                            rf_text_of(names[i]))) {
            text->at += length;
            *out = (int)i;
            return true;
        }
    }
    return false;
}

/* Read "Mon Mar 10 2031". */
static bool parse_printed_date(rf_text text, rf_day *out)
{
    static const char *const weekdays[] = {"sun", "mon", "tue", "wed",
                                           "thu", "fri", "sat"};
    static const char *const months[] = {"jan", "feb", "mar", "apr",
                                         "may", "jun", "jul", "aug",
                                         "sep", "oct", "nov", "dec"};
    rest left = {text.bytes, text.bytes + text.length};
    int weekday;
    int month;
    int day;
    int year;
    return take_name(&left, weekdays, 7, &weekday) && take(&left, " ") &&
           take_name(&left, months, 12, &month) && take(&left, " ") &&
           take_number(&left, 2, 1, 31, &day) && take(&left, " ") &&
           take_number(&left, 4, 1, 9999, &year) && left.at == left.end &&
           rf_day_of_date(year, month + 1, day, out);
}

bool rf_time_parse_day(rf_text text, rf_day *out)
{
    int64_t at_ms;
    if (rf_day_parse(text, out) || parse_printed_date(text, out)) {
        return true;
    }
    if (!rf_time_parse(text, &at_ms)) {
        return false;
    }
    *out = rf_day_of(at_ms);
    return true;
}

bool rf_time_parse_span(rf_text text, rf_time_span *out)
{
    rest left = {text.bytes, text.bytes + text.length};
    rf_day day;
    int64_t at_ms;
    if (!take_any_date(&left, &day)) {
        return false;
    }
    if (left.at == left.end) {
        *out = (rf_time_span){rf_day_start(day), rf_day_start(day + 1)};
        return true;
    }
    if (!take_time(&left, day, &at_ms)) {
        return false;
    }
    *out = (rf_time_span){at_ms, at_ms + 1};
    return true;
}
