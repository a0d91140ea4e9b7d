/*
 * load.h - many clients at once, from one thread.
 *
 * Each connection has one request under way. Now and then a settled request is
 * sent once more, as a client does that lost the reply: the ledger sees to it
 * that the second answer equals the first.
 */
#ifndef RINGFENCE_TESTS_FAULT_LOAD_H
#define RINGFENCE_TESTS_FAULT_LOAD_H

#include "tests/fault/ledger.h"

enum {
    RF_LOAD_CONNECTIONS_MAX = 64
};

typedef struct rf_connection {
    int fd;         /* -1 when closed */
    bool waiting;   /* a reply is due */
    size_t place;   /* the operation under way */
    size_t sent;    /* bytes of its request already gone */
    char *received; /* bytes of the reply so far */
    size_t length;
    size_t capacity;
} rf_connection;

typedef struct rf_load {
    rf_ledger *ledger;
    unsigned count;
    rf_connection connections[RF_LOAD_CONNECTIONS_MAX];
} rf_load;

/* Open `count` connections to a port; fewer when it does not take them. */
void rf_load_open(rf_load *load, rf_ledger *ledger, int port, unsigned count);

/* Send requests until `limit_ms` have passed, the ledger holds `operations` in
 * all, or every connection is gone. */
void rf_load_run(rf_load *load, uint64_t limit_ms, size_t operations);

/* Send nothing new; take the replies that still come until none is due or
 * every connection is gone. What stays without one is unknown. Returns how many
 * connections are open still. */
unsigned rf_load_drain(rf_load *load);

/* Close every connection and free the load. */
void rf_load_close(rf_load *load);

#endif
