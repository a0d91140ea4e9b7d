/*
 * test_registry.c - numbers that names keep for ever.
 */
#include "core/alloc.h"
#include "core/buffer.h"
#include "core/codec.h"
#include "core/level.h"
#include "core/registry.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define GROUPS_MAX (RF_DAY - RF_DIMENSION_COUNT)

static rf_registry *create(void)
{
    rf_registry *registry = NULL;
    assert_int_equal(rf_registry_create(&registry, NULL), RF_OK);
    return registry;
}

static unsigned measure(rf_registry *registry, const char *name)
{
    rf_measure number = UINT16_MAX;
    assert_int_equal(
        rf_registry_measure(registry, rf_text_of(name), &number, NULL), RF_OK);
    return number;
}

static unsigned group(rf_registry *registry, const char *name)
{
    unsigned coordinate = 0;
    assert_int_equal(
        rf_registry_group(registry, rf_text_of(name), &coordinate, NULL),
        RF_OK);
    return coordinate;
}

static void assert_name(rf_text name, const char *expected)
{
    assert_true(rf_text_equal(name, rf_text_of(expected)));
}

static void test_names_keep_their_numbers(void **state)
{
    (void)state;
    rf_registry *registry = create();
    assert_int_equal(measure(registry, "pos.inbound"), 0);
    assert_int_equal(measure(registry, "pos.outbound"), 1);
    assert_int_equal(measure(registry, "pos.inbound"), 0);
    assert_int_equal(group(registry, "Channel"), RF_DIMENSION_COUNT);
    assert_int_equal(group(registry, "region"), RF_DIMENSION_COUNT + 1);
    assert_int_equal(group(registry, "CHANNEL"), RF_DIMENSION_COUNT);
    assert_int_equal(rf_registry_measure_count(registry), 2);
    assert_int_equal(rf_registry_group_count(registry), 2);
    assert_name(rf_registry_measure_name(registry, 1), "pos.outbound");
    assert_name(rf_registry_group_name(registry, 0), "Channel");
    rf_registry_free(registry);
}

static void test_a_copy_is_a_registry_of_its_own(void **state)
{
    (void)state;
    rf_registry *registry = create();
    measure(registry, "pos.inbound");
    group(registry, "channel");
    rf_registry *copy = NULL;
    assert_int_equal(rf_registry_copy(registry, &copy, NULL), RF_OK);
    measure(copy, "pos.outbound");
    assert_int_equal(rf_registry_measure_count(registry), 1);
    rf_registry_swap(registry, copy);
    assert_int_equal(rf_registry_measure_count(registry), 2);
    assert_int_equal(rf_registry_measure_count(copy), 1);
    rf_registry_free(copy);
    assert_name(rf_registry_measure_name(registry, 0), "pos.inbound");
    assert_name(rf_registry_group_name(registry, 0), "channel");
    rf_registry_free(registry);
}

static void fill_measures(rf_registry *registry, size_t count)
{
    for (size_t i = rf_registry_measure_count(registry); i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "pos.measure%zu", i);
        assert_int_equal(measure(registry, name), i);
    }
}

static void test_measure_limit_just_under_at_and_over(void **state)
{
    (void)state;
    rf_registry *registry = create();
    fill_measures(registry, RF_MEASURES_MAX);
    rf_measure number = 7;
    rf_error err;
    assert_int_equal(rf_registry_measure(registry, rf_text_of("pos.one more"),
                                         &number, &err),
                     RF_E_TOO_MANY_ITEMS);
    assert_non_null(strstr(err.message, "4096"));
    assert_int_equal(number, 7);
    assert_int_equal(rf_registry_measure_count(registry), RF_MEASURES_MAX);
    assert_int_equal(measure(registry, "pos.measure4095"), 4095);
    rf_registry_free(registry);
}

static void test_group_limit_just_under_at_and_over(void **state)
{
    (void)state;
    rf_registry *registry = create();
    for (unsigned i = 0; i < GROUPS_MAX; i++) {
        char name[32];
        snprintf(name, sizeof name, "group%u", i);
        assert_int_equal(group(registry, name), RF_DIMENSION_COUNT + i);
    }
    unsigned coordinate = 7;
    rf_error err;
    assert_int_equal(
        rf_registry_group(registry, rf_text_of("one more"), &coordinate, &err),
        RF_E_TOO_MANY_ITEMS);
    assert_non_null(strstr(err.message, "64"));
    assert_int_equal(coordinate, 7);
    assert_int_equal(group(registry, "group29"), RF_DAY - 1);
    rf_registry_free(registry);
}

static void test_names_have_a_length(void **state)
{
    (void)state;
    rf_registry *registry = create();
    char name[RF_REGISTRY_NAME_MAX + 1];
    memset(name, 'n', sizeof name);
    rf_measure number;
    assert_int_equal(
        rf_registry_measure(registry, RF_TEXT_EMPTY, &number, NULL),
        RF_E_TOO_LONG);
    assert_int_equal(rf_registry_measure(registry, (rf_text){name, sizeof name},
                                         &number, NULL),
                     RF_E_TOO_LONG);
    assert_int_equal(rf_registry_measure(registry,
                                         (rf_text){name, sizeof name - 1},
                                         &number, NULL),
                     RF_OK);
    rf_registry_free(registry);
}

static rf_registry *make_sample(void)
{
    rf_registry *registry = create();
    fill_measures(registry, 40);
    group(registry, "Channel");
    group(registry, "region");
    return registry;
}

static void test_store_form_reads_back(void **state)
{
    (void)state;
    rf_registry *registry = make_sample();
    rf_buffer bytes = {0};
    rf_buffer_append_string(&bytes, "before");
    rf_registry_encode(registry, &bytes);
    assert_false(rf_buffer_failed(&bytes));
    rf_registry *back = NULL;
    assert_int_equal(
        rf_registry_decode(bytes.bytes + 6, bytes.length - 6, &back, NULL),
        RF_OK);
    assert_int_equal(rf_registry_measure_count(back), 40);
    assert_int_equal(rf_registry_group_count(back), 2);
    for (size_t i = 0; i < 40; i++) {
        assert_true(rf_text_equal(rf_registry_measure_name(registry, i),
                                  rf_registry_measure_name(back, i)));
    }
    assert_name(rf_registry_group_name(back, 0), "Channel");
    rf_buffer_done(&bytes);
    rf_registry_free(back);
    rf_registry_free(registry);
}

static void assert_damaged(const void *bytes, size_t length)
{
    rf_registry *out = NULL;
    assert_int_equal(rf_registry_decode(bytes, length, &out, NULL),
                     RF_E_STORAGE);
    assert_null(out);
}

static void test_every_damaged_byte_is_found(void **state)
{
    (void)state;
    rf_registry *registry = make_sample();
    rf_buffer bytes = {0};
    rf_registry_encode(registry, &bytes);
    for (size_t i = 0; i < bytes.length; i++) {
        assert_damaged(bytes.bytes, i);
        bytes.bytes[i] = (char)(bytes.bytes[i] ^ 0x10);
        assert_damaged(bytes.bytes, bytes.length);
        bytes.bytes[i] = (char)(bytes.bytes[i] ^ 0x10);
    }
    rf_buffer_done(&bytes);
    rf_registry_free(registry);
}

/* Contents that have the right checksum and are wrong all the same. */
static void test_impossible_contents_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
    } contents[] = {
        {"\x02\x00\x00", 3},           /* another format */
        {"\x01", 1},                   /* no lists */
        {"\x01\x00", 2},               /* no groups */
        {"\x01\x00\x00\x00", 4},       /* something behind */
        {"\x01\x01\x00\x00", 4},       /* an empty name */
        {"\x01\x02\x01p\x01P\x00", 7}, /* one name twice */
        {"\x01\x01\x7Fpos.a\x00", 9},  /* a name beyond the end */
        {"\x01\x81\x20", 3},           /* 4,097 measures */
        {"\x01\x00\x20", 3},           /* 32 groups */
    };
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        rf_buffer bytes = {0};
        rf_buffer_append(&bytes, contents[i].bytes, contents[i].length);
        rf_seal(&bytes, 0);
        assert_damaged(bytes.bytes, bytes.length);
        rf_buffer_done(&bytes);
    }
}

static rf_status use_everything(const rf_buffer *bytes)
{
    rf_registry *registry = NULL;
    rf_registry *copy = NULL;
    rf_measure number;
    unsigned coordinate;
    rf_status status =
        rf_registry_decode(bytes->bytes, bytes->length, &registry, NULL);
    if (status == RF_OK) {
        status = rf_registry_copy(registry, &copy, NULL);
    }
    if (status == RF_OK) {
        status = rf_registry_measure(copy, rf_text_of("a.b"), &number, NULL);
    }
    if (status == RF_OK) {
        status = rf_registry_group(copy, rf_text_of("g"), &coordinate, NULL);
    }
    rf_registry_free(registry);
    rf_registry_free(copy);
    return status;
}

static void test_every_failed_allocation_is_reported(void **state)
{
    (void)state;
    rf_registry *registry = make_sample();
    rf_buffer bytes = {0};
    rf_registry_encode(registry, &bytes);
    unsigned long nth = 1;
    rf_status status;
    do {
        rf_alloc_fail_at(nth);
        status = use_everything(&bytes);
        assert_true(status == RF_OK || status == RF_E_NO_MEMORY);
        nth++;
    } while (status != RF_OK);
    rf_alloc_fail_at(0);
    assert_true(nth > 8);
    rf_buffer_done(&bytes);
    rf_registry_free(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_keep_their_numbers),
        cmocka_unit_test(test_a_copy_is_a_registry_of_its_own),
        cmocka_unit_test(test_measure_limit_just_under_at_and_over),
        cmocka_unit_test(test_group_limit_just_under_at_and_over),
        cmocka_unit_test(test_names_have_a_length),
        cmocka_unit_test(test_store_form_reads_back),
        cmocka_unit_test(test_every_damaged_byte_is_found),
        cmocka_unit_test(test_impossible_contents_are_found),
        cmocka_unit_test(test_every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
