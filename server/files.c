/*
 * files.c - the few things done with files outside the store.
 */
#include "server/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES ((size_t)256 * 1024)

rf_status rf_files_fail(rf_error *err, const char *what, const char *path)
{
    rf_status status =
        errno == ENOSPC || errno == EDQUOT ? RF_E_STORAGE_FULL : RF_E_STORAGE;
    return rf_fail(err, status, "cannot %s %.150s: %s", what, path,
                   strerror(errno));
}

static rf_status read_all(int fd, size_t bytes_max, const char *path,
                          rf_buffer *out, rf_error *err)
{
    size_t start = out->length;
    for (;;) {
        char *room = rf_buffer_reserve(out, READ_BYTES);
        if (room == NULL) {
            return rf_fail(err, RF_E_NO_MEMORY, "no memory to read %.150s",
                           path);
        }
        ssize_t got = read(fd, room, READ_BYTES);
        if (got < 0 && errno != EINTR) {
            return rf_files_fail(err, "read", path);
        }
        if (got == 0) {
            return RF_OK;
        }
        out->length += got > 0 ? (size_t)got : 0;
        if (out->length - start > bytes_max) {
            return rf_fail(err, RF_E_BAD_CONFIGURATION,
                           "%.150s is larger than %zu bytes", path, bytes_max);
        }
    }
}

rf_status rf_files_read(const char *path, size_t bytes_max, rf_buffer *out,
                        rf_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return rf_files_fail(err, "open", path);
    }
    rf_status status = read_all(fd, bytes_max, path, out, err);
    close(fd);
    return status;
}

static bool is_unchanged(const struct stat *before, const struct stat *after)
{
    return before->st_size == after->st_size &&
           before->st_mtim.tv_sec == after->st_mtim.tv_sec &&
           before->st_mtim.tv_nsec == after->st_mtim.tv_nsec;
}

/* Read a file that somebody may be writing at the same moment. */
static rf_status read_regular(int fd, size_t bytes_max, const char *name,
                              rf_buffer *out, rf_error *err)
{
    struct stat before;
    struct stat after;
    size_t start = out->length;
    if (fstat(fd, &before) != 0) {
        return rf_files_fail(err, "read", name);
    }
    if (!S_ISREG(before.st_mode)) {
        return rf_fail(err, RF_E_BAD_CONFIGURATION, "%.150s is no regular file",
                       name);
    }
    rf_status status = read_all(fd, bytes_max, name, out, err);
    if (status == RF_OK && fstat(fd, &after) != 0) {
        return rf_files_fail(err, "read", name);
    }
    if (status == RF_OK && (!is_unchanged(&before, &after) ||
                            out->length - start != (size_t)after.st_size)) {
        return rf_fail(err, RF_E_BAD_CONFIGURATION,
                       "%.150s changed while it was read; load it again", name);
    }
    return status;
}

rf_status rf_files_read_at(int folder, const char *name, bool follow,
                           size_t bytes_max, rf_buffer *out, rf_error *err)
{
    int fd = openat(folder, name,
                    O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC |
                        (follow ? 0 : O_NOFOLLOW));
    if (fd < 0 && (errno == ELOOP || errno == ENXIO)) {
        return rf_fail(err, RF_E_BAD_CONFIGURATION, "%.150s is no regular file",
                       name);
    }
    if (fd < 0) {
        return rf_files_fail(err, "open", name);
    }
    size_t start = out->length;
    rf_status status = read_regular(fd, bytes_max, name, out, err);
    if (status != RF_OK) {
        out->length = start;
    }
    close(fd);
    return status;
}

rf_status rf_files_write(int fd, rf_text text, const char *path, rf_error *err)
{
    while (text.length > 0) {
        ssize_t written = write(fd, text.bytes, text.length);
        if (written < 0 && errno != EINTR) {
            return rf_files_fail(err, "write", path);
        }
        size_t advance = written > 0 ? (size_t)written : 0;
        text.bytes += advance;
        text.length -= advance;
    }
    return RF_OK;
}

rf_status rf_files_write_at(int folder, const char *name, rf_text text,
                            rf_error *err)
{
    int fd = openat(folder, name,
                    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                    S_IRUSR | S_IWUSR | S_IRGRP);
    if (fd < 0) {
        return rf_files_fail(err, "write", name);
    }
    rf_status status = rf_files_write(fd, text, name, err);
    if (status == RF_OK && fsync(fd) != 0) {
        status = rf_files_fail(err, "write", name);
    }
    if (close(fd) != 0 && status == RF_OK) {
        status = rf_files_fail(err, "write", name);
    }
    return status;
}

/* The text is durable under another name before that name is changed. */
rf_status rf_files_replace_at(int folder, const char *name, rf_text text,
                              rf_error *err)
{
    char aside[RF_FILES_NAME_SIZE];
    int length = snprintf(aside, sizeof aside, "%s%s.new",
                          name[0] == '.' ? "" : ".", name);
    RF_ASSERT(length > 0 && (size_t)length < sizeof aside);
    rf_status status = rf_files_write_at(folder, aside, text, err);
    if (status == RF_OK && renameat(folder, aside, folder, name) != 0) {
        status = rf_files_fail(err, "replace", name);
    }
    if (status != RF_OK) {
        (void)unlinkat(folder, aside, 0);
        return status;
    }
    return fsync(folder) == 0 ? RF_OK : rf_files_fail(err, "replace", name);
}

rf_status rf_files_sync_directory(const char *path, rf_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rf_status status =
        fd >= 0 && fsync(fd) == 0 ? RF_OK : rf_files_fail(err, "write", path);
    if (fd >= 0) {
        close(fd);
    }
    return status;
}
