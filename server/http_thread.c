/*
 * http_thread.c - one I/O thread: its loop, its connections, its clock.
 */
#include "core/alloc.h"
#include "server/http_internal.h"

#include <event2/event.h>

#include <sys/eventfd.h>
#include <unistd.h>

/* ---- the list of connections ---- */

void rf_http_thread_add(rf_http_thread *thread, rf_http_connection *connection)
{
    connection->previous = NULL;
    connection->next = thread->open;
    if (thread->open != NULL) {
        thread->open->previous = connection;
    }
    thread->open = connection;
}

static void break_when_drained(rf_http_thread *thread)
{
    if (thread->draining && thread->open == NULL) {
        (void)event_base_loopbreak(thread->base);
    }
}

void rf_http_thread_remove(rf_http_thread *thread,
                           rf_http_connection *connection)
{
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        thread->open = connection->next;
    }
    break_when_drained(thread);
}

/* Do something that may free it to every connection. */
static void visit_all(rf_http_thread *thread,
                      void (*visit)(rf_http_connection *connection))
{
    rf_http_connection *connection = thread->open;
    while (connection != NULL) {
        rf_http_connection *next = connection->next;
        visit(connection);
        connection = next;
    }
}

/* ---- waking ---- */

void rf_http_thread_notify(rf_http_thread *thread)
{
    /* It fails only when 2^64 - 1 calls were not noticed. */
    (void)eventfd_write(thread->wake_descriptor, 1);
}

void rf_http_thread_push(rf_http_thread *thread, rf_http_connection *connection)
{
    rf_http_connection *first =
        atomic_load_explicit(&thread->woken, memory_order_relaxed);
    do {
        connection->next_queued = first;
    } while (!atomic_compare_exchange_weak_explicit(
        &thread->woken, &first, connection, memory_order_release,
        memory_order_relaxed));
    /* Whoever found the list empty has told, or is about to tell, the thread:
     * a whole batch of wakes costs one system call. */
    if (first == NULL) {
        rf_http_thread_notify(thread);
    }
}

/* Take all woken connections, the first pushed first. */
static rf_http_connection *take_woken(rf_http_thread *thread)
{
    rf_http_connection *last =
        atomic_exchange_explicit(&thread->woken, NULL, memory_order_acquire);
    rf_http_connection *first = NULL;
    while (last != NULL) {
        rf_http_connection *before = last->next_queued;
        last->next_queued = first;
        first = last;
        last = before;
    }
    return first;
}

static void serve_woken(rf_http_thread *thread)
{
    rf_http_connection *connection = take_woken(thread);
    while (connection != NULL) {
        rf_http_connection *next = connection->next_queued;
        rf_http_connection_woken(connection);
        connection = next;
    }
}

void rf_http_thread_stir(rf_http_thread *thread)
{
    /* Added to instead of read, so that this comes after whatever has happened
     * and not before: a stream is counted first and looks then. */
    if (atomic_fetch_add(&thread->watcher_count, 0) > 0 &&
        !atomic_exchange(&thread->stirred, true)) {
        rf_http_thread_notify(thread);
    }
}

static void stir_watchers(rf_http_thread *thread)
{
    for (rf_http_connection *connection = thread->watchers; connection != NULL;
         connection = connection->watch_next) {
        rf_http_stream_stirred(connection);
    }
}

static void begin_drain(rf_http_thread *thread)
{
    const rf_http_options *options = &thread->http->options;
    thread->draining = true;
    thread->drain_deadline_ns =
        rf_http_now_ns() + (uint64_t)options->drain_timeout_ms * 1000000;
    if (thread->index == 0) {
        rf_http_unlisten(thread->http);
    }
    visit_all(thread, rf_http_connection_drain);
    break_when_drained(thread);
}

/* Do what other threads asked for. */
static void answer_wake(rf_http_thread *thread)
{
    serve_woken(thread);
    if (atomic_load(&thread->stirred) &&
        atomic_exchange(&thread->stirred, false)) {
        stir_watchers(thread);
    }
    if (!thread->draining && atomic_load(&thread->http->stopping)) {
        begin_drain(thread);
    }
}

/* The eventfd is watched for edges and every write makes one, so that its
 * count need never be read. */
static void on_wake(evutil_socket_t descriptor, short what, void *self)
{
    (void)descriptor;
    (void)what;
    answer_wake(self);
}

/* ---- exchanges that want another turn ---- */

void rf_http_thread_again(rf_http_thread *thread,
                          rf_http_connection *connection)
{
    connection->next_queued = NULL;
    if (thread->again_last != NULL) {
        thread->again_last->next_queued = connection;
        thread->again_last = connection;
        return;
    }
    thread->again_first = connection;
    thread->again_last = connection;
    /* A timer of no duration fires after the loop has looked at the sockets
     * once more; an activated event would run before that. */
    const struct timeval at_once = {0, 0};
    (void)event_add(thread->again_event, &at_once);
}

static void on_again(evutil_socket_t descriptor, short what, void *self)
{
    (void)descriptor;
    (void)what;
    rf_http_thread *thread = self;
    rf_http_connection *connection = thread->again_first;
    thread->again_first = NULL;
    thread->again_last = NULL;
    while (connection != NULL) {
        rf_http_connection *next = connection->next_queued;
        rf_http_connection_resume(connection);
        connection = next;
    }
}

/* ---- the sweep ---- */

static void on_sweep(evutil_socket_t descriptor, short what, void *self)
{
    (void)descriptor;
    (void)what;
    rf_http_thread *thread = self;
    uint64_t now_ns = rf_http_now_ns();
    rf_http_date(time(NULL), thread->date);
    rf_http_connection *connection = thread->open;
    while (connection != NULL) {
        rf_http_connection *next = connection->next;
        if (now_ns >= connection->deadline_ns) {
            rf_http_connection_expire(connection);
        }
        connection = next;
    }
    if (thread->index == 0) {
        rf_http_listen_again(thread->http);
    }
    if (thread->draining && now_ns >= thread->drain_deadline_ns) {
        (void)event_base_loopbreak(thread->base);
    }
}

/* ---- life ---- */

/* What libevent has to say goes to the server whose thread it speaks on; its
 * callback has no parameter for that. */
static _Thread_local const rf_http *log_target;

static void capture_log(int severity, const char *text)
{
    if (log_target != NULL && severity >= EVENT_LOG_WARN) {
        rf_http_warn(log_target, "event loop: %s", text);
    }
}

/* Without the flag that gathers changes for epoll: connections change what they
 * wait for so rarely that it saves nothing, and a change gathered for a closed
 * socket is made when its number may already be another thread's. */
static struct event_base *create_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL) {
        return NULL;
    }
    (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    (void)event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static bool create_events(rf_http_thread *thread)
{
    unsigned sweep_ms = thread->http->options.sweep_ms;
    const struct timeval period = {.tv_sec = sweep_ms / 1000,
                                   .tv_usec = (long)(sweep_ms % 1000) * 1000};
    thread->wake_event =
        event_new(thread->base, thread->wake_descriptor,
                  (short)(EV_READ | EV_PERSIST | EV_ET), on_wake, thread);
    thread->sweep_event =
        event_new(thread->base, -1, EV_PERSIST, on_sweep, thread);
    thread->again_event = event_new(thread->base, -1, 0, on_again, thread);
    return thread->wake_event != NULL && thread->sweep_event != NULL &&
           thread->again_event != NULL &&
           event_add(thread->wake_event, NULL) == 0 &&
           event_add(thread->sweep_event, &period) == 0;
}

rf_http_thread *rf_http_thread_create(rf_http *http, unsigned index)
{
    rf_http_thread *thread = rf_calloc(1, sizeof *thread);
    if (thread == NULL) {
        return NULL;
    }
    thread->http = http;
    thread->index = index;
    thread->wake_descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rf_http_date(time(NULL), thread->date);
    event_set_log_callback(capture_log);
    thread->base = thread->wake_descriptor < 0 ? NULL : create_base();
    if (thread->base == NULL || !create_events(thread) ||
        rf_http_random_init(&thread->random, NULL) != RF_OK) {
        rf_http_thread_free(thread);
        return NULL;
    }
    return thread;
}

void *rf_http_thread_run(void *self)
{
    rf_http_thread *thread = self;
    rf_http *http = thread->http;
    const rf_handler *handler = http->options.handler;
    log_target = http;
    thread->context = handler->thread_start(handler->self, thread->index);
    (void)sem_post(&http->ready);
    while (sem_wait(&http->go) != 0) {
        /* Interrupted by a signal; wait on. */
    }
    if (thread->context != NULL) {
        if (!atomic_load(&http->stopping)) {
            (void)event_base_dispatch(thread->base);
        }
        visit_all(thread, rf_http_connection_abandon);
        /* Sockets are closed by the loop a moment after they are freed. */
        (void)event_base_loop(thread->base, EVLOOP_NONBLOCK);
        handler->thread_stop(handler->self, thread->context);
    }
    log_target = NULL;
    return NULL;
}

unsigned rf_http_thread_leftovers(rf_http_thread *thread)
{
    rf_http_connection *connection = take_woken(thread);
    while (connection != NULL) {
        rf_http_connection *next = connection->next_queued;
        if (connection->state == RF_HTTP_OPENING) {
            rf_http_connection_free(connection);
        }
        connection = next;
    }
    unsigned waiting = 0;
    for (connection = thread->open; connection != NULL;
         connection = connection->next) {
        waiting++;
    }
    return waiting;
}

static void free_event(struct event *event)
{
    if (event != NULL) {
        event_free(event);
    }
}

void rf_http_thread_free(rf_http_thread *thread)
{
    if (thread == NULL) {
        return;
    }
    thread->draining = false;
    (void)rf_http_thread_leftovers(thread);
    visit_all(thread, rf_http_connection_free);
    free_event(thread->wake_event);
    free_event(thread->sweep_event);
    free_event(thread->again_event);
    if (thread->base != NULL) {
        event_base_free(thread->base);
    }
    if (thread->wake_descriptor >= 0) {
        (void)close(thread->wake_descriptor);
    }
    rf_free(thread);
}
