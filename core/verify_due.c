/*
 * verify_due.c - the table of what is due, against the holds.
 *
 * That every hold is in the table is seen with the stock; here it is seen that
 * nothing else ends, and that staged adjustments can be posted.
 */
#include "core/adjustment.h"
#include "core/verify_internal.h"

rf_status rf_verify__find_end(const rf_verifier *verifier,
                              const rf_key_parts *hold, int64_t at_ms,
                              bool *found, rf_error *err)
{
    rf_due_parts parts = {hold->environment,  at_ms,
                          hold->organization, hold->product,
                          hold->reservation,  RF_DUE_HOLD};
    rf_key key;
    rf_key_due(&key, &parts);
    rf_store_item item = {RF_TABLE_DUE, rf_key_bytes(&key), {NULL, 0}};
    rf_status status =
        verifier->store->operations->load(verifier->transaction, &item, 1, err);
    *found = item.value.bytes != NULL;
    return status;
}

/* Say whether there is a hold that ends as its marker says. A record that
 * cannot be read was told with the stock. */
static rf_status has_hold(const rf_verifier *verifier,
                          const rf_due_parts *parts, bool *found, rf_error *err)
{
    rf_key key;
    rf_reservation hold;
    rf_key_product(&key, parts->environment, parts->organization,
                   parts->product);
    rf_key_reservation(&key, parts->reservation);
    rf_store_item item = {RF_TABLE_STOCK, rf_key_bytes(&key), {NULL, 0}};
    rf_status status =
        verifier->store->operations->load(verifier->transaction, &item, 1, err);
    *found = item.value.bytes != NULL &&
             (rf_reservation_decode(item.value, &hold, NULL) != RF_OK ||
              hold.expires_ms == parts->at_ms);
    return status;
}

/* Read a staged adjustment, if it can be posted when its time comes. */
static bool read_staged(rf_bytes value, rf_staged *out)
{
    rf_place place;
    bool hashed = false;
    return rf_staged_decode(value, out, NULL) == RF_OK &&
           rf_coordinates_read(out->coordinates, &place, &hashed, NULL) ==
               RF_OK &&
           !hashed;
}

/* What an entry holds depends on its kind. */
static bool is_whole(rf_bytes key, rf_bytes value, rf_due_parts *parts,
                     rf_staged *staged)
{
    if (rf_key_read_due(key, parts, NULL) != RF_OK) {
        return false;
    }
    return parts->kind == RF_DUE_ADJUSTMENT
               ? read_staged(value, staged)
               : value.length == 1 && value.bytes[0] == 1;
}

typedef struct due_check {
    rf_verifier *verifier;
    rf_status status;
    rf_error *err;
} due_check;

static bool visit_end(void *context, rf_bytes key, rf_bytes value)
{
    due_check *check = context;
    rf_verifier *verifier = check->verifier;
    rf_verify_subject *subject = rf_verify__subject(verifier, key);
    rf_due_parts parts;
    rf_staged staged;
    bool found = false;
    if (subject == NULL) {
        rf_verify__differ(verifier, "the table of what ends has an entry of an "
                                    "environment that does not exist");
    } else if (!is_whole(key, value, &parts, &staged)) {
        rf_verify__differ(verifier,
                          "%s: the table of what ends has a damaged "
                          "entry",
                          subject->environment->id);
    } else if (parts.kind == RF_DUE_ADJUSTMENT) {
        rf_verify__tally(&subject->waiting, parts.organization, parts.product,
                         staged.coordinates, staged.measure, staged.quantity);
    } else {
        check->status = has_hold(verifier, &parts, &found, check->err);
        if (check->status == RF_OK && !found) {
            rf_key_parts product = {.organization = parts.organization,
                                    .product = parts.product};
            rf_verify__differ_at(verifier, subject, &product, NULL,
                                 "something ends that is not held");
        }
    }
    return check->status == RF_OK && !verifier->is_stopped;
}

rf_status rf_verify__due(rf_verifier *verifier, rf_error *err)
{
    due_check check = {.verifier = verifier, .err = err};
    rf_status status = verifier->store->operations->scan(
        verifier->transaction,
        &(rf_store_range){RF_TABLE_DUE, (rf_bytes){NULL, 0},
                          (rf_bytes){NULL, 0}},
        visit_end, &check, err);
    return status == RF_OK ? check.status : status;
}
