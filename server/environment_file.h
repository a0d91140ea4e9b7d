/*
 * environment_file.h - the folder of configuration documents.
 *
 * Each environment is one file, <environments>/<environmentId>.json. They are
 * read at start and by `ringfence check`, and written when a configuration is
 * replaced through the API.
 */
#ifndef RINGFENCE_SERVER_ENVIRONMENT_FILE_H
#define RINGFENCE_SERVER_ENVIRONMENT_FILE_H

#include "core/arena.h"
#include "core/draft.h"
#include "core/error.h"
#include "core/text.h"

/* One file that was read. Borrowed until the visit returns. */
typedef struct rf_environment_file {
    const char *path;
    rf_text id;
    rf_text document; /* as in the file */
    rf_draft draft;
    rf_problems problems; /* of its form; the visit may add to them */
    rf_status status;     /* RF_OK, or why there is no whole draft */
    rf_error error;
} rf_environment_file;

/* Called for each file, in order of their names. A status other than RF_OK
 * ends the reading and is returned from it. */
typedef rf_status rf_environment_file_visit(void *context,
                                            rf_environment_file *file,
                                            rf_error *err);

/* Read every document of a folder. A folder that is not there holds none.
 * RF_E_STORAGE: it cannot be read. */
RF_MUST_CHECK rf_status rf_environment_files_read(
    const char *directory, rf_environment_file_visit *visit, void *context,
    rf_error *err);

/* Put a document in place of an environment's file, all or nothing: when this
 * returns RF_OK it is durable. RF_E_STORAGE, RF_E_STORAGE_FULL. */
RF_MUST_CHECK rf_status rf_environment_file_write(const char *directory,
                                                  rf_text id, rf_text document,
                                                  rf_error *err);

/* Say whether a text may be an environment's id: 1 to 50 letters, digits, '-'
 * and '_'. */
bool rf_environment_id_is_valid(rf_text id);

#endif
