/*
 * codec.c - reading and writing stored bytes.
 */
#include "core/codec.h"

#include <xxhash.h>

#include <string.h>

#define CHECKSUM_BYTES ((size_t)4)
#define VARINT_BYTES_MAX 10

rf_reader rf_reader_of(rf_bytes bytes)
{
    return (rf_reader){bytes.bytes, bytes.bytes + bytes.length, false};
}

uint8_t rf_read_byte(rf_reader *reader)
{
    if (reader->failed || reader->at == reader->end) {
        reader->failed = true;
        return 0;
    }
    return *reader->at++;
}

uint64_t rf_read_varint(rf_reader *reader)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < VARINT_BYTES_MAX; i++) {
        uint8_t byte = rf_read_byte(reader);
        if (i == VARINT_BYTES_MAX - 1 && byte > 1) {
            break; /* more than 64 bits */
        }
        number |= (uint64_t)(byte & 0x7F) << (7 * i);
        if (byte < 0x80) {
            return number;
        }
    }
    reader->failed = true;
    return 0;
}

int64_t rf_read_signed(rf_reader *reader)
{
    uint64_t folded = rf_read_varint(reader);
    return (int64_t)(folded >> 1) ^ -(int64_t)(folded & 1);
}

uint64_t rf_read_fixed64(rf_reader *reader)
{
    if (reader->failed || reader->end - reader->at < 8) {
        reader->failed = true;
        return 0;
    }
    uint64_t number;
    memcpy(&number, reader->at, sizeof number);
    reader->at += sizeof number;
    return __builtin_bswap64(number);
}

rf_text rf_read_short_text(rf_reader *reader)
{
    size_t length = rf_read_byte(reader);
    if (reader->failed || length > (size_t)(reader->end - reader->at)) {
        reader->failed = true;
        return RF_TEXT_EMPTY;
    }
    rf_text text = {(const char *)reader->at, length};
    reader->at += length;
    return text;
}

rf_text rf_read_text(rf_reader *reader)
{
    uint64_t length = rf_read_varint(reader);
    if (reader->failed || length > (uint64_t)(reader->end - reader->at)) {
        reader->failed = true;
        return RF_TEXT_EMPTY;
    }
    rf_text text = {(const char *)reader->at, (size_t)length};
    reader->at += length;
    return text;
}

void rf_write_varint(rf_buffer *buffer, uint64_t number)
{
    unsigned char bytes[VARINT_BYTES_MAX];
    size_t length = 0;
    while (number >= 0x80) {
        bytes[length++] = (unsigned char)(number | 0x80);
        number >>= 7;
    }
    bytes[length++] = (unsigned char)number;
    rf_buffer_append(buffer, bytes, length);
}

void rf_write_signed(rf_buffer *buffer, int64_t number)
{
    uint64_t sign = number < 0 ? UINT64_MAX : 0;
    rf_write_varint(buffer, ((uint64_t)number << 1) ^ sign);
}

void rf_write_fixed64(rf_buffer *buffer, uint64_t number)
{
    uint64_t swapped = __builtin_bswap64(number);
    rf_buffer_append(buffer, &swapped, sizeof swapped);
}

void rf_write_text(rf_buffer *buffer, rf_text text)
{
    rf_write_varint(buffer, text.length);
    rf_buffer_append(buffer, text.bytes, text.length);
}

static uint32_t checksum_of(const void *bytes, size_t length)
{
    return (uint32_t)XXH3_64bits(bytes, length);
}

void rf_seal(rf_buffer *buffer, size_t start)
{
    if (buffer->failed) {
        return;
    }
    uint32_t checksum =
        checksum_of(buffer->bytes + start, buffer->length - start);
    rf_buffer_append(buffer, &checksum, CHECKSUM_BYTES);
}

rf_status rf_unseal(rf_bytes value, uint8_t format, const char *what,
                    rf_reader *out, rf_error *err)
{
    if (value.length < 1 + CHECKSUM_BYTES) {
        return rf_fail(err, RF_E_STORAGE, "the store holds a damaged %s", what);
    }
    size_t length = value.length - CHECKSUM_BYTES;
    uint32_t stored;
    memcpy(&stored, value.bytes + length, CHECKSUM_BYTES);
    if (stored != checksum_of(value.bytes, length)) {
        return rf_fail(err, RF_E_STORAGE,
                       "the checksum of a stored %s is wrong", what);
    }
    if (value.bytes[0] != format) {
        return rf_fail(err, RF_E_STORAGE,
                       "a stored %s has the unknown format %u", what,
                       value.bytes[0]);
    }
    *out = rf_reader_of((rf_bytes){value.bytes + 1, length - 1});
    return RF_OK;
}

uint64_t rf_hash(const void *bytes, size_t length)
{
    return XXH3_64bits(bytes, length);
}

rf_fingerprint rf_fingerprint_of(const void *bytes, size_t length)
{
    XXH128_hash_t hash = XXH3_128bits(bytes, length);
    return (rf_fingerprint){hash.high64, hash.low64};
}
