/*
 * http_lint.c - the strict reading of lines, targets and headers.
 */
#include "server/http_lint.h"

#include <stdint.h>
#include <string.h>

/* Take one whole line whose CRLF has been seen. */
static void end_line(rf_http_lines *lines, size_t length)
{
    lines->line_bytes = 0;
    if (lines->request_line_bytes == 0) {
        /* Empty lines before a request are allowed, and counted. */
        lines->request_line_bytes = length;
    } else if (length == 0) {
        lines->ended = true;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

const char *rf_http_lint_lines(rf_http_lines *lines, const char *bytes,
                               size_t length, size_t *used_out)
{
    size_t at = 0;
    while (at < length && !lines->ended) {
        if (lines->line_bytes == 0 && lines->request_line_bytes > 0 &&
            is_blank(bytes[at])) {
            return "a header line is folded";
        }
        const char *feed = memchr(bytes + at, '\n', length - at);
        if (feed == NULL) {
            lines->line_bytes += length - at;
            at = length;
            break;
        }
        size_t piece = (size_t)(feed - (bytes + at));
        char before = piece > 0 ? feed[-1] : lines->last;
        if (lines->line_bytes + piece == 0 || before != '\r') {
            return "a line feed without a carriage return";
        }
        end_line(lines, lines->line_bytes + piece - 1);
        at += piece + 1;
    }
    if (at > 0) {
        lines->last = bytes[at - 1];
    }
    lines->bytes += at;
    *used_out = at;
    return NULL;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
           (c >= 'A' && c <= 'F');
}

const char *rf_http_lint_target(rf_text target)
{
    if (target.length == 0 || target.bytes[0] != '/' ||
        (target.length > 1 && target.bytes[1] == '/')) {
        return "the request target must be a path that starts with one '/'";
    }
    for (size_t i = 0; i < target.length; i++) {
        char c = target.bytes[i];
        if (c < 0x21 || c > 0x7E || c == '#' || c == '\\' || c == '"') {
            return "the request target holds a byte that must be escaped";
        }
        if (c == '%' &&
            (target.length - i < 3 || !is_hex(target.bytes[i + 1]) ||
             !is_hex(target.bytes[i + 2]))) {
            return "the request target holds a malformed percent escape";
        }
    }
    return NULL;
}

static bool is_token_byte(unsigned char c)
{
    /* Bits of RFC 9110's tchar, 32 bytes to a word. */
    static const uint32_t allowed[8] = {0x00000000, 0x03FF6CFA, 0xC7FFFFFE,
                                        0x57FFFFFF};
    return (allowed[c / 32] >> (c % 32) & 1U) != 0;
}

const char *rf_http_lint_header(rf_text name, rf_text value)
{
    if (name.length == 0) {
        return "a header has no name";
    }
    for (size_t i = 0; i < name.length; i++) {
        if (!is_token_byte((unsigned char)name.bytes[i])) {
            return "a header name holds a byte that is not allowed";
        }
    }
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.bytes[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F) {
            return "a header value holds a control byte";
        }
    }
    return NULL;
}

rf_text rf_http_trim(rf_text text)
{
    while (text.length > 0 && is_blank(text.bytes[0])) {
        text.bytes++;
        text.length--;
    }
    while (text.length > 0 && is_blank(text.bytes[text.length - 1])) {
        text.length--;
    }
    return text;
}
