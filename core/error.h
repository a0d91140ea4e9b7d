/*
 * error.h - how a failure is told: a status, a field and a sentence.
 *
 * The caller owns the rf_error, usually on its stack, and may pass NULL. The
 * text is written once, where the failure is found, and passed up untouched.
 * Nothing here allocates.
 */
#ifndef RINGFENCE_CORE_ERROR_H
#define RINGFENCE_CORE_ERROR_H

#include "core/status.h"

#define RF_MUST_CHECK __attribute__((warn_unused_result))
#define RF_PRINTF(text, first) __attribute__((format(printf, text, first)))

/* Where in a plugin something is wrong; no plugin: all of it is empty. */
typedef struct rf_script_place {
    char plugin[56];
    char file[56];
    char function[72]; /* "iv.onhand", or "" */
    int line;          /* 0: unknown */
} rf_script_place;

typedef struct rf_error {
    rf_status status;
    char field[128];   /* JSON path such as "dimensions.TillColor", or "" */
    char message[256]; /* one line, no full stop needed */
    rf_script_place script;
} rf_error;

/* Record a failure and return its status, so that a caller can write
 * `return rf_fail(err, RF_E_LIMIT, "...", ...)`. `err` may be NULL. Text that
 * does not fit is cut at a character boundary. */
rf_status rf_fail(rf_error *err, rf_status status, const char *format, ...)
    RF_PRINTF(3, 4);

/* The same, naming the field of the request that is at fault. */
rf_status rf_fail_field(rf_error *err, rf_status status, const char *field,
                        const char *format, ...) RF_PRINTF(4, 5);

/* Stop the process: one of our own invariants is broken, and going on could
 * sell the same unit twice. Never used on bytes from outside. */
#define RF_ASSERT(condition)                                                   \
    ((condition) ? (void)0 : rf_assert_failed(#condition, __FILE__, __LINE__))

_Noreturn void rf_assert_failed(const char *condition, const char *file,
                                int line);

#endif
