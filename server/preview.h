/*
 * preview.h - what a changed plugin would change, before anyone switches.
 *
 * Every node of the partition's level (per product and site and location, or
 * per product) is evaluated twice, under the generation in force and under a
 * candidate that nobody else sees. The numbers are those the switch would show
 * at that moment. It runs in slices on the loader's thread, with read
 * transactions of its own.
 */
#ifndef RINGFENCE_SERVER_PREVIEW_H
#define RINGFENCE_SERVER_PREVIEW_H

#include "core/arena.h"
#include "core/catalog.h"
#include "core/generation.h"
#include "core/store.h"

/* One file as it would be. */
typedef struct rf_preview_file {
    rf_text plugin;
    rf_text file;
    rf_text text;
} rf_preview_file;

typedef struct rf_preview_request {
    const rf_preview_file *files;
    size_t file_count;
    rf_text measure; /* "source.measure", or "" for every calculated measure */
    size_t limit;    /* of the changes to tell */
} rf_preview_request;

/* One availability that would change. A value that cannot be computed is told
 * by its failure instead, and one whose measure a side does not know by
 * RF_E_UNKNOWN_MEASURE. */
typedef struct rf_preview_change {
    rf_text organization;
    rf_text product;
    rf_text site; /* "" where the partition has none */
    rf_text location;
    rf_text measure;
    rf_quantity before;
    rf_quantity after;
    rf_status before_status;
    rf_status after_status;
} rf_preview_change;

typedef struct rf_preview_result {
    rf_arena arena;   /* holds the texts */
    uint64_t checked; /* nodes times measures */
    uint64_t changed;
    uint64_t failed; /* of these, how many the candidate cannot compute */
    /* The largest first, at most the limit. What the candidate cannot compute
     * is larger than any number; a value that only one side has counts as if
     * it were 0 on the other. Equal ones by organization, product and place. */
    rf_preview_change *changes;
    size_t change_count;
    bool by_product; /* changes have no dimensions */
} rf_preview_result;

/* What is compared, and with what means; all borrowed. */
typedef struct rf_preview_setting {
    rf_store *store;
    const rf_generation *current;
    const rf_catalog *candidate; /* its host has a state for `thread` */
    unsigned thread;
    int64_t now_ms; /* for formulas that ask for the time */
} rf_preview_setting;

/* Compare a generation with a candidate's catalog. RF_E_UNKNOWN_MEASURE:
 * neither knows the measure asked for. RF_E_STORAGE, RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_preview_run(const rf_preview_setting *setting,
                                       const rf_preview_request *request,
                                       rf_preview_result **out, rf_error *err);
void rf_preview_free(rf_preview_result *result);

#endif
