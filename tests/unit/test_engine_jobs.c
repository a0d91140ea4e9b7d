/*
 * test_engine_jobs.c - opening jobs, how many there may be, how long they stay.
 */
#include "tests/unit/full_store.h"
#include "tests/unit/holds_fixture.h"
#include "tests/unit/jobs_fixture.h"
#include "tests/unit/unit.h"

#include <string.h>

#define DAY (INT64_C(24) * 3600 * 1000)

static bool count_record(void *context, rf_bytes key, rf_bytes value)
{
    (void)key;
    (void)value;
    ++*(size_t *)context;
    return true;
}

static size_t count_jobs(engine_rig *rig)
{
    rf_store *store = rig->disk->store;
    rf_store_transaction *reader = rig_begin(store, false);
    size_t count = 0;
    rf_store_range all = {RF_TABLE_JOBS, {NULL, 0}, {NULL, 0}};
    assert_int_equal(
        store->operations->scan(reader, &all, count_record, &count, NULL),
        RF_OK);
    store->operations->abort(reader);
    return count;
}

static rf_status open_log(engine_rig *rig, unsigned number, uint64_t content)
{
    const rf_task *task = jobs_submit_log(rig, number, content);
    assert_int_equal(jobs_step(rig), RF_OK);
    assert_null(task->owner);
    return task->status;
}

static void test_a_selection_is_completed_at_once(void **state)
{
    engine_rig *rig = *state;
    rf_job_record record;
    rf_command command = engine_post(rig, "SHIRT", "siteid=1", "pos.inbound=1");
    engine_do(rig, &command);
    assert_int_equal(open_log(rig, 1, 5), RF_OK);
    assert_true(jobs_read(rig, jobs_id(RF_JOB_LOG, 1), &record));
    assert_int_equal(record.state, RF_JOB_COMPLETED);
    assert_int_equal(record.number, 2);
    assert_true(record.created_ms == rig->now_ms);
    assert_true(rf_text_equal(record.message, rf_text_of("Job Completed")));
    assert_false(jobs_read(rig, jobs_id(RF_JOB_RESYNC, 1), &record));
}

static void test_the_same_job_is_opened_once(void **state)
{
    engine_rig *rig = *state;
    rf_job_record record;
    int64_t start = rig->now_ms;
    assert_int_equal(open_log(rig, 1, 5), RF_OK);
    rig->now_ms += 1000;
    engine_restart(rig);
    assert_int_equal(open_log(rig, 1, 5), RF_OK);
    assert_int_equal(open_log(rig, 1, 6), RF_E_CONFLICT);
    assert_true(jobs_read(rig, jobs_id(RF_JOB_LOG, 1), &record));
    assert_true(record.created_ms == start);
    assert_int_equal(record.content.low, 5);
    assert_int_equal(count_jobs(rig), 1);
}

static void test_an_environment_that_is_not_there(void **state)
{
    engine_rig *rig = *state;
    rf_task *task = jobs_submit_log(rig, 1, 5);
    task->environment = rf_text_of("elsewhere");
    assert_int_equal(jobs_step(rig), RF_OK);
    assert_null(task->owner);
    assert_int_equal(task->status, RF_E_UNKNOWN_ENVIRONMENT);
    assert_int_equal(count_jobs(rig), 0);
}

/* Opening does not wait for administration that takes its time. */
static void test_opening_waits_for_nothing(void **state)
{
    engine_rig *rig = *state;
    rf_task *erasing = engine_submit_erase(rig, "usmf~1~W");
    rf_task *again = engine_submit_erase(rig, "usmf~1~W");
    const rf_task *task = jobs_submit_log(rig, 1, 5);
    assert_int_equal(jobs_step(rig), RF_OK);
    assert_null(task->owner);
    engine_settle(rig);
    assert_null(erasing->owner);
    assert_null(again->owner);
}

/* Where nothing can be stored, who opens a job is told so, whatever else there
 * is no room for. */
static void test_a_full_store_refuses_jobs(void **state)
{
    engine_rig *rig = *state;
    full_store full;
    holds_make(rig, "siteid=1, locationid=W", 5, 1000);
    rig->now_ms += 1000;
    full_store_begin(&full, rig->disk->store);
    full.commits_full = 2;
    const rf_task *task = jobs_submit_log(rig, 1, 5);
    assert_int_equal(jobs_step(rig), RF_E_STORAGE_FULL);
    full_store_end(&full);
    assert_null(task->owner);
    assert_int_equal(task->status, RF_E_STORAGE_FULL);
    assert_int_equal(count_jobs(rig), 0);
}

/* Hand over more than may wait, before any of them can be carried out. */
static void test_so_many_may_wait(void **state)
{
    engine_rig *rig = *state;
    const rf_task *tasks[RF_JOBS_WAITING_MAX + 1];
    for (unsigned i = 0; i <= RF_JOBS_WAITING_MAX; i++) {
        tasks[i] = jobs_submit_resync(rig, i, "iv.softreserved");
    }
    assert_int_equal(jobs_step(rig), RF_OK);
    for (unsigned i = 0; i < RF_JOBS_WAITING_MAX; i++) {
        assert_null(tasks[i]->owner);
        assert_int_equal(tasks[i]->status, RF_OK);
    }
    assert_int_equal(tasks[RF_JOBS_WAITING_MAX]->status, RF_E_OVERLOADED);
    assert_int_equal(open_log(rig, 1, 5), RF_OK);
    engine_settle(rig);
    assert_int_equal(jobs_state(rig, 0), RF_JOB_COMPLETED);
    assert_int_equal(jobs_state(rig, RF_JOBS_WAITING_MAX - 1),
                     RF_JOB_COMPLETED);
    jobs_open_resync(rig, RF_JOBS_WAITING_MAX);
    engine_settle(rig);
    assert_int_equal(count_jobs(rig), RF_JOBS_WAITING_MAX + 2);
}

/* One more than are kept: the first to have finished goes. */
static void test_so_many_are_kept(void **state)
{
    engine_rig *rig = *state;
    rf_job_record record;
    for (unsigned i = 0; i < RF_JOBS_KEPT_MAX; i++) {
        rig->now_ms += i == 7 ? -5000 : 1;
        jobs_submit_log(rig, i, i);
        if (i % 200 == 7 || i == RF_JOBS_KEPT_MAX - 1 || i == 6) {
            assert_int_equal(jobs_step(rig), RF_OK);
        }
    }
    engine_restart(rig);
    assert_int_equal(count_jobs(rig), RF_JOBS_KEPT_MAX);
    rig->now_ms += 10000;
    assert_int_equal(open_log(rig, RF_JOBS_KEPT_MAX, 1), RF_OK);
    assert_int_equal(count_jobs(rig), RF_JOBS_KEPT_MAX);
    assert_false(jobs_read(rig, jobs_id(RF_JOB_LOG, 7), &record));
    assert_true(jobs_read(rig, jobs_id(RF_JOB_LOG, 0), &record));
    assert_int_equal(open_log(rig, RF_JOBS_KEPT_MAX, 1), RF_OK);
    assert_int_equal(count_jobs(rig), RF_JOBS_KEPT_MAX);
}

static void test_finished_jobs_are_forgotten(void **state)
{
    engine_rig *rig = *state;
    rf_job_record record;
    assert_int_equal(open_log(rig, 1, 5), RF_OK);
    rig->now_ms += DAY;
    jobs_open_resync(rig, 2);
    engine_settle(rig);
    engine_restart(rig);
    rig->now_ms += 29 * DAY;
    engine_settle(rig);
    assert_int_equal(count_jobs(rig), 2);
    rig->now_ms += 1001;
    engine_settle(rig);
    assert_int_equal(count_jobs(rig), 1);
    assert_true(jobs_read(rig, jobs_id(RF_JOB_RESYNC, 2), &record));
    rig->now_ms += DAY;
    engine_settle(rig);
    assert_int_equal(count_jobs(rig), 0);
    assert_int_equal(open_log(rig, 1, 6), RF_OK);
}

/* Spoil a record behind the engine's back. */
static void spoil(engine_rig *rig, rf_job_id id)
{
    rf_key key;
    rf_store *store = rig->disk->store;
    rf_job_key(&key, engine_generation(rig)->environment, &id);
    rf_store_item item = {
        RF_TABLE_JOBS, rf_key_bytes(&key), {(const unsigned char *)"x", 1}};
    rf_store_transaction *writer = rig_begin(store, true);
    assert_int_equal(store->operations->save(writer, &item, 1, NULL), RF_OK);
    rig_commit(store, writer);
    rig->is_damaged = true;
}

/* A job that cannot be read stops no other one, and verification tells. */
static void test_a_damaged_job(void **state)
{
    engine_rig *rig = *state;
    rf_verify_report report = {0};
    jobs_submit_resync(rig, 1, "iv.softreserved");
    assert_int_equal(jobs_step(rig), RF_OK);
    spoil(rig, jobs_id(RF_JOB_RESYNC, 1));
    engine_restart(rig);
    assert_int_equal(engine_verify(rig, &report), 1);
    jobs_open_resync(rig, 2);
    engine_settle(rig);
    assert_int_equal(jobs_state(rig, 2), RF_JOB_COMPLETED);
}

/* What a job is to do is damaged, but not its record: that job fails. */
static void test_a_job_that_makes_no_sense(void **state)
{
    engine_rig *rig = *state;
    rf_buffer parameters = {0};
    rf_write_varint(&parameters, RF_MEASURES_MAX);
    jobs_submit(rig, jobs_id(RF_JOB_RESYNC, 1), &parameters, 0);
    rf_buffer_done(&parameters);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(jobs_step(rig), RF_OK);
        rig->now_ms += 1000;
    }
    assert_int_equal(jobs_state(rig, 1), RF_JOB_FAILED);
    jobs_open_resync(rig, 2);
    engine_settle(rig);
    assert_int_equal(jobs_state(rig, 2), RF_JOB_COMPLETED);
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_shop, engine_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_a_selection_is_completed_at_once),
        CASE(test_the_same_job_is_opened_once),
        CASE(test_an_environment_that_is_not_there),
        CASE(test_opening_waits_for_nothing),
        CASE(test_a_full_store_refuses_jobs),
        CASE(test_so_many_may_wait),
        CASE(test_so_many_are_kept),
        CASE(test_finished_jobs_are_forgotten),
        CASE(test_a_damaged_job),
        CASE(test_a_job_that_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
