/*
 * trace.c - running a formula on symbols.
 *
 * The run is watched by a hook that sees every call before the first
 * instruction of the function called. A Lua function that is neither straight
 * nor the library's own ends the trace there, before it could be wrong. So does
 * a run of too many instructions: helpers that call each other twice need no
 * loop for that, and a breach of the sandbox's own limits would cost the state.
 */
#include "scripts/trace.h"

#include "core/buffer.h"
#include "scripts/code.h"
#include "scripts/reads.h"
#include "scripts/sandbox_internal.h"
#include "scripts/trace_symbol.h"

#include <lauxlib.h>
#include <lua.h>

#include <stdio.h>
#include <string.h>

/* Instructions of one trace. A formula of 128 operations needs a few hundred.
 */
#define STEPS_MAX 20000

/* Calls inside each other. More would fill the state's stack. */
#define CALLS_MAX 60

/* What the sandbox may stop a trace for: more than STEPS_MAX, and longer than
 * that takes on any machine. */
static const rf_budget trace_budget = {INT64_C(10) * STEPS_MAX,
                                       INT64_C(10000000000)};

/* How deep the library's tables and functions are followed. */
#define LIBRARY_DEPTH_MAX 20

/* Memory for one function taken apart. */
#define CODE_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define CODE_BLOCK_BYTES ((size_t)16 * 1024)

/* A trace and what the hook needs; the first member leads from the state to
 * the whole. */
typedef struct trace_run {
    rf_tracing tracing;
    rf_function function;
    uint16_t result;     /* node of the formula's value */
    lua_Hook watch;      /* the sandbox's own hook */
    int steps;           /* so far */
    rf_buffer formula;   /* dumped */
    rf_buffer obstacle;  /* the function that ended the trace, dumped */
    bool is_in_obstacle; /* the trace ended for one */
} trace_run;

static int append_dump(lua_State *L, const void *bytes, size_t size, void *out)
{
    (void)L;
    rf_buffer_append(out, bytes, size);
    return rf_buffer_failed(out) ? 1 : 0;
}

/* Dump the function on top, with its lines. A failure is left in the buffer.
 * [-0, +0, -] */
static void dump_function(lua_State *L, rf_buffer *out)
{
    (void)lua_dump(L, append_dump, out, 0);
}

/* ---- The library's own functions ---- */

static void know_library(lua_State *L, int seen, int depth);

/* Follow what the function on top captured. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void know_captured(lua_State *L, int seen, int depth)
{
    for (int i = 1; lua_getupvalue(L, -1, i) != NULL; i++) {
        know_library(L, seen, depth + 1);
        lua_pop(L, 1);
    }
}

/* Follow the fields of the table on top; those of a frozen table are behind
 * it. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void know_fields(lua_State *L, int seen, int depth)
{
    if (luaL_getmetafield(L, -1, "__index") != LUA_TNIL) {
        know_library(L, seen, depth + 1);
        lua_pop(L, 1);
    }
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        know_library(L, seen, depth + 1);
        lua_pop(L, 1);
    }
}

/* Put the value on top into `seen` with all tables and Lua functions that can
 * be reached from it. C functions are not followed: what they keep may be of
 * scripts. [-0, +0, e] */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void know_library(lua_State *L, int seen, int depth)
{
    bool is_table = lua_type(L, -1) == LUA_TTABLE;
    bool is_function = lua_isfunction(L, -1) && !lua_iscfunction(L, -1);
    if (depth == LIBRARY_DEPTH_MAX || (!is_table && !is_function)) {
        return;
    }
    luaL_checkstack(L, 8, "library");
    lua_pushvalue(L, -1);
    bool is_seen = lua_rawget(L, seen) != LUA_TNIL;
    lua_pop(L, 1);
    if (is_seen) {
        return;
    }
    lua_pushvalue(L, -1);
    lua_pushboolean(L, 1);
    lua_rawset(L, seen);
    if (is_table) {
        know_fields(L, seen, depth);
    } else {
        know_captured(L, seen, depth);
    }
}

/* Whether the function on top is the library's. [-0, +0, e] */
static bool is_of_library(lua_State *L)
{
    lua_newtable(L);
    rf_sandbox__push_library(L);
    know_library(L, lua_gettop(L) - 1, 0);
    lua_pop(L, 1);
    lua_pushvalue(L, -2);
    bool is_library = lua_rawget(L, -2) != LUA_TNIL;
    lua_pop(L, 2);
    return is_library;
}

/* ---- The run ---- */

static bool is_straight(lua_State *L)
{
    return (rf_bytecode_inspect(L, -1, 0, 0) &
            (RF_CODE_FOREIGN | RF_CODE_SETS_CAPTURED | RF_CODE_NOT_STRAIGHT)) ==
           0;
}

/* Look at the function on top, which is about to be called; raises. */
static void check_function(lua_State *L, trace_run *run)
{
    if (lua_iscfunction(L, -1) || rf_symbol__knows_function(L)) {
        return;
    }
    bool straight = is_straight(L);
    if (!straight && !is_of_library(L)) {
        run->is_in_obstacle = true;
        dump_function(L, &run->obstacle);
        luaL_error(L, "the formula is not straight");
    }
    lua_pushvalue(L, -1);
    rf_symbol__know_function(L, straight);
}

/* The hook of a trace, in front of the sandbox's own. */
static void l_watch_trace(lua_State *L, lua_Debug *at)
{
    trace_run *run = (trace_run *)rf_symbol__tracing(L);
    if (run == NULL) {
        return;
    }
    if (at->event == LUA_HOOKCOUNT) {
        run->steps += lua_gethookcount(L);
        if (run->steps > STEPS_MAX) {
            rf_symbol__refuse(L, &run->tracing, "takes too many steps");
        }
        run->watch(L, at);
        return;
    }
    lua_Debug outer;
    if (lua_getstack(L, CALLS_MAX, &outer)) {
        rf_symbol__refuse(L, &run->tracing, "calls too deeply");
    }
    lua_getinfo(L, "f", at);
    check_function(L, run);
    lua_pop(L, 1);
}

/* Note where the function on top stands. [-0, +0, -] */
static void note_place(lua_State *L, rf_tracing *tracing)
{
    lua_Debug at = {0};
    lua_pushvalue(L, -1);
    lua_getinfo(L, ">S", &at);
    tracing->line = at.linedefined;
    snprintf(tracing->file, sizeof tracing->file, "%.55s", at.short_src);
}

/* Call the formula on symbols. */
static int l_trace(lua_State *L)
{
    trace_run *run = lua_touserdata(L, 1);
    rf_symbol__begin(L, &run->tracing);
    rf_sandbox__push_function(L, run->function);
    dump_function(L, &run->formula);
    note_place(L, &run->tracing);
    rf_symbol__push_views(L, &run->tracing);

    run->watch = lua_gethook(L);
    int mask = lua_gethookmask(L);
    int interval = lua_gethookcount(L);
    lua_sethook(L, l_watch_trace, mask | LUA_MASKCALL, interval);
    lua_call(L, 2, 1);
    lua_sethook(L, run->watch, mask, interval);

    bool is_number = lua_type(L, -1) == LUA_TNUMBER;
    if (!is_number && !rf_trace__is_symbol(L, -1)) {
        return rf_symbol__refuse(L, &run->tracing, "returns no number");
    }
    run->result = rf_symbol__node(L, &run->tracing, -1);
    return 0;
}

/* ---- What the code shows ---- */

/* Take a dumped function apart; NULL: it cannot be done. */
static const rf_code *read_code(rf_arena *arena, const rf_buffer *dump)
{
    bool is_whole = dump->length > 0 && !rf_buffer_failed(dump);
    bool no_memory;
    return is_whole ? rf_code_read(arena, dump->bytes, dump->length, &no_memory)
                    : NULL;
}

/* Say which instruction of which function ended the trace. */
static void explain_obstacle(const trace_run *run, rf_arena *arena,
                             char *reason, size_t size)
{
    const rf_code *code = read_code(arena, &run->obstacle);
    const char *obstacle = code == NULL ? NULL : rf_reads_obstacle(code);
    bool is_formula = run->obstacle.length == run->formula.length &&
                      memcmp(run->obstacle.bytes, run->formula.bytes,
                             run->formula.length) == 0;
    snprintf(reason, size, "%s%s", is_formula ? "" : "calls a function that ",
             obstacle == NULL ? "is not understood" : obstacle);
}

/* Fill in why a trace came to nothing. What refused has said so itself, in
 * front of everything else. */
static void explain(const trace_run *run, rf_arena *arena,
                    const rf_script_failure *failure)
{
    char *reason = run->tracing.out->reason;
    size_t size = sizeof run->tracing.out->reason;
    bool is_limit = failure->outcome == RF_SCRIPT_LIMIT_CPU ||
                    failure->outcome == RF_SCRIPT_LIMIT_MEMORY;
    if (is_limit) {
        snprintf(reason, size, "needs too much to be looked into");
    } else if (run->is_in_obstacle) {
        explain_obstacle(run, arena, reason, size);
    } else if (reason[0] == '\0') {
        snprintf(reason, size, "fails on a measure: %.90s", failure->message);
    }
}

static void look_at_code(trace_run *run, const rf_script_failure *failure)
{
    rf_arena arena;
    rf_arena_init(&arena, CODE_BLOCK_BYTES, CODE_BYTES_MAX);
    explain(run, &arena, failure);
    const rf_code *code = read_code(&arena, &run->formula);
    if (code != NULL) {
        rf_reads_scan(run->tracing.out, code);
    }
    rf_arena_done(&arena);
}

void rf_trace_formula(rf_sandbox *sandbox, rf_function function, rf_trace *out)
{
    trace_run run = {.tracing = {.out = out, .nodes = {.items = out->nodes}},
                     .function = function};
    rf_script_failure failure;
    out->expression = (rf_expression){out->nodes, 0};
    out->reason[0] = '\0';
    out->read_count = 0;

    rf_script_outcome outcome =
        rf_sandbox__enter(sandbox, l_trace, &run, trace_budget, &failure);
    rf_symbol__end(&run.tracing);
    if (outcome == RF_SCRIPT_OK) {
        rf_trace_nodes__finish(&run.tracing.nodes, run.result);
        out->expression.count = run.tracing.nodes.count;
    } else {
        look_at_code(&run, &failure);
    }
    rf_buffer_done(&run.formula);
    rf_buffer_done(&run.obstacle);
}
