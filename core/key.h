/*
 * key.h - the keys of stored records.
 *
 * In the stock table everything of one product lies together, its nodes level
 * by level and inside a level in coordinate order:
 *
 *     environment  organization  product  kind  ...
 *     2 bytes      length+bytes  likewise 1 byte
 *
 *     HEAD         (nothing)
 *     NODE         level number (1 byte), coordinates
 *     RESERVATION  8-byte id
 *     SET_TIMES    coordinates of a leaf
 *
 * Coordinates are written as (number+1, length, bytes), the empty ones left
 * out, so that a filter on the leading ones is a prefix of the key. When they
 * do not fit, those behind site and location give way to TAIL_MARK and a hash,
 * and the value of the node holds them in full.
 */
#ifndef RINGFENCE_CORE_KEY_H
#define RINGFENCE_CORE_KEY_H

#include "core/buffer.h"
#include "core/codec.h"
#include "core/level.h"
#include "core/store.h"

#include <stdint.h>

/* What fits into every key, in bytes of UTF-8. */
#define RF_ORGANIZATION_BYTES_MAX 100
#define RF_PRODUCT_BYTES_MAX 200
#define RF_PLACE_VALUE_BYTES_MAX 60       /* site, location */
#define RF_COORDINATE_VALUE_BYTES_MAX 200 /* every other coordinate */

typedef enum {
    RF_KEY_HEAD = 0x01,
    RF_KEY_NODE = 0x02,
    RF_KEY_RESERVATION = 0x03,
    RF_KEY_SET_TIMES = 0x04,
    RF_KEY_END = 0x7F /* beyond every kind */
} rf_key_kind;

typedef struct rf_key {
    uint16_t length;
    unsigned char bytes[RF_STORE_KEY_MAX];
} rf_key;

/* Lend a key's bytes. */
rf_bytes rf_key_bytes(const rf_key *key);

/* Copy the bytes in use; a key as a whole is much larger. */
void rf_key_copy(rf_key *to, const rf_key *from);

/* Start a key with the environment: a prefix of all its records. */
void rf_key_environment(rf_key *key, uint16_t environment);

/* Start a stock key with everything before the kind, which is also a whole key
 * of the table of products. */
void rf_key_product(rf_key *key, uint16_t environment, rf_text organization,
                    rf_text product);

/* The same without the product: a prefix of all products of an organization. */
void rf_key_organization(rf_key *key, uint16_t environment,
                         rf_text organization);

/* Append the kind of a head, or of a reservation and its id. */
void rf_key_head(rf_key *key);
void rf_key_reservation(rf_key *key, uint64_t id);

/* Append kind, level number and the coordinates of `place` in `level`. Return
 * false when the tail was hashed and the value must hold the coordinates. */
bool rf_key_node(rf_key *key, uint8_t level_number, rf_level level,
                 const rf_place *place);

/* Append kind and coordinates of what is kept beside the leaf of `place`. */
void rf_key_set_times(rf_key *key, const rf_place *place);

/* Append kind and level number only: a prefix of the level's nodes. */
void rf_key_level(rf_key *key, uint8_t level_number);

/* Append the coordinates of `place` in `level` as in a key, without limit. */
void rf_write_coordinates(rf_buffer *buffer, rf_level level,
                          const rf_place *place);

/* Append one coordinate to a key under construction; an empty value appends
 * nothing. The caller sees to it that it fits. */
void rf_key_coordinate(rf_key *key, unsigned coordinate, rf_text value);

/* What a stock key says; texts are borrowed from it. */
typedef struct rf_key_parts {
    uint16_t environment;
    rf_text organization;
    rf_text product;
    rf_key_kind kind;
    uint8_t level_number;
    uint64_t reservation;
    rf_bytes coordinates; /* of a node or a leaf, as they are encoded */
} rf_key_parts;

/* Take a stock key apart. RF_E_STORAGE: it is not one. */
RF_MUST_CHECK rf_status rf_key_read(rf_bytes key, rf_key_parts *out,
                                    rf_error *err);

/* The same for a key of the table of products, which ends with the product. */
RF_MUST_CHECK rf_status rf_key_read_product(rf_bytes key, rf_key_parts *out,
                                            rf_error *err);

/* Read encoded coordinates. `*hashed` tells that the tail is a hash and the
 * record's value must be asked. RF_E_STORAGE: malformed. */
RF_MUST_CHECK rf_status rf_coordinates_read(rf_bytes encoded, rf_place *out,
                                            bool *hashed, rf_error *err);

/* Keys of the other tables. */
void rf_key_journal(rf_key *key, uint16_t environment, uint64_t number);
uint64_t rf_key_journal_number(rf_bytes key); /* 0: not a journal key */
void rf_key_place(rf_key *key, uint16_t environment, rf_text organization,
                  rf_text site, rf_text location, rf_text product);

/* What there is to do at a time. The numbers are stored, but for the first,
 * which was the only one once: append only. */
typedef enum {
    RF_DUE_HOLD = 0,      /* a hold ends */
    RF_DUE_ADJUSTMENT = 1 /* an adjustment is posted */
} rf_due_kind;

/* Something to do: environment, when (milliseconds since 1970, not negative),
 * and which reservation of which product, or which journal entry staged it.
 * Without a product the key is the first of that time. */
typedef struct rf_due_parts {
    uint16_t environment;
    int64_t at_ms;
    rf_text organization;
    rf_text product;
    uint64_t reservation; /* or number */
    rf_due_kind kind;
} rf_due_parts;

void rf_key_due(rf_key *key, const rf_due_parts *parts);

/* Take such a key apart; texts are borrowed from it. RF_E_STORAGE: it is none.
 */
RF_MUST_CHECK rf_status rf_key_read_due(rf_bytes key, rf_due_parts *out,
                                        rf_error *err);

/* Replace a key by the first one behind every key that it is a prefix of.
 * Return false when there is none (all bytes 0xFF). */
bool rf_key_after_prefix(rf_key *key);

#endif
