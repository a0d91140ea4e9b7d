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

static const rf_identity *identify(const char *header)
{
    rf_auth_cache cache = {0};
    return rf_auth_identify(auth, &cache, rf_text_of(header));
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
    assert_null(
        rf_auth_identify(auth, &cache, (rf_text){header, sizeof header}));
    assert_null(
        rf_auth_identify(auth, &cache, (rf_text){"Bearer key-reader-1\0", 20}));
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
    const rf_identity *identity = rf_auth_identify(auth, &cache, good);
    assert_non_null(identity);
    assert_ptr_equal(rf_auth_identify(auth, &cache, good), identity);
    assert_null(
        rf_auth_identify(auth, &cache, rf_text_of("Bearer key-reader-2")));
    assert_null(
        rf_auth_identify(auth, &cache, rf_text_of("Bearer key-reader-")));
    assert_null(rf_auth_identify(auth, &cache, RF_TEXT_EMPTY));
    assert_ptr_equal(rf_auth_identify(auth, &cache, good), identity);

    /* A key that was taken away works no longer, cached or not. */
    create("[{\"name\":\"nothing\",\"sha256\":\"" EMPTY_HASH
           "\",\"roles\":[\"admin\"],\"environments\":[\"*\"]}]",
           NULL);
    assert_null(rf_auth_identify(auth, &cache, good));
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
    assert_non_null(rf_auth_identify(auth, &cache, rf_text_of(header)));
    assert_null(cache.identity);
    memmove(header + 7, header + 8, strlen(header + 8) + 1);
    assert_non_null(rf_auth_identify(auth, &cache, rf_text_of(header)));
    assert_non_null(cache.identity);
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
        TEST(mistakes_are_named),
        TEST(all_mistakes_are_reported_at_once),
        TEST(new_keys_work_and_differ),
        TEST(every_failed_allocation_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
