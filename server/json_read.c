/*
 * json_read.c - members by name, with the refusals worded.
 */
#include "server/json_read.h"

#include "server/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

rf_status rf_json_at(rf_json_object object, rf_text name, rf_status status,
                     rf_error *err)
{
    if (status != RF_OK && err != NULL) {
        char message[sizeof err->message];
        char path[2 * sizeof err->field];
        memcpy(message, err->message, sizeof message);
        snprintf(path, sizeof path, "%s%s%.*s", object.path,
                 object.path[0] != '\0' && name.length > 0 ? "." : "",
                 (int)(name.length < sizeof path ? name.length : sizeof path),
                 name.bytes);
        return rf_fail_field(err, status, path, "%s", message);
    }
    return status;
}

/* Find a member; NULL when it is absent and may be. */
static rf_status find_member(rf_json_object object, rf_text name,
                             rf_json_need need, const rf_json **out,
                             rf_error *err)
{
    *out = rf_json_member(object.value, name);
    if (*out == NULL && need == RF_JSON_REQUIRED) {
        rf_fail(err, RF_E_MISSING_FIELD, "%s is missing", name.bytes);
        return rf_json_at(object, name, RF_E_MISSING_FIELD, err);
    }
    return RF_OK;
}

/* The same for members where null stands for absent. */
static rf_status find_member_or_null(rf_json_object object, rf_text name,
                                     rf_json_need need, const rf_json **out,
                                     rf_error *err)
{
    rf_status status = find_member(object, name, need, out, err);
    if (need == RF_JSON_OPTIONAL && rf_json_is(*out, RF_JSON_NULL)) {
        *out = NULL;
    }
    return status;
}

/* Take the characters of a string or a number. */
static rf_status take_text(const rf_json *value, size_t characters_max,
                           rf_text *out, rf_error *err)
{
    rf_text text = rf_json_text(value);
    if (text.length > characters_max && rf_utf8_count(text) > characters_max) {
        return rf_fail(err, RF_E_TOO_LONG, "at most %zu characters are allowed",
                       characters_max);
    }
    *out = text;
    return RF_OK;
}

rf_status rf_json_to_string(const rf_json *value, size_t characters_max,
                            rf_text *out, rf_error *err)
{
    return rf_json_is(value, RF_JSON_STRING)
               ? take_text(value, characters_max, out, err)
               : rf_fail(err, RF_E_INVALID_FIELD, "a string is expected");
}

rf_status rf_json_to_text(const rf_json *value, size_t characters_max,
                          rf_text *out, rf_error *err)
{
    bool is_text =
        rf_json_is(value, RF_JSON_STRING) || rf_json_is(value, RF_JSON_NUMBER);
    return is_text ? take_text(value, characters_max, out, err)
                   : rf_fail(err, RF_E_INVALID_FIELD,
                             "a string or a number is expected");
}

rf_status rf_json_string(rf_json_object object, const char *name,
                         rf_json_need need, size_t characters_max, rf_text *out,
                         rf_error *err)
{
    rf_text member = rf_text_of(name);
    const rf_json *value = NULL;
    rf_status status = find_member_or_null(object, member, need, &value, err);
    if (status != RF_OK || value == NULL) {
        return status;
    }
    rf_text text = RF_TEXT_EMPTY;
    status = rf_json_to_string(value, characters_max, &text, err);
    if (status == RF_OK && need == RF_JSON_REQUIRED && text.length == 0) {
        status = rf_fail(err, RF_E_MISSING_FIELD, "%s is empty", name);
    }
    if (status == RF_OK) {
        *out = text;
    }
    return rf_json_at(object, member, status, err);
}

rf_status rf_json_id(rf_json_object object, const char *name, rf_text *out,
                     rf_error *err)
{
    rf_text id = RF_TEXT_EMPTY;
    rf_status status = rf_json_string(object, name, RF_JSON_REQUIRED,
                                      RF_JSON_ID_MAX, &id, err);
    if (status != RF_OK) {
        return status;
    }
    for (size_t i = 0; i < id.length; i++) {
        if (rf_utf8_is_control(id.bytes[i])) {
            rf_fail(err, RF_E_INVALID_FIELD, "an id holds no control bytes");
            return rf_json_at(object, rf_text_of(name), RF_E_INVALID_FIELD,
                              err);
        }
    }
    *out = id;
    return RF_OK;
}

rf_status rf_json_bool(rf_json_object object, const char *name,
                       rf_json_need need, bool *out, rf_error *err)
{
    rf_text member = rf_text_of(name);
    const rf_json *value = NULL;
    rf_status status = find_member(object, member, need, &value, err);
    if (status != RF_OK || value == NULL) {
        return status;
    }
    if (!rf_json_is(value, RF_JSON_BOOLEAN)) {
        rf_fail(err, RF_E_INVALID_FIELD, "true or false is expected");
        return rf_json_at(object, member, RF_E_INVALID_FIELD, err);
    }
    *out = rf_json_truth(value);
    return RF_OK;
}

static bool is_numeric(const rf_json *value)
{
    return rf_json_is(value, RF_JSON_NUMBER) ||
           rf_json_is(value, RF_JSON_STRING);
}

rf_status rf_json_to_quantity(const rf_json *value, rf_quantity *out,
                              rf_error *err)
{
    if (!is_numeric(value)) {
        return rf_fail(err, RF_E_INVALID_QUANTITY, "a number is expected");
    }
    return rf_quantity_parse(rf_json_text(value), out, err);
}

rf_status rf_json_quantity(rf_json_object object, const char *name,
                           rf_json_need need, rf_quantity *out, rf_error *err)
{
    rf_text member = rf_text_of(name);
    const rf_json *value = NULL;
    rf_status status = find_member(object, member, need, &value, err);
    if (status != RF_OK || value == NULL) {
        return status;
    }
    return rf_json_at(object, member, rf_json_to_quantity(value, out, err),
                      err);
}

/* Read plain digits with an optional minus. Counts downwards, because the
 * smallest integer has no positive twin. */
static bool parse_digits(rf_text text, int64_t *out)
{
    bool negative = text.length > 0 && text.bytes[0] == '-';
    size_t at = negative ? 1 : 0;
    int64_t value = 0;
    if (at == text.length) {
        return false;
    }
    for (; at < text.length; at++) {
        int digit = text.bytes[at] - '0';
        if (digit < 0 || digit > 9 ||
            __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value)) {
            return false;
        }
    }
    return !__builtin_mul_overflow(value, negative ? 1 : -1, out);
}

/* Read a whole number that may also be spelled with a point or an exponent. */
static bool parse_integer(rf_text text, int64_t *out)
{
    if (parse_digits(text, out)) {
        return true;
    }
    rf_quantity quantity = 0;
    if (rf_quantity_parse(text, &quantity, NULL) != RF_OK ||
        quantity % RF_QUANTITY_SCALE != 0) {
        return false;
    }
    *out = quantity / RF_QUANTITY_SCALE;
    return true;
}

rf_status rf_json_to_integer(const rf_json *value, rf_json_range range,
                             int64_t *out, rf_error *err)
{
    int64_t integer = 0;
    if (!is_numeric(value) || !parse_integer(rf_json_text(value), &integer) ||
        integer < range.min || integer > range.max) {
        return rf_fail(err, RF_E_INVALID_FIELD,
                       "a whole number from %" PRId64 " to %" PRId64
                       " is expected",
                       range.min, range.max);
    }
    *out = integer;
    return RF_OK;
}

rf_status rf_json_integer(rf_json_object object, const char *name,
                          rf_json_need need, rf_json_range range, int64_t *out,
                          rf_error *err)
{
    rf_text member = rf_text_of(name);
    const rf_json *value = NULL;
    rf_status status = find_member(object, member, need, &value, err);
    if (status != RF_OK || value == NULL) {
        return status;
    }
    return rf_json_at(object, member,
                      rf_json_to_integer(value, range, out, err), err);
}

rf_status rf_json_child(rf_json_object object, const char *name,
                        rf_json_need need, rf_json_kind kind,
                        const rf_json **out, rf_error *err)
{
    rf_text member = rf_text_of(name);
    const rf_json *value = NULL;
    rf_status status = find_member_or_null(object, member, need, &value, err);
    if (status != RF_OK || value == NULL) {
        return status;
    }
    if (!rf_json_is(value, kind)) {
        rf_fail(err, RF_E_INVALID_FIELD, "%s is expected",
                kind == RF_JSON_ARRAY ? "an array" : "an object");
        return rf_json_at(object, member, RF_E_INVALID_FIELD, err);
    }
    *out = value;
    return RF_OK;
}
