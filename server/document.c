/*
 * document.c - the sections of a configuration document.
 */
#include "server/document.h"

#include "core/catalog.h"
#include "core/level.h"
#include "server/document_internal.h"

#include <string.h>

#define INDEXES "indexConfiguration"
#define SETS "indexAttributeSets"

/* The hosted service keeps a set's number in three characters. */
#define SET_NUMBER_MAX 999

static const char *const default_reservation_keys[] = {"siteid", "locationid",
                                                       "colorid", "sizeid"};

#define DEFAULT_KEY_COUNT                                                      \
    (sizeof default_reservation_keys / sizeof default_reservation_keys[0])

static bool is_named(rf_text name, const char *expected)
{
    return rf_text_is_name(name, rf_text_of(expected));
}

/* Read the partition rule as a word; false when there is none. */
static bool read_partition_word(rf_document_reader *reader,
                                const rf_document_part *root, bool *by_product)
{
    rf_document_part part;
    if (!rf_document__child(reader, root, "cachePartitionIdVersion",
                            RF_JSON_STRING, &part)) {
        return false;
    }
    rf_text word = rf_json_text(part.value);
    *by_product = is_named(word, "ByProductId");
    if (!*by_product && !is_named(word, "ByLocation") &&
        !is_named(word, "ByLocationAndProductIdMod64")) {
        rf_problems_add(reader->problems, part.path,
                        "ByLocation, ByLocationAndProductIdMod64 or "
                        "ByProductId is expected");
        return false;
    }
    return true;
}

/* Read the partition rule as two flags; false when there is none. */
static bool read_partition_flags(rf_document_reader *reader,
                                 const rf_document_part *root, bool *by_product)
{
    rf_document_part section;
    if (!rf_document__child(reader, root, "partitionConfiguration",
                            RF_JSON_OBJECT, &section)) {
        return false;
    }
    bool product = false;
    bool dimensions = false;
    bool has_product =
        rf_document__flag(reader, &section, "useProductId", &product);
    bool has_dimensions =
        rf_document__flag(reader, &section, "useDimensions", &dimensions);
    if (!has_product && !has_dimensions) {
        return false;
    }
    if (!product && !dimensions) {
        rf_problems_add(reader->problems, section.path,
                        "useProductId and useDimensions are both false");
        return false;
    }
    *by_product = !dimensions;
    return true;
}

static void read_partition(rf_document_reader *reader,
                           const rf_document_part *root, rf_draft *draft)
{
    bool by_word = false;
    bool by_flags = false;
    bool has_word = read_partition_word(reader, root, &by_word);
    bool has_flags = read_partition_flags(reader, root, &by_flags);
    if (has_word && has_flags && by_word != by_flags) {
        rf_document_part word;
        (void)rf_document__find(reader, root, "cachePartitionIdVersion", &word);
        rf_problems_add(reader->problems, word.path,
                        "does not agree with partitionConfiguration");
    }
    draft->by_product = has_flags ? by_flags : by_word;
}

/* Read a set's number; false when it has none. */
static bool read_set_number(rf_document_reader *reader,
                            const rf_document_part *set, int64_t *out)
{
    rf_json_range range = {0, SET_NUMBER_MAX};
    return rf_document__integer(reader, set, "setNumber", range, out);
}

/* The partition's dimensions may be listed, but not chosen. */
static void check_partition_keys(rf_document_reader *reader,
                                 const rf_document_part *indexes)
{
    rf_document_part set;
    rf_draft_names keys = {0};
    if (!rf_document__child(reader, indexes, "partitionKeyAttributes",
                            RF_JSON_OBJECT, &set)) {
        return;
    }
    int64_t number = 0;
    if (read_set_number(reader, &set, &number) && number != 0) {
        rf_problems_add(reader->problems, set.path,
                        "the partition is set number 0");
    }
    if (!rf_document__names(reader, &set, "keys", &keys)) {
        return;
    }
    if (keys.count != 2 || rf_dimension_find(keys.items[0].text) != RF_SITE ||
        rf_dimension_find(keys.items[1].text) != RF_LOCATION) {
        rf_problems_add(reader->problems, keys.path,
                        "siteid and locationid are expected, in this order");
    }
}

/* Check that a set's number is its own; `used` has a bit for each. */
static void check_set_number(rf_document_reader *reader,
                             const rf_document_part *set,
                             bool used[SET_NUMBER_MAX + 1])
{
    int64_t number = 0;
    if (!read_set_number(reader, set, &number)) {
        return;
    }
    if (number == 0) {
        rf_problems_add(reader->problems, set->path,
                        "set number 0 belongs to the partition");
    } else if (used[number]) {
        rf_problems_add(reader->problems, set->path,
                        "set number %d is given more than once", (int)number);
    }
    used[number] = true;
}

/* Read one index set; null and other mistakes are left out. */
static void read_set(rf_document_reader *reader, const rf_document_part *set,
                     bool used[SET_NUMBER_MAX + 1], rf_draft_names *sets,
                     size_t *count)
{
    rf_draft_names keys = {0};
    if (!rf_document__is(reader, set, RF_JSON_OBJECT)) {
        return;
    }
    check_set_number(reader, set, used);
    rf_document_part list;
    if (!rf_document__find(reader, set, "keys", &list)) {
        rf_problems_add(reader->problems, set->path, "keys is missing");
    } else if (rf_document__is(reader, &list, RF_JSON_ARRAY) &&
               rf_document__list(reader, &list, &keys)) {
        sets[(*count)++] = keys;
    }
}

/* Read the index sets of a section; false when it lists none at all. */
static bool read_sets(rf_document_reader *reader,
                      const rf_document_part *section, rf_draft_names **out,
                      size_t *count)
{
    rf_document_part all;
    if (!rf_document__child(reader, section, SETS, RF_JSON_ARRAY, &all)) {
        return false;
    }
    bool used[SET_NUMBER_MAX + 1] = {false};
    size_t index = 0;
    *out =
        rf_document__allocate(reader, rf_json_length(all.value), sizeof **out);
    if (*out == NULL) {
        return true;
    }
    for (const rf_json *value = rf_json_first(all.value); value != NULL;
         value = rf_json_next(value)) {
        rf_document_part set = {
            value, rf_document__path_at(reader, all.path, index++)};
        read_set(reader, &set, used, *out, count);
    }
    return true;
}

/* Without any index set queries are refused. A document that says nothing
 * about them gets the set without dimensions, which is enough to ask. */
static void read_indexes(rf_document_reader *reader,
                         const rf_document_part *root, rf_draft *draft)
{
    rf_document_part section;
    bool given =
        rf_document__child(reader, root, INDEXES, RF_JSON_OBJECT, &section);
    if (given) {
        check_partition_keys(reader, &section);
        given = read_sets(reader, &section, &draft->index_sets,
                          &draft->index_set_count);
    }
    if (!given) {
        draft->index_sets =
            rf_document__allocate(reader, 1, sizeof *draft->index_sets);
        draft->index_set_count = draft->index_sets == NULL ? 0 : 1;
    }
}

/* Until 180 days could be scheduled, each measure had a period of its own. */
static void read_schedule(rf_document_reader *reader,
                          const rf_document_part *root, rf_draft *draft)
{
    rf_document_part section;
    bool whole = true;
    int64_t days = RF_SCHEDULE_DAYS_DEFAULT;
    if (rf_document__child(reader, root, "scheduleConfiguration",
                           RF_JSON_OBJECT, &section)) {
        (void)read_sets(reader, &section, &draft->schedule_sets,
                        &draft->schedule_set_count);
        (void)rf_document__flag(reader, &section, "isScheduleV2", &whole);
        (void)rf_document__integer(reader, &section, "schedulePeriodInDays",
                                   (rf_json_range){1, RF_SCHEDULE_DAYS_MAX},
                                   &days);
        rf_document__read_promises(reader, &section, draft);
    }
    draft->schedule_days = whole ? (unsigned)days : 0;
}

static void give_reservation_keys(rf_document_reader *reader,
                                  rf_draft_names *keys)
{
    keys->items =
        rf_document__allocate(reader, DEFAULT_KEY_COUNT, sizeof *keys->items);
    for (size_t i = 0; keys->items != NULL && i < DEFAULT_KEY_COUNT; i++) {
        keys->items[keys->count++] = (rf_draft_name){
            rf_text_of(default_reservation_keys[i]), keys->path};
    }
}

static void read_reservation(rf_document_reader *reader,
                             const rf_document_part *root, rf_draft *draft)
{
    rf_document_part section;
    rf_draft_names *keys = &draft->reservation_keys;
    keys->path = root->path;
    if (rf_document__child(reader, root, "reservConfiguration", RF_JSON_OBJECT,
                           &section)) {
        int64_t version = 0;
        (void)rf_document__integer(reader, &section, "version",
                                   (rf_json_range){0, 1}, &version);
        draft->drops_dimensions = version == 1;
        (void)rf_document__names(reader, &section, "keys", keys);
    }
    if (keys->items == NULL) {
        give_reservation_keys(reader, keys);
    }
}

static void read_levels(rf_document_reader *reader,
                        const rf_document_part *section, rf_draft *draft)
{
    rf_document_part all;
    if (!rf_document__child(reader, section, "levels", RF_JSON_ARRAY, &all)) {
        return;
    }
    size_t index = 0;
    draft->levels = rf_document__allocate(reader, rf_json_length(all.value),
                                          sizeof *draft->levels);
    if (draft->levels == NULL) {
        return;
    }
    for (const rf_json *value = rf_json_first(all.value); value != NULL;
         value = rf_json_next(value)) {
        rf_document_part level = {
            value, rf_document__path_at(reader, all.path, index++)};
        rf_draft_names names = {0};
        if (rf_document__is(reader, &level, RF_JSON_ARRAY) &&
            rf_document__list(reader, &level, &names)) {
            draft->levels[draft->level_count++] = names;
        }
    }
}

static void read_hierarchy_check(rf_document_reader *reader,
                                 const rf_document_part *section,
                                 rf_draft *draft)
{
    rf_document_part part;
    if (!rf_document__child(reader, section, "hierarchyCheck", RF_JSON_STRING,
                            &part)) {
        return;
    }
    rf_text word = rf_json_text(part.value);
    draft->strict = !is_named(word, "independent");
    if (draft->strict && !is_named(word, "strict")) {
        rf_problems_add(reader->problems, part.path,
                        "strict or independent is expected");
    }
}

static void read_refusal_status(rf_document_reader *reader,
                                const rf_document_part *section,
                                rf_draft *draft)
{
    static const char name[] = "refusalHttpStatus";
    rf_document_part part;
    if (!rf_document__find(reader, section, name, &part)) {
        return;
    }
    if (rf_json_is(part.value, RF_JSON_STRING) &&
        is_named(rf_json_text(part.value), "mirror")) {
        draft->refusal_http_status = 0;
        return;
    }
    int64_t status;
    rf_json_range range = {400, 599};
    if (rf_json_to_integer(part.value, range, &status, NULL) == RF_OK) {
        draft->refusal_http_status = (int)status;
    } else {
        rf_problems_add(reader->problems, part.path,
                        "a status from 400 to 599 or mirror is expected");
    }
}

static void read_own_settings(rf_document_reader *reader,
                              const rf_document_part *root, rf_draft *draft)
{
    rf_document_part section;
    if (!rf_document__child(reader, root, "ringfence", RF_JSON_OBJECT,
                            &section)) {
        return;
    }
    int64_t days = draft->id_retention_days;
    (void)rf_document__integer(reader, &section, "idempotencyRetentionDays",
                               (rf_json_range){1, 3650}, &days);
    draft->id_retention_days = (unsigned)days;
    (void)rf_document__flag(reader, &section, "allowFnoWrites",
                            &draft->allow_fno_writes);
    (void)rf_document__pairs(reader, &section, "aliases", &draft->aliases);
    (void)rf_document__names(reader, &section, "plugins", &draft->plugins);
    read_levels(reader, &section, draft);
    read_hierarchy_check(reader, &section, draft);
    read_refusal_status(reader, &section, draft);
}

/* Read all sections. Allocation comes behind the sources, to which it may add
 * the pool measure. */
static void read_sections(rf_document_reader *reader,
                          const rf_document_part *root, rf_draft *draft)
{
    rf_text id;
    (void)rf_document__text(reader, root, "environmentId", &id);
    read_partition(reader, root, draft);
    read_indexes(reader, root, draft);
    rf_document__read_sources(reader, root, draft);
    rf_document__read_allocation(reader, root, draft);
    read_reservation(reader, root, draft);
    read_schedule(reader, root, draft);
    read_own_settings(reader, root, draft);
}

rf_status rf_document_read(rf_arena *arena, const rf_json *root, rf_draft *out,
                           rf_problems *problems, rf_error *err)
{
    rf_document_reader reader = {.arena = arena, .problems = problems};
    rf_draft draft = {
        .strict = true, .refusal_http_status = 409, .id_retention_days = 7};
    rf_document_part part = {root, rf_text_of("$")};
    (void)rf_document__is(&reader, &part, RF_JSON_OBJECT);
    read_sections(&reader, &part, &draft);
    if (reader.no_memory) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    *out = draft;
    if (problems->count > 0) {
        return rf_problems_fail(problems, err);
    }
    return RF_OK;
}
