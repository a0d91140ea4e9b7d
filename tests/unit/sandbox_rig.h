/*
 * sandbox_rig.h - a sandbox with a few measures for scripts to read.
 *
 * m is { fno = { onhand, onordered, reserved, intransit }, ["@iv"] = {
 * ["@allocated"], ["@promised"] } }, ctx is { sku, node, channel, qty, nothing,
 * seconds }. Names compare without case.
 */
#ifndef RINGFENCE_TESTS_UNIT_SANDBOX_RIG_H
#define RINGFENCE_TESTS_UNIT_SANDBOX_RIG_H

#include "scripts/sandbox.h"

#include <stddef.h>

#define SANDBOX_RIG_MEASURES 6

typedef struct sandbox_rig {
    rf_sandbox *sandbox; /* NULL: it could not be made */
    rf_schema schema;
    rf_reader reader;
    double values[SANDBOX_RIG_MEASURES]; /* in units, in the order above */
    double quantity;                     /* ctx.qty */
    unsigned finds;                      /* how often the schema was asked */
    unsigned reads;                      /* how often the reader was */
} sandbox_rig;

/* Make a sandbox with these limits, or NULL for the default ones, and give the
 * measures the values 250, 100, 40, 15, 30 and 5, and ctx.qty 3. Returns what
 * rf_sandbox_create said. */
rf_status sandbox_rig_init(sandbox_rig *rig, const rf_sandbox_limits *limits);
void sandbox_rig_done(sandbox_rig *rig);

/* Set the measures and ctx.qty. */
void sandbox_rig_set(sandbox_rig *rig,
                     const double values[SANDBOX_RIG_MEASURES],
                     double quantity);

/* Load a function from the text of "script.lua", and call one. */
rf_script_outcome sandbox_rig_load(sandbox_rig *rig, rf_text source,
                                   rf_function *out,
                                   rf_script_failure *failure);
rf_script_outcome sandbox_rig_call(sandbox_rig *rig, rf_function function,
                                   rf_quantity *out,
                                   rf_script_failure *failure);

/* Read a whole file into heap memory that the caller frees with free(). */
rf_text sandbox_rig_read_file(const char *path);

/* ---- Assertions, for cmocka tests whose state is a rig ---- */

/* Make and end the rig of one case. */
int sandbox_rig_set_up(void **state);
int sandbox_rig_tear_down(void **state);

/* Load what must load. */
rf_function sandbox_rig_must_load(sandbox_rig *rig, const char *source);

/* Assert what the function in `source` gives back, in millionths. */
void sandbox_rig_assert_gives(sandbox_rig *rig, const char *source,
                              rf_quantity expected);

/* Assert the value of an expression over m and ctx, in whole units. */
void sandbox_rig_assert_value(sandbox_rig *rig, const char *expression,
                              int64_t expected);

/* Assert that an expression is true. */
void sandbox_rig_assert_holds(sandbox_rig *rig, const char *condition);

/* Call what must fail, and return how. */
rf_script_failure sandbox_rig_call_to_fail(sandbox_rig *rig,
                                           rf_function function,
                                           rf_script_outcome expected);

/* Assert how the evaluation of an expression fails, with its message. */
void sandbox_rig_assert_fails(sandbox_rig *rig, const char *expression,
                              rf_script_outcome expected, const char *message);

/* Load what must be refused, and return how. */
rf_script_failure sandbox_rig_load_to_fail(sandbox_rig *rig, rf_text source,
                                           rf_script_outcome expected);

/* Assert how a source is refused; line 0: without a place. */
void sandbox_rig_assert_rejected(sandbox_rig *rig, const char *source,
                                 rf_script_outcome expected,
                                 const char *message, int line);

#endif
