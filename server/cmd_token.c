/*
 * cmd_token.c - `ringfence token`: make an API key, or the secret of a client.
 *
 * The entry for the configuration is checked by what will read it there, before
 * anybody is shown the key.
 */
#include "server/auth.h"
#include "server/cli.h"
#include "server/environment_file.h"
#include "server/json_write.h"

#include <stdio.h>
#include <string.h>

#define ARENA_BLOCK_BYTES ((size_t)4 * 1024)

/* One kind of entry: where it stands, and what its members are called. */
typedef struct kind {
    const char *list;
    const char *name;
    const char *hash;
    const char *secret; /* what its owner gets */
} kind;

static const kind key_kind = {"auth.keys", "name", "sha256", "key"};
static const kind client_kind = {"auth.clients", "clientId", "secretSha256",
                                 "secret"};

/* Put the words between commas as an array. */
static void put_words(rf_json_writer *writer, const char *name,
                      const char *words)
{
    rf_json_put_key(writer, name);
    rf_json_begin_array(writer);
    for (;;) {
        size_t length = strcspn(words, ",");
        rf_json_put_text(writer, (rf_text){words, length});
        if (words[length] == '\0') {
            break;
        }
        words += length + 1;
    }
    rf_json_end_array(writer);
}

static void print_entry(const rf_arguments *arguments, const kind *made,
                        const char *hash, rf_buffer *out)
{
    const char *name = arguments->client != NULL ? arguments->client
                       : arguments->name != NULL ? arguments->name
                                                 : "key";
    rf_json_writer writer;
    rf_json_writer_init(&writer, out, false);
    rf_json_begin_object(&writer);
    rf_json_put_key(&writer, made->name);
    rf_json_put_string(&writer, name);
    rf_json_put_key(&writer, made->hash);
    rf_json_put_string(&writer, hash);
    put_words(&writer, "roles",
              arguments->roles == NULL ? "writer" : arguments->roles);
    put_words(&writer, "environments",
              arguments->key_environment == NULL ? "*"
                                                 : arguments->key_environment);
    rf_json_end_object(&writer);
}

static bool has_good_environments(const rf_json *entry)
{
    const rf_json *list = rf_json_member(entry, rf_text_of("environments"));
    for (const rf_json *item = rf_json_first(list); item != NULL;
         item = rf_json_next(item)) {
        rf_text id = rf_json_text(item);
        if (!rf_text_equal(id, rf_text_of("*")) &&
            !rf_environment_id_is_valid(id)) {
            return false;
        }
    }
    return true;
}

/* Read the entry as the server will: it says what is wrong with it. */
static rf_status check_entry(const kind *made, rf_text entry, rf_error *err)
{
    rf_arena arena;
    rf_buffer list = {0};
    const rf_json *json = NULL;
    rf_auth *auth = NULL;
    rf_problems problems = {0};
    rf_arena_init(&arena, ARENA_BLOCK_BYTES, 0);
    rf_buffer_append_byte(&list, '[');
    rf_buffer_append(&list, entry.bytes, entry.length);
    rf_buffer_append_byte(&list, ']');
    rf_status status =
        rf_buffer_failed(&list)
            ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
            : rf_json_parse(&arena, (rf_text){list.bytes, list.length},
                            RF_JSON_REQUEST_LIMITS, &json, err);
    if (status == RF_OK) {
        bool is_key = made == &key_kind;
        status = rf_auth_create(is_key ? json : NULL, is_key ? NULL : json,
                                &auth, &problems, err);
    }
    if (status == RF_OK && !has_good_environments(rf_json_first(json))) {
        status = rf_fail(err, RF_E_BAD_CONFIGURATION,
                         "--environment: ids of environments are expected");
    }
    rf_auth_free(auth);
    rf_buffer_done(&list);
    rf_arena_done(&arena);
    return status;
}

static int run_token(const rf_arguments *arguments)
{
    char key[RF_AUTH_KEY_SIZE];
    char hash[RF_AUTH_HASH_SIZE];
    rf_error error = {0};
    rf_buffer entry = {0};
    const kind *made = arguments->client == NULL ? &key_kind : &client_kind;
    if (arguments->client != NULL && arguments->name != NULL) {
        rf_fail(&error, RF_E_CONFLICTING_FIELDS,
                "--client makes a client, which has no --name");
        return rf_cli_fail(RF_EXIT_USAGE, &error);
    }
    if (rf_auth_make_key(key, hash, &error) != RF_OK) {
        return rf_cli_fail(RF_EXIT_FAILURE, &error);
    }
    print_entry(arguments, made, hash, &entry);
    rf_status status =
        check_entry(made, (rf_text){entry.bytes, entry.length}, &error);
    if (status == RF_OK) {
        printf("%s for its owner, shown only now:\n%s\n\n"
               "entry for %s of the server's configuration:\n%.*s\n",
               made->secret, key, made->list, (int)entry.length, entry.bytes);
    }
    rf_buffer_done(&entry);
    if (status == RF_OK) {
        return 0;
    }
    return rf_cli_fail(rf_status_class(status) == RF_CLASS_INVALID
                           ? RF_EXIT_USAGE
                           : RF_EXIT_FAILURE,
                       &error);
}

const rf_subcommand rf_cmd_token = {
    .name = "token",
    .summary = "make an API key",
    .help = "Prints a new key, or with --client the new secret of a client, "
            "and the entry that\nlets it in. The key itself is stored "
            "nowhere.\n",
    .takes = RF_TAKES_ENTRY,
    .run = run_token,
};
