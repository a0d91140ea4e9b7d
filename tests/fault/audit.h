/*
 * audit.h - does a running server agree with the ledger?
 *
 * Asked after every restart, over HTTP only. Four things must hold: every
 * unknown request is settled by sending it again, a settled one gets its first
 * answer again, the journal holds each command exactly once, without gaps and
 * with nothing ever promised twice, and the totals are those of the ledger.
 */
#ifndef RINGFENCE_TESTS_FAULT_AUDIT_H
#define RINGFENCE_TESTS_FAULT_AUDIT_H

#include "tests/fault/http.h"
#include "tests/fault/ledger.h"

typedef struct rf_audit {
    rf_ledger *ledger;
    int64_t journal_last; /* entries up to this one have been read */
    size_t settled;       /* operations before this one have been counted */
    int64_t stock[RF_LEDGER_CELLS]; /* the sums of the journal's deltas */
    int64_t reserved[RF_LEDGER_CELLS];
} rf_audit;

/* Set up an audit that has read nothing yet. */
void rf_audit_init(rf_audit *audit, rf_ledger *ledger);

/* Check everything against the server at a port, `again` settled requests
 * included, and print four cases that begin with `label`. Returns whether all
 * passed. */
bool rf_audit_run(rf_audit *audit, rf_tap *tap, int port, unsigned again,
                  const char *label);

/* Send every unknown operation again; false when one stays unknown. */
bool rf_audit_resolve(rf_audit *audit, rf_client *client);

/* Read the totals and compare them with what was acknowledged so far. */
bool rf_audit_totals(rf_audit *audit, rf_client *client);

#endif
