/*
 * generation_files.c - generations as JSON files.
 */
#include "server/generation_files.h"

#include "core/buffer.h"
#include "server/files.h"
#include "server/folders.h"
#include "server/json_read.h"
#include "server/json_write.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".json"

/* Longer than all files of all plugins that one environment can run, escaped,
 * and its document. */
#define FILE_BYTES_MAX ((size_t)512 * 1024 * 1024)

#define FILE_LIMITS ((rf_json_limits){.depth_max = 8, .values_max = 100000})

#define ARENA_BLOCK_BYTES ((size_t)64 * 1024)

/* More than are ever there at once, so that a few that could not be removed do
 * not hide the others. */
#define LISTED_MAX 1000

#define FOLDER_SIZE 72

static void name_folder(rf_text environment, char out[FOLDER_SIZE])
{
    int length = snprintf(out, FOLDER_SIZE, "%.*s.generations",
                          (int)environment.length, environment.bytes);
    RF_ASSERT(length > 0 && length < FOLDER_SIZE);
}

static void name_file(uint64_t number, char out[RF_FILES_NAME_SIZE])
{
    snprintf(out, RF_FILES_NAME_SIZE, "%" PRIu64 SUFFIX, number);
}

/* Read the number off a file's name; 0 is none. */
static uint64_t number_of(const char *name)
{
    uint64_t number = 0;
    size_t digits = 0;
    for (; name[digits] >= '0' && name[digits] <= '9'; digits++) {
        if (digits == 18) {
            return 0;
        }
        number = number * 10 + (uint64_t)(name[digits] - '0');
    }
    return strcmp(name + digits, SUFFIX) == 0 ? number : 0;
}

static bool is_generation(const char *name)
{
    return number_of(name) != 0;
}

/* A file that a crash left unfinished. */
static bool is_leftover(const char *name)
{
    size_t length = strlen(name);
    return name[0] == '.' && length > 4 &&
           strcmp(name + length - 4, ".new") == 0;
}

/* Open the folder of an environment's generations, two levels down. */
static rf_status open_generations(const char *environments, rf_text environment,
                                  bool make, int *out, rf_error *err)
{
    char name[FOLDER_SIZE];
    int parent = -1;
    name_folder(environment, name);
    rf_status status = rf_folders_open(environments, make, &parent, err);
    if (status != RF_OK) {
        return status;
    }
    bool is_new = make && faccessat(parent, name, F_OK, 0) != 0;
    status = rf_folders_open_at(parent, name, make, out, err);
    if (status == RF_OK && is_new) {
        status = rf_folders_sync(parent, name, err);
        if (status != RF_OK) {
            close(*out);
        }
    }
    close(parent);
    return status;
}

/* ---- Writing ---- */

static void put_plugin(rf_json_writer *writer, const rf_plugin_source *plugin)
{
    rf_json_begin_object(writer);
    rf_json_put_key(writer, "name");
    rf_json_put_text(writer, plugin->name);
    rf_json_put_key(writer, "files");
    rf_json_begin_array(writer);
    for (size_t i = 0; i < plugin->file_count; i++) {
        rf_json_begin_object(writer);
        rf_json_put_key(writer, "name");
        rf_json_put_text(writer, plugin->files[i].name);
        rf_json_put_key(writer, "text");
        rf_json_put_text(writer, plugin->files[i].text);
        rf_json_end_object(writer);
    }
    rf_json_end_array(writer);
    rf_json_end_object(writer);
}

static void print_text(const rf_generation_text *text, rf_buffer *out)
{
    rf_json_writer writer;
    rf_json_writer_init(&writer, out, true);
    rf_json_begin_object(&writer);
    rf_json_put_key(&writer, "number");
    rf_json_put_integer(&writer, (int64_t)text->number);
    rf_json_put_key(&writer, "publishedMs");
    rf_json_put_integer(&writer, text->published_ms);
    rf_json_put_key(&writer, "actor");
    rf_json_put_text(&writer, text->actor);
    rf_json_put_key(&writer, "document");
    rf_json_put_text(&writer, text->document);
    rf_json_put_key(&writer, "plugins");
    rf_json_begin_array(&writer);
    for (size_t i = 0; i < text->plugins.count; i++) {
        put_plugin(&writer, &text->plugins.plugins[i]);
    }
    rf_json_end_array(&writer);
    rf_json_end_object(&writer);
    rf_buffer_append_byte(out, '\n');
}

rf_status rf_generation_file_write(const char *environments,
                                   rf_text environment,
                                   const rf_generation_text *text,
                                   rf_error *err)
{
    rf_buffer json = {0};
    char name[RF_FILES_NAME_SIZE];
    int folder = -1;
    name_file(text->number, name);
    print_text(text, &json);
    rf_status status =
        rf_buffer_failed(&json)
            ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
            : open_generations(environments, environment, true, &folder, err);
    if (status == RF_OK) {
        status = rf_files_replace_at(folder, name,
                                     (rf_text){json.bytes, json.length}, err);
        close(folder);
    }
    rf_buffer_done(&json);
    return status;
}

/* ---- Reading ---- */

/* Read one member of an object that holds texts of ours. */
static bool take_text(const rf_json *object, const char *name, rf_text *out)
{
    const rf_json *value = rf_json_member(object, rf_text_of(name));
    if (!rf_json_is(value, RF_JSON_STRING)) {
        return false;
    }
    *out = rf_json_text(value);
    return true;
}

static bool take_files(rf_arena *arena, const rf_json *list,
                       rf_plugin_source *out)
{
    rf_plugin_file *files =
        rf_arena_calloc(arena, rf_json_length(list) + 1, sizeof *files);
    bool good = files != NULL && rf_json_is(list, RF_JSON_ARRAY);
    out->files = files;
    for (const rf_json *item = rf_json_first(list); item != NULL && good;
         item = rf_json_next(item)) {
        rf_plugin_file *file = &files[out->file_count++];
        good = take_text(item, "name", &file->name) &&
               take_text(item, "text", &file->text) &&
               rf_plugin_file_name_is_valid(file->name);
    }
    return good;
}

static bool take_plugins(rf_arena *arena, const rf_json *list,
                         rf_plugin_set *out)
{
    rf_plugin_source *plugins =
        rf_arena_calloc(arena, rf_json_length(list) + 1, sizeof *plugins);
    bool good = plugins != NULL && rf_json_is(list, RF_JSON_ARRAY);
    out->plugins = plugins;
    for (const rf_json *item = rf_json_first(list); item != NULL && good;
         item = rf_json_next(item)) {
        rf_plugin_source *plugin = &plugins[out->count++];
        good = take_text(item, "name", &plugin->name) &&
               rf_plugin_name_is_valid(plugin->name) &&
               take_files(arena, rf_json_member(item, rf_text_of("files")),
                          plugin);
    }
    return good;
}

static rf_status parse_text(rf_arena *arena, rf_text json, uint64_t number,
                            rf_generation_text *out, rf_error *err)
{
    const rf_json *root = NULL;
    rf_json_range range = {0, INT64_MAX};
    rf_status status = rf_json_parse(arena, json, FILE_LIMITS, &root, err);
    if (status != RF_OK) {
        return status;
    }
    rf_json_object object = {root, ""};
    *out = (rf_generation_text){.number = number};
    status = rf_json_integer(object, "publishedMs", RF_JSON_REQUIRED, range,
                             &out->published_ms, err);
    if (status != RF_OK) {
        return status;
    }
    return take_text(root, "actor", &out->actor) &&
                   take_text(root, "document", &out->document) &&
                   take_plugins(arena,
                                rf_json_member(root, rf_text_of("plugins")),
                                &out->plugins)
               ? RF_OK
               : rf_fail(err, RF_E_BAD_JSON, "a member is missing");
}

static rf_status read_text(int folder, uint64_t number, rf_arena *arena,
                           rf_generation_text *out, rf_error *err)
{
    char name[RF_FILES_NAME_SIZE];
    rf_buffer json = {0};
    rf_error mistake = {0};
    name_file(number, name);
    rf_status status =
        rf_files_read_at(folder, name, false, FILE_BYTES_MAX, &json, err);
    if (status == RF_OK) {
        status = parse_text(arena, (rf_text){json.bytes, json.length}, number,
                            out, &mistake);
        if (status != RF_OK && status != RF_E_NO_MEMORY) {
            status = RF_E_STORAGE;
        }
        if (status != RF_OK) {
            rf_fail(err, status,
                    "generation %" PRIu64 " cannot be read: %.150s", number,
                    mistake.message);
        }
    }
    rf_buffer_done(&json);
    return status;
}

rf_status rf_generation_file_read(const char *environments, rf_text environment,
                                  uint64_t number, rf_arena *arena,
                                  rf_generation_text *out, rf_error *err)
{
    char name[RF_FILES_NAME_SIZE];
    int folder = -1;
    name_file(number, name);
    bool found = open_generations(environments, environment, false, &folder,
                                  NULL) == RF_OK &&
                 faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    rf_status status =
        found ? read_text(folder, number, arena, out, err)
              : rf_fail(err, RF_E_UNKNOWN_GENERATION,
                        "generation %" PRIu64 " is not kept", number);
    if (folder >= 0) {
        close(folder);
    }
    return status;
}

/* ---- Listing ---- */

/* Numbers of generations, newest first. */
typedef struct numbers {
    uint64_t *items;
    size_t count;
} numbers;

static rf_status list_numbers(int folder, rf_arena *arena, numbers *out,
                              rf_error *err)
{
    rf_names names;
    *out = (numbers){0};
    rf_status status =
        rf_folders_list(folder, is_generation, LISTED_MAX, arena, &names, err);
    if (status != RF_OK) {
        return status;
    }
    size_t count = names.count > LISTED_MAX ? LISTED_MAX : names.count;
    out->items = rf_arena_calloc(arena, count + 1, sizeof *out->items);
    if (out->items == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    for (; out->count < count; out->count++) {
        uint64_t number = number_of(names.items[out->count]);
        size_t at = out->count;
        while (at > 0 && out->items[at - 1] < number) {
            out->items[at] = out->items[at - 1];
            at--;
        }
        out->items[at] = number;
    }
    return RF_OK;
}

static void note_text(const rf_generation_text *text, rf_generation_kept *out)
{
    rf_generation_note *note = &out->note;
    *note = (rf_generation_note){.number = text->number,
                                 .published_ms = text->published_ms};
    snprintf(note->actor, sizeof note->actor, "%.*s", (int)text->actor.length,
             text->actor.bytes);
}

/* Read one for the list; one that cannot be read is not in it. */
static rf_status list_one(int folder, uint64_t number, rf_generation_kept *out,
                          bool *listed, rf_error *err)
{
    rf_arena arena;
    rf_generation_text text;
    rf_arena_init(&arena, ARENA_BLOCK_BYTES, 0);
    rf_status status = read_text(folder, number, &arena, &text, err);
    *listed = status == RF_OK;
    if (status == RF_OK) {
        note_text(&text, out);
        status = rf_plugin_set_content(&text.plugins, text.document,
                                       &out->content, err);
    }
    rf_arena_done(&arena);
    return status == RF_E_NO_MEMORY ? status : RF_OK;
}

rf_status rf_generation_files_list(const char *environments,
                                   rf_text environment, rf_generation_kept *out,
                                   size_t max, size_t *count, rf_error *err)
{
    rf_arena arena;
    numbers found;
    int folder = -1;
    *count = 0;
    if (open_generations(environments, environment, false, &folder, NULL) !=
        RF_OK) {
        return RF_OK;
    }
    rf_arena_init(&arena, ARENA_BLOCK_BYTES, 0);
    rf_status status = list_numbers(folder, &arena, &found, err);
    for (size_t i = 0; i < found.count && *count < max && status == RF_OK;
         i++) {
        bool listed = false;
        status = list_one(folder, found.items[i], &out[*count], &listed, err);
        *count += listed;
    }
    rf_arena_done(&arena);
    close(folder);
    return status;
}

/* ---- Forgetting ---- */

static void remove_leftovers(int folder, rf_arena *arena)
{
    rf_names names;
    if (rf_folders_list(folder, is_leftover, LISTED_MAX, arena, &names, NULL) ==
        RF_OK) {
        for (size_t i = 0; i < names.count && i < LISTED_MAX; i++) {
            (void)unlinkat(folder, names.items[i], 0);
        }
    }
}

static void remove_numbers(int folder, const numbers *found, uint64_t newest,
                           size_t keep)
{
    size_t kept = 0;
    for (size_t i = 0; i < found->count; i++) {
        if (found->items[i] <= newest && kept < keep) {
            kept++;
            continue;
        }
        char name[RF_FILES_NAME_SIZE];
        name_file(found->items[i], name);
        (void)unlinkat(folder, name, 0);
    }
}

void rf_generation_files_prune(const char *environments, rf_text environment,
                               uint64_t newest, size_t keep)
{
    rf_arena arena;
    numbers found;
    int folder = -1;
    if (open_generations(environments, environment, false, &folder, NULL) !=
        RF_OK) {
        return;
    }
    rf_arena_init(&arena, ARENA_BLOCK_BYTES, 0);
    if (list_numbers(folder, &arena, &found, NULL) == RF_OK) {
        remove_numbers(folder, &found, newest, keep);
    }
    remove_leftovers(folder, &arena);
    rf_arena_done(&arena);
    close(folder);
}
