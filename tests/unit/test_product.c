/*
 * test_product.c - what is stored of a product, and what damage does to it.
 */
#include "core/alloc.h"
#include "core/codec.h"
#include "core/key.h"
#include "core/product.h"
#include "tests/unit/product_fixture.h"
#include "tests/unit/unit.h"

#include <string.h>

#define CABLE                                                                  \
    "company=usmf; itemNumber=M0030; productSearchName=CABLE; "                \
    "productType=Item; productName=Speaker cable 10; productDescription=Long " \
    "and round; inventoryUnitSymbol=ea; salesUnitSymbol=m; "                   \
    "purchaseUnitSymbol=box; @Weight:Pound=370|330|x; "                        \
    "@Colour::BatchAttribute=red; @Nothing"

static rf_key cable; /* what is read borrows from it */

static int set_up(void **state)
{
    rf_arena *arena = rf_calloc(1, sizeof *arena);
    assert_non_null(arena);
    rf_arena_init(arena, 4096, 0);
    rf_key_product(&cable, 7, rf_text_of("usmf"), rf_text_of("M0030"));
    *state = arena;
    return 0;
}

static int tear_down(void **state)
{
    rf_arena_done(*state);
    rf_free(*state);
    return 0;
}

static rf_status try_read(rf_arena *arena, rf_bytes value, rf_product *out)
{
    return rf_product_read(rf_key_bytes(&cable), value, arena, out, NULL);
}

static void test_a_record_comes_back_whole(void **state)
{
    static const char *const texts[] = {
        CABLE,
        "company=usmf; itemNumber=M0030",
        "company=usmf; itemNumber=M0030; productName=a; @x=; @y=z",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        rf_product product;
        rf_bytes value = product_record(*state, texts[i]);
        assert_int_equal(try_read(*state, value, &product), RF_OK);
        product_assert_equal(product_make(*state, texts[i]), &product);
    }
}

static void test_as_much_as_there_may_be(void **state)
{
    rf_arena *arena = *state;
    rf_attribute attributes[RF_PRODUCT_ATTRIBUTES_MAX];
    rf_text values[RF_ATTRIBUTE_VALUES_MAX];
    rf_buffer sealed = {0};
    for (size_t i = 0; i < RF_ATTRIBUTE_VALUES_MAX; i++) {
        values[i] = rf_text_of("v");
    }
    for (size_t i = 0; i < RF_PRODUCT_ATTRIBUTES_MAX; i++) {
        attributes[i] =
            (rf_attribute){rf_text_of("a"), RF_TEXT_EMPTY, RF_AREA_PRODUCT,
                           values, RF_ATTRIBUTE_VALUES_MAX};
    }
    rf_product product = {.attributes = attributes,
                          .attribute_count = RF_PRODUCT_ATTRIBUTES_MAX};
    rf_product read;
    product.fields[RF_PRODUCT_COMPANY] = rf_text_of("usmf");
    product.fields[RF_PRODUCT_ITEM_NUMBER] = rf_text_of("M0030");
    rf_product_encode(&product, &sealed);
    rf_bytes value = {(const unsigned char *)sealed.bytes, sealed.length};
    assert_int_equal(try_read(arena, value, &read), RF_OK);
    product_assert_equal(&product, &read);
    rf_buffer_done(&sealed);
}

/* Change the bytes behind the format and seal them again. */
static rf_bytes reseal(rf_arena *arena, rf_buffer *bytes)
{
    rf_seal(bytes, 0);
    const void *copy = rf_arena_copy(arena, bytes->bytes, bytes->length);
    assert_non_null(copy);
    rf_bytes value = {copy, bytes->length};
    rf_buffer_done(bytes);
    return value;
}

static void assert_damaged(rf_arena *arena, rf_bytes value)
{
    rf_product product = {.attribute_count = 77};
    assert_int_equal(try_read(arena, value, &product), RF_E_STORAGE);
    assert_int_equal(product.attribute_count, 77);
}

static void test_every_flipped_bit_and_every_cut_is_noticed(void **state)
{
    rf_arena *arena = *state;
    rf_bytes value = product_record(arena, CABLE);
    for (size_t i = 0; i < value.length; i++) {
        unsigned char *copy =
            (unsigned char *)rf_arena_copy(arena, value.bytes, value.length);
        assert_non_null(copy);
        copy[i] ^= 0x10;
        assert_damaged(arena, (rf_bytes){copy, value.length});
        assert_damaged(arena, (rf_bytes){value.bytes, i});
    }
}

/* A checksum that is right makes no sense of what is not. */
static void test_sealed_nonsense_is_refused(void **state)
{
    rf_arena *arena = *state;
    rf_bytes value = product_record(arena, "productName=x; @a=1");
    size_t length = value.length - 4; /* without the checksum */
    for (size_t cut = 1; cut < length; cut++) {
        rf_buffer bytes = {0};
        rf_buffer_append(&bytes, value.bytes, cut);
        assert_damaged(arena, reseal(arena, &bytes));
    }
    rf_buffer longer = {0};
    rf_buffer_append(&longer, value.bytes, length);
    rf_buffer_append_byte(&longer, 0);
    assert_damaged(arena, reseal(arena, &longer));

    rf_buffer newer = {0};
    rf_buffer_append(&newer, value.bytes, length);
    newer.bytes[0] = 2;
    assert_damaged(arena, reseal(arena, &newer));
}

static void test_counts_beyond_the_limits_are_refused(void **state)
{
    rf_arena *arena = *state;
    for (int which = 0; which < 3; which++) {
        rf_buffer bytes = {0};
        rf_buffer_append_byte(&bytes, 1);
        for (int i = 0; i < 7; i++) {
            rf_write_text(&bytes, RF_TEXT_EMPTY);
        }
        rf_write_varint(&bytes, which == 0 ? RF_PRODUCT_ATTRIBUTES_MAX + 1 : 1);
        rf_write_text(&bytes, rf_text_of("a"));
        rf_write_text(&bytes, RF_TEXT_EMPTY);
        rf_buffer_append_byte(&bytes, which == 1 ? RF_AREA_COUNT : 0);
        rf_write_varint(&bytes, which == 2 ? RF_ATTRIBUTE_VALUES_MAX + 1 : 0);
        assert_damaged(arena, reseal(arena, &bytes));
    }
}

static void test_keys_are_checked(void **state)
{
    rf_product product;
    rf_key key = cable;
    rf_bytes value = product_record(*state, CABLE);
    for (uint16_t length = 0; length <= key.length + 1; length++) {
        key.bytes[length] = length == key.length ? 0 : key.bytes[length];
        rf_status status = rf_product_read((rf_bytes){key.bytes, length}, value,
                                           *state, &product, NULL);
        assert_int_equal(status, length == key.length ? RF_OK : RF_E_STORAGE);
    }
}

static void test_every_failed_allocation_is_survived(void **state)
{
    rf_bytes value = product_record(*state, CABLE);
    rf_status status = RF_E_NO_MEMORY;
    for (unsigned long nth = 1; status != RF_OK; nth++) {
        rf_arena arena;
        rf_product product;
        rf_arena_init(&arena, 64, 0);
        rf_alloc_fail_at(nth);
        status = try_read(&arena, value, &product);
        rf_alloc_fail_at(0);
        assert_true(status == RF_OK || status == RF_E_NO_MEMORY);
        assert_true(status == RF_OK || nth < 100);
        rf_arena_done(&arena);
    }
}

static void test_names_are_found_in_any_case(void **state)
{
    rf_product_field field;
    rf_attribute_area area;
    (void)state;
    for (int i = 0; i < RF_PRODUCT_FIELD_COUNT; i++) {
        rf_text name = rf_text_of(rf_product_field_name((rf_product_field)i));
        assert_true(rf_product_field_find(name, &field));
        assert_int_equal(field, i);
    }
    for (int i = 0; i < RF_AREA_COUNT; i++) {
        rf_text name = rf_text_of(rf_attribute_area_name((rf_attribute_area)i));
        assert_true(rf_attribute_area_find(name, &area));
        assert_int_equal(area, i);
    }
    assert_true(rf_product_field_find(rf_text_of("PRODUCTname"), &field));
    assert_int_equal(field, RF_PRODUCT_NAME);
    assert_false(rf_product_field_find(rf_text_of("productNam"), &field));
    assert_true(rf_attribute_area_find(rf_text_of("batchattribute"), &area));
    assert_int_equal(area, RF_AREA_BATCH);
    assert_false(rf_attribute_area_find(rf_text_of(""), &area));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_a_record_comes_back_whole),
        CASE(test_as_much_as_there_may_be),
        CASE(test_every_flipped_bit_and_every_cut_is_noticed),
        CASE(test_sealed_nonsense_is_refused),
        CASE(test_counts_beyond_the_limits_are_refused),
        CASE(test_keys_are_checked),
        CASE(test_every_failed_allocation_is_survived),
        CASE(test_names_are_found_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
