/*
 * products.h - listing what is known of products: all, or those that an
 * expression finds.
 *
 * There is no index: a listing goes through the records of an organization,
 * or of all of them, in slices, each in a read transaction of its own.
 */
#ifndef RINGFENCE_CORE_PRODUCTS_H
#define RINGFENCE_CORE_PRODUCTS_H

#include "core/key.h"
#include "core/search.h"
#include "core/store.h"

/* Called for each product, which is borrowed until the visit returns. A status
 * other than RF_OK ends the listing and is returned from it. */
typedef rf_status rf_product_visit(void *context, const rf_product *product,
                                   rf_error *err);

/* What is to be listed, and how far that has got. Texts are borrowed. */
typedef struct rf_product_listing {
    uint16_t environment;    /* as in keys */
    rf_text organization;    /* empty: any */
    rf_text product;         /* empty: any */
    const rf_search *search; /* NULL: all */
    size_t limit;            /* one call visits no more */
    rf_product_visit *visit;
    void *context;
    rf_key next; /* where to go on (cursor.h); empty: begin */
} rf_product_listing;

/* Visit products in the order of keys (organizations, then products, a shorter
 * one before a longer one), and move `next`. One call is one slice and may
 * visit fewer than `limit`, even none; `*end` says that there are no more.
 * RF_E_STORAGE: a record is damaged. RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_products_list(rf_store *store,
                                         rf_product_listing *listing, bool *end,
                                         rf_error *err);

#endif
