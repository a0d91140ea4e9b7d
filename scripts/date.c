/*
 * date.c - days and seconds of the calendar, always UTC.
 */
#include "scripts/date.h"

#include "core/day.h"

#include <string.h>

#define DAY 86400
#define MS_PER_SECOND 1000

/* The C library's own functions take a lock for the time zone; a formula that
 * asks for the date must not. Years that have no four digits are the nearest
 * that have. */
void rf_date_print(int64_t seconds, char text[RF_DAY_TEXT_SIZE])
{
    const int64_t least = rf_day_start(RF_DAY_MIN) / MS_PER_SECOND;
    int64_t kept = seconds < least                 ? least
                   : seconds > RF_DATE_SECONDS_MAX ? RF_DATE_SECONDS_MAX
                                                   : seconds;
    rf_day_print(rf_day_of(kept * MS_PER_SECOND), text);
}

/* Read two digits, which are there. */
static int read_two(rf_text text, size_t at)
{
    return (text.bytes[at] - '0') * 10 + (text.bytes[at + 1] - '0');
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
    rf_day day;
    bool has_clock = is_like(text, "0000-00-00T00:00:00Z");
    if (!has_clock && !is_like(text, "0000-00-00")) {
        return false;
    }
    int clock = 0;
    if (has_clock) {
        int minute = read_two(text, 14);
        int second = read_two(text, 17);
        clock = read_two(text, 11) * 3600 + minute * 60 + second;
        if (clock >= DAY || minute > 59 || second > 59) {
            return false;
        }
    }
    if (!rf_day_parse((rf_text){text.bytes, RF_DAY_TEXT_SIZE - 1}, &day)) {
        return false;
    }
    *seconds = rf_day_start(day) / MS_PER_SECOND + clock;
    return true;
}
