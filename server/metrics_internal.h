/*
 * metrics_internal.h - how the cells of the metrics are laid out.
 *
 * A shard is one array of 64-bit cells. Which cells a metric has is laid out
 * once and is the same in every shard: a counter has one cell for each
 * combination of its labels, a histogram one for each bucket, one for what
 * lies above, and one for the sum. metrics.c counts, metrics_print.c adds up.
 */
#ifndef RINGFENCE_SERVER_METRICS_INTERNAL_H
#define RINGFENCE_SERVER_METRICS_INTERNAL_H

#include "server/metrics.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

typedef _Atomic uint64_t rf_metrics_cell;

/* One upper bound of a histogram: as counted, and as printed. */
typedef struct rf_metrics_bound {
    uint64_t value;
    const char *text;
} rf_metrics_bound;

#define RF_METRICS_SECOND_BOUNDS 17
#define RF_METRICS_COMMAND_BOUNDS 11

/* Times are counted in nanoseconds. */
#define RF_METRICS_NANOSECONDS UINT64_C(1000000000)

extern const rf_metrics_bound
    rf_metrics_second_bounds[RF_METRICS_SECOND_BOUNDS];
extern const rf_metrics_bound
    rf_metrics_command_bounds[RF_METRICS_COMMAND_BOUNDS];

/* Cells of a histogram with so many bounds. */
#define RF_METRICS_CELLS(bound_count) ((bound_count) + 2)
#define RF_METRICS_SECOND_CELLS RF_METRICS_CELLS(RF_METRICS_SECOND_BOUNDS)
#define RF_METRICS_COMMAND_CELLS RF_METRICS_CELLS(RF_METRICS_COMMAND_BOUNDS)

/* The statuses that have a row; the last one, 0, is for all others. */
#define RF_METRICS_STATUSES 26
extern const int rf_metrics_statuses[RF_METRICS_STATUSES];

#define RF_METRICS_METHODS (RF_METHOD_OTHER + 1)

/* Where each metric's cells start. */
typedef struct rf_metrics_layout {
    size_t requests;        /* [route][method][status] */
    size_t request_seconds; /* [route] */
    size_t commands;        /* [operation][result] */
    size_t command_seconds;
    size_t batch_commands;
    size_t commit_seconds;
    size_t cell_count;
} rf_metrics_layout;

struct rf_metrics_shard {
    const rf_metrics *metrics;
    rf_metrics_cell cells[];
};

#define RF_METRICS_ROWS_MAX 256
#define RF_METRICS_WORD_SIZE 65

/* One counter whose labels became known at run time. */
typedef struct rf_metrics_row {
    char first[RF_METRICS_WORD_SIZE];
    char second[RF_METRICS_WORD_SIZE];
    uint64_t value;
} rf_metrics_row;

typedef struct rf_metrics_rows {
    size_t count;
    rf_metrics_row rows[RF_METRICS_ROWS_MAX];
} rf_metrics_rows;

struct rf_metrics {
    rf_metrics_setup setup;
    rf_metrics_layout at;
    size_t source_count;
    rf_metrics_source sources[RF_METRICS_SOURCES_MAX];
    pthread_mutex_t lock; /* of the two tables below */
    rf_metrics_rows reloads;
    rf_metrics_rows script_errors;
    rf_metrics_shard *shards[];
};

#endif
