/*
 * store_lmdb_write.c - the writer's transaction: begin, commit, abort.
 *
 * Beginning is also where the store looks after itself: once a second at the
 * free space of the disk, once a minute for readers whose process has died.
 * Committing is where a failure must be told apart: LMDB writes the changed
 * pages, flushes them, and only then writes the meta page that makes them
 * count. A failure before the meta page leaves the last commit in force; a
 * failure of the meta page itself leaves nobody the wiser, and LMDB then
 * refuses every further transaction.
 */
#include "core/store_lmdb_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#define SPACE_CHECK_MS 1000
#define READERS_CHECK_MS 60000

/* Below this a write that came out short was short for want of room. */
#define ROOM_BYTES_MIN ((uint64_t)1 << 20)

/* The last pages of a map that cannot grow any more are kept for transactions
 * that delete more than they save. Without them a full store could not be
 * pruned either, because deleting copies pages before it frees any. */
#define RESERVED_PAGES 64

/* LMDB's tree of free pages, and how many meta pages a file opens with. */
#define FREE_PAGES_TABLE 0
#define MAIN_TABLE 1
#define META_PAGES 2

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Ask how many bytes an ordinary user can still write. */
static rf_status look_at_space(rf_store_lmdb *store, rf_error *err)
{
    struct statvfs about;
    if (fstatvfs(store->directory, &about) != 0) {
        return rf_store__fail(err, errno, "looking at the free space");
    }
    store->free_bytes = (uint64_t)about.f_bavail * about.f_frsize;
    return RF_OK;
}

/* Refuse early, while the log, a backup and the file itself have room left. */
static rf_status check_space(rf_store_lmdb *store, rf_error *err)
{
    int64_t now = now_ms();
    if (store->space_checked_ms == 0 ||
        now - store->space_checked_ms >= SPACE_CHECK_MS) {
        rf_status status = look_at_space(store, err);
        if (status != RF_OK) {
            return status;
        }
        store->space_checked_ms = now;
    }
    if (store->free_bytes < store->free_space_bytes) {
        return rf_fail(err, RF_E_STORAGE_FULL,
                       "the disk has %" PRIu64 " bytes free, writing needs "
                       "%" PRIu64,
                       store->free_bytes, store->free_space_bytes);
    }
    return RF_OK;
}

/* A process that was killed leaves its place in LMDB's table of readers, and
 * the pages it looked at could never be used again. Should looking fail, the
 * file merely grows until the next time. */
static void check_readers(rf_store_lmdb *store)
{
    int64_t now = now_ms();
    if (now - store->readers_checked_ms >= READERS_CHECK_MS) {
        int dead;
        (void)mdb_reader_check(store->env, &dead);
        store->readers_checked_ms = now;
    }
}

rf_status rf_store__begin_write(rf_store_lmdb *store,
                                rf_store_transaction **out, rf_error *err)
{
    RF_ASSERT(!store->is_writing);
    if (store->is_read_only) {
        return rf_fail(err, RF_E_STORAGE, "the store was opened to be read");
    }
    if (atomic_load(&store->gate) == RF_GATE_LOST) {
        return rf_fail(err, RF_E_OUTCOME_UNKNOWN, "the store's map is lost");
    }
    store->is_map_full = false;
    rf_status status = check_space(store, err);
    if (status != RF_OK) {
        return status;
    }
    check_readers(store);
    rf_store__extend(store);
    rf_store_transaction *writer = &store->writer;
    int code = mdb_txn_begin(store->env, NULL, 0, &writer->handle);
    if (code != 0) {
        return rf_store__fail(err, code, "beginning to write");
    }
    store->is_writing = true;
    *out = writer;
    return RF_OK;
}

/* LMDB frees the cursors of a write transaction with it. */
static void forget_writer(rf_store_transaction *writer)
{
    writer->handle = NULL;
    writer->has_failed = false;
    writer->saved_records = 0;
    writer->deleted_records = 0;
    memset(writer->points, 0, sizeof writer->points);
    memset(writer->scans, 0, sizeof writer->scans);
    writer->store->is_writing = false;
}

void rf_store__abort_write(rf_store_transaction *writer)
{
    mdb_txn_abort(writer->handle);
    forget_writer(writer);
}

/* Count the pages of one tree. */
static uint64_t table_pages(MDB_txn *transaction, MDB_dbi table)
{
    MDB_stat about;
    if (mdb_stat(transaction, table, &about) != 0) {
        return 0;
    }
    return about.ms_branch_pages + about.ms_leaf_pages +
           about.ms_overflow_pages;
}

/* Count the pages that the transaction before `gauge` was begun freed: their
 * list is a record of LMDB's tree of free pages, under the transaction's
 * number, with its length in front. */
static uint64_t freed_pages(MDB_txn *gauge)
{
    MDB_cursor *cursor;
    if (mdb_cursor_open(gauge, FREE_PAGES_TABLE, &cursor) != 0) {
        return 0;
    }
    size_t number = mdb_txn_id(gauge);
    MDB_val key = {sizeof number, &number};
    MDB_val list;
    size_t count = 0;
    if (mdb_cursor_get(cursor, &key, &list, MDB_SET) == 0 &&
        list.mv_size >= sizeof count) {
        memcpy(&count, list.mv_data, sizeof count);
    }
    mdb_cursor_close(cursor);
    return count;
}

/* A commit writes every changed page to a new place and frees the old one. So
 * what it wrote is what it freed, plus what the trees have grown by, plus the
 * meta page. */
void rf_store__count_pages(rf_store_lmdb *store, bool is_commit)
{
    MDB_envinfo info;
    /* Figures may lag behind for once; they never fail a commit. */
    if (mdb_txn_renew(store->gauge) != 0) {
        return;
    }
    uint64_t live = table_pages(store->gauge, FREE_PAGES_TABLE) +
                    table_pages(store->gauge, MAIN_TABLE);
    for (int i = 0; i < RF_TABLE_COUNT; i++) {
        live += table_pages(store->gauge, store->tables[i]);
    }
    if (is_commit) {
        uint64_t written = live + freed_pages(store->gauge) + 1;
        written -= store->live_pages < written ? store->live_pages : written;
        atomic_fetch_add(&store->written_pages, written);
    }
    store->live_pages = live;
    atomic_store(&store->used_bytes, (live + META_PAGES) * store->page_bytes);
    if (mdb_env_info(store->env, &info) == 0) {
        atomic_store(&store->file_bytes,
                     (info.me_last_pgno + 1) * store->page_bytes);
    }
    mdb_txn_reset(store->gauge);
}

/* Ask whether LMDB still takes transactions, which it does not after a failed
 * write of the meta page. */
static bool is_env_alive(rf_store_lmdb *store)
{
    int code = mdb_txn_renew(store->gauge);
    if (code == 0) {
        mdb_txn_reset(store->gauge);
    }
    return code == 0;
}

/* Say whether the file cannot become larger. LMDB reports a write that came
 * out short as EIO, whatever made it short. */
static bool is_out_of_room(rf_store_lmdb *store)
{
    mdb_filehandle_t file;
    struct stat about;
    struct rlimit limit;
    if (look_at_space(store, NULL) == RF_OK &&
        store->free_bytes < ROOM_BYTES_MIN) {
        return true;
    }
    return mdb_env_get_fd(store->env, &file) == 0 && fstat(file, &about) == 0 &&
           getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
           limit.rlim_cur != RLIM_INFINITY &&
           (uint64_t)about.st_size + ROOM_BYTES_MIN > limit.rlim_cur;
}

/* Tell a commit that certainly did not happen, for want of room, from one that
 * may have. */
static rf_status fail_commit(rf_store_lmdb *store, int code, rf_error *err)
{
    if (code == MDB_MAP_FULL) {
        store->is_map_full = true;
    }
    if (is_env_alive(store)) {
        if (code == MDB_MAP_FULL || code == ENOSPC || code == EDQUOT ||
            code == EFBIG) {
            return rf_store__fail(err, code, "committing");
        }
        if (code == EIO && is_out_of_room(store)) {
            return rf_store__fail(err, ENOSPC, "committing");
        }
    }
    return rf_fail(err, RF_E_OUTCOME_UNKNOWN,
                   "committing: %s; whether it is durable is not known",
                   mdb_strerror(code));
}

/* Say whether this transaction would use up what pruning needs. */
static bool is_over_reserve(const rf_store_transaction *writer)
{
    const rf_store_lmdb *store = writer->store;
    uint64_t map_bytes = atomic_load(&store->map_bytes);
    return writer->saved_records > writer->deleted_records &&
           map_bytes >= store->map_bytes_max &&
           store->live_pages + META_PAGES + RESERVED_PAGES >
               map_bytes / store->page_bytes;
}

/* Look for reasons not to commit at all. */
static rf_status check_commit(rf_store_transaction *writer, rf_error *err)
{
    if (writer->has_failed) {
        return rf_fail(err, RF_E_STORAGE, "the transaction has failed before");
    }
    if (is_over_reserve(writer)) {
        writer->store->is_map_full = true;
        return rf_store__fail(err, MDB_MAP_FULL, "committing");
    }
    return RF_OK;
}

rf_status rf_store__commit_write(rf_store_transaction *writer, rf_error *err)
{
    rf_store_lmdb *store = writer->store;
    rf_status status = check_commit(writer, err);
    if (status != RF_OK) {
        rf_store__abort_write(writer);
        return status;
    }
    uint64_t saved = writer->saved_records + writer->deleted_records;
    int code = mdb_txn_commit(writer->handle);
    forget_writer(writer);
    if (code != 0) {
        return fail_commit(store, code, err);
    }
    if (saved > 0) {
        atomic_fetch_add(&store->commits, 1);
        atomic_fetch_add(&store->saved_records, saved);
        rf_store__count_pages(store, true);
    }
    return RF_OK;
}
