/*
 * product_fixture.c - reading descriptions of products.
 */
#include "tests/unit/product_fixture.h"

#include "tests/unit/unit.h"

#include <string.h>

bool product_piece(rf_text *rest, char mark, rf_text *out)
{
    while (rest->length > 0 && rest->bytes[0] == ' ') {
        rest->bytes++;
        rest->length--;
    }
    if (rest->length == 0) {
        return false;
    }
    const char *end = memchr(rest->bytes, mark, rest->length);
    size_t length = end == NULL ? rest->length : (size_t)(end - rest->bytes);
    size_t taken = end == NULL ? length : length + 1;
    *out = (rf_text){rest->bytes, length};
    rest->bytes += taken;
    rest->length -= taken;
    return true;
}

static void read_attribute(rf_arena *arena, rf_text text, rf_attribute *out)
{
    rf_text head;
    rf_text piece;
    rf_text *values =
        rf_arena_calloc(arena, RF_ATTRIBUTE_VALUES_MAX + 1, sizeof *values);
    assert_non_null(values);
    assert_true(product_piece(&text, '=', &head));
    assert_true(product_piece(&head, ':', &out->name));
    if (product_piece(&head, ':', &piece)) {
        out->type_name = piece;
    }
    if (product_piece(&head, ':', &piece)) {
        assert_true(rf_attribute_area_find(piece, &out->area));
    }
    while (product_piece(&text, '|', &piece)) {
        values[out->value_count++] = piece;
    }
    out->values = values;
}

rf_product *product_make(rf_arena *arena, const char *text)
{
    rf_product *product = rf_arena_calloc(arena, 1, sizeof *product);
    rf_attribute *attributes = rf_arena_calloc(
        arena, RF_PRODUCT_ATTRIBUTES_MAX + 1, sizeof *attributes);
    rf_text rest = rf_text_of(text);
    rf_text piece;
    assert_non_null(product);
    assert_non_null(attributes);
    while (product_piece(&rest, ';', &piece)) {
        if (piece.bytes[0] == '@') {
            read_attribute(arena, (rf_text){piece.bytes + 1, piece.length - 1},
                           &attributes[product->attribute_count++]);
            continue;
        }
        rf_text name;
        rf_product_field field = RF_PRODUCT_FIELD_COUNT;
        assert_true(product_piece(&piece, '=', &name));
        assert_true(rf_product_field_find(name, &field));
        product->fields[field] = piece;
    }
    product->attributes = attributes;
    return product;
}

rf_bytes product_record(rf_arena *arena, const char *text)
{
    rf_buffer sealed = {0};
    rf_product_encode(product_make(arena, text), &sealed);
    assert_false(rf_buffer_failed(&sealed));
    const void *copy = rf_arena_copy(arena, sealed.bytes, sealed.length);
    rf_bytes bytes = {copy, sealed.length};
    assert_non_null(copy);
    rf_buffer_done(&sealed);
    return bytes;
}

static void assert_texts(rf_text a, rf_text b)
{
    if (!rf_text_equal(a, b)) {
        fail_msg("'%.*s' is not '%.*s'", (int)a.length, a.bytes, (int)b.length,
                 b.bytes);
    }
}

void product_assert_equal(const rf_product *a, const rf_product *b)
{
    for (size_t i = 0; i < RF_PRODUCT_FIELD_COUNT; i++) {
        assert_texts(a->fields[i], b->fields[i]);
    }
    assert_int_equal(a->attribute_count, b->attribute_count);
    for (size_t i = 0; i < a->attribute_count; i++) {
        const rf_attribute *left = &a->attributes[i];
        const rf_attribute *right = &b->attributes[i];
        assert_texts(left->name, right->name);
        assert_texts(left->type_name, right->type_name);
        assert_int_equal(left->area, right->area);
        assert_int_equal(left->value_count, right->value_count);
        for (size_t v = 0; v < left->value_count; v++) {
            assert_texts(left->values[v], right->values[v]);
        }
    }
}
