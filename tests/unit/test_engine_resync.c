/*
 * test_engine_resync.c - taking reservations away, however it is interrupted.
 */
#include "core/alloc.h"
#include "core/journal.h"
#include "core/reservations.h"
#include "tests/unit/holds_fixture.h"
#include "tests/unit/jobs_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHELF "siteid=1, locationid=W"
#define OTHER_SHELF "siteid=2, locationid=X"
#define RED_S SHELF ", ColorId=red, SizeId=S"
#define ONLY_S SHELF ", SizeId=S"
#define MINUTE INT64_C(60000)

static void post(engine_rig *rig, const char *product, const char *place,
                 const char *changes)
{
    rf_command command = engine_post(rig, product, place, changes);
    engine_do(rig, &command);
}

static rf_result *reserve(engine_rig *rig, const char *product,
                          const char *place, double quantity, const char *tag)
{
    rf_command command = engine_reserve(rig, product, place, quantity, false);
    command.order_tag = rf_text_of(tag);
    return engine_do(rig, &command);
}

static void resync(engine_rig *rig, unsigned number)
{
    jobs_open_resync(rig, number);
    engine_settle(rig);
    assert_int_equal(jobs_state(rig, number), RF_JOB_COMPLETED);
}

static rf_status count_held(void *context, const rf_held *held, rf_error *err)
{
    (void)held;
    (void)err;
    ++*(size_t *)context;
    return RF_OK;
}

static size_t count_reservations(engine_rig *rig)
{
    size_t count = 0;
    bool end = false;
    rf_reservation_filter filter = {.organization = RF_TEXT_EMPTY,
                                    .product = RF_TEXT_EMPTY};
    rf_reservation_listing listing = {.environment =
                                          engine_generation(rig)->environment,
                                      .filter = &filter,
                                      .limit = SIZE_MAX,
                                      .visit = count_held,
                                      .context = &count};
    while (!end) {
        assert_int_equal(
            rf_reservations_list(rig->disk->store, &listing, &end, NULL),
            RF_OK);
    }
    return count;
}

/* What the journal tells of resyncs. */
typedef struct told {
    size_t entries;
    rf_quantity sum; /* of all deltas */
    rf_entry last;   /* without its lists */
} told;

static bool note_entry(void *context, const rf_entry *entry)
{
    told *seen = context;
    if (entry->operation == RF_OPERATION_RESYNC) {
        seen->entries++;
        seen->last = *entry;
        for (size_t i = 0; i < entry->movement_count; i++) {
            seen->sum += entry->movements[i].delta;
            assert_true(entry->movements[i].delta != 0);
        }
    }
    return true;
}

static told read_told(engine_rig *rig)
{
    told seen = {0};
    rf_store *store = rig->disk->store;
    rf_store_transaction *reader = rig_begin(store, false);
    assert_int_equal(
        rf_journal_read(
            store, reader,
            (rf_journal_range){engine_generation(rig)->environment, 0},
            note_entry, &seen, NULL),
        RF_OK);
    store->operations->abort(reader);
    return seen;
}

static void test_takes_reservations_away(void **state)
{
    engine_rig *rig = *state;
    post(rig, "SHIRT", RED_S, "pos.inbound=10");
    rf_result *held = reserve(rig, "SHIRT", RED_S, 3, "");
    reserve(rig, "SHIRT", RED_S, 2, "A");
    reserve(rig, "SHIRT", SHELF, 4, "");
    holds_make(rig, ONLY_S, 1, MINUTE);
    reserve(rig, "HAT", OTHER_SHELF, 5, "");
    resync(rig, 1);
    engine_expect(rig, "SHIRT", "", "iv.softreserved", 0);
    engine_expect(rig, "SHIRT", SHELF, "iv.softreserved", 0);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 10);
    engine_expect(rig, "HAT", OTHER_SHELF, "iv.softreserved", 0);
    assert_int_equal(count_reservations(rig), 0);
    assert_int_equal(holds_count_ends(rig), 0);
    rf_command back = engine_unreserve(rig, "SHIRT", RED_S, held, 1);
    assert_int_equal(engine_run(rig, &back)->status, RF_E_UNKNOWN_RESERVATION);
    rf_command all = engine_reserve(rig, "SHIRT", RED_S, 10, true);
    assert_int_equal(engine_run(rig, &all)->status, RF_OK);
}

static void test_tells_the_journal_row_by_row(void **state)
{
    engine_rig *rig = *state;
    reserve(rig, "SHIRT", RED_S, 3, "");
    reserve(rig, "SHIRT", RED_S, 2, "A");
    reserve(rig, "SHIRT", SHELF, 4, "");
    uint64_t before = holds_last_number(rig);
    resync(rig, 1);
    assert_int_equal(holds_last_number(rig), before + 2);
    told seen = read_told(rig);
    assert_int_equal(seen.entries, 2);
    assert_true(seen.sum == engine_units(-9));
    assert_int_equal(seen.last.result.status, RF_OK);
    resync(rig, 2);
    assert_int_equal(holds_last_number(rig), before + 2);
}

/* What was posted to the measure by other ways goes as well, and a record below
 * zero. */
static void test_levels_what_has_no_record(void **state)
{
    engine_rig *rig = *state;
    post(rig, "SHIRT", RED_S, "iv.softreserved=7, pos.inbound=1");
    post(rig, "SHIRT", SHELF, "iv.softreserved=-2");
    reserve(rig, "SHIRT", ONLY_S, -5, "");
    reserve(rig, "SHIRT", RED_S, 3, "");
    resync(rig, 1);
    engine_expect(rig, "SHIRT", "", "iv.softreserved", 0);
    engine_expect(rig, "SHIRT", SHELF, "iv.softreserved", 0);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 1);
    assert_true(read_told(rig).sum == engine_units(-3));
    assert_int_equal(read_told(rig).entries, 3);
}

static void test_a_consumption_reserves_no_more(void **state)
{
    engine_rig *rig = *state;
    post(rig, "SHIRT", RED_S, "pos.inbound=10");
    rf_command command = engine_allocation(rig, RF_OPERATION_ALLOCATE, "SHIRT",
                                           RED_S ", channel=web", 6);
    engine_do(rig, &command);
    command = engine_consume(rig, "SHIRT", RED_S ", channel=web", 4,
                             "iv.softreserved=1");
    engine_do(rig, &command);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 4);
    resync(rig, 1);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
    engine_expect(rig, "SHIRT", RED_S, "@iv.@allocated", 2);
    engine_expect(rig, "SHIRT", RED_S, "@iv.@consumed", 4);
    assert_int_equal(count_reservations(rig), 0);
    rf_command rest = engine_reserve(rig, "SHIRT", RED_S, 9, true);
    assert_int_equal(engine_run(rig, &rest)->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
    rest = engine_reserve(rig, "SHIRT", RED_S, 8, true);
    assert_int_equal(engine_run(rig, &rest)->status, RF_OK);
}

static void test_only_the_measures_that_were_named(void **state)
{
    engine_rig *rig = *state;
    reserve(rig, "SHIRT", RED_S, 3, "");
    post(rig, "SHIRT", RED_S, "pos.outbound=2");
    const rf_task *task = jobs_submit_resync(rig, 1, "pos.outbound");
    engine_settle(rig);
    assert_null(task->owner);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 3);
    engine_expect(rig, "SHIRT", RED_S, "pos.outbound", 0);
    assert_int_equal(count_reservations(rig), 1);
    jobs_submit_resync(rig, 2, "");
    engine_settle(rig);
    assert_int_equal(count_reservations(rig), 1);
    assert_int_equal(jobs_state(rig, 2), RF_JOB_COMPLETED);
}

static void test_says_how_far_it_is(void **state)
{
    engine_rig *rig = *state;
    rf_job_record record;
    for (int i = 0; i < 5; i++) {
        char product[16];
        snprintf(product, sizeof product, "P%d", i);
        reserve(rig, product, SHELF, 1, "");
    }
    jobs_submit_resync(rig, 7, "iv.softreserved");
    engine_settle(rig);
    assert_true(jobs_read(rig, jobs_id(RF_JOB_RESYNC, 7), &record));
    assert_int_equal(record.done, 5);
    assert_int_equal(record.total, 5);
    assert_true(rf_text_equal(record.message, rf_text_of("Job Completed")));
    assert_true(rf_text_equal(record.actor, rf_text_of("tester")));
    assert_int_equal(record.failures, 0);
    assert_false(jobs_read(rig, jobs_id(RF_JOB_RESYNC, 8), &record));
}

/* ---- Interrupted ---- */

/* More rows and records than one step takes, of several products. */
#define MANY_ROWS 450U

static void fill_many(engine_rig *rig)
{
    rf_command lines[500];
    for (unsigned product = 0; product < 3; product++) {
        char name[16];
        snprintf(name, sizeof name, "P%u", product);
        for (unsigned i = 0; i < 300; i++) {
            char place[96];
            snprintf(place, sizeof place, SHELF ", ColorId=c%u, SizeId=s%u",
                     i % 150, i % 150 % 3);
            lines[i] = engine_reserve(rig, name, place, 1, false);
            lines[i].order_tag = rf_text_of(i < 150 ? "" : "second");
            lines[i].ttl_ms = i % 5 == 0 ? MINUTE : 0;
        }
        engine_run_job(rig, engine_job(rig, lines, 300));
    }
}

static void test_goes_on_after_a_restart(void **state)
{
    engine_rig *rig = *state;
    rf_job_record record;
    unsigned steps = 0;
    fill_many(rig);
    assert_int_equal(count_reservations(rig), 900);
    jobs_submit_resync(rig, 1, "iv.softreserved");
    assert_int_equal(jobs_step(rig), RF_OK);
    size_t left = count_reservations(rig);
    assert_true(left > 0 && left < 900);
    while (jobs_state(rig, 1) != RF_JOB_COMPLETED) {
        rf_verify_report report = {0};
        if (steps % 2 == 0) {
            engine_reopen(rig);
        }
        assert_int_equal(jobs_step(rig), RF_OK);
        assert_int_equal(engine_verify(rig, &report), 0);
        assert_true(count_reservations(rig) <= left);
        left = count_reservations(rig);
        assert_true(++steps < 100);
    }
    assert_true(steps > 4);
    assert_int_equal(left, 0);
    assert_int_equal(holds_count_ends(rig), 0);
    told seen = read_told(rig);
    assert_true(seen.sum == engine_units(-900));
    assert_true(seen.entries >= MANY_ROWS && seen.entries <= 2 * MANY_ROWS);
    assert_true(jobs_read(rig, jobs_id(RF_JOB_RESYNC, 1), &record));
    assert_int_equal(record.done, 3);
    assert_int_equal(record.total, 3);
}

static void test_jobs_wait_for_each_other(void **state)
{
    engine_rig *rig = *state;
    fill_many(rig);
    rig->now_ms += 1;
    jobs_submit_resync(rig, 9, "iv.softreserved");
    assert_int_equal(jobs_step(rig), RF_OK);
    rig->now_ms += 1;
    jobs_submit_resync(rig, 3, "iv.softreserved");
    assert_int_equal(jobs_step(rig), RF_OK);
    assert_int_equal(jobs_state(rig, 9), RF_JOB_RUNNING);
    assert_int_equal(jobs_state(rig, 3), RF_JOB_QUEUED);
    engine_restart(rig);
    assert_int_equal(jobs_state(rig, 3), RF_JOB_COMPLETED);
    assert_int_equal(jobs_state(rig, 9), RF_JOB_COMPLETED);
    assert_int_equal(count_reservations(rig), 0);
}

/* A level that is being built counts what goes exactly as often as it counted
 * it. */
static void test_a_level_is_built_meanwhile(void **state)
{
    engine_rig *rig = *state;
    fill_many(rig);
    draft_index_set(rig->draft, "SizeId");
    rf_task *task = engine_submit_configure(rig);
    jobs_submit_resync(rig, 1, "iv.softreserved");
    engine_settle(rig);
    assert_int_equal(task->status, RF_OK);
    engine_expect(rig, "P1", SHELF ", SizeId=s1", "iv.softreserved", 0);
    engine_expect(rig, "P1", SHELF, "iv.softreserved", 0);
}

static void test_a_partition_is_erased_meanwhile(void **state)
{
    engine_rig *rig = *state;
    fill_many(rig);
    reserve(rig, "P1", OTHER_SHELF, 2, "");
    jobs_submit_resync(rig, 1, "iv.softreserved");
    assert_int_equal(jobs_step(rig), RF_OK);
    assert_int_equal(engine_erase(rig, "usmf~1~W"), RF_OK);
    engine_settle(rig);
    assert_int_equal(jobs_state(rig, 1), RF_JOB_COMPLETED);
    assert_int_equal(count_reservations(rig), 0);
    engine_expect(rig, "P1", OTHER_SHELF, "iv.softreserved", 0);
}

/* ---- Others go on reserving ---- */

/* What every row has is what its records hold, whoever came in between. */
typedef struct balance {
    const char *place;
    rf_quantity held;
    engine_rig *rig;
} balance;

static rf_status add_held(void *context, const rf_held *held, rf_error *err)
{
    balance *sum = context;
    rf_place place = engine_place(sum->rig, sum->place);
    (void)err;
    if (place.given == held->place->given &&
        rf_place_agrees(held->place, &place, place.given)) {
        sum->held += held->reservation->quantity;
    }
    return RF_OK;
}

static void expect_balanced(engine_rig *rig, const char *product,
                            const char *place)
{
    balance sum = {.place = place, .rig = rig};
    bool end = false;
    rf_reservation_filter filter = {.organization =
                                        rf_text_of(RIG_ORGANIZATION),
                                    .product = rf_text_of(product)};
    rf_reservation_listing listing = {.environment =
                                          engine_generation(rig)->environment,
                                      .filter = &filter,
                                      .limit = SIZE_MAX,
                                      .visit = add_held,
                                      .context = &sum};
    while (!end) {
        assert_int_equal(
            rf_reservations_list(rig->disk->store, &listing, &end, NULL),
            RF_OK);
    }
    char leaf[160];
    snprintf(leaf, sizeof leaf, "%s", place);
    rf_key key;
    rf_place at = engine_place(rig, leaf);
    rf_key_product(&key, engine_generation(rig)->environment,
                   rf_text_of(RIG_ORGANIZATION), rf_text_of(product));
    rf_key_node(&key, engine_generation(rig)->levels[0].number, RF_LEVEL_LEAF,
                &at);
    rf_store_transaction *reader = rig_begin(rig->disk->store, false);
    rf_store_item item = {.table = RF_TABLE_STOCK, .key = rf_key_bytes(&key)};
    rf_node node = {0};
    assert_int_equal(rig->disk->store->operations->load(reader, &item, 1, NULL),
                     RF_OK);
    if (item.value.bytes != NULL) {
        assert_int_equal(rf_node_decode(item.value, &node, NULL), RF_OK);
    }
    assert_true(rf_measures_get(&node.measures,
                                engine_measure(rig, "iv.softreserved")) ==
                sum.held);
    rf_measures_done(&node.measures);
    rig->disk->store->operations->abort(reader);
}

/* Reserve, hold and give back at random between the steps. */
static void disturb(engine_rig *rig, uint64_t *seed)
{
    static const char *const places[] = {RED_S, SHELF, ONLY_S, OTHER_SHELF};
    char product[16];
    char tag[16];
    const char *place = places[holds_pick(seed, 4)];
    snprintf(product, sizeof product, "P%u", holds_pick(seed, 4));
    snprintf(tag, sizeof tag, "t%u", holds_pick(seed, 6));
    rf_command command = engine_reserve(rig, product, place,
                                        1 + (double)holds_pick(seed, 3), false);
    command.order_tag =
        rf_text_of(rf_arena_copy(&rig->arena, tag, strlen(tag)));
    command.ttl_ms = holds_pick(seed, 3) == 0 ? 1 + holds_pick(seed, 20) : 0;
    rf_result *result = engine_do(rig, &command);
    if (holds_pick(seed, 3) == 0) {
        rf_command back = engine_unreserve(rig, product, place, result, 1);
        engine_do(rig, &back);
    }
    rig->now_ms += holds_pick(seed, 4);
}

static void test_others_reserve_meanwhile(void **state)
{
    static const char *const places[] = {RED_S, SHELF, ONLY_S, OTHER_SHELF};
    engine_rig *rig = *state;
    uint64_t seed = 20310708;
    for (unsigned round = 1; round <= 12; round++) {
        fill_many(rig);
        for (unsigned i = 0; i < 40; i++) {
            disturb(rig, &seed);
        }
        jobs_submit_resync(rig, round, "iv.softreserved");
        do {
            assert_int_equal(jobs_step(rig), RF_OK);
            for (unsigned i = 0; i < 5; i++) {
                disturb(rig, &seed);
            }
        } while (jobs_state(rig, round) != RF_JOB_COMPLETED);
        assert_int_equal(holds_sweep(rig), RF_OK);
        for (unsigned i = 0; i < 16; i++) {
            char product[16];
            snprintf(product, sizeof product, "P%u", i / 4);
            expect_balanced(rig, product, places[i % 4]);
        }
        rf_verify_report report = {0};
        assert_int_equal(engine_verify(rig, &report), 0);
    }
    resync(rig, 99);
    assert_int_equal(count_reservations(rig), 0);
}

/* ---- Failures ---- */

static const rf_store_operations *whole_operations;
static rf_status failure;
static unsigned fail_commits;
static unsigned skip_commits;

static rf_status commit_badly(rf_store_transaction *transaction, rf_error *err)
{
    if (skip_commits > 0) {
        skip_commits--;
    } else if (fail_commits > 0) {
        fail_commits--;
        whole_operations->abort(transaction);
        return rf_fail(err, failure, "the disk is on fire");
    }
    return whole_operations->commit(transaction, err);
}

static rf_status grow_not(rf_store *store, rf_error *err)
{
    (void)store;
    return rf_fail(err, RF_E_STORAGE_FULL, "no room");
}

static rf_store_operations bad_operations;

static void break_store(engine_rig *rig, rf_status with, unsigned skip,
                        unsigned count)
{
    whole_operations = rig->disk->store->operations;
    bad_operations = *whole_operations;
    bad_operations.commit = commit_badly;
    bad_operations.grow = grow_not;
    rig->disk->store->operations = &bad_operations;
    failure = with;
    skip_commits = skip;
    fail_commits = count;
}

static void mend_store(engine_rig *rig)
{
    rig->disk->store->operations = whole_operations;
}

static void test_a_step_that_fails_is_tried_again(void **state)
{
    engine_rig *rig = *state;
    rf_job_record record;
    reserve(rig, "SHIRT", RED_S, 3, "");
    jobs_submit_resync(rig, 1, "iv.softreserved");
    break_store(rig, RF_E_STORAGE, 1, 1);
    assert_int_equal(jobs_step(rig), RF_OK);
    assert_true(jobs_read(rig, jobs_id(RF_JOB_RESYNC, 1), &record));
    assert_int_equal(record.state, RF_JOB_QUEUED);
    assert_int_equal(record.failures, 1);
    assert_true(
        rf_text_equal(record.message, rf_text_of("the disk is on fire")));
    engine_settle(rig); /* not at once */
    assert_int_equal(jobs_state(rig, 1), RF_JOB_QUEUED);
    rig->now_ms += 1000;
    engine_settle(rig);
    assert_true(jobs_read(rig, jobs_id(RF_JOB_RESYNC, 1), &record));
    assert_int_equal(record.state, RF_JOB_COMPLETED);
    assert_int_equal(record.failures, 0); /* other steps may fail as often */
    mend_store(rig);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
    assert_int_equal(read_told(rig).entries, 1);
}

static void post_raw(engine_rig *rig, const char *place, rf_quantity quantity)
{
    rf_amount amount = {engine_measure(rig, "iv.softreserved"), quantity};
    rf_command command = engine_post(rig, "SHIRT", place, "");
    command.changes = &amount;
    command.change_count = 1;
    engine_do(rig, &command);
}

/* Totals so low that nothing can be taken out of them: not even the first row
 * can be done. */
static void test_a_job_that_fails_too_often_has_failed(void **state)
{
    engine_rig *rig = *state;
    rf_job_record record;
    post_raw(rig, SHELF ", ColorId=a", 5);
    post_raw(rig, SHELF ", ColorId=b", INT64_MIN + 1);
    post_raw(rig, SHELF ", ColorId=c", -5);
    jobs_submit_resync(rig, 1, "iv.softreserved");
    for (unsigned failed = 1; failed <= 4; failed++) {
        assert_int_equal(jobs_step(rig), RF_OK);
        assert_true(jobs_read(rig, jobs_id(RF_JOB_RESYNC, 1), &record));
        assert_int_equal(record.failures, failed);
        assert_int_equal(record.state,
                         failed < 4 ? RF_JOB_QUEUED : RF_JOB_FAILED);
        rig->now_ms += 1000;
    }
    assert_true(record.message.length > 0);
    engine_settle(rig);
    engine_restart(rig);
    assert_int_equal(jobs_state(rig, 1), RF_JOB_FAILED);
    assert_int_equal(read_told(rig).entries, 0);
}

/* A failure that cannot be noted is noted later. */
static void test_a_failure_that_cannot_be_saved(void **state)
{
    engine_rig *rig = *state;
    reserve(rig, "SHIRT", RED_S, 3, "");
    jobs_submit_resync(rig, 1, "iv.softreserved");
    break_store(rig, RF_E_STORAGE, 1, 9);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(jobs_step(rig), RF_E_STORAGE);
        rig->now_ms += 1000;
    }
    fail_commits = 0;
    assert_int_equal(jobs_step(rig), RF_OK);
    engine_settle(rig);
    mend_store(rig);
    assert_int_equal(jobs_state(rig, 1), RF_JOB_FAILED);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 3);
}

/* Without room a job waits; that is no failure of its own. */
static void test_a_job_waits_for_room(void **state)
{
    engine_rig *rig = *state;
    rf_job_record record;
    reserve(rig, "SHIRT", RED_S, 3, "");
    jobs_submit_resync(rig, 1, "iv.softreserved");
    break_store(rig, RF_E_STORAGE_FULL, 1, 10);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(jobs_step(rig), RF_E_STORAGE_FULL);
    }
    engine_settle(rig);
    mend_store(rig);
    assert_true(jobs_read(rig, jobs_id(RF_JOB_RESYNC, 1), &record));
    assert_int_equal(record.state, RF_JOB_COMPLETED);
    assert_int_equal(record.failures, 0);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
}

/* Whichever allocation fails, a step is done wholly or not at all. */
static void test_without_memory(void **state)
{
    engine_rig *rig = *state;
    unsigned long nth = 0;
    rf_job_record record = {.state = RF_JOB_QUEUED};
    rf_job_id id = jobs_id(RF_JOB_RESYNC, 1);
    reserve(rig, "SHIRT", RED_S, 3, "");
    holds_make(rig, SHELF, 2, MINUTE);
    while (!jobs_read(rig, id, &record) || record.state != RF_JOB_COMPLETED) {
        bool more;
        rf_error err = {0};
        if (record.created_ms == 0) {
            jobs_submit_resync(rig, 1, "iv.softreserved");
        }
        rf_alloc_fail_at(++nth);
        rf_status status = rf_engine_step(rig->engine, &more, &err);
        rf_alloc_fail_at(0);
        assert_true(status == RF_OK || status == RF_E_NO_MEMORY);
    }
    assert_true(nth > 3);
    assert_int_equal(record.failures, 0);
    assert_int_equal(read_told(rig).entries, 2);
    engine_expect(rig, "SHIRT", SHELF, "iv.softreserved", 0);
}

int main(void)
{
#define SHOP(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_shop, engine_tear_down)
#define POOL(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_pool, engine_tear_down)
    const struct CMUnitTest tests[] = {
        SHOP(test_takes_reservations_away),
        SHOP(test_tells_the_journal_row_by_row),
        SHOP(test_levels_what_has_no_record),
        POOL(test_a_consumption_reserves_no_more),
        SHOP(test_only_the_measures_that_were_named),
        SHOP(test_says_how_far_it_is),
        SHOP(test_goes_on_after_a_restart),
        SHOP(test_jobs_wait_for_each_other),
        SHOP(test_a_level_is_built_meanwhile),
        SHOP(test_a_partition_is_erased_meanwhile),
        SHOP(test_others_reserve_meanwhile),
        SHOP(test_a_step_that_fails_is_tried_again),
        SHOP(test_a_job_that_fails_too_often_has_failed),
        SHOP(test_a_failure_that_cannot_be_saved),
        SHOP(test_a_job_waits_for_room),
        SHOP(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
