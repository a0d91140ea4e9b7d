/*
 * groups.c - a hash map from coordinates to sums.
 */
#include "core/groups.h"

#include "core/key.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK_BYTES ((size_t)16 * 1024)
#define FIRST_GROUPS ((size_t)16)
#define GROUPS_MAX (SIZE_MAX / 64)

static rf_status out_of_memory(rf_error *err)
{
    return rf_fail(err, RF_E_NO_MEMORY,
                   "the rows of one product do not fit into memory");
}

void rf_groups_init(rf_groups *groups, size_t limit_bytes)
{
    *groups = (rf_groups){0};
    rf_arena_init(&groups->arena, ARENA_BLOCK_BYTES, limit_bytes);
}

void rf_groups_done(rf_groups *groups)
{
    rf_arena_done(&groups->arena);
    rf_buffer_done(&groups->scratch);
    groups->count = 0;
}

void rf_groups_clear(rf_groups *groups)
{
    if (groups->capacity == 0) {
        return;
    }
    rf_arena_reset(&groups->arena);
    groups->items = NULL;
    groups->count = 0;
    groups->capacity = 0;
    groups->slots = NULL;
    groups->slot_count = 0;
}

static void enter_slot(rf_groups *groups, size_t index)
{
    size_t mask = groups->slot_count - 1;
    size_t slot = groups->items[index].hash & mask;
    while (groups->slots[slot] != 0) {
        slot = (slot + 1) & mask;
    }
    groups->slots[slot] = (uint32_t)(index + 1);
}

/* Make room for one more row. The slots are never more than half full. */
static bool make_room(rf_groups *groups)
{
    if (groups->count < groups->capacity) {
        return true;
    }
    size_t capacity =
        groups->capacity == 0 ? FIRST_GROUPS : groups->capacity * 2;
    if (capacity > UINT32_MAX / 2 || capacity > GROUPS_MAX) {
        return false;
    }
    rf_group *items = rf_arena_alloc(&groups->arena, capacity * sizeof *items);
    uint32_t *slots =
        rf_arena_calloc(&groups->arena, capacity * 2, sizeof *slots);
    if (items == NULL || slots == NULL) {
        return false;
    }
    if (groups->count > 0) {
        memcpy(items, groups->items, groups->count * sizeof *items);
    }
    groups->items = items;
    groups->capacity = capacity;
    groups->slots = slots;
    groups->slot_count = capacity * 2;
    for (size_t i = 0; i < groups->count; i++) {
        enter_slot(groups, i);
    }
    return true;
}

static rf_group *find_group(const rf_groups *groups, rf_bytes coordinates,
                            uint64_t hash)
{
    if (groups->slot_count == 0) {
        return NULL;
    }
    size_t mask = groups->slot_count - 1;
    for (size_t slot = hash & mask; groups->slots[slot] != 0;
         slot = (slot + 1) & mask) {
        rf_group *group = &groups->items[groups->slots[slot] - 1];
        if (group->hash == hash &&
            group->coordinates.length == coordinates.length &&
            memcmp(group->coordinates.bytes, coordinates.bytes,
                   coordinates.length) == 0) {
            return group;
        }
    }
    return NULL;
}

/* Make a row that begins with the measures of its first node. */
static rf_status start_group(rf_groups *groups, rf_bytes coordinates,
                             uint64_t hash, const rf_measures *measures,
                             rf_error *err)
{
    if (!make_room(groups)) {
        return out_of_memory(err);
    }
    const void *copy =
        rf_arena_copy(&groups->arena, coordinates.bytes, coordinates.length);
    rf_amount *amounts = rf_arena_alloc(
        &groups->arena, (size_t)measures->count * sizeof *amounts);
    if (copy == NULL || amounts == NULL) {
        return out_of_memory(err);
    }
    if (measures->count > 0) {
        memcpy(amounts, measures->amounts,
               (size_t)measures->count * sizeof *amounts);
    }
    groups->items[groups->count] = (rf_group){
        .coordinates = {copy, coordinates.length},
        .hash = hash,
        .measures = {amounts, measures->count, measures->count},
    };
    enter_slot(groups, groups->count++);
    return RF_OK;
}

/* Give a list room for one more measure, so that it never grows on the heap. */
static bool widen(rf_groups *groups, rf_measures *measures)
{
    if (measures->count < measures->capacity) {
        return true;
    }
    size_t capacity = (size_t)measures->capacity * 2 + 4;
    rf_amount *amounts =
        rf_arena_alloc(&groups->arena, capacity * sizeof *amounts);
    if (capacity > UINT16_MAX || amounts == NULL) {
        return false;
    }
    if (measures->count > 0) {
        memcpy(amounts, measures->amounts,
               (size_t)measures->count * sizeof *amounts);
    }
    measures->amounts = amounts;
    measures->capacity = (uint16_t)capacity;
    return true;
}

static rf_status add_measures(rf_groups *groups, rf_group *group,
                              const rf_measures *measures, rf_error *err)
{
    for (uint16_t i = 0; i < measures->count; i++) {
        const rf_amount *amount = &measures->amounts[i];
        if (!rf_measures_has(&group->measures, amount->measure) &&
            !widen(groups, &group->measures)) {
            return out_of_memory(err);
        }
        rf_status status = rf_measures_add(&group->measures, amount->measure,
                                           amount->quantity, err);
        if (status != RF_OK) {
            return status;
        }
    }
    return RF_OK;
}

rf_status rf_groups_add(rf_groups *groups, rf_level group_by,
                        const rf_place *place, const rf_measures *measures,
                        rf_error *err)
{
    rf_buffer *scratch = &groups->scratch;
    rf_buffer_clear(scratch);
    rf_write_coordinates(scratch, group_by, place);
    if (rf_buffer_failed(scratch)) {
        return out_of_memory(err);
    }
    static const unsigned char nothing = 0;
    rf_bytes coordinates = {
        scratch->length == 0 ? &nothing : (const unsigned char *)scratch->bytes,
        scratch->length};
    uint64_t hash = rf_hash(coordinates.bytes, coordinates.length);
    rf_group *group = find_group(groups, coordinates, hash);
    return group == NULL ? start_group(groups, coordinates, hash, measures, err)
                         : add_measures(groups, group, measures, err);
}

const rf_group *rf_groups_find(const rf_groups *groups, rf_bytes coordinates)
{
    return find_group(groups, coordinates,
                      rf_hash(coordinates.bytes, coordinates.length));
}

/* Take the next coordinate off; number 0 at the end. */
static unsigned take_coordinate(rf_bytes *rest, rf_text *value)
{
    if (rest->length == 0) {
        return 0;
    }
    unsigned number = rest->bytes[0];
    *value = (rf_text){(const char *)rest->bytes + 2, rest->bytes[1]};
    rest->bytes += 2 + value->length;
    rest->length -= 2 + value->length;
    return number;
}

/* A coordinate that is left out is empty, and sorts first. */
static int compare_groups(const void *a, const void *b)
{
    rf_bytes left = ((const rf_group *)a)->coordinates;
    rf_bytes right = ((const rf_group *)b)->coordinates;
    for (;;) {
        rf_text left_value = RF_TEXT_EMPTY;
        rf_text right_value = RF_TEXT_EMPTY;
        unsigned left_number = take_coordinate(&left, &left_value);
        unsigned right_number = take_coordinate(&right, &right_value);
        if (left_number != right_number) {
            bool left_is_empty =
                left_number == 0 ||
                (right_number != 0 && right_number < left_number);
            return left_is_empty ? -1 : 1;
        }
        if (left_number == 0) {
            return 0;
        }
        int order = rf_text_compare(left_value, right_value);
        if (order != 0) {
            return order;
        }
    }
}

void rf_groups_sort(rf_groups *groups)
{
    if (groups->count > 1) {
        qsort(groups->items, groups->count, sizeof groups->items[0],
              compare_groups);
    }
}
