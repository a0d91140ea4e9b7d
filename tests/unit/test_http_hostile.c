/*
 * test_http_hostile.c - the corpus of raw hostile requests.
 *
 * cases.tsv says for each file how to send it, which answers will do and how
 * many replies there may be at most. The handler here says 200 to nearly
 * all that it is given. So the cases that the http part must refuse by itself
 * are held to the answer, and all of them to the number of replies: one more
 * than allowed means that a hidden request was run. The idle time is short,
 * hence every case ends with the server closing.
 */
#include "tests/unit/http_fixture.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef RF_BAD_INPUT_DIR
#    define RF_BAD_INPUT_DIR "tests/hostile/bad-input"
#endif

#define CASE_BYTES_MAX ((size_t)256 * 1024)
#define LINE_BYTES 512
#define DRIP_MS 5

/* First and last numbers of runs of cases that need no token, no path and no
 * JSON to be judged. */
static const int own_cases[][2] = {
    {1, 11},  {16, 18},  {20, 22},   {24, 32},   {39, 40},   {54, 88},
    {90, 91}, {93, 105}, {110, 110}, {129, 130}, {135, 139},
};

typedef struct hostile_case {
    char name[8];
    char file[32];
    char send[32];
    char expect[64];
    int replies_max; /* -1 for any number */
} hostile_case;

static int read_number(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

static bool is_own(const char *name)
{
    int number = read_number(name + 1);
    for (size_t i = 0; i < sizeof own_cases / sizeof own_cases[0]; i++) {
        if (number >= own_cases[i][0] && number <= own_cases[i][1]) {
            return true;
        }
    }
    return false;
}

/* Read one line of the index; false when it is not about a raw request. */
static bool parse_case(char *line, hostile_case *out)
{
    char *rest = line;
    char *fields[5];
    for (size_t i = 0; i < 5; i++) {
        fields[i] = strsep(&rest, "\t");
        if (fields[i] == NULL) {
            return false;
        }
    }
    (void)snprintf(out->name, sizeof out->name, "%s", fields[0]);
    (void)snprintf(out->file, sizeof out->file, "%s", fields[1]);
    (void)snprintf(out->send, sizeof out->send, "%s", fields[2]);
    (void)snprintf(out->expect, sizeof out->expect, "%s", fields[3]);
    out->replies_max =
        strcmp(fields[4], "any") == 0 ? -1 : read_number(fields[4]);
    return out->name[0] == 'H';
}

static size_t load_case(const hostile_case *test, char *out)
{
    char path[sizeof RF_BAD_INPUT_DIR + sizeof test->file];
    (void)snprintf(path, sizeof path, "%s/%s", RF_BAD_INPUT_DIR, test->file);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(out, 1, CASE_BYTES_MAX, file);
    assert_true(length < CASE_BYTES_MAX);
    (void)fclose(file);
    return length;
}

/* ---- ways of sending ---- */

static bool sends(const hostile_case *test, const char *way)
{
    return strncmp(test->send, way, strlen(way)) == 0;
}

static void send_dripping(int client, const char *bytes, size_t length)
{
    struct pollfd answer = {.fd = client, .events = POLLIN};
    for (size_t i = 0; i < length && poll(&answer, 1, DRIP_MS) == 0; i++) {
        (void)http_send_bytes(client, bytes + i, 1);
    }
}

static void send_split(int client, const hostile_case *test, const char *bytes,
                       size_t length)
{
    size_t first = (size_t)read_number(test->send + strlen("raw-split:"));
    struct pollfd answer = {.fd = client, .events = POLLIN};
    assert_true(http_send_bytes(client, bytes, first));
    assert_int_equal(poll(&answer, 1, DRIP_MS), 0);
    assert_true(http_send_bytes(client, bytes + first, length - first));
}

static void send_repeated(int client, const hostile_case *test,
                          const char *bytes, size_t length)
{
    int times = read_number(test->send + strlen("raw-repeat:"));
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    assert_non_null(end);
    size_t head = (size_t)(end - bytes) + 4;
    bool is_open = http_send_bytes(client, bytes, head);
    for (int i = 0; i < times && is_open; i++) {
        is_open = http_send_bytes(client, bytes + head, length - head);
    }
}

/* Send the way the case asks for. Returns what came back, to be freed; NULL
 * when the case is not about an answer. */
static char *run_case(const http_fixture *fixture, const hostile_case *test,
                      const char *bytes, size_t length)
{
    int client = http_open_client(fixture);
    if (sends(test, "raw-drip")) {
        send_dripping(client, bytes, length);
    } else if (sends(test, "raw-split")) {
        send_split(client, test, bytes, length);
    } else if (sends(test, "raw-repeat")) {
        send_repeated(client, test, bytes, length);
    } else {
        (void)http_send_bytes(client, bytes, length);
    }
    if (sends(test, "raw-abort") || sends(test, "raw-noread")) {
        http_reset_client(client);
        return NULL;
    }
    if (sends(test, "raw+close")) {
        (void)shutdown(client, SHUT_WR);
    }
    char *text = http_read_all(client);
    close(client);
    return text;
}

/* ---- judging ---- */

/* Return what follows one reply. A reply to HEAD ends with its head, which is
 * the end of the text in every case there is. */
static const char *skip_reply(const char *reply)
{
    const char *end = strstr(reply, "\r\n\r\n");
    const char *length = strstr(reply, "Content-Length: ");
    if (end == NULL) {
        return "";
    }
    size_t skipped = length != NULL && length < end
                         ? (size_t)strtoul(length + 16, NULL, 10)
                         : 0;
    return strlen(end + 4) < skipped ? "" : end + 4 + skipped;
}

/* Count the final replies; the first one's status goes to `status_out`. */
static int count_replies(const char *text, int *status_out)
{
    int count = 0;
    for (const char *at = text; *at != '\0'; at = skip_reply(at)) {
        assert_memory_equal(at, "HTTP/1.1 ", 9);
        int status = read_number(at + 9);
        if (status != 100 && count++ == 0) {
            *status_out = status;
        }
    }
    return count;
}

static bool will_do(char *expect, int count, int status)
{
    for (char *word = strsep(&expect, "|"); word != NULL;
         word = strsep(&expect, "|")) {
        if (strcmp(word, "any") == 0 ||
            (strcmp(word, "close") == 0 && count == 0)) {
            return true;
        }
        if (count > 0 &&
            (read_number(word) == status ||
             (strcmp(word + 1, "xx") == 0 && word[0] - '0' == status / 100))) {
            return true;
        }
    }
    return false;
}

static void judge(hostile_case *test, const char *text)
{
    int status = 0;
    int count = count_replies(text, &status);
    if (test->replies_max >= 0 && count > test->replies_max) {
        fail_msg("%s: %d replies: %s", test->name, count, text);
    }
    if (is_own(test->name) && !will_do(test->expect, count, status)) {
        fail_msg("%s: %s", test->name, text);
    }
}

static void runs_every_case(void **state)
{
    http_fixture *fixture = *state;
    static char bytes[CASE_BYTES_MAX];
    char line[LINE_BYTES];
    int ran = 0;
    FILE *index = fopen(RF_BAD_INPUT_DIR "/cases.tsv", "r");
    assert_non_null(index);
    while (fgets(line, sizeof line, index) != NULL) {
        hostile_case test;
        if (!parse_case(line, &test)) {
            continue;
        }
        size_t length = load_case(&test, bytes);
        char *text = run_case(fixture, &test, bytes, length);
        if (text != NULL) {
            judge(&test, text);
        }
        free(text);
        ran++;
    }
    (void)fclose(index);
    assert_true(ran > 100);
    http_wait_for_connections(fixture, 0);
}

static int set_up(void **state)
{
    static http_fixture fixture;
    http_init_fixture(&fixture);
    fixture.options.idle_timeout_ms = 40;
    fixture.options.request_timeout_ms = 150;
    fixture.options.write_timeout_ms = 150;
    http_start_server(&fixture);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    http_stop_fixture(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_every_case, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("http_hostile", tests, NULL, NULL);
}
