/*
 * api_mark.h - where a page of rows ends, as the text that begins the next.
 *
 * A mark names the last product that was told, and where the query goes from
 * place to place the place it lay at. The text is base64url of these names,
 * each behind its length; to a client it is a word without meaning.
 */
#ifndef RINGFENCE_SERVER_API_MARK_H
#define RINGFENCE_SERVER_API_MARK_H

#include "core/key.h"
#include "core/query.h"
#include "server/base64.h"

#include <stdbool.h>

/* The longest names, and a length in front of each of the four. */
#define RF_MARK_BYTES_MAX                                                      \
    (RF_ORGANIZATION_BYTES_MAX + RF_PRODUCT_BYTES_MAX +                        \
     2 * RF_PLACE_VALUE_BYTES_MAX + 4)

/* Such a text and a NUL. */
#define RF_MARK_TEXT_MAX (RF_BASE64URL_LENGTH(RF_MARK_BYTES_MAX) + 1)

/* All zeroes: none. */
typedef struct rf_mark {
    unsigned char bytes[RF_MARK_BYTES_MAX];
    size_t length;
} rf_mark;

/* Make the mark behind a row's product; with `placed` at its place. */
void rf_mark_set(rf_mark *mark, const rf_row *row, bool placed);

/* Say whether two marks are the same. */
bool rf_mark_equal(const rf_mark *a, const rf_mark *b);

/* Lend the names of a mark, which is one of ours. */
rf_query_mark rf_mark_names(const rf_mark *mark);

/* Write the text of a mark and a NUL. */
void rf_mark_print(const rf_mark *mark, char text[RF_MARK_TEXT_MAX]);

/* Read such a text; false: it is none of ours. */
bool rf_mark_parse(rf_text text, rf_mark *out);

#endif
