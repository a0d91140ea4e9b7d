/*
 * cmd_token.c - `ringfence token`: make an API key.
 */
#include "server/auth.h"
#include "server/cli.h"

#include <stdio.h>

static int run_token(const rf_arguments *arguments)
{
    char key[RF_AUTH_KEY_SIZE];
    char hash[RF_AUTH_HASH_SIZE];
    rf_error error = {0};
    (void)arguments;
    if (rf_auth_make_key(key, hash, &error) != RF_OK) {
        return rf_cli_fail(RF_EXIT_FAILURE, &error);
    }
    printf("key for its owner, shown only now:\n%s\n\n"
           "entry for auth.keys of the server's configuration:\n"
           "{\"name\": \"NAME\", \"sha256\": \"%s\", \"roles\": [\"writer\"], "
           "\"environments\": [\"*\"]}\n",
           key, hash);
    return 0;
}

const rf_subcommand rf_cmd_token = {
    .name = "token",
    .summary = "make an API key",
    .help = "Prints a new key and the entry that lets it in. The key itself "
            "is stored nowhere.\n",
    .takes = 0,
    .run = run_token,
};
