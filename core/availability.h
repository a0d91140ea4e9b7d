/*
 * availability.h - how much a caller could still be promised, and why.
 *
 * The answer is the one that a checked reservation would get: the smallest
 * value of a calculated measure over the levels that are checked. All of it is
 * read in one transaction, so the numbers belong to one journal number.
 */
#ifndef RINGFENCE_CORE_AVAILABILITY_H
#define RINGFENCE_CORE_AVAILABILITY_H

#include "core/arena.h"
#include "core/check_levels.h"
#include "core/generation.h"
#include "core/record.h"
#include "core/store.h"

/* What is asked; texts and lists are borrowed. */
typedef struct rf_availability_request {
    rf_text organization;
    rf_text product;
    const rf_place *place;
    const rf_calculated *measure; /* of the generation's catalog */
    const uint64_t *own;          /* ids of reservations to leave out */
    size_t own_count;
    int64_t now_ms;
    unsigned thread; /* for formulas */
} rf_availability_request;

typedef struct rf_availability_level {
    rf_level level;
    rf_quantity value;
} rf_availability_level;

/* One of the caller's own reservations that was left out. */
typedef struct rf_availability_own {
    uint64_t id;
    uint64_t created_number;
    rf_quantity quantity;
} rf_availability_own;

/* The answer; lists lie in the arena. */
typedef struct rf_availability {
    rf_quantity available; /* never below 0 */
    size_t binding; /* which level is the smallest, the first of equals */
    rf_availability_level levels[RF_CHECK_LEVELS_MAX]; /* own first */
    size_t level_count;
    rf_measures measures; /* of the own level, the own reservations left out */
    rf_availability_own *own;
    size_t own_count;
    uint64_t version; /* journal number read at */
} rf_availability;

/* Read the answer under a generation. An id of `own` that is unknown, belongs
 * to another product, or holds nothing any more is left out of the answer's
 * list. RF_E_SCRIPT, RF_E_QUANTITY_OVERFLOW: the measure has no value.
 * RF_E_NO_MEMORY, RF_E_STORAGE. */
RF_MUST_CHECK rf_status
rf_availability_read(rf_store *store, const rf_generation *generation,
                     const rf_availability_request *request, rf_arena *arena,
                     rf_availability *out, rf_error *err);

#endif
