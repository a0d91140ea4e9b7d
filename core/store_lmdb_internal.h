/*
 * store_lmdb_internal.h - what the files of the LMDB store share.
 *
 *     store_lmdb.c          opening, closing, and the table of operations
 *     store_lmdb_file.c     directory, owner lock, environment, schema record
 *     store_lmdb_gate.c     readers' places, and growing the map among them
 *     store_lmdb_records.c  load, scan, last and save
 *     store_lmdb_write.c    begin, commit and what they watch and count
 *     store_lmdb_backup.c   the checked copy
 *
 * Nobody else but their tests includes this file, or knows lmdb.h.
 */
#ifndef RINGFENCE_CORE_STORE_LMDB_INTERNAL_H
#define RINGFENCE_CORE_STORE_LMDB_INTERNAL_H

#include "core/store_lmdb.h"

#include <lmdb.h>

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#define RF_STORE_DATA_FILE "ringfence.mdb"
#define RF_STORE_OWNER_FILE "ringfence.owner"

/* The newest store this program can read, and the one it makes. */
#define RF_STORE_FORMAT 1

typedef struct rf_store_lmdb rf_store_lmdb;

/* Stands for a table that an old store lacks; only where nothing is written. */
#define RF_STORE_NO_TABLE UINT_MAX

/* A cursor outlives its read transaction and is renewed with the next one, so
 * that a warmed-up reader allocates nothing. */
typedef struct rf_store_cursor {
    MDB_cursor *handle;
    bool is_current; /* belongs to the transaction that is open now */
} rf_store_cursor;

/* One transaction. Those of readers are places in an array that live as long
 * as the store; their handles are reset, not freed, in between. */
struct rf_store_transaction {
    rf_store_lmdb *store;
    MDB_txn *handle;
    bool is_write;
    bool has_failed; /* only abort is left */
    bool is_scanning[RF_TABLE_COUNT];
    atomic_bool is_taken; /* readers only */
    rf_store_cursor points[RF_TABLE_COUNT];
    rf_store_cursor scans[RF_TABLE_COUNT];
    uint64_t saved_records; /* write only, deletions not included */
    uint64_t deleted_records;
};

/* Whether transactions may begin. */
typedef enum {
    RF_GATE_OPEN,
    RF_GATE_CLOSED, /* the map is being replaced, or about to be */
    RF_GATE_LOST    /* replacing it failed: there is no map any more */
} rf_gate_state;

struct rf_store_lmdb {
    rf_store base;
    MDB_env *env;
    MDB_dbi tables[RF_TABLE_COUNT];
    bool is_read_only;
    int directory; /* descriptors, -1 when not open */
    int owner;
    uint64_t page_bytes;
    uint64_t map_bytes_max;
    uint64_t free_space_bytes;

    /* Readers take a place each; a thread comes back to the one it had. */
    rf_store_transaction *readers;
    unsigned reader_count;
    atomic_uint next_reader;
    pthread_key_t had_reader;
    bool has_key;

    /* The mutex guards `copies` and every change of `gate`. A reader looks at
     * `gate` only after taking its place, the grower at the places only after
     * closing the gate, so one of them always sees the other. */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    atomic_int gate;
    unsigned copies; /* backups under way, which need the map as well */

    /* The writer's own. */
    rf_store_transaction writer;
    bool is_writing;
    bool is_map_full; /* the last failure can be cured by growing */
    int64_t space_checked_ms;
    int64_t readers_checked_ms;
    uint64_t free_bytes;     /* of the file system, when last looked at */
    uint64_t extended_bytes; /* how far the file was made ready to be written */
    MDB_txn *gauge;          /* a read transaction to count pages with */
    uint64_t live_pages;     /* of all trees */

    /* What figures reports; written by the writer, read by anybody. */
    atomic_uint_fast64_t used_bytes;
    atomic_uint_fast64_t file_bytes;
    atomic_uint_fast64_t map_bytes;
    atomic_uint_fast64_t commits;
    atomic_uint_fast64_t saved_records;
    atomic_uint_fast64_t written_pages;
};

/* store_lmdb.c */

/* Translate a code of LMDB or errno and return its status; `doing` says what
 * failed. Everything but a commit is translated here. */
rf_status rf_store__fail(rf_error *err, int code, const char *doing);

/* store_lmdb_file.c */

/* Make the directory if need be, refuse it on a network file system, and lock
 * the owner's file unless the store is opened read-only. */
RF_MUST_CHECK rf_status rf_store__enter(rf_store_lmdb *store,
                                        const char *directory, rf_error *err);

/* Open the LMDB environment of the directory. */
RF_MUST_CHECK rf_status rf_store__open_env(rf_store_lmdb *store,
                                           const rf_store_lmdb_options *options,
                                           rf_error *err);

/* Open the tables and check the schema record, or make both in a new file. */
RF_MUST_CHECK rf_status rf_store__open_tables(rf_store_lmdb *store,
                                              const char *version,
                                              rf_error *err);

/* Check that this program can read a store with this schema record. */
RF_MUST_CHECK rf_status rf_store__check_schema(MDB_txn *transaction,
                                               MDB_dbi meta, rf_error *err);

/* What the tables are called in the file. */
extern const char *const rf_store__table_names[RF_TABLE_COUNT];

/* Return the name of a file system type that is refused, or NULL. */
const char *rf_store__refused_file_system(uint64_t type);

/* store_lmdb_gate.c */

RF_MUST_CHECK rf_status rf_store__make_readers(rf_store_lmdb *store,
                                               unsigned count, rf_error *err);
void rf_store__free_readers(rf_store_lmdb *store);

RF_MUST_CHECK rf_status rf_store__begin_read(rf_store_lmdb *store,
                                             rf_store_transaction **out,
                                             rf_error *err);
void rf_store__end_read(rf_store_transaction *transaction);

/* Hold the map for a copy, and let go of it. */
RF_MUST_CHECK rf_status rf_store__begin_copy(rf_store_lmdb *store,
                                             rf_error *err);
void rf_store__end_copy(rf_store_lmdb *store);

rf_status rf_store__grow(rf_store *store, rf_error *err);

/* store_lmdb_extend.c */

/* Make the file ready for pages to come, if it is not. Never fails. */
void rf_store__extend(rf_store_lmdb *store);

/* store_lmdb_records.c */

rf_status rf_store__load(rf_store_transaction *transaction,
                         rf_store_item *items, size_t count, rf_error *err);
rf_status rf_store__scan(rf_store_transaction *transaction,
                         const rf_store_range *range, rf_store_visit *visit,
                         void *context, rf_error *err);
rf_status rf_store__last(rf_store_transaction *transaction, rf_store_item *item,
                         rf_error *err);
rf_status rf_store__save(rf_store_transaction *transaction,
                         const rf_store_item *items, size_t count,
                         rf_error *err);

/* store_lmdb_write.c */

RF_MUST_CHECK rf_status rf_store__begin_write(rf_store_lmdb *store,
                                              rf_store_transaction **out,
                                              rf_error *err);
RF_MUST_CHECK rf_status rf_store__commit_write(rf_store_transaction *writer,
                                               rf_error *err);
void rf_store__abort_write(rf_store_transaction *writer);

/* Count the pages in use, and those the last commit wrote. */
void rf_store__count_pages(rf_store_lmdb *store, bool is_commit);

/* store_lmdb_backup.c */

rf_status rf_store__backup(rf_store *store, const char *path, rf_error *err);

#endif
