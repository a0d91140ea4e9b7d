/*
 * test_log.c - the form of a line, and that nobody can forge one.
 */
#include "server/log.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int pipe_ends[2];

static int set_up(void **state)
{
    (void)state;
    if (pipe(pipe_ends) != 0) {
        return -1;
    }
    rf_log_setup(pipe_ends[1], RF_LOG_INFO);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rf_log_setup(STDERR_FILENO, RF_LOG_INFO);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    return 0;
}

/* Read what one write has put into the pipe and return it without its time. */
static const char *read_line(void)
{
    static char text[2 * RF_LOG_LINE_MAX];
    ssize_t length = read(pipe_ends[0], text, sizeof text - 1);
    assert_true(length > 25);
    text[length] = '\0';
    return text + 25;
}

static const char *log_value(rf_text value)
{
    rf_log_line line;
    rf_log_begin(&line, RF_LOG_INFO, "p", "m");
    rf_log_text(&line, "k", value);
    rf_log_end(&line);
    const char *text = read_line();
    assert_memory_equal(text, "info p m k=", 11);
    return text + 11;
}

static void lines_have_time_level_part_message_and_values(void **state)
{
    (void)state;
    rf_log_line line;
    rf_log_begin(&line, RF_LOG_WARN, "store", "commit failed");
    rf_log_integer(&line, "error", -28);
    rf_log_bool(&line, "retry", false);
    rf_log_string(&line, "path", "/var/lib");
    rf_log_end(&line);
    const char *text = read_line();
    assert_string_equal(
        text, "warn store commit failed error=-28 retry=false path=/var/lib\n");

    regex_t form;
    assert_int_equal(
        regcomp(&form,
                "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
                "\\.[0-9]{3}Z ",
                REG_EXTENDED | REG_NOSUB),
        0);
    assert_int_equal(regexec(&form, text - 25, 0, NULL, 0), 0);
    regfree(&form);
}

static void failures_are_logged_with_code_and_field(void **state)
{
    (void)state;
    rf_error err;
    rf_log_line line;
    rf_fail_field(&err, RF_E_UNKNOWN_MEASURE, "quantities.x", "no measure x");
    rf_log_begin(&line, RF_LOG_ERROR, "api", "refused");
    rf_log_failure(&line, &err);
    rf_log_end(&line);
    assert_string_equal(read_line(),
                        "error api refused code=unknown_measure "
                        "field=quantities.x error=\"no measure x\"\n");
}

static void values_cannot_forge_lines(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        const char *logged;
    } cases[] = {
        {"plain", "plain\n"},
        {"", "\"\"\n"},
        {"two words", "\"two words\"\n"},
        {"a=b", "\"a=b\"\n"},
        {"say \"x\\y\"", "\"say \\\"x\\\\y\\\"\"\n"},
        {"a\nb", "a\\u000ab\n"},
        {"\x1B[31m\x7F", "\\u001b[31m\\u007f\n"},
        {"\xC2\x85\xC2\x9B", "\\u0085\\u009b\n"},
        {"\xE2\x80\xA8\xE2\x80\xAE\xE2\x81\xA6", "\\u2028\\u202e\\u2066\n"},
        {"\xC3\xA4\xF0\x9F\x98\x80", "\xC3\xA4\xF0\x9F\x98\x80\n"},
        {"\xFFx\xC3", "\\xffx\\xc3\n"},
        {"%s%n", "%s%n\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(log_value(rf_text_of(cases[i].value)),
                            cases[i].logged);
    }
    assert_string_equal(log_value((rf_text){"a\0b", 3}), "\"a\\u0000b\"\n");
}

static void messages_are_escaped_too(void **state)
{
    (void)state;
    rf_log_event(RF_LOG_INFO, "scripts", "bad name\nerror forged");
    assert_string_equal(read_line(),
                        "info scripts bad name\\u000aerror forged\n");
}

static void long_values_are_cut(void **state)
{
    (void)state;
    char value[3 * (RF_LOG_VALUE_MAX + 1) + 1] = "";
    for (size_t i = 1; i <= RF_LOG_VALUE_MAX + 1; i++) {
        strcat(value, "\xE2\x82\xAC");
        if (i >= RF_LOG_VALUE_MAX - 1) {
            size_t kept = i < RF_LOG_VALUE_MAX ? i : RF_LOG_VALUE_MAX;
            const char *logged = log_value(rf_text_of(value));
            assert_memory_equal(logged, value, 3 * kept);
            assert_string_equal(logged + 3 * kept,
                                i > RF_LOG_VALUE_MAX ? "...\n" : "\n");
        }
    }
}

static void long_lines_are_cut(void **state)
{
    (void)state;
    char value[RF_LOG_VALUE_MAX + 1];
    memset(value, '\x01', RF_LOG_VALUE_MAX);
    value[RF_LOG_VALUE_MAX] = '\0';
    rf_log_line line;
    rf_log_begin(&line, RF_LOG_INFO, "p", "m");
    for (int i = 0; i < 10; i++) {
        rf_log_string(&line, "k", value);
    }
    rf_log_end(&line);
    const char *text = read_line() - 25;
    assert_true(strlen(text) <= RF_LOG_LINE_MAX);
    assert_true(strlen(text) > RF_LOG_LINE_MAX - 16);
    assert_string_equal(text + strlen(text) - 4, "...\n");
}

static void quiet_levels_write_nothing(void **state)
{
    (void)state;
    static const rf_log_level levels[] = {RF_LOG_ERROR, RF_LOG_WARN,
                                          RF_LOG_INFO, RF_LOG_DEBUG};
    for (int limit = RF_LOG_ERROR; limit <= RF_LOG_DEBUG; limit++) {
        rf_log_setup(pipe_ends[1], levels[limit]);
        int expected = 0;
        for (int level = RF_LOG_ERROR; level <= RF_LOG_DEBUG; level++) {
            rf_log_line line;
            rf_log_begin(&line, levels[level], "p", "m");
            rf_log_integer(&line, "n", 1);
            rf_log_text(&line, "t", rf_text_of("x"));
            rf_log_end(&line);
            expected += level <= limit;
        }
        int lines = 0;
        for (const char *at = read_line(); at != NULL; at = strchr(at, '\n')) {
            lines += *at == '\n';
            at++;
        }
        assert_int_equal(lines, expected);
    }
}

static void levels_have_names(void **state)
{
    (void)state;
    rf_log_level level = RF_LOG_ERROR;
    assert_true(rf_log_level_of(rf_text_of("Debug"), &level));
    assert_int_equal(level, RF_LOG_DEBUG);
    assert_true(rf_log_level_of(rf_text_of("error"), &level));
    assert_int_equal(level, RF_LOG_ERROR);
    assert_false(rf_log_level_of(rf_text_of("loud"), &level));
    assert_false(rf_log_level_of(RF_TEXT_EMPTY, &level));
    assert_int_equal(level, RF_LOG_ERROR);
}

static void a_closed_log_is_no_matter(void **state)
{
    (void)state;
    rf_log_setup(-1, RF_LOG_INFO);
    rf_log_event(RF_LOG_ERROR, "p", "nobody reads this");
    rf_log_setup(pipe_ends[1], RF_LOG_INFO);
    rf_log_event(RF_LOG_ERROR, "p", "m");
    assert_string_equal(read_line(), "error p m\n");
}

#define THREADS 4
#define LINES_PER_THREAD 10

static void *log_lines(void *value)
{
    for (int i = 0; i < LINES_PER_THREAD; i++) {
        rf_log_line line;
        rf_log_begin(&line, RF_LOG_INFO, "p", "m");
        rf_log_string(&line, "k", value);
        rf_log_end(&line);
    }
    return NULL;
}

/* Each line is one write, so every line that is read is a whole one. */
static void lines_of_threads_do_not_mix(void **state)
{
    (void)state;
    static char values[THREADS][RF_LOG_VALUE_MAX + 1];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        memset(values[i], 'a' + i, RF_LOG_VALUE_MAX);
        assert_int_equal(
            pthread_create(&threads[i], NULL, log_lines, values[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    close(pipe_ends[1]);
    FILE *lines = fdopen(dup(pipe_ends[0]), "r");
    assert_non_null(lines);
    char text[RF_LOG_LINE_MAX];
    int count = 0;
    while (fgets(text, sizeof text, lines) != NULL) {
        assert_int_equal(strlen(text), 25 + 11 + RF_LOG_VALUE_MAX + 1);
        assert_int_equal(strspn(text + 36, (char[]){text[36], '\0'}),
                         RF_LOG_VALUE_MAX);
        count++;
    }
    fclose(lines);
    assert_int_equal(count, THREADS * LINES_PER_THREAD);
    pipe_ends[1] = dup(pipe_ends[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_have_time_level_part_message_and_values),
        TEST(failures_are_logged_with_code_and_field),
        TEST(values_cannot_forge_lines),
        TEST(messages_are_escaped_too),
        TEST(long_values_are_cut),
        TEST(long_lines_are_cut),
        TEST(quiet_levels_write_nothing),
        TEST(levels_have_names),
        TEST(a_closed_log_is_no_matter),
        TEST(lines_of_threads_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
