/*
 * api_server.c - health and metrics: what load balancers and scrapers ask.
 */
#include "server/api_internal.h"
#include "server/api_result.h"

/* The process answers: that is all. */
static rf_step ping(rf_call *call)
{
    rf_json_writer writer;
    rf_reply_begin(call, 200, &writer);
    rf_json_begin_object(&writer);
    rf_json_put_key(&writer, "status");
    rf_json_put_string(&writer, "ok");
    rf_json_end_object(&writer);
    return RF_STEP_DONE;
}

/* Reads go on while there is no room for writes, but a balancer that has other
 * servers had better use those. */
static rf_step tell_ready(rf_call *call)
{
    rf_api *api = call->thread->api;
    const char *reason = NULL;
    if (atomic_load(&api->draining)) {
        reason = "the server is stopping";
    } else if (!rf_writer_is_writable(api->options.writer)) {
        reason = "the store takes no writes: there is no room";
    }
    rf_json_writer writer;
    rf_reply_begin(call, reason == NULL ? 200 : 503, &writer);
    rf_json_begin_object(&writer);
    rf_json_put_key(&writer, "status");
    rf_json_put_string(&writer, reason == NULL ? "ready" : "not_ready");
    if (reason != NULL) {
        rf_json_put_key(&writer, "reason");
        rf_json_put_string(&writer, reason);
    }
    rf_json_end_object(&writer);
    return RF_STEP_DONE;
}

static rf_step print_metrics(rf_call *call)
{
    rf_api *api = call->thread->api;
    rf_response *response = &call->exchange->response;
    response->status = 200;
    response->content_type = RF_METRICS_CONTENT_TYPE;
    pthread_mutex_lock(&api->scraping);
    rf_metrics_print(api->metrics, &response->body);
    rf_view_done(&api->scrape_view);
    pthread_mutex_unlock(&api->scraping);
    return RF_STEP_DONE;
}

static const rf_route rows[] = {
    {RF_METHOD_GET, "/health/ping", 0, RF_ROUTE_HOST | RF_ROUTE_OPEN, ping},
    {RF_METHOD_GET, "/health/ready", 0, RF_ROUTE_HOST | RF_ROUTE_OPEN,
     tell_ready},
    {RF_METHOD_GET, "/metrics", RF_MAY_READ, RF_ROUTE_HOST, print_metrics},
};

const rf_routes rf_routes_server = {rows, sizeof rows / sizeof rows[0]};
