/*
 * test_token.c - tokens that were signed here, those that were not, and the
 * file with the secret.
 */
#include "core/alloc.h"
#include "server/token.h"
#include "tests/unit/folder_fixture.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW INT64_C(1930000000000)
#define HOUR INT64_C(3600000)
#define GUID "0123abcd-4567-89ef-0123-456789abcdef"

static const unsigned char secret[RF_TOKEN_SECRET_BYTES] = "a secret of 32 "
                                                           "bytes, as it is";
static rf_error err;

static rf_token make(rf_token_step step, const char *environment)
{
    rf_token token = {.step = step,
                      .mark = "0123456789abcde",
                      .ends_ms = NOW + HOUR,
                      .environment_length = strlen(environment)};
    memcpy(token.environment, environment, strlen(environment));
    return token;
}

static void sign(const rf_token *token, char out[RF_TOKEN_SIZE])
{
    assert_int_equal(rf_token_sign(secret, token, out, &err), RF_OK);
}

static bool is_good(const char *text, int64_t now_ms)
{
    rf_token token;
    return rf_token_verify(secret, rf_text_of(text), now_ms, &token);
}

static void what_was_signed_is_read(void **state)
{
    (void)state;
    static const char *const environments[] = {
        "", "e", GUID, "12345678901234567890123456789012345678901234567890"};
    for (size_t i = 0; i < sizeof environments / sizeof *environments; i++) {
        for (rf_token_step step = RF_TOKEN_LOGIN; step <= RF_TOKEN_ACCESS;
             step++) {
            rf_token token = make(step, environments[i]);
            rf_token back = {0};
            char text[RF_TOKEN_SIZE];
            sign(&token, text);
            assert_int_equal(
                strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
                             "wxyz0123456789-_"),
                strlen(text));
            assert_true(rf_token_verify(secret, rf_text_of(text), NOW, &back));
            assert_int_equal(back.step, step);
            assert_memory_equal(back.mark, token.mark, sizeof token.mark);
            assert_int_equal(back.ends_ms, token.ends_ms);
            assert_int_equal(back.environment_length, token.environment_length);
            assert_memory_equal(back.environment, token.environment,
                                token.environment_length);
        }
    }
}

static void a_token_lasts_an_hour_and_not_longer(void **state)
{
    (void)state;
    rf_token token = make(RF_TOKEN_ACCESS, GUID);
    char text[RF_TOKEN_SIZE];
    sign(&token, text);
    assert_true(is_good(text, NOW));
    assert_true(is_good(text, NOW + HOUR - 1));
    assert_false(is_good(text, NOW + HOUR));
    assert_false(is_good(text, NOW + 2 * HOUR));
    /* The clock was set back: by less than a minute, by more. */
    assert_true(is_good(text, NOW - 60000));
    assert_false(is_good(text, NOW - 60001));
    assert_false(is_good(text, 0));
}

/* Change one letter at a time, to each other one. */
static void no_letter_can_be_changed(void **state)
{
    (void)state;
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.";
    rf_token token = make(RF_TOKEN_ACCESS, GUID);
    char text[RF_TOKEN_SIZE];
    sign(&token, text);
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        char was = text[i];
        for (const char *letter = letters; *letter != '\0'; letter++) {
            text[i] = *letter;
            assert_true(is_good(text, NOW) == (*letter == was));
        }
        text[i] = was;
    }
    assert_true(is_good(text, NOW));
}

static void nothing_can_be_cut_off_or_added(void **state)
{
    (void)state;
    rf_token token = make(RF_TOKEN_ACCESS, GUID);
    char text[RF_TOKEN_SIZE + 200];
    rf_token back;
    sign(&token, text);
    size_t length = strlen(text);
    for (size_t cut = 0; cut < length; cut++) {
        assert_false(rf_token_verify(secret, (rf_text){text, cut}, NOW, &back));
        assert_false(rf_token_verify(
            secret, (rf_text){text + cut + 1, length - cut - 1}, NOW, &back));
    }
    for (size_t more = 1; more < 200; more++) {
        memset(text + length, 'A', more);
        assert_false(rf_token_verify(secret, (rf_text){text, length + more},
                                     NOW, &back));
    }
}

static void no_other_secret_will_do(void **state)
{
    (void)state;
    rf_token token = make(RF_TOKEN_ACCESS, "");
    char text[RF_TOKEN_SIZE];
    rf_token back;
    sign(&token, text);
    for (size_t i = 0; i < RF_TOKEN_SECRET_BYTES; i++) {
        unsigned char other[RF_TOKEN_SECRET_BYTES];
        memcpy(other, secret, sizeof other);
        other[i] ^= 1;
        assert_false(rf_token_verify(other, rf_text_of(text), NOW, &back));
    }
}

static void what_is_no_token_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "rft_",
        "rft",
        "rft_AAAA",
        "RFT_AAAA",
        "rf_AAAA",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2ln"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(is_good(bad[i], NOW));
    }
    char zeroes[RF_TOKEN_SIZE] = "rft_";
    for (size_t length = 4; length < sizeof zeroes - 1; length++) {
        zeroes[length] = 'A';
        assert_false(is_good(zeroes, NOW));
    }
}

/* ---- The secret's file ---- */

static rf_status load(folder_fixture *folder, unsigned char *out)
{
    err = (rf_error){0};
    return rf_token_secret_load(folder_path(folder, "data"), out, &err);
}

static void a_secret_is_made_once(void **state)
{
    folder_fixture *folder = *state;
    unsigned char first[RF_TOKEN_SECRET_BYTES];
    unsigned char again[RF_TOKEN_SECRET_BYTES];
    unsigned char other[RF_TOKEN_SECRET_BYTES];
    struct stat facts;
    folder_make(folder, "data");
    mode_t before = umask(077);
    assert_int_equal(load(folder, first), RF_OK);
    umask(before);
    assert_int_equal(stat(folder_path(folder, "data/token.secret"), &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_int_equal(facts.st_size, RF_TOKEN_SECRET_BYTES);
    assert_int_equal(folder_count(folder, "data"), 1);
    assert_int_equal(load(folder, again), RF_OK);
    assert_memory_equal(first, again, sizeof first);
    assert_int_equal(unlink(folder_path(folder, "data/token.secret")), 0);
    assert_int_equal(load(folder, other), RF_OK);
    assert_memory_not_equal(first, other, sizeof first);
}

static void a_damaged_secret_is_an_error(void **state)
{
    folder_fixture *folder = *state;
    static const char zeroes[RF_TOKEN_SECRET_BYTES];
    unsigned char out[RF_TOKEN_SECRET_BYTES];
    const rf_text damaged[] = {
        RF_TEXT_EMPTY,
        rf_text_of("0123456789012345678901234567890"),
        rf_text_of("012345678901234567890123456789012"),
        {zeroes, sizeof zeroes},
    };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        folder_write_bytes(folder, "data/token.secret", damaged[i]);
        assert_int_equal(load(folder, out), RF_E_BAD_CONFIGURATION);
        assert_non_null(strstr(err.message, "data/token.secret is damaged"));
    }
}

static void a_secret_is_a_file_in_a_folder(void **state)
{
    folder_fixture *folder = *state;
    unsigned char out[RF_TOKEN_SECRET_BYTES];
    assert_int_equal(load(folder, out), RF_E_STORAGE);
    folder_make(folder, "data/token.secret");
    assert_int_equal(load(folder, out), RF_E_BAD_CONFIGURATION);
    assert_int_equal(rmdir(folder_path(folder, "data/token.secret")), 0);
    folder_write(folder, "elsewhere", "01234567890123456789012345678901");
    assert_int_equal(symlink(folder_path(folder, "elsewhere"),
                             folder_path(folder, "data/token.secret")),
                     0);
    assert_int_equal(load(folder, out), RF_E_BAD_CONFIGURATION);
}

static void every_failed_allocation_is_a_status(void **state)
{
    folder_fixture *folder = *state;
    unsigned char out[RF_TOKEN_SECRET_BYTES];
    bool passed = false;
    folder_make(folder, "data");
    const char *path = folder_path(folder, "data");
    for (unsigned long nth = 1; !passed; nth++) {
        rf_alloc_fail_at(nth);
        rf_status status = rf_token_secret_load(path, out, &err);
        rf_alloc_fail_at(0);
        passed = status == RF_OK;
        assert_true(passed ? nth > 1 : status == RF_E_NO_MEMORY);
    }
}

#define FOLDER_TEST(name)                                                      \
    cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_signed_is_read),
        cmocka_unit_test(a_token_lasts_an_hour_and_not_longer),
        cmocka_unit_test(no_letter_can_be_changed),
        cmocka_unit_test(nothing_can_be_cut_off_or_added),
        cmocka_unit_test(no_other_secret_will_do),
        cmocka_unit_test(what_is_no_token_is_none),
        FOLDER_TEST(a_secret_is_made_once),
        FOLDER_TEST(a_damaged_secret_is_an_error),
        FOLDER_TEST(a_secret_is_a_file_in_a_folder),
        FOLDER_TEST(every_failed_allocation_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
