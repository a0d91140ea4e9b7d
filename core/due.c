/*
 * due.c - one number that the writer writes and all threads read.
 */
#include "core/due.h"

void rf_due_init(rf_due *due)
{
    atomic_init(&due->next_ms, INT64_MAX);
}

int64_t rf_due_next(const rf_due *due)
{
    return atomic_load_explicit(&due->next_ms, memory_order_acquire);
}

bool rf_due_is_past(const rf_due *due, int64_t now_ms)
{
    return rf_due_next(due) <= now_ms;
}

void rf_due_note(rf_due *due, int64_t at_ms)
{
    if (!rf_due_is_past(due, at_ms)) {
        rf_due_set(due, at_ms);
    }
}

void rf_due_set(rf_due *due, int64_t at_ms)
{
    atomic_store_explicit(&due->next_ms, at_ms, memory_order_release);
}
