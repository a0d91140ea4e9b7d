/*
 * store_lmdb_records.c - reading and writing records inside a transaction.
 *
 * Each table has one cursor for single records and one for scans. A cursor
 * looks at the page it stands on before it descends from the root, so items
 * given in key order cost little more than the pages they are on.
 */
#include "core/store_lmdb_internal.h"

#include <string.h>

/* LMDB takes its input through a pointer to non-const and only reads it. */
static MDB_val value_of(rf_bytes bytes)
{
    union {
        const unsigned char *in;
        void *out;
    } pointer = {.in = bytes.bytes};
    return (MDB_val){bytes.length, pointer.out};
}

static rf_bytes bytes_of(const MDB_val *value)
{
    return (rf_bytes){value->mv_data, value->mv_size};
}

/* Make a cursor usable in this transaction, opening it when it is new.
 * MDB_NOTFOUND: there is no such table. */
static int ready_cursor(rf_store_transaction *transaction, rf_table table,
                        rf_store_cursor *cursor)
{
    MDB_dbi handle = transaction->store->tables[table];
    if (cursor->is_current) {
        return 0;
    }
    if (handle == RF_STORE_NO_TABLE) {
        return MDB_NOTFOUND;
    }
    int code =
        cursor->handle != NULL
            ? mdb_cursor_renew(transaction->handle, cursor->handle)
            : mdb_cursor_open(transaction->handle, handle, &cursor->handle);
    cursor->is_current = code == 0;
    return code;
}

/* The first failure of a transaction is its end. */
static rf_status fail_transaction(rf_store_transaction *transaction, int code,
                                  const char *doing, rf_error *err)
{
    transaction->has_failed = true;
    if (code == MDB_MAP_FULL) {
        transaction->store->is_map_full = true;
    }
    return rf_store__fail(err, code, doing);
}

/* Fill in one item's value. */
static int load_item(rf_store_transaction *transaction, rf_store_item *item)
{
    rf_store_cursor *cursor = &transaction->points[item->table];
    int code = ready_cursor(transaction, item->table, cursor);
    MDB_val key = value_of(item->key);
    MDB_val value;
    if (code == 0) {
        code = mdb_cursor_get(cursor->handle, &key, &value, MDB_SET);
    }
    if (code == MDB_NOTFOUND) {
        item->value = (rf_bytes){NULL, 0};
        return 0;
    }
    if (code == 0) {
        item->value = bytes_of(&value);
    }
    return code;
}

rf_status rf_store__load(rf_store_transaction *transaction,
                         rf_store_item *items, size_t count, rf_error *err)
{
    for (size_t i = 0; i < count; i++) {
        int code = load_item(transaction, &items[i]);
        if (code != 0) {
            return fail_transaction(transaction, code, "reading records", err);
        }
    }
    return RF_OK;
}

/* Say whether a key sorts before a bound; no bound is behind every key. */
static bool is_below(const MDB_val *key, rf_bytes bound)
{
    if (bound.bytes == NULL) {
        return true;
    }
    size_t shorter = key->mv_size < bound.length ? key->mv_size : bound.length;
    int order = memcmp(key->mv_data, bound.bytes, shorter);
    return order != 0 ? order < 0 : key->mv_size < bound.length;
}

/* Visit records until the bound, the end, or a visit that has had enough. */
static int scan_cursor(MDB_cursor *cursor, const rf_store_range *range,
                       rf_store_visit *visit, void *context)
{
    MDB_val key = value_of(range->from);
    MDB_val value;
    int code =
        mdb_cursor_get(cursor, &key, &value,
                       range->from.length == 0 ? MDB_FIRST : MDB_SET_RANGE);
    while (code == 0 && is_below(&key, range->to) &&
           visit(context, bytes_of(&key), bytes_of(&value))) {
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    return code == MDB_NOTFOUND ? 0 : code;
}

rf_status rf_store__scan(rf_store_transaction *transaction,
                         const rf_store_range *range, rf_store_visit *visit,
                         void *context, rf_error *err)
{
    /* A scan inside a scan of the same table would move its cursor away. */
    RF_ASSERT(!transaction->is_scanning[range->table]);
    rf_store_cursor *cursor = &transaction->scans[range->table];
    int code = ready_cursor(transaction, range->table, cursor);
    if (code == 0) {
        transaction->is_scanning[range->table] = true;
        code = scan_cursor(cursor->handle, range, visit, context);
        transaction->is_scanning[range->table] = false;
    }
    return code == 0 || code == MDB_NOTFOUND
               ? RF_OK
               : fail_transaction(transaction, code, "scanning", err);
}

/* Stand on the last record, or on the one before the first not below. */
static int seek_last(MDB_cursor *cursor, rf_bytes below, MDB_val *key,
                     MDB_val *value)
{
    if (below.bytes != NULL) {
        *key = value_of(below);
        int code = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
        if (code == 0) {
            return mdb_cursor_get(cursor, key, value, MDB_PREV);
        }
        if (code != MDB_NOTFOUND) {
            return code;
        }
    }
    return mdb_cursor_get(cursor, key, value, MDB_LAST);
}

rf_status rf_store__last(rf_store_transaction *transaction, rf_store_item *item,
                         rf_error *err)
{
    rf_store_cursor *cursor = &transaction->points[item->table];
    MDB_val key;
    MDB_val value;
    int code = ready_cursor(transaction, item->table, cursor);
    if (code == 0) {
        code = seek_last(cursor->handle, item->key, &key, &value);
    }
    if (code != 0 && code != MDB_NOTFOUND) {
        return fail_transaction(transaction, code, "reading the last record",
                                err);
    }
    bool found = code == 0;
    item->key = found ? bytes_of(&key) : (rf_bytes){NULL, 0};
    item->value = found ? bytes_of(&value) : (rf_bytes){NULL, 0};
    return RF_OK;
}

/* Delete a record if it is there. */
static int delete_record(rf_store_transaction *writer, MDB_cursor *cursor,
                         MDB_val *key)
{
    MDB_val value;
    int code = mdb_cursor_get(cursor, key, &value, MDB_SET);
    if (code == MDB_NOTFOUND) {
        return 0;
    }
    if (code == 0) {
        code = mdb_cursor_del(cursor, 0);
    }
    if (code == 0) {
        writer->deleted_records++;
    }
    return code;
}

/* Save a record under a new or a known key. */
static int put_record(MDB_cursor *cursor, rf_table table, MDB_val *key,
                      MDB_val *value)
{
    if (table == RF_TABLE_JOURNAL) {
        /* Behind the last key a full page is left full instead of being split
         * in half. LMDB compares with the last key first, and says
         * MDB_KEYEXIST, before it has touched anything, when this is not an
         * append. */
        int code = mdb_cursor_put(cursor, key, value, MDB_APPEND);
        if (code != MDB_KEYEXIST) {
            return code;
        }
    }
    return mdb_cursor_put(cursor, key, value, 0);
}

static int save_item(rf_store_transaction *writer, const rf_store_item *item)
{
    rf_store_cursor *cursor = &writer->points[item->table];
    int code = ready_cursor(writer, item->table, cursor);
    if (code != 0) {
        return code;
    }
    MDB_val key = value_of(item->key);
    if (item->value.bytes == NULL) {
        return delete_record(writer, cursor->handle, &key);
    }
    MDB_val value = value_of(item->value);
    code = put_record(cursor->handle, item->table, &key, &value);
    if (code == 0) {
        writer->saved_records++;
    }
    return code;
}

rf_status rf_store__save(rf_store_transaction *transaction,
                         const rf_store_item *items, size_t count,
                         rf_error *err)
{
    RF_ASSERT(transaction->is_write);
    for (size_t i = 0; i < count; i++) {
        int code = save_item(transaction, &items[i]);
        if (code != 0) {
            return fail_transaction(transaction, code, "saving records", err);
        }
    }
    return RF_OK;
}
