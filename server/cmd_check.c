/*
 * cmd_check.c - `ringfence check`: are these configurations and plugins good?
 * No data is touched.
 */
#include "server/candidate.h"
#include "server/cli.h"
#include "server/environment_file.h"

#include <stdio.h>
#include <string.h>

typedef struct checking {
    const rf_options *options;
    size_t good;
    size_t bad;
    size_t plugins; /* of all environments together, like the rest */
    size_t native;
    size_t lua;
    size_t examples;
} checking;

static void count_formulas(checking *check, const rf_scripts *scripts,
                           size_t plugin, size_t formulas)
{
    for (size_t i = 0; i < formulas; i++) {
        rf_formula_report formula;
        rf_scripts_formula_report(scripts, plugin, i, &formula);
        if (strcmp(formula.kind, "lua") == 0) {
            check->lua++;
        } else {
            check->native++;
        }
    }
}

static void count_plugins(checking *check, const rf_scripts *scripts)
{
    size_t count = scripts == NULL ? 0 : rf_scripts_count(scripts);
    for (size_t i = 0; i < count; i++) {
        rf_plugin_report plugin;
        rf_scripts_report(scripts, i, &plugin);
        check->examples += plugin.examples;
        count_formulas(check, scripts, i, plugin.formula_count);
    }
    check->plugins += count;
}

/* Make of it what a first start would. */
static rf_status check_document(checking *check,
                                const rf_environment_file *file,
                                rf_problems *problems, rf_error *err)
{
    rf_candidate candidate = {0};
    rf_candidate_request request = {
        .options = check->options,
        .environment = file->id,
        .document = file->document,
        .without_own = RF_TEXT_EMPTY,
        .threads = 1,
    };
    rf_status status = rf_candidate_read(&candidate, &request, err);
    if (status == RF_OK) {
        status = rf_candidate_build(&candidate, err);
    }
    if (status == RF_OK) {
        count_plugins(check, candidate.scripts);
    }
    *problems = candidate.problems;
    rf_candidate_done(&candidate);
    return status;
}

static void tell_failure(const rf_environment_file *file, const rf_error *error)
{
    const rf_script_place *place = &error->script;
    if (place->plugin[0] == '\0') {
        fprintf(stderr, "ringfence: %s: %s\n", file->path, error->message);
        return;
    }
    fprintf(stderr, "ringfence: %s: %s/%s:%d: %s\n", file->path, place->plugin,
            place->file, place->line, error->message);
}

static rf_status check_file(void *context, const rf_environment_file *file,
                            rf_error *err)
{
    checking *check = context;
    rf_problems problems = {0};
    rf_error error = file->error;
    rf_status status = file->status;
    if (status == RF_OK) {
        status = check_document(check, file, &problems, &error);
    }
    if (status == RF_E_NO_MEMORY) {
        return rf_fail(err, status, "out of memory");
    }
    if (status == RF_OK) {
        check->good++;
        return RF_OK;
    }
    check->bad++;
    if (problems.count > 0) {
        rf_cli_print_problems(file->path, &problems);
    } else {
        tell_failure(file, &error);
    }
    return RF_OK;
}

static void tell_result(const checking *check)
{
    printf("%zu environments are good, %zu are not\n", check->good, check->bad);
    printf("%zu plugins are run, with %zu formulas (%zu native, %zu in Lua) "
           "and %zu examples\n",
           check->plugins, check->native + check->lua, check->native,
           check->lua, check->examples);
}

static int run_check(const rf_arguments *arguments)
{
    rf_options options;
    rf_error error = {0};
    checking check = {.options = &options};
    int code = rf_cli_options(arguments, &options);
    if (code == 0) {
        rf_status status = rf_environment_files_read(
            options.environments_directory, check_file, &check, &error);
        if (status != RF_OK) {
            code = rf_cli_fail(RF_EXIT_FAILURE, &error);
        } else if (check.good + check.bad == 0) {
            /* A wrong folder must not look like a good one. */
            rf_fail(&error, RF_E_BAD_CONFIGURATION,
                    "there is no environment in %.200s",
                    options.environments_directory);
            code = rf_cli_fail(RF_EXIT_USAGE, &error);
        }
    }
    if (code == 0) {
        tell_result(&check);
        code = check.bad > 0 ? RF_EXIT_USAGE : 0;
    }
    rf_options_done(&options);
    return code;
}

const rf_subcommand rf_cmd_check = {
    .name = "check",
    .summary = "check the configuration, all environments and their plugins",
    .help = "Reads the server's configuration, every environment's document "
            "and the plugins it runs,\ntries every formula and example, and "
            "tells all mistakes. Exits 2 when there are any.\nNo data is "
            "touched.\n",
    .takes = RF_TAKES_CONFIG,
    .run = run_check,
};
