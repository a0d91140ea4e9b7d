/*
 * test_base.c - the pieces everything stands on: errors, the heap, arenas,
 * buffers and text.
 */
#include "core/alloc.h"
#include "core/arena.h"
#include "core/buffer.h"
#include "core/error.h"
#include "core/text.h"
#include "tests/unit/unit.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void test_every_status_has_a_word_of_its_own(void **state)
{
    (void)state;
    assert_string_equal(rf_status_word(RF_OK), "");
    for (int a = RF_OK + 1; a < RF_STATUS_COUNT; a++) {
        assert_string_not_equal(rf_status_word((rf_status)a), "");
        for (int b = RF_OK + 1; b < a; b++) {
            /* One word to a client, told apart by the class. */
            if ((a == RF_E_STORAGE_FULL && b == RF_E_STORAGE) ||
                (a == RF_E_PARTITION_NEEDED && b == RF_E_MISSING_PARTITION)) {
                continue;
            }
            assert_string_not_equal(rf_status_word((rf_status)a),
                                    rf_status_word((rf_status)b));
        }
    }
}

static void test_status_classes(void **state)
{
    (void)state;
    assert_int_equal(rf_status_class(RF_OK), RF_CLASS_OK);
    assert_int_equal(rf_status_class(RF_E_BAD_JSON), RF_CLASS_INVALID);
    assert_int_equal(rf_status_class(RF_E_INSUFFICIENT_AVAILABLE),
                     RF_CLASS_REFUSED);
    assert_int_equal(rf_status_class(RF_E_STORAGE_FULL), RF_CLASS_STORAGE_FULL);
    assert_int_equal(rf_status_class(RF_E_OUTCOME_UNKNOWN),
                     RF_CLASS_UNAVAILABLE);
}

static void test_fail_records_status_field_and_message(void **state)
{
    (void)state;
    rf_error err = {.field = "old", .message = "old"};
    assert_int_equal(rf_fail(&err, RF_E_CONFLICT, "%d of %s", 3, "four"),
                     RF_E_CONFLICT);
    assert_int_equal(err.status, RF_E_CONFLICT);
    assert_string_equal(err.field, "");
    assert_string_equal(err.message, "3 of four");

    assert_int_equal(
        rf_fail_field(&err, RF_E_TOO_LONG, "productId", "too long"),
        RF_E_TOO_LONG);
    assert_string_equal(err.field, "productId");
    assert_string_equal(err.message, "too long");
}

static void test_fail_without_an_error_to_fill(void **state)
{
    (void)state;
    assert_int_equal(rf_fail(NULL, RF_E_CONFLICT, "%d", 1), RF_E_CONFLICT);
    assert_int_equal(rf_fail_field(NULL, RF_E_CONFLICT, "a", "b"),
                     RF_E_CONFLICT);
}

/* Fill `text` with `prefix` letters and then `character`, and NUL. */
static void fill_text(char *text, size_t prefix, const char *character)
{
    memset(text, 'a', prefix);
    memcpy(text + prefix, character, strlen(character) + 1);
}

static void assert_message_cut(size_t prefix, const char *character,
                               size_t expected)
{
    char text[512];
    fill_text(text, prefix, character);
    rf_error err = {0};
    (void)rf_fail(&err, RF_E_INTERNAL, "%s", text);
    assert_int_equal(strlen(err.message), expected);
    assert_memory_equal(err.message, text, expected);
}

static void test_message_is_cut_between_characters(void **state)
{
    (void)state;
    const char *euro = "\xE2\x82\xAC";     /* three bytes */
    const char *bike = "\xF0\x9F\x9A\xB2"; /* four bytes */
    size_t room = sizeof((rf_error *)NULL)->message - 1;
    assert_message_cut(room - 3, euro, room);
    assert_message_cut(room - 2, euro, room - 2);
    assert_message_cut(room - 1, euro, room - 1);
    assert_message_cut(room - 4, bike, room);
    assert_message_cut(room - 3, bike, room - 3);
    assert_message_cut(room, "b", room);
}

static void test_field_is_cut_between_characters(void **state)
{
    (void)state;
    char text[512];
    rf_error err = {0};
    size_t room = sizeof err.field - 1;
    fill_text(text, room - 1, "\xC3\xA9");
    (void)rf_fail_field(&err, RF_E_TOO_LONG, text, "x");
    assert_int_equal(strlen(err.field), room - 1);
    fill_text(text, room - 2, "\xC3\xA9");
    (void)rf_fail_field(&err, RF_E_TOO_LONG, text, "x");
    assert_string_equal(err.field, text);
}

static void test_nth_allocation_fails_once(void **state)
{
    (void)state;
    for (unsigned long nth = 1; nth <= 3; nth++) {
        rf_alloc_fail_at(nth);
        for (unsigned long i = 1; i <= 3; i++) {
            void *block = i == 1   ? rf_malloc(8)
                          : i == 2 ? rf_calloc(2, 4)
                                   : rf_realloc(NULL, 2, 4);
            assert_int_equal(block == NULL, i == nth);
            rf_free(block);
        }
    }
    rf_alloc_fail_at(1);
    rf_alloc_fail_at(0);
    void *block = rf_malloc(8);
    assert_non_null(block);
    rf_free(block);
}

static void test_allocations_are_counted(void **state)
{
    (void)state;
    unsigned long before = rf_alloc_count();
    void *block = rf_malloc(8);
    block = rf_realloc(block, 2, 8);
    assert_non_null(block);
    assert_int_equal(rf_alloc_count(), before + 2);
    rf_free(block);
    assert_int_equal(rf_alloc_count(), before + 2);
}

static void test_sizes_that_wrap_are_refused(void **state)
{
    (void)state;
    char *block = rf_malloc(4);
    assert_non_null(block);
    memcpy(block, "abc", 4);
    assert_null(rf_realloc(block, SIZE_MAX / 2 + 1, 2));
    assert_string_equal(block, "abc");
    rf_free(block);

    rf_arena arena;
    rf_arena_init(&arena, 1024, 0);
    assert_null(rf_arena_alloc(&arena, SIZE_MAX));
    assert_null(rf_arena_alloc(&arena, SIZE_MAX - 16));
    assert_null(rf_arena_calloc(&arena, SIZE_MAX / 2 + 1, 2));
    assert_null(rf_arena_copy(&arena, "", SIZE_MAX));
    rf_arena_done(&arena);
}

static void test_arena_pieces_are_aligned_and_apart(void **state)
{
    (void)state;
    rf_arena arena;
    rf_arena_init(&arena, 256, 0);
    unsigned char *pieces[40];
    for (size_t i = 0; i < 40; i++) {
        pieces[i] = rf_arena_alloc(&arena, 1 + i);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        memset(pieces[i], (int)i, 1 + i);
    }
    for (size_t i = 0; i < 40; i++) {
        for (size_t at = 0; at <= i; at++) {
            assert_int_equal(pieces[i][at], i);
        }
    }
    rf_arena_done(&arena);
}

static void test_arena_zeroes_and_copies(void **state)
{
    (void)state;
    rf_arena arena;
    rf_arena_init(&arena, 256, 0);
    memset(rf_arena_alloc(&arena, 200), 0xFF, 200);
    rf_arena_reset(&arena);
    const unsigned char *zeroes = rf_arena_calloc(&arena, 25, 8);
    assert_non_null(zeroes);
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(zeroes[i], 0);
    }
    assert_string_equal(rf_arena_copy(&arena, "stocks", 5), "stock");
    assert_string_equal(rf_arena_copy(&arena, NULL, 0), "");
    rf_arena_done(&arena);
}

static void test_arena_reset_keeps_one_ordinary_block(void **state)
{
    (void)state;
    rf_arena arena;
    rf_arena_init(&arena, 256, 0);
    void *first = rf_arena_alloc(&arena, 256);
    assert_non_null(rf_arena_alloc(&arena, 256));
    assert_non_null(rf_arena_alloc(&arena, 100000));
    rf_arena_reset(&arena);
    assert_int_equal(arena.held_bytes, 256);

    unsigned long before = rf_alloc_count();
    for (int round = 0; round < 3; round++) {
        assert_non_null(rf_arena_alloc(&arena, 100));
        assert_non_null(rf_arena_alloc(&arena, 100));
        rf_arena_reset(&arena);
    }
    assert_int_equal(rf_alloc_count(), before);
    assert_non_null(first);
    rf_arena_done(&arena);
    assert_int_equal(arena.held_bytes, 0);
}

static void test_arena_reset_keeps_no_oversized_block(void **state)
{
    (void)state;
    rf_arena arena;
    rf_arena_init(&arena, 256, 0);
    assert_non_null(rf_arena_alloc(&arena, 100000));
    rf_arena_reset(&arena);
    assert_int_equal(arena.held_bytes, 0);
    assert_null(arena.blocks);
    rf_arena_done(&arena);
}

static void test_arena_limit_just_under_at_and_over(void **state)
{
    (void)state;
    rf_arena arena;
    rf_arena_init(&arena, 256, 1024);
    assert_non_null(rf_arena_alloc(&arena, 768 - 16));
    assert_non_null(rf_arena_alloc(&arena, 256));
    assert_null(rf_arena_alloc(&arena, 256));
    rf_arena_reset(&arena);
    assert_non_null(rf_arena_alloc(&arena, 256));
    assert_non_null(rf_arena_alloc(&arena, 768));
    assert_null(rf_arena_alloc(&arena, 1));
    rf_arena_done(&arena);
    assert_null(rf_arena_alloc(&arena, 1025));
    assert_non_null(rf_arena_alloc(&arena, 1024));
    rf_arena_done(&arena);
}

static void test_arena_survives_a_failed_allocation(void **state)
{
    (void)state;
    rf_arena arena;
    rf_arena_init(&arena, 256, 0);
    rf_alloc_fail_at(1);
    assert_null(rf_arena_alloc(&arena, 8));
    assert_int_equal(arena.held_bytes, 0);
    assert_non_null(rf_arena_alloc(&arena, 8));
    rf_alloc_fail_at(1);
    assert_null(rf_arena_copy(&arena, "x", 300));
    assert_int_equal(arena.held_bytes, 256);
    rf_arena_done(&arena);
}

static void test_buffer_grows_and_keeps_its_bytes(void **state)
{
    (void)state;
    rf_buffer buffer = {0};
    for (int i = 0; i < 10000; i++) {
        rf_buffer_append_byte(&buffer, (unsigned char)i);
    }
    rf_buffer_append_string(&buffer, "end");
    rf_buffer_append(&buffer, NULL, 0);
    assert_false(rf_buffer_failed(&buffer));
    assert_int_equal(buffer.length, 10003);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal((unsigned char)buffer.bytes[i], i % 256);
    }
    assert_memory_equal(buffer.bytes + 10000, "end", 3);
    rf_buffer_done(&buffer);
    assert_null(buffer.bytes);
}

static void test_buffer_clear_keeps_the_memory(void **state)
{
    (void)state;
    rf_buffer buffer = {0};
    rf_buffer_append_string(&buffer, "one");
    size_t capacity = buffer.capacity;
    rf_buffer_clear(&buffer);
    assert_int_equal(buffer.length, 0);
    assert_int_equal(buffer.capacity, capacity);
    unsigned long before = rf_alloc_count();
    rf_buffer_append_string(&buffer, "two");
    assert_int_equal(rf_alloc_count(), before);
    assert_memory_equal(buffer.bytes, "two", 3);
    rf_buffer_done(&buffer);
}

static void test_buffer_remembers_a_failed_growth(void **state)
{
    (void)state;
    rf_buffer buffer = {0};
    rf_buffer_append_string(&buffer, "kept");
    rf_alloc_fail_at(1);
    assert_null(rf_buffer_reserve(&buffer, 100000));
    rf_buffer_append_string(&buffer, "ignored");
    assert_true(rf_buffer_failed(&buffer));
    assert_int_equal(buffer.length, 4);
    assert_memory_equal(buffer.bytes, "kept", 4);
    rf_buffer_clear(&buffer);
    assert_false(rf_buffer_failed(&buffer));
    rf_buffer_append_string(&buffer, "again");
    assert_false(rf_buffer_failed(&buffer));
    rf_buffer_done(&buffer);
}

static void test_buffer_refuses_sizes_that_wrap(void **state)
{
    (void)state;
    rf_buffer buffer = {0};
    assert_null(rf_buffer_reserve(&buffer, SIZE_MAX));
    assert_true(rf_buffer_failed(&buffer));
    rf_buffer_done(&buffer);
}

static void test_text_equality_and_order_are_by_byte(void **state)
{
    (void)state;
    rf_text a = rf_text_of("abc");
    assert_true(rf_text_equal(a, (rf_text){"abcd", 3}));
    assert_false(rf_text_equal(a, rf_text_of("abd")));
    assert_false(rf_text_equal(a, rf_text_of("ABC")));
    assert_false(rf_text_equal(a, rf_text_of("ab")));
    assert_true(rf_text_equal(RF_TEXT_EMPTY, (rf_text){NULL, 0}));

    assert_int_equal(rf_text_compare(a, a), 0);
    assert_true(rf_text_compare(rf_text_of("ab"), a) < 0);
    assert_true(rf_text_compare(a, rf_text_of("ab")) > 0);
    assert_true(rf_text_compare(RF_TEXT_EMPTY, a) < 0);
    assert_true(rf_text_compare(rf_text_of("\xC3\xA9"), rf_text_of("z")) > 0);
    assert_true(rf_text_compare((rf_text){"a\0b", 3}, (rf_text){"a\0c", 3}) <
                0);
}

static void test_names_ignore_the_case_of_ascii_letters_only(void **state)
{
    (void)state;
    assert_true(rf_text_is_name(rf_text_of("SiteId"), rf_text_of("siteID")));
    assert_false(rf_text_is_name(rf_text_of("SiteId"), rf_text_of("SiteI")));
    assert_false(rf_text_is_name(rf_text_of("a["), rf_text_of("a{")));
    assert_false(
        rf_text_is_name(rf_text_of("\xC3\xA9"), rf_text_of("\xC3\x89")));
    for (int c = 0; c < 256; c++) {
        char expected = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        assert_int_equal(rf_lower((char)c), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_status_has_a_word_of_its_own),
        cmocka_unit_test(test_status_classes),
        cmocka_unit_test(test_fail_records_status_field_and_message),
        cmocka_unit_test(test_fail_without_an_error_to_fill),
        cmocka_unit_test(test_message_is_cut_between_characters),
        cmocka_unit_test(test_field_is_cut_between_characters),
        cmocka_unit_test(test_nth_allocation_fails_once),
        cmocka_unit_test(test_allocations_are_counted),
        cmocka_unit_test(test_sizes_that_wrap_are_refused),
        cmocka_unit_test(test_arena_pieces_are_aligned_and_apart),
        cmocka_unit_test(test_arena_zeroes_and_copies),
        cmocka_unit_test(test_arena_reset_keeps_one_ordinary_block),
        cmocka_unit_test(test_arena_reset_keeps_no_oversized_block),
        cmocka_unit_test(test_arena_limit_just_under_at_and_over),
        cmocka_unit_test(test_arena_survives_a_failed_allocation),
        cmocka_unit_test(test_buffer_grows_and_keeps_its_bytes),
        cmocka_unit_test(test_buffer_clear_keeps_the_memory),
        cmocka_unit_test(test_buffer_remembers_a_failed_growth),
        cmocka_unit_test(test_buffer_refuses_sizes_that_wrap),
        cmocka_unit_test(test_text_equality_and_order_are_by_byte),
        cmocka_unit_test(test_names_ignore_the_case_of_ascii_letters_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
