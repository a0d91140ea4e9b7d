/*
 * product.c - the stored form of what is known of a product.
 */
#include "core/product.h"

#include "core/codec.h"
#include "core/key.h"

#define PRODUCT_FORMAT 1

/* The first field that is in the value; those before it are the key. */
#define FIRST_STORED RF_PRODUCT_SEARCH_NAME

static const char *const field_names[RF_PRODUCT_FIELD_COUNT] = {
    [RF_PRODUCT_COMPANY] = "company",
    [RF_PRODUCT_ITEM_NUMBER] = "itemNumber",
    [RF_PRODUCT_SEARCH_NAME] = "productSearchName",
    [RF_PRODUCT_TYPE] = "productType",
    [RF_PRODUCT_NAME] = "productName",
    [RF_PRODUCT_DESCRIPTION] = "productDescription",
    [RF_PRODUCT_INVENTORY_UNIT] = "inventoryUnitSymbol",
    [RF_PRODUCT_SALES_UNIT] = "salesUnitSymbol",
    [RF_PRODUCT_PURCHASE_UNIT] = "purchaseUnitSymbol",
};

static const char *const area_names[RF_AREA_COUNT] = {
    [RF_AREA_PRODUCT] = "ProductAttribute",
    [RF_AREA_DIMENSION] = "DimensionAttribute",
    [RF_AREA_BATCH] = "BatchAttribute",
};

const char *rf_product_field_name(rf_product_field field)
{
    return field_names[field];
}

const char *rf_attribute_area_name(rf_attribute_area area)
{
    return area_names[area];
}

bool rf_product_field_find(rf_text name, rf_product_field *out)
{
    for (size_t i = 0; i < RF_PRODUCT_FIELD_COUNT; i++) {
        if (rf_text_is_name(name, rf_text_of(field_names[i]))) {
            *out = (rf_product_field)i;
            return true;
        }
    }
    return false;
}

bool rf_attribute_area_find(rf_text name, rf_attribute_area *out)
{
    for (size_t i = 0; i < RF_AREA_COUNT; i++) {
        if (rf_text_is_name(name, rf_text_of(area_names[i]))) {
            *out = (rf_attribute_area)i;
            return true;
        }
    }
    return false;
}

static void write_attribute(const rf_attribute *attribute, rf_buffer *out)
{
    rf_write_text(out, attribute->name);
    rf_write_text(out, attribute->type_name);
    rf_buffer_append_byte(out, (unsigned char)attribute->area);
    rf_write_varint(out, attribute->value_count);
    for (size_t i = 0; i < attribute->value_count; i++) {
        rf_write_text(out, attribute->values[i]);
    }
}

void rf_product_encode(const rf_product *product, rf_buffer *out)
{
    size_t start = out->length;
    rf_buffer_append_byte(out, PRODUCT_FORMAT);
    for (size_t i = FIRST_STORED; i < RF_PRODUCT_FIELD_COUNT; i++) {
        rf_write_text(out, product->fields[i]);
    }
    rf_write_varint(out, product->attribute_count);
    for (size_t i = 0; i < product->attribute_count; i++) {
        write_attribute(&product->attributes[i], out);
    }
    rf_seal(out, start);
}

/* Read how long a list is; what is damaged has none. */
static size_t read_count(rf_reader *reader, size_t max)
{
    uint64_t count = rf_read_varint(reader);
    if (count > max) {
        reader->failed = true;
    }
    return reader->failed ? 0 : (size_t)count;
}

/* False: out of memory. */
static bool read_attribute(rf_reader *reader, rf_arena *arena,
                           rf_attribute *out)
{
    out->name = rf_read_text(reader);
    out->type_name = rf_read_text(reader);
    uint8_t area = rf_read_byte(reader);
    reader->failed = reader->failed || area >= RF_AREA_COUNT;
    out->area = (rf_attribute_area)area;
    out->value_count = read_count(reader, RF_ATTRIBUTE_VALUES_MAX);
    rf_text *values =
        rf_arena_calloc(arena, out->value_count + 1, sizeof *values);
    for (size_t i = 0; i < out->value_count && values != NULL; i++) {
        values[i] = rf_read_text(reader);
    }
    out->values = values;
    return values != NULL;
}

static rf_status read_value(rf_reader *reader, rf_arena *arena, rf_product *out,
                            rf_error *err)
{
    for (size_t i = FIRST_STORED; i < RF_PRODUCT_FIELD_COUNT; i++) {
        out->fields[i] = rf_read_text(reader);
    }
    out->attribute_count = read_count(reader, RF_PRODUCT_ATTRIBUTES_MAX);
    rf_attribute *attributes =
        rf_arena_calloc(arena, out->attribute_count + 1, sizeof *attributes);
    bool has_memory = attributes != NULL;
    for (size_t i = 0; i < out->attribute_count && has_memory; i++) {
        has_memory = read_attribute(reader, arena, &attributes[i]);
    }
    if (!has_memory) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    out->attributes = attributes;
    return reader->failed || reader->at != reader->end
               ? rf_fail(err, RF_E_STORAGE,
                         "the store holds a damaged product record")
               : RF_OK;
}

rf_status rf_product_read(rf_bytes key, rf_bytes value, rf_arena *arena,
                          rf_product *out, rf_error *err)
{
    rf_reader reader;
    rf_key_parts parts;
    rf_product product = {0};
    rf_status status = rf_key_read_product(key, &parts, err);
    if (status == RF_OK) {
        status =
            rf_unseal(value, PRODUCT_FORMAT, "product record", &reader, err);
    }
    if (status == RF_OK) {
        status = read_value(&reader, arena, &product, err);
    }
    if (status == RF_OK) {
        product.fields[RF_PRODUCT_COMPANY] = parts.organization;
        product.fields[RF_PRODUCT_ITEM_NUMBER] = parts.product;
        *out = product;
    }
    return status;
}
