/*
 * store_rig.c - making, using and removing a store for a test.
 */
#include "tests/unit/store_rig.h"

#include "tests/unit/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int rig_set_up(void **state)
{
    store_rig *rig = calloc(1, sizeof *rig);
    const char *base = getenv("TMPDIR");
    if (rig == NULL) {
        return -1;
    }
    snprintf(rig->directory, sizeof rig->directory, "%s/ringfence-test-XXXXXX",
             base == NULL ? "/tmp" : base);
    if (mkdtemp(rig->directory) == NULL) {
        free(rig);
        return -1;
    }
    snprintf(rig->path, sizeof rig->path, "%s/store", rig->directory);
    rig->options = (rf_store_lmdb_options){
        .directory = rig->path,
        .map_bytes = UINT64_C(1) << 30,
        .map_bytes_max = UINT64_C(1) << 30,
        .readers_max = 8,
        .product_version = "test",
    };
    *state = rig;
    return 0;
}

/* Call `use` for the path of each file in a directory. */
static size_t each_file(const char *directory, void (*use)(const char *path))
{
    size_t count = 0;
    DIR *listing = opendir(directory);
    if (listing == NULL) {
        return 0;
    }
    struct dirent *entry;
    while ((entry = readdir(listing)) != NULL) {
        char path[2 * RIG_PATH_MAX + 8];
        if (strcmp(entry->d_name, ".") == 0 ||
            strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        count++;
        if (use != NULL) {
            use(path);
        }
    }
    closedir(listing);
    return count;
}

static void remove_one(const char *path)
{
    remove(path);
}

static void remove_with_files(const char *path)
{
    each_file(path, remove_one);
    remove(path);
}

int rig_tear_down(void **state)
{
    store_rig *rig = *state;
    rig_close(rig);
    each_file(rig->directory, remove_with_files);
    int result = rmdir(rig->directory);
    free(rig);
    return result;
}

void rig_open(store_rig *rig)
{
    rf_error err = {0};
    if (rf_store_lmdb_open(&rig->options, &rig->store, &err) != RF_OK) {
        fail_msg("opening: %s", err.message);
    }
}

void rig_close(store_rig *rig)
{
    if (rig->store != NULL) {
        rig->store->operations->close(rig->store);
        rig->store = NULL;
    }
}

rf_bytes rig_bytes(const char *string)
{
    if (string == NULL) {
        return (rf_bytes){NULL, 0};
    }
    return (rf_bytes){(const unsigned char *)string, strlen(string)};
}

rf_store_transaction *rig_begin(rf_store *store, bool write)
{
    rf_error err = {0};
    rf_store_transaction *transaction = NULL;
    if (store->operations->begin(store, write, &transaction, &err) != RF_OK) {
        fail_msg("beginning: %s", err.message);
    }
    return transaction;
}

void rig_commit(rf_store *store, rf_store_transaction *transaction)
{
    rf_error err = {0};
    if (store->operations->commit(transaction, &err) != RF_OK) {
        fail_msg("committing: %s", err.message);
    }
}

rf_status rig_try_save(rf_store *store, rf_store_transaction *transaction,
                       rf_table table, const char *key, const char *value)
{
    rf_store_item item = {table, rig_bytes(key), rig_bytes(value)};
    return store->operations->save(transaction, &item, 1, NULL);
}

void rig_put(rf_store *store, rf_table table, const char *key,
             const char *value)
{
    rf_store_transaction *writer = rig_begin(store, true);
    assert_int_equal(rig_try_save(store, writer, table, key, value), RF_OK);
    rig_commit(store, writer);
}

void rig_expect(rf_store *store, rf_table table, const char *key,
                const char *value)
{
    rf_store_transaction *reader = rig_begin(store, false);
    rf_store_item item = {.table = table, .key = rig_bytes(key)};
    assert_int_equal(store->operations->load(reader, &item, 1, NULL), RF_OK);
    if (value == NULL) {
        assert_null(item.value.bytes);
    } else {
        assert_non_null(item.value.bytes);
        assert_int_equal(item.value.length, strlen(value));
        assert_memory_equal(item.value.bytes, value, strlen(value));
    }
    rig_commit(store, reader);
}

size_t rig_count_files(const char *directory)
{
    return each_file(directory, NULL);
}

rf_store_figures rig_figures(rf_store *store)
{
    rf_store_figures figures;
    store->operations->figures(store, &figures);
    return figures;
}
