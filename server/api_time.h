/*
 * api_time.h - times as clients write them.
 *
 * The form is that of RFC 3339, "2031-03-10T09:00:00Z", with what is common
 * beyond it: "t" or a space for "T", and no zone at all, which is UTC. How
 * times are told is api_result.h's rf_put_time.
 */
#ifndef RINGFENCE_SERVER_API_TIME_H
#define RINGFENCE_SERVER_API_TIME_H

#include "core/day.h"
#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

/* Longer than any date or time is written. */
#define RF_TIME_CHARACTERS_MAX 100

/* Read a time into milliseconds since 1970, UTC; negative before. What is
 * finer than a millisecond is cut off, and a leap second is the first one of
 * the next minute. Return false when it is none: `*out` stays as it was. */
bool rf_time_parse(rf_text text, int64_t *out);

/* Read a date: "2031-03-10", a time as above, whose day in UTC counts, or the
 * form that JavaScript prints, "Mon Mar 10 2031", whose weekday is not checked.
 * Return false when it is none: `*out` stays as it was. */
bool rf_time_parse_day(rf_text text, rf_day *out);

/* A stretch of time: from `start_ms`, which is in it, to `end_ms`, which is
 * not.
 */
typedef struct rf_time_span {
    int64_t start_ms;
    int64_t end_ms;
} rf_time_span;

/* Read a date, which is a whole day in UTC, or a time, which is a millisecond.
 * A date is "2031-03-10" or "2031/3/10"; a time may begin with either. Return
 * false when it is none: `*out` stays as it was. */
bool rf_time_parse_span(rf_text text, rf_time_span *out);

#endif
