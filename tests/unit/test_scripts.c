/*
 * test_scripts.c - evaluating the formulas of plugins.
 */
#include "core/alloc.h"
#include "scripts/scripts_internal.h"
#include "tests/unit/scripts_rig.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Values ---- */

static void test_a_sum_is_compiled(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_formulas(
        rig,
        "['IV.OnHand'] = function(m) return m.fno.availphysical + "
        "2 * m.POS.Inbound - m.pos.outbound end,"
        "['iv.free'] = function(m) return math.max(0, m.iv.onhand - "
        "m.iv.reserved) end",
        "");
    scripts_rig_start(rig);
    scripts_rig_post(rig, "fno", "availphysical", 0.1);
    scripts_rig_post(rig, "pos", "inbound", 0.2);
    scripts_rig_post(rig, "iv", "softreserved", 0.4);
    scripts_rig_expect_value(rig, "iv.onhand", 0.5);
    scripts_rig_expect_value(rig, "iv.free", 0.1);
    assert_string_equal(scripts_rig_report(rig, "iv.onhand").kind, "linear");
    assert_string_equal(scripts_rig_report(rig, "iv.onhand").reason, "");
    assert_string_equal(scripts_rig_report(rig, "iv.free").kind, "tree");
}

static void test_compiling_can_be_switched_off(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_formulas(
        rig,
        "['iv.onhand'] = function(m) return m.fno.availphysical + "
        "m.pos.inbound end",
        "");
    rig->options.compile = false;
    scripts_rig_start(rig);
    scripts_rig_post(rig, "fno", "availphysical", 0.1);
    scripts_rig_post(rig, "pos", "inbound", 0.2);
    scripts_rig_expect_value(rig, "iv.onhand", 0.3);
    assert_string_equal(scripts_rig_report(rig, "iv.onhand").kind, "lua");
    assert_string_equal(scripts_rig_report(rig, "iv.onhand").reason,
                        "compiling is switched off");
}

static void test_what_cannot_be_compiled_runs_in_lua(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_formulas(
        rig,
        "['iv.half'] = function(m) return m.pos.inbound / 2 end,"
        "['iv.third'] = function(m) return m.pos.inbound / 3 end",
        "");
    scripts_rig_start(rig);
    scripts_rig_post(rig, "pos", "inbound", 5);
    scripts_rig_expect_value(rig, "iv.half", 2.5);
    scripts_rig_expect_value(rig, "iv.third", 1.666667);
    rf_formula_report report = scripts_rig_report(rig, "iv.half");
    assert_string_equal(report.kind, "lua");
    assert_string_not_equal(report.reason, "");
    assert_true(report.cost_ns > 0);
}

static void test_formulas_use_each_other_in_every_way(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_formulas(
        rig,
        "['iv.native'] = function(m) return m.pos.net + m.fno.availphysical "
        "end,"
        "['iv.lua'] = function(m) return m.iv.native / 2 end,"
        "['iv.nativeoverlua'] = function(m) return m.iv.lua + 1 end,"
        "['iv.luaoverlua'] = function(m) return m.iv.lua * m.iv.lua end",
        "");
    scripts_rig_start(rig);
    scripts_rig_post(rig, "pos", "inbound", 7);
    scripts_rig_post(rig, "pos", "outbound", 1);
    scripts_rig_post(rig, "fno", "availphysical", 4);
    scripts_rig_expect_value(rig, "iv.native", 10);
    scripts_rig_expect_value(rig, "iv.lua", 5);
    scripts_rig_expect_value(rig, "iv.nativeoverlua", 6);
    scripts_rig_expect_value(rig, "iv.luaoverlua", 25);
}

static void test_the_prelude_is_there(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_formulas(
        rig,
        "['iv.kept'] = function(m) return ringfence.percent(m.pos.inbound, 30) "
        "end,"
        "['iv.clamped'] = function(m) return ringfence.clamp(m.pos.inbound, 0, "
        "5) end,"
        "['iv.all'] = function(m) return ringfence.sum(m.pos) end",
        "");
    scripts_rig_start(rig);
    scripts_rig_post(rig, "pos", "inbound", 9);
    scripts_rig_post(rig, "pos", "outbound", 2);
    scripts_rig_expect_value(rig, "iv.kept", 2);
    scripts_rig_expect_value(rig, "iv.clamped", 5);
    scripts_rig_expect_value(rig, "iv.all", 11);
    assert_string_equal(scripts_rig_report(rig, "iv.clamped").kind, "tree");
}

/* ---- Circumstances ---- */

static void test_ctx_tells_the_circumstances(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_formulas(
        rig,
        "['iv.org'] = function(m, ctx) return ctx.organization == 'usmf' and "
        "ctx.product == 'shoe' and 1 or 0 end,"
        "['iv.time'] = function(m, ctx) return ctx.time end,"
        "['iv.date'] = function(m, ctx) return ctx.date == '2031-03-10' and 1 "
        "or 0 end,"
        "['iv.site'] = function(m, ctx) return ctx.dimensions.SITEID == '1' "
        "and ctx.dimensions.locationId == '' and 1 or 0 end,"
        "['iv.group'] = function(m, ctx) return ctx.groups.Channel == 'web' "
        "and ctx.groups.region == '' and 1 or 0 end",
        "");
    scripts_rig_start(rig);
    rig->subject.now_ms = INT64_C(1930899600123);
    rig->place.given = RF_BIT(RF_SITE);
    rig->place.value[RF_SITE] = rf_text_of("1");
    unsigned channel = rig->catalog->group_order[0];
    rig->place.value[channel] = rf_text_of("web");
    scripts_rig_expect_value(rig, "iv.org", 1);
    scripts_rig_expect_value(rig, "iv.time", 1930899600);
    scripts_rig_expect_value(rig, "iv.date", 1);
    scripts_rig_expect_value(rig, "iv.site", 1);
    scripts_rig_expect_value(rig, "iv.group", 1);
}

static void test_names_are_listed_by_name(void **state)
{
    scripts_rig *rig = *state;
    static const char list[] =
        "local function list(t, out)\n"
        "  for name in pairs(t) do out = out .. name .. ' ' end\n"
        "  return out\n"
        "end\n"
        "return { name = 'acme', version = '1', formulas = {\n"
        "['iv.pos'] = function(m) return list(m.pos, '') == "
        "'inbound outbound ' and 1 or 0 end,\n"
        "['iv.m'] = function(m) return list(m, '') == '@iv fno iv pos ' and 1 "
        "or 0 end,\n"
        "['iv.ctx'] = function(m, ctx) return list(ctx, '') == 'date "
        "dimensions groups organization product time ' and 1 or 0 end,\n"
        "['iv.groups'] = function(m, ctx) return list(ctx.groups, '') == "
        "'channel region ' and 1 or 0 end }}\n";
    scripts_rig_plugin(rig, "acme", list);
    scripts_rig_start(rig);
    scripts_rig_expect_value(rig, "iv.pos", 1);
    scripts_rig_expect_value(rig, "iv.m", 1);
    scripts_rig_expect_value(rig, "iv.ctx", 1);
    scripts_rig_expect_value(rig, "iv.groups", 1);
}

/* ---- Failures ---- */

static void test_a_failure_says_where(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_formulas(rig,
                         "['iv.picky'] = function(m)\n"
                         "  if m.pos.inbound > 5 then error('too much') end\n"
                         "  return 1\n"
                         "end,"
                         "['iv.over'] = function(m) return m.iv.picky / 1 end",
                         "");
    scripts_rig_start(rig);
    scripts_rig_expect_value(rig, "iv.picky", 1);
    scripts_rig_post(rig, "pos", "inbound", 6);
    rf_quantity got = 0;
    scripts_rig_expect(
        rig, scripts_rig_evaluate(rig, "iv.over", &got), RF_E_SCRIPT,
        "plugin acme, iv.picky, plugin.lua:3: too much", "plugin.lua", 3);
    assert_string_equal(rig->err.script.plugin, "acme");
    assert_string_equal(rig->err.script.function, "iv.picky");
    assert_int_equal(scripts_rig_report(rig, "iv.picky").failures, 1);
    scripts_rig_expect(rig, scripts_rig_evaluate(rig, "iv.picky", &got),
                       RF_E_SCRIPT, "too much", "plugin.lua", 3);
    assert_int_equal(scripts_rig_report(rig, "iv.picky").failures, 2);
    assert_false(scripts_rig_report(rig, "iv.picky").is_off);
}

static void test_overflow_below_is_told_as_such(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_formulas(
        rig,
        "['iv.large'] = function(m) return 1000000 * m.pos.inbound "
        "end,"
        "['iv.over'] = function(m) return m.iv.large / 2 end",
        "");
    scripts_rig_start(rig);
    scripts_rig_post(rig, "pos", "inbound", 1e8);
    rf_quantity got = 0;
    assert_int_equal(scripts_rig_evaluate(rig, "iv.over", &got),
                     RF_E_QUANTITY_OVERFLOW);
    assert_int_equal(rig->err.status, RF_E_QUANTITY_OVERFLOW);
}

static void test_a_circle_of_computed_names_ends(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_formulas(
        rig,
        "['iv.a'] = function(m) if m.pos.inbound < 2 then return 1 end\n"
        "return m.iv['b' .. ''] end,"
        "['iv.b'] = function(m) return m.iv['a' .. ''] end",
        "");
    scripts_rig_start(rig);
    scripts_rig_expect_value(rig, "iv.a", 1);
    scripts_rig_post(rig, "pos", "inbound", 2);
    rf_quantity got = 0;
    assert_int_equal(scripts_rig_evaluate(rig, "iv.a", &got), RF_E_SCRIPT);
    assert_non_null(strstr(rig->err.message, "needs its own value"));
    assert_string_equal(rig->err.script.function, "iv.a");
    rig->measures.count = 0;
    scripts_rig_expect_value(rig, "iv.a", 1);
}

/* ---- Breaches ---- */

#define ENDLESS                                                                \
    "['iv.spin'] = function(m) local x = m.pos.inbound\n"                      \
    "while x == 13 do end\n"                                                   \
    "return x end,"                                                            \
    "['iv.other'] = function(m) return m.pos.inbound / 2 end"

static void test_a_breach_costs_the_state_not_the_thread(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_formulas(rig, ENDLESS, "");
    scripts_rig_start(rig);
    const rf_sandbox *before = rig->set->states[0].sandbox;
    scripts_rig_post(rig, "pos", "inbound", 13);
    rf_quantity got = 0;
    assert_non_null(before);
    scripts_rig_expect(rig, scripts_rig_evaluate(rig, "iv.spin", &got),
                       RF_E_SCRIPT, "it ran ", "plugin.lua", 3);
    assert_false(rf_sandbox_is_spent(rig->set->states[0].sandbox));
    scripts_rig_expect_value(rig, "iv.other", 6.5);
    rig->measures.count = 0;
    scripts_rig_expect_value(rig, "iv.spin", 0);
    assert_false(scripts_rig_report(rig, "iv.spin").is_off);
}

static void test_many_breaches_switch_a_script_off(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_formulas(rig, ENDLESS, "");
    scripts_rig_start(rig);
    scripts_rig_post(rig, "pos", "inbound", 13);
    rf_quantity got = 0;
    for (int i = 0; i < RF_BREACHES_MAX; i++) {
        assert_false(scripts_rig_report(rig, "iv.spin").is_off);
        scripts_rig_expect(rig, scripts_rig_evaluate(rig, "iv.spin", &got),
                           RF_E_SCRIPT, "it ran ", "plugin.lua", 3);
    }
    assert_true(scripts_rig_report(rig, "iv.spin").is_off);
    rig->measures.count = 0;
    scripts_rig_expect(rig, scripts_rig_evaluate(rig, "iv.spin", &got),
                       RF_E_SCRIPT,
                       "switched off after 3 breaches of its limits; reload it",
                       "plugin.lua", 2);
    rig->subject.thread = 1;
    assert_int_equal(scripts_rig_evaluate(rig, "iv.spin", &got), RF_E_SCRIPT);
    scripts_rig_expect_value(rig, "iv.other", 0);
    assert_int_equal(scripts_rig_report(rig, "iv.spin").failures,
                     RF_BREACHES_MAX);
}

static void test_only_the_script_that_was_asked_for_is_blamed(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_formulas(
        rig,
        "['iv.part'] = function(m) return m.pos.inbound / 2 end,"
        "['iv.greedy'] = function(m) local x = 0\n"
        "while m.pos.inbound == 13 do x = x + m.iv.part end\n"
        "return x end",
        "");
    scripts_rig_start(rig);
    scripts_rig_post(rig, "pos", "inbound", 13);
    rf_quantity got = 0;
    for (int i = 0; i < RF_BREACHES_MAX; i++) {
        assert_int_equal(scripts_rig_evaluate(rig, "iv.greedy", &got),
                         RF_E_SCRIPT);
    }
    assert_true(scripts_rig_report(rig, "iv.greedy").is_off);
    assert_false(scripts_rig_report(rig, "iv.part").is_off);
    scripts_rig_expect_value(rig, "iv.part", 6.5);
}

static void test_breaches_far_apart_do_not_count(void **state)
{
    (void)state;
    rf_breaches breaches = {0};
    assert_false(rf_breaches__add(&breaches, 1));
    assert_false(rf_breaches__add(&breaches, 2));
    assert_false(rf_breaches__add(&breaches, RF_BREACHES_MS + 1));
    assert_true(rf_breaches__add(&breaches, RF_BREACHES_MS + 1));
    assert_false(rf_breaches__add(&breaches, 3 * RF_BREACHES_MS));
}

static void test_a_state_that_could_not_be_made_is_made_later(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_formulas(rig, ENDLESS, "");
    scripts_rig_start(rig);
    scripts_rig_post(rig, "pos", "inbound", 13);
    rf_state__close(&rig->set->states[0]);
    rf_quantity got = 0;
    rf_alloc_fail_at(1);
    assert_int_equal(scripts_rig_evaluate(rig, "iv.other", &got),
                     RF_E_NO_MEMORY);
    rf_alloc_fail_at(0);
    scripts_rig_expect_value(rig, "iv.other", 6.5);
}

/* ---- Threads ---- */

#define THREADS 4
#define ROUNDS 2000

typedef struct worker {
    scripts_rig *rig;
    unsigned thread;
    unsigned wrong;
} worker;

/* Evaluate in a state of one's own; every so often one breaks a limit. */
static void *work(void *argument)
{
    worker *self = argument;
    const scripts_rig *rig = self->rig;
    const rf_calculated *other = rf_catalog_calculated(
        rig->catalog, rf_text_of("iv"), rf_text_of("other"));
    const rf_calculated *spin = rf_catalog_calculated(
        rig->catalog, rf_text_of("iv"), rf_text_of("spin"));
    rf_subject subject = rig->subject;
    subject.thread = self->thread;
    for (int i = 0; i < ROUNDS; i++) {
        rf_quantity got = 0;
        rf_error err;
        if (rf_calculated_value(other, &subject, &got, &err) != RF_OK ||
            got != 6500000) {
            self->wrong++;
        }
        if (i % 500 == 0 &&
            rf_calculated_value(spin, &subject, &got, &err) != RF_E_SCRIPT) {
            self->wrong++;
        }
    }
    return NULL;
}

static void test_threads_have_states_of_their_own(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_formulas(rig, ENDLESS, "");
    rig->options.threads = THREADS;
    scripts_rig_start(rig);
    scripts_rig_post(rig, "pos", "inbound", 13);
    pthread_t threads[THREADS];
    worker workers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (worker){.rig = rig, .thread = i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]),
                         0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].wrong, 0);
    }
    assert_true(scripts_rig_report(rig, "iv.spin").is_off);
}

/* ---- Memory ---- */

/* The thread sanitizer does not see the jumps of a Lua that is built with
 * checks, and takes them for calls that never return: with thousands of
 * failures it needs gigabytes. The sweep has only one thread. */
#ifdef __SANITIZE_THREAD__
#    define IS_THREAD_SANITIZED true
#else
#    define IS_THREAD_SANITIZED false
#endif

static void fill_for_sweep(scripts_rig *rig)
{
    scripts_rig_plugin(
        rig, "acme",
        "local lib = use 'lib'\n"
        "return { name = 'acme', version = '1', formulas = {\n"
        "['iv.a'] = function(m) return m.pos.inbound + m.pos.outbound "
        "end,\n"
        "['iv.b'] = function(m) return lib.half(m.iv.a) end },\n"
        "modifiers = { m = { on = { 'picked' }, apply = function() "
        "return 1 end } },\n"
        "examples = { { formula = 'iv.b', given = { ['pos.inbound'] = "
        "4 }, expect = 2, ctx = { groups = { channel = 'web' } } },\n"
        "{ formula = 'iv.b', given = { ['iv.a'] = 4 }, expect = 2 } "
        "} }");
    scripts_rig_file(rig, "lib.lua",
                     "return { half = function(x) return x / 2 end }");
    scripts_rig_plugin(
        rig, "more",
        "return { name = 'more', version = '2', formulas = {\n"
        "['iv.c'] = function(m) return math.max(m.iv.b, 1) end } }");
}

/* Let each allocation of `run` from one on fail, and return how many there are.
 * A refusal makes Lua collect and ask again, so that it may pass. */
static unsigned long sweep(scripts_rig *rig, rf_status (*run)(scripts_rig *),
                           unsigned long from)
{
    unsigned long first = rf_alloc_count();
    assert_int_equal(run(rig), RF_OK);
    unsigned long total = rf_alloc_count() - first;
    for (unsigned long nth = from; nth <= total; nth++) {
        rf_alloc_fail_at(nth);
        rf_status status = run(rig);
        rf_alloc_fail_at(0);
        if (status != RF_OK && status != RF_E_NO_MEMORY) {
            fail_msg("allocation %lu of %lu: %s", nth, total, rig->err.message);
        }
    }
    return total;
}

static void test_every_allocation_may_fail(void **state)
{
    if (IS_THREAD_SANITIZED) {
        skip();
    }
    scripts_rig *rig = *state;
    fill_for_sweep(rig);
    unsigned long loading = sweep(rig, scripts_rig_load, 1);
    assert_true(loading > 100);
    assert_true(sweep(rig, scripts_rig_bind, loading) > loading);
    scripts_rig_start(rig);
    scripts_rig_post(rig, "pos", "inbound", 5);
    scripts_rig_expect_value(rig, "iv.c", 2.5);
}

int main(void)
{
#define RIG_TEST(test)                                                         \
    cmocka_unit_test_setup_teardown(test, scripts_rig_set_up,                  \
                                    scripts_rig_tear_down)
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_a_sum_is_compiled),
        RIG_TEST(test_compiling_can_be_switched_off),
        RIG_TEST(test_what_cannot_be_compiled_runs_in_lua),
        RIG_TEST(test_formulas_use_each_other_in_every_way),
        RIG_TEST(test_the_prelude_is_there),
        RIG_TEST(test_ctx_tells_the_circumstances),
        RIG_TEST(test_names_are_listed_by_name),
        RIG_TEST(test_a_failure_says_where),
        RIG_TEST(test_overflow_below_is_told_as_such),
        RIG_TEST(test_a_circle_of_computed_names_ends),
        RIG_TEST(test_a_breach_costs_the_state_not_the_thread),
        RIG_TEST(test_many_breaches_switch_a_script_off),
        RIG_TEST(test_only_the_script_that_was_asked_for_is_blamed),
        cmocka_unit_test(test_breaches_far_apart_do_not_count),
        RIG_TEST(test_a_state_that_could_not_be_made_is_made_later),
        RIG_TEST(test_threads_have_states_of_their_own),
        RIG_TEST(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
