/*
 * test_options.c - the server's configuration file: defaults, bounds,
 * complaints, and the table as documentation.
 */
#include "core/alloc.h"
#include "server/options.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static rf_options options;
static rf_problems problems;
static rf_error err;

static int set_up(void **state)
{
    (void)state;
    rf_options_init(&options);
    problems = (rf_problems){0};
    err = (rf_error){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rf_options_done(&options);
    return 0;
}

static rf_status read_text(const char *text)
{
    return rf_options_read(&options, rf_text_of(text), &problems, &err);
}

static void an_empty_object_gives_the_defaults(void **state)
{
    (void)state;
    assert_int_equal(read_text("{}"), RF_OK);
    assert_string_equal(options.listen, "127.0.0.1:8080");
    assert_string_equal(options.data_directory, "data");
    assert_int_equal(options.io_threads, 0);
    assert_int_equal(options.body_bytes, 1048576);
    assert_int_equal(options.bulk_items, 512);
    assert_int_equal(options.query_products, 5000);
    assert_true(options.map_bytes == INT64_C(64) << 30);
    assert_true(options.free_space_bytes == INT64_C(512) << 20);
    assert_int_equal(options.ids_max, 10000000);
    assert_int_equal(options.adjustment_minutes, 5);
    assert_int_equal(options.log_level, RF_LOG_INFO);
    assert_false(options.behind_tls_proxy);
    assert_null(options.auth_keys);
    assert_int_equal(problems.count, 0);
}

static void every_type_is_read(void **state)
{
    (void)state;
    assert_int_equal(
        read_text("{\"Listen\":\"[::1]:0\",\"ioThreads\":\"3\","
                  "\"limits\":{\"BODYBYTES\":2048,\"bulkItems\":1},"
                  "\"store\":{\"mapBytes\":1099511627776},"
                  "\"log\":{\"level\":\"DEBUG\"},\"behindTlsProxy\":true,"
                  "\"auth\":{\"keys\":[{\"name\":\"x\"}],\"clients\":[]}}"),
        RF_OK);
    assert_string_equal(options.listen, "[::1]:0");
    assert_int_equal(options.io_threads, 3);
    assert_int_equal(options.body_bytes, 2048);
    assert_int_equal(options.bulk_items, 1);
    assert_true(options.map_bytes == INT64_C(1) << 40);
    assert_int_equal(options.log_level, RF_LOG_DEBUG);
    assert_true(options.behind_tls_proxy);
    assert_int_equal(rf_json_length(options.auth_keys), 1);
    assert_int_equal(rf_json_length(options.auth_clients), 0);
}

/* Read one bad document and expect exactly one complaint about `path`. */
static void assert_problem(const char *text, const char *path)
{
    rf_options_done(&options);
    set_up(NULL);
    assert_int_equal(read_text(text), RF_E_BAD_CONFIGURATION);
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.items[0].path, path);
    assert_true(strlen(problems.items[0].message) > 0);
    assert_string_equal(err.field, path);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    assert_problem("[]", "$");
    assert_problem("7", "$");
    assert_problem("{\"colour\":1}", "colour");
    assert_problem("{\"limits\":5}", "limits");
    assert_problem("{\"limits\":{\"bodyByte\":1}}", "limits.bodyByte");
    assert_problem("{\"limits.bodyBytes\":1}", "limits.bodyBytes");
    assert_problem("{\"bodyBytes\":1024}", "bodyBytes");
    assert_problem("{\"log\":{\"level\":\"loud\"}}", "log.level");
    assert_problem("{\"log\":{\"level\":1}}", "log.level");
    assert_problem("{\"behindTlsProxy\":\"true\"}", "behindTlsProxy");
    assert_problem("{\"dataDirectory\":\"\"}", "dataDirectory");
    assert_problem("{\"dataDirectory\":null}", "dataDirectory");
    assert_problem("{\"auth\":{\"keys\":{}}}", "auth.keys");
    assert_problem("{\"ioThreads\":1.5}", "ioThreads");
}

static void limits_are_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *section;
        const char *name;
        int64_t min;
        int64_t max;
    } cases[] = {
        {"limits", "bodyBytes", 1024, 1048576},
        {"limits", "bulkItems", 1, 512},
        {"limits", "queryProducts", 1, 5000},
        {"idempotency", "maxIds", 1000, 1000000000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int step = -1; step <= 1; step++) {
            char text[128];
            char path[64];
            snprintf(path, sizeof path, "%s.%s", cases[i].section,
                     cases[i].name);
            for (int end = 0; end < 2; end++) {
                int64_t value = (end == 0 ? cases[i].min : cases[i].max) + step;
                bool inside = value >= cases[i].min && value <= cases[i].max;
                snprintf(text, sizeof text, "{\"%s\":{\"%s\":%lld}}",
                         cases[i].section, cases[i].name, (long long)value);
                if (!inside) {
                    assert_problem(text, path);
                    continue;
                }
                rf_options_done(&options);
                set_up(NULL);
                assert_int_equal(read_text(text), RF_OK);
            }
        }
    }
}

static void addresses_have_a_host_and_a_port(void **state)
{
    (void)state;
    static const char *const good[] = {"0.0.0.0:0", "127.0.0.1:65535",
                                       "[::]:8080", "[fe80::1]:80"};
    static const char *const bad[] = {"",       "8080",    "127.0.0.1",
                                      ":80",    "host:",   "host:65536",
                                      "::1:80", "host:8a", "host:-1"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(rf_options_override(&options, "listen", good[i], &err),
                         RF_OK);
        assert_string_equal(options.listen, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(rf_options_override(&options, "listen", bad[i], &err),
                         RF_E_BAD_CONFIGURATION);
        assert_string_equal(err.field, "listen");
    }
}

static void all_mistakes_are_reported_at_once(void **state)
{
    (void)state;
    assert_int_equal(read_text("{\"a\":1,\"limits\":{\"b\":2,\"headers\":0},"
                               "\"listen\":\"x\"}"),
                     RF_E_BAD_CONFIGURATION);
    assert_int_equal(problems.count, 4);
    assert_string_equal(problems.items[0].path, "a");
    assert_string_equal(problems.items[1].path, "limits.b");
    assert_string_equal(problems.items[2].path, "limits.headers");
    assert_string_equal(problems.items[2].message,
                        "a whole number from 8 to 256 is expected");
    assert_string_equal(problems.items[3].path, "listen");
}

static void broken_documents_are_refused(void **state)
{
    (void)state;
    assert_int_equal(read_text(""), RF_E_BAD_JSON);
    assert_int_equal(read_text("{\"listen\":"), RF_E_BAD_JSON);
    assert_int_equal(read_text("{\"ioThreads\":1,\"IOTHREADS\":2}"),
                     RF_E_DUPLICATE_KEY);
}

static void assert_exposed(const char *listen, bool loopback)
{
    assert_int_equal(rf_options_override(&options, "listen", listen, &err),
                     RF_OK);
    assert_true(rf_options_is_loopback(&options) == loopback);
}

static void loopback_is_recognised(void **state)
{
    (void)state;
    assert_exposed("127.0.0.1:0", true);
    assert_exposed("127.9.9.9:80", true);
    assert_exposed("[::1]:80", true);
    assert_exposed("0.0.0.0:80", false);
    assert_exposed("[::]:80", false);
    assert_exposed("128.0.0.1:80", false);
    assert_exposed("[::2]:80", false);
    assert_exposed("[0:0:0:0:0:0:0:1]:80", true);
}

static void wider_addresses_need_keys_and_tls(void **state)
{
    (void)state;
    assert_int_equal(read_text("{\"listen\":\"0.0.0.0:80\"}"), RF_OK);
    rf_options_check(&options, &problems);
    assert_int_equal(problems.count, 2);
    assert_string_equal(problems.items[0].path, "listen");

    rf_options_done(&options);
    set_up(NULL);
    assert_int_equal(read_text("{\"listen\":\"0.0.0.0:80\",\"auth\":{\"keys\":"
                               "[{}]},\"behindTlsProxy\":true}"),
                     RF_OK);
    rf_options_check(&options, &problems);
    assert_int_equal(problems.count, 0);

    rf_options_done(&options);
    set_up(NULL);
    rf_options_check(&options, &problems);
    assert_int_equal(problems.count, 0);
}

static void overrides_win(void **state)
{
    (void)state;
    char value[] = "/srv/data";
    assert_int_equal(read_text("{\"dataDirectory\":\"elsewhere\"}"), RF_OK);
    assert_int_equal(
        rf_options_override(&options, "dataDirectory", value, &err), RF_OK);
    value[0] = 'x';
    assert_string_equal(options.data_directory, "/srv/data");
    assert_int_equal(rf_options_override(&options, "dataDirectory", "", &err),
                     RF_E_BAD_CONFIGURATION);
}

static void the_readme_holds_the_table(void **state)
{
    (void)state;
    static char readme[64 * 1024];
    rf_buffer table = {0};
    FILE *file = fopen("server/README.md", "re");
    assert_non_null(file);
    size_t length = fread(readme, 1, sizeof readme - 1, file);
    fclose(file);
    readme[length] = '\0';
    rf_options_print(&table);
    rf_buffer_append_byte(&table, '\0');
    assert_non_null(strstr(readme, table.bytes));
    rf_buffer_done(&table);
}

static void the_table_is_its_own_documentation(void **state)
{
    (void)state;
    rf_buffer out = {0};
    rf_options_print(&out);
    rf_buffer_append_byte(&out, '\0');
    assert_false(rf_buffer_failed(&out));
    assert_non_null(
        strstr(out.bytes, "| `limits.bulkItems` | integer | 512 | 1 to 512 |"));
    assert_non_null(strstr(out.bytes, "| `listen` | address:port | "
                                      "`127.0.0.1:8080` | |"));
    assert_non_null(
        strstr(out.bytes, "| `behindTlsProxy` | boolean | `false` | |"));
    /* Every line has the same five cells. */
    for (const char *at = out.bytes; *at != '\0';) {
        const char *end = strchr(at, '\n');
        assert_non_null(end);
        int bars = 0;
        for (; at < end; at++) {
            bars += *at == '|';
        }
        assert_int_equal(bars, 6);
        at = end + 1;
    }
    rf_buffer_done(&out);
}

static void every_failed_allocation_is_a_status(void **state)
{
    (void)state;
    bool passed = false;
    for (unsigned long nth = 1; !passed; nth++) {
        rf_options_done(&options);
        set_up(NULL);
        rf_alloc_fail_at(nth);
        rf_status status = read_text("{\"dataDirectory\":\"elsewhere\"}");
        if (status == RF_OK) {
            status = rf_options_override(&options, "listen", "[::1]:0", &err);
        }
        rf_alloc_fail_at(0);
        passed = status == RF_OK;
        assert_true(passed ? nth > 1 : status == RF_E_NO_MEMORY);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_object_gives_the_defaults),
        TEST(every_type_is_read),
        TEST(mistakes_are_named),
        TEST(limits_are_bounded),
        TEST(addresses_have_a_host_and_a_port),
        TEST(all_mistakes_are_reported_at_once),
        TEST(broken_documents_are_refused),
        TEST(loopback_is_recognised),
        TEST(wider_addresses_need_keys_and_tls),
        TEST(overrides_win),
        TEST(the_table_is_its_own_documentation),
        TEST(the_readme_holds_the_table),
        TEST(every_failed_allocation_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
