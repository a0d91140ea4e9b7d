/*
 * cmd_check.c - `ringfence check`: is this configuration good? No data is
 * touched.
 */
#include "core/catalog.h"
#include "core/registry.h"
#include "server/cli.h"
#include "server/environment_file.h"

#include <stdio.h>

typedef struct checking {
    size_t good;
    size_t bad;
} checking;

/* Build the catalog as a first start would. */
static rf_status build(rf_environment_file *file)
{
    rf_registry *registry = NULL;
    rf_catalog *catalog = NULL;
    rf_status status = rf_registry_create(&registry, &file->error);
    if (status == RF_OK) {
        status = rf_catalog_build(&file->draft, registry, &file->problems,
                                  &catalog, &file->error);
    }
    rf_catalog_free(catalog);
    rf_registry_free(registry);
    return status;
}

static rf_status check_file(void *context, rf_environment_file *file,
                            rf_error *err)
{
    checking *check = context;
    rf_status status = file->status != RF_OK ? file->status : build(file);
    if (status == RF_E_NO_MEMORY) {
        return rf_fail(err, status, "out of memory");
    }
    if (status == RF_OK) {
        check->good++;
        return RF_OK;
    }
    check->bad++;
    if (file->problems.count > 0) {
        rf_cli_print_problems(file->path, &file->problems);
    } else {
        fprintf(stderr, "ringfence: %s: %s\n", file->path, file->error.message);
    }
    return RF_OK;
}

static int run_check(const rf_arguments *arguments)
{
    rf_options options;
    rf_error error = {0};
    checking check = {0};
    int code = rf_cli_options(arguments, &options);
    if (code == 0) {
        rf_status status = rf_environment_files_read(
            options.environments_directory, check_file, &check, &error);
        if (status != RF_OK) {
            code = rf_cli_fail(RF_EXIT_FAILURE, &error);
        }
    }
    if (code == 0) {
        printf("%zu environments are good, %zu are not\n", check.good,
               check.bad);
        code = check.bad > 0 ? RF_EXIT_USAGE : 0;
    }
    rf_options_done(&options);
    return code;
}

const rf_subcommand rf_cmd_check = {
    .name = "check",
    .summary = "check the configuration and all environments",
    .help = "Reads the server's configuration and every environment's "
            "document, and tells all mistakes.\nExits 2 when there are any. "
            "No data is touched.\n",
    .takes = RF_TAKES_CONFIG,
    .run = run_check,
};
