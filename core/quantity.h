/*
 * quantity.h - exact amounts of stock.
 *
 * A quantity is a signed 64-bit count of millionths of a unit: six decimals,
 * up to about 9.2e12 units. Sums are checked; nothing saturates, nothing is
 * rounded, no floating point is used. One request may carry at most 1e11
 * units either way, so that sums have room.
 */
#ifndef RINGFENCE_CORE_QUANTITY_H
#define RINGFENCE_CORE_QUANTITY_H

#include "core/error.h"
#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

typedef int64_t rf_quantity;

/* Millionths in one unit. */
#define RF_QUANTITY_SCALE INT64_C(1000000)

/* The most a request may carry, either way: 100,000,000,000 units. */
#define RF_QUANTITY_REQUEST_MAX (INT64_C(100000000000) * RF_QUANTITY_SCALE)

/* Room for any printed quantity and its NUL. */
#define RF_QUANTITY_TEXT_MAX 24

/* Read a decimal number as JSON writes it (sign, digits, fraction, exponent),
 * exactly: "1", "1.0" and "10e-1" are the same quantity.
 * RF_E_INVALID_QUANTITY: not a number of that form, more than six decimals
 * after dropping trailing zeros, or beyond RF_QUANTITY_REQUEST_MAX. The
 * message says which. The error's field is left empty. */
RF_MUST_CHECK rf_status rf_quantity_parse(rf_text text, rf_quantity *out,
                                          rf_error *err);

/* Print the shortest exact decimal, NUL-terminated, and return its length. */
size_t rf_quantity_print(rf_quantity quantity, char text[RF_QUANTITY_TEXT_MAX]);

/* Checked sums: false on overflow, `out` then untouched. */
RF_MUST_CHECK bool rf_quantity_add(rf_quantity a, rf_quantity b,
                                   rf_quantity *out);
RF_MUST_CHECK bool rf_quantity_subtract(rf_quantity a, rf_quantity b,
                                        rf_quantity *out);

/* A whole-number factor times a quantity. */
RF_MUST_CHECK bool rf_quantity_multiply(rf_quantity a, int64_t factor,
                                        rf_quantity *out);

#endif
