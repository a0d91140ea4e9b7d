/*
 * codec.h - numbers and texts in stored bytes.
 *
 * Whole numbers are written seven bits a byte, lowest first; signed ones are
 * folded so that small magnitudes stay short; texts carry their length. Every
 * stored value opens with a format byte and closes with a checksum, because
 * the database underneath would hand out a flipped bit as it is.
 *
 * A reader never goes beyond its end: after the first piece that does not fit,
 * everything reads as zero or empty and `failed` is set. Ask once, at the end.
 */
#ifndef RINGFENCE_CORE_CODEC_H
#define RINGFENCE_CORE_CODEC_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/store.h"
#include "core/text.h"

#include <stdint.h>

typedef struct rf_reader {
    const unsigned char *at;
    const unsigned char *end;
    bool failed;
} rf_reader;

rf_reader rf_reader_of(rf_bytes bytes);

uint8_t rf_read_byte(rf_reader *reader);
uint64_t rf_read_varint(rf_reader *reader);
int64_t rf_read_signed(rf_reader *reader);
uint64_t rf_read_fixed64(rf_reader *reader);   /* eight bytes, big-endian */
rf_text rf_read_short_text(rf_reader *reader); /* one byte of length */
rf_text rf_read_text(rf_reader *reader);       /* borrowed from the bytes */

void rf_write_varint(rf_buffer *buffer, uint64_t number);
void rf_write_signed(rf_buffer *buffer, int64_t number);
void rf_write_fixed64(rf_buffer *buffer, uint64_t number);
void rf_write_text(rf_buffer *buffer, rf_text text);

/* Close the value that starts at `start` with a checksum over its bytes. */
void rf_seal(rf_buffer *buffer, size_t start);

/* Check a stored value and return a reader behind its format byte.
 * RF_E_STORAGE: the checksum or the format is wrong; `what` names the record
 * in the message. */
RF_MUST_CHECK rf_status rf_unseal(rf_bytes value, uint8_t format,
                                  const char *what, rf_reader *out,
                                  rf_error *err);

/* Hash bytes to 64 bits. Stored (reservation ids), so it never changes. */
uint64_t rf_hash(const void *bytes, size_t length);

/* Hash bytes to 128 bits: the fingerprint of a command's content. */
typedef struct rf_fingerprint {
    uint64_t high;
    uint64_t low;
} rf_fingerprint;

rf_fingerprint rf_fingerprint_of(const void *bytes, size_t length);

#endif
