/*
 * environment_change.h - putting other files in force for an environment, all
 * of them or none.
 *
 * A change replaces the document, the own copies of plugins, or both. It is
 * applied when everything has been tried and nothing published yet; whoever
 * applied it says afterwards whether it stays. What was there before is kept
 * aside until then.
 *
 * Each of the two is exchanged in one step. When both are, a mark says which
 * generation is being put in place, so that a start after a crash between the
 * two finishes it (rf_environment_changes_recover).
 */
#ifndef RINGFENCE_SERVER_ENVIRONMENT_CHANGE_H
#define RINGFENCE_SERVER_ENVIRONMENT_CHANGE_H

#include "core/error.h"
#include "core/text.h"
#include "server/options.h"
#include "server/plugin_files.h"

#include <stdbool.h>
#include <stdint.h>

/* To be filled in down to `number`; the rest is zero. */
typedef struct rf_environment_change {
    const char *directory; /* of the documents */
    rf_text environment;
    bool has_document;
    bool has_own;
    rf_text document;
    rf_plugin_set own; /* all own copies as they shall be; none: no folder */
    uint64_t number;   /* of the generation, whose file has been written */

    int folder; /* open while it is applied */
    bool is_applied;
    bool document_is_swapped;
    bool own_is_swapped;
} rf_environment_change;

/* Put the files in place: durable when this returns RF_OK, and nothing has
 * changed when it does not. RF_E_STORAGE, RF_E_STORAGE_FULL. */
RF_MUST_CHECK rf_status
rf_environment_change_apply(rf_environment_change *change, rf_error *err);

/* Let it stay, or put back what was there before. Nothing happens when it was
 * not applied. RF_E_STORAGE: it could not be put back. */
void rf_environment_change_keep(rf_environment_change *change);
RF_MUST_CHECK rf_status
rf_environment_change_undo(rf_environment_change *change, rf_error *err);

/* Which own copies make the plugins of an environment those of `wanted`, given
 * the copies there are: none where the shared plugin is the same. Reads the
 * shared plugins. */
RF_MUST_CHECK rf_status rf_environment_own_for(const rf_plugin_folders *folders,
                                               const rf_plugin_set *wanted,
                                               rf_arena *arena,
                                               rf_plugin_set *out,
                                               rf_error *err);

/* At the start: finish what a crash has cut short, and remove what it has left
 * aside. RF_E_STORAGE, RF_E_STORAGE_FULL: it could not be finished. */
RF_MUST_CHECK rf_status
rf_environment_changes_recover(const rf_options *options, rf_error *err);

#endif
