/*
 * engine_days.c - what was scheduled for days that are over goes.
 *
 * Such days count nowhere from midnight on, whether or not they are still
 * stored. They are kept for a while, so that what comes late is still found
 * where it was expected; then their nodes are deleted level by level. The first
 * deletion notes for good from which day on schedules are whole.
 */
#include "core/engine_internal.h"

/* As long as what is late may be expected to come. */
#define DAYS_KEPT 31
#define NODES_PER_STEP 2000

typedef struct sweeping {
    rf_day before;
    rf_buffer keys; /* of what goes */
} sweeping;

/* Note the key of a node whose day is over. One that is damaged is left to be
 * found by verification: it must not keep the others. */
static rf_status note_node(void *context, rf_bytes key,
                           const rf_key_parts *parts, rf_bytes value,
                           rf_error *err)
{
    sweeping *sweep = context;
    rf_place place;
    bool hashed = false;
    rf_day day;
    rf_status status =
        rf_coordinates_read(parts->coordinates, &place, &hashed, err);
    if (status == RF_OK && hashed) {
        rf_node node = {.measures = {0}};
        status = rf_node_decode(value, &node, err);
        if (status == RF_OK) {
            status =
                rf_coordinates_read(node.coordinates, &place, &hashed, err);
        }
        rf_measures_done(&node.measures);
    }
    if (status == RF_E_STORAGE) {
        return RF_OK;
    }
    if (status == RF_OK && rf_day_parse(place.value[RF_DAY], &day) &&
        day < sweep->before) {
        rf_write_text(&sweep->keys,
                      (rf_text){(const char *)key.bytes, key.length});
    }
    if (status == RF_OK && rf_buffer_failed(&sweep->keys)) {
        status = rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    return status;
}

/* Look for old nodes without writing: mostly there are none. */
static rf_status look(rf_engine *engine, rf_level_scan *scan, sweeping *sweep,
                      rf_error *err)
{
    rf_store_transaction *transaction = NULL;
    rf_status status = engine->store->operations->begin(engine->store, false,
                                                        &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status = rf_level_scan_run(engine->store, transaction, scan, note_node,
                               sweep, err);
    engine->store->operations->abort(transaction);
    return status;
}

static rf_status drop(rf_engine *engine, rf_environment *environment,
                      const sweeping *sweep, rf_error *err)
{
    rf_day from = environment->scheduled_from;
    rf_store_transaction *transaction = NULL;
    rf_status status = rf_engine__begin(engine, &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status = rf_engine__delete_keys(engine, transaction, &sweep->keys, err);
    if (status == RF_OK && from < sweep->before) {
        environment->scheduled_from = sweep->before;
        status =
            rf_environment_save(engine->store, transaction, environment, err);
    }
    if (status == RF_OK) {
        status = rf_engine__commit(engine, transaction, err);
    } else {
        engine->store->operations->abort(transaction);
    }
    if (status != RF_OK) {
        environment->scheduled_from = from;
    }
    return status;
}

void rf_engine__sweep_again(rf_environment *environment)
{
    environment->swept_levels = 0;
    environment->sweep.length = 0;
}

/* Find the next level of schedules, from the one under way on. */
static const rf_level_state *find_level(rf_environment *environment)
{
    while (environment->swept_levels < environment->level_count) {
        const rf_level_state *level =
            &environment->levels[environment->swept_levels];
        if (rf_level_kind_of(level->level) == RF_LEVEL_OF_SCHEDULES) {
            return level;
        }
        environment->swept_levels++;
    }
    return NULL;
}

static rf_status sweep_stretch(rf_engine *engine, rf_environment *environment,
                               const rf_level_state *level, rf_day before,
                               rf_error *err)
{
    sweeping sweep = {.before = before};
    rf_level_scan scan = {.environment = environment->number,
                          .level_number = level->number,
                          .limit = NODES_PER_STEP,
                          .cursor = environment->sweep};
    rf_status status = look(engine, &scan, &sweep, err);
    if (status == RF_OK && sweep.keys.length > 0) {
        status = drop(engine, environment, &sweep, err);
    }
    rf_buffer_done(&sweep.keys);
    if (status == RF_OK) {
        environment->sweep = scan.cursor;
    }
    if (status == RF_OK && scan.ended) {
        environment->sweep.length = 0;
        environment->swept_levels++;
    }
    return status;
}

rf_status rf_engine__past_days_step(rf_engine *engine, bool *more,
                                    rf_error *err)
{
    int64_t now_ms = engine->options.clock.now_ms(engine->options.clock.self);
    rf_day before = rf_day_of(now_ms) - DAYS_KEPT;
    for (size_t i = 0; i < engine->environment_count; i++) {
        rf_environment *environment = engine->environments[i];
        if (environment->generation == NULL ||
            environment->swept_to >= before || engine->configuration != NULL) {
            continue;
        }
        const rf_level_state *level = find_level(environment);
        if (level == NULL) {
            rf_engine__sweep_again(environment);
            environment->swept_to = before;
            continue;
        }
        *more = true;
        return sweep_stretch(engine, environment, level, before, err);
    }
    return RF_OK;
}
