/*
 * cli.c - options of the program, from a file and the command line.
 */
#include "server/cli.h"

#include "server/files.h"

#include <stdio.h>

#define CONFIG_BYTES_MAX ((size_t)16 * 1024 * 1024)

int rf_cli_fail(int code, const rf_error *error)
{
    fprintf(stderr, "ringfence: %s\n", error->message);
    return code;
}

void rf_cli_print_problems(const char *file, const rf_problems *problems)
{
    size_t told =
        problems->count < RF_PROBLEMS_MAX ? problems->count : RF_PROBLEMS_MAX;
    for (size_t i = 0; i < told; i++) {
        fprintf(stderr, "ringfence: %s: %s: %s\n", file,
                problems->items[i].path, problems->items[i].message);
    }
    if (problems->count > told) {
        fprintf(stderr, "ringfence: %s: and %zu more\n", file,
                problems->count - told);
    }
}

static int read_config(const char *path, rf_options *options)
{
    rf_error error = {0};
    rf_buffer text = {0};
    rf_problems problems = {0};
    rf_status status = rf_files_read(path, CONFIG_BYTES_MAX, &text, &error);
    if (status == RF_OK) {
        status = rf_options_read(options, (rf_text){text.bytes, text.length},
                                 &problems, &error);
    }
    rf_buffer_done(&text);
    if (status == RF_OK) {
        return 0;
    }
    if (problems.count > 0) {
        rf_cli_print_problems(path, &problems);
        return RF_EXIT_USAGE;
    }
    fprintf(stderr, "ringfence: %s: %s\n", path, error.message);
    return RF_EXIT_USAGE;
}

static int override(rf_options *options, const char *name, const char *value)
{
    rf_error error = {0};
    if (value == NULL ||
        rf_options_override(options, name, value, &error) == RF_OK) {
        return 0;
    }
    return rf_cli_fail(RF_EXIT_USAGE, &error);
}

int rf_cli_options(const rf_arguments *arguments, rf_options *options)
{
    rf_options_init(options);
    int code =
        arguments->config == NULL ? 0 : read_config(arguments->config, options);
    const char *const pairs[][2] = {
        {"listen", arguments->listen},
        {"dataDirectory", arguments->data},
        {"pluginsDirectory", arguments->plugins},
        {"environmentsDirectory", arguments->environments},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0] && code == 0; i++) {
        code = override(options, pairs[i][0], pairs[i][1]);
    }
    if (code == 0) {
        rf_problems problems = {0};
        rf_options_check(options, &problems);
        if (problems.count > 0) {
            rf_cli_print_problems(arguments->config == NULL ? "options"
                                                            : arguments->config,
                                  &problems);
            code = RF_EXIT_USAGE;
        }
    }
    return code;
}
