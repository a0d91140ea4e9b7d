/*
 * bytecode.c - reads what a function was compiled to.
 *
 * The function is dumped and the dump read. That is safe because the dump is
 * our own, made a moment ago from a function compiled from text. The format and
 * the numbers of the instructions are those of Lua 5.4; the self-test notices
 * any other.
 */
#include "core/buffer.h"
#include "scripts/sandbox_internal.h"

#include <lauxlib.h>
#include <lua.h>

#include <stdatomic.h>
#include <string.h>

/* The instructions that are told apart; the others are all alike. */
enum {
    OP_MOVE = 0,
    OP_LOADI = 1,
    OP_LOADF = 2,
    OP_LOADK = 3,
    OP_LOADNIL = 8,
    OP_GETUPVAL = 9,
    OP_SETUPVAL = 10,
    OP_GETTABUP = 11,
    OP_GETI = 13,
    OP_GETFIELD = 14,
    OP_ADDI = 21,
    OP_ADDK = 22,
    OP_SUBK = 23,
    OP_MULK = 24,
    OP_ADD = 34,
    OP_SUB = 35,
    OP_MUL = 36,
    OP_MMBIN = 46,
    OP_MMBINI = 47,
    OP_MMBINK = 48,
    OP_UNM = 49,
    OP_CALL = 68,
    OP_TAILCALL = 69,
    OP_RETURN = 70,
    OP_RETURN0 = 71,
    OP_RETURN1 = 72
};

/* An instruction: its number in the low 7 bits, operand B from bit 16. */
#define INSTRUCTION_BYTES 4
#define OPCODE_MASK 0x7Fu
#define B_SHIFT 16
#define B_MASK 0xFFu

/* Types of constants. */
enum {
    CONSTANT_NIL = 0x00,
    CONSTANT_FALSE = 0x01,
    CONSTANT_INTEGER = 0x03,
    CONSTANT_SHORT_STRING = 0x04,
    CONSTANT_TRUE = 0x11,
    CONSTANT_FLOAT = 0x13,
    CONSTANT_LONG_STRING = 0x14
};

#define NUMBER_BYTES 8

/* What every dump begins with: the mark, version and format, bytes that a wrong
 * transfer would spoil, sizes of numbers, the integer 0x5678 and the float
 * 370.5. */
static const char dump_head[] = "\x1BLua\x54\x00"
                                "\x19\x93\r\n\x1A\n"
                                "\x04\x08\x08"
                                "\x78\x56\x00\x00\x00\x00\x00\x00"
                                "\x00\x00\x00\x00\x00\x28\x77\x40";
#define DUMP_HEAD_BYTES (sizeof dump_head - 1)

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

/* A walk along a dump. */
typedef struct dump_walk {
    const unsigned char *at;
    const unsigned char *end;
    bool is_broken; /* it does not read as it should */
    unsigned instructions_max;
    unsigned constants_max;
    unsigned flags;
} dump_walk;

/* Return `size` bytes and go on behind them; NULL when there are not as many,
 * and for no bytes at all. */
static const unsigned char *take(dump_walk *walk, size_t size)
{
    if (walk->is_broken || size > (size_t)(walk->end - walk->at)) {
        walk->is_broken = true;
        return NULL;
    }
    const unsigned char *bytes = walk->at;
    walk->at += size;
    return bytes;
}

static unsigned take_byte(dump_walk *walk)
{
    const unsigned char *byte = take(walk, 1);
    return byte != NULL ? *byte : 0;
}

/* Read a number: seven bits in a byte, the last one marked. */
static size_t take_size(dump_walk *walk)
{
    size_t size = 0;
    unsigned byte;
    do {
        byte = take_byte(walk);
        size = size << 7 | (byte & 0x7F);
    } while ((byte & 0x80) == 0 && !walk->is_broken);
    return size;
}

/* Skip a string; its number is one more than its length, 0 for none. */
static void skip_string(dump_walk *walk)
{
    size_t size = take_size(walk);
    if (size > 0) {
        (void)take(walk, size - 1);
    }
}

static void skip_constant(dump_walk *walk)
{
    switch (take_byte(walk)) {
    case CONSTANT_NIL:
    case CONSTANT_FALSE:
    case CONSTANT_TRUE:
        return;
    case CONSTANT_INTEGER:
    case CONSTANT_FLOAT:
        (void)take(walk, NUMBER_BYTES);
        return;
    case CONSTANT_SHORT_STRING:
    case CONSTANT_LONG_STRING:
        skip_string(walk);
        return;
    default:
        walk->is_broken = true;
    }
}

static void walk_constants(dump_walk *walk)
{
    size_t count = take_size(walk);
    if (walk->constants_max > 0 && count > walk->constants_max) {
        walk->flags |= RF_CODE_TOO_LARGE;
    }
    for (size_t i = 0; i < count && !walk->is_broken; i++) {
        skip_constant(walk);
    }
}

/* Say whether an instruction does nothing but move, load, read under a
 * constant key, add, subtract, multiply, call and return. Code of nothing else
 * takes one path, whatever the values. */
static bool is_straight(unsigned opcode)
{
    switch (opcode) {
    case OP_MOVE:
    case OP_LOADI:
    case OP_LOADF:
    case OP_LOADK:
    case OP_LOADNIL:
    case OP_GETUPVAL:
    case OP_GETTABUP:
    case OP_GETI:
    case OP_GETFIELD:
    case OP_ADDI:
    case OP_ADDK:
    case OP_SUBK:
    case OP_MULK:
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_MMBIN:
    case OP_MMBINI:
    case OP_MMBINK:
    case OP_UNM:
    case OP_CALL:
    case OP_TAILCALL:
    case OP_RETURN:
    case OP_RETURN0:
    case OP_RETURN1:
        return true;
    default:
        return false;
    }
}

static void walk_code(dump_walk *walk, const unsigned char *code, size_t count,
                      const variable_set *outer)
{
    if (walk->instructions_max > 0 && count > walk->instructions_max) {
        walk->flags |= RF_CODE_TOO_LARGE;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t instruction;
        memcpy(&instruction, code + i * INSTRUCTION_BYTES, sizeof instruction);
        unsigned opcode = instruction & OPCODE_MASK;
        if (!is_straight(opcode)) {
            walk->flags |= RF_CODE_NOT_STRAIGHT;
        }
        if (opcode == OP_SETUPVAL &&
            has_variable(outer, instruction >> B_SHIFT & B_MASK)) {
            walk->flags |= RF_CODE_SETS_CAPTURED;
        }
    }
}

/* Find which captured variables come from outside of the function that was
 * dumped: of the outermost all (`parent` is NULL); of an inner one those that
 * its parent has captured from there. The others live in a call of the parent.
 */
static variable_set walk_captured(dump_walk *walk, const variable_set *parent)
{
    variable_set outer = {{0}};
    size_t count = take_size(walk);
    if (count > 256) {
        walk->is_broken = true;
    }
    for (unsigned i = 0; i < count && !walk->is_broken; i++) {
        bool is_local = take_byte(walk) != 0;
        unsigned number = take_byte(walk);
        (void)take_byte(walk); /* the kind of variable */
        if (parent == NULL || (!is_local && has_variable(parent, number))) {
            add_variable(&outer, i);
        }
    }
    return outer;
}

/* Skip what is left of the debug information. */
static void skip_debug(dump_walk *walk)
{
    (void)take(walk, take_size(walk)); /* a byte for each line */
    for (size_t i = take_size(walk); i > 0 && !walk->is_broken; i--) {
        (void)take_size(walk); /* an instruction and its line */
        (void)take_size(walk);
    }
    for (size_t i = take_size(walk); i > 0 && !walk->is_broken; i--) {
        skip_string(walk); /* a local variable and where it lives */
        (void)take_size(walk);
        (void)take_size(walk);
    }
    for (size_t i = take_size(walk); i > 0 && !walk->is_broken; i--) {
        skip_string(walk); /* a captured variable */
    }
}

/* Walk along one function. Functions nest at most 200 deep: the parser counts
 * them as levels of its own recursion. */
/* NOLINTNEXTLINE(misc-no-recursion): bounded by the parser */
static void walk_function(dump_walk *walk, const variable_set *parent)
{
    skip_string(walk);     /* its source */
    (void)take_size(walk); /* its first line and its last */
    (void)take_size(walk);
    (void)take(walk, 3); /* parameters, whether more may come, stack */
    size_t count = take_size(walk);
    if (count > SIZE_MAX / INSTRUCTION_BYTES) {
        walk->is_broken = true;
        return;
    }
    const unsigned char *code = take(walk, count * INSTRUCTION_BYTES);
    walk_constants(walk);
    variable_set outer = walk_captured(walk, parent);
    if (walk->is_broken || code == NULL) {
        return;
    }
    walk_code(walk, code, count, &outer);
    for (size_t i = take_size(walk); i > 0 && !walk->is_broken; i--) {
        walk_function(walk, &outer);
    }
    skip_debug(walk);
}

static bool is_head_known(dump_walk *walk)
{
    const unsigned char *head = take(walk, DUMP_HEAD_BYTES);
    (void)take_byte(walk); /* the number of captured variables, once more */
    return head != NULL && memcmp(head, dump_head, DUMP_HEAD_BYTES) == 0;
}

static int append_dump(lua_State *L, const void *bytes, size_t size, void *out)
{
    (void)L;
    rf_buffer *buffer = out;
    rf_buffer_append(buffer, bytes, size);
    return rf_buffer_failed(buffer) ? 1 : 0;
}

unsigned rf_bytecode_inspect(lua_State *L, int index, unsigned instructions_max,
                             unsigned constants_max)
{
    rf_buffer dump = {0};
    lua_pushvalue(L, index);
    (void)lua_dump(L, append_dump, &dump, 1); /* raises nothing */
    lua_pop(L, 1);
    if (rf_buffer_failed(&dump)) {
        rf_buffer_done(&dump);
        (void)rf_sandbox__raise_no_memory(L);
    }
    const unsigned char *bytes = (const unsigned char *)dump.bytes;
    dump_walk walk = {
        .at = bytes,
        .end = bytes + dump.length,
        .instructions_max = instructions_max,
        .constants_max = constants_max,
    };
    if (is_head_known(&walk)) {
        walk_function(&walk, NULL);
    } else {
        walk.is_broken = true;
    }
    rf_buffer_done(&dump);
    bool is_foreign = walk.is_broken || walk.at != walk.end;
    return is_foreign ? walk.flags | RF_CODE_FOREIGN : walk.flags;
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
