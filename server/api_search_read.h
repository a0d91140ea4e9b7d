/*
 * api_search_read.h - the expression of a product search, read from JSON.
 */
#ifndef RINGFENCE_SERVER_API_SEARCH_READ_H
#define RINGFENCE_SERVER_API_SEARCH_READ_H

#include "core/search.h"
#include "server/api_internal.h"

/* Read `productSearch` of a call's body: productFilter, attributeFilter or
 * both, of which both must hold then. Members of an expression that have no
 * meaning are refused: a condition that is silently ignored finds too much.
 * What is read is borrowed from the body and the call's memory. For the
 * statuses see rf_product_search_read. */
RF_MUST_CHECK rf_status rf_search_read(rf_call *call, rf_search *out,
                                       rf_error *err);

#endif
