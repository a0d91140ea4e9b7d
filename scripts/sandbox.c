/*
 * sandbox.c - making a state, loading functions into it, and calling them.
 */
#include "scripts/sandbox.h"

#include "core/alloc.h"
#include "scripts/number.h"
#include "scripts/sandbox_internal.h"

#include <lauxlib.h>
#include <lua.h>

#include <stdio.h>
#include <string.h>

/* What one more formula may take: its code, its name, its place in tables of
 * the host. About 1.2 KiB were measured. */
#define FORMULA_BYTES ((size_t)2048)

/* What one more formula adds to tables that are one block: a reference and a
 * few names. */
#define FORMULA_BLOCK_BYTES ((size_t)256)

/* Names that the views remember, at first and for each formula more. Scripts
 * may spell a name in many ways, and must not fill the state with them. */
#define NAMES_REMEMBERED 512
#define NAMES_OF_FORMULA 4

static const char library_key;
static const char environment_key;

static const char *const outcome_words[] = {
    [RF_SCRIPT_OK] = "ok",
    [RF_SCRIPT_SYNTAX] = "syntax",
    [RF_SCRIPT_BINARY] = "binary",
    [RF_SCRIPT_SIZE] = "size",
    [RF_SCRIPT_ERROR] = "error",
    [RF_SCRIPT_LIMIT_CPU] = "limit-cpu",
    [RF_SCRIPT_LIMIT_MEMORY] = "limit-memory",
    [RF_SCRIPT_CONTRACT] = "contract",
    [RF_SCRIPT_IMPURE] = "impure",
    [RF_SCRIPT_INTERNAL] = "internal",
};

const char *rf_script_outcome_word(rf_script_outcome outcome)
{
    return outcome_words[outcome];
}

rf_sandbox_limits rf_sandbox_limits_default(void)
{
    return (rf_sandbox_limits){
        /* A state of 15 KiB with room for what one call makes. */
        .memory_bytes = (size_t)256 * 1024,
        /* Bounds the time of one instruction: comparing, copying and rehashing
         * are linear in a block. Ample for a formula: 1,024 values of stack, a
         * table of 1,024 elements. */
        .block_bytes = (size_t)16 * 1024,
        /* Each makes Lua collect everything, at no cost to the script. */
        .refusals = 8,
        /* No hook runs in the parser, and names are looked up in quadratic
         * time. */
        .source_bytes = (size_t)32 * 1024,
        /* The message of a failed operation is sought by recursion along the
         * code: this bounds its time and the C stack it takes. */
        .function_instructions = 1000,
        /* Lua 5.4.4 compiles bit operations wrongly beyond 255. */
        .function_constants = 250,
        .load = {.instructions = 1000000, .deadline_ns = 100000000},
        .call = {.instructions = 100000, .deadline_ns = 5000000},
    };
}

/* ---- Compiling ---- */

/* Refuse, by its bytes alone, what must not come near the parser. */
static void check_source(lua_State *L, const char *name, rf_text source)
{
    size_t source_max = rf_sandbox__of(L)->limits.source_bytes;
    if (source.length > source_max) {
        lua_pushfstring(L, "%s:1: the file is larger than %d bytes", name,
                        (int)source_max);
        rf_sandbox__raise(L, RF_SCRIPT_SIZE);
    }
    if (source.length > 0 && source.bytes[0] == LUA_SIGNATURE[0]) {
        lua_pushfstring(L, "%s:1: precompiled code is refused", name);
        rf_sandbox__raise(L, RF_SCRIPT_BINARY);
    }
    if (memchr(source.bytes, '\0', source.length) != NULL) {
        lua_pushfstring(L, "%s:1: the file holds a NUL byte", name);
        rf_sandbox__raise(L, RF_SCRIPT_SYNTAX);
    }
}

/* Refuse functions that Lua itself cannot cope with. */
static void check_code(lua_State *L, const char *name)
{
    const rf_sandbox_limits *limits = &rf_sandbox__of(L)->limits;
    unsigned flags = rf_bytecode_inspect(L, -1, limits->function_instructions,
                                         limits->function_constants);
    if ((flags & RF_CODE_FOREIGN) != 0) {
        lua_pushfstring(L, "%s:1: the compiled form is not understood", name);
        rf_sandbox__raise(L, RF_SCRIPT_INTERNAL);
    }
    if ((flags & RF_CODE_TOO_LARGE) != 0) {
        lua_pushfstring(L,
                        "%s:1: a function has more than %d instructions or %d "
                        "constants",
                        name, (int)limits->function_instructions,
                        (int)limits->function_constants);
        rf_sandbox__raise(L, RF_SCRIPT_SIZE);
    }
}

void rf_sandbox__compile(lua_State *L, const char *name, rf_text source)
{
    check_source(L, name, source);
    /* The sign keeps the name as it is in messages. */
    char chunk[LUA_IDSIZE + 1];
    snprintf(chunk, sizeof chunk, "=%s", name);
    if (luaL_loadbufferx(L, source.bytes, source.length, chunk, "t") !=
        LUA_OK) {
        rf_sandbox__raise(L, RF_SCRIPT_SYNTAX);
    }
    check_code(L, name);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &environment_key);
    lua_setupvalue(L, -2, 1);
}

/* ---- What a state keeps ---- */

void rf_sandbox__push_library(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &library_key);
}

void rf_sandbox__push_views(lua_State *L)
{
    const rf_sandbox *sandbox = rf_sandbox__of(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, sandbox->measures_view);
    lua_rawgeti(L, LUA_REGISTRYINDEX, sandbox->context_view);
}

rf_function rf_sandbox__keep(lua_State *L)
{
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

void rf_sandbox__push_function(lua_State *L, rf_function function)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, function);
}

/* ---- Making one ---- */

static int l_set_up(lua_State *L)
{
    luaL_checkversion(L);
    if (!rf_bytecode_self_test(L)) {
        return luaL_error(L, "this Lua compiles to another bytecode");
    }
    rf_library__push(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &library_key);
    rf_sandbox__push_library(L);
    rf_freeze__face(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &environment_key);
    rf_view__open(L);
    rf_freeze__forget(L);
    /* Nothing of the set-up's leavings shall count against the scripts. */
    lua_gc(L, LUA_GCCOLLECT);
    return 0;
}

static rf_status set_up(rf_sandbox *sandbox, rf_error *err)
{
    if (!rf_sandbox__open(sandbox)) {
        return rf_fail(err, RF_E_NO_MEMORY, "no memory for a Lua state");
    }
    rf_script_failure failure;
    rf_script_outcome outcome = rf_sandbox__enter(
        sandbox, l_set_up, NULL, sandbox->limits.load, &failure);
    if (outcome == RF_SCRIPT_OK) {
        return RF_OK;
    }
    return rf_fail(
        err, outcome == RF_SCRIPT_LIMIT_MEMORY ? RF_E_NO_MEMORY : RF_E_INTERNAL,
        "a Lua state cannot be made: %s", failure.message);
}

rf_status rf_sandbox_create(const rf_sandbox_limits *limits,
                            const rf_schema *schema, rf_sandbox **out,
                            rf_error *err)
{
    rf_sandbox *sandbox = rf_calloc(1, sizeof *sandbox);
    if (sandbox == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "no memory for a Lua state");
    }
    sandbox->limits = *limits;
    sandbox->schema = schema;
    sandbox->cap = limits->memory_bytes;
    sandbox->block_max = limits->block_bytes;
    sandbox->names_left = NAMES_REMEMBERED;
    rf_status status = set_up(sandbox, err);
    if (status != RF_OK) {
        rf_sandbox_free(sandbox);
        return status;
    }
    *out = sandbox;
    return RF_OK;
}

void rf_sandbox_free(rf_sandbox *sandbox)
{
    if (sandbox == NULL) {
        return;
    }
    if (sandbox->L != NULL) {
        lua_close(sandbox->L);
    }
    rf_free(sandbox);
}

bool rf_sandbox_is_spent(const rf_sandbox *sandbox)
{
    return sandbox->is_spent;
}

size_t rf_sandbox_bytes(const rf_sandbox *sandbox)
{
    return sandbox->used;
}

size_t rf_sandbox_bytes_peak(const rf_sandbox *sandbox)
{
    return sandbox->peak;
}

/* ---- Loading ---- */

void rf_sandbox_begin_loading(rf_sandbox *sandbox, size_t formulas)
{
    sandbox->is_loading = true;
    sandbox->cap += formulas * FORMULA_BYTES;
    sandbox->names_left += formulas * NAMES_OF_FORMULA;
    sandbox->block_max += formulas * FORMULA_BLOCK_BYTES;
}

static int l_end_loading(lua_State *L)
{
    rf_freeze__forget(L);
    lua_gc(L, LUA_GCCOLLECT);
    return 0;
}

void rf_sandbox_end_loading(rf_sandbox *sandbox)
{
    rf_script_failure failure;
    rf_script_outcome outcome = rf_sandbox__enter(
        sandbox, l_end_loading, NULL, sandbox->limits.load, &failure);
    (void)outcome; /* it only frees memory */
    sandbox->block_max = sandbox->limits.block_bytes;
    sandbox->is_loading = false;
}

typedef struct load_request {
    const char *name;
    rf_text source;
    rf_function function;
} load_request;

static int l_load_function(lua_State *L)
{
    load_request *request = lua_touserdata(L, 1);
    rf_sandbox__compile(L, request->name, request->source);
    lua_call(L, 0, 1);
    if (lua_type(L, -1) != LUA_TFUNCTION || lua_iscfunction(L, -1)) {
        lua_pushfstring(L, "%s:1: it must return a function of its own",
                        request->name);
        return rf_sandbox__raise(L, RF_SCRIPT_CONTRACT);
    }
    rf_sandbox__seal(L, -1);
    request->function = rf_sandbox__keep(L);
    if (!rf_sandbox__of(L)->is_loading) {
        rf_freeze__forget(L);
    }
    return 0;
}

rf_script_outcome rf_sandbox_load_function(rf_sandbox *sandbox,
                                           const char *name, rf_text source,
                                           rf_function *out,
                                           rf_script_failure *failure)
{
    load_request request = {.name = name, .source = source};
    rf_script_outcome outcome = rf_sandbox__enter(
        sandbox, l_load_function, &request, sandbox->limits.load, failure);
    if (outcome == RF_SCRIPT_OK) {
        *out = request.function;
    }
    return outcome;
}

/* ---- Calling ---- */

typedef struct call_request {
    rf_function function;
    rf_quantity result;
} call_request;

/* Raise that a result is not a number that counts as a quantity, at the place
 * where the function begins. [-0, +0, e] */
static int refuse_result(lua_State *L, rf_function function, const char *what)
{
    lua_Debug at;
    rf_sandbox__push_function(L, function);
    lua_getinfo(L, ">S", &at);
    lua_pushfstring(L, "%s:%d: it must return a quantity, not %s", at.short_src,
                    at.linedefined, what);
    return rf_sandbox__raise(L, RF_SCRIPT_CONTRACT);
}

/* Take the result on top. [-1, +0, e] */
static void take_result(lua_State *L, call_request *call)
{
    if (lua_type(L, -1) != LUA_TNUMBER) {
        refuse_result(L, call->function,
                      lua_isnil(L, -1)
                          ? "nil"
                          : lua_pushfstring(L, "a %s", luaL_typename(L, -1)));
    }
    bool fits = lua_isinteger(L, -1)
                    ? rf_number_scale(lua_tointeger(L, -1), &call->result)
                    : rf_number_round(lua_tonumber(L, -1), &call->result);
    if (!fits) {
        refuse_result(L, call->function, "a number out of range");
    }
    lua_pop(L, 1);
}

static int l_call(lua_State *L)
{
    call_request *call = lua_touserdata(L, 1);
    rf_sandbox__push_function(L, call->function);
    rf_sandbox__push_views(L);
    lua_call(L, 2, 1);
    take_result(L, call);
    return 0;
}

rf_script_outcome rf_sandbox_call(rf_sandbox *sandbox, rf_function function,
                                  const rf_reader *reader, rf_quantity *out,
                                  rf_script_failure *failure)
{
    call_request call = {.function = function};
    const rf_reader *outer = sandbox->reader;
    sandbox->reader = reader;
    rf_script_outcome outcome = rf_sandbox__enter_clean(
        sandbox, l_call, &call, sandbox->limits.call, failure);
    sandbox->reader = outer;
    if (outcome == RF_SCRIPT_OK) {
        *out = call.result;
    }
    return outcome;
}
