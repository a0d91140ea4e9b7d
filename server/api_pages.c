/*
 * api_pages.c - the contract and the console: texts that are sent as they are.
 *
 * Both are open: they tell nothing that is not in the program's sources. The
 * console may run the one script and the one style that it was built with, and
 * may talk to nobody but this server.
 */
#include "server/api_internal.h"
#include "server/api_result.h"
#include "server/page.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <string.h>

/* A SHA-256 in base64, and a NUL. */
#define HASH_SIZE 45

#define POLICY_SIZE 512

static rf_step send(rf_call *call, const char *content_type, rf_text text)
{
    rf_response *response = &call->exchange->response;
    response->status = 200;
    response->content_type = content_type;
    rf_buffer_append(&response->body, text.bytes, text.length);
    return RF_STEP_DONE;
}

static rf_step send_contract(rf_call *call)
{
    return send(call, RF_CONTENT_JSON, rf_openapi_text());
}

/* ---- The console ---- */

/* Return what stands between the first two of these marks; the page has them.
 */
static rf_text find_between(rf_text page, const char *open, const char *close)
{
    const char *start = memmem(page.bytes, page.length, open, strlen(open));
    RF_ASSERT(start != NULL);
    start += strlen(open);
    size_t rest = page.length - (size_t)(start - page.bytes);
    const char *end = memmem(start, rest, close, strlen(close));
    RF_ASSERT(end != NULL);
    return (rf_text){start, (size_t)(end - start)};
}

static bool hash(rf_text text, char out[HASH_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (EVP_Digest(text.bytes, text.length, digest, &length, EVP_sha256(),
                   NULL) != 1) {
        return false;
    }
    return EVP_EncodeBlock((unsigned char *)out, digest, (int)length) ==
           HASH_SIZE - 1;
}

/* Allow what the page is made of, and nothing else: text that got into it in
 * spite of all care would not run. NULL: no memory. */
static const char *make_policy(rf_call *call, rf_text page)
{
    char script[HASH_SIZE];
    char style[HASH_SIZE];
    char *policy = rf_call_alloc(call, POLICY_SIZE, 1);
    if (policy == NULL ||
        !hash(find_between(page, "<script>", "</script>"), script) ||
        !hash(find_between(page, "<style>", "</style>"), style)) {
        return NULL;
    }
    int length =
        snprintf(policy, POLICY_SIZE,
                 "default-src 'none'; script-src 'sha256-%s'; style-src "
                 "'sha256-%s'; connect-src 'self'; base-uri 'none'; "
                 "form-action 'none'; frame-ancestors 'none'",
                 script, style);
    RF_ASSERT(length < POLICY_SIZE);
    return policy;
}

static rf_step send_console(rf_call *call)
{
    rf_text page = rf_console_text();
    const char *policy = make_policy(call, page);
    if (policy == NULL) {
        return rf_reply_no_memory(call);
    }
    call->exchange->response.policy = policy;
    return send(call, "text/html; charset=utf-8", page);
}

static const rf_route rows[] = {
    {RF_METHOD_GET, "/openapi.json", 0, RF_ROUTE_HOST | RF_ROUTE_OPEN,
     send_contract},
    {RF_METHOD_GET, "/", 0, RF_ROUTE_HOST | RF_ROUTE_OPEN, send_console},
};

const rf_routes rf_routes_pages = {rows, sizeof rows / sizeof rows[0]};
