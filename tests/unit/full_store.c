/*
 * full_store.c - a store whose commits find no room.
 */
#include "tests/unit/full_store.h"

/* A transaction does not tell its store. */
static full_store *current;

static rf_status commit_full(rf_store_transaction *transaction, rf_error *err)
{
    if (current->commits_good > 0) {
        current->commits_good--;
    } else if (current->commits_full > 0) {
        current->commits_full--;
        current->whole->abort(transaction);
        return rf_fail(err, RF_E_STORAGE_FULL, "no room");
    }
    return current->whole->commit(transaction, err);
}

static rf_status grow(rf_store *store, rf_error *err)
{
    (void)store;
    return current->can_grow ? RF_OK
                             : rf_fail(err, RF_E_STORAGE_FULL, "no room");
}

void full_store_begin(full_store *full, rf_store *store)
{
    *full = (full_store){.store = store,
                         .whole = store->operations,
                         .operations = *store->operations};
    full->operations.commit = commit_full;
    full->operations.grow = grow;
    store->operations = &full->operations;
    current = full;
}

void full_store_end(full_store *full)
{
    full->store->operations = full->whole;
    current = NULL;
}
