/*
 * trace_rig.h - a sandbox for formulas in which every measure exists.
 *
 * Sources and measures are made when they are first named, without case, and
 * are 0 until they are set. ctx has channel ("web"), qty (3) and sku ("SKU-1").
 * Chunks see the prelude as `ringfence`, and three more functions of the
 * library: `keep(value)` keeps a value for ever and returns it, `kept()` gives
 * it back, `fresh()` returns a function of a script that branches.
 */
#ifndef RINGFENCE_TESTS_UNIT_TRACE_RIG_H
#define RINGFENCE_TESTS_UNIT_TRACE_RIG_H

#include "scripts/sandbox.h"
#include "scripts/trace.h"

#define TRACE_RIG_GROUPS 64
#define TRACE_RIG_SLOTS 512

typedef struct trace_rig {
    rf_schema schema;
    rf_reader reader;
    rf_sandbox *sandbox;
    char groups[TRACE_RIG_GROUPS][64]; /* sources; numbered from 2 */
    unsigned group_count;
    char slots[TRACE_RIG_SLOTS][128]; /* "source.measure" */
    rf_quantity values[TRACE_RIG_SLOTS];
    unsigned slot_count;
    rf_trace trace; /* of the last trace_rig_trace */
} trace_rig;

/* Make the sandbox, with room for so many formulas. */
void trace_rig_open(trace_rig *rig, size_t formulas);
void trace_rig_close(trace_rig *rig);

/* For cmocka: `*state` is a rig with room for 200 formulas, filled. */
int trace_rig_set_up(void **state);
int trace_rig_tear_down(void **state);

/* Load a chunk that returns a function, or a formula of (m, ctx) that is given
 * as its body; it has to go well. */
rf_function trace_rig_load(trace_rig *rig, const char *source);
rf_function trace_rig_load_body(trace_rig *rig, const char *body);

/* Set fno.onhand 250, fno.onordered 100, fno.reserved 40, fno.intransit 15,
 * @iv.@allocated 30, @iv.@promised 5, pos.fraction 0.1, pos.negative -7.25. */
void trace_rig_fill(trace_rig *rig);

/* Set a measure, in whole units or exactly. */
void trace_rig_set(trace_rig *rig, const char *name, double units);
void trace_rig_set_exactly(trace_rig *rig, const char *name,
                           rf_quantity quantity);

/* Call a function in Lua. */
rf_script_outcome trace_rig_try(trace_rig *rig, rf_function function,
                                rf_quantity *out, rf_script_failure *failure);
rf_quantity trace_rig_call(trace_rig *rig, rf_function function);

/* Trace a function into rig->trace; true: it was compiled. */
bool trace_rig_trace(trace_rig *rig, rf_function function);

/* The value of rig->trace's expression. */
rf_quantity trace_rig_value(const trace_rig *rig);

/* The names of rig->trace's reads, each with a blank behind it. */
void trace_rig_join_reads(const trace_rig *rig, char *out, size_t size);

/* Compare rig->trace with the function on samples, as is done at load; it has
 * to agree. The second compares the values that are set, too. */
void trace_rig_check_samples(trace_rig *rig, rf_function function);
void trace_rig_check_agrees(trace_rig *rig, rf_function function);

rf_quantity trace_rig_millionths(double units);

/* Add to a text that is being put together; it has to fit. */
void trace_rig_append(char *text, size_t size, const char *format, ...)
    RF_PRINTF(3, 4);

/* The name of a slot, for rf_trace_agrees; `self` is the rig. */
rf_text trace_rig_slot_name(void *self, unsigned slot);

#endif
