/*
 * api_allocation.c - setting stock aside for groups: POST /allocation/allocate,
 * unallocate, reallocate, consume, and their lists.
 */
#include "server/api_command.h"
#include "server/api_groups.h"
#include "server/api_result.h"
#include "server/api_write.h"

#include <stdio.h>

/* What is common to all four: where, and for which groups. */
static rf_status read_target(const rf_call *call, rf_json_object line,
                             rf_command *command, rf_error *err)
{
    rf_status status =
        rf_read_key(call, line, RF_JSON_REQUIRED, command, NULL, err);
    return status == RF_OK ? rf_read_target_groups(call, line, RF_JSON_REQUIRED,
                                                   &command->place, err)
                           : status;
}

/* ---- Allocate ---- */

static bool has_member(rf_json_object line, const char *name)
{
    return rf_json_member(line.value, rf_text_of(name)) != NULL;
}

static rf_status fail_beside(rf_json_object line, const char *name,
                             const char *other, rf_error *err)
{
    rf_fail(err, RF_E_CONFLICTING_FIELDS, "%s goes without %s", name, other);
    return rf_json_at(line, rf_text_of(name), RF_E_CONFLICTING_FIELDS, err);
}

static rf_status read_percent(rf_json_object line, rf_command *command,
                              rf_error *err)
{
    int64_t decimals = 0;
    rf_status status = rf_json_quantity(line, "percent", RF_JSON_REQUIRED,
                                        &command->percent, err);
    if (status == RF_OK) {
        status = rf_json_integer(line, "scale", RF_JSON_OPTIONAL,
                                 (rf_json_range){0, 6}, &decimals, err);
    }
    command->share = RF_SHARE_PERCENT;
    command->decimals = (unsigned)decimals;
    return status;
}

/* What is filled needs no quantity; one that is given is the most to take. */
static rf_status read_ceiling(rf_json_object line, rf_command *command,
                              rf_error *err)
{
    rf_status status = rf_json_quantity(line, "quantity", RF_JSON_OPTIONAL,
                                        &command->quantity, err);
    command->share = RF_SHARE_ALL;
    if (status == RF_OK && has_member(line, "quantity") &&
        command->quantity == 0) {
        rf_fail(err, RF_E_INVALID_QUANTITY, "quantity must be above zero");
        return rf_json_at(line, rf_text_of("quantity"), RF_E_INVALID_QUANTITY,
                          err);
    }
    return status;
}

/* Exactly one of a quantity, a percentage, and whatever there is. */
static rf_status read_share(rf_json_object line, rf_command *command,
                            rf_error *err)
{
    bool fills = false;
    bool has_percent = has_member(line, "percent");
    rf_status status =
        rf_json_bool(line, "fill", RF_JSON_OPTIONAL, &fills, err);
    if (status != RF_OK) {
        return status;
    }
    if (has_percent && (fills || has_member(line, "quantity"))) {
        return fail_beside(line, "percent", fills ? "fill" : "quantity", err);
    }
    if (!has_percent && has_member(line, "scale")) {
        return fail_beside(line, "scale", "anything but percent", err);
    }
    if (has_percent) {
        return read_percent(line, command, err);
    }
    return fills ? read_ceiling(line, command, err)
                 : rf_json_quantity(line, "quantity", RF_JSON_REQUIRED,
                                    &command->quantity, err);
}

static rf_status read_allocate(rf_call *call, rf_json_object line,
                               rf_command *command, rf_error *err)
{
    rf_status status = read_target(call, line, command, err);
    if (status == RF_OK) {
        status = read_share(line, command, err);
    }
    return status == RF_OK ? rf_read_partial(line, command, err) : status;
}

/* ---- Unallocate, reallocate ---- */

/* The others take a quantity and nothing in its place. A member that would have
 * had a meaning must not look as if it had been obeyed. */
static rf_status read_quantity(rf_json_object line, rf_command *command,
                               rf_error *err)
{
    static const char *const others[] = {"percent", "scale", "fill",
                                         "allowPartial", "minQuantity"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const rf_json *value =
            rf_json_member(line.value, rf_text_of(others[i]));
        bool is_off =
            rf_json_is(value, RF_JSON_NULL) ||
            (rf_json_is(value, RF_JSON_BOOLEAN) && !rf_json_truth(value));
        if (value != NULL && !is_off) {
            rf_fail(err, RF_E_INVALID_FIELD, "only allocate takes %s",
                    others[i]);
            return rf_json_at(line, rf_text_of(others[i]), RF_E_INVALID_FIELD,
                              err);
        }
    }
    return rf_json_quantity(line, "quantity", RF_JSON_REQUIRED,
                            &command->quantity, err);
}

static rf_status read_unallocate(rf_call *call, rf_json_object line,
                                 rf_command *command, rf_error *err)
{
    rf_status status = read_target(call, line, command, err);
    return status == RF_OK ? read_quantity(line, command, err) : status;
}

static rf_status read_reallocate(rf_call *call, rf_json_object line,
                                 rf_command *command, rf_error *err)
{
    rf_place *source = rf_call_alloc(call, 1, sizeof *source);
    if (source == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_status status = read_unallocate(call, line, command, err);
    command->source = source;
    return status == RF_OK ? rf_read_groups(call, line, "sourceGroups",
                                            RF_JSON_REQUIRED, source, err)
                           : status;
}

/* ---- Consume ---- */

/* Which measures may be named, and how, is for rf_command_check to say. */
static rf_status find_measure(const rf_call *call, rf_text source, rf_text name,
                              rf_measure *out, rf_error *err)
{
    const rf_catalog *catalog = rf_call_catalog(call);
    if (rf_catalog_source(catalog, source) == NULL) {
        return rf_fail(err, RF_E_UNKNOWN_DATA_SOURCE,
                       "there is no data source %.*s", RF_SHOWN(source));
    }
    const rf_physical *measure = rf_catalog_physical(catalog, source, name);
    if (measure == NULL) {
        return rf_fail(err, RF_E_UNKNOWN_MEASURE,
                       "%.*s has no physical measure %.*s", RF_SHOWN(source),
                       RF_SHOWN(name));
    }
    *out = measure->number;
    return RF_OK;
}

static rf_status read_modifier(const rf_json *value, int *sign, rf_error *err)
{
    rf_text word = RF_TEXT_EMPTY;
    rf_status status =
        rf_json_to_string(value, RF_MODIFIER_CHARACTERS_MAX, &word, err);
    if (status != RF_OK) {
        return status;
    }
    bool adds = rf_text_is_name(word, rf_text_of("Addition"));
    *sign = adds ? 1 : -1;
    return adds || rf_text_is_name(word, rf_text_of("Subtraction"))
               ? RF_OK
               : rf_fail(err, RF_E_INVALID_FIELD,
                         "Addition or Subtraction is expected");
}

/* What a consumption changes, as it is read. */
typedef struct changes {
    rf_amount *amounts;
    size_t count;
    rf_quantity quantity;
} changes;

static rf_status read_change(const rf_call *call, rf_text source,
                             const rf_json *member, changes *out, rf_error *err)
{
    rf_measure measure = 0;
    int sign = 0;
    rf_status status =
        find_measure(call, source, rf_json_name(member), &measure, err);
    if (status == RF_OK) {
        status = read_modifier(member, &sign, err);
    }
    return status == RF_OK
               ? rf_add_amount(out->amounts, &out->count,
                               (rf_amount){measure, sign * out->quantity}, err)
               : status;
}

/* Read the measures of one source. */
static rf_status read_source(const rf_call *call, const rf_json *source,
                             changes *out, rf_error *err)
{
    rf_text name = rf_json_name(source);
    if (!rf_json_is(source, RF_JSON_OBJECT)) {
        rf_fail(err, RF_E_INVALID_FIELD, "an object is expected");
        return rf_json_at((rf_json_object){source, "physicalMeasures"}, name,
                          RF_E_INVALID_FIELD, err);
    }
    char path[sizeof err->field];
    snprintf(path, sizeof path, "physicalMeasures.%.*s", RF_SHOWN(name));
    for (const rf_json *member = rf_json_first(source); member != NULL;
         member = rf_json_next(member)) {
        rf_status status = read_change(call, name, member, out, err);
        if (status != RF_OK) {
            return rf_json_at((rf_json_object){source, path},
                              rf_json_name(member), status, err);
        }
    }
    return RF_OK;
}

static rf_status read_changes(rf_call *call, rf_json_object line,
                              rf_command *command, rf_error *err)
{
    const rf_json *value = NULL;
    rf_status status = rf_json_child(line, "physicalMeasures", RF_JSON_OPTIONAL,
                                     RF_JSON_OBJECT, &value, err);
    if (status != RF_OK || value == NULL) {
        return status;
    }
    size_t most = 0;
    for (const rf_json *source = rf_json_first(value); source != NULL;
         source = rf_json_next(source)) {
        most += rf_json_length(source);
    }
    changes read = {.amounts =
                        rf_call_alloc(call, most + 1, sizeof *read.amounts),
                    .quantity = command->quantity};
    if (read.amounts == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    for (const rf_json *source = rf_json_first(value);
         source != NULL && status == RF_OK; source = rf_json_next(source)) {
        status = read_source(call, source, &read, err);
    }
    command->changes = read.amounts;
    command->change_count = read.count;
    return status;
}

static rf_status read_consume(rf_call *call, rf_json_object line,
                              rf_command *command, rf_error *err)
{
    rf_status status = read_unallocate(call, line, command, err);
    if (status == RF_OK) {
        status = read_changes(call, line, command, err);
    }
    return status == RF_OK ? rf_read_owner(line, command, err) : status;
}

/* ---- Routes ---- */

/* One path takes both: one object, or an array that is a basket. */
static rf_step write_any(rf_call *call, rf_operation operation,
                         rf_line_read *read)
{
    rf_error error = {0};
    bool atomic = false;
    if (!rf_json_is(call->body, RF_JSON_ARRAY)) {
        return rf_write_one(call, operation, read);
    }
    rf_status status = rf_call_flag(call, "atomic", &atomic, &error);
    if (status == RF_OK && !atomic) {
        status = rf_fail(&error, RF_E_INVALID_FIELD,
                         "an array is for /bulk, or for ?atomic=true");
    }
    return status == RF_OK ? rf_write_many(call, operation, read)
                           : rf_reply_failure(call, &error);
}

static rf_step allocate(rf_call *call)
{
    return write_any(call, RF_OPERATION_ALLOCATE, read_allocate);
}

static rf_step allocate_many(rf_call *call)
{
    return rf_write_many(call, RF_OPERATION_ALLOCATE, read_allocate);
}

static rf_step unallocate(rf_call *call)
{
    return write_any(call, RF_OPERATION_UNALLOCATE, read_unallocate);
}

static rf_step unallocate_many(rf_call *call)
{
    return rf_write_many(call, RF_OPERATION_UNALLOCATE, read_unallocate);
}

static rf_step reallocate(rf_call *call)
{
    return write_any(call, RF_OPERATION_REALLOCATE, read_reallocate);
}

static rf_step reallocate_many(rf_call *call)
{
    return rf_write_many(call, RF_OPERATION_REALLOCATE, read_reallocate);
}

static rf_step consume(rf_call *call)
{
    return write_any(call, RF_OPERATION_CONSUME, read_consume);
}

static rf_step consume_many(rf_call *call)
{
    return rf_write_many(call, RF_OPERATION_CONSUME, read_consume);
}

static const rf_route rows[] = {
    {RF_METHOD_POST, "/allocation/consume", RF_MAY_CONSUME, RF_ROUTE_BODY,
     consume},
    {RF_METHOD_POST, "/allocation/consume/bulk", RF_MAY_CONSUME, RF_ROUTE_BODY,
     consume_many},
    {RF_METHOD_POST, "/allocation/allocate", RF_MAY_ALLOCATE, RF_ROUTE_BODY,
     allocate},
    {RF_METHOD_POST, "/allocation/allocate/bulk", RF_MAY_ALLOCATE,
     RF_ROUTE_BODY, allocate_many},
    {RF_METHOD_POST, "/allocation/unallocate", RF_MAY_ALLOCATE, RF_ROUTE_BODY,
     unallocate},
    {RF_METHOD_POST, "/allocation/unallocate/bulk", RF_MAY_ALLOCATE,
     RF_ROUTE_BODY, unallocate_many},
    {RF_METHOD_POST, "/allocation/reallocate", RF_MAY_ALLOCATE, RF_ROUTE_BODY,
     reallocate},
    {RF_METHOD_POST, "/allocation/reallocate/bulk", RF_MAY_ALLOCATE,
     RF_ROUTE_BODY, reallocate_many},
};

const rf_routes rf_routes_allocation = {rows, sizeof rows / sizeof rows[0]};
