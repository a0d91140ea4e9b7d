/*
 * load.c - many clients at once, from one thread.
 */
#include "tests/fault/load.h"

#include "tests/fault/http.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    AGAIN_PERCENT = 5,     /* of all requests are sent a second time */
    DRAIN_LIMIT_MS = 30000 /* a server that is alive answers by then */
};

void rf_load_open(rf_load *load, rf_ledger *ledger, int port, unsigned count)
{
    *load = (rf_load){.ledger = ledger, .count = count};
    for (unsigned number = 0; number < count; number++) {
        int fd = rf_http_connect(port);
        if (fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
            rf_common_die("fcntl: %s", strerror(errno));
        }
        load->connections[number].fd = fd;
    }
}

static void drop(rf_connection *connection)
{
    close(connection->fd);
    connection->fd = -1;
    connection->waiting = false;
}

/* Send what is left of the request; a broken connection is dropped. */
static void push_request(rf_load *load, rf_connection *connection)
{
    const char *request = load->ledger->operations[connection->place].request;
    size_t length = strlen(request);
    while (connection->sent < length) {
        ssize_t sent = send(connection->fd, request + connection->sent,
                            length - connection->sent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            return;
        }
        if (sent <= 0) {
            drop(connection);
            return;
        }
        connection->sent += (size_t)sent;
    }
}

/* Begin the connection's next request, new or once more. */
static void begin_request(rf_load *load, rf_connection *connection)
{
    rf_ledger *ledger = load->ledger;
    bool again = rf_random_below(&ledger->random, 100) < AGAIN_PERCENT;
    if (!again || !rf_ledger_pick_settled(ledger, &connection->place)) {
        connection->place = rf_ledger_add(ledger);
    }
    connection->waiting = true;
    connection->sent = 0;
    connection->length = 0;
    push_request(load, connection);
}

/* Take what has come; enter the reply when it is whole. */
static void pull_reply(rf_load *load, rf_connection *connection)
{
    rf_reply reply;
    if (connection->capacity - connection->length < 16384) {
        connection->capacity += 65536;
        connection->received =
            rf_common_grow(connection->received, connection->capacity);
    }
    ssize_t got =
        recv(connection->fd, connection->received + connection->length,
             connection->capacity - connection->length, 0);
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        drop(connection);
        return;
    }
    connection->length += (size_t)got;
    if (connection->waiting &&
        rf_http_parse(connection->received, connection->length, &reply)) {
        connection->waiting = false;
        rf_ledger_answer(load->ledger, connection->place, reply.status,
                         reply.body, reply.body_length);
    }
}

/* Return whether a part of the request still has to go out. */
static bool is_unsent(const rf_load *load, const rf_connection *connection)
{
    return connection->waiting && load->ledger->operations[connection->place]
                                          .request[connection->sent] != '\0';
}

/* Wait until something can move on, and move it. Returns how many connections
 * are open. */
static unsigned turn(rf_load *load, uint64_t deadline)
{
    struct pollfd entries[RF_LOAD_CONNECTIONS_MAX];
    unsigned open = 0;
    uint64_t now = rf_common_now_ms();
    for (unsigned number = 0; number < load->count; number++) {
        const rf_connection *each = &load->connections[number];
        bool unsent = is_unsent(load, each);
        entries[number] = (struct pollfd){
            .fd = each->fd, .events = (short)(POLLIN | (unsent ? POLLOUT : 0))};
        open += each->fd >= 0 ? 1 : 0;
    }
    if (open == 0 || now >= deadline ||
        poll(entries, load->count, (int)(deadline - now)) <= 0) {
        return open;
    }
    for (unsigned number = 0; number < load->count; number++) {
        rf_connection *each = &load->connections[number];
        if (each->waiting && (entries[number].revents & POLLOUT) != 0) {
            push_request(load, each);
        }
        if (each->fd >= 0 && (entries[number].revents & ~POLLOUT) != 0) {
            pull_reply(load, each);
        }
    }
    return open;
}

void rf_load_run(rf_load *load, uint64_t limit_ms, size_t operations)
{
    uint64_t deadline = rf_common_now_ms() + limit_ms;
    do {
        for (unsigned number = 0; number < load->count; number++) {
            rf_connection *each = &load->connections[number];
            if (each->fd >= 0 && !each->waiting) {
                begin_request(load, each);
            }
        }
    } while (turn(load, deadline) > 0 && load->ledger->count < operations &&
             rf_common_now_ms() < deadline);
}

static bool is_waiting(const rf_load *load)
{
    for (unsigned number = 0; number < load->count; number++) {
        if (load->connections[number].waiting) {
            return true;
        }
    }
    return false;
}

unsigned rf_load_drain(rf_load *load)
{
    unsigned open = 0;
    uint64_t deadline = rf_common_now_ms() + DRAIN_LIMIT_MS;
    while (is_waiting(load) && rf_common_now_ms() < deadline) {
        turn(load, deadline);
    }
    for (unsigned number = 0; number < load->count; number++) {
        open += load->connections[number].fd >= 0 ? 1 : 0;
    }
    return open;
}

void rf_load_close(rf_load *load)
{
    for (unsigned number = 0; number < load->count; number++) {
        rf_connection *each = &load->connections[number];
        if (each->fd >= 0) {
            drop(each);
        }
        free(each->received);
    }
    load->count = 0;
}
