/*
 * arena.h - memory that lives as long as one request, freed all at once.
 *
 * An arena hands out pieces from blocks and takes them all back at reset. The
 * first block is kept across resets, so a warmed-up connection serves its
 * requests without touching the heap. Not thread-safe: an arena belongs to one
 * request, and a request is with one thread at a time.
 */
#ifndef RINGFENCE_CORE_ARENA_H
#define RINGFENCE_CORE_ARENA_H

#include <stddef.h>

typedef struct rf_arena_block rf_arena_block;

typedef struct rf_arena {
    rf_arena_block *blocks; /* the one in use first */
    size_t block_bytes;
    size_t limit_bytes; /* of all blocks together, 0 for none */
    size_t held_bytes;
} rf_arena;

/* Set up an empty arena. Nothing is allocated yet. Blocks are `block_bytes`
 * large, or as large as a single piece needs. */
void rf_arena_init(rf_arena *arena, size_t block_bytes, size_t limit_bytes);

/* Free everything. The arena may be used again. */
void rf_arena_done(rf_arena *arena);

/* Take back every piece; keep one block of the ordinary size. */
void rf_arena_reset(rf_arena *arena);

/* Return `size` bytes aligned for any type, borrowed until reset; NULL when
 * out of memory or over the limit. */
void *rf_arena_alloc(rf_arena *arena, size_t size);

/* The same, zeroed, for `count` elements. */
void *rf_arena_calloc(rf_arena *arena, size_t count, size_t size);

/* Copy bytes and append a NUL. */
char *rf_arena_copy(rf_arena *arena, const void *bytes, size_t length);

#endif
