/*
 * catalog_measures.c - physical and calculated measures by their names.
 */
#include "core/catalog_internal.h"

#include <stdlib.h>
#include <string.h>

#define POOL_MEASURE "@available_to_allocate"

/* What early documents called the pool measure. */
#define POOL_MISSPELLED "@availiable_to_allocate"

/* The measures that the own source has even when a document leaves them out. */
static const char *const own_physicals[] = {
    "@allocated", "@consumed", "@cumulative_allocated", "@cumulative_consumed"};

#define OWN_PHYSICAL_COUNT (sizeof own_physicals / sizeof own_physicals[0])

_Static_assert(OWN_PHYSICAL_COUNT + 1 == RF_OWN_MEASURE_COUNT,
               "room is set aside for the pool and for these");

/* Say whether a measure may be entered under that name. */
static bool is_free(rf_builder *builder, const rf_source *source,
                    const rf_draft_name *name)
{
    const rf_catalog *catalog = builder->catalog;
    if (!rf_builder__is_name(builder, name)) {
        return false;
    }
    rf_meaning meaning =
        rf_catalog__meaning(builder->index, source->name, name->text);
    if (meaning.kind != RF_MEANS_NOTHING) {
        rf_problems_add(
            builder->problems, name->path, "%.*s.%.*s is a %s measure already",
            RF_SHOWN(source->name), RF_SHOWN(name->text),
            meaning.kind == RF_MEANS_PHYSICAL ? "physical" : "calculated");
        return false;
    }
    if (catalog->physical_count + catalog->calculated_count ==
        RF_NAMED_MEASURES_MAX) {
        rf_problems_add(
            builder->problems, name->path,
            "there are more than %d measures, those of " RF_OWN_SOURCE
            " included",
            RF_NAMED_MEASURES_MAX);
        return false;
    }
    return true;
}

/* Give a measure its number; false when that cannot be. */
static bool number_measure(rf_builder *builder, const rf_physical *physical,
                           rf_text path, rf_measure *out)
{
    size_t length = physical->source.length + 1 + physical->name.length;
    char *full = rf_builder__scratch(builder, length, 1);
    if (full == NULL) {
        return false;
    }
    memcpy(full, physical->source.bytes, physical->source.length);
    full[physical->source.length] = '.';
    memcpy(full + physical->source.length + 1, physical->name.bytes,
           physical->name.length);
    rf_error err;
    rf_status status = rf_registry_measure(builder->registry,
                                           (rf_text){full, length}, out, &err);
    if (status == RF_E_NO_MEMORY) {
        builder->no_memory = true;
    } else if (status != RF_OK) {
        rf_problems_add(builder->problems, path, "%s", err.message);
    }
    return status == RF_OK;
}

static void add_physical(rf_builder *builder, const rf_source *source,
                         const rf_draft_name *name)
{
    rf_physical physical = {.source = source->name, .reservation = -1};
    if (!is_free(builder, source, name)) {
        return;
    }
    physical.name = rf_builder__lower(builder, name->text);
    if (builder->no_memory ||
        !number_measure(builder, &physical, name->path, &physical.number)) {
        return;
    }
    builder->physicals[builder->catalog->physical_count++] = physical;
    rf_catalog__enter(builder->index, source->name, physical.name,
                      (rf_meaning){RF_MEANS_PHYSICAL, physical.number});
}

/* Enter a calculated measure under a name that is free. */
static void enter_calculated(rf_builder *builder, const rf_source *source,
                             rf_text name, rf_formula_origin origin)
{
    size_t index = builder->catalog->calculated_count++;
    rf_text lower = rf_builder__lower(builder, name);
    if (builder->no_memory) {
        return;
    }
    builder->calculated[index] =
        (rf_calculated){.source = source->name, .name = lower};
    builder->origins[index] = origin;
    rf_catalog__enter(builder->index, source->name, lower,
                      (rf_meaning){RF_MEANS_CALCULATED, (uint16_t)index});
}

/* The pool measure has one meaning under both of its spellings. */
static rf_text spell(const rf_source *source, rf_text name)
{
    bool misspelled = rf_builder__is_own(source->name) &&
                      rf_text_is_name(name, rf_text_of(POOL_MISSPELLED));
    return misspelled ? rf_text_of(POOL_MEASURE) : name;
}

static void add_calculated(rf_builder *builder, const rf_source *source,
                           const rf_draft_calculated *formula)
{
    rf_draft_name name = {spell(source, formula->name.text),
                          formula->name.path};
    if (is_free(builder, source, &name)) {
        enter_calculated(builder, source, name.text,
                         (rf_formula_origin){.configured = formula});
    }
}

/* Find the source a plugin's formula belongs to, and its own name. */
static const rf_source *find_plugin_source(rf_builder *builder,
                                           const rf_draft_formula *formula,
                                           rf_text *name)
{
    rf_text source;
    rf_formula_origin origin = {.plugin = formula};
    if (!rf_builder__split(formula->name, &source, name) ||
        name->length > RF_NAME_CHARACTERS_MAX) {
        rf_builder__blame(builder, &origin, RF_E_PLUGIN_FAILED,
                          "%.*s: a formula is named as source.measure, with "
                          "at most %d characters",
                          RF_SHOWN(formula->name), RF_NAME_CHARACTERS_MAX);
        return NULL;
    }
    const rf_source *known = rf_catalog_source(builder->catalog, source);
    if (known == NULL) {
        rf_builder__blame(builder, &origin, RF_E_UNKNOWN_MEASURE,
                          "%.*s: there is no data source %.*s",
                          RF_SHOWN(formula->name), RF_SHOWN(source));
    }
    return known;
}

static void add_plugin_formula(rf_builder *builder,
                               const rf_draft_formula *formula)
{
    rf_text name;
    rf_formula_origin origin = {.plugin = formula};
    const rf_source *source = find_plugin_source(builder, formula, &name);
    if (source == NULL) {
        return;
    }
    name = spell(source, name);
    rf_meaning taken = rf_catalog__meaning(builder->index, source->name, name);
    if (taken.kind != RF_MEANS_NOTHING) {
        rf_builder__blame(
            builder, &origin, RF_E_DUPLICATE_DEFINITION,
            "%.*s is defined already, as a %s measure", RF_SHOWN(formula->name),
            taken.kind == RF_MEANS_PHYSICAL ? "physical" : "calculated");
    } else if (builder->catalog->physical_count +
                   builder->catalog->calculated_count ==
               RF_NAMED_MEASURES_MAX) {
        rf_builder__blame(builder, &origin, RF_E_PLUGIN_FAILED,
                          "there are more than %d measures",
                          RF_NAMED_MEASURES_MAX);
    } else {
        enter_calculated(builder, source, name, origin);
    }
}

/* Read the measures of a source that is drafted; a draft whose source was
 * refused has none. Beyond the limit one problem is enough. */
static void read_source_measures(rf_builder *builder,
                                 const rf_draft_source *draft)
{
    const rf_catalog *catalog = builder->catalog;
    const rf_source *source = rf_catalog_source(catalog, draft->name.text);
    if (source == NULL) {
        return;
    }
    size_t room = RF_NAMED_MEASURES_MAX + 1 - catalog->physical_count -
                  catalog->calculated_count;
    for (size_t i = 0; i < draft->physicals.count && i < room; i++) {
        add_physical(builder, source, &draft->physicals.items[i]);
    }
    for (size_t i = 0; i < draft->calculated_count && i < room; i++) {
        add_calculated(builder, source, &draft->calculated[i]);
    }
}

/* Say whether the document leaves a predefined measure out; note when it has
 * one of the other kind under that name. */
static bool lacks_own(rf_builder *builder, const rf_source *own, rf_text name,
                      rf_meaning_kind kind)
{
    rf_meaning meaning = rf_catalog__meaning(builder->index, own->name, name);
    if (meaning.kind != RF_MEANS_NOTHING && meaning.kind != kind) {
        rf_problems_add(builder->problems, rf_text_of("$"),
                        RF_OWN_SOURCE ".%.*s must be a %s measure",
                        RF_SHOWN(name),
                        kind == RF_MEANS_PHYSICAL ? "physical" : "calculated");
    }
    return meaning.kind == RF_MEANS_NOTHING;
}

/* The pool measure of a document that has none: nothing was put into the pool,
 * and what is allocated leaves it. */
static const rf_draft_calculated *make_pool(rf_builder *builder)
{
    rf_draft_calculated *pool = rf_builder__scratch(builder, 1, sizeof *pool);
    rf_draft_name *term = rf_builder__scratch(builder, 1, sizeof *term);
    if (builder->no_memory) {
        return NULL;
    }
    rf_text path = rf_text_of("$");
    *term = (rf_draft_name){rf_text_of(RF_OWN_SOURCE ".@allocated"), path};
    pool->name = (rf_draft_name){rf_text_of(POOL_MEASURE), path};
    pool->subtracted = (rf_draft_names){term, 1, path};
    return pool;
}

/* Give what is only kept for allocation records its number, too, and note all
 * numbers; where one is missing, a mistake has been noted. */
static void note_pool_measures(rf_builder *builder)
{
    rf_measure ignored;
    rf_error err;
    rf_status status = rf_registry_measure(
        builder->registry, rf_text_of(RF_REALLOCATED), &ignored, &err);
    if (status == RF_E_NO_MEMORY) {
        builder->no_memory = true;
    } else if (status != RF_OK) {
        rf_problems_add(builder->problems, rf_text_of("$"), "%s", err.message);
    } else {
        (void)rf_pool_measures_find(builder->registry, &builder->catalog->pool);
    }
}

static void complete_own_source(rf_builder *builder)
{
    rf_text path = rf_text_of("$");
    const rf_source *own =
        rf_catalog_source(builder->catalog, rf_text_of(RF_OWN_SOURCE));
    if (own == NULL) {
        return;
    }
    for (size_t i = 0; i < OWN_PHYSICAL_COUNT; i++) {
        rf_draft_name name = {rf_text_of(own_physicals[i]), path};
        if (lacks_own(builder, own, name.text, RF_MEANS_PHYSICAL)) {
            add_physical(builder, own, &name);
        }
    }
    rf_text pool = rf_text_of(POOL_MEASURE);
    if (lacks_own(builder, own, pool, RF_MEANS_CALCULATED)) {
        const rf_draft_calculated *formula = make_pool(builder);
        if (formula != NULL) {
            add_calculated(builder, own, formula);
        }
    }
    rf_text misspelled = rf_text_of(POOL_MISSPELLED);
    rf_meaning meaning = rf_catalog__meaning(builder->index, own->name, pool);
    if (meaning.kind != RF_MEANS_NOTHING &&
        lacks_own(builder, own, misspelled, RF_MEANS_CALCULATED)) {
        rf_catalog__enter(builder->index, own->name, misspelled, meaning);
    }
    builder->catalog->pool_formula = meaning.number;
    note_pool_measures(builder);
}

static int compare_physicals(const void *a, const void *b)
{
    const rf_physical *left = a;
    const rf_physical *right = b;
    return (left->number > right->number) - (left->number < right->number);
}

/* Put the physical measures in order, and make them findable by number. */
static void order_physicals(rf_builder *builder)
{
    size_t count = builder->catalog->physical_count;
    size_t numbers = rf_registry_measure_count(builder->registry);
    int16_t *places = rf_builder__allocate(builder, numbers, sizeof *places);
    if (places == NULL) {
        return;
    }
    qsort(builder->physicals, count, sizeof *builder->physicals,
          compare_physicals);
    for (size_t i = 0; i < numbers; i++) {
        places[i] = -1;
    }
    for (size_t i = 0; i < count; i++) {
        places[builder->physicals[i].number] = (int16_t)i;
    }
    builder->index->physical_by_number = places;
    builder->index->number_count = numbers;
}

/* Find what an alias stands for, before any alias is entered. */
static rf_meaning find_aliased(rf_builder *builder, const rf_draft_name *to)
{
    rf_text source;
    rf_text name;
    rf_meaning meaning = {RF_MEANS_NOTHING, 0};
    if (rf_builder__split(to->text, &source, &name)) {
        meaning = rf_catalog__meaning(builder->index, source, name);
    }
    if (meaning.kind == RF_MEANS_NOTHING) {
        rf_problems_add(builder->problems, to->path,
                        "%.*s is not a configured measure", RF_SHOWN(to->text));
    }
    return meaning;
}

static void add_alias(rf_builder *builder, const rf_draft_name *from,
                      rf_meaning meaning)
{
    rf_draft_name source = *from;
    rf_draft_name name = *from;
    if (!rf_builder__split(from->text, &source.text, &name.text)) {
        rf_problems_add(builder->problems, from->path,
                        "an alias is written as source.measure");
        return;
    }
    const rf_source *known = rf_catalog_source(builder->catalog, source.text);
    if (known == NULL) {
        rf_problems_add(builder->problems, from->path,
                        "%.*s is not a data source", RF_SHOWN(source.text));
        return;
    }
    if (!rf_builder__is_name(builder, &name)) {
        return;
    }
    rf_meaning taken =
        rf_catalog__meaning(builder->index, known->name, name.text);
    if (taken.kind != RF_MEANS_NOTHING) {
        rf_problems_add(builder->problems, from->path,
                        "%.*s has a meaning already", RF_SHOWN(from->text));
        return;
    }
    rf_text lower = rf_builder__lower(builder, name.text);
    if (meaning.kind != RF_MEANS_NOTHING && !builder->no_memory) {
        rf_catalog__enter(builder->index, known->name, lower, meaning);
    }
}

static void read_aliases(rf_builder *builder)
{
    const rf_draft_pairs *aliases = &builder->draft->aliases;
    if (aliases->count > RF_ALIASES_MAX) {
        rf_problems_add(builder->problems, aliases->path,
                        "there are more than %d aliases", RF_ALIASES_MAX);
        return;
    }
    rf_meaning *meanings =
        rf_builder__scratch(builder, aliases->count, sizeof *meanings);
    if (meanings == NULL) {
        return;
    }
    for (size_t i = 0; i < aliases->count; i++) {
        meanings[i] = find_aliased(builder, &aliases->items[i].to);
    }
    for (size_t i = 0; i < aliases->count; i++) {
        add_alias(builder, &aliases->items[i].from, meanings[i]);
    }
}

void rf_builder__read_measures(rf_builder *builder)
{
    rf_catalog *catalog = builder->catalog;
    for (size_t i = 0; i < builder->draft->source_count; i++) {
        read_source_measures(builder, &builder->draft->sources[i]);
    }
    for (size_t i = 0; i < builder->draft->formula_count; i++) {
        add_plugin_formula(builder, &builder->draft->formulas[i]);
    }
    complete_own_source(builder);
    order_physicals(builder);
    catalog->physicals = builder->physicals;
    catalog->calculated = builder->calculated;
    if (!builder->no_memory) {
        read_aliases(builder);
    }
}
