/*
 * store_lmdb_backup.c - a copy that is known to be good before it has a name.
 *
 * LMDB's own copy neither flushes nor removes what it leaves on failure. Here
 * it goes to a file with a temporary name beside the target, is flushed,
 * opened and read from end to end, and only then renamed.
 */
#include "core/store_lmdb_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Copy the snapshot of now into an open file and flush it. */
static rf_status copy_to(rf_store_lmdb *store, int file, rf_error *err)
{
    rf_status status = rf_store__begin_copy(store, err);
    if (status != RF_OK) {
        return status;
    }
    int code = mdb_env_copyfd2(store->env, file, MDB_CP_COMPACT);
    rf_store__end_copy(store);
    if (code == MDB_INCOMPATIBLE) {
        return rf_fail(err, RF_E_STORAGE,
                       "the store has lost pages: it is damaged");
    }
    if (code != 0) {
        return rf_store__fail(err, code, "copying the store");
    }
    if (fsync(file) != 0) {
        return rf_store__fail(err, errno, "flushing the copy");
    }
    return RF_OK;
}

/* Read every record of a table: as many as it should have, in order. */
static rf_status walk_table(MDB_txn *transaction, const char *name,
                            rf_error *err)
{
    MDB_dbi table;
    MDB_stat about;
    MDB_cursor *cursor = NULL;
    int code = mdb_dbi_open(transaction, name, 0, &table);
    if (code == 0) {
        code = mdb_stat(transaction, table, &about);
    }
    if (code == 0) {
        code = mdb_cursor_open(transaction, table, &cursor);
    }
    if (code != 0) {
        return rf_store__fail(err, code, "opening a table of the copy");
    }
    size_t count = 0;
    bool is_sorted = true;
    MDB_val before;
    MDB_val key;
    MDB_val value;
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        is_sorted = is_sorted && (count == 0 || mdb_cmp(transaction, table,
                                                        &before, &key) < 0);
        before = key;
        count++;
    }
    mdb_cursor_close(cursor);
    if (code != MDB_NOTFOUND) {
        return rf_store__fail(err, code, "reading the copy");
    }
    if (!is_sorted || count != about.ms_entries) {
        return rf_fail(err, RF_E_STORAGE, "the copy's table %s is damaged",
                       name);
    }
    return RF_OK;
}

/* Read every table of the copy, and see that it can be served. */
static rf_status walk_copy(const rf_store_lmdb *store, MDB_env *env,
                           rf_error *err)
{
    MDB_txn *transaction = NULL;
    MDB_dbi meta;
    int code = mdb_txn_begin(env, NULL, MDB_RDONLY, &transaction);
    if (code != 0) {
        return rf_store__fail(err, code, "reading the copy");
    }
    rf_status status = RF_OK;
    for (int i = 0; i < RF_TABLE_COUNT && status == RF_OK; i++) {
        if (store->tables[i] != RF_STORE_NO_TABLE) {
            status = walk_table(transaction, rf_store__table_names[i], err);
        }
    }
    if (status == RF_OK) {
        code = mdb_dbi_open(transaction, rf_store__table_names[RF_TABLE_META],
                            0, &meta);
        status = code == 0 ? rf_store__check_schema(transaction, meta, err)
                           : rf_store__fail(err, code, "reading the copy");
    }
    mdb_txn_abort(transaction);
    return status;
}

/* Open the copy, which nobody else knows, and so without a lock file. */
static rf_status check_copy(const rf_store_lmdb *store, const char *path,
                            rf_error *err)
{
    MDB_env *env = NULL;
    int code = mdb_env_create(&env);
    if (code == 0) {
        code = mdb_env_set_maxdbs(env, RF_TABLE_COUNT);
    }
    if (code == 0) {
        code = mdb_env_open(env, path,
                            MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS,
                            0600);
    }
    rf_status status = code == 0
                           ? walk_copy(store, env, err)
                           : rf_store__fail(err, code, "opening the copy");
    if (env != NULL) {
        mdb_env_close(env);
    }
    return status;
}

/* Make the backup's name durable. */
static rf_status flush_directory_of(const char *path, rf_error *err)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int directory = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return rf_store__fail(err, errno, "opening the backup's directory");
    }
    int result = fsync(directory);
    int error = errno;
    close(directory);
    return result == 0
               ? RF_OK
               : rf_store__fail(err, error, "flushing the backup's directory");
}

/* Give the copy its name, never replacing a file that came meanwhile. */
static rf_status publish(const char *temporary, const char *path, rf_error *err)
{
    int result =
        renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE);
    if (result != 0 && errno == EINVAL) {
        /* Some file systems know no such flag; that the name is free has been
         * checked before. */
        result = rename(temporary, path);
    }
    if (result != 0) {
        return rf_store__fail(err, errno, "naming the backup");
    }
    rf_status status = flush_directory_of(path, err);
    if (status != RF_OK) {
        unlink(path);
    }
    return status;
}

/* Copy, check and name; the caller removes what is left on failure. */
static rf_status make_copy(rf_store_lmdb *store, int file,
                           const char *temporary, const char *path,
                           rf_error *err)
{
    rf_status status = copy_to(store, file, err);
    if (status == RF_OK) {
        status = check_copy(store, temporary, err);
    }
    if (status == RF_OK) {
        status = publish(temporary, path, err);
    }
    return status;
}

rf_status rf_store__backup(rf_store *base, const char *path, rf_error *err)
{
    struct stat about;
    if (lstat(path, &about) == 0) {
        return rf_fail(err, RF_E_STORAGE, "the backup's file exists: %s", path);
    }
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof temporary) {
        return rf_fail(err, RF_E_STORAGE, "the backup's name is too long");
    }
    /* Made with mode 0600 and O_EXCL. */
    int file = mkostemp(temporary, O_CLOEXEC);
    if (file < 0) {
        return rf_store__fail(err, errno, "making the backup's file");
    }
    rf_status status =
        make_copy((rf_store_lmdb *)base, file, temporary, path, err);
    close(file);
    if (status != RF_OK) {
        unlink(temporary);
    }
    return status;
}
