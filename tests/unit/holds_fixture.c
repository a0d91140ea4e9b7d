/*
 * holds_fixture.c - making holds, ending them, and counting what is left.
 */
#include "tests/unit/holds_fixture.h"

#include "core/due.h"
#include "tests/unit/unit.h"

rf_command holds_command(engine_rig *rig, const char *place, double quantity,
                         int64_t ttl_ms)
{
    rf_command command = engine_reserve(rig, "SHIRT", place, quantity, false);
    command.ttl_ms = ttl_ms;
    return command;
}

rf_result *holds_make(engine_rig *rig, const char *place, double quantity,
                      int64_t ttl_ms)
{
    rf_command command = holds_command(rig, place, quantity, ttl_ms);
    return engine_do(rig, &command);
}

rf_result *holds_give_back(engine_rig *rig, const char *place,
                           const rf_result *held, double quantity)
{
    rf_command command = engine_unreserve(rig, "SHIRT", place, held, quantity);
    return engine_run(rig, &command);
}

void holds_post(engine_rig *rig, const char *place, const char *changes)
{
    rf_command command = engine_post(rig, "SHIRT", place, changes);
    engine_do(rig, &command);
}

/* A job without commands asks for nothing but to end what has ended. */
rf_status holds_sweep(engine_rig *rig)
{
    rf_error err = {0};
    rf_job *job = engine_job(rig, NULL, 0);
    unsigned before = rig->done_count;
    rf_status status = rf_engine_run(rig->engine, job, &err);
    assert_int_equal(rig->done_count, before + 1);
    return status;
}

void holds_sweep_at(engine_rig *rig, int64_t now_ms)
{
    rig->now_ms = now_ms;
    assert_int_equal(holds_sweep(rig), RF_OK);
}

static bool count_record(void *context, rf_bytes key, rf_bytes value)
{
    (void)key;
    (void)value;
    ++*(size_t *)context;
    return true;
}

/* Count what the store knows to end. */
size_t holds_count_ends(engine_rig *rig)
{
    rf_store *store = rig->disk->store;
    rf_store_transaction *reader = rig_begin(store, false);
    size_t count = 0;
    assert_int_equal(store->operations->scan(
                         reader,
                         &(rf_store_range){RF_TABLE_DUE, {NULL, 0}, {NULL, 0}},
                         count_record, &count, NULL),
                     RF_OK);
    store->operations->abort(reader);
    return count;
}

uint64_t holds_last_number(engine_rig *rig)
{
    rf_environment_figures figures;
    assert_true(rf_engine_environment_figures(rig->engine, 0, &figures));
    return figures.journal_last;
}

bool holds_is_past(engine_rig *rig, int64_t at_ms)
{
    return rf_due_is_past(engine_generation(rig)->due, at_ms);
}

unsigned holds_pick(uint64_t *seed, unsigned count)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(*seed >> 33) % count;
}
