/*
 * test_document_edit.c - documents with some members replaced.
 */
#include "core/alloc.h"
#include "server/document.h"
#include "server/document_edit.h"
#include "tests/unit/unit.h"

#include <string.h>

#define EDITS_MAX 2

typedef struct replaced {
    const char *object; /* NULL: none */
    rf_document_edit edits[EDITS_MAX];
    size_t count;
    const char *expected;
} replaced;

static int set_up(void **state)
{
    static rf_arena arena;
    rf_arena_init(&arena, 4096, 0);
    *state = &arena;
    return 0;
}

static int tear_down(void **state)
{
    rf_arena_done(*state);
    return 0;
}

static const rf_json *parse(rf_arena *arena, const char *text)
{
    const rf_json *root = NULL;
    if (text != NULL) {
        assert_int_equal(rf_json_parse(arena, rf_text_of(text),
                                       RF_DOCUMENT_LIMITS, &root, NULL),
                         RF_OK);
    }
    return root;
}

static void members_are_replaced_in_their_places(void **state)
{
    const replaced cases[] = {
        {"{\"a\":1,\"b\":2,\"c\":3}",
         {{"b", rf_text_of("{\"x\":[]}")}},
         1,
         "{\"a\":1,\"b\":{\"x\":[]},\"c\":3}"},
        {"{\"ENVIRONMENTID\":\"old\",\"z\":null}",
         {{"environmentId", rf_text_of("\"new\"")}},
         1,
         "{\"ENVIRONMENTID\":\"new\",\"z\":null}"},
        {"{\"b\":1.50,\"d\":{\"a\":7}}",
         {{"a", rf_text_of("true")}, {"b", rf_text_of("false")}},
         2,
         "{\"a\":true,\"b\":false,\"d\":{\"a\":7}}"},
        {"{\"n\":1.50}", {{"a", rf_text_of("1")}}, 0, "{\"n\":1.50}"},
        {"{}", {{"a", rf_text_of("1")}}, 1, "{\"a\":1}"},
        {"null", {{"a", rf_text_of("1")}}, 1, "{\"a\":1}"},
        {NULL, {{"a", rf_text_of("1")}}, 1, "{\"a\":1}"},
    };
    rf_arena *arena = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rf_text out = RF_TEXT_EMPTY;
        assert_int_equal(
            rf_document_replace(arena, parse(arena, cases[i].object),
                                cases[i].edits, cases[i].count, &out, NULL),
            RF_OK);
        assert_int_equal(out.length, strlen(cases[i].expected));
        assert_memory_equal(out.bytes, cases[i].expected, out.length);
    }
}

static void a_document_is_laid_out_for_people(void **state)
{
    static const char expected[] = "{\n  \"a\": [\n    1\n  ]\n}\n";
    rf_text out = RF_TEXT_EMPTY;
    assert_int_equal(
        rf_document_lay_out(*state, rf_text_of("{\"a\":[1]}"), &out, NULL),
        RF_OK);
    assert_int_equal(out.length, strlen(expected));
    assert_memory_equal(out.bytes, expected, out.length);
}

/* Whichever piece of memory is missing, nothing is lost and no text comes out.
 */
static void lack_of_memory_is_told(void **state)
{
    const rf_document_edit edit = {"b", rf_text_of("2")};
    rf_status status = RF_E_NO_MEMORY;
    (void)state;
    for (unsigned long nth = 1; status != RF_OK; nth++) {
        rf_arena arena;
        rf_text out = RF_TEXT_EMPTY;
        rf_arena_init(&arena, 64, 0);
        const rf_json *object = parse(&arena, "{\"a\":[1,2,3]}");
        rf_alloc_fail_at(nth);
        status = rf_document_replace(&arena, object, &edit, 1, &out, NULL);
        rf_alloc_fail_at(0);
        assert_true(status == RF_OK || status == RF_E_NO_MEMORY);
        assert_true((out.length > 0) == (status == RF_OK));
        rf_arena_done(&arena);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(members_are_replaced_in_their_places),
        CASE(a_document_is_laid_out_for_people),
        CASE(lack_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
