/*
 * api_parameter.h - filters in the query of a GET, and links to the next page.
 *
 * Where every parameter that is none of the page's own is a filter, one that
 * names nothing is refused: a filter that is silently ignored shows too much.
 */
#ifndef RINGFENCE_SERVER_API_PARAMETER_H
#define RINGFENCE_SERVER_API_PARAMETER_H

#include "server/api_internal.h"

/* Fail with the parameter as the field. Returns `status`. */
rf_status rf_parameter_fail(const rf_url_pair *pair, rf_status status,
                            const char *message, rf_error *err);

/* Take a text that is part of a key. RF_E_TOO_LONG. */
RF_MUST_CHECK rf_status rf_parameter_text(const rf_url_pair *pair,
                                          size_t bytes_max, rf_text *out,
                                          rf_error *err);

/* Take a parameter that must be a dimension into `place`; without a value it
 * is no filter. RF_E_UNKNOWN_DIMENSION, RF_E_DUPLICATE_DIMENSION. */
RF_MUST_CHECK rf_status rf_parameter_dimension(const rf_call *call,
                                               const rf_url_pair *pair,
                                               rf_place *place, rf_error *err);

/* Append a link to the next page: `start`, which has `after` and `limit`, and
 * all other parameters of the call. */
void rf_parameter_link(const rf_call *call, const char *start, rf_buffer *out);

#endif
