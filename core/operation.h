/*
 * operation.h - the table of operations; one file each carries them out.
 *
 * The engine knows nothing of any of them but this entry.
 */
#ifndef RINGFENCE_CORE_OPERATION_H
#define RINGFENCE_CORE_OPERATION_H

#include "core/check.h"
#include "core/work.h"

/* What a command's planning found; in the workset's arena. */
typedef struct rf_plan {
    rf_posting posting;
    rf_record *head;
    rf_record *reservation;
    uint64_t reservation_id;
    uint64_t reservation_created; /* as the client's id says */
    rf_record *created_entry;     /* where an unreserve finds its product */
    rf_text product;
    rf_check check;
    rf_record **known; /* journal entries that may hold this id */
    size_t known_count;
} rf_plan;

typedef struct rf_operation_entry {
    rf_operation operation;
    const char *name;   /* as in the journal */
    const char *prefix; /* of the result's id */
    /* Want every record known to be needed. */
    rf_status (*plan)(rf_work *work, const rf_command *command, rf_plan *plan,
                      rf_error *err);
    /* Check, then change. On a refusal the result's status is set and RF_OK
     * returned; a failure is returned when it could not be carried out. Both
     * leave it to the engine to undo. */
    rf_status (*apply)(rf_work *work, const rf_command *command, rf_plan *plan,
                       rf_result *result, rf_error *err);
} rf_operation_entry;

/* Return an operation's entry; NULL for those that are no commands. */
const rf_operation_entry *rf_operation_find(rf_operation operation);

extern const rf_operation_entry rf_operation_post;
extern const rf_operation_entry rf_operation_reserve;
extern const rf_operation_entry rf_operation_unreserve;

/* Want a reservation's record and the product's head. */
RF_MUST_CHECK rf_status rf_reservation_plan(rf_work *work,
                                            const rf_command *command,
                                            rf_plan *plan, rf_error *err);

/* Raise the record by result->quantity, starting it when it is the first, and
 * set the result's reservation. The measure is the caller's to post. */
RF_MUST_CHECK rf_status rf_reservation_enter(rf_work *work,
                                             const rf_command *command,
                                             rf_plan *plan, rf_result *result,
                                             rf_error *err);

/* Change what a reservation holds by `delta`, in its record and in the
 * product's head. `before` is the record as it is now. */
RF_MUST_CHECK rf_status rf_reservation_change(rf_work *work, rf_plan *plan,
                                              const rf_reservation *before,
                                              rf_quantity delta, rf_error *err);

/* Turn a result into a refusal. Returns RF_OK, so that an operation can end
 * with it. */
rf_status rf_refuse(rf_result *result, rf_status status, const char *field,
                    const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
