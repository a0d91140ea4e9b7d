/*
 * api_reserve.c - reserving and taking back: POST /onhand/reserve,
 * /onhand/unreserve, and their lists.
 */
#include "server/api_command.h"
#include "server/api_time.h"
#include "server/api_write.h"

#include <stdio.h>

/* More than any way to write a time takes. */
#define TIME_CHARACTERS_MAX 64

/* ---- Reserve ---- */

/* Find the measure of the service's own source that only reservations write;
 * NULL: these are not its names. */
static const rf_physical *find_own(const rf_call *call, rf_text source,
                                   rf_text name)
{
    const rf_physical *measure =
        rf_catalog_physical(rf_call_catalog(call), source, name);
    return measure != NULL && rf_physical_is_own_reservation(measure) ? measure
                                                                      : NULL;
}

static rf_status read_measure(const rf_call *call, rf_json_object line,
                              rf_command *command, rf_error *err)
{
    rf_text source_name = rf_text_of("iv");
    rf_text modifier = RF_TEXT_EMPTY;
    const rf_source *source = NULL;
    rf_status status =
        rf_json_string(line, "quantityDataSource", RF_JSON_OPTIONAL,
                       RF_SOURCE_CHARACTERS_MAX, &source_name, err);
    if (status == RF_OK) {
        status = rf_json_string(line, "modifier", RF_JSON_REQUIRED,
                                RF_MODIFIER_CHARACTERS_MAX, &modifier, err);
    }
    if (status != RF_OK) {
        return status;
    }
    const rf_physical *own = find_own(call, source_name, modifier);
    if (own != NULL) {
        command->measure = own->number;
        return RF_OK;
    }
    status = rf_find_writable_source(call, source_name, &source, err);
    if (status != RF_OK) {
        return rf_json_at(line, rf_text_of("quantityDataSource"), status, err);
    }
    status = rf_find_writable_measure(call, source, modifier, &command->measure,
                                      err);
    return rf_json_at(line, rf_text_of("modifier"), status, err);
}

/* Find the quantity of the service's own measure where nothing else is named;
 * NULL: it is not this one. */
static const rf_json *find_own_quantity(const rf_call *call,
                                        const rf_json *quantities,
                                        rf_command *command)
{
    const rf_json *source = rf_json_first(quantities);
    if (source == NULL || rf_json_length(quantities) != 1 ||
        !rf_json_is(source, RF_JSON_OBJECT) || rf_json_length(source) != 1) {
        return NULL;
    }
    const rf_json *value = rf_json_first(source);
    const rf_physical *own =
        find_own(call, rf_json_name(source), rf_json_name(value));
    if (own == NULL) {
        return NULL;
    }
    command->measure = own->number;
    return value;
}

/* The other form: {"quantities": {"iv": {"softreserved": 3}}}. */
static rf_status read_as_event(const rf_call *call, rf_json_object line,
                               const rf_json *quantities, rf_command *command,
                               rf_error *err)
{
    static const char *const others[] = {"quantityDataSource", "modifier",
                                         "quantity"};
    rf_amount amounts[RF_EVENT_QUANTITIES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (rf_json_member(line.value, rf_text_of(others[i])) != NULL) {
            return rf_fail_field(err, RF_E_CONFLICTING_FIELDS, "quantities",
                                 "quantities stands in place of %s", others[i]);
        }
    }
    const rf_json *own = find_own_quantity(call, quantities, command);
    if (own != NULL) {
        rf_status status = rf_json_to_quantity(own, &command->quantity, err);
        return rf_json_at(line, rf_text_of("quantities"), status, err);
    }
    rf_status status = rf_read_quantities(
        call, (rf_json_object){quantities, "quantities"}, amounts, &count, err);
    if (status == RF_OK && count != 1) {
        status = rf_fail_field(err, RF_E_INVALID_FIELD, "quantities",
                               "a reservation has one measure");
    }
    if (status == RF_OK) {
        command->measure = amounts[0].measure;
        command->quantity = amounts[0].quantity;
    }
    return status;
}

static rf_status read_amount(const rf_call *call, rf_json_object line,
                             rf_command *command, rf_error *err)
{
    const rf_json *quantities = NULL;
    rf_status status = rf_json_child(line, "quantities", RF_JSON_OPTIONAL,
                                     RF_JSON_OBJECT, &quantities, err);
    if (status == RF_OK && quantities != NULL) {
        return read_as_event(call, line, quantities, command, err);
    }
    if (status == RF_OK) {
        status = read_measure(call, line, command, err);
    }
    return status == RF_OK
               ? rf_json_quantity(line, "quantity", RF_JSON_REQUIRED,
                                  &command->quantity, err)
               : status;
}

/* The time of 1970 itself is past like any other, but 0 stands for no hold. */
static rf_status read_end(rf_json_object line, rf_command *command,
                          rf_error *err)
{
    rf_text text = RF_TEXT_EMPTY;
    const rf_json *member = rf_json_member(line.value, rf_text_of("expiresAt"));
    if (member == NULL || rf_json_is(member, RF_JSON_NULL)) {
        return RF_OK;
    }
    rf_status status = rf_json_string(line, "expiresAt", RF_JSON_OPTIONAL,
                                      TIME_CHARACTERS_MAX, &text, err);
    if (status != RF_OK) {
        return status;
    }
    if (!rf_time_parse(text, &command->expires_ms)) {
        rf_fail(err, RF_E_INVALID_FIELD,
                "a time such as 2031-03-10T09:00:00Z is expected");
        return rf_json_at(line, rf_text_of("expiresAt"), RF_E_INVALID_FIELD,
                          err);
    }
    command->expires_ms += command->expires_ms == 0 ? 1 : 0;
    return RF_OK;
}

static rf_status read_hold(rf_json_object line, rf_command *command,
                           rf_error *err)
{
    int64_t seconds = 0;
    rf_status status = rf_json_integer(line, "ttlSeconds", RF_JSON_OPTIONAL,
                                       (rf_json_range){1, RF_TTL_MS_MAX / 1000},
                                       &seconds, err);
    command->ttl_ms = seconds * 1000;
    return status == RF_OK ? read_end(line, command, err) : status;
}

/* A dimension outside the configured ones is refused even when it is empty,
 * which the command does not tell any more. */
static rf_status check_named(const rf_call *call, rf_level named, rf_error *err)
{
    const rf_catalog *catalog = rf_call_catalog(call);
    rf_level outside = named & ~rf_catalog_reservation_mask(catalog);
    if (outside == 0 || catalog->drops_dimensions) {
        return RF_OK;
    }
    rf_text name = rf_dimension_name((unsigned)__builtin_ctzll(outside));
    char field[64];
    snprintf(field, sizeof field, "dimensions.%.*s", (int)name.length,
             name.bytes);
    return rf_fail_field(err, RF_E_DIMENSION_NOT_RESERVABLE, field,
                         "%.*s is not among the reservation dimensions",
                         (int)name.length, name.bytes);
}

static rf_status read_reservation(rf_call *call, rf_json_object line,
                                  rf_command *command, rf_error *err)
{
    rf_level named = 0;
    rf_status status =
        rf_read_key(call, line, RF_JSON_REQUIRED, command, &named, err);
    command->check = true;
    if (status == RF_OK) {
        status = read_amount(call, line, command, err);
    }
    if (status == RF_OK) {
        status = rf_json_bool(line, "ifCheckAvailForReserv", RF_JSON_OPTIONAL,
                              &command->check, err);
    }
    if (status == RF_OK) {
        status = rf_read_partial(line, command, err);
    }
    if (status == RF_OK) {
        status = rf_read_owner(line, command, err);
    }
    if (status == RF_OK) {
        status = read_hold(line, command, err);
    }
    return status == RF_OK ? check_named(call, named, err) : status;
}

/* ---- Unreserve ---- */

/* The reason matters to stock rules only, but a wrong one is wrong always. */
static rf_status check_reason(rf_json_object line, rf_error *err)
{
    rf_text reason = rf_text_of("cancelled");
    rf_status status = rf_json_string(line, "reason", RF_JSON_OPTIONAL,
                                      RF_TAG_CHARACTERS_MAX, &reason, err);
    bool known = rf_text_is_name(reason, rf_text_of("cancelled")) ||
                 rf_text_is_name(reason, rf_text_of("shipped"));
    return status != RF_OK || known
               ? status
               : rf_fail_field(err, RF_E_INVALID_FIELD, "reason",
                               "cancelled or shipped is expected");
}

static rf_status read_reversal(rf_call *call, rf_json_object line,
                               rf_command *command, rf_error *err)
{
    rf_status status =
        rf_read_key(call, line, RF_JSON_OPTIONAL, command, NULL, err);
    if (status == RF_OK) {
        status =
            rf_json_string(line, "reservationId", RF_JSON_REQUIRED,
                           RF_TAG_CHARACTERS_MAX, &command->reservation, err);
    }
    if (status == RF_OK) {
        status = rf_json_quantity(line, "OffsetQty", RF_JSON_REQUIRED,
                                  &command->quantity, err);
    }
    return status == RF_OK ? check_reason(line, err) : status;
}

/* ---- Routes ---- */

static rf_step reserve_one(rf_call *call)
{
    return rf_write_one(call, RF_OPERATION_RESERVE, read_reservation);
}

static rf_step reserve_many(rf_call *call)
{
    return rf_write_many(call, RF_OPERATION_RESERVE, read_reservation);
}

static rf_step unreserve_one(rf_call *call)
{
    return rf_write_one(call, RF_OPERATION_UNRESERVE, read_reversal);
}

static rf_step unreserve_many(rf_call *call)
{
    return rf_write_many(call, RF_OPERATION_UNRESERVE, read_reversal);
}

static const rf_route rows[] = {
    {RF_METHOD_POST, "/onhand/reserve", RF_MAY_POST_STOCK, RF_ROUTE_BODY,
     reserve_one},
    {RF_METHOD_POST, "/onhand/reserve/bulk", RF_MAY_POST_STOCK, RF_ROUTE_BODY,
     reserve_many},
    {RF_METHOD_POST, "/onhand/unreserve", RF_MAY_POST_STOCK, RF_ROUTE_BODY,
     unreserve_one},
    {RF_METHOD_POST, "/onhand/unreserve/bulk", RF_MAY_POST_STOCK, RF_ROUTE_BODY,
     unreserve_many},
};

const rf_routes rf_routes_reserve = {rows, sizeof rows / sizeof rows[0]};
