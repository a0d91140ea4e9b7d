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
typedef rf_status
rf_partition_visit(void *context, const rf_partition *partition, rf_error *err);

/* What is to be listed, and how far that has got. */
typedef struct rf_partition_listing {
    const rf_generation *generation;
    size_t limit; /* one call visits no more */
    rf_partition_visit *visit;
    void *context;
    rf_key next; /* empty: begin at the beginning */
} rf_partition_listing;

/* Visit partitions of the generation's environment in the order of keys, and
 * move `next`. One call is one slice and may visit fewer than `limit`; `*end`
 * says that there are no more. */
RF_MUST_CHECK rf_status rf_partitions_list(rf_store *store,
                                           rf_partition_listing *listing,
                                           bool *end, rf_error *err);

#endif
