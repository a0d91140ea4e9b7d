/*
 * api_token.c - the token calls: who somebody is, in return for a token.
 *
 * There are two steps, as clients of the hosted service are used to. A client
 * logs in with its id and secret and gets a token that is good for nothing but
 * the second step. There it is exchanged for the one that all other calls take;
 * a key may be exchanged like that as well. Which step a call is, its path
 * tells. Without keys everybody gets what they ask for.
 *
 * Failures have the members of all others here, and `error` and
 * `error_description` as OAuth clients look for.
 */
#include "server/api_form.h"
#include "server/api_result.h"
#include "server/environment_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What the first step says, a little less than the token lasts. */
#define LOGIN_SECONDS (RF_TOKEN_SECONDS - 1)

#define BASIC "basic "

_Static_assert(RF_ENVIRONMENT_ID_MAX <= RF_TOKEN_ENVIRONMENT_MAX,
               "every environment fits into a token");

/* Who a client says it is. */
typedef struct credentials {
    rf_text id;
    rf_text secret;
} credentials;

/* ---- Replies ---- */

static const char *find_oauth_word(const rf_error *error)
{
    rf_class class = rf_status_class(error->status);
    if (error->status == RF_E_INVALID_FIELD &&
        strcmp(error->field, "grant_type") == 0) {
        return "unsupported_grant_type";
    }
    return class == RF_CLASS_UNKNOWN             ? "invalid_client"
           : class == RF_CLASS_FORBIDDEN         ? "unauthorized_client"
           : rf_answer_code(error->status) < 500 ? "invalid_request"
                                                 : "server_error";
}

static rf_step refuse(rf_call *call, const rf_error *error)
{
    rf_answer answer = {.prefix = "",
                        .id = RF_TEXT_EMPTY,
                        .status = error->status,
                        .message = error->message,
                        .field = error->field};
    rf_json_writer writer;
    rf_answer_log(call, &answer);
    rf_reply_begin(call, rf_answer_code(error->status), &writer);
    rf_json_begin_object(&writer);
    rf_answer_put(&writer, &answer);
    rf_json_put_key(&writer, "error");
    rf_json_put_string(&writer, find_oauth_word(error));
    rf_json_put_key(&writer, "error_description");
    rf_json_put_string(&writer, error->message);
    rf_json_end_object(&writer);
    return RF_STEP_DONE;
}

static void put_pair(rf_json_writer *writer, const char *key, const char *value)
{
    rf_json_put_key(writer, key);
    rf_json_put_string(writer, value);
}

/* Put a number as text, as this step does. */
static void put_digits(rf_json_writer *writer, const char *key, int64_t number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, number);
    put_pair(writer, key, digits);
}

/* ---- Common parts ---- */

/* Sign a token. `environment` is empty for any. */
static rf_status issue(const rf_call *call, const rf_identity *identity,
                       rf_token_step step, rf_text environment,
                       char out[RF_TOKEN_SIZE], rf_error *err)
{
    rf_token token = {.step = step,
                      .ends_ms = rf_api_clock_ms() + RF_TOKEN_SECONDS * 1000LL,
                      .environment_length = environment.length};
    memcpy(token.environment, environment.bytes, environment.length);
    return rf_auth_issue(call->thread->api->options.auth, identity, token, out,
                         err);
}

/* ---- The first step ---- */

/* Read "Basic" credentials, if the call has any. An id with a colon, and what
 * has to be escaped there, is sent in the form. */
static rf_status read_basic(const rf_call *call, credentials *out,
                            rf_error *err)
{
    rf_text header = call->exchange->request.authorization;
    size_t start = sizeof BASIC - 1;
    if (header.length <= start ||
        !rf_text_is_name((rf_text){header.bytes, start}, rf_text_of(BASIC))) {
        return RF_OK;
    }
    rf_text text = {header.bytes + start, header.length - start};
    unsigned char *bytes =
        rf_arena_alloc(&call->exchange->arena, RF_BASE64_ROOM(text.length));
    size_t size = 0;
    if (bytes == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "no memory to read credentials");
    }
    unsigned char *colon =
        rf_base64_decode(text, bytes, &size) ? memchr(bytes, ':', size) : NULL;
    if (colon == NULL) {
        return rf_fail(err, RF_E_INVALID_CLIENT,
                       "the Basic credentials are malformed");
    }
    size_t length = (size_t)(colon - bytes);
    out->id = (rf_text){(const char *)bytes, length};
    out->secret = (rf_text){(const char *)colon + 1, size - length - 1};
    return RF_OK;
}

static rf_status read_credentials(const rf_call *call, const rf_form *form,
                                  credentials *out, rf_error *err)
{
    rf_status status = read_basic(call, out, err);
    rf_json_need need =
        out->id.length > 0 ? RF_JSON_OPTIONAL : RF_JSON_REQUIRED;
    if (status == RF_OK) {
        status = rf_form_text(form, "client_id", need, &out->id, err);
    }
    return status == RF_OK
               ? rf_form_text(form, "client_secret", need, &out->secret, err)
               : status;
}

static rf_status log_in(const rf_call *call, const rf_form *form,
                        char token[RF_TOKEN_SIZE], rf_error *err)
{
    credentials client = {RF_TEXT_EMPTY, RF_TEXT_EMPTY};
    rf_status status = rf_form_word(form, "grant_type", RF_JSON_REQUIRED,
                                    "client_credentials", err);
    if (status == RF_OK) {
        status = read_credentials(call, form, &client, err);
    }
    if (status != RF_OK) {
        return status;
    }
    const rf_identity *identity = rf_auth_identify_client(
        call->thread->api->options.auth, client.id, client.secret);
    return identity == NULL
               ? rf_fail(err, RF_E_INVALID_CLIENT,
                         "there is no such client, or its secret is wrong")
               : issue(call, identity, RF_TOKEN_LOGIN, RF_TEXT_EMPTY, token,
                       err);
}

/* What the older of the two forms of this call says beyond the newer. */
static void put_legacy(rf_json_writer *writer, rf_text resource)
{
    int64_t now = rf_api_clock_ms() / 1000;
    put_digits(writer, "expires_on", now + LOGIN_SECONDS);
    put_digits(writer, "not_before", now);
    rf_json_put_key(writer, "resource");
    rf_json_put_text(writer, resource);
}

static rf_step answer_login(rf_call *call, bool is_legacy)
{
    char token[RF_TOKEN_SIZE];
    rf_text resource = RF_TEXT_EMPTY;
    rf_form form;
    rf_error error = {0};
    rf_json_writer writer;
    call->exchange->response.is_secret = true;
    rf_status status = rf_form_read(call, &form, &error);
    if (status == RF_OK) {
        status = rf_form_text(&form, "resource", RF_JSON_OPTIONAL, &resource,
                              &error);
    }
    if (status == RF_OK) {
        status = log_in(call, &form, token, &error);
    }
    if (status != RF_OK) {
        return refuse(call, &error);
    }
    rf_reply_begin(call, 200, &writer);
    rf_json_begin_object(&writer);
    put_pair(&writer, "token_type", "Bearer");
    put_digits(&writer, "expires_in", LOGIN_SECONDS);
    put_digits(&writer, "ext_expires_in", LOGIN_SECONDS);
    if (is_legacy) {
        put_legacy(&writer, resource);
    }
    put_pair(&writer, "access_token", token);
    rf_json_end_object(&writer);
    return RF_STEP_DONE;
}

static rf_step answer_new_login(rf_call *call)
{
    return answer_login(call, false);
}

static rf_step answer_old_login(rf_call *call)
{
    return answer_login(call, true);
}

/* ---- The second step ---- */

/* Read what has to be there, and what may only say one thing. */
static rf_status read_exchange(const rf_form *form, rf_text *assertion,
                               rf_text *environment, rf_error *err)
{
    rf_status status = rf_form_word(form, "grant_type", RF_JSON_REQUIRED,
                                    "client_credentials", err);
    if (status == RF_OK) {
        status = rf_form_word(form, "client_assertion_type", RF_JSON_OPTIONAL,
                              "aad_app", err);
    }
    if (status == RF_OK) {
        status = rf_form_word(form, "context_type", RF_JSON_OPTIONAL,
                              "finops-env", err);
    }
    if (status == RF_OK) {
        status = rf_form_text(form, "client_assertion", RF_JSON_REQUIRED,
                              assertion, err);
    }
    if (status == RF_OK) {
        status =
            rf_form_text(form, "context", RF_JSON_OPTIONAL, environment, err);
    }
    if (status == RF_OK && environment->length > 0 &&
        !rf_environment_id_is_valid(*environment)) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, "context",
                             "the id of an environment is expected");
    }
    return status;
}

/* An environment need not exist for a token, so this does not tell which do. */
static rf_status exchange_token(const rf_call *call, const rf_form *form,
                                char token[RF_TOKEN_SIZE], rf_error *err)
{
    rf_text assertion = RF_TEXT_EMPTY;
    rf_text environment = RF_TEXT_EMPTY;
    rf_status status = read_exchange(form, &assertion, &environment, err);
    if (status != RF_OK) {
        return status;
    }
    const rf_identity *identity = rf_auth_identify_assertion(
        call->thread->api->options.auth, assertion, rf_api_clock_ms());
    if (identity == NULL) {
        return rf_fail(err, RF_E_INVALID_CLIENT,
                       "the assertion is no key and no token of the first "
                       "step, or has ended");
    }
    if (environment.length > 0 && !rf_identity_knows(identity, environment)) {
        return rf_fail_field(err, RF_E_FORBIDDEN, "context",
                             "the client may not use this environment");
    }
    return issue(call, identity, RF_TOKEN_ACCESS, environment, token, err);
}

static rf_step answer_exchange(rf_call *call)
{
    char token[RF_TOKEN_SIZE];
    rf_form form;
    rf_error error = {0};
    rf_json_writer writer;
    call->exchange->response.is_secret = true;
    rf_status status = rf_form_read(call, &form, &error);
    if (status == RF_OK) {
        status = exchange_token(call, &form, token, &error);
    }
    if (status != RF_OK) {
        return refuse(call, &error);
    }
    rf_reply_begin(call, 200, &writer);
    rf_json_begin_object(&writer);
    put_pair(&writer, "access_token", token);
    put_pair(&writer, "token_type", "bearer");
    rf_json_put_key(&writer, "expires_in");
    rf_json_put_integer(&writer, RF_TOKEN_SECONDS);
    rf_json_end_object(&writer);
    return RF_STEP_DONE;
}

/* ---- Routes ---- */

#define FLAGS (RF_ROUTE_HOST | RF_ROUTE_OPEN)
#define NEW_LOGIN "/{tenant}/oauth2/v2.0/token"
#define OLD_LOGIN "/{tenant}/oauth2/token"

static const rf_route rows[] = {
    {RF_METHOD_POST, NEW_LOGIN, 0, FLAGS, answer_new_login},
    {RF_METHOD_GET, NEW_LOGIN, 0, FLAGS, answer_new_login},
    {RF_METHOD_POST, OLD_LOGIN, 0, FLAGS, answer_old_login},
    {RF_METHOD_GET, OLD_LOGIN, 0, FLAGS, answer_old_login},
    {RF_METHOD_POST, "/token", 0, FLAGS, answer_exchange},
    {RF_METHOD_GET, "/token", 0, FLAGS, answer_exchange},
    {RF_METHOD_POST, "/securityservice/token", 0, FLAGS, answer_exchange},
    {RF_METHOD_GET, "/securityservice/token", 0, FLAGS, answer_exchange},
};

const rf_routes rf_routes_token = {rows, sizeof rows / sizeof rows[0]};
