/*
 * test_preview.c - which changes a preview finds, and in which order.
 *
 * The candidate counts what came in and forgets what went out, so that every
 * change is as large as what went out.
 */
#include "core/alloc.h"
#include "server/preview.h"
#include "tests/unit/engine_rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define SHELF "siteid=1, locationid=W"

static rf_catalog *candidate;
static rf_registry *registry;
static rf_preview_result *result;

static rf_status evaluate_unlucky(rf_formula_host *self, unsigned script,
                                  const rf_subject *subject, rf_quantity *out,
                                  rf_error *err)
{
    (void)self;
    (void)script;
    if (rf_text_equal(subject->product, rf_text_of("P13"))) {
        return rf_fail(err, RF_E_SCRIPT, "unlucky");
    }
    assert_int_equal(subject->thread, 3);
    assert_int_equal(subject->now_ms, 4711);
    *out = RF_QUANTITY_SCALE;
    return RF_OK;
}

static void keep_host(rf_formula_host *self)
{
    (void)self;
}

static rf_formula_host host = {evaluate_unlucky, keep_host};

/* Build the candidate from the draft, with the numbers in force. */
static void build_candidate(engine_rig *rig)
{
    draft_fixture *f = rig->draft;
    rf_catalog_free(candidate);
    rf_registry_free(registry);
    candidate = NULL;
    registry = NULL;
    assert_int_equal(
        rf_registry_copy(engine_generation(rig)->registry, &registry, NULL),
        RF_OK);
    assert_int_equal(rf_catalog_build(&f->draft, registry, &f->problems,
                                      &candidate, &f->err),
                     RF_OK);
}

static int set_up(void **state)
{
    int status = engine_set_up_shop(state);
    engine_rig *rig = *state;
    rf_draft_source *iv = &rig->draft->sources[2];
    assert_true(
        rf_text_is_name(iv->calculated[0].name.text, rf_text_of("onhand")));
    iv->calculated[0].subtracted = draft_names(rig->draft, "", "subtracted");
    build_candidate(rig);
    return status;
}

static int tear_down(void **state)
{
    rf_preview_free(result);
    rf_catalog_free(candidate);
    rf_registry_free(registry);
    result = NULL;
    candidate = NULL;
    registry = NULL;
    return engine_tear_down(state);
}

static void post(engine_rig *rig, const char *product, const char *place,
                 int in, int out)
{
    char changes[64];
    snprintf(changes, sizeof changes, "pos.inbound=%d, pos.outbound=%d", in,
             out);
    rf_command command = engine_post(rig, product, place, changes);
    engine_do(rig, &command);
}

static rf_status try_preview(engine_rig *rig, const char *measure, size_t limit,
                             rf_error *err)
{
    rf_preview_setting setting = {.store = rig->disk->store,
                                  .current = engine_generation(rig),
                                  .candidate = candidate,
                                  .thread = 3,
                                  .now_ms = 4711};
    rf_preview_request request = {.measure = rf_text_of(measure),
                                  .limit = limit};
    rf_preview_free(result);
    result = NULL;
    return rf_preview_run(&setting, &request, &result, err);
}

static void run_preview(engine_rig *rig, const char *measure, size_t limit)
{
    rf_error err = {0};
    if (try_preview(rig, measure, limit, &err) != RF_OK) {
        fail_msg("%s", err.message);
    }
}

/* What a change says, in one line. */
static const char *print_change(size_t index)
{
    static char line[512];
    const rf_preview_change *change = &result->changes[index];
    snprintf(line, sizeof line, "%.*s %.*s/%.*s %.*s %lld>%lld",
             (int)change->product.length, change->product.bytes,
             (int)change->site.length, change->site.bytes,
             (int)change->location.length, change->location.bytes,
             (int)change->measure.length, change->measure.bytes,
             (long long)(change->before / RF_QUANTITY_SCALE),
             (long long)(change->after / RF_QUANTITY_SCALE));
    return line;
}

static void nothing_there_changes_nothing(void **state)
{
    engine_rig *rig = *state;
    run_preview(rig, "", 100);
    assert_int_equal(result->checked, 0);
    assert_int_equal(result->changed, 0);
    assert_int_equal(result->change_count, 0);
    assert_false(result->by_product);
}

static void the_largest_come_first_then_names(void **state)
{
    engine_rig *rig = *state;
    post(rig, "B", SHELF, 9, 4);
    post(rig, "A", SHELF ", ColorId=red", 9, 1);
    post(rig, "A", SHELF ", ColorId=blue", 1, 3);
    post(rig, "A", "siteid=1, locationid=V", 3, 4);
    post(rig, "A", "", 3, 1);
    post(rig, "C", SHELF, 9, 0);
    run_preview(rig, "IV.OnHand", 100);
    assert_int_equal(result->checked, 5);
    assert_int_equal(result->changed, 4);
    assert_int_equal(result->failed, 0);
    assert_int_equal(result->change_count, 4);
    assert_string_equal(print_change(0), "A 1/V iv.onhand -1>3");
    assert_string_equal(print_change(1), "A 1/W iv.onhand 6>10");
    assert_string_equal(print_change(2), "B 1/W iv.onhand 5>9");
    assert_string_equal(print_change(3), "A / iv.onhand 2>3");
}

static void formulas_over_a_changed_one_change_as_well(void **state)
{
    engine_rig *rig = *state;
    post(rig, "A", SHELF, 9, 4);
    run_preview(rig, "", 100);
    assert_int_equal(result->checked, 3); /* what may be allocated, too */
    assert_int_equal(result->change_count, 2);
    assert_string_equal(print_change(0), "A 1/W iv.onhand 5>9");
    assert_string_equal(print_change(1), "A 1/W iv.availabletoreserve 5>9");
}

/* Many more nodes than one transaction reads, and than are kept. */
static void the_limit_keeps_the_largest(void **state)
{
    engine_rig *rig = *state;
    static const size_t limits[] = {1, 2, 7, 64, 299, 300, 301};
    char line[64];
    for (int i = 0; i < 300; i++) {
        char product[16];
        snprintf(product, sizeof product, "P%03d", i);
        post(rig, product, SHELF, 0, i * 7 % 300 + 1);
    }
    for (size_t l = 0; l < sizeof limits / sizeof limits[0]; l++) {
        size_t kept = limits[l] < 300 ? limits[l] : 300;
        run_preview(rig, "iv.onhand", limits[l]);
        assert_int_equal(result->checked, 300);
        assert_int_equal(result->changed, 300);
        assert_int_equal(result->change_count, kept);
        for (size_t i = 0; i < kept; i++) {
            /* 43 * 7 is 1 modulo 300. */
            int out = 300 - (int)i;
            snprintf(line, sizeof line, "P%03d 1/W iv.onhand %d>0",
                     (out - 1) * 43 % 300, -out);
            assert_string_equal(print_change(i), line);
        }
    }
}

static void what_cannot_be_computed_comes_first(void **state)
{
    engine_rig *rig = *state;
    rf_draft_formula unlucky = {.name = rf_text_of("iv.luck"),
                                .place = {.plugin = "p", .file = "f"}};
    post(rig, "P12", SHELF, 1000, 0);
    post(rig, "P13", SHELF, 1, 0);
    post(rig, "P14", SHELF, 1, 0);
    rig->draft->draft.formulas = &unlucky;
    rig->draft->draft.formula_count = 1;
    rig->draft->draft.host = &host;
    build_candidate(rig);
    run_preview(rig, "iv.luck", 100);
    assert_int_equal(result->checked, 3);
    assert_int_equal(result->changed, 3);
    assert_int_equal(result->failed, 1);
    assert_int_equal(result->change_count, 3);
    assert_string_equal(print_change(0), "P13 1/W iv.luck 0>0");
    assert_int_equal(result->changes[0].before_status, RF_E_UNKNOWN_MEASURE);
    assert_int_equal(result->changes[0].after_status, RF_E_SCRIPT);
    assert_string_equal(print_change(1), "P12 1/W iv.luck 0>1");
    assert_int_equal(result->changes[1].after_status, RF_OK);
}

static void measures_that_are_gone_are_told(void **state)
{
    engine_rig *rig = *state;
    post(rig, "A", SHELF, 9, 4);
    draft_formula(rig->draft, "iv", "extra", "pos.inbound", "");
    engine_configure(rig);
    rig->draft->sources[2].calculated_count--;
    build_candidate(rig);
    run_preview(rig, "iv.extra", 100);
    assert_int_equal(result->change_count, 1);
    assert_int_equal(result->failed, 0);
    assert_int_equal(result->changes[0].before, 9 * RF_QUANTITY_SCALE);
    assert_int_equal(result->changes[0].before_status, RF_OK);
    assert_int_equal(result->changes[0].after_status, RF_E_UNKNOWN_MEASURE);
}

static void measures_nobody_knows_are_refused(void **state)
{
    engine_rig *rig = *state;
    static const char *const names[] = {"iv.nothing", "nothing", ".", "x.y",
                                        "pos.inbound"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        rf_error err = {0};
        assert_int_equal(try_preview(rig, names[i], 100, &err),
                         RF_E_UNKNOWN_MEASURE);
        assert_string_equal(err.field, "measure");
        assert_null(result);
    }
}

static void a_partition_by_product_has_one_node(void **state)
{
    engine_rig *rig = *state;
    rig->draft->draft.by_product = true;
    engine_configure(rig);
    rig->draft->sources[2].calculated[0].subtracted =
        draft_names(rig->draft, "pos.outbound", "subtracted");
    build_candidate(rig);
    post(rig, "A", SHELF, 9, 4);
    post(rig, "A", "siteid=2", 1, 1);
    run_preview(rig, "iv.onhand", 100);
    assert_true(result->by_product);
    assert_int_equal(result->checked, 1);
    assert_string_equal(print_change(0), "A / iv.onhand 10>5");
}

/* Fail one allocation after the other, until none is left to fail. */
static void no_memory_is_a_status(void **state)
{
    engine_rig *rig = *state;
    rf_status status = RF_E_NO_MEMORY;
    unsigned long nth = 0;
    post(rig, "A", SHELF, 9, 4);
    while (status != RF_OK) {
        rf_error err = {0};
        rf_alloc_fail_at(++nth);
        status = try_preview(rig, "", 1000, &err);
        rf_alloc_fail_at(0);
        if (status != RF_OK) {
            assert_int_equal(status, RF_E_NO_MEMORY);
            assert_null(result);
        }
    }
    assert_true(nth > 4);
    assert_int_equal(result->change_count, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_there_changes_nothing),
        TEST(the_largest_come_first_then_names),
        TEST(formulas_over_a_changed_one_change_as_well),
        TEST(the_limit_keeps_the_largest),
        TEST(what_cannot_be_computed_comes_first),
        TEST(measures_that_are_gone_are_told),
        TEST(measures_nobody_knows_are_refused),
        TEST(a_partition_by_product_has_one_node),
        TEST(no_memory_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
