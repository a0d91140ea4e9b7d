/*
 * allocation.c - checking commands on allocations.
 */
#include "core/allocation.h"

#include <stdio.h>

bool rf_allocation_is(rf_operation operation)
{
    return operation == RF_OPERATION_ALLOCATE ||
           operation == RF_OPERATION_UNALLOCATE ||
           operation == RF_OPERATION_REALLOCATE ||
           operation == RF_OPERATION_CONSUME;
}

static rf_text group_name(const rf_catalog *catalog, rf_level groups)
{
    unsigned group = (unsigned)__builtin_ctzll(groups);
    return group - RF_DIMENSION_COUNT < catalog->group_count
               ? rf_catalog_coordinate_name(catalog, group)
               : rf_text_of("?");
}

static rf_status fail_group(const rf_catalog *catalog, rf_level groups,
                            const char *field, rf_status status, rf_error *err)
{
    rf_text name = group_name(catalog, groups);
    char path[128];
    snprintf(path, sizeof path, "%s.%.*s", field, (int)name.length, name.bytes);
    return rf_fail_field(err, status, path,
                         status == RF_E_UNKNOWN_GROUP
                             ? "%.*s is not a configured group"
                             : "%.*s is given, but not every group above it",
                         (int)name.length, name.bytes);
}

static rf_status check_groups(const rf_catalog *catalog, rf_level given,
                              const char *field, rf_error *err)
{
    rf_level groups = given & RF_LEVEL_GROUPS;
    if (groups == 0) {
        return rf_fail_field(err, RF_E_NO_GROUPS, field,
                             "at least the highest group is needed");
    }
    if ((groups & ~catalog->group_mask) != 0) {
        return fail_group(catalog, groups & ~catalog->group_mask, field,
                          RF_E_UNKNOWN_GROUP, err);
    }
    rf_level prefix = 0;
    for (size_t i = 0; i < catalog->group_order_count; i++) {
        rf_level group = RF_BIT(catalog->group_order[i]);
        if ((groups & group) == 0) {
            break;
        }
        prefix |= group;
    }
    return groups == prefix ? RF_OK
                            : fail_group(catalog, groups & ~prefix, field,
                                         RF_E_GROUP_GAP, err);
}

static rf_status check_source(const rf_catalog *catalog,
                              const rf_command *command, rf_error *err)
{
    const rf_place *source = command->source;
    if (source == NULL) {
        return check_groups(catalog, 0, "sourceGroups", err);
    }
    rf_status status =
        check_groups(catalog, source->given, "sourceGroups", err);
    if (status == RF_OK &&
        rf_place_agrees(source, &command->place, RF_LEVEL_GROUPS)) {
        return rf_fail_field(err, RF_E_CONFLICTING_FIELDS, "sourceGroups",
                             "the groups to take from are those to give to");
    }
    return status;
}

static rf_status check_share(const rf_command *command, rf_error *err)
{
    bool takes_share = command->operation == RF_OPERATION_ALLOCATE;
    if (takes_share && command->share == RF_SHARE_PERCENT &&
        (command->percent <= 0 || command->percent > RF_PERCENT_MAX)) {
        return rf_fail_field(err, RF_E_INVALID_QUANTITY, "percent",
                             "percent must be above 0 and at most 100");
    }
    bool needs_quantity = !takes_share || command->share == RF_SHARE_QUANTITY;
    if (command->quantity < 0 || (needs_quantity && command->quantity == 0)) {
        return rf_fail_field(err, RF_E_INVALID_QUANTITY, "quantity",
                             "quantity must be above zero");
    }
    return RF_OK;
}

/* ---- Consume ---- */

static rf_status fail_measure(const rf_physical *measure, rf_status status,
                              const char *text, rf_error *err)
{
    char field[160];
    snprintf(field, sizeof field, "physicalMeasures.%.*s.%.*s",
             (int)measure->source.length, measure->source.bytes,
             (int)measure->name.length, measure->name.bytes);
    return rf_fail_field(err, status, field, "%s", text);
}

/* Return the sign of a measure in the formula of what can be allocated, 0 where
 * it has none. */
static int sign_in_pool(const rf_catalog *catalog, rf_measure measure)
{
    const rf_sum *sum = &catalog->calculated[catalog->pool_formula].sum;
    for (size_t i = 0; i < sum->term_count; i++) {
        if (sum->terms[i].number == measure) {
            return sum->terms[i].factor > 0 ? 1 : -1;
        }
    }
    return 0;
}

static rf_status check_own_measure(const rf_catalog *catalog,
                                   const rf_physical *measure, bool adds,
                                   rf_error *err)
{
    if (measure->number != catalog->pool.consumed) {
        return fail_measure(measure, RF_E_READ_ONLY_SOURCE,
                            "the service writes this measure itself", err);
    }
    return adds ? RF_OK
                : fail_measure(measure, RF_E_WRONG_MODIFIER,
                               "what is consumed can only be added", err);
}

static rf_status check_reserved(const rf_catalog *catalog,
                                const rf_command *command,
                                const rf_physical *measure, bool adds,
                                rf_error *err)
{
    if (!adds) {
        return fail_measure(measure, RF_E_WRONG_MODIFIER,
                            "a reservation can only be added to", err);
    }
    const rf_amount *first = rf_allocation_reserves(catalog, command);
    if (first == NULL || first->measure != measure->number) {
        return fail_measure(measure, RF_E_CONFLICTING_FIELDS,
                            "only one reservation measure can be named", err);
    }
    rf_level outside = command->place.given & RF_LEVEL_LEAF &
                       ~rf_catalog_reservation_mask(catalog);
    return outside == 0 ? RF_OK
                        : fail_measure(measure, RF_E_DIMENSION_NOT_RESERVABLE,
                                       "the allocation has dimensions that a "
                                       "reservation may not have",
                                       err);
}

static rf_status check_change(const rf_catalog *catalog,
                              const rf_command *command,
                              const rf_amount *change, rf_error *err)
{
    const rf_physical *measure =
        rf_catalog_physical_number(catalog, change->measure);
    bool adds = change->quantity > 0;
    if (measure == NULL) {
        return rf_fail_field(err, RF_E_UNKNOWN_MEASURE, "physicalMeasures",
                             "a measure is not configured any more");
    }
    if (rf_text_is_name(measure->source, rf_text_of("@iv")) &&
        !rf_physical_is_own_reservation(measure)) {
        return check_own_measure(catalog, measure, adds, err);
    }
    if (rf_text_is_name(measure->source, rf_text_of("fno"))) {
        return fail_measure(measure, RF_E_READ_ONLY_SOURCE,
                            "what is consumed must not be of fno", err);
    }
    int sign = sign_in_pool(catalog, measure->number);
    if (sign == (adds ? 1 : -1)) {
        return fail_measure(measure, RF_E_WRONG_MODIFIER,
                            adds ? "the measure is added to what can be "
                                   "allocated: consuming subtracts it"
                                 : "the measure is subtracted from what can be "
                                   "allocated: consuming adds it",
                            err);
    }
    return measure->reservation < 0
               ? RF_OK
               : check_reserved(catalog, command, measure, adds, err);
}

const rf_amount *rf_allocation_reserves(const rf_catalog *catalog,
                                        const rf_command *command)
{
    for (size_t i = 0; i < command->change_count; i++) {
        const rf_physical *measure =
            rf_catalog_physical_number(catalog, command->changes[i].measure);
        if (measure != NULL && measure->reservation >= 0) {
            return &command->changes[i];
        }
    }
    return NULL;
}

rf_status rf_allocation_check(const rf_catalog *catalog,
                              const rf_command *command, rf_error *err)
{
    rf_status status =
        check_groups(catalog, command->place.given, "groups", err);
    if (status == RF_OK && command->operation == RF_OPERATION_REALLOCATE) {
        status = check_source(catalog, command, err);
    }
    if (status == RF_OK) {
        status = check_share(command, err);
    }
    bool consumes = command->operation == RF_OPERATION_CONSUME;
    for (size_t i = 0; consumes && i < command->change_count && status == RF_OK;
         i++) {
        status = check_change(catalog, command, &command->changes[i], err);
    }
    return status;
}
