/*
 * watcher.h - noticing that somebody has saved a plugin's file.
 *
 * It watches the shared plugins and the environments' own copies, for files
 * that end with .lua and for folders that come and go. A burst of changes is
 * told once, when it has been quiet for a moment. Whether anything is different
 * is for whoever is told to find out.
 */
#ifndef RINGFENCE_SERVER_WATCHER_H
#define RINGFENCE_SERVER_WATCHER_H

#include "core/error.h"

typedef struct rf_watcher rf_watcher;

typedef struct rf_watcher_options {
    const char *plugins;      /* folders, borrowed */
    const char *environments; /* whose "<id>.plugins" are watched */
    /* Called on the watcher's thread. */
    void (*changed)(void *self);
    void *self;
} rf_watcher_options;

/* Begin to watch. Folders that are not there are looked for again whenever
 * something else has changed. RF_E_STORAGE, RF_E_STORAGE_FULL: the system gives
 * no watches. RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_watcher_start(const rf_watcher_options *options,
                                         rf_watcher **out, rf_error *err);

/* Stop the thread, wait for it, and free everything. NULL is allowed. */
void rf_watcher_stop(rf_watcher *watcher);

#endif
