/*
 * flush.c - how long the disk under a directory takes to make 4 KB durable.
 *
 * Figures of a durable store mean nothing without the time of one flush, and
 * two of them can be compared only when that time was the same. Writes 200
 * blocks of a preallocated file, one fdatasync after each, and prints
 * `flush_p50_us` and `flush_p99_us`. The file is gone when the program ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCKS 200
#define BLOCK_BYTES 4096
#define PATH_BYTES 4096

static double read_clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Blocks that were written once, so that a flush later on carries data only
 * and no change of the file's size. */
static bool preallocate(int file, const char *block)
{
    for (int i = 0; i < BLOCKS; i++) {
        if (pwrite(file, block, BLOCK_BYTES, (off_t)i * BLOCK_BYTES) !=
            BLOCK_BYTES) {
            return false;
        }
    }
    return fsync(file) == 0;
}

static bool measure(int file, const char *block, double *took_us)
{
    for (int i = 0; i < BLOCKS; i++) {
        double start_us = read_clock_us();
        if (pwrite(file, block, BLOCK_BYTES, (off_t)i * BLOCK_BYTES) !=
                BLOCK_BYTES ||
            fdatasync(file) != 0) {
            return false;
        }
        took_us[i] = read_clock_us() - start_us;
    }
    return true;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

int main(int argc, char **argv)
{
    static char block[BLOCK_BYTES];
    static double took_us[BLOCKS];
    char path[PATH_BYTES];
    if (argc != 2 || snprintf(path, sizeof path, "%s/flush-XXXXXX", argv[1]) >=
                         (int)sizeof path) {
        fputs("usage: flush DIRECTORY\n", stderr);
        return 2;
    }
    int file = mkstemp(path);
    if (file < 0) {
        fprintf(stderr, "flush: %s: %s\n", path, strerror(errno));
        return 1;
    }
    unlink(path);
    memset(block, 'x', sizeof block);
    if (!preallocate(file, block) || !measure(file, block, took_us)) {
        fprintf(stderr, "flush: %s: %s\n", path, strerror(errno));
        close(file);
        return 1;
    }
    close(file);
    qsort(took_us, BLOCKS, sizeof took_us[0], compare);
    printf("flush_p50_us %.1f\nflush_p99_us %.1f\n", took_us[BLOCKS / 2],
           took_us[BLOCKS * 99 / 100]);
    return 0;
}
