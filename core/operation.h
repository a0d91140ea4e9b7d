/*
 * operation.h - the table of operations; one file each carries them out.
 *
 * The engine knows nothing of any of them but this entry.
 */
#ifndef RINGFENCE_CORE_OPERATION_H
#define RINGFENCE_CORE_OPERATION_H

#include "core/check.h"
#include "core/pool.h"
#include "core/work.h"

/* What a command's planning found; in the workset's arena. */
typedef struct rf_plan {
    rf_posting posting;
    rf_record *head;
    rf_record *reservation;
    uint64_t reservation_id;
    uint64_t reservation_created; /* as the client's id says */
    rf_record *due;               /* of a hold: when it ends */
    int64_t expires_ms;           /* likewise, 0: no hold */
    rf_record *created_entry;     /* where an unreserve finds its product */
    rf_record *set_times;         /* of a set: when the row was set before */
    rf_posting *days; /* of a schedule: one for each day; of an event that
                         realizes what was scheduled: that day's, or NULL */
    size_t day_count;
    rf_record *known_product; /* of a product: its record */
    rf_text product;
    rf_check check;
    rf_pool pool;        /* the allocation record and its totals */
    rf_pool source;      /* of a reallocation: what it takes from */
    rf_pool *expected;   /* of a plan: the records it was made for */
    rf_command *reserve; /* of a consumption: what it reserves, or NULL */
    rf_record **known;   /* journal entries that may hold this id */
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
extern const rf_operation_entry rf_operation_set;
extern const rf_operation_entry rf_operation_reserve;
extern const rf_operation_entry rf_operation_unreserve;
extern const rf_operation_entry rf_operation_allocate;
extern const rf_operation_entry rf_operation_unallocate;
extern const rf_operation_entry rf_operation_reallocate;
extern const rf_operation_entry rf_operation_consume;
extern const rf_operation_entry rf_operation_plan;
extern const rf_operation_entry rf_operation_schedule;
extern const rf_operation_entry rf_operation_product;
extern const rf_operation_entry rf_operation_adjust;

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

/* Want what every command on allocations needs: the product's head, the nodes
 * of the stock and those of the record. */
RF_MUST_CHECK rf_status rf_allocation_plan(rf_work *work,
                                           const rf_command *command,
                                           rf_plan *plan, rf_error *err);

/* Check again under the generation in force now, and that the place lies in a
 * partition; the result's quantity is the command's then. */
RF_MUST_CHECK rf_status rf_allocation_begin(rf_work *work,
                                            const rf_command *command,
                                            rf_result *result, rf_error *err);

/* Refuse what is more than a record has. */
RF_MUST_CHECK rf_status rf_allocation_require(rf_work *work,
                                              const rf_pool *pool,
                                              const rf_command *command,
                                              rf_result *result);

/* Add to a measure of the plan's record and of the stock. */
RF_MUST_CHECK rf_status rf_allocation_post(rf_work *work, rf_plan *plan,
                                           rf_measure measure,
                                           rf_quantity delta, rf_error *err);

/* Enter the marker of something that is due, to be set or taken away. NULL: out
 * of memory. */
rf_record *rf_work_due(rf_work *work, const rf_due_parts *parts);

/* Turn a result into a refusal. Returns RF_OK, so that an operation can end
 * with it. */
rf_status rf_refuse(rf_result *result, rf_status status, const char *field,
                    const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
