/*
 * work.h - what an operation works with: the current batch, one command's
 * share of it, and the two things every operation does, posting a change to
 * all levels and summing up what a level holds.
 *
 * An operation first plans: it wants every record it knows it will need. When
 * it finds later that it needs more, it wants that too and returns; the engine
 * sees the workset waiting, undoes what the operation has done, loads, and
 * runs it again. Applying therefore never touches the store.
 */
#ifndef RINGFENCE_CORE_WORK_H
#define RINGFENCE_CORE_WORK_H

#include "core/command.h"
#include "core/day.h"
#include "core/environment.h"
#include "core/journal.h"
#include "core/workset.h"

/* One command being carried out. */
typedef struct rf_work {
    rf_workset *workset;
    const rf_environment *environment;
    const rf_catalog *catalog; /* of the generation in force now */
    int64_t now_ms;
    unsigned thread; /* the writer's number for formulas */
    uint64_t number; /* the journal number this command will have */
    size_t movement_count;
    rf_movement movements[RF_MOVEMENTS_MAX];
} rf_work;

/* Want the node of `place` at a level; `product` is a key as rf_key_product
 * makes it. NULL: out of memory. */
rf_record *rf_work_want_node(rf_work *work, const rf_key *product,
                             const rf_level_state *level,
                             const rf_place *place);

/* Read where a loaded node lies, from its key or, where that is hashed, from
 * its value; texts are borrowed from the record.
 * RF_E_STORAGE: the key is damaged. */
RF_MUST_CHECK rf_status rf_work_read_node(const rf_record *node,
                                          rf_key_parts *parts, rf_place *place,
                                          rf_error *err);

/* The nodes that one change of stock goes to: the leaf first, then one per
 * level without groups. What is scheduled has levels of its own. */
typedef struct rf_posting {
    size_t count;
    rf_record **nodes;     /* in the workset's arena */
    rf_level *levels;      /* theirs; RF_LEVEL_NONE while one is built */
    rf_record *place_node; /* not present: the product may be new at its place;
                              NULL: no level can tell */
    rf_text organization;  /* for the index of places */
    rf_text product;
    const rf_place *place;
    rf_day day; /* that it is scheduled for; 0: it is stock now */
} rf_posting;

/* No level has all coordinates: this stands for one that cannot be asked. */
#define RF_LEVEL_NONE UINT64_MAX

/* Return the posting's node that holds the total of `level`, or NULL. */
rf_record *rf_posting_node(const rf_posting *posting, rf_level level);

/* Want every node of a change at `place`, whose groups do not matter here: what
 * carries groups is posted to a pool's nodes, too (pool.h). A place that has a
 * day is one of the schedule. */
RF_MUST_CHECK rf_status rf_posting_plan(rf_work *work, rf_text organization,
                                        rf_text product, const rf_place *place,
                                        rf_posting *out, rf_error *err);

/* The same for what is scheduled for a day at the place of `stock`. */
RF_MUST_CHECK rf_status rf_posting_plan_day(rf_work *work,
                                            const rf_posting *stock, rf_day day,
                                            rf_posting *out, rf_error *err);

/* Make the posting's key in the index of places. */
void rf_posting_place_key(const rf_work *work, const rf_posting *posting,
                          rf_key *out);

/* Add to a measure at every level, enter the product in the index of places
 * when it is new there, and note the movement for the journal. */
RF_MUST_CHECK rf_status rf_posting_apply(rf_work *work, rf_posting *posting,
                                         rf_measure measure, rf_quantity delta,
                                         rf_error *err);

/* Fill in the totals of the movements that the posting noted so far. */
void rf_posting_note_totals(rf_work *work, const rf_posting *posting);

/* What a level holds at some coordinates: one node, or, where no level keeps
 * that total, all nodes of a finer level that lie below. */
typedef struct rf_total {
    rf_level level;
    rf_record *node;     /* NULL: sum the range */
    const rf_key *range; /* prefix of the finer level's nodes */
    const rf_posting *posting;
} rf_total;

/* Want what is needed to know the total of `level` where a posting goes, which
 * is borrowed. */
RF_MUST_CHECK rf_status rf_total_plan(rf_work *work, const rf_posting *posting,
                                      rf_level level, rf_total *out,
                                      rf_error *err);

/* Add up a total whose records are loaded into `out`, which is empty. */
RF_MUST_CHECK rf_status rf_total_sum(rf_work *work, const rf_total *total,
                                     rf_measures *out, rf_error *err);

/* Evaluate a formula over a total whose records are loaded. */
RF_MUST_CHECK rf_status rf_total_value(rf_work *work, const rf_total *total,
                                       const rf_calculated *formula,
                                       rf_quantity *out, rf_error *err);

#endif
