/*
 * test_metrics.c - counting in several threads and printing the sum.
 */
#include "core/alloc.h"
#include "server/metrics.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#define SHARDS 3

static const char *const routes[] = {"unknown", "onhand", "reserve"};
static const char *const operations[] = {"post", "reserve"};
static const char *const results[] = {"success", "refused", "replay"};

static const rf_metrics_setup setup = {
    .version = "1.2.3",
    .shards = SHARDS,
    .routes = {routes, 3},
    .operations = {operations, 2},
    .results = {results, 3},
};

static rf_metrics *metrics;
static rf_buffer out;

static int set_up(void **state)
{
    (void)state;
    return rf_metrics_create(&setup, &metrics, NULL) == RF_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    rf_metrics_free(metrics);
    rf_buffer_done(&out);
    return 0;
}

static const char *print_metrics(void)
{
    rf_buffer_clear(&out);
    rf_metrics_print(metrics, &out);
    rf_buffer_append_byte(&out, '\0');
    assert_false(rf_buffer_failed(&out));
    return out.bytes;
}

/* Expect a whole line. */
static void assert_line(const char *line)
{
    char text[256];
    snprintf(text, sizeof text, "\n%s\n", line);
    if (strstr(print_metrics(), text) == NULL) {
        fail_msg("missing: %s", line);
    }
}

static void requests_are_counted_by_route_method_and_status(void **state)
{
    (void)state;
    rf_metrics_shard *first = rf_metrics_shard_of(metrics, 0);
    rf_metrics_shard *second = rf_metrics_shard_of(metrics, 1);
    rf_metrics_count_request(first, 1, RF_METHOD_POST, 200, 0.001);
    rf_metrics_count_request(second, 1, RF_METHOD_POST, 200, 0.002);
    rf_metrics_count_request(first, 1, RF_METHOD_GET, 404, 0.001);
    rf_metrics_count_request(first, 0, RF_METHOD_OTHER, 299, 0.001);
    rf_metrics_count_request(first, 2, RF_METHOD_DELETE, 507, 0.001);
    assert_line("ringfence_requests_total{route=\"onhand\",method=\"POST\","
                "status=\"200\"} 2");
    assert_line("ringfence_requests_total{route=\"onhand\",method=\"GET\","
                "status=\"404\"} 1");
    assert_line("ringfence_requests_total{route=\"unknown\",method=\"other\","
                "status=\"other\"} 1");
    assert_line("ringfence_requests_total{route=\"reserve\","
                "method=\"DELETE\",status=\"507\"} 1");
    assert_line("ringfence_request_seconds_count{route=\"onhand\"} 3");
    assert_line("ringfence_request_seconds_sum{route=\"onhand\"} 0.004000000");
    assert_line("ringfence_request_seconds_bucket{route=\"onhand\",le=\"0.001\""
                "} 2");
}

static void commands_are_counted_by_operation_and_result(void **state)
{
    (void)state;
    rf_metrics_shard *shard = rf_metrics_shard_of(metrics, 2);
    for (size_t i = 0; i < 6; i++) {
        for (size_t n = 0; n <= i; n++) {
            rf_metrics_count_command(shard, i / 3, i % 3, 0.01);
        }
    }
    assert_line(
        "ringfence_commands_total{operation=\"post\",result=\"success\"} 1");
    assert_line(
        "ringfence_commands_total{operation=\"post\",result=\"replay\"} 3");
    assert_line(
        "ringfence_commands_total{operation=\"reserve\",result=\"replay\"} 6");
    assert_line("ringfence_command_seconds_count 21");
    assert_line("ringfence_command_seconds_sum 0.210000000");
}

static void buckets_hold_what_is_at_most_their_bound(void **state)
{
    (void)state;
    rf_metrics_shard *shard = rf_metrics_shard_of(metrics, 0);
    rf_metrics_count_batch(shard, 0, -1);
    rf_metrics_count_batch(shard, 1, 0.000025);
    rf_metrics_count_batch(shard, 2, 0.000026);
    rf_metrics_count_batch(shard, 1024, 10);
    rf_metrics_count_batch(shard, 1025, 11.5);
    assert_line("ringfence_batch_commands_bucket{le=\"1\"} 2");
    assert_line("ringfence_batch_commands_bucket{le=\"2\"} 3");
    assert_line("ringfence_batch_commands_bucket{le=\"512\"} 3");
    assert_line("ringfence_batch_commands_bucket{le=\"1024\"} 4");
    assert_line("ringfence_batch_commands_bucket{le=\"+Inf\"} 5");
    assert_line("ringfence_batch_commands_sum 2052");
    assert_line("ringfence_batch_commands_count 5");
    assert_line("ringfence_commit_seconds_bucket{le=\"0.000025\"} 2");
    assert_line("ringfence_commit_seconds_bucket{le=\"0.00005\"} 3");
    assert_line("ringfence_commit_seconds_bucket{le=\"10\"} 4");
    assert_line("ringfence_commit_seconds_bucket{le=\"+Inf\"} 5");
    assert_line("ringfence_commit_seconds_sum 21.500051000");
}

static void rare_events_name_their_labels_at_run_time(void **state)
{
    (void)state;
    rf_metrics_count_reload(metrics, rf_text_of("demo"), rf_text_of("success"));
    rf_metrics_count_reload(metrics, rf_text_of("demo"), rf_text_of("success"));
    rf_metrics_count_reload(metrics, rf_text_of("demo"), rf_text_of("failure"));
    rf_metrics_count_script_error(metrics, rf_text_of("a\"b\\c\nd"));
    assert_line("ringfence_reloads_total{environment=\"demo\","
                "result=\"success\"} 2");
    assert_line("ringfence_reloads_total{environment=\"demo\","
                "result=\"failure\"} 1");
    assert_line("ringfence_script_errors_total{plugin=\"a\\\"b\\\\c\\nd\"} 1");
}

static void too_many_labels_are_counted_as_other(void **state)
{
    (void)state;
    unsigned long before = rf_alloc_count();
    for (int i = 0; i < 1000; i++) {
        char plugin[128];
        snprintf(plugin, sizeof plugin, "%d-%090d", i, 0);
        rf_metrics_count_script_error(metrics, rf_text_of(plugin));
    }
    assert_int_equal(rf_alloc_count(), before);
    assert_line("ringfence_script_errors_total{plugin=\"other\"} 745");
    char first[128];
    snprintf(first, sizeof first,
             "ringfence_script_errors_total{plugin=\"254-%060d\"} 1", 0);
    assert_line(first);
}

static void collect_generations(void *self, rf_metrics_page *page)
{
    const int64_t *generation = self;
    rf_metrics_put(page, "environment", rf_text_of("demo"), *generation);
    rf_metrics_put(page, "environment", rf_text_of("test"), *generation + 1);
}

static void collect_depth(void *self, rf_metrics_page *page)
{
    const int64_t *depth = self;
    rf_metrics_put(page, NULL, RF_TEXT_EMPTY, *depth);
}

static void sources_are_asked_at_each_scrape(void **state)
{
    (void)state;
    int64_t generation = 3;
    int64_t depth = -1;
    rf_metrics_add_source(
        metrics, (rf_metrics_source){"ringfence_generation", "gauge",
                                     "The generation that runs.",
                                     collect_generations, &generation});
    rf_metrics_add_source(metrics,
                          (rf_metrics_source){"ringfence_queue_depth", "gauge",
                                              "Commands that wait.",
                                              collect_depth, &depth});
    assert_line("# TYPE ringfence_generation gauge");
    assert_line("ringfence_generation{environment=\"demo\"} 3");
    assert_line("ringfence_generation{environment=\"test\"} 4");
    assert_line("ringfence_queue_depth -1");
    generation = 7;
    assert_line("ringfence_generation{environment=\"demo\"} 7");
}

/* Every line is a comment or a sample, and every sample follows the TYPE of
 * its own family. */
static void the_text_has_the_prometheus_form(void **state)
{
    (void)state;
    rf_metrics_count_request(rf_metrics_shard_of(metrics, 0), 0, RF_METHOD_GET,
                             200, 0.1);
    rf_metrics_count_command(rf_metrics_shard_of(metrics, 0), 0, 0, 0.1);
    rf_metrics_count_reload(metrics, rf_text_of("demo"), rf_text_of("success"));
    regex_t form;
    assert_int_equal(
        regcomp(&form,
                "^(# HELP [a-z_]+ .+\\.|# TYPE [a-z_]+ "
                "(counter|gauge|histogram)|[a-z_]+(\\{([a-z_]+=\"[^\"]*\",?)+"
                "\\})? -?[0-9]+(\\.[0-9]+)?)$",
                REG_EXTENDED | REG_NOSUB),
        0);
    char family[128] = "";
    print_metrics();
    for (char *line = strtok(out.bytes, "\n"); line != NULL;
         line = strtok(NULL, "\n")) {
        if (regexec(&form, line, 0, NULL, 0) != 0) {
            fail_msg("malformed: %s", line);
        }
        if (line[0] != '#') {
            assert_memory_equal(line, family, strlen(family));
        } else {
            assert_int_equal(sscanf(line, "# %*s %127s", family), 1);
        }
    }
    regfree(&form);
    assert_line("ringfence_build_info{version=\"1.2.3\"} 1");
}

#define COUNTS_PER_THREAD 20000

static void *count_in_thread(void *shard)
{
    for (int i = 0; i < COUNTS_PER_THREAD; i++) {
        rf_metrics_count_request(shard, 1, RF_METHOD_POST, 200, 0);
    }
    return NULL;
}

static void threads_lose_no_count(void **state)
{
    (void)state;
    pthread_t threads[SHARDS];
    for (size_t i = 0; i < SHARDS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_in_thread,
                                        rf_metrics_shard_of(metrics, i)),
                         0);
    }
    print_metrics();
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_join(threads[i], NULL);
    }
    char line[128];
    snprintf(line, sizeof line,
             "ringfence_requests_total{route=\"onhand\",method=\"POST\","
             "status=\"200\"} %d",
             SHARDS * COUNTS_PER_THREAD);
    assert_line(line);
}

static void every_failed_allocation_is_a_status(void **state)
{
    (void)state;
    bool passed = false;
    for (unsigned long nth = 1; !passed; nth++) {
        rf_metrics *made = NULL;
        rf_alloc_fail_at(nth);
        rf_status status = rf_metrics_create(&setup, &made, NULL);
        rf_alloc_fail_at(0);
        passed = status == RF_OK;
        assert_true(passed ? nth == SHARDS + 2 : status == RF_E_NO_MEMORY);
        rf_metrics_free(made);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_are_counted_by_route_method_and_status),
        TEST(commands_are_counted_by_operation_and_result),
        TEST(buckets_hold_what_is_at_most_their_bound),
        TEST(rare_events_name_their_labels_at_run_time),
        TEST(too_many_labels_are_counted_as_other),
        TEST(sources_are_asked_at_each_scrape),
        TEST(the_text_has_the_prometheus_form),
        TEST(threads_lose_no_count),
        cmocka_unit_test(every_failed_allocation_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
