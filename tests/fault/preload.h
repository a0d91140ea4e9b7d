/*
 * preload.h - how a preloaded library knows the store among all descriptors.
 *
 * Included once by each of the two libraries: it defines the functions that
 * open and close files in place of the C library's, and notes which descriptor
 * is the store. System calls are made directly, so that no search for the
 * functions behind ours is needed. The state is global because the functions
 * of the C library have no argument to carry it.
 */
#ifndef RINGFENCE_TESTS_FAULT_PRELOAD_H
#define RINGFENCE_TESTS_FAULT_PRELOAD_H

/* A fortified libc would define some of these functions in its headers. */
#undef _FORTIFY_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The environment variable with the name of the store's file, without folders.
 * Its lock file has the same name with "-lock" behind it. */
#define RF_PRELOAD_STORE "RINGFENCE_PRELOAD_STORE"

enum {
    DESCRIPTORS_MAX = 4096
};

typedef enum {
    OTHER,
    STORE,         /* durable only after a sync */
    STORE_DURABLE, /* opened so that each write is durable when it returns */
    STORE_LOCK
} watch;

static watch watched[DESCRIPTORS_MAX];

static watch watch_of(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS_MAX ? watched[fd] : OTHER;
}

static bool is_store(int fd)
{
    return watch_of(fd) == STORE || watch_of(fd) == STORE_DURABLE;
}

static bool is_socket(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

/* Return what a file of that name, opened with these flags, is to us. */
static watch classify(const char *path, int flags)
{
    const char *store = getenv(RF_PRELOAD_STORE);
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t length = store != NULL ? strlen(store) : 0;
    if (length == 0 || strncmp(name, store, length) != 0) {
        return OTHER;
    }
    if (strcmp(name + length, "-lock") == 0) {
        return STORE_LOCK;
    }
    if (name[length] != '\0') {
        return OTHER;
    }
    return (flags & O_DSYNC) != 0 ? STORE_DURABLE : STORE;
}

/* Open a file and note what it is. To empty the store while opening it, or to
 * have more descriptors than the table, is nothing we could follow. */
static int open_at(int folder, const char *path, int flags, mode_t mode)
{
    int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
    watch kind = classify(path, flags);
    if (fd >= 0 && kind != OTHER) {
        if (fd >= DESCRIPTORS_MAX ||
            (kind != STORE_LOCK && (flags & O_TRUNC) != 0)) {
            abort();
        }
        watched[fd] = kind;
    }
    return fd;
}

/* Whatever the build hides, these must be seen. */
#pragma GCC visibility push(default)

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_at(folder, path, flags, mode);
}

/* What a fortified build calls instead. */
int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags)
{
    return open_at(AT_FDCWD, path, flags, 0);
}

int close(int fd)
{
    if (watch_of(fd) != OTHER) {
        watched[fd] = OTHER;
    }
    return (int)syscall(SYS_close, fd);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));
int openat64(int folder, const char *path, int flags, ...)
    __attribute__((alias("openat")));
int __open64_2(const char *path, int flags) __attribute__((alias("__open_2")));

#pragma GCC visibility pop

#endif
