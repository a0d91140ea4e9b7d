/*
 * multipart.c - taking a multipart form apart.
 */
#include "server/multipart.h"

#include "server/utf8.h"

#include <string.h>

#define DELIMITER_MAX (sizeof "\r\n--" - 1 + RF_MULTIPART_BOUNDARY_MAX)

typedef struct reading {
    rf_text rest;      /* of the body */
    rf_text delimiter; /* CRLF, two dashes, the boundary */
    rf_error *err;
} reading;

static rf_status fail(const reading *r, const char *what)
{
    return rf_fail_field(r->err, RF_E_INVALID_FIELD, "body",
                         "the multipart form is malformed: %s", what);
}

static void skip(rf_text *text, size_t length)
{
    text->bytes += length;
    text->length -= length;
}

static bool take(rf_text *text, const char *start)
{
    size_t length = strlen(start);
    bool there =
        text->length >= length && memcmp(text->bytes, start, length) == 0;
    if (there) {
        skip(text, length);
    }
    return there;
}

/* Take a name that compares without case. */
static bool take_name(rf_text *text, const char *start)
{
    rf_text name = rf_text_of(start);
    bool there = text->length >= name.length &&
                 rf_text_is_name((rf_text){text->bytes, name.length}, name);
    if (there) {
        skip(text, name.length);
    }
    return there;
}

/* Cut off and return what stands in front of `border`, which is dropped; false
 * when there is none. */
static bool take_until(rf_text *text, rf_text border, rf_text *out)
{
    const char *at =
        memmem(text->bytes, text->length, border.bytes, border.length);
    if (at == NULL) {
        return false;
    }
    *out = (rf_text){text->bytes, (size_t)(at - text->bytes)};
    skip(text, out->length + border.length);
    return true;
}

static void skip_blanks(rf_text *text)
{
    while (text->length > 0 &&
           (text->bytes[0] == ' ' || text->bytes[0] == '\t')) {
        skip(text, 1);
    }
}

/* ---- Content-Disposition ---- */

/* Take a parameter's value: a token, or anything in quotes but a quote, a
 * backslash and controls. */
static bool take_value(rf_text *line, rf_text *out)
{
    bool quoted = take(line, "\"");
    size_t length = 0;
    while (length < line->length) {
        char c = line->bytes[length];
        if (c == '"' || c == '\\' || rf_utf8_is_control(c) ||
            (!quoted && (c == ';' || c == ' ' || c == '='))) {
            break;
        }
        length++;
    }
    *out = (rf_text){line->bytes, length};
    skip(line, length);
    return quoted ? take(line, "\"") : length > 0;
}

/* Read `form-data; name="client_id"`. A second parameter is a file's name, or
 * the name once more in other words. */
static rf_status read_disposition(const reading *r, rf_text line, rf_text *name)
{
    if (name->length > 0) {
        return fail(r, "a part has two names");
    }
    bool good = take_name(&line, "form-data");
    skip_blanks(&line);
    good = good && take(&line, ";");
    skip_blanks(&line);
    good = good && take_name(&line, "name=") && take_value(&line, name);
    skip_blanks(&line);
    if (!good || name->length == 0 || !rf_utf8_is_valid(*name)) {
        return fail(r, "a part has no proper name");
    }
    return line.length == 0
               ? RF_OK
               : fail(r, "a part is a file or has something behind its name");
}

/* ---- Parts ---- */

/* Say whether a coding is none. */
static bool is_plain(rf_text coding)
{
    static const char *const names[] = {"7bit", "8bit", "binary"};
    skip_blanks(&coding);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (rf_text_is_name(coding, rf_text_of(names[i]))) {
            return true;
        }
    }
    return false;
}

static rf_status read_header(const reading *r, rf_text line, rf_text *name)
{
    for (size_t i = 0; i < line.length; i++) {
        if (rf_utf8_is_control(line.bytes[i]) && line.bytes[i] != '\t') {
            return fail(r, "a part's header holds a control byte");
        }
    }
    if (take_name(&line, "content-disposition:")) {
        skip_blanks(&line);
        return read_disposition(r, line, name);
    }
    /* Whatever a part says it is, it is read as UTF-8; but as it stands. */
    return take_name(&line, "content-transfer-encoding:") && !is_plain(line)
               ? fail(r, "a part is in a coding")
               : RF_OK;
}

static rf_status read_headers(reading *r, rf_text *name)
{
    static const rf_text end = {"\r\n", 2};
    rf_text line;
    for (size_t count = 0; take_until(&r->rest, end, &line); count++) {
        if (line.length == 0) {
            return name->length > 0 ? RF_OK : fail(r, "a part has no name");
        }
        if (count == RF_MULTIPART_HEADERS_MAX) {
            return fail(r, "a part has too many headers");
        }
        rf_status status = read_header(r, line, name);
        if (status != RF_OK) {
            return status;
        }
    }
    return fail(r, "it ends within a part's headers");
}

static rf_status read_part(reading *r, rf_url_pair *pair)
{
    *pair = (rf_url_pair){0};
    rf_status status = read_headers(r, &pair->name);
    if (status != RF_OK) {
        return status;
    }
    if (!take_until(&r->rest, r->delimiter, &pair->value)) {
        return fail(r, "it ends within a part");
    }
    if (!rf_utf8_is_valid(pair->value) ||
        memchr(pair->value.bytes, '\0', pair->value.length) != NULL) {
        return fail(r, "a value is not valid UTF-8 or holds U+0000");
    }
    return RF_OK;
}

/* Behind a boundary comes the next part, or the end. */
static rf_status read_parts(reading *r, rf_url_query *out)
{
    while (take(&r->rest, "\r\n")) {
        if (out->count == RF_MULTIPART_PARTS_MAX) {
            return rf_fail_field(r->err, RF_E_TOO_MANY_ITEMS, "body",
                                 "the form has more than %d parts",
                                 RF_MULTIPART_PARTS_MAX);
        }
        rf_status status = read_part(r, &out->pairs[out->count]);
        if (status != RF_OK) {
            return status;
        }
        out->count++;
    }
    if (!take(&r->rest, "--")) {
        return fail(r, "there is something behind a boundary");
    }
    (void)take(&r->rest, "\r\n");
    return r->rest.length == 0 ? RF_OK
                               : fail(r, "there is something behind its end");
}

bool rf_multipart_boundary_is_valid(rf_text boundary)
{
    static const char marks[] = "'()+_,-./:=? ";
    for (size_t i = 0; i < boundary.length; i++) {
        char c = boundary.bytes[i];
        char lower = rf_lower(c);
        if ((lower < 'a' || lower > 'z') && (c < '0' || c > '9') &&
            memchr(marks, c, sizeof marks - 1) == NULL) {
            return false;
        }
    }
    return boundary.length > 0 &&
           boundary.length <= RF_MULTIPART_BOUNDARY_MAX &&
           boundary.bytes[boundary.length - 1] != ' ';
}

rf_status rf_multipart_read(rf_arena *arena, rf_text body, rf_text boundary,
                            rf_url_query *out, rf_error *err)
{
    char delimiter[DELIMITER_MAX];
    RF_ASSERT(rf_multipart_boundary_is_valid(boundary));
    memcpy(delimiter, "\r\n--", 4);
    memcpy(delimiter + 4, boundary.bytes, boundary.length);
    rf_text whole = {delimiter, 4 + boundary.length};
    reading r = {.rest = body, .delimiter = whole, .err = err};
    rf_url_query read = {.pairs = rf_arena_calloc(arena, RF_MULTIPART_PARTS_MAX,
                                                  sizeof *read.pairs)};
    if (read.pairs == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "no memory to read the form");
    }
    /* The first boundary stands at the very beginning. */
    size_t length = whole.length - 2;
    if (body.length < length ||
        memcmp(body.bytes, delimiter + 2, length) != 0) {
        return fail(&r, "it does not begin with its boundary");
    }
    skip(&r.rest, length);
    rf_status status = read_parts(&r, &read);
    if (status == RF_OK) {
        *out = read;
    }
    return status;
}
