/*
 * fixture.h - one fault case: a fresh server under the fault library.
 *
 * Every case starts with an empty store, a little load, and no fault on. It
 * ends with the proof that nothing was lost, whatever the fault did: the store
 * verified, a server without faults started on it and audited in full.
 */
#ifndef RINGFENCE_TESTS_FAULT_FIXTURE_H
#define RINGFENCE_TESTS_FAULT_FIXTURE_H

#include "tests/fault/audit.h"
#include "tests/fault/load.h"
#include "tests/fault/server.h"
#include "tests/fault/switch.h"

/* The exit status of a server that cannot know whether its last commit is
 * durable. */
enum {
    RF_EXIT_OUTCOME_UNKNOWN = 70
};

typedef struct rf_fixture {
    rf_tap *tap;
    const char *name; /* of the case, in front of each of its lines */
    rf_server server;
    rf_ledger ledger;
    rf_audit audit;
    rf_switch *control;
    char *settings[4]; /* put the server under the fault library */
    unsigned failed_before;
} rf_fixture;

/* Make the folder, the ledger and the switch; start nothing. */
void rf_fixture_prepare(rf_fixture *self, rf_tap *tap, const char *name,
                        const char *environment_file, uint64_t seed);

/* Prepare, start the server, and load it a little. */
void rf_fixture_begin(rf_fixture *self, rf_tap *tap, const char *name,
                      const char *environment_file, uint64_t seed);

/* Start the server under the fault library. Returns whether it listens. */
bool rf_fixture_start(rf_fixture *self);

/* Load the server for a time; ends early when it has gone. */
void rf_fixture_load(rf_fixture *self, uint64_t limit_ms);

/* Print one case of this name. */
bool rf_fixture_ok(rf_fixture *self, bool passed, const char *what);

/* Return whether the journal and the totals can be read and agree with the
 * ledger. Nothing may be unknown. */
bool rf_fixture_reads_agree(rf_fixture *self);

/* Try to write, again and again, for at most `limit_ms`. Returns whether a
 * write was taken. */
bool rf_fixture_write_within(rf_fixture *self, uint64_t limit_ms);

/* Free everything and remove the folder, without any proof. */
void rf_fixture_discard(rf_fixture *self);

/* Stop the server when it still runs, prove that nothing was lost, remove
 * everything. */
void rf_fixture_end(rf_fixture *self);

#endif
