/*
 * api_log.c - POST and GET /logTransactionDetails: what was carried out.
 *
 * The POST stores a selection of journal entries as a job, which is completed
 * at once: nothing is copied, the GET reads the journal by it. The selection
 * ends with the journal as it was, so its pages stay what they are, as long as
 * the journal keeps the entries. The same id is the same job.
 */
#include "server/api_command.h"
#include "server/api_entry.h"
#include "server/api_history.h"
#include "server/api_jobs.h"
#include "server/api_result.h"
#include "server/api_task.h"
#include "server/api_time.h"

#include <string.h>

static const char prefix[] = "logt";

/* ---- Selecting ---- */

typedef struct selecting {
    rf_task task;
    rf_log_selection selection;
} selecting;

static rf_status read_span(rf_json_object body, const char *member,
                           rf_time_span *out, rf_error *err)
{
    rf_text text = RF_TEXT_EMPTY;
    rf_status status = rf_json_string(body, member, RF_JSON_REQUIRED,
                                      RF_TIME_CHARACTERS_MAX, &text, err);
    if (status != RF_OK) {
        return status;
    }
    return rf_time_parse_span(text, out)
               ? RF_OK
               : rf_fail_field(err, RF_E_INVALID_FIELD, member,
                               "a date such as 2023/8/23 or a time is "
                               "expected");
}

/* A date at the end is meant with all of its day. */
static rf_status read_times(rf_json_object body, rf_log_selection *out,
                            rf_error *err)
{
    rf_time_span from = {0, 0};
    rf_time_span to = {0, 0};
    rf_status status = read_span(body, "UtcFromDate", &from, err);
    if (status == RF_OK) {
        status = read_span(body, "UtcToDate", &to, err);
    }
    if (status == RF_OK && to.end_ms <= from.start_ms) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, "UtcToDate",
                             "UtcToDate lies before UtcFromDate");
    }
    out->from_ms = from.start_ms;
    out->end_ms = to.end_ms;
    return status;
}

/* The id comes first, so that every other mistake can be told under it. */
static rf_status read_selection(const rf_call *call, rf_log_selection *out,
                                rf_error *err)
{
    rf_json_object body = {call->body, ""};
    rf_level named = 0;
    if (!rf_json_is(call->body, RF_JSON_OBJECT)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "an object is expected");
    }
    rf_status status = rf_json_id(body, "id", &out->id, err);
    if (status == RF_OK) {
        status = rf_json_string(body, "organizationId", RF_JSON_REQUIRED,
                                RF_ORGANIZATION_CHARACTERS_MAX,
                                &out->organization, err);
    }
    if (status == RF_OK) {
        status = rf_json_string(body, "productId", RF_JSON_OPTIONAL,
                                RF_PRODUCT_CHARACTERS_MAX, &out->product, err);
    }
    if (status == RF_OK) {
        status = rf_read_dimensions(call, body, RF_JSON_OPTIONAL, &out->place,
                                    &named, err);
    }
    return status == RF_OK ? read_times(body, out, err) : status;
}

/* The job's GUID is made of the id: whoever sends that again finds it. */
static void name_job(const rf_log_selection *selection, rf_job_id *out)
{
    rf_fingerprint name =
        rf_fingerprint_of(selection->id.bytes, selection->id.length);
    out->kind = RF_JOB_LOG;
    memcpy(out->guid, &name.high, sizeof name.high);
    memcpy(out->guid + sizeof name.high, &name.low, sizeof name.low);
}

static rf_status make_task(rf_call *call, selecting *s, rf_error *err)
{
    rf_buffer *scratch = &call->thread->scratch;
    rf_buffer_clear(scratch);
    rf_log_selection_encode(&s->selection, scratch);
    const void *copy = rf_buffer_failed(scratch)
                           ? NULL
                           : rf_arena_copy(&call->exchange->arena,
                                           scratch->bytes, scratch->length);
    if (copy == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    s->task.kind = RF_TASK_OPEN_JOB;
    s->task.parameters = (rf_bytes){copy, scratch->length};
    s->task.content = rf_fingerprint_of(copy, scratch->length);
    name_job(&s->selection, &s->task.job);
    return RF_OK;
}

static rf_step refuse(rf_call *call, const selecting *s, const rf_error *error)
{
    rf_answer answer = {.prefix = prefix,
                        .id = s->selection.id,
                        .status = error->status,
                        .message = error->message,
                        .field = error->field};
    return rf_reply_error(call, &answer);
}

static rf_step finish_selecting(rf_call *call)
{
    const selecting *s = call->state;
    rf_json_writer writer;
    rf_answer answer = {.prefix = prefix,
                        .id = s->selection.id,
                        .status = RF_OK,
                        .message = "",
                        .field = ""};
    if (s->task.status != RF_OK) {
        return refuse(call, s, &s->task.error);
    }
    rf_reply_begin(call, 200, &writer);
    rf_json_begin_object(&writer);
    rf_put_job_id(&writer, &s->task.job);
    rf_answer_put(&writer, &answer);
    rf_json_end_object(&writer);
    return RF_STEP_DONE;
}

static rf_step open_log(rf_call *call)
{
    rf_error error = {0};
    selecting *s = rf_call_alloc(call, 1, sizeof *s);
    if (s == NULL) {
        return rf_reply_no_memory(call);
    }
    rf_status status = read_selection(call, &s->selection, &error);
    if (status == RF_OK) {
        status = make_task(call, s, &error);
    }
    if (status != RF_OK) {
        return refuse(call, s, &error);
    }
    call->state = s;
    return rf_task_submit(call, &s->task, finish_selecting);
}

/* ---- Reading ---- */

typedef struct reading {
    rf_job_id id;
    rf_job_record record;
    rf_log_selection selection;
} reading;

/* Put an entry whole, as a text that holds JSON. */
static void put_parameters(rf_history_page *page, const rf_entry *entry)
{
    rf_json_writer inner;
    rf_buffer *text = &page->call->thread->scratch;
    rf_buffer_clear(text);
    rf_json_writer_init(&inner, text, false);
    rf_entry_put(&inner, rf_call_catalog(page->call), entry);
    rf_json_put_key(&page->writer, "parameters");
    rf_json_put_text(&page->writer, (rf_text){text->bytes, text->length});
    /* Half an entry must not be sent. */
    page->writer.out->failed =
        page->writer.out->failed || rf_buffer_failed(text);
}

static void put_row(rf_history_page *page, const rf_entry *entry)
{
    const reading *r = page->state;
    rf_json_writer *writer = &page->writer;
    char id[RF_JOB_ID_TEXT_MAX];
    rf_job_id_print(&r->id, id);
    rf_json_begin_object(writer);
    rf_json_put_key(writer, "logId");
    rf_json_put_string(writer, strchr(id, ':') + 1);
    rf_json_put_key(writer, "sequenceNumber");
    rf_json_put_integer(writer, (int64_t)entry->number);
    rf_json_put_key(writer, "methodName");
    rf_json_put_string(writer, rf_operation_name(entry->operation));
    put_parameters(page, entry);
    rf_json_put_key(writer, "timestamp");
    rf_put_exact_time(writer, entry->at_ms);
    rf_json_end_object(writer);
}

static rf_step end_rows(rf_history_page *page, rf_text link)
{
    rf_json_writer *writer = &page->writer;
    rf_json_end_array(writer);
    rf_json_put_key(writer, "nextLink");
    rf_json_put_text(writer, link);
    rf_json_end_object(writer);
    return RF_STEP_DONE;
}

static void begin_rows(rf_history_page *page)
{
    rf_reply_begin(page->call, 200, &page->writer);
    rf_json_begin_object(&page->writer);
    rf_json_put_key(&page->writer, "Value");
    rf_json_begin_array(&page->writer);
}

/* Read the selection of a job; one that selects nothing is not found. */
static rf_status read_job(rf_call *call, reading *r, rf_error *err)
{
    rf_status status = rf_call_job(call, &r->id, &r->record, err);
    if (status == RF_OK && r->id.kind != RF_JOB_LOG) {
        status = rf_fail_field(err, RF_E_UNKNOWN_JOB, "jobId",
                               "this job selects nothing of the log");
    }
    return status == RF_OK ? rf_log_selection_decode(r->record.parameters,
                                                     &r->selection, err)
                           : status;
}

/* A journal that was empty has nothing up to where it ended. */
static void set_filter(rf_history_page *page, const reading *r)
{
    page->place = r->selection.place;
    page->filter.organization = r->selection.organization;
    page->filter.product = r->selection.product;
    page->filter.has_span = true;
    page->filter.from_ms = r->selection.from_ms;
    page->filter.end_ms =
        r->record.number == 0 ? r->selection.from_ms : r->selection.end_ms;
    page->filter.last = r->record.number;
    page->filter.has_succeeded = true;
}

static rf_step read_log(rf_call *call)
{
    rf_error error = {0};
    rf_history_page *page = NULL;
    reading *r = rf_call_alloc(call, 1, sizeof *r);
    if (r == NULL) {
        return rf_reply_no_memory(call);
    }
    rf_status status = read_job(call, r, &error);
    if (status == RF_OK) {
        status = rf_history_page_make(call, &page, &error);
    }
    if (status != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    page->path = "logTransactionDetails";
    page->put = put_row;
    page->end = end_rows;
    page->state = r;
    set_filter(page, r);
    begin_rows(page);
    return rf_history_page_read(page);
}

static const rf_route rows[] = {
    {RF_METHOD_POST, "/logtransactiondetails", RF_MAY_READ,
     RF_ROUTE_BODY | RF_ROUTE_REAL, open_log},
    {RF_METHOD_GET, "/logtransactiondetails", RF_MAY_READ, 0, read_log},
};

const rf_routes rf_routes_log = {rows, sizeof rows / sizeof rows[0]};
