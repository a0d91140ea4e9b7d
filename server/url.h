/*
 * url.h - taking the target of a request apart.
 *
 * A path is split at its slashes first and each segment is decoded once
 * afterwards, so that an encoded slash can never move a border. What could
 * mean one thing to a router and another to a file system or a log is refused
 * rather than cleaned: ".", "..", encoded slashes, backslashes, control bytes,
 * broken UTF-8, empty segments. One trailing slash is ignored.
 *
 * A query is a list of pairs. Repeated names are kept in order and names
 * compare without case; '+' is a blank, as forms write it. Values may hold any
 * character but U+0000, as strings in JSON may.
 */
#ifndef RINGFENCE_SERVER_URL_H
#define RINGFENCE_SERVER_URL_H

#include "core/arena.h"
#include "core/error.h"
#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>

/* More segments than any route has. */
#define RF_PATH_SEGMENTS_MAX 12

/* More pairs than dimensions and options together. */
#define RF_QUERY_PAIRS_MAX 128

typedef struct rf_path {
    rf_text segments[RF_PATH_SEGMENTS_MAX];
    size_t count; /* 0 for "/" */
} rf_path;

typedef struct rf_url_pair {
    rf_text name;
    rf_text value; /* empty when there was no '=' */
} rf_url_pair;

typedef struct rf_url_query {
    rf_url_pair *pairs; /* borrowed from the arena */
    size_t count;
} rf_url_query;

/* Split and decode a raw path. The segments are borrowed from `raw` and
 * `arena`. RF_E_INVALID_FIELD: refused, the field is "path" and the message
 * says why. RF_E_UNKNOWN_PATH: more than RF_PATH_SEGMENTS_MAX segments.
 * RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_url_split_path(rf_arena *arena, rf_text raw,
                                          rf_path *path, rf_error *err);

/* Decode a raw query, without its '?'. Borrowed in the same way.
 * RF_E_INVALID_FIELD: a bad escape, invalid UTF-8 or U+0000, the field is
 * "query"; RF_E_TOO_MANY_ITEMS; RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_url_parse_query(rf_arena *arena, rf_text raw,
                                           rf_url_query *query, rf_error *err);

/* The same for a body of application/x-www-form-urlencoded; the field is
 * "body". */
RF_MUST_CHECK rf_status rf_url_parse_form(rf_arena *arena, rf_text raw,
                                          rf_url_query *form, rf_error *err);

/* Find the next pair of that name. `*from` is where to look first, 0 at the
 * beginning, and is moved behind the pair, so that repeated calls find every
 * one. Returns NULL when there is none. */
const rf_url_pair *rf_url_query_next(const rf_url_query *query, rf_text name,
                                     size_t *from);

/* Return the first value of that name; `found`, which may be NULL, tells
 * whether there is one. The empty text stands for none. */
rf_text rf_url_query_value(const rf_url_query *query, rf_text name,
                           bool *found);

#endif
