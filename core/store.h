/*
 * store.h - what the core needs of a database.
 *
 * A store keeps a few ordered tables of byte strings. One writer at a time
 * begins a write transaction, loads many keys, saves many records and commits;
 * any number of readers look at snapshots meanwhile. The interface is small on
 * purpose: it is filled by LMDB here and can be filled by a database that many
 * servers share, where `load` becomes one batched read with row locks and
 * `save` one batched write.
 *
 * Keys are 1 to RF_STORE_KEY_MAX bytes and sort as unsigned bytes. Whatever a
 * transaction hands out is borrowed until that transaction ends or, in a write
 * transaction, until the next save; copy what must live longer.
 */
#ifndef RINGFENCE_CORE_STORE_H
#define RINGFENCE_CORE_STORE_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RF_STORE_KEY_MAX 511

typedef enum {
    RF_TABLE_META,     /* schema, environments, numbers, levels, generations */
    RF_TABLE_STOCK,    /* nodes, reservations and heads, product by product */
    RF_TABLE_JOURNAL,  /* one entry per command, under growing numbers */
    RF_TABLE_PLACE,    /* which products a location ever held */
    RF_TABLE_DUE,      /* what has to be done at a time, in order of that */
    RF_TABLE_PRODUCTS, /* what is known of products, one record each */
    RF_TABLE_JOBS,     /* what is done between batches, and how far it is */
    RF_TABLE_COUNT
} rf_table;

/* Borrowed bytes. `bytes == NULL` means "not there" where a value can lack. */
typedef struct rf_bytes {
    const unsigned char *bytes;
    size_t length;
} rf_bytes;

/* One record to load (key in, value out) or save (both in; a value whose
 * bytes are NULL deletes the record, which need not exist). */
typedef struct rf_store_item {
    rf_table table;
    rf_bytes key;
    rf_bytes value;
} rf_store_item;

/* The records with from <= key < to. `from` without bytes is the table's
 * start, `to` with NULL bytes its end. */
typedef struct rf_store_range {
    rf_table table;
    rf_bytes from;
    rf_bytes to;
} rf_store_range;

/* Called for each record of a scan in key order. Return true to go on, false
 * to stop. */
typedef bool rf_store_visit(void *context, rf_bytes key, rf_bytes value);

/* Figures for the metrics; each counts since the store was opened. */
typedef struct rf_store_figures {
    uint64_t used_bytes; /* of the file, as far as pages are in use */
    uint64_t file_bytes; /* used and free pages: the file never shrinks */
    uint64_t map_bytes;  /* how large it can grow before the map must */
    uint64_t commits;
    uint64_t flushes; /* synchronous writes that commits asked for */
    uint64_t saved_records;
    uint64_t written_pages;
} rf_store_figures;

typedef struct rf_store rf_store;
typedef struct rf_store_transaction rf_store_transaction;

/* One implementation of the store. A transaction is used and ended by the
 * thread that began it, and a thread that reads has one at a time. After the
 * first failure of any call only abort (or commit, which then fails) is left.
 *
 * RF_E_STORAGE_FULL: no room on the disk or in the map; nothing was changed,
 * reads go on, and the same call may succeed later. After save or commit said
 * so, end the transaction and ask grow.
 * RF_E_OVERLOADED (begin only): more readers at once than were asked for.
 * RF_E_NO_MEMORY: nothing was changed.
 * RF_E_OUTCOME_UNKNOWN: a commit failed in a way that does not tell whether it
 * is durable, or the store can no longer be used; the process must end and look
 * again. Only commit, grow and begin for writing say so.
 * RF_E_STORAGE: any other failure; nothing was changed. */
typedef struct rf_store_operations {
    /* Begin a transaction. A write transaction waits for no one: there is one
     * writer. */
    rf_status (*begin)(rf_store *store, bool write, rf_store_transaction **out,
                       rf_error *err);
    /* Fill in the values of `count` items, which are best given in key order.
     */
    rf_status (*load)(rf_store_transaction *transaction, rf_store_item *items,
                      size_t count, rf_error *err);
    /* Visit the records of a range in key order. `visit` may load, but neither
     * save nor scan the same table. */
    rf_status (*scan)(rf_store_transaction *transaction,
                      const rf_store_range *range, rf_store_visit *visit,
                      void *context, rf_error *err);
    /* Put the record with the greatest key below the item's key (NULL bytes:
     * the last of its table) into the item; its key's bytes are NULL when there
     * is none. */
    rf_status (*last)(rf_store_transaction *transaction, rf_store_item *item,
                      rf_error *err);
    /* Save `count` items, best given in table and key order. */
    rf_status (*save)(rf_store_transaction *transaction,
                      const rf_store_item *items, size_t count, rf_error *err);
    /* Make the transaction durable. It is gone afterwards, whatever is
     * returned. */
    rf_status (*commit)(rf_store_transaction *transaction, rf_error *err);
    /* Drop the transaction. */
    void (*abort)(rf_store_transaction *transaction);
    /* Make room after RF_E_STORAGE_FULL; the writer's call, with no transaction
     * of its own open. RF_OK: there is more room now, do the whole batch again.
     * RF_E_STORAGE_FULL: there is none to be had, refuse the batch. */
    rf_status (*grow)(rf_store *store, rf_error *err);
    void (*figures)(rf_store *store, rf_store_figures *out);
    /* Copy a consistent snapshot to `path`, which must not exist: durable and
     * checked before RF_OK is returned, and no file left otherwise. */
    rf_status (*backup)(rf_store *store, const char *path, rf_error *err);
    void (*close)(rf_store *store);
} rf_store_operations;

/* The first member of every implementation's own struct. */
struct rf_store {
    const rf_store_operations *operations;
};

#endif
