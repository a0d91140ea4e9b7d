/*
 * products.c - going through the table of products.
 */
#include "core/products.h"

#include "core/cursor.h"
#include "core/slice.h"

#define ARENA_BLOCK_BYTES ((size_t)16 * 1024)

/* So much comparing takes about as long as a key: the values of the expression
 * times the bytes they are compared with. */
#define COMPARED_BYTES_PER_KEY 8192

typedef struct walk {
    rf_product_listing *listing;
    rf_slice slice;
    rf_arena arena; /* of the record at hand */
    size_t left;    /* to be visited */
    bool stopped;   /* before the end */
    rf_status status;
    rf_error *err;
} walk;

/* Count a record, and what comparing it costs. */
static void spend(walk *walked, size_t bytes)
{
    const rf_search *search = walked->listing->search;
    size_t values = search == NULL ? 0 : search->value_count;
    size_t keys = 1 + bytes * values / COMPARED_BYTES_PER_KEY;
    for (size_t i = 0; i < keys; i++) {
        rf_slice_spend(&walked->slice);
    }
}

static bool is_wanted(const rf_product_listing *listing,
                      const rf_product *product)
{
    return (listing->product.length == 0 ||
            rf_text_equal(listing->product,
                          product->fields[RF_PRODUCT_ITEM_NUMBER])) &&
           (listing->search == NULL ||
            rf_search_matches(&listing->search->filter, product));
}

static bool visit_record(void *context, rf_bytes key, rf_bytes value)
{
    walk *walked = context;
    rf_product_listing *listing = walked->listing;
    rf_product product;
    rf_arena_reset(&walked->arena);
    walked->status =
        rf_product_read(key, value, &walked->arena, &product, walked->err);
    if (walked->status == RF_OK && is_wanted(listing, &product)) {
        walked->left--;
        walked->status =
            listing->visit(listing->context, &product, walked->err);
    }
    if (walked->status != RF_OK) {
        return false;
    }
    spend(walked, value.length);
    rf_slice_behind(&listing->next, key);
    walked->stopped = walked->slice.is_over || walked->left == 0;
    return !walked->stopped;
}

/* False: nothing can be stored under such names. */
static bool make_prefix(const rf_product_listing *listing, rf_key *out)
{
    if (listing->organization.length > RF_ORGANIZATION_BYTES_MAX ||
        listing->product.length > RF_PRODUCT_BYTES_MAX) {
        return false;
    }
    if (listing->organization.length == 0) {
        rf_key_environment(out, listing->environment);
    } else if (listing->product.length == 0) {
        rf_key_organization(out, listing->environment, listing->organization);
    } else {
        rf_key_product(out, listing->environment, listing->organization,
                       listing->product);
    }
    return true;
}

static rf_status scan(walk *walked, rf_store *store, const rf_key *prefix,
                      rf_error *err)
{
    const rf_key from =
        walked->listing->next.length > 0 ? walked->listing->next : *prefix;
    rf_key to = *prefix;
    bool bounded = rf_key_after_prefix(&to);
    rf_store_range range = {RF_TABLE_PRODUCTS, rf_key_bytes(&from),
                            bounded ? rf_key_bytes(&to) : (rf_bytes){NULL, 0}};
    rf_store_transaction *transaction = NULL;
    rf_slice_start(&walked->slice);
    rf_status status =
        store->operations->begin(store, false, &transaction, err);
    if (status == RF_OK) {
        status = store->operations->scan(transaction, &range, visit_record,
                                         walked, err);
        store->operations->abort(transaction);
    }
    return status == RF_OK ? walked->status : status;
}

rf_status rf_products_list(rf_store *store, rf_product_listing *listing,
                           bool *end, rf_error *err)
{
    walk walked = {.listing = listing, .left = listing->limit, .err = err};
    rf_key prefix;
    if (!make_prefix(listing, &prefix) ||
        (listing->next.length > 0 &&
         !rf_cursor_is_inside(&listing->next, &prefix))) {
        *end = true;
        return RF_OK;
    }
    rf_arena_init(&walked.arena, ARENA_BLOCK_BYTES, 0);
    rf_status status = scan(&walked, store, &prefix, err);
    rf_arena_done(&walked.arena);
    if (status == RF_OK) {
        *end = !walked.stopped;
    }
    return status;
}
