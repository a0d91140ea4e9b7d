/*
 * api_search.c - going through products, and keeping what was found.
 */
#include "server/api_search.h"

#include "core/products.h"
#include "server/api_search_read.h"

#include <stdlib.h>
#include <string.h>

/* What was found in one organization: a part of the ids, in order. */
typedef struct part {
    rf_text organization;
    size_t start;
    size_t end;
} part;

struct rf_product_search {
    rf_call *call;
    rf_query *query; /* which gets what is found */
    rf_search asked;
    part *parts; /* in order of the organizations, none twice */
    size_t part_count;
    size_t at;   /* the one under way */
    rf_key next; /* where to go on in it */
    rf_text *ids;
    size_t id_count;
    size_t id_room;
};

static rf_status fail_memory(rf_error *err)
{
    return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
}

static int compare_parts(const void *a, const void *b)
{
    return rf_text_compare(((const part *)a)->organization,
                           ((const part *)b)->organization);
}

static int compare_ids(const void *a, const void *b)
{
    return rf_text_compare(*(const rf_text *)a, *(const rf_text *)b);
}

/* Make a part of each organization, those named twice of one. */
static rf_status make_parts(rf_product_search *search, const rf_query *query,
                            rf_error *err)
{
    size_t count = query->organization_count;
    part *parts = rf_call_alloc(search->call, count + 1, sizeof *parts);
    if (parts == NULL) {
        return fail_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        parts[i].organization = query->organizations[i];
    }
    qsort(parts, count, sizeof *parts, compare_parts);
    for (size_t i = 0; i < count; i++) {
        size_t kept = search->part_count;
        if (kept == 0 || compare_parts(&parts[i], &parts[kept - 1]) != 0) {
            parts[search->part_count++] = parts[i];
        }
    }
    search->parts = parts;
    return RF_OK;
}

rf_status rf_product_search_begin(rf_call *call, rf_query *query,
                                  rf_product_search **out, rf_error *err)
{
    rf_product_search *search = rf_call_alloc(call, 1, sizeof *search);
    if (search == NULL) {
        return fail_memory(err);
    }
    search->call = call;
    search->query = query;
    *out = search;
    rf_status status = rf_search_read(call, &search->asked, err);
    return status == RF_OK ? make_parts(search, query, err) : status;
}

static bool make_room(rf_product_search *search)
{
    if (search->id_count < search->id_room) {
        return true;
    }
    size_t room = search->id_room == 0 ? 64 : search->id_room * 2;
    rf_text *ids = rf_call_alloc(search->call, room, sizeof *ids);
    if (ids == NULL) {
        return false;
    }
    if (search->id_count > 0) {
        memcpy(ids, search->ids, search->id_count * sizeof *ids);
    }
    search->ids = ids;
    search->id_room = room;
    return true;
}

static rf_status take_product(void *context, const rf_product *product,
                              rf_error *err)
{
    rf_product_search *search = context;
    const rf_api *api = search->call->thread->api;
    size_t max = (size_t)api->options.options->query_products;
    rf_text id = product->fields[RF_PRODUCT_ITEM_NUMBER];
    if (search->id_count == max) {
        return rf_fail_field(err, RF_E_TOO_MANY_ITEMS, "productSearch",
                             "more products are found than the %zu that are "
                             "allowed",
                             max);
    }
    id.bytes =
        rf_arena_copy(&search->call->exchange->arena, id.bytes, id.length);
    if (id.bytes == NULL || !make_room(search)) {
        return fail_memory(err);
    }
    search->ids[search->id_count++] = id;
    return RF_OK;
}

/* All of an organization was looked at. */
static void finish_part(rf_product_search *search)
{
    part *done = &search->parts[search->at++];
    done->end = search->id_count;
    if (done->end > done->start) {
        qsort(search->ids + done->start, done->end - done->start,
              sizeof *search->ids, compare_ids);
    }
    search->next.length = 0;
    search->parts[search->at].start = search->id_count; /* there is one more */
}

/* Search on for one slice in the organization under way. */
static rf_status search_part(rf_product_search *search, rf_error *err)
{
    rf_call *call = search->call;
    bool end = false;
    rf_product_listing listing = {.environment = call->generation->environment,
                                  .organization =
                                      search->parts[search->at].organization,
                                  .search = &search->asked,
                                  .limit = SIZE_MAX,
                                  .visit = take_product,
                                  .context = search,
                                  .next = search->next};
    rf_status status =
        rf_products_list(call->thread->api->options.store, &listing, &end, err);
    search->next = listing.next;
    if (status == RF_OK && end) {
        finish_part(search);
    }
    return status;
}

rf_status rf_product_search_step(rf_product_search *search, bool *done,
                                 rf_error *err)
{
    rf_status status =
        search->at < search->part_count ? search_part(search, err) : RF_OK;
    *done = search->at == search->part_count;
    if (*done) {
        search->query->products = search->ids;
        search->query->product_count = search->id_count;
    }
    return status;
}

bool rf_product_search_has(const rf_product_search *search,
                           rf_text organization, rf_text product)
{
    const part wanted = {.organization = organization};
    const part *found =
        search->part_count == 0
            ? NULL
            : bsearch(&wanted, search->parts, search->part_count,
                      sizeof *search->parts, compare_parts);
    return found != NULL && found->end > found->start &&
           bsearch(&product, search->ids + found->start,
                   found->end - found->start, sizeof *search->ids,
                   compare_ids) != NULL;
}
