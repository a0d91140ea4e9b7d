/*
 * engine_resync.h - a step of a resync: what it is at, and what it changes.
 *
 * engine_resync_find.c goes from product to product and collects what is to
 * change until there is enough of it; engine_resync.c carries that out and
 * saves it with the job. Everything in here belongs to one step and is
 * forgotten with it, but for the position, which the job's record keeps.
 */
#ifndef RINGFENCE_CORE_ENGINE_RESYNC_H
#define RINGFENCE_CORE_ENGINE_RESYNC_H

#include "core/engine_internal.h"
#include "core/groups.h"

/* What one step does at most: small enough not to be felt by the commands that
 * wait. */
#define RF_RESYNC_ROWS_MAX 100
#define RF_RESYNC_REMOVALS_MAX 200

/* The numbers are stored in jobs: append only. */
typedef enum {
    RF_RESYNC_COUNT = 1,   /* how many products there are */
    RF_RESYNC_FIND = 2,    /* the next product */
    RF_RESYNC_RECORDS = 3, /* its reservations */
    RF_RESYNC_ROWS = 4,    /* its rows */
    RF_RESYNC_DONE = 5
} rf_resync_stage;

typedef struct rf_resync_position {
    rf_resync_stage stage;
    size_t product_length; /* of `next`, that is the product's */
    rf_key next;           /* where to go on */
} rf_resync_position;

/* A row that is going to change; everything is in the workset's arena. */
typedef struct rf_resync_row {
    rf_text organization;
    rf_text product;
    rf_bytes coordinates;
    rf_place place;
    rf_posting posting;
    rf_quantity *changes; /* one for each of the measures */
} rf_resync_row;

/* A reservation that is going to go. */
typedef struct rf_removal {
    rf_record *head;
    rf_level level;
    bool is_live;
    rf_record *due; /* NULL: it does not end */
} rf_removal;

typedef struct rf_resync {
    rf_engine *engine;
    rf_running_job *job;
    rf_environment *environment;
    rf_store_transaction *transaction;
    rf_resync_position at;
    uint64_t done; /* products */
    uint64_t total;
    rf_measure measures[RF_RESYNC_MEASURES_MAX];
    size_t measure_count;
    size_t looks;         /* how many more keys may be looked at */
    bool is_stopped;      /* the step has enough */
    rf_text organization; /* of the product at hand */
    rf_text product;
    rf_record *head;
    size_t first_row; /* of that product */
    bool has_kept;
    rf_groups kept; /* what its records come to, as stored */
    rf_node node;
    rf_resync_row rows[RF_RESYNC_ROWS_MAX];
    size_t row_count;
    rf_removal removals[RF_RESYNC_REMOVALS_MAX];
    size_t removal_count;
    rf_buffer keys; /* of the records that go */
    rf_status status;
    rf_error *err;
} rf_resync;

/* Go on from the position, and collect what is to change until there is enough
 * of it, or nothing left. Nothing is changed yet. */
RF_MUST_CHECK rf_status rf_resync__collect(rf_resync *self);

#endif
