/*
 * test_engine_holds_hard.c - holds that end many at a time, without room or
 * memory, while levels are built, and in a long walk at random.
 */
#include "core/alloc.h"
#include "tests/unit/full_store.h"
#include "tests/unit/holds_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHELF "siteid=1, locationid=W"
#define OTHER_SHELF "siteid=2, locationid=X"
#define RED_S SHELF ", ColorId=red, SizeId=S"
#define ONLY_S SHELF ", SizeId=S"
#define MINUTE INT64_C(60000)

/* More than one step can end, all at the same time. */
static void fill_holds(engine_rig *rig, unsigned count, int64_t ttl_ms)
{
    rf_command *lines = calloc(count, sizeof *lines);
    assert_non_null(lines);
    for (unsigned i = 0; i < count; i++) {
        char place[64];
        snprintf(place, sizeof place, "siteid=%u, locationid=W", i % 7);
        lines[i] = holds_command(rig, place, 1, ttl_ms);
    }
    rf_job *job = engine_job(rig, lines, count);
    free(lines);
    const rf_result *results = engine_run_job(rig, job);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(results[i].status, RF_OK);
    }
}

static void test_a_thousand_ends_at_once(void **state)
{
    engine_rig *rig = *state;
    uint64_t before = holds_last_number(rig);
    holds_post(rig, "siteid=0, locationid=W", "pos.inbound=1000");
    fill_holds(rig, 1000, MINUTE);
    holds_make(rig, "siteid=0, locationid=W", 1, MINUTE + 1);
    engine_expect(rig, "SHIRT", "siteid=0, locationid=W", "iv.softreserved",
                  144);
    rig->now_ms += MINUTE;
    rf_command command =
        engine_reserve(rig, "SHIRT", "siteid=0, locationid=W", 999, true);
    assert_int_equal(engine_run(rig, &command)->status, RF_OK);
    assert_int_equal(holds_count_ends(rig), 1);
    for (unsigned i = 1; i < 7; i++) {
        char place[64];
        snprintf(place, sizeof place, "siteid=%u, locationid=W", i);
        engine_expect(rig, "SHIRT", place, "iv.softreserved", 0);
    }
    assert_int_equal(holds_last_number(rig), before + 1 + 1001 + 1000 + 1);
}

/* Maintenance ends them, too, some at a time. */
static void test_maintenance_ends_holds_in_steps(void **state)
{
    engine_rig *rig = *state;
    fill_holds(rig, 1000, MINUTE);
    engine_settle(rig);
    assert_int_equal(holds_count_ends(rig), 1000);
    rig->now_ms += MINUTE;
    unsigned steps = 0;
    bool more = true;
    for (size_t left = 1000; left > 0; steps++) {
        rf_verify_report report = {0};
        assert_true(more);
        assert_int_equal(rf_engine_step(rig->engine, &more, NULL), RF_OK);
        size_t now = holds_count_ends(rig);
        assert_true(now < left);
        assert_int_equal(engine_verify(rig, &report), 0);
        assert_int_equal(report.holds, now);
        left = now;
    }
    assert_true(steps >= 4);
    engine_settle(rig);
    assert_false(holds_is_past(rig, INT64_MAX - 1));
}

static void test_erasing_a_product_takes_ends_away(void **state)
{
    engine_rig *rig = *state;
    rig->draft->draft.by_product = true;
    engine_configure(rig);
    fill_holds(rig, 1500, MINUTE);
    rf_command other = engine_reserve(rig, "OTHER", "", 2, false);
    other.ttl_ms = MINUTE;
    engine_do(rig, &other);
    assert_int_equal(engine_erase(rig, "usmf~SHIRT"), RF_OK);
    assert_int_equal(holds_count_ends(rig), 1);
    engine_expect(rig, "OTHER", "", "iv.softreserved", 2);
    holds_sweep_at(rig, rig->now_ms + MINUTE);
    engine_expect(rig, "OTHER", "", "iv.softreserved", 0);
}

static void test_a_full_store_ends_holds_later(void **state)
{
    engine_rig *rig = *state;
    holds_make(rig, RED_S, 5, MINUTE);
    rig->now_ms += MINUTE;
    full_store full;
    full_store_begin(&full, rig->disk->store);
    full.commits_full = 3;
    uint64_t before = holds_last_number(rig);
    assert_int_equal(holds_sweep(rig), RF_E_STORAGE_FULL);
    rf_command command = engine_post(rig, "SHIRT", RED_S, "pos.inbound=1");
    assert_int_equal(engine_run(rig, &command)->status, RF_E_STORAGE_FULL);
    bool more;
    assert_int_equal(rf_engine_step(rig->engine, &more, NULL),
                     RF_E_STORAGE_FULL);
    assert_true(holds_is_past(rig, rig->now_ms));
    assert_int_equal(holds_last_number(rig), before);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 5);
    full.can_grow = true;
    full.commits_full = 2;
    assert_int_equal(engine_run(rig, &command)->status, RF_OK);
    assert_int_equal(full.commits_full, 0);
    assert_int_equal(holds_last_number(rig), before + 2);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
    holds_make(rig, RED_S, 5, MINUTE);
    rig->now_ms += MINUTE;
    full.commits_full = 1;
    engine_settle(rig);
    full_store_end(&full);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
    assert_int_equal(holds_count_ends(rig), 0);
}

/* Whichever allocation fails, a hold ends wholly or not at all. */
static void test_ends_without_memory(void **state)
{
    engine_rig *rig = *state;
    rf_status status = RF_E_NO_MEMORY;
    uint64_t before = holds_last_number(rig);
    holds_make(rig, RED_S, 5, MINUTE);
    holds_make(rig, SHELF, 2, MINUTE);
    rig->now_ms += MINUTE;
    rf_job *job = engine_job(rig, NULL, 0);
    unsigned long nth = 0;
    while (status != RF_OK) {
        rf_error err = {0};
        rf_alloc_fail_at(++nth);
        status = rf_engine_run(rig->engine, job, &err);
        rf_alloc_fail_at(0);
        assert_true(status == RF_OK || status == RF_E_NO_MEMORY);
        engine_expect(rig, "SHIRT", SHELF, "iv.softreserved",
                      status == RF_OK ? 0 : 7);
        assert_int_equal(holds_last_number(rig),
                         before + (status == RF_OK ? 4 : 2));
    }
    assert_true(nth > 1);
}

/* A total so low that it cannot take the hold back: the hold stays, and
 * everything else goes on. */
static void test_an_end_that_has_no_room(void **state)
{
    engine_rig *rig = *state;
    const int64_t start = rig->now_ms;
    holds_make(rig, RED_S, 5, MINUTE);
    holds_make(rig, OTHER_SHELF, 3, MINUTE);
    rf_command low = engine_reserve(rig, "SHIRT", RED_S, 0, false);
    low.quantity = INT64_MIN + 1;
    engine_do(rig, &low);
    rf_command lower = engine_reserve(rig, "SHIRT", RED_S, -5, false);
    lower.order_tag = rf_text_of("another record");
    engine_do(rig, &lower);
    uint64_t before = holds_last_number(rig);
    holds_sweep_at(rig, start + MINUTE);
    assert_int_equal(holds_last_number(rig), before + 1);
    engine_expect(rig, "SHIRT", OTHER_SHELF, "iv.softreserved", 0);
    assert_int_equal(holds_count_ends(rig), 1);
    assert_false(holds_is_past(rig, rig->now_ms));
    assert_true(holds_is_past(rig, rig->now_ms + 60 * MINUTE));
    rf_command high = engine_reserve(rig, "SHIRT", RED_S, 0, false);
    high.quantity = INT64_MAX;
    engine_do(rig, &high);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
    holds_sweep_at(rig, rig->now_ms + 60 * MINUTE);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", -5);
    assert_int_equal(holds_count_ends(rig), 0);
}

/* Holds that end while a level is built count in it no longer, wherever
 * building stands. */
static void test_holds_end_while_a_level_is_built(void **state)
{
    engine_rig *rig = *state;
    const int64_t start = rig->now_ms;
    rf_command lines[500];
    for (unsigned i = 0; i < 500; i++) {
        char place[64];
        snprintf(place, sizeof place, SHELF ", ColorId=c%u, SizeId=s%u", i,
                 i % 3);
        lines[i] = holds_command(rig, place, 1, MINUTE + i / 100);
    }
    engine_run_job(rig, engine_job(rig, lines, 500));
    draft_index_set(rig->draft, "SizeId");
    rf_task *task = engine_submit_configure(rig);
    for (unsigned i = 0; i < 5; i++) {
        bool more;
        assert_int_equal(rf_engine_step(rig->engine, &more, NULL), RF_OK);
        holds_sweep_at(rig, start + MINUTE + i);
    }
    engine_settle(rig);
    assert_int_equal(task->status, RF_OK);
    engine_expect(rig, "SHIRT", SHELF, "iv.softreserved", 0);
    engine_expect(rig, "SHIRT", SHELF ", SizeId=s1", "iv.softreserved", 0);
}

/* ---- One environment of several ---- */

#define ELSEWHERE "elsewhere"

/* Configure another environment like the first. */
static rf_generation *configure_elsewhere(engine_rig *rig)
{
    rf_task *task = engine_submit_configure(rig);
    task->environment = rf_text_of(ELSEWHERE);
    engine_settle(rig);
    assert_int_equal(task->status, RF_OK);
    engine_generation(rig);
    rf_generation *generation =
        rf_world_find(rf_view_world(&rig->view, rf_engine_globe(rig->engine)),
                      rf_text_of(ELSEWHERE));
    assert_non_null(generation);
    return generation;
}

static void spoil_reservation(engine_rig *rig, const rf_result *held)
{
    rf_key key;
    rf_store *store = rig->disk->store;
    rf_key_product(&key, engine_generation(rig)->environment,
                   rf_text_of(RIG_ORGANIZATION), rf_text_of("SHIRT"));
    rf_key_reservation(&key, held->reservation);
    rf_store_item item = {
        RF_TABLE_STOCK, rf_key_bytes(&key), {(const unsigned char *)"x", 1}};
    rf_store_transaction *writer = rig_begin(store, true);
    assert_int_equal(store->operations->save(writer, &item, 1, NULL), RF_OK);
    rig_commit(store, writer);
    rig->is_damaged = true;
}

/* A hold whose record is damaged stops its own environment and no other. */
static void test_damage_stays_in_its_environment(void **state)
{
    engine_rig *rig = *state;
    rf_generation *elsewhere = configure_elsewhere(rig);
    const rf_result *held = holds_make(rig, RED_S, 5, MINUTE);
    rf_command hold = holds_command(rig, RED_S, 5, MINUTE);
    rf_job *job = engine_job(rig, &hold, 1);
    job->generation = elsewhere;
    assert_int_equal(engine_run_job(rig, job)->status, RF_OK);
    spoil_reservation(rig, held);
    rig->now_ms += MINUTE;
    bool more = false;
    assert_int_equal(rf_engine_step(rig->engine, &more, NULL), RF_OK);
    assert_true(more);
    assert_false(rf_due_is_past(elsewhere->due, rig->now_ms));
    assert_true(holds_is_past(rig, rig->now_ms));
    rf_command post = engine_post(rig, "SHIRT", RED_S, "pos.inbound=1");
    rf_job *first = engine_job(rig, &post, 1);
    rf_job *second = engine_job(rig, &post, 1);
    rf_job *third = engine_job(rig, NULL, 0);
    second->generation = elsewhere;
    first->next = second;
    second->next = third;
    unsigned before = rig->done_count;
    assert_int_equal(rf_engine_run(rig->engine, first, NULL), RF_OK);
    assert_int_equal(rig->done_count, before + 3);
    assert_int_equal(first->results[0].status, RF_E_STORAGE);
    assert_int_equal(second->results[0].status, RF_OK);
    assert_int_equal(second->due_status, RF_OK);
    assert_int_equal(third->due_status, RF_E_STORAGE);
}

/* Maintenance tells of it once a second, and does everything else meanwhile. */
static void test_damage_is_told_now_and_then(void **state)
{
    engine_rig *rig = *state;
    const rf_result *held = holds_make(rig, RED_S, 5, MINUTE);
    spoil_reservation(rig, held);
    rig->now_ms += MINUTE;
    bool more = false;
    assert_int_equal(rf_engine_step(rig->engine, &more, NULL), RF_E_STORAGE);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(rf_engine_step(rig->engine, &more, NULL), RF_OK);
        assert_false(more);
    }
    rig->now_ms += 1000;
    assert_int_equal(rf_engine_step(rig->engine, &more, NULL), RF_E_STORAGE);
}

/* A model of what is held, for a long walk at random. */
typedef struct model_hold {
    rf_result result;
    const char *place;
    double quantity;
    int64_t ends_ms;
} model_hold;

typedef struct model {
    model_hold holds[400];
    size_t count;
    uint64_t seed;
} model;

static void end_model(model *m, int64_t now_ms)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->holds[i].ends_ms <= now_ms) {
            m->holds[i].quantity = 0;
        }
    }
}

static void walk_hold(engine_rig *rig, model *m)
{
    static const char *const places[] = {RED_S, SHELF, ONLY_S, OTHER_SHELF};
    model_hold *next = &m->holds[m->count++];
    next->place = places[holds_pick(&m->seed, 4)];
    next->quantity = 1 + holds_pick(&m->seed, 9);
    int64_t ttl_ms = 1 + holds_pick(&m->seed, 40);
    next->ends_ms = rig->now_ms + ttl_ms;
    next->result = *holds_make(rig, next->place, next->quantity, ttl_ms);
}

static void walk_give_back(engine_rig *rig, model *m)
{
    if (m->count == 0) {
        return;
    }
    model_hold *one = &m->holds[holds_pick(&m->seed, (unsigned)m->count)];
    double asked = 1 + holds_pick(&m->seed, 6);
    double valid = asked < one->quantity ? asked : one->quantity;
    rf_result *result = holds_give_back(rig, one->place, &one->result, asked);
    assert_int_equal(result->status,
                     valid > 0 ? RF_OK : RF_E_UNKNOWN_RESERVATION);
    assert_true(result->invalid_offset == engine_units(asked - valid));
    one->quantity -= valid;
}

static void compare_model(engine_rig *rig, const model *m)
{
    double shelf = 0;
    double other = 0;
    size_t live = 0;
    for (size_t i = 0; i < m->count; i++) {
        bool is_other = strcmp(m->holds[i].place, OTHER_SHELF) == 0;
        *(is_other ? &other : &shelf) += m->holds[i].quantity;
        live += m->holds[i].quantity > 0 ? 1 : 0;
    }
    engine_expect(rig, "SHIRT", SHELF, "iv.softreserved", shelf);
    engine_expect(rig, "SHIRT", OTHER_SHELF, "iv.softreserved", other);
    assert_int_equal(holds_count_ends(rig), live);
}

static void test_a_walk_at_random(void **state)
{
    engine_rig *rig = *state;
    model *m = calloc(1, sizeof *m);
    assert_non_null(m);
    m->seed = 20310505;
    for (unsigned i = 0; i < 600 && m->count < 400; i++) {
        /* The clock moves on, now and then back. */
        rig->now_ms += holds_pick(&m->seed, 10) == 0
                           ? -(int64_t)holds_pick(&m->seed, 5)
                           : holds_pick(&m->seed, 5);
        end_model(m, rig->now_ms);
        switch (holds_pick(&m->seed, 8)) {
        case 0:
        case 1:
        case 2:
        case 3:
            walk_hold(rig, m);
            break;
        case 4:
        case 5:
            walk_give_back(rig, m);
            break;
        case 6:
            if (holds_pick(&m->seed, 8) == 0) {
                engine_restart(rig);
            }
            engine_settle(rig);
            break;
        default:
            break;
        }
        assert_int_equal(holds_sweep(rig), RF_OK);
        compare_model(rig, m);
    }
    assert_true(m->count > 200);
    free(m);
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_shop, engine_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_a_thousand_ends_at_once),
        CASE(test_maintenance_ends_holds_in_steps),
        CASE(test_erasing_a_product_takes_ends_away),
        CASE(test_a_full_store_ends_holds_later),
        CASE(test_ends_without_memory),
        CASE(test_an_end_that_has_no_room),
        CASE(test_holds_end_while_a_level_is_built),
        CASE(test_damage_stays_in_its_environment),
        CASE(test_damage_is_told_now_and_then),
        CASE(test_a_walk_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
