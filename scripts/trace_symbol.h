/*
 * trace_symbol.h - what a formula is given in place of measures.
 *
 * Symbols are userdata of four kinds: `m`, its groups, `ctx`, and values, each
 * of which stands for a node of the expression. They accept what the expression
 * can say and raise on everything else. A symbol belongs to the trace that made
 * it and raises when it is used after that has ended.
 *
 * For the files of the tracer, inside a protected entry.
 */
#ifndef RINGFENCE_SCRIPTS_TRACE_SYMBOL_H
#define RINGFENCE_SCRIPTS_TRACE_SYMBOL_H

#include "scripts/trace.h"
#include "scripts/trace_nodes.h"

struct lua_State;

/* One trace under way. */
typedef struct rf_tracing {
    rf_trace *out;
    char file[56]; /* where the formula stands */
    int line;
    rf_trace_nodes nodes;
    struct rf_symbol_desk *desk; /* in the state; NULL: not begun */
} rf_tracing;

/* Make the tracing the one that symbols of this state belong to.
 * [-0, +0, e] */
void rf_symbol__begin(struct lua_State *L, rf_tracing *tracing);

/* Let all symbols of the trace be over. May be called without the state being
 * entered, and when begin has raised. */
void rf_symbol__end(rf_tracing *tracing);

/* The trace under way in the state, or NULL. [-0, +0, e] */
rf_tracing *rf_symbol__tracing(struct lua_State *L);

/* Push the symbols for m and ctx. [-0, +2, e] */
void rf_symbol__push_views(struct lua_State *L, const rf_tracing *tracing);

/* The node of a value, which must be a symbol for one or a number that an
 * expression can hold; raises. [-0, +0, e] */
uint16_t rf_symbol__node(struct lua_State *L, rf_tracing *tracing, int index);

/* Raise, with why the formula stays in Lua; it never returns. */
int rf_symbol__refuse(struct lua_State *L, rf_tracing *tracing,
                      const char *reason);

/* Remember that the function on top was looked at: whether it is the script's
 * own. [-1, +0, e] */
void rf_symbol__know_function(struct lua_State *L, bool is_own);

/* Whether the function on top is known already. [-0, +0, e] */
bool rf_symbol__knows_function(struct lua_State *L);

#endif
