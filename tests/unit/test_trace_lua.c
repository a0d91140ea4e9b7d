/*
 * test_trace_lua.c - formulas that must stay in Lua, why, and that they still
 * give what Lua gives.
 */
#include "tests/unit/trace_rig.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRAPS "tests/hostile/lua"
#define UNIT RF_QUANTITY_SCALE

/* ---- What stays in Lua ---- */

typedef struct lua_case {
    const char *body;
    const char *reason;
    const char *reads;
    double value;
} lua_case;

#define BRANCHES "compares or branches"
#define NEEDED "fails on a measure: "
#define ON "fno.onhand "

static const lua_case lua_cases[] = {
    /* What a proxy would never see, row by row. */
    {"return m.fno.onhand == 250 and 1 or 2", BRANCHES, ON, 1},
    {"return m.fno.onhand ~= 250 and 1 or 2", BRANCHES, ON, 2},
    {"local t = {[250] = 77} return t[m.fno.onhand]", "makes a table", ON, 77},
    {"return type(m.fno.onhand) == 'number' and 3 or 4", BRANCHES, ON, 3},
    {"return string.len(type(m.fno.onhand))", NEEDED, ON, 6},
    {"return string.len(tostring(m.fno.onhand))", NEEDED, ON, 3},
    {"return string.len(math.type(m.fno.onhand))", NEEDED, ON, 5},
    {"return math.tointeger(m.fno.onhand) or 1", BRANCHES, ON, 250},
    {"return math.tointeger(m.fno.onhand)", NEEDED, ON, 250},
    {"return tonumber(m.fno.onhand)", NEEDED, ON, 250},
    {"if m.fno.onhand then return 1 end return 2", BRANCHES, ON, 1},
    {"return m.fno.onhand and 7 or 8", BRANCHES, ON, 7},
    {"return (m.fno.onhand or 0) + 1", BRANCHES, ON, 251},
    {"return not m.fno.onhand and 1 or 2", BRANCHES, ON, 2},
    {"return m.fno.onhand < 5 and 1 or 2", BRANCHES, ON, 2},
    {"return m.fno.onhand <= 5 and 1 or 2", BRANCHES, ON, 2},
    {"return ctx.channel == 'web' and m.fno.onhand or 0", BRANCHES, ON, 250},
    {"return m.fno.onhand + ctx.qty", "reads ctx", ON, 253},
    {"local n = 0 for i = 1, 3 do n = n + m.fno.onhand end return n", "loops",
     ON, 750},
    {"local n = 0 for i = 1, m.fno.reserved do n = n + 1 end return n", "loops",
     "fno.reserved ", 40},
    {"return m.fno.onhand / 2", "divides", ON, 125},
    {"return m.fno.onhand // 3", "divides", ON, 83},
    {"return m.fno.onhand % 7", "takes a remainder", ON, 5},
    {"return m.fno.onhand ^ 2", "raises to a power", ON, 62500},
    {"return m.fno.onhand * 0.5", "multiplies by a fraction", ON, 125},
    {"return m.fno.onhand * 1e10", "multiplies by too much", ON, 2.5e12},
    {"return m.fno.onhand * m.fno.reserved", "multiplies measures",
     "fno.onhand fno.reserved ", 10000},
    {"return string.len(m.fno.onhand .. '')", "joins texts", ON, 5},
    {"return m.fno.onhand // 1 | 0", "divides", ON, 250},
    {"return m.fno.onhand | 1", "works on bits", ON, 251},
    {"return ~m.fno.onhand", "works on bits", ON, -251},
    /* Constants that are no short decimals. */
    {"return m.fno.onhand + 0.1234567",
     "has a constant of more than six "
     "decimals",
     ON, 250.123457},
    {"return m.fno.onhand + (0.1 + 0.2)",
     "has a constant of more than six "
     "decimals",
     ON, 250.3},
    {"return 1 / 3", "has a constant of more than six decimals", "", 0.333333},
    {"return m.fno.onhand + 9000000000000 - 9000000000001",
     "has a constant that is too large", ON, 249},
    /* The library, given a measure whose value it needs. */
    {"return math.floor(m.fno.onhand)", NEEDED, ON, 250},
    {"return math.ceil(m.fno.onhand)", NEEDED, ON, 250},
    {"return math.abs(m.pos.negative)", NEEDED, "pos.negative ", 7.25},
    {"return math.fmod(m.fno.onhand, 7)", NEEDED, ON, 5},
    {"return ringfence.percent(m.fno.onhand, 10)", NEEDED, ON, 25},
    {"return ringfence.percent(10, m.fno.onhand)", NEEDED, ON, 25},
    {"return ringfence.round(m.pos.negative)", NEEDED, "pos.negative ", -7},
    {"return ringfence.between(m.fno.onhand, 1, 2) and 1 or 0", BRANCHES, ON,
     0},
    {"return ringfence.sum(m.fno)", NEEDED, "", 405},
    {"return string.byte(string.sub('abc', m.fno.onhand - 249))", NEEDED, ON,
     97},
    {"return select(m.fno.onhand - 249, 5, 6)", NEEDED, ON, 5},
    /* Other things that a measure is not. */
    {"local f = function() return m.fno.onhand end return f()",
     "makes a function", ON, 250},
    {"local f = function(...) return ... end return f(m.fno.onhand)",
     "makes a function", ON, 250},
    {"local t = {m.fno.onhand} return t[1]", "makes a table", ON, 250},
    {"return #{m.fno.onhand}", "makes a table", ON, 1},
    {"local n = 'onhand' return m.fno[n]", "uses a computed name", "", 250},
    {"return math.max(m.fno.onhand * m.fno.onhand, 1)", "multiplies measures",
     ON, 62500},
    /* Integers wrap where floats would not. */
    {"return math.min(math.max(9000000000000, m.fno.onhand) * 1000000000, 5)",
     "multiplies by too much", ON, 0},
    {"return math.min((math.max(9000000000000, m.fno.onhand) + 9000000000000) "
     "* 1000, 5)",
     "multiplies by too much", ON, 5},
    /* Too large for the width that expressions are computed in. */
    {"return math.min(m.fno.onhand * 1000000000 * 1000000000 * 1000000000, 5)",
     "multiplies by too much", ON, 5},
};

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static void others_stay_in_lua(void **state)
{
    trace_rig *rig = *state;
    char reads[1024];
    for (size_t i = 0; i < sizeof lua_cases / sizeof lua_cases[0]; i++) {
        const lua_case *at = &lua_cases[i];
        rf_function function = trace_rig_load_body(rig, at->body);
        if (trace_rig_trace(rig, function)) {
            fail_msg("compiled: %s", at->body);
        }
        bool is_start = strcmp(at->reason, NEEDED) == 0;
        if (is_start ? !begins_with(rig->trace.reason, at->reason)
                     : strcmp(rig->trace.reason, at->reason) != 0) {
            fail_msg("%s: %s", at->body, rig->trace.reason);
        }
        trace_rig_join_reads(rig, reads, sizeof reads);
        if (strcmp(reads, at->reads) != 0) {
            fail_msg("%s: reads %s", at->body, reads);
        }
        if (at->value != 0 || strcmp(at->reason, BRANCHES) == 0) {
            assert_int_equal(trace_rig_call(rig, function),
                             trace_rig_millionths(at->value));
        }
    }
}

/* What fails in Lua, too, and so has no value. */
static void mistakes_stay_in_lua(void **state)
{
    trace_rig *rig = *state;
    static const char *const bodies[] = {
        "return",
        "return nil",
        "return 'text'",
        "return m",
        "return m.fno",
        "return ctx",
        "return m.fno.onhand.more",
        "return m.fno.onhand + '5'",
        "return m.fno.onhand + nil",
        "return m.fno + 1",
        "return m.fno * 2",
        "return -m.fno",
        "return -ctx",
        "return ctx + 1",
        "return math.max(ctx, 1)",
        "return math.max(m.fno, 1)",
        "return math.max(m.fno.onhand, 'x')",
        "return math.max('x', m.fno.onhand)",
        "return math.max()",
        "return m.fno.onhand()",
        "return #m.fno.onhand",
        "return #m",
        "return m[1]",
        "return m.fno[1]",
        "return m.fno:onhand()",
        "return error(m.fno.onhand)",
        "m.fno.onhand = 5 return 1",
        "return nothing + m.fno.onhand",
        "return ringfence.sum(m, 'fno')",
        "return ringfence.sum(m.fno, m.fno.onhand)",
        "return ringfence.date(m.fno.onhand, 1) + ringfence.date(m)",
        "return m.fno.onhand * 1e300 * 1e300",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        rf_function function = trace_rig_load_body(rig, bodies[i]);
        if (trace_rig_trace(rig, function)) {
            fail_msg("compiled: %s", bodies[i]);
        }
        rf_quantity value = 0;
        rf_script_failure failure;
        assert_int_not_equal(trace_rig_try(rig, function, &value, &failure),
                             RF_SCRIPT_OK);
    }
}

/* A name that would be another one when it is put together with its source, or
 * does not fit, is not taken for a measure. */
static void odd_names_stay_in_lua(void **state)
{
    trace_rig *rig = *state;
    char body[512];
    char text[200];
    assert_false(
        trace_rig_trace(rig, trace_rig_load_body(rig, "return m['a.b'].c")));
    assert_int_equal(rig->trace.read_count, 0);
    assert_false(
        trace_rig_trace(rig, trace_rig_load_body(rig, "return m.a['b\\0c']")));
    assert_int_equal(rig->trace.read_count, 0);
    assert_true(
        trace_rig_trace(rig, trace_rig_load_body(rig, "return m.a['b.c']")));
    assert_string_equal(rig->trace.reads[0].name, "a.b.c");
    /* Names of up to 40 bytes are read as fields; a helper of the library
     * takes others. */
    for (int length = 120; length < 130; length++) {
        memset(text, 'n', sizeof text);
        snprintf(body, sizeof body, "return ringfence.sum(m.src, '%.*s')",
                 length, text);
        bool fits = 4 + (size_t)length < sizeof rig->trace.reads[0].name;
        assert_true(trace_rig_trace(rig, trace_rig_load_body(rig, body)) ==
                    fits);
        assert_int_equal(rig->trace.read_count, fits ? 1 : 0);
    }
}

/* ---- Helpers that must not be believed ---- */

static void branching_helper(void **state)
{
    trace_rig *rig = *state;
    rf_function function = trace_rig_load(
        rig, "local function pick(x) if x == 40 then return 999 end return x "
             "end\n"
             "local function through(x) return pick(x) + 0 end\n"
             "return function(m)\n"
             "  return through(m.fno.reserved) + m.fno.onhand end");
    assert_false(trace_rig_trace(rig, function));
    assert_string_equal(rig->trace.reason,
                        "calls a function that compares or branches");
    assert_int_equal(rig->trace.read_count, 2);
    assert_string_equal(rig->trace.reads[0].name, "fno.reserved");
    assert_int_equal(rig->trace.reads[0].line, 4);
    assert_string_equal(rig->trace.reads[1].name, "fno.onhand");
    assert_int_equal(trace_rig_call(rig, function), 1249 * UNIT);
}

/* Even one that nobody captured, and that looks like a library's. */
static void function_from_nowhere(void **state)
{
    trace_rig *rig = *state;
    rf_function function = trace_rig_load_body(
        rig, "return fresh()(m.fno.onhand - 243) + m.fno.onhand");
    assert_false(trace_rig_trace(rig, function));
    assert_string_equal(rig->trace.reason,
                        "calls a function that compares or branches");
    assert_int_equal(trace_rig_call(rig, function), 1250 * UNIT);
}

/* A library of one's own, with the name of ours. */
static void shadowed_library(void **state)
{
    trace_rig *rig = *state;
    rf_function function = trace_rig_load(
        rig, "local math = { max = function(a, b)\n"
             "  if a == 250 then return 1 end return b end }\n"
             "local function f(_ENV, m)\n"
             "  return math.max(m.fno.onhand, 2) end\n"
             "return function(m) return f({ math = math }, m) end");
    assert_false(trace_rig_trace(rig, function));
    assert_int_equal(trace_rig_call(rig, function), UNIT);
}

/* Helpers that call each other twice would take for ever. */
static void doubling_helpers(void **state)
{
    trace_rig *rig = *state;
    char source[4096] = "local function f0(x) return x end\n";
    for (int i = 1; i < 36; i++) {
        trace_rig_append(source, sizeof source,
                         "local function f%d(x) return f%d(f%d(x)) end\n", i,
                         i - 1, i - 1);
    }
    trace_rig_append(source, sizeof source,
                     "return function(m) return f35(m.fno.onhand) end");
    rf_function function = trace_rig_load(rig, source);
    assert_false(trace_rig_trace(rig, function));
    assert_string_equal(rig->trace.reason, "takes too many steps");
    assert_int_equal(rig->trace.read_count, 1);
    /* The state is none the worse. */
    assert_true(trace_rig_trace(
        rig, trace_rig_load_body(rig, "return m.fno.onhand + 1")));
    assert_int_equal(trace_rig_value(rig), 251 * UNIT);
}

static void recursion_without_end(void **state)
{
    trace_rig *rig = *state;
    rf_function function = trace_rig_load(
        rig, "local t = {}\n"
             "function t.again(x) return t.again(x + 0) end\n"
             "return function(m) return t.again(m.fno.onhand) end");
    assert_false(trace_rig_trace(rig, function));
    assert_string_equal(rig->trace.reason, "takes too many operations");
    function = trace_rig_load(
        rig, "local t = {}\n"
             "function t.again(x) return 0 + t.again(x) end\n"
             "return function(m) return t.again(m.fno.onhand) end");
    assert_false(trace_rig_trace(rig, function));
    assert_string_equal(rig->trace.reason, "calls too deeply");
    function = trace_rig_load(
        rig, "local t = {}\n"
             "function t.again(x) return t.again(x) end\n"
             "return function(m) return t.again(m.fno.onhand) end");
    assert_false(trace_rig_trace(rig, function));
    assert_string_equal(rig->trace.reason, "takes too many steps");
}

/* ---- Scripts made to deceive ---- */

/* The number behind "harmless=" in a script's first line. */
static double expected_value(const char *source)
{
    const char *at = strstr(source, "harmless=");
    assert_non_null(at);
    return strtod(at + strlen("harmless="), NULL);
}

static void check_trap(trace_rig *rig, const char *name)
{
    char path[512];
    char source[4096];
    snprintf(path, sizeof path, TRAPS "/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(source, 1, sizeof source - 1, file);
    source[length] = '\0';
    fclose(file);
    rf_function function = trace_rig_load(rig, source);
    if (trace_rig_trace(rig, function)) {
        fail_msg("compiled: %s", name);
    }
    assert_int_equal(trace_rig_call(rig, function),
                     trace_rig_millionths(expected_value(source)));
}

static void traps_stay_in_lua(void **state)
{
    trace_rig *rig = *state;
    struct dirent **files = NULL;
    int count = scandir(TRAPS, &files, NULL, alphasort);
    unsigned traps = 0;
    for (int i = 0; i < count; i++) {
        if (files[i]->d_name[0] == 't') {
            check_trap(rig, files[i]->d_name);
            traps++;
        }
        free(files[i]);
    }
    free(files);
    assert_true(traps >= 8);
}

#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, trace_rig_set_up, trace_rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(others_stay_in_lua),    CASE(mistakes_stay_in_lua),
        CASE(odd_names_stay_in_lua), CASE(branching_helper),
        CASE(function_from_nowhere), CASE(shadowed_library),
        CASE(doubling_helpers),      CASE(recursion_without_end),
        CASE(traps_stay_in_lua),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
