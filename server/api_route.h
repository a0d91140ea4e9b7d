/*
 * api_route.h - does this path belong to that route?
 *
 * A route's path is written as clients would, "/onhand/reserve"; letter case
 * makes no difference. A name in braces, "/plugins/{name}", stands for any one
 * segment. The segments have been split and decoded before (url.h), so a slash
 * in a pattern is always a border. "/" is the root, which has no segment.
 */
#ifndef RINGFENCE_SERVER_API_ROUTE_H
#define RINGFENCE_SERVER_API_ROUTE_H

#include "core/text.h"
#include "server/exchange.h"

#include <stdbool.h>
#include <stddef.h>

/* Names in braces that one pattern may have. */
#define RF_ROUTE_CAPTURES_MAX 4

/* Say whether the segments spell the pattern. */
bool rf_route_matches(const char *pattern, const rf_text *segments,
                      size_t count);

/* Copy the segments that stand for names in braces, in their order, from
 * segments that match. */
void rf_route_capture(const char *pattern, const rf_text *segments,
                      rf_text out[RF_ROUTE_CAPTURES_MAX]);

/* Say whether a route for `offered` answers to `asked`: HEAD is answered like
 * GET. */
bool rf_route_answers(rf_method offered, rf_method asked);

/* Return the Allow header for a set of methods (bits 1 << rf_method), static.
 */
const char *rf_route_allow(unsigned methods);

/* Say whether a Content-Type is JSON in UTF-8, or absent. */
bool rf_route_is_json(rf_text content_type);

/* Say whether a Content-Type is text in UTF-8 as scripts are sent (text/plain,
 * text/x-lua, application/octet-stream), or absent. */
bool rf_route_is_text(rf_text content_type);

/* Say whether a Content-Type is a form as in queries, in UTF-8
 * (application/x-www-form-urlencoded). Absent: no. */
bool rf_route_is_form(rf_text content_type);

/* Say whether a Content-Type is multipart/form-data, and between what its parts
 * stand; empty: it does not say. */
bool rf_route_is_multipart(rf_text content_type, rf_text *boundary);

/* Return how much an Accept header wants a media type, in thousandths. Only
 * what is named counts, "*" does not: 0 when it is not there. */
unsigned rf_route_accepts(rf_text accept, const char *type);

#endif
