/*
 * partitions.h - listing what an environment's stock is divided into.
 *
 * A partition is a site and location of an organization, or, where the
 * configuration says so, a product of it. Every one that ever held stock since
 * it was last erased is listed.
 */
#ifndef RINGFENCE_CORE_PARTITIONS_H
#define RINGFENCE_CORE_PARTITIONS_H

#include "core/generation.h"
#include "core/slice.h"

/* One partition. Borrowed until the visit returns. */
typedef struct rf_partition {
    rf_text id; /* as rf_partition_print makes it */
    rf_text organization;
    rf_text product;  /* by product, else empty */
    rf_text site;     /* by location, else empty */
    rf_text location; /* likewise */
} rf_partition;

/* A status other than RF_OK ends the listing and is returned from it. */
typedef rf_status rf_partition_visit(void *context,
                                     const rf_partition *partition,
                                     rf_error *err);

/* How far a listing has got; all zeroes begins one. */
typedef struct rf_partition_cursor {
    rf_key next;
} rf_partition_cursor;

/* Visit at most `limit` partitions of the generation's environment, in the
 * order of keys, and move the cursor. One call is one slice and may visit
 * fewer; `*end` says that there are no more. */
RF_MUST_CHECK rf_status rf_partitions_list(const rf_generation *generation,
                                           rf_store *store,
                                           rf_partition_cursor *cursor,
                                           size_t limit,
                                           rf_partition_visit *visit,
                                           void *context, bool *end,
                                           rf_error *err);

#endif
