/*
 * engine_admin.c - starting an engine, and its maintenance between batches.
 */
#include "core/alloc.h"
#include "core/engine_internal.h"

#include <string.h>

/* How soon what is due is looked at again where it could not be done. */
#define RETRY_AFTER_MS 1000

rf_status rf_engine__add_environment(rf_engine *engine,
                                     rf_environment *environment, rf_error *err)
{
    rf_environment **environments =
        rf_realloc(engine->environments, engine->environment_count + 1,
                   sizeof(rf_environment *));
    if (environments == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    engine->environments = environments;
    environments[engine->environment_count++] = environment;
    return RF_OK;
}

static rf_status take_environment(void *context, rf_environment *environment,
                                  rf_error *err)
{
    rf_status status = rf_engine__add_environment(context, environment, err);
    if (status != RF_OK) {
        rf_environment_free(environment);
    }
    return status;
}

static rf_status load_environments(rf_engine *engine, rf_error *err)
{
    rf_store_transaction *transaction = NULL;
    rf_status status = engine->store->operations->begin(engine->store, false,
                                                        &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status = rf_environment_load_all(engine->store, transaction,
                                     take_environment, engine, err);
    engine->store->operations->abort(transaction);
    for (size_t i = 0; i < engine->environment_count && status == RF_OK; i++) {
        rf_environment *environment = engine->environments[i];
        status = rf_engine__recall(engine, environment, err);
        if (status == RF_OK) {
            status = rf_engine__count_jobs(engine, environment, err);
        }
        /* Look whether there is something to end, and when. */
        rf_due_set(environment->due, 0);
    }
    return status;
}

rf_status rf_engine_create(const rf_engine_options *options, rf_engine **out,
                           rf_error *err)
{
    rf_engine *engine = rf_calloc(1, sizeof *engine);
    if (engine == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    engine->options = *options;
    engine->store = options->store;
    rf_status status = rf_workset_create(engine->store, &engine->workset, err);
    if (status == RF_OK) {
        status = rf_globe_create(&engine->globe, err);
    }
    if (status == RF_OK) {
        status = load_environments(engine, err);
    }
    if (status != RF_OK) {
        rf_engine_free(engine);
        return status;
    }
    *out = engine;
    return RF_OK;
}

void rf_engine_free(rf_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    rf_engine__configure_forget(engine);
    rf_engine__erase_forget(engine);
    rf_engine__put_job_down(engine);
    for (size_t i = 0; i < engine->environment_count; i++) {
        rf_environment_free(engine->environments[i]);
    }
    for (size_t i = 0; i < engine->retired_count; i++) {
        rf_generation_release(engine->retired[i]);
    }
    rf_free(engine->retired);
    rf_free(engine->environments);
    rf_free(engine->pending.items);
    rf_buffer_done(&engine->pending.bytes);
    rf_workset_free(engine->workset);
    rf_globe_free(engine->globe);
    rf_free(engine);
}

void rf_engine_observe(rf_engine *engine, void (*settled)(void *self),
                       void *self)
{
    engine->settled = settled;
    engine->settled_self = self;
}

void rf_engine__settle(rf_engine *engine)
{
    if (engine->settled != NULL) {
        engine->settled(engine->settled_self);
    }
}

rf_status rf_engine_registry(rf_engine *engine, rf_text environment,
                             rf_registry **out, rf_error *err)
{
    const rf_environment *known =
        rf_engine__environment_by_id(engine, environment);
    return known == NULL ? rf_registry_create(out, err)
                         : rf_registry_copy(known->registry, out, err);
}

rf_globe *rf_engine_globe(rf_engine *engine)
{
    return engine->globe;
}

rf_status rf_engine__begin(rf_engine *engine, rf_store_transaction **out,
                           rf_error *err)
{
    rf_workset_reset(engine->workset);
    engine->work.now_ms =
        engine->options.clock.now_ms(engine->options.clock.self);
    return engine->store->operations->begin(engine->store, true, out, err);
}

rf_status rf_engine__delete_keys(rf_engine *engine,
                                 rf_store_transaction *transaction,
                                 const rf_buffer *keys, rf_error *err)
{
    rf_reader reader = rf_reader_of(
        (rf_bytes){(const unsigned char *)keys->bytes, keys->length});
    while (reader.at < reader.end) {
        rf_text key = rf_read_text(&reader);
        rf_store_item item = {RF_TABLE_STOCK,
                              {(const unsigned char *)key.bytes, key.length},
                              {NULL, 0}};
        rf_status status =
            engine->store->operations->save(transaction, &item, 1, err);
        if (status != RF_OK) {
            return status;
        }
    }
    return RF_OK;
}

rf_status rf_engine__journal_task(rf_engine *engine,
                                  rf_environment *environment,
                                  const rf_task *task, rf_operation operation,
                                  rf_error *err)
{
    rf_entry entry = {
        .number = environment->last_number + 1,
        .at_ms = engine->work.now_ms,
        .operation = operation,
        .actor = task->actor,
        .coordinates = {(const unsigned char *)"", 0},
        .id = RF_TEXT_EMPTY,
        .organization = RF_TEXT_EMPTY,
        .product = RF_TEXT_EMPTY,
        .code = RF_TEXT_EMPTY,
    };
    memcpy(entry.request_id, task->request_id, sizeof entry.request_id);
    return rf_engine__append(engine, environment, &entry, err);
}

void rf_engine_submit(rf_engine *engine, rf_task *task)
{
    rf_task **end =
        task->kind == RF_TASK_OPEN_JOB ? &engine->opening : &engine->tasks;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    task->next = NULL;
    *end = task;
}

/* Answer the task under way and forget it. */
static void finish_task(rf_engine *engine, rf_status status,
                        const rf_error *error)
{
    rf_task *task = engine->tasks;
    engine->tasks = task->next;
    rf_engine__configure_forget(engine);
    rf_engine__erase_forget(engine);
    task->status = status;
    if (status != RF_OK) {
        task->error = *error;
    }
    rf_engine__settle(engine);
    task->done(task);
}

static rf_status task_step(rf_engine *engine, bool *more, rf_error *err)
{
    rf_task *task = engine->tasks;
    if (task == NULL) {
        return RF_OK;
    }
    bool finished = false;
    rf_status status =
        task->kind == RF_TASK_CONFIGURE
            ? rf_engine__configure_step(engine, task, &finished, err)
            : rf_engine__erase_step(engine, task, &finished, err);
    if (status == RF_E_STORAGE_FULL &&
        engine->store->operations->grow(engine->store, err) == RF_OK) {
        *more = true; /* the step left no trace and runs again */
        return RF_OK;
    }
    if (status != RF_OK || finished) {
        finish_task(engine, status, err);
    }
    *more = *more || engine->tasks != NULL;
    return status == RF_E_OUTCOME_UNKNOWN ? status : RF_OK;
}

/* Say whether it is time to look at what is due in an environment; where that
 * failed, not before a while is over. */
static bool is_due(const rf_environment *environment, int64_t now_ms)
{
    bool is_resting = now_ms < environment->rests_until_ms &&
                      now_ms + RETRY_AFTER_MS >= environment->rests_until_ms;
    return environment->generation != NULL && !is_resting &&
           rf_due_is_past(environment->due, now_ms);
}

/* Do what is due and nobody has asked about. An environment in which that fails
 * keeps no other one waiting. */
static rf_status due_step(rf_engine *engine, bool *more, rf_error *err)
{
    int64_t now_ms = engine->options.clock.now_ms(engine->options.clock.self);
    rf_status failed = RF_OK;
    for (size_t i = 0; i < engine->environment_count; i++) {
        rf_environment *environment = engine->environments[i];
        if (!is_due(environment, now_ms)) {
            continue;
        }
        rf_status status =
            rf_engine__expire_step(engine, environment, now_ms, err);
        if (rf_engine__is_of_environment(status)) {
            environment->rests_until_ms = now_ms + RETRY_AFTER_MS;
            failed = status;
            continue;
        }
        *more = true;
        rf_engine__settle(engine);
        return status;
    }
    return failed;
}

/* Do one step of a kind. One that found no room left no trace and runs again
 * when there is more. */
static rf_status do_step(rf_engine *engine, rf_maintenance *step, bool *more,
                         rf_error *err)
{
    rf_status status = step(engine, more, err);
    if (status == RF_E_STORAGE_FULL) {
        status = engine->store->operations->grow(engine->store, err);
        *more = *more || status == RF_OK;
    }
    return status;
}

/* What one kind fails at keeps no other from being done: on a full disk
 * retention may be what makes room. The first failure is told. */
rf_status rf_engine_step(rf_engine *engine, bool *more, rf_error *err)
{
    static rf_maintenance *const steps[] = {
        task_step,
        rf_engine__open_jobs_step,
        due_step,
        rf_engine__jobs_step,
        rf_engine__drop_levels_step,
        rf_engine__retain_step,
        rf_engine__past_days_step,
    };
    rf_status first = RF_OK;
    *more = false;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        rf_error failure = {0};
        rf_status status = do_step(engine, steps[i], more, &failure);
        if (status == RF_E_OUTCOME_UNKNOWN) {
            return rf_fail(err, status, "%s", failure.message);
        }
        if (status != RF_OK && first == RF_OK) {
            first = rf_fail(err, status, "%s", failure.message);
        }
    }
    return first;
}

bool rf_engine_environment_figures(rf_engine *engine, size_t index,
                                   rf_environment_figures *out)
{
    if (index >= engine->environment_count) {
        return false;
    }
    const rf_environment *environment = engine->environments[index];
    *out = (rf_environment_figures){
        .generation = environment->generation_number,
        .journal_last = environment->last_number,
        .ids = rf_id_memory_count(environment->ids),
        .ids_since_ms = environment->ids_since_ms,
    };
    memcpy(out->id, environment->id, sizeof out->id);
    return true;
}
