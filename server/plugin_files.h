/*
 * plugin_files.h - the texts of plugins, as folders hold them.
 *
 * A plugin is a folder of Lua files. Shared ones lie in the plugins folder;
 * an environment's own copies lie beside its document, in
 * <environments>/<environmentId>.plugins/<plugin>/<file>, and hide the shared
 * ones of the same name. Files named *_spec.lua are tests of the plugin and are
 * not part of it, nor is anything that does not end with .lua.
 *
 * The folder of own copies is the server's: it is replaced as a whole
 * (environment_change.h), and what else lies in it is gone then.
 */
#ifndef RINGFENCE_SERVER_PLUGIN_FILES_H
#define RINGFENCE_SERVER_PLUGIN_FILES_H

#include "core/arena.h"
#include "core/codec.h"
#include "core/error.h"
#include "core/text.h"
#include "scripts/scripts.h"
#include "server/options.h"

#include <stdbool.h>
#include <stddef.h>

/* Plugins' texts; borrowed from an arena. */
typedef struct rf_plugin_set {
    const rf_plugin_source *plugins;
    size_t count;
} rf_plugin_set;

/* Where an environment's plugins are. */
typedef struct rf_plugin_folders {
    const char *shared;
    const char *environments;
    rf_text environment;
} rf_plugin_folders;

rf_plugin_folders rf_plugin_folders_of(const rf_options *options,
                                       rf_text environment);

/* Room for the name of the folder of own copies, with its NUL. */
#define RF_OWN_FOLDER_SIZE 64

void rf_plugin_own_folder(rf_text environment, char out[RF_OWN_FOLDER_SIZE]);

/* Say whether a text may name a plugin: 1 to RF_PLUGIN_NAME_MAX letters,
 * digits, '-' and '_'; or one of its files: such a name in front of ".lua",
 * not ending with "_spec". */
bool rf_plugin_name_is_valid(rf_text name);
bool rf_plugin_file_name_is_valid(rf_text name);

typedef enum {
    RF_PLUGIN_EFFECTIVE, /* the environment's own copy, else the shared one */
    RF_PLUGIN_SHARED,
    RF_PLUGIN_OWN
} rf_plugin_which;

/* Read a plugin whole; the name is valid. RF_E_UNKNOWN_PLUGIN: it is not there.
 * RF_E_PLUGIN_FAILED, RF_E_PLUGIN_SYNTAX: a file cannot be part of a plugin,
 * err says which. RF_E_STORAGE, RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_plugin_files_read(const rf_plugin_folders *folders,
                                             rf_plugin_which which,
                                             rf_text plugin, rf_arena *arena,
                                             rf_plugin_source *out,
                                             rf_error *err);

/* Read all own copies of an environment, in order of their names; there may be
 * none. The same failures. */
RF_MUST_CHECK rf_status
rf_plugin_files_read_own(const rf_plugin_folders *folders, rf_arena *arena,
                         rf_plugin_set *out, rf_error *err);

/* Write a set as a new folder `name`, with what it holds durable. */
RF_MUST_CHECK rf_status rf_plugin_files_write(int folder, const char *name,
                                              const rf_plugin_set *set,
                                              rf_error *err);

/* Check the text of one file: well-formed UTF-8 of at most
 * RF_PLUGIN_FILE_BYTES_MAX bytes without NUL. RF_E_PLUGIN_FAILED,
 * RF_E_PLUGIN_SYNTAX: err says where. */
RF_MUST_CHECK rf_status rf_plugin_text_check(rf_text plugin, rf_text file,
                                             rf_text text, rf_error *err);

/* ---- Sets ---- */

const rf_plugin_source *rf_plugin_set_find(const rf_plugin_set *set,
                                           rf_text plugin);

bool rf_plugin_source_equal(const rf_plugin_source *a,
                            const rf_plugin_source *b);

/* Make `out` the plugin `from` (NULL: one without files yet) of that name, with
 * one file put in or replaced. Texts are borrowed. RF_E_PLUGIN_FAILED: there
 * are too many files. RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_plugin_source_put(
    const rf_plugin_source *from, rf_text plugin, const rf_plugin_file *file,
    rf_arena *arena, rf_plugin_source *out, rf_error *err);

/* Make `out` the set with one plugin put in or replaced (`put`), or without the
 * one named `name` (`put` is NULL). RF_E_TOO_MANY_ITEMS, RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_plugin_set_with(const rf_plugin_set *set,
                                           rf_text name,
                                           const rf_plugin_source *put,
                                           rf_arena *arena, rf_plugin_set *out,
                                           rf_error *err);

/* The fingerprint of a document together with the plugins it runs.
 * RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_plugin_set_content(const rf_plugin_set *set,
                                              rf_text document,
                                              rf_fingerprint *out,
                                              rf_error *err);

#endif
