/*
 * scripts_rig.h - plugins from texts, with a catalog to bind them to.
 *
 * The configuration has the sources fno (availphysical), pos (inbound,
 * outbound) and iv (softreserved), the configured formula pos.net = pos.inbound
 * - pos.outbound, the alias iv.reserved for iv.softreserved, and the groups
 * channel and region. Whatever goes wrong in here fails the test; what the
 * scripts do is the test's to check.
 */
#ifndef RINGFENCE_TESTS_UNIT_SCRIPTS_RIG_H
#define RINGFENCE_TESTS_UNIT_SCRIPTS_RIG_H

#include "core/catalog.h"
#include "core/draft.h"
#include "core/registry.h"
#include "scripts/scripts.h"
#include "tests/unit/draft_fixture.h"

/* More than a set may have. */
#define RIG_PLUGINS_MAX (RF_PLUGINS_MAX + 2)
#define RIG_FILES_MAX (RF_PLUGIN_FILES_MAX + 2)

typedef struct scripts_rig {
    draft_fixture *draft;
    rf_scripts_options options;
    rf_plugin_source plugins[RIG_PLUGINS_MAX];
    rf_plugin_file files[RIG_PLUGINS_MAX][RIG_FILES_MAX];
    size_t plugin_count;
    rf_scripts *set;
    rf_catalog *catalog;
    rf_error err; /* of the last failure */

    /* What formulas are evaluated for. */
    rf_place place;
    rf_measures measures;
    rf_subject subject;
} scripts_rig;

/* For cmocka: make a rig without plugins, for two threads, and take it down. */
int scripts_rig_set_up(void **state);
int scripts_rig_tear_down(void **state);

/* Throw away what was loaded and all plugins; forget what was posted. */
void scripts_rig_reset(scripts_rig *rig);

/* Add a plugin with its plugin.lua; add a file to the last one. The texts are
 * borrowed. */
void scripts_rig_plugin(scripts_rig *rig, const char *name, const char *text);
void scripts_rig_file(scripts_rig *rig, const char *name, const char *text);

/* Add the plugin "acme" whose formulas are the fields in `formulas`, which are
 * followed by `rest` in the plugin's table. */
void scripts_rig_formulas(scripts_rig *rig, const char *formulas,
                          const char *rest);

/* Load the plugins; load, build the catalog, and bind. Returns the first
 * failure, which is also in `err`. */
rf_status scripts_rig_load(scripts_rig *rig);
rf_status scripts_rig_bind(scripts_rig *rig);

/* Load and bind, which must succeed. */
void scripts_rig_start(scripts_rig *rig);

/* Check a failure: status, a part of the message, file and line. */
void scripts_rig_expect(const scripts_rig *rig, rf_status status,
                        rf_status wanted, const char *message, const char *file,
                        int line);

/* Post to a physical measure, in units. */
void scripts_rig_post(scripts_rig *rig, const char *source, const char *name,
                      double units);

/* Evaluate a calculated measure as the core does, on the subject's thread. */
rf_status scripts_rig_evaluate(scripts_rig *rig, const char *name,
                               rf_quantity *out);

/* Check that it comes to so many units. */
void scripts_rig_expect_value(scripts_rig *rig, const char *name, double units);

/* Return the report of a formula by its name. */
rf_formula_report scripts_rig_report(const scripts_rig *rig, const char *name);

#endif
