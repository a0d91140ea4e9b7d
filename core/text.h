/*
 * text.h - borrowed pieces of text, and how names and values compare.
 *
 * Names (dimensions, sources, measures, groups, members of a body) compare
 * without case, over ASCII only; values and ids compare byte by byte.
 */
#ifndef RINGFENCE_CORE_TEXT_H
#define RINGFENCE_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Text with a length, not NUL-terminated unless its giver says so. */
typedef struct rf_text {
    const char *bytes;
    size_t length;
} rf_text;

#define RF_TEXT_EMPTY ((rf_text){"", 0})

/* Wrap a NUL-terminated string; borrowed as long as the string lives. */
rf_text rf_text_of(const char *string);

/* Compare byte by byte. */
bool rf_text_equal(rf_text a, rf_text b);

/* Order byte by byte, the shorter first: below, at or above 0. */
int rf_text_compare(rf_text a, rf_text b);

/* Compare names: ASCII letters without case. */
bool rf_text_is_name(rf_text a, rf_text b);

/* Lower an ASCII letter; every other byte stays as it is. */
char rf_lower(char c);

#endif
