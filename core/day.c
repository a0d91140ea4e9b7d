/*
 * day.c - from dates to days and back.
 *
 * Years begin in March here, so that the leap day is the last of its year: the
 * months before one have as many days as (153 m + 2) / 5 says.
 */
#include "core/day.h"

#include "core/error.h"

#include <stdio.h>

#define MS_PER_DAY INT64_C(86400000)
#define DAYS_PER_ERA 146097 /* 400 years */
#define ERA_OF_1970 719468  /* days from 1 March of the year 0 to 1970 */

rf_day rf_day_of(int64_t at_ms)
{
    int64_t day = at_ms / MS_PER_DAY - (at_ms % MS_PER_DAY < 0 ? 1 : 0);
    return day < RF_DAY_MIN   ? RF_DAY_MIN
           : day > RF_DAY_MAX ? RF_DAY_MAX
                              : (rf_day)day;
}

int64_t rf_day_start(rf_day day)
{
    return day * MS_PER_DAY;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

bool rf_day_of_date(int year, int month, int day, rf_day *out)
{
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 ||
        day > days_of_month(year, month)) {
        return false;
    }
    int y = month > 2 ? year : year - 1;
    int m = month > 2 ? month - 3 : month + 9;
    *out = y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 -
           ERA_OF_1970;
    return true;
}

void rf_day_print(rf_day day, char text[RF_DAY_TEXT_SIZE])
{
    RF_ASSERT(day >= RF_DAY_MIN && day <= RF_DAY_MAX);
    int era_day = (day + ERA_OF_1970) % DAYS_PER_ERA;
    int era_year = (era_day - era_day / 1460 + era_day / 36524 -
                    era_day / (DAYS_PER_ERA - 1)) /
                   365;
    int year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
    int m = (5 * year_day + 2) / 153;
    int month = m < 10 ? m + 3 : m - 9;
    int year = (day + ERA_OF_1970) / DAYS_PER_ERA * 400 + era_year +
               (month <= 2 ? 1 : 0);
    char digits[40];
    snprintf(digits, sizeof digits, "%04d-%02d-%02d", year, month,
             year_day - (153 * m + 2) / 5 + 1);
    snprintf(text, RF_DAY_TEXT_SIZE, "%.10s", digits);
}

static bool read_digits(const char *at, int count, int *out)
{
    *out = 0;
    for (int i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9') {
            return false;
        }
        *out = *out * 10 + (at[i] - '0');
    }
    return true;
}

bool rf_day_parse(rf_text text, rf_day *out)
{
    int year;
    int month;
    int day;
    return text.length == RF_DAY_TEXT_SIZE - 1 && text.bytes[4] == '-' &&
           text.bytes[7] == '-' && read_digits(text.bytes, 4, &year) &&
           read_digits(text.bytes + 5, 2, &month) &&
           read_digits(text.bytes + 8, 2, &day) &&
           rf_day_of_date(year, month, day, out);
}
