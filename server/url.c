/*
 * url.c - percent-decoding, paths and queries.
 */
#include "server/url.h"

#include "server/utf8.h"

#include <string.h>

static int hex_value(char c)
{
    char lower = rf_lower(c);
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Decode the escape at `at`; -1 when it is cut or has no two digits. */
static int decode_escape(rf_text raw, size_t at)
{
    if (raw.length - at < 3) {
        return -1;
    }
    int high = hex_value(raw.bytes[at + 1]);
    int low = hex_value(raw.bytes[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Decode one piece. `plus` makes '+' a blank. `part` names the piece for the
 * error. */
static rf_status decode(rf_arena *arena, rf_text raw, bool plus,
                        const char *part, rf_text *out, rf_error *err)
{
    char *bytes = rf_arena_alloc(arena, raw.length + 1);
    if (bytes == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "no memory to read the %s", part);
    }
    size_t length = 0;
    for (size_t at = 0; at < raw.length; at++) {
        int byte = (unsigned char)raw.bytes[at];
        if (byte == '%') {
            byte = decode_escape(raw, at);
            at += 2;
        } else if (plus && byte == '+') {
            byte = ' ';
        }
        if (byte <= 0) {
            return rf_fail_field(err, RF_E_INVALID_FIELD, part,
                                 "the %s holds a bad escape", part);
        }
        bytes[length++] = (char)byte;
    }
    bytes[length] = '\0';
    rf_text text = {bytes, length};
    if (!rf_utf8_is_valid(text)) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, part,
                             "the %s is not valid UTF-8", part);
    }
    *out = text;
    return RF_OK;
}

static bool is_dots(rf_text segment)
{
    return rf_text_equal(segment, rf_text_of(".")) ||
           rf_text_equal(segment, rf_text_of(".."));
}

static bool is_safe_segment(rf_text segment)
{
    for (size_t i = 0; i < segment.length; i++) {
        char c = segment.bytes[i];
        if (rf_utf8_is_control(c) || c == '/' || c == '\\') {
            return false;
        }
    }
    return segment.length > 0 && !is_dots(segment);
}

static rf_status add_segment(rf_arena *arena, rf_text raw, rf_path *path,
                             rf_error *err)
{
    if (path->count == RF_PATH_SEGMENTS_MAX) {
        return rf_fail(err, RF_E_UNKNOWN_PATH,
                       "no path has more than %d segments",
                       RF_PATH_SEGMENTS_MAX);
    }
    rf_text segment = raw;
    /* Nothing to decode in most segments, and then nothing to copy. */
    if (raw.length > 0 && memchr(raw.bytes, '%', raw.length) != NULL) {
        rf_status status = decode(arena, raw, false, "path", &segment, err);
        if (status != RF_OK) {
            return status;
        }
    }
    if (!is_safe_segment(segment)) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, "path",
                             "the path holds an empty segment, a dot segment "
                             "or a byte that is not allowed");
    }
    path->segments[path->count++] = segment;
    return RF_OK;
}

/* Only visible ASCII may stand in a path undecoded. */
static bool is_visible(rf_text raw)
{
    for (size_t i = 0; i < raw.length; i++) {
        unsigned char byte = (unsigned char)raw.bytes[i];
        if (byte <= 0x20 || byte >= 0x7F) {
            return false;
        }
    }
    return true;
}

rf_status rf_url_split_path(rf_arena *arena, rf_text raw, rf_path *path,
                            rf_error *err)
{
    path->count = 0;
    if (raw.length == 0 || raw.bytes[0] != '/' || !is_visible(raw)) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, "path",
                             "a path starts with a slash and is made of "
                             "visible ASCII");
    }
    const char *end = raw.bytes + raw.length;
    const char *at = raw.bytes + 1;
    while (at < end) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        const char *behind = slash == NULL ? end : slash;
        rf_text segment = {at, (size_t)(behind - at)};
        rf_status status = add_segment(arena, segment, path, err);
        if (status != RF_OK) {
            return status;
        }
        /* A slash that ends the path opens no segment: it is the one ignored.
         */
        at = slash == NULL ? end : slash + 1;
    }
    return RF_OK;
}

static rf_status add_pair(rf_arena *arena, rf_text raw, const char *part,
                          rf_url_query *query, rf_error *err)
{
    const char *equals = memchr(raw.bytes, '=', raw.length);
    size_t name_length =
        equals == NULL ? raw.length : (size_t)(equals - raw.bytes);
    rf_text name = {raw.bytes, name_length};
    rf_text value = RF_TEXT_EMPTY;
    if (equals != NULL) {
        value = (rf_text){equals + 1, raw.length - name_length - 1};
    }
    rf_url_pair *pair = &query->pairs[query->count];
    rf_status status = decode(arena, name, true, part, &pair->name, err);
    if (status == RF_OK) {
        status = decode(arena, value, true, part, &pair->value, err);
    }
    query->count += status == RF_OK;
    return status;
}

/* Count the pieces between ampersands that hold anything. */
static size_t count_pieces(rf_text raw)
{
    size_t count = 0;
    for (size_t i = 0; i < raw.length; i++) {
        count += raw.bytes[i] != '&' && (i == 0 || raw.bytes[i - 1] == '&');
    }
    return count;
}

/* Decode pairs. `part` is what the error calls the whole. */
static rf_status parse_pairs(rf_arena *arena, rf_text raw, const char *part,
                             rf_url_query *query, rf_error *err)
{
    *query = (rf_url_query){0};
    size_t pieces = count_pieces(raw);
    if (pieces > RF_QUERY_PAIRS_MAX) {
        return rf_fail_field(err, RF_E_TOO_MANY_ITEMS, part,
                             "the %s holds more than %d pairs", part,
                             RF_QUERY_PAIRS_MAX);
    }
    if (pieces == 0) {
        return RF_OK;
    }
    query->pairs = rf_arena_calloc(arena, pieces, sizeof *query->pairs);
    if (query->pairs == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "no memory to read the %s", part);
    }
    const char *end = raw.bytes + raw.length;
    for (const char *at = raw.bytes; at < end; at++) {
        const char *ampersand = memchr(at, '&', (size_t)(end - at));
        const char *behind = ampersand == NULL ? end : ampersand;
        if (behind > at) {
            rf_text piece = {at, (size_t)(behind - at)};
            rf_status status = add_pair(arena, piece, part, query, err);
            if (status != RF_OK) {
                return status;
            }
        }
        at = behind;
    }
    return RF_OK;
}

rf_status rf_url_parse_query(rf_arena *arena, rf_text raw, rf_url_query *query,
                             rf_error *err)
{
    return parse_pairs(arena, raw, "query", query, err);
}

rf_status rf_url_parse_form(rf_arena *arena, rf_text raw, rf_url_query *form,
                            rf_error *err)
{
    return parse_pairs(arena, raw, "body", form, err);
}

const rf_url_pair *rf_url_query_next(const rf_url_query *query, rf_text name,
                                     size_t *from)
{
    while (*from < query->count) {
        const rf_url_pair *pair = &query->pairs[(*from)++];
        if (rf_text_is_name(pair->name, name)) {
            return pair;
        }
    }
    return NULL;
}

rf_text rf_url_query_value(const rf_url_query *query, rf_text name, bool *found)
{
    size_t from = 0;
    const rf_url_pair *pair = rf_url_query_next(query, name, &from);
    if (found != NULL) {
        *found = pair != NULL;
    }
    return pair == NULL ? RF_TEXT_EMPTY : pair->value;
}
