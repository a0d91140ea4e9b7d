/*
 * catalog_internal.h - what the files of the catalog share.
 *
 * catalog.c looks names up; catalog_build.c makes a catalog, with the help of
 * catalog_measures.c for measures and aliases, catalog_formula.c for the order
 * of formulas, catalog_sum.c for putting them together, catalog_reservation.c
 * for reservation mappings, and catalog_levels.c for groups and levels. Nobody
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

/* Where a formula comes from: exactly one of these is set. */
typedef struct rf_formula_origin {
    const rf_draft_calculated *configured;
    const rf_draft_formula *plugin;
} rf_formula_origin;

/* A catalog under construction. After a failed allocation `no_memory` is set
 * and nothing else matters any more. */
typedef struct rf_builder {
    const rf_draft *draft;
    rf_problems *problems;
    rf_arena scratch;      /* freed when the catalog stands */
    rf_registry *registry; /* a copy of the caller's */
    rf_catalog *catalog;
    rf_catalog_index *index;
    bool no_memory;

    rf_source *sources;
    rf_physical *physicals;
    rf_calculated *calculated;
    rf_formula_origin *origins; /* of calculated[], by index */
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

/* Note a mistake where a formula is defined. */
void rf_builder__blame(rf_builder *builder, const rf_formula_origin *origin,
                       rf_status status, const char *format, ...)
    RF_PRINTF(4, 5);

/* Read all formulas, and what the reservation measures are checked by. */
void rf_builder__read_formulas(rf_builder *builder);
void rf_builder__read_reservations(rf_builder *builder);

/* Read groups, reservation dimensions, index sets and levels. */
void rf_builder__read_coordinates(rf_builder *builder);

/* Read what is promised ahead, and how far. */
void rf_builder__read_promises(rf_builder *builder);

/* ---- Putting a formula together (catalog_sum.c) ---- */

typedef enum {
    RF_SUM_FITS,
    RF_SUM_TOO_LARGE, /* a factor or a constant */
    RF_SUM_TOO_MANY_PARTS
} rf_sum_outcome;

/* One formula's parts while it is put together. All lists lie in the builder's
 * scratch memory; when that runs out the outcome means nothing. */
typedef struct rf_assembly {
    rf_builder *builder;
    rf_part parts[RF_PARTS_MAX];
    size_t part_count;
} rf_assembly;

/* out = a + factor * b. */
rf_sum_outcome rf_assembly__add(rf_assembly *self, const rf_sum *a,
                                const rf_sum *b, int64_t factor, rf_sum *out);

/* The value of a measure as a sum: one term, or all of a formula that stands
 * already, or the part that is a script's value. */
rf_sum_outcome rf_assembly__measure(rf_assembly *self, rf_meaning meaning,
                                    rf_sum *out);

/* The larger or smaller of two sums, as a new part. */
rf_sum_outcome rf_assembly__extremum(rf_assembly *self, rf_part_kind kind,
                                     const rf_sum *left, const rf_sum *right,
                                     rf_sum *out);

/* Put a finished formula into the catalog: its sum, its parts, its kind, and
 * what it reads. */
void rf_assembly__keep(rf_assembly *self, const rf_sum *sum,
                       rf_calculated *calculated);

/* Note what a script is known to read: the measures themselves, and what the
 * formulas among them read. */
void rf_builder__keep_reads(rf_builder *builder, const rf_meaning *meanings,
                            size_t count, rf_calculated *calculated);

#endif
