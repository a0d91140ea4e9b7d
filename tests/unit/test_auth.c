/*
 * test_auth.c - keys, roles, environments, and everything that is no key.
 */
#include "core/alloc.h"
#include "server/auth.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

/* SHA-256 of "key-reader-1", part of another one, and that of nothing. */
#define READER_HASH                                                            \
    "83bb122243ba07e129dc68e2cfd000de4477728d4eb2616cb4dd44559e1b2efe"
#define SHORT_HASH "a4ab46ffdf02112767417c66b188e5fb1d6640aca4c1f408b3b59115"
#define EMPTY_HASH                                                             \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define NOW INT64_C(1930000000000)
#define HOUR INT64_C(3600000)

static rf_arena arena;
static rf_problems problems;
static rf_error err;
static rf_auth *auth;

static int set_up(void **state)
{
    (void)state;
    rf_arena_init(&arena, 4096, 0);
    problems = (rf_problems){0};
    err = (rf_error){0};
    auth = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rf_auth_free(auth);
    rf_arena_done(&arena);
    return 0;
}

static const rf_json *parse(const char *text)
{
    const rf_json *root = NULL;
    if (text != NULL) {
        assert_int_equal(rf_json_parse(&arena, rf_text_of(text),
                                       RF_JSON_REQUEST_LIMITS, &root, NULL),
                         RF_OK);
    }
    return root;
}

static void create(const char *keys, const char *clients)
{
    rf_auth_free(auth);
    auth = NULL;
    rf_status status =
        rf_auth_create(parse(keys), parse(clients), &auth, &problems, &err);
    if (status != RF_OK) {
        print_error("%s\n", err.message);
    }
    assert_int_equal(status, RF_OK);
}

static rf_caller caller;

static const rf_identity *identify_at(rf_auth_cache *cache, rf_text header,
                                      int64_t now_ms)
{
    return rf_auth_identify(auth, cache, header, now_ms, &caller);
}

static const rf_identity *identify_with(rf_auth_cache *cache, rf_text header)
{
    return identify_at(cache, header, NOW);
}

static const rf_identity *identify(const char *header)
{
    rf_auth_cache cache = {0};
    return identify_with(&cache, rf_text_of(header));
}

#define TWO_KEYS                                                               \
    "[{\"name\":\"shop\",\"sha256\":\"" READER_HASH                            \
    "\",\"roles\":[\"reader\",\"planner\"],\"environments\":[\"demo\","        \
    "\"test\"]},{\"name\":\"nothing\",\"sha256\":\"" EMPTY_HASH                \
    "\",\"roles\":[\"admin\"],\"environments\":[\"*\"]}]"

static void a_key_gives_name_roles_and_environments(void **state)
{
    (void)state;
    create(TWO_KEYS, NULL);
    assert_true(rf_auth_is_required(auth));
    const rf_identity *identity = identify("Bearer key-reader-1");
    assert_non_null(identity);
    assert_true(rf_text_equal(identity->name, rf_text_of("shop")));
    assert_true(rf_identity_may(identity, RF_MAY_READ | RF_MAY_ALLOCATE));
    assert_false(rf_identity_may(identity, RF_MAY_READ | RF_MAY_POST_STOCK));
    assert_true(rf_identity_knows(identity, rf_text_of("demo")));
    assert_true(rf_identity_knows(identity, rf_text_of("test")));
    assert_false(rf_identity_knows(identity, rf_text_of("Demo")));
    assert_false(rf_identity_knows(identity, rf_text_of("prod")));
    assert_false(rf_identity_knows(identity, rf_text_of("*")));
}

static void the_scheme_has_no_case(void **state)
{
    (void)state;
    create(TWO_KEYS, NULL);
    assert_non_null(identify("bearer key-reader-1"));
    assert_non_null(identify("BEARER   key-reader-1"));
}

static void everything_else_is_nobody(void **state)
{
    (void)state;
    create(TWO_KEYS, NULL);
    static const char *const bad[] = {
        "",
        "Bearer",
        "Bearer ",
        "Bearer  ",
        "key-reader-1",
        "Basic key-reader-1",
        "Digest key-reader-1",
        "Bearerkey-reader-1",
        "Bearer key-reader-",
        "Bearer key-reader-12",
        "Bearer KEY-READER-1",
        "Bearer key-reader-1 ",
        "Bearer key-reader-1, Bearer key-reader-1",
        "Bearer\tkey-reader-1",
        ("Bearer " READER_HASH),
        "Bearer \xFF",
        "Bearer eyJhbGciOiJub25lIn0.e30."};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(identify(bad[i]));
    }
    char header[7000];
    memset(header, 'x', sizeof header);
    memcpy(header, "Bearer ", 7);
    rf_auth_cache cache = {0};
    assert_null(identify_with(&cache, (rf_text){header, sizeof header}));
    assert_null(identify_with(&cache, (rf_text){"Bearer key-reader-1\0", 20}));
}

static void without_keys_everybody_is_anonymous(void **state)
{
    (void)state;
    create(NULL, NULL);
    assert_false(rf_auth_is_required(auth));
    const rf_identity *identity = identify("");
    assert_non_null(identity);
    assert_ptr_equal(identify("Basic whatever"), identity);
    assert_true(rf_text_equal(identity->name, rf_text_of("anonymous")));
    assert_true(rf_identity_may(identity, RF_MAY_READ | RF_MAY_POST_STOCK |
                                              RF_MAY_ALLOCATE | RF_MAY_CONSUME |
                                              RF_MAY_RULES | RF_MAY_ADMIN));
    assert_false(rf_identity_may(identity, RF_MAY_WRITE_FNO));
    assert_true(rf_identity_knows(identity, rf_text_of("any")));
    create("[]", "[]");
    assert_false(rf_auth_is_required(auth));
}

static void each_role_may_what_the_table_says(void **state)
{
    (void)state;
    static const struct {
        const char *role;
        unsigned permissions;
    } cases[] = {
        {"reader", RF_MAY_READ},
        {"writer", RF_MAY_READ | RF_MAY_POST_STOCK | RF_MAY_CONSUME},
        {"planner", RF_MAY_READ | RF_MAY_ALLOCATE | RF_MAY_RULES},
        {"erp",
         RF_MAY_READ | RF_MAY_POST_STOCK | RF_MAY_CONSUME | RF_MAY_WRITE_FNO},
        {"ADMIN", RF_MAY_READ | RF_MAY_POST_STOCK | RF_MAY_ALLOCATE |
                      RF_MAY_CONSUME | RF_MAY_RULES | RF_MAY_ADMIN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char keys[256];
        snprintf(keys, sizeof keys,
                 "[{\"name\":\"n\",\"sha256\":\"" READER_HASH
                 "\",\"roles\":[\"%s\"],\"environments\":[\"*\"]}]",
                 cases[i].role);
        create(keys, NULL);
        assert_int_equal(identify("Bearer key-reader-1")->permissions,
                         cases[i].permissions);
    }
}

static void the_cache_remembers_the_right_header_only(void **state)
{
    (void)state;
    rf_auth_cache cache = {0};
    rf_text good = rf_text_of("Bearer key-reader-1");
    create(TWO_KEYS, NULL);
    const rf_identity *identity = identify_with(&cache, good);
    assert_non_null(identity);
    assert_ptr_equal(identify_with(&cache, good), identity);
    assert_null(identify_with(&cache, rf_text_of("Bearer key-reader-2")));
    assert_null(identify_with(&cache, rf_text_of("Bearer key-reader-")));
    assert_null(identify_with(&cache, RF_TEXT_EMPTY));
    assert_ptr_equal(identify_with(&cache, good), identity);

    /* A key that was taken away works no longer, cached or not. */
    create("[{\"name\":\"nothing\",\"sha256\":\"" EMPTY_HASH
           "\",\"roles\":[\"admin\"],\"environments\":[\"*\"]}]",
           NULL);
    assert_null(identify_with(&cache, good));
}

static void long_headers_are_verified_without_the_cache(void **state)
{
    (void)state;
    char header[RF_AUTH_CACHE_BYTES + 2] = "Bearer ";
    size_t blanks = RF_AUTH_CACHE_BYTES + 1 - strlen("key-reader-1") - 7;
    memset(header + 7, ' ', blanks);
    strcat(header, "key-reader-1");
    rf_auth_cache cache = {0};
    create(TWO_KEYS, NULL);
    assert_int_equal(strlen(header), RF_AUTH_CACHE_BYTES + 1);
    assert_non_null(identify_with(&cache, rf_text_of(header)));
    assert_null(cache.grant.identity);
    memmove(header + 7, header + 8, strlen(header + 8) + 1);
    assert_non_null(identify_with(&cache, rf_text_of(header)));
    assert_non_null(cache.grant.identity);
}

static void clients_are_found_by_id_and_secret(void **state)
{
    (void)state;
    create(NULL, "[{\"clientId\":\"app\",\"secretSha256\":\"" READER_HASH
                 "\",\"roles\":[\"writer\"],\"environments\":[\"*\"]},"
                 "{\"clientId\":\"app2\",\"secretSha256\":\"" READER_HASH
                 "\",\"roles\":[\"reader\"],\"environments\":[\"*\"]}]");
    rf_text secret = rf_text_of("key-reader-1");
    assert_true(rf_auth_is_required(auth));
    const rf_identity *identity =
        rf_auth_identify_client(auth, rf_text_of("app"), secret);
    assert_non_null(identity);
    assert_true(rf_identity_may(identity, RF_MAY_POST_STOCK));
    assert_non_null(rf_auth_identify_client(auth, rf_text_of("app2"), secret));
    assert_null(rf_auth_identify_client(auth, rf_text_of("App"), secret));
    assert_null(rf_auth_identify_client(auth, rf_text_of("app"),
                                        rf_text_of("key-reader-2")));
    assert_null(
        rf_auth_identify_client(auth, rf_text_of("app"), RF_TEXT_EMPTY));
    /* A client's secret is no key. */
    assert_null(identify("Bearer key-reader-1"));
}

/* ---- Tokens ---- */

#define KEY_ENTRY(name, environments)                                          \
    "{\"name\":\"" name "\",\"sha256\":\"" READER_HASH                         \
    "\",\"roles\":[\"writer\"],\"environments\":" environments "}"
#define OTHER_ENTRY                                                            \
    "{\"name\":\"nothing\",\"sha256\":\"" EMPTY_HASH                           \
    "\",\"roles\":[\"admin\"],\"environments\":[\"*\"]}"
#define CLIENT_ENTRY                                                           \
    "{\"clientId\":\"shop\",\"secretSha256\":\"" READER_HASH                   \
    "\",\"roles\":[\"reader\"],\"environments\":[\"*\"]}"

static const unsigned char secret[RF_TOKEN_SECRET_BYTES] = {1, 2, 3};

static void create_signed(const char *keys, const char *clients)
{
    create(keys, clients);
    rf_auth_set_secret(auth, secret);
}

/* Make the header with a token for an identity. */
static const char *issue(const rf_identity *identity, rf_token_step step,
                         const char *environment)
{
    static char header[sizeof "Bearer " + RF_TOKEN_SIZE] = "Bearer ";
    rf_token token = {.step = step,
                      .ends_ms = NOW + HOUR,
                      .environment_length = strlen(environment)};
    memcpy(token.environment, environment, strlen(environment));
    assert_non_null(identity);
    assert_int_equal(rf_auth_issue(auth, identity, token, header + 7, &err),
                     RF_OK);
    return header;
}

static const rf_identity *identify_assertion(const char *text)
{
    return rf_auth_identify_assertion(auth, rf_text_of(text), NOW);
}

static const rf_identity *identify_client(void)
{
    return rf_auth_identify_client(auth, rf_text_of("shop"),
                                   rf_text_of("key-reader-1"));
}

static void a_token_is_good_for_its_step(void **state)
{
    (void)state;
    create_signed("[" KEY_ENTRY("shop", "[\"*\"]") "]", "[" CLIENT_ENTRY "]");
    const rf_identity *key = identify_assertion("key-reader-1");
    const rf_identity *client = identify_client();
    assert_non_null(key);
    assert_non_null(client);
    assert_ptr_not_equal(key, client);

    const char *header = issue(client, RF_TOKEN_LOGIN, "");
    assert_null(identify(header));
    assert_ptr_equal(identify_assertion(header + 7), client);
    header = issue(client, RF_TOKEN_ACCESS, "");
    assert_ptr_equal(identify(header), client);
    assert_null(identify_assertion(header + 7));
    /* Key and client have the same name and the same hash. */
    header = issue(key, RF_TOKEN_ACCESS, "");
    assert_ptr_equal(identify(header), key);

    assert_null(identify_assertion("key-reader-2"));
    assert_null(identify_assertion(""));
    assert_null(rf_auth_identify_client(auth, rf_text_of("shop"),
                                        rf_text_of("key-reader-2")));
}

static void a_token_is_narrowed_to_its_environment(void **state)
{
    (void)state;
    create_signed("[" KEY_ENTRY("shop", "[\"*\"]") "]", NULL);
    rf_auth_cache cache = {0};
    const rf_identity *key = identify_assertion("key-reader-1");
    char header[sizeof "Bearer " + RF_TOKEN_SIZE];
    strcpy(header, issue(key, RF_TOKEN_ACCESS, "demo"));
    for (int i = 0; i < 2; i++) { /* the second time out of the cache */
        caller = (rf_caller){0};
        const rf_identity *found = identify_with(&cache, rf_text_of(header));
        assert_ptr_equal(found, &caller.identity);
        assert_true(rf_text_equal(found->name, rf_text_of("shop")));
        assert_int_equal(found->permissions, key->permissions);
        assert_true(rf_identity_knows(found, rf_text_of("demo")));
        assert_false(rf_identity_knows(found, rf_text_of("dem")));
        assert_false(rf_identity_knows(found, rf_text_of("test")));
        assert_non_null(cache.grant.identity);
    }
    /* One that is not narrowed takes its place, and gives it back. */
    assert_ptr_equal(identify_with(&cache, rf_text_of("Bearer key-reader-1")),
                     key);
    assert_false(rf_identity_knows(identify_with(&cache, rf_text_of(header)),
                                   rf_text_of("test")));
}

static void a_token_ends_with_its_hour(void **state)
{
    (void)state;
    create_signed("[" KEY_ENTRY("shop", "[\"*\"]") "]", NULL);
    rf_auth_cache cache = {0};
    rf_text header = rf_text_of(
        issue(identify_assertion("key-reader-1"), RF_TOKEN_ACCESS, ""));
    assert_non_null(identify_at(&cache, header, NOW));
    assert_non_null(identify_at(&cache, header, NOW + HOUR - 1));
    assert_null(identify_at(&cache, header, NOW + HOUR));
    cache = (rf_auth_cache){0};
    assert_non_null(identify_at(&cache, header, NOW + HOUR - 1));
    cache = (rf_auth_cache){0};
    assert_null(identify_at(&cache, header, NOW + HOUR));
    /* A key has no end. */
    header = rf_text_of("Bearer key-reader-1");
    assert_non_null(identify_at(&cache, header, NOW));
    assert_non_null(identify_at(&cache, header, INT64_MAX - 1));
}

static void a_token_ends_with_its_key(void **state)
{
    (void)state;
    static const char *const later[] = {
        "[" OTHER_ENTRY "]",
        /* The same key under another name, and the name with another key. */
        "[" KEY_ENTRY("shop2", "[\"*\"]") "]",
        "[{\"name\":\"shop\",\"sha256\":\"" EMPTY_HASH
        "\",\"roles\":[\"writer\"],\"environments\":[\"*\"]}]",
        /* The key, without the environment. */
        "[" KEY_ENTRY("shop", "[\"test\"]") "]",
    };
    create_signed("[" KEY_ENTRY("shop", "[\"*\"]") "]", NULL);
    char header[sizeof "Bearer " + RF_TOKEN_SIZE];
    strcpy(header,
           issue(identify_assertion("key-reader-1"), RF_TOKEN_ACCESS, "demo"));
    rf_auth_cache cache = {0};
    assert_non_null(identify_with(&cache, rf_text_of(header)));
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        create_signed(later[i], NULL);
        assert_null(identify_with(&cache, rf_text_of(header)));
    }
    create_signed(NULL, "[" CLIENT_ENTRY "]");
    assert_null(identify_with(&cache, rf_text_of(header)));
    create_signed("[" OTHER_ENTRY "," KEY_ENTRY("shop", "[\"demo\"]") "]",
                  NULL);
    assert_non_null(identify_with(&cache, rf_text_of(header)));
}

static void a_token_needs_the_secret_it_was_signed_with(void **state)
{
    (void)state;
    static const unsigned char another[RF_TOKEN_SECRET_BYTES] = {1, 2, 4};
    static const unsigned char zeroes[RF_TOKEN_SECRET_BYTES];
    const char *keys = "[" KEY_ENTRY("shop", "[\"*\"]") "]";
    create_signed(keys, NULL);
    const char *header =
        issue(identify_assertion("key-reader-1"), RF_TOKEN_ACCESS, "");
    rf_auth_set_secret(auth, another);
    assert_null(identify(header));
    /* Without a secret none is good, not even one that was signed with what
     * stands in its place. */
    rf_auth_set_secret(auth, zeroes);
    header = issue(identify_assertion("key-reader-1"), RF_TOKEN_ACCESS, "");
    assert_non_null(identify(header));
    create(keys, NULL);
    assert_null(identify(header));
}

static void without_keys_everybody_gets_a_token(void **state)
{
    (void)state;
    create_signed(NULL, NULL);
    const rf_identity *anonymous = identify("");
    assert_ptr_equal(identify_client(), anonymous);
    assert_ptr_equal(identify_assertion("anything"), anonymous);
    const char *header = issue(anonymous, RF_TOKEN_ACCESS, "");
    assert_ptr_equal(identify(header), anonymous);
    /* It is worth nothing when there are keys. */
    create_signed("[" OTHER_ENTRY "]", NULL);
    assert_null(identify(header));
}

static void assert_problem(const char *keys, const char *path)
{
    problems = (rf_problems){0};
    rf_auth *made = NULL;
    assert_int_equal(rf_auth_create(parse(keys), NULL, &made, &problems, &err),
                     RF_E_BAD_CONFIGURATION);
    assert_null(made);
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.items[0].path, path);
}

#define KEY(name, hash, rest) "{\"name\":" name ",\"sha256\":" hash "," rest "}"
#define GOOD_REST "\"roles\":[\"reader\"],\"environments\":[\"*\"]"
#define GOOD_HASH "\"" READER_HASH "\""

static void mistakes_are_named(void **state)
{
    (void)state;
    assert_problem("[7]", "auth.keys[0]");
    assert_problem("[" KEY("7", GOOD_HASH, GOOD_REST) "]", "auth.keys[0].name");
    assert_problem("[" KEY("\"\"", GOOD_HASH, GOOD_REST) "]",
                   "auth.keys[0].name");
    assert_problem("[" KEY("\"a\\nb\"", GOOD_HASH, GOOD_REST) "]",
                   "auth.keys[0].name");
    assert_problem("[" KEY("\"n\"", "\"" SHORT_HASH "\"", GOOD_REST) "]",
                   "auth.keys[0].sha256");
    assert_problem("[" KEY("\"n\"", "\"x" READER_HASH "\"", GOOD_REST) "]",
                   "auth.keys[0].sha256");
    assert_problem("[" KEY("\"n\"", "null", GOOD_REST) "]",
                   "auth.keys[0].sha256");
    assert_problem(
        "[" KEY("\"n\"", GOOD_HASH,
                "\"roles\":[\"reader\",\"boss\"],\"environments\":[\"*\"]") "]",
        "auth.keys[0].roles[1]");
    assert_problem("[" KEY("\"n\"", GOOD_HASH,
                           "\"roles\":[],\"environments\":[\"*\"]") "]",
                   "auth.keys[0].roles");
    assert_problem("[" KEY("\"n\"", GOOD_HASH, "\"roles\":[\"reader\"]") "]",
                   "auth.keys[0].environments");
    assert_problem("[" KEY("\"n\"", GOOD_HASH,
                           "\"roles\":[\"reader\"],\"environments\":[7]") "]",
                   "auth.keys[0].environments");
    assert_problem("[" KEY("\"n\"", GOOD_HASH, GOOD_REST ",\"role\":1") "]",
                   "auth.keys[0].role");
    assert_problem("[" KEY("\"n\"", GOOD_HASH, GOOD_REST) "," KEY(
                       "\"n\"", "\"" EMPTY_HASH "\"", GOOD_REST) "]",
                   "auth.keys[1].name");
    assert_problem("[" KEY("\"n\"", GOOD_HASH, GOOD_REST) "," KEY(
                       "\"m\"", GOOD_HASH, GOOD_REST) "]",
                   "auth.keys[1].sha256");
}

static void all_mistakes_are_reported_at_once(void **state)
{
    (void)state;
    rf_auth *made = NULL;
    assert_int_equal(rf_auth_create(parse("[{},{\"name\":\"n\"}]"),
                                    parse("[{}]"), &made, &problems, &err),
                     RF_E_BAD_CONFIGURATION);
    assert_int_equal(problems.count, 4 + 3 + 4);
    assert_string_equal(problems.items[7].path, "auth.clients[0].clientId");
}

static void new_keys_work_and_differ(void **state)
{
    (void)state;
    char key[RF_AUTH_KEY_SIZE];
    char other[RF_AUTH_KEY_SIZE];
    char hash[RF_AUTH_HASH_SIZE];
    char keys[256];
    char header[64];
    assert_int_equal(rf_auth_make_key(other, hash, &err), RF_OK);
    assert_int_equal(rf_auth_make_key(key, hash, &err), RF_OK);
    assert_string_not_equal(key, other);
    assert_int_equal(strlen(key), 46);
    assert_memory_equal(key, "rf_", 3);
    assert_int_equal(strspn(key + 3, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij"
                                     "klmnopqrstuvwxyz0123456789-_"),
                     43);
    snprintf(keys, sizeof keys, "[{\"name\":\"n\",\"sha256\":\"%s\",%s}]", hash,
             GOOD_REST);
    snprintf(header, sizeof header, "Bearer %s", key);
    create(keys, NULL);
    assert_non_null(identify(header));
    snprintf(header, sizeof header, "Bearer %s", other);
    assert_null(identify(header));
}

static void every_failed_allocation_is_a_status(void **state)
{
    (void)state;
    const rf_json *keys = parse(TWO_KEYS);
    bool passed = false;
    for (unsigned long nth = 1; !passed; nth++) {
        rf_auth *made = NULL;
        rf_alloc_fail_at(nth);
        rf_status status = rf_auth_create(keys, NULL, &made, &problems, &err);
        rf_alloc_fail_at(0);
        passed = status == RF_OK;
        assert_true(passed ? nth > 2 : status == RF_E_NO_MEMORY);
        rf_auth_free(made);
    }
    assert_int_equal(problems.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_gives_name_roles_and_environments),
        TEST(the_scheme_has_no_case),
        TEST(everything_else_is_nobody),
        TEST(without_keys_everybody_is_anonymous),
        TEST(each_role_may_what_the_table_says),
        TEST(the_cache_remembers_the_right_header_only),
        TEST(long_headers_are_verified_without_the_cache),
        TEST(clients_are_found_by_id_and_secret),
        TEST(a_token_is_good_for_its_step),
        TEST(a_token_is_narrowed_to_its_environment),
        TEST(a_token_ends_with_its_hour),
        TEST(a_token_ends_with_its_key),
        TEST(a_token_needs_the_secret_it_was_signed_with),
        TEST(without_keys_everybody_gets_a_token),
        TEST(mistakes_are_named),
        TEST(all_mistakes_are_reported_at_once),
        TEST(new_keys_work_and_differ),
        TEST(every_failed_allocation_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
