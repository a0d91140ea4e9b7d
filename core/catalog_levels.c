/*
 * catalog_levels.c - groups, index sets and the levels that follow from them.
 */
#include "core/catalog_internal.h"

#include <string.h>

/* A list of base dimensions as the document gives it. */
typedef struct dimension_list {
    unsigned dimensions[RF_DIMENSION_COUNT];
    size_t count;
} dimension_list;

/* The levels found so far. */
typedef struct level_list {
    rf_level *levels;
    size_t count;
    bool full; /* one more was wanted than there is room for */
} level_list;

static void read_dimension(rf_builder *builder, const rf_draft_name *name,
                           dimension_list *list, rf_level *seen)
{
    int dimension = rf_dimension_find(name->text);
    if (dimension < 0) {
        rf_problems_add(builder->problems, name->path,
                        "%.*s is not a base dimension", RF_SHOWN(name->text));
        return;
    }
    if ((*seen & RF_BIT(dimension)) != 0) {
        rf_problems_add(builder->problems, name->path,
                        "%.*s stands in this list more than once",
                        RF_SHOWN(name->text));
        return;
    }
    *seen |= RF_BIT(dimension);
    list->dimensions[list->count++] = (unsigned)dimension;
}

/* Read a list of base dimensions; return the set of them. */
static rf_level read_dimensions(rf_builder *builder,
                                const rf_draft_names *names,
                                dimension_list *list)
{
    rf_level seen = 0;
    list->count = 0;
    for (size_t i = 0; i < names->count; i++) {
        read_dimension(builder, &names->items[i], list, &seen);
    }
    return seen;
}

/* The same for an index set, where "Empty" stands for no dimension at all. */
static rf_level read_index_set(rf_builder *builder, const rf_draft_names *names,
                               dimension_list *list)
{
    rf_level seen = 0;
    list->count = 0;
    for (size_t i = 0; i < names->count; i++) {
        const rf_draft_name *name = &names->items[i];
        if (!rf_text_is_name(name->text, rf_text_of("Empty"))) {
            read_dimension(builder, name, list, &seen);
        }
    }
    return seen;
}

static void add_level(level_list *list, rf_level level)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->levels[i] == level) {
            return;
        }
    }
    if (list->count == RF_CATALOG_LEVELS_MAX) {
        list->full = true;
        return;
    }
    list->levels[list->count++] = level;
}

/* Add a level of dimensions beside the partition's. By product, queries group
 * without site and location too, so it is also kept without them. */
static void add_partitioned(const rf_builder *builder, level_list *list,
                            rf_level level)
{
    add_level(list, RF_LEVEL_PLACE | level);
    if (builder->draft->by_product) {
        add_level(list, level);
    }
}

static void read_index_sets(rf_builder *builder, level_list *levels)
{
    const rf_draft *draft = builder->draft;
    for (size_t i = 0; i < draft->index_set_count; i++) {
        const rf_draft_names *set = &draft->index_sets[i];
        dimension_list list;
        rf_level all = read_index_set(builder, set, &list);
        if ((all & RF_LEVEL_PLACE) != 0) {
            rf_problems_add(builder->problems, set->path,
                            "siteid and locationid belong to the partition and "
                            "must not stand in an index set");
        }
        rf_level prefix = 0;
        for (size_t j = 0; j < list.count; j++) {
            prefix |= RF_BIT(list.dimensions[j]);
            add_partitioned(builder, levels, prefix);
        }
    }
}

/* What is scheduled is kept beside the stock at the same levels, day by day.
 * Its leaf comes last: as long as there is none, nothing has been scheduled,
 * and levels need no building. */
static void read_schedule_sets(rf_builder *builder, level_list *levels)
{
    const rf_draft *draft = builder->draft;
    rf_schedule_rules *schedule = &builder->catalog->schedule;
    rf_level *sets = rf_builder__allocate(
        builder, draft->schedule_set_count + 1, sizeof *sets);
    if (sets == NULL) {
        return;
    }
    for (size_t i = 0; i < draft->schedule_set_count; i++) {
        dimension_list list;
        rf_level all = read_index_set(builder, &draft->schedule_sets[i], &list);
        sets[schedule->set_count++] = all & ~RF_LEVEL_PLACE;
    }
    if (schedule->set_count == 0) {
        sets[schedule->set_count++] = 0;
    }
    schedule->sets = sets;
    for (size_t i = 0; i < schedule->set_count; i++) {
        add_partitioned(builder, levels, sets[i]);
        add_partitioned(builder, levels, sets[i] | RF_BIT(RF_DAY));
    }
    add_level(levels, RF_LEVEL_SCHEDULE);
}

static void read_reservation_keys(rf_builder *builder, level_list *levels)
{
    rf_catalog *catalog = builder->catalog;
    const rf_draft_names *keys = &builder->draft->reservation_keys;
    dimension_list list;
    rf_level all = read_dimensions(builder, keys, &list);
    if (!builder->draft->by_product && !rf_level_covers(all, RF_LEVEL_PLACE)) {
        rf_problems_add(builder->problems, keys->path,
                        "the reservation dimensions must contain siteid and "
                        "locationid, by which stock is partitioned");
    }
    unsigned *dimensions =
        rf_builder__allocate(builder, list.count, sizeof *dimensions);
    if (dimensions == NULL) {
        return;
    }
    memcpy(dimensions, list.dimensions, list.count * sizeof *dimensions);
    catalog->reservation_dimensions = dimensions;
    catalog->reservation_dimension_count = list.count;

    rf_level prefix = 0;
    for (size_t i = 0; i < list.count; i++) {
        prefix |= RF_BIT(dimensions[i]);
        add_level(levels, prefix);
    }
}

static void read_extra_levels(rf_builder *builder, level_list *levels)
{
    const rf_draft *draft = builder->draft;
    for (size_t i = 0; i < draft->level_count; i++) {
        dimension_list list;
        add_level(levels, read_dimensions(builder, &draft->levels[i], &list));
    }
}

/* What is allocated lies at the leaf with all groups; what every prefix of the
 * groups comes to is kept beside it. */
static void add_group_levels(const rf_builder *builder, level_list *levels)
{
    const rf_catalog *catalog = builder->catalog;
    rf_level level = RF_LEVEL_LEAF;
    for (size_t i = 0; i < catalog->group_order_count; i++) {
        level |= RF_BIT(catalog->group_order[i]);
        add_level(levels, level);
    }
}

static void read_levels(rf_builder *builder)
{
    level_list list = {0};
    list.levels = rf_builder__allocate(builder, RF_CATALOG_LEVELS_MAX,
                                       sizeof *list.levels);
    if (list.levels == NULL) {
        return;
    }
    add_level(&list, RF_LEVEL_LEAF);
    add_level(&list, 0);
    add_level(&list, RF_BIT(RF_SITE));
    add_level(&list, RF_LEVEL_PLACE);
    read_reservation_keys(builder, &list);
    read_index_sets(builder, &list);
    read_schedule_sets(builder, &list);
    read_extra_levels(builder, &list);
    add_group_levels(builder, &list);
    if (list.full) {
        rf_problems_add(builder->problems, rf_text_of("$"),
                        "the index sets, reservation dimensions, groups and "
                        "levels come to more than %d levels",
                        RF_CATALOG_LEVELS_MAX);
    }
    builder->catalog->levels = list.levels;
    builder->catalog->level_count = list.count;
}

static bool is_group_listed(const rf_draft_names *groups, size_t count,
                            rf_text name)
{
    for (size_t i = 0; i < count; i++) {
        if (rf_text_is_name(groups->items[i].text, name)) {
            return true;
        }
    }
    return false;
}

/* Give a group its coordinate; false when that cannot be. */
static bool number_group(rf_builder *builder, const rf_draft_name *group,
                         unsigned *out)
{
    rf_error err;
    rf_status status =
        rf_registry_group(builder->registry, group->text, out, &err);
    if (status == RF_E_NO_MEMORY) {
        builder->no_memory = true;
    } else if (status != RF_OK) {
        rf_problems_add(builder->problems, group->path, "%s", err.message);
    }
    return status == RF_OK;
}

static void read_group(rf_builder *builder, size_t place, unsigned *order)
{
    rf_catalog *catalog = builder->catalog;
    const rf_draft_names *groups = &builder->draft->groups;
    const rf_draft_name *group = &groups->items[place];
    if (!rf_builder__is_name(builder, group)) {
        return;
    }
    if (is_group_listed(groups, place, group->text)) {
        rf_problems_add(builder->problems, group->path,
                        "the group %.*s is configured more than once",
                        RF_SHOWN(group->text));
        return;
    }
    unsigned coordinate;
    if (number_group(builder, group, &coordinate)) {
        order[catalog->group_order_count++] = coordinate;
        catalog->group_mask |= RF_BIT(coordinate);
    }
}

static rf_text keep_text(rf_builder *builder, rf_text text)
{
    char *copy = rf_arena_copy(&builder->index->arena, text.bytes, text.length);
    if (copy == NULL) {
        builder->no_memory = true;
        return RF_TEXT_EMPTY;
    }
    return (rf_text){copy, text.length};
}

/* Keep the names of all groups there ever were, those that are configured as
 * the document spells them. */
static void name_groups(rf_builder *builder)
{
    rf_catalog *catalog = builder->catalog;
    size_t count = rf_registry_group_count(builder->registry);
    rf_text *names = rf_builder__allocate(builder, count, sizeof *names);
    if (names == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        names[i] =
            keep_text(builder, rf_registry_group_name(builder->registry, i));
        const rf_draft_names *groups = &builder->draft->groups;
        for (size_t j = 0; j < groups->count; j++) {
            if (rf_text_is_name(groups->items[j].text, names[i])) {
                names[i] = keep_text(builder, groups->items[j].text);
            }
        }
    }
    catalog->groups = names;
    catalog->group_count = count;
}

static void read_groups(rf_builder *builder)
{
    const rf_draft_names *groups = &builder->draft->groups;
    if (groups->count > RF_GROUPS_MAX) {
        rf_problems_add(builder->problems, groups->path,
                        "there are more than %d groups", RF_GROUPS_MAX);
        return;
    }
    unsigned *order =
        rf_builder__allocate(builder, groups->count, sizeof *order);
    if (order == NULL) {
        return;
    }
    builder->catalog->group_order = order;
    for (size_t i = 0; i < groups->count && !builder->no_memory; i++) {
        read_group(builder, i, order);
    }
    name_groups(builder);
}

void rf_builder__read_coordinates(rf_builder *builder)
{
    read_groups(builder);
    if (!builder->no_memory) {
        read_levels(builder);
    }
}
