/*
 * api_adjustment.c - POST /transaction/adjustment/bulk.
 *
 * A line changes one measure, as a change event does, and says what it belongs
 * to in the client's books. It is posted at once with createWithIVSync=true;
 * else it is staged and posted when the period of adjustments is over.
 */
#include "server/api_command.h"
#include "server/api_result.h"
#include "server/api_time.h"
#include "server/api_write.h"

#define CATEGORY_CHARACTERS_MAX 50
#define DOCUMENT_CHARACTERS_MAX 100
#define JOURNAL_CHARACTERS_MAX 20

#define MS_PER_MINUTE INT64_C(60000)

static rf_status read_measure(const rf_call *call, rf_json_object line,
                              rf_command *command, rf_error *err)
{
    static const char source_member[] = "quantityDataSource";
    static const char measure_member[] = "physicalMeasure";
    rf_text source_name = RF_TEXT_EMPTY;
    rf_text measure_name = RF_TEXT_EMPTY;
    const rf_source *source = NULL;
    rf_status status =
        rf_json_string(line, source_member, RF_JSON_REQUIRED,
                       RF_SOURCE_CHARACTERS_MAX, &source_name, err);
    if (status == RF_OK) {
        status = rf_json_string(line, measure_member, RF_JSON_REQUIRED,
                                RF_MODIFIER_CHARACTERS_MAX, &measure_name, err);
    }
    if (status != RF_OK) {
        return status;
    }
    status = rf_find_writable_source(call, source_name, &source, err);
    if (status != RF_OK) {
        return rf_json_at(line, rf_text_of(source_member), status, err);
    }
    status = rf_find_writable_measure(call, source, measure_name,
                                      &command->measure, err);
    return rf_json_at(line, rf_text_of(measure_member), status, err);
}

/* Read a number that may be left out. */
static rf_status read_price(rf_json_object line, rf_reference *out,
                            rf_error *err)
{
    static const char member[] = "costPrice";
    const rf_json *value = rf_json_member(line.value, rf_text_of(member));
    out->has_price = value != NULL && !rf_json_is(value, RF_JSON_NULL);
    return out->has_price ? rf_json_quantity(line, member, RF_JSON_REQUIRED,
                                             &out->price, err)
                          : RF_OK;
}

/* Read a date; of a time it is the day that counts. */
static rf_status read_date(rf_json_object line, rf_reference *out,
                           rf_error *err)
{
    static const char member[] = "transDate";
    rf_text text = RF_TEXT_EMPTY;
    rf_time_span span;
    rf_status status = rf_json_string(line, member, RF_JSON_OPTIONAL,
                                      RF_TIME_CHARACTERS_MAX, &text, err);
    if (status != RF_OK || text.length == 0) {
        return status;
    }
    if (!rf_time_parse_span(text, &span)) {
        rf_fail(err, RF_E_INVALID_FIELD,
                "a date such as 2031-03-10 is expected");
        return rf_json_at(line, rf_text_of(member), RF_E_INVALID_FIELD, err);
    }
    out->has_date = true;
    out->date_ms = rf_day_start(rf_day_of(span.start_ms));
    return RF_OK;
}

static rf_status read_reference(rf_json_object line, rf_reference *out,
                                rf_error *err)
{
    const struct {
        const char *member;
        size_t characters_max;
        rf_text *text;
    } texts[] = {
        {"externalReferenceCategory", CATEGORY_CHARACTERS_MAX, &out->category},
        {"externalReferenceId", DOCUMENT_CHARACTERS_MAX, &out->document},
        {"fnoJournalNameId", JOURNAL_CHARACTERS_MAX, &out->journal},
    };
    rf_status status = RF_OK;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && status == RF_OK;
         i++) {
        status = rf_json_string(line, texts[i].member, RF_JSON_OPTIONAL,
                                texts[i].characters_max, texts[i].text, err);
    }
    if (status == RF_OK) {
        status = read_price(line, out, err);
    }
    return status == RF_OK ? read_date(line, out, err) : status;
}

/* Whether lines are posted at once was seen to be true or false before. */
static rf_status read_delay(const rf_call *call, rf_command *command,
                            rf_error *err)
{
    bool at_once = false;
    rf_status status = rf_call_flag(call, "createWithIVSync", &at_once, err);
    int64_t minutes = call->thread->api->options.options->adjustment_minutes;
    command->delay_ms = at_once ? 0 : minutes * MS_PER_MINUTE;
    return status;
}

static rf_status read_adjustment(rf_call *call, rf_json_object line,
                                 rf_command *command, rf_error *err)
{
    rf_reference *reference = rf_call_alloc(call, 1, sizeof *reference);
    if (reference == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    command->reference = reference;
    rf_status status =
        rf_read_key(call, line, RF_JSON_REQUIRED, command, NULL, err);
    if (status == RF_OK) {
        status = read_measure(call, line, command, err);
    }
    if (status == RF_OK) {
        status = rf_json_quantity(line, "quantity", RF_JSON_REQUIRED,
                                  &command->quantity, err);
    }
    if (status == RF_OK) {
        status = read_reference(line, reference, err);
    }
    return status == RF_OK ? read_delay(call, command, err) : status;
}

static rf_step adjust_many(rf_call *call)
{
    rf_error error = {0};
    rf_command ignored;
    return read_delay(call, &ignored, &error) == RF_OK
               ? rf_write_many(call, RF_OPERATION_ADJUST, read_adjustment)
               : rf_reply_failure(call, &error);
}

static const rf_route rows[] = {
    {RF_METHOD_POST, "/transaction/adjustment/bulk", RF_MAY_POST_STOCK,
     RF_ROUTE_BODY, adjust_many},
};

const rf_routes rf_routes_adjustment = {rows, sizeof rows / sizeof rows[0]};
