/*
 * check_levels.c - the choice of levels, the same for every check.
 */
#include "core/check_levels.h"

/* Add a level that is no finer than the request's own, once. Return how many
 * there are then. */
static size_t add_level(rf_level given, rf_level level, rf_level *levels,
                        size_t count)
{
    if (!rf_level_covers(given, level)) {
        return count;
    }
    for (size_t i = 0; i < count; i++) {
        if (levels[i] == level) {
            return count;
        }
    }
    RF_ASSERT(count < RF_CHECK_LEVELS_MAX);
    levels[count] = level;
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

size_t rf_check_levels(const rf_catalog *catalog, rf_level given,
                       const rf_head *head, rf_level out[RF_CHECK_LEVELS_MAX])
{
    size_t count = add_level(given, given, out, 0);
    if (!catalog->strict) {
        return count;
    }
    count = add_prefixes(catalog, given, out, count);
    for (uint16_t i = 0; head != NULL && i < head->count; i++) {
        count = add_level(given, head->levels[i].level, out, count);
    }
    return count;
}
