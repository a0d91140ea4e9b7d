/*
 * check.h - how much of a product can still be had at some coordinates.
 *
 * What is asked for must fit at its own level and, in strict mode, at every
 * coarser level where it could oversell: the configured reservation levels
 * above it, and every other level at which the product holds reservations or
 * allocations. The smallest of these is what can be had. The product's head
 * says which levels hold something, and is kept here, too.
 */
#ifndef RINGFENCE_CORE_CHECK_H
#define RINGFENCE_CORE_CHECK_H

#include "core/work.h"

/* The levels to be looked at; in the workset's arena. */
typedef struct rf_check {
    const rf_posting *posting; /* where the change would go */
    rf_level own;              /* the dimensions that were given */
    rf_total *totals;          /* the own level first */
    size_t count;
} rf_check;

/* Want what is needed to check a posting, which is borrowed, at its own level
 * and at the configured ones above it. */
RF_MUST_CHECK rf_status rf_check_plan(rf_work *work, const rf_posting *posting,
                                      rf_check *out, rf_error *err);

/* Want the levels that the product's head, which is loaded, adds in strict
 * mode. Where the workset waits afterwards the totals are not known yet. */
RF_MUST_CHECK rf_status rf_check_plan_held(rf_work *work, rf_check *check,
                                           const rf_record *head,
                                           rf_error *err);

/* Find the smallest value of a formula over all levels, of equal ones the
 * first, and set `available`, never below 0, and the binding level. */
RF_MUST_CHECK rf_status rf_check_value(rf_work *work, const rf_check *check,
                                       const rf_calculated *formula,
                                       rf_result *result, rf_error *err);

/* How much somebody wants of what can be had. */
typedef struct rf_ask {
    rf_quantity quantity;
    bool allow_partial;
    rf_quantity minimum;
    const char *available; /* what there is: "available for reservation" */
} rf_ask;

/* Set result->quantity to what `available` leaves of the ask, or refuse. */
void rf_check_grant(const rf_ask *ask, rf_result *result);

/* Want a product's head; `product` is a key as rf_key_product makes it. NULL:
 * out of memory. */
rf_record *rf_check_want_head(rf_work *work, const rf_key *product);

/* Count a hold in or out of a level of the head when it has become one
 * (`is_live`) or ceased to be one.
 * RF_E_TOO_MANY_ITEMS: the product holds something at too many levels. */
RF_MUST_CHECK rf_status rf_check_count(rf_work *work, rf_record *head,
                                       rf_level level, bool was_live,
                                       bool is_live, rf_error *err);

#endif
