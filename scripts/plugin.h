/*
 * plugin.h - what the files that run a plugin and read its table share.
 *
 * plugin.c runs plugin.lua, with `use` for the other files; plugin_table.c
 * checks the table that comes back and keeps its functions; plugin_examples.c
 * copies its examples. All of these run inside one protected entry of a
 * sandbox: they raise, and what they allocate belongs to the set.
 */
#ifndef RINGFENCE_SCRIPTS_PLUGIN_H
#define RINGFENCE_SCRIPTS_PLUGIN_H

#include "scripts/scripts_internal.h"

struct lua_State;

/* Longest "source.measure" that is looked at; the catalog's own limits for the
 * two parts are tighter. */
#define RF_MEASURE_NAME_MAX 127

/* One plugin on its way into a state. */
typedef struct rf_plugin_job {
    rf_state *state;
    rf_plugin *plugin;
    bool is_first;         /* fill in the plugin; else fetch its functions */
    rf_script_place place; /* of what is being looked at, for messages */
    rf_status cause;       /* of a refusal, when the outcome does not say it */
} rf_plugin_job;

/* The keys of a table, in order. */
typedef struct rf_plugin_keys {
    const rf_text *items;
    size_t count;
} rf_plugin_keys;

/* Install the global `use`, which asks `state` what is being loaded.
 * [-0, +0, e] */
void rf_plugin__install_use(struct lua_State *L, rf_state *state);

/* Read the table on top into the plugin and the set. [-0, +0, e] */
void rf_plugin__read_table(struct lua_State *L, rf_plugin_job *job);

/* Keep the functions of the formulas that were found before. [-0, +0, e] */
void rf_plugin__fetch_functions(struct lua_State *L, rf_plugin_job *job);

/* Read the list of examples on top; the formulas are known. [-0, +0, e] */
void rf_plugin__read_examples(struct lua_State *L, rf_plugin_job *job);

/* ---- Tools of the two readers ---- */

/* Refuse the plugin for something at `key` of its table: the place is the line
 * of plugin.lua where that word stands, if it stands in one only. Raises. */
int rf_plugin__refuse(struct lua_State *L, rf_plugin_job *job, rf_text key,
                      const char *format, ...) RF_PRINTF(4, 5);

/* Allocate zeroed elements that live as long as the set. [-0, +0, e] */
void *rf_plugin__allocate(struct lua_State *L, rf_plugin_job *job, size_t count,
                          size_t size);

/* Copy the text at `index`, which is one. [-0, +0, e] */
rf_text rf_plugin__copy_text(struct lua_State *L, rf_plugin_job *job,
                             int index);

/* Say whether the value at `index` is a table whose content can be seen: not
 * one of the library's, which are read-only faces. */
bool rf_plugin__is_table(struct lua_State *L, int index);

/* List the keys of the table at `index`, which must be texts; `what` is for the
 * message. [-0, +0, e] */
rf_plugin_keys rf_plugin__keys(struct lua_State *L, rf_plugin_job *job,
                               int index, const char *what);

/* Refuse keys of the table at `index` that are not among `known`, which ends
 * with NULL. [-0, +0, e] */
void rf_plugin__check_keys(struct lua_State *L, rf_plugin_job *job, int index,
                           const char *what, const char *const *known);

/* Push the value of a key. [-0, +1, e] */
int rf_plugin__push_field(struct lua_State *L, int index, rf_text key);

/* Return the length of the list at `index`; refuse what is no list.
 * [-0, +0, e] */
size_t rf_plugin__list_length(struct lua_State *L, rf_plugin_job *job,
                              int index, const char *what);

#endif
