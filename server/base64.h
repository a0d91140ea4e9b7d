/*
 * base64.h - bytes as letters and digits: in URLs, and in Basic credentials.
 *
 * The form for URLs has '-' and '_' and no padding, the ordinary one '+', '/'
 * and '='. Both are read strictly: there is one text for any bytes, so that
 * nothing that is signed can be spelled in two ways.
 */
#ifndef RINGFENCE_SERVER_BASE64_H
#define RINGFENCE_SERVER_BASE64_H

#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>

/* Letters that `size` bytes become in the form for URLs, without a NUL. */
#define RF_BASE64URL_LENGTH(size) (((size)*4 + 2) / 3)

/* Room that is enough to decode a text of `length` bytes. */
#define RF_BASE64_ROOM(length) ((length) / 4 * 3 + 3)

/* Write RF_BASE64URL_LENGTH(size) letters and a NUL. */
void rf_base64url_encode(const unsigned char *bytes, size_t size, char *text);

/* Decode into `bytes`, which has RF_BASE64_ROOM(text.length). `*size` gets how
 * many there are. False: the text is no such form, and what is in `bytes` means
 * nothing. */
bool rf_base64url_decode(rf_text text, unsigned char *bytes, size_t *size);

/* The same for the ordinary form. */
bool rf_base64_decode(rf_text text, unsigned char *bytes, size_t *size);

#endif
