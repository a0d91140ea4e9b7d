/*
 * catalog_build.c - from a draft to a catalog, step by step.
 *
 * Every part notes its mistakes and goes on, so that one attempt tells them
 * all; only at the end is it decided whether the catalog may be used. New
 * names get their numbers in a copy of the registry, which takes the place of
 * the caller's when all went well.
 */
#include "core/alloc.h"
#include "core/catalog_internal.h"

#include <string.h>

#define ARENA_BLOCK_BYTES ((size_t)16384)

static void *allocate(rf_builder *builder, rf_arena *arena, size_t count,
                      size_t size)
{
    void *elements = rf_arena_calloc(arena, count, size);
    if (elements == NULL) {
        builder->no_memory = true;
    }
    return elements;
}

void *rf_builder__allocate(rf_builder *builder, size_t count, size_t size)
{
    return allocate(builder, &builder->index->arena, count, size);
}

void *rf_builder__scratch(rf_builder *builder, size_t count, size_t size)
{
    return allocate(builder, &builder->scratch, count, size);
}

rf_text rf_builder__lower(rf_builder *builder, rf_text text)
{
    char *copy = rf_arena_copy(&builder->index->arena, text.bytes, text.length);
    if (copy == NULL) {
        builder->no_memory = true;
        return RF_TEXT_EMPTY;
    }
    for (size_t i = 0; i < text.length; i++) {
        copy[i] = rf_lower(copy[i]);
    }
    return (rf_text){copy, text.length};
}

bool rf_builder__is_name(rf_builder *builder, const rf_draft_name *name)
{
    size_t characters = 0;
    bool control = false;
    for (size_t i = 0; i < name->text.length; i++) {
        unsigned char byte = (unsigned char)name->text.bytes[i];
        characters += (byte & 0xC0) == 0x80 ? 0 : 1;
        control = control || byte < 0x20 || byte == 0x7F;
    }
    if (characters == 0) {
        rf_problems_add(builder->problems, name->path, "the name is empty");
    } else if (characters > RF_NAME_CHARACTERS_MAX) {
        rf_problems_add(builder->problems, name->path,
                        "the name has more than %d characters",
                        RF_NAME_CHARACTERS_MAX);
    } else if (control) {
        rf_problems_add(builder->problems, name->path,
                        "the name holds a control character");
    } else {
        return true;
    }
    return false;
}

bool rf_builder__split(rf_text full, rf_text *source, rf_text *name)
{
    const char *dot =
        full.length == 0 ? NULL : memchr(full.bytes, '.', full.length);
    if (dot == NULL) {
        return false;
    }
    *source = (rf_text){full.bytes, (size_t)(dot - full.bytes)};
    *name = (rf_text){dot + 1, full.length - source->length - 1};
    return source->length > 0 && name->length > 0;
}

bool rf_builder__is_own(rf_text source)
{
    return rf_text_is_name(source, rf_text_of(RF_OWN_SOURCE));
}

/* Number of names that may be entered for measures, at most. */
static size_t count_measures(const rf_draft *draft)
{
    size_t count = RF_OWN_MEASURE_COUNT;
    for (size_t i = 0; i < draft->source_count; i++) {
        count += draft->sources[i].physicals.count +
                 draft->sources[i].calculated_count;
    }
    count += draft->formula_count;
    return count < RF_NAMED_MEASURES_MAX ? count : RF_NAMED_MEASURES_MAX;
}

/* Make the empty catalog with room for all names of the draft. */
static bool make_room(rf_builder *builder)
{
    rf_arena arena;
    rf_arena_init(&arena, ARENA_BLOCK_BYTES, 0);
    builder->index = rf_arena_calloc(&arena, 1, sizeof *builder->index);
    if (builder->index == NULL) {
        builder->no_memory = true;
        return false;
    }
    builder->index->arena = arena;

    const rf_draft *draft = builder->draft;
    size_t measures = count_measures(draft);
    size_t aliases = draft->aliases.count < RF_ALIASES_MAX
                         ? draft->aliases.count
                         : RF_ALIASES_MAX;
    size_t slots = 16;
    while (slots < 2 * (measures + aliases + 1)) {
        slots *= 2;
    }
    size_t sources = draft->source_count < RF_SOURCES_MAX
                         ? draft->source_count + 1
                         : RF_SOURCES_MAX;
    rf_catalog_index *index = builder->index;
    index->slot_count = slots;
    index->slots = rf_builder__allocate(builder, slots, sizeof *index->slots);
    builder->catalog =
        rf_builder__allocate(builder, 1, sizeof *builder->catalog);
    builder->sources =
        rf_builder__allocate(builder, sources, sizeof *builder->sources);
    builder->physicals =
        rf_builder__allocate(builder, measures, sizeof *builder->physicals);
    builder->calculated =
        rf_builder__allocate(builder, measures, sizeof *builder->calculated);
    builder->origins =
        rf_builder__scratch(builder, measures, sizeof *builder->origins);
    return !builder->no_memory;
}

/* Read a source's own names of dimensions. */
static void read_mappings(rf_builder *builder, rf_source *source,
                          const rf_draft_pairs *pairs)
{
    if (pairs->count > RF_MAPPINGS_MAX) {
        rf_problems_add(builder->problems, pairs->path,
                        "there are more than %d mappings", RF_MAPPINGS_MAX);
        return;
    }
    rf_mapping *mappings =
        rf_builder__allocate(builder, pairs->count, sizeof *mappings);
    for (size_t i = 0; mappings != NULL && i < pairs->count; i++) {
        const rf_draft_pair *pair = &pairs->items[i];
        int dimension = rf_dimension_find(pair->to.text);
        if (dimension < 0) {
            rf_problems_add(builder->problems, pair->to.path,
                            "%.*s is not a base dimension",
                            RF_SHOWN(pair->to.text));
        }
        if (!rf_builder__is_name(builder, &pair->from) || dimension < 0) {
            continue;
        }
        for (size_t j = 0; j < source->mapping_count; j++) {
            if (rf_text_is_name(mappings[j].name, pair->from.text)) {
                rf_problems_add(builder->problems, pair->from.path,
                                "%.*s is mapped more than once",
                                RF_SHOWN(pair->from.text));
            }
        }
        mappings[source->mapping_count++] = (rf_mapping){
            rf_builder__lower(builder, pair->from.text), (unsigned)dimension};
    }
    source->mappings = mappings;
}

/* Enter a data source; NULL when it cannot be one. */
static rf_source *add_source(rf_builder *builder, const rf_draft_name *name)
{
    rf_catalog *catalog = builder->catalog;
    if (catalog->source_count == RF_SOURCES_MAX) {
        rf_problems_add(builder->problems, name->path,
                        "there are more than %d data sources, " RF_OWN_SOURCE
                        " included",
                        RF_SOURCES_MAX);
        return NULL;
    }
    rf_source *source = &builder->sources[catalog->source_count];
    source->name = rf_builder__lower(builder, name->text);
    bool fno = rf_text_is_name(name->text, rf_text_of("fno"));
    source->read_only = rf_builder__is_own(name->text) ||
                        (fno && !builder->draft->allow_fno_writes);
    catalog->source_count++;
    return source;
}

static void read_source(rf_builder *builder, const rf_draft_source *draft)
{
    const rf_draft_name *name = &draft->name;
    if (!rf_builder__is_name(builder, name)) {
        return;
    }
    if (memchr(name->text.bytes, '.', name->text.length) != NULL) {
        rf_problems_add(builder->problems, name->path,
                        "the name of a data source must not hold a dot");
        return;
    }
    if (rf_catalog_source(builder->catalog, name->text) != NULL) {
        rf_problems_add(builder->problems, name->path,
                        "the data source %.*s is configured more than once",
                        RF_SHOWN(name->text));
        return;
    }
    rf_source *source = add_source(builder, name);
    if (source != NULL) {
        read_mappings(builder, source, &draft->mappings);
    }
}

/* Read the data sources' names and dimensions; stop at one too many. */
static void read_sources(rf_builder *builder)
{
    const rf_draft *draft = builder->draft;
    builder->catalog->sources = builder->sources;
    for (size_t i = 0; i < draft->source_count && i <= RF_SOURCES_MAX; i++) {
        read_source(builder, &draft->sources[i]);
    }
    if (rf_catalog_source(builder->catalog, rf_text_of(RF_OWN_SOURCE)) ==
        NULL) {
        rf_draft_name own = {rf_text_of(RF_OWN_SOURCE), rf_text_of("$")};
        (void)add_source(builder, &own);
    }
}

static void copy_settings(rf_catalog *catalog, const rf_draft *draft)
{
    catalog->by_product = draft->by_product;
    catalog->strict = draft->strict;
    catalog->drops_dimensions = draft->drops_dimensions;
    catalog->allow_fno_writes = draft->allow_fno_writes;
    catalog->has_index = draft->index_set_count > 0;
    catalog->refusal_http_status = draft->refusal_http_status;
    catalog->id_retention_days = draft->id_retention_days;
    catalog->host = draft->host;
}

/* The steps in the order in which they need each other. */
static void read_draft(rf_builder *builder)
{
    static void (*const steps[])(rf_builder *) = {read_sources,
                                                  rf_builder__read_measures,
                                                  rf_builder__read_formulas,
                                                  rf_builder__read_reservations,
                                                  rf_builder__read_coordinates,
                                                  rf_builder__read_promises};
    if (!make_room(builder)) {
        return;
    }
    builder->catalog->index = builder->index;
    copy_settings(builder->catalog, builder->draft);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (!builder->no_memory) {
            steps[i](builder);
        }
    }
}

static rf_status judge(const rf_builder *builder, rf_error *err)
{
    const rf_problems *problems = builder->problems;
    if (builder->no_memory) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    if (problems->count == 0) {
        return RF_OK;
    }
    return rf_problems_fail(problems, err);
}

rf_status rf_catalog_build(const rf_draft *draft, rf_registry *registry,
                           rf_problems *problems, rf_catalog **out,
                           rf_error *err)
{
    rf_builder builder = {.draft = draft, .problems = problems};
    rf_status status = rf_registry_copy(registry, &builder.registry, err);
    if (status != RF_OK) {
        return status;
    }
    rf_arena_init(&builder.scratch, ARENA_BLOCK_BYTES, 0);
    read_draft(&builder);
    status = judge(&builder, err);
    if (status == RF_OK) {
        rf_registry_swap(registry, builder.registry);
        *out = builder.catalog;
    } else if (builder.index != NULL) {
        rf_arena arena = builder.index->arena;
        rf_arena_done(&arena);
    }
    rf_arena_done(&builder.scratch);
    rf_registry_free(builder.registry);
    return status;
}
