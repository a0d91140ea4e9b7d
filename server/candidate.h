/*
 * candidate.h - a document and the plugins it runs, loaded aside and tried.
 *
 * What could become the next generation of an environment is made here, in two
 * steps: reading finds all that it would be made of, building turns that into a
 * catalog with its scripts, of which every formula and example has been tried.
 * Nothing is changed anywhere.
 */
#ifndef RINGFENCE_SERVER_CANDIDATE_H
#define RINGFENCE_SERVER_CANDIDATE_H

#include "core/arena.h"
#include "core/catalog.h"
#include "core/codec.h"
#include "core/draft.h"
#include "core/registry.h"
#include "scripts/scripts.h"
#include "server/options.h"
#include "server/plugin_files.h"

/* What to make it of. All is borrowed until the candidate is done with. */
typedef struct rf_candidate_request {
    const rf_options *options; /* folders, whether formulas are compiled */
    rf_text environment;
    rf_text document;
    rf_plugin_set instead; /* of what the folders hold */
    bool with_all;         /* run those of `instead` as well that the document
                              does not name */
    rf_text without_own;   /* take this plugin's shared copy, or "" */
    const rf_registry *registry; /* the numbers there are, NULL for none */
    unsigned threads;            /* that evaluate its formulas */
} rf_candidate_request;

/* All zeroes to begin with. */
typedef struct rf_candidate {
    rf_candidate_request request;
    rf_arena memory;
    rf_draft draft;
    rf_plugin_set plugins; /* those it runs, in the document's order */
    rf_fingerprint content;
    bool is_incomplete; /* a plugin is missing, as `problems` tell */
    rf_problems problems;

    /* Made by building; whoever takes one leaves NULL. The scripts are the
     * catalog's host, which lives as long as the catalog. */
    rf_registry *registry;
    rf_scripts *scripts;
    rf_catalog *catalog;
} rf_candidate;

/* Read the document's form, and the plugins. Mistakes that do not keep the rest
 * from being looked at are noted in `problems`, and building fails then.
 * RF_E_BAD_JSON and its kin: it is no document. RF_E_PLUGIN_FAILED,
 * RF_E_PLUGIN_SYNTAX: a plugin cannot be read, err says where. RF_E_STORAGE,
 * RF_E_NO_MEMORY. In any case pair with rf_candidate_done. */
RF_MUST_CHECK rf_status rf_candidate_read(rf_candidate *candidate,
                                          const rf_candidate_request *request,
                                          rf_error *err);

/* Load the scripts, build the catalog, try everything. Fails with what is
 * wrong; `problems` has all mistakes of the document. */
RF_MUST_CHECK rf_status rf_candidate_build(rf_candidate *candidate,
                                           rf_error *err);

void rf_candidate_done(rf_candidate *candidate);

/* Say whether the document names a plugin. */
bool rf_candidate_names(const rf_candidate *candidate, rf_text plugin);

#endif
