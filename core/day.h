/*
 * day.h - days, which is as exactly as anything can be scheduled.
 *
 * A day is a number, counted from 1970 in UTC. As a coordinate of stored nodes
 * it is text, "2031-03-11", which sorts as the days do.
 */
#ifndef RINGFENCE_CORE_DAY_H
#define RINGFENCE_CORE_DAY_H

#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

typedef int32_t rf_day;

/* The days from the year 1 to 9999: what has four digits. */
#define RF_DAY_MIN (-719162)
#define RF_DAY_MAX 2932896

/* "2031-03-11" and a NUL. */
#define RF_DAY_TEXT_SIZE 11

/* Return the day that a time in milliseconds since 1970 lies in. */
rf_day rf_day_of(int64_t at_ms);

/* Return the time at which a day begins. */
int64_t rf_day_start(rf_day day);

/* Find the day of a date; false: there is no such date. */
bool rf_day_of_date(int year, int month, int day, rf_day *out);

/* Write a day from RF_DAY_MIN to RF_DAY_MAX as text, and read that back; false:
 * it is none. */
void rf_day_print(rf_day day, char text[RF_DAY_TEXT_SIZE]);
bool rf_day_parse(rf_text text, rf_day *out);

#endif
