/*
 * barrier.c - what keeps a script within its limits: the allocator, the budget,
 * and the barrier round every entry.
 *
 * Whatever may raise runs inside rf_sandbox__enter. A limit that was hit is
 * remembered in the sandbox and not in the error value, which scripts could
 * make themselves; from then on every further instruction raises again until
 * the outermost entry is back.
 */
#include "core/alloc.h"
#include "scripts/sandbox_internal.h"

#include <lauxlib.h>
#include <lua.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Instructions between two looks at the budget. Having a hook is what costs,
 * not its interval; and the interval times the slowest instruction is how late
 * a deadline can be noticed. */
#define HOOK_INTERVAL 64

/* Lua's table of short strings when a state begins. */
#define STRING_TABLE_BYTES (128 * sizeof(void *))

/* ---- Memory ---- */

static bool may_grow(const rf_sandbox *sandbox, const void *block,
                     size_t old_size, size_t size)
{
    size_t room =
        sandbox->used < sandbox->cap ? sandbox->cap - sandbox->used : 0;
    /* The table of short strings grows with all strings of the state and
     * nothing walks along it but its own growth. */
    bool is_block_small = size <= sandbox->block_max ||
                          (block != NULL && block == sandbox->string_table);
    return is_block_small && size - old_size <= room &&
           sandbox->refusals <= sandbox->limits.refusals;
}

/* Resize for Lua; a block must not fail to shrink. */
static void *resize(rf_sandbox *sandbox, void *block, size_t old_size,
                    size_t size)
{
    void *fresh = rf_realloc(block, 1, size);
    if (fresh != NULL) {
        return fresh;
    }
    if (size <= old_size) {
        return block;
    }
    sandbox->is_heap_empty = true;
    return NULL;
}

/* Lua's allocator. For a new block the old size is a tag and not a size. */
static void *allocate(void *self, void *block, size_t old_size, size_t size)
{
    rf_sandbox *sandbox = self;
    if (block == NULL) {
        old_size = 0;
    }
    if (size == 0) {
        rf_free(block);
        sandbox->used -= old_size;
        return NULL;
    }
    bool is_string_table =
        sandbox->string_table == NULL
            ? block == NULL && size == STRING_TABLE_BYTES
            : block != NULL && block == sandbox->string_table;
    void *fresh = NULL;
    if (size <= old_size || may_grow(sandbox, block, old_size, size)) {
        fresh = resize(sandbox, block, old_size, size);
    }
    if (fresh == NULL) {
        sandbox->refusals++;
        return NULL;
    }
    if (is_string_table) {
        sandbox->string_table = fresh;
    }
    sandbox->used = sandbox->used - old_size + size;
    if (sandbox->used > sandbox->peak) {
        sandbox->peak = sandbox->used;
    }
    return fresh;
}

/* ---- The budget ---- */

rf_sandbox *rf_sandbox__of(lua_State *L)
{
    return *(rf_sandbox **)lua_getextraspace(L);
}

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void l_watch(lua_State *L, lua_Debug *at);

/* From here on every instruction raises. The value is one that no script can
 * make, and making it allocates nothing. */
static int raise_limit(lua_State *L)
{
    lua_sethook(L, l_watch, LUA_MASKCOUNT, 1);
    lua_pushlightuserdata(L, rf_sandbox__of(L));
    return lua_error(L);
}

/* Remember where a script was when it hit its limit. */
static void note_place(lua_State *L, lua_Debug *at)
{
    rf_sandbox *sandbox = rf_sandbox__of(L);
    if (lua_getinfo(L, "Sl", at) != 0 && at->currentline > 0) {
        snprintf(sandbox->breach_file, sizeof sandbox->breach_file, "%.55s",
                 at->short_src);
        sandbox->breach_line = at->currentline;
    }
}

/* Look at the clock. The first half of the deadline counts from the first look,
 * one interval into the entry: most calls have ended by then, and reading the
 * clock would be a quarter of what a short one costs. Who is behind it may only
 * have waited for a processor, so the second half counts the thread's own
 * time, which is dear to ask for. */
static bool is_late(rf_sandbox *sandbox)
{
    int64_t half_ns = sandbox->budget.deadline_ns / 2;
    int64_t now_ns = read_clock(CLOCK_MONOTONIC);
    if (sandbox->half_ns == 0) {
        sandbox->half_ns = now_ns + half_ns;
    }
    if (now_ns < sandbox->half_ns) {
        return false;
    }
    now_ns = read_clock(CLOCK_THREAD_CPUTIME_ID);
    if (sandbox->end_ns == 0) {
        sandbox->end_ns = now_ns + half_ns;
    }
    return now_ns >= sandbox->end_ns;
}

/* Spend instructions; false: a limit is hit, now or earlier. */
static bool spend(rf_sandbox *sandbox, int64_t instructions)
{
    if (sandbox->breach != RF_SCRIPT_OK) {
        return false;
    }
    sandbox->instructions_left -= instructions;
    sandbox->is_late = sandbox->instructions_left > 0 && is_late(sandbox);
    if (sandbox->instructions_left > 0 && !sandbox->is_late) {
        return true;
    }
    sandbox->breach = RF_SCRIPT_LIMIT_CPU;
    return false;
}

/* The count hook. */
static void l_watch(lua_State *L, lua_Debug *at)
{
    rf_sandbox *sandbox = rf_sandbox__of(L);
    bool is_first = sandbox->breach == RF_SCRIPT_OK;
    if (spend(sandbox, HOOK_INTERVAL)) {
        return;
    }
    if (is_first) {
        note_place(L, at);
    }
    (void)raise_limit(L);
}

void rf_sandbox__charge(lua_State *L, int64_t instructions)
{
    rf_sandbox *sandbox = rf_sandbox__of(L);
    bool is_first = sandbox->breach == RF_SCRIPT_OK;
    if (spend(sandbox, instructions)) {
        return;
    }
    lua_Debug at;
    if (is_first && lua_getstack(L, 1, &at) != 0) {
        note_place(L, &at);
    }
    (void)raise_limit(L);
}

static void arm(rf_sandbox *sandbox, rf_budget budget)
{
    sandbox->budget = budget;
    sandbox->instructions_left = budget.instructions;
    sandbox->half_ns = 0;
    sandbox->end_ns = 0;
    sandbox->refusals = 0;
    sandbox->is_heap_empty = false;
    sandbox->breach = RF_SCRIPT_OK;
    /* Set anew each time, so that the count starts at 0 and equal calls end at
     * the same instruction. */
    lua_sethook(sandbox->L, l_watch, LUA_MASKCOUNT, HOOK_INTERVAL);
}

/* ---- Failures ---- */

void rf_sandbox__blame(lua_State *L, rf_script_outcome outcome, rf_status cause)
{
    rf_sandbox *sandbox = rf_sandbox__of(L);
    sandbox->blame = outcome;
    sandbox->cause = cause;
}

int rf_sandbox__raise(lua_State *L, rf_script_outcome outcome)
{
    rf_sandbox__blame(L, outcome, RF_OK);
    return lua_error(L);
}

int rf_sandbox__raise_no_memory(lua_State *L)
{
    rf_sandbox__blame(L, RF_SCRIPT_LIMIT_MEMORY, RF_E_NO_MEMORY);
    return luaL_error(L, "the server is out of memory");
}

/* Copy what may be shown: printable ASCII, cut to fit. */
static void copy_printable(char *to, size_t size, rf_text from)
{
    size_t length = from.length < size ? from.length : size - 1;
    for (size_t i = 0; i < length; i++) {
        char c = from.bytes[i];
        to[i] = c >= ' ' && c <= '~' ? c : '?';
    }
    to[length] = '\0';
}

/* Take the position "plugin.lua:3: " off the front of a message, if it has
 * one. */
static rf_text split_position(rf_text text, rf_script_failure *failure)
{
    const char *colon = memchr(text.bytes, ':', text.length);
    if (colon == NULL) {
        return text;
    }
    const char *end = text.bytes + text.length;
    const char *at = colon + 1;
    int line = 0;
    for (; at < end && *at >= '0' && *at <= '9' && line < 1000000; at++) {
        line = line * 10 + (*at - '0');
    }
    if (line == 0 || end - at < 2 || at[0] != ':' || at[1] != ' ') {
        return text;
    }
    copy_printable(failure->file, sizeof failure->file,
                   (rf_text){text.bytes, (size_t)(colon - text.bytes)});
    failure->line = line;
    return (rf_text){at + 2, (size_t)(end - at) - 2};
}

/* Tell what a script or the library raised. Nothing here may raise: a string
 * is read as it is, anything else only named. */
static void tell_error(rf_sandbox *sandbox, rf_script_failure *failure)
{
    lua_State *L = sandbox->L;
    if (lua_type(L, -1) != LUA_TSTRING) {
        snprintf(failure->message, sizeof failure->message,
                 "(error object is a %s)", lua_typename(L, lua_type(L, -1)));
        return;
    }
    rf_text text;
    text.bytes = lua_tolstring(L, -1, &text.length);
    text = split_position(text, failure);
    copy_printable(failure->message, sizeof failure->message, text);
}

static void tell_limit(const rf_sandbox *sandbox, rf_script_failure *failure)
{
    char *message = failure->message;
    size_t size = sizeof failure->message;
    if (failure->outcome == RF_SCRIPT_LIMIT_MEMORY) {
        snprintf(message, size,
                 failure->cause == RF_E_NO_MEMORY
                     ? "the server is out of memory"
                     : "it needs more memory than a script may have");
        return;
    }
    memcpy(failure->file, sandbox->breach_file, sizeof failure->file);
    failure->line = sandbox->breach_line;
    if (sandbox->is_late) {
        snprintf(message, size, "it ran longer than %lld ms",
                 (long long)(sandbox->budget.deadline_ns / 1000000));
    } else {
        snprintf(message, size, "it ran more than %lld instructions",
                 (long long)sandbox->budget.instructions);
    }
}

/* Decide what an entry came to. The status alone proves nothing: a script can
 * raise the very message that Lua raises when memory runs out. */
static rf_script_outcome judge(const rf_sandbox *sandbox, int status)
{
    if (sandbox->breach != RF_SCRIPT_OK) {
        return sandbox->breach;
    }
    if (status == LUA_OK) {
        return RF_SCRIPT_OK;
    }
    if (sandbox->refusals > sandbox->limits.refusals ||
        (status == LUA_ERRMEM && sandbox->refusals > 0)) {
        return RF_SCRIPT_LIMIT_MEMORY;
    }
    return sandbox->blame != RF_SCRIPT_OK ? sandbox->blame : RF_SCRIPT_ERROR;
}

static bool is_limit(rf_script_outcome outcome)
{
    return outcome == RF_SCRIPT_LIMIT_CPU || outcome == RF_SCRIPT_LIMIT_MEMORY;
}

/* Fill `failure` from what was raised, which is on top if status says so. */
static void tell(rf_sandbox *sandbox, rf_script_outcome outcome,
                 rf_script_failure *failure)
{
    failure->outcome = outcome;
    failure->cause = sandbox->cause;
    failure->file[0] = '\0';
    failure->line = 0;
    if (!is_limit(outcome)) {
        tell_error(sandbox, failure);
        return;
    }
    if (outcome == RF_SCRIPT_LIMIT_MEMORY && sandbox->is_heap_empty) {
        failure->cause = RF_E_NO_MEMORY;
    }
    tell_limit(sandbox, failure);
}

/* ---- The barrier ---- */

/* Refuse to nest deeper, before anything is pushed. */
static rf_script_outcome refuse_depth(rf_script_failure *failure)
{
    *failure = (rf_script_failure){.outcome = RF_SCRIPT_ERROR};
    snprintf(failure->message, sizeof failure->message,
             "scripts use each other more than %d deep", RF_SANDBOX_DEPTH_MAX);
    return RF_SCRIPT_ERROR;
}

/* Note how an entry failed, and forget what was said about its error. */
static void finish(rf_sandbox *sandbox, rf_script_outcome outcome,
                   rf_script_failure *failure)
{
    tell(sandbox, outcome, failure);
    sandbox->blame = RF_SCRIPT_OK;
    sandbox->cause = RF_OK;
    if (is_limit(outcome)) {
        sandbox->breach = outcome;
    }
}

/* Run one C function protected. An entry inside another shares its budget, and
 * a limit it hits is the outer one's too. */
static rf_script_outcome run(rf_sandbox *sandbox, lua_CFunction function,
                             void *argument, rf_budget budget,
                             rf_script_failure *failure)
{
    lua_State *L = sandbox->L;
    if (sandbox->depth == RF_SANDBOX_DEPTH_MAX) {
        return refuse_depth(failure);
    }
    if (sandbox->depth == 0) {
        arm(sandbox, budget);
    }
    sandbox->blame = RF_SCRIPT_OK;
    sandbox->cause = RF_OK;
    if (!lua_checkstack(L, 2)) {
        finish(sandbox, RF_SCRIPT_LIMIT_MEMORY, failure);
        return RF_SCRIPT_LIMIT_MEMORY;
    }
    int top = lua_gettop(L);
    sandbox->depth++;
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, argument);
    int status = lua_pcall(L, 1, 0, 0);
    sandbox->depth--;
    rf_script_outcome outcome = judge(sandbox, status);
    if (outcome != RF_SCRIPT_OK) {
        finish(sandbox, outcome, failure);
    }
    lua_settop(L, top);
    return outcome;
}

/* A state is spent once an outermost entry has hit a limit. */
static rf_script_outcome settle(rf_sandbox *sandbox, rf_script_outcome outcome)
{
    if (sandbox->depth == 0 && is_limit(outcome)) {
        sandbox->is_spent = true;
    }
    return outcome;
}

rf_script_outcome rf_sandbox__enter(rf_sandbox *sandbox, lua_CFunction function,
                                    void *argument, rf_budget budget,
                                    rf_script_failure *failure)
{
    return settle(sandbox, run(sandbox, function, argument, budget, failure));
}

rf_script_outcome rf_sandbox__enter_clean(rf_sandbox *sandbox,
                                          lua_CFunction function,
                                          void *argument, rf_budget budget,
                                          rf_script_failure *failure)
{
    rf_script_outcome outcome =
        run(sandbox, function, argument, budget, failure);
    if (outcome == RF_SCRIPT_LIMIT_MEMORY && sandbox->depth == 0) {
        lua_gc(sandbox->L, LUA_GCCOLLECT);
        outcome = run(sandbox, function, argument, budget, failure);
    }
    return settle(sandbox, outcome);
}

/* Never reached while every entry goes through the barrier. */
static int l_panic(lua_State *L)
{
    (void)L;
    rf_assert_failed("a Lua error outside the barrier", __FILE__, __LINE__);
}

bool rf_sandbox__open(rf_sandbox *sandbox)
{
    sandbox->L = lua_newstate(allocate, sandbox);
    if (sandbox->L == NULL) {
        return false;
    }
    *(rf_sandbox **)lua_getextraspace(sandbox->L) = sandbox;
    lua_atpanic(sandbox->L, l_panic);
    return true;
}
