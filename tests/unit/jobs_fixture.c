/*
 * jobs_fixture.c - jobs for the tests of them.
 */
#include "tests/unit/jobs_fixture.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

rf_job_id jobs_id(rf_job_kind kind, unsigned number)
{
    rf_job_id id = {.kind = kind};
    id.guid[14] = (unsigned char)(number >> 8);
    id.guid[15] = (unsigned char)number;
    return id;
}

rf_task *jobs_submit(engine_rig *rig, rf_job_id id, const rf_buffer *parameters,
                     uint64_t content)
{
    rf_task *task = rf_arena_calloc(&rig->arena, 1, sizeof *task);
    assert_non_null(task);
    const void *copy =
        rf_arena_copy(&rig->arena, parameters->bytes, parameters->length);
    assert_non_null(copy);
    task->kind = RF_TASK_OPEN_JOB;
    task->environment = rf_text_of(RIG_ENVIRONMENT);
    task->actor = rf_text_of("tester");
    task->job = id;
    task->parameters = (rf_bytes){copy, parameters->length};
    task->content.low = content;
    task->done = engine_note_done;
    task->owner = rig;
    rf_engine_submit(rig->engine, task);
    return task;
}

rf_task *jobs_submit_resync(engine_rig *rig, unsigned number,
                            const char *measures)
{
    rf_measure numbers[8];
    size_t count = 0;
    rf_buffer parameters = {0};
    while (*measures != '\0') {
        char name[64];
        size_t length = strcspn(measures, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, measures);
        numbers[count++] = engine_measure(rig, name);
        measures += length + strspn(measures + length, ", ");
    }
    rf_resync_encode(numbers, count, &parameters);
    rf_task *task =
        jobs_submit(rig, jobs_id(RF_JOB_RESYNC, number), &parameters, 0);
    rf_buffer_done(&parameters);
    return task;
}

void jobs_open_resync(engine_rig *rig, unsigned number)
{
    const rf_task *task = jobs_submit_resync(rig, number, "iv.softreserved");
    assert_int_equal(jobs_step(rig), RF_OK);
    assert_null(task->owner);
    assert_int_equal(task->status, RF_OK);
}

rf_task *jobs_submit_log(engine_rig *rig, unsigned number, uint64_t content)
{
    rf_buffer parameters = {0};
    rf_log_selection selection = {.id = rf_text_of("log"),
                                  .organization = rf_text_of(RIG_ORGANIZATION),
                                  .product = RF_TEXT_EMPTY,
                                  .end_ms = INT64_MAX};
    rf_log_selection_encode(&selection, &parameters);
    rf_task *task =
        jobs_submit(rig, jobs_id(RF_JOB_LOG, number), &parameters, content);
    rf_buffer_done(&parameters);
    return task;
}

bool jobs_read(engine_rig *rig, rf_job_id id, rf_job_record *out)
{
    rf_key key;
    rf_store *store = rig->disk->store;
    rf_job_key(&key, engine_generation(rig)->environment, &id);
    rf_store_transaction *reader = rig_begin(store, false);
    rf_store_item item = {.table = RF_TABLE_JOBS, .key = rf_key_bytes(&key)};
    assert_int_equal(store->operations->load(reader, &item, 1, NULL), RF_OK);
    bool found = item.value.bytes != NULL;
    if (found) {
        const void *copy =
            rf_arena_copy(&rig->arena, item.value.bytes, item.value.length);
        assert_int_equal(rf_job_record_decode(
                             (rf_bytes){copy, item.value.length}, out, NULL),
                         RF_OK);
    }
    store->operations->abort(reader);
    return found;
}

rf_job_state jobs_state(engine_rig *rig, unsigned number)
{
    rf_job_record record = {0};
    assert_true(jobs_read(rig, jobs_id(RF_JOB_RESYNC, number), &record));
    return record.state;
}

rf_status jobs_step(engine_rig *rig)
{
    bool more;
    return rf_engine_step(rig->engine, &more, NULL);
}
