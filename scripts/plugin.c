/*
 * plugin.c - running a plugin's files.
 *
 * plugin.lua is run first; with `use "name"` it has the value of another file
 * of its own, which is run once. What was used is kept in a table of the
 * registry until the plugin is loaded.
 */
#include "scripts/plugin.h"

#include "scripts/sandbox_internal.h"

#include <lauxlib.h>
#include <lua.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SUFFIX ".lua"

/* Files that plugins are tested with stand beside their sources. */
#define TEST_SUFFIX "_spec.lua"

/* The registry's key for the values of the files used so far, by file name;
 * false while a file runs. Only its address matters. */
static const char used_key;

static bool ends_with(rf_text text, const char *end)
{
    size_t length = strlen(end);
    return text.length >= length &&
           memcmp(text.bytes + text.length - length, end, length) == 0;
}

static const rf_plugin_file *find_file(const rf_plugin *plugin, rf_text name)
{
    for (size_t i = 0; i < plugin->file_count; i++) {
        if (rf_text_equal(plugin->files[i].name, name)) {
            return &plugin->files[i];
        }
    }
    return NULL;
}

/* Run a file and remember its value. [-0, +1, e] */
static void run_file(lua_State *L, const rf_plugin_file *file)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &used_key);
    lua_pushlstring(L, file->name.bytes, file->name.length);
    lua_pushvalue(L, -1);
    lua_pushboolean(L, 0);
    lua_rawset(L, -4);
    rf_sandbox__compile(L, lua_tostring(L, -1), file->text); /* used name f */
    lua_call(L, 0, 1);
    if (!lua_toboolean(L, -1)) {
        luaL_error(L, "%s returns no value", lua_tostring(L, -2));
    }
    lua_pushvalue(L, -1);
    lua_insert(L, -4); /* value used name value */
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

/* Read the argument of `use` as the name of a file, and leave it on the stack
 * so that it lives. [-0, +1, e] */
static rf_text check_name(lua_State *L)
{
    rf_text name = RF_TEXT_EMPTY;
    if (lua_type(L, 1) != LUA_TSTRING) {
        luaL_error(L, "use needs the name of a file, not a %s",
                   luaL_typename(L, 1));
    }
    name.bytes = lua_tolstring(L, 1, &name.length);
    if (name.length == 0 || strpbrk(name.bytes, "/\\") != NULL ||
        strlen(name.bytes) != name.length) {
        luaL_error(L, "use takes the name of a file beside " RF_PLUGIN_MAIN
                      ", not a path");
    }
    lua_pushvalue(L, 1);
    if (!ends_with(name, SUFFIX)) {
        lua_pushstring(L, SUFFIX);
        lua_concat(L, 2);
        name.bytes = lua_tolstring(L, -1, &name.length);
    }
    if (ends_with(name, TEST_SUFFIX)) {
        luaL_error(L, "%s is a test and no source", name.bytes);
    }
    return name;
}

static int l_use(lua_State *L)
{
    const rf_state *state = lua_touserdata(L, lua_upvalueindex(1));
    if (state->loading == NULL) {
        return luaL_error(L, "use is there only while a plugin is loaded");
    }
    rf_text name = check_name(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &used_key);
    lua_pushvalue(L, -2);
    lua_rawget(L, -2);
    if (lua_isboolean(L, -1) && !lua_toboolean(L, -1)) {
        return luaL_error(L,
                          "%s is being loaded: files use each other in a "
                          "circle",
                          name.bytes);
    }
    if (!lua_isnil(L, -1)) {
        return 1;
    }
    const rf_plugin_file *file = find_file(state->loading, name);
    if (file == NULL) {
        return luaL_error(L, "the plugin has no file %s", name.bytes);
    }
    run_file(L, file);
    return 1;
}

void rf_plugin__install_use(lua_State *L, rf_state *state)
{
    rf_sandbox__push_library(L);
    lua_pushlightuserdata(L, state);
    lua_pushcclosure(L, l_use, 1);
    lua_setfield(L, -2, "use");
    lua_pop(L, 1);
}

static int l_load(lua_State *L)
{
    rf_plugin_job *job = lua_touserdata(L, 1);
    const rf_plugin_file *file =
        find_file(job->plugin, rf_text_of(RF_PLUGIN_MAIN));
    if (file == NULL) {
        return luaL_error(L, "the plugin has no " RF_PLUGIN_MAIN);
    }
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &used_key);
    run_file(L, file);
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &used_key);
    if (job->is_first) {
        rf_plugin__read_table(L, job);
    } else {
        rf_plugin__fetch_functions(L, job);
    }
    return 0;
}

static rf_status run_job(rf_plugin_job *job, rf_error *err)
{
    rf_state *state = job->state;
    rf_budget budget = rf_sandbox_limits_default().load;
    rf_script_failure failure;
    job->place =
        rf_scripts__place_of(job->plugin, rf_text_of(RF_PLUGIN_MAIN), 0);
    state->loading = job->plugin;
    rf_script_outcome outcome =
        rf_sandbox__enter(state->sandbox, l_load, job, budget, &failure);
    state->loading = NULL;
    if (outcome == RF_SCRIPT_OK) {
        return RF_OK;
    }
    return rf_scripts__fail_load(job->plugin, &failure, &job->place, err);
}

rf_status rf_plugin__read(rf_state *state, rf_plugin *plugin, rf_error *err)
{
    rf_plugin_job job = {.state = state, .plugin = plugin, .is_first = true};
    return run_job(&job, err);
}

rf_status rf_plugin__fetch(rf_state *state, rf_plugin *plugin, rf_error *err)
{
    rf_plugin_job job = {.state = state, .plugin = plugin};
    return run_job(&job, err);
}

/* ---- Tools of the readers ---- */

static bool is_word(char byte)
{
    return byte == '_' || (byte >= '0' && byte <= '9') ||
           (rf_lower(byte) >= 'a' && rf_lower(byte) <= 'z');
}

/* Return the line of a text in which a word stands, 0 when it stands nowhere or
 * in more than one place. */
static int find_line(rf_text text, rf_text word)
{
    int line = 1;
    int found = 0;
    for (size_t at = 0; at + word.length <= text.length; at++) {
        const char *here = text.bytes + at;
        line += *here == '\n' ? 1 : 0;
        if (memcmp(here, word.bytes, word.length) != 0 ||
            (at > 0 && is_word(here[-1])) ||
            (at + word.length < text.length && is_word(here[word.length]))) {
            continue;
        }
        if (found != 0) {
            return 0;
        }
        found = line;
    }
    return found;
}

int rf_plugin__refuse(lua_State *L, rf_plugin_job *job, rf_text key,
                      const char *format, ...)
{
    const rf_plugin_file *file =
        find_file(job->plugin, rf_text_of(RF_PLUGIN_MAIN));
    int line = file == NULL || key.length == 0 ? 0 : find_line(file->text, key);
    if (line > 0) {
        rf_script_place place =
            rf_scripts__place_of(job->plugin, rf_text_of(RF_PLUGIN_MAIN), line);
        memcpy(place.function, job->place.function, sizeof place.function);
        job->place = place;
    }
    char message[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    rf_sandbox__blame(L, RF_SCRIPT_CONTRACT, job->cause);
    return luaL_error(L, "%s", message);
}

void *rf_plugin__allocate(lua_State *L, rf_plugin_job *job, size_t count,
                          size_t size)
{
    void *block = rf_arena_calloc(&job->state->set->arena, count, size);
    if (block == NULL) {
        (void)rf_sandbox__raise_no_memory(L);
    }
    return block;
}

rf_text rf_plugin__copy_text(lua_State *L, rf_plugin_job *job, int index)
{
    rf_text text;
    text.bytes = lua_tolstring(L, index, &text.length);
    char *copy = rf_plugin__allocate(L, job, text.length + 1, 1);
    memcpy(copy, text.bytes, text.length);
    return (rf_text){copy, text.length};
}
