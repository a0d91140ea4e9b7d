/*
 * date.h - days and seconds of the calendar, always UTC.
 */
#ifndef RINGFENCE_SCRIPTS_DATE_H
#define RINGFENCE_SCRIPTS_DATE_H

#include "core/day.h"
#include "core/error.h"
#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

/* The last second of the year 9999. */
#define RF_DATE_SECONDS_MAX INT64_C(253402300799)

/* Print the day of a Unix time as "2031-03-10". */
void rf_date_print(int64_t seconds, char text[RF_DAY_TEXT_SIZE]);

/* Read "2031-03-10" or "2031-03-10T09:00:00Z", from the year 1 on, as Unix
 * time; false for anything else. */
RF_MUST_CHECK bool rf_date_parse(rf_text text, int64_t *seconds);

#endif
