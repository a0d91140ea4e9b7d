/*
 * measures.h - the quantities of one node.
 *
 * A short list of (measure number, quantity) in order of the numbers. Only
 * measures that were ever posted are in it; the difference between "zero" and
 * "never posted" is visible in query replies and therefore kept.
 */
#ifndef RINGFENCE_CORE_MEASURES_H
#define RINGFENCE_CORE_MEASURES_H

#include "core/error.h"
#include "core/quantity.h"

#include <stdbool.h>
#include <stdint.h>

/* The stored number of a physical measure. */
typedef uint16_t rf_measure;

/* More physical measures than any environment may have. */
#define RF_MEASURES_MAX 4096

typedef struct rf_amount {
    rf_measure measure;
    rf_quantity quantity;
} rf_amount;

/* All zeroes is an empty list. The memory is owned by the list. */
typedef struct rf_measures {
    rf_amount *amounts;
    uint16_t count;
    uint16_t capacity;
} rf_measures;

void rf_measures_done(rf_measures *measures);

/* Return the quantity of a measure, 0 when it was never posted. */
rf_quantity rf_measures_get(const rf_measures *measures, rf_measure measure);

/* Say whether the measure was ever posted. */
bool rf_measures_has(const rf_measures *measures, rf_measure measure);

/* Add to a measure, entering it when it is new.
 * RF_E_QUANTITY_OVERFLOW, RF_E_NO_MEMORY: the list is unchanged. */
RF_MUST_CHECK rf_status rf_measures_add(rf_measures *measures,
                                        rf_measure measure, rf_quantity delta,
                                        rf_error *err);

/* Take a measure out again, or put it back to a known quantity: undoing an
 * addition cannot fail. The measure must be in the list. */
void rf_measures_remove(rf_measures *measures, rf_measure measure);
void rf_measures_restore(rf_measures *measures, rf_measure measure,
                         rf_quantity quantity);

/* Say whether every quantity is zero. */
bool rf_measures_are_zero(const rf_measures *measures);

#endif
