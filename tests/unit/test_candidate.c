/*
 * test_candidate.c - a document with its plugins, before anything is published.
 */
#include "core/alloc.h"
#include "server/candidate.h"
#include "tests/unit/folder_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define GOOD                                                                   \
    "return { name = 'safety', version = '1.0.0', formulas = {\n"              \
    "  ['iv.free'] = function(m) return m.pos.inbound - m.pos.outbound end,\n" \
    "}, examples = { { formula = 'iv.free',\n"                                 \
    "  given = { ['pos.inbound'] = 5 }, expect = 5 } } }\n"

#define SOURCES                                                                \
    "\"inventorySystemConfigurations\":{"                                      \
    "\"pos\":{\"physicalMeasures\":[\"inbound\",\"outbound\"]},"               \
    "\"iv\":{\"physicalMeasures\":[\"softreserved\"],"                         \
    "\"reservMappings\":{\"softreserved\":\"iv.free\"}}}"

static rf_error err;
static rf_options options;
static rf_candidate candidate;

static int set_up(void **state)
{
    void *made = NULL;
    if (folder_set_up(&made) != 0) {
        return -1;
    }
    folder_fixture *folder = made;
    options = (rf_options){
        .plugins_directory = folder_path(folder, "plugins"),
        .environments_directory = folder_path(folder, "e"),
        .compile_formulas = true,
    };
    err = (rf_error){0};
    candidate = (rf_candidate){0};
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    rf_candidate_done(&candidate);
    return folder_tear_down(state);
}

static rf_candidate_request request_of(const char *document)
{
    return (rf_candidate_request){
        .options = &options,
        .environment = rf_text_of("shop"),
        .document = rf_text_of(document),
        .without_own = RF_TEXT_EMPTY,
        .threads = 2,
    };
}

static rf_status try_request(const rf_candidate_request *request)
{
    rf_candidate_done(&candidate);
    err = (rf_error){0};
    rf_status status = rf_candidate_read(&candidate, request, &err);
    return status == RF_OK ? rf_candidate_build(&candidate, &err) : status;
}

static rf_status try_document(const char *document)
{
    rf_candidate_request request = request_of(document);
    return try_request(&request);
}

static void expect_problem(const char *path, const char *word)
{
    assert_true(candidate.problems.count > 0);
    assert_string_equal(candidate.problems.items[0].path, path);
    assert_non_null(strstr(candidate.problems.items[0].message, word));
}

static void test_a_document_and_its_plugin_become_a_catalog(void **state)
{
    folder_write(*state, "plugins/safety/plugin.lua", GOOD);
    assert_int_equal(
        try_document("{\"ringfence\":{\"plugins\":[\"safety\"]}," SOURCES "}"),
        RF_OK);
    assert_non_null(rf_catalog_calculated(candidate.catalog, rf_text_of("iv"),
                                          rf_text_of("free")));
    assert_ptr_equal(candidate.catalog->host,
                     rf_scripts_host(candidate.scripts));
    assert_int_equal(rf_scripts_count(candidate.scripts), 1);
    assert_true(rf_candidate_names(&candidate, rf_text_of("safety")));
    assert_false(rf_candidate_names(&candidate, rf_text_of("Safety")));
}

static void test_a_document_without_plugins_needs_no_scripts(void **state)
{
    (void)state;
    assert_int_equal(try_document("{}"), RF_OK);
    assert_null(candidate.scripts);
    assert_null(candidate.catalog->host);
}

static void test_a_missing_plugin_is_the_documents_mistake(void **state)
{
    folder_fixture *folder = *state;
    folder_write(folder, "plugins/safety/plugin.lua", GOOD);
    assert_int_equal(
        try_document("{\"ringfence\":{\"plugins\":[\"safety\",\"gone\"]}}"),
        RF_E_BAD_CONFIGURATION);
    expect_problem("$.ringfence.plugins[1]", "gone");
    assert_string_equal(err.field, "$.ringfence.plugins[1]");
    assert_non_null(strstr(err.message, "shop.plugins"));
}

static void test_a_plugins_name_is_checked(void **state)
{
    folder_write(*state, "plugins/safety/plugin.lua", GOOD);
    assert_int_equal(
        try_document("{\"ringfence\":{\"plugins\":[\"../safety\"]}}"),
        RF_E_BAD_CONFIGURATION);
    expect_problem("$.ringfence.plugins[0]", "name");
    assert_int_equal(try_document("{\"ringfence\":{\"plugins\":[\"safety\","
                                  "\"safety\"]}," SOURCES "}"),
                     RF_E_BAD_CONFIGURATION);
    expect_problem("$.ringfence.plugins[1]", "twice");
}

static void test_mistakes_of_both_kinds_are_told_together(void **state)
{
    (void)state;
    assert_int_equal(try_document("{\"ringfence\":{\"plugins\":[\"gone\"],"
                                  "\"hierarchyCheck\":\"lax\",\"levels\":7}}"),
                     RF_E_BAD_CONFIGURATION);
    assert_int_equal(candidate.problems.count, 3);
}

static void test_a_broken_plugin_is_told_with_its_place(void **state)
{
    static const char document[] =
        "{\"ringfence\":{\"plugins\":[\"safety\"]}," SOURCES "}";
    folder_write(*state, "plugins/safety/plugin.lua",
                 "\nreturn {\n  oops oops\n}");
    assert_int_equal(try_document(document), RF_E_PLUGIN_SYNTAX);
    assert_string_equal(err.script.plugin, "safety");
    assert_string_equal(err.script.file, "plugin.lua");
    assert_int_equal(err.script.line, 3);
    /* What is wrong with the document comes first. */
    assert_int_equal(try_document("{\"ringfence\":{\"plugins\":[\"safety\"],"
                                  "\"levels\":7}}"),
                     RF_E_BAD_CONFIGURATION);
}

static void test_what_is_no_document_is_refused(void **state)
{
    (void)state;
    assert_int_equal(try_document("[]"), RF_E_BAD_CONFIGURATION);
    assert_int_equal(try_document("{"), RF_E_BAD_JSON);
    assert_int_equal(try_document("{\"a\":1,\"A\":2}"), RF_E_DUPLICATE_KEY);
}

static void test_given_texts_stand_for_those_on_disk(void **state)
{
    rf_plugin_file file = {rf_text_of("plugin.lua"), rf_text_of(GOOD)};
    rf_plugin_source given = {rf_text_of("safety"), &file, 1};
    rf_candidate_request request =
        request_of("{\"ringfence\":{\"plugins\":[\"safety\"]}," SOURCES "}");
    folder_write(*state, "plugins/safety/plugin.lua", "broken");
    request.instead = (rf_plugin_set){&given, 1};
    assert_int_equal(try_request(&request), RF_OK);
    rf_fingerprint content = candidate.content;
    folder_write(*state, "plugins/safety/plugin.lua", GOOD);
    request.instead.count = 0;
    assert_int_equal(try_request(&request), RF_OK);
    assert_memory_equal(&candidate.content, &content, sizeof content);

    /* One that the document does not name runs only when that is asked for. */
    request = request_of("{\"inventorySystemConfigurations\":{\"pos\":{"
                         "\"physicalMeasures\":[\"inbound\",\"outbound\"]}}}");
    request.instead = (rf_plugin_set){&given, 1};
    assert_int_equal(try_request(&request), RF_OK);
    assert_null(candidate.scripts);
    request.with_all = true;
    (void)try_request(&request);
    assert_int_equal(candidate.plugins.count, 1);
}

static void test_the_own_copy_can_be_passed_over(void **state)
{
    static const char document[] =
        "{\"ringfence\":{\"plugins\":[\"safety\"]}," SOURCES "}";
    rf_candidate_request request = request_of(document);
    folder_write(*state, "plugins/safety/plugin.lua", GOOD);
    folder_write(*state, "e/shop.plugins/safety/plugin.lua", "broken");
    assert_int_equal(try_request(&request), RF_E_PLUGIN_SYNTAX);
    request.without_own = rf_text_of("safety");
    assert_int_equal(try_request(&request), RF_OK);
}

static void test_memory_that_runs_out_is_told(void **state)
{
    static const char document[] =
        "{\"ringfence\":{\"plugins\":[\"safety\"]}," SOURCES "}";
    rf_candidate_request request = request_of(document);
    folder_write(*state, "plugins/safety/plugin.lua", GOOD);
    unsigned long before = rf_alloc_count();
    assert_int_equal(try_request(&request), RF_OK);
    unsigned long allocations = rf_alloc_count() - before;
    unsigned long step = allocations / 200 + 1;
    for (unsigned long nth = 1; nth < allocations; nth += step) {
        rf_candidate_done(&candidate);
        rf_alloc_fail_at(nth);
        rf_status status = try_request(&request);
        rf_alloc_fail_at(0);
        assert_true(status == RF_OK || status == RF_E_NO_MEMORY);
    }
}

#define CASE(function)                                                         \
    cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_document_and_its_plugin_become_a_catalog),
        CASE(test_a_document_without_plugins_needs_no_scripts),
        CASE(test_a_missing_plugin_is_the_documents_mistake),
        CASE(test_a_plugins_name_is_checked),
        CASE(test_mistakes_of_both_kinds_are_told_together),
        CASE(test_a_broken_plugin_is_told_with_its_place),
        CASE(test_what_is_no_document_is_refused),
        CASE(test_given_texts_stand_for_those_on_disk),
        CASE(test_the_own_copy_can_be_passed_over),
        CASE(test_memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
