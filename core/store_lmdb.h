/*
 * store_lmdb.h - the store as one LMDB file.
 *
 * The directory holds ringfence.mdb, its lock file, and ringfence.owner, which
 * this process keeps locked: LMDB forgets its locks when one process opens a
 * file twice, and two writers then overwrite each other in silence. Commits
 * are durable when they return. The map grows by itself; records carry a
 * checksum of their own (codec.h), because LMDB has none.
 */
#ifndef RINGFENCE_CORE_STORE_LMDB_H
#define RINGFENCE_CORE_STORE_LMDB_H

#include "core/store.h"

typedef struct rf_store_lmdb_options {
    const char *directory;
    uint64_t map_bytes;          /* first size of the map */
    uint64_t map_bytes_max;      /* it doubles up to this */
    uint64_t free_space_bytes;   /* refuse writes when the disk has less */
    unsigned readers_max;        /* read transactions at the same time */
    bool read_only;              /* look on, also while another serves it */
    const char *product_version; /* noted in a new store */
} rf_store_lmdb_options;

/* Open the store in a directory, making both when they are missing; close it
 * with operations->close. The store is given to the caller.
 * RF_E_STORAGE: the directory is owned by another process, on a network file
 * system, not readable, or holds a store of a newer format. */
RF_MUST_CHECK rf_status rf_store_lmdb_open(const rf_store_lmdb_options *options,
                                           rf_store **out, rf_error *err);

#endif
