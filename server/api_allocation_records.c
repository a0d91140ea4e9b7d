/*
 * api_allocation_records.c - GET /allocation/records: all that was ever
 * allocated, page by page.
 */
#include "core/cursor.h"
#include "server/api_groups.h"
#include "server/api_page.h"
#include "server/api_parameter.h"
#include "server/api_result.h"

/* Steps of a page in one turn of the loop: a step may find no record. */
#define STEPS_PER_TURN 64

static rf_status put_listed(void *context, const rf_allocation *record,
                            rf_error *err)
{
    rf_page *page = context;
    (void)err;
    rf_json_begin_object(&page->writer);
    rf_put_allocation(&page->writer, rf_call_catalog(page->call), record);
    rf_json_end_object(&page->writer);
    page->shown++;
    return RF_OK;
}

static rf_status note_another(void *context, const rf_allocation *record,
                              rf_error *err)
{
    rf_page *page = context;
    (void)record;
    (void)err;
    page->another = true;
    return RF_OK;
}

static rf_status read_step(rf_page *page, bool *end, rf_error *err)
{
    rf_allocation_listing listing = {
        .generation = page->call->generation,
        .limit = rf_page_room(page),
        .visit = rf_page_is_full(page) ? note_another : put_listed,
        .context = page,
        .next = page->next};
    rf_status status = rf_allocations_list(
        page->call->thread->api->options.store, &listing, end, err);
    if (status == RF_OK && !page->another) {
        page->next = listing.next; /* no record stands in between */
    }
    return status;
}

static rf_step read_on(rf_call *call)
{
    rf_page *page = call->state;
    rf_error error = {0};
    bool end = false;
    for (int i = 0; i < STEPS_PER_TURN && !end && !page->another; i++) {
        if (read_step(page, &end, &error) != RF_OK) {
            return rf_reply_failure(call, &error);
        }
    }
    return end || page->another ? rf_page_end(page, "allocation/records")
                                : RF_STEP_AGAIN;
}

/* The only parameters: one that is ignored would show too much. */
static rf_status check_parameters(const rf_call *call, rf_error *err)
{
    for (size_t i = 0; i < call->query.count; i++) {
        const rf_url_pair *pair = &call->query.pairs[i];
        if (!rf_page_owns(pair->name)) {
            return rf_parameter_fail(pair, RF_E_INVALID_FIELD,
                                     "there is no such filter", err);
        }
    }
    return RF_OK;
}

/* A page goes on inside its environment, whatever it was told. */
static rf_status check_place(const rf_page *page, rf_error *err)
{
    rf_key prefix;
    rf_key_environment(&prefix, page->call->generation->environment);
    return page->next.length == 0 || rf_cursor_is_inside(&page->next, &prefix)
               ? RF_OK
               : rf_fail_field(err, RF_E_INVALID_FIELD, "after",
                               "after: what a nextLink says is expected");
}

static rf_step list_records(rf_call *call)
{
    rf_error error = {0};
    rf_page *page = rf_call_alloc(call, 1, sizeof *page);
    if (page == NULL) {
        return rf_reply_no_memory(call);
    }
    if (check_parameters(call, &error) != RF_OK ||
        rf_page_read(call, page, &error) != RF_OK ||
        check_place(page, &error) != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    call->state = page;
    call->resume = read_on;
    rf_page_begin(page);
    return read_on(call);
}

static const rf_route rows[] = {
    {RF_METHOD_GET, "/allocation/records", RF_MAY_READ, 0, list_records},
};

const rf_routes rf_routes_allocation_records = {rows,
                                                sizeof rows / sizeof rows[0]};
