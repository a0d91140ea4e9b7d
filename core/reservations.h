/*
 * reservations.h - listing what is held, and by whom.
 *
 * Only live reservations are listed: those that hold more than zero. The list
 * is read page by page; a page ends with a text that the next one begins from.
 */
#ifndef RINGFENCE_CORE_RESERVATIONS_H
#define RINGFENCE_CORE_RESERVATIONS_H

#include "core/record.h"
#include "core/slice.h"

/* What to list; all zeroes lists everything. Texts are borrowed. */
typedef struct rf_reservation_filter {
    rf_text organization;     /* empty: any */
    rf_text product;          /* empty: any */
    const rf_text *order_tag; /* NULL: any */
    const rf_text *recipient; /* NULL: any */
    const rf_place *place;    /* NULL: any, else at or below it */
    bool has_before;          /* only those last changed before `before_ms` */
    int64_t before_ms;
    bool has_end; /* only holds that end before `end_ms` */
    int64_t end_ms;
} rf_reservation_filter;

/* One reservation. Borrowed until the visit returns. */
typedef struct rf_held {
    rf_text organization;
    rf_text product;
    uint64_t id;
    const rf_place *place;
    const rf_reservation *reservation;
} rf_held;

/* A status other than RF_OK ends the listing and is returned from it. */
typedef rf_status rf_held_visit(void *context, const rf_held *held,
                                rf_error *err);

/* What is to be listed, and how far that has got. */
typedef struct rf_reservation_listing {
    uint16_t environment; /* as in keys */
    const rf_reservation_filter *filter;
    size_t limit; /* one call visits no more */
    rf_held_visit *visit;
    void *context;
    rf_key next; /* where to go on (cursor.h); empty: begin */
} rf_reservation_listing;

/* Visit reservations of an environment in the order of keys, and move `next`.
 * One call is one slice and may visit fewer than `limit`, even none;
 * `*end` says that there are no more. */
RF_MUST_CHECK rf_status rf_reservations_list(rf_store *store,
                                             rf_reservation_listing *listing,
                                             bool *end, rf_error *err);

#endif
