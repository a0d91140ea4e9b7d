/*
 * engine_erase.c - erasing all data of a partition.
 *
 * Leaves are taken away in bounded transactions by posting the opposite of
 * what they hold, so that every total stays the sum of what is left; nodes
 * that end at zero go with them, and what is scheduled goes likewise. What is
 * allocated there goes before in the same way (engine_erase_pools.c).
 * Reservations follow, then what is known of
 * when rows were set, then the index of places. Erasing again after a crash
 * finishes what was begun.
 */
#include "core/alloc.h"
#include "core/draft.h"
#include "core/engine_internal.h"

#include <stdio.h>
#include <string.h>

#define LEAVES_PER_STEP 500
#define RESERVATIONS_PER_STEP 1000
#define SET_TIMES_PER_STEP 1000

void rf_engine__erase_forget(rf_engine *engine)
{
    rf_free(engine->erasing);
    engine->erasing = NULL;
}

rf_text rf_engine__product(const rf_erasing *erasing)
{
    return (rf_text){erasing->product, erasing->product_length};
}

void rf_engine__erased_product(const rf_engine *engine, rf_key *out)
{
    const rf_erasing *erasing = engine->erasing;
    rf_key_product(out, engine->work.environment->number, erasing->organization,
                   rf_engine__product(erasing));
}

/* Collected by the scans below; `limit` ends a scan. */
typedef struct collection {
    rf_engine *engine;
    const rf_erasing *erasing;
    size_t count;
    rf_status status;
    rf_error *err;
    rf_head *head;   /* reservations: counted down */
    rf_buffer *keys; /* to be deleted */
    rf_bytes found;  /* place index */
} collection;

static bool is_inside(const rf_erasing *erasing, const rf_place *place)
{
    if (erasing->by_product) {
        return true;
    }
    return rf_text_equal(place->value[RF_SITE],
                         erasing->place.value[RF_SITE]) &&
           rf_text_equal(place->value[RF_LOCATION],
                         erasing->place.value[RF_LOCATION]);
}

/* Say whether a key with coordinates lies in the partition: site and location
 * are in it even when the rest is hashed. */
static bool has_key(collection *collected, rf_bytes key)
{
    rf_key_parts parts;
    rf_place place;
    bool hashed;
    collected->status = rf_key_read(key, &parts, collected->err);
    if (collected->status == RF_OK) {
        collected->status = rf_coordinates_read(parts.coordinates, &place,
                                                &hashed, collected->err);
    }
    return collected->status == RF_OK && is_inside(collected->erasing, &place);
}

static bool collect_node(void *argument, rf_bytes key, rf_bytes value)
{
    collection *collected = argument;
    (void)value;
    if (!has_key(collected, key)) {
        return collected->status == RF_OK;
    }
    rf_key leaf = {.length = (uint16_t)key.length};
    memcpy(leaf.bytes, key.bytes, key.length);
    if (rf_workset_want(collected->engine->workset, RF_TABLE_STOCK,
                        RF_RECORD_NODE, &leaf) == NULL) {
        collected->status =
            rf_fail(collected->err, RF_E_NO_MEMORY, "out of memory");
        return false;
    }
    return ++collected->count < LEAVES_PER_STEP;
}

static rf_status scan_prefix(rf_store_transaction *transaction, rf_table table,
                             const rf_key *prefix, rf_store_visit *visit,
                             collection *collected, rf_error *err)
{
    rf_key to;
    rf_key_copy(&to, prefix);
    bool bounded = rf_key_after_prefix(&to);
    rf_status status = collected->engine->store->operations->scan(
        transaction,
        &(rf_store_range){table, rf_key_bytes(prefix),
                          bounded ? rf_key_bytes(&to) : (rf_bytes){NULL, 0}},
        visit, collected, err);
    return status != RF_OK ? status : collected->status;
}

/* Post the opposite of one leaf, the first node of the posting. Its list keeps
 * its order meanwhile: every measure is in it already. */
static rf_status negate(rf_engine *engine, const rf_posting *posting,
                        rf_error *err)
{
    RF_ASSERT(posting->count > 0);
    const rf_measures *measures = &posting->nodes[0]->node.measures;
    for (uint16_t m = 0; m < measures->count; m++) {
        rf_amount amount = measures->amounts[m];
        for (size_t i = 0; i < posting->count; i++) {
            rf_status status =
                rf_workset_add(engine->workset, posting->nodes[i],
                               amount.measure, -amount.quantity, err);
            if (status != RF_OK) {
                return status;
            }
        }
    }
    return RF_OK;
}

static rf_status unmark_place(rf_engine *engine, const rf_key *key,
                              rf_error *err)
{
    rf_record *marker = rf_workset_blind(engine->workset, RF_TABLE_PLACE,
                                         RF_RECORD_MARKER, key);
    if (marker == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    return rf_workset_set_present(engine->workset, marker, false, err);
}

static void drop_zero_nodes(rf_engine *engine)
{
    for (rf_record *record = rf_workset_first(engine->workset); record != NULL;
         record = record->next) {
        if (record->kind == RF_RECORD_NODE && record->dirty &&
            rf_measures_are_zero(&record->node.measures)) {
            rf_workset_drop_node(record);
        }
    }
}

/* Take away the leaves that were collected: the first records. */
static rf_status erase_collected(rf_engine *engine,
                                 rf_store_transaction *transaction,
                                 size_t count, rf_error *err)
{
    const rf_erasing *erasing = engine->erasing;
    rf_arena *arena = rf_workset_arena(engine->workset);
    rf_posting *postings = rf_arena_alloc(arena, count * sizeof *postings);
    rf_place *places = rf_arena_alloc(arena, count * sizeof *places);
    rf_status status = postings == NULL || places == NULL
                           ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
                           : rf_workset_load(engine->workset, transaction, err);
    const rf_record *leaf = rf_workset_first(engine->workset);
    for (size_t i = 0; i < count && status == RF_OK; i++, leaf = leaf->next) {
        rf_key_parts parts;
        status = rf_work_read_node(leaf, &parts, &places[i], err);
        if (status == RF_OK) {
            status = rf_posting_plan(&engine->work, erasing->organization,
                                     rf_engine__product(erasing), &places[i],
                                     &postings[i], err);
        }
    }
    if (status == RF_OK) {
        status = rf_workset_load(engine->workset, transaction, err);
    }
    for (size_t i = 0; i < count && status == RF_OK; i++) {
        RF_ASSERT(postings != NULL);
        status = negate(engine, &postings[i], err);
        if (status == RF_OK && erasing->by_product) {
            rf_key key;
            rf_posting_place_key(&engine->work, &postings[i], &key);
            status = unmark_place(engine, &key, err);
        }
    }
    drop_zero_nodes(engine);
    return status;
}

/* Append site and location as far as they lead the keys of the partition. */
static void append_place(rf_key *prefix, const rf_erasing *erasing)
{
    rf_key_coordinate(prefix, RF_SITE, erasing->place.value[RF_SITE]);
    if (erasing->place.value[RF_SITE].length > 0) {
        rf_key_coordinate(prefix, RF_LOCATION,
                          erasing->place.value[RF_LOCATION]);
    }
}

/* Want nodes of a level that are to be erased. */
static rf_status collect_nodes(rf_engine *engine,
                               rf_store_transaction *transaction,
                               const rf_level_state *level, size_t *count,
                               rf_error *err)
{
    const rf_erasing *erasing = engine->erasing;
    collection collected = {.engine = engine, .erasing = erasing, .err = err};
    rf_key prefix;
    rf_engine__erased_product(engine, &prefix);
    rf_key_level(&prefix, level->number);
    append_place(&prefix, erasing);
    rf_status status = scan_prefix(transaction, RF_TABLE_STOCK, &prefix,
                                   collect_node, &collected, err);
    *count = collected.count;
    return status;
}

static rf_status erase_leaves(rf_engine *engine,
                              rf_store_transaction *transaction,
                              const rf_environment *environment,
                              rf_level_kind kind, size_t *count, rf_error *err)
{
    rf_status status =
        collect_nodes(engine, transaction,
                      rf_environment_leaf_level(environment, kind), count, err);
    return status == RF_OK && *count > 0
               ? erase_collected(engine, transaction, *count, err)
               : status;
}

/* What is allocated goes first: taking a record away changes its leaf, too. */
static rf_status erase_pools(rf_engine *engine,
                             rf_store_transaction *transaction,
                             const rf_environment *environment, size_t *count,
                             rf_error *err)
{
    const rf_level_state *pool = rf_environment_pool_level(environment);
    if (pool == NULL) {
        return RF_OK;
    }
    rf_status status = collect_nodes(engine, transaction, pool, count, err);
    return status == RF_OK && *count > 0
               ? rf_engine__erase_pools(engine, transaction, *count, err)
               : status;
}

static rf_status delete_collected(rf_engine *engine,
                                  rf_store_transaction *transaction,
                                  const rf_buffer *keys, rf_error *err)
{
    return rf_buffer_failed(keys)
               ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
               : rf_engine__delete_keys(engine, transaction, keys, err);
}

/* A hold that is erased does not end any more. */
static rf_status forget_end(const collection *collected, rf_bytes key,
                            const rf_reservation *hold)
{
    rf_work *work = &collected->engine->work;
    rf_key_parts parts;
    if (hold->expires_ms == 0) {
        return RF_OK;
    }
    rf_status status = rf_key_read(key, &parts, collected->err);
    if (status != RF_OK) {
        return status;
    }
    rf_record *marker =
        rf_work_due(work, &(rf_due_parts){parts.environment, hold->expires_ms,
                                          parts.organization, parts.product,
                                          parts.reservation, RF_DUE_HOLD});
    return marker == NULL
               ? rf_fail(collected->err, RF_E_NO_MEMORY, "out of memory")
               : rf_workset_set_present(work->workset, marker, false,
                                        collected->err);
}

static bool collect_reservation(void *argument, rf_bytes key, rf_bytes value)
{
    collection *collected = argument;
    rf_reservation reservation;
    rf_place place;
    bool hashed;
    collected->status =
        rf_reservation_decode(value, &reservation, collected->err);
    if (collected->status == RF_OK) {
        collected->status = rf_coordinates_read(reservation.coordinates, &place,
                                                &hashed, collected->err);
    }
    if (collected->status != RF_OK) {
        return false;
    }
    if (!is_inside(collected->erasing, &place)) {
        return true;
    }
    if (reservation.quantity > 0 &&
        !rf_head_count(collected->head, reservation.level, -1)) {
        collected->status = rf_fail(collected->err, RF_E_STORAGE,
                                    "a product's head is damaged");
        return false;
    }
    collected->status = forget_end(collected, key, &reservation);
    if (collected->status != RF_OK) {
        return false;
    }
    rf_write_text(collected->keys,
                  (rf_text){(const char *)key.bytes, key.length});
    return ++collected->count < RESERVATIONS_PER_STEP;
}

static rf_status load_head(rf_engine *engine, rf_store_transaction *transaction,
                           const rf_key *product, rf_record **out,
                           rf_error *err)
{
    *out = rf_check_want_head(&engine->work, product);
    return *out == NULL ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
                        : rf_workset_load(engine->workset, transaction, err);
}

static rf_status erase_reservations(rf_engine *engine,
                                    rf_store_transaction *transaction,
                                    const rf_environment *environment,
                                    size_t *count, rf_error *err)
{
    const rf_erasing *erasing = engine->erasing;
    rf_buffer keys = {0};
    rf_head head = {0};
    rf_key prefix;
    rf_record *record = NULL;
    rf_key_product(&prefix, environment->number, erasing->organization,
                   rf_engine__product(erasing));
    rf_status status = load_head(engine, transaction, &prefix, &record, err);
    if (status != RF_OK) {
        return status;
    }
    if (record->as.head != NULL) {
        head = *record->as.head;
    }
    collection collected = {.engine = engine,
                            .erasing = erasing,
                            .err = err,
                            .head = &head,
                            .keys = &keys};
    prefix.bytes[prefix.length++] = RF_KEY_RESERVATION;
    status = scan_prefix(transaction, RF_TABLE_STOCK, &prefix,
                         collect_reservation, &collected, err);
    if (status == RF_OK && collected.count > 0) {
        status = rf_workset_set_head(engine->workset, record, &head, err);
    }
    if (status == RF_OK) {
        status = delete_collected(engine, transaction, &keys, err);
    }
    rf_buffer_done(&keys);
    *count = collected.count;
    return status;
}

static bool collect_set_times(void *argument, rf_bytes key, rf_bytes value)
{
    collection *collected = argument;
    (void)value;
    if (!has_key(collected, key)) {
        return collected->status == RF_OK;
    }
    rf_write_text(collected->keys,
                  (rf_text){(const char *)key.bytes, key.length});
    return ++collected->count < SET_TIMES_PER_STEP;
}

/* They go after the leaves: a row that is set while its partition is being
 * erased must not leave a time behind that later counts would lose against. */
static rf_status erase_set_times(rf_engine *engine,
                                 rf_store_transaction *transaction,
                                 size_t *count, rf_error *err)
{
    rf_buffer keys = {0};
    rf_key prefix;
    collection collected = {.engine = engine,
                            .erasing = engine->erasing,
                            .err = err,
                            .keys = &keys};
    rf_engine__erased_product(engine, &prefix);
    prefix.bytes[prefix.length++] = RF_KEY_SET_TIMES;
    append_place(&prefix, engine->erasing);
    rf_status status = scan_prefix(transaction, RF_TABLE_STOCK, &prefix,
                                   collect_set_times, &collected, err);
    if (status == RF_OK) {
        status = delete_collected(engine, transaction, &keys, err);
    }
    rf_buffer_done(&keys);
    *count = collected.count;
    return status;
}

/* Take one product of the partition a step further. */
static rf_status erase_product(rf_engine *engine,
                               rf_store_transaction *transaction,
                               const rf_environment *environment, bool *last,
                               rf_error *err)
{
    const rf_erasing *erasing = engine->erasing;
    size_t count = 0;
    rf_status status =
        erase_pools(engine, transaction, environment, &count, err);
    if (status == RF_OK && count == 0) {
        status = erase_leaves(engine, transaction, environment,
                              RF_LEVEL_OF_STOCK, &count, err);
    }
    if (status == RF_OK && count == 0) {
        status = erase_leaves(engine, transaction, environment,
                              RF_LEVEL_OF_SCHEDULES, &count, err);
    }
    if (status == RF_OK && count == 0) {
        status =
            erase_reservations(engine, transaction, environment, &count, err);
    }
    if (status == RF_OK && count == 0) {
        status = erase_set_times(engine, transaction, &count, err);
    }
    if (status != RF_OK || count > 0) {
        return status;
    }
    *last = true;
    rf_key key;
    rf_key_place(&key, environment->number, erasing->organization,
                 erasing->place.value[RF_SITE],
                 erasing->place.value[RF_LOCATION],
                 rf_engine__product(erasing));
    return erasing->by_product ? RF_OK : unmark_place(engine, &key, err);
}

static bool take_first(void *argument, rf_bytes key, rf_bytes value)
{
    collection *collected = argument;
    (void)value;
    collected->found = key;
    return false;
}

/* Find the next product that the index of places names for the partition. */
static rf_status find_product(rf_engine *engine,
                              rf_store_transaction *transaction,
                              const rf_environment *environment, rf_error *err)
{
    rf_erasing *erasing = engine->erasing;
    collection collected = {.engine = engine, .err = err};
    rf_key prefix;
    rf_key_place(&prefix, environment->number, erasing->organization,
                 erasing->place.value[RF_SITE],
                 erasing->place.value[RF_LOCATION], RF_TEXT_EMPTY);
    prefix.length--; /* without the empty product's length */
    rf_status status = scan_prefix(transaction, RF_TABLE_PLACE, &prefix,
                                   take_first, &collected, err);
    if (status != RF_OK || collected.found.bytes == NULL) {
        return status;
    }
    size_t length = collected.found.length - prefix.length - 1;
    RF_ASSERT(length <= sizeof erasing->product);
    memcpy(erasing->product, collected.found.bytes + prefix.length + 1, length);
    erasing->product_length = length;
    return RF_OK;
}

/* Forget the ids of the partition's data up to now. */
static rf_status note_erasure(rf_engine *engine,
                              rf_store_transaction *transaction,
                              rf_environment *environment, rf_error *err)
{
    const rf_erasing *erasing = engine->erasing;
    rf_status status = rf_environment_note_erasure(
        environment,
        rf_partition_hash(erasing->by_product, erasing->organization,
                          rf_engine__product(erasing), &erasing->place),
        environment->last_number, err);
    return status == RF_OK ? rf_environment_save(engine->store, transaction,
                                                 environment, err)
                           : status;
}

static rf_status finish_partition(rf_engine *engine, const rf_task *task,
                                  rf_store_transaction *transaction,
                                  rf_environment *environment, rf_error *err)
{
    rf_status status = rf_engine__journal_task(engine, environment, task,
                                               RF_OPERATION_ERASE, err);
    return status == RF_OK ? note_erasure(engine, transaction, environment, err)
                           : status;
}

/* Read the id of a partition. */
static rf_status read_partition(rf_engine *engine, const rf_task *task,
                                size_t partition,
                                const rf_environment *environment,
                                rf_error *err)
{
    rf_erasing *erasing = engine->erasing;
    rf_text id = task->partitions[partition];
    rf_text product = RF_TEXT_EMPTY;
    erasing->by_product = environment->generation->catalog->by_product;
    erasing->product_length = 0;
    memset(&erasing->place, 0, sizeof erasing->place);
    if (!rf_partition_parse(erasing->by_product, id, erasing->scratch,
                            &erasing->organization, &product,
                            &erasing->place) ||
        product.length > sizeof erasing->product) {
        char field[32];
        snprintf(field, sizeof field, "[%zu]", partition);
        return rf_fail_field(err, RF_E_INVALID_FIELD, field,
                             "%.*s is no partition id of this environment",
                             RF_SHOWN(id));
    }
    memcpy(erasing->product, product.bytes, product.length);
    erasing->product_length = product.length;
    return RF_OK;
}

/* Nothing is erased unless every id is one. */
static rf_status check_partitions(rf_engine *engine, const rf_task *task,
                                  const rf_environment *environment,
                                  rf_error *err)
{
    rf_status status = RF_OK;
    for (size_t i = 0; i < task->partition_count && status == RF_OK; i++) {
        status = read_partition(engine, task, i, environment, err);
    }
    return status;
}

static rf_status start_partition(rf_engine *engine, const rf_task *task,
                                 const rf_environment *environment,
                                 rf_error *err)
{
    rf_erasing *erasing = engine->erasing;
    rf_status status =
        read_partition(engine, task, erasing->partition, environment, err);
    erasing->parsed = status == RF_OK;
    return status;
}

/* One transaction's worth of the partition under way. */
static rf_status erase_some(rf_engine *engine, const rf_task *task,
                            rf_environment *environment,
                            rf_store_transaction *transaction, rf_error *err)
{
    rf_erasing *erasing = engine->erasing;
    rf_status status = RF_OK;
    erasing->product_done = false;
    if (!erasing->noted) {
        /* An erasure that is cut short has erased something, too. */
        status = note_erasure(engine, transaction, environment, err);
    }
    if (status == RF_OK && erasing->product_length == 0) {
        status = find_product(engine, transaction, environment, err);
    }
    if (status == RF_OK && erasing->product_length > 0) {
        status = erase_product(engine, transaction, environment,
                               &erasing->product_done, err);
    }
    erasing->partition_done = erasing->product_length == 0 ||
                              (erasing->by_product && erasing->product_done);
    return status == RF_OK && erasing->partition_done
               ? finish_partition(engine, task, transaction, environment, err)
               : status;
}

/* Run one transaction, and go on to the next product or partition when it
 * finished one. */
static rf_status erase_transaction(rf_engine *engine, const rf_task *task,
                                   rf_environment *environment, rf_error *err)
{
    rf_erasing *erasing = engine->erasing;
    rf_store_transaction *transaction = NULL;
    rf_status status = rf_engine__begin(engine, &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    rf_engine__begin_work(engine, environment);
    status = erase_some(engine, task, environment, transaction, err);
    if (status != RF_OK) {
        engine->store->operations->abort(transaction);
        rf_engine__take_back(engine, 0);
        return status;
    }
    status = rf_engine__commit(engine, transaction, err);
    if (status == RF_OK) {
        erasing->noted = true;
    }
    if (status == RF_OK && erasing->product_done && !erasing->by_product) {
        erasing->product_length = 0;
    }
    if (status == RF_OK && erasing->partition_done) {
        erasing->partition++;
        erasing->parsed = false;
        erasing->noted = false;
    }
    return status;
}

rf_status rf_engine__erase_step(rf_engine *engine, rf_task *task,
                                bool *finished, rf_error *err)
{
    rf_environment *environment =
        rf_engine__environment_by_id(engine, task->environment);
    if (environment == NULL || environment->generation == NULL) {
        return rf_fail(err, RF_E_UNKNOWN_ENVIRONMENT, "no such environment");
    }
    if (engine->erasing == NULL) {
        engine->erasing = rf_calloc(1, sizeof *engine->erasing);
        if (engine->erasing == NULL) {
            return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
        }
        rf_status good = check_partitions(engine, task, environment, err);
        if (good != RF_OK) {
            return good;
        }
    }
    if (engine->erasing->partition == task->partition_count) {
        *finished = true;
        return RF_OK;
    }
    rf_status status = RF_OK;
    if (!engine->erasing->parsed) {
        status = start_partition(engine, task, environment, err);
    }
    return status == RF_OK ? erase_transaction(engine, task, environment, err)
                           : status;
}
