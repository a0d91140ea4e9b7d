/*
 * test_utf8.c - what counts as well-formed, at every border of the encoding.
 */
#include "server/utf8.h"
#include "tests/unit/unit.h"

#include <string.h>

/* Encode without any check, as a model to decode against. */
static size_t encode(uint32_t character, char bytes[4])
{
    if (character < 0x80) {
        bytes[0] = (char)character;
        return 1;
    }
    size_t length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = length - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (character & 0x3F));
        character >>= 6;
    }
    bytes[0] = (char)(leads[length] | character);
    return length;
}

static void every_character_is_read_back(void **state)
{
    (void)state;
    for (uint32_t character = 0; character <= 0x10FFFF; character++) {
        char bytes[4];
        uint32_t read = 0;
        size_t length = encode(character, bytes);
        bool surrogate = character >= 0xD800 && character <= 0xDFFF;
        assert_int_equal(rf_utf8_read(bytes, length, &read),
                         surrogate ? 0 : length);
        assert_int_equal(read, surrogate ? 0 : character);
        /* Cut short by one byte it is nothing. */
        assert_int_equal(rf_utf8_read(bytes, length - 1, NULL), 0);
    }
}

static void malformed_bytes_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",             /* continuation without a lead */
        "\xC0\xAF",         /* overlong slash */
        "\xC1\xBF",         /* overlong, two bytes */
        "\xE0\x9F\xBF",     /* overlong, three bytes */
        "\xF0\x8F\xBF\xBF", /* overlong, four bytes */
        "\xED\xA0\x80",     /* surrogate */
        "\xF4\x90\x80\x80", /* above U+10FFFF */
        "\xF5\x80\x80\x80",
        "\xFE",
        "\xFF",
        "\xC3\x28",
        "\xE2\x82\x28",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(rf_utf8_read(bad[i], strlen(bad[i]), NULL), 0);
        assert_false(rf_utf8_is_valid(rf_text_of(bad[i])));
    }
}

static void texts_are_checked_and_counted(void **state)
{
    (void)state;
    assert_true(rf_utf8_is_valid(RF_TEXT_EMPTY));
    assert_true(rf_utf8_is_valid(rf_text_of("a\xC3\xA4\xE2\x82\xAC")));
    assert_false(rf_utf8_is_valid(rf_text_of("a\xC3")));
    assert_int_equal(rf_utf8_count(RF_TEXT_EMPTY), 0);
    assert_int_equal(rf_utf8_count(rf_text_of("a\xC3\xA4\xE2\x82\xAC")), 3);
    assert_int_equal(rf_utf8_count(rf_text_of("\xF0\x9F\x98\x80")), 1);
}

static void unprintable_characters_are_known(void **state)
{
    (void)state;
    static const uint32_t bad[] = {0x00,   0x1F,   0x7F,   0x9F,   0x061C,
                                   0x200E, 0x200F, 0x2028, 0x2029, 0x202A,
                                   0x202E, 0x2066, 0x2069, 0xFEFF};
    static const uint32_t good[] = {0x20,   0x7E,   0xA0,   0x200D,
                                    0x2027, 0x202F, 0x2065, 0x206A};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_true(rf_utf8_is_unprintable(bad[i]));
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_false(rf_utf8_is_unprintable(good[i]));
    }
    assert_true(rf_utf8_is_control('\x1F'));
    assert_true(rf_utf8_is_control('\x7F'));
    assert_false(rf_utf8_is_control(' '));
    assert_false(rf_utf8_is_control('\xFF'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_is_read_back),
        cmocka_unit_test(malformed_bytes_are_refused),
        cmocka_unit_test(texts_are_checked_and_counted),
        cmocka_unit_test(unprintable_characters_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
