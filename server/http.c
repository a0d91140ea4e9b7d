/*
 * http.c - starting and stopping the wire.
 */
#include "server/http.h"

#include "core/alloc.h"
#include "server/http_internal.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define THREADS_MAX 64U
#define CONNECTIONS_MOST 1000000U
#define HEAD_BYTES_LEAST ((size_t)1024)

uint64_t rf_http_now_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void rf_http_warn(const rf_http *http, const char *format, ...)
{
    if (http->options.warn == NULL) {
        return;
    }
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    http->options.warn(http->options.warn_self, text);
}

/* ---- options ---- */

rf_http_options rf_http_options_default(void)
{
    return (rf_http_options){
        .threads = 1,
        .connections_max = 4096,
        .header_count_max = 64,
        .head_bytes_max = (size_t)16 * 1024,
        .body_bytes_max = (size_t)1024 * 1024,
        .arena_bytes_max = (size_t)64 * 1024 * 1024,
        .memory_bytes_max = (size_t)256 * 1024 * 1024,
        .request_timeout_ms = 10000,
        .idle_timeout_ms = 15000,
        .write_timeout_ms = 20000,
        .heartbeat_ms = 15000,
        .linger_timeout_ms = 2000,
        .drain_timeout_ms = 20000,
        .sweep_ms = 250,
    };
}

static rf_status check_options(const rf_http_options *options, rf_error *err)
{
    bool is_loopback = false;
    if (options->threads == 0 || options->threads > THREADS_MAX) {
        return rf_fail(err, RF_E_BAD_CONFIGURATION,
                       "I/O threads must be 1 to %u", THREADS_MAX);
    }
    if (options->connections_max == 0 ||
        options->connections_max > CONNECTIONS_MOST) {
        return rf_fail(err, RF_E_BAD_CONFIGURATION,
                       "connections must be 1 to %u", CONNECTIONS_MOST);
    }
    if (options->head_bytes_max < HEAD_BYTES_LEAST ||
        options->memory_bytes_max / 4 < options->body_bytes_max ||
        options->header_count_max == 0 || options->sweep_ms == 0 ||
        options->heartbeat_ms == 0) {
        return rf_fail(err, RF_E_BAD_CONFIGURATION,
                       "a limit of the http server is too low");
    }
    return rf_http_check_address(options->listen, &is_loopback, err);
}

/* ---- life ---- */

rf_status rf_http_create(const rf_http_options *options, rf_http **out,
                         rf_error *err)
{
    rf_status status = check_options(options, err);
    if (status != RF_OK) {
        return status;
    }
    rf_http *http = rf_calloc(1, sizeof *http);
    if (http == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "no memory for the http server");
    }
    http->options = *options;
    http->limits =
        (rf_http_limits){.head_bytes_max = options->head_bytes_max,
                         .body_bytes_max = options->body_bytes_max,
                         .header_count_max = options->header_count_max};
    http->memory.bytes_max = options->memory_bytes_max;
    (void)sem_init(&http->ready, 0, 0);
    (void)sem_init(&http->go, 0, 0);
    status = rf_http_fit_descriptors(http, err);
    if (status != RF_OK) {
        rf_http_free(http);
        return status;
    }
    *out = http;
    return RF_OK;
}

static rf_status create_threads(rf_http *http, rf_error *err)
{
    unsigned count = http->options.threads;
    http->threads = rf_calloc(count, sizeof(rf_http_thread *));
    for (unsigned i = 0; http->threads != NULL && i < count; i++) {
        http->threads[i] = rf_http_thread_create(http, i);
        if (http->threads[i] == NULL) {
            return rf_fail(err, RF_E_INTERNAL, "an event loop did not start");
        }
    }
    return http->threads != NULL
               ? RF_OK
               : rf_fail(err, RF_E_NO_MEMORY, "no memory for the I/O threads");
}

/* Start the threads with every signal blocked: those are main's business.
 * Returns how many run. */
static unsigned launch(rf_http *http)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    unsigned started = 0;
    while (started < http->options.threads &&
           pthread_create(&http->threads[started]->id, NULL, rf_http_thread_run,
                          http->threads[started]) == 0) {
        started++;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0) {
        /* Interrupted by a signal; wait on. */
    }
}

/* Let the threads go once all of them are ready, or end them. */
static bool release(rf_http *http, unsigned started)
{
    bool all_ready = started == http->options.threads;
    for (unsigned i = 0; i < started; i++) {
        wait_for(&http->ready);
    }
    for (unsigned i = 0; i < started; i++) {
        all_ready = all_ready && http->threads[i]->context != NULL;
    }
    atomic_store(&http->stopping, !all_ready);
    for (unsigned i = 0; i < started; i++) {
        (void)sem_post(&http->go);
    }
    for (unsigned i = 0; !all_ready && i < started; i++) {
        (void)pthread_join(http->threads[i]->id, NULL);
    }
    return all_ready;
}

rf_status rf_http_start(rf_http *http, rf_error *err)
{
    RF_ASSERT(http->threads == NULL);
    rf_status status = create_threads(http, err);
    if (status == RF_OK) {
        status = rf_http_listen(http, err);
    }
    if (status != RF_OK) {
        return status;
    }
    if (!release(http, launch(http))) {
        return rf_fail(err, RF_E_INTERNAL, "an I/O thread did not start");
    }
    http->running = true;
    return RF_OK;
}

unsigned rf_http_port(const rf_http *http)
{
    return http->port;
}

unsigned rf_http_connections(const rf_http *http)
{
    return atomic_load(&http->connections);
}

size_t rf_http_held_bytes(const rf_http *http)
{
    return atomic_load(&http->memory.held_bytes);
}

void rf_http_stir(rf_http *http)
{
    for (unsigned i = 0; i < http->options.threads; i++) {
        rf_http_thread_stir(http->threads[i]);
    }
}

void rf_http_stop(rf_http *http)
{
    if (!http->running) {
        return;
    }
    http->running = false;
    atomic_store(&http->stopping, true);
    unsigned count = http->options.threads;
    for (unsigned i = 0; i < count; i++) {
        rf_http_thread_notify(http->threads[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        (void)pthread_join(http->threads[i]->id, NULL);
    }
    unsigned waiting = 0;
    for (unsigned i = 0; i < count; i++) {
        waiting += rf_http_thread_leftovers(http->threads[i]);
    }
    if (waiting > 0) {
        rf_http_warn(http, "stopped with %u requests unanswered", waiting);
    }
}

void rf_http_free(rf_http *http)
{
    if (http == NULL) {
        return;
    }
    rf_http_stop(http);
    rf_http_unlisten(http);
    for (unsigned i = 0; http->threads != NULL && i < http->options.threads;
         i++) {
        rf_http_thread_free(http->threads[i]);
    }
    rf_free(http->threads);
    (void)sem_destroy(&http->ready);
    (void)sem_destroy(&http->go);
    rf_free(http);
}
