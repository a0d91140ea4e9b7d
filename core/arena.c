/*
 * arena.c - blocks of memory handed out from the front.
 */
#include "core/arena.h"

#include "core/alloc.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

struct rf_arena_block {
    rf_arena_block *next;
    size_t size; /* usable bytes behind this header */
    size_t used;
};

#define PIECE_ALIGNMENT alignof(max_align_t)
#define HEADER_BYTES                                                           \
    ((sizeof(rf_arena_block) + PIECE_ALIGNMENT - 1) / PIECE_ALIGNMENT *        \
     PIECE_ALIGNMENT)

void rf_arena_init(rf_arena *arena, size_t block_bytes, size_t limit_bytes)
{
    *arena = (rf_arena){.block_bytes = block_bytes, .limit_bytes = limit_bytes};
}

void rf_arena_done(rf_arena *arena)
{
    rf_arena_block *block = arena->blocks;
    while (block != NULL) {
        rf_arena_block *next = block->next;
        rf_free(block);
        block = next;
    }
    arena->blocks = NULL;
    arena->held_bytes = 0;
}

void rf_arena_reset(rf_arena *arena)
{
    rf_arena_block *kept = NULL;
    rf_arena_block *block = arena->blocks;
    while (block != NULL) {
        rf_arena_block *next = block->next;
        if (kept == NULL && block->size == arena->block_bytes) {
            kept = block;
        } else {
            rf_free(block);
        }
        block = next;
    }
    arena->held_bytes = 0;
    if (kept != NULL) {
        kept->next = NULL;
        kept->used = 0;
        arena->held_bytes = kept->size;
    }
    arena->blocks = kept;
}

static rf_arena_block *add_block(rf_arena *arena, size_t size)
{
    size_t bytes = size > arena->block_bytes ? size : arena->block_bytes;
    if (bytes > SIZE_MAX - HEADER_BYTES ||
        (arena->limit_bytes != 0 &&
         (bytes > arena->limit_bytes ||
          arena->held_bytes > arena->limit_bytes - bytes))) {
        return NULL;
    }
    rf_arena_block *block = rf_malloc(HEADER_BYTES + bytes);
    if (block == NULL) {
        return NULL;
    }
    *block = (rf_arena_block){.next = arena->blocks, .size = bytes};
    arena->blocks = block;
    arena->held_bytes += bytes;
    return block;
}

void *rf_arena_alloc(rf_arena *arena, size_t size)
{
    if (size > SIZE_MAX - PIECE_ALIGNMENT) {
        return NULL;
    }
    size_t rounded =
        (size + PIECE_ALIGNMENT - 1) / PIECE_ALIGNMENT * PIECE_ALIGNMENT;
    rf_arena_block *block = arena->blocks;
    if (block == NULL || block->size - block->used < rounded) {
        block = add_block(arena, rounded);
        if (block == NULL) {
            return NULL;
        }
    }
    void *piece = (unsigned char *)block + HEADER_BYTES + block->used;
    block->used += rounded;
    return piece;
}

void *rf_arena_calloc(rf_arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    void *piece = rf_arena_alloc(arena, count * size);
    return piece == NULL ? NULL : memset(piece, 0, count * size);
}

char *rf_arena_copy(rf_arena *arena, const void *bytes, size_t length)
{
    char *copy = length == SIZE_MAX ? NULL : rf_arena_alloc(arena, length + 1);
    if (copy == NULL) {
        return NULL;
    }
    if (length > 0) {
        memcpy(copy, bytes, length);
    }
    copy[length] = '\0';
    return copy;
}
