/*
 * json_scan.h - the strict gate in front of the JSON library.
 *
 * The library accepts much that RFC 8259 does not: text after the end, leading
 * zeros, control bytes, broken UTF-8, NUL. So every document is read here
 * first, byte by byte, without recursion and without allocating. What passes
 * is well-formed UTF-8 and one complete JSON value within the limits.
 *
 * The library also turns numbers into doubles. To keep their text, the scan
 * rewrites each number as a string that starts with RF_JSON_NUMBER_MARK, a
 * byte that no well-formed text contains, so it cannot be forged.
 * Duplicate names are found later, on the tree (json.c), where they stand
 * unescaped.
 */
#ifndef RINGFENCE_SERVER_JSON_SCAN_H
#define RINGFENCE_SERVER_JSON_SCAN_H

#include "core/error.h"
#include "core/text.h"

#include <stddef.h>

/* First byte of a string that stands for a number. */
#define RF_JSON_NUMBER_MARK '\xFF'

/* Deepest nesting the scan can follow, whatever the limits say. Each level
 * costs a recursion in the library, so this stays small. */
#define RF_JSON_DEPTH_CEILING 32

/* Longest text of a number. Any quantity fits three times over. */
#define RF_JSON_NUMBER_MAX 64

/* What a document may cost. */
typedef struct rf_json_limits {
    size_t depth_max;  /* open objects and arrays, up to the ceiling above */
    size_t values_max; /* scalars, objects and arrays; names do not count */
} rf_json_limits;

/* Return how many bytes the rewritten form of `length` bytes can need. */
size_t rf_json_scan_room(size_t length, const rf_json_limits *limits);

/* Check `text` and write its rewritten form to `room`, which holds at least
 * rf_json_scan_room bytes; `used` is how many were needed.
 * RF_E_BAD_JSON: the message says what is wrong and at which byte, or which
 * limit was passed. `room` then holds a part, and `used` is untouched. */
RF_MUST_CHECK rf_status rf_json_scan(rf_text text, const rf_json_limits *limits,
                                     char *room, size_t *used, rf_error *err);

#endif
