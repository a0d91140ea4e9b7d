/*
 * cursor.h - where a list goes on, as a text that clients hand back.
 *
 * A list that is read page by page goes on from a key. Outside it is a text of
 * hexadecimal digits; what comes back may be anything, so whoever goes on from
 * it makes sure that it leads nowhere else.
 */
#ifndef RINGFENCE_CORE_CURSOR_H
#define RINGFENCE_CORE_CURSOR_H

#include "core/key.h"

#define RF_CURSOR_TEXT_MAX (2 * RF_STORE_KEY_MAX + 1)

/* Print the key that a list goes on from, NUL-terminated, and return the
 * length. Of a list that has not begun the text is empty. */
size_t rf_cursor_print(const rf_key *next, char text[RF_CURSOR_TEXT_MAX]);

/* Read it back; false: it is none of ours. */
bool rf_cursor_parse(rf_text text, rf_key *out);

/* Say whether a list of the keys with a prefix may go on from there. */
bool rf_cursor_is_inside(const rf_key *next, const rf_key *prefix);

#endif
