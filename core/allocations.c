/*
 * allocations.c - finding allocation records and adding nothing up.
 */
#include "core/allocations.h"

#include "core/level_scan.h"
#include "core/record.h"
#include "core/slice.h"

#include <string.h>

/* What a key has in place of coordinates that are hashed (key.c). */
#define HASHED_MARK 0xFF

/* The level of the records; false: the configuration has no groups. */
static bool find_pool_level(const rf_generation *generation,
                            rf_level_number *out)
{
    rf_level level = RF_LEVEL_LEAF | generation->catalog->group_mask;
    *out = rf_generation_level(generation, level);
    return level != RF_LEVEL_LEAF && out->level == level;
}

static void fill(const rf_catalog *catalog, const rf_measures *measures,
                 rf_allocation *out)
{
    const rf_pool_measures *pool = &catalog->pool;
    out->allocated = rf_measures_get(measures, pool->allocated);
    out->consumed = rf_measures_get(measures, pool->consumed);
    out->cumulative_consumed =
        rf_measures_get(measures, pool->cumulative_consumed);
    rf_quantity moved = rf_measures_get(measures, pool->reallocated);
    rf_quantity given = rf_measures_get(measures, pool->cumulative_allocated);
    /* Both only ever rise; whoever gets there keeps the largest number. */
    if (!rf_quantity_add(given, moved, &out->cumulative_allocated)) {
        out->cumulative_allocated = INT64_MAX;
    }
}

/* ---- One node ---- */

typedef struct reading {
    rf_allocation_listing *listing;
    const rf_allocation_query *query; /* NULL: all records */
    rf_slice slice;
    size_t left;
    rf_node node;
    rf_status status;
    rf_error *err;
} reading;

static bool is_wanted(const rf_allocation_query *query, const rf_place *at)
{
    if (query == NULL) {
        return true;
    }
    rf_level groups = query->place->given & RF_LEVEL_GROUPS;
    bool takes_deeper = query->prefix || groups == 0;
    rf_level compared = takes_deeper ? RF_LEVEL_LEAF : UINT64_MAX;
    return (at->given & compared) == (query->place->given & compared) &&
           rf_place_agrees(at, query->place, query->place->given);
}

static rf_status take_node(reading *read, const rf_key_parts *parts,
                           rf_bytes value)
{
    rf_place place;
    bool hashed;
    rf_status status = rf_node_decode(value, &read->node, read->err);
    if (status == RF_OK) {
        status =
            rf_coordinates_read(parts->coordinates, &place, &hashed, read->err);
    }
    if (status == RF_OK && hashed) {
        status = rf_coordinates_read(read->node.coordinates, &place, &hashed,
                                     read->err);
    }
    if (status != RF_OK || !is_wanted(read->query, &place)) {
        return status;
    }
    read->left--;
    rf_allocation allocation = {.organization = parts->organization,
                                .product = parts->product,
                                .place = &place};
    fill(read->listing->generation->catalog, &read->node.measures, &allocation);
    return read->listing->visit(read->listing->context, &allocation, read->err);
}

/* ---- The records of one place ---- */

static bool visit_record(void *context, rf_bytes key, rf_bytes value)
{
    reading *read = context;
    rf_key_parts parts;
    read->status = rf_key_read(key, &parts, read->err);
    if (read->status == RF_OK) {
        read->status = take_node(read, &parts, value);
    }
    rf_slice_behind(&read->listing->next, key);
    return rf_slice_spend(&read->slice) && read->status == RF_OK &&
           read->left > 0;
}

static bool append_coordinates(rf_key *key, const rf_place *place,
                               rf_level level)
{
    for (rf_level rest = place->given & level; rest != 0; rest &= rest - 1) {
        unsigned coordinate = (unsigned)__builtin_ctzll(rest);
        rf_text value = place->value[coordinate];
        if (key->length + 2 + value.length > RF_STORE_KEY_MAX) {
            return false;
        }
        rf_key_coordinate(key, coordinate, value);
    }
    return true;
}

/* Say whether anything can be stored under such names and values. */
static bool is_storable(const rf_allocation_query *query)
{
    for (rf_level rest = query->place->given; rest != 0; rest &= rest - 1) {
        unsigned coordinate = (unsigned)__builtin_ctzll(rest);
        size_t bytes_max = coordinate <= RF_LOCATION
                               ? RF_PLACE_VALUE_BYTES_MAX
                               : RF_COORDINATE_VALUE_BYTES_MAX;
        if (query->place->value[coordinate].length > bytes_max) {
            return false;
        }
    }
    return query->organization.length <= RF_ORGANIZATION_BYTES_MAX &&
           query->product.length <= RF_PRODUCT_BYTES_MAX;
}

/* Write where the keys of the place are, and set where to begin among them:
 * behind those of finer dimensions. false: there are no such keys. */
static bool make_range(const rf_allocation_listing *listing,
                       const rf_allocation_query *query, rf_key *prefix,
                       rf_key *next)
{
    rf_level_number level;
    if (!is_storable(query) || !find_pool_level(listing->generation, &level)) {
        return false;
    }
    rf_key_product(prefix, listing->generation->environment,
                   query->organization, query->product);
    rf_key_level(prefix, level.number);
    rf_level leading = listing->in_hashed ? RF_LEVEL_PLACE : RF_LEVEL_LEAF;
    if (!append_coordinates(prefix, query->place, leading) ||
        prefix->length == RF_STORE_KEY_MAX) {
        return false;
    }
    *next = *prefix;
    if (listing->in_hashed) {
        prefix->bytes[prefix->length++] = HASHED_MARK;
        *next = *prefix;
    } else {
        next->bytes[next->length++] = RF_DIMENSION_COUNT + 1;
    }
    if (listing->next.length > 0) {
        *next = listing->next;
    }
    return true;
}

/* Read on in the range under way; `*end`: it has no more. */
static rf_status read_range(reading *read, rf_store *store,
                            rf_store_transaction *transaction, bool *end,
                            rf_error *err)
{
    rf_key prefix;
    rf_key next;
    *end = true;
    if (!make_range(read->listing, read->query, &prefix, &next)) {
        return RF_OK;
    }
    rf_slice_spend(&read->slice);
    rf_status status =
        rf_slice_scan(store, transaction, &(rf_slice_range){&prefix, &next},
                      visit_record, read, err);
    *end = !read->slice.is_over && read->left > 0;
    return status != RF_OK ? status : read->status;
}

/* Keys whose tail is hashed stand behind all others of their site and location:
 * where there are more dimensions, in a range of their own. */
static rf_status read_some(reading *read, rf_store *store,
                           rf_store_transaction *transaction, bool *end,
                           rf_error *err)
{
    rf_status status = read_range(read, store, transaction, end, err);
    bool has_hashed_range =
        (read->query->place->given & RF_LEVEL_LEAF & ~RF_LEVEL_PLACE) != 0;
    if (status == RF_OK && *end && has_hashed_range &&
        !read->listing->in_hashed) {
        read->listing->in_hashed = true;
        read->listing->next.length = 0;
        status = read_range(read, store, transaction, end, err);
    }
    return status;
}

rf_status rf_allocations_read(rf_store *store, rf_allocation_listing *listing,
                              const rf_allocation_query *query, bool *end,
                              rf_error *err)
{
    reading read = {
        .listing = listing, .query = query, .left = listing->limit, .err = err};
    rf_store_transaction *transaction = NULL;
    rf_slice_start(&read.slice);
    rf_status status =
        store->operations->begin(store, false, &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status = read_some(&read, store, transaction, end, err);
    store->operations->abort(transaction);
    rf_measures_done(&read.node.measures);
    return status;
}

/* ---- All records ---- */

static rf_status visit_any(void *context, rf_bytes key,
                           const rf_key_parts *parts, rf_bytes value,
                           rf_error *err)
{
    reading *read = context;
    (void)key;
    (void)err;
    return take_node(read, parts, value);
}

rf_status rf_allocations_list(rf_store *store, rf_allocation_listing *listing,
                              bool *end, rf_error *err)
{
    rf_level_number level;
    if (!find_pool_level(listing->generation, &level)) {
        *end = true;
        return RF_OK;
    }
    reading read = {.listing = listing, .left = listing->limit, .err = err};
    rf_level_scan scan = {.environment = listing->generation->environment,
                          .level_number = level.number,
                          .limit = listing->limit,
                          .cursor = listing->next};
    rf_store_transaction *transaction = NULL;
    rf_status status =
        store->operations->begin(store, false, &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status =
        rf_level_scan_run(store, transaction, &scan, visit_any, &read, err);
    store->operations->abort(transaction);
    rf_measures_done(&read.node.measures);
    if (status == RF_OK) {
        listing->next = scan.cursor;
        *end = scan.ended;
    }
    return status;
}

/* ---- Totals ---- */

rf_status rf_allocations_total(rf_store *store, const rf_generation *generation,
                               const rf_allocation_query *query,
                               rf_allocation *out, rf_error *err)
{
    rf_level wanted = RF_LEVEL_LEAF | (query->place->given & RF_LEVEL_GROUPS);
    rf_level_number level = rf_generation_level(generation, wanted);
    *out = (rf_allocation){.organization = query->organization,
                           .product = query->product,
                           .place = query->place};
    if (level.level != wanted || !is_storable(query)) {
        return RF_OK;
    }
    rf_key key;
    rf_key_product(&key, generation->environment, query->organization,
                   query->product);
    rf_key_node(&key, level.number, level.level, query->place);
    rf_store_item item = {RF_TABLE_STOCK, rf_key_bytes(&key), {NULL, 0}};
    rf_node node = {0};
    rf_store_transaction *transaction = NULL;
    rf_status status =
        store->operations->begin(store, false, &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status = store->operations->load(transaction, &item, 1, err);
    if (status == RF_OK && item.value.bytes != NULL) {
        status = rf_node_decode(item.value, &node, err);
    }
    store->operations->abort(transaction);
    if (status == RF_OK) {
        fill(generation->catalog, &node.measures, out);
    }
    rf_measures_done(&node.measures);
    return status;
}
