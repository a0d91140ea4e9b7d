/*
 * api_filter_internal.h - what the readers of a query share.
 *
 * A reader turns what it finds into lists of texts, and hands them over here,
 * where names are resolved and limits checked. Errors say what is wrong; where
 * it stands is the reader's to fill in.
 */
#ifndef RINGFENCE_SERVER_API_FILTER_INTERNAL_H
#define RINGFENCE_SERVER_API_FILTER_INTERNAL_H

#include "server/api_filter.h"
#include "server/json_read.h"

typedef struct rf_texts {
    rf_text *items;
    size_t count;
} rf_texts;

/* The body of a query, opened. */
typedef struct rf_filter_body {
    rf_json_object body;
    rf_json_object filters;
    const rf_source *source; /* of the dimensions' names, or NULL */
} rf_filter_body;

/* Begin to read a body: version, data source, filters.
 * RF_E_MISSING_FIELD, RF_E_INVALID_FIELD, RF_E_TOO_LONG,
 * RF_E_UNKNOWN_DATA_SOURCE, RF_E_CONFLICTING_FIELDS. */
RF_MUST_CHECK rf_status rf_filter__open(rf_call *call, rf_filter_body *body,
                                        rf_stock_query *out, rf_error *err);

/* Read what stands beside the filters: groups and flags. RF_E_INVALID_FIELD,
 * RF_E_TOO_LONG, RF_E_UNKNOWN_DIMENSION. */
RF_MUST_CHECK rf_status rf_filter__close(rf_call *call,
                                         const rf_filter_body *body,
                                         rf_stock_query *out, rf_error *err);

/* The flags of a query in a URL. RF_E_INVALID_FIELD. */
RF_MUST_CHECK rf_status rf_filter__url_flags(const rf_call *call,
                                             rf_stock_query *out,
                                             rf_error *err);

/* Say whether a parameter of a URL is one of these flags, or what else names
 * neither a filter nor a group. */
bool rf_filter__is_flag(rf_text name);

/* Read an array of texts. RF_E_INVALID_FIELD, RF_E_TOO_LONG, RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_filter__texts(rf_call *call, const rf_json *array,
                                         size_t characters_max, rf_texts *out,
                                         rf_error *err);

/* Find the coordinate of a name. RF_E_UNKNOWN_DIMENSION. */
RF_MUST_CHECK rf_status rf_filter__coordinate(const rf_call *call,
                                              const rf_source *source,
                                              rf_text name, unsigned *out,
                                              rf_error *err);

/* Take the organizations. RF_E_TOO_MANY_ORGANIZATIONS. */
RF_MUST_CHECK rf_status rf_filter__organizations(rf_stock_query *out,
                                                 rf_texts texts, rf_error *err);

/* Take the products. RF_E_TOO_MANY_ITEMS; RF_E_INVALID_FIELD: the query
 * searches for them. */
RF_MUST_CHECK rf_status rf_filter__products(const rf_call *call,
                                            rf_stock_query *out, rf_texts texts,
                                            rf_error *err);

/* Say whether a filter is the expression of a query that searches, which is
 * read by itself (api_search_read.h). */
bool rf_filter__is_search(const rf_stock_query *query, rf_text name);

/* Take the values of the dimension of that name; none are no filter.
 * RF_E_UNKNOWN_DIMENSION, RF_E_DUPLICATE_DIMENSION. */
RF_MUST_CHECK rf_status rf_filter__values(const rf_call *call,
                                          const rf_source *source, rf_text name,
                                          rf_texts texts, rf_stock_query *out,
                                          rf_error *err);

/* Take the names of groups. RF_E_UNKNOWN_DIMENSION. */
RF_MUST_CHECK rf_status rf_filter__groups(const rf_call *call,
                                          const rf_source *source,
                                          rf_texts names, rf_stock_query *out,
                                          rf_error *err);

/* Say whether a coordinate has a filter. */
bool rf_filter__is_filtered(const rf_stock_query *query, unsigned coordinate);

/* Check what is needed beside the organization, and add site and location to
 * the groups where the partition rule wants them there. `placed`: something
 * says at which places to look. RF_E_NO_INDEX, RF_E_MISSING_PRODUCT. */
RF_MUST_CHECK rf_status rf_filter__check(const rf_call *call, bool placed,
                                         rf_stock_query *out, rf_error *err);

/* Fail with the filter of that name as the field. Returns the status. */
rf_status rf_filter__fail(const rf_stock_query *query, rf_status status,
                          const char *name, const char *message, rf_error *err);

#endif
