/*
 * sandbox_internal.h - what the files of the sandbox, the tracer and the
 * plugin loader share; only files that include lua.h themselves need it.
 *
 * sandbox.c makes states, loads and calls; barrier.c is the allocator, the
 * budget and the barrier; library.c and order.c what scripts may call; view.c
 * the arguments; freeze.c what functions captured; bytecode.c reads compiled
 * functions.
 */
#ifndef RINGFENCE_SCRIPTS_SANDBOX_INTERNAL_H
#define RINGFENCE_SCRIPTS_SANDBOX_INTERNAL_H

#include "scripts/sandbox.h"

struct lua_State;

/* What the files of the sandbox share of it; nobody else looks inside. */
struct rf_sandbox {
    struct lua_State *L;
    rf_sandbox_limits limits;
    const rf_schema *schema;
    const rf_reader *reader; /* of the innermost call */

    /* Memory, in bytes. */
    size_t used;
    size_t peak;
    size_t cap;
    size_t block_max;
    const void *string_table; /* Lua's own, the one block without a cap */
    unsigned refusals;        /* since the outermost entry */
    bool is_heap_empty;       /* one of them was the process's own */

    /* The budget of the outermost entry. */
    int64_t instructions_left;
    int64_t half_ns; /* when half of the deadline is over, 0: not known yet */
    int64_t end_ns;  /* the whole, by the clock of the thread; likewise */
    rf_budget budget;

    /* A limit that was hit: RF_SCRIPT_OK, or what every entry now ends with. */
    rf_script_outcome breach;
    bool is_late; /* it was the deadline */
    char breach_file[56];
    int breach_line;

    /* What the error about to be raised is. */
    rf_script_outcome blame;
    rf_status cause;

    unsigned depth; /* entries inside each other */
    bool is_spent;
    bool is_loading;
    size_t names_left; /* that the views may still remember */
    int measures_view; /* where the views are kept */
    int context_view;
};

/* The sandbox a state belongs to. */
rf_sandbox *rf_sandbox__of(struct lua_State *L);

/* Run `function` protected, with `argument` as its only parameter (a light
 * userdata), under a budget; nothing is returned on the stack. It leaves by
 * returning or by raising; what it raises is told in `failure`. A C function
 * that knows better what went wrong sets `failure->outcome` through
 * rf_sandbox__blame before it raises. */
RF_MUST_CHECK rf_script_outcome
rf_sandbox__enter(rf_sandbox *sandbox, int (*function)(struct lua_State *L),
                  void *argument, rf_budget budget, rf_script_failure *failure);

/* The same, and once more after a full collection when memory ran out: what
 * earlier entries left behind shall not be this one's fault. */
RF_MUST_CHECK rf_script_outcome rf_sandbox__enter_clean(
    rf_sandbox *sandbox, int (*function)(struct lua_State *L), void *argument,
    rf_budget budget, rf_script_failure *failure);

/* Make the bare state; false: no memory. */
RF_MUST_CHECK bool rf_sandbox__open(rf_sandbox *sandbox);

/* Say what the error about to be raised is; it counts only if the entry fails
 * and no limit was hit. */
void rf_sandbox__blame(struct lua_State *L, rf_script_outcome outcome,
                       rf_status cause);

/* Raise the message on top as it is, with no place put in front of it, and say
 * what it is. [-1, +0, e] */
int rf_sandbox__raise(struct lua_State *L, rf_script_outcome outcome);

/* Charge work done in C to the budget; raises when it is spent, or when any
 * limit was hit before. [-0, +0, e] */
void rf_sandbox__charge(struct lua_State *L, int64_t instructions);

/* Raise out of memory: the heap refused something of ours. [-0, +0, e] */
int rf_sandbox__raise_no_memory(struct lua_State *L);

/* ---- Inside a protected entry ---- */

/* Compile a text chunk, check its sizes, and give it the library as its
 * environment; raises when refused. [-0, +1, e] */
void rf_sandbox__compile(struct lua_State *L, const char *name, rf_text source);

/* Freeze everything the function at `index` captured, and refuse it when it
 * assigns a captured variable (outcome impure). [-0, +0, e] */
void rf_sandbox__seal(struct lua_State *L, int index);

/* Push the read-only face of the table on top in its place; tables inside it
 * are frozen too, functions sealed. A table that is frozen already stays.
 * [-1, +1, e] */
void rf_sandbox__freeze(struct lua_State *L);

/* The same for this table alone, and always a new face. [-1, +1, e] */
void rf_freeze__face(struct lua_State *L);

/* Forget which tables were frozen: the next meeting with one makes another
 * face. [-0, +0, e] */
void rf_freeze__forget(struct lua_State *L);

/* The __newindex of everything read-only. */
int rf_freeze__refuse(struct lua_State *L);

/* Push the global library table that chunks see, to add to it while the state
 * is being made. [-0, +1, e] */
void rf_sandbox__push_library(struct lua_State *L);

/* Push the views m and ctx. [-0, +2, e] */
void rf_sandbox__push_views(struct lua_State *L);

/* Keep the function on top. [-1, +0, e] */
rf_function rf_sandbox__keep(struct lua_State *L);
void rf_sandbox__push_function(struct lua_State *L, rf_function function);

/* Push the functions scripts may call, as a plain table. [-0, +1, e] */
void rf_library__push(struct lua_State *L);

/* Sort `count` elements of the table at `array`, equal ones in their order; by
 * the function at `compare`, or with 0, which is for numbers and texts, numbers
 * first. [-0, +0, e] */
void rf_order__sort(struct lua_State *L, int array, int count, int compare);

/* Replace an array of keys, and the value on top that can be asked for them, by
 * what a generic `for` needs to go over the keys in order. [-2, +3, e] */
void rf_order__iterate(struct lua_State *L);

/* Make the views m and ctx and keep them. [-0, +0, e] */
void rf_view__open(struct lua_State *L);

/* ---- Tracing ---- */

/* What the library asks when it meets a userdata that stands for a measure
 * (trace.c): whether the value at `index` is one, and to make the largest or
 * smallest of all arguments. Library functions that are given one and do not
 * know it must raise. */
bool rf_trace__is_symbol(struct lua_State *L, int index);
int rf_trace__extremum(struct lua_State *L, bool largest);

/* ---- Compiled functions ---- */

/* What the code of a function, with all functions inside it, may do. */
typedef enum {
    RF_CODE_FOREIGN = 1 << 0,       /* not the format we know: trust nothing */
    RF_CODE_TOO_LARGE = 1 << 1,     /* over the limits for one function */
    RF_CODE_SETS_CAPTURED = 1 << 2, /* assigns a variable from outside */
    RF_CODE_NOT_STRAIGHT = 1 << 3   /* holds an instruction beyond the white
                                       list of the tracer */
} rf_code_flag;

/* Inspect the Lua function at `index`; limits of 0 are none. [-0, +0, e] */
unsigned rf_bytecode_inspect(struct lua_State *L, int index,
                             unsigned instructions_max, unsigned constants_max);

/* Compile known snippets and compare what is found; false: the numbers of the
 * instructions are not those we know. [-0, +0, e] */
bool rf_bytecode_self_test(struct lua_State *L);

#endif
