/*
 * level.c - the base dimensions by name.
 */
#include "core/level.h"

#include "core/error.h"

#include <string.h>

/* The order is the numbering and must never change: it is in every key. */
static const char *const dimension_names[RF_DIMENSION_COUNT] = {
    "siteid",
    "locationid",
    "ColorId",
    "SizeId",
    "StyleId",
    "ConfigId",
    "BatchId",
    "SerialId",
    "StatusId",
    "WMSLocationId",
    "WMSPalletId",
    "LicensePlateId",
    "VersionId",
    "CustomDimension1",
    "CustomDimension2",
    "CustomDimension3",
    "CustomDimension4",
    "CustomDimension5",
    "CustomDimension6",
    "CustomDimension7",
    "CustomDimension8",
    "CustomDimension9",
    "CustomDimension10",
    "CustomDimension11",
    "CustomDimension12",
    "ExtendedDimension1",
    "ExtendedDimension2",
    "ExtendedDimension3",
    "ExtendedDimension4",
    "ExtendedDimension5",
    "ExtendedDimension6",
    "ExtendedDimension7",
    "ExtendedDimension8",
};

/* The hosted service's documentation uses both prefixes for one thing, and
 * both spellings of the licence plate. */
static const struct {
    const char *alias;
    const char *name;
} dimension_aliases[] = {
    {"InventDimension1", "CustomDimension1"},
    {"InventDimension2", "CustomDimension2"},
    {"InventDimension3", "CustomDimension3"},
    {"InventDimension4", "CustomDimension4"},
    {"InventDimension5", "CustomDimension5"},
    {"InventDimension6", "CustomDimension6"},
    {"InventDimension7", "CustomDimension7"},
    {"InventDimension8", "CustomDimension8"},
    {"InventDimension9", "CustomDimension9"},
    {"InventDimension10", "CustomDimension10"},
    {"InventDimension11", "CustomDimension11"},
    {"InventDimension12", "CustomDimension12"},
    {"LicensePlate", "LicensePlateId"},
};

static int find_base_name(rf_text name)
{
    for (int i = 0; i < RF_DIMENSION_COUNT; i++) {
        if (rf_text_is_name(name, rf_text_of(dimension_names[i]))) {
            return i;
        }
    }
    return -1;
}

int rf_dimension_find(rf_text name)
{
    int found = find_base_name(name);
    size_t aliases = sizeof dimension_aliases / sizeof dimension_aliases[0];
    for (size_t i = 0; found < 0 && i < aliases; i++) {
        if (rf_text_is_name(name, rf_text_of(dimension_aliases[i].alias))) {
            found = find_base_name(rf_text_of(dimension_aliases[i].name));
        }
    }
    return found;
}

rf_text rf_dimension_name(unsigned dimension)
{
    RF_ASSERT(dimension < RF_DIMENSION_COUNT);
    return rf_text_of(dimension_names[dimension]);
}

rf_level_kind rf_level_kind_of(rf_level level)
{
    if ((level & RF_BIT(RF_DAY)) != 0) {
        return RF_LEVEL_OF_SCHEDULES;
    }
    return (level & RF_LEVEL_GROUPS) != 0 ? RF_LEVEL_OF_ALLOCATIONS
                                          : RF_LEVEL_OF_STOCK;
}

bool rf_level_covers(rf_level whole, rf_level part)
{
    return (part & ~whole) == 0;
}

bool rf_place_agrees(const rf_place *a, const rf_place *b, rf_level level)
{
    if (((a->given ^ b->given) & level) != 0) {
        return false;
    }
    for (rf_level rest = a->given & level; rest != 0; rest &= rest - 1) {
        unsigned coordinate = (unsigned)__builtin_ctzll(rest);
        if (!rf_text_equal(a->value[coordinate], b->value[coordinate])) {
            return false;
        }
    }
    return true;
}

unsigned rf_level_size(rf_level level)
{
    return (unsigned)__builtin_popcountll(level);
}
