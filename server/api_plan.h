/*
 * api_plan.h - what the files of POST /allocation/plan share.
 *
 * A plan gives some records of a place a target. Its records are the ones with
 * a target of their own, in the order of the body, and, when the rest is to be
 * unallocated, every other one with something in it, whose target is zero.
 */
#ifndef RINGFENCE_SERVER_API_PLAN_H
#define RINGFENCE_SERVER_API_PLAN_H

#include "core/allocations.h"
#include "server/api_dry_run.h"
#include "server/api_internal.h"

/* Records of one plan, and so the most it moves. */
#define RF_PLAN_RECORDS_MAX 1000

typedef struct rf_plan_record {
    rf_place place; /* the plan's dimensions and the record's groups */
    uint64_t hash;  /* of the groups */
    rf_quantity allocated;
    rf_quantity target;
    rf_quantity open; /* too much when above zero, missing when below */
} rf_plan_record;

typedef struct rf_plan_move {
    rf_operation operation; /* allocate, unallocate, reallocate */
    rf_text id;
    const rf_place *source; /* of a reallocation, or NULL */
    const rf_place *place;
    rf_quantity quantity;
} rf_plan_move;

typedef struct rf_plan_call {
    rf_call *call;
    rf_command head; /* of the basket: the plan as it was asked for */
    char digest[2 * sizeof(rf_fingerprint) + 1]; /* of the targets */
    bool unallocates_rest;
    unsigned attempts;

    rf_plan_record *records[RF_PLAN_RECORDS_MAX];
    size_t target_count; /* those with a target of their own: they come first */
    size_t record_count;
    size_t made_count; /* in memory: what is not in use is used again */
    rf_allocation_listing listing;

    rf_plan_move moves[RF_PLAN_RECORDS_MAX];
    size_t move_count;
    rf_expectation expected[RF_PLAN_RECORDS_MAX];
    size_t capacity; /* of the job */
    rf_job job;

    /* What to answer. */
    rf_dry_run *dry_run; /* of a dry run: how to show quantities */
    rf_result outcome;
    const rf_plan_move *refused; /* the move that was, or NULL */
} rf_plan_call;

/* Read the body and the parameters into the head and the targets.
 * The errors of any command; RF_E_CONFLICTING_FIELDS: two targets for the same
 * groups; RF_E_TOO_MANY_ITEMS, RF_E_EMPTY_BATCH. */
RF_MUST_CHECK rf_status rf_plan__read(rf_plan_call *p, rf_error *err);

/* Hash the groups of a place. */
RF_MUST_CHECK rf_status rf_plan__hash(const rf_plan_call *p,
                                      const rf_place *place, uint64_t *out,
                                      rf_error *err);

/* Find the record of these groups among the plan's, or NULL. */
rf_plan_record *rf_plan__find(const rf_plan_call *p, uint64_t hash,
                              const rf_place *place);

/* Enter one more record; the texts of its place are borrowed.
 * RF_E_TOO_MANY_ITEMS. */
RF_MUST_CHECK rf_status rf_plan__add(rf_plan_call *p, const rf_place *place,
                                     uint64_t hash, rf_plan_record **out,
                                     rf_error *err);

/* The same for a place whose texts are copied. */
RF_MUST_CHECK rf_status rf_plan__add_copy(rf_plan_call *p,
                                          const rf_place *place, uint64_t hash,
                                          rf_plan_record **out, rf_error *err);

/* Make the plan's own place with the groups of another one, whose texts are
 * copied. */
RF_MUST_CHECK rf_status rf_plan__keep_groups(const rf_plan_call *p,
                                             const rf_place *from,
                                             rf_place *out, rf_error *err);

/* Make the moves from what the records have to their targets, and note what
 * they were made for. */
void rf_plan__make_moves(rf_plan_call *p);

/* A plan that is known: read its outcome, its moves and what its records had
 * from the journal. The job's first result says where. RF_E_STORAGE. */
RF_MUST_CHECK rf_status rf_plan__recall(rf_plan_call *p, rf_error *err);

/* Fail with RF_E_NO_MEMORY. */
rf_status rf_plan__fail_memory(rf_error *err);

#endif
