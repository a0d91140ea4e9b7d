/*
 * metrics.c - making the cells and counting in them.
 */
#include "server/metrics.h"

#include "core/alloc.h"
#include "server/metrics_internal.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Nanoseconds. A commit takes about 100 us on a fast disk. */
const rf_metrics_bound rf_metrics_second_bounds[RF_METRICS_SECOND_BOUNDS] = {
    {25000, "0.000025"}, {50000, "0.00005"},  {100000, "0.0001"},
    {250000, "0.00025"}, {500000, "0.0005"},  {1000000, "0.001"},
    {2500000, "0.0025"}, {5000000, "0.005"},  {10000000, "0.01"},
    {25000000, "0.025"}, {50000000, "0.05"},  {100000000, "0.1"},
    {250000000, "0.25"}, {500000000, "0.5"},  {1000000000, "1"},
    {2500000000, "2.5"}, {10000000000, "10"},
};

const rf_metrics_bound rf_metrics_command_bounds[RF_METRICS_COMMAND_BOUNDS] = {
    {1, "1"},     {2, "2"},     {4, "4"},       {8, "8"},
    {16, "16"},   {32, "32"},   {64, "64"},     {128, "128"},
    {256, "256"}, {512, "512"}, {1024, "1024"},
};

const int rf_metrics_statuses[RF_METRICS_STATUSES] = {
    200, 202, 204, 304, 307, 308, 400, 401, 403, 404, 405, 408, 409,
    411, 413, 414, 415, 417, 429, 431, 500, 501, 503, 505, 507, 0};

static size_t take_cells(rf_metrics_layout *at, size_t count)
{
    size_t first = at->cell_count;
    at->cell_count += count;
    return first;
}

static rf_metrics_layout lay_out(const rf_metrics_setup *setup)
{
    rf_metrics_layout at = {0};
    at.requests = take_cells(&at, setup->routes.count * RF_METRICS_METHODS *
                                      RF_METRICS_STATUSES);
    at.request_seconds =
        take_cells(&at, setup->routes.count * RF_METRICS_SECOND_CELLS);
    at.commands =
        take_cells(&at, setup->operations.count * setup->results.count);
    at.command_seconds = take_cells(&at, RF_METRICS_SECOND_CELLS);
    at.batch_commands = take_cells(&at, RF_METRICS_COMMAND_CELLS);
    at.commit_seconds = take_cells(&at, RF_METRICS_SECOND_CELLS);
    return at;
}

static bool make_shards(rf_metrics *metrics)
{
    for (size_t i = 0; i < metrics->setup.shards; i++) {
        rf_metrics_shard *shard =
            rf_calloc(1, sizeof *shard +
                             metrics->at.cell_count * sizeof(rf_metrics_cell));
        if (shard == NULL) {
            return false;
        }
        shard->metrics = metrics;
        metrics->shards[i] = shard;
    }
    return true;
}

rf_status rf_metrics_create(const rf_metrics_setup *setup, rf_metrics **out,
                            rf_error *err)
{
    RF_ASSERT(setup->shards > 0);
    rf_metrics *metrics =
        rf_calloc(1, sizeof *metrics + setup->shards * sizeof *metrics->shards);
    if (metrics == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "no memory for the metrics");
    }
    metrics->setup = *setup;
    metrics->at = lay_out(setup);
    pthread_mutex_init(&metrics->lock, NULL);
    if (!make_shards(metrics)) {
        rf_metrics_free(metrics);
        return rf_fail(err, RF_E_NO_MEMORY, "no memory for the metrics");
    }
    *out = metrics;
    return RF_OK;
}

void rf_metrics_free(rf_metrics *metrics)
{
    if (metrics == NULL) {
        return;
    }
    for (size_t i = 0; i < metrics->setup.shards; i++) {
        rf_free(metrics->shards[i]);
    }
    pthread_mutex_destroy(&metrics->lock);
    rf_free(metrics);
}

rf_metrics_shard *rf_metrics_shard_of(rf_metrics *metrics, size_t thread)
{
    RF_ASSERT(thread < metrics->setup.shards);
    return metrics->shards[thread];
}

/* Only the shard's own thread writes, so no update can be lost in between. */
static void add(rf_metrics_cell *to, uint64_t amount)
{
    uint64_t value = atomic_load_explicit(to, memory_order_relaxed);
    atomic_store_explicit(to, value + amount, memory_order_relaxed);
}

static void observe(rf_metrics_cell *histogram, const rf_metrics_bound *bounds,
                    size_t bound_count, uint64_t value)
{
    size_t bucket = 0;
    while (bucket < bound_count && value > bounds[bucket].value) {
        bucket++;
    }
    add(&histogram[bucket], 1);
    add(&histogram[bound_count + 1], value);
}

static void observe_seconds(rf_metrics_cell *histogram, double seconds)
{
    uint64_t value =
        seconds > 0 ? (uint64_t)(seconds * RF_METRICS_NANOSECONDS) : 0;
    observe(histogram, rf_metrics_second_bounds, RF_METRICS_SECOND_BOUNDS,
            value);
}

static size_t find_status(int status)
{
    size_t index = 0;
    while (index < RF_METRICS_STATUSES - 1 &&
           rf_metrics_statuses[index] != status) {
        index++;
    }
    return index;
}

void rf_metrics_count_request(rf_metrics_shard *shard, size_t route,
                              rf_method method, int status, double seconds)
{
    const rf_metrics *metrics = shard->metrics;
    RF_ASSERT(route < metrics->setup.routes.count);
    size_t series =
        (route * RF_METRICS_METHODS + method) * RF_METRICS_STATUSES +
        find_status(status);
    add(&shard->cells[metrics->at.requests + series], 1);
    observe_seconds(&shard->cells[metrics->at.request_seconds +
                                  route * RF_METRICS_SECOND_CELLS],
                    seconds);
}

void rf_metrics_count_command(rf_metrics_shard *shard, size_t operation,
                              size_t result, double seconds)
{
    const rf_metrics *metrics = shard->metrics;
    RF_ASSERT(operation < metrics->setup.operations.count &&
              result < metrics->setup.results.count);
    size_t series = operation * metrics->setup.results.count + result;
    add(&shard->cells[metrics->at.commands + series], 1);
    observe_seconds(&shard->cells[metrics->at.command_seconds], seconds);
}

void rf_metrics_count_batch(rf_metrics_shard *shard, uint64_t commands,
                            double commit_seconds)
{
    const rf_metrics_layout *at = &shard->metrics->at;
    observe(&shard->cells[at->batch_commands], rf_metrics_command_bounds,
            RF_METRICS_COMMAND_BOUNDS, commands);
    observe_seconds(&shard->cells[at->commit_seconds], commit_seconds);
}

static void copy_word(char word[RF_METRICS_WORD_SIZE], rf_text text)
{
    int length = text.length < RF_METRICS_WORD_SIZE ? (int)text.length
                                                    : RF_METRICS_WORD_SIZE - 1;
    snprintf(word, RF_METRICS_WORD_SIZE, "%.*s", length, text.bytes);
}

/* Find or make the row; when the table is full, its last row, for all others
 * together. */
static rf_metrics_row *find_named(rf_metrics_rows *table, const char *first,
                                  const char *second)
{
    for (size_t i = 0; i < table->count; i++) {
        rf_metrics_row *row = &table->rows[i];
        if (strcmp(row->first, first) == 0 &&
            strcmp(row->second, second) == 0) {
            return row;
        }
    }
    if (table->count == RF_METRICS_ROWS_MAX) {
        return &table->rows[RF_METRICS_ROWS_MAX - 1];
    }
    rf_metrics_row *row = &table->rows[table->count++];
    bool last = table->count == RF_METRICS_ROWS_MAX;
    snprintf(row->first, RF_METRICS_WORD_SIZE, "%s", last ? "other" : first);
    snprintf(row->second, RF_METRICS_WORD_SIZE, "%s", last ? "other" : second);
    return row;
}

static void count_named(rf_metrics *metrics, rf_metrics_rows *table,
                        rf_text first, rf_text second)
{
    char words[2][RF_METRICS_WORD_SIZE];
    copy_word(words[0], first);
    copy_word(words[1], second);
    pthread_mutex_lock(&metrics->lock);
    find_named(table, words[0], words[1])->value++;
    pthread_mutex_unlock(&metrics->lock);
}

void rf_metrics_count_reload(rf_metrics *metrics, rf_text environment,
                             rf_text result)
{
    count_named(metrics, &metrics->reloads, environment, result);
}

void rf_metrics_count_script_error(rf_metrics *metrics, rf_text plugin)
{
    count_named(metrics, &metrics->script_errors, plugin, RF_TEXT_EMPTY);
}

void rf_metrics_add_source(rf_metrics *metrics, rf_metrics_source source)
{
    RF_ASSERT(metrics->source_count < RF_METRICS_SOURCES_MAX);
    metrics->sources[metrics->source_count++] = source;
}
