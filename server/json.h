/*
 * json.h - a JSON document as a tree, read strictly and exactly.
 *
 * A document is checked byte by byte before the library sees it (json_scan.h),
 * then parsed into memory of the caller's arena: the tree lives until the
 * arena is reset and is never freed by itself. Numbers are never turned into
 * doubles; a number is its text, exactly as it was written.
 *
 * Names of members compare without case, as everywhere in the contract, and
 * an object never holds the same name twice. Strings hold no U+0000.
 *
 * Handlers mostly use json_read.h, which reads members by name and words the
 * refusals. The library's type is only declared here; json.c alone knows it.
 */
#ifndef RINGFENCE_SERVER_JSON_H
#define RINGFENCE_SERVER_JSON_H

#include "core/arena.h"
#include "core/buffer.h"
#include "core/error.h"
#include "core/text.h"
#include "server/json_scan.h"

#include <stdbool.h>
#include <stddef.h>

/* One value of a document, borrowed from the arena it was parsed into. */
typedef struct cJSON rf_json;

typedef enum {
    RF_JSON_NULL,
    RF_JSON_BOOLEAN,
    RF_JSON_NUMBER,
    RF_JSON_STRING,
    RF_JSON_ARRAY,
    RF_JSON_OBJECT
} rf_json_kind;

/* What a request's body may cost. 20,000 values are enough for 512 lines of
 * 39 values each, or for a query of 5,000 products, and bound the tree to a
 * few megabytes. */
#define RF_JSON_REQUEST_LIMITS                                                 \
    ((rf_json_limits){.depth_max = 16, .values_max = 20000})

/* Parse `text`. The tree is borrowed from `arena`; `text` is not needed any
 * longer. Works on any thread, with one arena per call.
 * RF_E_BAD_JSON: not strict JSON, or over a limit; the message says where.
 * RF_E_DUPLICATE_KEY: a name twice in one object, also in other letter case
 * or spelled with escapes; the error's field is its path.
 * RF_E_NO_MEMORY: the arena gave no memory. */
RF_MUST_CHECK rf_status rf_json_parse(rf_arena *arena, rf_text text,
                                      rf_json_limits limits,
                                      const rf_json **root, rf_error *err);

rf_json_kind rf_json_kind_of(const rf_json *value);

/* Say whether `value` is there (not NULL) and of that kind. */
bool rf_json_is(const rf_json *value, rf_json_kind kind);

/* Return the member of that name, NULL when `object` has none or is no
 * object. */
const rf_json *rf_json_member(const rf_json *object, rf_text name);

/* Walk the elements of an array or the members of an object, in the order of
 * the document: first, then next until NULL. Other values have none. */
const rf_json *rf_json_first(const rf_json *container);
const rf_json *rf_json_next(const rf_json *value);

/* Count the elements or members. Walks over all of them. */
size_t rf_json_length(const rf_json *container);

/* Return the name of a member as it was spelled; NUL-terminated. */
rf_text rf_json_name(const rf_json *member);

/* Return the characters of a string, or the text of a number as it was
 * written; NUL-terminated. The value must be one or the other. */
rf_text rf_json_text(const rf_json *value);

/* Return the truth of a boolean. The value must be one. */
bool rf_json_truth(const rf_json *value);

/* Append the value to `out` as JSON. Numbers keep their text, members their
 * order. `pretty` as in json_write.h. */
void rf_json_print(const rf_json *value, rf_buffer *out, bool pretty);

#endif
