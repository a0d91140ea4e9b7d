/*
 * history_ask.h - random commands on one product, and the engine's words for
 * them.
 */
#ifndef RINGFENCE_TESTS_UNIT_HISTORY_ASK_H
#define RINGFENCE_TESTS_UNIT_HISTORY_ASK_H

#include "tests/unit/engine_rig.h"
#include "tests/unit/history_model.h"

#define HISTORY_TEXT_MAX 200 /* of a place, or a product */

/* What a choice depends on. */
typedef struct history_chooser {
    uint64_t seed;
    const history_rules *rules;
    const history_books *books;
    unsigned group_count;
    int64_t now_ms;
    bool is_tame; /* stock only comes in, and what is taken is checked */
} history_chooser;

/* Return a number below `below`; the same ones for the same seed. */
unsigned history_pick(history_chooser *chooser, unsigned below);

history_ask history_choose(history_chooser *chooser);

/* Print a place as the rig reads it, and a product's name. */
const char *history_spot_text(const history_spot *spot,
                              char text[HISTORY_TEXT_MAX]);
const char *history_product(size_t product, char text[HISTORY_TEXT_MAX]);

/* Make the command; it lives as long as what the rig made. */
rf_command history_command(engine_rig *rig, size_t product,
                           const history_books *books, const history_ask *ask);

/* The full name of a measure. */
const char *history_measure_name(history_measure measure);

#endif
