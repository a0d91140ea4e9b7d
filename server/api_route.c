/*
 * api_route.c - matching paths, methods and media types.
 */
#include "server/api_route.h"

#include "core/error.h"

#include <string.h>

/* Compare one segment with the pattern up to its next slash. */
static bool matches_segment(const char *pattern, rf_text segment)
{
    if (*pattern == '{') {
        return true;
    }
    for (size_t i = 0; i < segment.length; i++) {
        char expected = pattern[i];
        if (expected == '\0' || expected == '/' ||
            expected != rf_lower(segment.bytes[i])) {
            return false;
        }
    }
    return pattern[segment.length] == '\0' || pattern[segment.length] == '/';
}

static const char *behind_segment(const char *pattern)
{
    while (*pattern != '\0' && *pattern != '/') {
        pattern++;
    }
    return pattern;
}

bool rf_route_matches(const char *pattern, const rf_text *segments,
                      size_t count)
{
    if (count == 0) {
        return strcmp(pattern, "/") == 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (*pattern != '/' || !matches_segment(pattern + 1, segments[i])) {
            return false;
        }
        pattern = behind_segment(pattern + 1);
    }
    return *pattern == '\0';
}

void rf_route_capture(const char *pattern, const rf_text *segments,
                      rf_text out[RF_ROUTE_CAPTURES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; *pattern != '\0'; i++) {
        if (pattern[1] == '{') {
            RF_ASSERT(count < RF_ROUTE_CAPTURES_MAX);
            out[count++] = segments[i];
        }
        pattern = behind_segment(pattern + 1);
    }
}

bool rf_route_answers(rf_method offered, rf_method asked)
{
    return offered == asked ||
           (offered == RF_METHOD_GET && asked == RF_METHOD_HEAD);
}

const char *rf_route_allow(unsigned methods)
{
    static const char *const texts[] = {
        "",
        "GET, HEAD",
        "POST",
        "GET, HEAD, POST",
        "PUT",
        "GET, HEAD, PUT",
        "POST, PUT",
        "GET, HEAD, POST, PUT",
        "DELETE",
        "GET, HEAD, DELETE",
        "POST, DELETE",
        "GET, HEAD, POST, DELETE",
        "PUT, DELETE",
        "GET, HEAD, PUT, DELETE",
        "POST, PUT, DELETE",
        "GET, HEAD, POST, PUT, DELETE",
    };
    size_t index = (methods & 1U << RF_METHOD_GET ? 1U : 0U) |
                   (methods & 1U << RF_METHOD_POST ? 2U : 0U) |
                   (methods & 1U << RF_METHOD_PUT ? 4U : 0U) |
                   (methods & 1U << RF_METHOD_DELETE ? 8U : 0U);
    return texts[index];
}

static rf_text trim(rf_text text)
{
    while (text.length > 0 && (text.bytes[0] == ' ' || text.bytes[0] == '\t')) {
        text.bytes++;
        text.length--;
    }
    while (text.length > 0 && (text.bytes[text.length - 1] == ' ' ||
                               text.bytes[text.length - 1] == '\t')) {
        text.length--;
    }
    return text;
}

/* Cut off and return what stands before the next `border`. */
static rf_text take_part(rf_text *rest, char border)
{
    const char *end = memchr(rest->bytes, border, rest->length);
    size_t length = end == NULL ? rest->length : (size_t)(end - rest->bytes);
    rf_text part = {rest->bytes, length};
    size_t taken = end == NULL ? length : length + 1;
    rest->bytes += taken;
    rest->length -= taken;
    return trim(part);
}

static rf_text unquote(rf_text text)
{
    bool quoted = text.length >= 2 && text.bytes[0] == '"' &&
                  text.bytes[text.length - 1] == '"';
    return quoted ? (rf_text){text.bytes + 1, text.length - 2} : text;
}

/* Say whether a parameter has that name; `start` has the '=', too. */
static bool has_start(rf_text parameter, rf_text start)
{
    return parameter.length >= start.length &&
           rf_text_is_name((rf_text){parameter.bytes, start.length}, start);
}

static rf_text behind(rf_text parameter, rf_text start)
{
    return (rf_text){parameter.bytes + start.length,
                     parameter.length - start.length};
}

/* Parameters other than the charset say nothing about the bytes. */
static bool is_utf8_parameter(rf_text parameter)
{
    rf_text charset = rf_text_of("charset=");
    return !has_start(parameter, charset) ||
           rf_text_is_name(unquote(behind(parameter, charset)),
                           rf_text_of("utf-8"));
}

/* Say whether a Content-Type is one of `types`, in UTF-8, or absent. */
static bool is_one_of(rf_text content_type, const char *const *types,
                      size_t count)
{
    rf_text rest = content_type;
    if (trim(rest).length == 0) {
        return true;
    }
    rf_text type = take_part(&rest, ';');
    bool known = false;
    for (size_t i = 0; i < count; i++) {
        known = known || rf_text_is_name(type, rf_text_of(types[i]));
    }
    if (!known) {
        return false;
    }
    while (rest.length > 0) {
        if (!is_utf8_parameter(take_part(&rest, ';'))) {
            return false;
        }
    }
    return true;
}

bool rf_route_is_json(rf_text content_type)
{
    static const char *const types[] = {"application/json"};
    return is_one_of(content_type, types, sizeof types / sizeof types[0]);
}

bool rf_route_is_text(rf_text content_type)
{
    static const char *const types[] = {"text/plain", "text/x-lua",
                                        "application/octet-stream"};
    return is_one_of(content_type, types, sizeof types / sizeof types[0]);
}

bool rf_route_is_form(rf_text content_type)
{
    static const char *const types[] = {"application/x-www-form-urlencoded"};
    return trim(content_type).length > 0 && is_one_of(content_type, types, 1);
}

bool rf_route_is_multipart(rf_text content_type, rf_text *boundary)
{
    rf_text rest = content_type;
    rf_text start = rf_text_of("boundary=");
    *boundary = RF_TEXT_EMPTY;
    if (!rf_text_is_name(take_part(&rest, ';'),
                         rf_text_of("multipart/form-data"))) {
        return false;
    }
    while (rest.length > 0) {
        rf_text parameter = take_part(&rest, ';');
        if (has_start(parameter, start)) {
            *boundary = unquote(behind(parameter, start));
        }
    }
    return true;
}

/* Read "q=0.25" as 250. Anything else that is no weight is 1000, a malformed
 * one is 0. */
static unsigned read_weight(rf_text parameter)
{
    static const unsigned places[] = {1000, 0, 100, 10, 1};
    rf_text start = rf_text_of("q=");
    if (!has_start(parameter, start)) {
        return 1000;
    }
    rf_text digits = behind(parameter, start);
    unsigned weight = 0;
    if (digits.length > sizeof places / sizeof places[0] ||
        (digits.length > 1 && digits.bytes[1] != '.')) {
        return 0;
    }
    for (size_t i = 0; i < digits.length; i++) {
        char c = digits.bytes[i];
        if (i != 1 && (c < '0' || c > '9')) {
            return 0;
        }
        weight += i == 1 ? 0 : (unsigned)(c - '0') * places[i];
    }
    return weight <= 1000 ? weight : 0;
}

unsigned rf_route_accepts(rf_text accept, const char *type)
{
    while (accept.length > 0) {
        rf_text rest = take_part(&accept, ',');
        unsigned weight = 1000;
        if (!rf_text_is_name(take_part(&rest, ';'), rf_text_of(type))) {
            continue;
        }
        while (rest.length > 0) {
            unsigned own = read_weight(take_part(&rest, ';'));
            weight = own < weight ? own : weight;
        }
        return weight;
    }
    return 0;
}
