/*
 * api_groups.h - groups and allocation records as JSON.
 *
 *     {"organizationId":"usmf","productId":"48","dimensions":{...},
 *      "groups":{"channel":"web"},"allocated":4,"consumed":1,
 *      "cumulativeAllocated":5,"cumulativeConsumed":1}
 */
#ifndef RINGFENCE_SERVER_API_GROUPS_H
#define RINGFENCE_SERVER_API_GROUPS_H

#include "core/allocations.h"
#include "server/api_internal.h"
#include "server/json_read.h"
#include "server/json_write.h"

/* Read an object of groups into a place, beside what is there already. A group
 * with an empty value is not given; which groups may go together is for
 * rf_command_check to say. An optional object that is left out changes nothing.
 * RF_E_MISSING_FIELD, RF_E_INVALID_FIELD, RF_E_UNKNOWN_GROUP, RF_E_TOO_LONG. */
RF_MUST_CHECK rf_status rf_read_groups(const rf_call *call,
                                       rf_json_object object, const char *name,
                                       rf_json_need need, rf_place *place,
                                       rf_error *err);

/* Read the groups that a body is about: "groups", or "targetGroups" as older
 * clients call them. The errors above; RF_E_CONFLICTING_FIELDS: both are given
 * and differ. */
RF_MUST_CHECK rf_status rf_read_target_groups(const rf_call *call,
                                              rf_json_object object,
                                              rf_json_need need,
                                              rf_place *place, rf_error *err);

/* Put the member `key` with the groups of a place. */
void rf_put_groups(rf_json_writer *writer, const rf_catalog *catalog,
                   const char *key, const rf_place *place);

/* Put the members that tell what a record has. */
void rf_put_allocated(rf_json_writer *writer, const rf_allocation *record);

/* Put the members of a record: what it is, and what it has. The object is the
 * caller's to begin and end. */
void rf_put_allocation(rf_json_writer *writer, const rf_catalog *catalog,
                       const rf_allocation *record);

#endif
