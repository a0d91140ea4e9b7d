/*
 * metrics_print.c - the sum of all shards as text.
 */
#include "server/metrics_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const method_words[RF_METRICS_METHODS] = {
    [RF_METHOD_GET] = "GET",       [RF_METHOD_HEAD] = "HEAD",
    [RF_METHOD_POST] = "POST",     [RF_METHOD_PUT] = "PUT",
    [RF_METHOD_DELETE] = "DELETE", [RF_METHOD_OTHER] = "other"};

struct rf_metrics_page {
    rf_buffer *out;
    const char *name;
};

static void RF_PRINTF(2, 3) print(rf_buffer *out, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    rf_buffer_append_string(out, text);
}

static void print_head(rf_buffer *out, const char *name, const char *type,
                       const char *help)
{
    print(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Print `label="text"`, with the three escapes that the format knows. */
static void print_label(rf_buffer *out, const char *label, rf_text text)
{
    print(out, "%s=\"", label);
    for (size_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];
        if (c == '\n') {
            rf_buffer_append_string(out, "\\n");
            continue;
        }
        if (c == '"' || c == '\\') {
            rf_buffer_append_byte(out, '\\');
        }
        rf_buffer_append_byte(out, (unsigned char)c);
    }
    rf_buffer_append_byte(out, '"');
}

static uint64_t sum_cells(const rf_metrics *metrics, size_t index)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < metrics->setup.shards; i++) {
        sum += atomic_load_explicit(&metrics->shards[i]->cells[index],
                                    memory_order_relaxed);
    }
    return sum;
}

/* How to print the cells of one histogram. */
typedef struct histogram {
    const char *name;
    const char *label; /* `name="value",` or "" */
    const rf_metrics_bound *bounds;
    size_t bound_count;
    uint64_t scale; /* of the sum: counted units in one printed unit */
} histogram;

static void print_histogram(const rf_metrics *metrics, const histogram *h,
                            size_t first, rf_buffer *out)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= h->bound_count; i++) {
        count += sum_cells(metrics, first + i);
        print(out, "%s_bucket{%sle=\"%s\"} %" PRIu64 "\n", h->name, h->label,
              i < h->bound_count ? h->bounds[i].text : "+Inf", count);
    }
    uint64_t sum = sum_cells(metrics, first + h->bound_count + 1);
    /* The buckets need a comma behind the label, here there is none. */
    size_t length = strlen(h->label);
    int shown = length > 0 ? (int)length - 1 : 0;
    const char *open = length > 0 ? "{" : "";
    const char *close = length > 0 ? "}" : "";
    print(out, "%s_sum%s%.*s%s %" PRIu64, h->name, open, shown, h->label, close,
          sum / h->scale);
    if (h->scale > 1) {
        print(out, ".%09" PRIu64, sum % h->scale);
    }
    print(out, "\n%s_count%s%.*s%s %" PRIu64 "\n", h->name, open, shown,
          h->label, close, count);
}

static void print_requests(const rf_metrics *metrics, rf_buffer *out)
{
    print_head(out, "ringfence_requests_total", "counter",
               "Requests that were answered.");
    size_t count =
        metrics->setup.routes.count * RF_METRICS_METHODS * RF_METRICS_STATUSES;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = sum_cells(metrics, metrics->at.requests + i);
        if (value == 0) {
            continue;
        }
        char status[16] = "other";
        if (rf_metrics_statuses[i % RF_METRICS_STATUSES] != 0) {
            snprintf(status, sizeof status, "%d",
                     rf_metrics_statuses[i % RF_METRICS_STATUSES]);
        }
        print(out,
              "ringfence_requests_total{route=\"%s\",method=\"%s\","
              "status=\"%s\"} %" PRIu64 "\n",
              metrics->setup.routes
                  .words[i / RF_METRICS_STATUSES / RF_METRICS_METHODS],
              method_words[i / RF_METRICS_STATUSES % RF_METRICS_METHODS],
              status, value);
    }
}

/* Say whether the route has answered anything yet. */
static bool has_requests(const rf_metrics *metrics, size_t route)
{
    size_t first =
        metrics->at.request_seconds + route * RF_METRICS_SECOND_CELLS;
    for (size_t i = 0; i < RF_METRICS_SECOND_CELLS - 1; i++) {
        if (sum_cells(metrics, first + i) > 0) {
            return true;
        }
    }
    return false;
}

static void print_request_seconds(const rf_metrics *metrics, rf_buffer *out)
{
    static const char name[] = "ringfence_request_seconds";
    print_head(out, name, "histogram",
               "From a request's first byte to its reply.");
    for (size_t i = 0; i < metrics->setup.routes.count; i++) {
        if (has_requests(metrics, i)) {
            char label[128];
            snprintf(label, sizeof label, "route=\"%s\",",
                     metrics->setup.routes.words[i]);
            histogram h = {name, label, rf_metrics_second_bounds,
                           RF_METRICS_SECOND_BOUNDS, RF_METRICS_NANOSECONDS};
            print_histogram(
                metrics, &h,
                metrics->at.request_seconds + i * RF_METRICS_SECOND_CELLS, out);
        }
    }
}

static void print_commands(const rf_metrics *metrics, rf_buffer *out)
{
    const rf_metrics_words *results = &metrics->setup.results;
    print_head(out, "ringfence_commands_total", "counter",
               "Commands that the writer has answered.");
    for (size_t i = 0; i < metrics->setup.operations.count * results->count;
         i++) {
        uint64_t value = sum_cells(metrics, metrics->at.commands + i);
        if (value > 0) {
            print(out,
                  "ringfence_commands_total{operation=\"%s\",result=\"%s\"} "
                  "%" PRIu64 "\n",
                  metrics->setup.operations.words[i / results->count],
                  results->words[i % results->count], value);
        }
    }
}

static void print_writer(const rf_metrics *metrics, rf_buffer *out)
{
    histogram seconds = {"ringfence_command_seconds", "",
                         rf_metrics_second_bounds, RF_METRICS_SECOND_BOUNDS,
                         RF_METRICS_NANOSECONDS};
    print_head(out, seconds.name, "histogram",
               "From a command's arrival in the queue to its result.");
    print_histogram(metrics, &seconds, metrics->at.command_seconds, out);

    histogram batch = {"ringfence_batch_commands", "",
                       rf_metrics_command_bounds, RF_METRICS_COMMAND_BOUNDS, 1};
    print_head(out, batch.name, "histogram", "Commands in one commit.");
    print_histogram(metrics, &batch, metrics->at.batch_commands, out);

    seconds.name = "ringfence_commit_seconds";
    print_head(out, seconds.name, "histogram", "Time that a commit takes.");
    print_histogram(metrics, &seconds, metrics->at.commit_seconds, out);
}

/* Print a table of named rows; `second` is NULL where there is one label. */
static void print_named(const rf_metrics_rows *table, const char *name,
                        const char *first, const char *second, rf_buffer *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const rf_metrics_row *row = &table->rows[i];
        print(out, "%s{", name);
        print_label(out, first, rf_text_of(row->first));
        if (second != NULL) {
            rf_buffer_append_byte(out, ',');
            print_label(out, second, rf_text_of(row->second));
        }
        print(out, "} %" PRIu64 "\n", row->value);
    }
}

static void print_rare(rf_metrics *metrics, rf_buffer *out)
{
    pthread_mutex_lock(&metrics->lock);
    print_head(out, "ringfence_reloads_total", "counter",
               "Generations that were published or refused.");
    print_named(&metrics->reloads, "ringfence_reloads_total", "environment",
                "result", out);
    print_head(out, "ringfence_script_errors_total", "counter",
               "Functions of plugins that failed.");
    print_named(&metrics->script_errors, "ringfence_script_errors_total",
                "plugin", NULL, out);
    pthread_mutex_unlock(&metrics->lock);
}

void rf_metrics_put(rf_metrics_page *page, const char *label, rf_text text,
                    int64_t value)
{
    rf_buffer_append_string(page->out, page->name);
    if (label != NULL) {
        rf_buffer_append_byte(page->out, '{');
        print_label(page->out, label, text);
        rf_buffer_append_byte(page->out, '}');
    }
    print(page->out, " %" PRId64 "\n", value);
}

void rf_metrics_print(rf_metrics *metrics, rf_buffer *out)
{
    rf_metrics_page page = {out, "ringfence_build_info"};
    print_head(out, page.name, "gauge", "The version that runs.");
    rf_metrics_put(&page, "version", rf_text_of(metrics->setup.version), 1);
    print_requests(metrics, out);
    print_request_seconds(metrics, out);
    print_commands(metrics, out);
    print_writer(metrics, out);
    print_rare(metrics, out);
    for (size_t i = 0; i < metrics->source_count; i++) {
        const rf_metrics_source *source = &metrics->sources[i];
        print_head(out, source->name, source->type, source->help);
        page.name = source->name;
        source->collect(source->self, &page);
    }
}
