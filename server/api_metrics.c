/*
 * api_metrics.c - words for the labels, and sources for what others keep.
 */
#include "server/api_metrics.h"

#include "core/alloc.h"
#include "core/journal.h"

#include <string.h>
#include <time.h>

/* What can become of a command. */
typedef enum {
    BECAME_SUCCESS,
    BECAME_PARTIAL,
    BECAME_REFUSED,
    BECAME_NOT_FOUND,
    BECAME_CONFLICT,
    BECAME_REPLAYED,
    BECAME_FAILED
} became;

static const char *const result_words[] = {
    [BECAME_SUCCESS] = "success",   [BECAME_PARTIAL] = "partialSuccess",
    [BECAME_REFUSED] = "refused",   [BECAME_NOT_FOUND] = "notFound",
    [BECAME_CONFLICT] = "conflict", [BECAME_REPLAYED] = "replayed",
    [BECAME_FAILED] = "failed",
};

static became classify(const rf_result *result)
{
    if (result->replayed) {
        return BECAME_REPLAYED;
    }
    switch (rf_status_class(result->status)) {
    case RF_CLASS_OK:
        return result->partial ? BECAME_PARTIAL : BECAME_SUCCESS;
    case RF_CLASS_REFUSED:
        return BECAME_REFUSED;
    case RF_CLASS_NOT_FOUND:
        return BECAME_NOT_FOUND;
    case RF_CLASS_CONFLICT:
        return BECAME_CONFLICT;
    case RF_CLASS_INVALID:
    case RF_CLASS_UNKNOWN:
    case RF_CLASS_FORBIDDEN:
    case RF_CLASS_METHOD:
    case RF_CLASS_TOO_LARGE:
    case RF_CLASS_MEDIA:
    case RF_CLASS_INTERNAL:
    case RF_CLASS_UNAVAILABLE:
    case RF_CLASS_STORAGE_FULL:
        break;
    }
    return BECAME_FAILED;
}

void rf_api__count_command(const rf_call *call, rf_operation operation,
                           const rf_result *result, double seconds)
{
    rf_metrics_count_command(call->thread->metrics, operation, classify(result),
                             seconds);
}

void rf_api_count_batch(rf_api *api, size_t commands, double seconds)
{
    rf_metrics_count_batch(api->writer_metrics, commands, seconds);
}

/* ---- Sources ---- */

static void put_queue_depth(void *self, rf_metrics_page *page)
{
    const rf_api *api = self;
    rf_metrics_put(page, NULL, RF_TEXT_EMPTY,
                   (int64_t)rf_writer_queue_depth(api->options.writer));
}

static void put_streams(void *self, rf_metrics_page *page)
{
    rf_api *api = self;
    rf_metrics_put(page, NULL, RF_TEXT_EMPTY,
                   (int64_t)atomic_load(&api->streams));
}

static void put_held_bytes(void *self, rf_metrics_page *page)
{
    const rf_api *api = self;
    if (api->wire.held_bytes != NULL) {
        rf_metrics_put(page, NULL, RF_TEXT_EMPTY,
                       (int64_t)api->wire.held_bytes(api->wire.self));
    }
}

static void put_connections(void *self, rf_metrics_page *page)
{
    const rf_api *api = self;
    if (api->wire.connections != NULL) {
        rf_metrics_put(page, NULL, RF_TEXT_EMPTY,
                       api->wire.connections(api->wire.self));
    }
}

static void put_allocations(void *self, rf_metrics_page *page)
{
    (void)self;
    rf_metrics_put(page, NULL, RF_TEXT_EMPTY, (int64_t)rf_alloc_count());
}

static void put_writable(void *self, rf_metrics_page *page)
{
    const rf_api *api = self;
    rf_metrics_put(page, NULL, RF_TEXT_EMPTY,
                   rf_writer_is_writable(api->options.writer) ? 1 : 0);
}

/* The published generations and the journals themselves are asked, rather than
 * the writer's figures, which lag behind the replies by a moment: whoever has
 * an answer finds it counted. */
static const rf_world *look(rf_api *api)
{
    return rf_view_world(&api->scrape_view, api->options.globe);
}

static void put_generations(void *self, rf_metrics_page *page)
{
    const rf_world *world = look(self);
    for (size_t i = 0; i < world->count; i++) {
        rf_metrics_put(page, "environment",
                       rf_text_of(world->generations[i]->id),
                       (int64_t)world->generations[i]->number);
    }
}

static void put_journal_last(void *self, rf_metrics_page *page)
{
    const rf_api *api = self;
    const rf_world *world = look(self);
    rf_store *store = api->options.store;
    rf_store_transaction *transaction = NULL;
    if (store->operations->begin(store, false, &transaction, NULL) != RF_OK) {
        return; /* no sample is better than a wrong one */
    }
    for (size_t i = 0; i < world->count; i++) {
        const rf_generation *generation = world->generations[i];
        uint64_t first = 0;
        uint64_t last = 0;
        if (rf_journal_bounds(store, transaction, generation->environment,
                              &first, &last, NULL) == RF_OK) {
            rf_metrics_put(page, "environment", rf_text_of(generation->id),
                           (int64_t)last);
        }
    }
    store->operations->abort(transaction);
}

static void put_ids(void *self, rf_metrics_page *page)
{
    const rf_api *api = self;
    rf_environment_figures figures;
    for (size_t i = 0;
         rf_writer_environment_figures(api->options.writer, i, &figures); i++) {
        rf_metrics_put(page, "environment", rf_text_of(figures.id),
                       (int64_t)figures.ids);
    }
}

static int64_t wall_clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

static void put_ids_reach(void *self, rf_metrics_page *page)
{
    const rf_api *api = self;
    rf_environment_figures figures;
    int64_t now = wall_clock_seconds();
    for (size_t i = 0;
         rf_writer_environment_figures(api->options.writer, i, &figures); i++) {
        int64_t since = figures.ids_since_ms / 1000;
        rf_metrics_put(page, "environment", rf_text_of(figures.id),
                       since == 0 || since > now ? 0 : now - since);
    }
}

static rf_store_figures ask_store(const rf_api *api)
{
    rf_store_figures figures = {0};
    rf_store *store = api->options.store;
    store->operations->figures(store, &figures);
    return figures;
}

static void put_one(rf_metrics_page *page, uint64_t value)
{
    rf_metrics_put(page, NULL, RF_TEXT_EMPTY, (int64_t)value);
}

static void put_store_bytes(void *self, rf_metrics_page *page)
{
    put_one(page, ask_store(self).used_bytes);
}

static void put_file_bytes(void *self, rf_metrics_page *page)
{
    put_one(page, ask_store(self).file_bytes);
}

static void put_map_bytes(void *self, rf_metrics_page *page)
{
    put_one(page, ask_store(self).map_bytes);
}

static void put_commits(void *self, rf_metrics_page *page)
{
    put_one(page, ask_store(self).commits);
}

static void put_flushes(void *self, rf_metrics_page *page)
{
    put_one(page, ask_store(self).flushes);
}

static void put_saved_records(void *self, rf_metrics_page *page)
{
    put_one(page, ask_store(self).saved_records);
}

static void put_written_pages(void *self, rf_metrics_page *page)
{
    put_one(page, ask_store(self).written_pages);
}

static const rf_metrics_source sources[] = {
    {"ringfence_queue_depth", "gauge", "Commands that wait for the writer.",
     put_queue_depth, NULL},
    {"ringfence_connections", "gauge", "Open connections.", put_connections,
     NULL},
    {"ringfence_streams", "gauge", "Open streams of events.", put_streams,
     NULL},
    {"ringfence_held_bytes", "gauge",
     "Bytes of requests and replies that wait for their clients.",
     put_held_bytes, NULL},
    {"ringfence_allocations_total", "counter",
     "Heap allocations of the process.", put_allocations, NULL},
    {"ringfence_generation", "gauge", "The configuration in force.",
     put_generations, NULL},
    {"ringfence_journal_last", "gauge", "Number of the last journal entry.",
     put_journal_last, NULL},
    {"ringfence_idempotency_ids", "gauge", "Request ids remembered.", put_ids,
     NULL},
    {"ringfence_idempotency_reach_seconds", "gauge",
     "How far back request ids are remembered.", put_ids_reach, NULL},
    {"ringfence_store_bytes", "gauge", "Bytes of the store in use.",
     put_store_bytes, NULL},
    {"ringfence_store_file_bytes", "gauge", "Bytes of the store's file.",
     put_file_bytes, NULL},
    {"ringfence_store_map_bytes", "gauge",
     "Bytes the store may use before it has to grow.", put_map_bytes, NULL},
    {"ringfence_store_writable", "gauge",
     "1 while the store takes writes, 0 while there is no room.", put_writable,
     NULL},
    {"ringfence_commits_total", "counter", "Transactions made durable.",
     put_commits, NULL},
    {"ringfence_flushes_total", "counter", "Synchronous writes of commits.",
     put_flushes, NULL},
    {"ringfence_saved_records_total", "counter", "Records saved.",
     put_saved_records, NULL},
    {"ringfence_written_pages_total", "counter", "Pages written by commits.",
     put_written_pages, NULL},
};

_Static_assert(sizeof sources / sizeof sources[0] <= RF_METRICS_SOURCES_MAX,
               "the metrics have room for every source");

/* ---- Making ---- */

/* Return the first route with that path, or the next free one. */
static size_t find_word(const char *const *words, size_t count,
                        const char *path)
{
    size_t at = 0;
    while (at < count && strcmp(words[at], path) != 0) {
        at++;
    }
    return at;
}

/* Write a word for each route; those that share a path are counted as the first
 * of them. */
static size_t collect_words(const rf_routes *const *tables, size_t table_count,
                            rf_api *api)
{
    size_t count = 0;
    api->route_words[count++] = "other";
    for (size_t t = 0; t < table_count; t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            RF_ASSERT(count < RF_ROUTES_MAX);
            const char *path = tables[t]->rows[i].path;
            api->route_counters[count] =
                find_word(api->route_words, count, path);
            api->route_words[count++] = path;
        }
    }
    return count;
}

rf_status rf_api__make_metrics(rf_api *api, const rf_routes *const *tables,
                               size_t table_count, rf_error *err)
{
    for (int i = 0; i < RF_OPERATION_COUNT; i++) {
        api->operation_words[i] = rf_operation_name((rf_operation)i);
    }
    size_t routes = collect_words(tables, table_count, api);
    rf_metrics_setup setup = {
        .version = api->options.version,
        .shards = (size_t)api->options.threads + 1,
        .routes = {api->route_words, routes},
        .operations = {api->operation_words, RF_OPERATION_COUNT},
        .results = {result_words, sizeof result_words / sizeof *result_words},
    };
    rf_status status = rf_metrics_create(&setup, &api->metrics, err);
    if (status != RF_OK) {
        return status;
    }
    api->writer_metrics =
        rf_metrics_shard_of(api->metrics, api->options.threads);
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        rf_metrics_source source = sources[i];
        source.self = api;
        rf_metrics_add_source(api->metrics, source);
    }
    return RF_OK;
}
