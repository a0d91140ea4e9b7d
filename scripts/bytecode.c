/*
 * bytecode.c - reads what a function was compiled to.
 *
 * The function is dumped and the dump read. That is safe because the dump is
 * our own, made a moment ago from a function compiled from text. The format and
 * the numbers of the instructions are those of Lua 5.4; the self-test notices
 * any other.
 */
#include "core/buffer.h"
#include "scripts/code.h"
#include "scripts/instruction.h"
#include "scripts/sandbox_internal.h"

#include <lauxlib.h>
#include <lua.h>

#include <stdatomic.h>
#include <string.h>

#define ARENA_BLOCK_BYTES ((size_t)8192)

/* A set of captured variables, of which a function has at most 255. */
typedef struct variable_set {
    uint64_t words[4];
} variable_set;

static bool has_variable(const variable_set *set, unsigned number)
{
    return (set->words[number / 64] >> (number % 64) & 1) != 0;
}

static void add_variable(variable_set *set, unsigned number)
{
    set->words[number / 64] |= UINT64_C(1) << (number % 64);
}

/* A walk along a function and those inside it; a limit of 0 is none. */
typedef struct walk {
    unsigned instructions_max;
    unsigned constants_max;
    unsigned flags;
} walk;

static void walk_instructions(walk *self, const rf_code *code,
                              const variable_set *outer)
{
    for (size_t i = 0; i < code->instruction_count; i++) {
        uint32_t instruction = code->instructions[i];
        if (!rf_instruction_is_straight(instruction)) {
            self->flags |= RF_CODE_NOT_STRAIGHT;
        }
        if (rf_instruction_op(instruction) == RF_OP_SETUPVAL &&
            has_variable(outer, rf_instruction_b(instruction))) {
            self->flags |= RF_CODE_SETS_CAPTURED;
        }
    }
}

/* Find which captured variables come from outside of the function that was
 * dumped: of the outermost all (`parent` is NULL); of an inner one those that
 * its parent has captured from there. The others live in a call of the parent.
 */
static variable_set find_outer(const rf_code *code, const variable_set *parent)
{
    variable_set outer = {{0}};
    for (unsigned i = 0; i < code->upvalue_count; i++) {
        const rf_code_upvalue *captured = &code->upvalues[i];
        if (parent == NULL ||
            (!captured->is_register && has_variable(parent, captured->index))) {
            add_variable(&outer, i);
        }
    }
    return outer;
}

/* Functions nest at most as deep as the parser and rf_code_read let them. */
/* NOLINTNEXTLINE(misc-no-recursion): bounded by the parser */
static void walk_function(walk *self, const rf_code *code,
                          const variable_set *parent)
{
    variable_set outer = find_outer(code, parent);
    bool is_long = self->instructions_max > 0 &&
                   code->instruction_count > self->instructions_max;
    bool has_many =
        self->constants_max > 0 && code->constant_count > self->constants_max;
    if (is_long || has_many) {
        self->flags |= RF_CODE_TOO_LARGE;
    }
    walk_instructions(self, code, &outer);
    for (size_t i = 0; i < code->inner_count; i++) {
        walk_function(self, &code->inner[i], &outer);
    }
}

static int append_dump(lua_State *L, const void *bytes, size_t size, void *out)
{
    (void)L;
    rf_buffer *buffer = out;
    rf_buffer_append(buffer, bytes, size);
    return rf_buffer_failed(buffer) ? 1 : 0;
}

/* Walk along a dump; false: there was no memory for it. */
static bool walk_dump(walk *self, const rf_buffer *dump)
{
    rf_arena arena;
    bool no_memory = rf_buffer_failed(dump);
    rf_arena_init(&arena, ARENA_BLOCK_BYTES, 0);
    const rf_code *code =
        no_memory ? NULL
                  : rf_code_read(&arena, dump->bytes, dump->length, &no_memory);
    if (code != NULL) {
        walk_function(self, code, NULL);
    } else {
        self->flags |= RF_CODE_FOREIGN;
    }
    rf_arena_done(&arena);
    return !no_memory;
}

unsigned rf_bytecode_inspect(lua_State *L, int index, unsigned instructions_max,
                             unsigned constants_max)
{
    rf_buffer dump = {0};
    walk self = {instructions_max, constants_max, 0};
    lua_pushvalue(L, index);
    (void)lua_dump(L, append_dump, &dump, 0); /* raises nothing */
    lua_pop(L, 1);
    bool good = walk_dump(&self, &dump);
    rf_buffer_done(&dump);
    if (!good) {
        (void)rf_sandbox__raise_no_memory(L);
    }
    return self.flags;
}

/* ---- The self-test ---- */

typedef struct snippet {
    const char *text; /* of a function behind `local a, b = 1, 2` */
    unsigned flags;
} snippet;

/* The straight ones hold every instruction of the white list. Since these are
 * all different, and all found on it, nothing else can be on it; the others
 * say so once more for what matters. */
static const snippet snippets[] = {
    {"return function(x) local y = x return y end", 0},
    {"return function(x) local y, z, n = 3, 2.0, 2.5 return x, y, z, n end", 0},
    {"return function(x) local y return y, x end", 0},
    {"return function(x) return a.b.c[1] + math.max(x, b) end", 0},
    {"return function(x) return x + 1 - 3 + 2.5 - 1.5 - 300 + 1000 end", 0},
    {"return function(x) return 2 * x * 3.5 end", 0},
    {"return function(x, y) return x + y - x * y, -x end", 0},
    {"return function(x) a(x) end", 0},
    {"return function(x) return a(x) end", 0},
    {"return function(x) a = x end",
     RF_CODE_SETS_CAPTURED | RF_CODE_NOT_STRAIGHT},
    {"return function(x) return function() b = x end end",
     RF_CODE_SETS_CAPTURED | RF_CODE_NOT_STRAIGHT},
    {"return function(x) return function() x = b end end",
     RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x == 1 end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x < a end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x <= a end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x > 1 end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) if x then return 1 end return 2 end",
     RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x or a end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return not x end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) while true do end end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) for i = 1, 2 do a(i) end end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) for i in a do b(i) end end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return {} end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) x.y = 1 end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) x[1] = 1 end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) x[a] = 1 end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) c = 1 end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x[a] end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x:y() end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return #x end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x .. a end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x / a end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x / 2 end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x // a end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x // 2 end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x % a end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x % 2 end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x ^ a end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x ^ 2 end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x & a end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x | 1 end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x ~ a end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x << 1 end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return x >> a end", RF_CODE_NOT_STRAIGHT},
    {"return function(x) return ~x end", RF_CODE_NOT_STRAIGHT},
    {"return function(...) return ... end", RF_CODE_NOT_STRAIGHT},
};

/* Compile one, run it so far that its function stands, and compare. */
static bool is_snippet_known(lua_State *L, const snippet *known)
{
    const char *text = lua_pushfstring(L, "local a, b = 1, 2 %s", known->text);
    if (luaL_loadbufferx(L, text, strlen(text), "=self-test", "t") != LUA_OK) {
        return lua_error(L);
    }
    lua_call(L, 0, 1);
    unsigned flags = rf_bytecode_inspect(L, -1, 0, 0);
    lua_pop(L, 2);
    return flags == known->flags;
}

bool rf_bytecode_self_test(lua_State *L)
{
    /* The library does not change while the process runs. */
    static atomic_bool is_known;
    if (atomic_load(&is_known)) {
        return true;
    }
    for (size_t i = 0; i < sizeof snippets / sizeof snippets[0]; i++) {
        if (!is_snippet_known(L, &snippets[i])) {
            return false;
        }
    }
    atomic_store(&is_known, true);
    return true;
}
