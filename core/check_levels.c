/*
 * check_levels.c - the choice of levels, the same for every check.
 */
#include "core/check_levels.h"

/* Add a level that is no finer than the request's own, once. Return how many
 * there are then; beyond the room for them they are only counted. */
static size_t add_level(rf_level given, rf_level level, rf_level *levels,
                        size_t count)
{
    if (!rf_level_covers(given, level) || count > RF_CHECK_LEVELS_MAX) {
        return count;
    }
    for (size_t i = 0; i < count; i++) {
        if (levels[i] == level) {
            return count;
        }
    }
    if (count < RF_CHECK_LEVELS_MAX) {
        levels[count] = level;
    }
    return count + 1;
}

/* Add the levels of the reservation dimensions that lie inside one partition,
 * the finest first. */
static size_t add_prefixes(const rf_catalog *catalog, rf_level given,
                           rf_level *levels, size_t count)
{
    rf_level prefixes[RF_COORDINATES_MAX + 1] = {0};
    size_t prefix = catalog->reservation_dimension_count;
    for (size_t i = 0; i < prefix; i++) {
        prefixes[i + 1] =
            prefixes[i] | RF_BIT(catalog->reservation_dimensions[i]);
    }
    for (;; prefix--) {
        if (catalog->by_product ||
            rf_level_covers(prefixes[prefix], RF_LEVEL_PLACE)) {
            count = add_level(given, prefixes[prefix], levels, count);
        }
        if (prefix == 0) {
            return count;
        }
    }
}

/* Add what any two levels have in common, until there is nothing new: two holds
 * of which neither lies above the other meet there. */
static size_t add_common(rf_level given, rf_level *levels, size_t count)
{
    for (size_t i = 1; i < count && i < RF_CHECK_LEVELS_MAX; i++) {
        for (size_t j = 0; j < i; j++) {
            count = add_level(given, levels[i] & levels[j], levels, count);
        }
    }
    return count;
}

size_t rf_check_levels(const rf_catalog *catalog, rf_level given,
                       const rf_head *head, rf_level out[RF_CHECK_LEVELS_MAX])
{
    size_t count = add_level(given, given, out, 0);
    if (!catalog->strict) {
        return count;
    }
    count = add_prefixes(catalog, given, out, count);
    for (uint16_t i = 0; head != NULL && i < head->count; i++) {
        rf_level common = given & head->levels[i].level;
        if (catalog->by_product || rf_level_covers(common, RF_LEVEL_PLACE)) {
            count = add_level(given, common, out, count);
        }
    }
    return add_common(given, out, count);
}
