/*
 * due.h - when something is due in an environment, for every thread to see:
 * a hold ends, or a staged adjustment is posted.
 *
 * A hold counts until its instant and not longer, whether or not anything has
 * swept it. So whoever is about to read stock looks here first, and has the
 * writer sweep when something is past due.
 */
#ifndef RINGFENCE_CORE_DUE_H
#define RINGFENCE_CORE_DUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct rf_due {
    atomic_llong next_ms; /* since 1970; INT64_MAX: nothing ends */
} rf_due;

/* Nothing ends yet. */
void rf_due_init(rf_due *due);

/* Say whether something has ended at `now_ms`. Any thread. */
bool rf_due_is_past(const rf_due *due, int64_t now_ms);

/* Return when the next one ends. Any thread. */
int64_t rf_due_next(const rf_due *due);

/* Note that something ends then; and, after a sweep, what is next. The
 * writer's thread. */
void rf_due_note(rf_due *due, int64_t at_ms);
void rf_due_set(rf_due *due, int64_t at_ms);

#endif
