/*
 * test_writer.c - the thread that carries out batches and maintenance.
 */
#include "server/writer.h"
#include "tests/unit/engine_rig.h"
#include "tests/unit/full_store.h"
#include "tests/unit/unit.h"

#include <semaphore.h>

typedef struct waiting {
    rf_writer *writer;
    unsigned long turn; /* in which the task was done */
    sem_t done;
} waiting;

static void note_turn(rf_task *task)
{
    waiting *w = task->owner;
    w->turn = rf_writer_turns(w->writer);
    sem_post(&w->done);
}

/* What makes room must not wait for there to be some. */
static void test_a_full_disk_does_not_stop_maintenance(void **state)
{
    engine_rig *rig = *state;
    full_store full;
    waiting w = {.turn = 0};
    rf_writer_options options = {.engine = rig->engine, .commands_max = 10};
    rf_text partition = rf_text_of("no partition");
    rf_task task = {.kind = RF_TASK_ERASE,
                    .environment = rf_text_of(RIG_ENVIRONMENT),
                    .actor = rf_text_of("tester"),
                    .partitions = &partition,
                    .partition_count = 1,
                    .done = note_turn,
                    .owner = &w};
    rf_command command =
        engine_post(rig, "SHIRT", "siteid=1, locationid=W", "pos.inbound=1");
    rf_job *job = engine_job(rig, &command, 1);
    assert_int_equal(sem_init(&w.done, 0, 0), 0);
    assert_int_equal(rf_writer_create(&options, &w.writer, NULL), RF_OK);
    full_store_begin(&full, rig->disk->store);
    full.commits_full = 1;
    assert_int_equal(rf_writer_submit(w.writer, job, NULL), RF_OK);
    assert_int_equal(rf_writer_submit_task(w.writer, &task, NULL), RF_OK);
    assert_int_equal(rf_writer_start(w.writer, NULL), RF_OK);
    assert_int_equal(sem_wait(&w.done), 0);
    rf_writer_stop(w.writer);
    full_store_end(&full);
    rf_writer_free(w.writer);
    sem_destroy(&w.done);
    assert_int_equal(job->results[0].status, RF_E_STORAGE_FULL);
    assert_int_equal(task.status, RF_E_INVALID_FIELD);
    assert_int_equal(w.turn, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_a_full_disk_does_not_stop_maintenance, engine_set_up_shop,
            engine_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
