/*
 * api_plugins.c - GET /plugins, GET /plugins/{name}/{file}: what runs here.
 *
 * Everything is told from the generation in force, not from the disk. A list is
 * written plugin by plugin, one for each turn of the loop, because hashing a
 * large plugin's files takes as long as some hundred other requests.
 */
#include "server/api_plugins.h"

#include "scripts/scripts.h"
#include "server/api_result.h"
#include "server/plugin_files.h"

#include <openssl/sha.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CONTENT_LUA "text/x-lua"

typedef struct listing {
    const rf_scripts *scripts; /* NULL: no plugins */
    size_t next;
    rf_json_writer writer;
} listing;

/* ---- Names and hashes ---- */

rf_status rf_plugins__check_name(rf_text name, const char *field, rf_error *err)
{
    return rf_plugin_name_is_valid(name)
               ? RF_OK
               : rf_fail_field(err, RF_E_INVALID_FIELD, field,
                               "a plugin's name is made of 1 to %d letters, "
                               "digits, '-' and '_'",
                               RF_PLUGIN_NAME_MAX);
}

rf_status rf_plugins__check_file(rf_text file, const char *field, rf_error *err)
{
    return rf_plugin_file_name_is_valid(file)
               ? RF_OK
               : rf_fail_field(err, RF_E_INVALID_FIELD, field,
                               "a plugin's file is named by 1 to %d letters, "
                               "digits, '-' and '_', and .lua; tests "
                               "(_spec.lua) are no part of it",
                               RF_PLUGIN_NAME_MAX);
}

static void print_digits(const unsigned char hash[SHA256_DIGEST_LENGTH],
                         char out[RF_PLUGINS_HASH_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        out[2 * i] = digits[hash[i] >> 4];
        out[2 * i + 1] = digits[hash[i] & 0xF];
    }
    out[RF_PLUGINS_HASH_SIZE - 1] = '\0';
}

bool rf_plugins__hash(rf_text text, char out[RF_PLUGINS_HASH_SIZE])
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    const void *bytes = text.bytes;
    if (SHA256(bytes, text.length, hash) == NULL) {
        return false;
    }
    print_digits(hash, out);
    return true;
}

/* ---- The list ---- */

/* Put the files, and behind them the hash of them all: that of the lines which
 * sha256sum prints for them in the order of their names. */
static bool put_files(listing *list, const rf_plugin_report *plugin,
                      rf_buffer *lines)
{
    rf_json_writer *writer = &list->writer;
    char hash[RF_PLUGINS_HASH_SIZE];
    rf_json_put_key(writer, "files");
    rf_json_begin_array(writer);
    for (size_t i = 0; i < plugin->file_count; i++) {
        const rf_plugin_file *file = &plugin->files[i];
        if (!rf_plugins__hash(file->text, hash)) {
            return false;
        }
        rf_json_begin_object(writer);
        rf_json_put_key(writer, "name");
        rf_json_put_text(writer, file->name);
        rf_json_put_key(writer, "sha256");
        rf_json_put_string(writer, hash);
        rf_json_put_key(writer, "bytes");
        rf_json_put_integer(writer, (int64_t)file->text.length);
        rf_json_end_object(writer);
        rf_buffer_append_string(lines, hash);
        rf_buffer_append_string(lines, "  ");
        rf_buffer_append(lines, file->name.bytes, file->name.length);
        rf_buffer_append_byte(lines, '\n');
    }
    rf_json_end_array(writer);
    if (rf_buffer_failed(lines) ||
        !rf_plugins__hash((rf_text){lines->bytes, lines->length}, hash)) {
        return false;
    }
    rf_json_put_key(writer, "hash");
    rf_json_put_string(writer, hash);
    return true;
}

static void put_formula(rf_json_writer *writer,
                        const rf_formula_report *formula)
{
    rf_json_begin_object(writer);
    rf_json_put_key(writer, "measure");
    rf_json_put_text(writer, formula->measure);
    rf_json_put_key(writer, "kind");
    rf_json_put_string(writer, formula->kind);
    rf_json_put_key(writer, "reason");
    rf_json_put_string(writer, formula->reason);
    rf_json_put_key(writer, "nanosecondsPerCall");
    rf_json_put_integer(writer, (int64_t)formula->cost_ns);
    rf_json_put_key(writer, "failures");
    rf_json_put_integer(writer, (int64_t)formula->failures);
    rf_json_put_key(writer, "off");
    rf_json_put_bool(writer, formula->is_off);
    rf_json_end_object(writer);
}

static void put_formulas(listing *list, size_t index, size_t count)
{
    rf_json_put_key(&list->writer, "formulas");
    rf_json_begin_array(&list->writer);
    for (size_t i = 0; i < count; i++) {
        rf_formula_report formula = {0};
        rf_scripts_formula_report(list->scripts, index, i, &formula);
        put_formula(&list->writer, &formula);
    }
    rf_json_end_array(&list->writer);
}

static void put_names(rf_json_writer *writer, const char *key,
                      const rf_text *names, size_t count)
{
    rf_json_put_key(writer, key);
    rf_json_begin_array(writer);
    for (size_t i = 0; i < count; i++) {
        rf_json_put_text(writer, names[i]);
    }
    rf_json_end_array(writer);
}

/* Examples that fail keep a plugin out, so none of those here did. */
static void put_examples(rf_json_writer *writer, size_t passed)
{
    rf_json_put_key(writer, "examples");
    rf_json_begin_object(writer);
    rf_json_put_key(writer, "passed");
    rf_json_put_integer(writer, (int64_t)passed);
    rf_json_put_key(writer, "failed");
    rf_json_put_integer(writer, 0);
    rf_json_end_object(writer);
}

/* Whether the environment has a copy of its own: a look at the folder, which
 * the generation need not know. */
static bool is_own(const rf_call *call, rf_text plugin)
{
    char folder[RF_OWN_FOLDER_SIZE];
    char path[PATH_MAX];
    rf_plugin_own_folder(call->environment, folder);
    int length =
        snprintf(path, sizeof path, "%s/%s/%.*s",
                 call->thread->api->options.options->environments_directory,
                 folder, (int)plugin.length, plugin.bytes);
    return length > 0 && (size_t)length < sizeof path &&
           access(path, F_OK) == 0;
}

static bool put_plugin(const rf_call *call, listing *list, size_t index)
{
    rf_json_writer *writer = &list->writer;
    rf_plugin_report plugin = {0};
    rf_buffer lines = {0};
    rf_scripts_report(list->scripts, index, &plugin);
    rf_json_begin_object(writer);
    rf_json_put_key(writer, "name");
    rf_json_put_text(writer, plugin.name);
    rf_json_put_key(writer, "version");
    rf_json_put_text(writer, plugin.version);
    rf_json_put_key(writer, "own");
    rf_json_put_bool(writer, is_own(call, plugin.name));
    bool good = put_files(list, &plugin, &lines);
    rf_buffer_done(&lines);
    if (!good) {
        return false;
    }
    rf_json_put_key(writer, "loadMicroseconds");
    rf_json_put_integer(writer, (int64_t)(plugin.load_ns / 1000));
    put_formulas(list, index, plugin.formula_count);
    put_names(writer, "modifiers", plugin.modifiers, plugin.modifier_count);
    put_names(writer, "rules", plugin.rules, plugin.rule_count);
    put_examples(writer, plugin.examples);
    rf_json_end_object(writer);
    return true;
}

static void put_generations(const rf_call *call, rf_json_writer *writer)
{
    rf_generation_note notes[RF_GENERATIONS_KEPT];
    size_t count = rf_loader_generations(call->thread->api->options.loader,
                                         call->environment, notes);
    rf_json_put_key(writer, "generations");
    rf_json_begin_array(writer);
    for (size_t i = 0; i < count; i++) {
        rf_json_begin_object(writer);
        rf_json_put_key(writer, "number");
        rf_json_put_integer(writer, (int64_t)notes[i].number);
        rf_json_put_key(writer, "publishedAt");
        rf_put_time(writer, notes[i].published_ms);
        rf_json_put_key(writer, "actor");
        rf_json_put_string(writer, notes[i].actor);
        rf_json_put_key(writer, "active");
        rf_json_put_bool(writer, notes[i].number == call->generation->number);
        rf_json_end_object(writer);
    }
    rf_json_end_array(writer);
}

static rf_step list_on(rf_call *call)
{
    listing *list = call->state;
    if (list->scripts != NULL && list->next < rf_scripts_count(list->scripts)) {
        return put_plugin(call, list, list->next++) ? RF_STEP_AGAIN
                                                    : rf_reply_no_memory(call);
    }
    rf_json_end_array(&list->writer);
    put_generations(call, &list->writer);
    rf_json_end_object(&list->writer);
    return RF_STEP_DONE;
}

static rf_step list_plugins(rf_call *call)
{
    listing *list = rf_call_alloc(call, 1, sizeof *list);
    if (list == NULL) {
        return rf_reply_no_memory(call);
    }
    list->scripts = rf_scripts_of(rf_call_catalog(call)->host);
    call->state = list;
    call->resume = list_on;
    rf_reply_begin(call, 200, &list->writer);
    rf_json_begin_object(&list->writer);
    rf_json_put_key(&list->writer, "generation");
    rf_json_put_integer(&list->writer, (int64_t)call->generation->number);
    rf_json_put_key(&list->writer, "plugins");
    rf_json_begin_array(&list->writer);
    return list_on(call);
}

/* ---- One file ---- */

static bool find_plugin(const rf_scripts *scripts, rf_text name,
                        rf_plugin_report *out)
{
    size_t count = scripts == NULL ? 0 : rf_scripts_count(scripts);
    for (size_t i = 0; i < count; i++) {
        rf_scripts_report(scripts, i, out);
        if (rf_text_equal(out->name, name)) {
            return true;
        }
    }
    return false;
}

static const rf_plugin_file *find_file(const rf_plugin_report *plugin,
                                       rf_text name)
{
    for (size_t i = 0; i < plugin->file_count; i++) {
        if (rf_text_equal(plugin->files[i].name, name)) {
            return &plugin->files[i];
        }
    }
    return NULL;
}

static rf_step get_file(rf_call *call)
{
    rf_plugin_report plugin = {0};
    const rf_plugin_file *file = NULL;
    const rf_scripts *scripts = rf_scripts_of(rf_call_catalog(call)->host);
    if (find_plugin(scripts, call->captured[0], &plugin)) {
        file = find_file(&plugin, call->captured[1]);
    }
    if (file == NULL) {
        rf_error error = {0};
        rf_fail(&error, RF_E_UNKNOWN_PLUGIN,
                "no plugin that runs here has such a file");
        return rf_reply_failure(call, &error);
    }
    rf_response *response = &call->exchange->response;
    response->status = 200;
    response->content_type = CONTENT_LUA;
    rf_buffer_append(&response->body, file->text.bytes, file->text.length);
    return RF_STEP_DONE;
}

static const rf_route rows[] = {
    {RF_METHOD_GET, "/plugins", RF_MAY_READ, 0, list_plugins},
    {RF_METHOD_POST, "/plugins/preview", RF_MAY_ADMIN, RF_ROUTE_BODY,
     rf_plugins__preview},
    {RF_METHOD_POST, "/plugins/rollback", RF_MAY_ADMIN, RF_ROUTE_BODY,
     rf_plugins__roll_back},
    {RF_METHOD_DELETE, "/plugins/{name}", RF_MAY_ADMIN, 0, rf_plugins__remove},
    {RF_METHOD_GET, "/plugins/{name}/{file}", RF_MAY_READ, 0, get_file},
    {RF_METHOD_PUT, "/plugins/{name}/{file}", RF_MAY_ADMIN, RF_ROUTE_TEXT,
     rf_plugins__put},
};

const rf_routes rf_routes_plugins = {rows, sizeof rows / sizeof rows[0]};
