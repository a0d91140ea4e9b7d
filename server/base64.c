/*
 * base64.c - six bits to a letter.
 */
#include "server/base64.h"

#include <string.h>

#define LETTERS                                                                \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"                                               \
    "abcdefghijklmnopqrstuvwxyz0123456789"

static const char url_digits[] = LETTERS "-_";
static const char plain_digits[] = LETTERS "+/";

void rf_base64url_encode(const unsigned char *bytes, size_t size, char *text)
{
    unsigned bits = 0;
    unsigned bit_count = 0;
    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | bytes[i];
        bit_count += 8;
        while (bit_count >= 6) {
            bit_count -= 6;
            *text++ = url_digits[bits >> bit_count & 63];
        }
    }
    if (bit_count > 0) {
        *text++ = url_digits[bits << (6 - bit_count) & 63];
    }
    *text = '\0';
}

/* Decode text without padding. A single letter in the last group is less than a
 * byte, and bits behind the last byte must be zero. */
static bool decode(rf_text text, const char *digits, unsigned char *bytes,
                   size_t *size)
{
    unsigned bits = 0;
    unsigned bit_count = 0;
    *size = 0;
    for (size_t i = 0; i < text.length; i++) {
        const char *digit = memchr(digits, text.bytes[i], 64);
        if (digit == NULL) {
            return false;
        }
        bits = bits << 6 | (unsigned)(digit - digits);
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            bytes[(*size)++] = (unsigned char)(bits >> bit_count);
        }
    }
    return bit_count < 6 && (bits & ((1U << bit_count) - 1)) == 0;
}

bool rf_base64url_decode(rf_text text, unsigned char *bytes, size_t *size)
{
    return decode(text, url_digits, bytes, size);
}

bool rf_base64_decode(rf_text text, unsigned char *bytes, size_t *size)
{
    if (text.length % 4 != 0) {
        return false;
    }
    for (int i = 0; i < 2 && text.length > 0; i++) {
        text.length -= text.bytes[text.length - 1] == '=';
    }
    return decode(text, plain_digits, bytes, size);
}
