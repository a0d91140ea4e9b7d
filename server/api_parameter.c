/*
 * api_parameter.c - reading filters, writing links.
 */
#include "server/api_parameter.h"

#include <stdio.h>

rf_status rf_parameter_fail(const rf_url_pair *pair, rf_status status,
                            const char *message, rf_error *err)
{
    char field[sizeof err->field];
    snprintf(field, sizeof field, "%.*s", RF_SHOWN(pair->name));
    return rf_fail_field(err, status, field, "%s", message);
}

rf_status rf_parameter_text(const rf_url_pair *pair, size_t bytes_max,
                            rf_text *out, rf_error *err)
{
    if (pair->value.length > bytes_max) {
        return rf_parameter_fail(pair, RF_E_TOO_LONG, "the text is too long",
                                 err);
    }
    *out = pair->value;
    return RF_OK;
}

rf_status rf_parameter_dimension(const rf_call *call, const rf_url_pair *pair,
                                 rf_place *place, rf_error *err)
{
    int coordinate =
        rf_catalog_dimension(rf_call_catalog(call), NULL, pair->name);
    if (coordinate < 0) {
        return rf_parameter_fail(
            pair, RF_E_UNKNOWN_DIMENSION,
            "there is neither such a filter nor such a dimension", err);
    }
    rf_level bit = RF_BIT(coordinate);
    if (pair->value.length == 0) {
        return RF_OK;
    }
    if ((place->given & bit) != 0 &&
        !rf_text_equal(place->value[coordinate], pair->value)) {
        return rf_parameter_fail(pair, RF_E_DUPLICATE_DIMENSION,
                                 "the dimension is given twice", err);
    }
    place->given |= bit;
    place->value[coordinate] = pair->value;
    return RF_OK;
}

static void append_escaped(rf_buffer *out, rf_text text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.bytes[i];
        char lower = rf_lower(text.bytes[i]);
        bool plain = (lower >= 'a' && lower <= 'z') ||
                     (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
        if (plain) {
            rf_buffer_append_byte(out, byte);
            continue;
        }
        rf_buffer_append_byte(out, '%');
        rf_buffer_append_byte(out, (unsigned char)digits[byte >> 4]);
        rf_buffer_append_byte(out, (unsigned char)digits[byte & 15]);
    }
}

void rf_parameter_link(const rf_call *call, const char *start, rf_buffer *out)
{
    const rf_url_query *query = &call->query;
    rf_buffer_append_string(out, start);
    for (size_t i = 0; i < query->count; i++) {
        const rf_url_pair *pair = &query->pairs[i];
        if (rf_text_is_name(pair->name, rf_text_of("after")) ||
            rf_text_is_name(pair->name, rf_text_of("limit"))) {
            continue;
        }
        rf_buffer_append_byte(out, '&');
        append_escaped(out, pair->name);
        rf_buffer_append_byte(out, '=');
        append_escaped(out, pair->value);
    }
}
