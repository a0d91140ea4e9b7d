/*
 * plugin_table.c - the table that plugin.lua returns, checked and taken over.
 *
 * Whatever a table holds beyond what is known is refused, so that a misspelled
 * key is found when the plugin is loaded and not when it is missed. Tables are
 * gone through in the order of their keys: Lua's own differs from run to run.
 */
#include "scripts/plugin.h"
#include "scripts/sandbox_internal.h"

#include <lauxlib.h>
#include <lua.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Tools of the readers ---- */

bool rf_plugin__is_table(lua_State *L, int index)
{
    if (!lua_istable(L, index)) {
        return false;
    }
    bool is_face = lua_getmetatable(L, index);
    lua_pop(L, is_face ? 1 : 0);
    return !is_face;
}

static int compare_keys(const void *a, const void *b)
{
    const rf_text *left = a;
    const rf_text *right = b;
    return rf_text_compare(*left, *right);
}

static size_t count_keys(lua_State *L, rf_plugin_job *job, int index,
                         const char *what)
{
    size_t count = 0;
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        if (lua_type(L, -2) != LUA_TSTRING) {
            rf_plugin__refuse(L, job, RF_TEXT_EMPTY,
                              "%s has a key that is a %s, not a text", what,
                              luaL_typename(L, -2));
        }
        count++;
        lua_pop(L, 1);
    }
    return count;
}

rf_plugin_keys rf_plugin__keys(lua_State *L, rf_plugin_job *job, int index,
                               const char *what)
{
    int table = lua_absindex(L, index);
    size_t count = count_keys(L, job, table, what);
    rf_text *items = rf_plugin__allocate(L, job, count, sizeof *items);
    size_t at = 0;
    lua_pushnil(L);
    while (lua_next(L, table) != 0) {
        items[at++] = rf_plugin__copy_text(L, job, -2);
        lua_pop(L, 1);
    }
    qsort(items, count, sizeof *items, compare_keys);
    return (rf_plugin_keys){items, count};
}

static bool is_known(rf_text key, const char *const *known)
{
    for (; *known != NULL; known++) {
        if (rf_text_equal(key, rf_text_of(*known))) {
            return true;
        }
    }
    return false;
}

void rf_plugin__check_keys(lua_State *L, rf_plugin_job *job, int index,
                           const char *what, const char *const *known)
{
    rf_plugin_keys keys = rf_plugin__keys(L, job, index, what);
    for (size_t i = 0; i < keys.count; i++) {
        if (is_known(keys.items[i], known)) {
            continue;
        }
        char list[120] = "";
        size_t used = 0;
        for (const char *const *name = known; *name != NULL; name++) {
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
                                     name == known ? "" : ", ", *name);
        }
        rf_plugin__refuse(L, job, keys.items[i],
                          "%s has an unknown key '%.*s'; known are %s", what,
                          RF_SHOWN(keys.items[i]), list);
    }
}

int rf_plugin__push_field(lua_State *L, int index, rf_text key)
{
    int table = lua_absindex(L, index);
    lua_pushlstring(L, key.bytes, key.length);
    return lua_rawget(L, table);
}

size_t rf_plugin__list_length(lua_State *L, rf_plugin_job *job, int index,
                              const char *what)
{
    int table = lua_absindex(L, index);
    size_t entries = 0;
    bool is_list = rf_plugin__is_table(L, table);
    size_t length = is_list ? lua_rawlen(L, table) : 0;
    if (is_list) {
        lua_pushnil(L);
        while (lua_next(L, table) != 0) {
            entries++;
            lua_pop(L, 1);
        }
    }
    for (size_t i = 1; i <= length; i++) {
        entries -= lua_rawgeti(L, table, (lua_Integer)i) != LUA_TNIL ? 1 : 0;
        lua_pop(L, 1);
    }
    if (!is_list || entries != 0) {
        rf_plugin__refuse(L, job, rf_text_of(what), "%s must be a list", what);
    }
    return length;
}

/* ---- Functions ---- */

static void name_function(rf_plugin_job *job, rf_text name)
{
    snprintf(job->place.function, sizeof job->place.function, "%.*s",
             RF_SHOWN(name));
}

/* Let messages be about the function on top, and seal it. Functions made by the
 * prelude stand in no file of the plugin; the line of their key must do.
 * [-0, +0, e] */
static void seal_function(lua_State *L, rf_plugin_job *job, rf_text key,
                          const char *what)
{
    if (!lua_isfunction(L, -1) || lua_iscfunction(L, -1)) {
        rf_plugin__refuse(L, job, key, "%s must be a Lua function%s%s", what,
                          lua_iscfunction(L, -1) ? "" : ", not a ",
                          lua_iscfunction(L, -1) ? "" : luaL_typename(L, -1));
    }
    lua_Debug function;
    lua_pushvalue(L, -1);
    lua_getinfo(L, ">S", &function);
    for (size_t i = 0; i < job->plugin->file_count; i++) {
        rf_text name = job->plugin->files[i].name;
        if (rf_text_equal(name, rf_text_of(function.short_src))) {
            rf_script_place place =
                rf_scripts__place_of(job->plugin, name, function.linedefined);
            memcpy(place.function, job->place.function, sizeof place.function);
            job->place = place;
        }
    }
    rf_sandbox__seal(L, lua_absindex(L, -1));
}

/* Take the place back to the plugin as a whole. */
static void leave_function(rf_plugin_job *job)
{
    job->place =
        rf_scripts__place_of(job->plugin, rf_text_of(RF_PLUGIN_MAIN), 0);
}

/* ---- Formulas ---- */

static rf_text lower_name(lua_State *L, rf_plugin_job *job, rf_text name)
{
    char *lower = rf_plugin__allocate(L, job, name.length + 1, 1);
    for (size_t i = 0; i < name.length; i++) {
        lower[i] = rf_lower(name.bytes[i]);
    }
    return (rf_text){lower, name.length};
}

static void check_measure_name(lua_State *L, rf_plugin_job *job, rf_text key)
{
    const char *dot = memchr(key.bytes, '.', key.length);
    size_t source = dot == NULL ? 0 : (size_t)(dot - key.bytes);
    if (source == 0 || source + 1 == key.length) {
        rf_plugin__refuse(L, job, key,
                          "a formula is named source.measure, not '%.*s'",
                          RF_SHOWN(key));
    }
    if (key.length > RF_MEASURE_NAME_MAX) {
        rf_plugin__refuse(L, job, key, "the name '%.*s...' is too long",
                          RF_SHOWN(key));
    }
}

static void check_not_defined(lua_State *L, rf_plugin_job *job, rf_text measure)
{
    const rf_scripts *set = job->state->set;
    for (size_t i = 0; i < set->script_count; i++) {
        const rf_script *other = set->scripts[i];
        if (!rf_text_equal(other->measure, measure)) {
            continue;
        }
        job->cause = RF_E_DUPLICATE_DEFINITION;
        const rf_plugin *owner = &set->plugins[other->plugin];
        if (owner == job->plugin) {
            rf_plugin__refuse(L, job, RF_TEXT_EMPTY, "%.*s is defined twice",
                              RF_SHOWN(measure));
        }
        rf_plugin__refuse(L, job, RF_TEXT_EMPTY,
                          "%.*s is defined by the plugin %.*s already",
                          RF_SHOWN(measure), RF_SHOWN(owner->name));
    }
}

static rf_script *add_script(lua_State *L, rf_plugin_job *job, rf_text key)
{
    rf_scripts *set = job->state->set;
    if (set->script_count == RF_SCRIPT_FORMULAS_MAX) {
        rf_plugin__refuse(L, job, key,
                          "the plugins have more than %d formulas together",
                          RF_SCRIPT_FORMULAS_MAX);
    }
    rf_script *script = rf_plugin__allocate(L, job, 1, sizeof *script);
    script->key = key;
    script->measure = lower_name(L, job, key);
    script->number = (unsigned)set->script_count;
    script->plugin = (unsigned)(job->plugin - set->plugins);
    script->reason = "";
    check_not_defined(L, job, script->measure);
    return script;
}

/* Keep the function on top for a script. [-1, +0, e] */
static void keep_function(lua_State *L, rf_plugin_job *job,
                          const rf_script *script)
{
    job->state->functions[script->number] = rf_sandbox__keep(L);
}

/* Take over the formula under `key` of the table on top. [-0, +0, e] */
static void read_formula(lua_State *L, rf_plugin_job *job, rf_text key)
{
    rf_scripts *set = job->state->set;
    name_function(job, key);
    check_measure_name(L, job, key);
    rf_plugin__push_field(L, -1, key);
    seal_function(L, job, key, "a formula");
    rf_script *script = add_script(L, job, key);
    script->place = job->place;
    keep_function(L, job, script);
    set->scripts[set->script_count++] = script;
    job->plugin->formula_count++;
    leave_function(job);
}

static void read_formulas(lua_State *L, rf_plugin_job *job)
{
    rf_plugin_keys keys = rf_plugin__keys(L, job, -1, "formulas");
    job->plugin->first = (unsigned)job->state->set->script_count;
    for (size_t i = 0; i < keys.count; i++) {
        read_formula(L, job, keys.items[i]);
    }
}

void rf_plugin__fetch_functions(lua_State *L, rf_plugin_job *job)
{
    const rf_scripts *set = job->state->set;
    unsigned end = job->plugin->first + job->plugin->formula_count;
    if (job->plugin->formula_count == 0) {
        return;
    }
    lua_getfield(L, -1, "formulas");
    for (unsigned i = job->plugin->first; i < end; i++) {
        const rf_script *script = set->scripts[i];
        job->place = script->place;
        rf_plugin__push_field(L, -1, script->key);
        seal_function(L, job, script->key, "a formula");
        keep_function(L, job, script);
    }
    lua_pop(L, 1);
}

/* ---- Modifiers and rules ---- */

/* Check the words of a modifier's list `on`, which is on top. [-0, +0, e] */
static void check_words(lua_State *L, rf_plugin_job *job, rf_text key)
{
    size_t count = rf_plugin__list_length(L, job, -1, "on");
    for (size_t i = 1; i <= count; i++) {
        if (lua_rawgeti(L, -1, (lua_Integer)i) != LUA_TSTRING ||
            lua_rawlen(L, -1) == 0) {
            rf_plugin__refuse(L, job, key, "on must be a list of words");
        }
        lua_pop(L, 1);
    }
    if (count == 0) {
        rf_plugin__refuse(L, job, key, "on names no event");
    }
}

static void check_modifier(lua_State *L, rf_plugin_job *job, rf_text key)
{
    static const char *const known[] = {"on", "apply", NULL};
    rf_plugin__check_keys(L, job, -1, "a modifier", known);
    lua_getfield(L, -1, "on");
    check_words(L, job, key);
    lua_getfield(L, -2, "apply");
    seal_function(L, job, key, "apply");
    lua_pop(L, 2);
}

/* A rule's own fields are its business, but those that are functions are held
 * to what all functions are, and one of them says how much may be taken. */
static void check_rule(lua_State *L, rf_plugin_job *job, rf_text key)
{
    rf_plugin_keys keys = rf_plugin__keys(L, job, -1, "a rule");
    lua_getfield(L, -1, "cap");
    seal_function(L, job, key, "cap");
    lua_pop(L, 1);
    for (size_t i = 0; i < keys.count; i++) {
        if (rf_plugin__push_field(L, -1, keys.items[i]) == LUA_TFUNCTION) {
            seal_function(L, job, keys.items[i], keys.items[i].bytes);
        }
        lua_pop(L, 1);
    }
}

/* Check every table of the map on top, and return the names. [-0, +0, e] */
static rf_plugin_keys
read_map(lua_State *L, rf_plugin_job *job, const char *what,
         void (*check)(lua_State *L, rf_plugin_job *job, rf_text key))
{
    rf_plugin_keys keys = rf_plugin__keys(L, job, -1, what);
    for (size_t i = 0; i < keys.count; i++) {
        name_function(job, keys.items[i]);
        rf_plugin__push_field(L, -1, keys.items[i]);
        if (!rf_plugin__is_table(L, -1)) {
            rf_plugin__refuse(L, job, keys.items[i],
                              "each of the %s must be a table, not a %s", what,
                              luaL_typename(L, -1));
        }
        check(L, job, keys.items[i]);
        lua_pop(L, 1);
        leave_function(job);
    }
    return keys;
}

static void read_modifiers(lua_State *L, rf_plugin_job *job)
{
    rf_plugin_keys keys = read_map(L, job, "modifiers", check_modifier);
    job->plugin->modifiers = keys.items;
    job->plugin->modifier_count = keys.count;
}

static void read_rules(lua_State *L, rf_plugin_job *job)
{
    rf_plugin_keys keys = read_map(L, job, "rules", check_rule);
    job->plugin->rules = keys.items;
    job->plugin->rule_count = keys.count;
}

/* ---- The table ---- */

static rf_text read_text(lua_State *L, rf_plugin_job *job, const char *key)
{
    rf_text text = RF_TEXT_EMPTY;
    if (lua_getfield(L, -1, key) == LUA_TSTRING) {
        text = rf_plugin__copy_text(L, job, -1);
    }
    if (text.length == 0 || text.length > RF_PLUGIN_NAME_MAX) {
        rf_plugin__refuse(L, job, rf_text_of(key),
                          "%s must be a text of 1 to %d bytes", key,
                          RF_PLUGIN_NAME_MAX);
    }
    lua_pop(L, 1);
    return text;
}

static void read_names(lua_State *L, rf_plugin_job *job)
{
    rf_text name = read_text(L, job, "name");
    if (!rf_text_equal(name, job->plugin->name)) {
        rf_plugin__refuse(L, job, rf_text_of("name"),
                          "the plugin calls itself '%.*s', but its folder is "
                          "'%.*s'",
                          RF_SHOWN(name), RF_SHOWN(job->plugin->name));
    }
    job->plugin->version = read_text(L, job, "version");
}

void rf_plugin__read_table(lua_State *L, rf_plugin_job *job)
{
    static const char *const known[] = {
        "name", "version", "formulas", "modifiers", "rules", "examples", NULL};
    static const struct {
        const char *key;
        void (*read)(lua_State *L, rf_plugin_job *job);
    } parts[] = {{"formulas", read_formulas},
                 {"modifiers", read_modifiers},
                 {"rules", read_rules},
                 {"examples", rf_plugin__read_examples}};

    if (!rf_plugin__is_table(L, -1)) {
        rf_plugin__refuse(L, job, RF_TEXT_EMPTY,
                          RF_PLUGIN_MAIN " must return a table, not a %s",
                          luaL_typename(L, -1));
    }
    rf_plugin__check_keys(L, job, -1, "the plugin", known);
    read_names(L, job);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        lua_getfield(L, -1, parts[i].key);
        if (!lua_isnil(L, -1)) {
            if (!rf_plugin__is_table(L, -1)) {
                rf_plugin__refuse(L, job, rf_text_of(parts[i].key),
                                  "%s must be a table, not a %s", parts[i].key,
                                  luaL_typename(L, -1));
            }
            parts[i].read(L, job);
        }
        lua_pop(L, 1);
    }
}
