/*
 * disk_faults_main.c - the disk and the sockets fail while the server runs.
 *
 * disk_faults ENVIRONMENT_FILE: no room, errors in every step of a commit,
 * errors while the store is opened, a disk that is really full, and faults of
 * the network side. With RINGFENCE_LONG=1 the errors strike later calls too.
 */
#include "tests/fault/fixture.h"
#include "tests/fault/socket_faults.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    FAULT_MS = 800,        /* load while the fault is on */
    BACK_LIMIT_MS = 15000, /* until writes work again */
    END_LIMIT_MS = 15000,  /* until a server that has to end has ended */
    STRIKES = 3,           /* each commit error at its 1st .. 3rd call */
    STRIKES_LONG = 25,
    START_CALLS_MAX = 40, /* calls of one kind while a store is opened */
    FILL_LIMIT_MS = 60000,
    FILLER_BYTES = 48 << 20
};

/* The disk that is really full: big enough for an empty store, and later big
 * enough to go on. */
#define SMALL_DISK "size=4m"
#define LARGE_DISK "size=64m"

/* The reserve, and what somebody else writes so that less than it is free. */
#define RESERVE_SETTING "{\"store\":{\"freeSpaceBytes\":33554432}}"

typedef enum {
    KEEPS_SERVING, /* refuses writes, reads, recovers by itself */
    ENDS,          /* the outcome is unknown: status 70 */
    EITHER,        /* one of these, or the fault goes unnoticed */
} expectation;

typedef struct disk_test {
    rf_tap tap;
    const char *environment_file;
    uint64_t seed;
} disk_test;

/* Count the operations from `first` on that are settled. */
static size_t count_settled(const rf_ledger *ledger, size_t first)
{
    size_t settled = 0;
    for (size_t place = first; place < ledger->count; place++) {
        settled += ledger->operations[place].status != 0 ? 1 : 0;
    }
    return settled;
}

static bool is_refusal_for_room(const rf_ledger *ledger)
{
    const char *first = ledger->surprise;
    return first != NULL && strstr(first, "\"storage_unavailable\"") != NULL &&
           (strstr(first, ": 507 ") != NULL ||
            strstr(first, ": 503 ") != NULL || strstr(first, ": 200 ") != NULL);
}

/* What must hold while there is no room. */
static void check_no_room(rf_fixture *test)
{
    rf_fixture_ok(test, is_refusal_for_room(&test->ledger),
                  "writes are answered storage_unavailable");
    if (test->ledger.surprise != NULL) {
        rf_tap_note("%s", test->ledger.surprise);
    }
    rf_fixture_ok(test, rf_fixture_reads_agree(test),
                  "reads go on and see what was acknowledged");
}

static void run_out_of_room(disk_test *all, const char *spec)
{
    rf_fixture test;
    rf_fixture_begin(&test, &all->tap, spec, all->environment_file, all->seed);
    size_t first = test.ledger.count;
    rf_switch_on(test.control, spec);
    rf_fixture_load(&test, FAULT_MS);
    check_no_room(&test);
    rf_fixture_ok(&test, count_settled(&test.ledger, first) == 0,
                  "no write is acknowledged");
    rf_fixture_ok(&test, rf_switch_off(test.control) > 0, "the fault struck");
    rf_fixture_ok(&test, rf_fixture_write_within(&test, BACK_LIMIT_MS),
                  "writes work again without a restart");
    rf_fixture_end(&test);
}

/* Load the server, switch the fault on in the middle, and let the load run on
 * until the server has gone or the time is over. Returns whether it has gone,
 * or has said that it will. */
static bool strike_under_load(rf_fixture *test, const char *spec)
{
    rf_load load;
    rf_load_open(&load, &test->ledger, test->server.port, 8);
    rf_load_run(&load, FAULT_MS / 4, SIZE_MAX);
    rf_switch_on(test->control, spec);
    rf_load_run(&load, FAULT_MS, SIZE_MAX);
    unsigned open = rf_load_drain(&load);
    rf_load_close(&load);
    return open == 0 || (test->ledger.surprise != NULL &&
                         !is_refusal_for_room(&test->ledger));
}

static void check_end(rf_fixture *test)
{
    const char *reply = test->ledger.surprise;
    int status = rf_server_wait_for(&test->server, END_LIMIT_MS);
    rf_tap_ok(test->tap,
              WIFEXITED(status) &&
                  WEXITSTATUS(status) == RF_EXIT_OUTCOME_UNKNOWN,
              "%s: the server ends with status %d", test->name,
              RF_EXIT_OUTCOME_UNKNOWN);
    rf_fixture_ok(
        test,
        reply == NULL ||
            (strstr(reply, "\"outcome_unknown\"") && strstr(reply, ": 503 ")) ||
            strstr(reply, "\"stopping\""),
        "who still got a reply was told outcome_unknown");
    if (reply != NULL) {
        rf_tap_note("%s", reply);
    }
}

static void fail_commit(disk_test *all, const char *spec, expectation expected)
{
    rf_fixture test;
    rf_fixture_begin(&test, &all->tap, spec, all->environment_file, all->seed);
    bool ending = strike_under_load(&test, spec);
    rf_fixture_ok(&test, rf_switch_off(test.control) > 0, "the fault struck");
    if (expected == ENDS || ending) {
        check_end(&test);
    } else {
        rf_fixture_ok(&test, rf_fixture_write_within(&test, BACK_LIMIT_MS),
                      "the server goes on and takes writes");
    }
    rf_fixture_end(&test);
}

static void fail_commits(disk_test *all)
{
    static const struct {
        const char *class;
        const char *error;
        expectation expected;
    } rows[] = {{"data", "EIO", ENDS},         {"data", "SHORT", EITHER},
                {"data", "EINTR", EITHER},     {"meta", "EIO", ENDS},
                {"meta", "ENOSPC", ENDS},      {"meta", "LATE", ENDS},
                {"meta", "LATE:sticky", ENDS}, {"meta", "SHORT", ENDS},
                {"sync", "EIO", ENDS},         {"sync", "ENOSPC", EITHER}};
    int strikes = rf_common_is_long() ? STRIKES_LONG : STRIKES;
    for (size_t at = 0; at < sizeof rows / sizeof rows[0]; at++) {
        for (int nth = 1; nth <= strikes; nth++) {
            char *spec = rf_common_format("%s:%d:%s", rows[at].class, nth,
                                          rows[at].error);
            fail_commit(all, spec, rows[at].expected);
            free(spec);
        }
    }
}

/* Start a server on a new store while the nth call fails. It may refuse to
 * start, but not crash, and the next start must find everything in order.
 * Returns false when the start has fewer calls than that. */
static bool fail_start(disk_test *all, const char *spec)
{
    rf_fixture test;
    rf_fixture_prepare(&test, &all->tap, spec, all->environment_file,
                       all->seed);
    rf_switch_on(test.control, spec);
    bool listens = rf_fixture_start(&test);
    bool struck = rf_switch_off(test.control) > 0;
    int status = 0;
    if (!listens) {
        status = rf_server_wait(&test.server);
    } else if (struck) {
        rf_server_signal(&test.server, SIGTERM);
        status = rf_server_wait(&test.server);
    }
    rf_tap_ok(&all->tap, WIFEXITED(status) && (listens || struck),
              "%s at the start: %s", spec,
              !struck   ? "has as many calls as that no more"
              : listens ? "goes on"
                        : "refuses to start");
    if (test.server.pid == 0) {
        rf_server_must_start(&test.server, NULL);
    }
    rf_fixture_ok(&test, rf_fixture_write_within(&test, BACK_LIMIT_MS),
                  "the next start takes writes");
    rf_fixture_end(&test);
    return struck;
}

static void fail_starts(disk_test *all)
{
    static const struct {
        const char *class;
        const char *error;
    } rows[] = {{"truncate", "ENOSPC"},
                {"mmap", "ENOMEM"},
                {"data", "ENOSPC"},
                {"meta", "EIO"},
                {"sync", "EIO"}};
    for (size_t at = 0; at < sizeof rows / sizeof rows[0]; at++) {
        bool struck = true;
        for (int nth = 1; struck && nth <= START_CALLS_MAX; nth++) {
            char *spec = rf_common_format("%s:%d:%s", rows[at].class, nth,
                                          rows[at].error);
            struck = fail_start(all, spec);
            free(spec);
        }
    }
}

/* Put the data on a file system of its own. The mount is seen by this process
 * and its children only, and goes with them. Prints a skipped case and returns
 * false when that is not permitted. */
static bool mount_disk(rf_fixture *test, const char *size)
{
    if (unshare(CLONE_NEWNS) == 0 &&
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount("tmpfs", test->server.data, "tmpfs", 0, size) == 0) {
        return true;
    }
    rf_tap_skip(test->tap, "%s: cannot mount here (%s)", test->name,
                strerror(errno));
    rf_fixture_discard(test);
    return false;
}

/* Load the server until one reply settles nothing. */
static void load_until_refused(rf_fixture *test)
{
    rf_load load;
    uint64_t deadline = rf_common_now_ms() + FILL_LIMIT_MS;
    rf_load_open(&load, &test->ledger, test->server.port, 8);
    while (test->ledger.unanswered == 0 && rf_common_now_ms() < deadline) {
        rf_load_run(&load, FAULT_MS / 16, SIZE_MAX);
    }
    rf_load_drain(&load);
    rf_load_close(&load);
    rf_tap_note("refused after %zu requests", test->ledger.count);
}

/* The disk is full in the middle of a commit. */
static void fill_disk(disk_test *all)
{
    rf_fixture test;
    rf_fixture_prepare(&test, &all->tap, "a full disk", all->environment_file,
                       all->seed);
    if (!mount_disk(&test, SMALL_DISK)) {
        return;
    }
    if (!rf_fixture_start(&test)) {
        rf_common_die("the server does not start on a small disk");
    }
    load_until_refused(&test);
    rf_fixture_ok(&test, count_settled(&test.ledger, 0) > 0,
                  "an empty store fits");
    check_no_room(&test);
    if (mount("tmpfs", test.server.data, "tmpfs", MS_REMOUNT, LARGE_DISK) !=
        0) {
        rf_common_die("cannot make the disk larger: %s", strerror(errno));
    }
    rf_fixture_ok(&test, rf_fixture_write_within(&test, BACK_LIMIT_MS),
                  "writes work again when there is room");
    rf_fixture_end(&test);
}

/* Somebody else fills the disk beyond what the server wants to keep free. */
static void fill_reserve(disk_test *all)
{
    rf_fixture test;
    rf_fixture_prepare(&test, &all->tap, "a nearly full disk",
                       all->environment_file, all->seed);
    if (!mount_disk(&test, LARGE_DISK)) {
        return;
    }
    rf_server_configure(&test.server, RESERVE_SETTING);
    if (!rf_fixture_start(&test)) {
        rf_common_die("the server does not start with a reserve");
    }
    rf_fixture_ok(&test, rf_fixture_write_within(&test, BACK_LIMIT_MS),
                  "writes work while there is room");
    char *path = rf_common_format("%s/filler", test.server.data);
    void *filler = rf_common_alloc(1, FILLER_BYTES);
    rf_common_write_file(path, filler, FILLER_BYTES);
    free(filler);
    load_until_refused(&test);
    check_no_room(&test);
    unlink(path);
    free(path);
    rf_fixture_ok(&test, rf_fixture_write_within(&test, BACK_LIMIT_MS),
                  "writes work again when there is room");
    rf_fixture_end(&test);
}

int main(int argument_count, char **arguments)
{
    if (argument_count != 2) {
        rf_common_die("usage: disk_faults ENVIRONMENT_FILE");
    }
    disk_test all = {.environment_file = arguments[1],
                     .seed = rf_random_seed()};
    run_out_of_room(&all, "data:1:ENOSPC:sticky");
    run_out_of_room(&all, "data:1:EDQUOT:sticky");
    fail_commits(&all);
    fail_starts(&all);
    rf_socket_faults_run(&all.tap, all.environment_file, all.seed);
    fill_disk(&all);
    fill_reserve(&all);
    return rf_tap_done(&all.tap);
}
