/*
 * scripts_internal.h - what the files of the host share.
 *
 * scripts.c is the set as others see it; state.c makes the Lua states and calls
 * formulas in them, with plugin.c running a plugin's files, plugin_table.c and
 * plugin_examples.c reading what they return; binding.c says what m and ctx
 * hold; trial.c tries every formula, examples.c runs the examples, and host.c
 * answers the core.
 *
 * A set is written by one thread while it is loaded and bound. Afterwards only
 * counters change, which are atomic, and each state by the one thread that has
 * its number.
 */
#ifndef RINGFENCE_SCRIPTS_SCRIPTS_INTERNAL_H
#define RINGFENCE_SCRIPTS_SCRIPTS_INTERNAL_H

#include "core/arena.h"
#include "scripts/sandbox.h"
#include "scripts/scripts.h"

#include <stdatomic.h>

#define RF_PLUGIN_MAIN "plugin.lua"

/* A script is switched off when it breaks its limits so often within so long.
 * At 5 ms for each breach, more would occupy the thread. */
#define RF_BREACHES_MAX 3
#define RF_BREACHES_MS INT64_C(60000)

/* When a script last broke its limits: the times of the breaches before the
 * newest, in a ring, 0 for none. */
typedef struct rf_breaches {
    atomic_llong times_ms[RF_BREACHES_MAX - 1];
    atomic_uint next;
    atomic_bool off;
} rf_breaches;

/* One formula. Its number is its place in rf_scripts.scripts. */
typedef struct rf_script {
    rf_text key;           /* as the plugin spells it */
    rf_text measure;       /* in lower case */
    rf_script_place place; /* where the function stands */
    unsigned number;
    unsigned plugin;
    const char *reason;              /* why it is not native, or "" */
    const rf_calculated *calculated; /* once bound */
    uint64_t cost_ns;
    atomic_ullong failures;
    rf_breaches breaches;
} rf_script;

typedef struct rf_example_amount {
    rf_text name; /* "source.measure" */
    rf_quantity quantity;
} rf_example_amount;

typedef struct rf_example_value {
    rf_text name;
    rf_text value;
} rf_example_value;

/* The coordinates that an example gives by the names of dimensions or groups.
 */
typedef struct rf_example_values {
    const rf_example_value *items;
    size_t count;
} rf_example_values;

typedef struct rf_example {
    unsigned number; /* among the plugin's, from 1 */
    rf_text name;    /* or empty */
    const rf_script *script;
    const rf_example_amount *given;
    size_t given_count;
    rf_quantity expect;
    rf_text organization;
    rf_text product;
    int64_t now_ms;
    rf_example_values dimensions;
    rf_example_values groups;
} rf_example;

typedef struct rf_plugin {
    rf_text name;
    rf_text version;
    const rf_plugin_file *files;
    size_t file_count;
    unsigned first; /* number of the first formula; the others follow */
    unsigned formula_count;
    const rf_text *modifiers;
    size_t modifier_count;
    const rf_text *rules;
    size_t rule_count;
    const rf_example *examples;
    size_t example_count;
    uint64_t load_ns;
} rf_plugin;

/* A calculated measure whose value an example gives. */
typedef struct rf_override {
    const rf_calculated *calculated;
    rf_quantity quantity;
} rf_override;

/* One Lua state with all plugins of the set in it. */
typedef struct rf_state {
    rf_scripts *set;
    rf_schema schema;
    rf_sandbox *sandbox;      /* NULL: has to be made again */
    const rf_plugin *loading; /* whose files `use` finds; NULL: none */
    rf_function functions[RF_SCRIPT_FORMULAS_MAX]; /* by number of the script */

    /* The scripts that are being called, each by the one before it. */
    unsigned calls[RF_SANDBOX_DEPTH_MAX + 1];
    unsigned depth;

    const rf_override *overrides; /* while an example runs */
    size_t override_count;
} rf_state;

struct rf_scripts {
    rf_formula_host host; /* the first, so that a host is its set */
    rf_arena arena;       /* holds everything but the states */
    rf_scripts_options options;
    rf_plugin *plugins;
    size_t plugin_count;
    rf_script *scripts[RF_SCRIPT_FORMULAS_MAX];
    size_t script_count;
    const rf_draft_formula *formulas; /* of the scripts, by number */

    /* Once bound. */
    const rf_catalog *catalog;
    int *script_of; /* by index into the catalog's calculated[]; -1: none */
    rf_state *states;
    size_t state_count;
};

/* ---- Failures (failure.c) ---- */

/* Report that loading a plugin failed in the sandbox; where the failure itself
 * names no line of the plugin's files, it was at `place`. */
rf_status rf_scripts__fail_load(const rf_plugin *plugin,
                                const rf_script_failure *failure,
                                const rf_script_place *place, rf_error *err);

/* Report that something is wrong with a script, at its place. */
rf_status rf_scripts__fail_at(const rf_script_place *place, rf_status status,
                              rf_error *err, const char *format, ...)
    RF_PRINTF(4, 5);

/* Where a script failed: the failure's own position when that is in a file of
 * the plugin, else where the formula stands. */
rf_script_place rf_scripts__place(const rf_scripts *set,
                                  const rf_script *script,
                                  const rf_script_failure *failure);

/* Name a plugin, and a file of it. */
rf_script_place rf_scripts__place_of(const rf_plugin *plugin, rf_text file,
                                     int line);

/* Monotonic time. */
int64_t rf_scripts__now_ns(void);

/* ---- Plugins (plugin.c, plugin_table.c, plugin_examples.c) ---- */

/* Run a plugin's files in a state and keep its formulas. The first time the
 * plugin and the set are filled in from the table it returns; later only the
 * functions are fetched that were found then. */
RF_MUST_CHECK rf_status rf_plugin__read(rf_state *state, rf_plugin *plugin,
                                        rf_error *err);
RF_MUST_CHECK rf_status rf_plugin__fetch(rf_state *state, rf_plugin *plugin,
                                         rf_error *err);

/* ---- States (state.c) ---- */

/* Make the state's sandbox, with the prelude and `use` but no plugin yet. */
RF_MUST_CHECK rf_status rf_state__open(rf_state *state, rf_error *err);

/* Make it with all plugins of the set, which are loaded already. */
RF_MUST_CHECK rf_status rf_state__build(rf_state *state, rf_error *err);

void rf_state__close(rf_state *state);

/* Call a script's function. What a measure's own evaluation failed with comes
 * back in `nested`, whose status is RF_OK when it was not that. */
RF_MUST_CHECK rf_script_outcome rf_state__call(rf_state *state, unsigned script,
                                               const rf_subject *subject,
                                               rf_quantity *out,
                                               rf_script_failure *failure,
                                               rf_error *nested);

/* ---- The host (host.c) ---- */

rf_status rf_host__evaluate(rf_formula_host *host, unsigned number,
                            const rf_subject *subject, rf_quantity *out,
                            rf_error *err);

/* Count a breach at a monotonic time; true: it was one too many. */
bool rf_breaches__add(rf_breaches *breaches, int64_t now_ms);

/* Forget all breaches. */
void rf_breaches__forget(rf_breaches *breaches);

/* ---- Finishing a set (trial.c, examples.c) ---- */

/* Try every formula in two states on samples; measure what each costs. */
RF_MUST_CHECK rf_status rf_scripts__try(rf_scripts *set, rf_state *first,
                                        rf_state *second, rf_error *err);

/* Run the examples of one plugin in a state. */
RF_MUST_CHECK rf_status rf_scripts__run_examples(rf_scripts *set,
                                                 const rf_plugin *plugin,
                                                 rf_state *state,
                                                 rf_error *err);

#endif
