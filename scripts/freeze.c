/*
 * freeze.c - nothing a function captured at load may change afterwards.
 *
 * A frozen table is an empty face in front of the real one, which only C can
 * reach. Freezing follows tables and functions to the end, so that no state
 * survives a call, however many closures away it hides. Scripts cannot set
 * metatables: whatever table has one is a face already.
 */
#include "scripts/sandbox_internal.h"

#include <lauxlib.h>
#include <lua.h>

/* Captured tables and functions inside each other; more would be recursion
 * without end for the C stack. */
#define DEPTH_MAX 40

/* Stack that one level of the walk needs. */
#define LEVEL_STACK 12

static const char faces_key;

int rf_freeze__refuse(lua_State *L)
{
    return luaL_error(L, "this table is read-only");
}

static int l_length(lua_State *L)
{
    lua_getmetatable(L, 1);
    lua_getfield(L, -1, "__index");
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, -1));
    return 1;
}

void rf_freeze__face(lua_State *L)
{
    lua_newtable(L);
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, rf_freeze__refuse);
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, l_length);
    lua_setfield(L, -2, "__len");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}

/* Push the table that remembers the face of every table frozen so far, and
 * every function that was sealed. [-0, +1, e] */
static void push_faces(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &faces_key) != LUA_TNIL) {
        return;
    }
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &faces_key);
}

void rf_freeze__forget(lua_State *L)
{
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &faces_key);
}

/* Raise, in the name of the function at `index`, that it would keep state.
 * [-0, +0, e] */
static void refuse_function(lua_State *L, int index, const char *why)
{
    lua_Debug at;
    lua_pushvalue(L, index);
    lua_getinfo(L, ">S", &at);
    if (at.linedefined > 0) {
        lua_pushfstring(L, "%s:%d: %s", at.short_src, at.linedefined, why);
    } else {
        lua_pushstring(L, why);
    }
    rf_sandbox__raise(L, RF_SCRIPT_IMPURE);
}

/* NOLINTBEGIN(misc-no-recursion): bounded by DEPTH_MAX */

static void freeze_value(lua_State *L, int faces, int depth);

/* Freeze what the Lua function at `index` captured, in place. [-0, +0, e] */
static void freeze_captured(lua_State *L, int index, int faces, int depth)
{
    for (int i = 1; lua_getupvalue(L, index, i) != NULL; i++) {
        freeze_value(L, faces, depth + 1);
        lua_setupvalue(L, index, i);
    }
}

/* Seal the function at `index`. [-0, +0, e] */
static void seal_function(lua_State *L, int index, int faces, int depth)
{
    if (lua_iscfunction(L, index)) {
        /* Those of the library have nothing of their own; an iterator of
         * `pairs` has the very table it goes over. */
        if (lua_getupvalue(L, index, 1) != NULL) {
            refuse_function(L, index, "an iterator is kept between calls");
        }
        return;
    }
    lua_pushvalue(L, index);
    bool is_sealed = lua_rawget(L, faces) != LUA_TNIL;
    lua_pop(L, 1);
    if (is_sealed) {
        return;
    }
    unsigned flags = rf_bytecode_inspect(L, index, 0, 0);
    if ((flags & RF_CODE_FOREIGN) != 0) {
        lua_pushliteral(L, "the compiled form is not understood");
        rf_sandbox__raise(L, RF_SCRIPT_INTERNAL);
    }
    if ((flags & RF_CODE_SETS_CAPTURED) != 0) {
        refuse_function(L, index,
                        "a function assigns a variable from outside of it, "
                        "which would keep state between calls");
    }
    lua_pushvalue(L, index);
    lua_pushboolean(L, 1);
    lua_rawset(L, faces);
    freeze_captured(L, index, faces, depth);
}

/* Freeze the fields of the table at `index`, in place. [-0, +0, e] */
static void freeze_fields(lua_State *L, int index, int faces, int depth)
{
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        if (lua_type(L, -2) == LUA_TTABLE) {
            /* Its face is another key than the table was. */
            lua_pushliteral(L, "a captured table has a table as a key");
            rf_sandbox__raise(L, RF_SCRIPT_IMPURE);
        }
        freeze_value(L, faces, depth + 1);
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, index);
    }
}

/* Put the face of the table on top in its place. [-1, +1, e] */
static void freeze_table(lua_State *L, int faces, int depth)
{
    if (lua_getmetatable(L, -1)) {
        lua_pop(L, 1);
        return;
    }
    int table = lua_gettop(L);
    lua_pushvalue(L, table);
    if (lua_rawget(L, faces) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_pushvalue(L, table);
        rf_freeze__face(L);
        lua_pushvalue(L, table);
        lua_pushvalue(L, -2);
        lua_rawset(L, faces);
        freeze_fields(L, table, faces, depth);
    }
    lua_replace(L, table);
}

/* Put what a value becomes in the place of the one on top. [-1, +1, e] */
static void freeze_value(lua_State *L, int faces, int depth)
{
    int type = lua_type(L, -1);
    if (type != LUA_TTABLE && type != LUA_TFUNCTION) {
        return;
    }
    if (depth > DEPTH_MAX) {
        lua_pushfstring(L,
                        "captured tables and functions nest more than %d deep",
                        DEPTH_MAX);
        rf_sandbox__raise(L, RF_SCRIPT_IMPURE);
    }
    luaL_checkstack(L, LEVEL_STACK, "captured values");
    if (type == LUA_TTABLE) {
        freeze_table(L, faces, depth);
    } else {
        seal_function(L, lua_gettop(L), faces, depth);
    }
}

/* NOLINTEND(misc-no-recursion) */

void rf_sandbox__freeze(lua_State *L)
{
    luaL_checkstack(L, LEVEL_STACK, "captured values");
    push_faces(L);
    lua_insert(L, -2);
    freeze_value(L, lua_gettop(L) - 1, 0);
    lua_remove(L, -2);
}

void rf_sandbox__seal(lua_State *L, int index)
{
    luaL_checkstack(L, LEVEL_STACK, "captured values");
    index = lua_absindex(L, index);
    push_faces(L);
    seal_function(L, index, lua_gettop(L), 0);
    lua_pop(L, 1);
}
