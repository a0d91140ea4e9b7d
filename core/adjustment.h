/*
 * adjustment.h - adjustments that name what they belong to, stored.
 *
 * An adjustment changes one measure, at once or when its period is over. Until
 * then it is staged: it lies in the table of what is due, with all that posting
 * it takes, because the journal may be shortened meanwhile.
 */
#ifndef RINGFENCE_CORE_ADJUSTMENT_H
#define RINGFENCE_CORE_ADJUSTMENT_H

#include "core/buffer.h"
#include "core/codec.h"
#include "core/command.h"

/* Append a reference, and read it back; its texts are borrowed. */
void rf_reference_write(const rf_reference *reference, rf_buffer *out);
void rf_reference_read(rf_reader *reader, rf_reference *out);

/* A staged adjustment; what its key says is not in here. */
typedef struct rf_staged {
    rf_text id; /* the client's */
    rf_measure measure;
    rf_quantity quantity;
    rf_bytes coordinates; /* encoded as in a key */
    rf_reference reference;
} rf_staged;

/* Append the stored form, and read it back; texts are borrowed from the value.
 * RF_E_STORAGE: damaged. */
void rf_staged_encode(const rf_staged *staged, rf_buffer *out);
RF_MUST_CHECK rf_status rf_staged_decode(rf_bytes value, rf_staged *out,
                                         rf_error *err);

#endif
