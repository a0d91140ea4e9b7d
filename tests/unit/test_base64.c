/*
 * test_base64.c - one text for any bytes, and nothing else is read.
 */
#include "server/base64.h"
#include "tests/unit/unit.h"

#include <string.h>

static void bytes_come_back(void **state)
{
    (void)state;
    unsigned char bytes[64];
    unsigned char back[RF_BASE64_ROOM(RF_BASE64URL_LENGTH(sizeof bytes))];
    char text[RF_BASE64URL_LENGTH(sizeof bytes) + 1];
    size_t size = 0;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 167 + 251);
    }
    for (size_t length = 0; length <= sizeof bytes; length++) {
        rf_base64url_encode(bytes, length, text);
        assert_int_equal(strlen(text), RF_BASE64URL_LENGTH(length));
        assert_true(rf_base64url_decode(rf_text_of(text), back, &size));
        assert_int_equal(size, length);
        assert_memory_equal(back, bytes, length);
    }
}

/* The test vectors of RFC 4648. */
static const char *const vectors[][2] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void the_ordinary_form_is_read(void **state)
{
    (void)state;
    unsigned char bytes[16];
    size_t size = 0;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        assert_true(rf_base64_decode(rf_text_of(vectors[i][1]), bytes, &size));
        assert_int_equal(size, strlen(vectors[i][0]));
        assert_memory_equal(bytes, vectors[i][0], size);
    }
    assert_true(rf_base64_decode(rf_text_of("++//"), bytes, &size));
    assert_memory_equal(bytes, "\xFB\xEF\xFF", 3);
}

static void nothing_else_is_read(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Zg",     "Zg=",  "Zg===",        "Z===",       "====",
        "=",      "Zh==", "Zm9=",         "Z=g=",       "Zm 9v",
        "Zm9v\n", "-_==", "Zm9vYg==Zm9v", "\xC3\xA4==",
    };
    static const char *const bad_url[] = {
        "Z", "Zg==", "Zh", "Zm9", "Zm9vY", "Zm8+", "Zm8/", "Zm 8",
    };
    unsigned char bytes[32];
    size_t size = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(rf_base64_decode(rf_text_of(bad[i]), bytes, &size));
    }
    for (size_t i = 0; i < sizeof bad_url / sizeof *bad_url; i++) {
        assert_false(rf_base64url_decode(rf_text_of(bad_url[i]), bytes, &size));
    }
    assert_false(rf_base64url_decode((rf_text){"Zm\0v", 4}, bytes, &size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_back),
        cmocka_unit_test(the_ordinary_form_is_read),
        cmocka_unit_test(nothing_else_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
