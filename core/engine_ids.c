/*
 * engine_ids.c - remembering ids: the journal is the memory, RAM the index.
 */
#include "core/engine_internal.h"

#include <string.h>

typedef struct recall_context {
    rf_environment *environment;
    int64_t ids_after_ms; /* older entries' ids are forgotten */
    uint64_t ids_after;   /* and so are those up to this number */
    rf_status status;
    rf_error *err;
} recall_context;

static bool recall_entry(void *argument, rf_bytes key, rf_bytes value)
{
    recall_context *context = argument;
    rf_environment *environment = context->environment;
    int64_t at_ms;
    uint64_t id_hash;
    if (!rf_entry_peek(value, &at_ms, &id_hash)) {
        context->status =
            rf_fail(context->err, RF_E_STORAGE, "a journal entry is damaged");
        return false;
    }
    uint64_t number = rf_key_journal_number(key);
    if (environment->first_number == 0) {
        environment->first_number = number;
        environment->first_ms = at_ms;
    }
    environment->last_number = number;
    environment->journal_bytes += value.length;
    if (at_ms < context->ids_after_ms || number <= context->ids_after) {
        return true;
    }
    if (environment->ids_from == 0) {
        environment->ids_from = number;
        environment->ids_since_ms = at_ms;
    }
    if (id_hash != 0) {
        context->status = rf_id_memory_insert(environment->ids, id_hash, number,
                                              context->err);
    }
    return context->status == RF_OK;
}

rf_status rf_engine__recall(rf_engine *engine, rf_environment *environment,
                            rf_error *err)
{
    rf_store_transaction *transaction = NULL;
    rf_status status = engine->store->operations->begin(engine->store, false,
                                                        &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    int64_t now_ms = engine->options.clock.now_ms(engine->options.clock.self);
    recall_context context = {
        .environment = environment,
        .ids_after_ms =
            now_ms -
            (int64_t)engine->options.journal_retention_days * 24 * 3600 * 1000,
        .err = err};
    uint64_t first = 0;
    uint64_t last = 0;
    rf_key from;
    rf_key to;
    rf_key_journal(&from, environment->number, 0);
    rf_key_journal(&to, environment->number, UINT64_MAX);
    status = rf_journal_bounds(engine->store, transaction, environment->number,
                               &first, &last, err);
    if (status == RF_OK && last > first) {
        uint64_t ids_max = engine->options.ids_max;
        context.ids_after = last > ids_max ? last - ids_max : 0;
        uint64_t oldest =
            context.ids_after >= first ? context.ids_after + 1 : first;
        status = rf_id_memory_reserve(environment->ids, last - oldest + 1, err);
    }
    if (status == RF_OK) {
        status = engine->store->operations->scan(
            transaction,
            &(rf_store_range){RF_TABLE_JOURNAL, rf_key_bytes(&from),
                              rf_key_bytes(&to)},
            recall_entry, &context, err);
    }
    engine->store->operations->abort(transaction);
    if (environment->ids_from == 0) {
        environment->ids_from = environment->last_number + 1;
        environment->ids_since_ms = now_ms;
    }
    return status != RF_OK ? status : context.status;
}

static size_t count_candidates(const rf_environment *environment, uint64_t hash)
{
    rf_id_cursor cursor = {0};
    uint64_t number;
    size_t count = 0;
    while (rf_id_memory_find(environment->ids, hash, &cursor, &number)) {
        count++;
    }
    return count;
}

/* All jobs of a batch are planned before the first of them runs, so every
 * number found here is of an entry that is stored. */
rf_status rf_engine__plan_known(rf_engine *engine, rf_environment *environment,
                                const rf_command *command, rf_plan *plan,
                                rf_error *err)
{
    uint64_t hash = rf_journal_id_hash(environment->number, command->operation,
                                       command->id);
    size_t count = count_candidates(environment, hash);
    if (count == 0) {
        return RF_OK;
    }
    plan->known = rf_arena_alloc(rf_workset_arena(engine->workset),
                                 count * sizeof(rf_record *));
    if (plan->known == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_id_cursor cursor = {0};
    uint64_t number;
    while (rf_id_memory_find(environment->ids, hash, &cursor, &number)) {
        rf_key key;
        rf_key_journal(&key, environment->number, number);
        rf_record *record = rf_workset_want(engine->workset, RF_TABLE_JOURNAL,
                                            RF_RECORD_ENTRY, &key);
        if (record == NULL) {
            return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
        }
        plan->known[plan->known_count++] = record;
    }
    return RF_OK;
}

/* Say whether the data an entry belongs to has been erased since. */
static bool is_erased(const rf_environment *environment, const rf_entry *entry)
{
    if (environment->erasure_count == 0 ||
        !rf_operation_is_of_stock(entry->operation)) {
        return false;
    }
    rf_place place;
    bool hashed;
    if (rf_coordinates_read(entry->coordinates, &place, &hashed, NULL) !=
        RF_OK) {
        return false;
    }
    uint64_t partition =
        rf_partition_hash(environment->generation->catalog->by_product,
                          entry->organization, entry->product, &place);
    return rf_environment_erased_at(environment, partition) >= entry->number;
}

/* One entry that may hold the id. */
typedef struct candidate {
    rf_bytes stored;
    uint64_t number;
} candidate;

/* Compare one remembered entry with the command. */
static rf_status match(const rf_environment *environment,
                       const rf_command *command, candidate known,
                       rf_result *result, bool *found, rf_error *err)
{
    rf_movement movements[RF_MOVEMENTS_MAX];
    rf_entry entry;
    rf_status status =
        rf_entry_decode(known.stored, known.number, movements, &entry, err);
    if (status != RF_OK || entry.operation != command->operation ||
        !rf_text_equal(entry.id, command->id) ||
        is_erased(environment, &entry)) {
        return status;
    }
    *found = true;
    if (entry.fingerprint.high == command->fingerprint.high &&
        entry.fingerprint.low == command->fingerprint.low) {
        *result = entry.result;
        result->replayed = true;
        return RF_OK;
    }
    *result = (rf_result){0};
    return rf_refuse(result, RF_E_CONFLICT, "id",
                     "this id came before with other content");
}

/* Find a pending entry by its number, or NULL. */
static const rf_pending *find_pending(const rf_engine *engine,
                                      const rf_environment *environment,
                                      uint64_t number)
{
    for (size_t i = engine->pending.count; i-- > 0;) {
        const rf_pending *item = &engine->pending.items[i];
        if (item->environment == environment && item->number == number) {
            return item;
        }
    }
    return NULL;
}

static rf_status match_pending(rf_engine *engine, const rf_command *command,
                               rf_result *result, bool *found, rf_error *err)
{
    const rf_environment *environment = engine->work.environment;
    if (engine->pending.count == 0) {
        return RF_OK;
    }
    const unsigned char *bytes =
        (const unsigned char *)engine->pending.bytes.bytes;
    uint64_t hash = rf_journal_id_hash(environment->number, command->operation,
                                       command->id);
    rf_id_cursor cursor = {0};
    uint64_t number;
    rf_status status = RF_OK;
    while (status == RF_OK && !*found &&
           rf_id_memory_find(environment->ids, hash, &cursor, &number)) {
        const rf_pending *item = find_pending(engine, environment, number);
        if (item != NULL) {
            candidate known = {{bytes + item->offset, item->length}, number};
            status = match(environment, command, known, result, found, err);
        }
    }
    return status;
}

rf_status rf_engine__find_known(rf_engine *engine, const rf_command *command,
                                const rf_plan *plan, rf_result *result,
                                bool *found, rf_error *err)
{
    rf_status status = RF_OK;
    for (size_t i = 0; i < plan->known_count && status == RF_OK && !*found;
         i++) {
        const rf_record *record = plan->known[i];
        if (record->present) {
            candidate known = {record->as.bytes,
                               rf_key_journal_number(record->key)};
            status = match(engine->work.environment, command, known, result,
                           found, err);
        }
    }
    if (status == RF_OK && !*found) {
        status = match_pending(engine, command, result, found, err);
    }
    return status;
}
