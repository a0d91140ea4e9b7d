/*
 * verify.h - proving that the store is what it should be.
 *
 * In one read transaction every record of every table is read: checksums and
 * formats, every total of every level against the sum of its leaves (with
 * groups: of the allocation records), what leaves have of the measures of
 * allocations against the records, heads against the reservations and
 * allocations they count, holds against the times at which they end, the index
 * of places against the stock, the journal's numbers and entries. Where the
 * journal reaches back to its first entry and nothing was erased, its movements
 * are added up too and must come to the leaves and the allocation records.
 * What is known of products is only read.
 *
 * One product is looked at at a time; memory is proportional to the nodes of
 * the largest one.
 */
#ifndef RINGFENCE_CORE_VERIFY_H
#define RINGFENCE_CORE_VERIFY_H

#include "core/store.h"

/* Differences that are told in words; more are only counted. */
#define RF_VERIFY_TOLD_MAX 100

/* Called with one line for each difference. Return false to stop looking. */
typedef bool rf_verify_differ(void *context, const char *text);

typedef struct rf_verify_options {
    rf_verify_differ *differ; /* may be NULL */
    void *context;
} rf_verify_options;

typedef struct rf_verify_report {
    uint64_t environments;
    uint64_t products;
    uint64_t leaves;
    uint64_t nodes; /* of the other levels */
    uint64_t reservations;
    uint64_t allocations; /* records of groups at a place */
    uint64_t scheduled;   /* places and days that something is scheduled for */
    uint64_t holds;       /* those of them that end */
    uint64_t journal_entries;
    uint64_t places;          /* entries of the index of places */
    uint64_t product_records; /* what is known of products */
    uint64_t replayed;        /* environments whose journal was added up */
    uint64_t differences;     /* 0: all is well */
} rf_verify_report;

/* Verify everything. Differences are counted in the report, not returned; a
 * status other than RF_OK means that the store could not be read at all, or
 * RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_verify(rf_store *store,
                                  const rf_verify_options *options,
                                  rf_verify_report *report, rf_error *err);

#endif
