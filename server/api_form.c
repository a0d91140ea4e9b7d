/*
 * api_form.c - reading parameters out of forms, JSON and queries.
 */
#include "server/api_form.h"

#include "server/multipart.h"
#include "server/utf8.h"

/* Longer than any token of anybody. */
#define CHARACTERS_MAX 16384

static rf_status read_json(const rf_call *call, rf_form *out, rf_error *err)
{
    const rf_json *root = NULL;
    rf_status status =
        rf_json_parse(&call->exchange->arena, call->exchange->request.body,
                      RF_JSON_REQUEST_LIMITS, &root, err);
    if (status == RF_OK && !rf_json_is(root, RF_JSON_OBJECT)) {
        status = rf_fail_field(err, RF_E_INVALID_FIELD, "body",
                               "an object is expected");
    }
    out->object = root;
    return status;
}

static rf_status read_multipart(const rf_call *call, rf_text boundary,
                                rf_form *out, rf_error *err)
{
    if (!rf_multipart_boundary_is_valid(boundary)) {
        return rf_fail(err, RF_E_UNSUPPORTED_MEDIA_TYPE,
                       "multipart/form-data needs a proper boundary");
    }
    return rf_multipart_read(&call->exchange->arena,
                             call->exchange->request.body, boundary,
                             &out->pairs, err);
}

static bool begins_with_brace(rf_text body)
{
    size_t at = 0;
    while (at < body.length &&
           (body.bytes[at] == ' ' ||
            (body.bytes[at] >= '\t' && body.bytes[at] <= '\r'))) {
        at++;
    }
    return at < body.length && body.bytes[at] == '{';
}

static rf_status read_body(const rf_call *call, rf_form *out, rf_error *err)
{
    const rf_request *request = &call->exchange->request;
    rf_text type = request->content_type;
    rf_text boundary = RF_TEXT_EMPTY;
    if (rf_route_is_multipart(type, &boundary)) {
        return read_multipart(call, boundary, out, err);
    }
    bool says_nothing = type.length == 0;
    if (says_nothing ? begins_with_brace(request->body)
                     : rf_route_is_json(type)) {
        return read_json(call, out, err);
    }
    if (says_nothing || rf_route_is_form(type)) {
        return rf_url_parse_form(&call->exchange->arena, request->body,
                                 &out->pairs, err);
    }
    return rf_fail(err, RF_E_UNSUPPORTED_MEDIA_TYPE,
                   "the body must be application/x-www-form-urlencoded, "
                   "multipart/form-data or application/json, in UTF-8");
}

rf_status rf_form_read(const rf_call *call, rf_form *out, rf_error *err)
{
    *out = (rf_form){0};
    if (call->route->method == RF_METHOD_GET) {
        out->pairs = call->query;
        return RF_OK;
    }
    if (call->exchange->request.body.length > RF_FORM_BYTES_MAX) {
        return rf_fail(err, RF_E_BODY_TOO_LARGE,
                       "the body of this call has at most %zu bytes",
                       RF_FORM_BYTES_MAX);
    }
    return read_body(call, out, err);
}

/* Read a pair; the empty text when there is none, as in JSON. */
static rf_status read_pair(const rf_form *form, const char *name, rf_text *out,
                           rf_error *err)
{
    size_t from = 0;
    const rf_url_pair *pair =
        rf_url_query_next(&form->pairs, rf_text_of(name), &from);
    if (pair == NULL) {
        return RF_OK;
    }
    if (rf_url_query_next(&form->pairs, rf_text_of(name), &from) != NULL) {
        return rf_fail_field(err, RF_E_DUPLICATE_KEY, name, "%s stands twice",
                             name);
    }
    if (rf_utf8_count(pair->value) > CHARACTERS_MAX) {
        return rf_fail_field(err, RF_E_TOO_LONG, name,
                             "at most %d characters are allowed",
                             CHARACTERS_MAX);
    }
    *out = pair->value;
    return RF_OK;
}

rf_status rf_form_text(const rf_form *form, const char *name, rf_json_need need,
                       rf_text *out, rf_error *err)
{
    if (form->object != NULL) {
        return rf_json_string((rf_json_object){form->object, ""}, name, need,
                              CHARACTERS_MAX, out, err);
    }
    rf_text text = RF_TEXT_EMPTY;
    rf_status status = read_pair(form, name, &text, err);
    if (status == RF_OK && need == RF_JSON_REQUIRED && text.length == 0) {
        return rf_fail_field(err, RF_E_MISSING_FIELD, name, "%s is missing",
                             name);
    }
    if (status == RF_OK && text.length > 0) {
        *out = text;
    }
    return status;
}

rf_status rf_form_word(const rf_form *form, const char *name, rf_json_need need,
                       const char *word, rf_error *err)
{
    rf_text text = RF_TEXT_EMPTY;
    rf_status status = rf_form_text(form, name, need, &text, err);
    if (status == RF_OK && text.length > 0 &&
        !rf_text_is_name(text, rf_text_of(word))) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, name, "%s must be %s",
                             name, word);
    }
    return status;
}
