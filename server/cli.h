/*
 * cli.h - the program's subcommands and what their command lines have in
 * common.
 *
 * Exit codes: 0 done, 1 failure at run time, 2 wrong usage or configuration.
 */
#ifndef RINGFENCE_SERVER_CLI_H
#define RINGFENCE_SERVER_CLI_H

#include "server/options.h"

#include <stdbool.h>

#define RF_EXIT_FAILURE 1
#define RF_EXIT_USAGE 2
/* The store may or may not hold the last batch: start again and look. */
#define RF_EXIT_OUTCOME_UNKNOWN 70

/* What a command line may give; NULL where it did not. */
typedef struct rf_arguments {
    const char *config;
    const char *listen;
    const char *data;
    const char *plugins;
    const char *environments;
    const char *file; /* --to, --from */
    const char *name; /* of a key; `client` instead makes a client */
    const char *client;
    const char *roles;           /* one or more, with commas between */
    const char *key_environment; /* the same */
    bool journal;
} rf_arguments;

/* Which of them a subcommand takes. Bits. */
typedef enum {
    RF_TAKES_CONFIG = 1 << 0, /* --config and the directories */
    RF_TAKES_LISTEN = 1 << 1,
    RF_TAKES_TO = 1 << 2,
    RF_TAKES_FROM = 1 << 3,
    RF_TAKES_JOURNAL = 1 << 4,
    RF_TAKES_ENTRY = 1 << 5 /* what stands in the entry of a key */
} rf_takes;

typedef struct rf_subcommand {
    const char *name;
    const char *summary; /* one line */
    const char *help;    /* what --help prints behind the usage line */
    unsigned takes;
    int (*run)(const rf_arguments *arguments);
} rf_subcommand;

extern const rf_subcommand rf_cmd_serve;
extern const rf_subcommand rf_cmd_check;
extern const rf_subcommand rf_cmd_verify;
extern const rf_subcommand rf_cmd_backup;
extern const rf_subcommand rf_cmd_restore;
extern const rf_subcommand rf_cmd_token;

/* Read the configuration file and what the command line puts over it. Tells
 * every mistake on standard error; RF_EXIT_USAGE then, else 0. Pair with
 * rf_options_done in either case. */
int rf_cli_options(const rf_arguments *arguments, rf_options *options);

/* Tell a failure on standard error and return `code`. */
int rf_cli_fail(int code, const rf_error *error);

/* Tell every problem, each on its line, behind the file they are in. */
void rf_cli_print_problems(const char *file, const rf_problems *problems);

#endif
