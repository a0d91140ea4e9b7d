/*
 * environment_file.h - the folder of configuration documents.
 *
 * Each environment is one file, <environments>/<environmentId>.json. They are
 * read at start, at every reload and by `ringfence check`. What else belongs to
 * an environment lies beside it: its own copies of plugins (plugin_files.h) and
 * its last generations (generation_files.h); environment_change.h replaces
 * document and copies together.
 */
#ifndef RINGFENCE_SERVER_ENVIRONMENT_FILE_H
#define RINGFENCE_SERVER_ENVIRONMENT_FILE_H

#include "core/error.h"
#include "core/text.h"

#include <stdbool.h>

/* One file that was read. Borrowed until the visit returns. */
typedef struct rf_environment_file {
    const char *path;
    rf_text id;
    rf_text document; /* as in the file */
    rf_status status; /* RF_OK, or why it could not be read */
    rf_error error;
} rf_environment_file;

/* Called for each file, in order of their names. A status other than RF_OK
 * ends the reading and is returned from it. */
typedef rf_status rf_environment_file_visit(void *context,
                                            const rf_environment_file *file,
                                            rf_error *err);

/* Read every document of a folder. A folder that is not there holds none.
 * RF_E_STORAGE: it cannot be read. */
RF_MUST_CHECK rf_status rf_environment_files_read(
    const char *directory, rf_environment_file_visit *visit, void *context,
    rf_error *err);

/* Room for the name of an environment's file, with its NUL. */
#define RF_ENVIRONMENT_FILE_SIZE 64

void rf_environment_file_name(rf_text id, char out[RF_ENVIRONMENT_FILE_SIZE]);

/* Say whether a text may be an environment's id: 1 to 50 letters, digits, '-'
 * and '_'. */
bool rf_environment_id_is_valid(rf_text id);

#endif
