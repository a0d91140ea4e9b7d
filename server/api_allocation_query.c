/*
 * api_allocation_query.c - POST /allocation/query: the records of one place.
 *
 * A place may have any number of records, so they are read in slices and sent
 * in pieces. What can still be allocated there is the same for all of them and
 * is found out first.
 */
#include "core/query.h"
#include "server/api_command.h"
#include "server/api_groups.h"
#include "server/api_result.h"

/* Records read in one transaction. */
#define RECORDS_PER_SLICE 200

/* ---- What can still be allocated ---- */

typedef struct inquiry {
    rf_call *call;
    rf_command asked; /* where */
    bool prefix;
    bool totals;
    rf_filter filters[RF_DIMENSION_COUNT];
    rf_query query;
    rf_query_run *run;
    rf_quantity available;
    bool evaluated; /* there was a total */
    rf_allocation_query records;
    rf_allocation_listing listing;
    rf_json_writer writer;
} inquiry;

static rf_status evaluate(inquiry *q, const rf_measures *measures,
                          rf_error *err)
{
    const rf_catalog *catalog = rf_call_catalog(q->call);
    rf_place place = q->asked.place;
    place.given &= RF_LEVEL_LEAF;
    rf_subject subject = {.catalog = catalog,
                          .organization = q->asked.organization,
                          .product = q->asked.product,
                          .place = &place,
                          .measures = measures,
                          .now_ms = rf_api_clock_ms(),
                          .thread = q->call->thread->number};
    return rf_calculated_value(&catalog->calculated[catalog->pool_formula],
                               &subject, &q->available, err);
}

/* There is one row at most: nothing is grouped. */
static rf_status visit_total(void *context, const rf_row *row, rf_error *err)
{
    inquiry *q = context;
    q->evaluated = true;
    return evaluate(q, row->measures, err);
}

/* Ask for the total at exactly these dimensions. */
static rf_status begin_total(inquiry *q, rf_error *err)
{
    const rf_place *place = &q->asked.place;
    for (rf_level rest = place->given & RF_LEVEL_LEAF; rest != 0;
         rest &= rest - 1) {
        unsigned coordinate = (unsigned)__builtin_ctzll(rest);
        q->filters[q->query.filter_count++] =
            (rf_filter){coordinate, &place->value[coordinate], 1};
    }
    q->query.organizations = &q->asked.organization;
    q->query.organization_count = 1;
    q->query.products = &q->asked.product;
    q->query.product_count = 1;
    q->query.filters = q->filters;
    return rf_query_start(q->call->generation, &q->query,
                          &q->call->exchange->arena, &q->run, err);
}

/* ---- Records of one place ---- */

static rf_status put_record(void *context, const rf_allocation *record,
                            rf_error *err)
{
    inquiry *q = context;
    (void)err;
    rf_json_begin_object(&q->writer);
    rf_put_allocation(&q->writer, rf_call_catalog(q->call), record);
    rf_json_put_key(&q->writer, "available_to_allocate");
    rf_json_put_quantity(&q->writer, q->available);
    rf_json_end_object(&q->writer);
    return RF_OK;
}

/* What all records at and below the first so many groups come to. */
static rf_status put_total(inquiry *q, size_t count, rf_error *err)
{
    const rf_catalog *catalog = rf_call_catalog(q->call);
    rf_place place = q->asked.place;
    place.given &= RF_LEVEL_LEAF;
    for (size_t i = 0; i < count; i++) {
        place.given |= RF_BIT(catalog->group_order[i]);
    }
    rf_allocation_query query = {.organization = q->asked.organization,
                                 .product = q->asked.product,
                                 .place = &place};
    rf_allocation total;
    rf_status status =
        rf_allocations_total(q->call->thread->api->options.store,
                             q->call->generation, &query, &total, err);
    if (status == RF_OK) {
        rf_json_begin_object(&q->writer);
        rf_put_groups(&q->writer, catalog, "groups", &place);
        rf_put_allocated(&q->writer, &total);
        rf_json_end_object(&q->writer);
    }
    return status;
}

/* One for every prefix of the groups asked for, the empty one first. */
static rf_status put_totals(inquiry *q, rf_error *err)
{
    unsigned groups = rf_level_size(q->asked.place.given & RF_LEVEL_GROUPS);
    rf_status status = RF_OK;
    rf_json_put_key(&q->writer, "totals");
    rf_json_begin_array(&q->writer);
    for (size_t count = 0; count <= groups && status == RF_OK; count++) {
        status = put_total(q, count, err);
    }
    rf_json_end_array(&q->writer);
    return status;
}

static rf_step finish(inquiry *q)
{
    rf_error error = {0};
    rf_json_end_array(&q->writer);
    if (!q->totals) {
        return RF_STEP_DONE;
    }
    if (put_totals(q, &error) != RF_OK) {
        return rf_reply_failure(q->call, &error);
    }
    rf_json_end_object(&q->writer);
    return RF_STEP_DONE;
}

static rf_step read_records(rf_call *call)
{
    inquiry *q = call->state;
    rf_error error = {0};
    bool end = false;
    if (call->exchange->gone) {
        return RF_STEP_DONE;
    }
    rf_status status =
        rf_allocations_read(call->thread->api->options.store, &q->listing,
                            &q->records, &end, &error);
    if (status != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    if (end) {
        return finish(q);
    }
    return call->exchange->response.body.length >= RF_PIECE_BYTES
               ? RF_STEP_MORE
               : RF_STEP_AGAIN;
}

static rf_step begin_records(inquiry *q)
{
    q->records = (rf_allocation_query){.organization = q->asked.organization,
                                       .product = q->asked.product,
                                       .place = &q->asked.place,
                                       .prefix = q->prefix};
    q->listing = (rf_allocation_listing){.generation = q->call->generation,
                                         .limit = RECORDS_PER_SLICE,
                                         .visit = put_record,
                                         .context = q};
    rf_reply_begin(q->call, 200, &q->writer);
    if (q->totals) {
        rf_json_begin_object(&q->writer);
        rf_json_put_key(&q->writer, "Value");
    }
    rf_json_begin_array(&q->writer);
    q->call->resume = read_records;
    return read_records(q->call);
}

static rf_step read_total(rf_call *call)
{
    inquiry *q = call->state;
    rf_error error = {0};
    bool done = false;
    rf_status status = rf_query_slice(q->run, call->thread->api->options.store,
                                      visit_total, q, &done, &error);
    if (status == RF_OK && !done) {
        return RF_STEP_AGAIN;
    }
    rf_query_free(q->run);
    if (status == RF_OK && !q->evaluated) {
        const rf_measures nothing = {0};
        status = evaluate(q, &nothing, &error);
    }
    return status == RF_OK ? begin_records(q) : rf_reply_failure(call, &error);
}

/* Groups are checked as those of a command: higher ones without a gap. */
static rf_status check_groups(inquiry *q, rf_error *err)
{
    rf_command probe = q->asked;
    if ((probe.place.given & RF_LEVEL_GROUPS) == 0) {
        return RF_OK;
    }
    probe.operation = RF_OPERATION_UNALLOCATE;
    probe.quantity = RF_QUANTITY_SCALE;
    return rf_command_check(rf_call_catalog(q->call), &probe,
                            &q->call->thread->scratch, err);
}

static rf_status read_inquiry(inquiry *q, rf_error *err)
{
    rf_json_object body = {q->call->body, ""};
    if (!rf_json_is(body.value, RF_JSON_OBJECT)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "an object is expected");
    }
    rf_status status =
        rf_read_key(q->call, body, RF_JSON_REQUIRED, &q->asked, NULL, err);
    if (status == RF_OK) {
        status = rf_read_target_groups(q->call, body, RF_JSON_OPTIONAL,
                                       &q->asked.place, err);
    }
    if (status == RF_OK) {
        status =
            rf_json_bool(body, "prefix", RF_JSON_OPTIONAL, &q->prefix, err);
    }
    if (status == RF_OK) {
        status =
            rf_json_bool(body, "totals", RF_JSON_OPTIONAL, &q->totals, err);
    }
    return status == RF_OK ? check_groups(q, err) : status;
}

static rf_step query_records(rf_call *call)
{
    rf_error error = {0};
    inquiry *q = rf_call_alloc(call, 1, sizeof *q);
    if (q == NULL) {
        return rf_reply_no_memory(call);
    }
    q->call = call;
    call->state = q;
    call->resume = read_total;
    if (read_inquiry(q, &error) != RF_OK || begin_total(q, &error) != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    return read_total(call);
}

static const rf_route rows[] = {
    {RF_METHOD_POST, "/allocation/query", RF_MAY_READ,
     RF_ROUTE_BODY | RF_ROUTE_STOCK, query_records},
};

const rf_routes rf_routes_allocation_query = {rows,
                                              sizeof rows / sizeof rows[0]};
