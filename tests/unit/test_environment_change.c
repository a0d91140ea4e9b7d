/*
 * test_environment_change.c - documents and own copies, replaced together or
 * not at all, whenever the process ends.
 */
#include "server/environment_change.h"
#include "server/generation_files.h"
#include "tests/unit/folder_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOP rf_text_of("shop")

static rf_error err;

static const rf_plugin_file new_file = {{"plugin.lua", 10}, {"new", 3}};
static const rf_plugin_source new_plugin = {{"safety", 6}, &new_file, 1};

static rf_options options_of(folder_fixture *folder)
{
    return (rf_options){
        .plugins_directory = folder_path(folder, "plugins"),
        .environments_directory = folder_path(folder, "e"),
    };
}

/* A change of both, over an environment that has both. */
static rf_environment_change set_scene(folder_fixture *folder)
{
    err = (rf_error){0};
    folder_make(folder, "plugins");
    folder_write(folder, "e/shop.json", "old");
    folder_write(folder, "e/shop.plugins/safety/plugin.lua", "old");
    folder_write(folder, "e/other.json", "other");
    return (rf_environment_change){
        .directory = folder_path(folder, "e"),
        .environment = SHOP,
        .has_document = true,
        .has_own = true,
        .document = rf_text_of("new"),
        .own = {&new_plugin, 1},
        .number = 5,
    };
}

static void expect_all(folder_fixture *folder, const char *text)
{
    folder_expect(folder, "e/shop.json", text);
    folder_expect(folder, "e/shop.plugins/safety/plugin.lua", text);
    folder_expect(folder, "e/other.json", "other");
}

static void apply(rf_environment_change *change)
{
    assert_int_equal(rf_environment_change_apply(change, &err), RF_OK);
}

static void recover(folder_fixture *folder)
{
    rf_options options = options_of(folder);
    assert_int_equal(rf_environment_changes_recover(&options, &err), RF_OK);
}

static void write_generation(folder_fixture *folder)
{
    rf_generation_text text = {.number = 5,
                               .actor = rf_text_of("a"),
                               .document = rf_text_of("new"),
                               .plugins = {&new_plugin, 1}};
    assert_int_equal(
        rf_generation_file_write(folder_path(folder, "e"), SHOP, &text, &err),
        RF_OK);
}

/* ---- Staying and going back ---- */

static void test_a_change_stays(void **state)
{
    folder_fixture *folder = *state;
    rf_environment_change change = set_scene(folder);
    apply(&change);
    expect_all(folder, "new");
    rf_environment_change_keep(&change);
    expect_all(folder, "new");
    assert_int_equal(folder_count(folder, "e"), 3);
    rf_environment_change_keep(&change);
}

static void test_a_change_goes_back(void **state)
{
    folder_fixture *folder = *state;
    rf_environment_change change = set_scene(folder);
    apply(&change);
    assert_int_equal(rf_environment_change_undo(&change, &err), RF_OK);
    expect_all(folder, "old");
    assert_int_equal(folder_count(folder, "e"), 3);
    assert_int_equal(rf_environment_change_undo(&change, &err), RF_OK);
    apply(&change);
    expect_all(folder, "new");
    rf_environment_change_keep(&change);
}

static void test_what_was_not_there_is_gone_again(void **state)
{
    folder_fixture *folder = *state;
    rf_environment_change change = {
        .directory = folder_path(folder, "made"),
        .environment = SHOP,
        .has_document = true,
        .has_own = true,
        .document = rf_text_of("new"),
        .own = {&new_plugin, 1},
    };
    apply(&change);
    folder_expect(folder, "made/shop.json", "new");
    folder_expect(folder, "made/shop.plugins/safety/plugin.lua", "new");
    assert_int_equal(rf_environment_change_undo(&change, &err), RF_OK);
    assert_int_equal(folder_count(folder, "made"), 0);
}

static void test_own_copies_can_be_dropped(void **state)
{
    folder_fixture *folder = *state;
    rf_environment_change change = set_scene(folder);
    change.has_document = false;
    change.own.count = 0;
    apply(&change);
    folder_expect(folder, "e/shop.plugins", NULL);
    folder_expect(folder, "e/shop.json", "old");
    assert_int_equal(rf_environment_change_undo(&change, &err), RF_OK);
    expect_all(folder, "old");
    apply(&change);
    rf_environment_change_keep(&change);
    folder_expect(folder, "e/shop.plugins", NULL);
    assert_int_equal(folder_count(folder, "e"), 2);
}

static void test_nothing_to_do_is_done(void **state)
{
    folder_fixture *folder = *state;
    rf_environment_change change = {.directory = folder_path(folder, "no/such"),
                                    .environment = SHOP};
    apply(&change);
    assert_int_equal(rf_environment_change_undo(&change, &err), RF_OK);
    assert_int_equal(folder_count(folder, "."), 0);
}

static void test_a_change_that_fails_leaves_all_as_it_was(void **state)
{
    folder_fixture *folder = *state;
    rf_environment_change change = set_scene(folder);
    rf_plugin_source bad = {rf_text_of("no/such"), &new_file, 1};
    change.own.plugins = &bad;
    assert_int_equal(rf_environment_change_apply(&change, &err), RF_E_STORAGE);
    expect_all(folder, "old");
    assert_int_equal(folder_count(folder, "e"), 3);

    /* The own copies are in place when the document turns out not to be. */
    change = set_scene(folder);
    folder_make(folder, "e/.shop.json.new");
    folder_write(folder, "e/.shop.json.new/a/b/c/d/e", "immovable");
    assert_int_equal(rf_environment_change_apply(&change, &err), RF_E_STORAGE);
    expect_all(folder, "old");

    change.directory = folder_path(folder, "e/other.json");
    assert_int_equal(rf_environment_change_apply(&change, &err), RF_E_STORAGE);
}

/* ---- A process that ends ---- */

static void test_a_crash_behind_the_change_leaves_it_whole(void **state)
{
    folder_fixture *folder = *state;
    rf_environment_change change = set_scene(folder);
    write_generation(folder);
    apply(&change);
    close(change.folder); /* and the process is gone */
    recover(folder);
    expect_all(folder, "new");
    assert_int_equal(folder_count(folder, "e"), 4);
}

static void test_a_crash_in_the_middle_is_finished(void **state)
{
    folder_fixture *folder = *state;
    (void)set_scene(folder);
    write_generation(folder);
    folder_write(folder, "e/.shop.restore", "5\n");
    folder_write(folder, "e/shop.plugins/safety/plugin.lua", "new");
    folder_write(folder, "e/.shop.plugins.new/safety/plugin.lua", "old");
    folder_write(folder, "e/.shop.json.new", "new");
    recover(folder);
    expect_all(folder, "new");
    assert_int_equal(folder_count(folder, "e"), 4);
}

static void test_a_crash_in_front_leaves_nothing(void **state)
{
    folder_fixture *folder = *state;
    (void)set_scene(folder);
    folder_write(folder, "e/.shop.plugins.new/safety/plugin.lua", "half");
    folder_write(folder, "e/.shop.json.new", "half");
    folder_write(folder, "e/.shop.restore.new", "5");
    folder_write(folder, "e/.editor.swp", "mine");
    folder_write(folder, "e/.not ours.json.new", "mine");
    recover(folder);
    expect_all(folder, "old");
    folder_expect(folder, "e/.editor.swp", "mine");
    folder_expect(folder, "e/.not ours.json.new", "mine");
    assert_int_equal(folder_count(folder, "e"), 5);
}

static void test_a_crash_in_a_slow_exchange_puts_the_old_back(void **state)
{
    folder_fixture *folder = *state;
    (void)set_scene(folder);
    assert_int_equal(renameat(folder->fd, "e/shop.plugins", folder->fd,
                              "e/.shop.plugins.new.old"),
                     0);
    folder_write(folder, "e/.shop.plugins.new/safety/plugin.lua", "new");
    recover(folder);
    expect_all(folder, "old");
    assert_int_equal(folder_count(folder, "e"), 3);
}

static void test_a_mark_without_its_generation_changes_nothing(void **state)
{
    folder_fixture *folder = *state;
    static const char *const marks[] = {"77\n", "", "nonsense",
                                        "99999999999999999999999999999999999"};
    (void)set_scene(folder);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        folder_write(folder, "e/.shop.restore", marks[i]);
        recover(folder);
        expect_all(folder, "old");
        assert_int_equal(folder_count(folder, "e"), 3);
    }
}

static void test_a_folder_that_is_not_there_needs_no_repair(void **state)
{
    recover(*state);
}

/* ---- Which copies ---- */

static void test_only_what_differs_from_the_shared_is_copied(void **state)
{
    folder_fixture *folder = *state;
    rf_options options = options_of(folder);
    rf_plugin_folders folders = rf_plugin_folders_of(&options, SHOP);
    rf_plugin_file old = {rf_text_of("plugin.lua"), rf_text_of("old")};
    rf_plugin_source wanted[] = {{rf_text_of("alike"), &old, 1},
                                 {rf_text_of("gone"), &old, 1},
                                 {rf_text_of("other"), &old, 1}};
    rf_plugin_set set = {wanted, 3};
    rf_plugin_set own;
    folder_write(folder, "plugins/alike/plugin.lua", "old");
    folder_write(folder, "plugins/other/plugin.lua", "new");
    folder_write(folder, "e/shop.plugins/alike/plugin.lua", "new");
    folder_write(folder, "e/shop.plugins/aside/plugin.lua", "kept");
    assert_int_equal(
        rf_environment_own_for(&folders, &set, &folder->arena, &own, &err),
        RF_OK);
    assert_int_equal(own.count, 3);
    assert_null(rf_plugin_set_find(&own, rf_text_of("alike")));
    assert_non_null(rf_plugin_set_find(&own, rf_text_of("aside")));
    assert_true(rf_plugin_source_equal(
        rf_plugin_set_find(&own, rf_text_of("gone")), &wanted[1]));
    assert_true(rf_plugin_source_equal(
        rf_plugin_set_find(&own, rf_text_of("other")), &wanted[2]));
}

#define CASE(function)                                                         \
    cmocka_unit_test_setup_teardown(function, folder_set_up, folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_change_stays),
        CASE(test_a_change_goes_back),
        CASE(test_what_was_not_there_is_gone_again),
        CASE(test_own_copies_can_be_dropped),
        CASE(test_nothing_to_do_is_done),
        CASE(test_a_change_that_fails_leaves_all_as_it_was),
        CASE(test_a_crash_behind_the_change_leaves_it_whole),
        CASE(test_a_crash_in_the_middle_is_finished),
        CASE(test_a_crash_in_front_leaves_nothing),
        CASE(test_a_crash_in_a_slow_exchange_puts_the_old_back),
        CASE(test_a_mark_without_its_generation_changes_nothing),
        CASE(test_a_folder_that_is_not_there_needs_no_repair),
        CASE(test_only_what_differs_from_the_shared_is_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
