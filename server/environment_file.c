/*
 * environment_file.c - reading and replacing configuration documents.
 */
#include "server/environment_file.h"

#include "core/buffer.h"
#include "core/generation.h"
#include "server/document.h"
#include "server/files.h"
#include "server/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DOCUMENT_BYTES_MAX ((size_t)16 * 1024 * 1024)

#define DOCUMENT_LIMITS                                                        \
    ((rf_json_limits){.depth_max = RF_JSON_DEPTH_CEILING, .values_max = 200000})

#define ARENA_BLOCK_BYTES ((size_t)64 * 1024)

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

/* ---- Reading ---- */

/* Read a file into a draft; what goes wrong is the file's, not the folder's. */
static rf_status parse_file(rf_environment_file *file, rf_arena *arena,
                            rf_buffer *text, rf_error *err)
{
    const rf_json *root = NULL;
    if (!rf_environment_id_is_valid(file->id)) {
        return rf_fail(err, RF_E_BAD_CONFIGURATION,
                       "the name of the file is not an environment's id");
    }
    rf_status status = rf_files_read(file->path, DOCUMENT_BYTES_MAX, text, err);
    if (status != RF_OK) {
        return status;
    }
    file->document = (rf_text){text->bytes, text->length};
    status = rf_json_parse(arena, file->document, DOCUMENT_LIMITS, &root, err);
    if (status != RF_OK) {
        return status;
    }
    if (!rf_json_is(root, RF_JSON_OBJECT)) {
        return rf_fail(err, RF_E_BAD_CONFIGURATION,
                       "the document is not an object");
    }
    return rf_document_read(arena, root, &file->draft, &file->problems, err);
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
    rf_arena arena;
    rf_buffer text = {0};
    rf_arena_init(&arena, ARENA_BLOCK_BYTES, 0);
    rf_environment_file file = {
        .path = path,
        .id = {name, strlen(name) - strlen(SUFFIX)},
        .document = RF_TEXT_EMPTY,
    };
    file.status = parse_file(&file, &arena, &text, &file.error);
    rf_status status =
        file.status == RF_E_NO_MEMORY
            ? rf_fail(err, RF_E_NO_MEMORY, "no memory to read %.120s", path)
            : visit(context, &file, err);
    rf_buffer_done(&text);
    rf_arena_done(&arena);
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

/* ---- Writing ---- */

/* Write the whole text to a file of its own. */
static rf_status write_aside(int folder, const char *name, rf_text text,
                             rf_error *err)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                    S_IRUSR | S_IWUSR | S_IRGRP);
    if (fd < 0) {
        return rf_files_fail(err, "write", name);
    }
    rf_status status = rf_files_write(fd, text, name, err);
    if (status == RF_OK && fsync(fd) != 0) {
        status = rf_files_fail(err, "write", name);
    }
    if (close(fd) != 0 && status == RF_OK) {
        status = rf_files_fail(err, "write", name);
    }
    return status;
}

/* A crash leaves the old file or the new one: the text is durable under
 * another name before that name is changed. */
static rf_status replace_file(int folder, rf_text id, rf_text document,
                              rf_error *err)
{
    char name[RF_ENVIRONMENT_ID_MAX + sizeof SUFFIX];
    char aside[sizeof name + 8];
    snprintf(name, sizeof name, "%.*s" SUFFIX, (int)id.length, id.bytes);
    snprintf(aside, sizeof aside, ".%s.new", name);
    rf_status status = write_aside(folder, aside, document, err);
    if (status == RF_OK && renameat(folder, aside, folder, name) != 0) {
        status = rf_files_fail(err, "replace", name);
    }
    if (status != RF_OK) {
        (void)unlinkat(folder, aside, 0);
        return status;
    }
    return fsync(folder) == 0 ? RF_OK : rf_files_fail(err, "replace", name);
}

rf_status rf_environment_file_write(const char *directory, rf_text id,
                                    rf_text document, rf_error *err)
{
    RF_ASSERT(rf_environment_id_is_valid(id));
    if (mkdir(directory, S_IRWXU | S_IRGRP | S_IXGRP) != 0 && errno != EEXIST) {
        return rf_files_fail(err, "make", directory);
    }
    int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return rf_files_fail(err, "open", directory);
    }
    rf_status status = replace_file(folder, id, document, err);
    close(folder);
    return status;
}
