/*
 * api_reload.c - POST {host}/api/admin/reload, and what is noted of every load.
 *
 * A caller whose key is for some environments reloads those, one after the
 * other; anybody else all there are. What became of each is told either way.
 */
#include "server/api_load.h"
#include "server/api_result.h"
#include "server/log.h"

#include <string.h>

typedef struct reload {
    rf_load *load;    /* under way */
    size_t next;      /* of the caller's environments */
    rf_buffer bodies; /* the environments so far, as JSON */
    rf_json_writer writer;
    bool failed;
    rf_error error; /* the first */
} reload;

/* ---- Replying ---- */

static void put_outcome(rf_json_writer *writer, const rf_load_outcome *outcome)
{
    const rf_error *error = &outcome->error;
    bool good = error->status == RF_OK;
    rf_json_begin_object(writer);
    rf_json_put_key(writer, "environmentId");
    rf_json_put_string(writer, outcome->environment);
    rf_json_put_key(writer, "generation");
    rf_json_put_integer(writer, (int64_t)outcome->generation);
    rf_json_put_key(writer, "changed");
    rf_json_put_bool(writer, outcome->changed);
    rf_json_put_key(writer, "processingStatus");
    rf_json_put_string(writer, good ? "success" : "failure");
    rf_json_put_key(writer, "code");
    rf_json_put_string(writer, rf_status_word(error->status));
    rf_json_put_key(writer, "plugin");
    rf_json_put_string(writer, error->script.plugin);
    rf_json_put_key(writer, "file");
    rf_json_put_string(writer, error->script.file);
    rf_json_put_key(writer, "line");
    rf_json_put_integer(writer, error->script.line);
    rf_json_put_key(writer, "message");
    rf_json_put_string(writer, good ? "" : error->message);
    rf_json_end_object(writer);
}

/* A failure is told in the usual shape, too. */
static rf_step reply_reload(rf_call *call, reload *r)
{
    rf_json_writer writer;
    rf_json_end_array(&r->writer);
    rf_reply_begin(call, r->failed ? 400 : 200, &writer);
    rf_json_begin_object(&writer);
    rf_json_put_key(&writer, "id");
    rf_json_put_string(&writer, "");
    rf_json_put_key(&writer, "processingStatus");
    rf_json_put_string(&writer, r->failed ? "failure" : "success");
    rf_json_put_key(&writer, "message");
    rf_json_put_string(&writer, r->failed ? r->error.message : "");
    rf_json_put_key(&writer, "statusCode");
    rf_json_put_integer(&writer, r->failed ? 400 : 200);
    if (r->failed) {
        rf_json_put_key(&writer, "code");
        rf_json_put_string(&writer, rf_status_word(r->error.status));
    }
    rf_json_put_key(&writer, "environments");
    rf_json_put_raw(&writer, (rf_text){r->bodies.bytes, r->bodies.length});
    rf_json_end_object(&writer);
    return RF_STEP_DONE;
}

/* ---- Loading ---- */

static void take_outcome(reload *r, const rf_load_outcome *outcome)
{
    if (outcome->error.status != RF_OK && !r->failed) {
        r->failed = true;
        r->error = outcome->error;
    }
    put_outcome(&r->writer, outcome);
}

/* A key may name environments that are not there: there is nothing to tell of
 * them. */
static bool is_missing(const rf_call *call, const rf_load *load)
{
    return call->identity->environments != NULL &&
           load->error.status == RF_E_UNKNOWN_ENVIRONMENT;
}

static rf_step end(rf_call *call, rf_step step)
{
    reload *r = call->state;
    rf_load_done(r->load);
    rf_buffer_done(&r->bodies);
    return step;
}

static rf_step reload_on(rf_call *call);

/* Begin with the next environment of the caller's, or with all at once. */
static rf_step reload_next(rf_call *call)
{
    reload *r = call->state;
    const rf_identity *identity = call->identity;
    size_t count =
        identity->environments == NULL ? 1 : identity->environment_count;
    if (r->next == count) {
        bool complete = !rf_buffer_failed(&r->bodies);
        return end(call,
                   complete ? reply_reload(call, r) : rf_reply_no_memory(call));
    }
    *r->load = (rf_load){.kind = RF_LOAD_RELOAD,
                         .environment = identity->environments == NULL
                                            ? RF_TEXT_EMPTY
                                            : identity->environments[r->next]};
    r->next++;
    rf_step step = rf_load_submit(call, r->load, reload_on);
    return step == RF_STEP_WAIT ? step : end(call, step);
}

/* One load is done. */
static rf_step reload_on(rf_call *call)
{
    reload *r = call->state;
    if (r->load->outcome_count == 0 && r->load->error.status != RF_OK &&
        !is_missing(call, r->load)) {
        return end(call, rf_load_refuse(call, r->load));
    }
    for (size_t i = 0; i < r->load->outcome_count; i++) {
        if (!is_missing(call, r->load)) {
            take_outcome(r, &r->load->outcomes[i]);
        }
    }
    rf_load_done(r->load);
    return reload_next(call);
}

static rf_step reload_all(rf_call *call)
{
    reload *r = rf_call_alloc(call, 1, sizeof *r);
    if (r != NULL) {
        r->load = rf_load_make(call, RF_LOAD_RELOAD);
    }
    if (r == NULL || r->load == NULL) {
        return rf_reply_no_memory(call);
    }
    call->state = r;
    rf_json_writer_init(&r->writer, &r->bodies, false);
    rf_json_begin_array(&r->writer);
    return reload_next(call);
}

/* ---- Noting ---- */

static const char *word_of(rf_load_kind kind)
{
    static const char *const words[] = {
        [RF_LOAD_RELOAD] = "reload",     [RF_LOAD_CONFIGURE] = "configure",
        [RF_LOAD_PUT] = "put",           [RF_LOAD_REMOVE] = "remove",
        [RF_LOAD_ROLLBACK] = "rollback", [RF_LOAD_PREVIEW] = "preview",
    };
    return words[kind];
}

static void log_load(const rf_load *load, const rf_load_outcome *outcome)
{
    rf_log_line line;
    bool good = outcome->error.status == RF_OK;
    rf_log_begin(&line,
                 !good              ? RF_LOG_WARN
                 : outcome->changed ? RF_LOG_INFO
                                    : RF_LOG_DEBUG,
                 "api",
                 !good              ? "not published, the old one stays"
                 : outcome->changed ? "generation published"
                                    : "nothing to publish");
    rf_log_string(&line, "by", word_of(load->kind));
    rf_log_string(&line, "environment", outcome->environment);
    rf_log_text(&line, "actor", load->actor);
    rf_log_integer(&line, "generation", (int64_t)outcome->generation);
    if (outcome->error.script.plugin[0] != '\0') {
        rf_log_string(&line, "plugin", outcome->error.script.plugin);
        rf_log_string(&line, "file", outcome->error.script.file);
        rf_log_integer(&line, "line", outcome->error.script.line);
    }
    if (!good) {
        rf_log_failure(&line, &outcome->error);
    }
    rf_log_end(&line);
}

void rf_api_note_load(rf_api *api, const rf_load *load,
                      const rf_load_outcome *outcome)
{
    bool good = outcome->error.status == RF_OK;
    if (load->kind == RF_LOAD_PREVIEW ||
        (load->is_quiet && good && !outcome->changed)) {
        return; /* nobody meant to publish anything */
    }
    rf_metrics_count_reload(api->metrics, rf_text_of(outcome->environment),
                            rf_text_of(good ? "success" : "failure"));
    log_load(load, outcome);
}

static const rf_route rows[] = {
    {RF_METHOD_POST, "/api/admin/reload", RF_MAY_ADMIN,
     RF_ROUTE_HOST | RF_ROUTE_REAL, reload_all},
};

const rf_routes rf_routes_reload = {rows, sizeof rows / sizeof rows[0]};
