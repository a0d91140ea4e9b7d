/*
 * test_multipart.c - forms in parts, as clients send them and as nobody should.
 */
#include "core/alloc.h"
#include "server/multipart.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEN "1234567890"
#define FIELD "Content-Disposition: form-data; name="

static rf_arena arena;
static rf_error err;
static rf_url_query form;

static int set_up(void **state)
{
    (void)state;
    rf_arena_init(&arena, 4096, 0);
    err = (rf_error){0};
    form = (rf_url_query){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rf_arena_done(&arena);
    return 0;
}

/* The body is copied, so that a sanitizer sees a look behind its end. */
static rf_status read_text(rf_text body)
{
    char *copy = malloc(body.length + (body.length == 0));
    assert_non_null(copy);
    memcpy(copy, body.bytes, body.length);
    rf_status status = rf_multipart_read(&arena, (rf_text){copy, body.length},
                                         rf_text_of("b"), &form, &err);
    free(copy);
    return status;
}

static rf_status read_body(const char *body)
{
    return rf_multipart_read(&arena, rf_text_of(body), rf_text_of("b"), &form,
                             &err);
}

static void assert_value(const char *name, const char *value)
{
    bool found = false;
    rf_text text = rf_url_query_value(&form, rf_text_of(name), &found);
    assert_true(found);
    assert_true(rf_text_equal(text, rf_text_of(value)));
}

static void fields_are_read_as_clients_write_them(void **state)
{
    (void)state;
    /* Quoted and not, with headers of their own, with an empty value. */
    assert_int_equal(
        read_body("--b\r\n" FIELD "\"client_id\"\r\n\r\napp-1\r\n"
                  "--b\r\nContent-Type: text/plain; charset=utf-8\r\n" FIELD
                  "client_secret\r\n\r\n s=e;c\r\nr--b \xC3\xA4 \r\n"
                  "--b\r\ncontent-disposition:form-data;name=\"a b\" \r\n"
                  "Content-Transfer-Encoding: 8bit\r\n\r\n\r\n"
                  "--b--\r\n"),
        RF_OK);
    assert_int_equal(form.count, 3);
    assert_value("client_id", "app-1");
    assert_value("Client_Secret", " s=e;c\r\nr--b \xC3\xA4 ");
    assert_value("a b", "");
}

static void the_end_may_have_a_line_end(void **state)
{
    (void)state;
    assert_int_equal(read_body("--b\r\n" FIELD "a\r\n\r\n1\r\n--b--"), RF_OK);
    assert_value("a", "1");
    assert_int_equal(read_body("--b--"), RF_OK);
    assert_int_equal(form.count, 0);
}

static void malformed_forms_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "--",
        "--b",
        "--b-",
        "--b\r\n",
        "--b\r\n\r\n",
        "--c--",
        "-b--",
        "\r\n--b--",
        "preamble\r\n--b--",
        "--b--epilogue",
        "--b--\r\n\r\n",
        "--b--\n",
        "--b \r\n" FIELD "a\r\n\r\n1\r\n--b--",
        "--bb\r\n" FIELD "a\r\n\r\n1\r\n--bb--",
        /* Line ends */
        "--b\n" FIELD "a\r\n\r\n1\r\n--b--",
        "--b\r\n" FIELD "a\n\n1\r\n--b--",
        "--b\r\n" FIELD "a\r\n\r\n1\n--b--",
        "--b\r\n" FIELD "a\r\n1\r\n--b--",
        /* A boundary inside a value */
        "--b\r\n" FIELD "a\r\n\r\n1\r\n--bc\r\n--b--",
        "--b\r\n" FIELD "a\r\n\r\n1\r\n--b\r\n--b--",
        "--b\r\n" FIELD "a\r\n\r\n1\r\n--b",
        /* Names */
        "--b\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--b--",
        "--b\r\nContent-Disposition : form-data; name=a\r\n\r\n1\r\n--b--",
        "--b\r\n" FIELD "\r\n\r\n1\r\n--b--",
        "--b\r\n" FIELD "\"\"\r\n\r\n1\r\n--b--",
        "--b\r\n" FIELD "\"a\r\n\r\n1\r\n--b--",
        "--b\r\n" FIELD "a\"\r\n\r\n1\r\n--b--",
        "--b\r\n" FIELD "\"a\"b\"\r\n\r\n1\r\n--b--",
        "--b\r\n" FIELD "\"a\\\"b\"\r\n\r\n1\r\n--b--",
        "--b\r\n" FIELD "\"\"a\"\"\r\n\r\n1\r\n--b--",
        "--b\r\n" FIELD "a b\r\n\r\n1\r\n--b--",
        "--b\r\n" FIELD "a=b\r\n\r\n1\r\n--b--",
        "--b\r\n" FIELD "a\x01\r\n\r\n1\r\n--b--",
        "--b\r\n" FIELD "\"\xFF\"\r\n\r\n1\r\n--b--",
        "--b\r\n" FIELD "a; name=b\r\n\r\n1\r\n--b--",
        "--b\r\n" FIELD "a\r\n" FIELD "b\r\n\r\n1\r\n--b--",
        "--b\r\n" FIELD "a; filename=\"f\"\r\n\r\n1\r\n--b--",
        /* Codings, and what is no UTF-8 */
        "--b\r\n" FIELD "a\r\nContent-Transfer-Encoding: base64\r\n\r\nMQ==\r\n"
        "--b--",
        "--b\r\n" FIELD "a\r\nContent-Transfer-Encoding:\r\n\r\n1\r\n--b--",
        "--b\r\n" FIELD "a\r\n\r\n\xFF\r\n--b--",
        "--b\r\n" FIELD "a\r\n\r\n\xC3\r\n--b--",
        "--b\r\n" FIELD "a\r\nx: \x7F\r\n\r\n1\r\n--b--",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rf_status status = read_text(rf_text_of(bad[i]));
        if (status != RF_E_INVALID_FIELD) {
            print_error("%zu: %s\n", i, bad[i]);
        }
        assert_int_equal(status, RF_E_INVALID_FIELD);
        assert_string_equal(err.field, "body");
        assert_int_equal(form.count, 0);
    }
    static const char nul[] = "--b\r\n" FIELD "a\r\n\r\n1\0"
                              "2\r\n--b--";
    assert_int_equal(read_text((rf_text){nul, sizeof nul - 1}),
                     RF_E_INVALID_FIELD);
}

#define WHOLE                                                                  \
    "--b\r\n" FIELD "\"a\"\r\nContent-Type: text/plain\r\n\r\none\r\n"         \
    "--b\r\n" FIELD "two\r\n\r\n\r\n--b--\r\n"

static void a_form_that_is_cut_off_is_refused(void **state)
{
    (void)state;
    size_t length = strlen(WHOLE);
    assert_int_equal(read_text(rf_text_of(WHOLE)), RF_OK);
    /* Without the last line end it is still whole. */
    assert_int_equal(read_text((rf_text){WHOLE, length - 2}), RF_OK);
    for (size_t cut = 0; cut < length; cut++) {
        rf_status status = read_text((rf_text){WHOLE, cut});
        assert_int_equal(status,
                         cut == length - 2 ? RF_OK : RF_E_INVALID_FIELD);
    }
}

/* Whatever stands in the place of a byte, there is an answer. */
static void no_byte_can_do_harm(void **state)
{
    (void)state;
    char text[sizeof WHOLE];
    for (size_t i = 0; i < sizeof WHOLE - 1; i++) {
        for (int byte = 0; byte < 256; byte += byte < 128 ? 1 : 31) {
            memcpy(text, WHOLE, sizeof text);
            text[i] = (char)byte;
            rf_status status = read_text((rf_text){text, sizeof text - 1});
            assert_true(status == RF_OK || status == RF_E_INVALID_FIELD);
            rf_arena_reset(&arena);
        }
    }
}

static size_t print_parts(char *text, size_t size, int count)
{
    size_t length = 0;
    for (int i = 0; i < count; i++) {
        length += (size_t)snprintf(text + length, size - length,
                                   "--b\r\n" FIELD "a%d\r\n\r\n%d\r\n", i, i);
    }
    return length + (size_t)snprintf(text + length, size - length, "--b--");
}

static void parts_and_headers_have_a_limit(void **state)
{
    (void)state;
    char text[8192];
    size_t length = print_parts(text, sizeof text, RF_MULTIPART_PARTS_MAX);
    assert_int_equal(read_text((rf_text){text, length}), RF_OK);
    assert_int_equal(form.count, RF_MULTIPART_PARTS_MAX);
    length = print_parts(text, sizeof text, RF_MULTIPART_PARTS_MAX + 1);
    assert_int_equal(read_text((rf_text){text, length}), RF_E_TOO_MANY_ITEMS);
    assert_non_null(strstr(err.message, "64"));

    for (int headers = RF_MULTIPART_HEADERS_MAX;
         headers <= RF_MULTIPART_HEADERS_MAX + 1; headers++) {
        strcpy(text, "--b\r\n" FIELD "a\r\n");
        for (int i = 1; i < headers; i++) {
            strcat(text, "x: y\r\n");
        }
        strcat(text, "\r\n1\r\n--b--");
        assert_int_equal(
            read_text(rf_text_of(text)),
            headers == RF_MULTIPART_HEADERS_MAX ? RF_OK : RF_E_INVALID_FIELD);
    }
}

static void a_huge_form_takes_no_time(void **state)
{
    (void)state;
    size_t size = (size_t)1 << 20;
    char *text = malloc(size);
    assert_non_null(text);
    static const char start[] = "--b\r\n" FIELD "a\r\n\r\n";
    static const char almost[] = "\r\n--";
    memcpy(text, start, sizeof start - 1);
    for (size_t i = sizeof start - 1; i < size; i++) {
        text[i] = almost[i % 4];
    }
    assert_int_equal(rf_multipart_read(&arena, (rf_text){text, size},
                                       rf_text_of("b"), &form, &err),
                     RF_E_INVALID_FIELD);
    memcpy(text + size - 7, "\r\n--b--", 7);
    assert_int_equal(rf_multipart_read(&arena, (rf_text){text, size},
                                       rf_text_of("b"), &form, &err),
                     RF_OK);
    free(text);
}

static void boundaries_are_what_the_standard_allows(void **state)
{
    (void)state;
    static const char *const good[] = {
        "b",
        "----WebKitFormBoundary7MA4YWxkTrZu0gW",
        "a b",
        "'()+_,-./:=?",
        TEN TEN TEN TEN TEN TEN TEN,
    };
    static const char *const bad[] = {
        "",    " ",      "b ",       "a\"b", "a\\b",
        "a;b", "a\r\nb", "\xC3\xA4", "a@b",  TEN TEN TEN TEN TEN TEN TEN "1",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(rf_multipart_boundary_is_valid(rf_text_of(good[i])));
        char body[256];
        snprintf(body, sizeof body, "--%s\r\n" FIELD "a\r\n\r\n1\r\n--%s--",
                 good[i], good[i]);
        assert_int_equal(rf_multipart_read(&arena, rf_text_of(body),
                                           rf_text_of(good[i]), &form, &err),
                         RF_OK);
        assert_value("a", "1");
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(rf_multipart_boundary_is_valid(rf_text_of(bad[i])));
    }
    assert_false(rf_multipart_boundary_is_valid((rf_text){"a\0b", 3}));
}

static void no_memory_is_a_status(void **state)
{
    (void)state;
    rf_alloc_fail_at(1);
    rf_status status = read_body("--b--");
    rf_alloc_fail_at(0);
    assert_int_equal(status, RF_E_NO_MEMORY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fields_are_read_as_clients_write_them),
        TEST(the_end_may_have_a_line_end),
        TEST(malformed_forms_are_refused),
        TEST(a_form_that_is_cut_off_is_refused),
        TEST(no_byte_can_do_harm),
        TEST(parts_and_headers_have_a_limit),
        TEST(a_huge_form_takes_no_time),
        TEST(boundaries_are_what_the_standard_allows),
        TEST(no_memory_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
