/*
 * partitions.c - jumping from partition to partition.
 */
#include "core/partitions.h"

#include "core/engine.h"
#include "core/place_walk.h"

#include <string.h>

typedef struct listing {
    const rf_generation *generation;
    rf_store *store;
    rf_store_transaction *transaction;
    rf_key to; /* the end of the environment */
    rf_key at; /* the texts of the partition lie in it */
    bool found;
} listing;

/* Find the next place, and jump behind all of its products. */
static rf_status next_place(listing *list, rf_key *next, rf_partition *out,
                            rf_error *err)
{
    rf_place_entry entry;
    rf_status status =
        rf_place_find(list->store, list->transaction, next, &list->to,
                      &list->at, &entry, &list->found, err);
    if (status != RF_OK || !list->found) {
        return status;
    }
    *out = (rf_partition){.organization = entry.organization,
                          .product = RF_TEXT_EMPTY,
                          .site = entry.site,
                          .location = entry.location};
    rf_place_behind(next, list->generation->environment, entry.organization,
                    entry.site, entry.location);
    return RF_OK;
}

static bool take_first(void *context, rf_bytes key, rf_bytes value)
{
    listing *list = context;
    (void)value;
    memcpy(list->at.bytes, key.bytes, key.length);
    list->at.length = (uint16_t)key.length;
    list->found = true;
    return false;
}

/* Find the next product, and jump behind all of its records. */
static rf_status next_product(listing *list, rf_key *next, rf_partition *out,
                              rf_error *err)
{
    list->found = false;
    rf_status status = list->store->operations->scan(
        list->transaction, RF_TABLE_STOCK, rf_key_bytes(next),
        rf_key_bytes(&list->to), take_first, list, err);
    if (status != RF_OK || !list->found) {
        return status;
    }
    rf_key_parts parts;
    status = rf_key_read(rf_key_bytes(&list->at), &parts, err);
    if (status != RF_OK) {
        return status;
    }
    *out = (rf_partition){.organization = parts.organization,
                          .product = parts.product,
                          .site = RF_TEXT_EMPTY,
                          .location = RF_TEXT_EMPTY};
    rf_key_product(next, parts.environment, parts.organization, parts.product);
    next->bytes[next->length++] = RF_KEY_END;
    return RF_OK;
}

static rf_status list_some(listing *list, rf_key *next, size_t limit,
                           rf_partition_visit *visit, void *context, bool *end,
                           rf_error *err)
{
    bool by_product = list->generation->catalog->by_product;
    rf_slice slice;
    rf_slice_start(&slice);
    *end = false;
    for (size_t visited = 0; visited < limit && !slice.is_over; visited++) {
        rf_partition partition;
        char id[RF_PARTITION_TEXT_MAX];
        rf_slice_spend(&slice);
        rf_status status = by_product
                               ? next_product(list, next, &partition, err)
                               : next_place(list, next, &partition, err);
        if (status != RF_OK) {
            return status;
        }
        if (!list->found) {
            *end = true;
            return RF_OK;
        }
        size_t length = rf_partition_print(
            by_product, partition.organization, partition.product,
            partition.site, partition.location, id);
        partition.id = (rf_text){id, length};
        status = visit(context, &partition, err);
        if (status != RF_OK) {
            return status;
        }
    }
    return RF_OK;
}

rf_status rf_partitions_list(const rf_generation *generation, rf_store *store,
                             rf_partition_cursor *cursor, size_t limit,
                             rf_partition_visit *visit, void *context,
                             bool *end, rf_error *err)
{
    listing list = {.generation = generation, .store = store};
    uint16_t environment = generation->environment;
    list.to = (rf_key){.length = 2,
                       .bytes = {(unsigned char)(environment >> 8),
                                 (unsigned char)(environment & 0xFF)}};
    rf_key next = cursor->next.length > 0 ? cursor->next : list.to;
    bool bounded = rf_key_after_prefix(&list.to);
    RF_ASSERT(bounded);
    rf_status status =
        store->operations->begin(store, false, &list.transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status = list_some(&list, &next, limit, visit, context, end, err);
    store->operations->abort(list.transaction);
    if (status == RF_OK) {
        cursor->next = next;
    }
    return status;
}
