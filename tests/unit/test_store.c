/*
 * test_store.c - what a store's transactions do: keep, order, separate, count.
 */
#include "tests/unit/store_rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static rf_store *open_rig(void **state)
{
    store_rig *rig = *state;
    rig_open(rig);
    return rig->store;
}

static void test_saved_records_are_loaded_and_deleted(void **state)
{
    rf_store *store = open_rig(state);
    rf_store_transaction *writer = rig_begin(store, true);
    rf_store_item saved[] = {
        {RF_TABLE_META, rig_bytes("a"), rig_bytes("in meta")},
        {RF_TABLE_STOCK, rig_bytes("a"), rig_bytes("in stock")},
        {RF_TABLE_STOCK, rig_bytes("empty"), rig_bytes("")},
        {RF_TABLE_PLACE, rig_bytes("missing"), {NULL, 0}},
    };
    assert_int_equal(store->operations->save(writer, saved, 4, NULL), RF_OK);
    rig_commit(store, writer);
    rig_expect(store, RF_TABLE_META, "a", "in meta");
    rig_expect(store, RF_TABLE_STOCK, "a", "in stock");
    rig_expect(store, RF_TABLE_STOCK, "empty", "");
    rig_expect(store, RF_TABLE_JOURNAL, "a", NULL);

    rig_put(store, RF_TABLE_STOCK, "a", NULL);
    rig_put(store, RF_TABLE_META, "a", "another, longer text");
    rig_expect(store, RF_TABLE_STOCK, "a", NULL);
    rig_expect(store, RF_TABLE_META, "a", "another, longer text");
}

static void test_many_items_load_in_any_order(void **state)
{
    rf_store *store = open_rig(state);
    rig_put(store, RF_TABLE_STOCK, "b", "2");
    rig_put(store, RF_TABLE_PLACE, "p", "3");
    rf_store_item items[] = {
        {.table = RF_TABLE_STOCK, .key = rig_bytes("z")},
        {.table = RF_TABLE_PLACE, .key = rig_bytes("p")},
        {.table = RF_TABLE_STOCK, .key = rig_bytes("b")},
        {.table = RF_TABLE_STOCK, .key = rig_bytes("a")},
        {.table = RF_TABLE_STOCK, .key = rig_bytes("b")},
    };
    rf_store_transaction *reader = rig_begin(store, false);
    assert_int_equal(store->operations->load(reader, items, 5, NULL), RF_OK);
    assert_null(items[0].value.bytes);
    assert_memory_equal(items[1].value.bytes, "3", 1);
    assert_memory_equal(items[2].value.bytes, "2", 1);
    assert_null(items[3].value.bytes);
    assert_memory_equal(items[4].value.bytes, "2", 1);
    rig_commit(store, reader);
}

typedef struct listing {
    char text[256];
    size_t stop_after;
    size_t count;
} listing;

static bool list_record(void *context, rf_bytes key, rf_bytes value)
{
    listing *list = context;
    size_t length = strlen(list->text);
    snprintf(list->text + length, sizeof list->text - length, "%.*s=%.*s ",
             (int)key.length, (const char *)key.bytes, (int)value.length,
             (const char *)value.bytes);
    return ++list->count != list->stop_after;
}

static void assert_scan(rf_store *store, const char *from, const char *to,
                        size_t stop_after, const char *expected)
{
    listing list = {.stop_after = stop_after};
    rf_store_transaction *reader = rig_begin(store, false);
    rf_error err;
    assert_int_equal(
        store->operations->scan(
            reader,
            &(rf_store_range){RF_TABLE_STOCK, rig_bytes(from), rig_bytes(to)},
            list_record, &list, &err),
        RF_OK);
    assert_string_equal(list.text, expected);
    rig_commit(store, reader);
}

static void test_scan_runs_from_a_key_up_to_another(void **state)
{
    rf_store *store = open_rig(state);
    assert_scan(store, NULL, NULL, 0, "");
    rig_put(store, RF_TABLE_STOCK, "b", "2");
    rig_put(store, RF_TABLE_STOCK, "\xC3\xA9", "4");
    rig_put(store, RF_TABLE_STOCK, "ba", "3");
    rig_put(store, RF_TABLE_STOCK, "B", "1");
    rig_put(store, RF_TABLE_PLACE, "bb", "elsewhere");
    assert_scan(store, NULL, NULL, 0, "B=1 b=2 ba=3 \xC3\xA9=4 ");
    assert_scan(store, "b", NULL, 0, "b=2 ba=3 \xC3\xA9=4 ");
    assert_scan(store, "b", "ba", 0, "b=2 ");
    assert_scan(store, "b", "b", 0, "");
    assert_scan(store, "aa", "b\xFF", 0, "b=2 ba=3 ");
    assert_scan(store, "\xC4", NULL, 0, "");
    assert_scan(store, NULL, NULL, 2, "B=1 b=2 ");
}

typedef struct lookup {
    rf_store *store;
    rf_store_transaction *transaction;
    size_t found;
} lookup;

static bool load_same_key(void *context, rf_bytes key, rf_bytes value)
{
    lookup *look = context;
    rf_store_item item = {.table = RF_TABLE_STOCK, .key = key};
    (void)value;
    assert_int_equal(
        look->store->operations->load(look->transaction, &item, 1, NULL),
        RF_OK);
    look->found += item.value.bytes == value.bytes;
    return true;
}

static void test_a_visit_may_load_from_the_table_it_scans(void **state)
{
    rf_store *store = open_rig(state);
    rig_put(store, RF_TABLE_STOCK, "a", "1");
    rig_put(store, RF_TABLE_STOCK, "b", "2");
    rig_put(store, RF_TABLE_STOCK, "c", "3");
    for (int write = 0; write <= 1; write++) {
        lookup look = {store, rig_begin(store, write != 0), 0};
        assert_int_equal(store->operations->scan(
                             look.transaction,
                             &(rf_store_range){RF_TABLE_STOCK, rig_bytes(NULL),
                                               rig_bytes(NULL)},
                             load_same_key, &look, NULL),
                         RF_OK);
        assert_int_equal(look.found, 3);
        store->operations->abort(look.transaction);
    }
}

static void assert_last(rf_store *store, const char *below,
                        const char *expected)
{
    rf_store_transaction *reader = rig_begin(store, false);
    rf_store_item item = {.table = RF_TABLE_JOURNAL, .key = rig_bytes(below)};
    assert_int_equal(store->operations->last(reader, &item, NULL), RF_OK);
    assert_int_equal(item.key.bytes != NULL, expected != NULL);
    if (expected != NULL) {
        assert_int_equal(item.key.length, strlen(expected));
        assert_memory_equal(item.key.bytes, expected, item.key.length);
        assert_memory_equal(item.value.bytes, expected, item.value.length);
    }
    rig_commit(store, reader);
}

static void test_last_finds_the_greatest_key_below(void **state)
{
    rf_store *store = open_rig(state);
    assert_last(store, NULL, NULL);
    assert_last(store, "x", NULL);
    rig_put(store, RF_TABLE_JOURNAL, "b", "b");
    rig_put(store, RF_TABLE_JOURNAL, "d", "d");
    assert_last(store, NULL, "d");
    assert_last(store, "z", "d");
    assert_last(store, "d", "b");
    assert_last(store, "c", "b");
    assert_last(store, "b", NULL);
    assert_last(store, "a", NULL);
}

static void test_journal_takes_records_in_any_order(void **state)
{
    rf_store *store = open_rig(state);
    char key[16];
    /* Appending, filling gaps and replacing in turn, over several pages. */
    for (int round = 0; round < 3; round++) {
        rf_store_transaction *writer = rig_begin(store, true);
        for (int i = 0; i < 2000; i++) {
            snprintf(key, sizeof key, "%08d", i * (3 - round));
            assert_int_equal(
                rig_try_save(store, writer, RF_TABLE_JOURNAL, key, key), RF_OK);
        }
        rig_commit(store, writer);
    }
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof key, "%08d", i);
        rig_expect(store, RF_TABLE_JOURNAL, key, key);
    }
    assert_last(store, NULL, "00005997");
}

static void test_a_writer_sees_its_own_changes_and_readers_do_not(void **state)
{
    rf_store *store = open_rig(state);
    rig_put(store, RF_TABLE_STOCK, "a", "old");
    rf_store_transaction *before = rig_begin(store, false);
    rf_store_transaction *writer = rig_begin(store, true);
    assert_int_equal(rig_try_save(store, writer, RF_TABLE_STOCK, "a", "new"),
                     RF_OK);
    rf_store_item item = {.table = RF_TABLE_STOCK, .key = rig_bytes("a")};
    assert_int_equal(store->operations->load(writer, &item, 1, NULL), RF_OK);
    assert_memory_equal(item.value.bytes, "new", 3);
    rig_commit(store, writer);
    assert_int_equal(store->operations->load(before, &item, 1, NULL), RF_OK);
    assert_memory_equal(item.value.bytes, "old", 3);
    rig_commit(store, before);
    rig_expect(store, RF_TABLE_STOCK, "a", "new");
}

static void test_an_aborted_transaction_leaves_nothing(void **state)
{
    rf_store *store = open_rig(state);
    rf_store_transaction *writer = rig_begin(store, true);
    assert_int_equal(rig_try_save(store, writer, RF_TABLE_STOCK, "a", "1"),
                     RF_OK);
    store->operations->abort(writer);
    rig_expect(store, RF_TABLE_STOCK, "a", NULL);
}

static void test_the_first_failure_ends_a_transaction(void **state)
{
    rf_store *store = open_rig(state);
    char long_key[RF_STORE_KEY_MAX + 2];
    memset(long_key, 'k', sizeof long_key);
    long_key[RF_STORE_KEY_MAX + 1] = '\0';
    const char *bad_keys[] = {"", long_key};
    for (int i = 0; i < 2; i++) {
        rf_store_transaction *writer = rig_begin(store, true);
        assert_int_equal(rig_try_save(store, writer, RF_TABLE_STOCK, "a", "1"),
                         RF_OK);
        assert_int_equal(
            rig_try_save(store, writer, RF_TABLE_STOCK, bad_keys[i], "2"),
            RF_E_INTERNAL);
        assert_int_equal(store->operations->commit(writer, NULL), RF_E_STORAGE);
        rig_expect(store, RF_TABLE_STOCK, "a", NULL);
    }
    long_key[RF_STORE_KEY_MAX] = '\0';
    rig_put(store, RF_TABLE_STOCK, long_key, "just fits");
    rig_expect(store, RF_TABLE_STOCK, long_key, "just fits");
}

static void test_records_survive_closing(void **state)
{
    store_rig *rig = *state;
    rig_open(rig);
    rig_put(rig->store, RF_TABLE_STOCK, "a", "1");
    rig_close(rig);
    rig_open(rig);
    rig_expect(rig->store, RF_TABLE_STOCK, "a", "1");
    assert_int_equal(rig_figures(rig->store).commits, 0);
}

static void test_figures_count_what_commits_did(void **state)
{
    rf_store *store = open_rig(state);
    rf_store_figures before = rig_figures(store);
    assert_int_equal(before.commits, 0);
    assert_int_equal(before.map_bytes, UINT64_C(1) << 30);

    rig_put(store, RF_TABLE_STOCK, "missing", NULL);
    rf_store_transaction *empty = rig_begin(store, true);
    rig_commit(store, empty);
    rf_store_figures nothing = rig_figures(store);
    assert_memory_equal(&before, &nothing, sizeof before);

    rig_put(store, RF_TABLE_STOCK, "a", "1");
    rf_store_figures after = rig_figures(store);
    assert_int_equal(after.commits, 1);
    assert_int_equal(after.flushes, 2);
    assert_int_equal(after.saved_records, 1);
    /* The table's first page, the page that names the tables, the list of
     * free pages, and the meta page. */
    assert_int_equal(after.written_pages, 4);
    assert_true(after.used_bytes > before.used_bytes);
    assert_true(after.file_bytes >= after.used_bytes);
}

static void test_readers_beyond_the_limit_are_refused(void **state)
{
    store_rig *rig = *state;
    rig->options.readers_max = 2;
    rig_open(rig);
    rf_store *store = rig->store;
    rf_store_transaction *first = rig_begin(store, false);
    rf_store_transaction *second = rig_begin(store, false);
    rf_store_transaction *third = NULL;
    rf_error err;
    assert_int_equal(store->operations->begin(store, false, &third, &err),
                     RF_E_OVERLOADED);
    assert_null(third);
    rig_commit(store, first);
    third = rig_begin(store, false);
    rig_commit(store, second);
    rig_commit(store, third);
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_saved_records_are_loaded_and_deleted),
        CASE(test_many_items_load_in_any_order),
        CASE(test_scan_runs_from_a_key_up_to_another),
        CASE(test_a_visit_may_load_from_the_table_it_scans),
        CASE(test_last_finds_the_greatest_key_below),
        CASE(test_journal_takes_records_in_any_order),
        CASE(test_a_writer_sees_its_own_changes_and_readers_do_not),
        CASE(test_an_aborted_transaction_leaves_nothing),
        CASE(test_the_first_failure_ends_a_transaction),
        CASE(test_records_survive_closing),
        CASE(test_figures_count_what_commits_did),
        CASE(test_readers_beyond_the_limit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
