/*
 * http_fixture.c - the handler, the server and the client of the http tests.
 */
#include "tests/unit/http_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* No wait lasts longer: a lost reply fails a test instead of hanging it. */
#define WAIT_MS 20000

/* What the handler gets as its thread. */
typedef struct fixture_thread {
    http_fixture *owner;
    unsigned index;
} fixture_thread;

/* ---- the handler ---- */

static void append_text(rf_buffer *out, rf_text text)
{
    rf_buffer_append(out, text.bytes, text.length);
}

static bool is_cut_json(const rf_request *request)
{
    const rf_text body = request->body;
    return rf_text_equal(request->content_type,
                         rf_text_of("application/json")) &&
           (body.length == 0 || body.bytes[body.length - 1] != '}');
}

static rf_step answer_echo(http_fixture *owner, rf_exchange *exchange)
{
    static const char *const names[] = {"GET", "HEAD",   "POST",
                                        "PUT", "DELETE", "OTHER"};
    (void)owner;
    const rf_request *request = &exchange->request;
    rf_buffer *body = &exchange->response.body;
    exchange->response.status = is_cut_json(request) ? 400 : 200;
    exchange->response.content_type = "text/plain";
    rf_buffer_append_string(body, names[request->method]);
    const rf_text parts[] = {request->path, request->query,
                             request->content_type, request->body};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        rf_buffer_append_byte(body, ' ');
        append_text(body, parts[i]);
    }
    return RF_STEP_DONE;
}

static rf_step answer_large(http_fixture *owner, rf_exchange *exchange)
{
    (void)owner;
    exchange->response.status = 200;
    exchange->response.content_type = "text/plain";
    char *room = rf_buffer_reserve(&exchange->response.body, LARGE_BYTES);
    if (room != NULL) {
        memset(room, 'x', LARGE_BYTES);
        exchange->response.body.length = LARGE_BYTES;
    }
    return RF_STEP_DONE;
}

static rf_step answer_hold(http_fixture *owner, rf_exchange *exchange)
{
    pthread_mutex_lock(&owner->lock);
    owner->held[owner->held_count++] = exchange;
    pthread_cond_broadcast(&owner->changed);
    pthread_mutex_unlock(&owner->lock);
    return RF_STEP_WAIT;
}

static rf_step answer_early(http_fixture *owner, rf_exchange *exchange)
{
    (void)owner;
    rf_exchange_wake(exchange);
    return RF_STEP_WAIT;
}

static rf_step answer_again(http_fixture *owner, rf_exchange *exchange)
{
    (void)owner;
    exchange->state = rf_arena_calloc(&exchange->arena, 1, sizeof(unsigned));
    return exchange->state == NULL ? RF_STEP_DROP : RF_STEP_AGAIN;
}

static rf_step answer_spin(http_fixture *owner, rf_exchange *exchange)
{
    return atomic_load(&owner->spin_ended) ? answer_echo(owner, exchange)
                                           : RF_STEP_AGAIN;
}

static rf_step answer_drop(http_fixture *owner, rf_exchange *exchange)
{
    (void)owner;
    (void)exchange;
    return RF_STEP_DROP;
}

static rf_step answer_unauthorized(http_fixture *owner, rf_exchange *exchange)
{
    (void)owner;
    exchange->response.status = 401;
    return RF_STEP_DONE;
}

static rf_step answer_nothing(http_fixture *owner, rf_exchange *exchange)
{
    (void)owner;
    exchange->response.status = 204;
    return RF_STEP_DONE;
}

static rf_step answer_busy(http_fixture *owner, rf_exchange *exchange)
{
    (void)owner;
    exchange->response.status = 503;
    exchange->response.retry_after_s = 7;
    exchange->response.allow = "GET, POST";
    exchange->response.close = true;
    return RF_STEP_DONE;
}

static rf_step answer_no_memory(http_fixture *owner, rf_exchange *exchange)
{
    (void)owner;
    exchange->response.status = 200;
    exchange->response.body.failed = true;
    return RF_STEP_DONE;
}

static const struct {
    const char *path;
    rf_step (*answer)(http_fixture *owner, rf_exchange *exchange);
} answers[] = {
    {"/large", answer_large},
    {"/hold", answer_hold},
    {"/early", answer_early},
    {"/again", answer_again},
    {"/spin", answer_spin},
    {"/drop", answer_drop},
    {"/unauthorized", answer_unauthorized},
    {"/nothing", answer_nothing},
    {"/busy", answer_busy},
    {"/no-memory", answer_no_memory},
};

static bool path_is(const rf_exchange *exchange, const char *path)
{
    return rf_text_equal(exchange->request.path, rf_text_of(path));
}

static rf_step handle(void *self, rf_exchange *exchange)
{
    const fixture_thread *thread = self;
    atomic_fetch_add(&thread->owner->served[thread->index], 1);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        if (path_is(exchange, answers[i].path)) {
            return answers[i].answer(thread->owner, exchange);
        }
    }
    return answer_echo(thread->owner, exchange);
}

static rf_step resume(void *self, rf_exchange *exchange)
{
    const fixture_thread *thread = self;
    if (path_is(exchange, "/spin")) {
        return answer_spin(thread->owner, exchange);
    }
    unsigned *turns = exchange->state;
    if (turns != NULL && ++*turns < AGAIN_TURNS) {
        return RF_STEP_AGAIN;
    }
    return answer_echo(thread->owner, exchange);
}

static void count_finished(void *thread, const rf_exchange *exchange,
                           double seconds)
{
    http_fixture *owner = ((fixture_thread *)thread)->owner;
    pthread_mutex_lock(&owner->lock);
    owner->finished_count++;
    owner->last_status = seconds >= 0.0 ? exchange->response.status : -1;
    pthread_cond_broadcast(&owner->changed);
    pthread_mutex_unlock(&owner->lock);
}

static void *start_thread(void *self, unsigned index)
{
    http_fixture *owner = self;
    if (index == owner->failing_thread) {
        return NULL;
    }
    fixture_thread *thread = malloc(sizeof *thread);
    *thread = (fixture_thread){.owner = owner, .index = index};
    pthread_mutex_lock(&owner->lock);
    owner->started_count++;
    pthread_mutex_unlock(&owner->lock);
    return thread;
}

static void stop_thread(void *self, void *thread)
{
    http_fixture *owner = self;
    pthread_mutex_lock(&owner->lock);
    owner->stopped_count++;
    pthread_mutex_unlock(&owner->lock);
    free(thread);
}

static void count_warning(void *self, const char *text)
{
    http_fixture *owner = self;
    (void)text;
    pthread_mutex_lock(&owner->lock);
    owner->warning_count++;
    pthread_cond_broadcast(&owner->changed);
    pthread_mutex_unlock(&owner->lock);
}

/* ---- the server ---- */

void http_init_fixture(http_fixture *owner)
{
    *owner = (http_fixture){.failing_thread = SERVED_MAX};
    pthread_mutex_init(&owner->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&owner->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    owner->handler = (rf_handler){.self = owner,
                                  .thread_start = start_thread,
                                  .thread_stop = stop_thread,
                                  .handle = handle,
                                  .resume = resume,
                                  .finished = count_finished};
    owner->options = rf_http_options_default();
    owner->options.listen = "127.0.0.1:0";
    owner->options.threads = 2;
    owner->options.sweep_ms = 5;
    owner->options.linger_timeout_ms = 500;
    owner->options.handler = &owner->handler;
    owner->options.warn = count_warning;
    owner->options.warn_self = owner;
}

void http_start_server(http_fixture *owner)
{
    rf_error err = {0};
    assert_int_equal(rf_http_create(&owner->options, &owner->http, &err),
                     RF_OK);
    assert_int_equal(rf_http_start(owner->http, &err), RF_OK);
    assert_int_not_equal(rf_http_port(owner->http), 0);
}

void http_stop_fixture(http_fixture *owner)
{
    rf_http_free(owner->http);
    assert_int_equal(owner->started_count, owner->stopped_count);
    pthread_mutex_destroy(&owner->lock);
    pthread_cond_destroy(&owner->changed);
}

static struct timespec give_up_time(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += WAIT_MS / 1000;
    return at;
}

void http_wait_for_count(http_fixture *owner, const unsigned *counter,
                         unsigned number)
{
    struct timespec at = give_up_time();
    int problem = 0;
    pthread_mutex_lock(&owner->lock);
    while (*counter < number && problem == 0) {
        problem = pthread_cond_timedwait(&owner->changed, &owner->lock, &at);
    }
    pthread_mutex_unlock(&owner->lock);
    assert_int_equal(problem, 0);
}

void http_release_held(http_fixture *owner)
{
    pthread_mutex_lock(&owner->lock);
    for (unsigned i = 0; i < owner->held_count; i++) {
        rf_exchange_wake(owner->held[i]);
    }
    owner->held_count = 0;
    pthread_mutex_unlock(&owner->lock);
}

void http_wait_for_connections(const http_fixture *owner, unsigned number)
{
    for (int tries = 0; tries < WAIT_MS; tries++) {
        if (rf_http_connections(owner->http) == number) {
            return;
        }
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(rf_http_connections(owner->http), number);
}

/* ---- the client ---- */

void http_connect_to_server(const http_fixture *owner, int client)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)rf_http_port(owner->http)),
        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_int_equal(
        connect(client, (struct sockaddr *)&address, sizeof address), 0);
}

int http_make_socket(void)
{
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client >= 0);
    struct timeval limit = {.tv_sec = WAIT_MS / 1000};
    int on = 1;
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return client;
}

int http_open_client(const http_fixture *owner)
{
    int client = http_make_socket();
    http_connect_to_server(owner, client);
    return client;
}

bool http_send_bytes(int client, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(client, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

void http_send_text(int client, const char *text)
{
    assert_true(http_send_bytes(client, text, strlen(text)));
}

void http_reset_client(int client)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(client);
}

char *http_read_all(int client)
{
    size_t size = 0;
    size_t room = 65536;
    char *text = malloc(room + 1);
    for (;;) {
        ssize_t got = recv(client, text + size, room - size, 0);
        if (got <= 0) {
            assert_true(got == 0 || errno == ECONNRESET);
            break;
        }
        for (ssize_t i = 0; i < got; i++) {
            text[size] = text[size] == '\0' ? '?' : text[size];
            size++;
        }
        if (size == room) {
            room *= 2;
            text = realloc(text, room + 1);
        }
    }
    text[size] = '\0';
    return text;
}

static void read_exactly(int client, char *out, size_t length)
{
    ssize_t got = recv(client, out, length, MSG_WAITALL);
    assert_int_equal(got, (ssize_t)length);
}

http_reply http_read_reply_head(int client)
{
    http_reply result = {0};
    size_t at = 0;
    while (strstr(result.head, "\r\n\r\n") == NULL) {
        assert_true(at + 1 < sizeof result.head);
        read_exactly(client, result.head + at++, 1);
    }
    assert_memory_equal(result.head, "HTTP/1.1 ", 9);
    result.status = (int)strtol(result.head + 9, NULL, 10);
    const char *length = strstr(result.head, "Content-Length: ");
    if (length != NULL) {
        result.length = (size_t)strtoul(length + 16, NULL, 10);
    }
    return result;
}

http_reply http_read_reply(int client)
{
    http_reply result = http_read_reply_head(client);
    for (size_t at = 0; at < result.length;) {
        char piece[sizeof result.body];
        size_t wanted = result.length - at < sizeof piece - 1
                            ? result.length - at
                            : sizeof piece - 1;
        read_exactly(client, piece, wanted);
        if (at == 0) {
            memcpy(result.body, piece, wanted);
        }
        at += wanted;
    }
    return result;
}

void http_assert_closed(int client)
{
    char byte;
    ssize_t got = recv(client, &byte, 1, 0);
    assert_true(got == 0 || (got < 0 && errno == ECONNRESET));
    close(client);
}
