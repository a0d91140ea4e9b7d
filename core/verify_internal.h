/*
 * verify_internal.h - what the verifier's files share.
 *
 * verify.c reports and goes through environments and the index of places,
 * verify_stock.c looks at one product at a time, verify_due.c at when holds
 * end, verify_products.c at what is known of products, verify_journal.c at the
 * journal.
 */
#ifndef RINGFENCE_CORE_VERIFY_INTERNAL_H
#define RINGFENCE_CORE_VERIFY_INTERNAL_H

#include "core/environment.h"
#include "core/groups.h"
#include "core/journal.h"
#include "core/record.h"
#include "core/verify.h"

/* A sum over (leaf, measure, quantity) that does not depend on the order or on
 * how a quantity is split up: each quantity is multiplied by two odd hashes of
 * its leaf and measure. Two stocks with the same sum are the same stock, but
 * for a chance of about 1 in 2^126. */
typedef struct rf_tally {
    uint64_t low;
    uint64_t high;
} rf_tally;

/* One environment under examination. */
typedef struct rf_verify_subject {
    rf_environment *environment;
    /* Of each of its levels, for the product at hand: what the level should
     * hold less what it does; of the leaf, only the measures of allocations. */
    rf_groups *expected;
    bool has_pool; /* the measures of allocations have numbers */
    rf_pool_measures pool;
    rf_tally stock;         /* of all leaves */
    rf_tally moved;         /* of all movements */
    rf_tally allocations;   /* of all allocation records */
    rf_tally redistributed; /* of all changes to them */
    rf_tally waiting;       /* of all adjustments that are staged */
    rf_tally staged;        /* of all that were, less those posted since */
    uint64_t next_number;
    uint64_t first_number;
    bool was_erased; /* the journal tells of an erasure */
} rf_verify_subject;

typedef struct rf_verifier {
    rf_store *store;
    rf_store_transaction *transaction;
    const rf_verify_options *options;
    rf_verify_report *report;
    rf_verify_subject **subjects;
    size_t subject_count;
    bool is_stopped; /* the caller has seen enough */
    rf_error *err;
} rf_verifier;

/* Count a difference and tell it. */
void rf_verify__differ(rf_verifier *verifier, const char *format, ...)
    RF_PRINTF(2, 3);

/* Count a difference at a record, or at coordinates of a product. */
void rf_verify__differ_at(rf_verifier *verifier,
                          const rf_verify_subject *subject,
                          const rf_key_parts *product, const rf_place *place,
                          const char *format, ...) RF_PRINTF(5, 6);

/* Find the subject of a key by its first two bytes; NULL: no such
 * environment. */
rf_verify_subject *rf_verify__subject(const rf_verifier *verifier,
                                      rf_bytes key);

/* Add quantities of one leaf to a tally. */
void rf_verify__tally(rf_tally *tally, rf_text organization, rf_text product,
                      rf_bytes coordinates, rf_measure measure,
                      rf_quantity quantity);

/* Say whether the end of a hold is noted. */
RF_MUST_CHECK rf_status rf_verify__find_end(const rf_verifier *verifier,
                                            const rf_key_parts *hold,
                                            int64_t at_ms, bool *found,
                                            rf_error *err);

/* Look at all records of a table. */
RF_MUST_CHECK rf_status rf_verify__products(rf_verifier *verifier,
                                            rf_error *err);
RF_MUST_CHECK rf_status rf_verify__stock(rf_verifier *verifier, rf_error *err);
RF_MUST_CHECK rf_status rf_verify__due(rf_verifier *verifier, rf_error *err);
RF_MUST_CHECK rf_status rf_verify__journal(rf_verifier *verifier,
                                           rf_error *err);

#endif
