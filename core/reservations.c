/*
 * reservations.c - going through the reservations of many products.
 *
 * A product without a head holds nothing and is jumped over; in the others the
 * listing jumps from the head to the reservations.
 */
#include "core/reservations.h"

#include "core/cursor.h"

typedef struct walk {
    const rf_reservation_listing *listing;
    rf_key prefix;
    rf_slice slice;
    size_t left; /* to be visited */
    rf_key next; /* where to go on */
    bool jumps;  /* `next` is not simply the key behind the last one */
    rf_status status;
    rf_error *err;
} walk;

static bool is_wanted(const rf_reservation_filter *filter,
                      const rf_reservation *reservation, const rf_place *place)
{
    return reservation->quantity > 0 &&
           (filter->order_tag == NULL ||
            rf_text_equal(*filter->order_tag, reservation->order_tag)) &&
           (filter->recipient == NULL ||
            rf_text_equal(*filter->recipient, reservation->recipient)) &&
           (filter->place == NULL ||
            rf_place_agrees(place, filter->place, filter->place->given)) &&
           (!filter->has_before ||
            reservation->updated_ms < filter->before_ms) &&
           (!filter->has_end || (reservation->expires_ms != 0 &&
                                 reservation->expires_ms < filter->end_ms));
}

static rf_status take_reservation(walk *walked, const rf_key_parts *parts,
                                  rf_bytes value)
{
    const rf_reservation_listing *listing = walked->listing;
    rf_reservation reservation;
    rf_place place;
    bool hashed;
    rf_status status = rf_reservation_decode(value, &reservation, walked->err);
    if (status == RF_OK) {
        status = rf_coordinates_read(reservation.coordinates, &place, &hashed,
                                     walked->err);
    }
    if (status != RF_OK || !is_wanted(listing->filter, &reservation, &place)) {
        return status;
    }
    walked->left--;
    rf_held held = {parts->organization, parts->product, parts->reservation,
                    &place, &reservation};
    return listing->visit(listing->context, &held, walked->err);
}

/* Aim at the reservations of this product, or at the next product. */
static void jump(walk *walked, const rf_key_parts *parts, bool into)
{
    rf_key_product(&walked->next, parts->environment, parts->organization,
                   parts->product);
    walked->next.bytes[walked->next.length++] =
        into ? RF_KEY_RESERVATION : RF_KEY_END;
    walked->jumps = true;
}

static bool visit_record(void *context, rf_bytes key, rf_bytes value)
{
    walk *walked = context;
    rf_key_parts parts;
    walked->status = rf_key_read(key, &parts, walked->err);
    if (walked->status != RF_OK) {
        return false;
    }
    rf_text product = walked->listing->filter->product;
    bool goes_on = rf_slice_spend(&walked->slice);
    bool is_product =
        product.length == 0 || rf_text_equal(product, parts.product);
    if (!is_product || parts.kind != RF_KEY_RESERVATION) {
        jump(walked, &parts, is_product && parts.kind == RF_KEY_HEAD);
        return false;
    }
    walked->status = take_reservation(walked, &parts, value);
    rf_slice_behind(&walked->next, key);
    return walked->status == RF_OK && goes_on && walked->left > 0;
}

static rf_status list_some(walk *walked, rf_store *store,
                           rf_store_transaction *transaction, bool *end,
                           rf_error *err)
{
    *end = false;
    while (!*end && walked->left > 0 && !walked->slice.is_over) {
        rf_key from = walked->next;
        rf_slice_range range = {&walked->prefix, &from};
        walked->jumps = false;
        rf_status status = rf_slice_scan(store, transaction, &range,
                                         visit_record, walked, err);
        if (status != RF_OK || walked->status != RF_OK) {
            return status != RF_OK ? status : walked->status;
        }
        *end = !walked->jumps && walked->left > 0 && !walked->slice.is_over;
    }
    return RF_OK;
}

/* An empty prefix: nothing can be stored under such names. */
static rf_key make_prefix(const rf_reservation_listing *listing)
{
    const rf_reservation_filter *filter = listing->filter;
    rf_key prefix = {0};
    if (filter->organization.length > RF_ORGANIZATION_BYTES_MAX ||
        filter->product.length > RF_PRODUCT_BYTES_MAX) {
        return prefix;
    }
    rf_key_organization(&prefix, listing->environment, filter->organization);
    if (filter->organization.length == 0) {
        prefix.length = 2; /* of all organizations */
    } else if (filter->product.length > 0) {
        rf_key_product(&prefix, listing->environment, filter->organization,
                       filter->product);
        prefix.bytes[prefix.length++] = RF_KEY_RESERVATION;
    }
    return prefix;
}

rf_status rf_reservations_list(rf_store *store, rf_reservation_listing *listing,
                               bool *end, rf_error *err)
{
    walk walked = {.listing = listing,
                   .prefix = make_prefix(listing),
                   .left = listing->limit,
                   .next = listing->next,
                   .err = err};
    if (walked.prefix.length == 0 ||
        (walked.next.length > 0 &&
         !rf_cursor_is_inside(&walked.next, &walked.prefix))) {
        *end = true;
        return RF_OK;
    }
    rf_store_transaction *transaction = NULL;
    rf_slice_start(&walked.slice);
    rf_status status =
        store->operations->begin(store, false, &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status = list_some(&walked, store, transaction, end, err);
    store->operations->abort(transaction);
    if (status == RF_OK) {
        listing->next = walked.next;
    }
    return status;
}
