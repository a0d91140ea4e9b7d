/*
 * test_sandbox_limits.c - budgets, memory, and scripts inside scripts.
 */
#include "core/alloc.h"
#include "tests/unit/sandbox_rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

/* ---- Limits ---- */

static void test_instructions_end_a_call(void **state)
{
    sandbox_rig *rig = *state;
    rf_function endless = sandbox_rig_must_load(
        rig, "return function()\n  while true do\n  end\nend");
    rf_script_failure failure =
        sandbox_rig_call_to_fail(rig, endless, RF_SCRIPT_LIMIT_CPU);
    assert_string_equal(failure.message,
                        "it ran more than 100000 instructions");
    assert_string_equal(failure.file, "script.lua");
    assert_in_range(failure.line, 2, 3);
    assert_true(rf_sandbox_is_spent(rig->sandbox));
}

static void test_deadline_ends_a_call(void **state)
{
    (void)state;
    rf_sandbox_limits limits = rf_sandbox_limits_default();
    limits.call.instructions = INT64_MAX;
    limits.call.deadline_ns = 2000000;
    sandbox_rig rig;
    assert_int_equal(sandbox_rig_init(&rig, &limits), RF_OK);
    rf_function endless =
        sandbox_rig_must_load(&rig, "return function() while true do end end");
    rf_script_failure failure =
        sandbox_rig_call_to_fail(&rig, endless, RF_SCRIPT_LIMIT_CPU);
    assert_string_equal(failure.message, "it ran longer than 2 ms");
    assert_int_equal(failure.line, 1);
    sandbox_rig_done(&rig);
}

/* The budget begins anew with every call, and equal calls spend the same. */
static void test_budget_is_per_call(void **state)
{
    (void)state;
    rf_sandbox_limits limits = rf_sandbox_limits_default();
    limits.call.instructions = 640;
    sandbox_rig rig;
    assert_int_equal(sandbox_rig_init(&rig, &limits), RF_OK);
    rf_function function =
        sandbox_rig_must_load(&rig, "return function(m, ctx) local n = 0\n"
                                    "for i = 1, ctx.qty do n = n + 1 end\n"
                                    "return n end");
    rf_script_failure failure;
    rf_quantity result;
    int last = 0;
    for (int round = 0; round < 3; round++) {
        int turns = 1;
        for (;; turns++) {
            sandbox_rig_set(&rig, rig.values, turns);
            if (sandbox_rig_call(&rig, function, &result, &failure) !=
                RF_SCRIPT_OK) {
                break;
            }
        }
        assert_int_equal(failure.outcome, RF_SCRIPT_LIMIT_CPU);
        assert_in_range(turns, 200, 320);
        assert_true(round == 0 || turns == last);
        last = turns;
    }
    sandbox_rig_done(&rig);
}

static void test_memory_is_capped(void **state)
{
    sandbox_rig *rig = *state;
    rf_script_failure failure = sandbox_rig_call_to_fail(
        rig,
        sandbox_rig_must_load(
            rig, "return function() local t = {}\n"
                 "for i = 1, 10000 do t = { t, 'x' .. i } end return 1 end"),
        RF_SCRIPT_LIMIT_MEMORY);
    assert_string_equal(failure.message,
                        "it needs more memory than a script may have");
    assert_int_equal(failure.cause, RF_OK);
    assert_true(rf_sandbox_is_spent(rig->sandbox));
    assert_true(rf_sandbox_bytes_peak(rig->sandbox) <= (size_t)256 * 1024);
    assert_true(rf_sandbox_bytes_peak(rig->sandbox) > (size_t)200 * 1024);
    /* It could go on all the same. */
    sandbox_rig_assert_value(rig, "m.fno.onhand", 250);
}

static void test_blocks_are_capped(void **state)
{
    sandbox_rig *rig = *state;
    static const char doubling[] =
        "return function() local s = 'x'\n"
        "for i = 1, %d do s = s .. s end return #s end";
    char source[128];
    snprintf(source, sizeof source, doubling, 13);
    sandbox_rig_assert_gives(rig, source, 8192 * RF_QUANTITY_SCALE);
    snprintf(source, sizeof source, doubling, 14);
    (void)sandbox_rig_call_to_fail(rig, sandbox_rig_must_load(rig, source),
                                   RF_SCRIPT_LIMIT_MEMORY);
}

static void test_loading_raises_the_caps(void **state)
{
    sandbox_rig *rig = *state;
    static const char large[] = "local t = {}\n"
                                "for i = 1, 2000 do t[i] = i end\n"
                                "return function() return #t end";
    (void)sandbox_rig_load_to_fail(rig, rf_text_of(large),
                                   RF_SCRIPT_LIMIT_MEMORY);
    rf_sandbox_begin_loading(rig->sandbox, 100);
    rf_function kept = sandbox_rig_must_load(rig, large);
    rf_sandbox_end_loading(rig->sandbox);
    rf_quantity result;
    rf_script_failure failure;
    assert_int_equal(sandbox_rig_call(rig, kept, &result, &failure),
                     RF_SCRIPT_OK);
    assert_int_equal(result, 2000 * RF_QUANTITY_SCALE);
    (void)sandbox_rig_load_to_fail(rig, rf_text_of(large),
                                   RF_SCRIPT_LIMIT_MEMORY);
}

/* Many formulas in one state, and all of them work. */
static void test_many_functions(void **state)
{
    sandbox_rig *rig = *state;
    enum {
        COUNT = 1024
    };
    static rf_function functions[COUNT];
    char source[256];
    rf_sandbox_begin_loading(rig->sandbox, COUNT);
    for (int i = 0; i < COUNT; i++) {
        snprintf(source, sizeof source,
                 "local name%d = 'text of %d'\n"
                 "return function(m) return m.fno.onhand + %d, name%d end",
                 i, i, i, i);
        functions[i] = sandbox_rig_must_load(rig, source);
    }
    rf_sandbox_end_loading(rig->sandbox);
    rf_script_failure failure;
    for (int i = 0; i < COUNT; i++) {
        rf_quantity result;
        assert_int_equal(sandbox_rig_call(rig, functions[i], &result, &failure),
                         RF_SCRIPT_OK);
        assert_int_equal(result, (250 + i) * RF_QUANTITY_SCALE);
    }
    /* New texts still find their place. */
    rf_function texts = sandbox_rig_must_load(
        rig, "return function() local s = ''\n"
             "for i = 1, 500 do s = 'new' .. i end return 1 end");
    rf_quantity result;
    assert_int_equal(sandbox_rig_call(rig, texts, &result, &failure),
                     RF_SCRIPT_OK);
    assert_false(rf_sandbox_is_spent(rig->sandbox));
}

/* The C library's buffers ask for memory without a second try. A call is tried
 * once more on a clean heap; a load is not. */
static void test_a_failing_heap_is_tried_again(void **state)
{
    sandbox_rig *rig = *state;
    static const char source[] =
        "local s = 'abcdefgh'\n"
        "for i = 1, 9 do s = s .. s end\n"
        "return function() return #string.upper(s) end";
    rf_function function = sandbox_rig_must_load(rig, source);
    for (unsigned long nth = 1; nth <= 8; nth++) {
        rf_script_failure failure;
        rf_quantity result = 0;
        rf_alloc_fail_at(nth);
        rf_script_outcome outcome =
            sandbox_rig_call(rig, function, &result, &failure);
        rf_alloc_fail_at(0);
        assert_int_equal(outcome, RF_SCRIPT_OK);
        assert_int_equal(result, 4096 * RF_QUANTITY_SCALE);
    }
    assert_false(rf_sandbox_is_spent(rig->sandbox));
}

static void test_a_failing_heap_is_no_fault_of_the_script(void **state)
{
    (void)state;
    static const char source[] = "local s = 'abcdefgh'\n"
                                 "for i = 1, 9 do s = s .. s end\n"
                                 "s = string.upper(s)\n"
                                 "return function() return #s end";
    unsigned blamed = 0;
    for (unsigned long nth = 1; nth <= 80; nth++) {
        sandbox_rig rig;
        rf_script_failure failure;
        rf_function function;
        assert_int_equal(sandbox_rig_init(&rig, NULL), RF_OK);
        rf_alloc_fail_at(nth);
        rf_script_outcome outcome =
            sandbox_rig_load(&rig, rf_text_of(source), &function, &failure);
        rf_alloc_fail_at(0);
        if (outcome != RF_SCRIPT_OK) {
            assert_int_equal(outcome, RF_SCRIPT_LIMIT_MEMORY);
            assert_int_equal(failure.cause, RF_E_NO_MEMORY);
            assert_string_equal(failure.message, "the server is out of memory");
            blamed++;
        }
        sandbox_rig_done(&rig);
    }
    assert_true(blamed > 0);
}

/* ---- Scripts inside scripts ---- */

/* A reader that calls a function for every value. */
typedef struct nest {
    sandbox_rig *rig;
    rf_function function;
    rf_reader reader;
    rf_script_failure failure;
    unsigned left;    /* levels until a value is given */
    bool is_careless; /* it gives 1 where the function failed */
} nest;

static rf_status read_nested(void *self, unsigned slot, rf_value *out,
                             rf_error *err)
{
    (void)slot;
    nest *nested = self;
    *out = (rf_value){.kind = RF_VALUE_NUMBER, .quantity = RF_QUANTITY_SCALE};
    if (nested->left == 0) {
        return RF_OK;
    }
    nested->left--;
    rf_script_outcome outcome =
        rf_sandbox_call(nested->rig->sandbox, nested->function, &nested->reader,
                        &out->quantity, &nested->failure);
    if (outcome == RF_SCRIPT_OK || nested->is_careless) {
        return RF_OK;
    }
    return rf_fail(err, RF_E_SCRIPT, "inside: %s", nested->failure.message);
}

static rf_script_outcome call_nested(nest *nested, sandbox_rig *rig,
                                     const char *outer, const char *inner,
                                     unsigned depth)
{
    *nested = (nest){.rig = rig, .left = depth};
    nested->reader = (rf_reader){nested, read_nested};
    nested->function = sandbox_rig_must_load(rig, inner);
    rf_function function = sandbox_rig_must_load(rig, outer);
    rf_quantity result = 0;
    rf_script_failure failure;
    rf_script_outcome outcome = rf_sandbox_call(
        rig->sandbox, function, &nested->reader, &result, &failure);
    if (outcome != RF_SCRIPT_OK) {
        nested->failure = failure;
    } else {
        assert_int_equal(result, (depth + 1) * RF_QUANTITY_SCALE);
    }
    return outcome;
}

#define ADDS_ONE "return function(m) return m.fno.onhand + 1 end"
#define READS "return function(m) return m.fno.onhand end"

static void test_nested_calls(void **state)
{
    sandbox_rig *rig = *state;
    nest nested;
    assert_int_equal(call_nested(&nested, rig, READS, ADDS_ONE, 1),
                     RF_SCRIPT_OK);
    assert_int_equal(
        call_nested(&nested, rig, READS, ADDS_ONE, RF_SANDBOX_DEPTH_MAX - 1),
        RF_SCRIPT_OK);
    assert_int_equal(
        call_nested(&nested, rig, READS, ADDS_ONE, RF_SANDBOX_DEPTH_MAX),
        RF_SCRIPT_ERROR);
    assert_non_null(strstr(nested.failure.message, "more than 16 deep"));
    assert_int_equal(nested.failure.cause, RF_E_SCRIPT);
    assert_false(rf_sandbox_is_spent(rig->sandbox));
}

static void test_failures_come_out_of_nested_calls(void **state)
{
    sandbox_rig *rig = *state;
    nest nested;
    assert_int_equal(call_nested(&nested, rig, READS,
                                 "return function() error('broken') end", 1),
                     RF_SCRIPT_ERROR);
    assert_string_equal(nested.failure.message, "inside: broken");
    assert_int_equal(nested.failure.cause, RF_E_SCRIPT);
    assert_string_equal(nested.failure.file, "script.lua");
}

/* Whatever the reader makes of it, the outer call has hit the limit too. */
static void assert_limit_is_shared(sandbox_rig *rig, const char *inner,
                                   rf_script_outcome expected)
{
    nest nested = {
        .rig = rig,
        .left = 1,
        .is_careless = true,
        .function = sandbox_rig_must_load(rig, inner),
    };
    nested.reader = (rf_reader){&nested, read_nested};
    rf_function function = sandbox_rig_must_load(
        rig, "return function(m) local x = m.fno.onhand return 1 end");
    rf_quantity result;
    rf_script_failure failure;
    assert_int_equal(rf_sandbox_call(rig->sandbox, function, &nested.reader,
                                     &result, &failure),
                     expected);
    assert_int_equal(nested.failure.outcome, expected);
    assert_true(rf_sandbox_is_spent(rig->sandbox));
}

static void test_limits_are_sticky_through_c(void **state)
{
    assert_limit_is_shared(*state, "return function() while true do end end",
                           RF_SCRIPT_LIMIT_CPU);
}

/* Call a function that reads a value, which the first `failing` times comes of
 * a function that needs too much memory. */
static rf_script_outcome call_hungry(sandbox_rig *rig, unsigned failing)
{
    nest nested = {
        .rig = rig,
        .left = failing,
        .is_careless = true,
        .function =
            sandbox_rig_must_load(rig, "return function() local t = {}\n"
                                       "while true do t = { t } end end"),
    };
    nested.reader = (rf_reader){&nested, read_nested};
    rf_quantity result;
    rf_script_failure failure;
    rf_script_outcome outcome =
        rf_sandbox_call(rig->sandbox, sandbox_rig_must_load(rig, READS),
                        &nested.reader, &result, &failure);
    assert_int_equal(nested.left, 0);
    return outcome;
}

/* Memory is tried again from the outermost call. */
static void test_memory_is_tried_again_from_outside(void **state)
{
    sandbox_rig *rig = *state;
    assert_int_equal(call_hungry(rig, 1), RF_SCRIPT_OK);
    assert_false(rf_sandbox_is_spent(rig->sandbox));
    assert_int_equal(call_hungry(rig, 2), RF_SCRIPT_LIMIT_MEMORY);
    assert_true(rf_sandbox_is_spent(rig->sandbox));
}

/* Two calls of half the budget, one inside the other. */
static void test_nested_calls_share_a_budget(void **state)
{
    sandbox_rig *rig = *state;
    static const char turns[] = "return function(m) local x = m.fno.onhand\n"
                                "for i = 1, %d do x = x end return x + %d end";
    char outer[128];
    char inner[128];
    nest nested;
    snprintf(outer, sizeof outer, turns, 20000, 0);
    snprintf(inner, sizeof inner, turns, 20000, 1);
    assert_int_equal(call_nested(&nested, rig, outer, inner, 1), RF_SCRIPT_OK);
    snprintf(outer, sizeof outer, turns, 60000, 0);
    snprintf(inner, sizeof inner, turns, 60000, 1);
    assert_int_equal(call_nested(&nested, rig, outer, inner, 1),
                     RF_SCRIPT_LIMIT_CPU);
}

#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, sandbox_rig_set_up,                  \
                                    sandbox_rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_instructions_end_a_call),
        cmocka_unit_test(test_deadline_ends_a_call),
        cmocka_unit_test(test_budget_is_per_call),
        CASE(test_memory_is_capped),
        CASE(test_blocks_are_capped),
        CASE(test_loading_raises_the_caps),
        CASE(test_many_functions),
        CASE(test_a_failing_heap_is_tried_again),
        CASE(test_a_failing_heap_is_no_fault_of_the_script),
        CASE(test_nested_calls),
        CASE(test_failures_come_out_of_nested_calls),
        CASE(test_limits_are_sticky_through_c),
        CASE(test_memory_is_tried_again_from_outside),
        CASE(test_nested_calls_share_a_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
