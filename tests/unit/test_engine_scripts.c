/*
 * test_engine_scripts.c - checks that ask a script, and who owns its host.
 */
#include "tests/unit/engine_rig.h"
#include "tests/unit/unit.h"

#include <string.h>

#define SHELF "siteid=1, locationid=W"
#define RED SHELF ", ColorId=red"

/* A host whose only script gives what was posted to pos.inbound less what is
 * softly reserved, and remembers what it was asked about. */
typedef struct fake_host {
    rf_formula_host face;
    engine_rig *rig;
    bool fails;
    unsigned asked;
    unsigned released;
    rf_level given[8]; /* of the places asked about, in order */
    unsigned thread;
    int64_t now_ms;
    char product[16];
} fake_host;

static rf_status evaluate_fake(rf_formula_host *self, unsigned script,
                               const rf_subject *subject, rf_quantity *out,
                               rf_error *err)
{
    fake_host *host = (fake_host *)self;
    assert_int_equal(script, 0);
    assert_true(host->asked < 8);
    host->given[host->asked++] = subject->place->given;
    host->thread = subject->thread;
    host->now_ms = subject->now_ms;
    memcpy(host->product, subject->product.bytes, subject->product.length);
    if (host->fails) {
        rf_fail(err, RF_E_SCRIPT, "it is not a good day");
        err->script = (rf_script_place){.plugin = "acme",
                                        .file = "plugin.lua",
                                        .function = "iv.free",
                                        .line = 12};
        return RF_E_SCRIPT;
    }
    rf_measure inbound = engine_measure(host->rig, "pos.inbound");
    rf_measure reserved = engine_measure(host->rig, "iv.softreserved");
    *out = rf_measures_get(subject->measures, inbound) -
           rf_measures_get(subject->measures, reserved);
    return RF_OK;
}

static void release_fake(rf_formula_host *self)
{
    ((fake_host *)self)->released++;
}

/* Publish the shop with its reservations checked by the host's script. */
static void publish(engine_rig *rig, fake_host *host)
{
    static rf_draft_formula formula;
    formula = (rf_draft_formula){
        .name = rf_text_of("iv.free"),
        .place = {.plugin = "acme", .file = "plugin.lua", .line = 1}};
    *host = (fake_host){.face = {evaluate_fake, release_fake}, .rig = rig};
    draft_fixture *f = rig->draft;
    draft_reset(f);
    draft_shop(f);
    f->draft.formulas = &formula;
    f->draft.formula_count = 1;
    f->draft.host = &host->face;
    f->draft.sources[2].reservations =
        draft_pairs(f, "softreserved > iv.free", "res");
    engine_configure(rig);
}

static void stock_red(engine_rig *rig)
{
    rf_command command = engine_post(rig, "SHIRT", RED, "pos.inbound=5");
    engine_do(rig, &command);
}

static void test_a_script_is_asked_at_every_level_of_a_check(void **state)
{
    engine_rig *rig = *state;
    static fake_host host; /* it is released at tear-down */
    publish(rig, &host);
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
    publish(rig, &host);
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
    publish(rig, &host);
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
    publish(rig, &first);
    assert_int_equal(first.released, 0);
    static fake_host second;
    publish(rig, &second);
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
