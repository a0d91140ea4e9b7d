/*
 * test_sandbox_views.c - what scripts may keep, and what they read.
 */
#include "tests/unit/sandbox_rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>

/* ---- Purity ---- */

static void test_counters_are_refused(void **state)
{
    sandbox_rig *rig = *state;
    static const char message[] =
        "a function assigns a variable from outside of it, which would keep "
        "state between calls";
    sandbox_rig_assert_rejected(rig,
                                "local n = 0\n"
                                "return function() n = n + 1 return n end",
                                RF_SCRIPT_IMPURE, message, 2);
    sandbox_rig_assert_rejected(rig,
                                "local n = 0\n"
                                "local function next() n = n + 1 return n end\n"
                                "return function() return next() end",
                                RF_SCRIPT_IMPURE, message, 2);
    sandbox_rig_assert_rejected(
        rig,
        "local n = 0\n"
        "return function()\n"
        "  local function next() n = n + 1 end next() return n end",
        RF_SCRIPT_IMPURE, message, 2);
    sandbox_rig_assert_rejected(
        rig,
        "local t = { { next = (function() local n = 0\n"
        "return function() n = n + 1 return n end end)() } }\n"
        "return function() return t[1].next() end",
        RF_SCRIPT_IMPURE, message, 2);
}

static void test_iterators_cannot_be_kept(void **state)
{
    sandbox_rig *rig = *state;
    sandbox_rig_assert_rejected(rig,
                                "local next = pairs({ {} })\n"
                                "return function() local _, t = next()\n"
                                "t.n = (t.n or 0) + 1 return t.n end",
                                RF_SCRIPT_IMPURE,
                                "an iterator is kept between calls", 0);
    sandbox_rig_assert_gives(rig,
                             "local next = ipairs({})\n"
                             "return function() return (next({ 5 }, 0)) end",
                             RF_QUANTITY_SCALE);
}

static void test_closures_of_a_call_may_assign(void **state)
{
    sandbox_rig *rig = *state;
    sandbox_rig_assert_gives(rig,
                             "local function counter() local n = 0\n"
                             "return function() n = n + 1 return n end end\n"
                             "return function() local c = counter() c()\n"
                             "return c() end",
                             2 * RF_QUANTITY_SCALE);
}

static void test_captured_tables_are_frozen(void **state)
{
    sandbox_rig *rig = *state;
    static const char *const writes[] = {
        "t.x = 1",
        "t.inner.x = 1",
        "t.inner.deep[1] = 2",
        "t.self.x = 1",
        "table.insert(t.inner, 1)",
        "table.sort(t)",
        "helper()",
        "_ENV.x = 1",
    };
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        char source[512];
        snprintf(source, sizeof source,
                 "local t = { 1, inner = { deep = { 1 } } }\n"
                 "t.self = t\n"
                 "local u = {}\n"
                 "local function helper() u[1] = 1 end\n"
                 "return function() %s return #t end",
                 writes[i]);
        rf_script_failure failure = sandbox_rig_call_to_fail(
            rig, sandbox_rig_must_load(rig, source), RF_SCRIPT_ERROR);
        assert_string_equal(failure.message, "this table is read-only");
    }
}

static void test_an_environment_of_ones_own_is_frozen(void **state)
{
    sandbox_rig *rig = *state;
    rf_function function =
        sandbox_rig_must_load(rig, "local _ENV = { n = 0 }\n"
                                   "return function() n = n + 1 return n end");
    rf_script_failure failure =
        sandbox_rig_call_to_fail(rig, function, RF_SCRIPT_ERROR);
    assert_string_equal(failure.message, "this table is read-only");
}

static void test_frozen_tables_keep_their_identity(void **state)
{
    sandbox_rig *rig = *state;
    sandbox_rig_assert_gives(
        rig,
        "local a = { 7 }\n"
        "local t = { a, also = a }\n"
        "return function() return t[1] == a and t.also == a\n"
        "and a[1] or 0 end",
        7 * RF_QUANTITY_SCALE);
    sandbox_rig_assert_rejected(rig,
                                "local k = {}\n"
                                "local t = { [k] = 1 }\n"
                                "return function() return t[k] end",
                                RF_SCRIPT_IMPURE,
                                "a captured table has a table as a key", 0);
}

static void test_captures_nest_to_a_limit(void **state)
{
    sandbox_rig *rig = *state;
    static const char nested[] = "local t = {}\n"
                                 "for i = 1, %d do t = { t } end\n"
                                 "return function() return #t end";
    char source[128];
    snprintf(source, sizeof source, nested, 38);
    sandbox_rig_assert_gives(rig, source, RF_QUANTITY_SCALE);
    snprintf(source, sizeof source, nested, 50);
    sandbox_rig_assert_rejected(
        rig, source, RF_SCRIPT_IMPURE,
        "captured tables and functions nest more than 40 deep", 0);
}

/* ---- Views ---- */

static void test_views_ask_once_for_a_name(void **state)
{
    sandbox_rig *rig = *state;
    rf_function function = sandbox_rig_must_load(
        rig, "return function(m) return m.fno.onhand end");
    rf_script_failure failure;
    for (unsigned i = 1; i <= 3; i++) {
        rf_quantity result;
        rig->values[0] = i;
        assert_int_equal(sandbox_rig_call(rig, function, &result, &failure),
                         RF_SCRIPT_OK);
        assert_int_equal(result, i * RF_QUANTITY_SCALE);
        assert_int_equal(rig->finds, 2);
        assert_int_equal(rig->reads, i);
    }
}

static void test_views_hold_what_the_reader_gives(void **state)
{
    sandbox_rig *rig = *state;
    sandbox_rig_assert_holds(rig, "ctx.sku == 'SKU-1' and ctx.nothing == nil");
    sandbox_rig_assert_holds(rig, "ctx.seconds == 1700000000");
    sandbox_rig_assert_holds(rig, "math.type(ctx.seconds) == 'integer'");
    sandbox_rig_assert_holds(rig, "math.type(ctx.qty) == 'float'");
    sandbox_rig_assert_holds(rig,
                             "m.FNO == m.fno and m.fno.OnHand == m.fno.onhand");
}

static void test_unknown_names_say_so(void **state)
{
    sandbox_rig *rig = *state;
    for (int i = 0; i < 2; i++) {
        rf_script_failure failure = sandbox_rig_call_to_fail(
            rig,
            sandbox_rig_must_load(
                rig, "return function(m)\n return m.fno.onhnd\nend"),
            RF_SCRIPT_ERROR);
        assert_string_equal(failure.message, "there is no onhnd here");
        assert_int_equal(failure.cause, RF_E_UNKNOWN_MEASURE);
        assert_int_equal(failure.line, 2);
    }
    rf_script_failure failure = sandbox_rig_call_to_fail(
        rig, sandbox_rig_must_load(rig, "return function(m) return m[1] end"),
        RF_SCRIPT_ERROR);
    assert_string_equal(failure.message,
                        "it is read by names, not by a number");
    assert_int_equal(failure.cause, RF_OK);
}

static void test_views_are_read_only(void **state)
{
    sandbox_rig *rig = *state;
    static const char *const writes[] = {
        "m.fno = 1",     "m.fno.onhand = 1", "m.fno.x = 1",
        "ctx.sku = 'x'", "m[1] = 1",
    };
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        char source[256];
        snprintf(source, sizeof source,
                 "return function(m, ctx) local a = m.fno.onhand\n"
                 "%s return 1 end",
                 writes[i]);
        rf_script_failure failure = sandbox_rig_call_to_fail(
            rig, sandbox_rig_must_load(rig, source), RF_SCRIPT_ERROR);
        assert_string_equal(failure.message,
                            "measures and circumstances are read-only");
    }
    sandbox_rig_assert_fails(rig, "table.insert(m, 1)", RF_SCRIPT_ERROR,
                             "this table is read-only");
    sandbox_rig_assert_fails(rig, "#m.fno", RF_SCRIPT_ERROR,
                             "a group of names has no length");
}

static void test_pairs_goes_over_views(void **state)
{
    sandbox_rig *rig = *state;
    static const char source[] =
        "return function(m, ctx) local s = ''\n"
        "for group, measures in pairs(m) do s = s .. group .. '('\n"
        "for k, v in pairs(measures) do s = s .. k .. '=' .. tostring(v)\n"
        "  .. ' ' end s = s .. ') ' end\n"
        "for k in pairs(ctx) do s = s .. k .. ' ' end\n"
        "error(s, 0) end";
    rf_script_failure failure = sandbox_rig_call_to_fail(
        rig, sandbox_rig_must_load(rig, source), RF_SCRIPT_ERROR);
    assert_string_equal(failure.message,
                        "@iv(@allocated=30 @promised=5 ) fno(intransit=15 "
                        "onhand=250 onordered=100 reserved=40 ) "
                        "channel node qty seconds sku ");
}

/* A name can be spelled in many ways; not all of them are remembered. */
static void test_spellings_do_not_fill_the_state(void **state)
{
    sandbox_rig *rig = *state;
    rf_function function = sandbox_rig_must_load(
        rig, "local function spell(n) local s = ''\n"
             "for i = 1, 9 do local c = string.sub('onordered', i, i)\n"
             "if n % 2 == 1 then c = string.upper(c) end\n"
             "n = n // 2 s = s .. c end return s end\n"
             "return function(m, ctx) local sum = 0\n"
             "for n = ctx.qty, ctx.qty + 99 do\n"
             "sum = sum + m.fno[spell(n)] end return sum end");
    rf_script_failure failure;
    size_t bytes = 0;
    for (int i = 0; i < 40; i++) {
        rf_quantity result;
        sandbox_rig_set(rig, rig->values, i * 100);
        assert_int_equal(sandbox_rig_call(rig, function, &result, &failure),
                         RF_SCRIPT_OK);
        assert_int_equal(result, 10000 * RF_QUANTITY_SCALE);
        bytes = rf_sandbox_bytes(rig->sandbox);
    }
    assert_true(bytes < (size_t)128 * 1024);
}

static void test_no_reader_no_values(void **state)
{
    sandbox_rig *rig = *state;
    rf_function function = sandbox_rig_must_load(
        rig, "return function(m) return m.fno.onhand end");
    rf_quantity result;
    rf_script_failure failure;
    assert_int_equal(
        rf_sandbox_call(rig->sandbox, function, NULL, &result, &failure),
        RF_SCRIPT_ERROR);
    assert_string_equal(failure.message, "no values can be read now");
}

#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, sandbox_rig_set_up,                  \
                                    sandbox_rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_counters_are_refused),
        CASE(test_iterators_cannot_be_kept),
        CASE(test_closures_of_a_call_may_assign),
        CASE(test_captured_tables_are_frozen),
        CASE(test_an_environment_of_ones_own_is_frozen),
        CASE(test_frozen_tables_keep_their_identity),
        CASE(test_captures_nest_to_a_limit),
        CASE(test_views_ask_once_for_a_name),
        CASE(test_views_hold_what_the_reader_gives),
        CASE(test_unknown_names_say_so),
        CASE(test_views_are_read_only),
        CASE(test_pairs_goes_over_views),
        CASE(test_spellings_do_not_fill_the_state),
        CASE(test_no_reader_no_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
