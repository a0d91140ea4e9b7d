/*
 * common.c - test output, randomness, files and programs for the fault tests.
 */
#include "tests/fault/common.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

bool rf_tap_ok(rf_tap *tap, bool passed, const char *format, ...)
{
    va_list arguments;
    tap->cases++;
    tap->failed += passed ? 0 : 1;
    printf("%s %u - ", passed ? "ok" : "not ok", tap->cases);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    return passed;
}

void rf_tap_skip(rf_tap *tap, const char *format, ...)
{
    va_list arguments;
    tap->cases++;
    printf("ok %u # SKIP ", tap->cases);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
}

void rf_tap_note(const char *format, ...)
{
    va_list arguments;
    printf("# ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
}

int rf_tap_done(const rf_tap *tap)
{
    printf("1..%u\n", tap->cases);
    fflush(stdout);
    return tap->failed == 0 ? 0 : 1;
}

void rf_common_die(const char *format, ...)
{
    va_list arguments;
    printf("Bail out! ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    exit(1);
}

uint64_t rf_random_seed(void)
{
    uint64_t seed = 0;
    const char *given = getenv("RINGFENCE_SEED");
    if (given != NULL) {
        seed = strtoull(given, NULL, 10);
    } else if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
        rf_common_die("no random seed: %s", strerror(errno));
    }
    seed %= 1000000000;
    rf_tap_note("seed %llu (set RINGFENCE_SEED to run it again)",
                (unsigned long long)seed);
    return seed;
}

/* The splitmix64 generator: one addition and two multiplications, and every
 * seed is a good one. */
uint64_t rf_random_next(rf_random *random)
{
    random->state += 0x9e3779b97f4a7c15U;
    uint64_t mixed = random->state;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31);
}

uint64_t rf_random_below(rf_random *random, uint64_t limit)
{
    return rf_random_next(random) % limit;
}

char *rf_common_format(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        rf_common_die("out of memory");
    }
    return text;
}

void *rf_common_alloc(size_t count, size_t size)
{
    void *block = calloc(count, size);
    if (block == NULL) {
        rf_common_die("out of memory");
    }
    return block;
}

void *rf_common_grow(void *block, size_t size)
{
    void *grown = realloc(block, size);
    if (grown == NULL) {
        rf_common_die("out of memory");
    }
    return grown;
}

uint64_t rf_common_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool rf_common_is_long(void)
{
    const char *value = getenv("RINGFENCE_LONG");
    return value != NULL && strcmp(value, "1") == 0;
}

const char *rf_common_need(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL || value[0] == '\0') {
        rf_common_die("%s is not set", name);
    }
    return value;
}

void rf_common_write_file(const char *path, const void *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const char *rest = bytes;
    while (fd >= 0 && length > 0) {
        ssize_t written = write(fd, rest, length);
        if (written <= 0) {
            break;
        }
        rest += written;
        length -= (size_t)written;
    }
    if (fd < 0 || length > 0) {
        rf_common_die("cannot write %s: %s", path, strerror(errno));
    }
    close(fd);
}

/* Read from a descriptor to its end. */
static char *read_all(int fd, size_t *length_out)
{
    size_t length = 0;
    size_t capacity = 65536;
    char *bytes = rf_common_alloc(capacity, 1);
    for (;;) {
        ssize_t got = read(fd, bytes + length, capacity - length - 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        length += (size_t)got;
        if (capacity - length < 32768) {
            capacity *= 2;
            bytes = rf_common_grow(bytes, capacity);
        }
    }
    bytes[length] = '\0';
    if (length_out != NULL) {
        *length_out = length;
    }
    return bytes;
}

char *rf_common_read_file(const char *path, size_t *length_out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        rf_common_die("cannot read %s: %s", path, strerror(errno));
    }
    char *bytes = read_all(fd, length_out);
    close(fd);
    return bytes;
}

char *rf_common_make_directory(void)
{
    const char *base = getenv("TMPDIR");
    char *path = rf_common_format("%s/ringfence-fault-XXXXXX",
                                  base != NULL ? base : "/tmp");
    if (mkdtemp(path) == NULL) {
        rf_common_die("cannot make %s: %s", path, strerror(errno));
    }
    return path;
}

static int remove_entry(const char *path, const struct stat *status, int type,
                        struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void rf_common_remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* The child's half of a run: standard output goes to the pipe, or nowhere. */
_Noreturn static void execute(char *const arguments[], int output)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(output, STDOUT_FILENO);
    execv(arguments[0], arguments);
    _exit(127);
}

int rf_common_run(char *const arguments[], char **output_out)
{
    int ends[2];
    int status = 0;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        rf_common_die("no pipe: %s", strerror(errno));
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execute(arguments, ends[1]);
    }
    close(ends[1]);
    char *output = read_all(ends[0], NULL);
    close(ends[0]);
    if (child < 0 || waitpid(child, &status, 0) != child) {
        rf_common_die("cannot run %s: %s", arguments[0], strerror(errno));
    }
    if (output_out != NULL) {
        *output_out = output;
    } else {
        free(output);
    }
    return status;
}
