/*
 * environment_file.c - reading configuration documents.
 */
#include "server/environment_file.h"

#include "core/buffer.h"
#include "core/generation.h"
#include "server/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_BYTES_MAX ((size_t)16 * 1024 * 1024)

#define SUFFIX ".json"

bool rf_environment_id_is_valid(rf_text id)
{
    for (size_t i = 0; i < id.length; i++) {
        char c = rf_lower(id.bytes[i]);
        bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_';
        if (!allowed) {
            return false;
        }
    }
    return id.length > 0 && id.length <= RF_ENVIRONMENT_ID_MAX;
}

void rf_environment_file_name(rf_text id, char out[RF_ENVIRONMENT_FILE_SIZE])
{
    int length = snprintf(out, RF_ENVIRONMENT_FILE_SIZE, "%.*s" SUFFIX,
                          (int)id.length, id.bytes);
    RF_ASSERT(length > 0 && length < RF_ENVIRONMENT_FILE_SIZE);
}

/* Administrators lay documents out as they like, with links too. */
static rf_status read_document(const rf_environment_file *file, rf_buffer *text,
                               rf_error *err)
{
    if (!rf_environment_id_is_valid(file->id)) {
        return rf_fail(err, RF_E_BAD_CONFIGURATION,
                       "the name of the file is not an environment's id");
    }
    return rf_files_read_at(AT_FDCWD, file->path, true, DOCUMENT_BYTES_MAX,
                            text, err);
}

/* Read one file and hand it to the visit. */
static rf_status visit_file(const char *directory, const char *name,
                            rf_environment_file_visit *visit, void *context,
                            rf_error *err)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", directory, name);
    if (length < 0 || (size_t)length >= sizeof path) {
        return rf_fail(err, RF_E_STORAGE, "the path of %.120s is too long",
                       name);
    }
    rf_buffer text = {0};
    rf_environment_file file = {
        .path = path,
        .id = {name, strlen(name) - strlen(SUFFIX)},
        .document = RF_TEXT_EMPTY,
    };
    file.status = read_document(&file, &text, &file.error);
    if (file.status == RF_OK) {
        file.document = (rf_text){text.bytes, text.length};
    }
    rf_status status =
        file.status == RF_E_NO_MEMORY
            ? rf_fail(err, RF_E_NO_MEMORY, "no memory to read %.120s", path)
            : visit(context, &file, err);
    rf_buffer_done(&text);
    return status;
}

/* Hidden files are editors' and our own unfinished ones. */
static int is_document(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    size_t suffix = strlen(SUFFIX);
    return entry->d_name[0] != '.' && length > suffix &&
           strcmp(entry->d_name + length - suffix, SUFFIX) == 0;
}

rf_status rf_environment_files_read(const char *directory,
                                    rf_environment_file_visit *visit,
                                    void *context, rf_error *err)
{
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, is_document, alphasort);
    if (count < 0) {
        return errno == ENOENT ? RF_OK : rf_files_fail(err, "read", directory);
    }
    rf_status status = RF_OK;
    for (int i = 0; i < count; i++) {
        if (status == RF_OK) {
            status =
                visit_file(directory, entries[i]->d_name, visit, context, err);
        }
        free(entries[i]);
    }
    free(entries);
    return status;
}
