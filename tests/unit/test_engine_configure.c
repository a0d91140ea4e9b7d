/*
 * test_engine_configure.c - levels that come and go, and partitions erased.
 */
#include "tests/unit/engine_rig.h"
#include "tests/unit/full_store.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define SHELF "siteid=1, locationid=W"
#define RED_S SHELF ", ColorId=red, SizeId=S"

/* Post one unit of many products, several leaves each. */
static void fill(engine_rig *rig, int products)
{
    rf_job *first = NULL;
    rf_job **end = &first;
    for (int i = 0; i < products * 4; i++) {
        char product[16];
        char place[80];
        snprintf(product, sizeof product, "P%d", i / 4);
        snprintf(place, sizeof place,
                 "siteid=%d, locationid=W, ColorId=c%d, StyleId=s%d", i / 2 % 2,
                 i % 2, i % 4);
        rf_command command = engine_post(rig, product, place, "pos.inbound=1");
        *end = engine_job(rig, &command, 1);
        end = &(*end)->next;
    }
    engine_run_job(rig, first);
}

static void test_a_new_level_is_built(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 700);
    uint64_t generation = engine_generation(rig)->number;
    draft_level(rig->draft, "siteid, StyleId");
    draft_level(rig->draft, "ColorId");
    engine_configure(rig);
    assert_int_equal(engine_generation(rig)->number, generation + 1);
    engine_expect(rig, "P0", "siteid=0, StyleId=s1", "pos.inbound", 1);
    engine_expect(rig, "P699", "ColorId=c1", "pos.inbound", 2);
    rf_command command =
        engine_post(rig, "P0", "siteid=0, StyleId=s1", "pos.inbound=4");
    engine_do(rig, &command);
    engine_expect(rig, "P0", "siteid=0, StyleId=s1", "pos.inbound", 5);
}

/* Whichever of its commits finds the map full, a configuration is published
 * once the map has grown. */
static void test_the_map_grows_while_configuring(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 10);
    for (unsigned fails = 1; fails <= 3; fails++) {
        uint64_t generation = engine_generation(rig)->number;
        draft_level(rig->draft, fails == 1   ? "ColorId"
                                : fails == 2 ? "StyleId"
                                             : "siteid, StyleId");
        full_store full;
        full_store_begin(&full, rig->disk->store);
        full.commits_good = fails - 1;
        full.commits_full = 1;
        full.can_grow = true;
        assert_int_equal(engine_try_configure(rig), RF_OK);
        assert_int_equal(full.commits_full, 0);
        full_store_end(&full);
        assert_int_equal(engine_generation(rig)->number, generation + 1);
    }
    engine_expect(rig, "P0", "ColorId=c1", "pos.inbound", 2);
    engine_expect(rig, "P9", "siteid=0, StyleId=s1", "pos.inbound", 1);
}

/* Changes between two steps of building count once, before and behind the
 * place where building stands. */
static void test_changes_while_a_level_is_built(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 700);
    draft_level(rig->draft, "ColorId");
    rf_task *task = engine_submit_configure(rig);
    bool more = true;
    int steps = 0;
    while (task->owner != NULL) {
        assert_int_equal(rf_engine_step(rig->engine, &more, NULL), RF_OK);
        rf_verify_report report = {0};
        assert_int_equal(engine_verify(rig, &report), 0);
        static const char *const products[] = {"P0", "P350", "P699", "Q"};
        for (int i = 0; i < 4; i++) {
            rf_command command = engine_post(
                rig, products[i], "siteid=0, locationid=W, ColorId=c1",
                "pos.inbound=1");
            engine_do(rig, &command);
        }
        steps++;
    }
    assert_int_equal(task->status, RF_OK);
    assert_true(steps > 3);
    engine_expect(rig, "P0", "ColorId=c1", "pos.inbound", 2 + steps);
    engine_expect(rig, "P350", "ColorId=c1", "pos.inbound", 2 + steps);
    engine_expect(rig, "P699", "ColorId=c1", "pos.inbound", 2 + steps);
    engine_expect(rig, "Q", "ColorId=c1", "pos.inbound", steps);
}

static void test_building_goes_on_after_a_restart(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 700);
    draft_level(rig->draft, "ColorId");
    engine_submit_configure(rig);
    bool more;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rf_engine_step(rig->engine, &more, NULL), RF_OK);
    }
    engine_restart(rig);
    engine_expect(rig, "P0", "ColorId=c1", "pos.inbound", 2);
    engine_expect(rig, "P699", "ColorId=c1", "pos.inbound", 2);
}

static void test_a_level_is_removed_and_comes_back(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 700);
    rf_verify_report with = {0};
    rf_verify_report without = {0};
    engine_verify(rig, &with);
    rig->draft->draft.index_set_count = 0;
    rig->draft->draft.reservation_keys =
        draft_names(rig->draft, "SiteId, LocationId", "keys");
    engine_configure(rig);
    rf_view_done(&rig->view);
    engine_settle(rig);
    engine_verify(rig, &without);
    assert_true(without.nodes < with.nodes);
    rf_command command = engine_post(
        rig, "P0", "siteid=0, locationid=W, ColorId=c1", "pos.inbound=1");
    engine_do(rig, &command);
    draft_index_set(rig->draft, "ColorId");
    engine_configure(rig);
    engine_expect(rig, "P0", "siteid=0, locationid=W, ColorId=c1",
                  "pos.inbound", 2);
}

static void test_a_bad_configuration_changes_nothing(void **state)
{
    engine_rig *rig = *state;
    uint64_t generation = engine_generation(rig)->number;
    draft_level(rig->draft, "NoSuchDimension");
    assert_int_equal(engine_try_configure(rig), RF_E_BAD_CONFIGURATION);
    assert_int_equal(rig->draft->problems.count, 1);
    assert_int_equal(engine_generation(rig)->number, generation);
    rf_command command = engine_post(rig, "P", RED_S, "pos.inbound=1");
    engine_do(rig, &command);
}

static void test_the_partition_rule_stays_while_there_is_stock(void **state)
{
    engine_rig *rig = *state;
    rf_command command = engine_post(rig, "P", RED_S, "pos.inbound=1");
    engine_do(rig, &command);
    rig->draft->draft.by_product = true;
    assert_int_equal(engine_try_configure(rig), RF_E_DATA_PRESENT);
    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~1~W"), RF_OK);
    assert_int_equal(engine_try_configure(rig), RF_OK);
}

/* Whoever asks for it is refused even where nothing would change. */
static void test_a_configuration_may_need_an_empty_environment(void **state)
{
    engine_rig *rig = *state;
    rf_command command = engine_post(rig, "P", RED_S, "pos.inbound=1");
    uint64_t generation = engine_generation(rig)->number;
    engine_do(rig, &command);
    rf_task *task = engine_submit_configure(rig);
    task->needs_empty = true;
    engine_settle(rig);
    assert_int_equal(task->status, RF_E_DATA_PRESENT);
    assert_string_equal(task->error.field, "partitionConfiguration");
    assert_int_equal(engine_generation(rig)->number, generation);

    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~1~W"), RF_OK);
    task = engine_submit_configure(rig);
    task->needs_empty = true;
    engine_settle(rig);
    assert_int_equal(task->status, RF_OK);
}

static void test_a_location_is_erased(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 400);
    rf_command reserve =
        engine_reserve(rig, "P7", "siteid=0, locationid=W", 1, true);
    rf_command kept =
        engine_reserve(rig, "P7", "siteid=1, locationid=W", 1, true);
    engine_do(rig, &reserve);
    engine_do(rig, &kept);
    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~0~W"), RF_OK);
    engine_expect(rig, "P7", "siteid=0, locationid=W", "pos.inbound", 0);
    engine_expect(rig, "P7", "siteid=1, locationid=W", "pos.inbound", 2);
    engine_expect(rig, "P7", "", "pos.inbound", 2);
    engine_expect(rig, "P7", "", "iv.softreserved", 1);
    assert_true(engine_do(rig, &kept)->replayed);

    /* Its ids are forgotten with it: the same request is a new one. */
    assert_int_equal(engine_run(rig, &reserve)->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
}

/* What an erasure had done before a crash stays done; the ids of it are
 * forgotten already, and erasing again does the rest. */
static void test_an_erasure_cut_short(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 400);
    rf_command command = engine_post(
        rig, "P0", "siteid=0, locationid=W, ColorId=c0", "pos.inbound=1");
    engine_do(rig, &command);
    engine_submit_erase(rig, RIG_ORGANIZATION "~0~W");
    bool more;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(rf_engine_step(rig->engine, &more, NULL), RF_OK);
    }
    engine_restart(rig);
    rf_verify_report report = {0};
    assert_int_equal(engine_verify(rig, &report), 0);
    assert_true(report.leaves > 800 && report.leaves < 1600);
    assert_false(engine_do(rig, &command)->replayed);
    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~0~W"), RF_OK);
    engine_expect(rig, "P0", "siteid=0, locationid=W", "pos.inbound", 0);
    assert_int_equal(engine_verify(rig, &report), 0);
    assert_int_equal(report.leaves, 800);
}

static void test_a_product_is_erased(void **state)
{
    engine_rig *rig = *state;
    rig->draft->draft.by_product = true;
    engine_configure(rig);
    fill(rig, 3);
    rf_command reserve = engine_reserve(rig, "P1", "siteid=0", 1, true);
    engine_do(rig, &reserve);
    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~P1"), RF_OK);
    engine_expect(rig, "P1", "", "pos.inbound", 0);
    engine_expect(rig, "P1", "", "iv.softreserved", 0);
    engine_expect(rig, "P0", "", "pos.inbound", 4);
    engine_expect(rig, "P2", "", "pos.inbound", 4);
    engine_restart(rig);
    assert_int_equal(engine_run(rig, &reserve)->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
}

static void test_a_partition_id_must_be_one(void **state)
{
    engine_rig *rig = *state;
    assert_int_equal(engine_erase(rig, "nonsense"), RF_E_INVALID_FIELD);
    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~9~nowhere"), RF_OK);
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_shop, engine_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_a_new_level_is_built),
        CASE(test_the_map_grows_while_configuring),
        CASE(test_changes_while_a_level_is_built),
        CASE(test_building_goes_on_after_a_restart),
        CASE(test_a_level_is_removed_and_comes_back),
        CASE(test_a_bad_configuration_changes_nothing),
        CASE(test_the_partition_rule_stays_while_there_is_stock),
        CASE(test_a_configuration_may_need_an_empty_environment),
        CASE(test_a_location_is_erased),
        CASE(test_an_erasure_cut_short),
        CASE(test_a_product_is_erased),
        CASE(test_a_partition_id_must_be_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
