/*
 * plugin_examples.c - the examples of a plugin, read from its table.
 *
 * An example is { formula = "iv.onhand", given = { ["pos.inbound"] = 5 },
 * expect = 5 }, with a `name` for messages and a `ctx` if the formula looks at
 * it: organization, product, dimensions, groups, and `time` as Unix seconds or
 * "2031-03-10T09:00:00Z", or `date` as "2031-03-10". What is not given is "",
 * and the time 1970-01-01. Names of measures, dimensions and groups are looked
 * up when the catalog is known.
 */
#include "scripts/date.h"
#include "scripts/exact.h"
#include "scripts/plugin.h"

#include <lua.h>

#include <stdio.h>

/* An example as it is read; `what` names it in messages. */
typedef struct reading {
    rf_plugin_job *job;
    rf_example *example;
    char what[32];
} reading;

static int refuse_value(lua_State *L, const reading *self, rf_text key,
                        const char *needed)
{
    return rf_plugin__refuse(L, self->job, key, "%s: %.*s must be %s",
                             self->what, RF_SHOWN(key), needed);
}

/* Push a field; false, with nothing on the stack, when it is absent. */
static bool push_field(lua_State *L, const char *key)
{
    if (lua_getfield(L, -1, key) != LUA_TNIL) {
        return true;
    }
    lua_pop(L, 1);
    return false;
}

/* Read a text of the table on top; "" when it is absent. [-0, +0, e] */
static rf_text read_text(lua_State *L, const reading *self, const char *key)
{
    rf_text text = RF_TEXT_EMPTY;
    if (push_field(L, key)) {
        if (lua_type(L, -1) != LUA_TSTRING) {
            refuse_value(L, self, rf_text_of(key), "a text");
        }
        text = rf_plugin__copy_text(L, self->job, -1);
        lua_pop(L, 1);
    }
    return text;
}

/* Find the formula among the plugin's own. */
static const rf_script *find_formula(lua_State *L, const reading *self)
{
    const rf_plugin *plugin = self->job->plugin;
    rf_text name = read_text(L, self, "formula");
    for (unsigned i = 0; i < plugin->formula_count; i++) {
        const rf_script *script =
            self->job->state->set->scripts[plugin->first + i];
        if (rf_text_is_name(script->measure, name)) {
            return script;
        }
    }
    self->job->cause = RF_E_EXAMPLE_FAILED;
    if (name.length == 0) {
        refuse_value(L, self, rf_text_of("formula"), "named");
    }
    rf_plugin__refuse(L, self->job, name, "%s: the plugin has no formula %.*s",
                      self->what, RF_SHOWN(name));
    return NULL;
}

/* Read the map of quantities on top. [-0, +0, e] */
static void read_given(lua_State *L, const reading *self)
{
    rf_plugin_keys keys = rf_plugin__keys(L, self->job, -1, self->what);
    rf_example_amount *given =
        rf_plugin__allocate(L, self->job, keys.count, sizeof *given);
    for (size_t i = 0; i < keys.count; i++) {
        given[i].name = keys.items[i];
        rf_plugin__push_field(L, -1, keys.items[i]);
        if (!rf_exact__quantity(L, -1, &given[i].quantity)) {
            refuse_value(L, self, keys.items[i], "a number in range");
        }
        lua_pop(L, 1);
    }
    self->example->given = given;
    self->example->given_count = keys.count;
}

/* Read a map of texts in the table on top, if there. [-0, +0, e] */
static rf_example_values read_values(lua_State *L, const reading *self,
                                     const char *key)
{
    if (!push_field(L, key)) {
        return (rf_example_values){NULL, 0};
    }
    if (!rf_plugin__is_table(L, -1)) {
        refuse_value(L, self, rf_text_of(key), "a table of texts");
    }
    rf_plugin_keys keys = rf_plugin__keys(L, self->job, -1, key);
    rf_example_value *values =
        rf_plugin__allocate(L, self->job, keys.count, sizeof *values);
    for (size_t i = 0; i < keys.count; i++) {
        values[i].name = keys.items[i];
        if (rf_plugin__push_field(L, -1, keys.items[i]) != LUA_TSTRING) {
            refuse_value(L, self, keys.items[i], "a text");
        }
        values[i].value = rf_plugin__copy_text(L, self->job, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return (rf_example_values){values, keys.count};
}

/* Read the time on top, as seconds. */
static bool read_seconds(lua_State *L, int64_t *seconds)
{
    if (lua_type(L, -1) == LUA_TSTRING) {
        rf_text text;
        text.bytes = lua_tolstring(L, -1, &text.length);
        return rf_date_parse(text, seconds);
    }
    int is_whole = 0;
    *seconds =
        lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &is_whole) : 0;
    return is_whole && *seconds >= 0 && *seconds <= RF_DATE_SECONDS_MAX;
}

/* Read the time of the circumstances on top. [-0, +0, e] */
static void read_time(lua_State *L, const reading *self)
{
    int64_t seconds = 0;
    bool has_time = push_field(L, "time");
    if (has_time) {
        if (!read_seconds(L, &seconds)) {
            refuse_value(L, self, rf_text_of("time"),
                         "Unix seconds or YYYY-MM-DDTHH:MM:SSZ");
        }
        lua_pop(L, 1);
    }
    if (push_field(L, "date")) {
        if (has_time || lua_type(L, -1) != LUA_TSTRING ||
            !read_seconds(L, &seconds)) {
            refuse_value(L, self, rf_text_of("date"),
                         "YYYY-MM-DD, in place of a time");
        }
        lua_pop(L, 1);
    }
    self->example->now_ms = seconds * 1000;
}

/* Read the circumstances on top. [-0, +0, e] */
static void read_context(lua_State *L, const reading *self)
{
    static const char *const known[] = {
        "organization", "product", "time", "date",
        "dimensions",   "groups",  NULL};
    rf_example *example = self->example;
    rf_plugin__check_keys(L, self->job, -1, "ctx", known);
    example->organization = read_text(L, self, "organization");
    example->product = read_text(L, self, "product");
    read_time(L, self);
    example->dimensions = read_values(L, self, "dimensions");
    example->groups = read_values(L, self, "groups");
}

/* Read a table in the example on top, if there. [-0, +0, e] */
static void read_part(lua_State *L, const reading *self, const char *key,
                      void (*read)(lua_State *L, const reading *self))
{
    if (!push_field(L, key)) {
        return;
    }
    if (!rf_plugin__is_table(L, -1)) {
        refuse_value(L, self, rf_text_of(key), "a table");
    }
    read(L, self);
    lua_pop(L, 1);
}

/* Read the example on top. [-0, +0, e] */
static void read_example(lua_State *L, const reading *self)
{
    static const char *const known[] = {"formula", "given", "expect",
                                        "ctx",     "name",  NULL};
    rf_example *example = self->example;
    if (!rf_plugin__is_table(L, -1)) {
        rf_plugin__refuse(L, self->job, rf_text_of("examples"),
                          "%s must be a table", self->what);
    }
    rf_plugin__check_keys(L, self->job, -1, self->what, known);
    example->name = read_text(L, self, "name");
    example->script = find_formula(L, self);
    read_part(L, self, "given", read_given);
    read_part(L, self, "ctx", read_context);
    lua_getfield(L, -1, "expect");
    if (!rf_exact__quantity(L, -1, &example->expect)) {
        refuse_value(L, self, rf_text_of("expect"), "a number in range");
    }
    lua_pop(L, 1);
}

void rf_plugin__read_examples(lua_State *L, rf_plugin_job *job)
{
    size_t count = rf_plugin__list_length(L, job, -1, "examples");
    rf_example *examples = rf_plugin__allocate(L, job, count, sizeof *examples);
    for (size_t i = 0; i < count; i++) {
        reading self = {.job = job, .example = &examples[i]};
        snprintf(self.what, sizeof self.what, "example %zu", i + 1);
        examples[i].number = (unsigned)i + 1;
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        read_example(L, &self);
        lua_pop(L, 1);
    }
    job->plugin->examples = examples;
    job->plugin->example_count = count;
}
