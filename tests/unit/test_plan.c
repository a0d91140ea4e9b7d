/*
 * test_plan.c - the head of a basket of allocations: it stands for the plan's
 * id, and for what the records had when the moves were made.
 */
#include "core/alloc.h"
#include "tests/unit/allocation_rig.h"
#include "tests/unit/unit.h"

#define SHELF "siteid=1, locationid=W"
#define WEB SHELF ", channel=web"
#define SHOP SHELF ", channel=shop"

static rf_command plan(engine_rig *rig, const char *id, const char *content)
{
    rf_command command =
        engine_allocation(rig, RF_OPERATION_PLAN, ALLOCATION_PRODUCT, SHELF, 0);
    command.id = rf_text_of(id);
    command.order_tag = rf_text_of(content);
    return command;
}

static rf_command move(engine_rig *rig, rf_operation operation, const char *id,
                       const char *place, double quantity)
{
    rf_command command =
        engine_allocation(rig, operation, ALLOCATION_PRODUCT, place, quantity);
    command.id = rf_text_of(id);
    return command;
}

static rf_result *run(engine_rig *rig, const rf_command *head,
                      const rf_command *moves, size_t count)
{
    rf_command lines[4];
    lines[0] = *head;
    for (size_t i = 0; i < count; i++) {
        lines[i + 1] = moves[i];
    }
    rf_job *job = engine_job(rig, lines, count + 1);
    job->atomic = true;
    return engine_run_job(rig, job);
}

static void fill(engine_rig *rig, double units)
{
    rf_command stock =
        engine_post(rig, ALLOCATION_PRODUCT, SHELF, "pos.inbound=20");
    rf_command web = engine_allocation(rig, RF_OPERATION_ALLOCATE,
                                       ALLOCATION_PRODUCT, WEB, units);
    engine_do(rig, &stock);
    engine_do(rig, &web);
}

static void test_a_known_plan_carries_nothing_out(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 2);
    rf_command head = plan(rig, "p", "first");
    rf_command raise = move(rig, RF_OPERATION_ALLOCATE, "p/1", WEB, 3);
    rf_result *first = run(rig, &head, &raise, 1);
    assert_int_equal(first[0].status, RF_OK);
    assert_int_equal(first[1].status, RF_OK);
    uint64_t number = first[0].number;
    assert_true(first[1].basket == number);

    /* Other moves, as they are made from what the records have now. */
    rf_command others[] = {
        move(rig, RF_OPERATION_UNALLOCATE, "p/1", WEB, 1),
        move(rig, RF_OPERATION_ALLOCATE, "p/2", SHOP, 4),
    };
    engine_restart(rig);
    rf_result *again = run(rig, &head, others, 2);
    assert_true(again[0].replayed);
    assert_true(again[0].number == number);
    assert_int_equal(again[0].status, RF_OK);
    allocation_expect(rig, WEB, 5, 5, 0);
    assert_true(allocation_total(rig, SHELF) == 5);

    rf_command other = plan(rig, "p", "second");
    again = run(rig, &other, others, 2);
    assert_int_equal(again[0].status, RF_E_CONFLICT);
    assert_int_equal(again[1].status, RF_E_BASKET_REFUSED);
    assert_true(allocation_total(rig, SHELF) == 5);
}

static void test_a_plan_for_other_records_is_not_remembered(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 2);
    rf_place places[] = {engine_place(rig, WEB), engine_place(rig, SHOP)};
    rf_expectation expected[] = {{&places[0], engine_units(2)},
                                 {&places[1], engine_units(1)}};
    rf_command head = plan(rig, "p", "content");
    rf_command raise = move(rig, RF_OPERATION_ALLOCATE, "p/1", WEB, 3);
    head.expected = expected;
    head.expected_count = 2;
    rf_result *result = run(rig, &head, &raise, 1);
    assert_int_equal(result[0].status, RF_E_CHANGED);
    assert_int_equal(result[1].status, RF_E_BASKET_REFUSED);
    allocation_expect(rig, WEB, 2, 2, 0);

    expected[1].allocated = 0;
    result = run(rig, &head, &raise, 1);
    assert_int_equal(result[0].status, RF_OK);
    allocation_expect(rig, WEB, 5, 5, 0);
}

static void test_a_refused_move_is_remembered_with_its_plan(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 2);
    rf_command head = plan(rig, "p", "content");
    rf_command moves[] = {
        move(rig, RF_OPERATION_ALLOCATE, "p/1", WEB, 3),
        move(rig, RF_OPERATION_ALLOCATE, "p/2", SHOP, 100),
    };
    rf_result *result = run(rig, &head, moves, 2);
    assert_int_equal(result[0].status, RF_E_BASKET_REFUSED);
    assert_int_equal(result[2].status, RF_E_INSUFFICIENT_AVAILABLE);
    fill(rig, 1);
    rf_command small = move(rig, RF_OPERATION_ALLOCATE, "p/3", SHOP, 1);
    result = run(rig, &head, &small, 1);
    assert_true(result[0].replayed);
    assert_int_equal(result[0].status, RF_E_BASKET_REFUSED);
    assert_true(allocation_total(rig, SHELF) == 3);
}

static void test_a_plan_needs_its_partition(void **state)
{
    engine_rig *rig = *state;
    rf_command head = plan(rig, "p", "content");
    head.place = engine_place(rig, "siteid=1");
    rf_result *result = run(rig, &head, NULL, 0);
    assert_int_equal(result[0].status, RF_E_MISSING_PARTITION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_known_plan_carries_nothing_out,
                                        engine_set_up_pool, engine_tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_plan_for_other_records_is_not_remembered, engine_set_up_pool,
            engine_tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_refused_move_is_remembered_with_its_plan, engine_set_up_pool,
            engine_tear_down),
        cmocka_unit_test_setup_teardown(test_a_plan_needs_its_partition,
                                        engine_set_up_pool, engine_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
