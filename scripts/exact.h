/*
 * exact.h - percentages and roundings on decimals, for the prelude.
 *
 * Lua computes in floats; where a floor or a percentage decides whether a unit
 * is sold, the prelude does it here, in whole numbers of millionths and twice
 * the width of a quantity. The prelude has the same in Lua for plugins that
 * are tested without a server, and both must give the same digits.
 */
#ifndef RINGFENCE_SCRIPTS_EXACT_H
#define RINGFENCE_SCRIPTS_EXACT_H

#include "core/quantity.h"

#include <stdbool.h>

struct lua_State;

/* How a number that does not fit the wanted decimals is rounded. */
typedef enum {
    RF_ROUND_FLOOR,     /* towards minus infinity */
    RF_ROUND_CEIL,      /* towards plus infinity */
    RF_ROUND_HALF_EVEN, /* to the nearest, a tie to the even neighbour */
    RF_ROUND_HALF_UP    /* to the nearest, a tie away from zero */
} rf_rounding;

/* Decimals that a quantity holds. */
#define RF_EXACT_DECIMALS_MAX 6

/* `percent` percent of `value`, which both count millionths, with that many
 * decimals (RF_EXACT_DECIMALS_MAX at most); false when it is out of range. */
RF_MUST_CHECK bool rf_exact_percent(rf_quantity value, rf_quantity percent,
                                    rf_rounding rounding, unsigned decimals,
                                    rf_quantity *out);

/* `value` with that many decimals; false when it is out of range. */
RF_MUST_CHECK bool rf_exact_round(rf_quantity value, unsigned decimals,
                                  rf_rounding rounding, rf_quantity *out);

/* Read the number at `index`, a float or an integer, as a quantity; false when
 * it is none, not finite or out of range. */
bool rf_exact__quantity(struct lua_State *L, int index, rf_quantity *out);

/* Push the table that the prelude is given: percent(value, percent, rounding,
 * decimals) and round(value, decimals, rounding), the rounding as "floor",
 * "ceil", "half_even" or "half_up". They raise where the prelude's own function
 * was called, and refuse symbols of the tracer. [-0, +1, e] */
void rf_exact__push(struct lua_State *L);

#endif
