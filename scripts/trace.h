/*
 * trace.h - formulas as data.
 *
 * A function whose code is one straight line is called once with symbols in
 * place of measures; every operation on a symbol makes a node of an
 * expression. What comes back is the formula, which the core evaluates in exact
 * decimals. Whatever the proof does not cover stays in Lua.
 *
 * The proof: an instruction of the white list (bytecode.c) does the same
 * whatever the measures hold. Each function is checked when the trace is about
 * to call it, so that all of what ran is known to be the only path there is.
 * Functions of the library are trusted to handle symbols or to raise.
 *
 * An expression gives what Lua computes, rounded, wherever Lua's floats are
 * exact enough to tell; beyond that it is the expression that is right.
 */
#ifndef RINGFENCE_SCRIPTS_TRACE_H
#define RINGFENCE_SCRIPTS_TRACE_H

#include "core/expression.h"
#include "scripts/sandbox.h"

#include <stddef.h>

#define RF_TRACE_READS_MAX 256

/* One measure that a formula reads, in lower case ("pos.inbound"), and where
 * its code does so first. Memory of the trace. */
typedef struct rf_trace_read {
    char name[128];
    char file[56];
    int line;
} rf_trace_read;

typedef struct rf_trace {
    rf_expression expression; /* no nodes: the formula stays in Lua */
    rf_expression_node nodes[RF_EXPRESSION_NODES_MAX];
    char reason[120];                        /* why it stays in Lua, or "" */
    rf_trace_read reads[RF_TRACE_READS_MAX]; /* by number, none twice */
    size_t read_count;
} rf_trace;

/* Trace a kept function. Never fails: a formula that cannot be traced, for
 * whatever reason, stays in Lua, and `reads` then has what its code shows to be
 * read for certain. Memory that runs out is such a reason.
 *
 * `reason` goes on "it ...": "divides", "compares or branches", "reads ctx".
 * With an expression, `reads` are all that the function reads, also those that
 * do not matter to its value. The expression points into `out`. */
void rf_trace_formula(rf_sandbox *sandbox, rf_function function, rf_trace *out);

/* Give the name of a slot ("pos.inbound") that the sandbox's schema gave out
 * for a measure; borrowed until the next call. Case does not matter. */
typedef rf_text rf_trace_slot_name(void *self, unsigned slot);

/* Compare a formula's expression with what Lua makes of the function, on zeros,
 * ones, fractions, negative, large and mixed values; as exactly as Lua's floats
 * allow. The function is called with a reader that asks `slot_name` which of
 * the trace's reads a slot is. False: they differ, or Lua failed, and `failure`
 * says how (outcome RF_SCRIPT_CONTRACT when they differ). */
RF_MUST_CHECK bool rf_trace_agrees(rf_sandbox *sandbox, rf_function function,
                                   const rf_trace *trace,
                                   rf_trace_slot_name *slot_name, void *self,
                                   rf_script_failure *failure);

#endif
