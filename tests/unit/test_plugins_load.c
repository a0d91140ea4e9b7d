/*
 * test_plugins_load.c - what a plugin must be to be loaded and bound.
 */
#include "tests/unit/scripts_rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Expect a single plugin.lua to be refused as it is loaded. */
static void expect_refused(scripts_rig *rig, const char *text, rf_status status,
                           const char *message, int line)
{
    scripts_rig_reset(rig);
    scripts_rig_plugin(rig, "acme", text);
    scripts_rig_expect(rig, scripts_rig_load(rig), status, message,
                       "plugin.lua", line);
    assert_string_equal(rig->err.script.plugin, "acme");
    assert_null(rig->set);
}

/* The same for what comes after name and version, from line 2 on. */
static void expect_rest_refused(scripts_rig *rig, const char *rest,
                                rf_status status, const char *message, int line)
{
    char text[1024];
    snprintf(text, sizeof text, "return { name = 'acme', version = '1',\n%s }",
             rest);
    expect_refused(rig, text, status, message, line);
}

/* ---- Files ---- */

static void test_a_plugin_has_files(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_plugin(
        rig, "acme",
        "local stock = use 'stock'\n"
        "return { name = 'acme', version = '1.2.0', formulas = {\n"
        "  ['iv.onhand'] = stock.onhand, ['iv.twice'] = use("
        "'twice.lua') } }");
    scripts_rig_file(rig, "stock.lua",
                     "local twice = use 'twice'\n"
                     "return { onhand = function(m)\n"
                     "  return twice(m) end }");
    scripts_rig_file(rig, "twice.lua",
                     "return function(m) return 2 * m.pos.inbound end");
    scripts_rig_start(rig);
    scripts_rig_post(rig, "pos", "inbound", 3);
    scripts_rig_expect_value(rig, "iv.onhand", 6);
    scripts_rig_expect_value(rig, "iv.twice", 6);

    rf_plugin_report report;
    assert_int_equal(rf_scripts_count(rig->set), 1);
    rf_scripts_report(rig->set, 0, &report);
    assert_true(rf_text_equal(report.name, rf_text_of("acme")));
    assert_true(rf_text_equal(report.version, rf_text_of("1.2.0")));
    assert_int_equal(report.file_count, 3);
    assert_true(rf_text_equal(report.files[1].name, rf_text_of("stock.lua")));
    assert_int_equal(report.formula_count, 2);
    assert_true(report.load_ns > 0);
    rf_formula_report formula;
    rf_scripts_formula_report(rig->set, 0, 0, &formula);
    assert_true(rf_text_equal(formula.measure, rf_text_of("iv.onhand")));
    assert_string_equal(formula.kind, "linear");
}

static void test_a_file_is_run_once(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_plugin(rig, "acme",
                       "local a, b = use 'part', use 'part.lua'\n"
                       "a.x = 5\n"
                       "return { name = 'acme', version = '1', formulas = {\n"
                       "['iv.x'] = function(m) return b.x end } }");
    scripts_rig_file(rig, "part.lua", "return { x = 1 }");
    scripts_rig_start(rig);
    scripts_rig_expect_value(rig, "iv.x", 5);
}

static void test_plugins_do_not_see_each_other(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_plugin(rig, "one",
                       "use 'part' return { name = 'one', version = '1' }");
    scripts_rig_file(rig, "part.lua", "return 'of one'");
    scripts_rig_plugin(rig, "two",
                       "use 'part' return { name = 'two', version = '1' }");
    scripts_rig_expect(rig, scripts_rig_load(rig), RF_E_PLUGIN_FAILED,
                       "the plugin has no file part.lua", "plugin.lua", 1);
    assert_string_equal(rig->err.script.plugin, "two");
}

static void test_use_takes_names_of_own_sources(void **state)
{
    scripts_rig *rig = *state;
    static const struct {
        const char *argument;
        const char *message;
    } cases[] = {
        {"'../other/plugin'", "not a path"},
        {"'a\\\\b'", "not a path"},
        {"'a\\0b'", "not a path"},
        {"''", "not a path"},
        {"{}", "needs the name of a file, not a table"},
        {"'missing'", "the plugin has no file missing.lua"},
        {"'acme_spec'", "acme_spec.lua is a test and no source"},
        {"'acme_spec.lua'", "acme_spec.lua is a test and no source"},
        {"'plugin'", "files use each other in a circle"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "\nlocal x = use(%s)\nreturn { name = 'acme', version = '1' }",
                 cases[i].argument);
        scripts_rig_reset(rig);
        scripts_rig_plugin(rig, "acme", text);
        scripts_rig_file(rig, "acme_spec.lua", "return 1");
        scripts_rig_expect(rig, scripts_rig_load(rig), RF_E_PLUGIN_FAILED,
                           cases[i].message, "plugin.lua", 2);
    }
}

static void test_files_that_use_each_other_are_refused(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_plugin(rig, "acme",
                       "use 'a' return { name = 'acme', version = '1' }");
    scripts_rig_file(rig, "a.lua", "\nreturn use 'b'");
    scripts_rig_file(rig, "b.lua", "\n\nlocal a = use 'a'\nreturn a");
    scripts_rig_expect(
        rig, scripts_rig_load(rig), RF_E_PLUGIN_FAILED,
        "a.lua is being loaded: files use each other in a circle", "b.lua", 3);
}

static void test_a_file_gives_a_value(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_plugin(
        rig, "acme",
        "\nlocal a = use 'a' return { name = 'acme', version = '1' }");
    scripts_rig_file(rig, "a.lua", "local x = 1");
    scripts_rig_expect(rig, scripts_rig_load(rig), RF_E_PLUGIN_FAILED,
                       "a.lua returns no value", "plugin.lua", 2);
}

static void test_use_ends_with_loading(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_plugin(rig, "acme",
                       "return { name = 'acme', version = '1', formulas = {\n"
                       "['iv.x'] = function(m)\n"
                       "  return use('a').x end } }");
    scripts_rig_file(rig, "a.lua", "return { x = 1 }");
    scripts_rig_expect(rig, scripts_rig_bind(rig), RF_E_PLUGIN_FAILED,
                       "iv.x: use is there only while a plugin is loaded",
                       "plugin.lua", 3);
}

/* ---- Sources that are no plugin ---- */

static void test_what_does_not_compile_is_refused(void **state)
{
    scripts_rig *rig = *state;
    expect_refused(rig, "return {\n  name = 'acme' +\n}", RF_E_PLUGIN_SYNTAX,
                   "unexpected symbol near '}'", 3);
    expect_refused(rig, "\x1bLua", RF_E_PLUGIN_SYNTAX, "precompiled", 1);

    scripts_rig_reset(rig);
    scripts_rig_plugin(rig, "acme",
                       "use 'part' return { name = 'acme', version = '1' }");
    scripts_rig_file(rig, "part.lua", "return 1 +");
    scripts_rig_expect(rig, scripts_rig_load(rig), RF_E_PLUGIN_SYNTAX,
                       "near <eof>", "part.lua", 1);
}

static void test_what_raises_is_refused(void **state)
{
    scripts_rig *rig = *state;
    expect_refused(rig, "local x = nil\nreturn x.y", RF_E_PLUGIN_FAILED,
                   "attempt to index a nil value", 2);
    expect_refused(rig, "\nwhile true do end", RF_E_PLUGIN_FAILED, "it ran", 2);
    expect_refused(rig, "local t = {}\nfor i = 1, 1000000 do t[i] = i end",
                   RF_E_PLUGIN_FAILED, "memory", 0);
    expect_refused(rig, "x = 1", RF_E_PLUGIN_FAILED, "", 1);
}

static void test_a_plugin_has_a_main_file(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_plugin(rig, "acme", NULL);
    scripts_rig_file(rig, "other.lua", "return {}");
    scripts_rig_expect(rig, scripts_rig_load(rig), RF_E_PLUGIN_FAILED,
                       "the plugin has no plugin.lua", "plugin.lua", 0);
}

static void test_sizes_have_limits(void **state)
{
    scripts_rig *rig = *state;
    static char text[RF_PLUGIN_FILE_BYTES_MAX + 2];
    static const char start[] = "return { name = 'acme', version = '1' } --";
    memset(text, '-', sizeof text - 1);
    memcpy(text, start, sizeof start - 1);
    text[RF_PLUGIN_FILE_BYTES_MAX] = '\0';
    scripts_rig_plugin(rig, "acme", text);
    assert_int_equal(scripts_rig_load(rig), RF_OK);

    text[RF_PLUGIN_FILE_BYTES_MAX] = '-';
    expect_refused(rig, text, RF_E_PLUGIN_SYNTAX, "32769 bytes, more than", 0);

    char name[RF_PLUGIN_NAME_MAX + 2] = "";
    memset(name, 'n', sizeof name - 1);
    scripts_rig_reset(rig);
    scripts_rig_plugin(rig, name, "return {}");
    scripts_rig_expect(rig, scripts_rig_load(rig), RF_E_PLUGIN_FAILED,
                       "1 to 50 bytes", "", 0);
}

static void test_counts_have_limits(void **state)
{
    scripts_rig *rig = *state;
    static char names[RF_PLUGINS_MAX + 1][20];
    for (int files = RF_PLUGIN_FILES_MAX; files <= RF_PLUGIN_FILES_MAX + 1;
         files++) {
        scripts_rig_reset(rig);
        scripts_rig_plugin(rig, "acme",
                           "return { name = 'acme', version = '1' }");
        for (int i = 1; i < files; i++) {
            snprintf(names[i], sizeof names[i], "f%d.lua", i);
            scripts_rig_file(rig, names[i], "");
        }
        assert_int_equal(scripts_rig_load(rig), files == RF_PLUGIN_FILES_MAX
                                                    ? RF_OK
                                                    : RF_E_PLUGIN_FAILED);
    }
    static char texts[RF_PLUGINS_MAX + 1][64];
    scripts_rig_reset(rig);
    for (int i = 0; i <= RF_PLUGINS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "p%d", i);
        snprintf(texts[i], sizeof texts[i],
                 "return { name = 'p%d', version = '1' }", i);
        scripts_rig_plugin(rig, names[i], texts[i]);
    }
    scripts_rig_expect(rig, scripts_rig_load(rig), RF_E_PLUGIN_FAILED,
                       "there may be 128 plugins, not 129", "", 0);
    rig->plugin_count = RF_PLUGINS_MAX;
    assert_int_equal(scripts_rig_load(rig), RF_OK);
}

/* Write a plugin with that many formulas, of the shortest kind there is. */
static void add_formulas(scripts_rig *rig, const char *name, int count)
{
    size_t room = (size_t)count * 48 + 128;
    char *text = rf_arena_calloc(&rig->draft->arena, room, 1);
    assert_non_null(text);
    size_t used = (size_t)snprintf(
        text, room, "return { name = '%s', version = '1', formulas = {\n",
        name);
    for (int i = 0; i < count; i++) {
        used += (size_t)snprintf(
            text + used, room - used,
            "['iv.%s%d'] = function(m) return m.a.b end,\n", name, i);
    }
    used += (size_t)snprintf(text + used, room - used, "} }");
    assert_true(used < room);
    scripts_rig_plugin(rig, name, text);
}

static void test_formulas_have_a_limit(void **state)
{
    scripts_rig *rig = *state;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    size_t count = sizeof names / sizeof names[0];
    for (size_t i = 0; i < count; i++) {
        add_formulas(rig, names[i], RF_SCRIPT_FORMULAS_MAX / (int)count);
    }
    if (scripts_rig_load(rig) != RF_OK) {
        fail_msg("%s", rig->err.message);
    }
    scripts_rig_plugin(rig, "acme",
                       "return { name = 'acme', version = '1', formulas = {\n"
                       "['iv.x'] = function() return 1 end } }");
    scripts_rig_expect(rig, scripts_rig_load(rig), RF_E_PLUGIN_FAILED,
                       "more than 1024 formulas together", "plugin.lua", 2);
}

/* ---- The table ---- */

static void test_the_table_is_checked(void **state)
{
    scripts_rig *rig = *state;
    expect_refused(rig, "return 5", RF_E_PLUGIN_FAILED,
                   "plugin.lua must return a table, not a number", 0);
    expect_refused(rig, "return math", RF_E_PLUGIN_FAILED,
                   "plugin.lua must return a table", 0);
    expect_refused(
        rig, "return {\nname = 'other', version = '1' }", RF_E_PLUGIN_FAILED,
        "the plugin calls itself 'other', but its folder is 'acme'", 2);
    expect_refused(rig, "return {\nname = 'acme' }", RF_E_PLUGIN_FAILED,
                   "version must be a text", 0);
    expect_refused(rig, "return {\nversion = '1',\nname = 1 }",
                   RF_E_PLUGIN_FAILED, "name must be a text", 3);
    expect_refused(rig, "return {\nname = 'acme',\nversion = 1 }",
                   RF_E_PLUGIN_FAILED, "version must be a text", 3);
    expect_rest_refused(rig, "fromulas = {}", RF_E_PLUGIN_FAILED,
                        "the plugin has an unknown key 'fromulas'; known are "
                        "name, version, formulas, modifiers, rules, examples",
                        2);
    expect_rest_refused(rig, "1, 2", RF_E_PLUGIN_FAILED,
                        "the plugin has a key that is a number, not a text", 0);
    expect_rest_refused(rig, "formulas = 5", RF_E_PLUGIN_FAILED,
                        "formulas must be a table, not a number", 2);
    expect_rest_refused(rig, "rules = math", RF_E_PLUGIN_FAILED,
                        "rules must be a table", 2);
}

static void test_formulas_are_checked(void **state)
{
    scripts_rig *rig = *state;
    expect_rest_refused(rig, "formulas = {\nonhand = function() end }",
                        RF_E_PLUGIN_FAILED,
                        "a formula is named source.measure, not 'onhand'", 3);
    expect_rest_refused(rig, "formulas = {\n\n['iv.'] = function() end }",
                        RF_E_PLUGIN_FAILED, "named source.measure", 4);
    expect_rest_refused(rig, "formulas = {\n['iv.x'] = 5 }", RF_E_PLUGIN_FAILED,
                        "a formula must be a Lua function, not a number", 3);
    assert_string_equal(rig->err.script.function, "iv.x");
    expect_rest_refused(rig, "formulas = {\n['iv.x'] = math.max }",
                        RF_E_PLUGIN_FAILED, "a formula must be a Lua function",
                        3);
    expect_rest_refused(rig, "formulas = {\nfunction() end }",
                        RF_E_PLUGIN_FAILED, "formulas has a key that is a", 0);
}

static void test_functions_keep_nothing(void **state)
{
    scripts_rig *rig = *state;
    expect_refused(rig,
                   "local n = 0\n"
                   "return { name = 'acme', version = '1', formulas = {\n"
                   "['iv.x'] = function() n = n + 1 return n end } }",
                   RF_E_PLUGIN_FAILED, "", 3);
    assert_string_equal(rig->err.script.function, "iv.x");
    expect_refused(rig,
                   "local n = 0\n"
                   "return { name = 'acme', version = '1', modifiers = {\n"
                   "m = { on = { 'picked' },\n"
                   "apply = function() n = n + 1 return n end } } }",
                   RF_E_PLUGIN_FAILED, "", 4);
    assert_string_equal(rig->err.script.function, "m");
}

static void test_modifiers_and_rules_are_checked(void **state)
{
    scripts_rig *rig = *state;
    static const struct {
        const char *rest;
        const char *message;
        int line;
    } cases[] = {
        {"modifiers = {\nm = 5 }", "each of the modifiers must be a table", 3},
        {"modifiers = {\nmy = { apply = function() end } }",
         "on must be a list", 0},
        {"modifiers = { m = {\non = {}, apply = function() end } }",
         "on names no event", 2},
        {"modifiers = { m = {\non = 'picked', apply = function() end } }",
         "on must be a list", 3},
        {"modifiers = { my = {\non = { 5 }, apply = function() end } }",
         "on must be a list of words", 2},
        {"modifiers = { my = {\non = { 'picked' } } }",
         "apply must be a Lua function, not a nil", 2},
        {"modifiers = { m = {\non = { 'picked' }, aply = function() end } }",
         "a modifier has an unknown key 'aply'; known are on, apply", 3},
        {"rules = {\nLimit = {} }", "cap must be a Lua function, not a nil", 3},
        {"rules = {\nLimit = { cap = 5 } }",
         "cap must be a Lua function, not a number", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_rest_refused(rig, cases[i].rest, RF_E_PLUGIN_FAILED,
                            cases[i].message, cases[i].line);
    }
}

static void test_modifiers_and_rules_are_reported(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_plugin(
        rig, "acme",
        "local f = function() return 1 end\n"
        "return { name = 'acme', version = '1',\n"
        "modifiers = { b = { on = { 'picked' }, apply = f },\n"
        "  a = { on = { 'picked', 'shipped' }, apply = f } },\n"
        "rules = { Limitation = { fields = { 'x' }, cap = f, take = f } } }");
    scripts_rig_start(rig);
    rf_plugin_report report;
    rf_scripts_report(rig->set, 0, &report);
    assert_int_equal(report.modifier_count, 2);
    assert_true(rf_text_equal(report.modifiers[0], rf_text_of("a")));
    assert_true(rf_text_equal(report.modifiers[1], rf_text_of("b")));
    assert_int_equal(report.rule_count, 1);
    assert_true(rf_text_equal(report.rules[0], rf_text_of("Limitation")));
    assert_int_equal(report.formula_count, 0);
}

static void test_a_formula_is_defined_once(void **state)
{
    scripts_rig *rig = *state;
    expect_rest_refused(rig,
                        "formulas = {\n['iv.x'] = function() return 1 end,\n"
                        "['IV.X'] = function() return 2 end }",
                        RF_E_DUPLICATE_DEFINITION, "iv.x is defined twice", 3);
    scripts_rig_reset(rig);
    scripts_rig_formulas(rig, "['iv.x'] = function() return 1 end", "");
    scripts_rig_plugin(
        rig, "second",
        "return { name = 'second', version = '1', formulas = {\n\n"
        "['IV.x'] = function() return 1 end } }");
    scripts_rig_expect(rig, scripts_rig_load(rig), RF_E_DUPLICATE_DEFINITION,
                       "iv.x is defined by the plugin acme already",
                       "plugin.lua", 3);
    assert_string_equal(rig->err.script.plugin, "second");
    assert_string_equal(rig->err.script.function, "IV.x");

    scripts_rig_reset(rig);
    scripts_rig_plugin(rig, "acme", "return { name = 'acme', version = '1' }");
    scripts_rig_plugin(rig, "acme", "return { name = 'acme', version = '1' }");
    scripts_rig_expect(rig, scripts_rig_load(rig), RF_E_DUPLICATE_DEFINITION,
                       "the plugin is named twice", "", 0);
}

/* ---- Trials ---- */

/* Expect formulas to be refused as they are bound. */
static void expect_trial(scripts_rig *rig, const char *formulas,
                         rf_status status, const char *message, int line)
{
    scripts_rig_reset(rig);
    scripts_rig_formulas(rig, formulas, "");
    scripts_rig_expect(rig, scripts_rig_bind(rig), status, message,
                       "plugin.lua", line);
}

static void test_formulas_are_tried(void **state)
{
    scripts_rig *rig = *state;
    expect_trial(rig,
                 "['iv.x'] = function(m)\nlocal n = 'inbount'\n"
                 "return m.pos[n] / 2 end",
                 RF_E_UNKNOWN_MEASURE, "there is no measure pos.inbount", 4);
    expect_trial(rig,
                 "['iv.x'] = function(m)\nlocal n = 'till'\n"
                 "return m[n].sold / 2 end",
                 RF_E_UNKNOWN_MEASURE, "there is no data source till", 4);
    expect_trial(rig,
                 "['iv.x'] = function(m)\n"
                 "if m.pos.inbound == 1 then while true do end end\n"
                 "return 1 end",
                 RF_E_PLUGIN_FAILED, "iv.x: it ran ", 3);
    expect_trial(rig, "['iv.x'] = function(m)\nerror('never') end",
                 RF_E_PLUGIN_FAILED, "iv.x: never", 3);
    expect_trial(rig, "['iv.x'] = function(m) return 'text' end",
                 RF_E_PLUGIN_FAILED, "iv.x: ", 2);
    expect_trial(rig, "['iv.x'] = function(m) return 0 / 0 end",
                 RF_E_PLUGIN_FAILED, "iv.x: ", 2);
    expect_trial(rig, "['iv.x'] = function(m, ctx) return ctx.sites end",
                 RF_E_PLUGIN_FAILED, "iv.x: ctx has no sites", 2);
    expect_trial(rig,
                 "['iv.x'] = function(m, ctx)\n"
                 "return ctx.dimensions.color end",
                 RF_E_PLUGIN_FAILED, "there is no dimension color", 3);
    expect_trial(rig, "['iv.x'] = function(m, ctx)\nreturn ctx.groups.shop end",
                 RF_E_PLUGIN_FAILED, "there is no group shop", 3);
}

static void test_a_formula_may_fail_on_a_sample(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_formulas(
        rig, "['iv.x'] = function(m) return 10 / m.pos.inbound end", "");
    scripts_rig_start(rig);
    rf_quantity got = 0;
    assert_int_equal(scripts_rig_evaluate(rig, "iv.x", &got), RF_E_SCRIPT);
    scripts_rig_post(rig, "pos", "inbound", 4);
    scripts_rig_expect_value(rig, "iv.x", 2.5);
}

static void test_the_one_to_blame_is_named(void **state)
{
    scripts_rig *rig = *state;
    expect_trial(rig,
                 "['iv.a'] = function(m) return m.iv.b / 1 end,\n"
                 "['iv.b'] = function(m)\nerror('never') end",
                 RF_E_PLUGIN_FAILED, "iv.b: never", 4);
    assert_string_equal(rig->err.script.function, "iv.b");
    expect_trial(rig,
                 "['iv.a'] = function(m) return m.iv['b' .. ''] end,\n"
                 "['iv.b'] = function(m) return m.iv['a' .. ''] end",
                 RF_E_PLUGIN_FAILED, "needs its own value", 2);
}

static void test_limits_hold_for_formulas_together(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_formulas(rig,
                         "['iv.a'] = function(m) local x = 0\n"
                         "while m.pos.inbound == 1 do x = x + m.iv.b end\n"
                         "return x end,"
                         "['iv.b'] = function(m) return m.pos.outbound / 2 end",
                         "");
    assert_int_equal(scripts_rig_bind(rig), RF_E_PLUGIN_FAILED);
    assert_non_null(strstr(rig->err.message, "it ran "));
    assert_string_equal(rig->err.script.plugin, "acme");
}

static void test_the_core_finds_cycles_and_unknown_names(void **state)
{
    scripts_rig *rig = *state;
    expect_trial(rig,
                 "['iv.x'] = function(m)\nreturn m.pos.inbound -\n"
                 "m.pos.inbount end",
                 RF_E_UNKNOWN_MEASURE, "there is no measure pos.inbount", 4);
    scripts_rig_reset(rig);
    scripts_rig_formulas(rig,
                         "['iv.a'] = function(m) return m.iv.b end,"
                         "['iv.b'] = function(m) return m.iv.a end",
                         "");
    assert_int_equal(scripts_rig_bind(rig), RF_E_FORMULA_CYCLE);
}

/* ---- Examples ---- */

#define HALF_AND_MORE                                                          \
    "['iv.half'] = function(m) return m.iv.all / 2 end,"                       \
    "['iv.all'] = function(m) return m.pos.inbound + m.fno.availphysical end," \
    "['iv.day'] = function(m, ctx) return ringfence.days_between("             \
    "'2031-03-01', ctx.date) end,"                                             \
    "['iv.web'] = function(m, ctx) if ctx.groups.channel == 'web' and "        \
    "ctx.dimensions.siteid == '1' and ctx.organization == 'usmf' and "         \
    "ctx.product == 'shoe' then return ctx.time end return 0 end"

static void test_examples_are_run(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_formulas(
        rig, HALF_AND_MORE,
        "examples = {\n"
        "{ formula = 'iv.all', given = { ['POS.Inbound'] = 5,\n"
        "  ['fno.availphysical'] = 2.5 }, expect = 7.5 },\n"
        "{ formula = 'IV.half', given = { ['pos.inbound'] = 5 }, "
        "expect = 2.5, name = 'a half' },\n"
        "{ formula = 'iv.half', given = { ['pos.inbound'] = 5, "
        "['iv.all'] = 30 }, expect = 15 },\n"
        "{ formula = 'iv.half', expect = 0 },\n"
        "{ formula = 'iv.day', expect = 9, ctx = { time = "
        "'2031-03-10T09:00:00Z' } },\n"
        "{ formula = 'iv.day', expect = 9, ctx = { date = '2031-03-10' } },\n"
        "{ formula = 'iv.web', expect = 7, ctx = { time = 7, organization = "
        "'usmf', product = 'shoe', dimensions = { SiteId = '1' }, groups = { "
        "Channel = 'web' } } } }");
    scripts_rig_start(rig);
    rf_plugin_report report;
    rf_scripts_report(rig->set, 0, &report);
    assert_int_equal(report.examples, 7);
}

static void test_wrong_examples_keep_a_plugin_out(void **state)
{
    scripts_rig *rig = *state;
    static const struct {
        const char *example;
        rf_status status;
        const char *message;
    } cases[] = {
        {"given = { ['pos.inbound'] = 6 }, expect = 5", RF_E_EXAMPLE_FAILED,
         "example 2 of iv.x: expected 5, got 6"},
        {"given = { ['pos.inbound'] = 6 }, expect = 5, name = 'six'",
         RF_E_EXAMPLE_FAILED, "example 2 (six) of iv.x: expected 5, got 6"},
        {"given = { ['pos.inbound'] = -1 }, expect = 5", RF_E_EXAMPLE_FAILED,
         "example 2 of iv.x: expected 5, but it failed: negative"},
        {"given = { ['pos.inbount'] = 6 }, expect = 5", RF_E_UNKNOWN_MEASURE,
         "example 2 of iv.x: there is no measure pos.inbount"},
        {"given = { inbound = 6 }, expect = 5", RF_E_UNKNOWN_MEASURE,
         "there is no measure inbound"},
        {"given = { ['iv.reserved'] = 1, ['iv.softreserved'] = 1 }, expect = 5",
         RF_E_EXAMPLE_FAILED, "iv.softreserved is given twice"},
        {"given = { ['pos.net'] = 1, ['POS.net'] = 1 }, expect = 5",
         RF_E_EXAMPLE_FAILED, "pos.net is given twice"},
        {"expect = 0, ctx = { dimensions = { color = 'red' } }",
         RF_E_EXAMPLE_FAILED, "there is no dimension color"},
        {"expect = 0, ctx = { groups = { shop = 'red' } }", RF_E_EXAMPLE_FAILED,
         "there is no group shop"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char rest[400];
        snprintf(rest, sizeof rest,
                 "examples = { { formula = 'iv.x', expect = 0 },\n"
                 "{ formula = 'iv.x', %s } }",
                 cases[i].example);
        scripts_rig_reset(rig);
        scripts_rig_formulas(
            rig,
            "\n['iv.x'] = function(m) if m.pos.inbound < 0 then "
            "error('negative') end return m.pos.inbound end",
            rest);
        scripts_rig_expect(rig, scripts_rig_bind(rig), cases[i].status,
                           cases[i].message, "plugin.lua", 3);
        assert_string_equal(rig->err.script.function, "iv.x");
    }
}

static void test_examples_are_checked(void **state)
{
    scripts_rig *rig = *state;
    static const struct {
        const char *examples;
        rf_status status;
        const char *message;
        int line;
    } cases[] = {
        {"{ a = 1 }", RF_E_PLUGIN_FAILED, "examples must be a list", 3},
        {"{ 5 }", RF_E_PLUGIN_FAILED, "example 1 must be a table", 3},
        {"{ { expect = 5 } }", RF_E_EXAMPLE_FAILED, "formula must be named", 0},
        {"{ { formula = 'iv.z', expect = 5 } }", RF_E_EXAMPLE_FAILED,
         "example 1: the plugin has no formula iv.z", 3},
        {"{ { formula = 'iv.x' } }", RF_E_PLUGIN_FAILED,
         "example 1: expect must be a number in range", 0},
        {"{ { formula = 'iv.x', expect = 1e300 } }", RF_E_PLUGIN_FAILED,
         "expect must be a number in range", 3},
        {"{ { formula = 'iv.x', expect = 1, gvien = {} } }", RF_E_PLUGIN_FAILED,
         "example 1 has an unknown key 'gvien'", 3},
        {"{ { formula = 'iv.x', expect = 1, given = 5 } }", RF_E_PLUGIN_FAILED,
         "example 1: given must be a table", 3},
        {"{ { formula = 'iv.x', expect = 1, given = { ['a.b'] = 'x' } } }",
         RF_E_PLUGIN_FAILED, "a.b must be a number in range", 3},
        {"{ { formula = 'iv.x', expect = 1, ctx = { tiem = 1 } } }",
         RF_E_PLUGIN_FAILED, "ctx has an unknown key 'tiem'", 3},
        {"{ { formula = 'iv.x', expect = 1, ctx = { time = 'now' } } }",
         RF_E_PLUGIN_FAILED, "time must be Unix seconds", 3},
        {"{ { formula = 'iv.x', expect = 1, ctx = { time = 1.5 } } }",
         RF_E_PLUGIN_FAILED, "time must be Unix seconds", 3},
        {"{ { formula = 'iv.x', expect = 1, ctx = { time = 1, date = "
         "'2031-03-10' } } }",
         RF_E_PLUGIN_FAILED, "date must be YYYY-MM-DD", 3},
        {"{ { formula = 'iv.x', expect = 1, ctx = { product = 1 } } }",
         RF_E_PLUGIN_FAILED, "product must be a text", 3},
        {"{ { formula = 'iv.x', expect = 1, ctx = { groups = { a = 1 } } } }",
         RF_E_PLUGIN_FAILED, "a must be a text", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char rest[400];
        snprintf(rest, sizeof rest,
                 "formulas = { ['iv.x'] = function() return 1 end },\n"
                 "examples = %s",
                 cases[i].examples);
        expect_rest_refused(rig, rest, cases[i].status, cases[i].message,
                            cases[i].line);
    }
}

static void test_no_plugins_are_a_set_too(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_start(rig);
    assert_int_equal(rf_scripts_count(rig->set), 0);
    assert_null(rf_scripts_host(NULL));
    assert_null(rf_scripts_of(NULL));
    assert_ptr_equal(rf_scripts_of(rf_scripts_host(rig->set)), rig->set);
    rf_scripts_free(NULL);
}

int main(void)
{
#define RIG_TEST(test)                                                         \
    cmocka_unit_test_setup_teardown(test, scripts_rig_set_up,                  \
                                    scripts_rig_tear_down)
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_a_plugin_has_files),
        RIG_TEST(test_a_file_is_run_once),
        RIG_TEST(test_plugins_do_not_see_each_other),
        RIG_TEST(test_use_takes_names_of_own_sources),
        RIG_TEST(test_files_that_use_each_other_are_refused),
        RIG_TEST(test_a_file_gives_a_value),
        RIG_TEST(test_use_ends_with_loading),
        RIG_TEST(test_what_does_not_compile_is_refused),
        RIG_TEST(test_what_raises_is_refused),
        RIG_TEST(test_a_plugin_has_a_main_file),
        RIG_TEST(test_sizes_have_limits),
        RIG_TEST(test_counts_have_limits),
        RIG_TEST(test_formulas_have_a_limit),
        RIG_TEST(test_the_table_is_checked),
        RIG_TEST(test_formulas_are_checked),
        RIG_TEST(test_functions_keep_nothing),
        RIG_TEST(test_modifiers_and_rules_are_checked),
        RIG_TEST(test_modifiers_and_rules_are_reported),
        RIG_TEST(test_a_formula_is_defined_once),
        RIG_TEST(test_formulas_are_tried),
        RIG_TEST(test_a_formula_may_fail_on_a_sample),
        RIG_TEST(test_the_one_to_blame_is_named),
        RIG_TEST(test_limits_hold_for_formulas_together),
        RIG_TEST(test_the_core_finds_cycles_and_unknown_names),
        RIG_TEST(test_examples_are_run),
        RIG_TEST(test_wrong_examples_keep_a_plugin_out),
        RIG_TEST(test_examples_are_checked),
        RIG_TEST(test_no_plugins_are_a_set_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
