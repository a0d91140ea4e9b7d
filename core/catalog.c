/*
 * catalog.c - looking things up in a finished catalog.
 */
#include "core/catalog.h"

#include "core/alloc.h"
#include "core/arena.h"
#include "core/catalog_internal.h"

#include <stddef.h>

void rf_catalog_free(rf_catalog *catalog)
{
    if (catalog == NULL) {
        return;
    }
    /* The arena holds the struct it is described in. */
    rf_arena arena = catalog->index->arena;
    rf_arena_done(&arena);
}

/* FNV-1a over the lower-case letters of "source.name". */
static uint32_t hash_text(uint32_t hash, rf_text text)
{
    for (size_t i = 0; i < text.length; i++) {
        hash ^= (unsigned char)rf_lower(text.bytes[i]);
        hash *= UINT32_C(16777619);
    }
    return hash;
}

static uint32_t hash_name(rf_text source, rf_text name)
{
    uint32_t hash = hash_text(UINT32_C(2166136261), source);
    return hash_text(hash_text(hash, (rf_text){".", 1}), name);
}

/* Return the slot that holds the name, or the free one where it belongs. */
static rf_name_slot *find_slot(const rf_catalog_index *index, uint32_t hash,
                               rf_text source, rf_text name)
{
    size_t mask = index->slot_count - 1;
    size_t at = hash & mask;
    while (index->slots[at].meaning.kind != RF_MEANS_NOTHING) {
        const rf_name_slot *slot = &index->slots[at];
        if (slot->hash == hash && rf_text_is_name(slot->name, name) &&
            rf_text_is_name(slot->source, source)) {
            break;
        }
        at = (at + 1) & mask;
    }
    return &index->slots[at];
}

rf_meaning rf_catalog__meaning(const rf_catalog_index *index, rf_text source,
                               rf_text name)
{
    return find_slot(index, hash_name(source, name), source, name)->meaning;
}

void rf_catalog__enter(rf_catalog_index *index, rf_text source, rf_text name,
                       rf_meaning meaning)
{
    uint32_t hash = hash_name(source, name);
    rf_name_slot *slot = find_slot(index, hash, source, name);
    RF_ASSERT(slot->meaning.kind == RF_MEANS_NOTHING);
    *slot = (rf_name_slot){hash, meaning, source, name};
}

const rf_source *rf_catalog_source(const rf_catalog *catalog, rf_text name)
{
    for (size_t i = 0; i < catalog->source_count; i++) {
        if (rf_text_is_name(catalog->sources[i].name, name)) {
            return &catalog->sources[i];
        }
    }
    return NULL;
}

const rf_physical *rf_catalog_physical(const rf_catalog *catalog,
                                       rf_text source, rf_text name)
{
    rf_meaning meaning = rf_catalog__meaning(catalog->index, source, name);
    return meaning.kind == RF_MEANS_PHYSICAL
               ? rf_catalog_physical_number(catalog, meaning.number)
               : NULL;
}

const rf_physical *rf_catalog_physical_number(const rf_catalog *catalog,
                                              rf_measure number)
{
    const rf_catalog_index *index = catalog->index;
    if (number >= index->number_count ||
        index->physical_by_number[number] < 0) {
        return NULL;
    }
    return &catalog->physicals[index->physical_by_number[number]];
}

const rf_calculated *rf_catalog_calculated(const rf_catalog *catalog,
                                           rf_text source, rf_text name)
{
    rf_meaning meaning = rf_catalog__meaning(catalog->index, source, name);
    return meaning.kind == RF_MEANS_CALCULATED
               ? &catalog->calculated[meaning.number]
               : NULL;
}

int rf_catalog_dimension(const rf_catalog *catalog, const rf_source *source,
                         rf_text name)
{
    (void)catalog;
    /* A source's own name wins: it may give a base name another meaning. */
    for (size_t i = 0; source != NULL && i < source->mapping_count; i++) {
        if (rf_text_is_name(source->mappings[i].name, name)) {
            return (int)source->mappings[i].dimension;
        }
    }
    return rf_dimension_find(name);
}

int rf_catalog_group(const rf_catalog *catalog, rf_text name)
{
    for (size_t i = 0; i < catalog->group_order_count; i++) {
        unsigned coordinate = catalog->group_order[i];
        if (rf_text_is_name(rf_catalog_coordinate_name(catalog, coordinate),
                            name)) {
            return (int)coordinate;
        }
    }
    return -1;
}

rf_text rf_catalog_coordinate_name(const rf_catalog *catalog,
                                   unsigned coordinate)
{
    if (coordinate < RF_DIMENSION_COUNT) {
        return rf_dimension_name(coordinate);
    }
    if (coordinate == RF_DAY) {
        return rf_text_of("date");
    }
    RF_ASSERT(coordinate - RF_DIMENSION_COUNT < catalog->group_count);
    return catalog->groups[coordinate - RF_DIMENSION_COUNT];
}

rf_level rf_catalog_reservation_mask(const rf_catalog *catalog)
{
    rf_level mask = 0;
    for (size_t i = 0; i < catalog->reservation_dimension_count; i++) {
        mask |= RF_BIT(catalog->reservation_dimensions[i]);
    }
    return mask;
}

bool rf_physical_is_own_reservation(const rf_physical *measure)
{
    return measure->reservation >= 0 &&
           rf_text_is_name(measure->source, rf_text_of("@iv")) &&
           rf_text_is_name(measure->name, rf_text_of("@softreserved"));
}
