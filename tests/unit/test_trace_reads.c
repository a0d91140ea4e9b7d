/*
 * test_trace_reads.c - what the code of formulas that cannot be traced shows to
 * be read, and where.
 */
#include "tests/unit/trace_rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

typedef struct read_case {
    const char *body;
    const char *reads;
} read_case;

/* Each has a branch or a loop, so that nothing is known from a trace. */
static const read_case read_cases[] = {
    {"if ctx.x then return m.a.b end return m.c.d", "a.b c.d "},
    {"local g = m.a if ctx.x then return g.b end return g.c", "a.b a.c "},
    {"local g = m.a if ctx.x then g = m.c end return g.b", ""},
    {"local g = m.a if ctx.x then g = m.a end return g.b", "a.b "},
    {"local g if ctx.x then g = m.a else g = m.c end return g.b + m.e.f",
     "e.f "},
    {"local g = ctx.x and m.a or m.c return g.b", ""},
    {"local k = m local g = k.a for i = 1, 3 do k = g.b end return k", "a.b "},
    {"local g = m.a for i = 1, 3 do local x = g.b g = ctx end return g.b", ""},
    {"for i = 1, 3 do if i == m.a.b then break end end return m.c.d",
     "a.b c.d "},
    {"for _, n in ipairs(ctx.l) do local v = m.a[n] + m.c.d end return 1",
     "c.d "},
    {"while m.a.b > 1 do m = ctx end return m.c.d", ""},
    {"repeat local x = m.a.b until x return m.c.d", "a.b c.d "},
    {"m = ctx if ctx.x then return m.a.b end", ""},
    {"ctx = m if ctx.x then return ctx.a.b end", "a.b "},
    {"local n, k = nil, m if n then return k.a.b end", "a.b "},
    {"local k, n = m if n then return k.a.b end", "a.b "},
    {"local k, n = m, m.a:f() if n then return k.a.b end", "a.b "},
    {"local g = m.a print(g) if g then return g.b end", "a.b "},
    {"return (m.a.b or 0) // 2", "a.b "},
    {"goto done ::again:: do return m.a.b end ::done:: goto again", "a.b "},
    {"do return 1 end if ctx.x then return m.a.b end", ""},
    {"local function f() return m.a.b end return f()", "a.b "},
    {"local function f() return function() return m.a.b end end return f()()",
     "a.b "},
    {"local function f() m = ctx end f() return m.a.b", ""},
    {"local function f() return m.a.b end m = ctx return f()", ""},
    {"local g = m.a local function f() g = ctx end f() return g.b", ""},
    {"local g = m.a local function f() return g end f() return g.b", "a.b "},
    {"local s = 0 local function f(x) s = s + x end f(m.a.b) return s", "a.b "},
    {"return ctx.a.b == 1 and ctx.m.x or 2", ""},
    {"return m.a.b.c == 1 and 1 or 2", "a.b "},
    {"local t = {m.a.b, x = m.a.c, m} return t[3].a.d", "a.b a.c "},
    {"return m.A.b == 1 and m.a.B or 2", "a.b "},
    {"local g <close> = nil local h <const> = m.a return h.b", "a.b "},
    {"return select('#', m, m.a.b) > 1 and m.c.d .. '' or 1", "a.b c.d "},
    {"local a, b, c, d = m, m, m.x, m.y if a then return b.p.q + c.r + d.s end",
     "p.q x.r y.s "},
};

static void code_shows_reads(void **state)
{
    trace_rig *rig = *state;
    char reads[1024];
    for (size_t i = 0; i < sizeof read_cases / sizeof read_cases[0]; i++) {
        rf_function function = trace_rig_load_body(rig, read_cases[i].body);
        assert_false(trace_rig_trace(rig, function));
        trace_rig_join_reads(rig, reads, sizeof reads);
        if (strcmp(reads, read_cases[i].reads) != 0) {
            fail_msg("%s: reads %s", read_cases[i].body, reads);
        }
    }
    rf_function any =
        trace_rig_load(rig, "return function(...) local m = ...\n"
                            "if m then return m.a.b end return 1 end");
    assert_false(trace_rig_trace(rig, any));
    assert_int_equal(rig->trace.read_count, 0);
}

/* Lines of instructions are kept as small steps, now and then as a whole. */
static void reads_have_their_lines(void **state)
{
    trace_rig *rig = *state;
    char source[8192] = "return function(m)\n  if m.a.x0 then\n";
    for (int i = 1; i <= 200; i++) {
        trace_rig_append(source, sizeof source, "local _ = m.a.x%d%s\n", i % 60,
                         i == 120 ? "\n\n" : "");
        if (i == 60) {
            for (int k = 0; k < 300; k++) {
                trace_rig_append(source, sizeof source, "\n");
            }
        }
        if (i % 100 == 0) {
            trace_rig_append(source, sizeof source, "end if m then\n");
        }
    }
    trace_rig_append(source, sizeof source, "end return m.late.read\n end");
    rf_function function = trace_rig_load(rig, source);
    assert_false(trace_rig_trace(rig, function));
    assert_int_equal(rig->trace.read_count, 61);
    for (int i = 0; i < 60; i++) {
        char name[32];
        snprintf(name, sizeof name, "a.x%d", i);
        assert_string_equal(rig->trace.reads[i].name, name);
        assert_int_equal(rig->trace.reads[i].line, 2 + i);
        assert_string_equal(rig->trace.reads[i].file, "plugin.lua");
    }
    assert_string_equal(rig->trace.reads[60].name, "late.read");
    assert_int_equal(rig->trace.reads[60].line, 2 + 200 + 2 + 300 + 2 + 1);
}

static void reads_are_limited(void **state)
{
    trace_rig *rig = *state;
    char source[16384] = "return function(m)\n";
    for (unsigned part = 0; part < 2; part++) {
        trace_rig_append(source, sizeof source,
                         "local function f%u(m) local a = m.s%u local n = 0\n",
                         part, part);
        for (unsigned i = 0; i < 140; i++) {
            trace_rig_append(source, sizeof source, "n = n + a.x%u\n", i);
        }
        trace_rig_append(source, sizeof source, "return n end\n");
    }
    /* Parameters of inner functions are nothing known; the outer m is. */
    for (unsigned part = 0; part < 2; part++) {
        char *at = strstr(source, part == 0 ? "f0(m)" : "f1(m)");
        memcpy(at + 2, "(_)", 3);
    }
    trace_rig_append(source, sizeof source, "return f0() + f1() end");
    assert_false(trace_rig_trace(rig, trace_rig_load(rig, source)));
    assert_string_equal(rig->trace.reason, "makes a function");
    assert_int_equal(rig->trace.read_count, RF_TRACE_READS_MAX);
    assert_string_equal(rig->trace.reads[0].name, "s0.x0");
    assert_int_equal(rig->trace.reads[0].line, 3);
    assert_string_equal(rig->trace.reads[140].name, "s1.x0");
}

#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, trace_rig_set_up, trace_rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(code_shows_reads),
        CASE(reads_have_their_lines),
        CASE(reads_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
