/*
 * allocation.h - what makes a command on allocations a valid one.
 */
#ifndef RINGFENCE_CORE_ALLOCATION_H
#define RINGFENCE_CORE_ALLOCATION_H

#include "core/command.h"

/* Say whether it is allocate, unallocate, reallocate or consume. */
bool rf_allocation_is(rf_operation operation);

/* Check such a command: its groups and the source's are the highest of the
 * configured ones without a gap, what it asks for is above zero, and a
 * consumption names measures that others may write, each with the opposite of
 * its sign in the formula of what can be allocated. A formula that is not a sum
 * of measures has a sign only for what is multiplied out. At most one measure
 * may be a reservation's, which then is added to.
 * RF_E_NO_GROUPS, RF_E_UNKNOWN_GROUP, RF_E_GROUP_GAP, RF_E_INVALID_QUANTITY,
 * RF_E_CONFLICTING_FIELDS, RF_E_UNKNOWN_MEASURE, RF_E_READ_ONLY_SOURCE,
 * RF_E_WRONG_MODIFIER, RF_E_DIMENSION_NOT_RESERVABLE. */
RF_MUST_CHECK rf_status rf_allocation_check(const rf_catalog *catalog,
                                            const rf_command *command,
                                            rf_error *err);

/* Return the change of a consumption that is a reservation's, or NULL. */
const rf_amount *rf_allocation_reserves(const rf_catalog *catalog,
                                        const rf_command *command);

#endif
