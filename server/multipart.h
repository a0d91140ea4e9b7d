/*
 * multipart.h - the fields of a form that was sent as multipart/form-data.
 *
 * Read strictly: the body begins with the boundary and ends with the last one,
 * lines end with CRLF, each part has one Content-Disposition with a name, and
 * no part is a file or in a coding. What two readers could understand in two
 * ways is refused.
 */
#ifndef RINGFENCE_SERVER_MULTIPART_H
#define RINGFENCE_SERVER_MULTIPART_H

#include "core/arena.h"
#include "core/error.h"
#include "core/text.h"
#include "server/url.h"

#include <stdbool.h>

/* Longest boundary, and what one part may have in front of its value. */
#define RF_MULTIPART_BOUNDARY_MAX 70
#define RF_MULTIPART_HEADERS_MAX 8
#define RF_MULTIPART_PARTS_MAX 64

/* Say whether a text may be a boundary: 1 to RF_MULTIPART_BOUNDARY_MAX of the
 * characters that the standard allows, the last one no blank. */
bool rf_multipart_boundary_is_valid(rf_text boundary);

/* Read a body into pairs, in its order. Names and values are borrowed from the
 * body, the list from the arena.
 * RF_E_INVALID_FIELD: malformed, the field is "body"; RF_E_TOO_MANY_ITEMS;
 * RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_multipart_read(rf_arena *arena, rf_text body,
                                          rf_text boundary, rf_url_query *out,
                                          rf_error *err);

#endif
