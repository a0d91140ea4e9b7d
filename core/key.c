/*
 * key.c - composing keys and taking them apart.
 */
#include "core/key.h"

#include <string.h>

/* A byte that no coordinate number reaches. */
#define TAIL_MARK 0xFF
#define TAIL_BYTES (1 + sizeof(rf_fingerprint))

#define COORDINATES_BYTES_MAX                                                  \
    (RF_COORDINATES_MAX * (2 + RF_COORDINATE_VALUE_BYTES_MAX))

/* The longest head of a node key leaves room for a hashed tail. */
_Static_assert(2 + 1 + RF_ORGANIZATION_BYTES_MAX + 1 + RF_PRODUCT_BYTES_MAX +
                       2 + 2 * (2 + RF_PLACE_VALUE_BYTES_MAX) + TAIL_BYTES <=
                   RF_STORE_KEY_MAX,
               "a node key must fit even with its tail hashed");

rf_bytes rf_key_bytes(const rf_key *key)
{
    return (rf_bytes){key->bytes, key->length};
}

void rf_key_copy(rf_key *to, const rf_key *from)
{
    to->length = from->length;
    memcpy(to->bytes, from->bytes, from->length);
}

static void append(rf_key *key, const void *bytes, size_t length)
{
    RF_ASSERT(length <= RF_STORE_KEY_MAX - (size_t)key->length);
    if (length == 0) {
        return; /* the bytes of an empty text may be NULL */
    }
    memcpy(key->bytes + key->length, bytes, length);
    key->length = (uint16_t)(key->length + length);
}

static void append_byte(rf_key *key, unsigned value)
{
    unsigned char byte = (unsigned char)value;
    append(key, &byte, 1);
}

static void append_text(rf_key *key, rf_text text)
{
    RF_ASSERT(text.length <= UINT8_MAX);
    append_byte(key, (unsigned)text.length);
    append(key, text.bytes, text.length);
}

static void append_fixed64(rf_key *key, uint64_t number)
{
    uint64_t swapped = __builtin_bswap64(number);
    append(key, &swapped, sizeof swapped);
}

void rf_key_environment(rf_key *key, uint16_t environment)
{
    key->length = 0;
    append_byte(key, environment >> 8);
    append_byte(key, environment & 0xFF);
}

void rf_key_organization(rf_key *key, uint16_t environment,
                         rf_text organization)
{
    rf_key_environment(key, environment);
    append_text(key, organization);
}

void rf_key_product(rf_key *key, uint16_t environment, rf_text organization,
                    rf_text product)
{
    rf_key_organization(key, environment, organization);
    append_text(key, product);
}

void rf_key_head(rf_key *key)
{
    append_byte(key, RF_KEY_HEAD);
}

void rf_key_reservation(rf_key *key, uint64_t id)
{
    append_byte(key, RF_KEY_RESERVATION);
    append_fixed64(key, id);
}

void rf_key_level(rf_key *key, uint8_t level_number)
{
    append_byte(key, RF_KEY_NODE);
    append_byte(key, level_number);
}

void rf_key_coordinate(rf_key *key, unsigned coordinate, rf_text value)
{
    if (value.length > 0) {
        append_byte(key, coordinate + 1);
        append_text(key, value);
    }
}

static size_t encoded_bytes(rf_level level, const rf_place *place)
{
    size_t bytes = 0;
    for (rf_level rest = level & place->given; rest != 0; rest &= rest - 1) {
        bytes += 2 + place->value[__builtin_ctzll(rest)].length;
    }
    return bytes;
}

/* Write every coordinate in full and return the length. */
static size_t encode_coordinates(unsigned char *out, rf_level level,
                                 const rf_place *place)
{
    size_t length = 0;
    for (rf_level rest = level & place->given; rest != 0; rest &= rest - 1) {
        unsigned coordinate = (unsigned)__builtin_ctzll(rest);
        rf_text value = place->value[coordinate];
        RF_ASSERT(value.length <= RF_COORDINATE_VALUE_BYTES_MAX);
        out[length++] = (unsigned char)(coordinate + 1);
        out[length++] = (unsigned char)value.length;
        memcpy(out + length, value.bytes, value.length);
        length += value.length;
    }
    return length;
}

/* Append site and location as they are and a hash of all coordinates. */
static void append_hashed_tail(rf_key *key, rf_level level,
                               const rf_place *place)
{
    unsigned char full[COORDINATES_BYTES_MAX];
    size_t length = encode_coordinates(full, level, place);
    rf_fingerprint hash = rf_fingerprint_of(full, length);
    for (unsigned c = RF_SITE; c <= RF_LOCATION; c++) {
        if ((level & place->given & RF_BIT(c)) != 0) {
            rf_key_coordinate(key, c, place->value[c]);
        }
    }
    append_byte(key, TAIL_MARK);
    append_fixed64(key, hash.high);
    append_fixed64(key, hash.low);
}

static bool append_coordinates(rf_key *key, rf_level level,
                               const rf_place *place)
{
    if (encoded_bytes(level, place) > RF_STORE_KEY_MAX - (size_t)key->length) {
        append_hashed_tail(key, level, place);
        return false;
    }
    for (rf_level rest = level & place->given; rest != 0; rest &= rest - 1) {
        unsigned coordinate = (unsigned)__builtin_ctzll(rest);
        rf_key_coordinate(key, coordinate, place->value[coordinate]);
    }
    return true;
}

bool rf_key_node(rf_key *key, uint8_t level_number, rf_level level,
                 const rf_place *place)
{
    rf_key_level(key, level_number);
    return append_coordinates(key, level, place);
}

void rf_key_set_times(rf_key *key, const rf_place *place)
{
    append_byte(key, RF_KEY_SET_TIMES);
    append_coordinates(key, RF_LEVEL_LEAF, place);
}

void rf_write_coordinates(rf_buffer *buffer, rf_level level,
                          const rf_place *place)
{
    unsigned char full[COORDINATES_BYTES_MAX];
    rf_buffer_append(buffer, full, encode_coordinates(full, level, place));
}

/* Read what is left of a key as coordinates. */
static rf_bytes take_coordinates(rf_reader *reader)
{
    rf_bytes rest = {reader->at, (size_t)(reader->end - reader->at)};
    reader->at = reader->end;
    return rest;
}

static rf_status fail_key(rf_error *err)
{
    return rf_fail(err, RF_E_STORAGE, "the store holds a malformed key");
}

/* Read everything before the kind. */
static rf_key_parts read_product(rf_reader *reader)
{
    rf_key_parts parts = {0};
    unsigned high = rf_read_byte(reader);
    parts.environment = (uint16_t)(high << 8 | rf_read_byte(reader));
    parts.organization = rf_read_short_text(reader);
    parts.product = rf_read_short_text(reader);
    return parts;
}

rf_status rf_key_read_product(rf_bytes key, rf_key_parts *out, rf_error *err)
{
    rf_reader reader = rf_reader_of(key);
    rf_key_parts parts = read_product(&reader);
    if (reader.failed || reader.at != reader.end) {
        return fail_key(err);
    }
    *out = parts;
    return RF_OK;
}

rf_status rf_key_read(rf_bytes key, rf_key_parts *out, rf_error *err)
{
    rf_reader reader = rf_reader_of(key);
    rf_key_parts parts = read_product(&reader);
    uint8_t kind = rf_read_byte(&reader);
    if (kind == RF_KEY_NODE) {
        parts.kind = RF_KEY_NODE;
        parts.level_number = rf_read_byte(&reader);
        parts.coordinates = take_coordinates(&reader);
    } else if (kind == RF_KEY_RESERVATION) {
        parts.kind = RF_KEY_RESERVATION;
        parts.reservation = rf_read_fixed64(&reader);
    } else if (kind == RF_KEY_SET_TIMES) {
        parts.kind = RF_KEY_SET_TIMES;
        parts.coordinates = take_coordinates(&reader);
    } else if (kind == RF_KEY_HEAD) {
        parts.kind = RF_KEY_HEAD;
    } else {
        return fail_key(err);
    }
    if (reader.failed || reader.at != reader.end) {
        return fail_key(err);
    }
    *out = parts;
    return RF_OK;
}

rf_status rf_coordinates_read(rf_bytes encoded, rf_place *out, bool *hashed,
                              rf_error *err)
{
    rf_reader reader = rf_reader_of(encoded);
    *out = (rf_place){0};
    *hashed = false;
    while (reader.at < reader.end) {
        uint8_t mark = rf_read_byte(&reader);
        if (mark == TAIL_MARK) {
            *hashed = true;
            return RF_OK;
        }
        rf_text value = rf_read_short_text(&reader);
        if (mark == 0 || mark > RF_COORDINATES_MAX || reader.failed) {
            return fail_key(err);
        }
        out->given |= RF_BIT(mark - 1);
        out->value[mark - 1] = value;
    }
    return RF_OK;
}

void rf_key_journal(rf_key *key, uint16_t environment, uint64_t number)
{
    rf_key_environment(key, environment);
    append_fixed64(key, number);
}

uint64_t rf_key_journal_number(rf_bytes key)
{
    rf_reader reader = rf_reader_of(key);
    rf_read_byte(&reader);
    rf_read_byte(&reader);
    return rf_read_fixed64(&reader);
}

void rf_key_place(rf_key *key, uint16_t environment, rf_text organization,
                  rf_text site, rf_text location, rf_text product)
{
    rf_key_environment(key, environment);
    append_text(key, organization);
    append_text(key, site);
    append_text(key, location);
    append_text(key, product);
}

void rf_key_due(rf_key *key, const rf_due_parts *parts)
{
    rf_key_environment(key, parts->environment);
    append_fixed64(key, (uint64_t)parts->at_ms);
    if (parts->product.length > 0) {
        append_text(key, parts->organization);
        append_text(key, parts->product);
        append_fixed64(key, parts->reservation);
    }
    if (parts->kind != RF_DUE_HOLD) {
        append_byte(key, parts->kind);
    }
}

rf_status rf_key_read_due(rf_bytes key, rf_due_parts *out, rf_error *err)
{
    rf_reader reader = rf_reader_of(key);
    unsigned high = rf_read_byte(&reader);
    out->environment = (uint16_t)(high << 8 | rf_read_byte(&reader));
    out->at_ms = (int64_t)rf_read_fixed64(&reader);
    out->organization = rf_read_short_text(&reader);
    out->product = rf_read_short_text(&reader);
    out->reservation = rf_read_fixed64(&reader);
    out->kind = RF_DUE_HOLD;
    if (!reader.failed && reader.at < reader.end) {
        out->kind = RF_DUE_ADJUSTMENT;
        reader.failed = rf_read_byte(&reader) != RF_DUE_ADJUSTMENT;
    }
    return reader.failed || reader.at != reader.end ? fail_key(err) : RF_OK;
}

bool rf_key_after_prefix(rf_key *key)
{
    while (key->length > 0 && key->bytes[key->length - 1] == 0xFF) {
        key->length--;
    }
    if (key->length == 0) {
        return false;
    }
    key->bytes[key->length - 1]++;
    return true;
}
