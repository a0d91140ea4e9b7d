/*
 * store_lmdb_gate.c - readers' places, and replacing the map among them.
 *
 * LMDB can make its map larger only while no transaction of the process looks
 * at it; it does not check, and a reader that is still there crashes. A lock
 * around every read would be one cache line that all threads fight for.
 * Instead a reader takes a place of its own, which it has nearly always had
 * before, and looks once at a flag that hardly ever changes.
 */
#include "core/alloc.h"
#include "core/store_lmdb_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>

rf_status rf_store__make_readers(rf_store_lmdb *store, unsigned count,
                                 rf_error *err)
{
    RF_ASSERT(count > 0);
    int code = pthread_key_create(&store->had_reader, NULL);
    if (code != 0) {
        return rf_store__fail(err, code, "making readers");
    }
    store->has_key = true;
    store->readers = rf_calloc(count, sizeof *store->readers);
    if (store->readers == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    for (unsigned i = 0; i < count; i++) {
        rf_store_transaction *reader = &store->readers[i];
        reader->store = store;
        code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &reader->handle);
        if (code != 0) {
            return rf_store__fail(err, code, "making readers");
        }
        mdb_txn_reset(reader->handle);
        store->reader_count++;
    }
    return RF_OK;
}

/* A reader's cursors are ours to close, unlike those of a writer. */
static void close_cursor(rf_store_cursor *cursor)
{
    if (cursor->handle != NULL) {
        mdb_cursor_close(cursor->handle);
    }
}

void rf_store__free_readers(rf_store_lmdb *store)
{
    for (unsigned i = 0; i < store->reader_count; i++) {
        rf_store_transaction *reader = &store->readers[i];
        RF_ASSERT(!atomic_load(&reader->is_taken));
        for (int table = 0; table < RF_TABLE_COUNT; table++) {
            close_cursor(&reader->points[table]);
            close_cursor(&reader->scans[table]);
        }
        mdb_txn_abort(reader->handle);
    }
    rf_free(store->readers);
    if (store->has_key) {
        pthread_key_delete(store->had_reader);
    }
}

/* Take a place unless somebody has it. */
static bool try_take(rf_store_transaction *reader)
{
    bool is_taken = false;
    return atomic_compare_exchange_strong(&reader->is_taken, &is_taken, true);
}

/* Take the place this thread had the last time, else any. */
static rf_store_transaction *take_reader(rf_store_lmdb *store)
{
    rf_store_transaction *reader = pthread_getspecific(store->had_reader);
    if (reader != NULL && try_take(reader)) {
        return reader;
    }
    unsigned first = atomic_fetch_add(&store->next_reader, 1);
    for (unsigned i = 0; i < store->reader_count; i++) {
        reader = &store->readers[(first + i) % store->reader_count];
        if (try_take(reader)) {
            /* Failing to remember it only costs a search the next time. */
            (void)pthread_setspecific(store->had_reader, reader);
            return reader;
        }
    }
    return NULL;
}

/* Free a place, and tell whoever waits for all of them to be free. */
static void leave_reader(rf_store_transaction *reader)
{
    rf_store_lmdb *store = reader->store;
    atomic_store(&reader->is_taken, false);
    if (atomic_load(&store->gate) != RF_GATE_OPEN) {
        pthread_mutex_lock(&store->mutex);
        pthread_cond_broadcast(&store->changed);
        pthread_mutex_unlock(&store->mutex);
    }
}

/* Wait, with the mutex held, while the map is being replaced. */
static rf_status wait_for_gate(rf_store_lmdb *store, rf_error *err)
{
    while (atomic_load(&store->gate) == RF_GATE_CLOSED) {
        pthread_cond_wait(&store->changed, &store->mutex);
    }
    return atomic_load(&store->gate) == RF_GATE_OPEN
               ? RF_OK
               : rf_fail(err, RF_E_STORAGE, "the store's map is lost");
}

/* Take a place while the gate is open. Looking at the gate only afterwards is
 * what makes it safe: a grower that closed it in between waits for us. */
static rf_status enter_reader(rf_store_lmdb *store, rf_store_transaction **out,
                              rf_error *err)
{
    for (;;) {
        rf_store_transaction *reader = take_reader(store);
        if (reader == NULL) {
            return rf_fail(err, RF_E_OVERLOADED,
                           "all %u read transactions of the store are in use",
                           store->reader_count);
        }
        if (atomic_load(&store->gate) == RF_GATE_OPEN) {
            *out = reader;
            return RF_OK;
        }
        leave_reader(reader);
        pthread_mutex_lock(&store->mutex);
        rf_status status = wait_for_gate(store, err);
        pthread_mutex_unlock(&store->mutex);
        if (status != RF_OK) {
            return status;
        }
    }
}

static bool is_any_reader_taken(const rf_store_lmdb *store)
{
    for (unsigned i = 0; i < store->reader_count; i++) {
        if (atomic_load(&store->readers[i].is_taken)) {
            return true;
        }
    }
    return false;
}

/* Say whether a map of this size could be had, before the old one is given up:
 * LMDB cannot go back when it finds no room. */
static bool can_map(const rf_store_lmdb *store, uint64_t bytes)
{
    mdb_filehandle_t file;
    if (mdb_env_get_fd(store->env, &file) != 0) {
        return false;
    }
    void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, 0);
    if (map == MAP_FAILED) {
        return false;
    }
    munmap(map, bytes);
    return true;
}

/* Replace the map; the mutex is held, the gate closed and nobody inside. */
static rf_status replace_map(rf_store_lmdb *store, uint64_t bytes,
                             rf_error *err)
{
    if (bytes != 0 && !can_map(store, bytes)) {
        return rf_fail(err, RF_E_STORAGE_FULL,
                       "no address space for a map of %" PRIu64 " bytes",
                       bytes);
    }
    int code = mdb_env_set_mapsize(store->env, bytes);
    MDB_envinfo info;
    if (code == 0) {
        code = mdb_env_info(store->env, &info);
    }
    if (code != 0) {
        atomic_store(&store->gate, RF_GATE_LOST);
        return rf_fail(err, RF_E_OUTCOME_UNKNOWN, "the store's map is lost: %s",
                       mdb_strerror(code));
    }
    atomic_store(&store->map_bytes, info.me_mapsize);
    return RF_OK;
}

/* Close the gate, wait for every reader to leave, replace the map and open the
 * gate again; the mutex is held. */
static rf_status replace_map_alone(rf_store_lmdb *store, uint64_t bytes,
                                   rf_error *err)
{
    if (store->copies > 0) {
        return rf_fail(err, RF_E_STORAGE_FULL,
                       "the map is full and cannot grow during a backup");
    }
    atomic_store(&store->gate, RF_GATE_CLOSED);
    while (is_any_reader_taken(store)) {
        pthread_cond_wait(&store->changed, &store->mutex);
    }
    rf_status status = replace_map(store, bytes, err);
    if (atomic_load(&store->gate) == RF_GATE_CLOSED) {
        atomic_store(&store->gate, RF_GATE_OPEN);
    }
    pthread_cond_broadcast(&store->changed);
    return status;
}

/* Give the map another size, 0 for as large as the file says. */
static rf_status resize_map(rf_store_lmdb *store, uint64_t bytes, rf_error *err)
{
    pthread_mutex_lock(&store->mutex);
    rf_status status = wait_for_gate(store, err);
    if (status == RF_OK) {
        status = replace_map_alone(store, bytes, err);
    }
    pthread_mutex_unlock(&store->mutex);
    return status;
}

rf_status rf_store__begin_read(rf_store_lmdb *store, rf_store_transaction **out,
                               rf_error *err)
{
    for (;;) {
        rf_store_transaction *reader = NULL;
        rf_status status = enter_reader(store, &reader, err);
        if (status != RF_OK) {
            return status;
        }
        RF_ASSERT(reader != NULL);
        int code = mdb_txn_renew(reader->handle);
        if (code == 0) {
            reader->has_failed = false;
            *out = reader;
            return RF_OK;
        }
        leave_reader(reader);
        if (code != MDB_MAP_RESIZED) {
            return rf_store__fail(err, code, "beginning to read");
        }
        /* Another process has made the file larger than our map. */
        status = resize_map(store, 0, err);
        if (status != RF_OK) {
            return status;
        }
    }
}

void rf_store__end_read(rf_store_transaction *reader)
{
    for (int table = 0; table < RF_TABLE_COUNT; table++) {
        reader->points[table].is_current = false;
        reader->scans[table].is_current = false;
    }
    mdb_txn_reset(reader->handle);
    leave_reader(reader);
}

rf_status rf_store__begin_copy(rf_store_lmdb *store, rf_error *err)
{
    pthread_mutex_lock(&store->mutex);
    rf_status status = wait_for_gate(store, err);
    if (status == RF_OK) {
        store->copies++;
    }
    pthread_mutex_unlock(&store->mutex);
    return status;
}

void rf_store__end_copy(rf_store_lmdb *store)
{
    pthread_mutex_lock(&store->mutex);
    store->copies--;
    pthread_mutex_unlock(&store->mutex);
}

rf_status rf_store__grow(rf_store *base, rf_error *err)
{
    rf_store_lmdb *store = (rf_store_lmdb *)base;
    RF_ASSERT(!store->is_writing);
    if (!store->is_map_full) {
        return rf_fail(err, RF_E_STORAGE_FULL,
                       "there is no room left on the disk");
    }
    uint64_t bytes = atomic_load(&store->map_bytes);
    if (bytes >= store->map_bytes_max) {
        return rf_fail(err, RF_E_STORAGE_FULL,
                       "the store is full: it may have %" PRIu64 " bytes",
                       store->map_bytes_max);
    }
    /* Doubling keeps the number of interruptions small. */
    uint64_t next =
        bytes > store->map_bytes_max / 2 ? store->map_bytes_max : bytes * 2;
    rf_status status = resize_map(store, next, err);
    if (status == RF_OK) {
        store->is_map_full = false;
    }
    return status;
}
