/*
 * number.h - quantities as scripts see them.
 *
 * Inside Lua a quantity is a float in whole units. What comes back is any
 * finite number in range, rounded half to even at the sixth decimal; an integer
 * is taken exactly. Quantities up to 2^51 millionths (2.2 thousand million
 * units) come back from a float as they went in.
 */
#ifndef RINGFENCE_SCRIPTS_NUMBER_H
#define RINGFENCE_SCRIPTS_NUMBER_H

#include "core/quantity.h"

#include <stdbool.h>
#include <stdint.h>

/* The float that stands for a quantity, in whole units. */
double rf_number_of_quantity(rf_quantity quantity);

/* Round whole units to a quantity; false, and `out` untouched, for NaN,
 * infinity, and what does not fit. */
RF_MUST_CHECK bool rf_number_round(double units, rf_quantity *out);

/* The same for whole units held exactly. */
RF_MUST_CHECK bool rf_number_scale(int64_t units, rf_quantity *out);

#endif
