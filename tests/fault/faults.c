/*
 * faults.c - a preloaded library that makes chosen system calls fail.
 *
 * What fails, and when, the test says through the switch (switch.h). A call
 * that is made to fail does nothing at all. A SHORT write really takes half of
 * its bytes, as a disk or a socket does that has no more room. A LATE write is
 * made, and then reported as failed: the caller cannot know.
 */
#include "tests/fault/preload.h"
#include "tests/fault/switch.h"

#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/uio.h>

enum {
    NO_FAULT = 0,
    SHORT = -1,
    LATE = -2
};

static const struct {
    const char *name;
    int error;
} errors[] = {{"EIO", EIO},
              {"ENOSPC", ENOSPC},
              {"EDQUOT", EDQUOT},
              {"EINTR", EINTR},
              {"ENOMEM", ENOMEM},
              {"EMFILE", EMFILE},
              {"ENFILE", ENFILE},
              {"ECONNABORTED", ECONNABORTED},
              {"ECONNRESET", ECONNRESET},
              {"EPIPE", EPIPE},
              {"SHORT", SHORT},
              {"LATE", LATE}};

/* The fault as last read from the switch. */
static struct {
    pthread_mutex_t lock;
    rf_switch *control; /* NULL: this process has no faults */
    unsigned generation;
    char class[16];
    unsigned long countdown; /* calls until the fault strikes, 0 for never */
    bool sticky;
    int error;
} fault = {.lock = PTHREAD_MUTEX_INITIALIZER};

__attribute__((constructor)) static void map_switch(void)
{
    const char *path = getenv(RF_SWITCH_PATH);
    int fd = path != NULL
                 ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC)
                 : -1;
    if (fd < 0) {
        return;
    }
    void *mapped = (void *)syscall(SYS_mmap, NULL, sizeof(rf_switch),
                                   PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    fault.control = mapped != MAP_FAILED ? mapped : NULL;
    syscall(SYS_close, fd);
}

/* Return whether an error can be had by a class of calls. */
static bool makes_sense(const char *class, int error)
{
    bool store = strcmp(class, "data") == 0 || strcmp(class, "meta") == 0;
    return error > NO_FAULT || store ||
           (error == SHORT && strcmp(class, "send") == 0);
}

/* Read the switch's text. One that makes no sense ends the program: a fault
 * that never strikes would let a test pass for nothing. */
static void read_spec(void)
{
    char name[16] = "";
    char sticky[8] = "";
    unsigned long nth = 0;
    fault.countdown = 0;
    if (fault.control->spec[0] == '\0') {
        return;
    }
    int fields = sscanf(fault.control->spec, "%15[^:]:%lu:%15[^:]:%7s",
                        fault.class, &nth, name, sticky);
    fault.sticky = strcmp(sticky, "sticky") == 0;
    for (size_t at = 0; at < sizeof errors / sizeof errors[0]; at++) {
        if (fields >= 3 && strcmp(errors[at].name, name) == 0) {
            fault.error = errors[at].error;
            fault.countdown = nth;
        }
    }
    if (fault.countdown == 0 || !makes_sense(fault.class, fault.error)) {
        abort();
    }
}

/* Count one call of a class. Returns NO_FAULT, SHORT, LATE or the error
 * to fail with. */
static int strike(const char *class)
{
    int error = NO_FAULT;
    if (fault.control == NULL) {
        return NO_FAULT;
    }
    pthread_mutex_lock(&fault.lock);
    unsigned generation = atomic_load(&fault.control->generation);
    if (generation != fault.generation) {
        fault.generation = generation;
        read_spec();
    }
    if (fault.countdown > 0 && strcmp(class, fault.class) == 0) {
        fault.countdown--;
        if (fault.countdown == 0) {
            fault.countdown = fault.sticky ? 1 : 0;
            error = fault.error;
            /* Were later writes made too, the caller could undo the first. */
            fault.error = error == LATE ? EIO : error;
            atomic_fetch_add(&fault.control->hits, 1);
        }
    }
    pthread_mutex_unlock(&fault.lock);
    return error;
}

/* Return the class of a write to a descriptor, NULL for none. */
static const char *write_class(int fd)
{
    switch (watch_of(fd)) {
    case STORE:
        return "data";
    case STORE_DURABLE:
        return "meta";
    case STORE_LOCK:
        return NULL;
    case OTHER:
    default:
        return is_socket(fd) ? "send" : NULL;
    }
}

/* Copy the first half of some pieces, at least one byte. Returns how many
 * pieces that makes. */
static int halve(const struct iovec *pieces, int count, struct iovec *out)
{
    size_t length = 0;
    int used = 0;
    for (int piece = 0; piece < count; piece++) {
        length += pieces[piece].iov_len;
    }
    for (size_t half = (length + 1) / 2; half > 0; used++) {
        out[used] = pieces[used];
        if (out[used].iov_len > half) {
            out[used].iov_len = half;
        }
        half -= out[used].iov_len;
    }
    return used;
}

/* Make a write, whole, by half or not at all. An offset of -1 means where the
 * descriptor stands. */
static ssize_t write_pieces(int fd, const struct iovec *pieces, int count,
                            off_t offset)
{
    struct iovec some[IOV_MAX];
    const char *class = fault.control != NULL ? write_class(fd) : NULL;
    int error = class != NULL ? strike(class) : NO_FAULT;
    if (error == SHORT) {
        count = halve(pieces, count, some);
        pieces = some;
    } else if (error > NO_FAULT) {
        errno = error;
        return -1;
    }
    ssize_t written = offset < 0
                          ? syscall(SYS_writev, fd, pieces, count)
                          : syscall(SYS_pwritev, fd, pieces, count, offset, 0);
    if (error == LATE) {
        errno = EIO;
        return -1;
    }
    return written;
}

/* Make a call that can only fail or not. */
static bool fails(const char *class, bool concerned)
{
    int error = concerned ? strike(class) : NO_FAULT;
    if (error == NO_FAULT) {
        return false;
    }
    errno = error;
    return true;
}

/* The functions that the library replaces. Their prototypes are those of the C
 * library; the ones with 64 in their names are the same on this platform. */
#pragma GCC visibility push(default)

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    struct iovec piece = {(void *)(uintptr_t)bytes, length};
    return write_pieces(fd, &piece, 1, offset);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset)
{
    return write_pieces(fd, pieces, count, offset);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    struct iovec piece = {(void *)(uintptr_t)bytes, length};
    return write_pieces(fd, &piece, 1, -1);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    return write_pieces(fd, pieces, count, -1);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
    int error = strike("send");
    if (error != NO_FAULT && error != SHORT) {
        errno = error;
        return -1;
    }
    length = error == SHORT ? (length + 1) / 2 : length;
    return syscall(SYS_sendto, fd, bytes, length, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct iovec some[IOV_MAX];
    struct msghdr copy = *message;
    int error = strike("send");
    if (error == SHORT) {
        copy.msg_iovlen =
            (size_t)halve(message->msg_iov, (int)message->msg_iovlen, some);
        copy.msg_iov = some;
    } else if (error != NO_FAULT) {
        errno = error;
        return -1;
    }
    return syscall(SYS_sendmsg, fd, &copy, flags);
}

int fdatasync(int fd)
{
    return fails("sync", is_store(fd)) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return fails("sync", is_store(fd)) ? -1 : (int)syscall(SYS_fsync, fd);
}

int ftruncate(int fd, off_t size)
{
    return fails("truncate", watch_of(fd) != OTHER)
               ? -1
               : (int)syscall(SYS_ftruncate, fd, size);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd,
           off_t offset)
{
    return fails("mmap", watch_of(fd) != OTHER)
               ? MAP_FAILED
               : (void *)syscall(SYS_mmap, address, length, protection, flags,
                                 fd, offset);
}

int accept4(int fd, __SOCKADDR_ARG address, socklen_t *length, int flags)
{
    return fails("accept", true)
               ? -1
               : (int)syscall(SYS_accept4, fd, address.__sockaddr__, length,
                              flags);
}

int accept(int fd, __SOCKADDR_ARG address, socklen_t *length)
{
    return accept4(fd, address, length, 0);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset)
    __attribute__((alias("pwrite")));
ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off_t offset)
    __attribute__((alias("pwritev")));
int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));
void *mmap64(void *address, size_t length, int protection, int flags, int fd,
             off_t offset) __attribute__((alias("mmap")));

#pragma GCC visibility pop
