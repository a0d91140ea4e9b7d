/*
 * clock.h - where the core learns the time.
 *
 * Nothing in the core asks the operating system: the time comes through this
 * port, so that tests can move it.
 */
#ifndef RINGFENCE_CORE_CLOCK_H
#define RINGFENCE_CORE_CLOCK_H

#include <stdint.h>

typedef struct rf_clock {
    void *self;
    /* Return milliseconds since 1970-01-01, UTC. */
    int64_t (*now_ms)(void *self);
} rf_clock;

#endif
