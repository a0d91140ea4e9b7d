/*
 * text.c - comparing text.
 */
#include "core/text.h"

#include <string.h>

rf_text rf_text_of(const char *string)
{
    return (rf_text){string, strlen(string)};
}

bool rf_text_equal(rf_text a, rf_text b)
{
    return a.length == b.length &&
           (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

int rf_text_compare(rf_text a, rf_text b)
{
    size_t shared = a.length < b.length ? a.length : b.length;
    int order = shared == 0 ? 0 : memcmp(a.bytes, b.bytes, shared);
    if (order != 0) {
        return order;
    }
    return (a.length > b.length) - (a.length < b.length);
}

char rf_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool rf_text_is_name(rf_text a, rf_text b)
{
    if (a.length != b.length) {
        return false;
    }
    for (size_t i = 0; i < a.length; i++) {
        if (rf_lower(a.bytes[i]) != rf_lower(b.bytes[i])) {
            return false;
        }
    }
    return true;
}
