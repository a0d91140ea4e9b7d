/*
 * http_parse.c - llhttp's callbacks, and the limits around them.
 */
#include "server/http_parse.h"

#include "core/alloc.h"

#include <llhttp.h>

#include <string.h>

_Static_assert(LLHTTP_STRICT_MODE == 1,
               "llhttp and its users are built with LLHTTP_STRICT_MODE=1: the "
               "loose parser accepts requests that hide others");

/* Buffers larger than this are given back after their request. */
#define KEPT_BYTES ((size_t)16 * 1024)

/* What chunk framing may cost: so much for each byte of the body, and a head's
 * worth on top. One-byte chunks need five. */
#define FRAMING_FACTOR 8

struct rf_http_parser {
    llhttp_t machine;
    const rf_http_limits *limits;
    rf_http_memory *memory;
    rf_http_head head;
    rf_buffer body;
    size_t framed_bytes; /* behind the head, chunk framing included */
    bool head_ended;
    bool wants_continue;
    bool keeps_alive;
    rf_http_refusal refusal;
};

/* What a callback returns to end the parsing; the reason is in `refusal`. */
#define STOP (-1)

static rf_http_parser *owner(const llhttp_t *machine)
{
    return machine->data;
}

static int refuse_bad(rf_http_parser *parser, const char *problem)
{
    rf_http_refuse(&parser->refusal, 400, "bad_request", "%s", problem);
    return STOP;
}

static int refuse_memory(rf_http_parser *parser)
{
    rf_http_refuse(&parser->refusal, 503, rf_status_word(RF_E_NO_MEMORY),
                   "no memory for the request");
    return STOP;
}

static int refuse_large_body(rf_http_parser *parser)
{
    rf_http_refuse(&parser->refusal, 413, rf_status_word(RF_E_BODY_TOO_LARGE),
                   "the body is larger than %zu bytes",
                   parser->limits->body_bytes_max);
    return STOP;
}

/* ---- the head ---- */

/* Trailers come by the same callbacks; they are read over, since nothing that
 * matters may arrive after the body it speaks of. */
static int on_head_part(llhttp_t *machine, const char *bytes, size_t length)
{
    rf_http_parser *parser = owner(machine);
    if (parser->head_ended) {
        return 0;
    }
    rf_http_head_append(&parser->head, bytes, length);
    return rf_buffer_failed(&parser->head.bytes) ? refuse_memory(parser) : 0;
}

static int on_url_complete(llhttp_t *machine)
{
    rf_http_head_end_target(&owner(machine)->head);
    return 0;
}

static int on_header_field_complete(llhttp_t *machine)
{
    rf_http_head_end_name(&owner(machine)->head);
    return 0;
}

static int on_header_value_complete(llhttp_t *machine)
{
    rf_http_parser *parser = owner(machine);
    return parser->head_ended ||
                   rf_http_head_end_value(&parser->head, parser->limits,
                                          &parser->refusal)
               ? 0
               : STOP;
}

static rf_method method_of(const llhttp_t *machine)
{
    switch (machine->method) {
    case HTTP_GET:
        return RF_METHOD_GET;
    case HTTP_HEAD:
        return RF_METHOD_HEAD;
    case HTTP_POST:
        return RF_METHOD_POST;
    case HTTP_PUT:
        return RF_METHOD_PUT;
    case HTTP_DELETE:
        return RF_METHOD_DELETE;
    default:
        return RF_METHOD_OTHER;
    }
}

static bool has_body(const rf_http_parser *parser)
{
    return parser->machine.content_length > 0 ||
           parser->head.known[RF_HEADER_TRANSFER_ENCODING].present;
}

static int on_headers_complete(llhttp_t *machine)
{
    rf_http_parser *parser = owner(machine);
    parser->head_ended = true;
    if (!parser->head.lines.ended) {
        return refuse_bad(parser, "the end of the head is in doubt");
    }
    rf_http_facts facts = {.method = method_of(machine),
                           .method_bytes = strlen(llhttp_method_name(
                               (llhttp_method_t)machine->method)),
                           .major = machine->http_major,
                           .minor = machine->http_minor,
                           .content_length = machine->content_length};
    if (!rf_http_head_check(&parser->head, &facts, parser->limits,
                            &parser->refusal)) {
        return STOP;
    }
    /* An upgrade that was offered and passed the check is ignored. */
    machine->upgrade = 0;
    parser->wants_continue = facts.minor > 0 && has_body(parser) &&
                             parser->head.known[RF_HEADER_EXPECT].present;
    return 0;
}

/* ---- the body ---- */

static bool fits_body(const rf_http_parser *parser, uint64_t more)
{
    return more <= parser->limits->body_bytes_max - parser->body.length;
}

static int on_chunk_header(llhttp_t *machine)
{
    rf_http_parser *parser = owner(machine);
    return fits_body(parser, machine->content_length)
               ? 0
               : refuse_large_body(parser);
}

static int on_body(llhttp_t *machine, const char *bytes, size_t length)
{
    rf_http_parser *parser = owner(machine);
    if (!fits_body(parser, length)) {
        return refuse_large_body(parser);
    }
    size_t before = parser->body.capacity;
    rf_buffer_append(&parser->body, bytes, length);
    if (rf_buffer_failed(&parser->body)) {
        return refuse_memory(parser);
    }
    /* A buffer that is kept for the next request stays taken: so most requests
     * do not touch the shared count. */
    size_t grown = parser->body.capacity - before;
    if (grown > 0 && !rf_http_memory_take(parser->memory, grown)) {
        rf_http_memory_give(parser->memory, before);
        rf_buffer_done(&parser->body);
        return refuse_memory(parser);
    }
    return 0;
}

static int on_message_complete(llhttp_t *machine)
{
    owner(machine)->keeps_alive = llhttp_should_keep_alive(machine) != 0;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_head_part,
    .on_url_complete = on_url_complete,
    .on_header_field = on_head_part,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_head_part,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_chunk_header = on_chunk_header,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* ---- feeding ---- */

static rf_http_progress run_machine(rf_http_parser *parser, const char *bytes,
                                    size_t length, size_t *used_out)
{
    llhttp_errno_t problem = llhttp_execute(&parser->machine, bytes, length);
    if (problem == HPE_OK) {
        *used_out = length;
        return RF_HTTP_MORE;
    }
    if (problem == HPE_PAUSED) {
        *used_out = (size_t)(llhttp_get_error_pos(&parser->machine) - bytes);
        return RF_HTTP_COMPLETE;
    }
    if (parser->refusal.status == 0) {
        rf_http_refuse(&parser->refusal, 400, "bad_request",
                       "malformed request: %s",
                       llhttp_get_error_reason(&parser->machine));
    }
    return RF_HTTP_REFUSED;
}

static void refuse_large_head(rf_http_parser *parser)
{
    bool in_target = parser->head.lines.request_line_bytes == 0;
    rf_http_refuse(&parser->refusal, in_target ? 414 : 431,
                   in_target ? "uri_too_long" : "headers_too_large",
                   "the request's head is larger than %zu bytes",
                   parser->limits->head_bytes_max);
}

static rf_http_progress feed_head(rf_http_parser *parser, const char *bytes,
                                  size_t length, size_t *used_out)
{
    size_t in_head = 0;
    const char *problem =
        rf_http_lint_lines(&parser->head.lines, bytes, length, &in_head);
    if (problem != NULL) {
        (void)refuse_bad(parser, problem);
        return RF_HTTP_REFUSED;
    }
    if (parser->head.lines.bytes > parser->limits->head_bytes_max) {
        refuse_large_head(parser);
        return RF_HTTP_REFUSED;
    }
    rf_http_progress progress = run_machine(parser, bytes, in_head, used_out);
    if (progress != RF_HTTP_REFUSED &&
        (parser->head.lines.ended != parser->head_ended ||
         *used_out != in_head)) {
        (void)refuse_bad(parser, "the end of the head is in doubt");
        return RF_HTTP_REFUSED;
    }
    return progress;
}

static rf_http_progress feed_body(rf_http_parser *parser, const char *bytes,
                                  size_t length, size_t *used_out)
{
    rf_http_progress progress = run_machine(parser, bytes, length, used_out);
    parser->framed_bytes += *used_out;
    if (progress != RF_HTTP_REFUSED &&
        parser->framed_bytes > parser->body.length * FRAMING_FACTOR +
                                   parser->limits->head_bytes_max) {
        (void)refuse_bad(parser, "too much chunk framing for the body");
        return RF_HTTP_REFUSED;
    }
    return progress;
}

rf_http_progress rf_http_parser_feed(rf_http_parser *parser, const char *bytes,
                                     size_t length, size_t *used_out)
{
    size_t head = 0;
    size_t body = 0;
    rf_http_progress progress = RF_HTTP_MORE;
    if (!parser->head_ended) {
        progress = feed_head(parser, bytes, length, &head);
    }
    if (progress == RF_HTTP_MORE && head < length) {
        progress = feed_body(parser, bytes + head, length - head, &body);
    }
    *used_out = head + body;
    return progress;
}

bool rf_http_parser_has_begun(const rf_http_parser *parser)
{
    return parser->head.lines.bytes > 0;
}

bool rf_http_parser_take_continue(rf_http_parser *parser)
{
    bool wants = parser->wants_continue && parser->framed_bytes == 0;
    parser->wants_continue = false;
    return wants;
}

bool rf_http_parser_keeps_alive(const rf_http_parser *parser)
{
    return parser->keeps_alive;
}

bool rf_http_parser_is_old(const rf_http_parser *parser)
{
    return parser->machine.http_minor == 0;
}

void rf_http_parser_request(const rf_http_parser *parser, rf_request *out)
{
    const rf_http_head *head = &parser->head;
    rf_text target = rf_http_head_target(head);
    const char *mark = memchr(target.bytes, '?', target.length);
    size_t path = mark == NULL ? target.length : (size_t)(mark - target.bytes);
    out->method =
        parser->head_ended ? method_of(&parser->machine) : RF_METHOD_OTHER;
    out->path = (rf_text){target.bytes, path};
    out->query = mark == NULL ? RF_TEXT_EMPTY
                              : (rf_text){mark + 1, target.length - path - 1};
    out->content_type = rf_http_head_value(head, RF_HEADER_CONTENT_TYPE);
    out->authorization = rf_http_head_value(head, RF_HEADER_AUTHORIZATION);
    out->api_version = rf_http_head_value(head, RF_HEADER_API_VERSION);
    out->idempotency_key = rf_http_head_value(head, RF_HEADER_IDEMPOTENCY_KEY);
    out->last_event_id = rf_http_head_value(head, RF_HEADER_LAST_EVENT_ID);
    out->accept = rf_http_head_value(head, RF_HEADER_ACCEPT);
    out->environment_id = rf_http_head_value(head, RF_HEADER_ENVIRONMENT_ID);
    out->body = parser->body.length == 0
                    ? RF_TEXT_EMPTY
                    : (rf_text){parser->body.bytes, parser->body.length};
}

const rf_http_refusal *rf_http_parser_refusal(const rf_http_parser *parser)
{
    return &parser->refusal;
}

/* ---- life ---- */

static void free_body(rf_http_parser *parser)
{
    rf_http_memory_give(parser->memory, parser->body.capacity);
    rf_buffer_done(&parser->body);
}

void rf_http_parser_reset(rf_http_parser *parser)
{
    if (parser->head.bytes.capacity > KEPT_BYTES) {
        rf_buffer_done(&parser->head.bytes);
    }
    if (parser->body.capacity > KEPT_BYTES) {
        free_body(parser);
    }
    rf_buffer_clear(&parser->head.bytes);
    rf_buffer_clear(&parser->body);
    rf_buffer kept = parser->head.bytes;
    parser->head = (rf_http_head){.bytes = kept};
    parser->framed_bytes = 0;
    parser->head_ended = false;
    parser->wants_continue = false;
    parser->keeps_alive = false;
    parser->refusal.status = 0;
    llhttp_init(&parser->machine, HTTP_REQUEST, &settings);
    parser->machine.data = parser;
}

rf_http_parser *rf_http_parser_create(const rf_http_limits *limits,
                                      rf_http_memory *memory)
{
    rf_http_parser *parser = rf_calloc(1, sizeof *parser);
    if (parser != NULL) {
        parser->limits = limits;
        parser->memory = memory;
        rf_http_parser_reset(parser);
    }
    return parser;
}

void rf_http_parser_free(rf_http_parser *parser)
{
    if (parser != NULL) {
        rf_buffer_done(&parser->head.bytes);
        free_body(parser);
        rf_free(parser);
    }
}
