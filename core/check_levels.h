/*
 * check_levels.h - which levels a check looks at.
 *
 * What is taken at one level must fit there and, in strict mode, at every
 * coarser level where it could oversell.
 */
#ifndef RINGFENCE_CORE_CHECK_LEVELS_H
#define RINGFENCE_CORE_CHECK_LEVELS_H

#include "core/catalog.h"
#include "core/record.h"

/* The own level, the empty one, one for each coordinate, and all that a head
 * can name. */
#define RF_CHECK_LEVELS_MAX (RF_COORDINATES_MAX + RF_HEAD_LEVELS_MAX + 2)

/* List the levels to check for a request that gives the dimensions of `given`:
 * its own level first. In strict mode the coarser ones follow: those of the
 * configured reservation dimensions, down from the partition, the finest
 * first, then what the own level has in common with those at which the head
 * counts holds, and with each other: a hold of red ones and a hold of large
 * ones meet among all of them, where nobody may have a hold. None comes twice.
 * `head` may be NULL. Return how many there are; more than RF_CHECK_LEVELS_MAX:
 * there is no room for all of them, so nothing must be granted. */
size_t rf_check_levels(const rf_catalog *catalog, rf_level given,
                       const rf_head *head, rf_level out[RF_CHECK_LEVELS_MAX]);

#endif
