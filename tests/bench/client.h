/*
 * client.h - many connections to one server, driven by one thread.
 *
 * Closed loop: every connection sends its next request when it has the reply,
 * so the number in flight is the number of connections. Open loop: requests
 * fall due at a fixed rate whether or not the server keeps up, and a latency
 * is counted from the instant its request was due; a server that stalls is
 * then charged for all that waited, not for one request.
 *
 * Each connection is registered with epoll once, edge-triggered, so that a
 * request costs two system calls and a share of one epoll_wait. No pipelining.
 */
#ifndef RINGFENCE_TESTS_BENCH_CLIENT_H
#define RINGFENCE_TESTS_BENCH_CLIENT_H

#include "tests/bench/histogram.h"
#include "tests/bench/scenario.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct client_options {
    struct sockaddr_in server;
    unsigned connections;
    double seconds;    /* send for so long; 0: only the count ends the run */
    uint64_t requests; /* send so many; 0: only the time ends the run */
    double rate;       /* requests per second, open loop; 0: closed loop */
} client_options;

typedef struct client_result {
    histogram latencies;
    uint64_t statuses[600]; /* replies by HTTP status */
    uint64_t requests;      /* replies in all */
    uint64_t wrong;         /* replies of 200 that did not say what they must */
    double seconds;         /* from the first request to the last reply */
    double cpu_us;          /* processor time of this client for a request */
} client_result;

/* Run the scenario and wait for every reply that is owed. False: a connection
 * broke or stood still; the reason is on standard error. */
bool client_run(scenario *work, const client_options *options,
                client_result *out);

#endif
