/*
 * cmd_serve.c - `ringfence serve`: put the parts together, run, take them
 * apart.
 *
 * The order matters. The store is opened and everything it remembers is read
 * before anyone can ask; the address is bound before the writer starts, so
 * that a port in use changes nothing; at the end nothing new comes in, what
 * was accepted is finished, and the store is closed last.
 *
 * Formulas are evaluated on the I/O threads, the writer's and the loader's,
 * which are numbered in that order.
 */
#include "core/alloc.h"
#include "core/store_lmdb.h"
#include "server/api.h"
#include "server/cli.h"
#include "server/http.h"
#include "server/loader.h"
#include "server/log.h"
#include "server/notify.h"
#include "server/watcher.h"
#include "server/writer.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define IDLE_WAIT_SECONDS 60
#define ARENA_BYTES_PER_BODY_BYTE 8

typedef struct server {
    rf_options options;
    rf_auth *auth;
    rf_store *store;
    rf_engine *engine;
    rf_loader *loader;
    rf_writer *writer;
    rf_api *api;
    rf_handler handler;
    rf_http *http;
    rf_watcher *watcher;
    atomic_bool outcome_unknown;
} server;

static int64_t wall_clock_ms(void *self)
{
    struct timespec now;
    (void)self;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void warn(void *self, const char *text)
{
    (void)self;
    rf_log_event(RF_LOG_WARN, "server", text);
}

static void count_batch(void *self, size_t commands, double seconds)
{
    server *running = self;
    rf_api_count_batch(running->api, commands, seconds);
}

/* The journal has grown: those who follow it look. */
static void stir_streams(void *self)
{
    const server *running = self;
    rf_http_stir(running->http);
}

/* The main thread does the rest: replies must still leave. */
static void stop_on_unknown_outcome(void *self, const char *text)
{
    server *running = self;
    rf_log_event(RF_LOG_ERROR, "store", text);
    atomic_store(&running->outcome_unknown, true);
    kill(getpid(), SIGTERM);
}

static unsigned count_connections(const void *http)
{
    return rf_http_connections(http);
}

static size_t count_held_bytes(const void *http)
{
    return rf_http_held_bytes(http);
}

static unsigned thread_count(const rf_options *options)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return options->io_threads > 0 ? (unsigned)options->io_threads
           : cores > 0             ? (unsigned)cores
                                   : 1;
}

static rf_status open_store(server *running, rf_error *err)
{
    const rf_options *options = &running->options;
    rf_store_lmdb_options store = {
        .directory = options->data_directory,
        .map_bytes = (uint64_t)options->map_bytes,
        .map_bytes_max = (uint64_t)options->map_bytes * 16,
        .free_space_bytes = (uint64_t)options->free_space_bytes,
        .readers_max = thread_count(options) + 8,
        .product_version = RINGFENCE_VERSION,
    };
    rf_status status = rf_store_lmdb_open(&store, &running->store, err);
    if (status != RF_OK) {
        return status;
    }
    rf_engine_options engine = {
        .store = running->store,
        .clock = {.now_ms = wall_clock_ms},
        .ids_max = (uint64_t)options->ids_max,
        .journal_retention_days = (unsigned)options->retention_days,
        .journal_bytes_max = (uint64_t)options->journal_bytes,
        .thread = thread_count(options),
    };
    return rf_engine_create(&engine, &running->engine, err);
}

/* On the loader's thread. */
static void note_load(void *self, const rf_load *load,
                      const rf_load_outcome *outcome)
{
    server *running = self;
    rf_api_note_load(running->api, load, outcome);
}

/* Publish all environments before anyone can ask for them. */
static rf_status load_environments(server *running, rf_error *err)
{
    rf_problems problems = {0};
    rf_loader_options options = {
        .options = &running->options,
        .store = running->store,
        .engine = running->engine,
        .threads = thread_count(&running->options) + 2,
        .observer = running,
        .tried = note_load,
    };
    rf_status status = rf_loader_create(&options, &running->loader, err);
    if (status != RF_OK) {
        return status;
    }
    status = rf_loader_load_all(running->loader, &problems, err);
    if (problems.count > 0) {
        rf_cli_print_problems(err->field, &problems);
    }
    return status;
}

static rf_status make_writer(server *running, rf_error *err)
{
    rf_writer_options options = {
        .engine = running->engine,
        .commands_max = (size_t)running->options.queue_commands,
        .observer = running,
        .batch_done = count_batch,
        .settled = stir_streams,
        .warn = warn,
        .failed = stop_on_unknown_outcome,
    };
    return rf_writer_create(&options, &running->writer, err);
}

static rf_status make_api(server *running, rf_error *err)
{
    rf_api_options options = {
        .options = &running->options,
        .auth = running->auth,
        .store = running->store,
        .globe = rf_engine_globe(running->engine),
        .writer = running->writer,
        .loader = running->loader,
        .version = RINGFENCE_VERSION,
        .threads = thread_count(&running->options),
    };
    return rf_api_create(&options, &running->api, err);
}

static rf_status start_http(server *running, rf_error *err)
{
    const rf_options *options = &running->options;
    running->handler = rf_api_handler(running->api);
    rf_http_options http = rf_http_options_default();
    http.listen = options->listen;
    http.threads = thread_count(options);
    http.connections_max = (unsigned)options->connections;
    http.header_count_max = (unsigned)options->headers;
    http.head_bytes_max = (size_t)options->head_bytes;
    http.body_bytes_max = (size_t)options->body_bytes;
    http.arena_bytes_max =
        (size_t)options->body_bytes * ARENA_BYTES_PER_BODY_BYTE;
    http.request_timeout_ms = (unsigned)options->request_ms;
    http.idle_timeout_ms = (unsigned)options->idle_ms;
    http.heartbeat_ms = (unsigned)options->heartbeat_ms;
    http.drain_timeout_ms = (unsigned)options->drain_ms;
    http.handler = &running->handler;
    http.warn = warn;
    rf_status status = rf_http_create(&http, &running->http, err);
    if (status == RF_OK) {
        rf_api_set_wire(running->api,
                        (rf_api_wire){.self = running->http,
                                      .connections = count_connections,
                                      .held_bytes = count_held_bytes});
        status = rf_http_start(running->http, err);
    }
    if (status == RF_E_BAD_CONFIGURATION) {
        status = RF_E_INTERNAL; /* the address is good, but taken */
    }
    return status;
}

static rf_status make_auth(server *running, rf_error *err)
{
    rf_problems problems = {0};
    rf_status status = rf_auth_create(running->options.auth_keys,
                                      running->options.auth_clients,
                                      &running->auth, &problems, err);
    if (problems.count > 0) {
        rf_cli_print_problems("auth", &problems);
    }
    return status;
}

/* ---- Loading again ---- */

static void free_load(rf_load *load)
{
    rf_load_done(load);
    rf_free(load);
}

/* Have all files read again; what becomes of it is in the log. */
static void reload(server *running, const char *actor, bool is_quiet)
{
    rf_error error = {0};
    rf_load *load = rf_calloc(1, sizeof *load);
    if (load == NULL) {
        warn(NULL, "no memory to load plugins and configurations again");
        return;
    }
    load->kind = RF_LOAD_RELOAD;
    load->environment = RF_TEXT_EMPTY;
    load->actor = rf_text_of(actor);
    load->is_quiet = is_quiet;
    load->done = free_load;
    if (rf_loader_submit(running->loader, load, &error) != RF_OK) {
        warn(NULL, error.message);
        free_load(load);
    }
}

static void reload_changed(void *self)
{
    reload(self, "watcher", true);
}

static rf_status start_watcher(server *running, rf_error *err)
{
    const rf_options *options = &running->options;
    rf_watcher_options watcher = {
        .plugins = options->plugins_directory,
        .environments = options->environments_directory,
        .changed = reload_changed,
        .self = running,
    };
    return options->watch_plugins
               ? rf_watcher_start(&watcher, &running->watcher, err)
               : RF_OK;
}

/* ---- The whole ---- */

static rf_status start_threads(server *running, rf_error *err)
{
    rf_status status = start_http(running, err);
    if (status == RF_OK) {
        status = rf_writer_start(running->writer, err);
    }
    if (status == RF_OK) {
        status = rf_loader_start(running->loader, running->writer, err);
    }
    if (status == RF_OK) {
        status = start_watcher(running, err);
    }
    return status;
}

/* When the store is open no other server is at work in its folder. */
static rf_status load_secret(server *running, rf_error *err)
{
    unsigned char secret[RF_TOKEN_SECRET_BYTES];
    rf_status status =
        rf_token_secret_load(running->options.data_directory, secret, err);
    if (status == RF_OK) {
        rf_auth_set_secret(running->auth, secret);
    }
    explicit_bzero(secret, sizeof secret);
    return status;
}

static rf_status start(server *running, rf_error *err)
{
    rf_status status = make_auth(running, err);
    if (status == RF_OK) {
        status = open_store(running, err);
    }
    if (status == RF_OK) {
        status = load_secret(running, err);
    }
    if (status == RF_OK) {
        status = load_environments(running, err);
    }
    if (status == RF_OK) {
        status = make_writer(running, err);
    }
    if (status == RF_OK) {
        status = make_api(running, err);
    }
    return status == RF_OK ? start_threads(running, err) : status;
}

/* Whoever waits for this line reads the address from it. */
static void tell_address(const server *running)
{
    const char *listen = running->options.listen;
    int host = (int)(strrchr(listen, ':') - listen);
    fprintf(stderr, "listening on http://%.*s:%u\n", host, listen,
            rf_http_port(running->http));
    if (!rf_auth_is_required(running->auth)) {
        rf_log_event(RF_LOG_INFO, "server",
                     "no keys are configured: everyone on this machine may do "
                     "everything but write fno");
    }
}

/* Give a sign of life, unless the writer has stood still since the last. */
static void give_sign(const server *running, unsigned long *turns)
{
    unsigned long now = rf_writer_turns(running->writer);
    if (now != *turns) {
        rf_notify("WATCHDOG=1");
        *turns = now;
    }
}

/* The main thread's own work: wait for signals, give signs of life. */
static void wait_for_stop(server *running, const sigset_t *signals)
{
    unsigned beat = rf_notify_watchdog_seconds();
    unsigned long turns = 0;
    for (;;) {
        struct timespec wait = {.tv_sec = beat == 0 ? IDLE_WAIT_SECONDS : beat};
        int signal = sigtimedwait(signals, NULL, &wait);
        if (signal == SIGTERM || signal == SIGINT) {
            return;
        }
        if (signal == SIGHUP) {
            rf_log_event(RF_LOG_INFO, "server",
                         "SIGHUP: loading all plugins and configurations");
            reload(running, "SIGHUP", false);
        } else if (signal < 0 && errno == EAGAIN && beat > 0) {
            give_sign(running, &turns);
        }
    }
}

/* Nobody waits for the writer any longer than it runs. */
static void stop_writer(server *running)
{
    if (running->writer != NULL) {
        rf_writer_stop(running->writer);
    }
    if (running->loader != NULL) {
        rf_loader_abandon(running->loader);
    }
}

/* What was accepted, be it a command or a change of plugins, is finished while
 * the drain lasts; a writer that has given up will finish nothing. */
static void take_apart(server *running)
{
    if (running->api != NULL) {
        rf_api_drain(running->api);
    }
    rf_watcher_stop(running->watcher);
    if (atomic_load(&running->outcome_unknown)) {
        stop_writer(running);
    }
    if (running->http != NULL) {
        rf_http_stop(running->http);
    }
    stop_writer(running);
    rf_loader_free(running->loader);
    rf_writer_free(running->writer);
    rf_http_free(running->http);
    rf_api_free(running->api);
    rf_engine_free(running->engine);
    if (running->store != NULL) {
        running->store->operations->close(running->store);
    }
    rf_auth_free(running->auth);
    rf_options_done(&running->options);
}

/* All signals go to the main thread, which waits for them. */
static void block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int exit_code_of(rf_status status)
{
    return rf_status_class(status) == RF_CLASS_INVALID ? RF_EXIT_USAGE
                                                       : RF_EXIT_FAILURE;
}

static int run_serve(const rf_arguments *arguments)
{
    server running = {0};
    sigset_t signals;
    rf_error error = {0};
    int code = rf_cli_options(arguments, &running.options);
    if (code != 0) {
        rf_options_done(&running.options);
        return code;
    }
    umask(077);
    prctl(PR_SET_DUMPABLE, 0); /* memory holds keys */
    rf_log_setup(STDERR_FILENO, running.options.log_level);
    block_signals(&signals);
    rf_status status = start(&running, &error);
    if (status == RF_OK) {
        tell_address(&running);
        rf_notify("READY=1");
        wait_for_stop(&running, &signals);
        rf_notify("STOPPING=1");
    } else {
        code = rf_cli_fail(exit_code_of(status), &error);
    }
    take_apart(&running);
    return atomic_load(&running.outcome_unknown) ? RF_EXIT_OUTCOME_UNKNOWN
                                                 : code;
}

const rf_subcommand rf_cmd_serve = {
    .name = "serve",
    .summary = "run the server",
    .help = "Runs until SIGTERM or SIGINT; then finishes what it has accepted "
            "and exits 0.\nWrites `listening on http://ADDR:PORT` to standard "
            "error when it is ready.\n",
    .takes = RF_TAKES_CONFIG | RF_TAKES_LISTEN,
    .run = run_serve,
};
