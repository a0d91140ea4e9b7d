/*
 * api.c - the one way in: path, caller, environment, body, then the handler.
 *
 * What is refused here is refused the same way for every route: who is not
 * known gets 401 before anything else is said, an environment out of reach
 * looks like one that is not there, and no handler sees a body that is not
 * strict JSON. Requests are counted here, commands where they are answered.
 */
#include "server/api.h"

#include "core/alloc.h"
#include "server/api_internal.h"
#include "server/api_metrics.h"
#include "server/api_result.h"
#include "server/api_sweep.h"
#include "server/document.h"

#include <string.h>
#include <time.h>

/* "/api/environment/{environmentId}" stands in front of most routes. */
#define PREFIX_SEGMENTS 3

/* An exact query: as many tuples as it may have, of up to five values each. */
#define TUPLES_LIMITS ((rf_json_limits){.depth_max = 16, .values_max = 66000})

/* The hot ones first: matching goes through them in order. */
static const rf_routes *const tables[] = {
    &rf_routes_reserve,
    &rf_routes_onhand,
    &rf_routes_schedule,
    &rf_routes_set,
    &rf_routes_query,
    &rf_routes_allocation,
    &rf_routes_allocation_query,
    &rf_routes_allocation_records,
    &rf_routes_allocation_plan,
    &rf_routes_reservations,
    &rf_routes_products,
    &rf_routes_events,
    &rf_routes_history,
    &rf_routes_server,
    &rf_routes_partitions,
    &rf_routes_configuration,
    &rf_routes_plugins,
    &rf_routes_reload,
    &rf_routes_token,
    &rf_routes_jobs,
    &rf_routes_adjustment,
    &rf_routes_log,
    &rf_routes_availability,
    &rf_routes_orders,
    &rf_routes_envelope,
    &rf_routes_pages,
};

#define TABLE_COUNT (sizeof tables / sizeof tables[0])

const rf_routes *const *rf_api_tables(size_t *count)
{
    *count = TABLE_COUNT;
    return tables;
}

/* ---- What handlers ask of a call ---- */

const rf_catalog *rf_call_catalog(const rf_call *call)
{
    return call->generation->catalog;
}

rf_generation *rf_call_newest(const rf_call *call)
{
    rf_api_thread *thread = call->thread;
    thread->world = rf_view_world(&thread->view, thread->api->options.globe);
    return rf_world_find(thread->world, call->environment);
}

void rf_call_renew(rf_call *call)
{
    rf_call_rest(call);
    call->generation = rf_generation_hold(rf_call_newest(call));
}

void rf_call_rest(rf_call *call)
{
    rf_generation_release(call->generation);
    call->generation = NULL;
}

void *rf_call_alloc(rf_call *call, size_t count, size_t size)
{
    return rf_arena_calloc(&call->exchange->arena, count, size);
}

static rf_status fail_parameter(const char *name, const char *expected,
                                rf_error *err)
{
    return rf_fail_field(err, RF_E_INVALID_FIELD, name, "%s: %s is expected",
                         name, expected);
}

rf_status rf_call_flag(const rf_call *call, const char *name, bool *out,
                       rf_error *err)
{
    bool found = false;
    rf_text text = rf_url_query_value(&call->query, rf_text_of(name), &found);
    if (!found) {
        return RF_OK;
    }
    bool truth = rf_text_is_name(text, rf_text_of("true"));
    if (!truth && !rf_text_is_name(text, rf_text_of("false"))) {
        return fail_parameter(name, "true or false", err);
    }
    *out = truth;
    return RF_OK;
}

bool rf_api_read_digits(rf_text text, int64_t *out)
{
    int64_t number = 0;
    for (size_t i = 0; i < text.length; i++) {
        int digit = text.bytes[i] - '0';
        if (digit < 0 || digit > 9 ||
            __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, digit, &number)) {
            return false;
        }
    }
    *out = number;
    return text.length > 0;
}

rf_status rf_call_integer(const rf_call *call, const char *name, int64_t min,
                          int64_t max, int64_t *out, rf_error *err)
{
    bool found = false;
    rf_text text = rf_url_query_value(&call->query, rf_text_of(name), &found);
    int64_t number = 0;
    if (!found) {
        return RF_OK;
    }
    if (!rf_api_read_digits(text, &number) || number < min || number > max) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, name,
                             "%s: a whole number from %lld to %lld is expected",
                             name, (long long)min, (long long)max);
    }
    *out = number;
    return RF_OK;
}

/* Correlation ids are made by the http part, in hexadecimal digits and dashes.
 */
static unsigned char hex_value(char c)
{
    return (unsigned char)(c <= '9' ? c - '0' : rf_lower(c) - 'a' + 10);
}

void rf_call_request_id(const rf_call *call, unsigned char out[16])
{
    const char *text = call->exchange->request.correlation_id;
    for (size_t i = 0; i < 16; i++) {
        text += *text == '-' ? 1 : 0;
        out[i] = (unsigned char)(hex_value(text[0]) << 4 | hex_value(text[1]));
        text += 2;
    }
}

int64_t rf_api_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t rf_api_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- Finding the route ---- */

/* Take "/api/environment/{id}" off a path; false when it does not stand there.
 */
static bool take_environment(const rf_path *path, rf_text *environment)
{
    if (path->count <= PREFIX_SEGMENTS ||
        !rf_text_is_name(path->segments[0], rf_text_of("api")) ||
        !rf_text_is_name(path->segments[1], rf_text_of("environment"))) {
        return false;
    }
    *environment = path->segments[2];
    return true;
}

/* Find the route of path and method. Without one, `*methods` holds what the
 * path would answer to. */
static void find_route(rf_call *call, const rf_path *path, unsigned *methods)
{
    bool inside = take_environment(path, &call->environment);
    size_t skipped = inside ? PREFIX_SEGMENTS : 0;
    size_t index = RF_ROUTE_OTHER + 1;
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        for (size_t i = 0; i < tables[t]->count; i++, index++) {
            const rf_route *route = &tables[t]->rows[i];
            if (inside == ((route->flags & RF_ROUTE_HOST) != 0) ||
                !rf_route_matches(route->path, path->segments + skipped,
                                  path->count - skipped)) {
                continue;
            }
            *methods |= 1U << route->method;
            call->route_index = index;
            if (rf_route_answers(route->method,
                                 call->exchange->request.method)) {
                call->route = route;
                rf_route_capture(route->path, path->segments + skipped,
                                 call->captured);
                return;
            }
        }
    }
}

/* ---- Refusing ---- */

static rf_step refuse(rf_call *call, rf_status status, const char *message)
{
    rf_error error = {0};
    rf_fail(&error, status, "%s", message);
    return rf_reply_failure(call, &error);
}

/* Say nothing to strangers. */
static rf_step refuse_stranger(rf_call *call)
{
    rf_response *response = &call->exchange->response;
    response->status = 401;
    response->content_type = NULL;
    rf_buffer_clear(&response->body);
    return RF_STEP_DONE;
}

static rf_step refuse_path(rf_call *call, unsigned methods)
{
    if (methods == 0) {
        return refuse(call, RF_E_UNKNOWN_PATH, "there is nothing at this path");
    }
    call->exchange->response.allow = rf_route_allow(methods);
    return refuse(call, RF_E_METHOD_NOT_ALLOWED,
                  "this path does not answer to that method");
}

/* ---- The steps of a call ---- */

/* Find the environment. One that is out of reach for the caller is answered
 * like one that does not exist. */
static rf_status enter_environment(rf_call *call, rf_error *err)
{
    rf_generation *generation = NULL;
    bool known = rf_identity_knows(call->identity, call->environment);
    if (known) {
        generation = rf_world_find(call->thread->world, call->environment);
    }
    bool creates = known && (call->route->flags & RF_ROUTE_CREATES) != 0;
    if (generation == NULL && !creates) {
        return rf_fail(err, RF_E_UNKNOWN_ENVIRONMENT,
                       "there is no such environment");
    }
    call->generation = rf_generation_hold(generation);
    return RF_OK;
}

static rf_status check_permission(const rf_call *call, rf_error *err)
{
    return rf_identity_may(call->identity, call->route->permission)
               ? RF_OK
               : rf_fail(err, RF_E_FORBIDDEN,
                         "the caller's role does not allow this");
}

/* Permission comes after the environment: 403 would tell that it is there. */
rf_status rf_call_enter(rf_call *call, rf_error *err)
{
    rf_status status = RF_OK;
    if ((call->route->flags & RF_ROUTE_HOST) == 0) {
        status = enter_environment(call, err);
    }
    return status == RF_OK ? check_permission(call, err) : status;
}

static rf_json_limits body_limits(const rf_route *route)
{
    if ((route->flags & RF_ROUTE_DOCUMENT) != 0) {
        return RF_DOCUMENT_LIMITS;
    }
    return (route->flags & RF_ROUTE_TUPLES) != 0 ? TUPLES_LIMITS
                                                 : RF_JSON_REQUEST_LIMITS;
}

static rf_status read_body(rf_call *call, rf_error *err)
{
    const rf_request *request = &call->exchange->request;
    if ((call->route->flags & RF_ROUTE_TEXT) != 0 &&
        !rf_route_is_text(request->content_type)) {
        return rf_fail(err, RF_E_UNSUPPORTED_MEDIA_TYPE,
                       "the body must be text/plain, text/x-lua or "
                       "application/octet-stream, in UTF-8");
    }
    if ((call->route->flags & RF_ROUTE_BODY) == 0) {
        return RF_OK;
    }
    if (!rf_route_is_json(request->content_type)) {
        return rf_fail(err, RF_E_UNSUPPORTED_MEDIA_TYPE,
                       "the body must be application/json in UTF-8");
    }
    return rf_json_parse(&call->exchange->arena, request->body,
                         body_limits(call->route), &call->body, err);
}

/* A parameter that is not obeyed must not look as if it were. */
static rf_status check_trial(const rf_call *call, rf_error *err)
{
    bool dry_run = false;
    if ((call->route->flags & RF_ROUTE_REAL) == 0) {
        return RF_OK;
    }
    rf_status status = rf_call_flag(call, "dryRun", &dry_run, err);
    return status == RF_OK && dry_run
               ? rf_fail_field(
                     err, RF_E_INVALID_FIELD, "dryRun",
                     "this call cannot be tried, it does what it says")
               : status;
}

rf_step rf_call_serve(rf_call *call)
{
    return (call->route->flags & RF_ROUTE_STOCK) != 0
               ? rf_sweep_first(call)
               : call->route->handle(call);
}

/* Everything that is checked before a handler runs, in this order. */
static rf_step run_route(rf_call *call)
{
    rf_error error = {0};
    rf_status status = RF_OK;
    if ((call->route->flags & RF_ROUTE_OPEN) == 0) {
        status = rf_call_enter(call, &error);
    }
    if (status == RF_OK) {
        status = rf_url_parse_query(&call->exchange->arena,
                                    call->exchange->request.query, &call->query,
                                    &error);
    }
    if (status == RF_OK) {
        status = check_trial(call, &error);
    }
    if (status == RF_OK) {
        status = read_body(call, &error);
    }
    return status == RF_OK ? rf_call_serve(call)
                           : rf_reply_failure(call, &error);
}

/* A malformed path is told only to those who may ask at all. */
static rf_step dispatch(rf_call *call)
{
    const rf_request *request = &call->exchange->request;
    rf_api_thread *thread = call->thread;
    rf_path path;
    rf_error error = {0};
    unsigned methods = 0;
    rf_status status =
        rf_url_split_path(&call->exchange->arena, request->path, &path, &error);
    if (status == RF_OK) {
        find_route(call, &path, &methods);
    }
    bool open = call->route != NULL && (call->route->flags & RF_ROUTE_OPEN);
    if (!open) {
        call->identity = rf_auth_identify(
            thread->api->options.auth, &thread->auth_cache,
            request->authorization, rf_api_clock_ms(), &call->caller);
        if (call->identity == NULL) {
            return refuse_stranger(call);
        }
    }
    if (status != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    return call->route == NULL ? refuse_path(call, methods) : run_route(call);
}

/* A reply that found no memory cannot be sent in part; of a stream, whose
 * beginning has been sent, the rest is left out. */
static rf_step settle(rf_call *call, rf_step step)
{
    if (step != RF_STEP_DONE && step != RF_STEP_DROP) {
        return step;
    }
    rf_generation_release(call->generation);
    call->generation = NULL;
    rf_response *response = &call->exchange->response;
    if (rf_buffer_failed(&response->body) && call->exchange->streaming) {
        return RF_STEP_DROP;
    }
    if (rf_buffer_failed(&response->body)) {
        rf_buffer_done(&response->body);
        rf_reply_no_memory(call);
    }
    if (rf_buffer_failed(&response->body)) {
        rf_buffer_clear(&response->body);
        response->content_type = NULL;
    }
    return step;
}

/* ---- What the http part calls ---- */

/* Every request looks at the world anew, those that need none as well: a thread
 * that goes on looking at an old one would keep it alive. */
static rf_step handle(void *thread, rf_exchange *exchange)
{
    rf_api_thread *own = thread;
    own->world = rf_view_world(&own->view, own->api->options.globe);
    rf_call *call = rf_arena_calloc(&exchange->arena, 1, sizeof *call);
    if (call == NULL) {
        exchange->response.status = 503;
        exchange->response.retry_after_s = 1;
        return RF_STEP_DONE;
    }
    call->exchange = exchange;
    call->thread = own;
    call->route_index = RF_ROUTE_OTHER;
    exchange->state = call;
    return settle(call, dispatch(call));
}

static rf_step resume(void *thread, rf_exchange *exchange)
{
    rf_call *call = exchange->state;
    (void)thread;
    return settle(call, call->resume(call));
}

static void count_finished(void *thread, const rf_exchange *exchange,
                           double seconds)
{
    const rf_api_thread *own = thread;
    const rf_call *call = exchange->state;
    rf_metrics_count_request(
        own->metrics,
        call == NULL ? RF_ROUTE_OTHER
                     : own->api->route_counters[call->route_index],
        exchange->request.method, exchange->response.status, seconds);
}

static void *start_thread(void *self, unsigned thread)
{
    rf_api *api = self;
    rf_api_thread *own = rf_calloc(1, sizeof *own);
    if (own != NULL) {
        own->api = api;
        own->number = thread;
        own->metrics = rf_metrics_shard_of(api->metrics, thread);
    }
    return own;
}

static void stop_thread(void *self, void *thread)
{
    rf_api_thread *own = thread;
    (void)self;
    rf_view_done(&own->view);
    rf_buffer_done(&own->scratch);
    rf_free(own);
}

rf_handler rf_api_handler(rf_api *api)
{
    return (rf_handler){.self = api,
                        .thread_start = start_thread,
                        .thread_stop = stop_thread,
                        .handle = handle,
                        .resume = resume,
                        .finished = count_finished};
}

rf_status rf_api_create(const rf_api_options *options, rf_api **out,
                        rf_error *err)
{
    rf_api *api = rf_calloc(1, sizeof *api);
    if (api == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "no memory for the api");
    }
    api->options = *options;
    rf_status status = rf_api__make_metrics(api, tables, TABLE_COUNT, err);
    if (status != RF_OK) {
        rf_free(api);
        return status;
    }
    pthread_mutex_init(&api->scraping, NULL);
    *out = api;
    return RF_OK;
}

void rf_api_free(rf_api *api)
{
    if (api == NULL) {
        return;
    }
    rf_metrics_free(api->metrics);
    pthread_mutex_destroy(&api->scraping);
    rf_free(api);
}

void rf_api_drain(rf_api *api)
{
    atomic_store(&api->draining, true);
}

void rf_api_set_wire(rf_api *api, rf_api_wire wire)
{
    api->wire = wire;
}
