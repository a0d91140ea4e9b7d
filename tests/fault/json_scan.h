/*
 * json_scan.h - just enough JSON to read what the server answered.
 *
 * A value is a slice of the reply; nothing is copied or decoded. The texts the
 * tests send and compare hold no escapes, so a slice can be compared byte by
 * byte. The scan trusts its input to be JSON: that it is, other tests check.
 */
#ifndef RINGFENCE_TESTS_FAULT_JSON_SCAN_H
#define RINGFENCE_TESTS_FAULT_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One value, from its first byte to its last; a length of 0 means absent. */
typedef struct rf_json {
    const char *start;
    size_t length;
} rf_json;

/* Return the value that a text begins with. */
rf_json rf_json_of(const char *bytes, size_t length);

/* Return the member of that name, absent when there is none. */
rf_json rf_json_member(rf_json object, const char *name);

/* Step through an array. `at` starts at 0; false after the last item. */
bool rf_json_item(rf_json array, size_t *at, rf_json *item_out);

/* Step through the members of an object in the same way. The name comes as a
 * string value. */
bool rf_json_pair(rf_json object, size_t *at, rf_json *name_out,
                  rf_json *value_out);

/* Return whether the value is this string. */
bool rf_json_is(rf_json value, const char *text);

/* Return the text of a string without its quotes: owned; "" when absent. */
char *rf_json_text(rf_json value);

/* Return a number in millionths; 0 when the value is absent. */
int64_t rf_json_millionths(rf_json value);

/* Return a whole number; 0 when the value is absent. */
int64_t rf_json_whole(rf_json value);

#endif
