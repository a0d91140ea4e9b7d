/*
 * utf8.c - decoding UTF-8 one character at a time.
 */
#include "server/utf8.h"

/* What may follow a lead byte. The first continuation byte has a narrower
 * range after some leads; that alone rules out overlong forms, surrogates and
 * everything above U+10FFFF. */
typedef struct lead_form {
    size_t length;
    unsigned char second_min;
    unsigned char second_max;
    unsigned char payload; /* the bits of the lead that belong to the value */
} lead_form;

static lead_form read_lead(unsigned char lead)
{
    if (lead < 0x80) {
        return (lead_form){1, 0, 0, 0x7F};
    }
    if (lead < 0xC2) {
        return (lead_form){0, 0, 0, 0};
    }
    if (lead < 0xE0) {
        return (lead_form){2, 0x80, 0xBF, 0x1F};
    }
    if (lead < 0xF0) {
        return (lead_form){3, lead == 0xE0 ? 0xA0 : 0x80,
                           lead == 0xED ? 0x9F : 0xBF, 0x0F};
    }
    if (lead < 0xF5) {
        return (lead_form){4, lead == 0xF0 ? 0x90 : 0x80,
                           lead == 0xF4 ? 0x8F : 0xBF, 0x07};
    }
    return (lead_form){0, 0, 0, 0};
}

size_t rf_utf8_read(const char *bytes, size_t length, uint32_t *character)
{
    if (length == 0) {
        return 0;
    }
    unsigned char lead = (unsigned char)bytes[0];
    lead_form form = read_lead(lead);
    if (form.length == 0 || form.length > length) {
        return 0;
    }
    uint32_t value = lead & form.payload;
    for (size_t i = 1; i < form.length; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        unsigned char low = i == 1 ? form.second_min : 0x80;
        unsigned char high = i == 1 ? form.second_max : 0xBF;
        if (byte < low || byte > high) {
            return 0;
        }
        value = value << 6 | (byte & 0x3F);
    }
    if (character != NULL) {
        *character = value;
    }
    return form.length;
}

bool rf_utf8_is_valid(rf_text text)
{
    size_t at = 0;
    while (at < text.length) {
        size_t step = rf_utf8_read(text.bytes + at, text.length - at, NULL);
        if (step == 0) {
            return false;
        }
        at += step;
    }
    return true;
}

size_t rf_utf8_count(rf_text text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++) {
        count += ((unsigned char)text.bytes[i] & 0xC0) != 0x80;
    }
    return count;
}

bool rf_utf8_is_control(char byte)
{
    return (unsigned char)byte < 0x20 || byte == 0x7F;
}

bool rf_utf8_is_unprintable(uint32_t character)
{
    return character < 0x20 || (character >= 0x7F && character < 0xA0) ||
           character == 0x061C ||                          /* Arabic mark */
           character == 0x200E || character == 0x200F ||   /* LRM, RLM */
           (character >= 0x2028 && character <= 0x202E) || /* lines, bidi */
           (character >= 0x2066 && character <= 0x2069) || /* isolates */
           character == 0xFEFF;
}
