/*
 * recorder.c - a preloaded library that writes down all a program does to its
 * store, and all it sends.
 *
 * Only what opens the store's file by name is followed (preload.h); whatever
 * else could change the file (a writable shared mapping, a rename) is recorded
 * as unsound, so that the replay refuses the trace and never passes it by luck.
 */
#include "tests/fault/preload.h"
#include "tests/fault/trace.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/uio.h>

enum {
    PIECES_MAX = 1023
};

/* The functions below have no argument to carry state in, so it is here. */
static struct {
    pthread_mutex_t lock;
    bool on;
    int trace;
    uint64_t next;
} recorder = {.lock = PTHREAD_MUTEX_INITIALIZER, .trace = -1};

__attribute__((constructor)) static void open_trace(void)
{
    const char *path = getenv(RF_TRACE_PATH);
    if (path != NULL) {
        recorder.trace =
            (int)syscall(SYS_openat, AT_FDCWD, path,
                         O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        recorder.on = recorder.trace >= 0;
    }
}

/* Append one record and return its number. A trace that cannot be written is
 * worth nothing, so the program ends. */
static uint64_t record(rf_trace_kind kind, uint64_t where,
                       const struct iovec *pieces, int count)
{
    struct iovec parts[PIECES_MAX + 1];
    rf_trace_header header = {.kind = kind, .where = where};
    if (count > PIECES_MAX) {
        abort();
    }
    parts[0] = (struct iovec){&header, sizeof header};
    for (int piece = 0; piece < count; piece++) {
        parts[piece + 1] = pieces[piece];
        header.length += pieces[piece].iov_len;
    }
    int error = errno;
    pthread_mutex_lock(&recorder.lock);
    header.number = recorder.next++;
    long written = syscall(SYS_writev, recorder.trace, parts, count + 1);
    pthread_mutex_unlock(&recorder.lock);
    if (written != (long)(sizeof header + header.length)) {
        abort();
    }
    errno = error;
    return header.number;
}

static uint64_t record_bytes(rf_trace_kind kind, uint64_t where,
                             const void *bytes, size_t length)
{
    struct iovec piece = {(void *)(uintptr_t)bytes, length};
    return record(kind, where, &piece, 1);
}

static void record_unsound(const char *why)
{
    record_bytes(RF_TRACE_UNSOUND, 0, why, strlen(why));
}

/* Note the end of a write that was recorded before it was made. */
static ssize_t finish_write(int fd, uint64_t number, ssize_t written,
                            size_t length)
{
    if (written != (ssize_t)length) {
        record_unsound("a write to the store failed or was cut short");
    } else if (watch_of(fd) == STORE_DURABLE) {
        record(RF_TRACE_DURABLE, number, NULL, 0);
    }
    return written;
}

static size_t sum_lengths(const struct iovec *pieces, int count)
{
    size_t length = 0;
    for (int piece = 0; piece < count; piece++) {
        length += pieces[piece].iov_len;
    }
    return length;
}

/* All writes at an offset come through here. */
static ssize_t write_at(int fd, const struct iovec *pieces, int count,
                        off_t offset)
{
    if (!recorder.on || !is_store(fd)) {
        return syscall(SYS_pwritev, fd, pieces, count, offset, 0);
    }
    uint64_t number = record(RF_TRACE_WRITE, (uint64_t)offset, pieces, count);
    ssize_t written = syscall(SYS_pwritev, fd, pieces, count, offset, 0);
    return finish_write(fd, number, written, sum_lengths(pieces, count));
}

/* All writes without an offset come through here, to sockets too. */
static ssize_t write_on(int fd, const struct iovec *pieces, int count)
{
    if (recorder.on && is_store(fd)) {
        off_t offset = lseek(fd, 0, SEEK_CUR);
        uint64_t number =
            record(RF_TRACE_WRITE, (uint64_t)offset, pieces, count);
        ssize_t written = syscall(SYS_writev, fd, pieces, count);
        return finish_write(fd, number, written, sum_lengths(pieces, count));
    }
    if (recorder.on && is_socket(fd)) {
        record(RF_TRACE_SENT, (uint64_t)fd, pieces, count);
    }
    return syscall(SYS_writev, fd, pieces, count);
}

/* The functions that the library replaces. Their prototypes are those of the C
 * library; the ones with 64 in their names are the same on this platform. */
#pragma GCC visibility push(default)

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    struct iovec piece = {(void *)(uintptr_t)bytes, length};
    return write_at(fd, &piece, 1, offset);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset)
{
    return write_at(fd, pieces, count, offset);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    struct iovec piece = {(void *)(uintptr_t)bytes, length};
    return write_on(fd, &piece, 1);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    return write_on(fd, pieces, count);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
    if (recorder.on) {
        record_bytes(RF_TRACE_SENT, (uint64_t)fd, bytes, length);
    }
    return syscall(SYS_sendto, fd, bytes, length, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (recorder.on) {
        record(RF_TRACE_SENT, (uint64_t)fd, message->msg_iov,
               (int)message->msg_iovlen);
    }
    return syscall(SYS_sendmsg, fd, message, flags);
}

/* Make a sync and note which writes it covers: those made before it began. */
static int sync_file(long call, int fd)
{
    pthread_mutex_lock(&recorder.lock);
    uint64_t covered = recorder.next;
    pthread_mutex_unlock(&recorder.lock);
    int result = (int)syscall(call, fd);
    if (result == 0 && recorder.on && is_store(fd)) {
        record(RF_TRACE_SYNC, covered, NULL, 0);
    }
    return result;
}

int fsync(int fd)
{
    return sync_file(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_file(SYS_fdatasync, fd);
}

int ftruncate(int fd, off_t size)
{
    if (recorder.on && is_store(fd)) {
        record(RF_TRACE_TRUNCATE, (uint64_t)size, NULL, 0);
    }
    return (int)syscall(SYS_ftruncate, fd, size);
}

int rename(const char *from, const char *to)
{
    const char *store = getenv(RF_PRELOAD_STORE);
    if (recorder.on && store != NULL &&
        (strstr(from, store) != NULL || strstr(to, store) != NULL)) {
        record_unsound("the store is renamed");
    }
    return (int)syscall(SYS_rename, from, to);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd,
           off_t offset)
{
    if (recorder.on && is_store(fd) && (protection & PROT_WRITE) != 0 &&
        (flags & MAP_SHARED) != 0) {
        record_unsound("the store is mapped for writing");
    }
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd,
                           offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset)
    __attribute__((alias("pwrite")));
ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off_t offset)
    __attribute__((alias("pwritev")));
int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));
void *mmap64(void *address, size_t length, int protection, int flags, int fd,
             off_t offset) __attribute__((alias("mmap")));

#pragma GCC visibility pop
