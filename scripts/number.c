/*
 * number.c - floats in whole units, and back.
 */
#include "scripts/number.h"

#include <math.h>

/* One more than the largest quantity; a float can say it exactly. */
#define QUANTITY_END 0x1p63

double rf_number_of_quantity(rf_quantity quantity)
{
    return (double)quantity / (double)RF_QUANTITY_SCALE;
}

bool rf_number_round(double units, rf_quantity *out)
{
    double millionths = nearbyint(units * (double)RF_QUANTITY_SCALE);
    /* Written so that NaN fails. */
    if (!(millionths >= -QUANTITY_END && millionths < QUANTITY_END)) {
        return false;
    }
    *out = (rf_quantity)millionths;
    return true;
}

bool rf_number_scale(int64_t units, rf_quantity *out)
{
    return rf_quantity_multiply(RF_QUANTITY_SCALE, units, out);
}
