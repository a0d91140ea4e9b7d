/*
 * http_memory.h - one budget for what all clients together make us hold.
 *
 * Each connection is bounded, but thousands of them that send a body slowly,
 * or do not read a large reply, would add up to more than the machine has.
 * Request bodies and large replies are taken from this budget; who finds it
 * empty is answered 503. Any thread.
 */
#ifndef RINGFENCE_SERVER_HTTP_MEMORY_H
#define RINGFENCE_SERVER_HTTP_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct rf_http_memory {
    atomic_size_t held_bytes;
    size_t bytes_max;
} rf_http_memory;

/* Take so many bytes; false, and nothing taken, when that is too much. */
static inline bool rf_http_memory_take(rf_http_memory *memory, size_t bytes)
{
    size_t held = atomic_fetch_add(&memory->held_bytes, bytes);
    if (held + bytes <= memory->bytes_max) {
        return true;
    }
    atomic_fetch_sub(&memory->held_bytes, bytes);
    return false;
}

/* Take bytes that cannot be refused any more: they are few, and others may
 * find the budget empty for them. */
static inline void rf_http_memory_hold(rf_http_memory *memory, size_t bytes)
{
    atomic_fetch_add(&memory->held_bytes, bytes);
}

/* Give back what was taken. */
static inline void rf_http_memory_give(rf_http_memory *memory, size_t bytes)
{
    atomic_fetch_sub(&memory->held_bytes, bytes);
}

#endif
