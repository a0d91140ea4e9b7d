/*
 * api_warehouses.c - an ordered list of names.
 */
#include "server/api_warehouses.h"

#include <string.h>

/* Return the place of the first warehouse at or behind `wanted`. */
static size_t find(const rf_warehouses *list, rf_text wanted)
{
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rf_text_compare(list->items[middle], wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool make_room(rf_warehouses *list, rf_arena *arena)
{
    if (list->count < list->capacity) {
        return true;
    }
    size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
    rf_text *items = rf_arena_calloc(arena, capacity, sizeof *items);
    if (items == NULL) {
        return false;
    }
    if (list->count > 0) {
        memcpy(items, list->items, list->count * sizeof *items);
    }
    list->items = items;
    list->capacity = capacity;
    return true;
}

rf_status rf_warehouses_add(rf_warehouses *list, rf_arena *arena, rf_text found,
                            rf_error *err)
{
    size_t at = find(list, found);
    if (at < list->count && rf_text_equal(list->items[at], found)) {
        return RF_OK;
    }
    found.bytes = rf_arena_copy(arena, found.bytes, found.length);
    if (found.bytes == NULL || !make_room(list, arena)) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    memmove(&list->items[at + 1], &list->items[at],
            (list->count - at) * sizeof found);
    list->items[at] = found;
    list->count++;
    return RF_OK;
}
