/*
 * client.c - many connections to one server, driven by one thread.
 */
#include "tests/bench/client.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_SECOND UINT64_C(1000000000)
#define EVENTS 256
/* No reply at all for so long means that the server hangs. */
#define SILENCE_S 60

typedef struct connection {
    int socket;
    char *request;
    size_t request_length;
    size_t request_sent;
    char *reply;
    size_t reply_used;
    size_t reply_wanted; /* whole reply, known once its headers are there */
    uint64_t due_ns;     /* when the request was, or should have been, sent */
} connection;

typedef struct client {
    scenario *work;
    const client_options *options;
    client_result *result;
    int epoll;
    connection *connections;
    connection **idle; /* open loop: those that wait for a request to be due */
    unsigned idle_count;
    size_t reply_capacity;
    uint64_t sent;
    uint64_t limit; /* requests in all */
    uint64_t start_ns;
    uint64_t stop_ns; /* nothing is sent from this instant on */
    uint64_t last_reply_ns;
} client;

static uint64_t read_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static double read_processor_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static bool fail(const char *what)
{
    fprintf(stderr, "load: %s\n", what);
    return false;
}

static bool fail_errno(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    return false;
}

/* Hand the rest of the request to the kernel; what it does not take now goes
 * out when epoll says that there is room again. */
static bool send_rest(connection *link)
{
    while (link->request_sent < link->request_length) {
        ssize_t sent =
            send(link->socket, link->request + link->request_sent,
                 link->request_length - link->request_sent, MSG_NOSIGNAL);
        if (sent < 0) {
            return errno == EAGAIN || fail_errno("send");
        }
        link->request_sent += (size_t)sent;
    }
    return true;
}

static bool start_request(client *self, connection *link, uint64_t due_ns)
{
    link->request_length =
        scenario_write(self->work, self->sent, link->request);
    link->request_sent = 0;
    link->due_ns = due_ns;
    self->sent++;
    return send_rest(link);
}

/* When request number `sequence` of an open loop is due. */
static uint64_t find_due(const client *self, uint64_t sequence)
{
    return self->start_ns + (uint64_t)((double)sequence / self->options->rate *
                                       (double)NS_PER_SECOND);
}

static bool may_send(const client *self, uint64_t now_ns)
{
    return self->sent < self->limit && now_ns < self->stop_ns;
}

/* Give a connection that has nothing to do its next request. */
static bool continue_connection(client *self, connection *link, uint64_t now_ns)
{
    if (self->options->rate <= 0.0) {
        return !may_send(self, now_ns) || start_request(self, link, now_ns);
    }
    uint64_t due_ns = find_due(self, self->sent);
    if (self->sent < self->limit && due_ns <= now_ns) {
        return start_request(self, link, due_ns);
    }
    self->idle[self->idle_count] = link;
    self->idle_count++;
    return true;
}

/* Find the length of the whole reply once its headers are complete. */
static bool measure_reply(const client *self, connection *link)
{
    static const char name[] = "\r\ncontent-length:";
    const char *end = memmem(link->reply, link->reply_used, "\r\n\r\n", 4);
    if (end == NULL) {
        return link->reply_used < self->reply_capacity ||
               fail("the headers of a reply are too long");
    }
    size_t body_at = (size_t)(end - link->reply) + 4;
    for (const char *line = link->reply; line < end;
         line = memchr(line + 1, '\r', (size_t)(end - line))) {
        if (strncasecmp(line, name, sizeof name - 1) == 0) {
            size_t length = strtoul(line + sizeof name - 1, NULL, 10);
            link->reply_wanted = body_at + length;
            return link->reply_wanted < self->reply_capacity ||
                   fail("a reply is too long");
        }
    }
    return fail("a reply has no Content-Length");
}

static bool finish_reply(client *self, connection *link)
{
    unsigned status = 0;
    uint64_t now_ns = read_clock();
    const char *wanted = self->work->must_contain;
    if (link->reply_used > link->reply_wanted ||
        sscanf(link->reply, "HTTP/1.%*1u %3u", &status) != 1 || status > 599) {
        return fail("a reply is not HTTP");
    }
    if (status == 200 && wanted != NULL &&
        memmem(link->reply, link->reply_used, wanted, strlen(wanted)) == NULL) {
        self->result->wrong++;
    }
    self->result->statuses[status]++;
    self->result->requests++;
    histogram_add(&self->result->latencies, now_ns - link->due_ns);
    self->last_reply_ns = now_ns;
    link->reply_used = 0;
    link->reply_wanted = 0;
    return continue_connection(self, link, now_ns);
}

/* A read that brings less than was asked for has emptied the socket, so the
 * next edge will come; only a full one is followed by another. */
static bool receive(client *self, connection *link)
{
    for (;;) {
        size_t room = self->reply_capacity - link->reply_used - 1;
        ssize_t got =
            recv(link->socket, link->reply + link->reply_used, room, 0);
        if (got <= 0) {
            return got == 0 ? fail("the server closed a connection")
                            : errno == EAGAIN || fail_errno("recv");
        }
        link->reply_used += (size_t)got;
        link->reply[link->reply_used] = '\0';
        if (link->reply_wanted == 0 && !measure_reply(self, link)) {
            return false;
        }
        if (link->reply_wanted > 0 && link->reply_used >= link->reply_wanted) {
            return finish_reply(self, link);
        }
        if ((size_t)got < room) {
            return true;
        }
    }
}

static bool handle_event(client *self, const struct epoll_event *event)
{
    connection *link = event->data.ptr;
    if (!send_rest(link)) {
        return false;
    }
    return (event->events & ~(uint32_t)EPOLLOUT) == 0 || receive(self, link);
}

static bool connect_one(client *self, connection *link)
{
    int on = 1;
    link->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (link->socket < 0) {
        return fail_errno("socket");
    }
    if (connect(link->socket, (const struct sockaddr *)&self->options->server,
                sizeof self->options->server) != 0) {
        return fail_errno("connect");
    }
    setsockopt(link->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = link};
    if (epoll_ctl(self->epoll, EPOLL_CTL_ADD, link->socket, &event) != 0) {
        return fail_errno("epoll_ctl");
    }
    return true;
}

/* Connecting may block; sending and receiving must not. */
static bool open_connection(client *self, connection *link)
{
    link->request = malloc(scenario_request_capacity(self->work));
    link->reply = malloc(self->reply_capacity);
    if (link->request == NULL || link->reply == NULL) {
        return fail("out of memory");
    }
    scenario_prepare(self->work, link->request);
    return connect_one(self, link);
}

static bool open_all(client *self)
{
    unsigned count = self->options->connections;
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    self->connections = calloc(count, sizeof *self->connections);
    self->idle = calloc(count, sizeof *self->idle);
    if (self->epoll < 0 || self->connections == NULL || self->idle == NULL) {
        return fail_errno("start");
    }
    for (unsigned i = 0; i < count; i++) {
        self->connections[i].socket = -1;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!open_connection(self, &self->connections[i])) {
            return false;
        }
    }
    return true;
}

static void close_all(client *self)
{
    for (unsigned i = 0;
         self->connections != NULL && i < self->options->connections; i++) {
        connection *link = &self->connections[i];
        if (link->socket >= 0) {
            close(link->socket);
        }
        free(link->request);
        free(link->reply);
    }
    free(self->connections);
    free(self->idle);
    if (self->epoll >= 0) {
        close(self->epoll);
    }
}

static void set_limits(client *self)
{
    const client_options *options = self->options;
    uint64_t whole = scenario_request_count(self->work);
    self->limit = options->requests > 0 ? options->requests : UINT64_MAX;
    if (whole > 0 && whole < self->limit) {
        self->limit = whole;
    }
    self->stop_ns = UINT64_MAX;
    if (options->rate > 0.0 && options->seconds > 0.0) {
        uint64_t planned = (uint64_t)(options->rate * options->seconds);
        self->limit = planned < self->limit ? planned : self->limit;
    } else if (options->seconds > 0.0) {
        self->stop_ns = self->start_ns +
                        (uint64_t)(options->seconds * (double)NS_PER_SECOND);
    }
}

/* Send what has fallen due, as far as there are free connections. */
static bool send_due(client *self)
{
    uint64_t now_ns = read_clock();
    while (self->idle_count > 0 && self->sent < self->limit &&
           find_due(self, self->sent) <= now_ns) {
        self->idle_count--;
        if (!start_request(self, self->idle[self->idle_count],
                           find_due(self, self->sent))) {
            return false;
        }
    }
    return true;
}

static struct timespec find_timeout(const client *self)
{
    struct timespec timeout = {.tv_sec = SILENCE_S};
    if (self->idle_count > 0 && self->sent < self->limit) {
        uint64_t now_ns = read_clock();
        uint64_t due_ns = find_due(self, self->sent);
        uint64_t left_ns = due_ns > now_ns ? due_ns - now_ns : 0;
        timeout.tv_sec = (time_t)(left_ns / NS_PER_SECOND);
        timeout.tv_nsec = (long)(left_ns % NS_PER_SECOND);
    }
    return timeout;
}

static bool is_finished(const client *self)
{
    bool all_sent =
        self->sent >= self->limit ||
        (self->stop_ns != UINT64_MAX && self->last_reply_ns >= self->stop_ns);
    return all_sent && self->result->requests == self->sent;
}

static bool turn_loop(client *self)
{
    struct epoll_event events[EVENTS];
    struct timespec timeout = find_timeout(self);
    int count = epoll_pwait2(self->epoll, events, EVENTS, &timeout, NULL);
    if (count < 0 && errno != EINTR) {
        return fail_errno("epoll_pwait2");
    }
    if (count == 0 && timeout.tv_sec >= SILENCE_S) {
        return fail("no reply for a minute");
    }
    for (int i = 0; i < count; i++) {
        if (!handle_event(self, &events[i])) {
            return false;
        }
    }
    return self->options->rate <= 0.0 || send_due(self);
}

static bool run_all(client *self)
{
    self->start_ns = read_clock();
    self->last_reply_ns = self->start_ns;
    set_limits(self);
    for (unsigned i = 0; i < self->options->connections; i++) {
        if (!continue_connection(self, &self->connections[i], self->start_ns)) {
            return false;
        }
    }
    while (!is_finished(self)) {
        if (!turn_loop(self)) {
            return false;
        }
    }
    return true;
}

bool client_run(scenario *work, const client_options *options,
                client_result *out)
{
    client self = {.work = work,
                   .options = options,
                   .result = out,
                   .epoll = -1,
                   .reply_capacity = scenario_reply_capacity(work)};
    *out = (client_result){0};
    bool good = open_all(&self);
    if (good) {
        double before_us = read_processor_us();
        good = run_all(&self);
        double used_us = read_processor_us() - before_us;
        out->seconds = (double)(self.last_reply_ns - self.start_ns) / 1e9;
        out->cpu_us = out->requests > 0 ? used_us / (double)out->requests : 0.0;
    }
    close_all(&self);
    return good;
}
