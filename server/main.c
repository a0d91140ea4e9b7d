/*
 * main.c - the program: find the subcommand, read its command line, run it.
 */
#include "server/cli.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static int print_version(const rf_arguments *arguments)
{
    (void)arguments;
    puts("ringfence " RINGFENCE_VERSION);
    return 0;
}

static const rf_subcommand cmd_version = {
    .name = "version",
    .summary = "print the version",
    .help = "Prints the name and the version.\n",
    .run = print_version,
};

static const rf_subcommand *const subcommands[] = {
    &rf_cmd_serve,   &rf_cmd_check, &rf_cmd_verify, &rf_cmd_backup,
    &rf_cmd_restore, &rf_cmd_token, &cmd_version,
};

#define SUBCOMMANDS (sizeof subcommands / sizeof subcommands[0])

static const struct {
    const char *name;
    unsigned takes;
    size_t offset; /* of the text in rf_arguments; 0 stands for a switch too */
    bool is_switch;
    const char *help;
} arguments_table[] = {
    {"--config", RF_TAKES_CONFIG, offsetof(rf_arguments, config), false,
     "FILE   the server's configuration"},
    {"--listen", RF_TAKES_LISTEN, offsetof(rf_arguments, listen), false,
     "ADDR:PORT   where to listen; port 0 takes a free one"},
    {"--data", RF_TAKES_CONFIG, offsetof(rf_arguments, data), false,
     "DIR   where the store is"},
    {"--plugins", RF_TAKES_CONFIG, offsetof(rf_arguments, plugins), false,
     "DIR   where the plugins are"},
    {"--environments", RF_TAKES_CONFIG, offsetof(rf_arguments, environments),
     false, "DIR   where the environments' documents are"},
    {"--to", RF_TAKES_TO, offsetof(rf_arguments, file), false,
     "FILE   the copy to make; must not exist"},
    {"--from", RF_TAKES_FROM, offsetof(rf_arguments, file), false,
     "FILE   the copy to put in place"},
    {"--name", RF_TAKES_ENTRY, offsetof(rf_arguments, name), false,
     "NAME   of the key, which signs what is done with it; default: key"},
    {"--client", RF_TAKES_ENTRY, offsetof(rf_arguments, client), false,
     "ID   make a client of the token calls instead of a key"},
    {"--role", RF_TAKES_ENTRY, offsetof(rf_arguments, roles), false,
     "ROLE,...   reader, writer, planner, erp, admin; default: writer"},
    {"--environment", RF_TAKES_ENTRY, offsetof(rf_arguments, key_environment),
     false, "ID,...   where it is good; default: *, everywhere"},
    {"--journal", RF_TAKES_JOURNAL, offsetof(rf_arguments, journal), true,
     "   print one line per journal entry as well"},
};

#define ARGUMENTS (sizeof arguments_table / sizeof arguments_table[0])

static void print_usage(FILE *out)
{
    fputs("usage: ringfence COMMAND [OPTIONS]\n\n", out);
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        fprintf(out, "  %-8s %s\n", subcommands[i]->name,
                subcommands[i]->summary);
    }
    fputs("\nringfence COMMAND --help tells more.\n", out);
}

static void print_help(const rf_subcommand *subcommand)
{
    printf("usage: ringfence %s [OPTIONS]\n\n%s\n", subcommand->name,
           subcommand->help);
    for (size_t i = 0; i < ARGUMENTS; i++) {
        if ((arguments_table[i].takes & subcommand->takes) != 0) {
            printf("  %s %s\n", arguments_table[i].name,
                   arguments_table[i].help);
        }
    }
}

static int fail_usage(const rf_subcommand *subcommand, const char *what,
                      const char *argument)
{
    fprintf(stderr, "ringfence %s: %s %s (try --help)\n", subcommand->name,
            what, argument);
    return RF_EXIT_USAGE;
}

/* Read one argument at `argv[*at]`; 0 or an exit code. */
static int read_argument(const rf_subcommand *subcommand, int argc, char **argv,
                         int *at, rf_arguments *out)
{
    for (size_t i = 0; i < ARGUMENTS; i++) {
        if ((arguments_table[i].takes & subcommand->takes) == 0 ||
            strcmp(argv[*at], arguments_table[i].name) != 0) {
            continue;
        }
        char *field = (char *)out + arguments_table[i].offset;
        if (arguments_table[i].is_switch) {
            bool on = true;
            memcpy(field, &on, sizeof on);
            return 0;
        }
        if (*at + 1 == argc) {
            return fail_usage(subcommand, "a value is missing behind",
                              argv[*at]);
        }
        const char *before = NULL;
        memcpy(&before, field, sizeof before);
        if (before != NULL) {
            return fail_usage(subcommand, "this stands twice:", argv[*at]);
        }
        (*at)++;
        memcpy(field, &argv[*at], sizeof argv[*at]);
        return 0;
    }
    return fail_usage(subcommand, "unknown option", argv[*at]);
}

static int run_subcommand(const rf_subcommand *subcommand, int argc,
                          char **argv)
{
    rf_arguments arguments = {0};
    for (int at = 2; at < argc; at++) {
        if (strcmp(argv[at], "--help") == 0) {
            print_help(subcommand);
            return 0;
        }
        int code = read_argument(subcommand, argc, argv, &at, &arguments);
        if (code != 0) {
            return code;
        }
    }
    return subcommand->run(&arguments);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return RF_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        return print_version(NULL);
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) {
        print_usage(stdout);
        return 0;
    }
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        if (strcmp(argv[1], subcommands[i]->name) == 0) {
            return run_subcommand(subcommands[i], argc, argv);
        }
    }
    fprintf(stderr, "ringfence: unknown command %s\n\n", argv[1]);
    print_usage(stderr);
    return RF_EXIT_USAGE;
}
