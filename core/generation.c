/*
 * generation.c - reference-counted snapshots of a configuration.
 */
#include "core/generation.h"

#include "core/alloc.h"

#include <stdlib.h>
#include <string.h>

static int compare_levels(const void *a, const void *b)
{
    const rf_level_number *left = a;
    const rf_level_number *right = b;
    unsigned left_size = rf_level_size(left->level);
    unsigned right_size = rf_level_size(right->level);
    if (left_size != right_size) {
        return left_size < right_size ? -1 : 1;
    }
    return (left->level > right->level) - (left->level < right->level);
}

rf_status rf_generation_create(const rf_generation_parts *parts,
                               rf_generation **out, rf_error *err)
{
    const rf_level_number *levels = parts->levels;
    size_t level_count = parts->level_count;
    rf_text document = parts->document;
    RF_ASSERT(level_count > 0 && levels[0].level == RF_LEVEL_LEAF);
    rf_generation *generation = rf_calloc(
        1, sizeof *generation + level_count * sizeof generation->levels[0]);
    char *copy = rf_malloc(document.length + 1);
    rf_registry *numbers = NULL;
    rf_status status = rf_registry_copy(parts->registry, &numbers, err);
    if (generation == NULL || copy == NULL || status != RF_OK) {
        rf_free(generation);
        rf_free(copy);
        rf_registry_free(numbers);
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    memcpy(copy, document.bytes, document.length);
    copy[document.length] = '\0';
    atomic_init(&generation->references, 1);
    generation->catalog = parts->catalog;
    generation->registry = numbers;
    generation->document = copy;
    generation->document_length = document.length;
    generation->level_count = level_count;
    memcpy(generation->levels, levels, level_count * sizeof levels[0]);
    qsort(generation->levels + 1, level_count - 1, sizeof levels[0],
          compare_levels);
    *out = generation;
    return RF_OK;
}

rf_generation *rf_generation_hold(rf_generation *generation)
{
    if (generation != NULL) {
        atomic_fetch_add_explicit(&generation->references, 1,
                                  memory_order_relaxed);
    }
    return generation;
}

void rf_generation_release(rf_generation *generation)
{
    if (generation == NULL ||
        atomic_fetch_sub_explicit(&generation->references, 1,
                                  memory_order_acq_rel) != 1) {
        return;
    }
    rf_catalog *catalog = generation->catalog;
    if (catalog != NULL && catalog->host != NULL) {
        catalog->host->release(catalog->host);
    }
    rf_catalog_free(catalog);
    rf_registry_free(generation->registry);
    rf_free(generation->document);
    rf_free(generation);
}

rf_level_number rf_generation_level(const rf_generation *generation,
                                    rf_level wanted)
{
    rf_level_kind kind = rf_level_kind_of(wanted);
    for (size_t i = 1; i < generation->level_count; i++) {
        rf_level level = generation->levels[i].level;
        if (rf_level_covers(level, wanted) && rf_level_kind_of(level) == kind) {
            return generation->levels[i];
        }
    }
    return generation->levels[0];
}
