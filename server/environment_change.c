/*
 * environment_change.c - exchanging documents and own copies.
 */
#include "server/environment_change.h"

#include "core/arena.h"
#include "core/buffer.h"
#include "server/environment_file.h"
#include "server/files.h"
#include "server/folders.h"
#include "server/generation_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARENA_BLOCK_BYTES ((size_t)64 * 1024)

/* Leftovers that one start looks at; a crash leaves three at most. */
#define LEFTOVERS_MAX 1000

#define MARK_BYTES_MAX 32

/* The names of an environment's entries. */
typedef struct names {
    char document[RF_ENVIRONMENT_FILE_SIZE];
    char document_aside[RF_ENVIRONMENT_FILE_SIZE + 8];
    char own[RF_OWN_FOLDER_SIZE];
    char own_aside[RF_OWN_FOLDER_SIZE + 8];
    char mark[RF_ENVIRONMENT_FILE_SIZE + 8];
} names;

static names names_of(rf_text environment)
{
    names n;
    rf_environment_file_name(environment, n.document);
    rf_plugin_own_folder(environment, n.own);
    snprintf(n.document_aside, sizeof n.document_aside, ".%s.new", n.document);
    snprintf(n.own_aside, sizeof n.own_aside, ".%s.new", n.own);
    snprintf(n.mark, sizeof n.mark, ".%.*s.restore", (int)environment.length,
             environment.bytes);
    return n;
}

/* ---- Applying ---- */

/* Make all that is needed aside. */
static rf_status prepare(const rf_environment_change *change, const names *n,
                         rf_error *err)
{
    rf_status status = RF_OK;
    rf_folders_remove(change->folder, n->own_aside);
    if (change->has_own && change->own.count > 0) {
        status = rf_plugin_files_write(change->folder, n->own_aside,
                                       &change->own, err);
    }
    if (status == RF_OK && change->has_document) {
        status = rf_files_write_at(change->folder, n->document_aside,
                                   change->document, err);
    }
    if (status == RF_OK && change->has_document && change->has_own) {
        char number[MARK_BYTES_MAX];
        snprintf(number, sizeof number, "%" PRIu64 "\n", change->number);
        status = rf_files_replace_at(change->folder, n->mark,
                                     rf_text_of(number), err);
    }
    return status;
}

static rf_status swap_in(rf_environment_change *change, const names *n,
                         rf_error *err)
{
    rf_status status = RF_OK;
    if (change->has_own) {
        status = rf_folders_swap(change->folder, n->own, n->own_aside, err);
        change->own_is_swapped = status == RF_OK;
    }
    if (status == RF_OK && change->has_document) {
        status = rf_folders_swap(change->folder, n->document, n->document_aside,
                                 err);
        change->document_is_swapped = status == RF_OK;
    }
    return status;
}

/* Remove what is aside, and the mark last: until then a start can still
 * finish what it finds half done. */
static void clear_away(rf_environment_change *change, const names *n)
{
    rf_folders_remove(change->folder, n->own_aside);
    rf_folders_remove(change->folder, n->document_aside);
    if (unlinkat(change->folder, n->mark, 0) == 0) {
        (void)fsync(change->folder);
    }
    close(change->folder);
    change->is_applied = false;
}

rf_status rf_environment_change_undo(rf_environment_change *change,
                                     rf_error *err)
{
    if (!change->is_applied) {
        return RF_OK;
    }
    names n = names_of(change->environment);
    rf_status status = RF_OK;
    if (change->document_is_swapped) {
        status =
            rf_folders_swap(change->folder, n.document, n.document_aside, err);
        change->document_is_swapped = status != RF_OK;
    }
    if (change->own_is_swapped && status == RF_OK) {
        status = rf_folders_swap(change->folder, n.own, n.own_aside, err);
        change->own_is_swapped = status != RF_OK;
    }
    if (status == RF_OK) {
        clear_away(change, &n);
    } else {
        close(change->folder);
        change->is_applied = false;
    }
    return status;
}

void rf_environment_change_keep(rf_environment_change *change)
{
    if (change->is_applied) {
        names n = names_of(change->environment);
        clear_away(change, &n);
    }
}

rf_status rf_environment_change_apply(rf_environment_change *change,
                                      rf_error *err)
{
    RF_ASSERT(rf_environment_id_is_valid(change->environment));
    RF_ASSERT(!change->is_applied);
    if (!change->has_document && !change->has_own) {
        return RF_OK;
    }
    rf_status status =
        rf_folders_open(change->directory, true, &change->folder, err);
    if (status != RF_OK) {
        return status;
    }
    names n = names_of(change->environment);
    rf_error failed = {0};
    rf_error stuck = {0};
    change->is_applied = true;
    change->document_is_swapped = false;
    change->own_is_swapped = false;
    status = prepare(change, &n, &failed);
    if (status == RF_OK) {
        status = swap_in(change, &n, &failed);
    }
    if (status == RF_OK) {
        return RF_OK;
    }
    return rf_environment_change_undo(change, &stuck) == RF_OK
               ? rf_fail(err, status, "%s", failed.message)
               : rf_fail(err, status, "%.120s; and going back failed: %.100s",
                         failed.message, stuck.message);
}

rf_status rf_environment_own_for(const rf_plugin_folders *folders,
                                 const rf_plugin_set *wanted, rf_arena *arena,
                                 rf_plugin_set *out, rf_error *err)
{
    rf_plugin_set own;
    rf_status status = rf_plugin_files_read_own(folders, arena, &own, err);
    for (size_t i = 0; i < wanted->count && status == RF_OK; i++) {
        const rf_plugin_source *plugin = &wanted->plugins[i];
        rf_plugin_source shared;
        rf_error nowhere = {0};
        bool is_shared =
            rf_plugin_files_read(folders, RF_PLUGIN_SHARED, plugin->name, arena,
                                 &shared, &nowhere) == RF_OK &&
            rf_plugin_source_equal(&shared, plugin);
        status = rf_plugin_set_with(
            &own, plugin->name, is_shared ? NULL : plugin, arena, &own, err);
    }
    if (status == RF_OK) {
        *out = own;
    }
    return status;
}

/* ---- After a crash ---- */

/* Split ".<id><suffix>"; false when the name is not of that form. */
static bool take_id(const char *name, const char *suffix, rf_text *id)
{
    size_t length = strlen(name);
    size_t end = strlen(suffix);
    if (name[0] != '.' || length < end + 2 ||
        strcmp(name + length - end, suffix) != 0) {
        return false;
    }
    *id = (rf_text){name + 1, length - end - 1};
    return rf_environment_id_is_valid(*id);
}

static bool find_id(const char *name, rf_text *id)
{
    static const char *const suffixes[] = {
        ".restore",     ".restore.new",  ".json.new",
        ".plugins.new", ".json.new.old", ".plugins.new.old",
    };
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        if (take_id(name, suffixes[i], id)) {
            return true;
        }
    }
    return false;
}

static bool is_leftover(const char *name)
{
    rf_text id;
    return find_id(name, &id);
}

/* Read the number off a mark; 0 when there is none. */
static uint64_t read_mark(int folder, const char *name)
{
    rf_buffer text = {0};
    uint64_t number = 0;
    if (rf_files_read_at(folder, name, false, MARK_BYTES_MAX, &text, NULL) ==
        RF_OK) {
        rf_buffer_append_byte(&text, '\0');
        number = rf_buffer_failed(&text) ? 0 : strtoull(text.bytes, NULL, 10);
    }
    rf_buffer_done(&text);
    return number;
}

/* Put a generation in place whose mark was found. One that cannot be read
 * leaves the files as they are, whatever that is. */
static rf_status finish_restoring(const rf_options *options, rf_text id,
                                  uint64_t number, rf_arena *arena,
                                  rf_error *err)
{
    rf_generation_text text;
    rf_plugin_folders folders = rf_plugin_folders_of(options, id);
    rf_environment_change change = {
        .directory = options->environments_directory,
        .environment = id,
        .has_document = true,
        .has_own = true,
        .number = number,
    };
    rf_status status = rf_generation_file_read(change.directory, id, number,
                                               arena, &text, err);
    if (status == RF_E_UNKNOWN_GENERATION || status == RF_E_STORAGE) {
        return RF_OK;
    }
    if (status == RF_OK) {
        change.document = text.document;
        status = rf_environment_own_for(&folders, &text.plugins, arena,
                                        &change.own, err);
    }
    if (status == RF_OK) {
        status = rf_environment_change_apply(&change, err);
    }
    rf_environment_change_keep(&change);
    return status;
}

static rf_status recover_one(const rf_options *options, int folder, rf_text id,
                             rf_error *err)
{
    rf_arena arena;
    names n = names_of(id);
    rf_folders_mend(folder, n.own, n.own_aside);
    rf_folders_mend(folder, n.document, n.document_aside);
    uint64_t number = read_mark(folder, n.mark);
    rf_status status = RF_OK;
    rf_arena_init(&arena, ARENA_BLOCK_BYTES, 0);
    if (number != 0) {
        status = finish_restoring(options, id, number, &arena, err);
    }
    rf_arena_done(&arena);
    if (status == RF_OK) {
        rf_folders_remove(folder, n.mark);
        char unfinished[sizeof n.mark + 8];
        snprintf(unfinished, sizeof unfinished, "%s.new", n.mark);
        rf_folders_remove(folder, unfinished);
    }
    return status;
}

rf_status rf_environment_changes_recover(const rf_options *options,
                                         rf_error *err)
{
    rf_arena arena;
    rf_names found;
    int folder = open(options->environments_directory,
                      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return errno == ENOENT ? RF_OK
                               : rf_files_fail(err, "open",
                                               options->environments_directory);
    }
    rf_arena_init(&arena, ARENA_BLOCK_BYTES, 0);
    rf_status status = rf_folders_list(folder, is_leftover, LEFTOVERS_MAX,
                                       &arena, &found, err);
    for (size_t i = 0; i < found.count && i < LEFTOVERS_MAX && status == RF_OK;
         i++) {
        rf_text id = RF_TEXT_EMPTY;
        if (find_id(found.items[i], &id)) {
            status = recover_one(options, folder, id, err);
        }
    }
    rf_arena_done(&arena);
    close(folder);
    return status;
}
