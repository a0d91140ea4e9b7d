/*
 * test_generation_files.c - what made a generation, kept and read back.
 */
#include "server/generation_files.h"
#include "tests/unit/folder_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SHOP rf_text_of("shop")

static rf_error err;

static const rf_plugin_file files[] = {
    {{"helper.lua", 10}, {"", 0}},
    {{"plugin.lua", 10},
     {"-- \"quoted\" \\ \t\r\n\x01\x7F \xC3\xA9 \xE2\x80\xA8 "
      "\xF0\x9F\x90\x9F\n",
      31}},
};

static const rf_plugin_source plugins[] = {{{"safety", 6}, files, 2},
                                           {{"empty", 5}, files, 0}};

static rf_generation_text text_of(uint64_t number)
{
    return (rf_generation_text){
        .number = number,
        .published_ms = 1900000000123 + (int64_t)number,
        .actor = rf_text_of("till \"7\""),
        .document = rf_text_of("{ \"environmentId\": \"shop\" }\n"),
        .plugins = {plugins, 2},
    };
}

static void write_number(folder_fixture *folder, uint64_t number)
{
    rf_generation_text text = text_of(number);
    err = (rf_error){0};
    assert_int_equal(
        rf_generation_file_write(folder_path(folder, "e"), SHOP, &text, &err),
        RF_OK);
}

static rf_status read_number(folder_fixture *folder, uint64_t number,
                             rf_generation_text *out)
{
    err = (rf_error){0};
    return rf_generation_file_read(folder_path(folder, "e"), SHOP, number,
                                   &folder->arena, out, &err);
}

static size_t list(folder_fixture *folder, rf_generation_kept *out, size_t max)
{
    size_t count = 99;
    err = (rf_error){0};
    assert_int_equal(rf_generation_files_list(folder_path(folder, "e"), SHOP,
                                              out, max, &count, &err),
                     RF_OK);
    return count;
}

static void test_everything_comes_back_byte_by_byte(void **state)
{
    folder_fixture *folder = *state;
    rf_generation_text before = text_of(7);
    rf_generation_text after;
    write_number(folder, 7);
    assert_int_equal(read_number(folder, 7, &after), RF_OK);
    assert_int_equal(after.number, 7);
    assert_true(after.published_ms == before.published_ms);
    assert_true(rf_text_equal(after.actor, before.actor));
    assert_true(rf_text_equal(after.document, before.document));
    assert_int_equal(after.plugins.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(
            rf_plugin_source_equal(&after.plugins.plugins[i], &plugins[i]));
    }
    assert_int_equal(folder_count(folder, "e/shop.generations"), 1);
}

static void test_a_generation_that_is_not_kept_is_unknown(void **state)
{
    folder_fixture *folder = *state;
    rf_generation_text text;
    assert_int_equal(read_number(folder, 1, &text), RF_E_UNKNOWN_GENERATION);
    write_number(folder, 2);
    assert_int_equal(read_number(folder, 1, &text), RF_E_UNKNOWN_GENERATION);
    assert_int_equal(read_number(folder, 0, &text), RF_E_UNKNOWN_GENERATION);
}

static void test_a_damaged_file_is_a_failure_and_not_listed(void **state)
{
    folder_fixture *folder = *state;
    static const char *const damages[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"publishedMs\":1,\"actor\":\"a\"}",
        "{\"publishedMs\":1,\"actor\":\"a\",\"document\":\"{}\",\"plugins\":"
        "[{\"name\":\"../x\",\"files\":[]}]}",
        "{\"publishedMs\":1,\"actor\":\"a\",\"document\":\"{}\",\"plugins\":"
        "[{\"name\":\"x\",\"files\":[{\"name\":\"/etc/x.lua\",\"text\":\"\"}]}"
        "]}"};
    rf_generation_text text;
    rf_generation_kept kept[4];
    write_number(folder, 1);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        folder_write(folder, "e/shop.generations/2.json", damages[i]);
        assert_int_equal(read_number(folder, 2, &text), RF_E_STORAGE);
        assert_int_equal(list(folder, kept, 4), 1);
        assert_int_equal(kept[0].note.number, 1);
    }
}

static void test_the_newest_come_first(void **state)
{
    folder_fixture *folder = *state;
    rf_generation_kept kept[4];
    rf_fingerprint content;
    assert_int_equal(list(folder, kept, 4), 0);
    static const uint64_t numbers[] = {9, 100, 2, 11, 10};
    for (size_t i = 0; i < 5; i++) {
        write_number(folder, numbers[i]);
    }
    folder_write(folder, "e/shop.generations/notes.txt", "x");
    folder_write(folder, "e/shop.generations/12x.json", "x");
    folder_write(folder, "e/shop.generations/0.json", "x");
    assert_int_equal(list(folder, kept, 4), 4);
    static const uint64_t expected[] = {100, 11, 10, 9};
    for (size_t i = 0; i < 4; i++) {
        assert_true(kept[i].note.number == expected[i]);
        assert_true(kept[i].note.published_ms ==
                    1900000000123 + (int64_t)expected[i]);
        assert_string_equal(kept[i].note.actor, "till \"7\"");
    }
    rf_generation_text text = text_of(100);
    assert_int_equal(
        rf_plugin_set_content(&text.plugins, text.document, &content, &err),
        RF_OK);
    assert_memory_equal(&kept[0].content, &content, sizeof content);
}

static void test_those_too_old_and_those_never_in_force_go(void **state)
{
    folder_fixture *folder = *state;
    for (uint64_t number = 1; number <= 14; number++) {
        write_number(folder, number);
    }
    folder_write(folder, "e/shop.generations/.15.json.new", "unfinished");
    folder_write(folder, "e/shop.generations/notes.txt", "mine");
    rf_generation_files_prune(folder_path(folder, "e"), SHOP, 12, 10);
    rf_generation_kept kept[20];
    assert_int_equal(list(folder, kept, 20), 10);
    assert_true(kept[0].note.number == 12);
    assert_true(kept[9].note.number == 3);
    assert_int_equal(folder_count(folder, "e/shop.generations"), 11);
    folder_expect(folder, "e/shop.generations/notes.txt", "mine");
    rf_generation_files_prune(folder_path(folder, "nowhere"), SHOP, 12, 10);
}

static void test_what_cannot_be_written_is_a_failure(void **state)
{
    folder_fixture *folder = *state;
    rf_generation_text text = text_of(1);
    folder_write(folder, "e/shop.generations", "in the way");
    assert_int_equal(
        rf_generation_file_write(folder_path(folder, "e"), SHOP, &text, &err),
        RF_E_STORAGE);
    folder_expect(folder, "e/shop.generations", "in the way");
    folder_write(folder, "file", "in the way");
    assert_int_equal(rf_generation_file_write(folder_path(folder, "file"), SHOP,
                                              &text, &err),
                     RF_E_STORAGE);
}

#define CASE(function)                                                         \
    cmocka_unit_test_setup_teardown(function, folder_set_up, folder_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_everything_comes_back_byte_by_byte),
        CASE(test_a_generation_that_is_not_kept_is_unknown),
        CASE(test_a_damaged_file_is_a_failure_and_not_listed),
        CASE(test_the_newest_come_first),
        CASE(test_those_too_old_and_those_never_in_force_go),
        CASE(test_what_cannot_be_written_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
