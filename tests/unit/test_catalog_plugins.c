/*
 * test_catalog_plugins.c - formulas that plugins bring: trees, scripts, what
 * they use of each other, and their mistakes.
 */
#include "core/alloc.h"
#include "tests/unit/draft_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define NODES(...)                                                             \
    ((const rf_expression_node[]){__VA_ARGS__}),                               \
        sizeof((const rf_expression_node[]){__VA_ARGS__}) /                    \
            sizeof(rf_expression_node)

#define READ(n)                                                                \
    {                                                                          \
        RF_EXPRESSION_READ, n, 0, 0                                            \
    }
#define CONSTANT(v)                                                            \
    {                                                                          \
        RF_EXPRESSION_CONSTANT, 0, 0, v                                        \
    }

/* Say where formula number `script` stands. */
static rf_script_place place_of(unsigned script)
{
    rf_script_place place = {.plugin = "acme", .file = "plugin.lua"};
    place.line = (int)script + 10;
    return place;
}

/* Add a formula with the measures it reads, comma-separated. */
static void add(draft_fixture *f, const char *name, const char *reads,
                const rf_expression_node *nodes, size_t count)
{
    static rf_draft_formula formulas[16];
    static rf_draft_read names[16][8];
    unsigned at = (unsigned)f->draft.formula_count;
    assert_true(at < 16);
    rf_draft_names list = draft_names(f, reads, "reads");
    assert_true(list.count <= 8);
    for (size_t i = 0; i < list.count; i++) {
        names[at][i] = (rf_draft_read){list.items[i].text,
                                       rf_text_of("helper.lua"), (int)i + 1};
    }
    formulas[at] = (rf_draft_formula){.name = rf_text_of(name),
                                      .place = place_of(at),
                                      .expression = {nodes, count},
                                      .reads = names[at],
                                      .read_count = list.count,
                                      .script = at};
    f->draft.formulas = formulas;
    f->draft.formula_count++;
}

/* A host whose scripts give ten times their number, plus what was posted to
 * measure 0; number 9 fails. */
typedef struct fake_host {
    rf_formula_host face;
    unsigned calls;
} fake_host;

static rf_status evaluate_fake(rf_formula_host *self, unsigned script,
                               const rf_subject *subject, rf_quantity *out,
                               rf_error *err)
{
    fake_host *host = (fake_host *)self;
    host->calls++;
    if (script == 9) {
        return rf_fail(err, RF_E_SCRIPT, "it failed");
    }
    *out = 10 * (rf_quantity)script + rf_measures_get(subject->measures, 0);
    return RF_OK;
}

static const rf_calculated *find(const draft_fixture *f, const char *name)
{
    return draft_find_calculated(f, "a", name);
}

static rf_status evaluate(const draft_fixture *f, const char *name,
                          const rf_amount *amounts, size_t count,
                          rf_quantity *out, rf_error *err)
{
    rf_amount copy[8];
    memcpy(copy, amounts, count * sizeof *amounts);
    rf_measures node = {copy, (uint16_t)count, (uint16_t)count};
    rf_subject subject = {.catalog = f->catalog, .measures = &node};
    return rf_calculated_value(find(f, name), &subject, out, err);
}

static void assert_value(const draft_fixture *f, const char *name,
                         rf_quantity x, rf_quantity y, rf_quantity expected)
{
    rf_amount amounts[] = {{0, x}, {1, y}};
    rf_quantity value = -1;
    rf_error err = {0};
    if (evaluate(f, name, amounts, 2, &value, &err) != RF_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(value, expected);
}

static void test_sums_of_plugins_are_linear(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "a", "x, y");
    draft_formula(f, "a", "both", "a.x, a.y", "");
    /* 3 * (x - both) + 5 = -3y + 5 */
    add(f, "a.Sum", "a.x, a.both",
        NODES(READ(0), READ(1), {RF_EXPRESSION_SUBTRACT, 0, 1, 0},
              {RF_EXPRESSION_SCALE, 2, 0, 3}, CONSTANT(5),
              {RF_EXPRESSION_ADD, 3, 4, 0}));
    draft_formula(f, "a", "user", "a.sum", "a.x");
    draft_build(f);
    const rf_calculated *sum = find(f, "sum");
    assert_int_equal(sum->kind, RF_FORMULA_LINEAR);
    assert_int_equal(sum->sum.term_count, 1);
    assert_int_equal(sum->read_count, 1);
    assert_int_equal(sum->reads[0], 1);
    assert_value(f, "sum", 100, 7, -16);
    assert_value(f, "user", 100, 7, -116);
    assert_int_equal(find(f, "user")->read_count, 2);
}

static void test_trees_are_put_into_what_uses_them(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "a", "x, y");
    /* free = max(0, x - y); capped = min(free, 50) */
    add(f, "a.free", "a.x, a.y",
        NODES(READ(0), READ(1), {RF_EXPRESSION_SUBTRACT, 0, 1, 0}, CONSTANT(0),
              {RF_EXPRESSION_MAX, 3, 2, 0}));
    add(f, "a.capped", "a.free",
        NODES(READ(0), CONSTANT(50), {RF_EXPRESSION_MIN, 0, 1, 0}));
    draft_formula(f, "a", "rest", "a.free", "a.capped");
    draft_formula(f, "a", "nothing", "a.free", "a.free2");
    draft_formula(f, "a", "free2", "a.free", "");
    draft_build(f);
    assert_int_equal(find(f, "free")->kind, RF_FORMULA_TREE);
    assert_int_equal(find(f, "rest")->kind, RF_FORMULA_TREE);
    assert_int_equal(find(f, "rest")->read_count, 2);
    assert_value(f, "free", 5, 9, 0);
    assert_value(f, "free", 90, 9, 81);
    assert_value(f, "capped", 90, 9, 50);
    assert_value(f, "capped", 20, 9, 11);
    assert_value(f, "rest", 90, 9, 31);
    assert_value(f, "rest", 20, 9, 0);
    assert_value(f, "nothing", 90, 9, 0);
}

static void test_scripts_are_asked_and_used(void **state)
{
    draft_fixture *f = *state;
    fake_host host = {.face = {.evaluate = evaluate_fake}};
    draft_source(f, "a", "x, y");
    f->draft.host = &host.face;
    add(f, "a.zero", "a.y", NULL, 0);
    add(f, "a.one", "a.zero, a.x", NULL, 0);
    /* max(one, y) + one */
    add(f, "a.mixed", "a.one, a.y",
        NODES(READ(0), READ(1), {RF_EXPRESSION_MAX, 0, 1, 0},
              {RF_EXPRESSION_ADD, 2, 0, 0}));
    draft_formula(f, "a", "configured", "a.mixed, a.one", "");
    draft_build(f);
    assert_true(find(f, "one")->is_script);
    assert_int_equal(find(f, "one")->kind, RF_FORMULA_LUA);
    assert_int_equal(find(f, "one")->read_count, 2);
    assert_int_equal(find(f, "mixed")->kind, RF_FORMULA_LUA);
    assert_false(find(f, "mixed")->is_script);
    assert_value(f, "zero", 3, 4, 3);
    assert_value(f, "one", 3, 4, 13);
    assert_value(f, "mixed", 3, 4, 26);
    assert_value(f, "mixed", 3, 40, 53);
    host.calls = 0;
    assert_value(f, "configured", 3, 40, 66);
    assert_int_equal(host.calls, 1); /* however often it is used */
}

static void test_a_failing_script_fails_what_uses_it(void **state)
{
    draft_fixture *f = *state;
    fake_host host = {.face = {.evaluate = evaluate_fake}};
    draft_source(f, "a", "x");
    f->draft.host = &host.face;
    for (int i = 0; i < 10; i++) {
        static char names[10][16];
        snprintf(names[i], sizeof names[i], "a.f%d", i);
        add(f, names[i], "a.x", NULL, 0);
    }
    draft_formula(f, "a", "user", "a.f9", "a.x");
    draft_build(f);
    rf_amount amount = {0, 1};
    rf_quantity value = 42;
    rf_error err = {0};
    assert_int_equal(evaluate(f, "user", &amount, 1, &value, &err),
                     RF_E_SCRIPT);
    assert_string_equal(err.message, "it failed");
    assert_int_equal(value, 42);
}

static void test_values_overflow_only_as_a_whole(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "a", "x, y");
    add(f, "a.far", "a.x, a.y",
        NODES(READ(0), {RF_EXPRESSION_SCALE, 0, 0, 1000000000}, READ(1),
              {RF_EXPRESSION_MAX, 1, 2, 0}, {RF_EXPRESSION_SUBTRACT, 3, 1, 0}));
    draft_build(f);
    assert_value(f, "far", INT64_MAX, 1, 0);
    rf_amount low[] = {{0, INT64_MIN}, {1, INT64_MAX}};
    rf_quantity value;
    assert_int_equal(evaluate(f, "far", low, 2, &value, NULL),
                     RF_E_QUANTITY_OVERFLOW);
}

/* Build a draft that must fail; returns the status. */
static rf_status build_wrong(draft_fixture *f)
{
    f->problems = (rf_problems){0};
    rf_status status = rf_catalog_build(&f->draft, f->registry, &f->problems,
                                        &f->catalog, &f->err);
    assert_int_not_equal(status, RF_OK);
    return status;
}

static void test_unknown_measures_are_named_where_they_are_read(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "a", "x");
    add(f, "a.wrong", "a.x, a.nosuch", NULL, 0);
    assert_int_equal(build_wrong(f), RF_E_UNKNOWN_MEASURE);
    assert_string_equal(f->err.script.plugin, "acme");
    assert_string_equal(f->err.script.file, "helper.lua");
    assert_int_equal(f->err.script.line, 2);
    assert_non_null(strstr(f->err.message, "a.nosuch"));
}

static void test_unknown_sources_and_bad_names(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "a", "x");
    add(f, "b.wrong", "a.x", NULL, 0);
    assert_int_equal(build_wrong(f), RF_E_UNKNOWN_MEASURE);
    assert_int_equal(f->err.script.line, 10);
    f->draft.formula_count = 0;
    add(f, "nodot", "a.x", NULL, 0);
    assert_int_equal(build_wrong(f), RF_E_PLUGIN_FAILED);
}

static void test_cycles_may_go_through_plugins(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "a", "x");
    add(f, "a.there", "a.x, a.back", NULL, 0);
    add(f, "a.back", "a.there", NODES(READ(0)));
    assert_int_equal(build_wrong(f), RF_E_FORMULA_CYCLE);
    assert_string_equal(f->err.script.plugin, "acme");
    assert_int_equal(f->err.script.line, 10);
    f->draft.formula_count = 1;
    draft_formula(f, "a", "back", "a.there", "");
    assert_int_equal(build_wrong(f), RF_E_FORMULA_CYCLE);
}

static void test_one_name_has_one_definition(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "a", "x");
    draft_formula(f, "a", "taken", "a.x", "");
    add(f, "A.Taken", "a.x", NULL, 0);
    assert_int_equal(build_wrong(f), RF_E_DUPLICATE_DEFINITION);
    assert_int_equal(f->err.script.line, 10);
    f->draft.formula_count = 0;
    add(f, "a.x", "a.x", NULL, 0);
    assert_int_equal(build_wrong(f), RF_E_DUPLICATE_DEFINITION);
    f->draft.formula_count = 0;
    add(f, "a.once", "a.x", NULL, 0);
    add(f, "a.ONCE", "a.x", NULL, 0);
    assert_int_equal(build_wrong(f), RF_E_DUPLICATE_DEFINITION);
    assert_int_equal(f->err.script.line, 11);
}

/* The pool measure may come from a plugin, under either spelling. */
static void test_a_plugin_may_define_the_pool(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "a", "x");
    add(f, "@iv.@availiable_to_allocate", "a.x", NODES(READ(0)));
    draft_build(f);
    const rf_calculated *pool =
        draft_find_calculated(f, "@iv", "@available_to_allocate");
    assert_int_equal(pool->read_count, 1);
    assert_int_equal(pool->sum.terms[0].factor, 1);
}

static void test_reservations_may_be_checked_by_plugins(void **state)
{
    draft_fixture *f = *state;
    rf_draft_source *source = draft_source(f, "a", "x, held");
    source->reservations = draft_pairs(f, "held > a.free", "res");
    add(f, "a.free", "a.x", NULL, 0);
    draft_build(f);
    assert_int_equal(draft_find_physical(f, "a", "held")->reservation,
                     find(f, "free") - f->catalog->calculated);
}

static void test_too_many_parts_are_refused(void **state)
{
    draft_fixture *f = *state;
    char full[40];
    char reads[40];
    draft_source(f, "a", "x");
    /* Each doubles the parts of the one before: 1, 2, 4 ... 128. */
    static const rf_expression_node twice[] = {
        READ(0),
        {RF_EXPRESSION_SCALE, 0, 0, 2},
        {RF_EXPRESSION_MAX, 0, 1, 0},
    };
    for (int i = 0; i < 9; i++) {
        snprintf(full, sizeof full, "a.t%d", i);
        snprintf(reads, sizeof reads, i == 0 ? "a.x" : "a.t%d, a.t%d", i - 1,
                 i - 1);
        char *kept = rf_arena_copy(&f->arena, full, strlen(full));
        static const rf_expression_node sum[] = {
            READ(0), READ(1), {RF_EXPRESSION_MAX, 0, 1, 0}};
        add(f, kept, rf_arena_copy(&f->arena, reads, strlen(reads)),
            i == 0 ? twice : sum, 3);
    }
    assert_int_equal(build_wrong(f), RF_E_PLUGIN_FAILED);
    assert_non_null(strstr(f->err.message, "more than 64 values"));
}

static void test_every_failed_allocation_is_reported(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "a", "x, y");
    add(f, "a.free", "a.x, a.y",
        NODES(READ(0), READ(1), {RF_EXPRESSION_SUBTRACT, 0, 1, 0}, CONSTANT(0),
              {RF_EXPRESSION_MAX, 3, 2, 0}));
    add(f, "a.script", "a.free", NULL, 0);
    add(f, "a.mixed", "a.script, a.free",
        NODES(READ(0), READ(1), {RF_EXPRESSION_MIN, 0, 1, 0}));
    rf_status status = RF_E_NO_MEMORY;
    unsigned failed = 0;
    for (unsigned long nth = 1; status == RF_E_NO_MEMORY; nth++) {
        rf_catalog *catalog = NULL;
        rf_registry *registry = NULL;
        assert_int_equal(rf_registry_create(&registry, NULL), RF_OK);
        rf_alloc_fail_at(nth);
        status = rf_catalog_build(&f->draft, registry, &f->problems, &catalog,
                                  &f->err);
        rf_alloc_fail_at(0);
        failed += status == RF_E_NO_MEMORY ? 1 : 0;
        rf_catalog_free(catalog);
        rf_registry_free(registry);
    }
    assert_int_equal(status, RF_OK);
    assert_true(failed > 3);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, draft_set_up, draft_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sums_of_plugins_are_linear),
        TEST(test_trees_are_put_into_what_uses_them),
        TEST(test_scripts_are_asked_and_used),
        TEST(test_a_failing_script_fails_what_uses_it),
        TEST(test_values_overflow_only_as_a_whole),
        TEST(test_unknown_measures_are_named_where_they_are_read),
        TEST(test_unknown_sources_and_bad_names),
        TEST(test_cycles_may_go_through_plugins),
        TEST(test_one_name_has_one_definition),
        TEST(test_a_plugin_may_define_the_pool),
        TEST(test_reservations_may_be_checked_by_plugins),
        TEST(test_too_many_parts_are_refused),
        TEST(test_every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
