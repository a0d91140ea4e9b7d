/*
 * api_onhand.c - change events: POST /onhand, POST /onhand/bulk.
 *
 * An event with "commit": true and a "scheduleDate" says that what was
 * scheduled for that day has happened.
 */
#include "server/api_command.h"
#include "server/api_time.h"
#include "server/api_write.h"

#define SCHEDULE_DATE "scheduleDate"

/* A date alone would be taken for one that was acted on. */
static rf_status check_commit(rf_json_object line, bool commits, rf_error *err)
{
    const rf_json *date = rf_json_member(line.value, rf_text_of(SCHEDULE_DATE));
    if (!commits && date != NULL && !rf_json_is(date, RF_JSON_NULL)) {
        return rf_fail_field(err, RF_E_CONFLICTING_FIELDS, SCHEDULE_DATE,
                             SCHEDULE_DATE " needs \"commit\": true");
    }
    return RF_OK;
}

static rf_status read_commit(rf_json_object line, rf_command *command,
                             rf_error *err)
{
    bool commits = false;
    rf_text date = RF_TEXT_EMPTY;
    rf_status status =
        rf_json_bool(line, "commit", RF_JSON_OPTIONAL, &commits, err);
    if (status == RF_OK) {
        status = check_commit(line, commits, err);
    }
    if (status != RF_OK || !commits) {
        return status;
    }
    status = rf_json_string(line, SCHEDULE_DATE, RF_JSON_REQUIRED,
                            RF_TIME_CHARACTERS_MAX, &date, err);
    if (status == RF_OK && !rf_time_parse_day(date, &command->realizes)) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, SCHEDULE_DATE,
                             "a date such as 2031-03-10 is expected");
    }
    return status;
}

static rf_status read_event(rf_call *call, rf_json_object line,
                            rf_command *command, rf_error *err)
{
    rf_status status = rf_read_event(call, line, command, err);
    return status == RF_OK ? read_commit(line, command, err) : status;
}

static rf_step post_one(rf_call *call)
{
    return rf_write_one(call, RF_OPERATION_POST, read_event);
}

static rf_step post_many(rf_call *call)
{
    return rf_write_many(call, RF_OPERATION_POST, read_event);
}

static const rf_route rows[] = {
    {RF_METHOD_POST, "/onhand", RF_MAY_POST_STOCK, RF_ROUTE_BODY, post_one},
    {RF_METHOD_POST, "/onhand/bulk", RF_MAY_POST_STOCK, RF_ROUTE_BODY,
     post_many},
};

const rf_routes rf_routes_onhand = {rows, sizeof rows / sizeof rows[0]};
