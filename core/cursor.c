/*
 * cursor.c - printing keys, and doubting those that come back.
 */
#include "core/cursor.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

size_t rf_cursor_print(const rf_key *next, char text[RF_CURSOR_TEXT_MAX])
{
    size_t length = 0;
    for (size_t i = 0; i < next->length; i++) {
        text[length++] = digits[next->bytes[i] >> 4];
        text[length++] = digits[next->bytes[i] & 0xF];
    }
    text[length] = '\0';
    return length;
}

bool rf_cursor_parse(rf_text text, rf_key *out)
{
    rf_key next = {0};
    if (text.length % 2 != 0 || text.length / 2 > RF_STORE_KEY_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        const char *digit = memchr(digits, text.bytes[i], 16);
        if (digit == NULL) {
            return false;
        }
        unsigned char *byte = &next.bytes[i / 2];
        *byte = (unsigned char)(*byte << 4 | (digit - digits));
    }
    next.length = (uint16_t)(text.length / 2);
    rf_key_copy(out, &next);
    return true;
}

static rf_text text_of(const rf_key *key)
{
    return (rf_text){(const char *)key->bytes, key->length};
}

bool rf_cursor_is_inside(const rf_key *next, const rf_key *prefix)
{
    rf_key end = *prefix;
    bool bounded = rf_key_after_prefix(&end);
    return rf_text_compare(text_of(next), text_of(prefix)) >= 0 &&
           (!bounded || rf_text_compare(text_of(next), text_of(&end)) < 0);
}
