/*
 * json_scan.c - RFC 8259 as a loop over bytes.
 *
 * The loop alternates between two places: before a value, and after one. The
 * kinds of the open containers are a stack of bits, one per level, so nothing
 * here recurses and nothing is allocated.
 */
#include "server/json_scan.h"

#include "server/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct scan {
    const char *start;
    const char *at;
    const char *end;
    const char *copied; /* everything in front of it has been written */
    char *out;
    const rf_json_limits *limits;
    size_t depth;
    size_t values;
    uint64_t objects; /* bit n: the container at depth n is an object */
    rf_error *err;
} scan;

_Static_assert(RF_JSON_DEPTH_CEILING < 64, "one bit for each level");

/* A number gains two quotes and the mark. */
#define NUMBER_COST 3

static rf_status fail_here(const scan *s, const char *what)
{
    if (s->at >= s->end) {
        return rf_fail(s->err, RF_E_BAD_JSON, "the JSON text ends too early");
    }
    return rf_fail(s->err, RF_E_BAD_JSON, "at byte %zu: %s",
                   (size_t)(s->at - s->start) + 1, what);
}

/* Skip white space and return the byte behind it. A NUL stands for the end; a
 * real NUL is not allowed anywhere either. */
static char peek(scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' ||
                              *s->at == '\r' || *s->at == '\t')) {
        s->at++;
    }
    return s->at < s->end ? *s->at : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void copy_until(scan *s, const char *until)
{
    size_t length = (size_t)(until - s->copied);
    memcpy(s->out, s->copied, length);
    s->out += length;
    s->copied = until;
}

/* Read four hexadecimal digits; -1 when they are not there. */
static int32_t read_hex(scan *s)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = s->at < s->end ? rf_lower(*s->at) : '\0';
        if (!is_digit(c) && (c < 'a' || c > 'f')) {
            return -1;
        }
        value = value * 16 + (is_digit(c) ? c - '0' : c - 'a' + 10);
        s->at++;
    }
    return value;
}

/* Read what follows "\u": one character, or a pair of surrogates. */
static rf_status scan_unicode_escape(scan *s)
{
    int32_t unit = read_hex(s);
    if (unit < 0) {
        return fail_here(s, "four hexadecimal digits are expected after \\u");
    }
    if (unit == 0) {
        return fail_here(s, "\\u0000 is not allowed");
    }
    if (unit < 0xD800 || unit > 0xDFFF) {
        return RF_OK;
    }
    bool paired =
        unit <= 0xDBFF && s->end - s->at >= 2 && memcmp(s->at, "\\u", 2) == 0;
    if (paired) {
        s->at += 2;
        int32_t low = read_hex(s);
        paired = low >= 0xDC00 && low <= 0xDFFF;
    }
    return paired ? RF_OK : fail_here(s, "a surrogate without its other half");
}

static rf_status scan_escape(scan *s)
{
    s->at++;
    char c = s->at < s->end ? *s->at : '\0';
    if (c == 'u') {
        s->at++;
        return scan_unicode_escape(s);
    }
    if (c == '\0' || strchr("\"\\/bfnrt", c) == NULL) {
        return fail_here(s, "unknown escape in a string");
    }
    s->at++;
    return RF_OK;
}

/* Read one character of a string that is not plain ASCII. */
static rf_status scan_special(scan *s)
{
    if (*s->at == '\\') {
        return scan_escape(s);
    }
    if ((unsigned char)*s->at < 0x20) {
        return fail_here(s, "a control byte in a string must be escaped");
    }
    size_t length = rf_utf8_read(s->at, (size_t)(s->end - s->at), NULL);
    if (length == 0) {
        return fail_here(s, "the text is not valid UTF-8");
    }
    s->at += length;
    return RF_OK;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' &&
           c != '\\';
}

/* Read a string; the opening quote has been seen. */
static rf_status scan_string(scan *s)
{
    s->at++;
    for (;;) {
        while (s->at < s->end && is_plain(*s->at)) {
            s->at++;
        }
        if (s->at == s->end) {
            return fail_here(s, "");
        }
        if (*s->at == '"') {
            s->at++;
            return RF_OK;
        }
        rf_status status = scan_special(s);
        if (status != RF_OK) {
            return status;
        }
    }
}

static bool skip_digits(scan *s)
{
    const char *first = s->at;
    while (s->at < s->end && is_digit(*s->at)) {
        s->at++;
    }
    return s->at > first;
}

static bool skip_byte(scan *s, char lower)
{
    if (s->at < s->end && rf_lower(*s->at) == lower) {
        s->at++;
        return true;
    }
    return false;
}

/* int frac exp, as the RFC's grammar has them. */
static bool skip_number(scan *s)
{
    (void)skip_byte(s, '-');
    if (!skip_byte(s, '0') && !skip_digits(s)) {
        return false;
    }
    if (skip_byte(s, '.') && !skip_digits(s)) {
        return false;
    }
    if (skip_byte(s, 'e')) {
        (void)(skip_byte(s, '+') || skip_byte(s, '-'));
        return skip_digits(s);
    }
    return true;
}

static rf_status scan_number(scan *s)
{
    const char *first = s->at;
    if (!skip_number(s)) {
        return fail_here(s, "a digit is expected in a number");
    }
    if (s->at - first > RF_JSON_NUMBER_MAX) {
        s->at = first;
        return fail_here(s, "a number is longer than 64 characters");
    }
    copy_until(s, first);
    *s->out++ = '"';
    *s->out++ = RF_JSON_NUMBER_MARK;
    copy_until(s, s->at);
    *s->out++ = '"';
    return RF_OK;
}

_Static_assert(RF_JSON_NUMBER_MAX == 64, "the message above names it");

static rf_status scan_word(scan *s, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(s->end - s->at) < length || memcmp(s->at, word, length) != 0) {
        return fail_here(s, "a value is expected");
    }
    s->at += length;
    return RF_OK;
}

/* Read a member's name and the colon behind it. */
static rf_status scan_name(scan *s)
{
    if (peek(s) != '"') {
        return fail_here(s, "a name in double quotes is expected");
    }
    rf_status status = scan_string(s);
    if (status != RF_OK) {
        return status;
    }
    if (peek(s) != ':') {
        return fail_here(s, "a colon is expected after a name");
    }
    s->at++;
    return RF_OK;
}

static bool is_in_object(const scan *s)
{
    return (s->objects >> s->depth & 1) != 0;
}

/* Enter a container. `closed` tells that it was empty and is left again. */
static rf_status scan_open(scan *s, bool is_object, bool *closed)
{
    if (s->depth >= s->limits->depth_max || s->depth >= RF_JSON_DEPTH_CEILING) {
        return rf_fail(s->err, RF_E_BAD_JSON,
                       "the JSON text is nested deeper than %zu levels",
                       s->depth);
    }
    s->at++;
    *closed = peek(s) == (is_object ? '}' : ']');
    if (*closed) {
        s->at++;
        return RF_OK;
    }
    s->depth++;
    s->objects &= ~(UINT64_C(1) << s->depth);
    s->objects |= (uint64_t)is_object << s->depth;
    return is_object ? scan_name(s) : RF_OK;
}

/* Read one value; of a container that holds something only its beginning, in
 * which case `opened` tells that its first value comes next. */
static rf_status scan_value(scan *s, bool *opened)
{
    *opened = false;
    if (++s->values > s->limits->values_max) {
        return rf_fail(s->err, RF_E_BAD_JSON,
                       "the JSON text holds more than %zu values",
                       s->limits->values_max);
    }
    char first = peek(s);
    switch (first) {
    case '{':
    case '[': {
        bool closed = false;
        rf_status status = scan_open(s, first == '{', &closed);
        *opened = !closed;
        return status;
    }
    case '"':
        return scan_string(s);
    case 't':
        return scan_word(s, "true");
    case 'f':
        return scan_word(s, "false");
    case 'n':
        return scan_word(s, "null");
    default:
        return first == '-' || is_digit(first)
                   ? scan_number(s)
                   : fail_here(s, "a value is expected");
    }
}

/* Close what closes behind a value. `more` tells that another value of an
 * open container comes next. */
static rf_status scan_behind_value(scan *s, bool *more)
{
    *more = false;
    while (s->depth > 0) {
        char c = peek(s);
        if (c == ',') {
            s->at++;
            *more = true;
            return is_in_object(s) ? scan_name(s) : RF_OK;
        }
        if (c != (is_in_object(s) ? '}' : ']')) {
            return fail_here(s, "a comma or the closing bracket is expected");
        }
        s->at++;
        s->depth--;
    }
    (void)peek(s);
    return s->at == s->end ? RF_OK
                           : fail_here(s, "something follows the JSON value");
}

size_t rf_json_scan_room(size_t length, const rf_json_limits *limits)
{
    size_t numbers = length / 2 + 1;
    if (numbers > limits->values_max) {
        numbers = limits->values_max;
    }
    return length + NUMBER_COST * numbers;
}

/* The room is written through the scan's own pointer. */
/* NOLINTNEXTLINE(readability-non-const-parameter) */
rf_status rf_json_scan(rf_text text, const rf_json_limits *limits, char *room,
                       size_t *used, rf_error *err)
{
    if (text.length >= 3 && memcmp(text.bytes, "\xEF\xBB\xBF", 3) == 0) {
        return rf_fail(err, RF_E_BAD_JSON,
                       "a byte order mark before the JSON text");
    }
    scan s = {.start = text.bytes,
              .at = text.bytes,
              .end = text.bytes + text.length,
              .copied = text.bytes,
              .out = room,
              .limits = limits,
              .err = err};
    if (peek(&s) == '\0' && s.at == s.end) {
        return rf_fail(err, RF_E_BAD_JSON, "the JSON text is empty");
    }
    bool more = true;
    while (more) {
        bool opened = false;
        rf_status status = scan_value(&s, &opened);
        if (status == RF_OK && !opened) {
            status = scan_behind_value(&s, &more);
        }
        if (status != RF_OK) {
            return status;
        }
    }
    copy_until(&s, s.end);
    *used = (size_t)(s.out - room);
    return RF_OK;
}
