/*
 * slice.c - counting keys and time.
 */
#include "core/slice.h"

#include <string.h>
#include <time.h>

/* A look at the clock for so many keys. */
#define KEYS_PER_LOOK 64

/* Only stretches of time are measured here, to the next few milliseconds; what
 * time it is comes from the clock port. */
static int64_t steady_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void rf_slice_start(rf_slice *slice)
{
    *slice = (rf_slice){.started_ms = steady_ms()};
}

bool rf_slice_spend(rf_slice *slice)
{
    slice->keys++;
    if (slice->keys >= RF_SLICE_KEYS ||
        (slice->keys % KEYS_PER_LOOK == 0 &&
         steady_ms() - slice->started_ms >= RF_SLICE_MS)) {
        slice->is_over = true;
    }
    return !slice->is_over;
}

void rf_slice_behind(rf_key *next, rf_bytes key)
{
    RF_ASSERT(key.length <= RF_STORE_KEY_MAX);
    memcpy(next->bytes, key.bytes, key.length);
    next->length = (uint16_t)key.length;
    if (next->length < RF_STORE_KEY_MAX) {
        next->bytes[next->length++] = 0;
        return;
    }
    bool bounded = rf_key_after_prefix(next);
    RF_ASSERT(bounded);
}

rf_status rf_slice_scan(rf_store *store, rf_store_transaction *transaction,
                        const rf_slice_range *range, rf_store_visit *visit,
                        void *context, rf_error *err)
{
    rf_key to = *range->prefix;
    const rf_key *from = range->next->length > 0 ? range->next : range->prefix;
    bool bounded = rf_key_after_prefix(&to);
    return store->operations->scan(
        transaction,
        &(rf_store_range){RF_TABLE_STOCK, rf_key_bytes(from),
                          bounded ? rf_key_bytes(&to) : (rf_bytes){NULL, 0}},
        visit, context, err);
}
