/*
 * api_page.c - the frame of a page, and the link to the next one.
 */
#include "server/api_page.h"

#include "core/cursor.h"
#include "server/api_parameter.h"
#include "server/api_result.h"

#include <inttypes.h>
#include <stdio.h>

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000

/* A page of long rows ends early. It may be longer by one step's rows. */
#define PAGE_BYTES_MAX ((size_t)1024 * 1024)
#define ROWS_PER_STEP 100

/* Room for a link without its filters. */
#define LINK_BYTES (RF_CURSOR_TEXT_MAX + 128)

bool rf_page_owns(rf_text parameter)
{
    return rf_text_is_name(parameter, rf_text_of("limit")) ||
           rf_text_is_name(parameter, rf_text_of("after"));
}

rf_status rf_page_read(rf_call *call, rf_page *out, rf_error *err)
{
    out->call = call;
    out->limit = LIMIT_DEFAULT;
    rf_status status =
        rf_call_integer(call, "limit", 1, LIMIT_MAX, &out->limit, err);
    rf_text after = rf_url_query_value(&call->query, rf_text_of("after"), NULL);
    if (status == RF_OK && !rf_cursor_parse(after, &out->next)) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, "after",
                             "after: what a nextLink says is expected");
    }
    return status;
}

bool rf_page_is_full(const rf_page *page)
{
    return page->shown == page->limit ||
           page->writer.out->length >= PAGE_BYTES_MAX;
}

size_t rf_page_room(const rf_page *page)
{
    size_t left = (size_t)(page->limit - page->shown);
    if (rf_page_is_full(page)) {
        return 1;
    }
    return left < ROWS_PER_STEP ? left : ROWS_PER_STEP;
}

void rf_page_begin(rf_page *page)
{
    rf_reply_begin(page->call, 200, &page->writer);
    rf_json_begin_object(&page->writer);
    rf_json_put_key(&page->writer, "Value");
    rf_json_begin_array(&page->writer);
}

static void print_link(const rf_page *page, const char *path, rf_buffer *out)
{
    char text[LINK_BYTES];
    char cursor[RF_CURSOR_TEXT_MAX];
    rf_cursor_print(&page->next, cursor);
    snprintf(text, sizeof text, "%s?after=%s&limit=%" PRId64, path, cursor,
             page->limit);
    rf_parameter_link(page->call, text, out);
}

rf_step rf_page_end(rf_page *page, const char *path)
{
    rf_buffer *link = &page->call->thread->scratch;
    rf_buffer_clear(link);
    if (page->another) {
        print_link(page, path, link);
    }
    if (rf_buffer_failed(link)) {
        return rf_reply_no_memory(page->call);
    }
    rf_json_end_array(&page->writer);
    rf_json_put_key(&page->writer, "nextLink");
    rf_json_put_text(&page->writer, (rf_text){link->bytes, link->length});
    rf_json_end_object(&page->writer);
    return RF_STEP_DONE;
}
