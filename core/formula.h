/*
 * formula.h - the port through which the core asks scripts.
 *
 * The core evaluates sums and trees of measures itself; a formula that is more
 * than that belongs to a host, which whoever builds a catalog supplies. A host
 * never changes once its catalog is published, and is used by all threads at
 * the same time, each of which has a number of its own.
 */
#ifndef RINGFENCE_CORE_FORMULA_H
#define RINGFENCE_CORE_FORMULA_H

#include "core/error.h"
#include "core/level.h"
#include "core/measures.h"
#include "core/quantity.h"
#include "core/text.h"

#include <stdint.h>

typedef struct rf_catalog rf_catalog;

/* What a formula is evaluated for: one node, now, on this thread. All of it is
 * borrowed for the call. */
typedef struct rf_subject {
    const rf_catalog *catalog;
    rf_text organization;
    rf_text product;
    const rf_place *place; /* coordinates; those not given are "" */
    const rf_measures *measures;
    int64_t now_ms;  /* Unix time */
    unsigned thread; /* whose scripts to use, below the host's count */
} rf_subject;

typedef struct rf_formula_host rf_formula_host;

struct rf_formula_host {
    /* Evaluate the script with that number.
     * RF_E_SCRIPT: it failed; err says which plugin, function and line. */
    rf_status (*evaluate)(rf_formula_host *self, unsigned script,
                          const rf_subject *subject, rf_quantity *out,
                          rf_error *err);
    /* Free it; nobody uses it any more. */
    void (*release)(rf_formula_host *self);
};

#endif
