/*
 * api_allocation_records.c - GET /allocation/records: all that was ever
 * allocated, page by page.
 */
#include "server/api_groups.h"
#include "server/api_parameter.h"
#include "server/api_result.h"

#include <inttypes.h>
#include <stdio.h>

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000

/* Steps of a page in one turn of the loop: a step may find no record. */
#define STEPS_PER_TURN 64

typedef struct page {
    rf_call *call;
    rf_json_writer writer;
    rf_key after; /* the last record put, and what was found to be none */
    int64_t limit;
    int64_t shown;
    bool another; /* there is one behind the page */
} page;

static rf_status put_listed(void *context, const rf_allocation *record,
                            rf_error *err)
{
    page *p = context;
    (void)err;
    rf_json_begin_object(&p->writer);
    rf_put_allocation(&p->writer, rf_call_catalog(p->call), record);
    rf_json_end_object(&p->writer);
    p->shown++;
    return RF_OK;
}

static rf_status note_another(void *context, const rf_allocation *record,
                              rf_error *err)
{
    page *p = context;
    (void)record;
    (void)err;
    p->another = true;
    return RF_OK;
}

/* The place of a page is the key of its last record, without the environment,
 * in hexadecimal digits. */
static int digit_value(char c)
{
    char lower = rf_lower(c);
    return c >= '0' && c <= '9'           ? c - '0'
           : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
                                          : -1;
}

static bool read_cursor(rf_text text, rf_key *key)
{
    if (text.length % 2 != 0 ||
        text.length / 2 > (size_t)RF_STORE_KEY_MAX - key->length) {
        return false;
    }
    for (size_t i = 0; i < text.length; i += 2) {
        int high = digit_value(text.bytes[i]);
        int low = digit_value(text.bytes[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        key->bytes[key->length++] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static void print_link(const page *p, rf_buffer *out)
{
    static const char digits[] = "0123456789abcdef";
    char rest[40];
    rf_key prefix;
    rf_key_environment(&prefix, p->call->generation->environment);
    rf_buffer_append_string(out, "allocation/records?after=");
    for (size_t i = prefix.length; i < p->after.length; i++) {
        rf_buffer_append_byte(out,
                              (unsigned char)digits[p->after.bytes[i] >> 4]);
        rf_buffer_append_byte(out,
                              (unsigned char)digits[p->after.bytes[i] & 15]);
    }
    snprintf(rest, sizeof rest, "&limit=%" PRId64, p->limit);
    rf_buffer_append_string(out, rest);
}

static rf_step finish_page(page *p)
{
    rf_buffer *link = &p->call->thread->scratch;
    rf_buffer_clear(link);
    if (p->another) {
        print_link(p, link);
    }
    if (rf_buffer_failed(link)) {
        return rf_reply_no_memory(p->call);
    }
    rf_json_end_array(&p->writer);
    rf_json_put_key(&p->writer, "nextLink");
    rf_json_put_text(&p->writer, (rf_text){link->bytes, link->length});
    rf_json_end_object(&p->writer);
    return RF_STEP_DONE;
}

/* Read on. When the page is full, look whether there is another record, so
 * that no link leads to an empty page. */
static rf_status read_step(page *p, bool *end, rf_error *err)
{
    rf_allocation_listing listing = {.generation = p->call->generation,
                                     .limit = (size_t)(p->limit - p->shown),
                                     .visit = put_listed,
                                     .context = p,
                                     .next = p->after};
    if (p->shown == p->limit) {
        listing.limit = LIMIT_DEFAULT;
        listing.visit = note_another;
    }
    rf_status status = rf_allocations_list(p->call->thread->api->options.store,
                                           &listing, end, err);
    if (status == RF_OK && !p->another) {
        p->after = listing.next; /* no record stands in between */
    }
    return status;
}

static rf_step read_page(rf_call *call)
{
    page *p = call->state;
    rf_error error = {0};
    bool end = false;
    for (int i = 0; i < STEPS_PER_TURN && !end && !p->another; i++) {
        if (read_step(p, &end, &error) != RF_OK) {
            return rf_reply_failure(call, &error);
        }
    }
    return end || p->another ? finish_page(p) : RF_STEP_AGAIN;
}

/* The only parameters: one that is ignored would show too much. */
static rf_status check_parameters(const rf_call *call, rf_error *err)
{
    for (size_t i = 0; i < call->query.count; i++) {
        const rf_url_pair *pair = &call->query.pairs[i];
        if (!rf_text_is_name(pair->name, rf_text_of("limit")) &&
            !rf_text_is_name(pair->name, rf_text_of("after"))) {
            return rf_parameter_fail(pair, RF_E_INVALID_FIELD,
                                     "there is no such filter", err);
        }
    }
    return RF_OK;
}

static rf_status begin_page(page *p, rf_error *err)
{
    rf_status status = check_parameters(p->call, err);
    if (status == RF_OK) {
        status =
            rf_call_integer(p->call, "limit", 1, LIMIT_MAX, &p->limit, err);
    }
    rf_text after =
        rf_url_query_value(&p->call->query, rf_text_of("after"), NULL);
    if (status != RF_OK || after.length == 0) {
        return status;
    }
    rf_key_environment(&p->after, p->call->generation->environment);
    return read_cursor(after, &p->after)
               ? RF_OK
               : rf_fail_field(err, RF_E_INVALID_FIELD, "after",
                               "after: what a nextLink says is expected");
}

static rf_step list_records(rf_call *call)
{
    rf_error error = {0};
    page *p = rf_call_alloc(call, 1, sizeof *p);
    if (p == NULL) {
        return rf_reply_no_memory(call);
    }
    p->call = call;
    p->limit = LIMIT_DEFAULT;
    if (begin_page(p, &error) != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    call->state = p;
    call->resume = read_page;
    rf_reply_begin(call, 200, &p->writer);
    rf_json_begin_object(&p->writer);
    rf_json_put_key(&p->writer, "Value");
    rf_json_begin_array(&p->writer);
    return read_page(call);
}

static const rf_route rows[] = {
    {RF_METHOD_GET, "/allocation/records", RF_MAY_READ, 0, list_records},
};

const rf_routes rf_routes_allocation_records = {rows,
                                                sizeof rows / sizeof rows[0]};
