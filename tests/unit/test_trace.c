/*
 * test_trace.c - formulas that are compiled: to what, within which limits, and
 * what happens to the symbols that they were called with.
 *
 * Whatever a formula becomes, its value has to be that which Lua gives.
 */
#include "core/alloc.h"
#include "tests/unit/trace_rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define UNIT RF_QUANTITY_SCALE

/* ---- What is compiled ---- */

typedef struct compiled_case {
    const char *body;
    double value;
    size_t nodes;
    const char *reads; /* names, each with a blank behind it */
} compiled_case;

#define FNO "fno.onhand fno.onordered "

static const compiled_case compiled_cases[] = {
    {"return 5", 5, 1, ""},
    {"return -2.5", -2.5, 1, ""},
    {"return m.fno.onhand", 250, 1, "fno.onhand "},
    {"return m.FNO.OnHand", 250, 1, "fno.onhand "},
    {"return m['@iv']['@allocated']", 30, 1, "@iv.@allocated "},
    {"return m.fno.onhand + m.fno.onordered", 350, 3, FNO},
    {"return m.fno.onhand - m.fno.onordered", 150, 3, FNO},
    {"return m.fno.onhand + 5", 255, 3, "fno.onhand "},
    {"return 5 - m.fno.onhand", -245, 3, "fno.onhand "},
    {"return m.fno.onhand + 0.1", 250.1, 3, "fno.onhand "},
    {"return m.fno.onhand - 1e-6", 249.999999, 3, "fno.onhand "},
    {"return 3 * m.fno.onhand", 750, 2, "fno.onhand "},
    {"return m.fno.onhand * 3.0", 750, 2, "fno.onhand "},
    {"return m.fno.onhand * -1000000000", -250e9, 2, "fno.onhand "},
    {"return -m.pos.negative", 7.25, 2, "pos.negative "},
    {"return m.fno.onhand * 0", 0, 2, "fno.onhand "},
    {"return math.max(m.fno.onhand, m.fno.onordered)", 250, 3, FNO},
    {"return math.min(m.fno.onhand, m.fno.onordered)", 100, 3, FNO},
    {"return math.max(m.fno.onhand)", 250, 1, "fno.onhand "},
    {"return math.max(m.fno.onhand, m.fno.onordered, 1000)", 1000, 5, FNO},
    {"return math.max(0, m.pos.negative)", 0, 3, "pos.negative "},
    {"return math.max(1, 2) + m.fno.onhand", 252, 3, "fno.onhand "},
    /* Equal nodes are made once, and what is not needed is dropped. */
    {"local a = m.fno.onhand + 1 return a + (m.fno.onhand + 1)", 502, 4,
     "fno.onhand "},
    {"local a = m.fno.onordered - 9 return m.fno.onhand", 250, 1,
     "fno.onordered fno.onhand "},
    {"local x, y = m.fno.onhand, 4 return x - y, 'ignored'", 246, 3,
     "fno.onhand "},
    {"return ringfence.clamp(m.fno.onhand, 0, m.fno.onordered)", 100, 5, FNO},
    {"return ringfence.positive(m.pos.negative)", 0, 3, "pos.negative "},
    {"return ringfence.sum(m.fno, 'onhand', 'onordered')", 350, 5, FNO},
    {"return ringfence.percent(50, 10) + m.fno.onhand", 255, 3, "fno.onhand "},
    {"return select(2, m.fno.onhand, m.fno.onordered)", 100, 1, FNO},
    {"return assert(m.fno.onhand)", 250, 1, "fno.onhand "},
    {"return 9000000000000", 9e12, 1, ""},
    {"return m.fno.onhand + 4294967296.25", 4294967546.25, 3, "fno.onhand "},
};

static void formulas_are_compiled(void **state)
{
    trace_rig *rig = *state;
    char reads[1024];
    for (size_t i = 0; i < sizeof compiled_cases / sizeof compiled_cases[0];
         i++) {
        const compiled_case *at = &compiled_cases[i];
        rf_function function = trace_rig_load_body(rig, at->body);
        if (!trace_rig_trace(rig, function)) {
            fail_msg("%s: %s", at->body, rig->trace.reason);
        }
        trace_rig_join_reads(rig, reads, sizeof reads);
        assert_string_equal(reads, at->reads);
        assert_int_equal(trace_rig_value(rig), trace_rig_millionths(at->value));
        if (rig->trace.expression.count != at->nodes) {
            fail_msg("%s: %zu nodes", at->body, rig->trace.expression.count);
        }
        trace_rig_check_agrees(rig, function);
    }
}

/* Helpers, captured constants and tables, other functions' tail calls. */
static void helpers_are_followed(void **state)
{
    trace_rig *rig = *state;
    rf_function function = trace_rig_load(
        rig, "local KEEP = 12.5\n"
             "local weights = { onhand = 2, deep = { more = 3 } }\n"
             "local floor_at = { zero = function(x)\n"
             "  return math.max(0, x) end }\n"
             "local clamp = ringfence.clamp\n"
             "local function free(s) return s.onhand - KEEP end\n"
             "local function tail(m) return free(m.fno) end\n"
             "return function(m)\n"
             "  local a = tail(m) * weights.onhand\n"
             "  local b = m.fno.reserved * weights.deep.more\n"
             "  return clamp(floor_at.zero(a - b), 0, 1000)\n"
             "end");
    assert_true(trace_rig_trace(rig, function));
    assert_int_equal(trace_rig_value(rig), 355 * UNIT);
    trace_rig_check_agrees(rig, function);
    assert_int_equal(rig->trace.read_count, 2);
    assert_string_equal(rig->trace.reads[0].name, "fno.onhand");
    assert_string_equal(rig->trace.reads[0].file, "plugin.lua");
    assert_int_equal(rig->trace.reads[0].line, 6);
    assert_string_equal(rig->trace.reads[1].name, "fno.reserved");
    assert_int_equal(rig->trace.reads[1].line, 10);
}

/* A read inside the library is told by where the script called it. */
static void reads_have_the_scripts_place(void **state)
{
    trace_rig *rig = *state;
    rf_function function =
        trace_rig_load(rig, "return function(m)\n"
                            "  local own = m.fno.onhand\n"
                            "  return own + ringfence.sum(m.fno,\n"
                            "    'reserved', 'onhand')\n"
                            "end");
    assert_true(trace_rig_trace(rig, function));
    assert_int_equal(rig->trace.read_count, 2);
    assert_int_equal(rig->trace.reads[0].line, 2);
    assert_string_equal(rig->trace.reads[1].name, "fno.reserved");
    assert_string_equal(rig->trace.reads[1].file, "plugin.lua");
    assert_int_equal(rig->trace.reads[1].line, 3);
}

/* A helper that is called as the last thing takes its caller's place. */
static void reads_of_a_last_call(void **state)
{
    trace_rig *rig = *state;
    rf_function function =
        trace_rig_load(rig, "\n\nreturn function(m)\n\n"
                            "  return ringfence.sum(m.fno, 'reserved') end");
    assert_true(trace_rig_trace(rig, function));
    assert_string_equal(rig->trace.reads[0].file, "plugin.lua");
    assert_int_equal(rig->trace.reads[0].line, 3);
}

/* A helper that branches does not matter if the formula never calls it. */
static void unused_helpers_do_not_matter(void **state)
{
    trace_rig *rig = *state;
    rf_function function = trace_rig_load(
        rig, "local h = {\n"
             "  odd = function(x) if x > 3 then return 1 end end,\n"
             "  even = function(x) return x + 1 end }\n"
             "return function(m) return h.even(m.fno.onhand) end");
    assert_true(trace_rig_trace(rig, function));
    trace_rig_check_agrees(rig, function);
}

/* ---- Limits ---- */

/* A sum of so many different terms, each of which is one measure: a term is a
 * node and all but the first are one more for the sum. */
static rf_function load_sum(trace_rig *rig, unsigned terms, const char *end)
{
    char source[8192] = "return function(m) local a = m.a return a.x0";
    for (unsigned i = 1; i < terms; i++) {
        trace_rig_append(source, sizeof source, "+a.x%u", i);
    }
    trace_rig_append(source, sizeof source, "%s", end);
    trace_rig_append(source, sizeof source, " end");
    return trace_rig_load(rig, source);
}

static void nodes_are_limited(void **state)
{
    trace_rig *rig = *state;
    assert_true(trace_rig_trace(rig, load_sum(rig, 64, "")));
    assert_int_equal(rig->trace.expression.count, 127);
    rf_function full = load_sum(rig, 64, "+a.x0");
    assert_true(trace_rig_trace(rig, full));
    assert_int_equal(rig->trace.expression.count, RF_EXPRESSION_NODES_MAX);
    trace_rig_check_agrees(rig, full);
    rf_function over = load_sum(rig, 64, "+a.x0+a.x0");
    assert_false(trace_rig_trace(rig, over));
    assert_string_equal(rig->trace.reason, "takes too many operations");
    assert_int_equal(rig->trace.read_count, 64);
    trace_rig_set(rig, "a.x0", 2);
    trace_rig_set(rig, "a.x1", 3);
    assert_int_equal(trace_rig_call(rig, over), 9 * UNIT);
}

/* The code shows what the trace did not get to. */
static void reads_go_on_behind_the_limit(void **state)
{
    trace_rig *rig = *state;
    rf_function function = load_sum(rig, 100, "");
    assert_false(trace_rig_trace(rig, function));
    assert_int_equal(rig->trace.read_count, 100);
    assert_string_equal(rig->trace.reads[99].name, "a.x99");
}

static void constants_are_limited(void **state)
{
    trace_rig *rig = *state;
    static const struct {
        const char *constant;
        bool fits;
    } cases[] = {
        {"9000000000000", true},
        {"9000000000000.0", true},
        {"9000000000001", false},
        {"-9000000000000", true},
        {"-9000000000001", false},
        {"9e12", true},
        {"8999999999.5", true},
        {"9000000000.5", false},
        {"0.000001", true},
        {"0.0000001", false},
        {"0.9999999", false},
        {"123456.789012", true},
        {"123456.7890123", false},
        {"1000000 * 1000000 * 9", true},
        {"1e308 * 10", false},
        {"-(0/0)", false},
        {"9007199254740993", false},
        {"0x10p-1", true},
        {"1 << 43", true},
        {"1 << 44", false},
        {"-0.0", true},
        {"0.1 + 0.7", false},
        {"0.5 + 0.25", true},
    };
    char body[128];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(body, sizeof body, "return m.fno.onhand + (%s)",
                 cases[i].constant);
        rf_function function = trace_rig_load_body(rig, body);
        if (trace_rig_trace(rig, function) != cases[i].fits) {
            fail_msg("%s: %s", cases[i].constant, rig->trace.reason);
        }
        if (cases[i].fits) {
            trace_rig_check_samples(rig, function);
        }
    }
}

static void factors_are_limited(void **state)
{
    trace_rig *rig = *state;
    assert_true(trace_rig_trace(
        rig, trace_rig_load_body(rig, "return m.a.b * 1000000000")));
    assert_true(
        trace_rig_trace(rig, trace_rig_load_body(rig, "return -1e9 * m.a.b")));
    assert_false(trace_rig_trace(
        rig, trace_rig_load_body(rig, "return m.a.b * 1000000001")));
    assert_false(trace_rig_trace(
        rig, trace_rig_load_body(rig, "return m.a.b * -1000000001")));
    assert_false(
        trace_rig_trace(rig, trace_rig_load_body(rig, "return m.a.b * (0/0)")));
    assert_false(trace_rig_trace(
        rig, trace_rig_load_body(rig, "return m.a.b * (1 << 63)")));
    assert_true(trace_rig_trace(
        rig,
        trace_rig_load_body(rig, "return m.a.b * 1000000000 * 1000000000")));
}

/* ---- Symbols that are kept ---- */

static void symbols_end_with_their_trace(void **state)
{
    trace_rig *rig = *state;
    rf_quantity value = 0;
    rf_script_failure failure;
    static const char *const keeping[] = {
        "return keep(m.fno.onhand)", "keep(m) return 1", "keep(m.fno) return 1",
        "keep(ctx) return 1"};
    static const char *const using[] = {"return kept() + 1",
                                        "return m.fno.onhand + kept()",
                                        "return kept() * 2",
                                        "return -kept()",
                                        "return math.max(kept(), 1)",
                                        "return math.min(1, kept())",
                                        "return kept().onhand",
                                        "return kept() < 3 and 1 or 2",
                                        "return kept()",
                                        "return tostring(kept())",
                                        "return kept()()",
                                        "return #kept()"};
    for (size_t i = 0; i < sizeof keeping / sizeof keeping[0]; i++) {
        assert_true(trace_rig_trace(rig, trace_rig_load_body(rig, keeping[i])));
        for (size_t k = 0; k < sizeof using / sizeof using[0]; k++) {
            rf_function function = trace_rig_load_body(rig, using[k]);
            assert_int_not_equal(trace_rig_try(rig, function, &value, &failure),
                                 RF_SCRIPT_OK);
            assert_false(trace_rig_trace(rig, function));
        }
    }
}

/* Neither does one survive a trace that failed. */
static void symbols_end_with_a_failed_trace(void **state)
{
    trace_rig *rig = *state;
    assert_false(trace_rig_trace(
        rig, trace_rig_load_body(rig, "return keep(m.fno.onhand) * 0.5")));
    rf_quantity value = 0;
    rf_script_failure failure;
    rf_function function = trace_rig_load_body(rig, "return kept() + 1");
    assert_int_equal(trace_rig_try(rig, function, &value, &failure),
                     RF_SCRIPT_ERROR);
    assert_true(strstr(failure.message, "after the formula was compiled") !=
                NULL);
    assert_int_equal(
        trace_rig_call(rig, trace_rig_load_body(rig, "return keep(4)")),
        4 * UNIT);
    assert_int_equal(trace_rig_call(rig, function), 5 * UNIT);
}

/* ---- Without memory ---- */

/* Trace with one allocation failing; false: there were fewer. */
static bool trace_without_memory(trace_rig *rig, const char *body,
                                 bool compiles, unsigned long nth)
{
    trace_rig *fresh = rig;
    trace_rig_close(fresh);
    trace_rig_open(fresh, 10);
    trace_rig_set(fresh, "fno.onhand", 250);
    rf_function function = trace_rig_load_body(rig, body);
    unsigned long before = rf_alloc_count();
    rf_alloc_fail_at(nth);
    rf_trace_formula(fresh->sandbox, function, &fresh->trace);
    rf_alloc_fail_at(0);
    bool has_failed = rf_alloc_count() - before >= nth;
    if (fresh->trace.expression.count > 0) {
        assert_true(compiles);
        assert_int_equal(trace_rig_value(fresh),
                         trace_rig_call(fresh, function));
    } else {
        assert_true(has_failed || !compiles);
        assert_true(fresh->trace.reason[0] != '\0');
    }
    return has_failed;
}

static void memory_may_run_out(void **state)
{
    trace_rig *rig = *state;
    static const char *const compiled =
        "return ringfence.sum(m.fno, 'onhand') + math.max(m.a.b, 1) - 2";
    static const char *const branching =
        "local g = m.fno if g.onhand > 1 then return g.onhand end return m.a.b";
    unsigned long nth = 1;
    while (trace_without_memory(rig, compiled, true, nth)) {
        nth++;
    }
    assert_true(nth > 10);
    nth = 1;
    while (trace_without_memory(rig, branching, false, nth)) {
        nth++;
    }
    assert_true(nth > 10);
}

/* ---- Agreement ---- */

static void difference_is_told(void **state)
{
    trace_rig *rig = *state;
    rf_script_failure failure;
    rf_function plus = trace_rig_load_body(rig, "return m.fno.onhand + 1");
    rf_function other =
        trace_rig_load_body(rig, "return m.fno.onhand + 1.000001");
    rf_function more =
        trace_rig_load_body(rig, "return m.fno.onhand + m.fno.reserved");
    rf_function broken =
        trace_rig_load_body(rig, "return m.fno.onhand + error('no')");
    assert_true(trace_rig_trace(rig, plus));
    assert_true(rf_trace_agrees(rig->sandbox, plus, &rig->trace,
                                trace_rig_slot_name, rig, &failure));
    assert_false(rf_trace_agrees(rig->sandbox, other, &rig->trace,
                                 trace_rig_slot_name, rig, &failure));
    assert_int_equal(failure.outcome, RF_SCRIPT_CONTRACT);
    assert_string_equal(failure.message,
                        "compiled it is 1, in Lua 1.000001, where fno.onhand "
                        "is 0");
    assert_false(rf_trace_agrees(rig->sandbox, more, &rig->trace,
                                 trace_rig_slot_name, rig, &failure));
    assert_int_equal(failure.outcome, RF_SCRIPT_ERROR);
    assert_false(rf_trace_agrees(rig->sandbox, broken, &rig->trace,
                                 trace_rig_slot_name, rig, &failure));
    assert_string_equal(failure.message, "no");
}

/* What only differs for one value, which no sample has, cannot be found. That
 * is why the code is checked. */
static void samples_are_no_proof(void **state)
{
    trace_rig *rig = *state;
    rf_script_failure failure;
    rf_function plain = trace_rig_load_body(rig, "return m.fno.onhand");
    rf_function trap = trace_rig_load_body(
        rig, "return m.fno.onhand == 77.77 and 1 or m.fno.onhand");
    assert_true(trace_rig_trace(rig, plain));
    assert_true(rf_trace_agrees(rig->sandbox, trap, &rig->trace,
                                trace_rig_slot_name, rig, &failure));
    assert_false(trace_rig_trace(rig, trap));
}

#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, trace_rig_set_up, trace_rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(formulas_are_compiled),
        CASE(helpers_are_followed),
        CASE(reads_have_the_scripts_place),
        CASE(reads_of_a_last_call),
        CASE(unused_helpers_do_not_matter),
        CASE(nodes_are_limited),
        CASE(reads_go_on_behind_the_limit),
        CASE(constants_are_limited),
        CASE(factors_are_limited),
        CASE(symbols_end_with_their_trace),
        CASE(symbols_end_with_a_failed_trace),
        CASE(memory_may_run_out),
        CASE(difference_is_told),
        CASE(samples_are_no_proof),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
