/*
 * cmd_backup.c - `ringfence backup` and `ringfence restore`.
 *
 * A backup is a consistent copy of the store, made while a server may be
 * running on it. Restoring puts such a copy into a data directory that has no
 * store yet; nobody's data is ever overwritten.
 */
#include "core/store_lmdb.h"
#include "server/cli.h"
#include "server/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_BYTES ((size_t)1024 * 1024)
#define PATH_BYTES 4096
#define STORE_FILE "ringfence.mdb"

static rf_status open_store(const rf_options *options, rf_store **out,
                            rf_error *err)
{
    rf_store_lmdb_options store = {
        .directory = options->data_directory,
        .map_bytes = (uint64_t)options->map_bytes,
        .map_bytes_max = (uint64_t)options->map_bytes * 16,
        .readers_max = 1,
        .read_only = true,
        .product_version = RINGFENCE_VERSION,
    };
    return rf_store_lmdb_open(&store, out, err);
}

static int run_backup(const rf_arguments *arguments)
{
    rf_options options;
    rf_error error = {0};
    rf_store *store = NULL;
    int code = rf_cli_options(arguments, &options);
    if (code == 0 && arguments->file == NULL) {
        rf_fail(&error, RF_E_MISSING_FIELD, "backup needs --to FILE");
        code = rf_cli_fail(RF_EXIT_USAGE, &error);
    }
    if (code == 0) {
        umask(077);
        rf_status status = open_store(&options, &store, &error);
        if (status == RF_OK) {
            status = store->operations->backup(store, arguments->file, &error);
        }
        if (status != RF_OK) {
            code = rf_cli_fail(RF_EXIT_FAILURE, &error);
        }
    }
    if (store != NULL) {
        store->operations->close(store);
    }
    if (code == 0) {
        printf("backup written to %s\n", arguments->file);
    }
    rf_options_done(&options);
    return code;
}

static rf_status copy_bytes(int from, int to, const char *path, rf_error *err)
{
    static char bytes[COPY_BYTES];
    for (;;) {
        ssize_t length = read(from, bytes, sizeof bytes);
        if (length <= 0) {
            return length == 0 ? RF_OK : rf_files_fail(err, "read", path);
        }
        rf_status status =
            rf_files_write(to, (rf_text){bytes, (size_t)length}, path, err);
        if (status != RF_OK) {
            return status;
        }
    }
}

/* Copy durably to a name that does not exist yet. */
static rf_status copy_file(const char *from, const char *to, rf_error *err)
{
    int source = open(from, O_RDONLY | O_CLOEXEC);
    if (source < 0) {
        return rf_files_fail(err, "open", from);
    }
    int copy = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (copy < 0) {
        close(source);
        return rf_files_fail(err, "make", to);
    }
    rf_status status = copy_bytes(source, copy, from, err);
    if (status == RF_OK && fsync(copy) != 0) {
        status = rf_files_fail(err, "write", to);
    }
    close(source);
    close(copy);
    if (status != RF_OK) {
        unlink(to);
    }
    return status;
}

/* Put the copy in place under its final name, and see that it opens. */
static rf_status put_in_place(const rf_options *options, const char *from,
                              rf_error *err)
{
    char final[PATH_BYTES];
    char partial[PATH_BYTES + 8];
    const char *directory = options->data_directory;
    int length = snprintf(final, sizeof final, "%s/" STORE_FILE, directory);
    if (length >= (int)sizeof final) {
        return rf_fail(err, RF_E_STORAGE,
                       "the data directory's name is too "
                       "long");
    }
    snprintf(partial, sizeof partial, "%s.part", final);
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        return rf_files_fail(err, "make", directory);
    }
    if (access(final, F_OK) == 0) {
        return rf_fail(err, RF_E_STORAGE,
                       "%s exists: restore into an empty data directory",
                       final);
    }
    rf_status status = copy_file(from, partial, err);
    if (status == RF_OK && rename(partial, final) != 0) {
        status = rf_files_fail(err, "rename", partial);
        unlink(partial);
    }
    if (status == RF_OK) {
        status = rf_files_sync_directory(directory, err);
    }
    rf_store *store = NULL;
    if (status == RF_OK) {
        status = open_store(options, &store, err);
        if (status != RF_OK) {
            unlink(final); /* not a store of ours */
        }
    }
    if (store != NULL) {
        store->operations->close(store);
    }
    return status;
}

static int run_restore(const rf_arguments *arguments)
{
    rf_options options;
    rf_error error = {0};
    int code = rf_cli_options(arguments, &options);
    if (code == 0 && arguments->file == NULL) {
        rf_fail(&error, RF_E_MISSING_FIELD, "restore needs --from FILE");
        code = rf_cli_fail(RF_EXIT_USAGE, &error);
    } else if (code == 0) {
        umask(077);
        if (put_in_place(&options, arguments->file, &error) != RF_OK) {
            code = rf_cli_fail(RF_EXIT_FAILURE, &error);
        } else {
            printf("restored %s into %s\n", arguments->file,
                   options.data_directory);
        }
    }
    rf_options_done(&options);
    return code;
}

const rf_subcommand rf_cmd_backup = {
    .name = "backup",
    .summary = "copy the store while it is in use",
    .help = "Writes a consistent, checked copy of the store. The server may "
            "be running.\n",
    .takes = RF_TAKES_CONFIG | RF_TAKES_TO,
    .run = run_backup,
};

const rf_subcommand rf_cmd_restore = {
    .name = "restore",
    .summary = "put a backup into an empty data directory",
    .help = "Copies a backup into the data directory, which must have no "
            "store yet.\n",
    .takes = RF_TAKES_CONFIG | RF_TAKES_FROM,
    .run = run_restore,
};
