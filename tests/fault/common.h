/*
 * common.h - what every fault test needs: test output, randomness, files.
 *
 * The tests print TAP (one "ok" or "not ok" line per case), so that a driver
 * can count cases. A failed case is a finding about the server; anything that
 * keeps the test itself from working ends the program with "Bail out!".
 * Nothing here knows of the server, of HTTP or of a store.
 */
#ifndef RINGFENCE_TESTS_FAULT_COMMON_H
#define RINGFENCE_TESTS_FAULT_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The count of printed cases. Set up with zeros. */
typedef struct rf_tap {
    unsigned cases;
    unsigned failed;
} rf_tap;

/* Print one case and return `passed`. */
bool rf_tap_ok(rf_tap *tap, bool passed, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Print one case that cannot be run here, and why. */
void rf_tap_skip(rf_tap *tap, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Print one comment line. */
void rf_tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Print the plan. Returns the exit code of the program: 0 or 1. */
int rf_tap_done(const rf_tap *tap);

/* Print "Bail out!" with the reason and end the program with status 1. */
_Noreturn void rf_common_die(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* A generator that gives the same numbers for the same seed everywhere. */
typedef struct rf_random {
    uint64_t state;
} rf_random;

/* Return the seed of this run: RINGFENCE_SEED, or else a fresh one. Prints it,
 * so that a failed run can be repeated. */
uint64_t rf_random_seed(void);

/* Return the next 64 bits. */
uint64_t rf_random_next(rf_random *random);

/* Return a number from 0 to limit - 1; `limit` is above 0. */
uint64_t rf_random_below(rf_random *random, uint64_t limit);

/* Return a text made from a format: owned, free with free(). */
char *rf_common_format(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Return zeroed memory: owned, free with free(). */
void *rf_common_alloc(size_t count, size_t size);

/* Return a block grown to `size` bytes; `block` is gone afterwards. */
void *rf_common_grow(void *block, size_t size);

/* Return the monotonic time in milliseconds. */
uint64_t rf_common_now_ms(void);

/* Return whether RINGFENCE_LONG asks for the long mode. */
bool rf_common_is_long(void);

/* Return an environment variable that must be set: borrowed. */
const char *rf_common_need(const char *name);

/* Replace a file by these bytes. */
void rf_common_write_file(const char *path, const void *bytes, size_t length);

/* Return a whole file with a NUL behind it: owned. */
char *rf_common_read_file(const char *path, size_t *length_out);

/* Make a directory of our own below TMPDIR or /tmp: owned path. */
char *rf_common_make_directory(void);

/* Remove a directory and all below it. */
void rf_common_remove_tree(const char *path);

/* Run a program to its end and return its wait status. When `output_out` is
 * not NULL it gets what was printed to standard output (owned). */
int rf_common_run(char *const arguments[], char **output_out);

#endif
