/*
 * test_folders.c - exchanging, listing and removing entries; reading files that
 * strangers made.
 */
#include "server/files.h"
#include "server/folders.h"
#include "tests/unit/folder_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef rf_status swap_function(int folder, const char *name, const char *aside,
                                rf_error *err);

static void check_swap(folder_fixture *folder, swap_function *swap)
{
    rf_error err = {0};
    folder_write(folder, "name/a", "old");
    folder_write(folder, ".aside/a", "new");
    assert_int_equal(swap(folder->fd, "name", ".aside", &err), RF_OK);
    folder_expect(folder, "name/a", "new");
    folder_expect(folder, ".aside/a", "old");
    assert_int_equal(folder_count(folder, "."), 2);
    assert_int_equal(swap(folder->fd, "name", ".aside", &err), RF_OK);
    folder_expect(folder, "name/a", "old");
}

static void test_folders_change_places(void **state)
{
    check_swap(*state, rf_folders_swap);
}

static void test_folders_change_places_without_the_systems_help(void **state)
{
    check_swap(*state, rf_folders_swap_slowly);
}

static void test_what_is_missing_is_made_missing_on_the_other_side(void **state)
{
    folder_fixture *folder = *state;
    rf_error err = {0};
    folder_write(folder, ".aside/a", "new");
    assert_int_equal(rf_folders_swap(folder->fd, "name", ".aside", &err),
                     RF_OK);
    folder_expect(folder, "name/a", "new");
    folder_expect(folder, ".aside", NULL);
    assert_int_equal(rf_folders_swap(folder->fd, "name", ".aside", &err),
                     RF_OK);
    folder_expect(folder, "name", NULL);
    folder_expect(folder, ".aside/a", "new");
    rf_folders_remove(folder->fd, ".aside");
    assert_int_equal(rf_folders_swap(folder->fd, "name", ".aside", &err),
                     RF_OK);
    assert_int_equal(folder_count(folder, "."), 0);
}

static void test_a_slow_swap_that_cannot_be_done_changes_nothing(void **state)
{
    folder_fixture *folder = *state;
    rf_error err = {0};
    folder_write(folder, "name/a", "old");
    assert_int_equal(rf_folders_swap_slowly(folder->fd, "name", ".aside", &err),
                     RF_E_STORAGE);
    folder_expect(folder, "name/a", "old");
    assert_int_equal(folder_count(folder, "."), 1);
}

/* The states that a crash between the three renames leaves. */
static void test_an_interrupted_slow_swap_is_mended(void **state)
{
    folder_fixture *folder = *state;
    folder_write(folder, ".aside.old/a", "old");
    folder_write(folder, ".aside/a", "new");
    rf_folders_mend(folder->fd, "name", ".aside");
    folder_expect(folder, "name/a", "old");
    assert_int_equal(folder_count(folder, "."), 1);

    folder_write(folder, ".aside.old/a", "older");
    rf_folders_mend(folder->fd, "name", ".aside");
    folder_expect(folder, "name/a", "old");
    assert_int_equal(folder_count(folder, "."), 1);
}

static void test_removing_goes_down_but_not_over_links(void **state)
{
    folder_fixture *folder = *state;
    folder_write(folder, "keep/precious", "p");
    folder_write(folder, "gone/inner/file", "x");
    folder_write(folder, "gone/file", "x");
    assert_int_equal(symlinkat("../keep", folder->fd, "gone/link"), 0);
    rf_folders_remove(folder->fd, "gone");
    folder_expect(folder, "gone", NULL);
    folder_expect(folder, "keep/precious", "p");
    rf_folders_remove(folder->fd, "never there");
    folder_write(folder, "1/2/3/4/5/file", "deep");
    rf_folders_remove(folder->fd, "1");
    folder_expect(folder, "1/2/3/4/5/file", "deep");
}

static bool is_lower(const char *name)
{
    return name[0] >= 'a' && name[0] <= 'z';
}

static void test_names_are_listed_in_order(void **state)
{
    folder_fixture *folder = *state;
    rf_names names;
    rf_error err = {0};
    folder_write(folder, "c", "");
    folder_write(folder, "a", "");
    folder_make(folder, "b");
    folder_write(folder, "X", "");
    assert_int_equal(
        rf_folders_list(folder->fd, is_lower, 3, &folder->arena, &names, &err),
        RF_OK);
    assert_int_equal(names.count, 3);
    assert_string_equal(names.items[0], "a");
    assert_string_equal(names.items[1], "b");
    assert_string_equal(names.items[2], "c");
    assert_int_equal(
        rf_folders_list(folder->fd, is_lower, 2, &folder->arena, &names, &err),
        RF_OK);
    assert_int_equal(names.count, 3);
}

/* ---- Files ---- */

static rf_status read_at(folder_fixture *folder, const char *name, bool follow,
                         rf_buffer *out)
{
    rf_error err = {0};
    rf_buffer_clear(out);
    return rf_files_read_at(folder->fd, name, follow, 10, out, &err);
}

static void test_only_regular_files_are_read(void **state)
{
    folder_fixture *folder = *state;
    rf_buffer text = {0};
    folder_write(folder, "file", "0123456789");
    folder_write(folder, "long", "0123456789a");
    folder_make(folder, "folder");
    assert_int_equal(mkfifoat(folder->fd, "pipe", 0600), 0);
    assert_int_equal(symlinkat("file", folder->fd, "link"), 0);
    assert_int_equal(symlinkat("/dev/zero", folder->fd, "zero"), 0);

    assert_int_equal(read_at(folder, "file", false, &text), RF_OK);
    assert_int_equal(text.length, 10);
    static const char *const refused[] = {"long", "folder", "pipe", "link",
                                          "zero"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(read_at(folder, refused[i], false, &text),
                         RF_E_BAD_CONFIGURATION);
        assert_int_equal(text.length, 0);
    }
    assert_int_equal(read_at(folder, "missing", false, &text), RF_E_STORAGE);
    assert_int_equal(read_at(folder, "link", true, &text), RF_OK);
    assert_int_equal(text.length, 10);
    assert_int_equal(read_at(folder, "zero", true, &text),
                     RF_E_BAD_CONFIGURATION);
    rf_buffer_done(&text);
}

static void test_a_file_is_replaced_and_nothing_stays_aside(void **state)
{
    folder_fixture *folder = *state;
    rf_error err = {0};
    folder_write(folder, "a", "old");
    assert_int_equal(
        rf_files_replace_at(folder->fd, "a", rf_text_of("new"), &err), RF_OK);
    folder_expect(folder, "a", "new");
    assert_int_equal(
        rf_files_replace_at(folder->fd, ".hidden", rf_text_of("h"), &err),
        RF_OK);
    assert_int_equal(folder_count(folder, "."), 2);
    folder_make(folder, "folder");
    assert_int_equal(
        rf_files_replace_at(folder->fd, "folder", rf_text_of("x"), &err),
        RF_E_STORAGE);
    assert_int_equal(folder_count(folder, "."), 3);
}

#define CASE(function)                                                         \
    cmocka_unit_test_setup_teardown(function, folder_set_up, folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_folders_change_places),
        CASE(test_folders_change_places_without_the_systems_help),
        CASE(test_what_is_missing_is_made_missing_on_the_other_side),
        CASE(test_a_slow_swap_that_cannot_be_done_changes_nothing),
        CASE(test_an_interrupted_slow_swap_is_mended),
        CASE(test_removing_goes_down_but_not_over_links),
        CASE(test_names_are_listed_in_order),
        CASE(test_only_regular_files_are_read),
        CASE(test_a_file_is_replaced_and_nothing_stays_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
