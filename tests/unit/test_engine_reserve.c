/*
 * test_engine_reserve.c - reservations: what is checked, what is recorded.
 */
#include "tests/unit/engine_rig.h"
#include "tests/unit/unit.h"

#include <string.h>

#define SHELF "siteid=1, locationid=W"
#define RED SHELF ", ColorId=red"
#define RED_S SHELF ", ColorId=red, SizeId=S"
#define RED_L SHELF ", ColorId=red, SizeId=L"
#define ONLY_S SHELF ", SizeId=S"
#define BLUE_S SHELF ", ColorId=blue, SizeId=S"

static void post(engine_rig *rig, const char *place, const char *changes)
{
    rf_command command = engine_post(rig, "SHIRT", place, changes);
    engine_do(rig, &command);
}

static rf_result *reserve(engine_rig *rig, const char *place, double quantity,
                          bool check)
{
    rf_command command = engine_reserve(rig, "SHIRT", place, quantity, check);
    return engine_run(rig, &command);
}

static void test_a_checked_reservation_must_fit(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED_S, "pos.inbound=5");
    rf_result *result = reserve(rig, RED_S, 5.000001, true);
    assert_int_equal(result->status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_string_equal(result->field, "quantity");
    assert_true(result->available == engine_units(5));
    assert_int_equal(reserve(rig, RED_S, 5, true)->status, RF_OK);
    assert_int_equal(reserve(rig, RED_S, 0.000001, true)->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
    engine_expect(rig, "SHIRT", SHELF, "iv.softreserved", 5);
}

static void test_an_unchecked_reservation_always_fits(void **state)
{
    engine_rig *rig = *state;
    assert_int_equal(reserve(rig, RED_S, 5, false)->status, RF_OK);
    assert_int_equal(reserve(rig, RED_S, -7, false)->status, RF_OK);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", -2);
    assert_int_equal(reserve(rig, RED_S, -1, true)->status,
                     RF_E_NEGATIVE_QUANTITY);
}

static void test_a_partition_is_needed(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED_S, "pos.inbound=5");
    rf_result *result = reserve(rig, "siteid=1", 1, true);
    assert_int_equal(result->status, RF_E_MISSING_PARTITION);
    assert_int_equal(reserve(rig, "siteid=1", 1, false)->status,
                     RF_E_MISSING_PARTITION);
}

static void test_a_part_can_be_taken(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED_S, "pos.inbound=5");
    rf_command command = engine_reserve(rig, "SHIRT", RED_S, 8, true);
    command.allow_partial = true;
    command.minimum = engine_units(5.1);
    assert_int_equal(engine_run(rig, &command)->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
    command = engine_reserve(rig, "SHIRT", RED_S, 8, true);
    command.allow_partial = true;
    command.minimum = engine_units(5);
    rf_result *result = engine_do(rig, &command);
    assert_true(result->partial);
    assert_true(result->quantity == engine_units(5));
    const rf_result *again = engine_do(rig, &command);
    assert_true(again->replayed);
    assert_true(again->partial);
    assert_true(again->quantity == engine_units(5));
    command = engine_reserve(rig, "SHIRT", RED_S, 1, true);
    command.allow_partial = true;
    assert_int_equal(engine_run(rig, &command)->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 5);
}

/* What is held at a coarse level is not free at the finer ones. */
static void test_coarser_holds_count(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED_S, "pos.inbound=5");
    post(rig, BLUE_S, "pos.inbound=5");
    assert_int_equal(reserve(rig, SHELF, 8, true)->status, RF_OK);
    rf_result *result = reserve(rig, RED_S, 3, true);
    assert_int_equal(result->status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_true(result->available == engine_units(2));
    assert_int_equal(result->binding_level, engine_level(rig, "siteid, "
                                                              "locationid"));
    assert_int_equal(reserve(rig, RED_S, 2, true)->status, RF_OK);
}

/* A level that no configuration keeps totals of is checked all the same, as
 * soon as something is held there. */
static void test_odd_levels_count(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED_S, "pos.inbound=5");
    post(rig, BLUE_S, "pos.inbound=5");
    post(rig, RED_L, "pos.inbound=50");
    assert_int_equal(reserve(rig, ONLY_S, 8, true)->status, RF_OK);
    rf_result *result = reserve(rig, RED_S, 3, true);
    assert_int_equal(result->status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_true(result->available == engine_units(2));
    assert_int_equal(result->binding_level,
                     engine_level(rig, "siteid, locationid, SizeId"));
    assert_int_equal(reserve(rig, RED_S, 2, true)->status, RF_OK);
    assert_int_equal(reserve(rig, BLUE_S, 1, true)->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
    assert_int_equal(reserve(rig, ONLY_S, 1, true)->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
    assert_int_equal(reserve(rig, RED_L, 50, true)->status, RF_OK);
}

/* The odd level is given free again with its last reservation. */
static void test_given_back_holds_do_not_count(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED_S, "pos.inbound=10");
    rf_result *held = reserve(rig, ONLY_S, 8, true);
    assert_int_equal(reserve(rig, RED_S, 3, true)->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
    rf_command back = engine_unreserve(rig, "SHIRT", ONLY_S, held, 8);
    rf_result *result = engine_do(rig, &back);
    assert_true(result->quantity == engine_units(8));
    assert_true(result->invalid_offset == 0);
    assert_int_equal(reserve(rig, RED_S, 10, true)->status, RF_OK);
}

static void test_odd_levels_within_one_batch(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED_S, "pos.inbound=10");
    rf_command lines[] = {
        engine_reserve(rig, "SHIRT", ONLY_S, 8, true),
        engine_reserve(rig, "SHIRT", RED_S, 3, true),
        engine_reserve(rig, "SHIRT", RED_S, 2, true),
    };
    const rf_result *results = engine_run_job(rig, engine_job(rig, lines, 3));
    assert_int_equal(results[0].status, RF_OK);
    assert_int_equal(results[1].status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_int_equal(results[2].status, RF_OK);
}

/* Independent checks look at the request's own level alone. */
static void test_independent_checks_look_at_one_level(void **state)
{
    engine_rig *rig = *state;
    rig->draft->draft.strict = false;
    engine_configure(rig);
    post(rig, RED_S, "pos.inbound=5");
    assert_int_equal(reserve(rig, SHELF, 4, true)->status, RF_OK);
    assert_int_equal(reserve(rig, RED_S, 5, true)->status, RF_OK);
    engine_expect(rig, "SHIRT", SHELF, "iv.softreserved", 9);
}

static void test_records_are_shared_unless_tagged(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED_S, "pos.inbound=50");
    rf_result *first = reserve(rig, RED_S, 1, true);
    rf_result *second = reserve(rig, RED_S, 2, true);
    assert_int_equal(second->reservation, first->reservation);
    assert_int_equal(second->reservation_created, first->number);
    rf_command tagged = engine_reserve(rig, "SHIRT", RED_S, 3, true);
    tagged.order_tag = rf_text_of("order-7");
    rf_result *other = engine_do(rig, &tagged);
    assert_true(other->reservation != first->reservation);
    rf_command owned = engine_reserve(rig, "SHIRT", RED_S, 4, true);
    owned.recipient = rf_text_of("web");
    rf_result *third = engine_do(rig, &owned);
    assert_true(third->reservation != other->reservation);
    assert_int_equal(reserve(rig, RED, 1, true)->status, RF_OK);
    engine_expect(rig, "SHIRT", RED, "iv.softreserved", 11);
}

static void test_unreserve_takes_no_more_than_is_held(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED_S, "pos.inbound=50");
    rf_result *held = reserve(rig, RED_S, 5, true);
    rf_command back = engine_unreserve(rig, "SHIRT", RED_S, held, 7);
    rf_result *result = engine_do(rig, &back);
    assert_true(result->partial);
    assert_true(result->quantity == engine_units(5));
    assert_true(result->invalid_offset == engine_units(2));
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
    back = engine_unreserve(rig, "SHIRT", RED_S, held, 1);
    result = engine_do(rig, &back);
    assert_true(result->quantity == 0);
    assert_true(result->invalid_offset == engine_units(1));
    assert_int_equal(reserve(rig, RED_S, 1, true)->reservation,
                     held->reservation);
}

static void test_unreserve_finds_the_product(void **state)
{
    engine_rig *rig = *state;
    rf_result *held = reserve(rig, RED_S, 5, false);
    rf_command back = engine_unreserve(rig, "", RED_S, held, 2);
    rf_result *result = engine_do(rig, &back);
    assert_true(result->quantity == engine_units(2));
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 3);
}

static void test_unreserve_of_nothing(void **state)
{
    engine_rig *rig = *state;
    rf_result *held = reserve(rig, RED_S, 5, false);
    rf_command back = engine_unreserve(rig, "SHIRT", RED, held, 2);
    rf_result *result = engine_run(rig, &back);
    assert_int_equal(result->status, RF_E_UNKNOWN_RESERVATION);
    assert_true(result->invalid_offset == engine_units(2));
    back = engine_unreserve(rig, "OTHER", RED_S, held, 2);
    assert_int_equal(engine_run(rig, &back)->status, RF_E_UNKNOWN_RESERVATION);
    back = engine_unreserve(rig, "SHIRT", RED_S, held, 2);
    back.reservation = rf_text_of("no such thing");
    assert_int_equal(engine_run(rig, &back)->status, RF_E_UNKNOWN_RESERVATION);
    back = engine_unreserve(rig, "", RED_S, held, 2);
    back.reservation = rf_text_of("0123456789abcdef-ffff");
    assert_int_equal(engine_run(rig, &back)->status, RF_E_UNKNOWN_RESERVATION);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 5);
}

/* Reserve and give back the whole of it, all in one batch and then in a
 * basket that is undone: the head must follow. */
static void test_heads_follow_undone_lines(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED_S, "pos.inbound=10");
    rf_result *held = reserve(rig, ONLY_S, 1, true);
    rf_command lines[] = {
        engine_unreserve(rig, "SHIRT", ONLY_S, held, 1),
        engine_reserve(rig, "SHIRT", RED, 5, true),
        engine_reserve(rig, "SHIRT", RED_S, 50, true),
    };
    rf_job *job = engine_job(rig, lines, 3);
    job->atomic = true;
    engine_run_job(rig, job);
    assert_int_equal(job->stopped_at, 2);
    engine_expect(rig, "SHIRT", SHELF, "iv.softreserved", 1);
    rf_command again[] = {
        engine_unreserve(rig, "SHIRT", ONLY_S, held, 1),
        engine_reserve(rig, "SHIRT", RED, 5, true),
    };
    job = engine_job(rig, again, 2);
    job->atomic = true;
    engine_run_job(rig, job);
    assert_int_equal(job->stopped_at, 2);
    engine_expect(rig, "SHIRT", SHELF, "iv.softreserved", 5);
}

static void test_partition_by_product_needs_no_place(void **state)
{
    engine_rig *rig = *state;
    rig->draft->draft.by_product = true;
    engine_configure(rig);
    post(rig, RED_S, "pos.inbound=5");
    post(rig, "siteid=2", "pos.inbound=5");
    assert_int_equal(reserve(rig, "", 9, true)->status, RF_OK);
    rf_result *result = reserve(rig, RED_S, 2, true);
    assert_int_equal(result->status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_true(result->available == engine_units(1));
    assert_int_equal(result->binding_level, 0);
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_shop, engine_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_a_checked_reservation_must_fit),
        CASE(test_an_unchecked_reservation_always_fits),
        CASE(test_a_partition_is_needed),
        CASE(test_a_part_can_be_taken),
        CASE(test_coarser_holds_count),
        CASE(test_odd_levels_count),
        CASE(test_given_back_holds_do_not_count),
        CASE(test_odd_levels_within_one_batch),
        CASE(test_independent_checks_look_at_one_level),
        CASE(test_records_are_shared_unless_tagged),
        CASE(test_unreserve_takes_no_more_than_is_held),
        CASE(test_unreserve_finds_the_product),
        CASE(test_unreserve_of_nothing),
        CASE(test_heads_follow_undone_lines),
        CASE(test_partition_by_product_needs_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
