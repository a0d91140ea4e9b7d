/*
 * loader_reload.c - what the files say: at the start, and whenever they are to
 * be read again.
 */
#include "core/alloc.h"
#include "server/environment_file.h"
#include "server/loader_internal.h"
#include "server/log.h"

#include <stdio.h>
#include <string.h>

/* A path that is longer leaves too little room for what is wrong. */
#define SHOWN_PATH_SIZE 100

/* ---- The start ---- */

/* Everything that one environment's file is told with when it is refused. */
typedef struct starting {
    rf_loader *loader;
    rf_problems *problems;
} starting;

/* Return as much of a path as fits a message: all of it, or the file's name. */
static const char *show_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strlen(path) < SHOWN_PATH_SIZE || slash == NULL ? path : slash + 1;
}

static rf_status refuse_start(const rf_environment_file *file,
                              const rf_problems *problems,
                              const rf_error *error, rf_error *err)
{
    const rf_script_place *place = &error->script;
    const char *path = show_path(file->path);
    if (problems->count > 0) {
        return rf_fail_field(err, error->status, path,
                             "%s cannot be used, so nothing was started", path);
    }
    if (place->plugin[0] != '\0') {
        return rf_fail_field(err, error->status, path, "%s: %s/%s:%d: %s", path,
                             place->plugin, place->file, place->line,
                             error->message);
    }
    return rf_fail_field(err, error->status, path, "%s: %s", path,
                         error->message);
}

/* Remember the numbers that the store has for an environment. */
static rf_status take_numbers(rf_loader *loader, rf_loader_entry *entry,
                              rf_error *err)
{
    return rf_engine_registry(loader->options.engine, rf_text_of(entry->id),
                              &entry->registry, err);
}

static rf_status start_one(rf_loader *loader, const rf_environment_file *file,
                           rf_problems *problems, rf_error *err)
{
    rf_attempt attempt;
    rf_loader_entry *entry = NULL;
    bool changed;
    rf_status status = rf_loader__entry(loader, file->id, &entry, err);
    if (status == RF_OK) {
        status = take_numbers(loader, entry, err);
    }
    if (status == RF_OK) {
        status = rf_loader__read_kept(loader, entry, err);
    }
    if (status != RF_OK) {
        return status;
    }
    status = rf_loader__begin(&attempt, loader, file->id, err);
    attempt.actor = rf_text_of("system");
    attempt.is_start = true;
    if (status == RF_OK) {
        status = rf_loader__load_files(&attempt, file->document, &changed, err);
    }
    *problems = attempt.candidate.problems;
    rf_loader__end(&attempt);
    return status;
}

static rf_status start_file(void *context, const rf_environment_file *file,
                            rf_error *err)
{
    const starting *start = context;
    rf_error error = file->error;
    rf_status status = file->status;
    if (status == RF_OK) {
        status = start_one(start->loader, file, start->problems, &error);
    }
    return status == RF_OK ? RF_OK
                           : refuse_start(file, start->problems, &error, err);
}

/* The numbers of environments whose documents have gone are remembered: once
 * the writer runs nobody can ask for them. */
static rf_status remember_others(rf_loader *loader, rf_error *err)
{
    rf_environment_figures figures;
    rf_status status = RF_OK;
    for (size_t i = 0;
         status == RF_OK &&
         rf_engine_environment_figures(loader->options.engine, i, &figures);
         i++) {
        rf_loader_entry *entry = NULL;
        status = rf_loader__entry(loader, rf_text_of(figures.id), &entry, err);
        if (status == RF_OK && !entry->is_loaded) {
            status = take_numbers(loader, entry, err);
        }
    }
    return status;
}

rf_status rf_loader_load_all(rf_loader *loader, rf_problems *problems,
                             rf_error *err)
{
    const rf_options *options = loader->options.options;
    starting start = {loader, problems};
    rf_status status = rf_environment_changes_recover(options, err);
    if (status == RF_OK) {
        status = rf_environment_files_read(options->environments_directory,
                                           start_file, &start, err);
    }
    rf_view_done(&loader->view);
    return status == RF_OK ? remember_others(loader, err) : status;
}

/* ---- Again ---- */

typedef struct reloading {
    rf_loader *loader;
    rf_load *load;
} reloading;

/* Add an outcome for an environment, all of it well so far. */
static rf_load_outcome *add_outcome(rf_load *load, rf_text environment)
{
    rf_load_outcome *outcomes =
        rf_realloc(load->outcomes, load->outcome_count + 1, sizeof *outcomes);
    if (outcomes == NULL) {
        rf_fail(&load->error, RF_E_NO_MEMORY, "out of memory");
        return NULL;
    }
    load->outcomes = outcomes;
    rf_load_outcome *outcome = &outcomes[load->outcome_count++];
    memset(outcome, 0, sizeof *outcome);
    snprintf(outcome->environment, sizeof outcome->environment, "%.*s",
             (int)environment.length, environment.bytes);
    return outcome;
}

static bool has_outcome(const rf_load *load, const char *environment)
{
    for (size_t i = 0; i < load->outcome_count; i++) {
        if (strcmp(load->outcomes[i].environment, environment) == 0) {
            return true;
        }
    }
    return false;
}

/* Finish an outcome: what is in force, and who is told. */
static void close_outcome(const reloading *reload, rf_load_outcome *outcome)
{
    const rf_generation *current =
        rf_loader__current(reload->loader, rf_text_of(outcome->environment));
    rf_load *load = reload->load;
    outcome->generation = current == NULL ? 0 : current->number;
    load->changed = load->changed || outcome->changed;
    if (outcome->error.status != RF_OK && load->error.status == RF_OK) {
        load->error = outcome->error;
    }
    if (!load->is_quiet || outcome->changed || outcome->error.status != RF_OK) {
        rf_loader__tell(reload->loader, load, outcome);
    }
}

static rf_status reload_one(const reloading *reload,
                            const rf_environment_file *file, bool *changed,
                            rf_error *err)
{
    rf_attempt attempt;
    rf_load *load = reload->load;
    rf_status status =
        rf_loader__begin(&attempt, reload->loader, file->id, err);
    attempt.actor = load->actor;
    attempt.request_id = load->request_id;
    if (status == RF_OK) {
        status = rf_loader__load_files(&attempt, file->document, changed, err);
    }
    if (load->problems.count == 0) {
        load->problems = attempt.candidate.problems;
    }
    rf_loader__end(&attempt);
    return status;
}

static rf_status reload_file(void *context, const rf_environment_file *file,
                             rf_error *err)
{
    const reloading *reload = context;
    rf_load *load = reload->load;
    if (load->environment.length > 0 &&
        !rf_text_equal(load->environment, file->id)) {
        return RF_OK;
    }
    rf_load_outcome *outcome = add_outcome(load, file->id);
    if (outcome == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_error error = file->error;
    rf_status status = file->status;
    if (status == RF_OK) {
        status = reload_one(reload, file, &outcome->changed, &error);
    }
    if (status != RF_OK) {
        outcome->error = error;
    }
    close_outcome(reload, outcome);
    return RF_OK;
}

/* An environment without a file stays in force; data is never dropped because a
 * file has gone. */
static void note_gone(const reloading *reload, rf_text environment)
{
    static const char gone[] =
        "the document has gone; it stays in force until the next start";
    rf_load_outcome *outcome = add_outcome(reload->load, environment);
    if (outcome == NULL) {
        return;
    }
    snprintf(outcome->error.message, sizeof outcome->error.message, "%s", gone);
    close_outcome(reload, outcome);
    if (!reload->load->is_quiet) {
        rf_log_line line;
        rf_log_begin(&line, RF_LOG_WARN, "loader", gone);
        rf_log_text(&line, "environment", environment);
        rf_log_end(&line);
    }
}

/* What is in force but was not among the files. */
static void find_gone(const reloading *reload)
{
    rf_load *load = reload->load;
    const rf_loader *loader = reload->loader;
    for (size_t i = 0; i < loader->entry_count; i++) {
        const rf_loader_entry *entry = loader->entries[i];
        rf_text id = rf_text_of(entry->id);
        if (entry->is_loaded && !has_outcome(load, entry->id) &&
            (load->environment.length == 0 ||
             rf_text_equal(load->environment, id))) {
            note_gone(reload, id);
        }
    }
}

void rf_loader__reload(rf_loader *loader, rf_load *load)
{
    reloading reload = {loader, load};
    rf_error error = {0};
    rf_status status = rf_environment_files_read(
        loader->options.options->environments_directory, reload_file, &reload,
        &error);
    if (status == RF_OK) {
        find_gone(&reload);
    } else if (load->error.status == RF_OK) {
        load->error = error;
    }
    if (load->environment.length > 0 && load->outcome_count == 0 &&
        load->error.status == RF_OK) {
        rf_fail(&load->error, RF_E_UNKNOWN_ENVIRONMENT,
                "there is no such environment");
    }
}
