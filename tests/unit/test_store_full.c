/*
 * test_store_full.c - a store without room: maps that grow, maps and disks
 * that are full, and commits that fail.
 *
 * LMDB reaches the disk through pwrite, writev and fdatasync. They are defined
 * here, in front of the C library's, so that a case can have one of them fail.
 */
#include "core/store_lmdb_internal.h"
#include "tests/unit/store_rig.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define RIG_CALL __attribute__((visibility("default")))

/* The two meta pages are in front of all data pages. */
#define META_END 8192

typedef enum {
    FAULT_NONE,
    FAULT_DATA,
    FAULT_SHORT, /* a data write that takes only half */
    FAULT_FLUSH,
    FAULT_META
} fault_kind;

static fault_kind fault;
static int fault_errno;

static void plan_fault(fault_kind kind, int error)
{
    fault = kind;
    fault_errno = error;
}

RIG_CALL ssize_t pwrite(int file, const void *bytes, size_t length, off_t at)
{
    bool is_meta = at < META_END;
    if (fault == (is_meta ? FAULT_META : FAULT_DATA)) {
        errno = fault_errno;
        return -1;
    }
    if (fault == FAULT_SHORT && !is_meta) {
        length /= 2;
    }
    return (ssize_t)syscall(SYS_pwrite64, file, bytes, length, at);
}

RIG_CALL ssize_t writev(int file, const struct iovec *pieces, int count)
{
    if (fault == FAULT_DATA) {
        errno = fault_errno;
        return -1;
    }
    if (fault == FAULT_SHORT) {
        count = 1;
    }
    return (ssize_t)syscall(SYS_writev, file, pieces, count);
}

RIG_CALL int fdatasync(int file)
{
    if (fault == FAULT_FLUSH) {
        errno = fault_errno;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, file);
}

/* Save a numbered record of about a third of a page. */
static rf_status save_number(rf_store *store, rf_store_transaction *writer,
                             unsigned number, rf_error *err)
{
    char key[16];
    char value[1200];
    snprintf(key, sizeof key, "%08u", number);
    snprintf(value, sizeof value, "%-1199u", number);
    rf_store_item item = {RF_TABLE_STOCK, rig_bytes(key), rig_bytes(value)};
    return store->operations->save(writer, &item, 1, err);
}

static rf_status delete_number(rf_store *store, unsigned number, rf_error *err)
{
    char key[16];
    rf_store_transaction *writer;
    snprintf(key, sizeof key, "%08u", number);
    rf_store_item item = {RF_TABLE_STOCK, rig_bytes(key), {NULL, 0}};
    rf_status status = store->operations->begin(store, true, &writer, err);
    if (status == RF_OK) {
        status = store->operations->save(writer, &item, 1, err);
        if (status != RF_OK) {
            store->operations->abort(writer);
        } else {
            status = store->operations->commit(writer, err);
        }
    }
    return status;
}

/* Save `count` records from `first` on in one transaction. */
static rf_status add_numbers(rf_store *store, unsigned first, unsigned count,
                             rf_error *err)
{
    rf_store_transaction *writer;
    rf_status status = store->operations->begin(store, true, &writer, err);
    if (status != RF_OK) {
        return status;
    }
    for (unsigned i = 0; i < count; i++) {
        status = save_number(store, writer, first + i, err);
        if (status != RF_OK) {
            store->operations->abort(writer);
            return status;
        }
    }
    return store->operations->commit(writer, err);
}

static bool count_record(void *context, rf_bytes key, rf_bytes value)
{
    unsigned *count = context;
    char expected[1200];
    assert_int_equal(value.length, sizeof expected - 1);
    snprintf(expected, sizeof expected, "%-1199u", *count);
    assert_memory_equal(value.bytes, expected, value.length);
    assert_int_equal(key.length, 8);
    ++*count;
    return true;
}

/* Check that the store holds the records 0 to count - 1 and no other. */
static void assert_numbers(rf_store *store, unsigned count)
{
    unsigned found = 0;
    rf_store_transaction *reader = rig_begin(store, false);
    assert_int_equal(
        store->operations->scan(
            reader,
            &(rf_store_range){RF_TABLE_STOCK, rig_bytes(NULL), rig_bytes(NULL)},
            count_record, &found, NULL),
        RF_OK);
    assert_int_equal(found, count);
    rig_commit(store, reader);
}

typedef struct looker {
    pthread_t thread;
    rf_store *store;
    atomic_bool stop;
    atomic_ulong reads;
    atomic_bool is_wrong;
} looker;

/* Both records of the pair are always saved together. */
static bool look_once(looker *self)
{
    rf_store_transaction *reader;
    rf_store_item pair[] = {
        {.table = RF_TABLE_META, .key = rig_bytes("left")},
        {.table = RF_TABLE_META, .key = rig_bytes("right")},
    };
    const rf_store_operations *operations = self->store->operations;
    if (operations->begin(self->store, false, &reader, NULL) != RF_OK) {
        return false;
    }
    bool is_right = operations->load(reader, pair, 2, NULL) == RF_OK &&
                    pair[0].value.length == pair[1].value.length &&
                    memcmp(pair[0].value.bytes, pair[1].value.bytes,
                           pair[0].value.length) == 0;
    operations->abort(reader);
    return is_right;
}

static void *look(void *argument)
{
    looker *self = argument;
    while (!atomic_load(&self->stop) && !atomic_load(&self->is_wrong)) {
        atomic_store(&self->is_wrong, !look_once(self));
        atomic_fetch_add(&self->reads, 1);
    }
    return NULL;
}

static rf_status save_pair(rf_store *store, unsigned number)
{
    char value[16];
    snprintf(value, sizeof value, "%u", number);
    rf_store_item pair[] = {
        {RF_TABLE_META, rig_bytes("left"), rig_bytes(value)},
        {RF_TABLE_META, rig_bytes("right"), rig_bytes(value)},
    };
    rf_store_transaction *writer = rig_begin(store, true);
    rf_status status = store->operations->save(writer, pair, 2, NULL);
    if (status != RF_OK) {
        store->operations->abort(writer);
        return status;
    }
    return store->operations->commit(writer, NULL);
}

/* Add records and grow the map whenever it is full; return how often. */
static unsigned add_and_grow(rf_store *store, unsigned batches)
{
    unsigned grown = 0;
    unsigned batch = 0;
    while (batch < batches) {
        rf_status status = add_numbers(store, batch * 100, 100, NULL);
        if (status == RF_OK) {
            status = save_pair(store, batch);
        }
        if (status == RF_OK) {
            batch++;
        } else {
            assert_int_equal(status, RF_E_STORAGE_FULL);
            assert_int_equal(store->operations->grow(store, NULL), RF_OK);
            grown++;
        }
    }
    return grown;
}

static void test_the_map_grows_under_readers(void **state)
{
    store_rig *rig = *state;
    rig->options.map_bytes = 1 << 20;
    rig_open(rig);
    assert_int_equal(save_pair(rig->store, 0), RF_OK);
    static looker lookers[4];
    memset(lookers, 0, sizeof lookers);
    for (int i = 0; i < 4; i++) {
        lookers[i].store = rig->store;
        assert_int_equal(
            pthread_create(&lookers[i].thread, NULL, look, &lookers[i]), 0);
    }
    assert_true(add_and_grow(rig->store, 100) >= 3);
    for (int i = 0; i < 4; i++) {
        /* Each has read on after the last growth. */
        unsigned long before = atomic_load(&lookers[i].reads);
        while (atomic_load(&lookers[i].reads) == before &&
               !atomic_load(&lookers[i].is_wrong)) {
            sched_yield();
        }
        atomic_store(&lookers[i].stop, true);
        assert_int_equal(pthread_join(lookers[i].thread, NULL), 0);
        assert_false(atomic_load(&lookers[i].is_wrong));
    }
    assert_numbers(rig->store, 10000);
    assert_true(rig_figures(rig->store).map_bytes > 10 << 20);
}

/* Return the store when it has grown, else NULL. */
static void *grow_in_thread(void *argument)
{
    rf_store *store = argument;
    return store->operations->grow(store, NULL) == RF_OK ? store : NULL;
}

static void test_growing_waits_for_a_reader(void **state)
{
    store_rig *rig = *state;
    rig->options.map_bytes = 1 << 20;
    rig_open(rig);
    rf_store *store = rig->store;
    assert_int_equal(save_pair(store, 1), RF_OK);
    rf_store_transaction *old = rig_begin(store, false);
    assert_int_equal(add_numbers(store, 0, 900, NULL), RF_E_STORAGE_FULL);

    pthread_t grower;
    assert_int_equal(pthread_create(&grower, NULL, grow_in_thread, store), 0);
    while (atomic_load(&((rf_store_lmdb *)store)->gate) != RF_GATE_CLOSED) {
        sched_yield();
    }
    rf_store_item item = {.table = RF_TABLE_META, .key = rig_bytes("left")};
    assert_int_equal(store->operations->load(old, &item, 1, NULL), RF_OK);
    assert_memory_equal(item.value.bytes, "1", 1);
    assert_int_equal(rig_figures(store).map_bytes, 1 << 20);
    rig_commit(store, old);

    void *grown;
    assert_int_equal(pthread_join(grower, &grown), 0);
    assert_ptr_equal(grown, store);
    assert_int_equal(rig_figures(store).map_bytes, 2 << 20);
    assert_int_equal(add_numbers(store, 0, 900, NULL), RF_OK);
    assert_numbers(store, 900);
}

static void test_a_full_map_can_be_emptied_and_filled_again(void **state)
{
    store_rig *rig = *state;
    rig->options.map_bytes = 1 << 20;
    rig->options.map_bytes_max = 2 << 20;
    rig_open(rig);
    rf_store *store = rig->store;
    rf_error err;
    for (int round = 0; round < 3; round++) {
        unsigned count = 0;
        for (;;) {
            rf_status status = add_numbers(store, count, 1, &err);
            if (status == RF_OK) {
                count++;
            } else if (store->operations->grow(store, &err) != RF_OK) {
                break;
            }
        }
        assert_int_equal(err.status, RF_E_STORAGE_FULL);
        assert_non_null(strstr(err.message, "2097152"));
        assert_true(count > 600);
        assert_numbers(store, count);
        for (unsigned i = count; i > 0; i--) {
            assert_int_equal(delete_number(store, i - 1, &err), RF_OK);
        }
        assert_numbers(store, 0);
    }
    assert_int_equal(rig_figures(store).map_bytes, 2 << 20);
}

static void test_a_disk_that_is_nearly_full_is_left_alone(void **state)
{
    store_rig *rig = *state;
    rig_open(rig);
    rf_store_lmdb *store = (rf_store_lmdb *)rig->store;
    assert_int_equal(add_numbers(rig->store, 0, 1, NULL), RF_OK);
    store->free_space_bytes = UINT64_MAX;
    rf_error err;
    assert_int_equal(add_numbers(rig->store, 1, 1, &err), RF_E_STORAGE_FULL);
    assert_non_null(strstr(err.message, "18446744073709551615"));
    assert_int_equal(rig->store->operations->grow(rig->store, &err),
                     RF_E_STORAGE_FULL);
    assert_numbers(rig->store, 1);
    store->free_space_bytes = 0;
    assert_int_equal(add_numbers(rig->store, 1, 1, NULL), RF_OK);
}

/* Limit the size of files to what the store has now, plus some pages. */
static void limit_files(rf_store *store, unsigned more_pages, rlim_t max)
{
    rlim_t size = rig_figures(store).file_bytes + more_pages * UINT64_C(4096);
    struct rlimit limit = {size, max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_a_full_disk_refuses_and_recovers(void **state)
{
    store_rig *rig = *state;
    rig_open(rig);
    rf_store *store = rig->store;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    unsigned count = 0;
    unsigned refused = 0;
    /* With every number of pages left, so that some writes come out short and
     * others fail as a whole. */
    for (unsigned pages = 0; pages < 12; pages++) {
        rf_status status = RF_OK;
        limit_files(store, pages, before.rlim_max);
        while (status == RF_OK) {
            status = add_numbers(store, count, 20, NULL);
            count += status == RF_OK ? 20 : 0;
        }
        assert_int_equal(status, RF_E_STORAGE_FULL);
        assert_int_equal(store->operations->grow(store, NULL),
                         RF_E_STORAGE_FULL);
        assert_numbers(store, count);
        refused++;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(add_numbers(store, count, 20, NULL), RF_OK);
        count += 20;
    }
    signal(SIGXFSZ, handler);
    assert_int_equal(refused, 12);
    rig_close(rig);
    rig_open(rig);
    assert_numbers(rig->store, count);
}

static void test_no_room_for_data_pages_changes_nothing(void **state)
{
    store_rig *rig = *state;
    rig_open(rig);
    static const int errors[] = {ENOSPC, EDQUOT, EFBIG};
    for (unsigned i = 0; i < 3; i++) {
        plan_fault(FAULT_DATA, errors[i]);
        rf_status status = add_numbers(rig->store, i * 50, 50, NULL);
        plan_fault(FAULT_NONE, 0);
        assert_int_equal(status, RF_E_STORAGE_FULL);
        assert_numbers(rig->store, i * 50);
        assert_int_equal(add_numbers(rig->store, i * 50, 50, NULL), RF_OK);
    }
    assert_numbers(rig->store, 150);
}

static void assert_outcome_unknown(store_rig *rig, fault_kind kind, int error)
{
    rf_error err;
    plan_fault(kind, error);
    rf_status status = add_numbers(rig->store, 0, 50, &err);
    plan_fault(FAULT_NONE, 0);
    assert_int_equal(status, RF_E_OUTCOME_UNKNOWN);
    assert_non_null(strstr(err.message, "not known"));
    rig_close(rig);
    /* Nothing of it was durable in these cases; the store opens and works. */
    rig_open(rig);
    assert_numbers(rig->store, 0);
    assert_int_equal(add_numbers(rig->store, 0, 50, NULL), RF_OK);
    assert_numbers(rig->store, 50);
}

static void test_a_failed_flush_is_an_unknown_outcome(void **state)
{
    store_rig *rig = *state;
    rig_open(rig);
    assert_outcome_unknown(rig, FAULT_FLUSH, EIO);
}

static void test_a_failed_data_write_is_an_unknown_outcome(void **state)
{
    store_rig *rig = *state;
    rig_open(rig);
    assert_outcome_unknown(rig, FAULT_DATA, EIO);
}

static void test_a_short_write_with_room_is_an_unknown_outcome(void **state)
{
    store_rig *rig = *state;
    rig_open(rig);
    assert_outcome_unknown(rig, FAULT_SHORT, 0);
}

static void test_no_room_for_the_meta_page_is_an_unknown_outcome(void **state)
{
    store_rig *rig = *state;
    rig_open(rig);
    assert_outcome_unknown(rig, FAULT_META, ENOSPC);
}

static void test_a_failed_meta_page_stops_the_store(void **state)
{
    store_rig *rig = *state;
    rig_open(rig);
    rf_store *store = rig->store;
    rf_store_transaction *transaction = NULL;
    plan_fault(FAULT_META, EIO);
    rf_status status = add_numbers(store, 0, 1, NULL);
    plan_fault(FAULT_NONE, 0);
    assert_int_equal(status, RF_E_OUTCOME_UNKNOWN);
    assert_int_equal(store->operations->begin(store, true, &transaction, NULL),
                     RF_E_STORAGE);
    assert_int_equal(store->operations->begin(store, false, &transaction, NULL),
                     RF_E_STORAGE);
    assert_null(transaction);
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_the_map_grows_under_readers),
        CASE(test_growing_waits_for_a_reader),
        CASE(test_a_full_map_can_be_emptied_and_filled_again),
        CASE(test_a_disk_that_is_nearly_full_is_left_alone),
        CASE(test_a_full_disk_refuses_and_recovers),
        CASE(test_no_room_for_data_pages_changes_nothing),
        CASE(test_a_failed_flush_is_an_unknown_outcome),
        CASE(test_a_failed_data_write_is_an_unknown_outcome),
        CASE(test_a_short_write_with_room_is_an_unknown_outcome),
        CASE(test_no_room_for_the_meta_page_is_an_unknown_outcome),
        CASE(test_a_failed_meta_page_stops_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
