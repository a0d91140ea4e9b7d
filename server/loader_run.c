/*
 * loader_run.c - what is asked of the loader, kind by kind.
 *
 * Each kind says what the next generation would be made of and which files of
 * the environment that changes; the rest is the same for all: read, see whether
 * anything differs, build, publish.
 */
#include "server/environment_file.h"
#include "server/loader_internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static bool is_same(rf_fingerprint a, rf_fingerprint b)
{
    return a.high == b.high && a.low == b.low;
}

/* ---- One attempt ---- */

/* Say whether some formula in force has been switched off: loading it again is
 * how it gets another chance. */
static bool is_crippled(const rf_generation *current)
{
    const rf_scripts *scripts =
        current == NULL ? NULL : rf_scripts_of(current->catalog->host);
    size_t count = scripts == NULL ? 0 : rf_scripts_count(scripts);
    for (size_t i = 0; i < count; i++) {
        rf_plugin_report plugin;
        rf_scripts_report(scripts, i, &plugin);
        for (size_t j = 0; j < plugin.formula_count; j++) {
            rf_formula_report formula;
            rf_scripts_formula_report(scripts, i, j, &formula);
            if (formula.is_off) {
                return true;
            }
        }
    }
    return false;
}

static bool is_unchanged(const rf_attempt *attempt)
{
    const rf_loader_entry *entry = attempt->entry;
    rf_text id = rf_text_of(entry->id);
    return entry->is_loaded &&
           is_same(entry->content, attempt->candidate.content) &&
           !is_crippled(rf_loader__current(attempt->loader, id));
}

/* Change the files alone: what is in force stays what it is. */
static rf_status store_only(rf_attempt *attempt, rf_error *err)
{
    if (attempt->is_dry_run) {
        return RF_OK;
    }
    rf_status status = rf_environment_change_apply(&attempt->change, err);
    rf_environment_change_keep(&attempt->change);
    return status;
}

static rf_status read_candidate(rf_attempt *attempt, rf_error *err)
{
    return rf_candidate_read(&attempt->candidate, &attempt->request, err);
}

/* Build and publish what was read. */
static rf_status build_and_publish(rf_attempt *attempt, bool *changed,
                                   rf_error *err)
{
    rf_status status = rf_candidate_build(&attempt->candidate, err);
    if (status == RF_OK) {
        status = rf_loader__publish(attempt, err);
    }
    *changed = status == RF_OK;
    return status;
}

rf_status rf_loader__load_files(rf_attempt *attempt, rf_text document,
                                bool *changed, rf_error *err)
{
    attempt->is_from_files = true;
    attempt->request.document = document;
    rf_status status = read_candidate(attempt, err);
    if (status != RF_OK || is_unchanged(attempt)) {
        *changed = false;
        return status;
    }
    return build_and_publish(attempt, changed, err);
}

/* A document that was made from another must not undo what has come between.
 */
static rf_status check_over(const rf_attempt *attempt, const rf_load *load,
                            rf_error *err)
{
    const rf_generation *current =
        rf_loader__current(attempt->loader, load->environment);
    if (load->over == 0 || (current != NULL && current->number == load->over)) {
        return RF_OK;
    }
    return rf_fail(err, RF_E_CHANGED,
                   "the configuration has changed in this moment");
}

static rf_status configure(rf_attempt *attempt, rf_load *load, rf_error *err)
{
    rf_status status = check_over(attempt, load, err);
    if (status != RF_OK) {
        return status;
    }
    attempt->needs_empty = load->needs_empty;
    attempt->request.document = load->document;
    attempt->change.document = load->document;
    attempt->change.has_document = true;
    status = read_candidate(attempt, err);
    return status == RF_OK ? build_and_publish(attempt, &load->changed, err)
                           : status;
}

/* ---- Own copies ---- */

static rf_plugin_folders folders_of(const rf_attempt *attempt)
{
    return rf_plugin_folders_of(attempt->request.options,
                                attempt->request.environment);
}

static rf_status check_names(const rf_load *load, rf_error *err)
{
    if (!rf_plugin_name_is_valid(load->plugin)) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, "plugin",
                             "a plugin's name is made of 1 to %d letters, "
                             "digits, '-' and '_'",
                             RF_PLUGIN_NAME_MAX);
    }
    if (load->kind == RF_LOAD_PUT &&
        !rf_plugin_file_name_is_valid(load->file)) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, "file",
                             "a file's name is made of 1 to %d letters, "
                             "digits, '-' and '_' in front of .lua, and does "
                             "not end with _spec",
                             RF_PLUGIN_NAME_MAX);
    }
    return RF_OK;
}

/* Go on from the plugin as it is effective now; one that is nowhere yet has no
 * files. Files that cannot be read are those that are being replaced. */
static rf_status put_file(rf_attempt *attempt, rf_text plugin,
                          const rf_plugin_file *file, rf_plugin_source *out,
                          rf_error *err)
{
    rf_plugin_folders folders = folders_of(attempt);
    rf_plugin_source before;
    rf_status status =
        rf_plugin_text_check(plugin, file->name, file->text, err);
    if (status != RF_OK) {
        return status;
    }
    rf_error failed = {0};
    status = rf_plugin_files_read(&folders, RF_PLUGIN_EFFECTIVE, plugin,
                                  &attempt->memory, &before, &failed);
    if (status != RF_OK && status != RF_E_UNKNOWN_PLUGIN) {
        *err = failed;
        return status;
    }
    return rf_plugin_source_put(status == RF_OK ? &before : NULL, plugin, file,
                                &attempt->memory, out, err);
}

/* Plan to make `put` (NULL: nothing) the own copy of a plugin. */
static rf_status change_own(rf_attempt *attempt, rf_text plugin,
                            const rf_plugin_source *put, rf_error *err)
{
    rf_plugin_folders folders = folders_of(attempt);
    rf_plugin_set own;
    rf_status status =
        rf_plugin_files_read_own(&folders, &attempt->memory, &own, err);
    if (status != RF_OK) {
        return status;
    }
    const rf_plugin_source *before = rf_plugin_set_find(&own, plugin);
    if (put == NULL && before == NULL) {
        return rf_fail(err, RF_E_UNKNOWN_PLUGIN,
                       "the environment has no copy of %.*s", RF_SHOWN(plugin));
    }
    attempt->change.has_own =
        put == NULL || before == NULL || !rf_plugin_source_equal(put, before);
    return rf_plugin_set_with(&own, plugin, put, &attempt->memory,
                              &attempt->change.own, err);
}

/* Load a plugin alone. Whether its formulas fit the environment is seen when
 * the document names it: until then another plugin may define the same. */
static rf_status try_alone(const rf_plugin_source *plugin, rf_error *err)
{
    rf_scripts_options options = {.threads = 1};
    rf_scripts *scripts = NULL;
    rf_status status = rf_scripts_load(plugin, 1, &options, &scripts, err);
    rf_scripts_free(scripts);
    return status;
}

/* A file that comes before the plugin.lua which uses it: whether it is Lua is
 * all that can be said, so a plugin is made up that runs it. */
static rf_status try_syntax(const rf_plugin_file *file, rf_error *err)
{
    char text[2 * RF_PLUGIN_NAME_MAX];
    int length = snprintf(text, sizeof text, "use \"%.*s\"\n",
                          (int)file->name.length, file->name.bytes);
    rf_plugin_file files[] = {
        *file, {rf_text_of("plugin.lua"), {text, (size_t)length}}};
    rf_plugin_source plugin = {rf_text_of("trial"), files, 2};
    rf_error failed = {0};
    rf_status status = try_alone(&plugin, &failed);
    if (status != RF_E_PLUGIN_SYNTAX && status != RF_E_NO_MEMORY) {
        return RF_OK;
    }
    *err = failed;
    return status;
}

static bool has_main(const rf_plugin_source *plugin)
{
    for (size_t i = 0; i < plugin->file_count; i++) {
        if (rf_text_equal(plugin->files[i].name, rf_text_of("plugin.lua"))) {
            return true;
        }
    }
    return false;
}

/* Try a plugin that the environment does not run as far as it goes, and store
 * it. */
static rf_status put_aside(rf_attempt *attempt, const rf_plugin_source *plugin,
                           const rf_plugin_file *file, rf_error *err)
{
    rf_status status = RF_OK;
    if (has_main(plugin)) {
        status = try_alone(plugin, err);
    } else {
        status = try_syntax(file, err);
        if (status != RF_OK) {
            snprintf(err->script.plugin, sizeof err->script.plugin, "%.*s",
                     (int)plugin->name.length, plugin->name.bytes);
        }
    }
    return status == RF_OK ? store_only(attempt, err) : status;
}

static rf_status put(rf_attempt *attempt, rf_load *load, rf_error *err)
{
    rf_plugin_file file = {load->file, load->text};
    rf_plugin_source plugin;
    rf_status status = check_names(load, err);
    if (status == RF_OK) {
        status = put_file(attempt, load->plugin, &file, &plugin, err);
    }
    if (status == RF_OK) {
        status = change_own(attempt, load->plugin, &plugin, err);
    }
    if (status == RF_OK) {
        attempt->request.instead = (rf_plugin_set){&plugin, 1};
        status = read_candidate(attempt, err);
    }
    if (status != RF_OK) {
        return status;
    }
    if (!rf_candidate_names(&attempt->candidate, load->plugin)) {
        return put_aside(attempt, &plugin, &file, err);
    }
    return is_unchanged(attempt)
               ? store_only(attempt, err)
               : build_and_publish(attempt, &load->changed, err);
}

static rf_status remove_copy(rf_attempt *attempt, rf_load *load, rf_error *err)
{
    rf_status status = check_names(load, err);
    if (status == RF_OK) {
        status = change_own(attempt, load->plugin, NULL, err);
    }
    if (status == RF_OK) {
        attempt->request.without_own = load->plugin;
        status = read_candidate(attempt, err);
    }
    if (status != RF_OK) {
        return status;
    }
    return is_unchanged(attempt)
               ? store_only(attempt, err)
               : build_and_publish(attempt, &load->changed, err);
}

/* ---- An earlier generation ---- */

static rf_status roll_back(rf_attempt *attempt, rf_load *load, rf_error *err)
{
    rf_environment_change *change = &attempt->change;
    rf_plugin_folders folders = folders_of(attempt);
    rf_generation_text text;
    rf_status status =
        rf_generation_file_read(change->directory, change->environment,
                                load->number, &attempt->memory, &text, err);
    if (status == RF_OK) {
        status = rf_environment_own_for(&folders, &text.plugins,
                                        &attempt->memory, &change->own, err);
    }
    if (status == RF_OK) {
        change->has_own = true;
        change->has_document = true;
        change->document = text.document;
        attempt->request.document = text.document;
        attempt->request.instead = text.plugins;
        status = read_candidate(attempt, err);
    }
    return status == RF_OK ? build_and_publish(attempt, &load->changed, err)
                           : status;
}

/* ---- What would be ---- */

/* Put the files of a preview over the plugins they belong to. */
static rf_status overlay(rf_attempt *attempt, const rf_preview_request *preview,
                         rf_plugin_set *out, rf_error *err)
{
    rf_status status = RF_OK;
    *out = (rf_plugin_set){0};
    for (size_t i = 0; i < preview->file_count && status == RF_OK; i++) {
        const rf_preview_file *changed = &preview->files[i];
        rf_plugin_file file = {changed->file, changed->text};
        const rf_plugin_source *before =
            rf_plugin_set_find(out, changed->plugin);
        rf_plugin_source after;
        rf_load named = {.kind = RF_LOAD_PUT,
                         .plugin = changed->plugin,
                         .file = changed->file};
        status = check_names(&named, err);
        if (status == RF_OK && before == NULL) {
            status = put_file(attempt, changed->plugin, &file, &after, err);
        } else if (status == RF_OK) {
            status = rf_plugin_text_check(changed->plugin, changed->file,
                                          changed->text, err);
            if (status == RF_OK) {
                status = rf_plugin_source_put(before, changed->plugin, &file,
                                              &attempt->memory, &after, err);
            }
        }
        if (status == RF_OK) {
            status = rf_plugin_set_with(out, changed->plugin, &after,
                                        &attempt->memory, out, err);
        }
    }
    return status;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static rf_status preview(rf_attempt *attempt, rf_load *load, rf_error *err)
{
    rf_loader *loader = attempt->loader;
    attempt->request.with_all = true;
    rf_status status =
        overlay(attempt, load->preview, &attempt->request.instead, err);
    if (status == RF_OK) {
        status = read_candidate(attempt, err);
    }
    if (status == RF_OK) {
        status = rf_candidate_build(&attempt->candidate, err);
    }
    if (status != RF_OK) {
        return status;
    }
    rf_preview_setting setting = {
        .store = loader->options.store,
        .current = rf_loader__current(loader, load->environment),
        .candidate = attempt->candidate.catalog,
        .thread = loader->options.threads - 1,
        .now_ms = now_ms(),
    };
    return rf_preview_run(&setting, load->preview, &load->result, err);
}

/* ---- One environment ---- */

typedef rf_status kind_step(rf_attempt *attempt, rf_load *load, rf_error *err);

static kind_step *step_of(rf_load_kind kind)
{
    static kind_step *const steps[] = {
        [RF_LOAD_RELOAD] = NULL,
        [RF_LOAD_CONFIGURE] = configure,
        [RF_LOAD_PUT] = put,
        [RF_LOAD_REMOVE] = remove_copy,
        [RF_LOAD_ROLLBACK] = roll_back,
        [RF_LOAD_PREVIEW] = preview,
    };
    return steps[kind];
}

/* Everything but a new document needs an environment that is in force. */
static rf_status check_environment(rf_attempt *attempt, const rf_load *load,
                                   rf_error *err)
{
    const rf_generation *current =
        rf_loader__current(attempt->loader, load->environment);
    if (load->kind == RF_LOAD_CONFIGURE) {
        return RF_OK;
    }
    if (current == NULL) {
        return rf_fail(err, RF_E_UNKNOWN_ENVIRONMENT,
                       "there is no such environment");
    }
    attempt->request.document.length = current->document_length;
    attempt->request.document.bytes = rf_arena_copy(
        &attempt->memory, current->document, current->document_length);
    return attempt->request.document.bytes == NULL
               ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
               : RF_OK;
}

static rf_status attempt_load(rf_loader *loader, rf_load *load, rf_error *err)
{
    rf_attempt attempt;
    rf_status status =
        rf_loader__begin(&attempt, loader, load->environment, err);
    attempt.actor = load->actor;
    attempt.request_id = load->request_id;
    attempt.is_dry_run = load->dry_run;
    if (status == RF_OK) {
        status = check_environment(&attempt, load, err);
    }
    if (status == RF_OK) {
        status = step_of(load->kind)(&attempt, load, err);
    }
    load->problems = attempt.candidate.problems;
    rf_loader__end(&attempt);
    return status;
}

static void run_one(rf_loader *loader, rf_load *load)
{
    rf_load_outcome outcome = {0};
    rf_error error = {0};
    if (!rf_environment_id_is_valid(load->environment)) {
        rf_fail(&load->error, RF_E_UNKNOWN_ENVIRONMENT,
                "there is no such environment");
        return;
    }
    rf_status status = attempt_load(loader, load, &error);
    const rf_generation *current =
        rf_loader__current(loader, load->environment);
    load->error = status == RF_OK ? (rf_error){0} : error;
    load->generation = current == NULL ? 0 : current->number;
    if (load->kind == RF_LOAD_PREVIEW || load->dry_run) {
        return;
    }
    snprintf(outcome.environment, sizeof outcome.environment, "%.*s",
             (int)load->environment.length, load->environment.bytes);
    outcome.generation = load->generation;
    outcome.changed = load->changed;
    outcome.error = load->error;
    rf_loader__tell(loader, load, &outcome);
}

void rf_loader__run(rf_loader *loader, rf_load *load)
{
    if (load->kind == RF_LOAD_RELOAD) {
        rf_loader__reload(loader, load);
    } else {
        run_one(loader, load);
    }
}
