/*
 * test_sandbox.c - loading into a sandbox, what scripts find
 * there, and what becomes of their results and errors.
 */
#include "tests/unit/sandbox_rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

/* ---- Loading ---- */

static void test_outcomes_have_words(void **state)
{
    (void)state;
    assert_string_equal(rf_script_outcome_word(RF_SCRIPT_OK), "ok");
    for (int a = RF_SCRIPT_OK; a <= RF_SCRIPT_INTERNAL; a++) {
        for (int b = RF_SCRIPT_OK; b < a; b++) {
            assert_string_not_equal(
                rf_script_outcome_word((rf_script_outcome)a),
                rf_script_outcome_word((rf_script_outcome)b));
        }
    }
}

static void test_binary_and_broken_sources_are_refused(void **state)
{
    sandbox_rig *rig = *state;
    sandbox_rig_assert_rejected(rig, "\x1bLua", RF_SCRIPT_BINARY,
                                "precompiled code is refused", 1);
    rf_script_failure failure = sandbox_rig_load_to_fail(
        rig, (rf_text){"return 1 --\0 2", 14}, RF_SCRIPT_SYNTAX);
    assert_string_equal(failure.message, "the file holds a NUL byte");
    sandbox_rig_assert_rejected(rig, "return function(m)\n  return +\nend",
                                RF_SCRIPT_SYNTAX, "unexpected symbol near '+'",
                                2);
    sandbox_rig_assert_rejected(rig, "", RF_SCRIPT_CONTRACT,
                                "it must return a function of its own", 1);
    sandbox_rig_assert_rejected(rig, "return math.max", RF_SCRIPT_CONTRACT,
                                "it must return a function of its own", 1);
    sandbox_rig_assert_rejected(rig, "\n\nerror('not today')", RF_SCRIPT_ERROR,
                                "not today", 3);
    sandbox_rig_assert_rejected(rig, "x = 1", RF_SCRIPT_ERROR,
                                "this table is read-only", 1);
    assert_false(rf_sandbox_is_spent(rig->sandbox));
}

/* Fill `text` with a script of exactly `size` bytes. */
static rf_text pad_script(char *text, size_t size)
{
    static const char script[] = "return function() return 1 end";
    memset(text, ' ', size);
    memcpy(text, script, sizeof script - 1);
    return (rf_text){text, size};
}

static void test_source_size_limit(void **state)
{
    sandbox_rig *rig = *state;
    static char text[32 * 1024 + 1];
    rf_function function;
    rf_script_failure failure;
    assert_int_equal(sandbox_rig_load(rig, pad_script(text, sizeof text - 1),
                                      &function, &failure),
                     RF_SCRIPT_OK);
    failure = sandbox_rig_load_to_fail(rig, pad_script(text, sizeof text),
                                       RF_SCRIPT_SIZE);
    assert_string_equal(failure.message, "the file is larger than 32768 bytes");
}

/* Write "return function(m) local x <line * count> return 1 end", the %d of a
 * line replaced by its number. */
static rf_text write_lines(char *text, size_t size, const char *line, int count)
{
    FILE *out = fmemopen(text, size, "w");
    assert_non_null(out);
    fputs("return function(m) local x ", out);
    for (int i = 0; i < count; i++) {
        fputs(line, out);
        fprintf(out, "%d;", i);
    }
    fputs(" return 1 end", out);
    assert_int_equal(fclose(out), 0);
    return rf_text_of(text);
}

static void test_function_size_limits(void **state)
{
    sandbox_rig *rig = *state;
    static char text[32 * 1024];
    rf_function function;
    rf_script_failure failure;
    /* A load of nil, one for each line, a sandbox_rig_must_load, and two
     * returns. */
    assert_int_equal(sandbox_rig_load(rig,
                                      write_lines(text, sizeof text, "x=", 996),
                                      &function, &failure),
                     RF_SCRIPT_OK);
    failure = sandbox_rig_load_to_fail(
        rig, write_lines(text, sizeof text, "x=", 997), RF_SCRIPT_SIZE);
    assert_string_equal(
        failure.message,
        "a function has more than 1000 instructions or 250 constants");
    /* Each line is a constant of its own. */
    assert_int_equal(
        sandbox_rig_load(rig, write_lines(text, sizeof text, "x=1000000", 250),
                         &function, &failure),
        RF_SCRIPT_OK);
    (void)sandbox_rig_load_to_fail(
        rig, write_lines(text, sizeof text, "x=1000000", 251), RF_SCRIPT_SIZE);
}

static void test_deep_nesting_is_a_syntax_error(void **state)
{
    sandbox_rig *rig = *state;
    static char text[20100];
    memset(text, '(', 10000);
    memset(text + 10000, ')', 10000);
    memcpy(text, "return ", 7);
    rf_script_failure failure =
        sandbox_rig_load_to_fail(rig, (rf_text){text, 20000}, RF_SCRIPT_SYNTAX);
    assert_string_equal(failure.message, "C stack overflow");
}

static void test_loading_has_a_budget(void **state)
{
    sandbox_rig *rig = *state;
    sandbox_rig_assert_rejected(rig, "\nwhile true do end", RF_SCRIPT_LIMIT_CPU,
                                "it ran more than 1000000 instructions", 2);
    assert_true(rf_sandbox_is_spent(rig->sandbox));
}

/* ---- The library ---- */

static void test_library_is_the_list(void **state)
{
    sandbox_rig *rig = *state;
    static const struct {
        const char *table;
        const char *names;
    } tables[] = {
        {"_ENV", "assert error ipairs math pairs select string table tonumber "
                 "tostring type "},
        {"math", "abs ceil floor fmod max maxinteger min mininteger tointeger "
                 "type ult "},
        {"string", "byte len lower sub upper "},
        {"table", "insert sort "},
    };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        char source[256];
        snprintf(source, sizeof source,
                 "return function() local names = ''\n"
                 "for name in pairs(%s) do names = names .. name .. ' ' end\n"
                 "error(names, 0) end",
                 tables[i].table);
        rf_script_failure failure = sandbox_rig_call_to_fail(
            rig, sandbox_rig_must_load(rig, source), RF_SCRIPT_ERROR);
        assert_string_equal(failure.message, tables[i].names);
    }
}

static void test_library_cannot_be_changed(void **state)
{
    sandbox_rig *rig = *state;
    sandbox_rig_assert_rejected(rig, "math.max = 1", RF_SCRIPT_ERROR,
                                "this table is read-only", 1);
    sandbox_rig_assert_rejected(rig, "table.insert(math, 1)", RF_SCRIPT_ERROR,
                                "this table is read-only", 1);
    sandbox_rig_assert_rejected(rig, "table.sort(_ENV)", RF_SCRIPT_ERROR,
                                "this table is read-only", 1);
    sandbox_rig_assert_rejected(
        rig, "local s = ('x'):upper()", RF_SCRIPT_ERROR,
        "attempt to index a string value (constant 'x')", 1);
}

static void test_tostring(void **state)
{
    sandbox_rig *rig = *state;
    sandbox_rig_assert_holds(rig, "tostring(m.fno.onhand) == '250'");
    sandbox_rig_assert_holds(rig, "tostring(2.5) == '2.5'");
    sandbox_rig_assert_holds(rig, "tostring(7) == '7'");
    sandbox_rig_assert_holds(rig, "tostring(-0.0) == '0'");
    sandbox_rig_assert_holds(rig, "tostring(-(0/0)) == tostring(0/0)");
    sandbox_rig_assert_holds(rig, "tostring(1e15) == '1e+15'");
    sandbox_rig_assert_holds(rig, "tostring('a') == 'a'");
    sandbox_rig_assert_holds(rig, "tostring(true) == 'true'");
    sandbox_rig_assert_holds(rig, "tostring(nil) == 'nil'");
    sandbox_rig_assert_holds(rig, "tostring({}) == 'table'");
    sandbox_rig_assert_holds(rig, "tostring(math.max) == 'function'");
    sandbox_rig_assert_fails(rig, "tostring()", RF_SCRIPT_ERROR,
                             "bad argument #1 to 'tostring' (value expected)");
}

static void test_tonumber(void **state)
{
    sandbox_rig *rig = *state;
    sandbox_rig_assert_value(
        rig, "tonumber('10') + tonumber(' 0x10 ') + tonumber(1)", 27);
    sandbox_rig_assert_holds(rig, "math.type(tonumber('10')) == 'integer'");
    sandbox_rig_assert_holds(rig, "tonumber('1e1') == 10");
    sandbox_rig_assert_holds(rig,
                             "tonumber('ten') == nil and tonumber({}) == nil");
    sandbox_rig_assert_fails(
        rig, "tonumber('10', 2)", RF_SCRIPT_ERROR,
        "bad argument #2 to 'tonumber' (no base can be given)");
    /* 63 bytes are a number, 64 are not. */
    sandbox_rig_assert_holds(
        rig, "tonumber('00000000000000000000000000000000000000000000"
             "0000000000000000001') == 1");
    sandbox_rig_assert_holds(
        rig, "tonumber('00000000000000000000000000000000000000000000"
             "00000000000000000001') == nil");
}

static void test_select_assert_and_error(void **state)
{
    sandbox_rig *rig = *state;
    sandbox_rig_assert_value(rig, "select('#', nil, nil)", 2);
    sandbox_rig_assert_value(rig, "(select(2, 5, 6, 7))", 6);
    sandbox_rig_assert_value(rig, "(select(-1, 5, 6, 7))", 7);
    sandbox_rig_assert_fails(
        rig, "select(0)", RF_SCRIPT_ERROR,
        "bad argument #1 to 'select' (index out of range)");
    sandbox_rig_assert_value(rig, "(assert(5, 'no'))", 5);
    sandbox_rig_assert_value(rig, "select(2, assert(5, 6))", 6);
    sandbox_rig_assert_gives(rig,
                             "return function() local a, b = assert(1, 2)\n"
                             "return a + b end",
                             3 * RF_QUANTITY_SCALE);
    rf_script_failure failure = sandbox_rig_call_to_fail(
        rig, sandbox_rig_must_load(rig, "return function()\n assert(nil)\nend"),
        RF_SCRIPT_ERROR);
    assert_string_equal(failure.message, "assertion failed!");
    assert_int_equal(failure.line, 2);
    failure = sandbox_rig_call_to_fail(
        rig,
        sandbox_rig_must_load(rig,
                              "return function()\n assert(false, 'why')\nend"),
        RF_SCRIPT_ERROR);
    assert_string_equal(failure.message, "why");
    failure = sandbox_rig_call_to_fail(
        rig,
        sandbox_rig_must_load(rig,
                              "local function deep() error('there', 2) end\n"
                              "return function()\n deep()\n return 1\nend"),
        RF_SCRIPT_ERROR);
    assert_string_equal(failure.message, "there");
    assert_int_equal(failure.line, 3);
}

static void test_extrema_are_those_of_lua(void **state)
{
    sandbox_rig *rig = *state;
    sandbox_rig_assert_value(rig, "math.max(1, 3, 2) * 10 + math.min(3, 1, 2)",
                             31);
    /* Of equal ones the first, with its type and its sign. */
    sandbox_rig_assert_holds(rig, "math.type(math.max(1, 1.0)) == 'integer'");
    sandbox_rig_assert_holds(rig, "math.type(math.min(1.0, 1)) == 'float'");
    sandbox_rig_assert_holds(rig, "1 / math.max(-0.0, 0.0) < 0");
    sandbox_rig_assert_holds(rig, "1 / math.min(0.0, -0.0) > 0");
    sandbox_rig_assert_holds(
        rig, "math.max(9007199254740993, 9007199254740992.0) == "
             "9007199254740993");
    /* Nothing compares with NaN, so what came first stays. */
    sandbox_rig_assert_holds(rig, "math.max(1, 0/0) == 1");
    sandbox_rig_assert_holds(rig, "math.max(0/0, 1) ~= 1");
    sandbox_rig_assert_fails(
        rig, "math.max(1, '2')", RF_SCRIPT_ERROR,
        "bad argument #2 to 'max' (number expected, got string)");
    sandbox_rig_assert_fails(rig, "math.min()", RF_SCRIPT_ERROR,
                             "bad argument #1 to 'min' (value expected)");
}

static void test_numbers_and_texts(void **state)
{
    sandbox_rig *rig = *state;
    sandbox_rig_assert_holds(rig, "math.type(m.fno.onhand) == 'float'");
    sandbox_rig_assert_holds(
        rig, "math.type(1) == 'integer' and math.type('1') == nil");
    sandbox_rig_assert_holds(rig, "math.tointeger(m.fno.onhand) == 250");
    sandbox_rig_assert_holds(rig, "math.tointeger(2.5) == nil");
    sandbox_rig_assert_holds(rig, "math.tointeger('3') == nil");
    sandbox_rig_assert_value(
        rig, "math.floor(2.7) + math.ceil(2.2) + math.abs(-1)", 6);
    sandbox_rig_assert_value(rig, "math.fmod(7, 3)", 1);
    sandbox_rig_assert_holds(rig, "math.ult(1, -1)");
    sandbox_rig_assert_holds(rig,
                             "string.upper('a') .. string.lower('B') == 'Ab'");
    sandbox_rig_assert_holds(rig, "string.sub('abc', 2) == 'bc'");
    sandbox_rig_assert_value(rig, "string.len('abc') + string.byte('\\1')", 4);
    sandbox_rig_assert_holds(rig,
                             "type(m) == 'table' and type(type) == 'function'");
}

static void test_pairs_is_in_order(void **state)
{
    sandbox_rig *rig = *state;
    static const char source[] =
        "local t = { b = 1, a = 2, [2] = 3, [-1] = 4, [1.5] = 5, B = 6 }\n"
        "return function() local s = ''\n"
        "for k, v in pairs(t) do s = s .. tostring(k) .. '=' .. v .. ' ' end\n"
        "error(s, 0) end";
    rf_script_failure failure = sandbox_rig_call_to_fail(
        rig, sandbox_rig_must_load(rig, source), RF_SCRIPT_ERROR);
    assert_string_equal(failure.message, "-1=4 1.5=5 2=3 B=6 a=2 b=1 ");
    sandbox_rig_assert_gives(
        rig,
        "return function() local t, n = { 1, 2, 3 }, 0\n"
        "for k in pairs(t) do t[k + 1] = nil n = n + k end return n end",
        4 * RF_QUANTITY_SCALE);
    sandbox_rig_assert_gives(
        rig,
        "return function() for k in pairs({}) do return k end return 5 end",
        5 * RF_QUANTITY_SCALE);
    sandbox_rig_assert_fails(rig, "pairs({ [{}] = 1 })", RF_SCRIPT_ERROR,
                             "a table with a table as a key has no order");
    sandbox_rig_assert_fails(
        rig, "pairs(nil)", RF_SCRIPT_ERROR,
        "bad argument #1 to 'pairs' (table expected, got nil)");
}

static void test_ipairs_and_length_see_through_a_face(void **state)
{
    sandbox_rig *rig = *state;
    sandbox_rig_assert_gives(rig,
                             "local t = { 5, 6, 7 }\n"
                             "return function() local n = #t\n"
                             "for i, v in ipairs(t) do n = n + i * v end\n"
                             "return n end",
                             41 * RF_QUANTITY_SCALE);
}

static void test_insert(void **state)
{
    sandbox_rig *rig = *state;
    sandbox_rig_assert_gives(rig,
                             "return function() local t = {}\n"
                             "for i = 1, 9 do table.insert(t, i) end\n"
                             "return #t * 100 + t[9] end",
                             909 * RF_QUANTITY_SCALE);
    sandbox_rig_assert_fails(
        rig, "table.insert({}, 1, 2)", RF_SCRIPT_ERROR,
        "bad argument #2 to 'insert' (table.insert(list, value) is "
        "the only form)");
}

static void test_sort_is_stable(void **state)
{
    sandbox_rig *rig = *state;
    static const char source[] =
        "return function() local t, s = {}, ''\n"
        "for i = 1, 23 do t[i] = { key = i * 7 % 3, number = i } end\n"
        "table.sort(t, function(a, b) return a.key < b.key end)\n"
        "for _, e in ipairs(t) do s = s .. e.number .. ' ' end\n"
        "error(s, 0) end";
    rf_script_failure failure = sandbox_rig_call_to_fail(
        rig, sandbox_rig_must_load(rig, source), RF_SCRIPT_ERROR);
    assert_string_equal(failure.message,
                        "3 6 9 12 15 18 21 1 4 7 10 13 16 19 22 2 5 8 11 14 "
                        "17 20 23 ");
}

static void test_sort(void **state)
{
    sandbox_rig *rig = *state;
    static const char sorted[] =
        "return function() for n = 0, 40 do local t = {}\n"
        "for i = 1, n do t[i] = i * 17 %% 41 %s end\n"
        "table.sort(t)\n"
        "for i = 2, n do if t[i] < t[i - 1] then return n end end\n"
        "if #t ~= n then return -n end end\n"
        "return 1000 end";
    char source[512];
    snprintf(source, sizeof source, sorted, "");
    sandbox_rig_assert_gives(rig, source, 1000 * RF_QUANTITY_SCALE);
    snprintf(source, sizeof source, sorted, ".. 'x'");
    sandbox_rig_assert_gives(rig, source, 1000 * RF_QUANTITY_SCALE);
    sandbox_rig_assert_fails(
        rig, "table.sort({ 1, 'a' })", RF_SCRIPT_ERROR,
        "table.sort needs numbers only, texts only, or a function to "
        "compare");
    sandbox_rig_assert_fails(
        rig, "table.sort({ 1, 2 }, 3)", RF_SCRIPT_ERROR,
        "bad argument #2 to 'sort' (function expected, got number)");
}

/* Sorting 1,000 numbers takes ten passes of 1,000 in C, far more than the
 * instructions of the script. */
static void test_sort_is_charged(void **state)
{
    (void)state;
    rf_sandbox_limits limits = rf_sandbox_limits_default();
    static const char source[] =
        "return function() local t = {}\n"
        "for i = 1, 900 do t[i] = i end table.sort(t) return #t end";
    for (int64_t budget = 9000; budget <= 16000; budget += 7000) {
        limits.call.instructions = budget;
        sandbox_rig rig;
        assert_int_equal(sandbox_rig_init(&rig, &limits), RF_OK);
        if (budget > 15000) {
            sandbox_rig_assert_gives(&rig, source, 900 * RF_QUANTITY_SCALE);
        } else {
            (void)sandbox_rig_call_to_fail(
                &rig, sandbox_rig_must_load(&rig, source), RF_SCRIPT_LIMIT_CPU);
        }
        sandbox_rig_done(&rig);
    }
}

/* ---- Numbers ---- */

static void test_results_are_rounded(void **state)
{
    sandbox_rig *rig = *state;
    sandbox_rig_assert_gives(rig, "return function() return 2.5 end", 2500000);
    sandbox_rig_assert_gives(rig, "return function() return 250 / 3 end",
                             83333333);
    sandbox_rig_assert_gives(rig, "return function() return -250 / 3 end",
                             -83333333);
    /* Halves go to the even neighbour. */
    sandbox_rig_assert_gives(rig, "return function() return 0.0000005 end", 0);
    sandbox_rig_assert_gives(rig, "return function() return 0.0000015 end", 2);
    sandbox_rig_assert_gives(rig, "return function() return 0.0000025 end", 2);
    sandbox_rig_assert_gives(rig, "return function() return -0.0 end", 0);
}

static void test_results_out_of_range(void **state)
{
    sandbox_rig *rig = *state;
    /* 2^63 millionths are one too many; whole units fit up to 9223372036854. */
    sandbox_rig_assert_gives(rig, "return function() return 9223372036854 end",
                             INT64_C(9223372036854000000));
    sandbox_rig_assert_gives(rig, "return function() return -9223372036854 end",
                             INT64_C(-9223372036854000000));
    static const char *const expressions[] = {
        "9223372036855",
        "-9223372036855",
        "9223372036854.775807",
        "-9223372036855.0",
        "math.maxinteger",
        "math.mininteger",
        "1e300",
        "1/0",
        "-1/0",
        "0/0",
    };
    for (size_t i = 0; i < sizeof expressions / sizeof expressions[0]; i++) {
        sandbox_rig_assert_fails(
            rig, expressions[i], RF_SCRIPT_CONTRACT,
            "it must return a quantity, not a number out of range");
    }
    assert_false(rf_sandbox_is_spent(rig->sandbox));
}

static void test_results_of_other_types(void **state)
{
    sandbox_rig *rig = *state;
    sandbox_rig_assert_fails(rig, "'250'", RF_SCRIPT_CONTRACT,
                             "it must return a quantity, not a string");
    sandbox_rig_assert_fails(rig, "nil", RF_SCRIPT_CONTRACT,
                             "it must return a quantity, not nil");
    sandbox_rig_assert_fails(rig, "m", RF_SCRIPT_CONTRACT,
                             "it must return a quantity, not a table");
    rf_script_failure failure = sandbox_rig_call_to_fail(
        rig, sandbox_rig_must_load(rig, "\nreturn function()\nend"),
        RF_SCRIPT_CONTRACT);
    assert_int_equal(failure.line, 2);
}

static void test_quantities_come_in_as_units(void **state)
{
    sandbox_rig *rig = *state;
    sandbox_rig_set(rig, (double[]){2.5, 0, -1, 0.000001, 1e11, 1}, 3);
    sandbox_rig_assert_holds(
        rig, "m.fno.onhand == 2.5 and m.fno.onhand - 5 == -2.5");
    sandbox_rig_assert_holds(rig, "m.fno.intransit == 0.000001");
    sandbox_rig_assert_value(rig, "m['@iv']['@allocated'] + m.fno.reserved",
                             99999999999);
    sandbox_rig_assert_gives(
        rig, "return function(m) return m.fno.intransit end", 1);
}

/* ---- Failures ---- */

static void test_messages_are_printable_and_short(void **state)
{
    sandbox_rig *rig = *state;
    rf_script_failure failure = sandbox_rig_call_to_fail(
        rig,
        sandbox_rig_must_load(
            rig, "return function() error('a\\n\\27[1m\\0\\xff', 0) end"),
        RF_SCRIPT_ERROR);
    assert_string_equal(failure.message, "a??[1m??");
    assert_string_equal(failure.file, "");
    assert_int_equal(failure.line, 0);
    failure = sandbox_rig_call_to_fail(
        rig,
        sandbox_rig_must_load(rig,
                              "return function() local s = 'long '\n"
                              "for i = 1, 9 do s = s .. s end error(s) end"),
        RF_SCRIPT_ERROR);
    assert_int_equal(strlen(failure.message), 199);
    assert_int_equal(failure.line, 2);
}

static void test_error_objects_are_only_named(void **state)
{
    sandbox_rig *rig = *state;
    static const struct {
        const char *value;
        const char *message;
    } cases[] = {
        {"nil", "(error object is a nil)"},
        {"{}", "(error object is a table)"},
        {"12", "(error object is a number)"},
        {"type", "(error object is a function)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char source[128];
        snprintf(source, sizeof source, "return function() error(%s) end",
                 cases[i].value);
        rf_script_failure failure = sandbox_rig_call_to_fail(
            rig, sandbox_rig_must_load(rig, source), RF_SCRIPT_ERROR);
        assert_string_equal(failure.message, cases[i].message);
    }
}

static void test_messages_may_look_like_positions(void **state)
{
    sandbox_rig *rig = *state;
    static const struct {
        const char *raised;
        const char *file;
        int line;
        const char *message;
    } cases[] = {
        {"a: b", "", 0, "a: b"},
        {"a:b: c", "", 0, "a:b: c"},
        {"a:12", "", 0, "a:12"},
        {"a:12:b", "", 0, "a:12:b"},
        {"a:0: b", "", 0, "a:0: b"},
        {"a:12: ", "a", 12, ""},
        {"a:12: b:13: c", "a", 12, "b:13: c"},
        {"a:99999999999: b", "", 0, "a:99999999999: b"},
        {"", "", 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char source[128];
        snprintf(source, sizeof source, "return function() error('%s', 0) end",
                 cases[i].raised);
        rf_script_failure failure = sandbox_rig_call_to_fail(
            rig, sandbox_rig_must_load(rig, source), RF_SCRIPT_ERROR);
        assert_string_equal(failure.message, cases[i].message);
        assert_string_equal(failure.file, cases[i].file);
        assert_int_equal(failure.line, cases[i].line);
    }
}

/* A script can raise the very text of a lack of memory. */
static void test_limits_cannot_be_feigned(void **state)
{
    sandbox_rig *rig = *state;
    rf_script_failure failure = sandbox_rig_call_to_fail(
        rig,
        sandbox_rig_must_load(
            rig, "return function() error('not enough memory', 0) end"),
        RF_SCRIPT_ERROR);
    assert_string_equal(failure.message, "not enough memory");
    assert_false(rf_sandbox_is_spent(rig->sandbox));
}

#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, sandbox_rig_set_up,                  \
                                    sandbox_rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes_have_words),
        CASE(test_binary_and_broken_sources_are_refused),
        CASE(test_source_size_limit),
        CASE(test_function_size_limits),
        CASE(test_deep_nesting_is_a_syntax_error),
        CASE(test_loading_has_a_budget),
        CASE(test_library_is_the_list),
        CASE(test_library_cannot_be_changed),
        CASE(test_tostring),
        CASE(test_tonumber),
        CASE(test_select_assert_and_error),
        CASE(test_extrema_are_those_of_lua),
        CASE(test_numbers_and_texts),
        CASE(test_pairs_is_in_order),
        CASE(test_ipairs_and_length_see_through_a_face),
        CASE(test_insert),
        CASE(test_sort_is_stable),
        CASE(test_sort),
        cmocka_unit_test(test_sort_is_charged),
        CASE(test_results_are_rounded),
        CASE(test_results_out_of_range),
        CASE(test_results_of_other_types),
        CASE(test_quantities_come_in_as_units),
        CASE(test_messages_are_printable_and_short),
        CASE(test_error_objects_are_only_named),
        CASE(test_messages_may_look_like_positions),
        CASE(test_limits_cannot_be_feigned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
