/*
 * document_sources.c - data sources, their measures, and allocation.
 */
#include "server/document_internal.h"

#include <string.h>

#define SOURCES "inventorySystemConfigurations"
#define ALLOCATION "allocationConfiguration"
#define POOL_CALCULATION "availableToAllocateCalculation"

/* As many groups as there are places from g0 to g7. */
#define GROUP_PLACES 8

/* The measures that the ERP's source has unless the document says which. */
static const char *const fno_physicals[] = {
    "notspecified", "arrived",      "availordered",   "availphysical",
    "deducted",     "onorder",      "ordered",        "physicalinvent",
    "picked",       "postedqty",    "quotationissue", "quotationreceipt",
    "received",     "registered",   "reservordered",  "reservphysical",
    "orderedsum",   "softreserved",
};

#define FNO_PHYSICAL_COUNT (sizeof fno_physicals / sizeof fno_physicals[0])

/* What the ERP calls the dimensions, unless the document says so. */
static const char *const fno_mappings[][2] = {
    {"inventbatchid", "batchid"},
    {"inventcolorid", "colorid"},
    {"inventlocationid", "locationid"},
    {"inventserialid", "serialid"},
    {"inventsiteid", "siteid"},
    {"inventsizeid", "sizeid"},
    {"inventstatusid", "statusid"},
    {"inventstyleid", "styleid"},
    {"inventversionid", "versionid"},
    {"licenseplateid", "licenseplateid"},
    {"wmslocationid", "wmslocationid"},
    {"wmspalletid", "wmspalletid"},
    {"configid", "configid"},
    {"inventdimension1", "customdimension1"},
    {"inventdimension2", "customdimension2"},
    {"inventdimension3", "customdimension3"},
    {"inventdimension4", "customdimension4"},
    {"inventdimension5", "customdimension5"},
    {"inventdimension6", "customdimension6"},
    {"inventdimension7", "customdimension7"},
    {"inventdimension8", "customdimension8"},
    {"inventdimension9", "customdimension9"},
    {"inventdimension10", "customdimension10"},
    {"inventdimension11", "customdimension11"},
    {"inventdimension12", "customdimension12"},
};

#define FNO_MAPPING_COUNT (sizeof fno_mappings / sizeof fno_mappings[0])

static bool is_named(rf_text name, const char *expected)
{
    return rf_text_is_name(name, rf_text_of(expected));
}

static void read_calculated(rf_document_reader *reader,
                            const rf_document_part *part, rf_text name,
                            rf_draft_source *source)
{
    if (!rf_document__is(reader, part, RF_JSON_OBJECT)) {
        return;
    }
    rf_draft_calculated *calculated =
        &source->calculated[source->calculated_count++];
    calculated->name = (rf_draft_name){name, part->path};
    (void)rf_document__names(reader, part, "additionModifiers",
                             &calculated->added);
    (void)rf_document__names(reader, part, "subtractionModifiers",
                             &calculated->subtracted);
}

/* Read the formulas of a source; there is room for one more, the pool's. */
static void read_formulas(rf_document_reader *reader,
                          const rf_document_part *part, rf_draft_source *source)
{
    rf_document_part all = {NULL, RF_TEXT_EMPTY};
    bool given = rf_document__child(reader, part, "calculatedMeasures",
                                    RF_JSON_OBJECT, &all);
    size_t count = given ? rf_json_length(all.value) : 0;
    source->calculated =
        rf_document__allocate(reader, count + 1, sizeof *source->calculated);
    if (source->calculated == NULL || !given) {
        return;
    }
    for (const rf_json *value = rf_json_first(all.value); value != NULL;
         value = rf_json_next(value)) {
        rf_text name = rf_json_name(value);
        rf_document_part formula = {value,
                                    rf_document__path(reader, all.path, name)};
        if (!rf_json_is(value, RF_JSON_NULL)) {
            read_calculated(reader, &formula, name, source);
        }
    }
}

static void read_source(rf_document_reader *reader,
                        const rf_document_part *part, rf_draft_source *source)
{
    rf_text name = source->name.text;
    rf_text repeated = name;
    (void)rf_document__text(reader, part, "dataSourceName", &repeated);
    if (!rf_text_is_name(repeated, name)) {
        rf_problems_add(reader->problems, source->name.path,
                        "dataSourceName is %.*s, but the member is called "
                        "%.*s",
                        RF_SHOWN(repeated), RF_SHOWN(name));
    }
    (void)rf_document__pairs(reader, part, "dimensionMappings",
                             &source->mappings);
    (void)rf_document__names(reader, part, "physicalMeasures",
                             &source->physicals);
    (void)rf_document__pairs(reader, part, "reservMappings",
                             &source->reservations);
    read_formulas(reader, part, source);
}

/* Enter a source that is to be called so, and give it room for the pool. */
static rf_draft_source *append_source(rf_document_reader *reader,
                                      rf_draft *draft, rf_draft_name name)
{
    rf_draft_source *source = &draft->sources[draft->source_count++];
    source->name = name;
    source->calculated =
        rf_document__allocate(reader, 1, sizeof *source->calculated);
    return source;
}

static rf_draft_source *find_source(rf_draft *draft, const char *name)
{
    for (size_t i = 0; i < draft->source_count; i++) {
        if (is_named(draft->sources[i].name.text, name)) {
            return &draft->sources[i];
        }
    }
    return NULL;
}

static rf_draft_name name_source(rf_document_reader *reader,
                                 const rf_document_part *root, const char *name)
{
    rf_text path = rf_document__path(reader, root->path, rf_text_of(SOURCES));
    return (rf_draft_name){rf_text_of(name),
                           rf_document__path(reader, path, rf_text_of(name))};
}

static void give_fno_mappings(rf_document_reader *reader, rf_draft_source *fno)
{
    rf_draft_pairs *mappings = &fno->mappings;
    mappings->items = rf_document__allocate(reader, FNO_MAPPING_COUNT,
                                            sizeof *mappings->items);
    for (size_t i = 0; mappings->items != NULL && i < FNO_MAPPING_COUNT; i++) {
        rf_draft_pair *pair = &mappings->items[mappings->count++];
        pair->from =
            (rf_draft_name){rf_text_of(fno_mappings[i][0]), fno->name.path};
        pair->to =
            (rf_draft_name){rf_text_of(fno_mappings[i][1]), fno->name.path};
    }
}

static void give_fno_physicals(rf_document_reader *reader, rf_draft_source *fno)
{
    rf_draft_names *physicals = &fno->physicals;
    physicals->items = rf_document__allocate(reader, FNO_PHYSICAL_COUNT,
                                             sizeof *physicals->items);
    for (size_t i = 0; physicals->items != NULL && i < FNO_PHYSICAL_COUNT;
         i++) {
        physicals->items[physicals->count++] =
            (rf_draft_name){rf_text_of(fno_physicals[i]), fno->name.path};
    }
}

/* The ERP's source is always there; what the document leaves out of it is as
 * the hosted service ships it. */
static void complete_fno(rf_document_reader *reader,
                         const rf_document_part *root, rf_draft *draft)
{
    rf_draft_source *fno = find_source(draft, "fno");
    if (fno == NULL) {
        fno = append_source(reader, draft, name_source(reader, root, "fno"));
    }
    if (fno->mappings.items == NULL) {
        give_fno_mappings(reader, fno);
    }
    if (fno->physicals.items == NULL) {
        give_fno_physicals(reader, fno);
    }
}

void rf_document__read_sources(rf_document_reader *reader,
                               const rf_document_part *root, rf_draft *draft)
{
    rf_document_part all = {NULL, RF_TEXT_EMPTY};
    bool given =
        rf_document__child(reader, root, SOURCES, RF_JSON_OBJECT, &all);
    size_t count = given ? rf_json_length(all.value) : 0;
    /* Two more for fno and @iv, should the document lack them. */
    draft->sources =
        rf_document__allocate(reader, count + 2, sizeof *draft->sources);
    if (draft->sources == NULL) {
        return;
    }
    const rf_json *value = given ? rf_json_first(all.value) : NULL;
    for (; value != NULL; value = rf_json_next(value)) {
        rf_text name = rf_json_name(value);
        rf_document_part part = {value,
                                 rf_document__path(reader, all.path, name)};
        if (!rf_json_is(value, RF_JSON_NULL) &&
            rf_document__is(reader, &part, RF_JSON_OBJECT)) {
            rf_draft_source *source = &draft->sources[draft->source_count++];
            source->name = (rf_draft_name){name, part.path};
            read_source(reader, &part, source);
        }
    }
    complete_fno(reader, root, draft);
}

/* Say whether the document defines the pool measure, in either spelling. */
static bool has_pool(const rf_draft_source *own)
{
    for (size_t i = 0; i < own->calculated_count; i++) {
        rf_text name = own->calculated[i].name.text;
        if (is_named(name, "@available_to_allocate") ||
            is_named(name, "@availiable_to_allocate")) {
            return true;
        }
    }
    return false;
}

static void read_pool_term(rf_document_reader *reader,
                           const rf_document_part *part,
                           rf_draft_calculated *pool)
{
    rf_text sign;
    rf_draft_name term = {rf_json_name(part->value), part->path};
    if (!rf_document__is(reader, part, RF_JSON_STRING)) {
        return;
    }
    sign = rf_json_text(part->value);
    if (is_named(sign, "addition")) {
        pool->added.items[pool->added.count++] = term;
    } else if (is_named(sign, "subtraction")) {
        pool->subtracted.items[pool->subtracted.count++] = term;
    } else {
        rf_problems_add(reader->problems, part->path,
                        "addition or subtraction is expected");
    }
}

/* Read the pool measure's formula as the allocation section gives it. */
static void read_pool(rf_document_reader *reader, const rf_document_part *all,
                      rf_draft_source *own)
{
    size_t count = rf_json_length(all->value);
    rf_draft_calculated pool = {
        .name = {rf_text_of("@available_to_allocate"), all->path}};
    pool.added.items =
        rf_document__allocate(reader, count, sizeof *pool.added.items);
    pool.subtracted.items =
        rf_document__allocate(reader, count, sizeof *pool.subtracted.items);
    if (reader->no_memory) {
        return;
    }
    for (const rf_json *value = rf_json_first(all->value); value != NULL;
         value = rf_json_next(value)) {
        rf_document_part part = {
            value, rf_document__path(reader, all->path, rf_json_name(value))};
        if (!rf_json_is(value, RF_JSON_NULL)) {
            read_pool_term(reader, &part, &pool);
        }
    }
    own->calculated[own->calculated_count++] = pool;
}

static bool find_group(const rf_draft_names *groups, rf_text name, size_t *out)
{
    for (size_t i = 0; i < groups->count; i++) {
        if (rf_text_is_name(groups->items[i].text, name)) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* Read "g0" to "g7". */
static bool read_place(rf_text text, size_t *out)
{
    if (text.length != 2 || rf_lower(text.bytes[0]) != 'g' ||
        text.bytes[1] < '0' || text.bytes[1] >= '0' + GROUP_PLACES) {
        return false;
    }
    *out = (size_t)(text.bytes[1] - '0');
    return true;
}

/* Put a group that is named in the order section at its place. */
static void place_group(rf_document_reader *reader, const rf_draft_pair *pair,
                        const rf_draft_names *groups,
                        const rf_draft_name *places[GROUP_PLACES])
{
    size_t place;
    size_t group;
    if (!read_place(pair->to.text, &place)) {
        rf_problems_add(reader->problems, pair->to.path,
                        "a place from g0 to g7 is expected");
    } else if (!find_group(groups, pair->from.text, &group)) {
        rf_problems_add(reader->problems, pair->from.path,
                        "%.*s is not one of the groups",
                        RF_SHOWN(pair->from.text));
    } else if (places[place] != NULL) {
        rf_problems_add(reader->problems, pair->to.path,
                        "two groups have the place g%zu", place);
    } else {
        places[place] = &groups->items[group];
    }
}

/* Sort the groups by their places, unless something is wrong with them. */
static void order_groups(rf_document_reader *reader,
                         const rf_draft_pairs *order, rf_draft_names *groups)
{
    const rf_draft_name *places[GROUP_PLACES] = {NULL};
    size_t mistakes = reader->problems->count;
    for (size_t i = 0; i < order->count; i++) {
        place_group(reader, &order->items[i], groups, places);
    }
    if (order->count < groups->count && mistakes == reader->problems->count) {
        rf_problems_add(reader->problems, order->path,
                        "not every group has a place");
    }
    rf_draft_name *sorted =
        rf_document__allocate(reader, groups->count, sizeof *sorted);
    if (sorted == NULL || mistakes != reader->problems->count) {
        return;
    }
    size_t count = 0;
    for (size_t i = 0; i < GROUP_PLACES; i++) {
        if (places[i] != NULL) {
            sorted[count++] = *places[i];
        }
    }
    groups->items = sorted;
}

/* A document may give the groups by their order alone. */
static void take_groups(rf_document_reader *reader, const rf_draft_pairs *order,
                        rf_draft_names *groups)
{
    groups->items =
        rf_document__allocate(reader, order->count, sizeof *groups->items);
    for (size_t i = 0; groups->items != NULL && i < order->count; i++) {
        groups->items[groups->count++] = order->items[i].from;
    }
}

void rf_document__read_allocation(rf_document_reader *reader,
                                  const rf_document_part *root, rf_draft *draft)
{
    rf_document_part section;
    if (reader->no_memory || !rf_document__child(reader, root, ALLOCATION,
                                                 RF_JSON_OBJECT, &section)) {
        return;
    }
    rf_draft_names *groups = &draft->groups;
    rf_draft_pairs order = {0};
    (void)rf_document__names(reader, &section, "groups", groups);
    (void)rf_document__pairs(reader, &section, "groupsOrder", &order);
    if (groups->count == 0) {
        take_groups(reader, &order, groups);
    }
    /* Too many are the catalog's to report, and cannot all have a place. */
    if (order.count > 0 && groups->count <= GROUP_PLACES) {
        order_groups(reader, &order, groups);
    }

    rf_document_part pool;
    rf_draft_source *own = find_source(draft, "@iv");
    if ((own != NULL && has_pool(own)) ||
        !rf_document__child(reader, &section, POOL_CALCULATION, RF_JSON_OBJECT,
                            &pool)) {
        return;
    }
    if (own == NULL) {
        own = append_source(reader, draft, name_source(reader, root, "@iv"));
    }
    if (!reader->no_memory) {
        read_pool(reader, &pool, own);
    }
}
