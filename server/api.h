/*
 * api.h - requests in, replies out: everything between the wire and the core.
 *
 * The api part matches paths, knows who asks and what they may do, reads JSON
 * into commands and queries, and writes results as JSON. It sees no socket
 * and no store key. Reads are answered on the I/O thread, in slices; writes go
 * to the writer's queue and are answered when they are durable.
 */
#ifndef RINGFENCE_SERVER_API_H
#define RINGFENCE_SERVER_API_H

#include "core/engine.h"
#include "server/auth.h"
#include "server/exchange.h"
#include "server/loader.h"
#include "server/metrics.h"
#include "server/options.h"
#include "server/writer.h"

typedef struct rf_api rf_api;

/* Everything is borrowed until the api is freed. */
typedef struct rf_api_options {
    const rf_options *options;
    const rf_auth *auth;
    rf_store *store;
    rf_globe *globe;
    rf_writer *writer;
    rf_loader *loader;
    const char *version;
    unsigned threads; /* I/O threads */
} rf_api_options;

RF_MUST_CHECK rf_status rf_api_create(const rf_api_options *options,
                                      rf_api **out, rf_error *err);
void rf_api_free(rf_api *api);

/* What the http part calls. */
rf_handler rf_api_handler(rf_api *api);

/* Note a batch of the writer in the metrics. On the writer's thread. */
void rf_api_count_batch(rf_api *api, size_t commands, double seconds);

/* Note in log and counters what became of an environment; what the loader's
 * `tried` comes down to. Any thread. */
void rf_api_note_load(rf_api *api, const rf_load *load,
                      const rf_load_outcome *outcome);

/* From now on readiness says no: the server is about to end. Any thread. */
void rf_api_drain(rf_api *api);

/* Where the figures of the wire come from, for the metrics. */
typedef struct rf_api_wire {
    const void *self;
    unsigned (*connections)(const void *self);
    size_t (*held_bytes)(const void *self);
} rf_api_wire;

void rf_api_set_wire(rf_api *api, rf_api_wire wire);

#endif
