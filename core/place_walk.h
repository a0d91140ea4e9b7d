/*
 * place_walk.h - going through the index of places.
 *
 * The index holds one entry for every product that ever had stock at a site
 * and location: environment, organization, site, location, product. A walk
 * reads one entry at a time and can jump, which is how it lists places without
 * reading all their products.
 *
 * Entries come in the order of their keys: organization, site, location and
 * product, each a shorter value before a longer one and equal lengths by their
 * bytes.
 */
#ifndef RINGFENCE_CORE_PLACE_WALK_H
#define RINGFENCE_CORE_PLACE_WALK_H

#include "core/key.h"
#include "core/store.h"

typedef struct rf_place_entry {
    bool found;
    rf_key key; /* where rf_place_find keeps what it found */
    rf_text organization;
    rf_text site;
    rf_text location;
    rf_text product;
} rf_place_entry;

/* Take a key of the index apart; texts are borrowed from it.
 * RF_E_STORAGE: it is not one. */
RF_MUST_CHECK rf_status rf_place_entry_read(rf_bytes key, rf_place_entry *out,
                                            rf_error *err);

/* Order values as keys do: the shorter first, then by bytes. */
int rf_place_order(rf_text a, rf_text b);

/* Find the first entry at or behind `from` and below `to`; there is none when
 * `found` is false. Texts are borrowed from the entry's own key. */
RF_MUST_CHECK rf_status rf_place_find(rf_store *store,
                                      rf_store_transaction *transaction,
                                      const rf_key *from, const rf_key *to,
                                      rf_place_entry *out, rf_error *err);

/* Make keys to jump to: the first entry of a place, and the first one behind
 * all of it; the same for a site. */
void rf_place_first(rf_key *key, uint16_t environment, rf_text organization,
                    rf_text site, rf_text location);
void rf_place_behind(rf_key *key, uint16_t environment, rf_text organization,
                     rf_text site, rf_text location);
void rf_place_first_of_site(rf_key *key, uint16_t environment,
                            rf_text organization, rf_text site);
void rf_place_behind_site(rf_key *key, uint16_t environment,
                          rf_text organization, rf_text site);

#endif
