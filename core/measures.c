/*
 * measures.c - sorted lists of quantities.
 *
 * A node holds a handful of measures, so a linear search beats anything
 * cleverer.
 */
#include "core/measures.h"

#include "core/alloc.h"

#include <string.h>

void rf_measures_done(rf_measures *measures)
{
    rf_free(measures->amounts);
    *measures = (rf_measures){0};
}

/* Return the place of the measure, or where it would have to go. */
static uint16_t find_place(const rf_measures *measures, rf_measure measure)
{
    uint16_t place = 0;
    while (place < measures->count &&
           measures->amounts[place].measure < measure) {
        place++;
    }
    return place;
}

static rf_amount *find_amount(const rf_measures *measures, rf_measure measure)
{
    uint16_t place = find_place(measures, measure);
    if (place == measures->count ||
        measures->amounts[place].measure != measure) {
        return NULL;
    }
    return &measures->amounts[place];
}

rf_quantity rf_measures_get(const rf_measures *measures, rf_measure measure)
{
    const rf_amount *amount = find_amount(measures, measure);
    return amount == NULL ? 0 : amount->quantity;
}

bool rf_measures_has(const rf_measures *measures, rf_measure measure)
{
    return find_amount(measures, measure) != NULL;
}

static bool make_room(rf_measures *measures)
{
    if (measures->count < measures->capacity) {
        return true;
    }
    uint16_t capacity =
        measures->capacity == 0 ? 4 : (uint16_t)(measures->capacity * 2);
    rf_amount *amounts =
        rf_realloc(measures->amounts, capacity, sizeof *amounts);
    if (amounts == NULL) {
        return false;
    }
    measures->amounts = amounts;
    measures->capacity = capacity;
    return true;
}

rf_status rf_measures_add(rf_measures *measures, rf_measure measure,
                          rf_quantity delta, rf_error *err)
{
    uint16_t place = find_place(measures, measure);
    rf_amount *amount = &measures->amounts[place];
    if (place < measures->count && amount->measure == measure) {
        if (!rf_quantity_add(amount->quantity, delta, &amount->quantity)) {
            return rf_fail(err, RF_E_QUANTITY_OVERFLOW,
                           "the total would be too large to be exact");
        }
        return RF_OK;
    }
    if (!make_room(measures)) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    amount = &measures->amounts[place];
    memmove(amount + 1, amount,
            (size_t)(measures->count - place) * sizeof *amount);
    *amount = (rf_amount){measure, delta};
    measures->count++;
    return RF_OK;
}

void rf_measures_remove(rf_measures *measures, rf_measure measure)
{
    rf_amount *amount = find_amount(measures, measure);
    RF_ASSERT(amount != NULL);
    uint16_t place = (uint16_t)(amount - measures->amounts);
    measures->count--;
    memmove(amount, amount + 1,
            (size_t)(measures->count - place) * sizeof *amount);
}

void rf_measures_restore(rf_measures *measures, rf_measure measure,
                         rf_quantity quantity)
{
    rf_amount *amount = find_amount(measures, measure);
    RF_ASSERT(amount != NULL);
    amount->quantity = quantity;
}

bool rf_measures_are_zero(const rf_measures *measures)
{
    for (uint16_t i = 0; i < measures->count; i++) {
        if (measures->amounts[i].quantity != 0) {
            return false;
        }
    }
    return true;
}
