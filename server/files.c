/*
 * files.c - the few things done with files outside the store.
 */
#include "server/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/types.h>
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
