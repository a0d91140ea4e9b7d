/*
 * api_groups.c - reading and writing groups and allocation records.
 */
#include "server/api_groups.h"

#include "core/draft.h"
#include "server/api_command.h"
#include "server/api_result.h"

#include <stdio.h>

static rf_status read_group(const rf_catalog *catalog, const rf_json *member,
                            rf_place *place, rf_error *err)
{
    rf_text name = rf_json_name(member);
    rf_text value = RF_TEXT_EMPTY;
    int group = rf_catalog_group(catalog, name);
    if (group < 0) {
        return rf_fail(err, RF_E_UNKNOWN_GROUP, "there is no group %.*s",
                       RF_SHOWN(name));
    }
    rf_status status =
        rf_json_to_string(member, RF_VALUE_CHARACTERS_MAX, &value, err);
    if (status == RF_OK && value.length > 0) {
        place->given |= RF_BIT(group);
        place->value[group] = value;
    }
    return status;
}

rf_status rf_read_groups(const rf_call *call, rf_json_object object,
                         const char *name, rf_json_need need, rf_place *place,
                         rf_error *err)
{
    const rf_json *value = NULL;
    rf_status status =
        rf_json_child(object, name, need, RF_JSON_OBJECT, &value, err);
    if (status != RF_OK || value == NULL) {
        return status;
    }
    char path[sizeof err->field];
    int length = snprintf(path, sizeof path, "%s%s%s", object.path,
                          object.path[0] == '\0' ? "" : ".", name);
    RF_ASSERT(length > 0 && (size_t)length < sizeof path);
    for (const rf_json *member = rf_json_first(value); member != NULL;
         member = rf_json_next(member)) {
        status = read_group(rf_call_catalog(call), member, place, err);
        if (status != RF_OK) {
            return rf_json_at((rf_json_object){value, path},
                              rf_json_name(member), status, err);
        }
    }
    return RF_OK;
}

rf_status rf_read_target_groups(const rf_call *call, rf_json_object object,
                                rf_json_need need, rf_place *place,
                                rf_error *err)
{
    const rf_json *alias = NULL;
    rf_status status = rf_json_child(object, "targetGroups", RF_JSON_OPTIONAL,
                                     RF_JSON_OBJECT, &alias, err);
    if (status != RF_OK || alias == NULL) {
        return status == RF_OK
                   ? rf_read_groups(call, object, "groups", need, place, err)
                   : status;
    }
    rf_place groups = {0};
    const rf_json *both = NULL;
    status = rf_json_child(object, "groups", RF_JSON_OPTIONAL, RF_JSON_OBJECT,
                           &both, err);
    if (status == RF_OK) {
        status = rf_read_groups(call, object, "targetGroups", need, place, err);
    }
    if (status == RF_OK) {
        status = rf_read_groups(call, object, "groups", RF_JSON_OPTIONAL,
                                &groups, err);
    }
    if (status == RF_OK && both != NULL &&
        !rf_place_agrees(place, &groups, RF_LEVEL_GROUPS)) {
        rf_fail(err, RF_E_CONFLICTING_FIELDS,
                "groups and targetGroups are two names for the same");
        return rf_json_at(object, rf_text_of("targetGroups"),
                          RF_E_CONFLICTING_FIELDS, err);
    }
    return status;
}

void rf_put_groups(rf_json_writer *writer, const rf_catalog *catalog,
                   const char *key, const rf_place *place)
{
    rf_json_put_key(writer, key);
    rf_put_place(writer, catalog, place->given & RF_LEVEL_GROUPS, place);
}

static void put_quantity(rf_json_writer *writer, const char *key,
                         rf_quantity quantity)
{
    rf_json_put_key(writer, key);
    rf_json_put_quantity(writer, quantity);
}

void rf_put_allocated(rf_json_writer *writer, const rf_allocation *record)
{
    put_quantity(writer, "allocated", record->allocated);
    put_quantity(writer, "consumed", record->consumed);
    put_quantity(writer, "cumulativeAllocated", record->cumulative_allocated);
    put_quantity(writer, "cumulativeConsumed", record->cumulative_consumed);
}

void rf_put_allocation(rf_json_writer *writer, const rf_catalog *catalog,
                       const rf_allocation *record)
{
    rf_json_put_key(writer, "organizationId");
    rf_json_put_text(writer, record->organization);
    rf_json_put_key(writer, "productId");
    rf_json_put_text(writer, record->product);
    rf_json_put_key(writer, "dimensions");
    rf_put_place(writer, catalog, record->place->given & RF_LEVEL_LEAF,
                 record->place);
    rf_put_groups(writer, catalog, "groups", record->place);
    rf_put_allocated(writer, record);
}
