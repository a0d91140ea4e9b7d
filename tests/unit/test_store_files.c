/*
 * test_store_files.c - opening a store, refusing to, and copying it.
 *
 * Another process is forked before this one opens anything, because LMDB does
 * not survive a fork; it waits at a pipe for its turn.
 */
#include "core/alloc.h"
#include "core/codec.h"
#include "core/store_lmdb_internal.h"
#include "tests/unit/store_rig.h"
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Try to open the rig's store; report the status, close what was opened. */
static rf_status try_open(const rf_store_lmdb_options *options, rf_error *err)
{
    rf_store *store = NULL;
    rf_status status = rf_store_lmdb_open(options, &store, err);
    assert_true((status == RF_OK) == (store != NULL));
    if (store != NULL) {
        store->operations->close(store);
    }
    return status;
}

static void assert_refused(const rf_store_lmdb_options *options,
                           const char *reason)
{
    rf_error err = {0};
    assert_int_equal(try_open(options, &err), RF_E_STORAGE);
    if (strstr(err.message, reason) == NULL) {
        fail_msg("'%s' does not say '%s'", err.message, reason);
    }
}

/* Write `length` bytes to a file in the store's directory. */
static void write_file(const store_rig *rig, const char *name,
                       const char *bytes, size_t length)
{
    char path[2 * RIG_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", rig->path, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static mode_t mode_of(const char *path)
{
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    return about.st_mode & 07777;
}

static void test_files_are_private_whatever_the_umask(void **state)
{
    store_rig *rig = *state;
    mode_t before = umask(0);
    rig_open(rig);
    umask(before);
    assert_int_equal(mode_of(rig->path), 0700);
    static const char *const names[] = {"ringfence.mdb", "ringfence.mdb-lock",
                                        "ringfence.owner"};
    for (int i = 0; i < 3; i++) {
        char path[2 * RIG_PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", rig->path, names[i]);
        assert_int_equal(mode_of(path), 0600);
    }
    assert_int_equal(rig_count_files(rig->path), 3);
}

static void test_a_second_open_in_the_process_is_refused(void **state)
{
    store_rig *rig = *state;
    rig_open(rig);
    assert_refused(&rig->options, "another process");
    rig_put(rig->store, RF_TABLE_STOCK, "a", "1");
    rig_close(rig);
    assert_int_equal(try_open(&rig->options, NULL), RF_OK);
}

/* What another process does with the store; its result is the exit code. */
typedef int other_process(store_rig *rig, int go, int done);

typedef struct other {
    pid_t id;
    int go;   /* a byte written here lets the other one go on */
    int done; /* a byte read here says how far it is */
} other;

static other start_other(store_rig *rig, other_process *run)
{
    int go[2];
    int done[2];
    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(done), 0);
    fflush(NULL);
    pid_t id = fork();
    assert_true(id >= 0);
    if (id == 0) {
        close(go[1]);
        close(done[0]);
        _exit(run(rig, go[0], done[1]));
    }
    close(go[0]);
    close(done[1]);
    return (other){id, go[1], done[0]};
}

static void let_go(const other *process)
{
    assert_int_equal(write(process->go, "x", 1), 1);
}

static void wait_for(const other *process)
{
    char byte;
    assert_int_equal(read(process->done, &byte, 1), 1);
}

static int finish_other(const other *process)
{
    int status = 0;
    assert_int_equal(waitpid(process->id, &status, 0), process->id);
    close(process->go);
    close(process->done);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int wait_turn(int go)
{
    char byte;
    return read(go, &byte, 1) == 1 ? 0 : 1;
}

static int report(int done)
{
    return write(done, "x", 1) == 1 ? 0 : 1;
}

static int open_while_served(store_rig *rig, int go, int done)
{
    rf_error err = {0};
    rf_store *store = NULL;
    if (wait_turn(go) != 0 || report(done) != 0) {
        return 100;
    }
    rf_status status = rf_store_lmdb_open(&rig->options, &store, &err);
    return strstr(err.message, "another process") == NULL ? 101 : (int)status;
}

static void test_a_second_process_is_refused(void **state)
{
    store_rig *rig = *state;
    other process = start_other(rig, open_while_served);
    rig_open(rig);
    let_go(&process);
    assert_int_equal(finish_other(&process), RF_E_STORAGE);
}

static bool holds(rf_store *store, const char *key, const char *value)
{
    rf_store_transaction *reader;
    rf_store_item item = {.table = RF_TABLE_STOCK, .key = rig_bytes(key)};
    if (store->operations->begin(store, false, &reader, NULL) != RF_OK) {
        return false;
    }
    bool result = store->operations->load(reader, &item, 1, NULL) == RF_OK &&
                  item.value.bytes != NULL &&
                  item.value.length == strlen(value) &&
                  memcmp(item.value.bytes, value, item.value.length) == 0;
    store->operations->abort(reader);
    return result;
}

/* Look on while the owner writes, and makes the file outgrow our map. */
static int look_on(store_rig *rig, int go, int done)
{
    rf_store *store;
    rf_store_transaction *writer;
    rig->options.read_only = true;
    if (wait_turn(go) != 0 ||
        rf_store_lmdb_open(&rig->options, &store, NULL) != RF_OK) {
        return 1;
    }
    if (!holds(store, "a", "first")) {
        return 2;
    }
    if (store->operations->begin(store, true, &writer, NULL) != RF_E_STORAGE) {
        return 3;
    }
    if (report(done) != 0 || wait_turn(go) != 0) {
        return 4;
    }
    if (!holds(store, "a", "second")) {
        return 5;
    }
    char path[2 * RIG_PATH_MAX];
    snprintf(path, sizeof path, "%s/copy.mdb", rig->directory);
    if (store->operations->backup(store, path, NULL) != RF_OK) {
        return 6;
    }
    store->operations->close(store);
    return 0;
}

static void test_another_process_may_look_on(void **state)
{
    store_rig *rig = *state;
    rig->options.map_bytes = 1 << 20;
    other process = start_other(rig, look_on);
    rig->options.map_bytes = 1 << 26;
    rig_open(rig);
    rig_put(rig->store, RF_TABLE_STOCK, "a", "first");
    let_go(&process);
    wait_for(&process);
    static char large[4 << 20];
    memset(large, 'x', sizeof large - 1);
    rig_put(rig->store, RF_TABLE_STOCK, "large", large);
    rig_put(rig->store, RF_TABLE_STOCK, "a", "second");
    assert_true(rig_figures(rig->store).file_bytes > 1 << 20);
    let_go(&process);
    assert_int_equal(finish_other(&process), 0);
    rig_put(rig->store, RF_TABLE_STOCK, "a", "third");
}

static void test_looking_on_needs_a_store(void **state)
{
    store_rig *rig = *state;
    rig->options.read_only = true;
    assert_refused(&rig->options, "No such file");
    assert_int_equal(rig_count_files(rig->directory), 0);
    assert_int_equal(mkdir(rig->path, 0700), 0);
    assert_refused(&rig->options, "No such file");
}

static void test_looking_on_works_where_no_server_ever_ran(void **state)
{
    store_rig *rig = *state;
    rig_open(rig);
    rig_put(rig->store, RF_TABLE_STOCK, "a", "1");
    rig_close(rig);
    char path[2 * RIG_PATH_MAX];
    snprintf(path, sizeof path, "%s/ringfence.mdb-lock", rig->path);
    assert_int_equal(unlink(path), 0);
    rig->options.read_only = true;
    rig_open(rig);
    rig_expect(rig->store, RF_TABLE_STOCK, "a", "1");
}

static void test_other_files_are_refused(void **state)
{
    store_rig *rig = *state;
    static char text[20000];
    memset(text, 'x', sizeof text);
    assert_int_equal(mkdir(rig->path, 0700), 0);
    write_file(rig, "ringfence.mdb", text, sizeof text);
    assert_refused(&rig->options, "not an LMDB file");

    MDB_env *env;
    MDB_txn *transaction;
    MDB_dbi main_table;
    MDB_val key = {1, text};
    char path[2 * RIG_PATH_MAX];
    snprintf(path, sizeof path, "%s/ringfence.mdb", rig->path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &transaction), 0);
    assert_int_equal(mdb_dbi_open(transaction, NULL, 0, &main_table), 0);
    assert_int_equal(mdb_put(transaction, main_table, &key, &key, 0), 0);
    assert_int_equal(mdb_txn_commit(transaction), 0);
    mdb_env_close(env);
    assert_refused(&rig->options, "not a store of Ringfence");
}

/* Replace the schema record by one with this format and scale. */
static void save_schema(rf_store *store, uint64_t format, uint64_t scale)
{
    rf_buffer record = {0};
    rf_buffer_append_byte(&record, 1);
    rf_write_varint(&record, format);
    rf_write_varint(&record, scale);
    rf_seal(&record, 0);
    rf_store_item item = {RF_TABLE_META,
                          rig_bytes("schema"),
                          {(unsigned char *)record.bytes, record.length}};
    rf_store_transaction *writer = rig_begin(store, true);
    assert_int_equal(store->operations->save(writer, &item, 1, NULL), RF_OK);
    rig_commit(store, writer);
    rf_buffer_done(&record);
}

static void test_stores_of_another_format_are_refused(void **state)
{
    store_rig *rig = *state;
    static const struct {
        uint64_t format;
        uint64_t scale;
        const char *reason;
    } cases[] = {
        {RF_STORE_FORMAT + 1, 1000000, "use a newer program"},
        {RF_STORE_FORMAT, 1000, "quantities in 1/1000"},
        {0, 1000000, "damaged"},
    };
    for (int i = 0; i < 3; i++) {
        char path[2 * RIG_PATH_MAX];
        snprintf(path, sizeof path, "%s/store%d", rig->directory, i);
        rig->options.directory = path;
        rig_open(rig);
        save_schema(rig->store, cases[i].format, cases[i].scale);
        rig_close(rig);
        assert_refused(&rig->options, cases[i].reason);
    }
    rig->options.directory = rig->path;
    rig_open(rig);
    rig_put(rig->store, RF_TABLE_META, "schema", "no record at all");
    rig_close(rig);
    assert_refused(&rig->options, "checksum");
}

static void test_network_file_systems_are_refused(void **state)
{
    (void)state;
    assert_string_equal(rf_store__refused_file_system(0x6969), "NFS");
    assert_string_equal(rf_store__refused_file_system(0xFF534D42), "CIFS");
    assert_string_equal(rf_store__refused_file_system(0x65735546), "FUSE");
    assert_null(rf_store__refused_file_system(0xEF53));     /* ext4 */
    assert_null(rf_store__refused_file_system(0x58465342)); /* XFS */
    assert_null(rf_store__refused_file_system(0x01021994)); /* tmpfs */
}

/* Make the rig's store one of a program that knew no products. */
static void drop_products(store_rig *rig)
{
    MDB_env *env;
    MDB_txn *transaction;
    MDB_dbi table;
    char path[2 * RIG_PATH_MAX];
    snprintf(path, sizeof path, "%s/ringfence.mdb", rig->path);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, RF_TABLE_COUNT), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &transaction), 0);
    assert_int_equal(mdb_dbi_open(transaction,
                                  rf_store__table_names[RF_TABLE_PRODUCTS], 0,
                                  &table),
                     0);
    assert_int_equal(mdb_drop(transaction, table, 1), 0);
    assert_int_equal(mdb_txn_commit(transaction), 0);
    mdb_env_close(env);
}

static bool fail_on_record(void *context, rf_bytes key, rf_bytes value)
{
    (void)context;
    (void)key;
    (void)value;
    fail_msg("there is a record");
    return false;
}

static void test_a_store_without_a_table_opens(void **state)
{
    store_rig *rig = *state;
    char copy[2 * RIG_PATH_MAX];
    snprintf(copy, sizeof copy, "%s/copy.mdb", rig->directory);
    rig_open(rig);
    rig_put(rig->store, RF_TABLE_STOCK, "a", "1");
    rig_put(rig->store, RF_TABLE_PRODUCTS, "a", "2");
    rig_close(rig);
    drop_products(rig);

    rig->options.read_only = true;
    rig_open(rig);
    const rf_store_operations *operations = rig->store->operations;
    rf_store_range all = {RF_TABLE_PRODUCTS, {NULL, 0}, {NULL, 0}};
    rf_store_item last = {.table = RF_TABLE_PRODUCTS};
    rig_expect(rig->store, RF_TABLE_STOCK, "a", "1");
    rig_expect(rig->store, RF_TABLE_PRODUCTS, "a", NULL);
    rf_store_transaction *reader = rig_begin(rig->store, false);
    assert_int_equal(operations->scan(reader, &all, fail_on_record, NULL, NULL),
                     RF_OK);
    assert_int_equal(operations->last(reader, &last, NULL), RF_OK);
    assert_null(last.key.bytes);
    operations->abort(reader);
    assert_int_equal(operations->backup(rig->store, copy, NULL), RF_OK);
    rig_close(rig);

    rig->options.read_only = false;
    rig_open(rig);
    rig_expect(rig->store, RF_TABLE_PRODUCTS, "a", NULL);
    rig_put(rig->store, RF_TABLE_PRODUCTS, "a", "3");
    rig_close(rig);
    rig_open(rig);
    rig_expect(rig->store, RF_TABLE_STOCK, "a", "1");
    rig_expect(rig->store, RF_TABLE_PRODUCTS, "a", "3");
}

static void test_every_failed_allocation_at_opening_is_survived(void **state)
{
    store_rig *rig = *state;
    rf_status status = RF_E_NO_MEMORY;
    unsigned long nth = 0;
    while (status == RF_E_NO_MEMORY) {
        rf_error err = {0};
        rf_alloc_fail_at(++nth);
        status = try_open(&rig->options, &err);
        rf_alloc_fail_at(0);
        assert_int_equal(err.status, status);
    }
    assert_int_equal(status, RF_OK);
    assert_true(nth > 3);
}

static void copy_name(const store_rig *rig, char path[2 * RIG_PATH_MAX])
{
    snprintf(path, 2 * RIG_PATH_MAX, "%s/copy/ringfence.mdb", rig->directory);
}

static void test_a_backup_is_a_store_of_its_own(void **state)
{
    store_rig *rig = *state;
    char directory[2 * RIG_PATH_MAX];
    char path[2 * RIG_PATH_MAX];
    copy_name(rig, path);
    snprintf(directory, sizeof directory, "%s/copy", rig->directory);
    assert_int_equal(mkdir(directory, 0700), 0);
    rig_open(rig);
    rig_put(rig->store, RF_TABLE_STOCK, "a", "1");
    rig_put(rig->store, RF_TABLE_JOURNAL, "b", "2");

    rf_error err = {0};
    mode_t before = umask(0);
    rf_status status = rig->store->operations->backup(rig->store, path, &err);
    umask(before);
    assert_string_equal(err.message, "");
    assert_int_equal(status, RF_OK);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(rig_count_files(directory), 1);
    rig_put(rig->store, RF_TABLE_STOCK, "a", "changed after the backup");
    assert_int_equal(rig->store->operations->backup(rig->store, path, &err),
                     RF_E_STORAGE);
    assert_non_null(strstr(err.message, "exists"));
    rig_close(rig);

    rig->options.directory = directory;
    rig_open(rig);
    rig_expect(rig->store, RF_TABLE_STOCK, "a", "1");
    rig_expect(rig->store, RF_TABLE_JOURNAL, "b", "2");
    rig_put(rig->store, RF_TABLE_STOCK, "a", "3");
}

static void test_a_failed_backup_leaves_no_file(void **state)
{
    store_rig *rig = *state;
    char path[2 * RIG_PATH_MAX];
    copy_name(rig, path);
    rig_open(rig);
    rf_error err;
    assert_int_equal(rig->store->operations->backup(rig->store, path, &err),
                     RF_E_STORAGE); /* there is no such directory */

    static char large[1 << 20];
    memset(large, 'x', sizeof large - 1);
    rig_put(rig->store, RF_TABLE_STOCK, "a", large);
    snprintf(path, sizeof path, "%s/copy", rig->directory);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit limit = {1 << 19, before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    rf_status status = rig->store->operations->backup(rig->store, path, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, RF_E_STORAGE_FULL);
    assert_int_equal(rig_count_files(rig->directory), 1);
    assert_int_equal(rig->store->operations->backup(rig->store, path, &err),
                     RF_OK);
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_files_are_private_whatever_the_umask),
        CASE(test_a_second_open_in_the_process_is_refused),
        CASE(test_a_second_process_is_refused),
        CASE(test_another_process_may_look_on),
        CASE(test_looking_on_needs_a_store),
        CASE(test_looking_on_works_where_no_server_ever_ran),
        CASE(test_other_files_are_refused),
        CASE(test_stores_of_another_format_are_refused),
        CASE(test_network_file_systems_are_refused),
        CASE(test_a_store_without_a_table_opens),
        CASE(test_every_failed_allocation_at_opening_is_survived),
        CASE(test_a_backup_is_a_store_of_its_own),
        CASE(test_a_failed_backup_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
