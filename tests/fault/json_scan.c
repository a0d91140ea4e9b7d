/*
 * json_scan.c - slices of a JSON text.
 */
#include "tests/fault/json_scan.h"

#include "tests/fault/common.h"

#include <stdlib.h>
#include <string.h>

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static size_t skip_blank(const char *bytes, size_t length, size_t at)
{
    while (at < length && is_blank(bytes[at])) {
        at++;
    }
    return at;
}

/* Return where the string that starts at `at` ends, behind its quote. */
static size_t skip_string(const char *bytes, size_t length, size_t at)
{
    for (at++; at < length && bytes[at] != '"'; at++) {
        at += bytes[at] == '\\' ? 1 : 0;
    }
    return at < length ? at + 1 : length;
}

/* Return where the object or array that starts at `at` ends. */
static size_t skip_nested(const char *bytes, size_t length, size_t at)
{
    size_t depth = 0;
    while (at < length) {
        char byte = bytes[at];
        if (byte == '"') {
            at = skip_string(bytes, length, at);
            continue;
        }
        at++;
        if (byte == '{' || byte == '[') {
            depth++;
        } else if ((byte == '}' || byte == ']') && --depth == 0) {
            break;
        }
    }
    return at;
}

static size_t skip_value(const char *bytes, size_t length, size_t at)
{
    if (at < length && bytes[at] == '"') {
        return skip_string(bytes, length, at);
    }
    if (at < length && (bytes[at] == '{' || bytes[at] == '[')) {
        return skip_nested(bytes, length, at);
    }
    while (at < length && strchr(",]}", bytes[at]) == NULL &&
           !is_blank(bytes[at])) {
        at++;
    }
    return at;
}

/* Cut out the value at or behind *at and move *at behind it. */
static rf_json take_value(rf_json whole, size_t *at)
{
    size_t start = skip_blank(whole.start, whole.length, *at);
    size_t end = skip_value(whole.start, whole.length, start);
    *at = end;
    return (rf_json){whole.start + start, end - start};
}

rf_json rf_json_of(const char *bytes, size_t length)
{
    size_t at = 0;
    return take_value((rf_json){bytes, length}, &at);
}

/* Move to the next element of an array or object; false at its end. Stands on
 * the opening bracket at first, on a comma or the closing bracket later. */
static bool enter_next(rf_json whole, size_t *at, char bracket)
{
    if (whole.length < 2 || whole.start[0] != bracket) {
        return false;
    }
    size_t next = skip_blank(whole.start, whole.length, *at) + 1;
    next = skip_blank(whole.start, whole.length, next);
    if (next >= whole.length || whole.start[next] == ']' ||
        whole.start[next] == '}') {
        return false;
    }
    *at = next;
    return true;
}

bool rf_json_item(rf_json array, size_t *at, rf_json *item_out)
{
    if (!enter_next(array, at, '[')) {
        return false;
    }
    *item_out = take_value(array, at);
    return true;
}

bool rf_json_pair(rf_json object, size_t *at, rf_json *name_out,
                  rf_json *value_out)
{
    if (!enter_next(object, at, '{')) {
        return false;
    }
    *name_out = take_value(object, at);
    *at = skip_blank(object.start, object.length, *at) + 1;
    *value_out = take_value(object, at);
    return true;
}

bool rf_json_is(rf_json value, const char *text)
{
    size_t length = strlen(text);
    return value.length == length + 2 && value.start[0] == '"' &&
           memcmp(value.start + 1, text, length) == 0;
}

rf_json rf_json_member(rf_json object, const char *name)
{
    size_t at = 0;
    rf_json found;
    rf_json value;
    while (rf_json_pair(object, &at, &found, &value)) {
        if (rf_json_is(found, name)) {
            return value;
        }
    }
    return (rf_json){NULL, 0};
}

char *rf_json_text(rf_json value)
{
    bool quoted = value.length >= 2 && value.start[0] == '"';
    return quoted ? rf_common_format("%.*s", (int)value.length - 2,
                                     value.start + 1)
                  : rf_common_format("%.*s", (int)value.length,
                                     value.length > 0 ? value.start : "");
}

int64_t rf_json_millionths(rf_json value)
{
    int64_t number = 0;
    int64_t missing = 6;
    bool fraction = false;
    bool negative = value.length > 0 && value.start[0] == '-';
    for (size_t at = negative ? 1 : 0; at < value.length; at++) {
        char byte = value.start[at];
        if (byte == '.') {
            fraction = true;
            continue;
        }
        if (byte < '0' || byte > '9' || (fraction && missing == 0)) {
            rf_common_die("not a plain decimal: %.*s", (int)value.length,
                          value.start);
        }
        number = number * 10 + (byte - '0');
        missing -= fraction ? 1 : 0;
    }
    for (; missing > 0; missing--) {
        number *= 10;
    }
    return negative ? -number : number;
}

int64_t rf_json_whole(rf_json value)
{
    return rf_json_millionths(value) / 1000000;
}
