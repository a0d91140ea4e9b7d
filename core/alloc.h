/*
 * alloc.h - the one door to the heap.
 *
 * Everything of ours allocates here, so that a test can fail the Nth
 * allocation and count how many a request costs. Out of memory is a NULL that
 * the caller turns into RF_E_NO_MEMORY; it never ends the process.
 */
#ifndef RINGFENCE_CORE_ALLOC_H
#define RINGFENCE_CORE_ALLOC_H

#include <stddef.h>

/* Allocate `size` bytes, owned by the caller, freed with rf_free. */
void *rf_malloc(size_t size);

/* Allocate `count` zeroed elements; NULL also when the product overflows. */
void *rf_calloc(size_t count, size_t size);

/* Resize to `count` elements; NULL (the old block untouched) on failure. */
void *rf_realloc(void *block, size_t count, size_t size);

void rf_free(void *block);

/* Allocations made by the process so far. */
unsigned long rf_alloc_count(void);

/* For tests: let the `nth` allocation from now on fail (1 is the next one),
 * once. 0 switches it off. */
void rf_alloc_fail_at(unsigned long nth);

#endif
