/*
 * scripts.h - the plugins of one generation.
 *
 * A set of plugins is loaded aside in three steps. rf_scripts_load runs every
 * plugin's files in a sandbox, checks the tables they return, and compiles what
 * can be compiled; the formulas it found go into the draft from which the
 * catalog is built. rf_scripts_bind then makes the states of all threads, tries
 * every formula, and runs the examples. After that the set is constant: it is
 * the formula host of its generation, which frees it.
 *
 * Nothing here reads files or knows the server.
 */
#ifndef RINGFENCE_SCRIPTS_SCRIPTS_H
#define RINGFENCE_SCRIPTS_SCRIPTS_H

#include "core/catalog.h"
#include "core/draft.h"
#include "core/error.h"
#include "core/formula.h"
#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RF_PLUGINS_MAX 128
#define RF_PLUGIN_FILES_MAX 32
#define RF_PLUGIN_NAME_MAX 50
#define RF_PLUGIN_FILE_BYTES_MAX ((size_t)32 * 1024)
#define RF_SCRIPT_FORMULAS_MAX 1024

/* One source file of a plugin: "plugin.lua" and what it uses. */
typedef struct rf_plugin_file {
    rf_text name;
    rf_text text;
} rf_plugin_file;

/* One plugin as read; files in order of their names. */
typedef struct rf_plugin_source {
    rf_text name;
    const rf_plugin_file *files;
    size_t file_count;
} rf_plugin_source;

typedef struct rf_scripts_options {
    unsigned threads; /* states to make: thread numbers are below this */
    bool compile;     /* turn formulas into native ones where that is proved */
} rf_scripts_options;

/* A set of plugins; the first member is its face for the core. */
typedef struct rf_scripts rf_scripts;

/* Load plugins in the order in which they are named. Sources are copied.
 * RF_E_PLUGIN_SYNTAX, RF_E_PLUGIN_FAILED, RF_E_DUPLICATE_DEFINITION (two
 * plugins, one formula): err says plugin, file, line. RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_scripts_load(const rf_plugin_source *plugins,
                                        size_t count,
                                        const rf_scripts_options *options,
                                        rf_scripts **out, rf_error *err);

/* For those that were never given to a generation. NULL is allowed. */
void rf_scripts_free(rf_scripts *scripts);

/* The formulas for the draft (draft->formulas); borrowed from the set. */
const rf_draft_formula *rf_scripts_formulas(const rf_scripts *scripts,
                                            size_t *count);

/* Finish the set for the catalog that was built with its formulas, which must
 * live as long. RF_E_UNKNOWN_MEASURE, RF_E_EXAMPLE_FAILED, RF_E_PLUGIN_FAILED:
 * err says plugin, file, line. RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_scripts_bind(rf_scripts *scripts,
                                        const rf_catalog *catalog,
                                        rf_error *err);

/* The set as a host, and back; NULL for NULL. */
rf_formula_host *rf_scripts_host(rf_scripts *scripts);
const rf_scripts *rf_scripts_of(const rf_formula_host *host);

/* ---- What GET /plugins tells ---- */

typedef struct rf_formula_report {
    rf_text measure;    /* "iv.availabletoreserve" */
    const char *kind;   /* "linear", "tree", "lua" */
    const char *reason; /* why it is not native, or "" */
    uint64_t cost_ns;   /* of one evaluation, measured when it was loaded */
    uint64_t failures;  /* so far */
    bool is_off;        /* after too many breaches */
} rf_formula_report;

typedef struct rf_plugin_report {
    rf_text name;
    rf_text version;
    const rf_plugin_file *files;
    size_t file_count;
    const rf_text *modifiers;
    size_t modifier_count;
    const rf_text *rules;
    size_t rule_count;
    size_t formula_count;
    size_t examples;  /* all of which passed */
    uint64_t load_ns; /* how long loading, trying and its examples took */
} rf_plugin_report;

size_t rf_scripts_count(const rf_scripts *scripts);
void rf_scripts_report(const rf_scripts *scripts, size_t plugin,
                       rf_plugin_report *out);
void rf_scripts_formula_report(const rf_scripts *scripts, size_t plugin,
                               size_t formula, rf_formula_report *out);

#endif
