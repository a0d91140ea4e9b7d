/*
 * plugin_files.c - reading plugins from folders, and writing own copies.
 */
#include "server/plugin_files.h"

#include "core/buffer.h"
#include "server/files.h"
#include "server/folders.h"
#include "server/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".lua"
#define SPEC_SUFFIX "_spec.lua"
#define SUFFIX_LENGTH (sizeof SUFFIX - 1)

rf_plugin_folders rf_plugin_folders_of(const rf_options *options,
                                       rf_text environment)
{
    return (rf_plugin_folders){.shared = options->plugins_directory,
                               .environments = options->environments_directory,
                               .environment = environment};
}

void rf_plugin_own_folder(rf_text environment, char out[RF_OWN_FOLDER_SIZE])
{
    int length = snprintf(out, RF_OWN_FOLDER_SIZE, "%.*s.plugins",
                          (int)environment.length, environment.bytes);
    RF_ASSERT(length > 0 && length < RF_OWN_FOLDER_SIZE);
}

/* ---- Names ---- */

bool rf_plugin_name_is_valid(rf_text name)
{
    for (size_t i = 0; i < name.length; i++) {
        char c = rf_lower(name.bytes[i]);
        bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_';
        if (!allowed) {
            return false;
        }
    }
    return name.length > 0 && name.length <= RF_PLUGIN_NAME_MAX;
}

static bool ends_with(rf_text text, const char *suffix)
{
    size_t length = strlen(suffix);
    return text.length >= length &&
           memcmp(text.bytes + text.length - length, suffix, length) == 0;
}

bool rf_plugin_file_name_is_valid(rf_text name)
{
    return ends_with(name, SUFFIX) && !ends_with(name, SPEC_SUFFIX) &&
           rf_plugin_name_is_valid(
               (rf_text){name.bytes, name.length - SUFFIX_LENGTH});
}

/* Hidden files are editors' own. */
static bool is_script(const char *name)
{
    rf_text text = rf_text_of(name);
    return name[0] != '.' && ends_with(text, SUFFIX) &&
           !ends_with(text, SPEC_SUFFIX);
}

static bool is_plugin_folder(const char *name)
{
    return rf_plugin_name_is_valid(rf_text_of(name));
}

/* ---- Failures ---- */

/* Note which plugin and file a failure is about. */
static rf_status blame(rf_text plugin, rf_text file, int line, rf_status status,
                       rf_error *err)
{
    if (err != NULL) {
        rf_script_place *place = &err->script;
        *place = (rf_script_place){.line = line};
        snprintf(place->plugin, sizeof place->plugin, "%.*s",
                 (int)plugin.length, plugin.bytes);
        snprintf(place->file, sizeof place->file, "%.*s", (int)file.length,
                 file.bytes);
    }
    return status;
}

static rf_status fail_no_memory(rf_error *err)
{
    return rf_fail(err, RF_E_NO_MEMORY, "no memory to read plugins");
}

rf_status rf_plugin_text_check(rf_text plugin, rf_text file, rf_text text,
                               rf_error *err)
{
    if (text.length > RF_PLUGIN_FILE_BYTES_MAX) {
        rf_fail(err, RF_E_PLUGIN_FAILED, "%.*s is larger than %zu bytes",
                RF_SHOWN(file), RF_PLUGIN_FILE_BYTES_MAX);
        return blame(plugin, file, 0, RF_E_PLUGIN_FAILED, err);
    }
    int line = 1;
    for (size_t i = 0; i < text.length;) {
        size_t length = rf_utf8_read(text.bytes + i, text.length - i, NULL);
        if (length == 0 || text.bytes[i] == '\0') {
            rf_fail(err, RF_E_PLUGIN_SYNTAX,
                    "%.*s is no text: its byte %zu is no part of a character",
                    RF_SHOWN(file), i);
            return blame(plugin, file, line, RF_E_PLUGIN_SYNTAX, err);
        }
        line += text.bytes[i] == '\n';
        i += length;
    }
    return RF_OK;
}

/* ---- Reading ---- */

/* A plugin's folder while it is read. */
typedef struct reading {
    int folder;
    rf_text plugin;
    rf_arena *arena;
    rf_error *err;
} reading;

static rf_status read_file(const reading *from, const char *name,
                           rf_plugin_file *out)
{
    rf_text file = rf_text_of(name);
    rf_buffer text = {0};
    if (!rf_plugin_file_name_is_valid(file)) {
        rf_fail(from->err, RF_E_PLUGIN_FAILED,
                "%.*s: a file's name is made of 1 to %d letters, digits, '-' "
                "and '_' in front of .lua",
                RF_SHOWN(file), RF_PLUGIN_NAME_MAX);
        return blame(from->plugin, file, 0, RF_E_PLUGIN_FAILED, from->err);
    }
    rf_status status = rf_files_read_at(
        from->folder, name, false, RF_PLUGIN_FILE_BYTES_MAX, &text, from->err);
    if (status == RF_E_BAD_CONFIGURATION) {
        status = RF_E_PLUGIN_FAILED;
        if (from->err != NULL) {
            from->err->status = status;
        }
    }
    if (status != RF_OK) {
        rf_buffer_done(&text);
        return blame(from->plugin, file, 0, status, from->err);
    }
    const char *copy = rf_arena_copy(from->arena, text.bytes, text.length);
    *out = (rf_plugin_file){file, {copy, text.length}};
    rf_buffer_done(&text);
    return copy == NULL
               ? fail_no_memory(from->err)
               : rf_plugin_text_check(from->plugin, file, out->text, from->err);
}

static rf_status read_files(const reading *from, rf_plugin_source *out)
{
    rf_names names;
    rf_status status =
        rf_folders_list(from->folder, is_script, RF_PLUGIN_FILES_MAX,
                        from->arena, &names, from->err);
    if (status != RF_OK) {
        return status;
    }
    if (names.count > RF_PLUGIN_FILES_MAX) {
        rf_fail(from->err, RF_E_PLUGIN_FAILED,
                "%.*s has more than %d files that end with .lua",
                RF_SHOWN(from->plugin), RF_PLUGIN_FILES_MAX);
        return blame(from->plugin, RF_TEXT_EMPTY, 0, RF_E_PLUGIN_FAILED,
                     from->err);
    }
    rf_plugin_file *files =
        rf_arena_calloc(from->arena, names.count + 1, sizeof *files);
    const char *name =
        rf_arena_copy(from->arena, from->plugin.bytes, from->plugin.length);
    if (files == NULL || name == NULL) {
        return fail_no_memory(from->err);
    }
    for (size_t i = 0; i < names.count && status == RF_OK; i++) {
        status = read_file(from, names.items[i], &files[i]);
    }
    if (status == RF_OK) {
        *out =
            (rf_plugin_source){{name, from->plugin.length}, files, names.count};
    }
    return status;
}

/* Open a folder without complaint when it is not there: -1 then. Links are
 * followed only where an administrator may have laid them out. */
static rf_status open_folder(int parent, const char *name, bool follow,
                             int *out, rf_error *err)
{
    int fd =
        openat(parent, name,
               O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
    if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
        return rf_files_fail(err, "open", name);
    }
    *out = fd;
    return RF_OK;
}

/* Open the folder of the shared plugins, or of the own copies. */
static rf_status open_plugins(const rf_plugin_folders *folders, bool own,
                              int *out, rf_error *err)
{
    if (!own) {
        return open_folder(AT_FDCWD, folders->shared, true, out, err);
    }
    char name[RF_OWN_FOLDER_SIZE];
    int environments = -1;
    rf_plugin_own_folder(folders->environment, name);
    rf_status status =
        open_folder(AT_FDCWD, folders->environments, true, &environments, err);
    *out = -1;
    if (status == RF_OK && environments >= 0) {
        status = open_folder(environments, name, false, out, err);
        close(environments);
    }
    return status;
}

/* Read one plugin of an open folder, if it is there. */
static rf_status read_plugin(int plugins, bool follow, rf_text plugin,
                             rf_arena *arena, rf_plugin_source *out,
                             rf_error *err)
{
    char name[RF_PLUGIN_NAME_MAX + 1];
    RF_ASSERT(rf_plugin_name_is_valid(plugin));
    snprintf(name, sizeof name, "%.*s", (int)plugin.length, plugin.bytes);
    reading from = {.folder = -1, .plugin = plugin, .arena = arena, .err = err};
    rf_status status = open_folder(plugins, name, follow, &from.folder, err);
    if (status != RF_OK) {
        return blame(plugin, RF_TEXT_EMPTY, 0, status, err);
    }
    if (from.folder < 0) {
        return rf_fail(err, RF_E_UNKNOWN_PLUGIN, "there is no plugin %s", name);
    }
    status = read_files(&from, out);
    close(from.folder);
    return status;
}

static rf_status read_from(const rf_plugin_folders *folders, bool own,
                           rf_text plugin, rf_arena *arena,
                           rf_plugin_source *out, rf_error *err)
{
    int plugins = -1;
    rf_status status = open_plugins(folders, own, &plugins, err);
    if (status == RF_OK && plugins < 0) {
        return rf_fail(err, RF_E_UNKNOWN_PLUGIN, "there is no plugin %.*s",
                       RF_SHOWN(plugin));
    }
    if (status == RF_OK) {
        status = read_plugin(plugins, !own, plugin, arena, out, err);
        close(plugins);
    }
    return status;
}

rf_status rf_plugin_files_read(const rf_plugin_folders *folders,
                               rf_plugin_which which, rf_text plugin,
                               rf_arena *arena, rf_plugin_source *out,
                               rf_error *err)
{
    rf_error own = {0};
    if (which != RF_PLUGIN_SHARED) {
        rf_status status = read_from(folders, true, plugin, arena, out, &own);
        if (status != RF_E_UNKNOWN_PLUGIN || which == RF_PLUGIN_OWN) {
            if (err != NULL && status != RF_OK) {
                *err = own;
            }
            return status;
        }
    }
    return read_from(folders, false, plugin, arena, out, err);
}

static rf_status read_all_own(int plugins, rf_arena *arena, rf_plugin_set *out,
                              rf_error *err)
{
    rf_names names;
    rf_status status = rf_folders_list(plugins, is_plugin_folder,
                                       RF_PLUGINS_MAX, arena, &names, err);
    if (status != RF_OK) {
        return status;
    }
    if (names.count > RF_PLUGINS_MAX) {
        return rf_fail(err, RF_E_TOO_MANY_ITEMS,
                       "there are more than %d own copies of plugins",
                       RF_PLUGINS_MAX);
    }
    rf_plugin_source *found =
        rf_arena_calloc(arena, names.count + 1, sizeof *found);
    if (found == NULL) {
        return fail_no_memory(err);
    }
    out->plugins = found;
    for (size_t i = 0; i < names.count && status == RF_OK; i++) {
        status = read_plugin(plugins, false, rf_text_of(names.items[i]), arena,
                             &found[out->count], err);
        out->count += status == RF_OK;
        status = status == RF_E_UNKNOWN_PLUGIN ? RF_OK : status;
    }
    return status;
}

rf_status rf_plugin_files_read_own(const rf_plugin_folders *folders,
                                   rf_arena *arena, rf_plugin_set *out,
                                   rf_error *err)
{
    int plugins = -1;
    *out = (rf_plugin_set){0};
    rf_status status = open_plugins(folders, true, &plugins, err);
    if (status == RF_OK && plugins >= 0) {
        status = read_all_own(plugins, arena, out, err);
        close(plugins);
    }
    return status;
}

/* ---- Writing ---- */

static rf_status write_plugin(int parent, const rf_plugin_source *plugin,
                              rf_error *err)
{
    char name[RF_FILES_NAME_SIZE];
    int folder = -1;
    snprintf(name, sizeof name, "%.*s", (int)plugin->name.length,
             plugin->name.bytes);
    rf_status status = rf_folders_open_at(parent, name, true, &folder, err);
    if (status != RF_OK) {
        return status;
    }
    for (size_t i = 0; i < plugin->file_count && status == RF_OK; i++) {
        const rf_plugin_file *file = &plugin->files[i];
        snprintf(name, sizeof name, "%.*s", (int)file->name.length,
                 file->name.bytes);
        status = rf_files_write_at(folder, name, file->text, err);
    }
    if (status == RF_OK) {
        status = rf_folders_sync(folder, name, err);
    }
    close(folder);
    return status;
}

rf_status rf_plugin_files_write(int folder, const char *name,
                                const rf_plugin_set *set, rf_error *err)
{
    int own = -1;
    rf_folders_remove(folder, name);
    rf_status status = rf_folders_open_at(folder, name, true, &own, err);
    if (status != RF_OK) {
        return status;
    }
    for (size_t i = 0; i < set->count && status == RF_OK; i++) {
        status = write_plugin(own, &set->plugins[i], err);
    }
    if (status == RF_OK) {
        status = rf_folders_sync(own, name, err);
    }
    close(own);
    return status;
}

/* ---- Sets ---- */

const rf_plugin_source *rf_plugin_set_find(const rf_plugin_set *set,
                                           rf_text plugin)
{
    for (size_t i = 0; i < set->count; i++) {
        if (rf_text_equal(set->plugins[i].name, plugin)) {
            return &set->plugins[i];
        }
    }
    return NULL;
}

bool rf_plugin_source_equal(const rf_plugin_source *a,
                            const rf_plugin_source *b)
{
    bool equal =
        rf_text_equal(a->name, b->name) && a->file_count == b->file_count;
    for (size_t i = 0; i < a->file_count && equal; i++) {
        equal = rf_text_equal(a->files[i].name, b->files[i].name) &&
                rf_text_equal(a->files[i].text, b->files[i].text);
    }
    return equal;
}

rf_status rf_plugin_source_put(const rf_plugin_source *from, rf_text plugin,
                               const rf_plugin_file *file, rf_arena *arena,
                               rf_plugin_source *out, rf_error *err)
{
    size_t before = from == NULL ? 0 : from->file_count;
    rf_plugin_file *files = rf_arena_calloc(arena, before + 1, sizeof *files);
    if (files == NULL) {
        return fail_no_memory(err);
    }
    size_t count = 0;
    bool is_put = false;
    for (size_t i = 0; i < before; i++) {
        int order = rf_text_compare(from->files[i].name, file->name);
        if (order >= 0 && !is_put) {
            files[count++] = *file;
            is_put = true;
        }
        if (order != 0) {
            files[count++] = from->files[i];
        }
    }
    if (!is_put) {
        files[count++] = *file;
    }
    if (count > RF_PLUGIN_FILES_MAX) {
        rf_fail(err, RF_E_PLUGIN_FAILED, "a plugin has at most %d files",
                RF_PLUGIN_FILES_MAX);
        return blame(plugin, file->name, 0, RF_E_PLUGIN_FAILED, err);
    }
    *out = (rf_plugin_source){plugin, files, count};
    return RF_OK;
}

rf_status rf_plugin_set_with(const rf_plugin_set *set, rf_text name,
                             const rf_plugin_source *put, rf_arena *arena,
                             rf_plugin_set *out, rf_error *err)
{
    rf_plugin_source *plugins =
        rf_arena_calloc(arena, set->count + 1, sizeof *plugins);
    if (plugins == NULL) {
        return fail_no_memory(err);
    }
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (!rf_text_equal(set->plugins[i].name, name)) {
            plugins[count++] = set->plugins[i];
        }
    }
    if (put != NULL) {
        plugins[count++] = *put;
    }
    if (count > RF_PLUGINS_MAX) {
        return rf_fail(err, RF_E_TOO_MANY_ITEMS,
                       "an environment has at most %d own copies of plugins",
                       RF_PLUGINS_MAX);
    }
    *out = (rf_plugin_set){plugins, count};
    return RF_OK;
}

rf_status rf_plugin_set_content(const rf_plugin_set *set, rf_text document,
                                rf_fingerprint *out, rf_error *err)
{
    rf_buffer bytes = {0};
    rf_write_text(&bytes, document);
    for (size_t i = 0; i < set->count; i++) {
        const rf_plugin_source *plugin = &set->plugins[i];
        rf_write_text(&bytes, plugin->name);
        rf_write_varint(&bytes, plugin->file_count);
        for (size_t j = 0; j < plugin->file_count; j++) {
            rf_write_text(&bytes, plugin->files[j].name);
            rf_write_text(&bytes, plugin->files[j].text);
        }
    }
    rf_status status = RF_OK;
    if (rf_buffer_failed(&bytes)) {
        status = fail_no_memory(err);
    } else {
        *out = rf_fingerprint_of(bytes.bytes, bytes.length);
    }
    rf_buffer_done(&bytes);
    return status;
}
