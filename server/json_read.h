/*
 * json_read.h - reading the members of a body, and saying what is wrong.
 *
 * One call reads one member, checks its type and bounds, and words the
 * refusal: the status a client sees as "code", the path it sees as "field",
 * and a sentence that names the limit. Handlers thus read like the table of
 * members in the contract. `name` is always the contract's spelling; what the
 * client wrote may differ in letter case.
 *
 * A member that may be left out and is: RF_OK, and `out` stays as it was, so
 * that the caller's default stands. For text, objects and arrays `null` is
 * the same as left out; for the rest it is refused, so that it cannot switch
 * a check off.
 */
#ifndef RINGFENCE_SERVER_JSON_READ_H
#define RINGFENCE_SERVER_JSON_READ_H

#include "core/error.h"
#include "core/quantity.h"
#include "core/text.h"
#include "server/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest id of a command, in characters. */
#define RF_JSON_ID_MAX 128

/* An object that is being read, and where it stands: "" for the body itself,
 * else a path such as "filters". Both are borrowed. */
typedef struct rf_json_object {
    const rf_json *value;
    const char *path;
} rf_json_object;

typedef enum {
    RF_JSON_OPTIONAL,
    RF_JSON_REQUIRED
} rf_json_need;

typedef struct rf_json_range {
    int64_t min;
    int64_t max;
} rf_json_range;

/* Read text of at most `characters_max` characters. A required one may not be
 * empty. The text is borrowed from the tree.
 * RF_E_MISSING_FIELD, RF_E_INVALID_FIELD: no string, RF_E_TOO_LONG. */
RF_MUST_CHECK rf_status rf_json_string(rf_json_object object, const char *name,
                                       rf_json_need need, size_t characters_max,
                                       rf_text *out, rf_error *err);

/* Read the id of a command: required, 1 to RF_JSON_ID_MAX characters, none of
 * them a control byte. The same statuses. */
RF_MUST_CHECK rf_status rf_json_id(rf_json_object object, const char *name,
                                   rf_text *out, rf_error *err);

/* Read true or false. RF_E_MISSING_FIELD, RF_E_INVALID_FIELD. */
RF_MUST_CHECK rf_status rf_json_bool(rf_json_object object, const char *name,
                                     rf_json_need need, bool *out,
                                     rf_error *err);

/* Read a quantity: a number, or a string that holds one.
 * RF_E_MISSING_FIELD, RF_E_INVALID_QUANTITY. */
RF_MUST_CHECK rf_status rf_json_quantity(rf_json_object object,
                                         const char *name, rf_json_need need,
                                         rf_quantity *out, rf_error *err);

/* Read a whole number, in any spelling ("10", 10, 1e1), within a range.
 * RF_E_MISSING_FIELD, RF_E_INVALID_FIELD. */
RF_MUST_CHECK rf_status rf_json_integer(rf_json_object object, const char *name,
                                        rf_json_need need, rf_json_range range,
                                        int64_t *out, rf_error *err);

/* Find a member that must be an object or an array (`kind`).
 * RF_E_MISSING_FIELD, RF_E_INVALID_FIELD. */
RF_MUST_CHECK rf_status rf_json_child(rf_json_object object, const char *name,
                                      rf_json_need need, rf_json_kind kind,
                                      const rf_json **out, rf_error *err);

/* The same checks on a value that was found by walking; the error's field is
 * left empty, to be filled in by rf_json_at. */
RF_MUST_CHECK rf_status rf_json_to_string(const rf_json *value,
                                          size_t characters_max, rf_text *out,
                                          rf_error *err);
/* A number is taken as the text that it was written as. */
RF_MUST_CHECK rf_status rf_json_to_text(const rf_json *value,
                                        size_t characters_max, rf_text *out,
                                        rf_error *err);
RF_MUST_CHECK rf_status rf_json_to_quantity(const rf_json *value,
                                            rf_quantity *out, rf_error *err);
RF_MUST_CHECK rf_status rf_json_to_integer(const rf_json *value,
                                           rf_json_range range, int64_t *out,
                                           rf_error *err);

/* Write "path.name" into the error's field, unless the status is RF_OK, and
 * return the status. `name` may be empty for the object itself. */
rf_status rf_json_at(rf_json_object object, rf_text name, rf_status status,
                     rf_error *err);

#endif
