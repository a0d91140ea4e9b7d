/*
 * world.c - replacing the set of published generations.
 */
#include "core/world.h"

#include "core/alloc.h"

#include <pthread.h>
#include <string.h>

struct rf_globe {
    pthread_mutex_t lock; /* around `world` */
    atomic_ulong version; /* grows after each change of `world` */
    rf_world *world;
};

static rf_world *make_world(size_t count)
{
    rf_world *world =
        rf_calloc(1, sizeof *world + count * sizeof world->generations[0]);
    if (world != NULL) {
        atomic_init(&world->references, 1);
        world->count = count;
    }
    return world;
}

static void release_world(rf_world *world)
{
    if (world == NULL || atomic_fetch_sub_explicit(&world->references, 1,
                                                   memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = 0; i < world->count; i++) {
        rf_generation_release(world->generations[i]);
    }
    rf_free(world);
}

rf_status rf_globe_create(rf_globe **out, rf_error *err)
{
    rf_globe *globe = rf_calloc(1, sizeof *globe);
    rf_world *world = make_world(0);
    if (globe == NULL || world == NULL ||
        pthread_mutex_init(&globe->lock, NULL) != 0) {
        rf_free(globe);
        rf_free(world);
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    atomic_init(&globe->version, 1);
    globe->world = world;
    *out = globe;
    return RF_OK;
}

void rf_globe_free(rf_globe *globe)
{
    if (globe != NULL) {
        release_world(globe->world);
        pthread_mutex_destroy(&globe->lock);
        rf_free(globe);
    }
}

static int compare_ids(rf_text id, const rf_generation *generation)
{
    return rf_text_compare(id, rf_text_of(generation->id));
}

/* Copy a world with `generation` in its place among the ids. */
static rf_world *copy_with(const rf_world *old, rf_generation *generation)
{
    rf_text id = rf_text_of(generation->id);
    size_t place = 0;
    while (place < old->count && compare_ids(id, old->generations[place]) > 0) {
        place++;
    }
    bool replaces =
        place < old->count && compare_ids(id, old->generations[place]) == 0;
    rf_world *world = make_world(old->count + (replaces ? 0 : 1));
    if (world == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < world->count; i++) {
        size_t from = i > place && !replaces ? i - 1 : i;
        world->generations[i] = rf_generation_hold(
            i == place ? generation : old->generations[from]);
    }
    return world;
}

rf_status rf_globe_publish(rf_globe *globe, rf_generation *generation,
                           rf_error *err)
{
    rf_world *world = copy_with(globe->world, generation);
    if (world == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    pthread_mutex_lock(&globe->lock);
    rf_world *old = globe->world;
    globe->world = world;
    atomic_fetch_add_explicit(&globe->version, 1, memory_order_release);
    pthread_mutex_unlock(&globe->lock);
    release_world(old);
    return RF_OK;
}

const rf_world *rf_view_world(rf_view *view, rf_globe *globe)
{
    unsigned long version =
        atomic_load_explicit(&globe->version, memory_order_acquire);
    if (view->version == version) {
        return view->world;
    }
    pthread_mutex_lock(&globe->lock);
    rf_world *world = globe->world;
    atomic_fetch_add_explicit(&world->references, 1, memory_order_relaxed);
    view->version = atomic_load_explicit(&globe->version, memory_order_relaxed);
    pthread_mutex_unlock(&globe->lock);
    release_world(view->world);
    view->world = world;
    return world;
}

void rf_view_done(rf_view *view)
{
    release_world(view->world);
    *view = (rf_view){0};
}

rf_generation *rf_world_find(const rf_world *world, rf_text id)
{
    size_t low = 0;
    size_t high = world->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_ids(id, world->generations[middle]);
        if (order == 0) {
            return world->generations[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}
