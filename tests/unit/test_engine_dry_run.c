/*
 * test_engine_dry_run.c - jobs that only tell what would happen.
 */
#include "core/alloc.h"
#include "tests/unit/full_store.h"
#include "tests/unit/holds_fixture.h"
#include "tests/unit/unit.h"

#include <string.h>

#define SHELF "siteid=1, locationid=W"
#define RED_S SHELF ", ColorId=red, SizeId=S"
#define RED_L SHELF ", ColorId=red, SizeId=L"
#define ONLY_S SHELF ", SizeId=S"
#define MINUTE INT64_C(60000)

/* Results of a dry run own what they show. */
static void forget(rf_job *job)
{
    for (size_t i = 0; i < job->count; i++) {
        rf_result_done(&job->results[i]);
    }
}

static rf_job *dry_job(engine_rig *rig, const rf_command *lines, size_t count)
{
    rf_job *job = engine_job(rig, lines, count);
    job->dry_run = true;
    /* What the memory held before must not matter. */
    memset(job->results, 0xA5, count * sizeof *job->results);
    return job;
}

static void expect_quantity(engine_rig *rig, const rf_result *result,
                            const char *measure, double units)
{
    rf_measure number = engine_measure(rig, measure);
    assert_int_equal(result->status, RF_OK);
    assert_true(rf_measures_has(&result->quantities, number));
    rf_quantity found = rf_measures_get(&result->quantities, number);
    if (found != engine_units(units)) {
        char text[RF_QUANTITY_TEXT_MAX];
        rf_quantity_print(found, text);
        fail_msg("%s would be %s", measure, text);
    }
}

/* What must be the same before and after, byte for byte. */
typedef struct state_of {
    rf_fingerprint content;
    uint64_t journal_last;
    uint64_t ids;
    uint64_t commits;
} state_of;

static bool add_record(void *context, rf_bytes key, rf_bytes value)
{
    rf_buffer *all = context;
    rf_write_text(all, (rf_text){(const char *)key.bytes, key.length});
    rf_write_text(all, (rf_text){(const char *)value.bytes, value.length});
    return true;
}

static state_of look(engine_rig *rig)
{
    rf_store *store = rig->disk->store;
    rf_store_transaction *reader = rig_begin(store, false);
    rf_buffer all = {0};
    for (int table = 0; table < RF_TABLE_COUNT; table++) {
        rf_store_range range = {(rf_table)table, {NULL, 0}, {NULL, 0}};
        assert_int_equal(
            store->operations->scan(reader, &range, add_record, &all, NULL),
            RF_OK);
    }
    store->operations->abort(reader);
    assert_false(rf_buffer_failed(&all));
    rf_environment_figures figures;
    assert_true(rf_engine_environment_figures(rig->engine, 0, &figures));
    state_of out = {rf_fingerprint_of(all.bytes, all.length),
                    figures.journal_last, figures.ids,
                    rig_figures(store).commits};
    rf_buffer_done(&all);
    return out;
}

/* Run a dry job and see that nothing at all has happened. */
static rf_result *run_dry(engine_rig *rig, rf_job *job)
{
    state_of before = look(rig);
    rf_result *results = engine_run_job(rig, job);
    state_of after = look(rig);
    assert_true(before.content.low == after.content.low &&
                before.content.high == after.content.high);
    assert_int_equal(before.journal_last, after.journal_last);
    assert_int_equal(before.ids, after.ids);
    assert_int_equal(before.commits, after.commits);
    for (size_t i = 0; i < job->count; i++) {
        assert_true(results[i].replayed || results[i].number == 0);
    }
    return results;
}

static void test_a_dry_post(void **state)
{
    engine_rig *rig = *state;
    holds_post(rig, RED_S, "pos.inbound=5, fno.availphysical=1");
    rf_command command =
        engine_post(rig, "SHIRT", RED_S, "pos.inbound=2, pos.outbound=0");
    rf_job *job = dry_job(rig, &command, 1);
    const rf_result *result = run_dry(rig, job);
    assert_false(result->replayed);
    expect_quantity(rig, result, "pos.inbound", 7);
    expect_quantity(rig, result, "fno.availphysical", 1);
    expect_quantity(rig, result, "pos.outbound", 0);
    assert_int_equal(result->quantities.count, 3);
    forget(job);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 5);
    /* The id is as new as before. */
    assert_false(engine_do(rig, &command)->replayed);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 7);
}

/* A query grouped by the given dimensions shows all that lies below. */
static void test_the_node_of_the_request_is_shown(void **state)
{
    engine_rig *rig = *state;
    holds_post(rig, RED_S, "pos.inbound=5");
    holds_post(rig, RED_L, "pos.inbound=3");
    holds_post(rig, SHELF ", SizeId=S, StyleId=slim", "pos.inbound=10");
    static const char *const given[] = {
        RED_S,  SHELF ", ColorId=red", SHELF, "siteid=1", "",
        ONLY_S, SHELF ", StyleId=slim"};
    static const double expected[] = {6, 9, 19, 19, 19, 16, 11};
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        rf_command command =
            engine_post(rig, "SHIRT", given[i], "pos.inbound=1");
        rf_job *job = dry_job(rig, &command, 1);
        expect_quantity(rig, run_dry(rig, job), "pos.inbound", expected[i]);
        forget(job);
    }
}

static void test_a_dry_reservation(void **state)
{
    engine_rig *rig = *state;
    holds_post(rig, RED_S, "pos.inbound=15");
    rf_command command = engine_reserve(rig, "SHIRT", RED_S, 9, true);
    rf_job *job = dry_job(rig, &command, 1);
    const rf_result *result = run_dry(rig, job);
    assert_true(result->quantity == engine_units(9));
    assert_true(result->reservation != 0);
    expect_quantity(rig, result, "iv.softreserved", 9);
    expect_quantity(rig, result, "pos.inbound", 15);
    forget(job);
    command = engine_reserve(rig, "SHIRT", RED_S, 16, true);
    job = dry_job(rig, &command, 1);
    result = run_dry(rig, job);
    assert_int_equal(result->status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_true(result->available == engine_units(15));
    assert_int_equal(result->quantities.count, 0);
    command.allow_partial = true;
    job = dry_job(rig, &command, 1);
    result = run_dry(rig, job);
    assert_true(result->partial);
    expect_quantity(rig, result, "iv.softreserved", 15);
    forget(job);
}

static void test_a_dry_hold_does_not_end(void **state)
{
    engine_rig *rig = *state;
    rf_command command = holds_command(rig, RED_S, 4, MINUTE);
    rf_job *job = dry_job(rig, &command, 1);
    const rf_result *result = run_dry(rig, job);
    assert_true(result->expires_ms == rig->now_ms + MINUTE);
    expect_quantity(rig, result, "iv.softreserved", 4);
    forget(job);
    assert_false(holds_is_past(rig, INT64_MAX - 1));
    command = holds_command(rig, RED_S, 4, 0);
    command.expires_ms = rig->now_ms;
    job = dry_job(rig, &command, 1);
    assert_int_equal(run_dry(rig, job)->status, RF_E_INVALID_FIELD);
}

static void test_dry_reversals(void **state)
{
    engine_rig *rig = *state;
    const rf_result *held = holds_make(rig, RED_S, 5, MINUTE);
    rf_command lines[] = {
        engine_unreserve(rig, "SHIRT", RED_S, held, 2),
        engine_unreserve(rig, "", RED_S, held, 9),
        engine_unreserve(rig, "SHIRT", RED_S, held, 1),
    };
    rf_job *job = dry_job(rig, lines, 3);
    const rf_result *results = run_dry(rig, job);
    expect_quantity(rig, &results[0], "iv.softreserved", 3);
    expect_quantity(rig, &results[1], "iv.softreserved", 0);
    assert_true(results[1].invalid_offset == engine_units(6));
    assert_int_equal(results[2].status, RF_E_UNKNOWN_RESERVATION);
    forget(job);
    assert_int_equal(holds_count_ends(rig), 1);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 5);
    assert_int_equal(holds_give_back(rig, RED_S, held, 5)->status, RF_OK);
}

static void test_later_lines_see_earlier_ones(void **state)
{
    engine_rig *rig = *state;
    rf_command lines[] = {
        engine_post(rig, "SHIRT", RED_S, "pos.inbound=15"),
        engine_reserve(rig, "SHIRT", RED_S, 9, true),
        engine_reserve(rig, "SHIRT", RED_S, 9, true),
        engine_reserve(rig, "SHIRT", ONLY_S, 6, true),
        engine_reserve(rig, "SHIRT", RED_S, 9, true),
    };
    lines[4].id = lines[1].id; /* the same again */
    rf_job *job = dry_job(rig, lines, 5);
    const rf_result *results = run_dry(rig, job);
    expect_quantity(rig, &results[0], "pos.inbound", 15);
    expect_quantity(rig, &results[1], "iv.softreserved", 9);
    assert_int_equal(results[2].status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_true(results[2].available == engine_units(6));
    expect_quantity(rig, &results[3], "iv.softreserved", 15);
    assert_true(results[4].replayed);
    assert_int_equal(results[4].number, 0);
    expect_quantity(rig, &results[4], "iv.softreserved", 9);
    forget(job);
}

static void test_a_dry_basket(void **state)
{
    engine_rig *rig = *state;
    holds_post(rig, RED_S, "pos.inbound=15");
    rf_command lines[] = {
        engine_reserve(rig, "SHIRT", RED_S, 9, true),
        engine_reserve(rig, "SHIRT", RED_S, 9, true),
        engine_reserve(rig, "SHIRT", RED_S, 1, true),
    };
    rf_job *job = dry_job(rig, lines, 3);
    job->atomic = true;
    const rf_result *results = run_dry(rig, job);
    assert_int_equal(job->stopped_at, 1);
    assert_int_equal(results[0].status, RF_E_BASKET_REFUSED);
    assert_int_equal(results[0].basket, 0);
    assert_int_equal(results[0].quantities.count, 0);
    assert_int_equal(results[1].status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_int_equal(results[2].status, RF_E_BASKET_REFUSED);
    lines[1].quantity = engine_units(5);
    job = dry_job(rig, lines, 3);
    job->atomic = true;
    results = run_dry(rig, job);
    assert_int_equal(job->stopped_at, 3);
    expect_quantity(rig, &results[0], "iv.softreserved", 9);
    expect_quantity(rig, &results[1], "iv.softreserved", 14);
    expect_quantity(rig, &results[2], "iv.softreserved", 15);
    assert_int_equal(results[2].basket, 0);
    forget(job);
    job = dry_job(rig, lines, 3);
    job->atomic = true;
    job->stops_invalid = true;
    results = run_dry(rig, job);
    assert_int_equal(job->stopped_at, 3);
    assert_int_equal(results[2].status, RF_E_BASKET_REFUSED);
    assert_null(results[2].quantities.amounts);
}

/* What was done before is answered as it was, with the quantities of now. */
static void test_known_ids(void **state)
{
    engine_rig *rig = *state;
    rf_command known = engine_reserve(rig, "SHIRT", RED_S, 9, false);
    const rf_result *first = engine_do(rig, &known);
    rf_command back = engine_unreserve(rig, "", RED_S, first, 2);
    const rf_result *second = engine_do(rig, &back);
    rf_command other = known;
    other.quantity++;
    rf_command lines[] = {known, back, other};
    rf_job *job = dry_job(rig, lines, 3);
    const rf_result *results = run_dry(rig, job);
    assert_true(results[0].replayed);
    assert_int_equal(results[0].number, first->number);
    assert_true(results[0].quantity == engine_units(9));
    expect_quantity(rig, &results[0], "iv.softreserved", 7);
    assert_true(results[1].replayed);
    assert_int_equal(results[1].number, second->number);
    expect_quantity(rig, &results[1], "iv.softreserved", 7);
    assert_int_equal(results[2].status, RF_E_CONFLICT);
    assert_int_equal(results[2].quantities.count, 0);
    forget(job);
}

static void test_known_baskets(void **state)
{
    engine_rig *rig = *state;
    rf_command lines[] = {
        engine_post(rig, "SHIRT", RED_S, "pos.inbound=15"),
        engine_reserve(rig, "SHIRT", RED_S, 9, true),
    };
    rf_job *job = engine_job(rig, lines, 2);
    job->atomic = true;
    engine_run_job(rig, job);
    uint64_t basket = job->results[1].basket;
    holds_post(rig, RED_S, "pos.inbound=1");
    job = dry_job(rig, lines, 2);
    job->atomic = true;
    const rf_result *results = run_dry(rig, job);
    assert_true(results[0].replayed && results[1].replayed);
    assert_int_equal(results[1].basket, basket);
    expect_quantity(rig, &results[0], "pos.inbound", 16);
    expect_quantity(rig, &results[1], "iv.softreserved", 9);
    forget(job);
}

/* Jobs in front of a dry run are seen by it; it is seen by none. */
static void test_other_jobs_of_the_batch(void **state)
{
    engine_rig *rig = *state;
    rf_command first = engine_post(rig, "SHIRT", RED_S, "pos.inbound=5");
    rf_command dry[] = {
        engine_post(rig, "SHIRT", RED_S, "pos.inbound=100"),
        holds_command(rig, RED_S, 50, MINUTE),
        engine_post(rig, "NEW", RED_S, "pos.inbound=1"),
    };
    rf_command second = engine_reserve(rig, "SHIRT", RED_S, 6, true);
    rf_command third = engine_reserve(rig, "SHIRT", RED_S, 5, true);
    rf_command same = dry[2];
    rf_job *jobs[] = {
        engine_job(rig, &first, 1),  dry_job(rig, dry, 3),
        engine_job(rig, &second, 1), engine_job(rig, &third, 1),
        engine_job(rig, &same, 1),
    };
    uint64_t before = holds_last_number(rig);
    for (size_t i = 0; i < 4; i++) {
        jobs[i]->next = jobs[i + 1];
    }
    engine_run_job(rig, jobs[0]);
    expect_quantity(rig, &jobs[1]->results[0], "pos.inbound", 105);
    expect_quantity(rig, &jobs[1]->results[1], "iv.softreserved", 50);
    assert_int_equal(jobs[2]->results[0].status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_true(jobs[2]->results[0].available == engine_units(5));
    assert_int_equal(jobs[2]->results[0].number, before + 2);
    assert_int_equal(jobs[3]->results[0].number, before + 3);
    assert_false(jobs[4]->results[0].replayed);
    forget(jobs[1]);
    assert_int_equal(holds_last_number(rig), before + 4);
    assert_int_equal(holds_count_ends(rig), 0);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 5);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 5);
    engine_expect(rig, "NEW", RED_S, "pos.inbound", 1);
}

/* What has ended has ended for a dry run, too. */
static void test_a_dry_run_sees_no_ended_hold(void **state)
{
    engine_rig *rig = *state;
    holds_post(rig, RED_S, "pos.inbound=5");
    holds_make(rig, RED_S, 5, MINUTE);
    rig->now_ms += MINUTE;
    rf_command command = engine_reserve(rig, "SHIRT", RED_S, 5, true);
    rf_job *job = dry_job(rig, &command, 1);
    expect_quantity(rig, engine_run_job(rig, job), "iv.softreserved", 5);
    forget(job);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
}

/* Dry runs and answers from memory alone have nothing to commit. */
static void test_nothing_is_committed(void **state)
{
    engine_rig *rig = *state;
    rf_command known = engine_post(rig, "SHIRT", RED_S, "pos.inbound=1");
    engine_do(rig, &known);
    rf_command line = engine_post(rig, "SHIRT", RED_S, "pos.inbound=1");
    full_store full;
    full_store_begin(&full, rig->disk->store);
    full.commits_full = 1;
    rf_job *job = dry_job(rig, &line, 1);
    job->next = dry_job(rig, &known, 1);
    job->next->next = engine_job(rig, &known, 1);
    engine_run_job(rig, job);
    assert_int_equal(job->results[0].status, RF_OK);
    assert_true(job->next->results[0].replayed);
    assert_true(job->next->next->results[0].replayed);
    forget(job);
    forget(job->next);
    assert_int_equal(full.commits_full, 1);
    full_store_end(&full);
}

/* A batch that finds no room is run again, or fails; what its dry jobs had
 * shown is gone either way. */
static void test_a_batch_without_room(void **state)
{
    engine_rig *rig = *state;
    rf_command lines[] = {
        engine_post(rig, "SHIRT", RED_S, "pos.inbound=1"),
        engine_post(rig, "SHIRT", RED_S, "pos.inbound=2"),
    };
    full_store full;
    full_store_begin(&full, rig->disk->store);
    for (int round = 0; round < 2; round++) {
        rf_job *dry = dry_job(rig, lines, 1);
        dry->next = engine_job(rig, &lines[1], 1);
        full.can_grow = round == 1;
        full.commits_full = 1;
        engine_run_job(rig, dry);
        rf_status expected = full.can_grow ? RF_OK : RF_E_STORAGE_FULL;
        assert_int_equal(dry->results[0].status, expected);
        assert_int_equal(dry->next->results[0].status, expected);
        assert_int_equal(dry->results[0].quantities.count,
                         full.can_grow ? 1 : 0);
        forget(dry);
    }
    full_store_end(&full);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 2);
}

static void test_a_dry_run_without_memory(void **state)
{
    engine_rig *rig = *state;
    holds_post(rig, RED_S, "pos.inbound=5");
    rf_command lines[] = {
        engine_reserve(rig, "SHIRT", ONLY_S, 2, true),
        engine_reserve(rig, "SHIRT", RED_S, 1, true),
    };
    rf_job *job = dry_job(rig, lines, 2);
    rf_status status = RF_E_NO_MEMORY;
    unsigned long nth = 0;
    while (status != RF_OK) {
        rf_error err = {0};
        rf_alloc_fail_at(++nth);
        status = rf_engine_run(rig->engine, job, &err);
        rf_alloc_fail_at(0);
        assert_true(status == RF_OK || status == RF_E_NO_MEMORY);
        assert_true(status == RF_OK || job->results[0].status == status);
        if (status == RF_OK && job->results[1].status == RF_OK) {
            expect_quantity(rig, &job->results[1], "iv.softreserved", 1);
        }
        forget(job);
        engine_expect(rig, "SHIRT", SHELF, "iv.softreserved", 0);
    }
    assert_true(nth > 2);
    lines[0] = engine_reserve(rig, "SHIRT", ONLY_S, 5, true);
    engine_do(rig, &lines[0]);
}

/* The kept ones of the places below come last. */
static const char *const places[] = {ONLY_S, RED_S, RED_L, SHELF};

/* Make a command at random; return where it goes. */
static size_t make_line(engine_rig *rig, uint64_t *seed, rf_command *out)
{
    size_t place = holds_pick(seed, 4);
    if (holds_pick(seed, 3) == 0) {
        *out = engine_post(rig, "SHIRT", places[place], "pos.inbound=3");
    } else {
        *out = engine_reserve(rig, "SHIRT", places[place],
                              1 + holds_pick(seed, 2), true);
        out->ttl_ms = holds_pick(seed, 3) == 0 ? MINUTE : 0;
    }
    return place;
}

static void expect_same(const rf_result *would, const rf_result *did)
{
    assert_int_equal(would->status, did->status);
    assert_true(would->quantity == did->quantity);
    assert_true(would->available == did->available);
    assert_true(would->expires_ms == did->expires_ms);
    assert_int_equal(would->reservation, did->reservation);
    assert_int_equal(would->reservation_created, did->reservation_created);
}

/* Run a few commands dry and then in earnest: the answers are the same, and
 * the last line shows what is there afterwards. */
static void test_dry_and_in_earnest(void **state)
{
    engine_rig *rig = *state;
    const rf_measure inbound = engine_measure(rig, "pos.inbound");
    unsigned compared = 0;
    uint64_t seed = 17;
    for (unsigned round = 0; round < 60; round++) {
        rf_command lines[6];
        size_t last = 0;
        for (size_t i = 0; i < 6; i++) {
            last = make_line(rig, &seed, &lines[i]);
        }
        rf_job *dry = dry_job(rig, lines, 6);
        rf_job *earnest = engine_job(rig, lines, 6);
        dry->atomic = earnest->atomic = round % 3 == 0;
        run_dry(rig, dry);
        engine_run_job(rig, earnest);
        assert_int_equal(dry->stopped_at, earnest->stopped_at);
        for (size_t i = 0; i < 6; i++) {
            expect_same(&dry->results[i], &earnest->results[i]);
        }
        if (dry->results[5].status == RF_OK && last > 0) {
            rf_quantity shown =
                rf_measures_get(&dry->results[5].quantities, inbound);
            engine_expect(rig, "SHIRT", places[last], "pos.inbound",
                          (double)shown / (double)RF_QUANTITY_SCALE);
            compared++;
        }
        forget(dry);
        holds_sweep_at(rig, rig->now_ms + MINUTE / 3);
    }
    assert_true(compared > 10);
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_shop, engine_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_a_dry_post),
        CASE(test_the_node_of_the_request_is_shown),
        CASE(test_a_dry_reservation),
        CASE(test_a_dry_hold_does_not_end),
        CASE(test_dry_reversals),
        CASE(test_later_lines_see_earlier_ones),
        CASE(test_a_dry_basket),
        CASE(test_known_ids),
        CASE(test_known_baskets),
        CASE(test_other_jobs_of_the_batch),
        CASE(test_a_dry_run_sees_no_ended_hold),
        CASE(test_nothing_is_committed),
        CASE(test_a_batch_without_room),
        CASE(test_a_dry_run_without_memory),
        CASE(test_dry_and_in_earnest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
