/*
 * api_warehouses.h - the warehouses a query finds, for pages of them.
 *
 * A warehouse is a LocationId. They are found in any order and again and again,
 * and kept in order, each of them once.
 */
#ifndef RINGFENCE_SERVER_API_WAREHOUSES_H
#define RINGFENCE_SERVER_API_WAREHOUSES_H

#include "core/arena.h"
#include "core/error.h"
#include "core/text.h"

#include <stddef.h>

/* All zeroes: none yet. */
typedef struct rf_warehouses {
    rf_text *items; /* in the arena they were added with */
    size_t count;
    size_t capacity;
} rf_warehouses;

/* Enter a warehouse, whose name is copied, in its place unless it is there.
 * RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_warehouses_add(rf_warehouses *list, rf_arena *arena,
                                          rf_text found, rf_error *err);

#endif
