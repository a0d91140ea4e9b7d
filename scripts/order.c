/*
 * order.c - sorting, and tables walked in order.
 *
 * Equal scripts must give equal results in every process, so nothing may follow
 * the order of a hash table or the pivots of an unstable sort. Work done here
 * is charged to the script's budget.
 */
#include "scripts/sandbox_internal.h"

#include <lauxlib.h>
#include <lua.h>

#include <string.h>

/* Two arrays that a merge goes to and fro between, as stack indices. */
typedef struct merge {
    int from;
    int to;
    int compare; /* a function, or 0 for the order of keys */
} merge;

/* Numbers by value, then strings by their bytes. Nothing here raises. */
static bool is_key_before(lua_State *L, int a, int b)
{
    int type = lua_type(L, a);
    if (type != lua_type(L, b)) {
        return type == LUA_TNUMBER;
    }
    if (type == LUA_TNUMBER) {
        return lua_compare(L, a, b, LUA_OPLT) != 0;
    }
    rf_text left;
    rf_text right;
    left.bytes = lua_tolstring(L, a, &left.length);
    right.bytes = lua_tolstring(L, b, &right.length);
    return rf_text_compare(left, right) < 0;
}

/* Say whether the value on top is before the one below. [-2, +0, e] */
static bool take_is_before(lua_State *L, int compare)
{
    if (compare == 0) {
        bool is_before = is_key_before(L, -1, -2);
        lua_pop(L, 2);
        return is_before;
    }
    lua_pushvalue(L, compare);
    lua_insert(L, -3);
    lua_insert(L, -2);
    lua_call(L, 2, 1);
    bool is_before = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is_before;
}

/* Merge the sorted runs [low, middle) and [middle, high). Of equal values the
 * left one stays in front. */
static void merge_runs(lua_State *L, const merge *arrays, lua_Integer low,
                       lua_Integer middle, lua_Integer high)
{
    lua_Integer left = low;
    lua_Integer right = middle;
    for (lua_Integer i = low; i < high; i++) {
        bool is_right = left == middle;
        if (left < middle && right < high) {
            lua_rawgeti(L, arrays->from, left);
            lua_rawgeti(L, arrays->from, right);
            is_right = take_is_before(L, arrays->compare);
        }
        lua_rawgeti(L, arrays->from, is_right ? right++ : left++);
        lua_rawseti(L, arrays->to, i);
    }
}

static lua_Integer least(lua_Integer a, lua_Integer b)
{
    return a < b ? a : b;
}

void rf_order__sort(lua_State *L, int array, int count, int compare)
{
    luaL_checkstack(L, LUA_MINSTACK, "sorting");
    lua_createtable(L, count, 0);
    merge arrays = {array, lua_gettop(L), compare};
    lua_Integer end = (lua_Integer)count + 1;
    for (lua_Integer width = 1; width < count; width *= 2) {
        rf_sandbox__charge(L, count);
        for (lua_Integer low = 1; low < end; low += 2 * width) {
            merge_runs(L, &arrays, low, least(low + width, end),
                       least(low + 2 * width, end));
        }
        int other = arrays.from;
        arrays.from = arrays.to;
        arrays.to = other;
    }
    for (lua_Integer i = 1; arrays.from != array && i < end; i++) {
        lua_rawgeti(L, arrays.from, i);
        lua_rawseti(L, array, i);
    }
    lua_pop(L, 1);
}

/* The iterator: gives the first key for nil and else the one behind, with its
 * value. It holds the value that is asked, a table from each key to the next,
 * and the first; none of them changes, so it may be called in any order. */
static int l_next_in_order(lua_State *L)
{
    lua_settop(L, 2);
    for (;;) {
        if (lua_isnil(L, 2)) {
            lua_pushvalue(L, lua_upvalueindex(3));
        } else {
            lua_pushvalue(L, 2);
            lua_rawget(L, lua_upvalueindex(2));
        }
        if (lua_isnil(L, -1)) {
            return 1;
        }
        lua_replace(L, 2);
        lua_pushvalue(L, 2);
        /* A key that was removed on the way is passed over. */
        if (lua_gettable(L, lua_upvalueindex(1)) != LUA_TNIL) {
            return 2;
        }
        lua_pop(L, 1);
    }
}

void rf_order__iterate(lua_State *L)
{
    int source = lua_gettop(L);
    int keys = source - 1;
    int count = (int)lua_rawlen(L, keys);
    rf_order__sort(L, keys, count, 0);
    lua_createtable(L, 0, count);
    for (int i = 1; i < count; i++) {
        lua_rawgeti(L, keys, i);
        lua_rawgeti(L, keys, i + 1);
        lua_rawset(L, -3);
    }
    lua_rawgeti(L, keys, 1);
    lua_pushcclosure(L, l_next_in_order, 3);
    lua_replace(L, keys);
    lua_pushnil(L);
    lua_pushnil(L);
}
