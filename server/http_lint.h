/*
 * http_lint.h - what a request's head must look like, beyond the parser.
 *
 * The parser accepts some forms that two programs can read in two ways: folded
 * header lines, bare line feeds, several blanks, names with blanks in them.
 * Each of these has been used to hide one request inside another. Every check
 * here is a pure function; a problem is told as a static sentence without any
 * text of the request in it, NULL means there is none.
 */
#ifndef RINGFENCE_SERVER_HTTP_LINT_H
#define RINGFENCE_SERVER_HTTP_LINT_H

#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>

/* How far the lines of a head have been looked at. All zeroes at its start. */
typedef struct rf_http_lines {
    size_t bytes;              /* of the head so far, framing included */
    size_t line_bytes;         /* of the unfinished line */
    size_t request_line_bytes; /* without its CRLF; 0 until it has ended */
    char last;                 /* the byte before the next piece */
    bool ended;                /* the empty line has been seen */
} rf_http_lines;

/* Look at the next piece of a head. Sets how many of its bytes still belong to
 * the head: all of them unless the empty line is among them. Finds line feeds
 * without a carriage return and lines that continue the one before. */
const char *rf_http_lint_lines(rf_http_lines *lines, const char *bytes,
                               size_t length, size_t *used_out);

/* Check a request target: a path from one '/', visible ASCII, every percent
 * escape complete. */
const char *rf_http_lint_target(rf_text target);

/* Check that a header's name is a token and its value free of control bytes.
 * Bytes above 0x7F pass, and mean nothing here. */
const char *rf_http_lint_header(rf_text name, rf_text value);

/* Return the text without blanks and tabs at its ends. */
rf_text rf_http_trim(rf_text text);

#endif
