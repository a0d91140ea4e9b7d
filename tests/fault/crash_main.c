/*
 * crash_main.c - kill -9 at random moments under load, again and again.
 *
 * crash ENVIRONMENT_FILE: 20 kills, or 250 with RINGFENCE_LONG=1. After each
 * the stopped store is verified, the server started again and audited against
 * the ledger of all clients. The first failure ends the run: what follows it
 * would only repeat it.
 */
#include "tests/fault/audit.h"
#include "tests/fault/common.h"
#include "tests/fault/ledger.h"
#include "tests/fault/load.h"
#include "tests/fault/server.h"

#include <signal.h>
#include <stdlib.h>

enum {
    KILLS = 20,
    KILLS_LONG = 250,
    CONNECTIONS = 16,
    KILL_AFTER_MS_MIN = 50,
    KILL_AFTER_MS_MAX = 500,
    SENT_AGAIN = 50
};

typedef struct crash_test {
    rf_tap tap;
    rf_server server;
    rf_ledger ledger;
    rf_audit audit;
} crash_test;

/* Load the server for a random while, then kill it in the middle. Returns how
 * many requests were left without a reply. */
static size_t load_and_kill(crash_test *test)
{
    rf_load load;
    uint64_t span = KILL_AFTER_MS_MAX - KILL_AFTER_MS_MIN + 1;
    uint64_t limit =
        KILL_AFTER_MS_MIN + rf_random_below(&test->ledger.random, span);
    size_t unknown = 0;
    rf_load_open(&load, &test->ledger, test->server.port, CONNECTIONS);
    rf_load_run(&load, limit, SIZE_MAX);
    rf_server_signal(&test->server, SIGKILL);
    rf_load_drain(&load);
    rf_load_close(&load);
    rf_server_wait(&test->server);
    for (size_t place = test->audit.settled; place < test->ledger.count;
         place++) {
        unknown += test->ledger.operations[place].status == 0 ? 1 : 0;
    }
    return unknown;
}

/* One kill and everything that must hold after it. */
static bool run_round(crash_test *test, unsigned number)
{
    size_t before = test->ledger.count;
    size_t unknown = load_and_kill(test);
    char *label = rf_common_format("kill %u, %zu requests, %zu unknown", number,
                                   test->ledger.count - before, unknown);
    bool passed =
        rf_tap_ok(&test->tap,
                  rf_server_verify(&test->server, test->server.data, NULL) == 0,
                  "%s: verify finds every total equal to its leaves", label);
    rf_server_must_start(&test->server, NULL);
    passed = rf_audit_run(&test->audit, &test->tap, test->server.port,
                          SENT_AGAIN, label) &&
             passed;
    free(label);
    return passed;
}

int main(int argument_count, char **arguments)
{
    crash_test test = {.tap = {0, 0}};
    if (argument_count != 2) {
        rf_common_die("usage: crash ENVIRONMENT_FILE");
    }
    unsigned kills = rf_common_is_long() ? KILLS_LONG : KILLS;
    bool passed = true;
    uint64_t seed = rf_random_seed();
    rf_server_prepare(&test.server, arguments[1]);
    char *trail = rf_common_format("%s/ledger.log", test.server.root);
    rf_ledger_init(&test.ledger, seed, trail);
    free(trail);
    rf_audit_init(&test.audit, &test.ledger);
    rf_server_must_start(&test.server, NULL);
    for (unsigned number = 1; passed && number <= kills; number++) {
        passed = run_round(&test, number);
    }
    rf_tap_ok(&test.tap, test.ledger.unanswered == 0,
              "no reply but 200, 404 and 409: %s",
              test.ledger.surprise != NULL ? test.ledger.surprise : "none");
    rf_tap_ok(&test.tap, rf_server_stop(&test.server),
              "a clean stop at the end");
    rf_ledger_done(&test.ledger);
    rf_server_discard(&test.server, test.tap.failed > 0);
    return rf_tap_done(&test.tap);
}
