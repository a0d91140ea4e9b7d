/*
 * level.h - coordinates of stock, and sets of them.
 *
 * A coordinate is a dimension (site, colour, ...), an allocation group, or the
 * day that something is scheduled for. The 33 base dimensions are numbered here
 * once and for all, the partition's two first so that the nodes of one
 * warehouse lie together; the groups of an environment follow from
 * RF_DIMENSION_COUNT on, in the order they were first seen, and keep their
 * number for ever. The day is the last, so that the days of a place lie
 * together and in order.
 *
 * A level is the set of coordinates that totals are kept for, as a bit mask.
 */
#ifndef RINGFENCE_CORE_LEVEL_H
#define RINGFENCE_CORE_LEVEL_H

#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t rf_level;

#define RF_COORDINATES_MAX 64
#define RF_DIMENSION_COUNT 33
#define RF_SITE 0
#define RF_LOCATION 1
#define RF_DAY (RF_COORDINATES_MAX - 1) /* its values: "2031-03-11" */

#define RF_BIT(coordinate) (UINT64_C(1) << (coordinate))

/* Every dimension and no group: the level at which stock is posted. What is
 * allocated lies at this level joined with all groups of the configuration. */
#define RF_LEVEL_LEAF (RF_BIT(RF_DIMENSION_COUNT) - 1)

/* Every coordinate that is a group. */
#define RF_LEVEL_GROUPS (~RF_LEVEL_LEAF & ~RF_BIT(RF_DAY))

/* The level at which changes are scheduled. */
#define RF_LEVEL_SCHEDULE (RF_LEVEL_LEAF | RF_BIT(RF_DAY))

/* Site and location. */
#define RF_LEVEL_PLACE (RF_BIT(RF_SITE) | RF_BIT(RF_LOCATION))

/* What the nodes of a level hold. Each kind has a leaf level of its own, and
 * its totals are those of its own leaves. */
typedef enum {
    RF_LEVEL_OF_STOCK,
    RF_LEVEL_OF_ALLOCATIONS, /* it has groups */
    RF_LEVEL_OF_SCHEDULES    /* it has the day */
} rf_level_kind;

/* One value for each coordinate. `value[c]` is the empty text unless `c` is in
 * `given`; a given value is never empty. Texts are borrowed. */
typedef struct rf_place {
    rf_level given;
    rf_text value[RF_COORDINATES_MAX];
} rf_place;

/* Return the base dimension of that name ("SiteId", in any case;
 * "InventDimension3" is CustomDimension3), or -1. */
int rf_dimension_find(rf_text name);

/* Return a base dimension's name as replies print it: "siteid", "ColorId". */
rf_text rf_dimension_name(unsigned dimension);

/* Return the kind of a level, or of what lies at these coordinates. */
rf_level_kind rf_level_kind_of(rf_level level);

/* Say whether every coordinate of `part` is in `whole`. */
bool rf_level_covers(rf_level whole, rf_level part);

/* Say whether two places have the same values, or none, at the coordinates of a
 * level. */
bool rf_place_agrees(const rf_place *a, const rf_place *b, rf_level level);

/* Return the number of coordinates. */
unsigned rf_level_size(rf_level level);

#endif
