/*
 * alloc.c - malloc with a counter and, for tests, a planned failure.
 */
#include "core/alloc.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static atomic_ulong allocations;
static atomic_ulong fail_at; /* the count at which to fail, 0 for never */

static bool may_allocate(void)
{
    unsigned long number =
        atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed) + 1;
    return number != atomic_load_explicit(&fail_at, memory_order_relaxed);
}

void *rf_malloc(size_t size)
{
    return may_allocate() ? malloc(size) : NULL;
}

void *rf_calloc(size_t count, size_t size)
{
    return may_allocate() ? calloc(count, size) : NULL;
}

void *rf_realloc(void *block, size_t count, size_t size)
{
    if (count == 0 || size == 0 || count > SIZE_MAX / size) {
        return NULL; /* shrinking to nothing is rf_free's business */
    }
    return may_allocate() ? realloc(block, count * size) : NULL;
}

void rf_free(void *block)
{
    free(block);
}

unsigned long rf_alloc_count(void)
{
    return atomic_load_explicit(&allocations, memory_order_relaxed);
}

void rf_alloc_fail_at(unsigned long nth)
{
    unsigned long at = nth == 0 ? 0 : rf_alloc_count() + nth;
    atomic_store_explicit(&fail_at, at, memory_order_relaxed);
}
