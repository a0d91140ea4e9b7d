/*
 * store_rig.h - a store in a directory of its own, for the tests of it.
 *
 * A rig is made by the set-up of a case and removed with all its files by the
 * tear-down. Everything here fails the case when the store does.
 */
#ifndef RINGFENCE_TESTS_UNIT_STORE_RIG_H
#define RINGFENCE_TESTS_UNIT_STORE_RIG_H

#include "core/store_lmdb.h"

#define RIG_PATH_MAX 256

typedef struct store_rig {
    char directory[RIG_PATH_MAX]; /* made, empty, private */
    char path[RIG_PATH_MAX + 8];  /* of the store inside it, not made yet */
    rf_store_lmdb_options options;
    rf_store *store; /* open after rig_open, NULL after rig_close */
} store_rig;

/* For cmocka: `*state` is a store_rig. */
int rig_set_up(void **state);
int rig_tear_down(void **state);

/* Open and close the rig's store with the rig's options. */
void rig_open(store_rig *rig);
void rig_close(store_rig *rig);

rf_bytes rig_bytes(const char *string);

rf_store_transaction *rig_begin(rf_store *store, bool write);
void rig_commit(rf_store *store, rf_store_transaction *transaction);

/* Save or delete (value NULL) in a transaction that is open. */
rf_status rig_try_save(rf_store *store, rf_store_transaction *transaction,
                       rf_table table, const char *key, const char *value);

/* Save or delete (value NULL) in a transaction of its own. */
void rig_put(rf_store *store, rf_table table, const char *key,
             const char *value);

/* Check what a table holds under a key; NULL for nothing. */
void rig_expect(rf_store *store, rf_table table, const char *key,
                const char *value);

/* Count the files in a directory. */
size_t rig_count_files(const char *directory);

rf_store_figures rig_figures(rf_store *store);

#endif
