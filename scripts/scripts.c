/*
 * scripts.c - a set of plugins, from sources to a formula host.
 */
#include "scripts/scripts.h"

#include "core/alloc.h"
#include "scripts/binding.h"
#include "scripts/names.h"
#include "scripts/scripts_internal.h"
#include "scripts/trace.h"

#include <stdio.h>
#include <string.h>

#define ARENA_BLOCK_BYTES ((size_t)32 * 1024)

/* Equal outcomes are wanted of two states at least. */
#define STATES_MIN 2

static rf_status fail_memory(rf_error *err)
{
    return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
}

/* ---- Sources ---- */

static rf_status copy_text(rf_scripts *set, rf_text text, rf_text *out,
                           rf_error *err)
{
    char *copy = rf_arena_copy(&set->arena, text.bytes, text.length);
    if (copy == NULL) {
        return fail_memory(err);
    }
    *out = (rf_text){copy, text.length};
    return RF_OK;
}

static rf_status copy_file(rf_scripts *set, const rf_plugin_file *file,
                           rf_plugin_file *out, rf_error *err)
{
    rf_status status = copy_text(set, file->name, &out->name, err);
    return status != RF_OK ? status
                           : copy_text(set, file->text, &out->text, err);
}

/* Check what can be checked of a plugin before it runs. */
static rf_status check_source(const rf_plugin *plugin, rf_error *err)
{
    rf_script_place place = rf_scripts__place_of(plugin, RF_TEXT_EMPTY, 0);
    if (plugin->name.length == 0 || plugin->name.length > RF_PLUGIN_NAME_MAX) {
        return rf_scripts__fail_at(&place, RF_E_PLUGIN_FAILED, err,
                                   "a plugin's name has 1 to %d bytes",
                                   RF_PLUGIN_NAME_MAX);
    }
    if (plugin->file_count > RF_PLUGIN_FILES_MAX) {
        return rf_scripts__fail_at(&place, RF_E_PLUGIN_FAILED, err,
                                   "a plugin may have %d files, not %zu",
                                   RF_PLUGIN_FILES_MAX, plugin->file_count);
    }
    for (size_t i = 0; i < plugin->file_count; i++) {
        const rf_plugin_file *file = &plugin->files[i];
        place = rf_scripts__place_of(plugin, file->name, 0);
        if (file->name.length > RF_PLUGIN_NAME_MAX) {
            return rf_scripts__fail_at(&place, RF_E_PLUGIN_FAILED, err,
                                       "a file's name has at most %d bytes",
                                       RF_PLUGIN_NAME_MAX);
        }
        if (file->text.length > RF_PLUGIN_FILE_BYTES_MAX) {
            return rf_scripts__fail_at(
                &place, RF_E_PLUGIN_SYNTAX, err,
                "the file has %zu bytes, more than the %zu it may have",
                file->text.length, RF_PLUGIN_FILE_BYTES_MAX);
        }
    }
    return RF_OK;
}

static rf_status copy_plugin(rf_scripts *set, const rf_plugin_source *source,
                             rf_plugin *out, rf_error *err)
{
    rf_status status = copy_text(set, source->name, &out->name, err);
    rf_plugin_file *files =
        rf_arena_calloc(&set->arena, source->file_count, sizeof *files);
    if (files == NULL) {
        return fail_memory(err);
    }
    for (size_t i = 0; status == RF_OK && i < source->file_count; i++) {
        status = copy_file(set, &source->files[i], &files[i], err);
    }
    out->files = files;
    out->file_count = source->file_count;
    return status != RF_OK ? status : check_source(out, err);
}

static rf_status check_named_once(const rf_scripts *set, size_t plugin,
                                  rf_error *err)
{
    for (size_t i = 0; i < plugin; i++) {
        if (rf_text_equal(set->plugins[i].name, set->plugins[plugin].name)) {
            rf_script_place place =
                rf_scripts__place_of(&set->plugins[plugin], RF_TEXT_EMPTY, 0);
            return rf_scripts__fail_at(&place, RF_E_DUPLICATE_DEFINITION, err,
                                       "the plugin is named twice");
        }
    }
    return RF_OK;
}

static rf_status copy_sources(rf_scripts *set, const rf_plugin_source *sources,
                              size_t count, rf_error *err)
{
    if (count > RF_PLUGINS_MAX) {
        return rf_fail(err, RF_E_PLUGIN_FAILED,
                       "there may be %d plugins, not %zu", RF_PLUGINS_MAX,
                       count);
    }
    set->plugins = rf_arena_calloc(&set->arena, count, sizeof *set->plugins);
    if (set->plugins == NULL) {
        return fail_memory(err);
    }
    rf_status status = RF_OK;
    for (size_t i = 0; status == RF_OK && i < count; i++) {
        status = copy_plugin(set, &sources[i], &set->plugins[i], err);
        if (status == RF_OK) {
            status = check_named_once(set, i, err);
        }
    }
    set->plugin_count = count;
    return status;
}

/* ---- Formulas ---- */

static rf_status copy_reads(rf_scripts *set, const rf_trace *trace,
                            rf_draft_formula *out, rf_error *err)
{
    rf_draft_read *reads =
        rf_arena_calloc(&set->arena, trace->read_count, sizeof *reads);
    if (reads == NULL) {
        return fail_memory(err);
    }
    rf_status status = RF_OK;
    for (size_t i = 0; status == RF_OK && i < trace->read_count; i++) {
        const rf_trace_read *read = &trace->reads[i];
        reads[i].line = read->line;
        status = copy_text(set, rf_text_of(read->name), &reads[i].name, err);
        if (status == RF_OK) {
            status =
                copy_text(set, rf_text_of(read->file), &reads[i].file, err);
        }
    }
    out->reads = reads;
    out->read_count = trace->read_count;
    return status;
}

static rf_status copy_expression(rf_scripts *set, const rf_trace *trace,
                                 rf_draft_formula *out, rf_error *err)
{
    size_t count = trace->expression.count;
    rf_expression_node *nodes =
        rf_arena_calloc(&set->arena, count, sizeof *nodes);
    if (nodes == NULL) {
        return fail_memory(err);
    }
    if (count > 0) {
        memcpy(nodes, trace->expression.nodes, count * sizeof *nodes);
    }
    out->expression = (rf_expression){nodes, count};
    return RF_OK;
}

/* The first state, in which a set is loaded and compiled. */
typedef struct loading {
    rf_scripts *set;
    rf_state state;
    rf_names names;
    rf_trace trace; /* of one formula at a time */
} loading;

/* Make the state anew when a formula broke a limit in it. */
static rf_status renew(loading *self, rf_error *err)
{
    if (!rf_sandbox_is_spent(self->state.sandbox)) {
        return RF_OK;
    }
    rf_state__close(&self->state);
    return rf_state__build(&self->state, err);
}

/* Trace a function. What Lua makes of it decides: a compiled form that differs
 * is dropped. */
static rf_status trace_function(loading *self, rf_function function,
                                rf_error *err)
{
    rf_trace *trace = &self->trace;
    rf_script_failure failure;
    rf_trace_formula(self->state.sandbox, function, trace);
    rf_status status = renew(self, err);
    if (status != RF_OK || trace->expression.count == 0) {
        return status;
    }
    if (!self->set->options.compile) {
        trace->expression.count = 0;
        snprintf(trace->reason, sizeof trace->reason,
                 "compiling is switched off");
        return RF_OK;
    }
    if (!rf_trace_agrees(self->state.sandbox, function, trace,
                         rf_names_slot_name, &self->names, &failure)) {
        trace->expression.count = 0;
        snprintf(trace->reason, sizeof trace->reason,
                 "is not the same compiled: %.90s", failure.message);
    }
    return renew(self, err);
}

/* Compile a script if that can be, and draft its formula. */
static rf_status draft_script(loading *self, rf_script *script,
                              rf_draft_formula *out, rf_error *err)
{
    rf_scripts *set = self->set;
    rf_text reason = RF_TEXT_EMPTY;
    rf_status status =
        trace_function(self, self->state.functions[script->number], err);
    if (status == RF_OK) {
        status = copy_text(set, rf_text_of(self->trace.reason), &reason, err);
    }
    if (status == RF_OK) {
        status = copy_reads(set, &self->trace, out, err);
    }
    if (status == RF_OK) {
        status = copy_expression(set, &self->trace, out, err);
    }
    script->reason = reason.bytes;
    out->name = script->measure;
    out->place = script->place;
    out->script = script->number;
    return status;
}

static rf_status draft_formulas(loading *self, rf_error *err)
{
    rf_scripts *set = self->set;
    rf_draft_formula *formulas =
        rf_arena_calloc(&set->arena, set->script_count, sizeof *formulas);
    if (formulas == NULL) {
        return fail_memory(err);
    }
    rf_status status = RF_OK;
    for (size_t i = 0; status == RF_OK && i < set->script_count; i++) {
        rf_script *script = set->scripts[i];
        int64_t start = rf_scripts__now_ns();
        status = draft_script(self, script, &formulas[i], err);
        set->plugins[script->plugin].load_ns +=
            (uint64_t)(rf_scripts__now_ns() - start);
    }
    set->formulas = formulas;
    return status;
}

/* ---- Loading ---- */

static rf_status read_plugins(rf_scripts *set, rf_state *state, rf_error *err)
{
    rf_status status = rf_state__open(state, err);
    for (size_t i = 0; status == RF_OK && i < set->plugin_count; i++) {
        int64_t start = rf_scripts__now_ns();
        status = rf_plugin__read(state, &set->plugins[i], err);
        set->plugins[i].load_ns = (uint64_t)(rf_scripts__now_ns() - start);
    }
    if (status == RF_OK) {
        rf_sandbox_end_loading(state->sandbox);
    }
    return status;
}

/* Run and compile everything in a state that knows no catalog yet. */
static rf_status load_plugins(rf_scripts *set, rf_error *err)
{
    loading *self = rf_calloc(1, sizeof *self);
    if (self == NULL) {
        return fail_memory(err);
    }
    rf_names_init(&self->names);
    self->set = set;
    self->state.set = set;
    self->state.schema = rf_names_schema(&self->names);
    rf_status status = read_plugins(set, &self->state, err);
    if (status == RF_OK) {
        status = draft_formulas(self, err);
    }
    rf_state__close(&self->state);
    rf_names_done(&self->names);
    rf_free(self);
    return status;
}

static void release(rf_formula_host *host)
{
    rf_scripts_free((rf_scripts *)host);
}

rf_status rf_scripts_load(const rf_plugin_source *plugins, size_t count,
                          const rf_scripts_options *options, rf_scripts **out,
                          rf_error *err)
{
    rf_scripts *set = rf_calloc(1, sizeof *set);
    if (set == NULL) {
        return fail_memory(err);
    }
    set->host = (rf_formula_host){rf_host__evaluate, release};
    set->options = *options;
    rf_arena_init(&set->arena, ARENA_BLOCK_BYTES, 0);
    rf_status status = copy_sources(set, plugins, count, err);
    if (status == RF_OK) {
        status = load_plugins(set, err);
    }
    if (status != RF_OK) {
        rf_scripts_free(set);
        return status;
    }
    *out = set;
    return RF_OK;
}

void rf_scripts_free(rf_scripts *scripts)
{
    if (scripts == NULL) {
        return;
    }
    for (size_t i = 0; i < scripts->state_count; i++) {
        rf_state__close(&scripts->states[i]);
    }
    rf_free(scripts->states);
    rf_arena_done(&scripts->arena);
    rf_free(scripts);
}

const rf_draft_formula *rf_scripts_formulas(const rf_scripts *scripts,
                                            size_t *count)
{
    *count = scripts->script_count;
    return scripts->formulas;
}

/* ---- Binding ---- */

/* Find what the catalog made of each script. */
static rf_status resolve_scripts(rf_scripts *set, rf_error *err)
{
    const rf_catalog *catalog = set->catalog;
    set->script_of = rf_arena_calloc(&set->arena, catalog->calculated_count,
                                     sizeof *set->script_of);
    if (set->script_of == NULL) {
        return fail_memory(err);
    }
    for (size_t i = 0; i < catalog->calculated_count; i++) {
        set->script_of[i] = -1;
    }
    for (size_t i = 0; i < set->script_count; i++) {
        rf_script *script = set->scripts[i];
        const char *dot =
            memchr(script->measure.bytes, '.', script->measure.length);
        size_t length = (size_t)(dot - script->measure.bytes);
        script->calculated = rf_catalog_calculated(
            catalog, (rf_text){script->measure.bytes, length},
            (rf_text){dot + 1, script->measure.length - length - 1});
        if (script->calculated == NULL) {
            return rf_scripts__fail_at(&script->place, RF_E_INTERNAL, err,
                                       "the catalog does not have %s",
                                       script->measure.bytes);
        }
        set->script_of[script->calculated - catalog->calculated] = (int)i;
    }
    return RF_OK;
}

static rf_status build_states(rf_scripts *set, rf_error *err)
{
    size_t count = set->options.threads;
    count = count < STATES_MIN ? STATES_MIN : count;
    set->states = rf_calloc(count, sizeof *set->states);
    if (set->states == NULL) {
        return fail_memory(err);
    }
    set->state_count = count;
    for (size_t i = 0; i < count; i++) {
        rf_state *state = &set->states[i];
        state->set = set;
        state->schema = rf_binding_schema(set->catalog);
        rf_status status = rf_state__build(state, err);
        if (status != RF_OK) {
            return status;
        }
    }
    return RF_OK;
}

static rf_status run_examples(rf_scripts *set, rf_error *err)
{
    for (size_t i = 0; i < set->plugin_count; i++) {
        rf_plugin *plugin = &set->plugins[i];
        int64_t start = rf_scripts__now_ns();
        rf_status status =
            rf_scripts__run_examples(set, plugin, &set->states[0], err);
        if (status != RF_OK) {
            return status;
        }
        plugin->load_ns += (uint64_t)(rf_scripts__now_ns() - start);
    }
    return RF_OK;
}

rf_status rf_scripts_bind(rf_scripts *scripts, const rf_catalog *catalog,
                          rf_error *err)
{
    RF_ASSERT(scripts->catalog == NULL);
    scripts->catalog = catalog;
    rf_status status = resolve_scripts(scripts, err);
    if (status == RF_OK && scripts->script_count > 0) {
        status = build_states(scripts, err);
    }
    if (status == RF_OK && scripts->script_count > 0) {
        status = rf_scripts__try(scripts, &scripts->states[0],
                                 &scripts->states[1], err);
    }
    return status != RF_OK ? status : run_examples(scripts, err);
}

/* ---- The set as others see it ---- */

rf_formula_host *rf_scripts_host(rf_scripts *scripts)
{
    return scripts == NULL ? NULL : &scripts->host;
}

const rf_scripts *rf_scripts_of(const rf_formula_host *host)
{
    return (const rf_scripts *)host;
}

size_t rf_scripts_count(const rf_scripts *scripts)
{
    return scripts->plugin_count;
}

void rf_scripts_report(const rf_scripts *scripts, size_t plugin,
                       rf_plugin_report *out)
{
    RF_ASSERT(plugin < scripts->plugin_count);
    const rf_plugin *from = &scripts->plugins[plugin];
    *out = (rf_plugin_report){
        .name = from->name,
        .version = from->version,
        .files = from->files,
        .file_count = from->file_count,
        .modifiers = from->modifiers,
        .modifier_count = from->modifier_count,
        .rules = from->rules,
        .rule_count = from->rule_count,
        .formula_count = from->formula_count,
        .examples = from->example_count,
        .load_ns = from->load_ns,
    };
}

void rf_scripts_formula_report(const rf_scripts *scripts, size_t plugin,
                               size_t formula, rf_formula_report *out)
{
    RF_ASSERT(plugin < scripts->plugin_count);
    const rf_plugin *from = &scripts->plugins[plugin];
    RF_ASSERT(formula < from->formula_count);
    const rf_script *script = scripts->scripts[from->first + formula];
    const rf_calculated *calculated = script->calculated;
    *out = (rf_formula_report){
        .measure = script->measure,
        .kind =
            calculated == NULL ? "" : rf_formula_kind_word(calculated->kind),
        .reason = script->reason,
        .cost_ns = script->cost_ns,
        .failures = atomic_load(&script->failures),
        .is_off = atomic_load(&script->breaches.off),
    };
}
