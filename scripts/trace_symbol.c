/*
 * trace_symbol.c - symbols and what may be done with them.
 *
 * The registry holds one desk for each state: a userdata that names the trace
 * under way, with a serial number that symbols repeat. So a symbol never holds
 * a pointer, and one that was kept somewhere finds that its trace is over.
 */
#include "scripts/trace_symbol.h"

#include "scripts/reads.h"
#include "scripts/sandbox_internal.h"

#include <lauxlib.h>
#include <lua.h>

#include <stdio.h>
#include <string.h>

typedef struct rf_symbol_desk {
    rf_tracing *tracing; /* NULL: none is under way */
    uint64_t serial;     /* of the newest trace */
} desk;

typedef enum {
    SYMBOL_MEASURES, /* m */
    SYMBOL_GROUP,    /* m.source */
    SYMBOL_CONTEXT,  /* ctx */
    SYMBOL_VALUE
} symbol_kind;

typedef struct symbol {
    uint64_t serial;
    symbol_kind kind;
    uint16_t node; /* of a value */
    size_t length; /* of a group's name */
    char name[];
} symbol;

/* Addresses that are keys in the registry. */
static const char desk_key;
static const char metatable_key;

/* The desk's user value: functions that were looked at. */
#define DESK_FUNCTIONS 1

#define READS_CONTEXT "reads ctx"
#define COMPUTED_NAME "reads a measure by a computed name"
#define NO_NUMBER "takes something for a number that is none"

/* ---- The trace they belong to ---- */

/* Push the state's desk and return it; NULL, and nil pushed, if there is none.
 * [-0, +1, -] */
static desk *push_desk(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &desk_key);
    return lua_touserdata(L, -1);
}

rf_tracing *rf_symbol__tracing(lua_State *L)
{
    desk *at = push_desk(L);
    lua_pop(L, 1);
    return at == NULL ? NULL : at->tracing;
}

int rf_symbol__refuse(lua_State *L, rf_tracing *tracing, const char *reason)
{
    snprintf(tracing->out->reason, sizeof tracing->out->reason, "%s", reason);
    return luaL_error(L, "the formula %s", reason);
}

/* Raise unless all went well. */
static void check(lua_State *L, rf_tracing *tracing, const char *reason)
{
    if (reason != NULL) {
        rf_symbol__refuse(L, tracing, reason);
    }
}

/* The symbol at an index; NULL if it is something else. [-0, +0, -] */
static const symbol *to_symbol(lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index)) {
        return NULL;
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
    bool is_symbol = lua_rawequal(L, -1, -2) != 0;
    lua_pop(L, 2);
    return is_symbol ? lua_touserdata(L, index) : NULL;
}

/* The symbol at an index if it belongs to the trace under way, NULL if it is
 * none; raises if its trace is over. [-0, +0, e] */
static const symbol *check_symbol(lua_State *L, int index)
{
    const symbol *found = to_symbol(L, index);
    if (found == NULL) {
        return NULL;
    }
    const desk *at = push_desk(L);
    lua_pop(L, 1);
    if (at == NULL || at->tracing == NULL || at->serial != found->serial) {
        luaL_error(L, "a measure is used after the formula was compiled");
    }
    return found;
}

/* The trace that a metamethod works for. One of its two operands is a symbol,
 * or it would not have been called; both are checked. [-0, +0, e] */
static rf_tracing *enter(lua_State *L)
{
    lua_settop(L, 2);
    const symbol *first = check_symbol(L, 1);
    const symbol *second = check_symbol(L, 2);
    rf_tracing *tracing = rf_symbol__tracing(L);
    if (tracing == NULL) {
        luaL_error(L, "a symbol is expected");
    }
    RF_ASSERT(tracing != NULL); /* raising does not return */
    if ((first != NULL && first->kind == SYMBOL_CONTEXT) ||
        (second != NULL && second->kind == SYMBOL_CONTEXT)) {
        rf_symbol__refuse(L, tracing, READS_CONTEXT);
    }
    return tracing;
}

/* [-0, +1, e] */
static symbol *push_symbol(lua_State *L, const rf_tracing *tracing,
                           symbol_kind kind, rf_text name)
{
    symbol *made = lua_newuserdatauv(L, sizeof *made + name.length, 0);
    *made = (symbol){.serial = tracing->desk->serial, .kind = kind};
    made->length = name.length;
    memcpy(made->name, name.bytes, name.length);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
    lua_setmetatable(L, -2);
    return made;
}

static int push_value(lua_State *L, const rf_tracing *tracing, uint16_t node)
{
    push_symbol(L, tracing, SYMBOL_VALUE, RF_TEXT_EMPTY)->node = node;
    return 1;
}

void rf_symbol__push_views(lua_State *L, const rf_tracing *tracing)
{
    push_symbol(L, tracing, SYMBOL_MEASURES, RF_TEXT_EMPTY);
    push_symbol(L, tracing, SYMBOL_CONTEXT, RF_TEXT_EMPTY);
}

/* ---- Arithmetic ---- */

static bool is_value(const symbol *operand)
{
    return operand != NULL && operand->kind == SYMBOL_VALUE;
}

uint16_t rf_symbol__node(lua_State *L, rf_tracing *tracing, int index)
{
    const symbol *operand = check_symbol(L, index);
    uint16_t node = 0;
    if (is_value(operand)) {
        return operand->node;
    }
    if (operand != NULL && operand->kind == SYMBOL_CONTEXT) {
        rf_symbol__refuse(L, tracing, READS_CONTEXT);
    }
    if (lua_type(L, index) != LUA_TNUMBER) {
        rf_symbol__refuse(L, tracing, NO_NUMBER);
    }
    check(L, tracing,
          rf_trace_nodes__constant(&tracing->nodes, lua_tonumber(L, index),
                                   &node));
    return node;
}

static int combine(lua_State *L, rf_expression_kind kind)
{
    rf_tracing *tracing = enter(L);
    uint16_t left = rf_symbol__node(L, tracing, 1);
    uint16_t right = rf_symbol__node(L, tracing, 2);
    uint16_t node = 0;
    check(L, tracing,
          rf_trace_nodes__combine(&tracing->nodes, kind, left, right, &node));
    return push_value(L, tracing, node);
}

static int l_add(lua_State *L)
{
    return combine(L, RF_EXPRESSION_ADD);
}

static int l_subtract(lua_State *L)
{
    return combine(L, RF_EXPRESSION_SUBTRACT);
}

static int scale(lua_State *L, rf_tracing *tracing, uint16_t operand,
                 lua_Number factor)
{
    uint16_t node = 0;
    check(L, tracing,
          rf_trace_nodes__scale(&tracing->nodes, operand, factor, &node));
    return push_value(L, tracing, node);
}

static int l_multiply(lua_State *L)
{
    rf_tracing *tracing = enter(L);
    int symbol_index = is_value(to_symbol(L, 1)) ? 1 : 2;
    int factor_index = 3 - symbol_index;
    if (is_value(to_symbol(L, factor_index))) {
        return rf_symbol__refuse(L, tracing, "multiplies measures");
    }
    if (lua_type(L, factor_index) != LUA_TNUMBER) {
        return rf_symbol__refuse(L, tracing, NO_NUMBER);
    }
    uint16_t operand = rf_symbol__node(L, tracing, symbol_index);
    return scale(L, tracing, operand, lua_tonumber(L, factor_index));
}

static int l_negate(lua_State *L)
{
    rf_tracing *tracing = enter(L);
    return scale(L, tracing, rf_symbol__node(L, tracing, 1), -1);
}

int rf_trace__extremum(lua_State *L, bool largest)
{
    int count = lua_gettop(L);
    luaL_argcheck(L, count >= 1, 1, "number expected, got no value");
    rf_tracing *tracing = rf_symbol__tracing(L);
    if (tracing == NULL) {
        return luaL_error(L,
                          "a measure is used after the formula was compiled");
    }
    rf_expression_kind kind = largest ? RF_EXPRESSION_MAX : RF_EXPRESSION_MIN;
    uint16_t result = rf_symbol__node(L, tracing, 1);
    for (int i = 2; i <= count; i++) {
        uint16_t next = rf_symbol__node(L, tracing, i);
        check(L, tracing,
              rf_trace_nodes__combine(&tracing->nodes, kind, result, next,
                                      &result));
    }
    return push_value(L, tracing, result);
}

bool rf_trace__is_symbol(lua_State *L, int index)
{
    return to_symbol(L, index) != NULL;
}

/* ---- Reading ---- */

/* Whether the function on top is the script's own, which is known by now.
 * [-1, +0, -] */
static bool is_own_function(lua_State *L)
{
    push_desk(L);
    lua_getiuservalue(L, -1, DESK_FUNCTIONS);
    lua_pushvalue(L, -3);
    bool is_own = lua_rawget(L, -2) == LUA_TBOOLEAN && lua_toboolean(L, -1);
    lua_pop(L, 4);
    return is_own;
}

/* Where the script's own code is that is under way. Helpers of the library may
 * stand in between; one that was called as the last thing has taken its
 * caller's place, and nothing is left but where the formula begins. */
static rf_text find_place(lua_State *L, const rf_tracing *tracing,
                          lua_Debug *at)
{
    for (int level = 1; lua_getstack(L, level, at); level++) {
        lua_getinfo(L, "Slf", at);
        if (is_own_function(L)) {
            return rf_text_of(at->short_src);
        }
    }
    at->currentline = tracing->line;
    return rf_text_of(tracing->file);
}

static int read_measure(lua_State *L, rf_tracing *tracing, const symbol *group,
                        rf_text name)
{
    lua_Debug at = {0};
    rf_text file = find_place(L, tracing, &at);
    rf_reads_name found = {
        {group->name, group->length}, name, file, at.currentline};
    size_t read = 0;
    if (!rf_reads_add(tracing->out, &found, &read)) {
        return rf_symbol__refuse(L, tracing, "reads what cannot be a measure");
    }
    uint16_t node = 0;
    check(L, tracing,
          rf_trace_nodes__read(&tracing->nodes, (unsigned)read, &node));
    return push_value(L, tracing, node);
}

static int l_index(lua_State *L)
{
    rf_tracing *tracing = enter(L);
    const symbol *from = to_symbol(L, 1);
    if (from == NULL || from->kind == SYMBOL_VALUE) {
        return rf_symbol__refuse(L, tracing, "reads a field of a measure");
    }
    if (lua_type(L, 2) != LUA_TSTRING) {
        return rf_symbol__refuse(L, tracing, COMPUTED_NAME);
    }
    rf_text name;
    name.bytes = lua_tolstring(L, 2, &name.length);
    if (from->kind == SYMBOL_GROUP) {
        return read_measure(L, tracing, from, name);
    }
    push_symbol(L, tracing, SYMBOL_GROUP, name);
    return 1;
}

/* ---- The table of what may be done ---- */

/* Everything an expression cannot say; the reason is the upvalue. */
static int l_refuse(lua_State *L)
{
    rf_tracing *tracing = enter(L);
    return rf_symbol__refuse(L, tracing, lua_tostring(L, lua_upvalueindex(1)));
}

typedef struct event {
    const char *name;
    lua_CFunction function; /* NULL: refused, for that reason */
    const char *reason;
} event;

static const event events[] = {
    {"__index", l_index, NULL},
    {"__add", l_add, NULL},
    {"__sub", l_subtract, NULL},
    {"__mul", l_multiply, NULL},
    {"__unm", l_negate, NULL},
    {"__div", NULL, "divides"},
    {"__idiv", NULL, "divides"},
    {"__mod", NULL, "takes a remainder"},
    {"__pow", NULL, "raises to a power"},
    {"__band", NULL, "works on bits"},
    {"__bor", NULL, "works on bits"},
    {"__bxor", NULL, "works on bits"},
    {"__bnot", NULL, "works on bits"},
    {"__shl", NULL, "works on bits"},
    {"__shr", NULL, "works on bits"},
    {"__eq", NULL, "compares or branches"},
    {"__lt", NULL, "compares or branches"},
    {"__le", NULL, "compares or branches"},
    {"__concat", NULL, "joins texts"},
    {"__len", NULL, "takes a length"},
    {"__tostring", NULL, "makes a text of a measure"},
    {"__call", NULL, "calls a measure"},
    {"__newindex", NULL, "writes to its arguments"},
    {"__pairs", NULL, "goes over all measures"},
    {"__close", NULL, "closes variables"},
};

/* [-0, +1, e] */
static void make_metatable(lua_State *L)
{
    lua_createtable(L, 0, sizeof events / sizeof events[0] + 1);
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (events[i].function != NULL) {
            lua_pushcfunction(L, events[i].function);
        } else {
            lua_pushstring(L, events[i].reason);
            lua_pushcclosure(L, l_refuse, 1);
        }
        lua_setfield(L, -2, events[i].name);
    }
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
}

void rf_symbol__begin(lua_State *L, rf_tracing *tracing)
{
    desk *at = push_desk(L);
    if (at == NULL) {
        lua_pop(L, 1);
        make_metatable(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
        at = lua_newuserdatauv(L, sizeof *at, 1);
        *at = (desk){NULL, 0};
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &desk_key);
    }
    lua_newtable(L);
    lua_setiuservalue(L, -2, DESK_FUNCTIONS);
    lua_pop(L, 1);
    at->tracing = tracing;
    at->serial++;
    tracing->desk = at;
}

void rf_symbol__end(rf_tracing *tracing)
{
    if (tracing->desk != NULL) {
        tracing->desk->tracing = NULL;
        tracing->desk = NULL;
    }
}

/* ---- Functions that were looked at ---- */

void rf_symbol__know_function(lua_State *L, bool is_own)
{
    push_desk(L);
    lua_getiuservalue(L, -1, DESK_FUNCTIONS);
    lua_pushvalue(L, -3);
    lua_pushboolean(L, is_own);
    lua_rawset(L, -3);
    lua_pop(L, 3);
}

bool rf_symbol__knows_function(lua_State *L)
{
    push_desk(L);
    lua_getiuservalue(L, -1, DESK_FUNCTIONS);
    lua_pushvalue(L, -3);
    bool is_known = lua_rawget(L, -2) != LUA_TNIL;
    lua_pop(L, 3);
    return is_known;
}
