/*
 * place_walk.c - reading the index of places, with jumps.
 */
#include "core/place_walk.h"

#include <string.h>

rf_status rf_place_entry_read(rf_bytes key, rf_place_entry *out, rf_error *err)
{
    rf_reader reader = rf_reader_of(key);
    rf_read_byte(&reader); /* the environment */
    rf_read_byte(&reader);
    out->organization = rf_read_short_text(&reader);
    out->site = rf_read_short_text(&reader);
    out->location = rf_read_short_text(&reader);
    out->product = rf_read_short_text(&reader);
    if (reader.failed || reader.at != reader.end) {
        return rf_fail(err, RF_E_STORAGE,
                       "the index of places holds a malformed key");
    }
    return RF_OK;
}

int rf_place_order(rf_text a, rf_text b)
{
    if (a.length != b.length) {
        return a.length < b.length ? -1 : 1;
    }
    return a.length == 0 ? 0 : memcmp(a.bytes, b.bytes, a.length);
}

static bool take_first(void *context, rf_bytes key, rf_bytes value)
{
    rf_place_entry *entry = context;
    (void)value;
    memcpy(entry->key.bytes, key.bytes, key.length);
    entry->key.length = (uint16_t)key.length;
    entry->found = true;
    return false;
}

rf_status rf_place_find(rf_store *store, rf_store_transaction *transaction,
                        const rf_key *from, const rf_key *to,
                        rf_place_entry *out, rf_error *err)
{
    out->found = false;
    rf_status status = store->operations->scan(
        transaction,
        &(rf_store_range){RF_TABLE_PLACE, rf_key_bytes(from), rf_key_bytes(to)},
        take_first, out, err);
    return status == RF_OK && out->found
               ? rf_place_entry_read(rf_key_bytes(&out->key), out, err)
               : status;
}

/* A product takes at most 200 bytes, so this length is behind all of them. */
static void append_end(rf_key *key)
{
    key->bytes[key->length++] = 0xFF;
}

void rf_place_first(rf_key *key, uint16_t environment, rf_text organization,
                    rf_text site, rf_text location)
{
    rf_key_place(key, environment, organization, site, location, RF_TEXT_EMPTY);
    key->length--; /* without the empty product's length */
}

void rf_place_behind(rf_key *key, uint16_t environment, rf_text organization,
                     rf_text site, rf_text location)
{
    rf_place_first(key, environment, organization, site, location);
    append_end(key);
}

void rf_place_first_of_site(rf_key *key, uint16_t environment,
                            rf_text organization, rf_text site)
{
    rf_place_first(key, environment, organization, site, RF_TEXT_EMPTY);
    key->length--; /* without the empty location's length */
}

void rf_place_behind_site(rf_key *key, uint16_t environment,
                          rf_text organization, rf_text site)
{
    rf_place_first_of_site(key, environment, organization, site);
    append_end(key);
}
