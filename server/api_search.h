/*
 * api_search.h - queries that say what kind of products they are about.
 *
 * A body names products by an expression, `productSearch`, in place of ids. A
 * search is read from it, goes through what is known of the products of some
 * organizations, slice by slice, and puts the ids it has found into the
 * query. A product may be found in one organization and not in
 * another one, so a query over several asks about every row (rf_..._has).
 */
#ifndef RINGFENCE_SERVER_API_SEARCH_H
#define RINGFENCE_SERVER_API_SEARCH_H

#include "core/query.h"
#include "server/api_internal.h"

typedef struct rf_product_search rf_product_search;

/* Read the expression of a call's body, which stands in it or among its
 * filters, and begin to search the organizations of a query, which is borrowed.
 * RF_E_MISSING_FIELD, RF_E_INVALID_FIELD, RF_E_CONFLICTING_FIELDS,
 * RF_E_TOO_LONG, RF_E_TOO_MANY_ITEMS, RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_product_search_begin(rf_call *call, rf_query *query,
                                                rf_product_search **out,
                                                rf_error *err);

/* Search on for one slice. `*done`: that was all, and the query has the
 * products now, ids of the call's memory. One that was found in several
 * organizations comes several times. When none is found the query has none,
 * and must not be run: to the core that means all.
 * RF_E_TOO_MANY_ITEMS: more are found than a query may name. */
RF_MUST_CHECK rf_status rf_product_search_step(rf_product_search *search,
                                               bool *done, rf_error *err);

/* Say whether a product was found in an organization. */
bool rf_product_search_has(const rf_product_search *search,
                           rf_text organization, rf_text product);

#endif
