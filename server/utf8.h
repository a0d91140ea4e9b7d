/*
 * utf8.h - well-formed UTF-8, and the characters that must not reach a
 * terminal or a page as they are.
 *
 * Well-formed is what RFC 3629 says: no overlong forms, no surrogates, nothing
 * above U+10FFFF. Everything that enters the server as text is checked here,
 * so the rest may rely on it; what comes from plugins and libraries may still
 * be broken, and whoever prints it asks again.
 */
#ifndef RINGFENCE_SERVER_UTF8_H
#define RINGFENCE_SERVER_UTF8_H

#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Return the length (1 to 4) of the character at the start of `bytes`, and the
 * character itself in `character`; 0, and `character` untouched, when no
 * well-formed character stands there. `character` may be NULL. */
size_t rf_utf8_read(const char *bytes, size_t length, uint32_t *character);

/* Say whether all of the text is well-formed. */
bool rf_utf8_is_valid(rf_text text);

/* Count the characters of well-formed text. */
size_t rf_utf8_count(rf_text text);

/* Say whether a byte is an ASCII control: below 0x20, or 0x7F. */
bool rf_utf8_is_control(char byte);

/* Say whether a character can end a line, steer a terminal or turn the reading
 * direction: controls of both blocks, U+2028 and U+2029, bidirectional
 * marks, and the byte order mark. */
bool rf_utf8_is_unprintable(uint32_t character);

#endif
