/*
 * library.c - the functions scripts may call.
 *
 * An allow list: what is not here does not exist for scripts. Left out is
 * whatever loads code, reaches the system, catches errors, sets metatables,
 * shows addresses or order of hash tables, or works long on short input
 * (patterns, string.rep, table.move). Functions are our own where the stock
 * ones would do one of these.
 *
 * While a formula is traced, symbols stand for measures. They are userdata, as
 * nothing else here is; a function that would need the value behind one raises,
 * because a wrong answer would become part of the formula.
 */
#include "scripts/sandbox_internal.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Longer texts are no numbers. */
#define NUMBER_TEXT_MAX 63

#define SORT_MAX 10000

/* Keys between two charges while a table is walked. */
#define KEYS_PER_CHARGE 64

/* Refuse symbols anywhere among the arguments. [-0, +0, e] */
static void need_values(lua_State *L)
{
    for (int i = lua_gettop(L); i > 0; i--) {
        luaL_argcheck(L, lua_type(L, i) != LUA_TUSERDATA, i,
                      "the value of a measure is needed");
    }
}

/* ---- Basic functions ---- */

static int l_type(lua_State *L)
{
    need_values(L);
    luaL_checkany(L, 1);
    lua_pushstring(L, luaL_typename(L, 1));
    return 1;
}

/* Push a number as text, whole floats like integers. [-0, +1, e] */
static void push_number_text(lua_State *L, int index)
{
    char text[48];
    if (lua_isinteger(L, index)) {
        snprintf(text, sizeof text, LUA_INTEGER_FMT, lua_tointeger(L, index));
    } else {
        lua_Number number = lua_tonumber(L, index);
        /* The sign of NaN and of zero differs between machines, and says
         * nothing. */
        snprintf(text, sizeof text, LUA_NUMBER_FMT,
                 isnan(number) ? (lua_Number)NAN : number + 0.0);
    }
    lua_pushstring(L, text);
}

/* Anything that has an address is told by its type alone. */
static int l_tostring(lua_State *L)
{
    need_values(L);
    luaL_checkany(L, 1);
    switch (lua_type(L, 1)) {
    case LUA_TNUMBER:
        push_number_text(L, 1);
        break;
    case LUA_TSTRING:
        lua_settop(L, 1);
        break;
    case LUA_TBOOLEAN:
        lua_pushstring(L, lua_toboolean(L, 1) ? "true" : "false");
        break;
    default:
        lua_pushstring(L, luaL_typename(L, 1));
    }
    return 1;
}

static int l_tonumber(lua_State *L)
{
    need_values(L);
    luaL_checkany(L, 1);
    luaL_argcheck(L, lua_isnoneornil(L, 2), 2, "no base can be given");
    if (lua_type(L, 1) == LUA_TNUMBER) {
        lua_settop(L, 1);
        return 1;
    }
    if (lua_type(L, 1) == LUA_TSTRING) {
        size_t length;
        const char *text = lua_tolstring(L, 1, &length);
        if (length <= NUMBER_TEXT_MAX &&
            lua_stringtonumber(L, text) == length + 1) {
            return 1;
        }
    }
    lua_pushnil(L);
    return 1;
}

/* Raise the value at 1, a text with the place of the caller in front. */
static int raise_value(lua_State *L, int level)
{
    lua_settop(L, 1);
    if (lua_type(L, 1) == LUA_TSTRING && level > 0) {
        luaL_where(L, level);
        lua_insert(L, 1);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int l_error(lua_State *L)
{
    lua_Integer level = luaL_optinteger(L, 2, 1);
    lua_settop(L, 1);
    return raise_value(L, level >= 0 && level <= 200 ? (int)level : 1);
}

/* Passes its arguments through, so symbols may be among them. */
static int l_assert(lua_State *L)
{
    luaL_checkany(L, 1);
    if (lua_toboolean(L, 1)) {
        return lua_gettop(L);
    }
    lua_remove(L, 1);
    lua_pushliteral(L, "assertion failed!");
    lua_settop(L, 1);
    return raise_value(L, 1);
}

/* The same. */
static int l_select(lua_State *L)
{
    int count = lua_gettop(L);
    if (lua_type(L, 1) == LUA_TSTRING && *lua_tostring(L, 1) == '#') {
        lua_pushinteger(L, count - 1);
        return 1;
    }
    lua_Integer first = luaL_checkinteger(L, 1);
    if (first < 0) {
        first = count + first;
    } else if (first > count) {
        first = count;
    }
    luaL_argcheck(L, first >= 1, 1, "index out of range");
    return count - (int)first;
}

static int l_next_index(lua_State *L)
{
    lua_Integer index = luaL_checkinteger(L, 2) + 1;
    lua_pushinteger(L, index);
    return lua_geti(L, 1, index) == LUA_TNIL ? 1 : 2;
}

static int l_ipairs(lua_State *L)
{
    need_values(L);
    luaL_checkany(L, 1);
    lua_pushcfunction(L, l_next_index);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

/* Push an array of all keys of the table at 1, or of the one behind it.
 * [-0, +1, e] */
static void collect_keys(lua_State *L)
{
    lua_settop(L, 1);
    if (luaL_getmetafield(L, 1, "__index") != LUA_TTABLE) {
        lua_settop(L, 1);
        lua_pushvalue(L, 1);
    }
    lua_newtable(L);
    lua_pushnil(L);
    for (lua_Integer count = 1; lua_next(L, 2) != 0; count++) {
        int type = lua_type(L, -2);
        if (type != LUA_TNUMBER && type != LUA_TSTRING) {
            luaL_error(L, "a table with a %s as a key has no order",
                       lua_typename(L, type));
        }
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, 3, count);
        if (count % KEYS_PER_CHARGE == 0) {
            rf_sandbox__charge(L, KEYS_PER_CHARGE);
        }
    }
    lua_remove(L, 2);
}

/* Goes over the keys in order: numbers, then texts. */
static int l_pairs(lua_State *L)
{
    need_values(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
        lua_pushvalue(L, 1);
        lua_call(L, 1, 3);
        return 3;
    }
    collect_keys(L);
    lua_pushvalue(L, 1);
    rf_order__iterate(L);
    return 3;
}

static const luaL_Reg basic_functions[] = {
    {"assert", l_assert},     {"error", l_error},   {"ipairs", l_ipairs},
    {"pairs", l_pairs},       {"select", l_select}, {"tonumber", l_tonumber},
    {"tostring", l_tostring}, {"type", l_type},     {NULL, NULL},
};

/* ---- math ---- */

/* The first of the largest or smallest numbers, just as Lua's own give it. */
static int push_extremum(lua_State *L, bool largest)
{
    int count = lua_gettop(L);
    luaL_checkany(L, 1);
    for (int i = 1; i <= count; i++) {
        if (lua_type(L, i) == LUA_TUSERDATA && rf_trace__is_symbol(L, i)) {
            return rf_trace__extremum(L, largest);
        }
        luaL_checktype(L, i, LUA_TNUMBER);
    }
    int best = 1;
    for (int i = 2; i <= count; i++) {
        if (largest ? lua_compare(L, best, i, LUA_OPLT)
                    : lua_compare(L, i, best, LUA_OPLT)) {
            best = i;
        }
    }
    lua_pushvalue(L, best);
    return 1;
}

static int l_max(lua_State *L)
{
    return push_extremum(L, true);
}

static int l_min(lua_State *L)
{
    return push_extremum(L, false);
}

static int l_math_type(lua_State *L)
{
    need_values(L);
    luaL_checkany(L, 1);
    if (lua_type(L, 1) == LUA_TNUMBER) {
        lua_pushstring(L, lua_isinteger(L, 1) ? "integer" : "float");
    } else {
        lua_pushnil(L);
    }
    return 1;
}

static int l_tointeger(lua_State *L)
{
    need_values(L);
    luaL_checkany(L, 1);
    int is_whole = 0;
    lua_Integer number = 0;
    if (lua_type(L, 1) == LUA_TNUMBER) {
        number = lua_tointegerx(L, 1, &is_whole);
    }
    if (is_whole) {
        lua_pushinteger(L, number);
    } else {
        lua_pushnil(L);
    }
    return 1;
}

static const luaL_Reg math_functions[] = {
    {"max", l_max},        {"min", l_min}, {"tointeger", l_tointeger},
    {"type", l_math_type}, {NULL, NULL},
};

/* ---- table ---- */

/* Refuse what is no table of the script's own: these functions go past the
 * face of a frozen one. [-0, +0, e] */
static void check_own_table(lua_State *L)
{
    need_values(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lua_getmetatable(L, 1)) {
        rf_freeze__refuse(L);
    }
}

static int l_insert(lua_State *L)
{
    check_own_table(L);
    luaL_argcheck(L, lua_gettop(L) == 2, 2,
                  "table.insert(list, value) is the only form");
    lua_rawseti(L, 1, (lua_Integer)lua_rawlen(L, 1) + 1);
    return 0;
}

/* Without a function to compare, the values must be of one kind that has an
 * order. [-0, +0, e] */
static void check_sortable(lua_State *L, int count)
{
    for (int i = 1; i <= count; i++) {
        int first = lua_rawgeti(L, 1, 1);
        int type = lua_rawgeti(L, 1, i);
        if (type != first || (type != LUA_TNUMBER && type != LUA_TSTRING)) {
            luaL_error(L, "table.sort needs numbers only, texts only, or a "
                          "function to compare");
        }
        lua_pop(L, 2);
    }
}

static int l_sort(lua_State *L)
{
    check_own_table(L);
    lua_settop(L, 2);
    bool has_compare = !lua_isnil(L, 2);
    if (has_compare) {
        luaL_checktype(L, 2, LUA_TFUNCTION);
    }
    lua_Unsigned count = lua_rawlen(L, 1);
    luaL_argcheck(L, count <= SORT_MAX, 1, "too many elements to sort");
    if (!has_compare) {
        check_sortable(L, (int)count);
    }
    rf_order__sort(L, 1, (int)count, has_compare ? 2 : 0);
    return 0;
}

static const luaL_Reg table_functions[] = {
    {"insert", l_insert},
    {"sort", l_sort},
    {NULL, NULL},
};

/* ---- All of it ---- */

/* What is taken as it is. These refuse symbols by their type. */
static const char *const stock_math[] = {
    "abs", "ceil", "floor", "fmod", "maxinteger", "mininteger", "ult", NULL};
static const char *const stock_string[] = {"byte", "len",   "lower",
                                           "sub",  "upper", NULL};

/* Copy what is named from a stock library to the table on top. [-0, +0, e] */
static void pick(lua_State *L, lua_CFunction open, const char *const *names)
{
    lua_pushcfunction(L, open);
    lua_call(L, 0, 1);
    for (; *names != NULL; names++) {
        lua_getfield(L, -1, *names);
        lua_setfield(L, -3, *names);
    }
    lua_pop(L, 1);
}

/* Opening the string library gives all strings a metatable, through which a
 * script would reach every function of it. [-0, +0, e] */
static void drop_string_methods(lua_State *L)
{
    lua_pushliteral(L, "");
    lua_pushnil(L);
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

/* Freeze the table on top and make it a member of the one below.
 * [-1, +0, e] */
static void add_frozen(lua_State *L, const char *name)
{
    rf_freeze__face(L);
    lua_setfield(L, -2, name);
}

void rf_library__push(lua_State *L)
{
    luaL_newlib(L, basic_functions);
    luaL_newlib(L, math_functions);
    pick(L, luaopen_math, stock_math);
    add_frozen(L, "math");
    lua_newtable(L);
    pick(L, luaopen_string, stock_string);
    drop_string_methods(L);
    add_frozen(L, "string");
    luaL_newlib(L, table_functions);
    add_frozen(L, "table");
}
