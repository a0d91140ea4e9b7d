/*
 * socket_faults.c - cases in which the network side fails.
 *
 * Out of descriptors, the server cannot take connections: it has to wait for
 * better times without burning the processor, serve those it has, and take
 * the waiting ones when it can. A reply that cannot be sent is one client's
 * loss only, and that client may ask again.
 */
#include "tests/fault/socket_faults.h"

#include "tests/fault/fixture.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    WATCH_MS = 1000,       /* how long the processor time is watched */
    BUSY_MS_MAX = 300,     /* processor time in that, with nothing to do */
    BACK_LIMIT_MS = 10000, /* until waiting connections are served again */
    LOAD_MS = 700
};

/* Return the processor time that the server has used, in milliseconds. */
static uint64_t used_ms(const rf_server *server)
{
    unsigned long user = 0;
    unsigned long kernel = 0;
    char *path = rf_common_format("/proc/%d/stat", (int)server->pid);
    char *text = rf_common_read_file(path, NULL);
    const char *name_end = strrchr(text, ')');
    if (name_end == NULL ||
        sscanf(name_end + 2,
               "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &kernel) != 2) {
        rf_common_die("cannot read %s", path);
    }
    free(text);
    free(path);
    return (uint64_t)(user + kernel) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* Send a read on a new connection that the server cannot take yet. */
static int knock(const rf_server *server)
{
    char *request = rf_http_request("/events?after=0&limit=1", NULL);
    int fd = rf_http_connect(server->port);
    if (fd < 0 || send(fd, request, strlen(request), MSG_NOSIGNAL) < 0) {
        rf_common_die("cannot connect");
    }
    free(request);
    return fd;
}

/* Wait for any byte of an answer. */
static bool is_answered(int fd, uint64_t limit_ms)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    char byte;
    return poll(&entry, 1, (int)limit_ms) == 1 && read(fd, &byte, 1) == 1;
}

static bool can_read(rf_client *client)
{
    rf_reply reply;
    return rf_client_call(client, "/events?after=0&limit=1", NULL, &reply) &&
           reply.status == 200;
}

static void refuse_connections(rf_tap *tap, const char *environment_file,
                               uint64_t seed, const char *spec)
{
    rf_fixture test;
    rf_client old;
    rf_fixture_begin(&test, tap, spec, environment_file, seed);
    rf_client_init(&old, test.server.port);
    rf_fixture_ok(&test, can_read(&old), "a connection before the fault");
    rf_switch_on(test.control, spec);
    int waiting = knock(&test.server);
    uint64_t before = used_ms(&test.server);
    bool early = is_answered(waiting, WATCH_MS);
    uint64_t used = used_ms(&test.server) - before;
    rf_fixture_ok(&test, can_read(&old), "the old connection goes on");
    unsigned hits = rf_switch_off(test.control);
    rf_fixture_ok(&test, hits > 0 && !early, "the new one has to wait");
    rf_tap_ok(tap, used <= BUSY_MS_MAX,
              "%s: %llu ms of processor time in %d ms", spec,
              (unsigned long long)used, WATCH_MS);
    rf_fixture_ok(&test, is_answered(waiting, BACK_LIMIT_MS),
                  "it is served when the fault is gone");
    rf_fixture_ok(&test, rf_fixture_write_within(&test, BACK_LIMIT_MS),
                  "writes work on a fresh connection");
    close(waiting);
    rf_client_done(&old);
    rf_fixture_end(&test);
}

/* One connection breaks while it is being taken, or while a reply is sent. */
static void break_connections(rf_tap *tap, const char *environment_file,
                              uint64_t seed, const char *spec)
{
    rf_fixture test;
    rf_fixture_begin(&test, tap, spec, environment_file, seed);
    rf_switch_on(test.control, spec);
    rf_fixture_load(&test, LOAD_MS);
    rf_fixture_ok(&test, rf_switch_off(test.control) > 0, "the fault struck");
    rf_fixture_ok(&test, test.ledger.unanswered == 0,
                  "no reply but 200, 404 and 409");
    rf_fixture_ok(&test, rf_fixture_write_within(&test, BACK_LIMIT_MS),
                  "the server goes on");
    rf_fixture_end(&test);
}

/* Every reply goes out in many small parts. */
static void send_in_parts(rf_tap *tap, const char *environment_file,
                          uint64_t seed)
{
    rf_fixture test;
    size_t unknown = 0;
    rf_fixture_begin(&test, tap, "send:1:SHORT:sticky", environment_file, seed);
    rf_switch_on(test.control, test.name);
    rf_fixture_load(&test, LOAD_MS);
    rf_fixture_ok(&test, rf_switch_off(test.control) > 0, "the fault struck");
    for (size_t place = 0; place < test.ledger.count; place++) {
        unknown += test.ledger.operations[place].status == 0 ? 1 : 0;
    }
    rf_fixture_ok(&test, unknown == 0, "every reply arrives whole");
    rf_fixture_end(&test);
}

void rf_socket_faults_run(rf_tap *tap, const char *environment_file,
                          uint64_t seed)
{
    refuse_connections(tap, environment_file, seed, "accept:1:EMFILE:sticky");
    refuse_connections(tap, environment_file, seed, "accept:1:ENFILE:sticky");
    break_connections(tap, environment_file, seed, "accept:2:ECONNABORTED");
    break_connections(tap, environment_file, seed, "send:40:EPIPE");
    break_connections(tap, environment_file, seed, "send:90:ECONNRESET");
    send_in_parts(tap, environment_file, seed);
}
