/*
 * groups.h - adding nodes up by some of their coordinates.
 *
 * A group is what all nodes with the same values of some coordinates come to:
 * a row of a query, or the total of a level. Groups and their lists of
 * measures lie in an arena of their own, so that forgetting them is one step.
 */
#ifndef RINGFENCE_CORE_GROUPS_H
#define RINGFENCE_CORE_GROUPS_H

#include "core/arena.h"
#include "core/buffer.h"
#include "core/level.h"
#include "core/measures.h"
#include "core/store.h"

typedef struct rf_group {
    rf_bytes coordinates; /* encoded as in keys, never hashed */
    uint64_t hash;
    rf_measures measures; /* its list lies in the arena */
} rf_group;

/* All of it is read only to others; `items` until the next change. */
typedef struct rf_groups {
    rf_arena arena;
    rf_buffer scratch;
    rf_group *items;
    size_t count;
    size_t capacity;
    uint32_t *slots; /* index + 1 by hash, 0 for none */
    size_t slot_count;
} rf_groups;

/* Set up an empty set of groups that takes no more than `limit_bytes` of
 * memory (0: no limit), and free everything of it. Nothing is allocated before
 * the first group. */
void rf_groups_init(rf_groups *groups, size_t limit_bytes);
void rf_groups_done(rf_groups *groups);

/* Forget all groups, keep some memory. */
void rf_groups_clear(rf_groups *groups);

/* Add measures to the group of the coordinates of `place` in `group_by`.
 * RF_E_NO_MEMORY; RF_E_QUANTITY_OVERFLOW: they are added in part. */
RF_MUST_CHECK rf_status rf_groups_add(rf_groups *groups, rf_level group_by,
                                      const rf_place *place,
                                      const rf_measures *measures,
                                      rf_error *err);

/* Find the group of coordinates as they are encoded in keys, or NULL. */
const rf_group *rf_groups_find(const rf_groups *groups, rf_bytes coordinates);

/* Put the groups in order: coordinate by coordinate in the order of their
 * numbers, values by their bytes, the empty one first. Nothing may be added
 * afterwards. */
void rf_groups_sort(rf_groups *groups);

#endif
