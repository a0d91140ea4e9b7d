/*
 * test_engine.c - batches of commands, from posting to a restart.
 */
#include "core/alloc.h"
#include "tests/unit/engine_rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define SHELF "siteid=1, locationid=W"
#define RED_S "siteid=1, locationid=W, ColorId=red, SizeId=S"
#define RED_L "siteid=1, locationid=W, ColorId=red, SizeId=L"

static void test_a_post_reaches_every_level(void **state)
{
    engine_rig *rig = *state;
    rf_command command = engine_post(rig, "SHIRT", RED_S ", StyleId=slim",
                                     "pos.inbound=5, pos.outbound=2");
    engine_do(rig, &command);
    command = engine_post(rig, "SHIRT", RED_L, "pos.inbound=7.5");
    engine_do(rig, &command);
    engine_expect(rig, "SHIRT", "", "pos.inbound", 12.5);
    engine_expect(rig, "SHIRT", "siteid=1", "pos.inbound", 12.5);
    engine_expect(rig, "SHIRT", SHELF, "pos.inbound", 12.5);
    engine_expect(rig, "SHIRT", SHELF ", ColorId=red", "pos.inbound", 12.5);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 5);
    engine_expect(rig, "SHIRT", RED_S, "pos.outbound", 2);
    engine_expect(rig, "SHIRT", RED_L, "pos.inbound", 7.5);
    engine_expect(rig, "OTHER", SHELF, "pos.inbound", 0);
}

static void test_long_coordinates_are_hashed_and_found(void **state)
{
    engine_rig *rig = *state;
    char place[700];
    memcpy(place, "siteid=1, StyleId=", 18);
    memset(place + 18, 's', 190);
    memcpy(place + 208, ", ColorId=", 10);
    memset(place + 218, 'c', 190);
    memcpy(place + 408, ", SizeId=", 9);
    memset(place + 417, 'z', 190);
    place[607] = '\0';
    rf_command command = engine_post(rig, "LONG", place, "pos.inbound=3");
    engine_do(rig, &command);
    command = engine_post(rig, "LONG", place, "pos.inbound=4");
    engine_do(rig, &command);
    assert_true(engine_total(rig, "LONG", place,
                             "siteid, locationid, ColorId, SizeId",
                             "pos.inbound") == engine_units(7));
    engine_expect(rig, "LONG", "siteid=1", "pos.inbound", 7);
}

static void test_the_same_again_is_remembered(void **state)
{
    engine_rig *rig = *state;
    rf_command command = engine_post(rig, "SHIRT", RED_S, "pos.inbound=5");
    const rf_result *first = engine_do(rig, &command);
    assert_false(first->replayed);
    const rf_result *again = engine_do(rig, &command);
    assert_true(again->replayed);
    assert_int_equal(again->number, first->number);
    engine_expect(rig, "SHIRT", SHELF, "pos.inbound", 5);
}

static void test_the_same_twice_in_one_batch_counts_once(void **state)
{
    engine_rig *rig = *state;
    rf_command command = engine_post(rig, "SHIRT", RED_S, "pos.inbound=5");
    rf_job *first = engine_job(rig, &command, 1);
    rf_job *second = engine_job(rig, &command, 1);
    first->next = second;
    engine_run_job(rig, first);
    assert_int_equal(rig->done_count, 2);
    assert_false(first->results[0].replayed);
    assert_true(second->results[0].replayed);
    assert_int_equal(second->results[0].number, first->results[0].number);
    engine_expect(rig, "SHIRT", SHELF, "pos.inbound", 5);
}

static void test_other_content_is_a_conflict(void **state)
{
    engine_rig *rig = *state;
    rf_command command = engine_post(rig, "SHIRT", RED_S, "pos.inbound=5");
    engine_do(rig, &command);
    rf_command other = engine_post(rig, "SHIRT", RED_S, "pos.inbound=6");
    other.id = command.id;
    const rf_result *result = engine_run(rig, &other);
    assert_int_equal(result->status, RF_E_CONFLICT);
    assert_string_equal(result->field, "id");
    engine_expect(rig, "SHIRT", SHELF, "pos.inbound", 5);

    /* Another operation has ids of its own. */
    rf_command reserve = engine_reserve(rig, "SHIRT", SHELF, 1, true);
    reserve.id = command.id;
    engine_do(rig, &reserve);
}

static void test_lines_of_a_bulk_stand_alone(void **state)
{
    engine_rig *rig = *state;
    rf_command lines[] = {
        engine_post(rig, "SHIRT", SHELF, "pos.inbound=3"),
        engine_reserve(rig, "SHIRT", SHELF, 4, true),
        engine_reserve(rig, "SHIRT", SHELF, 2, true),
        engine_reserve(rig, "SHIRT", SHELF, 2, true),
    };
    const rf_result *results = engine_run_job(rig, engine_job(rig, lines, 4));
    assert_int_equal(results[0].status, RF_OK);
    assert_int_equal(results[1].status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_int_equal(results[2].status, RF_OK);
    assert_int_equal(results[3].status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_true(results[3].available == engine_units(1));
    assert_int_equal(results[3].number, results[0].number + 3);
    engine_expect(rig, "SHIRT", SHELF, "iv.softreserved", 2);
}

static void test_a_basket_is_all_or_nothing(void **state)
{
    engine_rig *rig = *state;
    rf_command lines[] = {
        engine_post(rig, "SHIRT", SHELF, "pos.inbound=3"),
        engine_reserve(rig, "SHIRT", SHELF, 2, true),
        engine_reserve(rig, "SHIRT", SHELF, 2, true),
    };
    rf_job *job = engine_job(rig, lines, 3);
    job->atomic = true;
    const rf_result *results = engine_run_job(rig, job);
    assert_int_equal(job->stopped_at, 2);
    assert_int_equal(results[0].status, RF_E_BASKET_REFUSED);
    assert_int_equal(results[1].status, RF_E_BASKET_REFUSED);
    assert_int_equal(results[2].status, RF_E_INSUFFICIENT_AVAILABLE);
    engine_expect(rig, "SHIRT", SHELF, "pos.inbound", 0);

    /* A late copy must not succeed, whatever has come in meanwhile. */
    rf_command more = engine_post(rig, "SHIRT", SHELF, "pos.inbound=50");
    engine_do(rig, &more);
    rf_job *again = engine_job(rig, lines, 3);
    again->atomic = true;
    results = engine_run_job(rig, again);
    assert_int_equal(again->stopped_at, 2);
    assert_true(results[0].replayed);
    assert_int_equal(results[0].status, RF_E_BASKET_REFUSED);
    assert_int_equal(results[2].status, RF_E_INSUFFICIENT_AVAILABLE);
    engine_expect(rig, "SHIRT", SHELF, "pos.inbound", 50);
    engine_expect(rig, "SHIRT", SHELF, "iv.softreserved", 0);
}

static void test_a_basket_sees_its_earlier_lines(void **state)
{
    engine_rig *rig = *state;
    rf_command lines[] = {
        engine_post(rig, "SHIRT", SHELF, "pos.inbound=3"),
        engine_reserve(rig, "SHIRT", SHELF, 2, true),
    };
    rf_job *job = engine_job(rig, lines, 2);
    job->atomic = true;
    const rf_result *results = engine_run_job(rig, job);
    assert_int_equal(job->stopped_at, 2);
    assert_int_equal(results[0].status, RF_OK);
    assert_int_equal(results[1].status, RF_OK);
    assert_int_equal(results[0].basket, results[0].number);
    assert_int_equal(results[1].basket, results[0].number);

    rf_job *again = engine_job(rig, lines, 2);
    again->atomic = true;
    const rf_result *replayed = engine_run_job(rig, again);
    assert_int_equal(again->stopped_at, 2);
    assert_true(replayed[1].replayed);
    assert_int_equal(replayed[1].number, results[1].number);
    engine_expect(rig, "SHIRT", SHELF, "iv.softreserved", 2);
}

static void test_refusals_are_remembered(void **state)
{
    engine_rig *rig = *state;
    rf_command reserve = engine_reserve(rig, "SHIRT", SHELF, 4, true);
    const rf_result *refused = engine_run(rig, &reserve);
    assert_int_equal(refused->status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_true(refused->has_binding);
    rf_command post = engine_post(rig, "SHIRT", SHELF, "pos.inbound=9");
    engine_do(rig, &post);
    const rf_result *again = engine_run(rig, &reserve);
    assert_int_equal(again->status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_true(again->replayed);
    assert_string_equal(again->message, refused->message);
    assert_int_equal(again->binding_level, refused->binding_level);
    engine_expect(rig, "SHIRT", SHELF, "iv.softreserved", 0);
}

static void test_an_overflow_refuses_one_line(void **state)
{
    engine_rig *rig = *state;
    rf_command lines[] = {
        engine_post(rig, "SHIRT", SHELF, "pos.inbound=1"),
        engine_post(rig, "SHIRT", SHELF, "pos.inbound=9e12"),
        engine_post(rig, "SHIRT", RED_S, "pos.inbound=9e12"),
        engine_post(rig, "SHIRT", RED_S, "pos.inbound=1"),
    };
    const rf_result *results = engine_run_job(rig, engine_job(rig, lines, 4));
    assert_int_equal(results[0].status, RF_OK);
    assert_int_equal(results[1].status, RF_OK);
    assert_int_equal(results[2].status, RF_E_QUANTITY_OVERFLOW);
    assert_int_equal(results[3].status, RF_OK);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 1);
    /* The refusal is remembered even when there is room later. */
    rf_command away = engine_post(rig, "SHIRT", SHELF, "pos.inbound=-9e12");
    engine_do(rig, &away);
    const rf_result *again = engine_run(rig, &lines[2]);
    assert_true(again->replayed);
    assert_int_equal(again->status, RF_E_QUANTITY_OVERFLOW);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 1);
}

static void test_a_restart_forgets_nothing(void **state)
{
    engine_rig *rig = *state;
    rf_command post = engine_post(rig, "SHIRT", RED_S, "pos.inbound=5");
    const rf_result *posted = engine_do(rig, &post);
    rf_command reserve = engine_reserve(rig, "SHIRT", RED_S, 2, true);
    const rf_result *reserved = engine_do(rig, &reserve);
    engine_restart(rig);
    engine_expect(rig, "SHIRT", SHELF, "pos.inbound", 5);
    const rf_result *again = engine_do(rig, &post);
    assert_true(again->replayed);
    assert_int_equal(again->number, posted->number);
    again = engine_do(rig, &reserve);
    assert_true(again->replayed);
    assert_int_equal(again->reservation, reserved->reservation);
    post.changes = engine_post(rig, "X", "", "pos.inbound=6").changes;
    assert_int_equal(engine_run(rig, &post)->status, RF_E_CONFLICT);
    rf_command next = engine_post(rig, "SHIRT", RED_S, "pos.inbound=1");
    assert_true(engine_do(rig, &next)->number > reserved->number);
}

/* Ids are kept for as long as the environment says, which is not known before
 * its configuration is published again. */
static void test_ids_of_days_ago_survive_a_restart(void **state)
{
    engine_rig *rig = *state;
    rf_command command = engine_post(rig, "P", SHELF, "pos.inbound=1");
    engine_do(rig, &command);
    rig->now_ms += INT64_C(3) * 24 * 3600 * 1000;
    engine_restart(rig);
    engine_settle(rig);
    assert_true(engine_run(rig, &command)->replayed);
    engine_expect(rig, "P", SHELF, "pos.inbound", 1);
    rig->now_ms += INT64_C(5) * 24 * 3600 * 1000;
    engine_settle(rig);
    assert_false(engine_run(rig, &command)->replayed);
    engine_expect(rig, "P", SHELF, "pos.inbound", 2);
}

static void test_many_jobs_of_one_batch(void **state)
{
    enum {
        COUNT = 2000
    };
    engine_rig *rig = *state;
    rf_job *first = NULL;
    rf_job **end = &first;
    for (int i = 0; i < COUNT; i++) {
        rf_command command =
            engine_post(rig, i % 2 == 0 ? "EVEN" : "ODD",
                        i % 3 == 0 ? RED_S : RED_L, "pos.inbound=1");
        *end = engine_job(rig, &command, 1);
        end = &(*end)->next;
    }
    engine_run_job(rig, first);
    assert_int_equal(rig->done_count, COUNT);
    engine_expect(rig, "EVEN", SHELF, "pos.inbound", 1000);
    engine_expect(rig, "ODD", RED_S, "pos.inbound", 333);
    engine_expect(rig, "ODD", RED_L, "pos.inbound", 667);
}

/* Fail each allocation of a batch in turn: every job is answered, nothing is
 * done by half, and the same ids succeed afterwards. */
static void test_it_survives_lack_of_memory(void **state)
{
    engine_rig *rig = *state;
    rf_status status = RF_E_NO_MEMORY;
    unsigned long nth = 1;
    int runs = 0;
    while (status == RF_E_NO_MEMORY) {
        char product[32];
        snprintf(product, sizeof product, "P%lu", nth);
        rf_command lines[] = {
            engine_post(rig, product, RED_S, "pos.inbound=3"),
            engine_reserve(rig, product, RED_S, 2, true),
            engine_reserve(rig, product, SHELF ", SizeId=S", 1, true),
        };
        rf_job *job = engine_job(rig, lines, 3);
        job->atomic = nth % 2 == 0;
        engine_restart(rig); /* with all its memory given back */
        job->generation = engine_generation(rig);
        rf_alloc_fail_at(nth++);
        status = engine_run_job(rig, job)[0].status;
        rf_alloc_fail_at(0);
        engine_expect(rig, product, SHELF, "iv.softreserved",
                      status == RF_OK ? 3 : 0);
        engine_do(rig, &lines[0]);
        engine_do(rig, &lines[1]);
        engine_do(rig, &lines[2]);
        engine_expect(rig, product, SHELF, "iv.softreserved", 3);
        runs++;
    }
    assert_int_equal(status, RF_OK);
    assert_true(runs > 5);
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_shop, engine_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_a_post_reaches_every_level),
        CASE(test_long_coordinates_are_hashed_and_found),
        CASE(test_the_same_again_is_remembered),
        CASE(test_the_same_twice_in_one_batch_counts_once),
        CASE(test_other_content_is_a_conflict),
        CASE(test_lines_of_a_bulk_stand_alone),
        CASE(test_a_basket_is_all_or_nothing),
        CASE(test_a_basket_sees_its_earlier_lines),
        CASE(test_refusals_are_remembered),
        CASE(test_an_overflow_refuses_one_line),
        CASE(test_a_restart_forgets_nothing),
        CASE(test_ids_of_days_ago_survive_a_restart),
        CASE(test_many_jobs_of_one_batch),
        CASE(test_it_survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
