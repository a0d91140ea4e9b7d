/*
 * metrics.h - counters and histograms for Prometheus, text format 0.0.4.
 *
 * Every thread that counts has a shard of its own and is the only one that
 * writes to it, so counting is a relaxed load and store, without a lock; a
 * scrape adds the shards up. Routes, operations and results are tables that
 * are given once, before the threads start, and all memory is taken then.
 * Only what is rare (reloads, script errors) has label values that are not
 * known beforehand; those rows are in a small table of fixed size behind a
 * lock, and what no longer fits is counted as "other".
 *
 * Values that somebody else keeps (queue depth, generations, sizes) come from
 * sources: functions that are asked at each scrape.
 */
#ifndef RINGFENCE_SERVER_METRICS_H
#define RINGFENCE_SERVER_METRICS_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/text.h"
#include "server/exchange.h"

#include <stddef.h>
#include <stdint.h>

typedef struct rf_metrics rf_metrics;
typedef struct rf_metrics_shard rf_metrics_shard;

/* Label values: static strings of ours, in the order of the caller's indexes.
 * Borrowed for as long as the metrics live. */
typedef struct rf_metrics_words {
    const char *const *words;
    size_t count;
} rf_metrics_words;

typedef struct rf_metrics_setup {
    const char *version; /* of the product; borrowed like the words */
    size_t shards;       /* threads that count, 1 at least */
    rf_metrics_words routes;
    rf_metrics_words operations;
    rf_metrics_words results;
} rf_metrics_setup;

/* Make the metrics, everything at zero. Pair with rf_metrics_free.
 * RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_metrics_create(const rf_metrics_setup *setup,
                                          rf_metrics **out, rf_error *err);

void rf_metrics_free(rf_metrics *metrics);

/* Return the shard of one thread, borrowed from the metrics. */
rf_metrics_shard *rf_metrics_shard_of(rf_metrics *metrics, size_t thread);

/* Count one finished request. A status without a row of its own counts as
 * "other". */
void rf_metrics_count_request(rf_metrics_shard *shard, size_t route,
                              rf_method method, int status, double seconds);

/* Count one command, from its arrival in the queue to its result. */
void rf_metrics_count_command(rf_metrics_shard *shard, size_t operation,
                              size_t result, double seconds);

/* Count one batch of the writer: how many commands, and how long the commit
 * took. */
void rf_metrics_count_batch(rf_metrics_shard *shard, uint64_t commands,
                            double commit_seconds);

/* Count a reload of an environment, or a failure of a plugin's function. Any
 * thread; takes a lock. */
void rf_metrics_count_reload(rf_metrics *metrics, rf_text environment,
                             rf_text result);
void rf_metrics_count_script_error(rf_metrics *metrics, rf_text plugin);

/* Where a source puts what it has to say. */
typedef struct rf_metrics_page rf_metrics_page;

typedef struct rf_metrics_source {
    const char *name; /* such as "ringfence_queue_depth"; static */
    const char *type; /* "gauge" or "counter" */
    const char *help; /* one sentence */
    /* Called at each scrape, on the thread that scrapes. Puts any number of
     * samples. */
    void (*collect)(void *self, rf_metrics_page *page);
    void *self;
} rf_metrics_source;

#define RF_METRICS_SOURCES_MAX 32

/* Add a source. Only before the first scrape; RF_METRICS_SOURCES_MAX at most,
 * which is asserted. */
void rf_metrics_add_source(rf_metrics *metrics, rf_metrics_source source);

/* Put one sample of the current source: with one label, or with none when
 * `label` is NULL. */
void rf_metrics_put(rf_metrics_page *page, const char *label, rf_text text,
                    int64_t value);

/* Append everything. Any thread, one at a time for the sources' sake. */
void rf_metrics_print(rf_metrics *metrics, rf_buffer *out);

/* The Content-Type that belongs to it. */
#define RF_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

#endif
