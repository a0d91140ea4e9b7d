/*
 * catalog_internal.h - what the files of the catalog share.
 *
 * catalog.c looks names up; catalog_build.c makes a catalog, with the help of
 * catalog_measures.c for measures and aliases, catalog_formula.c for formulas
 * and reservation mappings, and catalog_levels.c for groups and levels. Nobody
 * else includes this.
 */
#ifndef RINGFENCE_CORE_CATALOG_INTERNAL_H
#define RINGFENCE_CORE_CATALOG_INTERNAL_H

#include "core/arena.h"
#include "core/catalog.h"
#include "core/draft.h"
#include "core/registry.h"

#include <stdbool.h>
#include <stdint.h>

/* The service's own data source, which is there whatever a document says, and
 * how many measures it has at least. */
#define RF_OWN_SOURCE "@iv"
#define RF_OWN_MEASURE_COUNT 5

typedef enum {
    RF_MEANS_NOTHING,
    RF_MEANS_PHYSICAL,  /* the number is the stored one */
    RF_MEANS_CALCULATED /* the number is an index into calculated[] */
} rf_meaning_kind;

/* What the full name of a measure, or an alias of it, stands for. */
typedef struct rf_meaning {
    rf_meaning_kind kind;
    uint16_t number;
} rf_meaning;

/* One place of the hash table of full names; free when it means nothing. */
typedef struct rf_name_slot {
    uint32_t hash;
    rf_meaning meaning;
    rf_text source;
    rf_text name;
} rf_name_slot;

/* Owns everything of a catalog, itself and the rf_catalog included. */
struct rf_catalog_index {
    rf_arena arena;
    rf_name_slot *slots;
    size_t slot_count; /* a power of two, at least twice what is entered */
    /* By stored number: the index into physicals[], or -1. */
    const int16_t *physical_by_number;
    size_t number_count;
};

/* Find what a full name stands for. */
rf_meaning rf_catalog__meaning(const rf_catalog_index *index, rf_text source,
                               rf_text name);

/* Enter a name that is not there yet; the texts are kept. */
void rf_catalog__enter(rf_catalog_index *index, rf_text source, rf_text name,
                       rf_meaning meaning);

/* A catalog under construction. After a failed allocation `no_memory` is set
 * and nothing else matters any more. */
typedef struct rf_builder {
    const rf_draft *draft;
    rf_problems *problems;
    size_t cycle_count;    /* how many of the problems are cycles */
    rf_arena scratch;      /* freed when the catalog stands */
    rf_registry *registry; /* a copy of the caller's */
    rf_catalog *catalog;
    rf_catalog_index *index;
    bool no_memory;

    rf_source *sources;
    rf_physical *physicals;
    rf_calculated *calculated;
    const rf_draft_calculated **formulas; /* of calculated[], by index */
} rf_builder;

/* Allocate zeroed elements that live as long as the catalog, or only as long
 * as it is built; NULL sets `no_memory`. */
void *rf_builder__allocate(rf_builder *builder, size_t count, size_t size);
void *rf_builder__scratch(rf_builder *builder, size_t count, size_t size);

/* Copy a text in lower case; the empty text when out of memory. */
rf_text rf_builder__lower(rf_builder *builder, rf_text text);

/* Say whether a name can be one: not empty, not too long, no control
 * characters. Notes the problem when not. */
bool rf_builder__is_name(rf_builder *builder, const rf_draft_name *name);

/* Split "source.measure" at the first dot; false when either part is empty. */
bool rf_builder__split(rf_text full, rf_text *source, rf_text *name);

/* Say whether a data source is the service's own. */
bool rf_builder__is_own(rf_text source);

/* Read the measures of all sources, and their aliases. */
void rf_builder__read_measures(rf_builder *builder);

/* Read all formulas, and what the reservation measures are checked by. */
void rf_builder__read_formulas(rf_builder *builder);
void rf_builder__read_reservations(rf_builder *builder);

/* Read groups, reservation dimensions, index sets and levels. */
void rf_builder__read_coordinates(rf_builder *builder);

#endif
