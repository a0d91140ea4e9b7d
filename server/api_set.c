/*
 * api_set.c - counts: POST /setonhand/{inventorySystem}/bulk.
 *
 * A line is that of a change event, with what the measures become in place of
 * changes, and when it was counted. It sets the measures of one data source,
 * the one in the path.
 */
#include "server/api_command.h"
#include "server/api_result.h"
#include "server/api_time.h"
#include "server/api_write.h"

/* Longer than any time is written. */
#define TIME_CHARACTERS_MAX 100

static const rf_source *source_of(const rf_call *call)
{
    return rf_catalog_source(rf_call_catalog(call), call->captured[0]);
}

/* Refuse the quantities of another source; of one that does not exist it is
 * told that. */
static rf_status check_sources(const rf_call *call, rf_json_object line,
                               rf_error *err)
{
    rf_json_object quantities = {
        rf_json_member(line.value, rf_text_of("quantities")), "quantities"};
    const rf_source *own = source_of(call);
    if (quantities.value == NULL ||
        !rf_json_is(quantities.value, RF_JSON_OBJECT)) {
        return RF_OK; /* told by who reads them */
    }
    for (const rf_json *member = rf_json_first(quantities.value);
         member != NULL; member = rf_json_next(member)) {
        rf_text name = rf_json_name(member);
        const rf_source *source =
            rf_catalog_source(rf_call_catalog(call), name);
        if (source != NULL && source != own) {
            rf_fail(err, RF_E_SOURCE_MISMATCH,
                    "measures of %.*s are not set by way of %.*s",
                    RF_SHOWN(source->name), RF_SHOWN(own->name));
            return rf_json_at(quantities, name, RF_E_SOURCE_MISMATCH, err);
        }
    }
    return RF_OK;
}

static rf_status read_time(rf_json_object line, rf_command *command,
                           rf_error *err)
{
    static const char member[] = "modifiedDateTimeUTC";
    rf_text text = {NULL, 0};
    int64_t at_ms = 0;
    rf_status status = rf_json_string(line, member, RF_JSON_OPTIONAL,
                                      TIME_CHARACTERS_MAX, &text, err);
    if (status != RF_OK || text.bytes == NULL) {
        return status;
    }
    if (!rf_time_parse(text, &at_ms)) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, member,
                             "a time such as 2031-03-10T09:00:00Z is expected");
    }
    command->at_ms = at_ms == 0 ? 1 : at_ms;
    return RF_OK;
}

static rf_status read_count(rf_call *call, rf_json_object line,
                            rf_command *command, rf_error *err)
{
    rf_status status = check_sources(call, line, err);
    if (status == RF_OK) {
        status = rf_read_event(call, line, command, err);
    }
    return status == RF_OK ? read_time(line, command, err) : status;
}

static rf_step set_many(rf_call *call)
{
    if (source_of(call) == NULL) {
        rf_error error = {0};
        rf_fail_field(&error, RF_E_UNKNOWN_DATA_SOURCE, "inventorySystem",
                      "there is no data source %.*s",
                      RF_SHOWN(call->captured[0]));
        return rf_reply_failure(call, &error);
    }
    return rf_write_many(call, RF_OPERATION_SET, read_count);
}

static const rf_route rows[] = {
    {RF_METHOD_POST, "/setonhand/{inventorySystem}/bulk", RF_MAY_POST_STOCK,
     RF_ROUTE_BODY, set_many},
};

const rf_routes rf_routes_set = {rows, sizeof rows / sizeof rows[0]};
