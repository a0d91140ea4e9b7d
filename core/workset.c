/*
 * workset.c - records in memory, and the way back.
 *
 * Records are found by a hash of table and key, kept in the order they were
 * first wanted (which is the order of a product's keys, so that the store's
 * cursor stays on one page), and reused from batch to batch with the memory of
 * their lists. Every change first notes what it replaces; undoing walks that
 * list backwards.
 */
#include "core/workset.h"

#include "core/alloc.h"
#include "core/codec.h"

#include <string.h>

#define RECORDS_PER_BLOCK 256
#define FIRST_BUCKETS ((size_t)1024)
#define ARENA_BLOCK_BYTES ((size_t)256 * 1024)

typedef struct record_block {
    struct record_block *next;
    rf_record records[RECORDS_PER_BLOCK];
} record_block;

typedef struct range {
    struct range *next;
    bool loaded;
    rf_bytes prefix;
} range;

/* What a change replaced. */
typedef struct change {
    rf_record *record;
    bool was_present;
    bool was_dirty;
    bool had_measure;
    rf_measure measure;
    rf_quantity quantity;
    const void *old; /* what is no node, copied to the arena */
} change;

struct rf_workset {
    rf_store *store;
    rf_arena arena;
    record_block *blocks; /* all of them, the first in use first */
    record_block *block;  /* the one being handed out from */
    size_t block_used;
    rf_record **buckets;
    size_t bucket_count;
    size_t record_count;
    rf_record *first;
    rf_record **end;
    rf_record *first_unloaded; /* everything before it is loaded */
    range *ranges;
    bool range_waiting;
    change *changes;
    size_t change_count;
    size_t change_capacity;
    rf_store_item *items;
    size_t item_capacity;
    rf_buffer values;
    rf_buffer scratch;
};

rf_status rf_workset_create(rf_store *store, rf_workset **out, rf_error *err)
{
    rf_workset *workset = rf_calloc(1, sizeof *workset);
    rf_record **buckets = rf_calloc(FIRST_BUCKETS, sizeof *buckets);
    if (workset == NULL || buckets == NULL) {
        rf_free(workset);
        rf_free(buckets);
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    workset->store = store;
    rf_arena_init(&workset->arena, ARENA_BLOCK_BYTES, 0);
    workset->buckets = buckets;
    workset->bucket_count = FIRST_BUCKETS;
    workset->end = &workset->first;
    *out = workset;
    return RF_OK;
}

static void free_blocks(record_block *block)
{
    while (block != NULL) {
        record_block *next = block->next;
        for (size_t i = 0; i < RECORDS_PER_BLOCK; i++) {
            rf_measures_done(&block->records[i].node.measures);
        }
        rf_free(block);
        block = next;
    }
}

void rf_workset_free(rf_workset *workset)
{
    if (workset == NULL) {
        return;
    }
    free_blocks(workset->blocks);
    rf_arena_done(&workset->arena);
    rf_buffer_done(&workset->values);
    rf_buffer_done(&workset->scratch);
    rf_free(workset->buckets);
    rf_free(workset->changes);
    rf_free(workset->items);
    rf_free(workset);
}

void rf_workset_reset(rf_workset *workset)
{
    memset(workset->buckets, 0,
           workset->bucket_count * sizeof workset->buckets[0]);
    workset->block = workset->blocks;
    workset->block_used = 0;
    workset->record_count = 0;
    workset->first = NULL;
    workset->end = &workset->first;
    workset->first_unloaded = NULL;
    workset->ranges = NULL;
    workset->range_waiting = false;
    workset->change_count = 0;
    rf_arena_reset(&workset->arena);
}

rf_arena *rf_workset_arena(rf_workset *workset)
{
    return &workset->arena;
}

rf_buffer *rf_workset_scratch(rf_workset *workset)
{
    rf_buffer_clear(&workset->scratch);
    return &workset->scratch;
}

rf_record *rf_workset_first(const rf_workset *workset)
{
    return workset->first;
}

/* Take a record from the blocks; its list keeps whatever memory it has. */
static rf_record *take_record(rf_workset *workset)
{
    if (workset->block != NULL && workset->block_used == RECORDS_PER_BLOCK &&
        workset->block->next != NULL) {
        workset->block = workset->block->next;
        workset->block_used = 0;
    }
    if (workset->block == NULL || workset->block_used == RECORDS_PER_BLOCK) {
        record_block *block = rf_calloc(1, sizeof *block);
        if (block == NULL) {
            return NULL;
        }
        if (workset->block == NULL) {
            workset->blocks = block;
        } else {
            workset->block->next = block;
        }
        workset->block = block;
        workset->block_used = 0;
    }
    rf_record *record = &workset->block->records[workset->block_used++];
    rf_measures measures = record->node.measures;
    memset(record, 0, sizeof *record);
    measures.count = 0;
    record->node.measures = measures;
    return record;
}

/* Keep chains short; a failure to grow only makes them longer. */
static void grow_buckets(rf_workset *workset)
{
    size_t count = workset->bucket_count * 2;
    rf_record **buckets = rf_calloc(count, sizeof *buckets);
    if (buckets == NULL) {
        return;
    }
    for (rf_record *record = workset->first; record != NULL;
         record = record->next) {
        rf_record **bucket = &buckets[record->hash & (count - 1)];
        record->next_same_hash = *bucket;
        *bucket = record;
    }
    rf_free(workset->buckets);
    workset->buckets = buckets;
    workset->bucket_count = count;
}

static uint64_t hash_key(rf_table table, const rf_key *key)
{
    return rf_hash(key->bytes, key->length) + (uint64_t)table;
}

static rf_record *find_record(const rf_workset *workset, uint64_t hash,
                              rf_table table, const rf_key *key)
{
    rf_record *record = workset->buckets[hash & (workset->bucket_count - 1)];
    while (record != NULL &&
           (record->hash != hash || record->table != table ||
            record->key.length != key->length ||
            memcmp(record->key.bytes, key->bytes, key->length) != 0)) {
        record = record->next_same_hash;
    }
    return record;
}

static rf_record *enter_record(rf_workset *workset, uint64_t hash,
                               rf_table table, rf_record_kind kind,
                               const rf_key *key)
{
    if (workset->record_count >= workset->bucket_count) {
        grow_buckets(workset);
    }
    const void *copy = rf_arena_copy(&workset->arena, key->bytes, key->length);
    rf_record *record = copy == NULL ? NULL : take_record(workset);
    if (record == NULL) {
        return NULL;
    }
    record->hash = hash;
    record->table = table;
    record->kind = kind;
    record->key = (rf_bytes){copy, key->length};
    rf_record **bucket = &workset->buckets[hash & (workset->bucket_count - 1)];
    record->next_same_hash = *bucket;
    *bucket = record;
    *workset->end = record;
    workset->end = &record->next;
    workset->record_count++;
    return record;
}

rf_record *rf_workset_want(rf_workset *workset, rf_table table,
                           rf_record_kind kind, const rf_key *key)
{
    uint64_t hash = hash_key(table, key);
    rf_record *record = find_record(workset, hash, table, key);
    if (record == NULL) {
        record = enter_record(workset, hash, table, kind, key);
        if (record != NULL && workset->first_unloaded == NULL) {
            workset->first_unloaded = record;
        }
    }
    return record;
}

rf_record *rf_workset_blind(rf_workset *workset, rf_table table,
                            rf_record_kind kind, const rf_key *key)
{
    uint64_t hash = hash_key(table, key);
    rf_record *record = find_record(workset, hash, table, key);
    if (record == NULL) {
        record = enter_record(workset, hash, table, kind, key);
        if (record != NULL) {
            record->loaded = true;
        }
    }
    return record;
}

bool rf_workset_want_range(rf_workset *workset, const rf_key *prefix)
{
    for (const range *known = workset->ranges; known != NULL;
         known = known->next) {
        if (known->prefix.length == prefix->length &&
            memcmp(known->prefix.bytes, prefix->bytes, prefix->length) == 0) {
            return true;
        }
    }
    range *wanted = rf_arena_calloc(&workset->arena, 1, sizeof *wanted);
    const void *copy =
        rf_arena_copy(&workset->arena, prefix->bytes, prefix->length);
    if (wanted == NULL || copy == NULL) {
        return false;
    }
    *wanted = (range){workset->ranges, false, {copy, prefix->length}};
    workset->ranges = wanted;
    workset->range_waiting = true;
    return true;
}

bool rf_workset_is_waiting(const rf_workset *workset)
{
    return workset->first_unloaded != NULL || workset->range_waiting;
}

/* Copy a value that texts of the record will borrow from. */
static rf_status keep_value(rf_workset *workset, rf_bytes *value, rf_error *err)
{
    const void *copy =
        rf_arena_copy(&workset->arena, value->bytes, value->length);
    if (copy == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    value->bytes = copy;
    return RF_OK;
}

static rf_status decode_head(rf_workset *workset, rf_record *record,
                             rf_bytes value, rf_error *err)
{
    rf_head *head = rf_arena_alloc(&workset->arena, sizeof *head);
    if (head == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    record->as.head = head;
    return rf_head_decode(value, head, err);
}

static rf_status decode_node(rf_workset *workset, rf_record *record,
                             rf_bytes value, rf_error *err)
{
    rf_status status = rf_node_decode(value, &record->node, err);
    if (status == RF_OK && record->node.coordinates.length > 0) {
        status = keep_value(workset, &record->node.coordinates, err);
    }
    return status;
}

static rf_status decode_record(rf_workset *workset, rf_record *record,
                               rf_bytes value, rf_error *err)
{
    record->loaded = true;
    record->present = value.bytes != NULL;
    if (!record->present) {
        return RF_OK;
    }
    switch (record->kind) {
    case RF_RECORD_NODE:
        return decode_node(workset, record, value, err);
    case RF_RECORD_HEAD:
        return decode_head(workset, record, value, err);
    case RF_RECORD_RESERVATION: {
        rf_status status = keep_value(workset, &value, err);
        return status != RF_OK
                   ? status
                   : rf_reservation_decode(value, &record->as.reservation, err);
    }
    case RF_RECORD_SET_TIMES:
        return rf_set_times_decode(value, &workset->arena,
                                   &record->as.set_times, err);
    case RF_RECORD_STAGED:
    case RF_RECORD_ENTRY:
    case RF_RECORD_PRODUCT:
        record->as.bytes = value;
        return keep_value(workset, &record->as.bytes, err);
    case RF_RECORD_MARKER:
        return RF_OK;
    }
    return RF_OK;
}

static bool reserve_items(rf_workset *workset)
{
    if (workset->record_count <= workset->item_capacity) {
        return true;
    }
    size_t capacity = workset->record_count * 2;
    rf_store_item *items = rf_realloc(workset->items, capacity, sizeof *items);
    if (items == NULL) {
        return false;
    }
    workset->items = items;
    workset->item_capacity = capacity;
    return true;
}

static rf_status load_records(rf_workset *workset,
                              rf_store_transaction *transaction, rf_error *err)
{
    if (!reserve_items(workset)) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    size_t count = 0;
    for (rf_record *record = workset->first_unloaded; record != NULL;
         record = record->next) {
        if (!record->loaded) {
            workset->items[count++] =
                (rf_store_item){record->table, record->key, {NULL, 0}};
        }
    }
    rf_status status = workset->store->operations->load(
        transaction, workset->items, count, err);
    size_t place = 0;
    for (rf_record *record = workset->first_unloaded;
         record != NULL && status == RF_OK; record = record->next) {
        if (!record->loaded) {
            status = decode_record(workset, record,
                                   workset->items[place++].value, err);
        }
    }
    workset->first_unloaded = NULL;
    return status;
}

typedef struct range_load {
    rf_workset *workset;
    rf_status status;
    rf_error *err;
} range_load;

static bool load_range_record(void *argument, rf_bytes key, rf_bytes value)
{
    range_load *context = argument;
    rf_workset *workset = context->workset;
    rf_key wanted = {.length = (uint16_t)key.length};
    memcpy(wanted.bytes, key.bytes, key.length);
    rf_record *unloaded = workset->first_unloaded;
    rf_record *record =
        rf_workset_want(workset, RF_TABLE_STOCK, RF_RECORD_NODE, &wanted);
    workset->first_unloaded = unloaded;
    if (record == NULL) {
        context->status =
            rf_fail(context->err, RF_E_NO_MEMORY, "out of memory");
    } else if (!record->loaded) {
        context->status = decode_record(workset, record, value, context->err);
    }
    return context->status == RF_OK;
}

static rf_status load_ranges(rf_workset *workset,
                             rf_store_transaction *transaction, rf_error *err)
{
    range_load context = {workset, RF_OK, err};
    for (range *wanted = workset->ranges;
         wanted != NULL && context.status == RF_OK; wanted = wanted->next) {
        if (wanted->loaded) {
            continue;
        }
        wanted->loaded = true;
        rf_key to = {.length = (uint16_t)wanted->prefix.length};
        memcpy(to.bytes, wanted->prefix.bytes, wanted->prefix.length);
        bool bounded = rf_key_after_prefix(&to);
        rf_status status = workset->store->operations->scan(
            transaction,
            &(rf_store_range){RF_TABLE_STOCK, wanted->prefix,
                              bounded ? rf_key_bytes(&to)
                                      : (rf_bytes){NULL, 0}},
            load_range_record, &context, err);
        if (status != RF_OK) {
            return status;
        }
    }
    workset->range_waiting = false;
    return context.status;
}

rf_status rf_workset_load(rf_workset *workset,
                          rf_store_transaction *transaction, rf_error *err)
{
    rf_status status = RF_OK;
    if (workset->first_unloaded != NULL) {
        status = load_records(workset, transaction, err);
    }
    if (status == RF_OK && workset->range_waiting) {
        status = load_ranges(workset, transaction, err);
    }
    return status;
}

size_t rf_workset_mark(const rf_workset *workset)
{
    return workset->change_count;
}

/* Note what the record is like now, before it is changed. NULL: no memory. */
static change *note_change(rf_workset *workset, rf_record *record)
{
    RF_ASSERT(record->loaded);
    if (workset->change_count == workset->change_capacity) {
        size_t capacity =
            workset->change_capacity == 0 ? 1024 : workset->change_capacity * 2;
        change *changes =
            rf_realloc(workset->changes, capacity, sizeof *changes);
        if (changes == NULL) {
            return NULL;
        }
        workset->changes = changes;
        workset->change_capacity = capacity;
    }
    change *noted = &workset->changes[workset->change_count++];
    *noted = (change){.record = record,
                      .was_present = record->present,
                      .was_dirty = record->dirty};
    return noted;
}

static void undo_change(const change *noted)
{
    rf_record *record = noted->record;
    record->present = noted->was_present;
    record->dirty = noted->was_dirty;
    if (record->kind == RF_RECORD_HEAD) {
        record->as.head =
            noted->old == NULL
                ? NULL
                : memcpy(record->as.head, noted->old, sizeof(rf_head));
    } else if (record->kind == RF_RECORD_RESERVATION && noted->old != NULL) {
        memcpy(&record->as.reservation, noted->old, sizeof(rf_reservation));
    } else if (record->kind == RF_RECORD_SET_TIMES && noted->old != NULL) {
        memcpy(&record->as.set_times, noted->old, sizeof(rf_set_times));
    } else if ((record->kind == RF_RECORD_PRODUCT ||
                record->kind == RF_RECORD_STAGED) &&
               noted->old != NULL) {
        memcpy(&record->as.bytes, noted->old, sizeof(rf_bytes));
    } else if (record->kind == RF_RECORD_NODE && noted->had_measure) {
        rf_measures_restore(&record->node.measures, noted->measure,
                            noted->quantity);
    } else if (record->kind == RF_RECORD_NODE) {
        rf_measures_remove(&record->node.measures, noted->measure);
    }
}

void rf_workset_undo(rf_workset *workset, size_t mark)
{
    while (workset->change_count > mark) {
        undo_change(&workset->changes[--workset->change_count]);
    }
}

rf_status rf_workset_add(rf_workset *workset, rf_record *record,
                         rf_measure measure, rf_quantity delta, rf_error *err)
{
    RF_ASSERT(record->kind == RF_RECORD_NODE);
    change *noted = note_change(workset, record);
    if (noted == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    noted->measure = measure;
    noted->had_measure = rf_measures_has(&record->node.measures, measure);
    noted->quantity = rf_measures_get(&record->node.measures, measure);
    rf_status status =
        rf_measures_add(&record->node.measures, measure, delta, err);
    if (status != RF_OK) {
        workset->change_count--;
        return status;
    }
    record->present = true;
    record->dirty = true;
    return RF_OK;
}

/* Copy a record's old content, if it has any, for the way back. */
static bool note_old(rf_workset *workset, rf_record *record, const void *old,
                     size_t size)
{
    const void *copy = NULL;
    if (old != NULL) {
        copy = rf_arena_copy(&workset->arena, old, size);
        if (copy == NULL) {
            return false;
        }
    }
    change *noted = note_change(workset, record);
    if (noted == NULL) {
        return false;
    }
    noted->old = copy;
    return true;
}

rf_status rf_workset_set_head(rf_workset *workset, rf_record *record,
                              const rf_head *head, rf_error *err)
{
    RF_ASSERT(record->kind == RF_RECORD_HEAD);
    rf_head *room = record->as.head;
    if (room == NULL) {
        room = rf_arena_alloc(&workset->arena, sizeof *room);
    }
    if (room == NULL ||
        !note_old(workset, record, record->as.head, sizeof *room)) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    *room = *head;
    record->as.head = room;
    record->present = head->count > 0;
    record->dirty = true;
    return RF_OK;
}

rf_status rf_workset_set_reservation(rf_workset *workset, rf_record *record,
                                     const rf_reservation *reservation,
                                     rf_error *err)
{
    RF_ASSERT(record->kind == RF_RECORD_RESERVATION);
    if (!note_old(workset, record, &record->as.reservation,
                  sizeof *reservation)) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    record->as.reservation = *reservation;
    /* A hold that holds nothing is gone. */
    record->present = reservation->expires_ms == 0 || reservation->quantity > 0;
    record->dirty = true;
    return RF_OK;
}

rf_status rf_workset_set_times(rf_workset *workset, rf_record *record,
                               const rf_set_times *times, rf_error *err)
{
    RF_ASSERT(record->kind == RF_RECORD_SET_TIMES);
    if (!note_old(workset, record, &record->as.set_times, sizeof *times)) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    record->as.set_times = *times;
    record->present = times->count > 0;
    record->dirty = true;
    return RF_OK;
}

rf_status rf_workset_set_bytes(rf_workset *workset, rf_record *record,
                               rf_bytes value, rf_error *err)
{
    RF_ASSERT(record->kind == RF_RECORD_PRODUCT ||
              record->kind == RF_RECORD_STAGED);
    if (!note_old(workset, record, &record->as.bytes, sizeof value)) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    record->as.bytes = value;
    record->present = value.bytes != NULL;
    record->dirty = true;
    return RF_OK;
}

rf_status rf_workset_set_present(rf_workset *workset, rf_record *record,
                                 bool present, rf_error *err)
{
    RF_ASSERT(record->kind == RF_RECORD_MARKER);
    change *noted = note_change(workset, record);
    if (noted == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    record->present = present;
    record->dirty = true;
    return RF_OK;
}

void rf_workset_drop_node(rf_record *record)
{
    RF_ASSERT(record->kind == RF_RECORD_NODE && record->loaded);
    record->node.measures.count = 0;
    record->present = false;
    record->dirty = true;
}

static void encode_record(const rf_record *record, rf_buffer *out)
{
    switch (record->kind) {
    case RF_RECORD_NODE:
        rf_node_encode(&record->node, out);
        break;
    case RF_RECORD_HEAD:
        rf_head_encode(record->as.head, out);
        break;
    case RF_RECORD_RESERVATION:
        rf_reservation_encode(&record->as.reservation, out);
        break;
    case RF_RECORD_SET_TIMES:
        rf_set_times_encode(&record->as.set_times, out);
        break;
    case RF_RECORD_MARKER:
        rf_buffer_append_byte(out, 1);
        break;
    case RF_RECORD_PRODUCT:
    case RF_RECORD_STAGED:
        rf_buffer_append(out, record->as.bytes.bytes, record->as.bytes.length);
        break;
    case RF_RECORD_ENTRY:
        RF_ASSERT(record->kind != RF_RECORD_ENTRY); /* append only */
    }
}

/* Encode the changed records of one table. The values move while the buffer
 * grows, so the items hold offsets until all are written. */
static size_t encode_table(rf_workset *workset, rf_table table)
{
    size_t count = 0;
    rf_buffer_clear(&workset->values);
    for (const rf_record *record = workset->first; record != NULL;
         record = record->next) {
        if (!record->dirty || record->table != table) {
            continue;
        }
        size_t start = workset->values.length;
        if (record->present) {
            encode_record(record, &workset->values);
        }
        workset->items[count++] = (rf_store_item){
            table, record->key, {NULL, workset->values.length - start}};
    }
    const unsigned char *at = (const unsigned char *)workset->values.bytes;
    for (size_t i = 0; i < count; i++) {
        rf_bytes *value = &workset->items[i].value;
        if (value->length > 0) {
            value->bytes = at;
            at += value->length;
        }
    }
    return count;
}

rf_status rf_workset_save(rf_workset *workset,
                          rf_store_transaction *transaction, rf_error *err)
{
    static const rf_table tables[] = {RF_TABLE_STOCK, RF_TABLE_PLACE,
                                      RF_TABLE_DUE, RF_TABLE_PRODUCTS};
    if (!reserve_items(workset)) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        size_t count = encode_table(workset, tables[i]);
        if (rf_buffer_failed(&workset->values)) {
            return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
        }
        rf_status status = RF_OK;
        if (count > 0) {
            status = workset->store->operations->save(
                transaction, workset->items, count, err);
        }
        if (status != RF_OK) {
            return status;
        }
    }
    return RF_OK;
}
