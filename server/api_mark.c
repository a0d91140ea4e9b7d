/*
 * api_mark.c - marks between pages of rows.
 */
#include "server/api_mark.h"

#include "core/codec.h"

#include <string.h>

static void append(rf_mark *mark, rf_text name)
{
    mark->bytes[mark->length++] = (unsigned char)name.length;
    if (name.length > 0) {
        memcpy(mark->bytes + mark->length, name.bytes, name.length);
        mark->length += name.length;
    }
}

void rf_mark_set(rf_mark *mark, const rf_row *row, bool placed)
{
    mark->length = 0;
    append(mark, row->organization);
    append(mark, row->product);
    append(mark, placed ? row->place->value[RF_SITE] : RF_TEXT_EMPTY);
    append(mark, placed ? row->place->value[RF_LOCATION] : RF_TEXT_EMPTY);
}

bool rf_mark_equal(const rf_mark *a, const rf_mark *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* Take the names off; false: they do not fill the mark, or are too long. */
static bool read_names(const rf_mark *mark, rf_query_mark *out)
{
    rf_reader reader = rf_reader_of((rf_bytes){mark->bytes, mark->length});
    out->organization = rf_read_short_text(&reader);
    out->product = rf_read_short_text(&reader);
    out->site = rf_read_short_text(&reader);
    out->location = rf_read_short_text(&reader);
    return !reader.failed && reader.at == reader.end &&
           out->organization.length <= RF_ORGANIZATION_BYTES_MAX &&
           out->product.length <= RF_PRODUCT_BYTES_MAX &&
           out->site.length <= RF_PLACE_VALUE_BYTES_MAX &&
           out->location.length <= RF_PLACE_VALUE_BYTES_MAX;
}

rf_query_mark rf_mark_names(const rf_mark *mark)
{
    rf_query_mark names;
    bool good = read_names(mark, &names);
    RF_ASSERT(good);
    return names;
}

void rf_mark_print(const rf_mark *mark, char text[RF_MARK_TEXT_MAX])
{
    rf_base64url_encode(mark->bytes, mark->length, text);
}

bool rf_mark_parse(rf_text text, rf_mark *out)
{
    unsigned char bytes[RF_BASE64_ROOM(RF_MARK_TEXT_MAX)];
    rf_query_mark names;
    rf_mark mark = {0};
    if (text.length >= RF_MARK_TEXT_MAX ||
        !rf_base64url_decode(text, bytes, &mark.length) ||
        mark.length > RF_MARK_BYTES_MAX) {
        return false;
    }
    memcpy(mark.bytes, bytes, mark.length);
    if (!read_names(&mark, &names)) {
        return false;
    }
    *out = mark;
    return true;
}
