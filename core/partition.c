/*
 * partition.c - the ids of partitions, as text.
 *
 * Parts are joined by '~'; inside a part '~' and '%' are written as in a URL,
 * so that no two partitions share an id.
 */
#include "core/engine.h"

#include <stdio.h>
#include <string.h>

static size_t append_part(char *text, size_t at, rf_text part)
{
    for (size_t i = 0; i < part.length; i++) {
        char c = part.bytes[i];
        if (c == '~' || c == '%') {
            at += (size_t)snprintf(text + at, 4, "%%%02X", (unsigned)c);
        } else {
            text[at++] = c;
        }
    }
    return at;
}

size_t rf_partition_print(bool by_product, rf_text organization,
                          rf_text product, rf_text site, rf_text location,
                          char text[RF_PARTITION_TEXT_MAX])
{
    size_t at = append_part(text, 0, organization);
    text[at++] = '~';
    if (by_product) {
        at = append_part(text, at, product);
    } else {
        at = append_part(text, at, site);
        text[at++] = '~';
        at = append_part(text, at, location);
    }
    text[at] = '\0';
    return at;
}

/* Read up to the next '~' or the end; false: a malformed escape. */
static bool read_part(rf_text id, size_t *at, char *scratch, size_t *used,
                      rf_text *out)
{
    size_t start = *used;
    while (*at < id.length && id.bytes[*at] != '~') {
        if (id.bytes[*at] != '%') {
            scratch[(*used)++] = id.bytes[(*at)++];
            continue;
        }
        rf_text escape = {id.bytes + *at, 3};
        bool is_tilde =
            id.length - *at >= 3 && rf_text_equal(escape, rf_text_of("%7E"));
        bool is_percent =
            id.length - *at >= 3 && rf_text_equal(escape, rf_text_of("%25"));
        if (!is_tilde && !is_percent) {
            return false;
        }
        scratch[(*used)++] = is_tilde ? '~' : '%';
        *at += 3;
    }
    *out = (rf_text){scratch + start, *used - start};
    return true;
}

bool rf_partition_parse(bool by_product, rf_text id,
                        char scratch[RF_PARTITION_TEXT_MAX],
                        rf_text *organization, rf_text *product,
                        rf_place *place)
{
    rf_text *parts[3] = {organization, product, NULL};
    size_t count = by_product ? 2 : 3;
    size_t at = 0;
    size_t used = 0;
    if (!by_product) {
        parts[1] = &place->value[RF_SITE];
        parts[2] = &place->value[RF_LOCATION];
    }
    if (id.length >= RF_PARTITION_TEXT_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_part(id, &at, scratch, &used, parts[i])) {
            return false;
        }
        bool is_last = i + 1 == count;
        if (is_last ? at != id.length : at == id.length) {
            return false;
        }
        at++;
    }
    if (!by_product) {
        for (unsigned c = RF_SITE; c <= RF_LOCATION; c++) {
            place->given |= place->value[c].length > 0 ? RF_BIT(c) : 0;
        }
    }
    return organization->length > 0;
}
