/*
 * world.h - all published generations, for every thread to read.
 *
 * The writer replaces the world as a whole whenever a generation is published.
 * A reader keeps a view: asking it for the world costs one atomic load while
 * nothing has changed, and a short lock when something has. What a view
 * returns stays valid until the same view is asked again.
 */
#ifndef RINGFENCE_CORE_WORLD_H
#define RINGFENCE_CORE_WORLD_H

#include "core/error.h"
#include "core/generation.h"

#include <stdatomic.h>
#include <stddef.h>

typedef struct rf_world {
    atomic_uint references;
    size_t count;
    rf_generation *generations[]; /* references, in order of their ids */
} rf_world;

typedef struct rf_globe rf_globe;

/* A thread's own look at the world; all zeroes to begin with. */
typedef struct rf_view {
    rf_world *world;
    unsigned long version;
} rf_view;

RF_MUST_CHECK rf_status rf_globe_create(rf_globe **out, rf_error *err);
void rf_globe_free(rf_globe *globe);

/* Put a generation in place of the one with the same id, or add it; the globe
 * takes a reference of its own. Called by the writer only.
 * RF_E_NO_MEMORY: the world is as it was. */
RF_MUST_CHECK rf_status rf_globe_publish(rf_globe *globe,
                                         rf_generation *generation,
                                         rf_error *err);

/* Return the current world, borrowed until the next call with this view. */
const rf_world *rf_view_world(rf_view *view, rf_globe *globe);

/* Give up what a view holds. */
void rf_view_done(rf_view *view);

/* Find an environment's generation by id (compared exactly), or NULL; borrowed
 * from the world. */
rf_generation *rf_world_find(const rf_world *world, rf_text id);

#endif
