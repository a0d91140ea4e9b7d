/*
 * engine.c - running a batch: plan, load, apply, store.
 */
#include "core/engine.h"

#include "core/alloc.h"
#include "core/engine_internal.h"

#include <string.h>

rf_environment *rf_engine__environment(rf_engine *engine, uint16_t number)
{
    for (size_t i = 0; i < engine->environment_count; i++) {
        if (engine->environments[i]->number == number) {
            return engine->environments[i];
        }
    }
    return NULL;
}

rf_environment *rf_engine__environment_by_id(rf_engine *engine, rf_text id)
{
    for (size_t i = 0; i < engine->environment_count; i++) {
        if (rf_text_equal(id, rf_text_of(engine->environments[i]->id))) {
            return engine->environments[i];
        }
    }
    return NULL;
}

void rf_engine__begin_work(rf_engine *engine, rf_environment *environment)
{
    rf_work *work = &engine->work;
    work->workset = engine->workset;
    work->environment = environment;
    work->catalog = environment->generation == NULL
                        ? NULL
                        : environment->generation->catalog;
    work->thread = engine->options.thread;
    work->number = environment->last_number + 1;
    work->movement_count = 0;
}

static rf_pending *next_pending(rf_pending_list *pending)
{
    if (pending->count == pending->capacity) {
        size_t capacity = pending->capacity == 0 ? 256 : pending->capacity * 2;
        rf_pending *items = rf_realloc(pending->items, capacity, sizeof *items);
        if (items == NULL) {
            return NULL;
        }
        pending->items = items;
        pending->capacity = capacity;
    }
    return &pending->items[pending->count];
}

rf_status rf_engine__append(rf_engine *engine, rf_environment *environment,
                            const rf_entry *entry, rf_error *err)
{
    rf_pending_list *pending = &engine->pending;
    rf_pending *item = next_pending(pending);
    size_t offset = pending->bytes.length;
    if (item == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_entry_encode(entry, &pending->bytes);
    rf_status status = RF_OK;
    if (rf_buffer_failed(&pending->bytes)) {
        status = rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    } else if (entry->id_hash != 0) {
        status = rf_id_memory_insert(environment->ids, entry->id_hash,
                                     entry->number, err);
    }
    if (status != RF_OK) {
        rf_buffer_clear(&pending->bytes);
        pending->bytes.length = offset;
        return status;
    }
    *item = (rf_pending){.environment = environment,
                         .number = entry->number,
                         .id_hash = entry->id_hash,
                         .expires_ms = entry->result.expires_ms,
                         .offset = offset,
                         .length = pending->bytes.length - offset};
    pending->count++;
    environment->last_number = entry->number;
    return RF_OK;
}

void rf_engine__take_back(rf_engine *engine, size_t count)
{
    rf_pending_list *pending = &engine->pending;
    while (pending->count > count) {
        const rf_pending *item = &pending->items[--pending->count];
        if (item->id_hash != 0) {
            rf_id_memory_remove(item->environment->ids, item->id_hash,
                                item->number);
        }
        item->environment->last_number = item->number - 1;
        pending->bytes.length = item->offset;
    }
}

static rf_status save_pending(rf_engine *engine,
                              rf_store_transaction *transaction, rf_error *err)
{
    const rf_pending_list *pending = &engine->pending;
    const unsigned char *bytes = (const unsigned char *)pending->bytes.bytes;
    for (size_t i = 0; i < pending->count; i++) {
        const rf_pending *item = &pending->items[i];
        rf_key key;
        rf_key_journal(&key, item->environment->number, item->number);
        rf_store_item record = {RF_TABLE_JOURNAL,
                                rf_key_bytes(&key),
                                {bytes + item->offset, item->length}};
        rf_status status =
            engine->store->operations->save(transaction, &record, 1, err);
        if (status != RF_OK) {
            return status;
        }
    }
    return RF_OK;
}

/* Before a hold can be seen it is known when it ends. */
static void note_ends(const rf_engine *engine)
{
    const rf_pending_list *pending = &engine->pending;
    for (size_t i = 0; i < pending->count; i++) {
        if (pending->items[i].expires_ms != 0) {
            rf_due_note(pending->items[i].environment->due,
                        pending->items[i].expires_ms);
        }
    }
}

/* What is durable now is part of the journal as it is kept. */
static void note_stored(rf_engine *engine)
{
    const rf_pending_list *pending = &engine->pending;
    for (size_t i = 0; i < pending->count; i++) {
        rf_environment *environment = pending->items[i].environment;
        if (environment->first_number == 0) {
            environment->first_number = pending->items[i].number;
            environment->first_ms = engine->work.now_ms;
            environment->ids_from = environment->first_number;
            environment->ids_since_ms = engine->work.now_ms;
        }
        environment->journal_bytes += pending->items[i].length;
    }
}

rf_status rf_engine__commit(rf_engine *engine,
                            rf_store_transaction *transaction, rf_error *err)
{
    rf_status status = rf_workset_save(engine->workset, transaction, err);
    if (status == RF_OK) {
        status = save_pending(engine, transaction, err);
    }
    if (status == RF_OK) {
        note_ends(engine);
        status = engine->store->operations->commit(transaction, err);
    } else {
        engine->store->operations->abort(transaction);
    }
    if (status == RF_OK) {
        note_stored(engine);
    } else {
        rf_engine__take_back(engine, 0);
    }
    engine->pending.count = 0;
    rf_buffer_clear(&engine->pending.bytes);
    return status;
}

static void set_failure(rf_result *result, rf_status status,
                        const rf_error *error)
{
    *result = (rf_result){0};
    rf_refuse(result, status, error->field, "%s", error->message);
    result->script = error->script;
}

/* Return the environment that a job is for: it was published, so it is here. */
static rf_environment *environment_of(rf_engine *engine, const rf_job *job)
{
    rf_environment *environment =
        rf_engine__environment(engine, job->generation->environment);
    RF_ASSERT(environment != NULL);
    return environment;
}

/* Note that there may be a new allocation record now. */
static void note_allocation(rf_environment *environment,
                            const rf_command *command, const rf_result *result)
{
    bool allocates = command->operation == RF_OPERATION_ALLOCATE ||
                     command->operation == RF_OPERATION_REALLOCATE;
    if (allocates && result->status == RF_OK) {
        environment->allocations++;
    }
}

/* Note a command and what became of it. */
static rf_status journal_line(rf_engine *engine, const rf_job *job,
                              const rf_command *command, const rf_plan *plan,
                              rf_result *result, rf_error *err)
{
    rf_environment *environment = environment_of(engine, job);
    rf_buffer *coordinates = rf_workset_scratch(engine->workset);
    rf_write_coordinates(coordinates, command->place.given, &command->place);
    size_t place_length = coordinates->length;
    if (command->source != NULL) {
        rf_write_coordinates(coordinates, RF_LEVEL_GROUPS, command->source);
    }
    if (rf_buffer_failed(coordinates)) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    const unsigned char *bytes = (const unsigned char *)coordinates->bytes;
    result->number = environment->last_number + 1;
    rf_entry entry = {
        .number = result->number,
        .at_ms = engine->work.now_ms,
        .id_hash = rf_journal_id_hash(environment->number, command->operation,
                                      command->id),
        .operation = command->operation,
        .fingerprint = command->fingerprint,
        .actor = job->actor,
        .id = command->id,
        .organization = command->organization,
        .product = plan->product.length > 0 ? plan->product : command->product,
        .coordinates = {bytes, place_length},
        .source = {place_length == 0 ? bytes : bytes + place_length,
                   coordinates->length - place_length},
        .movements = engine->work.movements,
        .movement_count = engine->work.movement_count,
        .code = rf_text_of(rf_status_word(result->status)),
        .result = *result,
    };
    if (command->operation == RF_OPERATION_ADJUST) {
        entry.adjusted.measure = command->measure;
        entry.adjusted.reference = *command->reference;
    }
    memcpy(entry.request_id, job->request_id, sizeof entry.request_id);
    note_allocation(environment, command, result);
    return rf_engine__append(engine, environment, &entry, err);
}

static bool is_remembered(rf_status status)
{
    rf_class class = rf_status_class(status);
    return status == RF_OK || class == RF_CLASS_REFUSED ||
           status == RF_E_UNKNOWN_RESERVATION;
}

/* Run an operation until it has all the records it wants. */
static rf_status apply(rf_engine *engine, rf_store_transaction *transaction,
                       const rf_command *command, rf_plan *plan,
                       rf_result *result, rf_error *err)
{
    const rf_operation_entry *entry = rf_operation_find(command->operation);
    size_t mark = rf_workset_mark(engine->workset);
    for (;;) {
        engine->work.movement_count = 0;
        *result = (rf_result){0};
        rf_status status =
            entry->apply(&engine->work, command, plan, result, err);
        bool waiting = rf_workset_is_waiting(engine->workset);
        if (status != RF_OK || result->status != RF_OK || waiting) {
            rf_workset_undo(engine->workset, mark);
            engine->work.movement_count = 0;
        }
        if (status != RF_OK || !waiting) {
            return status;
        }
        status = rf_workset_load(engine->workset, transaction, err);
        if (status != RF_OK) {
            return status;
        }
    }
}

/* Say whether a failure belongs to one command and leaves the batch whole. */
static bool is_of_one_command(rf_status status)
{
    rf_class class = rf_status_class(status);
    return class == RF_CLASS_INVALID || class == RF_CLASS_REFUSED ||
           class == RF_CLASS_INTERNAL;
}

/* Carry out one line that is not known yet. */
static rf_status execute(rf_engine *engine, rf_store_transaction *transaction,
                         rf_job *job, size_t line, rf_plan *plan, rf_error *err)
{
    const rf_command *command = &job->commands[line];
    rf_result *result = &job->results[line];
    size_t mark = rf_workset_mark(engine->workset);
    rf_status status = apply(engine, transaction, command, plan, result, err);
    if (is_of_one_command(status)) {
        set_failure(result, status, err);
        status = RF_OK;
    }
    result->basket = engine->basket;
    if (status == RF_OK && is_remembered(result->status)) {
        status = journal_line(engine, job, command, plan, result, err);
    }
    if (status != RF_OK) {
        rf_workset_undo(engine->workset, mark);
    }
    return status;
}

/* Fill in what a successful line of a dry run shows. */
static rf_status show(rf_engine *engine, rf_store_transaction *transaction,
                      rf_job *job, size_t line, const rf_plan *plan,
                      rf_error *err)
{
    rf_result *result = &job->results[line];
    if (!job->dry_run || result->status != RF_OK ||
        !rf_operation_is_of_stock(job->commands[line].operation)) {
        return RF_OK;
    }
    rf_status status =
        rf_engine__total(engine, transaction, &job->commands[line], plan,
                         &result->quantities, err);
    if (is_of_one_command(status)) {
        set_failure(result, status, err);
        status = RF_OK;
    }
    return status;
}

/* Carry out one line. A status other than RF_OK stops the whole batch. */
static rf_status run_line(rf_engine *engine, rf_store_transaction *transaction,
                          rf_job *job, size_t line, rf_plan *plan,
                          rf_error *err)
{
    bool found = false;
    rf_engine__begin_work(engine, environment_of(engine, job));
    rf_status status = rf_engine__find_known(engine, &job->commands[line], plan,
                                             &job->results[line], &found, err);
    if (status == RF_OK && !found) {
        status = execute(engine, transaction, job, line, plan, err);
    }
    return status == RF_OK ? show(engine, transaction, job, line, plan, err)
                           : status;
}

static rf_status run_lines(rf_engine *engine, rf_store_transaction *transaction,
                           rf_job *job, rf_plan *plans, rf_error *err)
{
    rf_status status = RF_OK;
    for (size_t i = 0; i < job->count && status == RF_OK; i++) {
        status = run_line(engine, transaction, job, i, &plans[i], err);
    }
    return status;
}

/* A plan stands for all that follows it: its moves are made for one time, so
 * where it is known nothing of the basket is carried out. */
static bool stands_for_all(const rf_command *command)
{
    return command->operation == RF_OPERATION_PLAN;
}

/* A basket sent again is answered from memory, line by line. */
static rf_status replay_basket(rf_engine *engine, rf_job *job,
                               const rf_plan *plans, bool *replayed,
                               rf_error *err)
{
    rf_engine__begin_work(engine, environment_of(engine, job));
    *replayed = job->count > 0 && !job->stops_invalid;
    job->stopped_at = job->count;
    for (size_t i = 0; i < job->count && *replayed; i++) {
        rf_result *result = &job->results[i];
        bool found = false;
        rf_status status = rf_engine__find_known(
            engine, &job->commands[i], &plans[i], result, &found, err);
        if (status != RF_OK) {
            return status;
        }
        *replayed = found && result->status != RF_E_CONFLICT;
        if (result->status != RF_OK && result->status != RF_E_BASKET_REFUSED) {
            job->stopped_at = i;
        }
        if (*replayed && stands_for_all(&job->commands[i])) {
            break;
        }
    }
    return RF_OK;
}

/* Remember a line of a refused basket, unless its id is known already. */
static rf_status remember_refusal(rf_engine *engine, rf_job *job, size_t line,
                                  const rf_plan *plan, rf_error *err)
{
    rf_environment *environment = environment_of(engine, job);
    rf_result known;
    bool found = false;
    rf_engine__begin_work(engine, environment);
    rf_status status = rf_engine__find_known(engine, &job->commands[line], plan,
                                             &known, &found, err);
    return status != RF_OK || found
               ? status
               : journal_line(engine, job, &job->commands[line], plan,
                              &job->results[line], err);
}

/* Answer the lines that did not stop the basket. Refusals are remembered, so
 * that a late copy of the basket cannot succeed after all. */
static rf_status refuse_basket(rf_engine *engine, rf_job *job,
                               const rf_plan *plans, uint64_t basket,
                               rf_error *err)
{
    bool remember = job->stopped_at < job->count &&
                    is_remembered(job->results[job->stopped_at].status);
    rf_status status = RF_OK;
    for (size_t i = 0; i < job->count && status == RF_OK; i++) {
        rf_result *result = &job->results[i];
        if (i != job->stopped_at) {
            *result = (rf_result){0};
            rf_refuse(result, RF_E_BASKET_REFUSED, "",
                      "another line of the basket was refused");
        }
        result->basket = basket;
        if (remember) {
            status = remember_refusal(engine, job, i, &plans[i], err);
        }
    }
    return status;
}

static rf_status run_basket(rf_engine *engine,
                            rf_store_transaction *transaction, rf_job *job,
                            rf_plan *plans, rf_error *err)
{
    bool replayed;
    rf_status status = replay_basket(engine, job, plans, &replayed, err);
    for (size_t i = 0; status == RF_OK && replayed && i < job->count; i++) {
        status = show(engine, transaction, job, i, &plans[i], err);
    }
    if (status != RF_OK || replayed) {
        return status;
    }
    size_t mark = rf_workset_mark(engine->workset);
    size_t pending = engine->pending.count;
    uint64_t basket = environment_of(engine, job)->last_number + 1;
    size_t line = 0;
    engine->basket = basket;
    while (line < job->count && status == RF_OK) {
        status = run_line(engine, transaction, job, line, &plans[line], err);
        if (status == RF_OK && job->results[line].status != RF_OK) {
            break;
        }
        line++;
    }
    engine->basket = 0;
    job->stopped_at = line;
    if (status != RF_OK || (line == job->count && !job->stops_invalid)) {
        return status;
    }
    rf_workset_undo(engine->workset, mark);
    rf_engine__take_back(engine, pending);
    rf_engine__hide_quantities(job);
    return refuse_basket(engine, job, plans, basket, err);
}

/* Nothing of a dry run is left when the next job runs. */
static rf_status run_job(rf_engine *engine, rf_store_transaction *transaction,
                         rf_job *job, rf_plan *plans, rf_error *err)
{
    const rf_environment *environment = environment_of(engine, job);
    size_t mark = rf_workset_mark(engine->workset);
    size_t pending = engine->pending.count;
    uint64_t last = environment->last_number;
    rf_status status = job->atomic
                           ? run_basket(engine, transaction, job, plans, err)
                           : run_lines(engine, transaction, job, plans, err);
    if (job->dry_run) {
        rf_workset_undo(engine->workset, mark);
        rf_engine__take_back(engine, pending);
        rf_engine__hide_numbers(job, last);
    }
    return status;
}

static rf_status plan_job(rf_engine *engine, rf_job *job, rf_plan **out,
                          rf_error *err)
{
    rf_environment *environment = environment_of(engine, job);
    rf_plan *plans = rf_arena_calloc(rf_workset_arena(engine->workset),
                                     job->count, sizeof *plans);
    if (plans == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_engine__begin_work(engine, environment);
    rf_status status = RF_OK;
    for (size_t i = 0; i < job->count && status == RF_OK; i++) {
        const rf_command *command = &job->commands[i];
        status =
            rf_engine__plan_known(engine, environment, command, &plans[i], err);
        if (status == RF_OK) {
            status = rf_operation_find(command->operation)
                         ->plan(&engine->work, command, &plans[i], err);
        }
    }
    *out = plans;
    return status;
}

/* Plan all jobs, load what they want, and run them in order. */
static rf_status run_jobs(rf_engine *engine, rf_store_transaction *transaction,
                          rf_job *jobs, rf_error *err)
{
    size_t count = 0;
    for (const rf_job *job = jobs; job != NULL; job = job->next) {
        count++;
    }
    rf_plan **plans = rf_arena_alloc(rf_workset_arena(engine->workset),
                                     count * sizeof *plans);
    if (plans == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_status status = RF_OK;
    size_t place = 0;
    for (rf_job *job = jobs; job != NULL && status == RF_OK; job = job->next) {
        status = plan_job(engine, job, &plans[place++], err);
    }
    if (status == RF_OK) {
        status = rf_workset_load(engine->workset, transaction, err);
    }
    place = 0;
    for (rf_job *job = jobs; job != NULL && status == RF_OK; job = job->next) {
        status = run_job(engine, transaction, job, plans[place++], err);
    }
    return status;
}

/* Run the jobs as one transaction, once. Every change has its journal entry:
 * without one there is nothing to commit. */
static rf_status try_batch(rf_engine *engine, rf_job *jobs, rf_error *err)
{
    rf_store_transaction *transaction = NULL;
    rf_workset_reset(engine->workset);
    engine->work.now_ms = engine->now_ms;
    rf_status status = engine->store->operations->begin(engine->store, true,
                                                        &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status = run_jobs(engine, transaction, jobs, err);
    bool is_changed = status == RF_OK && engine->pending.count > 0;
    if (!is_changed) {
        engine->store->operations->abort(transaction);
        rf_engine__take_back(engine, 0);
        return status;
    }
    return rf_engine__commit(engine, transaction, err);
}

/* Set every line of a list of jobs to one failure. */
static void set_failures(rf_job *jobs, rf_status status, const rf_error *error)
{
    for (rf_job *job = jobs; job != NULL; job = job->next) {
        job->stopped_at = job->count;
        job->due_status = status;
        for (size_t i = 0; i < job->count; i++) {
            set_failure(&job->results[i], status, error);
        }
    }
}

/* A job may be gone as soon as its `done` was called. */
static void answer_jobs(rf_job *jobs)
{
    while (jobs != NULL) {
        rf_job *next = jobs->next;
        jobs->done(jobs);
        jobs = next;
    }
}

void rf_jobs_fail(rf_job *jobs, rf_status status, const rf_error *error)
{
    set_failures(jobs, status, error);
    answer_jobs(jobs);
}

static rf_status try_once(rf_engine *engine, rf_job *jobs, rf_error *err)
{
    rf_status status = try_batch(engine, jobs, err);
    for (rf_job *job = jobs; job != NULL && status != RF_OK; job = job->next) {
        rf_engine__hide_quantities(job);
    }
    return status;
}

/* A map that is full is doubled, and the batch runs again from its start. */
static rf_status run_batch(rf_engine *engine, rf_job *jobs, rf_error *err)
{
    rf_status status = try_once(engine, jobs, err);
    while (status == RF_E_STORAGE_FULL) {
        rf_error ignored;
        if (engine->store->operations->grow(engine->store, &ignored) != RF_OK) {
            break;
        }
        status = try_once(engine, jobs, err);
    }
    return status;
}

bool rf_engine__is_of_environment(rf_status status)
{
    return status == RF_E_STORAGE || status == RF_E_INTERNAL;
}

/* Do what is due, so that no command of the batch misses it. All of a batch
 * happens at one instant. Jobs of an environment in which that fails are moved
 * to `failed`: the others can be carried out. */
static rf_status do_due(rf_engine *engine, rf_job **jobs, rf_job **failed,
                        rf_error *err)
{
    engine->now_ms = engine->options.clock.now_ms(engine->options.clock.self);
    for (rf_job **at = jobs; *at != NULL;) {
        rf_job *job = *at;
        rf_error error = {0};
        job->due_status = rf_engine__expire(engine, environment_of(engine, job),
                                            engine->now_ms, &error);
        if (job->due_status == RF_OK) {
            at = &job->next;
            continue;
        }
        if (!rf_engine__is_of_environment(job->due_status)) {
            return rf_fail(err, job->due_status, "%s", error.message);
        }
        *at = job->next;
        job->next = NULL;
        set_failures(job, job->due_status, &error);
        job->next = *failed;
        *failed = job;
    }
    return RF_OK;
}

/* Results of a dry run own what they show; what the memory held before is none
 * of it. */
static void clear_dry_results(rf_job *jobs)
{
    for (rf_job *job = jobs; job != NULL; job = job->next) {
        for (size_t i = 0; job->dry_run && i < job->count; i++) {
            job->results[i] = (rf_result){0};
        }
    }
}

static bool has_commands(const rf_job *jobs)
{
    while (jobs != NULL && jobs->count == 0) {
        jobs = jobs->next;
    }
    return jobs != NULL;
}

rf_status rf_engine_run(rf_engine *engine, rf_job *jobs, rf_error *err)
{
    rf_job *failed = NULL;
    clear_dry_results(jobs);
    rf_status status = do_due(engine, &jobs, &failed, err);
    if (status == RF_OK && has_commands(jobs)) {
        status = run_batch(engine, jobs, err);
    }
    if (status != RF_OK) {
        set_failures(jobs, status, err);
    }
    rf_engine__settle(engine);
    answer_jobs(jobs);
    answer_jobs(failed);
    return status;
}
