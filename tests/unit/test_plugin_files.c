/*
 * test_plugin_files.c - plugins as folders of files, whoever made them.
 */
#include "core/alloc.h"
#include "server/plugin_files.h"
#include "tests/unit/folder_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static rf_error err;

static rf_plugin_folders folders_of(folder_fixture *folder)
{
    return (rf_plugin_folders){.shared = folder_path(folder, "plugins"),
                               .environments = folder_path(folder, "e"),
                               .environment = rf_text_of("shop")};
}

static rf_status read_plugin(folder_fixture *folder, rf_plugin_which which,
                             const char *name, rf_plugin_source *out)
{
    rf_plugin_folders folders = folders_of(folder);
    err = (rf_error){0};
    return rf_plugin_files_read(&folders, which, rf_text_of(name),
                                &folder->arena, out, &err);
}

static void expect_file(const rf_plugin_source *plugin, size_t index,
                        const char *name, const char *text)
{
    assert_true(index < plugin->file_count);
    assert_true(rf_text_equal(plugin->files[index].name, rf_text_of(name)));
    assert_true(rf_text_equal(plugin->files[index].text, rf_text_of(text)));
}

static void expect_refused(folder_fixture *folder, rf_status status,
                           const char *file, int line)
{
    rf_plugin_source plugin;
    assert_int_equal(
        read_plugin(folder, RF_PLUGIN_EFFECTIVE, "safety", &plugin), status);
    assert_string_equal(err.script.plugin, "safety");
    assert_string_equal(err.script.file, file);
    assert_int_equal(err.script.line, line);
    assert_true(strlen(err.message) > 0);
}

/* ---- Reading ---- */

static void test_a_plugin_is_its_lua_files_in_order(void **state)
{
    folder_fixture *folder = *state;
    rf_plugin_source plugin;
    folder_write(folder, "plugins/safety/plugin.lua", "main");
    folder_write(folder, "plugins/safety/a-helper.lua", "");
    folder_write(folder, "plugins/safety/plugin_spec.lua", "test");
    folder_write(folder, "plugins/safety/README.md", "read me");
    folder_write(folder, "plugins/safety/.hidden.lua", "h");
    folder_write(folder, "plugins/safety/plugin.lua~", "old");
    assert_int_equal(
        read_plugin(folder, RF_PLUGIN_EFFECTIVE, "safety", &plugin), RF_OK);
    assert_true(rf_text_equal(plugin.name, rf_text_of("safety")));
    assert_int_equal(plugin.file_count, 2);
    expect_file(&plugin, 0, "a-helper.lua", "");
    expect_file(&plugin, 1, "plugin.lua", "main");
}

static void test_a_copy_of_the_environments_own_hides_the_shared(void **state)
{
    folder_fixture *folder = *state;
    rf_plugin_source plugin;
    folder_write(folder, "plugins/safety/plugin.lua", "shared");
    folder_write(folder, "plugins/safety/helper.lua", "shared");
    folder_write(folder, "e/shop.plugins/safety/plugin.lua", "own");
    folder_write(folder, "e/other.plugins/safety/plugin.lua", "other's");
    assert_int_equal(
        read_plugin(folder, RF_PLUGIN_EFFECTIVE, "safety", &plugin), RF_OK);
    assert_int_equal(plugin.file_count, 1);
    expect_file(&plugin, 0, "plugin.lua", "own");
    assert_int_equal(read_plugin(folder, RF_PLUGIN_SHARED, "safety", &plugin),
                     RF_OK);
    assert_int_equal(plugin.file_count, 2);
}

static void test_what_is_not_there_is_unknown(void **state)
{
    folder_fixture *folder = *state;
    rf_plugin_source plugin;
    assert_int_equal(
        read_plugin(folder, RF_PLUGIN_EFFECTIVE, "safety", &plugin),
        RF_E_UNKNOWN_PLUGIN);
    folder_write(folder, "plugins/file", "a file");
    folder_write(folder, "e/shop.json", "{}");
    assert_int_equal(read_plugin(folder, RF_PLUGIN_EFFECTIVE, "file", &plugin),
                     RF_E_UNKNOWN_PLUGIN);
    folder_make(folder, "plugins/empty");
    assert_int_equal(read_plugin(folder, RF_PLUGIN_OWN, "empty", &plugin),
                     RF_E_UNKNOWN_PLUGIN);
    assert_int_equal(read_plugin(folder, RF_PLUGIN_EFFECTIVE, "empty", &plugin),
                     RF_OK);
    assert_int_equal(plugin.file_count, 0);
}

static void test_links_and_pipes_are_no_files_of_a_plugin(void **state)
{
    folder_fixture *folder = *state;
    folder_write(folder, "secret.lua", "secret");
    folder_make(folder, "plugins/safety");
    assert_int_equal(
        symlinkat("../../secret.lua", folder->fd, "plugins/safety/plugin.lua"),
        0);
    expect_refused(folder, RF_E_PLUGIN_FAILED, "plugin.lua", 0);
    assert_int_equal(unlinkat(folder->fd, "plugins/safety/plugin.lua", 0), 0);
    assert_int_equal(mkfifoat(folder->fd, "plugins/safety/plugin.lua", 0600),
                     0);
    expect_refused(folder, RF_E_PLUGIN_FAILED, "plugin.lua", 0);
    assert_int_equal(unlinkat(folder->fd, "plugins/safety/plugin.lua", 0), 0);
    folder_make(folder, "plugins/safety/plugin.lua");
    expect_refused(folder, RF_E_PLUGIN_FAILED, "plugin.lua", 0);
}

static void test_an_own_folder_that_is_a_link_is_not_followed(void **state)
{
    folder_fixture *folder = *state;
    rf_plugin_source plugin;
    folder_write(folder, "elsewhere/safety/plugin.lua", "elsewhere");
    folder_make(folder, "e");
    assert_int_equal(symlinkat("../elsewhere", folder->fd, "e/shop.plugins"),
                     0);
    assert_int_equal(read_plugin(folder, RF_PLUGIN_OWN, "safety", &plugin),
                     RF_E_UNKNOWN_PLUGIN);
}

static void write_sized(folder_fixture *folder, size_t size)
{
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, 'x', size);
    folder_write_bytes(folder, "plugins/safety/plugin.lua",
                       (rf_text){text, size});
    free(text);
}

static void test_a_file_has_a_largest_size(void **state)
{
    folder_fixture *folder = *state;
    rf_plugin_source plugin;
    write_sized(folder, RF_PLUGIN_FILE_BYTES_MAX);
    assert_int_equal(
        read_plugin(folder, RF_PLUGIN_EFFECTIVE, "safety", &plugin), RF_OK);
    assert_int_equal(plugin.files[0].text.length, RF_PLUGIN_FILE_BYTES_MAX);
    write_sized(folder, RF_PLUGIN_FILE_BYTES_MAX + 1);
    expect_refused(folder, RF_E_PLUGIN_FAILED, "plugin.lua", 0);
    assert_non_null(strstr(err.message, "32768"));
}

static void test_a_plugin_has_a_largest_number_of_files(void **state)
{
    folder_fixture *folder = *state;
    rf_plugin_source plugin;
    for (int i = 0; i < RF_PLUGIN_FILES_MAX; i++) {
        char name[64];
        snprintf(name, sizeof name, "plugins/safety/f%d.lua", i);
        folder_write(folder, name, "");
    }
    assert_int_equal(
        read_plugin(folder, RF_PLUGIN_EFFECTIVE, "safety", &plugin), RF_OK);
    assert_int_equal(plugin.file_count, RF_PLUGIN_FILES_MAX);
    folder_write(folder, "plugins/safety/plugin.lua", "");
    expect_refused(folder, RF_E_PLUGIN_FAILED, "", 0);
}

static void test_text_is_utf8_without_nul(void **state)
{
    folder_fixture *folder = *state;
    rf_plugin_source plugin;
    folder_write(folder, "plugins/safety/plugin.lua",
                 "\n-- d\xC3\xA9j\xC3\xA0");
    assert_int_equal(
        read_plugin(folder, RF_PLUGIN_EFFECTIVE, "safety", &plugin), RF_OK);
    folder_write(folder, "plugins/safety/plugin.lua", "\n\n-- d\xE9j\xE0");
    expect_refused(folder, RF_E_PLUGIN_SYNTAX, "plugin.lua", 3);
    folder_write_bytes(folder, "plugins/safety/plugin.lua",
                       (rf_text){"a\n\0b", 4});
    expect_refused(folder, RF_E_PLUGIN_SYNTAX, "plugin.lua", 2);
}

/* ---- Names ---- */

static void test_names_are_plain(void **state)
{
    (void)state;
    static const char fifty[] =
        "12345678901234567890123456789012345678901234567890";
    char file[80];
    assert_true(rf_plugin_name_is_valid(rf_text_of("Acme_stock-2")));
    assert_true(rf_plugin_name_is_valid(rf_text_of(fifty)));
    snprintf(file, sizeof file, "%s.lua", fifty);
    assert_true(rf_plugin_file_name_is_valid(rf_text_of(file)));
    snprintf(file, sizeof file, "%sx.lua", fifty);
    assert_false(rf_plugin_file_name_is_valid(rf_text_of(file)));
    static const char *const names[] = {"",     ".",   "..",       "a.b", "a/b",
                                        "a\\b", "a b", "\xC3\xA9", "a\n"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_false(rf_plugin_name_is_valid(rf_text_of(names[i])));
    }
    static const char *const files[] = {
        "",         ".lua",       "plugin",    "plugin.LUA",    "a.b.lua",
        "../x.lua", "a_spec.lua", "_spec.lua", "plugin.lua.lua"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        assert_false(rf_plugin_file_name_is_valid(rf_text_of(files[i])));
    }
}

static void test_a_file_with_another_name_is_not_passed_over(void **state)
{
    folder_fixture *folder = *state;
    folder_write(folder, "plugins/safety/plugin.lua", "");
    folder_write(folder, "plugins/safety/my helper.lua", "");
    expect_refused(folder, RF_E_PLUGIN_FAILED, "my helper.lua", 0);
}

/* ---- Own copies ---- */

static void test_own_copies_are_written_and_read_back(void **state)
{
    folder_fixture *folder = *state;
    rf_plugin_folders folders = folders_of(folder);
    rf_plugin_file files[] = {{rf_text_of("a.lua"), rf_text_of("A")},
                              {rf_text_of("plugin.lua"), rf_text_of("P")}};
    rf_plugin_source plugins[] = {{rf_text_of("one"), files, 2},
                                  {rf_text_of("two"), files + 1, 1}};
    rf_plugin_set set = {plugins, 2};
    rf_plugin_set back;
    err = (rf_error){0};
    folder_write(folder, "shop.plugins/left/over.lua", "x");
    assert_int_equal(
        rf_plugin_files_write(folder->fd, "shop.plugins", &set, &err), RF_OK);
    folder_expect(folder, "shop.plugins/one/a.lua", "A");
    folder_expect(folder, "shop.plugins/left", NULL);
    folders.environments = folder->root;
    folder_write(folder, "shop.plugins/README", "not a folder");
    folder_make(folder, "shop.plugins/not one");
    assert_int_equal(
        rf_plugin_files_read_own(&folders, &folder->arena, &back, &err), RF_OK);
    assert_int_equal(back.count, 2);
    assert_true(rf_plugin_source_equal(&back.plugins[0], &plugins[0]));
    assert_true(rf_plugin_source_equal(&back.plugins[1], &plugins[1]));
    assert_false(rf_plugin_source_equal(&back.plugins[0], &plugins[1]));
}

static void test_copies_that_cannot_be_written_are_a_failure(void **state)
{
    folder_fixture *folder = *state;
    rf_plugin_file file = {rf_text_of("../evil.lua"), rf_text_of("x")};
    rf_plugin_source plugin = {rf_text_of("no/such"), &file, 1};
    rf_plugin_set set = {&plugin, 1};
    err = (rf_error){0};
    assert_int_equal(rf_plugin_files_write(folder->fd, "own", &set, &err),
                     RF_E_STORAGE);
    folder_write(folder, "file", "x");
    assert_int_equal(rf_plugin_files_write(folder->fd, "file/own", &set, &err),
                     RF_E_STORAGE);
    folder_expect(folder, "file", "x");
}

/* ---- Sets ---- */

static void put(folder_fixture *folder, const rf_plugin_source *from,
                const char *name, const char *text, rf_plugin_source *out)
{
    rf_plugin_file file = {rf_text_of(name), rf_text_of(text)};
    err = (rf_error){0};
    assert_int_equal(rf_plugin_source_put(from, rf_text_of("p"), &file,
                                          &folder->arena, out, &err),
                     RF_OK);
}

static void test_a_file_is_put_in_its_place(void **state)
{
    folder_fixture *folder = *state;
    rf_plugin_source plugin;
    put(folder, NULL, "m.lua", "1", &plugin);
    assert_int_equal(plugin.file_count, 1);
    put(folder, &plugin, "z.lua", "3", &plugin);
    put(folder, &plugin, "a.lua", "0", &plugin);
    put(folder, &plugin, "m.lua", "2", &plugin);
    assert_int_equal(plugin.file_count, 3);
    expect_file(&plugin, 0, "a.lua", "0");
    expect_file(&plugin, 1, "m.lua", "2");
    expect_file(&plugin, 2, "z.lua", "3");
}

static void test_a_plugin_that_is_full_takes_no_more(void **state)
{
    folder_fixture *folder = *state;
    char names[RF_PLUGIN_FILES_MAX][24];
    rf_plugin_source plugin = {.name = rf_text_of("p")};
    for (int i = 0; i < RF_PLUGIN_FILES_MAX; i++) {
        snprintf(names[i], sizeof names[i], "f%d.lua", i);
        put(folder, i == 0 ? NULL : &plugin, names[i], "", &plugin);
    }
    put(folder, &plugin, names[7], "again", &plugin);
    rf_plugin_file more = {rf_text_of("more.lua"), RF_TEXT_EMPTY};
    assert_int_equal(rf_plugin_source_put(&plugin, rf_text_of("p"), &more,
                                          &folder->arena, &plugin, &err),
                     RF_E_PLUGIN_FAILED);
    assert_string_equal(err.script.file, "more.lua");
}

static rf_fingerprint content_of(const rf_plugin_set *set, const char *document)
{
    rf_fingerprint content;
    err = (rf_error){0};
    assert_int_equal(
        rf_plugin_set_content(set, rf_text_of(document), &content, &err),
        RF_OK);
    return content;
}

static void test_content_tells_everything_apart(void **state)
{
    (void)state;
    rf_plugin_file files[] = {{rf_text_of("a.lua"), rf_text_of("xy")},
                              {rf_text_of("b.lua"), rf_text_of("")}};
    rf_plugin_file moved[] = {{rf_text_of("a.lua"), rf_text_of("x")},
                              {rf_text_of("b.lua"), rf_text_of("y")}};
    rf_plugin_source plugins[] = {{rf_text_of("p"), files, 2},
                                  {rf_text_of("q"), files, 2}};
    rf_plugin_source others[] = {{rf_text_of("p"), moved, 2},
                                 {rf_text_of("q"), files, 2}};
    rf_plugin_set sets[] = {
        {plugins, 0}, {plugins, 1}, {plugins, 2}, {others, 1}, {others, 2}};
    for (size_t i = 0; i < 5; i++) {
        rf_fingerprint a = content_of(&sets[i], "{}");
        rf_fingerprint again = content_of(&sets[i], "{}");
        rf_fingerprint other = content_of(&sets[i], "{ }");
        assert_memory_equal(&a, &again, sizeof a);
        assert_memory_not_equal(&a, &other, sizeof a);
        for (size_t j = 0; j < i; j++) {
            rf_fingerprint b = content_of(&sets[j], "{}");
            assert_memory_not_equal(&a, &b, sizeof a);
        }
    }
}

static void test_memory_that_runs_out_is_a_failure(void **state)
{
    folder_fixture *folder = *state;
    rf_plugin_folders folders = folders_of(folder);
    folder_write(folder, "e/shop.plugins/safety/plugin.lua", "own");
    for (unsigned long nth = 1;; nth++) {
        rf_arena arena;
        rf_plugin_set set;
        err = (rf_error){0};
        rf_arena_init(&arena, 64, 0);
        rf_alloc_fail_at(nth);
        rf_status status =
            rf_plugin_files_read_own(&folders, &arena, &set, &err);
        rf_alloc_fail_at(0);
        rf_arena_done(&arena);
        if (status == RF_OK) {
            assert_true(nth > 3);
            return;
        }
        assert_int_equal(status, RF_E_NO_MEMORY);
    }
}

#define CASE(function)                                                         \
    cmocka_unit_test_setup_teardown(function, folder_set_up, folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_plugin_is_its_lua_files_in_order),
        CASE(test_a_copy_of_the_environments_own_hides_the_shared),
        CASE(test_what_is_not_there_is_unknown),
        CASE(test_links_and_pipes_are_no_files_of_a_plugin),
        CASE(test_an_own_folder_that_is_a_link_is_not_followed),
        CASE(test_a_file_has_a_largest_size),
        CASE(test_a_plugin_has_a_largest_number_of_files),
        CASE(test_text_is_utf8_without_nul),
        CASE(test_names_are_plain),
        CASE(test_a_file_with_another_name_is_not_passed_over),
        CASE(test_own_copies_are_written_and_read_back),
        CASE(test_copies_that_cannot_be_written_are_a_failure),
        CASE(test_a_file_is_put_in_its_place),
        CASE(test_a_plugin_that_is_full_takes_no_more),
        CASE(test_content_tells_everything_apart),
        CASE(test_memory_that_runs_out_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
