/*
 * generation_files.h - the last generations of an environment, kept on disk.
 *
 * Each is one file, <environments>/<environmentId>.generations/<number>.json,
 * which holds all that made it: the document and every plugin's text. So an
 * earlier one can be put back whatever has become of the files since.
 *
 * A file is written before its generation is published, so the newest may
 * never have come to be; whoever knows which one is in force drops those above.
 */
#ifndef RINGFENCE_SERVER_GENERATION_FILES_H
#define RINGFENCE_SERVER_GENERATION_FILES_H

#include "core/arena.h"
#include "core/error.h"
#include "core/text.h"
#include "server/loader.h"
#include "server/plugin_files.h"

/* What one generation was made of. */
typedef struct rf_generation_text {
    uint64_t number;
    int64_t published_ms;
    rf_text actor;
    rf_text document;
    rf_plugin_set plugins; /* those that the document names, in that order */
} rf_generation_text;

/* One generation as it is listed. */
typedef struct rf_generation_kept {
    rf_generation_note note;
    rf_fingerprint content; /* of document and plugins */
} rf_generation_kept;

/* Write a generation, durably. RF_E_STORAGE, RF_E_STORAGE_FULL,
 * RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_generation_file_write(const char *environments,
                                                 rf_text environment,
                                                 const rf_generation_text *text,
                                                 rf_error *err);

/* Read one back into the arena. RF_E_UNKNOWN_GENERATION: there is none of that
 * number. RF_E_STORAGE: it cannot be read, or is not what was written. */
RF_MUST_CHECK rf_status rf_generation_file_read(
    const char *environments, rf_text environment, uint64_t number,
    rf_arena *arena, rf_generation_text *out, rf_error *err);

/* List the newest `max` that can be read, newest first. */
RF_MUST_CHECK rf_status rf_generation_files_list(const char *environments,
                                                 rf_text environment,
                                                 rf_generation_kept *out,
                                                 size_t max, size_t *count,
                                                 rf_error *err);

/* Remove those numbered above `newest`, and of the rest all but the newest
 * `keep`, and what a crash left unfinished. What cannot be removed stays. */
void rf_generation_files_prune(const char *environments, rf_text environment,
                               uint64_t newest, size_t keep);

#endif
