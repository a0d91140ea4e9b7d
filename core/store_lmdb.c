/*
 * store_lmdb.c - opening and closing the LMDB store, and its operations.
 */
#include "core/store_lmdb.h"

#include "core/alloc.h"
#include "core/store_lmdb_internal.h"

#include <errno.h>
#include <unistd.h>

rf_status rf_store__fail(rf_error *err, int code, const char *doing)
{
    switch (code) {
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return rf_fail(err, RF_E_STORAGE_FULL, "%s: %s", doing,
                       mdb_strerror(code));
    case ENOMEM:
        return rf_fail(err, RF_E_NO_MEMORY, "%s: out of memory", doing);
    case MDB_BAD_VALSIZE:
        return rf_fail(err, RF_E_INTERNAL, "%s: a key is not 1 to %d bytes",
                       doing, RF_STORE_KEY_MAX);
    default:
        return rf_fail(err, RF_E_STORAGE, "%s: %s", doing, mdb_strerror(code));
    }
}

/* Readers and the writer begin, commit and abort in different ways; these
 * three sort them out. */
static rf_status begin_transaction(rf_store *base, bool write,
                                   rf_store_transaction **out, rf_error *err)
{
    rf_store_lmdb *store = (rf_store_lmdb *)base;
    return write ? rf_store__begin_write(store, out, err)
                 : rf_store__begin_read(store, out, err);
}

static rf_status commit_transaction(rf_store_transaction *transaction,
                                    rf_error *err)
{
    if (transaction->is_write) {
        return rf_store__commit_write(transaction, err);
    }
    rf_store__end_read(transaction);
    return RF_OK;
}

static void abort_transaction(rf_store_transaction *transaction)
{
    if (transaction->is_write) {
        rf_store__abort_write(transaction);
    } else {
        rf_store__end_read(transaction);
    }
}

static void read_figures(rf_store *base, rf_store_figures *out)
{
    rf_store_lmdb *store = (rf_store_lmdb *)base;
    uint64_t commits = atomic_load(&store->commits);
    *out = (rf_store_figures){
        .used_bytes = atomic_load(&store->used_bytes),
        .file_bytes = atomic_load(&store->file_bytes),
        .map_bytes = atomic_load(&store->map_bytes),
        .commits = commits,
        /* One fdatasync for the data pages, then the meta page through a
         * descriptor opened O_DSYNC. A transaction that changed nothing is
         * not counted as a commit and flushes nothing. */
        .flushes = 2 * commits,
        .saved_records = atomic_load(&store->saved_records),
        .written_pages = atomic_load(&store->written_pages),
    };
}

static void close_descriptor(int descriptor)
{
    if (descriptor >= 0) {
        close(descriptor);
    }
}

/* The owner's lock goes last: until then nobody else may open the file. */
static void close_store(rf_store *base)
{
    rf_store_lmdb *store = (rf_store_lmdb *)base;
    if (store == NULL) {
        return;
    }
    RF_ASSERT(!store->is_writing);
    rf_store__free_readers(store);
    if (store->gauge != NULL) {
        mdb_txn_abort(store->gauge);
    }
    if (store->env != NULL) {
        mdb_env_close(store->env);
    }
    pthread_cond_destroy(&store->changed);
    pthread_mutex_destroy(&store->mutex);
    close_descriptor(store->directory);
    close_descriptor(store->owner);
    rf_free(store);
}

static const rf_store_operations operations = {
    .begin = begin_transaction,
    .load = rf_store__load,
    .scan = rf_store__scan,
    .last = rf_store__last,
    .save = rf_store__save,
    .commit = commit_transaction,
    .abort = abort_transaction,
    .grow = rf_store__grow,
    .figures = read_figures,
    .backup = rf_store__backup,
    .close = close_store,
};

/* Make the store's struct with nothing open, so that it can be closed after
 * any failure of what follows. */
static rf_store_lmdb *create_store(const rf_store_lmdb_options *options)
{
    rf_store_lmdb *store = rf_calloc(1, sizeof *store);
    if (store == NULL) {
        return NULL;
    }
    store->base.operations = &operations;
    store->directory = -1;
    store->owner = -1;
    store->is_read_only = options->read_only;
    store->map_bytes_max = options->map_bytes_max;
    store->free_space_bytes = options->free_space_bytes;
    store->writer.store = store;
    store->writer.is_write = true;
    store->mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    store->changed = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    return store;
}

/* Do the steps of opening in order. */
static rf_status open_store(rf_store_lmdb *store,
                            const rf_store_lmdb_options *options, rf_error *err)
{
    rf_status status = rf_store__enter(store, options->directory, err);
    if (status == RF_OK) {
        status = rf_store__open_env(store, options, err);
    }
    if (status == RF_OK) {
        status = rf_store__open_tables(store, options->product_version, err);
    }
    if (status == RF_OK) {
        status = rf_store__make_readers(store, options->readers_max, err);
    }
    if (status != RF_OK) {
        return status;
    }
    /* The gauge is a transaction of its own, so that counting pages and asking
     * whether LMDB is alive never wait for a reader's place. */
    int code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &store->gauge);
    if (code != 0) {
        return rf_store__fail(err, code, "counting the store's pages");
    }
    mdb_txn_reset(store->gauge);
    rf_store__count_pages(store, false);
    return RF_OK;
}

rf_status rf_store_lmdb_open(const rf_store_lmdb_options *options,
                             rf_store **out, rf_error *err)
{
    rf_store_lmdb *store = create_store(options);
    if (store == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_status status = open_store(store, options, err);
    if (status != RF_OK) {
        close_store(&store->base);
        return status;
    }
    *out = &store->base;
    return RF_OK;
}
