/*
 * full_store.h - a store whose commits find no room, for the tests of those
 * who have to live with it.
 *
 * Only commit and grow are replaced; nothing else of the store changes. One
 * store at a time can be full.
 */
#ifndef RINGFENCE_TESTS_UNIT_FULL_STORE_H
#define RINGFENCE_TESTS_UNIT_FULL_STORE_H

#include "core/store.h"

typedef struct full_store {
    rf_store *store;
    const rf_store_operations *whole;
    rf_store_operations operations;
    unsigned commits_good; /* from now on, before those that find no room */
    unsigned commits_full; /* of these the next ones find no room */
    bool can_grow;
} full_store;

/* Put the struct in front of the store's operations, with no commit that
 * fails yet and a map that cannot grow. It has to stay where it is. */
void full_store_begin(full_store *full, rf_store *store);

/* Give the store its own operations back. */
void full_store_end(full_store *full);

#endif
