/*
 * folders.c - exchanging, listing and removing entries of a folder.
 */
#include "server/folders.h"

#include "server/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_MODE (S_IRWXU | S_IRGRP | S_IXGRP)

/* An environment's folder holds plugins' folders, which hold files: what lies
 * deeper is not ours, and stays. */
#define REMOVE_DEPTH_MAX 4

rf_status rf_folders_open_at(int folder, const char *name, bool make, int *out,
                             rf_error *err)
{
    if (make && mkdirat(folder, name, FOLDER_MODE) != 0 && errno != EEXIST) {
        return rf_files_fail(err, "make", name);
    }
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return rf_files_fail(err, "open", name);
    }
    *out = fd;
    return RF_OK;
}

rf_status rf_folders_open(const char *path, bool make, int *out, rf_error *err)
{
    return rf_folders_open_at(AT_FDCWD, path, make, out, err);
}

/* ---- Listing ---- */

static int compare_names(const void *a, const void *b)
{
    const char *const *left = a;
    const char *const *right = b;
    return strcmp(*left, *right);
}

static rf_status collect_names(DIR *stream, rf_folders_wanted *wanted,
                               size_t max, rf_arena *arena, rf_names *out)
{
    const struct dirent *entry;
    while ((entry = readdir(stream)) != NULL) {
        if (!wanted(entry->d_name)) {
            continue;
        }
        if (out->count == max) {
            out->count = max + 1;
            return RF_OK;
        }
        const char *name =
            rf_arena_copy(arena, entry->d_name, strlen(entry->d_name));
        if (name == NULL) {
            return RF_E_NO_MEMORY;
        }
        out->items[out->count++] = name;
    }
    return RF_OK;
}

/* Open a stream over a folder, with a position of its own. */
static DIR *open_stream(int folder, const char *name)
{
    int fd =
        openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (stream == NULL && fd >= 0) {
        close(fd);
    }
    return stream;
}

rf_status rf_folders_list(int folder, rf_folders_wanted *wanted, size_t max,
                          rf_arena *arena, rf_names *out, rf_error *err)
{
    *out = (rf_names){rf_arena_calloc(arena, max + 1, sizeof *out->items), 0};
    if (out->items == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    DIR *stream = open_stream(folder, ".");
    if (stream == NULL) {
        return rf_files_fail(err, "read", "a folder");
    }
    rf_status status = collect_names(stream, wanted, max, arena, out);
    closedir(stream);
    if (status != RF_OK) {
        return rf_fail(err, status, "out of memory");
    }
    qsort(out->items, out->count <= max ? out->count : max, sizeof *out->items,
          compare_names);
    return RF_OK;
}

/* ---- Exchanging ---- */

rf_status rf_folders_sync(int folder, const char *name, rf_error *err)
{
    return fsync(folder) == 0 ? RF_OK : rf_files_fail(err, "write", name);
}

static bool is_there(int folder, const char *name)
{
    return faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The name that stands for the old entry between two renames. */
static void name_between(const char *aside, char out[RF_FILES_NAME_SIZE])
{
    int length = snprintf(out, RF_FILES_NAME_SIZE, "%s.old", aside);
    RF_ASSERT(length > 0 && length < RF_FILES_NAME_SIZE);
}

static bool move(int folder, const char *from, const char *to)
{
    return renameat(folder, from, folder, to) == 0;
}

static rf_status swap_slowly(int folder, const char *name, const char *aside,
                             rf_error *err)
{
    char between[RF_FILES_NAME_SIZE];
    name_between(aside, between);
    rf_folders_remove(folder, between);
    if (!move(folder, name, between)) {
        return rf_files_fail(err, "replace", name);
    }
    if (!move(folder, aside, name)) {
        rf_status status = rf_files_fail(err, "replace", name);
        (void)move(folder, between, name);
        return status;
    }
    if (!move(folder, between, aside)) {
        rf_status status = rf_files_fail(err, "replace", name);
        (void)move(folder, name, aside);
        (void)move(folder, between, name);
        return status;
    }
    return RF_OK;
}

static rf_status swap(int folder, const char *name, const char *aside,
                      rf_error *err)
{
    bool has_name = is_there(folder, name);
    bool has_aside = is_there(folder, aside);
    if (!has_name && !has_aside) {
        return RF_OK;
    }
    if (has_name != has_aside) {
        return move(folder, has_name ? name : aside, has_name ? aside : name)
                   ? RF_OK
                   : rf_files_fail(err, "replace", name);
    }
    if (renameat2(folder, name, folder, aside, RENAME_EXCHANGE) == 0) {
        return RF_OK;
    }
    return errno == EINVAL || errno == ENOSYS
               ? swap_slowly(folder, name, aside, err)
               : rf_files_fail(err, "replace", name);
}

/* What is not known to be durable is taken back. */
static rf_status settle(int folder, const char *name, const char *aside,
                        rf_error *err)
{
    rf_status status = rf_folders_sync(folder, name, err);
    if (status != RF_OK) {
        (void)swap(folder, name, aside, NULL);
    }
    return status;
}

rf_status rf_folders_swap(int folder, const char *name, const char *aside,
                          rf_error *err)
{
    rf_status status = swap(folder, name, aside, err);
    return status == RF_OK ? settle(folder, name, aside, err) : status;
}

rf_status rf_folders_swap_slowly(int folder, const char *name,
                                 const char *aside, rf_error *err)
{
    rf_status status = swap_slowly(folder, name, aside, err);
    return status == RF_OK ? settle(folder, name, aside, err) : status;
}

void rf_folders_mend(int folder, const char *name, const char *aside)
{
    char between[RF_FILES_NAME_SIZE];
    name_between(aside, between);
    if (!is_there(folder, name)) {
        (void)move(folder, between, name);
    }
    rf_folders_remove(folder, between);
    rf_folders_remove(folder, aside);
}

/* ---- Removing ---- */

/* A folder that is being emptied, on the way down. */
typedef struct emptying {
    DIR *stream;
    char name[RF_FILES_NAME_SIZE]; /* in the one above */
} emptying;

static bool is_entry(const char *name)
{
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Remove what is no folder; open what is one. */
static bool remove_or_open(int folder, const char *name, emptying *out)
{
    if (unlinkat(folder, name, 0) == 0 || (errno != EISDIR && errno != EPERM)) {
        return false;
    }
    out->stream = open_stream(folder, name);
    snprintf(out->name, sizeof out->name, "%s", name);
    return out->stream != NULL;
}

void rf_folders_remove(int folder, const char *name)
{
    emptying path[REMOVE_DEPTH_MAX];
    size_t depth = remove_or_open(folder, name, &path[0]) ? 1 : 0;
    while (depth > 0) {
        emptying *here = &path[depth - 1];
        const struct dirent *entry = readdir(here->stream);
        if (entry == NULL) {
            closedir(here->stream);
            depth--;
            int above = depth == 0 ? folder : dirfd(path[depth - 1].stream);
            (void)unlinkat(above, here->name, AT_REMOVEDIR);
        } else if (is_entry(entry->d_name) && depth < REMOVE_DEPTH_MAX &&
                   remove_or_open(dirfd(here->stream), entry->d_name,
                                  &path[depth])) {
            depth++;
        }
    }
}
