/*
 * id_memory.h - where in the journal an id may have been seen before.
 *
 * A multi-map from the 64-bit hash of an id to the numbers of journal entries,
 * kept in memory so that remembering an id costs no page in the commit. It
 * only says where to look: two ids can share a hash, so a hit counts when the
 * journal entry confirms it.
 *
 * Pairs are 16 bytes in a table with open addressing that is never more than
 * three quarters full. When it has to grow, each insertion moves a few pairs
 * from the old table to the new one, so that nobody waits while ten million
 * are moved.
 *
 * One thread at a time: the writer's.
 */
#ifndef RINGFENCE_CORE_ID_MEMORY_H
#define RINGFENCE_CORE_ID_MEMORY_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rf_id_memory rf_id_memory;

/* How far a search has got. All zeroes starts one. */
typedef struct rf_id_cursor {
    unsigned table;
    size_t steps;
} rf_id_cursor;

/* Make an empty memory, owned by the caller. */
RF_MUST_CHECK rf_status rf_id_memory_create(rf_id_memory **out, rf_error *err);

void rf_id_memory_free(rf_id_memory *memory);

/* Make room for `count` pairs in all, before many are inserted. It moves what
 * is there in one go and is meant for the start.
 * RF_E_NO_MEMORY: nothing has changed. */
RF_MUST_CHECK rf_status rf_id_memory_reserve(rf_id_memory *memory, size_t count,
                                             rf_error *err);

/* Remember that the journal entry `number` (above 0, below UINT64_MAX) has an
 * id with this hash. The same pair twice is kept twice.
 * RF_E_NO_MEMORY: the pair is not remembered. */
RF_MUST_CHECK rf_status rf_id_memory_insert(rf_id_memory *memory, uint64_t hash,
                                            uint64_t number, rf_error *err);

/* Forget one pair; return false when it was not there. */
bool rf_id_memory_remove(rf_id_memory *memory, uint64_t hash, uint64_t number);

/* Find the next number remembered under a hash, in no particular order; return
 * false when there is none left. The cursor is good until the memory changes.
 */
bool rf_id_memory_find(const rf_id_memory *memory, uint64_t hash,
                       rf_id_cursor *cursor, uint64_t *number);

/* How many pairs are remembered, and the bytes that takes. */
size_t rf_id_memory_count(const rf_id_memory *memory);
size_t rf_id_memory_bytes(const rf_id_memory *memory);

#endif
