/*
 * partitions.c - jumping from partition to partition.
 */
#include "core/partitions.h"

#include "core/engine.h"
#include "core/place_walk.h"

#include <string.h>

typedef struct walk {
    const rf_generation *generation;
    rf_store *store;
    rf_store_transaction *transaction;
    rf_key to; /* the end of the environment */
    rf_key next;
    rf_place_entry entry; /* the texts of a place lie in it */
    rf_key at;            /* those of a product in this */
    bool found;
} walk;

/* Find the next place, and jump behind all of its products. */
static rf_status next_place(walk *walked, rf_partition *out, rf_error *err)
{
    rf_place_entry *entry = &walked->entry;
    rf_status status = rf_place_find(walked->store, walked->transaction,
                                     &walked->next, &walked->to, entry, err);
    walked->found = entry->found;
    if (status != RF_OK || !entry->found) {
        return status;
    }
    *out = (rf_partition){.organization = entry->organization,
                          .product = RF_TEXT_EMPTY,
                          .site = entry->site,
                          .location = entry->location};
    rf_place_behind(&walked->next, walked->generation->environment,
                    entry->organization, entry->site, entry->location);
    return RF_OK;
}

static bool take_first(void *context, rf_bytes key, rf_bytes value)
{
    walk *walked = context;
    (void)value;
    memcpy(walked->at.bytes, key.bytes, key.length);
    walked->at.length = (uint16_t)key.length;
    walked->found = true;
    return false;
}

/* Find the next product, and jump behind all of its records. */
static rf_status next_product(walk *walked, rf_partition *out, rf_error *err)
{
    walked->found = false;
    rf_status status = walked->store->operations->scan(
        walked->transaction,
        &(rf_store_range){RF_TABLE_STOCK, rf_key_bytes(&walked->next),
                          rf_key_bytes(&walked->to)},
        take_first, walked, err);
    if (status != RF_OK || !walked->found) {
        return status;
    }
    rf_key_parts parts;
    status = rf_key_read(rf_key_bytes(&walked->at), &parts, err);
    if (status != RF_OK) {
        return status;
    }
    *out = (rf_partition){.organization = parts.organization,
                          .product = parts.product,
                          .site = RF_TEXT_EMPTY,
                          .location = RF_TEXT_EMPTY};
    rf_key_product(&walked->next, parts.environment, parts.organization,
                   parts.product);
    walked->next.bytes[walked->next.length++] = RF_KEY_END;
    return RF_OK;
}

/* Find one partition and visit it, or find that there is none. */
static rf_status visit_next(walk *walked, const rf_partition_listing *listing,
                            rf_error *err)
{
    bool by_product = walked->generation->catalog->by_product;
    rf_partition partition;
    char id[RF_PARTITION_TEXT_MAX];
    rf_status status = by_product ? next_product(walked, &partition, err)
                                  : next_place(walked, &partition, err);
    if (status != RF_OK || !walked->found) {
        return status;
    }
    size_t length = rf_partition_print(by_product, partition.organization,
                                       partition.product, partition.site,
                                       partition.location, id);
    partition.id = (rf_text){id, length};
    return listing->visit(listing->context, &partition, err);
}

rf_status rf_partitions_list(rf_store *store, rf_partition_listing *listing,
                             bool *end, rf_error *err)
{
    walk walked = {.generation = listing->generation, .store = store};
    uint16_t environment = listing->generation->environment;
    walked.to = (rf_key){.length = 2,
                         .bytes = {(unsigned char)(environment >> 8),
                                   (unsigned char)(environment & 0xFF)}};
    walked.next = listing->next.length > 0 ? listing->next : walked.to;
    bool bounded = rf_key_after_prefix(&walked.to);
    RF_ASSERT(bounded);
    rf_status status =
        store->operations->begin(store, false, &walked.transaction, err);
    if (status != RF_OK) {
        return status;
    }
    rf_slice slice;
    rf_slice_start(&slice);
    walked.found = true;
    for (size_t visited = 0; visited < listing->limit && !slice.is_over &&
                             walked.found && status == RF_OK;
         visited++) {
        rf_slice_spend(&slice);
        status = visit_next(&walked, listing, err);
    }
    store->operations->abort(walked.transaction);
    if (status == RF_OK) {
        *end = !walked.found;
        listing->next = walked.next;
    }
    return status;
}
