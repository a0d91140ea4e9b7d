/*
 * engine_retain.c - what is too old goes: ids, journal entries, jobs, levels.
 *
 * All of it in small steps between batches, and only what nobody can still be
 * reading.
 */
#include "core/engine_internal.h"
#include "core/level_scan.h"

#include <string.h>

#define ENTRIES_PER_STEP 200
#define NODES_PER_STEP 2000
#define RETAIN_EVERY_MS 1000
#define MS_PER_DAY INT64_C(86400000)

typedef struct old_entries {
    rf_engine *engine;
    rf_environment *environment;
    int64_t before_ms;   /* entries of this time and later stay */
    uint64_t keep_bytes; /* drop while the journal is larger, 0: no limit */
    size_t excess;       /* entries to let go whatever their age */
    size_t count;
    uint64_t next; /* the first number that stays */
    int64_t next_ms;
    uint64_t bytes;
} old_entries;

/* Forget ids from the oldest on until one may stay. */
static bool forget_id(void *argument, rf_bytes key, rf_bytes value)
{
    old_entries *old = argument;
    int64_t at_ms;
    uint64_t id_hash;
    old->next = rf_key_journal_number(key);
    if (!rf_entry_peek(value, &at_ms, &id_hash)) {
        return true;
    }
    old->next_ms = at_ms;
    if ((at_ms >= old->before_ms && old->count >= old->excess) ||
        old->count == ENTRIES_PER_STEP) {
        return false;
    }
    if (id_hash != 0) {
        rf_id_memory_remove(old->environment->ids, id_hash, old->next);
    }
    old->count++;
    old->next++;
    return true;
}

/* Visit the environment's entries from a number on. */
static rf_status scan_entries(rf_engine *engine,
                              rf_store_transaction *transaction, uint64_t from,
                              rf_store_visit *visit, old_entries *old,
                              rf_error *err)
{
    rf_key first;
    rf_key end;
    rf_key_journal(&first, old->environment->number, from);
    rf_key_journal(&end, old->environment->number, UINT64_MAX);
    return engine->store->operations->scan(
        transaction,
        &(rf_store_range){RF_TABLE_JOURNAL, rf_key_bytes(&first),
                          rf_key_bytes(&end)},
        visit, old, err);
}

/* How many ids must go whatever their age: those beyond the configured number,
 * and, when the journal is too large, the oldest, which keep it so. */
static size_t count_excess(const rf_engine *engine,
                           const rf_environment *environment)
{
    const rf_engine_options *options = &engine->options;
    size_t count = rf_id_memory_count(environment->ids);
    if (count > options->ids_max) {
        return count - options->ids_max;
    }
    bool over = options->journal_bytes_max != 0 &&
                environment->journal_bytes > options->journal_bytes_max;
    return over ? ENTRIES_PER_STEP : 0;
}

static rf_status forget_ids(rf_engine *engine, rf_environment *environment,
                            int64_t now_ms, bool *more, rf_error *err)
{
    old_entries old = {
        .engine = engine,
        .environment = environment,
        .before_ms =
            now_ms -
            (int64_t)environment->generation->catalog->id_retention_days *
                MS_PER_DAY,
        .excess = count_excess(engine, environment),
        .next = environment->ids_from,
        .next_ms = environment->ids_since_ms};
    if (environment->last_number == 0 ||
        (old.excess == 0 && environment->ids_since_ms >= old.before_ms)) {
        return RF_OK;
    }
    rf_store_transaction *transaction = NULL;
    rf_status status = engine->store->operations->begin(engine->store, false,
                                                        &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status = scan_entries(engine, transaction, environment->ids_from, forget_id,
                          &old, err);
    engine->store->operations->abort(transaction);
    environment->ids_from = old.next;
    environment->ids_since_ms = old.next_ms;
    *more = *more || old.count == ENTRIES_PER_STEP;
    return status;
}

/* Count journal entries that may go: too old, or over the size. Entries whose
 * ids are remembered stay, and so does the last one: it tells the next
 * number. */
static bool count_old(void *argument, rf_bytes key, rf_bytes value)
{
    old_entries *old = argument;
    int64_t at_ms = 0;
    uint64_t id_hash;
    bool whole = rf_entry_peek(value, &at_ms, &id_hash);
    bool over = old->keep_bytes != 0 &&
                old->environment->journal_bytes - old->bytes > old->keep_bytes;
    uint64_t number = rf_key_journal_number(key);
    if (number >= old->environment->last_number ||
        number >= old->environment->ids_from ||
        (whole && at_ms >= old->before_ms && !over) ||
        old->count == ENTRIES_PER_STEP) {
        return false;
    }
    old->next = number + 1;
    old->next_ms = at_ms;
    old->bytes += value.length;
    old->count++;
    return true;
}

static rf_status delete_entries(rf_engine *engine,
                                rf_store_transaction *transaction,
                                const rf_environment *environment, uint64_t end,
                                rf_error *err)
{
    rf_status status = RF_OK;
    for (uint64_t number = environment->first_number;
         number < end && status == RF_OK; number++) {
        rf_key key;
        rf_key_journal(&key, environment->number, number);
        rf_store_item item = {RF_TABLE_JOURNAL, rf_key_bytes(&key), {NULL, 0}};
        status = engine->store->operations->save(transaction, &item, 1, err);
    }
    return status;
}

/* Find and delete what may go in one transaction. */
static rf_status drop_some(rf_engine *engine, rf_environment *environment,
                           rf_store_transaction *transaction, old_entries *old,
                           rf_error *err)
{
    rf_status status = scan_entries(
        engine, transaction, environment->first_number, count_old, old, err);
    return status == RF_OK && old->count > 0
               ? delete_entries(engine, transaction, environment, old->next,
                                err)
               : status;
}

static rf_status drop_entries(rf_engine *engine, rf_environment *environment,
                              int64_t now_ms, bool *more, rf_error *err)
{
    old_entries old = {
        .engine = engine,
        .environment = environment,
        .before_ms = now_ms - (int64_t)engine->options.journal_retention_days *
                                  MS_PER_DAY,
        .keep_bytes = engine->options.journal_bytes_max,
        .next = environment->first_number};
    bool over =
        old.keep_bytes != 0 && environment->journal_bytes > old.keep_bytes;
    if (environment->first_number == 0 ||
        (!over && environment->first_ms >= old.before_ms)) {
        return RF_OK;
    }
    rf_store_transaction *transaction = NULL;
    rf_status status = rf_engine__begin(engine, &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status = drop_some(engine, environment, transaction, &old, err);
    if (status != RF_OK || old.count == 0) {
        engine->store->operations->abort(transaction);
        return status;
    }
    status = rf_engine__commit(engine, transaction, err);
    if (status == RF_OK) {
        environment->first_number = old.next;
        environment->first_ms = old.next_ms;
        environment->journal_bytes -= old.bytes;
        *more = *more || old.count == ENTRIES_PER_STEP;
    }
    return status;
}

rf_status rf_engine__retain_step(rf_engine *engine, bool *more, rf_error *err)
{
    if (engine->environment_count == 0) {
        return RF_OK;
    }
    engine->maintained = (engine->maintained + 1) % engine->environment_count;
    rf_environment *environment = engine->environments[engine->maintained];
    int64_t now_ms = engine->options.clock.now_ms(engine->options.clock.self);
    bool again = false;
    if (environment->generation == NULL) {
        return RF_OK; /* how long its ids are kept is not known yet */
    }
    if (now_ms >= environment->retained_ms &&
        now_ms < environment->retained_ms + RETAIN_EVERY_MS) {
        return RF_OK;
    }
    rf_status status = forget_ids(engine, environment, now_ms, &again, err);
    if (status == RF_OK) {
        status = drop_entries(engine, environment, now_ms, &again, err);
    }
    if (status == RF_OK) {
        status = rf_engine__drop_jobs(
            engine, environment,
            now_ms -
                (int64_t)engine->options.journal_retention_days * MS_PER_DAY,
            err);
    }
    if (!again) {
        environment->retained_ms = now_ms;
    }
    *more = *more || again;
    return status;
}

/* A level may go when no published generation of before can still be in use
 * by a reader. */
static bool forget_retired(rf_engine *engine)
{
    size_t kept = 0;
    for (size_t i = 0; i < engine->retired_count; i++) {
        rf_generation *generation = engine->retired[i];
        if (atomic_load_explicit(&generation->references,
                                 memory_order_acquire) == 1) {
            rf_generation_release(generation);
        } else {
            engine->retired[kept++] = generation;
        }
    }
    engine->retired_count = kept;
    return kept == 0;
}

static rf_level_state *find_dropping(rf_engine *engine,
                                     rf_environment **environment)
{
    for (size_t i = 0; i < engine->environment_count; i++) {
        *environment = engine->environments[i];
        for (size_t l = 0; l < (*environment)->level_count; l++) {
            if ((*environment)->levels[l].phase == RF_LEVEL_DROPPING) {
                return &(*environment)->levels[l];
            }
        }
    }
    return NULL;
}

static rf_status note_node(void *context, rf_bytes key,
                           const rf_key_parts *parts, rf_bytes value,
                           rf_error *err)
{
    rf_buffer *keys = context;
    (void)parts;
    (void)value;
    rf_write_text(keys, (rf_text){(const char *)key.bytes, key.length});
    return rf_buffer_failed(keys)
               ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
               : RF_OK;
}

/* Delete a stretch of a level's nodes; with the last of them the level. */
static rf_status drop_nodes(rf_engine *engine, rf_environment *environment,
                            rf_level_state *level,
                            rf_store_transaction *transaction, rf_error *err)
{
    rf_buffer keys = {0};
    rf_level_scan scan = {.environment = environment->number,
                          .level_number = level->number,
                          .limit = NODES_PER_STEP,
                          .cursor = level->cursor};
    rf_status status = rf_level_scan_run(engine->store, transaction, &scan,
                                         note_node, &keys, err);
    if (status == RF_OK) {
        status = rf_engine__delete_keys(engine, transaction, &keys, err);
    }
    rf_buffer_done(&keys);
    level->cursor = scan.cursor;
    if (status == RF_OK && scan.ended) {
        *level = environment->levels[--environment->level_count];
        rf_engine__sweep_again(environment);
        status =
            rf_environment_save(engine->store, transaction, environment, err);
    }
    return status;
}

rf_status rf_engine__drop_levels_step(rf_engine *engine, bool *more,
                                      rf_error *err)
{
    rf_environment *environment = NULL;
    if (!forget_retired(engine) || engine->configuration != NULL) {
        return RF_OK;
    }
    rf_level_state *level = find_dropping(engine, &environment);
    if (level == NULL) {
        return RF_OK;
    }
    rf_store_transaction *transaction = NULL;
    rf_status status = rf_engine__begin(engine, &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    rf_environment before = *environment;
    status = drop_nodes(engine, environment, level, transaction, err);
    if (status == RF_OK) {
        status = rf_engine__commit(engine, transaction, err);
    } else {
        engine->store->operations->abort(transaction);
    }
    if (status != RF_OK) {
        *environment = before;
    }
    *more = true;
    return status;
}
