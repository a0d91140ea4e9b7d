/*
 * generation.h - what every thread may know of an environment at one time.
 *
 * A generation is a catalog with the numbers of the levels that are complete
 * under it. It never changes once published; whoever uses one holds a
 * reference. The environments of a server together are a world (world.h).
 */
#ifndef RINGFENCE_CORE_GENERATION_H
#define RINGFENCE_CORE_GENERATION_H

#include "core/catalog.h"
#include "core/due.h"
#include "core/level.h"
#include "core/registry.h"

#include <stdatomic.h>

/* Longest environment id, in bytes. */
#define RF_ENVIRONMENT_ID_MAX 50

/* Levels an environment may have at the same time, those being built or
 * removed included; their numbers fit a byte of the key. */
#define RF_LEVELS_MAX 200

typedef struct rf_level_number {
    rf_level level;
    uint8_t number; /* as in keys */
} rf_level_number;

typedef struct rf_generation {
    atomic_uint references;
    uint16_t environment; /* as in keys */
    char id[RF_ENVIRONMENT_ID_MAX + 1];
    uint64_t number; /* grows by one with every publication */
    int64_t published_ms;
    rf_catalog *catalog;   /* with its host, which it owns, too */
    const rf_due *due;     /* the engine's: when the next hold ends */
    rf_registry *registry; /* a copy of the numbers it was built from */
    char *document;        /* the configuration document as text */
    size_t document_length;
    size_t level_count;
    rf_level_number levels[]; /* the leaf first, then by size, smallest first */
} rf_generation;

/* What a generation is made of. */
typedef struct rf_generation_parts {
    rf_catalog *catalog;
    const rf_registry *registry;
    rf_text document;
    const rf_level_number *levels; /* the leaf first */
    size_t level_count;
} rf_generation_parts;

/* Make a generation that owns the catalog, its host, and copies of all else,
 * with one reference. The catalog stays the caller's on failure. */
RF_MUST_CHECK rf_status rf_generation_create(const rf_generation_parts *parts,
                                             rf_generation **out,
                                             rf_error *err);

/* Take and give back a reference; the last one frees it. NULL is allowed. */
rf_generation *rf_generation_hold(rf_generation *generation);
void rf_generation_release(rf_generation *generation);

/* Return the level with the fewest coordinates that contains `wanted`, one with
 * groups only when there are some in it: stock is not kept by groups. The leaf
 * contains every level without groups; it is returned where there is none. */
rf_level_number rf_generation_level(const rf_generation *generation,
                                    rf_level wanted);

#endif
