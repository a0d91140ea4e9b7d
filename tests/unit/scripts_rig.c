/*
 * scripts_rig.c - plugins from texts, with a catalog to bind them to.
 */
#include "tests/unit/scripts_rig.h"

#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void draft_configuration(draft_fixture *f)
{
    draft_reset(f);
    draft_source(f, "fno", "AvailPhysical");
    draft_source(f, "pos", "Inbound, Outbound");
    draft_source(f, "iv", "SoftReserved");
    draft_formula(f, "pos", "Net", "pos.inbound", "pos.outbound");
    f->draft.aliases =
        draft_pairs(f, "iv.reserved > iv.softreserved", "aliases");
    f->draft.groups = draft_names(f, "channel, region", "groups");
}

int scripts_rig_set_up(void **state)
{
    scripts_rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    void *draft = NULL;
    draft_set_up(&draft);
    rig->draft = draft;
    scripts_rig_reset(rig);
    *state = rig;
    return 0;
}

int scripts_rig_tear_down(void **state)
{
    scripts_rig *rig = *state;
    scripts_rig_reset(rig);
    void *draft = rig->draft;
    draft_tear_down(&draft);
    free(rig);
    return 0;
}

static void drop_set(scripts_rig *rig)
{
    rf_catalog_free(rig->catalog);
    rig->catalog = NULL;
    rf_scripts_free(rig->set);
    rig->set = NULL;
}

void scripts_rig_reset(scripts_rig *rig)
{
    drop_set(rig);
    rf_measures_done(&rig->measures);
    rig->plugin_count = 0;
    rig->options = (rf_scripts_options){.threads = 2, .compile = true};
    rig->place.given = 0;
    for (size_t i = 0; i < RF_COORDINATES_MAX; i++) {
        rig->place.value[i] = RF_TEXT_EMPTY;
    }
    rig->subject = (rf_subject){.organization = rf_text_of("usmf"),
                                .product = rf_text_of("shoe"),
                                .place = &rig->place,
                                .measures = &rig->measures};
    draft_configuration(rig->draft);
}

void scripts_rig_file(scripts_rig *rig, const char *name, const char *text)
{
    size_t plugin = rig->plugin_count - 1;
    size_t at = rig->plugins[plugin].file_count++;
    assert_true(at < RIG_FILES_MAX);
    rig->files[plugin][at] =
        (rf_plugin_file){rf_text_of(name), rf_text_of(text)};
}

void scripts_rig_plugin(scripts_rig *rig, const char *name, const char *text)
{
    size_t at = rig->plugin_count++;
    assert_true(at < RIG_PLUGINS_MAX);
    rig->plugins[at] =
        (rf_plugin_source){.name = rf_text_of(name), .files = rig->files[at]};
    if (text != NULL) {
        scripts_rig_file(rig, "plugin.lua", text);
    }
}

void scripts_rig_formulas(scripts_rig *rig, const char *formulas,
                          const char *rest)
{
    size_t size = strlen(formulas) + strlen(rest) + 100;
    char *text = rf_arena_calloc(&rig->draft->arena, size, 1);
    assert_non_null(text);
    snprintf(text, size,
             "return { name = 'acme', version = '1',\nformulas = { %s },\n%s }",
             formulas, rest);
    scripts_rig_plugin(rig, "acme", text);
}

rf_status scripts_rig_load(scripts_rig *rig)
{
    drop_set(rig);
    memset(&rig->err, 0, sizeof rig->err);
    return rf_scripts_load(rig->plugins, rig->plugin_count, &rig->options,
                           &rig->set, &rig->err);
}

rf_status scripts_rig_bind(scripts_rig *rig)
{
    rf_draft *draft = &rig->draft->draft;
    rf_status status = scripts_rig_load(rig);
    if (status != RF_OK) {
        return status;
    }
    draft->formulas = rf_scripts_formulas(rig->set, &draft->formula_count);
    draft->host = rf_scripts_host(rig->set);
    rig->draft->problems = (rf_problems){0};
    status = rf_catalog_build(draft, rig->draft->registry,
                              &rig->draft->problems, &rig->catalog, &rig->err);
    if (status != RF_OK) {
        return status;
    }
    rig->subject.catalog = rig->catalog;
    return rf_scripts_bind(rig->set, rig->catalog, &rig->err);
}

void scripts_rig_start(scripts_rig *rig)
{
    if (scripts_rig_bind(rig) != RF_OK) {
        fail_msg("%s:%d: %s", rig->err.script.file, rig->err.script.line,
                 rig->err.message);
    }
}

void scripts_rig_expect(const scripts_rig *rig, rf_status status,
                        rf_status wanted, const char *message, const char *file,
                        int line)
{
    if (status != wanted || strstr(rig->err.message, message) == NULL) {
        fail_msg("%s, not %s: '%s', not '%s'", rf_status_word(status),
                 rf_status_word(wanted), rig->err.message, message);
    }
    assert_int_equal(rig->err.status, wanted);
    if (strcmp(rig->err.script.file, file) != 0 ||
        rig->err.script.line != line) {
        fail_msg("%s:%d, not %s:%d: '%s'", rig->err.script.file,
                 rig->err.script.line, file, line, rig->err.message);
    }
}

void scripts_rig_post(scripts_rig *rig, const char *source, const char *name,
                      double units)
{
    const rf_physical *physical =
        rf_catalog_physical(rig->catalog, rf_text_of(source), rf_text_of(name));
    assert_non_null(physical);
    rf_quantity quantity = (rf_quantity)llrint(units * 1e6);
    assert_int_equal(
        rf_measures_add(&rig->measures, physical->number, quantity, &rig->err),
        RF_OK);
}

rf_status scripts_rig_evaluate(scripts_rig *rig, const char *name,
                               rf_quantity *out)
{
    const char *dot = strchr(name, '.');
    assert_non_null(dot);
    const rf_calculated *calculated = rf_catalog_calculated(
        rig->catalog, (rf_text){name, (size_t)(dot - name)},
        rf_text_of(dot + 1));
    assert_non_null(calculated);
    memset(&rig->err, 0, sizeof rig->err);
    return rf_calculated_value(calculated, &rig->subject, out, &rig->err);
}

void scripts_rig_expect_value(scripts_rig *rig, const char *name, double units)
{
    rf_quantity got = 0;
    if (scripts_rig_evaluate(rig, name, &got) != RF_OK) {
        fail_msg("%s: %s", name, rig->err.message);
    }
    if (got != llrint(units * 1e6)) {
        fail_msg("%s: %lld millionths", name, (long long)got);
    }
}

rf_formula_report scripts_rig_report(const scripts_rig *rig, const char *name)
{
    rf_formula_report report = {0};
    for (size_t i = 0; i < rf_scripts_count(rig->set); i++) {
        rf_plugin_report plugin;
        rf_scripts_report(rig->set, i, &plugin);
        for (size_t j = 0; j < plugin.formula_count; j++) {
            rf_scripts_formula_report(rig->set, i, j, &report);
            if (rf_text_is_name(report.measure, rf_text_of(name))) {
                return report;
            }
        }
    }
    fail_msg("there is no formula %s", name);
    return report;
}
