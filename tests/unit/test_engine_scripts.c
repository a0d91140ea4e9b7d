/*
 * test_engine_scripts.c - checks that ask a script, and who owns its host.
 */
#include "tests/unit/fake_host.h"
#include "tests/unit/unit.h"

#define SHELF "siteid=1, locationid=W"
#define RED SHELF ", ColorId=red"

static void stock_red(engine_rig *rig)
{
    rf_command command = engine_post(rig, "SHIRT", RED, "pos.inbound=5");
    engine_do(rig, &command);
}

static void test_a_script_is_asked_at_every_level_of_a_check(void **state)
{
    engine_rig *rig = *state;
    static fake_host host; /* it is released at tear-down */
    fake_host_publish(&host, rig);
    stock_red(rig);
    rf_command command = engine_reserve(rig, "SHIRT", RED, 6, true);
    rf_result *result = engine_run(rig, &command);
    assert_int_equal(result->status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_true(result->available == engine_units(5));
    assert_int_equal(host.asked, 2);
    assert_int_equal(host.given[0], engine_level(rig, "siteid, locationid, "
                                                      "ColorId"));
    assert_int_equal(host.given[1], RF_LEVEL_PLACE);
    assert_string_equal(host.product, "SHIRT");
    assert_true(host.now_ms == rig->now_ms);
    host.asked = 0;
    command = engine_reserve(rig, "SHIRT", RED, 5, true);
    assert_int_equal(engine_run(rig, &command)->status, RF_OK);
    engine_expect(rig, "SHIRT", RED, "iv.softreserved", 5);
}

/* What a script cannot judge is not done and not remembered. */
static void test_a_failing_script_refuses_one_command(void **state)
{
    engine_rig *rig = *state;
    static fake_host host; /* it is released at tear-down */
    fake_host_publish(&host, rig);
    stock_red(rig);
    host.fails = true;
    rf_command command = engine_reserve(rig, "SHIRT", RED, 1, true);
    rf_result *result = engine_run(rig, &command);
    assert_int_equal(result->status, RF_E_SCRIPT);
    assert_string_equal(result->message, "it is not a good day");
    assert_string_equal(result->script.plugin, "acme");
    assert_string_equal(result->script.function, "iv.free");
    assert_int_equal(result->script.line, 12);
    assert_int_equal(result->number, 0);
    engine_expect(rig, "SHIRT", RED, "iv.softreserved", 0);
    host.fails = false;
    host.asked = 0;
    assert_int_equal(engine_run(rig, &command)->status, RF_OK);
    engine_expect(rig, "SHIRT", RED, "iv.softreserved", 1);
}

static void test_a_failing_script_refuses_the_whole_basket(void **state)
{
    engine_rig *rig = *state;
    static fake_host host; /* it is released at tear-down */
    fake_host_publish(&host, rig);
    host.fails = true;
    rf_command commands[] = {
        engine_post(rig, "SHIRT", RED, "pos.inbound=5"),
        engine_reserve(rig, "SHIRT", RED, 1, true),
    };
    rf_job *job = engine_job(rig, commands, 2);
    job->atomic = true;
    rf_result *results = engine_run_job(rig, job);
    assert_int_equal(job->stopped_at, 1);
    assert_int_equal(results[0].status, RF_E_BASKET_REFUSED);
    assert_int_equal(results[1].status, RF_E_SCRIPT);
    engine_expect(rig, "SHIRT", RED, "pos.inbound", 0);
}

static void test_a_generation_owns_its_host(void **state)
{
    engine_rig *rig = *state;
    static fake_host first;
    fake_host_publish(&first, rig);
    assert_int_equal(first.released, 0);
    static fake_host second;
    fake_host_publish(&second, rig);
    engine_generation(rig); /* look at the world anew */
    engine_settle(rig);
    assert_int_equal(first.released, 1);
    assert_int_equal(second.released, 0);
    draft_reset(rig->draft);
    draft_shop(rig->draft);
    engine_configure(rig);
    engine_generation(rig);
    engine_settle(rig);
    assert_int_equal(second.released, 1);
}

/* Records hold numbers: a catalog made from other ones must not get in. */
static void test_numbers_must_be_the_stored_ones(void **state)
{
    engine_rig *rig = *state;
    rf_error err = {0};
    rf_task task = {.kind = RF_TASK_CONFIGURE,
                    .environment = rf_text_of(RIG_ENVIRONMENT),
                    .actor = rf_text_of("tester"),
                    .document = rf_text_of("{}"),
                    .done = engine_note_done,
                    .owner = rig};
    draft_fixture *f = rig->draft;
    draft_reset(f);
    draft_source(f, "other", "first, second");
    assert_int_equal(rf_registry_create(&task.registry, &err), RF_OK);
    assert_int_equal(rf_catalog_build(&f->draft, task.registry, &f->problems,
                                      &task.catalog, &err),
                     RF_OK);
    uint64_t number = engine_generation(rig)->number;
    rf_engine_submit(rig->engine, &task);
    engine_settle(rig);
    assert_int_equal(task.status, RF_E_INTERNAL);
    assert_int_equal(engine_generation(rig)->number, number);
    rf_catalog_free(task.catalog);
    rf_registry_free(task.registry);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_shop, engine_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_script_is_asked_at_every_level_of_a_check),
        TEST(test_a_failing_script_refuses_one_command),
        TEST(test_a_failing_script_refuses_the_whole_basket),
        TEST(test_a_generation_owns_its_host),
        TEST(test_numbers_must_be_the_stored_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
