/*
 * view.c - what scripts see of a call: m and ctx.
 *
 * A view is an empty table whose every read comes here. The names of a group
 * never change while the sandbox lives, so what the schema found is remembered:
 * the groups of `m` in a table that the interpreter reads by itself, slots in a
 * table of the function below. Values are asked for each time.
 */
#include "scripts/number.h"
#include "scripts/sandbox_internal.h"

#include <lauxlib.h>
#include <lua.h>

static const char groups_key; /* the view of every group, by its number */

/* What the reading function of a view has at hand. */
enum {
    UPVALUE_MEMBERS = 1, /* name to slot, or to the view of a group */
    UPVALUE_GROUP = 2
};

static void push_view(lua_State *L, unsigned group);

/* Raise what a schema or a reader refused. */
static int raise_refused(lua_State *L, rf_status status, const rf_error *err)
{
    /* A limit hit by a script inside is the outer script's as well. */
    rf_sandbox__charge(L, 0);
    rf_sandbox__blame(L, RF_SCRIPT_ERROR, status);
    return luaL_error(L, "%s", err->message);
}

static void push_value(lua_State *L, const rf_value *value)
{
    switch (value->kind) {
    case RF_VALUE_NUMBER:
        lua_pushnumber(L, rf_number_of_quantity(value->quantity));
        break;
    case RF_VALUE_INTEGER:
        lua_pushinteger(L, value->integer);
        break;
    case RF_VALUE_TEXT:
        lua_pushlstring(L, value->text.bytes, value->text.length);
        break;
    case RF_VALUE_NIL:
    default:
        lua_pushnil(L);
        break;
    }
}

static int read_slot(lua_State *L, unsigned slot)
{
    rf_sandbox *sandbox = rf_sandbox__of(L);
    const rf_reader *reader = sandbox->reader;
    if (reader == NULL) {
        return luaL_error(L, "no values can be read now");
    }
    rf_value value;
    rf_error err;
    err.message[0] = '\0';
    rf_status status = reader->value(reader->self, slot, &value, &err);
    if (status != RF_OK) {
        return raise_refused(L, status, &err);
    }
    if (sandbox->breach != RF_SCRIPT_OK) {
        rf_sandbox__charge(L, 0);
    }
    push_value(L, &value);
    return 1;
}

/* Remember under the name at 2 what is on top. The interpreter must not find
 * slots where it looks for the groups of `m`. [-0, +0, e] */
static void remember(lua_State *L, unsigned group, bool is_group)
{
    rf_sandbox *sandbox = rf_sandbox__of(L);
    if (sandbox->names_left == 0 || (group == RF_GROUP_MEASURES && !is_group)) {
        return;
    }
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, lua_upvalueindex(UPVALUE_MEMBERS));
    sandbox->names_left--;
}

/* Ask the schema for the name at 2, remember what it is, and leave that on
 * top; returns its type. [-0, +1, e] */
static int find_member(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TSTRING) {
        luaL_error(L, "it is read by names, not by a %s", luaL_typename(L, 2));
    }
    rf_sandbox *sandbox = rf_sandbox__of(L);
    unsigned group =
        (unsigned)lua_tointeger(L, lua_upvalueindex(UPVALUE_GROUP));
    rf_text name;
    name.bytes = lua_tolstring(L, 2, &name.length);
    rf_member member;
    rf_error err;
    err.message[0] = '\0';
    rf_status status = sandbox->schema->find(sandbox->schema->self, group, name,
                                             &member, &err);
    if (status != RF_OK) {
        (void)raise_refused(L, status, &err);
    }
    if (member.is_group) {
        push_view(L, member.number);
    } else {
        lua_pushinteger(L, member.number);
    }
    remember(L, group, member.is_group);
    return lua_type(L, -1);
}

/* The __index of views. */
static int l_read(lua_State *L)
{
    lua_pushvalue(L, 2);
    int type = lua_rawget(L, lua_upvalueindex(UPVALUE_MEMBERS));
    if (type == LUA_TNIL) {
        type = find_member(L);
    }
    if (type != LUA_TNUMBER) {
        return 1; /* the view of a group */
    }
    return read_slot(L, (unsigned)lua_tointeger(L, -1));
}

static int l_write(lua_State *L)
{
    return luaL_error(L, "measures and circumstances are read-only");
}

static int l_length(lua_State *L)
{
    return luaL_error(L, "a group of names has no length");
}

/* The __pairs of views: over all names of the group, in order. */
static int l_pairs_of_view(lua_State *L)
{
    rf_sandbox *sandbox = rf_sandbox__of(L);
    const rf_schema *schema = sandbox->schema;
    unsigned group = (unsigned)lua_tointeger(L, lua_upvalueindex(1));
    lua_newtable(L);
    rf_text name;
    for (size_t i = 0; schema->list(schema->self, group, i, &name); i++) {
        rf_sandbox__charge(L, 1);
        lua_pushlstring(L, name.bytes, name.length);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushvalue(L, 1);
    rf_order__iterate(L);
    return 3;
}

/* Push the function that reads a group whose members are in the table on top.
 * [-1, +1, e] */
static void push_reader(lua_State *L, unsigned group)
{
    lua_pushinteger(L, group);
    lua_pushcclosure(L, l_read, 2);
}

/* Push a table of groups that the interpreter searches before it calls the
 * function on top. The groups are there as soon as they were read once.
 * [-1, +1, e] */
static void push_searched(lua_State *L)
{
    lua_getupvalue(L, -1, UPVALUE_MEMBERS);
    lua_createtable(L, 0, 1);
    lua_rotate(L, -3, -1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}

/* Push a new view of a group. [-0, +1, e] */
static void make_view(lua_State *L, unsigned group)
{
    lua_newtable(L);
    lua_createtable(L, 0, 5);
    lua_newtable(L);
    push_reader(L, group);
    if (group == RF_GROUP_MEASURES) {
        push_searched(L);
    }
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, l_write);
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, l_length);
    lua_setfield(L, -2, "__len");
    lua_pushinteger(L, group);
    lua_pushcclosure(L, l_pairs_of_view, 1);
    lua_setfield(L, -2, "__pairs");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
}

/* Push the one view of a group. [-0, +1, e] */
static void push_view(lua_State *L, unsigned group)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &groups_key);
    if (lua_rawgeti(L, -1, group) == LUA_TNIL) {
        lua_pop(L, 1);
        make_view(L, group);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, group);
    }
    lua_remove(L, -2);
}

void rf_view__open(lua_State *L)
{
    rf_sandbox *sandbox = rf_sandbox__of(L);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &groups_key);
    push_view(L, RF_GROUP_MEASURES);
    sandbox->measures_view = luaL_ref(L, LUA_REGISTRYINDEX);
    push_view(L, RF_GROUP_CONTEXT);
    sandbox->context_view = luaL_ref(L, LUA_REGISTRYINDEX);
}
