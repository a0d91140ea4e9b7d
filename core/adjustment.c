/*
 * adjustment.c - references and staged adjustments as bytes.
 */
#include "core/adjustment.h"

#define STAGED_FORMAT 1

enum {
    HAS_PRICE = 1,
    HAS_DATE = 2
};

void rf_reference_write(const rf_reference *reference, rf_buffer *out)
{
    rf_write_text(out, reference->category);
    rf_write_text(out, reference->document);
    rf_write_text(out, reference->journal);
    rf_buffer_append_byte(
        out, (unsigned char)((reference->has_price ? HAS_PRICE : 0) |
                             (reference->has_date ? HAS_DATE : 0)));
    if (reference->has_price) {
        rf_write_signed(out, reference->price);
    }
    if (reference->has_date) {
        rf_write_signed(out, reference->date_ms);
    }
}

void rf_reference_read(rf_reader *reader, rf_reference *out)
{
    *out = (rf_reference){.category = rf_read_text(reader)};
    out->document = rf_read_text(reader);
    out->journal = rf_read_text(reader);
    unsigned flags = rf_read_byte(reader);
    out->has_price = (flags & HAS_PRICE) != 0;
    out->has_date = (flags & HAS_DATE) != 0;
    out->price = out->has_price ? rf_read_signed(reader) : 0;
    out->date_ms = out->has_date ? rf_read_signed(reader) : 0;
}

void rf_staged_encode(const rf_staged *staged, rf_buffer *out)
{
    size_t start = out->length;
    rf_buffer_append_byte(out, STAGED_FORMAT);
    rf_write_text(out, staged->id);
    rf_write_varint(out, staged->measure);
    rf_write_signed(out, staged->quantity);
    rf_write_text(out, (rf_text){(const char *)staged->coordinates.bytes,
                                 staged->coordinates.length});
    rf_reference_write(&staged->reference, out);
    rf_seal(out, start);
}

rf_status rf_staged_decode(rf_bytes value, rf_staged *out, rf_error *err)
{
    rf_reader reader;
    rf_status status =
        rf_unseal(value, STAGED_FORMAT, "adjustment", &reader, err);
    if (status != RF_OK) {
        return status;
    }
    out->id = rf_read_text(&reader);
    uint64_t measure = rf_read_varint(&reader);
    out->quantity = rf_read_signed(&reader);
    rf_text coordinates = rf_read_text(&reader);
    rf_reference_read(&reader, &out->reference);
    if (reader.failed || reader.at != reader.end ||
        measure >= RF_MEASURES_MAX) {
        return rf_fail(err, RF_E_STORAGE,
                       "the store holds a damaged adjustment");
    }
    out->measure = (rf_measure)measure;
    out->coordinates = (rf_bytes){(const unsigned char *)coordinates.bytes,
                                  coordinates.length};
    return RF_OK;
}
