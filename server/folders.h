/*
 * folders.h - folders that are replaced as a whole.
 *
 * What shall come into place is made aside, under a hidden name, and then
 * exchanged with what is in place; to take it back is the same exchange once
 * more. Entries are named by their name in an open folder.
 */
#ifndef RINGFENCE_SERVER_FOLDERS_H
#define RINGFENCE_SERVER_FOLDERS_H

#include "core/arena.h"
#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Open a folder; `make` it when it is not there. RF_E_STORAGE,
 * RF_E_STORAGE_FULL. */
RF_MUST_CHECK rf_status rf_folders_open(const char *path, bool make, int *out,
                                        rf_error *err);
RF_MUST_CHECK rf_status rf_folders_open_at(int folder, const char *name,
                                           bool make, int *out, rf_error *err);

/* Names of entries, in order; borrowed from an arena. */
typedef struct rf_names {
    const char **items;
    size_t count;
} rf_names;

/* List the names that `wanted` takes. Of more than `max`, any `max` are there,
 * and the count is one more. RF_E_STORAGE, RF_E_NO_MEMORY. */
typedef bool rf_folders_wanted(const char *name);
RF_MUST_CHECK rf_status rf_folders_list(int folder, rf_folders_wanted *wanted,
                                        size_t max, rf_arena *arena,
                                        rf_names *out, rf_error *err);

/* Make new and renamed entries durable. */
RF_MUST_CHECK rf_status rf_folders_sync(int folder, const char *name,
                                        rf_error *err);

/* Exchange two entries. Where one is missing the other is renamed.
 * It is durable when this returns RF_OK; else nothing has changed, as far as
 * that can be helped. */
RF_MUST_CHECK rf_status rf_folders_swap(int folder, const char *name,
                                        const char *aside, rf_error *err);

/* How that is done where the file system cannot exchange: by three renames,
 * with `name` missing for a moment. */
RF_MUST_CHECK rf_status rf_folders_swap_slowly(int folder, const char *name,
                                               const char *aside,
                                               rf_error *err);

/* After a crash: put back what a slow swap had taken away, and remove what is
 * left aside. Only when nobody else is at work in the folder. */
void rf_folders_mend(int folder, const char *name, const char *aside);

/* Remove an entry, a folder with everything in it. What is not there, or cannot
 * be removed, stays as it is. */
void rf_folders_remove(int folder, const char *name);

#endif
