/*
 * api_result.c - writing results and errors.
 */
#include "server/api_result.h"

#include "core/allocation.h"
#include "core/day.h"
#include "server/log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define RETRY_AFTER_SECONDS 1

#define SCRIPT_LOG_NANOSECONDS 1000000000LL

int rf_answer_code(rf_status status)
{
    static const int codes[] = {
        [RF_CLASS_OK] = 200,           [RF_CLASS_INVALID] = 400,
        [RF_CLASS_REFUSED] = 500,      [RF_CLASS_NOT_FOUND] = 404,
        [RF_CLASS_CONFLICT] = 409,     [RF_CLASS_UNKNOWN] = 401,
        [RF_CLASS_FORBIDDEN] = 403,    [RF_CLASS_METHOD] = 405,
        [RF_CLASS_TOO_LARGE] = 413,    [RF_CLASS_MEDIA] = 415,
        [RF_CLASS_INTERNAL] = 500,     [RF_CLASS_UNAVAILABLE] = 503,
        [RF_CLASS_STORAGE_FULL] = 507,
    };
    return codes[rf_status_class(status)];
}

int rf_answer_http(rf_status status, int refusal)
{
    /* Gateways and retrying clients take a 500 for a fault, so refusals have a
     * status of their own unless the environment wants the body's. */
    bool refused = rf_status_class(status) == RF_CLASS_REFUSED;
    return refused && refusal != 0 ? refusal : rf_answer_code(status);
}

/* Put "prefix~id" in one piece, which fits: ids are bounded when they are read.
 */
static void put_id(rf_json_writer *writer, const rf_answer *answer)
{
    char text[1024];
    if (answer->id.length == 0) {
        rf_json_put_string(writer, "");
        return;
    }
    size_t length = strlen(answer->prefix);
    RF_ASSERT(length + 1 + answer->id.length <= sizeof text);
    memcpy(text, answer->prefix, length);
    text[length++] = '~';
    memcpy(text + length, answer->id.bytes, answer->id.length);
    rf_json_put_text(writer, (rf_text){text, length + answer->id.length});
}

/* A plugin that failed when it was asked is told by its function, one that
 * could not be loaded by its file. */
static void put_script(rf_json_writer *writer, const rf_answer *answer)
{
    const rf_script_place *script = answer->script;
    bool ran = answer->status == RF_E_SCRIPT;
    rf_json_put_key(writer, "plugin");
    rf_json_put_string(writer, script->plugin);
    rf_json_put_key(writer, ran ? "function" : "file");
    rf_json_put_string(writer, ran ? script->function : script->file);
    rf_json_put_key(writer, "line");
    rf_json_put_integer(writer, script->line);
}

static bool has_script(const rf_answer *answer)
{
    return answer->script != NULL && answer->script->plugin[0] != '\0';
}

static void put_failure(rf_json_writer *writer, const rf_answer *answer)
{
    rf_json_put_key(writer, "code");
    rf_json_put_string(writer, rf_status_word(answer->status));
    if (answer->field[0] != '\0') {
        rf_json_put_key(writer, "field");
        rf_json_put_string(writer, answer->field);
    }
    if (has_script(answer)) {
        put_script(writer, answer);
    }
}

void rf_answer_put(rf_json_writer *writer, const rf_answer *answer)
{
    bool good = answer->status == RF_OK;
    rf_json_put_key(writer, "id");
    put_id(writer, answer);
    rf_json_put_key(writer, "processingStatus");
    rf_json_put_string(writer, !good             ? "failure"
                               : answer->partial ? "partialSuccess"
                                                 : "success");
    rf_json_put_key(writer, "message");
    rf_json_put_string(writer, answer->message);
    rf_json_put_key(writer, "statusCode");
    rf_json_put_integer(writer, rf_answer_code(answer->status));
    if (!good) {
        put_failure(writer, answer);
    }
}

void rf_put_place(rf_json_writer *writer, const rf_catalog *catalog,
                  rf_level shown, const rf_place *place)
{
    rf_json_begin_object(writer);
    for (rf_level rest = shown; rest != 0; rest &= rest - 1) {
        unsigned coordinate = (unsigned)__builtin_ctzll(rest);
        bool given = (place->given & RF_BIT(coordinate)) != 0;
        rf_json_put_key_text(writer,
                             rf_catalog_coordinate_name(catalog, coordinate));
        rf_json_put_text(writer,
                         given ? place->value[coordinate] : RF_TEXT_EMPTY);
    }
    rf_json_end_object(writer);
}

/* Print "2031-03-10T09:00:00" of a time that is not before 1970. */
static size_t print_seconds(int64_t at_ms, char *text, size_t size)
{
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm utc;
    return gmtime_r(&seconds, &utc) == NULL
               ? 0
               : strftime(text, size, "%Y-%m-%dT%H:%M:%S", &utc);
}

void rf_put_time(rf_json_writer *writer, int64_t at_ms)
{
    rf_put_exact_time(writer, at_ms - at_ms % 1000);
}

void rf_put_exact_time(rf_json_writer *writer, int64_t at_ms)
{
    char text[48];
    size_t length = print_seconds(at_ms, text, sizeof text - 8);
    int ms = (int)(at_ms % 1000);
    if (length > 0) {
        int more = ms == 0 ? snprintf(text + length, 8, "Z")
                           : snprintf(text + length, 8, ".%03dZ", ms);
        length += (size_t)more;
    }
    rf_json_put_text(writer, (rf_text){text, length});
}

void rf_put_date(rf_json_writer *writer, int64_t at_ms)
{
    char text[RF_DAY_TEXT_SIZE];
    rf_day_print(rf_day_of(at_ms), text);
    rf_json_put_string(writer, text);
}

void rf_put_level(rf_json_writer *writer, const rf_catalog *catalog,
                  rf_level level)
{
    rf_json_begin_array(writer);
    for (rf_level rest = level; rest != 0; rest &= rest - 1) {
        unsigned coordinate = (unsigned)__builtin_ctzll(rest);
        rf_json_put_text(writer,
                         rf_catalog_coordinate_name(catalog, coordinate));
    }
    rf_json_end_array(writer);
}

void rf_put_binding(rf_json_writer *writer, const rf_catalog *catalog,
                    rf_level level, rf_quantity value)
{
    rf_json_put_key(writer, "binding");
    rf_json_begin_object(writer);
    rf_json_put_key(writer, "kind");
    rf_json_put_string(writer, "level");
    rf_json_put_key(writer, "level");
    rf_put_level(writer, catalog, level);
    rf_json_put_key(writer, "value");
    rf_json_put_quantity(writer, value);
    rf_json_end_object(writer);
}

void rf_put_reservation_id(rf_json_writer *writer, uint64_t id,
                           uint64_t created)
{
    char text[RF_RESERVATION_TEXT_MAX];
    size_t length = rf_reservation_print(id, created, text);
    rf_json_put_key(writer, "reservationId");
    rf_json_put_text(writer, (rf_text){text, length});
}

/* A refused reservation has an empty id: clients of the hosted service look for
 * the member itself. */
static void put_refused(rf_json_writer *writer, const rf_catalog *catalog,
                        const rf_result *result)
{
    rf_json_put_key(writer, "reservationId");
    rf_json_put_string(writer, "");
    if (result->has_binding) {
        rf_json_put_key(writer, "available");
        rf_json_put_quantity(writer, result->available);
        rf_put_binding(writer, catalog, result->binding_level,
                       result->binding_value);
    }
}

static void put_reservation(rf_json_writer *writer, const rf_catalog *catalog,
                            const rf_result *result)
{
    if (result->status != RF_OK) {
        put_refused(writer, catalog, result);
        return;
    }
    rf_put_reservation_id(writer, result->reservation,
                          result->reservation_created);
    rf_json_put_key(writer, "quantity");
    rf_json_put_quantity(writer, result->quantity);
    if (result->expires_ms != 0) {
        rf_json_put_key(writer, "expiresAt");
        rf_put_exact_time(writer, result->expires_ms);
    }
}

/* The record's id is told as the client sent it, known or not. */
static void put_reversal(rf_json_writer *writer, const rf_command *command,
                         const rf_result *result)
{
    rf_json_put_key(writer, "reservationId");
    rf_json_put_text(writer, command->reservation);
    rf_json_put_key(writer, "totalInvalidOffsetQtyByReservId");
    rf_json_put_quantity(writer, result->invalid_offset);
}

/* A consumption may reserve, and of what was not asked for as a quantity it is
 * told how much it was. */
static void put_allocated(rf_json_writer *writer, const rf_command *command,
                          const rf_result *result)
{
    bool is_told =
        command->operation == RF_OPERATION_ALLOCATE &&
        (command->allow_partial || command->share != RF_SHARE_QUANTITY);
    if (result->reservation != 0) {
        rf_put_reservation_id(writer, result->reservation,
                              result->reservation_created);
    }
    if (is_told) {
        rf_json_put_key(writer, "quantity");
        rf_json_put_quantity(writer, result->quantity);
    }
}

static void put_allocation(rf_json_writer *writer, const rf_catalog *catalog,
                           const rf_command *command, const rf_result *result)
{
    if (result->status == RF_OK) {
        put_allocated(writer, command, result);
    } else if (result->has_binding ||
               result->status == RF_E_INSUFFICIENT_ALLOCATED) {
        rf_json_put_key(writer, "available");
        rf_json_put_quantity(writer, result->available);
    }
    if (result->has_binding) {
        rf_put_binding(writer, catalog, result->binding_level,
                       result->binding_value);
    }
}

void rf_put_adjustment_state(rf_json_writer *writer, const rf_result *result)
{
    if (result->status != RF_OK) {
        return;
    }
    bool is_staged = result->expires_ms != 0;
    rf_json_put_key(writer, "state");
    rf_json_put_string(writer, is_staged ? "staged" : "posted");
    if (is_staged) {
        rf_json_put_key(writer, "postsAt");
        rf_put_exact_time(writer, result->expires_ms);
    }
}

void rf_result_put_extra(rf_json_writer *writer, const rf_catalog *catalog,
                         const rf_command *command, const rf_result *result)
{
    if (command->operation == RF_OPERATION_RESERVE) {
        put_reservation(writer, catalog, result);
    } else if (command->operation == RF_OPERATION_UNRESERVE) {
        put_reversal(writer, command, result);
    } else if (rf_allocation_is(command->operation)) {
        put_allocation(writer, catalog, command, result);
    } else if (command->operation == RF_OPERATION_ADJUST) {
        rf_put_adjustment_state(writer, result);
    } else if (result->status == RF_OK && result->stale) {
        rf_json_put_key(writer, "code");
        rf_json_put_string(writer, rf_result_word(result));
    }
}

void rf_reply_begin(rf_call *call, int status, rf_json_writer *writer)
{
    rf_response *response = &call->exchange->response;
    response->status = status;
    response->content_type = RF_CONTENT_JSON;
    if (status == 503) {
        response->retry_after_s = RETRY_AFTER_SECONDS;
    }
    rf_buffer_clear(&response->body);
    rf_json_writer_init(writer, &response->body, false);
}

/* Say whether a plugin's failure is to be logged: a formula that fails may fail
 * for every row of every query. `*cut` gets how many were left out before. */
static bool may_log_script(rf_api *api, unsigned *cut)
{
    long long now = rf_api_now_ns();
    long long last = atomic_load(&api->script_error_ns);
    if ((last != 0 && now - last < SCRIPT_LOG_NANOSECONDS) ||
        !atomic_compare_exchange_strong(&api->script_error_ns, &last, now)) {
        atomic_fetch_add(&api->script_errors_cut, 1);
        return false;
    }
    *cut = atomic_exchange(&api->script_errors_cut, 0);
    return true;
}

static void log_script(const rf_call *call, const rf_answer *answer)
{
    rf_api *api = call->thread->api;
    const rf_script_place *script = answer->script;
    unsigned cut = 0;
    rf_metrics_count_script_error(api->metrics, rf_text_of(script->plugin));
    if (!may_log_script(api, &cut)) {
        return;
    }
    rf_log_line line;
    rf_log_begin(&line, RF_LOG_ERROR, "api", "a plugin failed");
    rf_log_string(&line, "plugin", script->plugin);
    rf_log_string(&line, "function", script->function);
    rf_log_string(&line, "file", script->file);
    rf_log_integer(&line, "line", script->line);
    rf_log_string(&line, "reason", answer->message);
    rf_log_text(&line, "environment", call->environment);
    rf_log_string(&line, "request", call->exchange->request.correlation_id);
    rf_log_integer(&line, "left_out", cut);
    rf_log_end(&line);
}

void rf_answer_log(const rf_call *call, const rf_answer *answer)
{
    if (rf_status_class(answer->status) != RF_CLASS_INTERNAL) {
        return;
    }
    if (answer->status == RF_E_SCRIPT && has_script(answer)) {
        log_script(call, answer);
        return;
    }
    rf_log_line line;
    rf_log_begin(&line, RF_LOG_ERROR, "api", "a request failed");
    rf_log_string(&line, "code", rf_status_word(answer->status));
    rf_log_string(&line, "reason", answer->message);
    rf_log_text(&line, "environment", call->environment);
    rf_log_string(&line, "request", call->exchange->request.correlation_id);
    rf_log_end(&line);
}

/* What has been sent cannot be taken back: end in a way that the client sees.
 */
static rf_step cut_off(const rf_call *call, const rf_answer *answer)
{
    rf_log_line line;
    rf_log_begin(&line, RF_LOG_WARN, "api", "a reply was cut off");
    rf_log_string(&line, "code", rf_status_word(answer->status));
    rf_log_string(&line, "reason", answer->message);
    rf_log_text(&line, "environment", call->environment);
    rf_log_string(&line, "request", call->exchange->request.correlation_id);
    rf_log_end(&line);
    return RF_STEP_DROP;
}

rf_step rf_reply_error(rf_call *call, const rf_answer *answer)
{
    rf_answer_log(call, answer);
    if (call->exchange->streaming) {
        return cut_off(call, answer);
    }
    int refusal = call->generation == NULL
                      ? 0
                      : rf_call_catalog(call)->refusal_http_status;
    rf_json_writer writer;
    rf_reply_begin(call, rf_answer_http(answer->status, refusal), &writer);
    rf_json_begin_object(&writer);
    rf_answer_put(&writer, answer);
    rf_json_end_object(&writer);
    return RF_STEP_DONE;
}

rf_step rf_reply_failure(rf_call *call, const rf_error *error)
{
    rf_answer answer = {.prefix = "",
                        .id = RF_TEXT_EMPTY,
                        .status = error->status,
                        .message = error->message,
                        .field = error->field,
                        .script = &error->script};
    return rf_reply_error(call, &answer);
}

rf_step rf_reply_no_memory(rf_call *call)
{
    rf_error error = {0};
    rf_fail(&error, RF_E_NO_MEMORY, "out of memory");
    return rf_reply_failure(call, &error);
}
