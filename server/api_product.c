/*
 * api_product.c - limits and words of what bodies say of products.
 */
#include "server/api_product.h"

#include "server/api_command.h"

static const size_t characters_max[RF_PRODUCT_FIELD_COUNT] = {
    [RF_PRODUCT_COMPANY] = RF_ORGANIZATION_CHARACTERS_MAX,
    [RF_PRODUCT_ITEM_NUMBER] = RF_PRODUCT_CHARACTERS_MAX,
    [RF_PRODUCT_SEARCH_NAME] = 100,
    [RF_PRODUCT_TYPE] = 50,
    [RF_PRODUCT_NAME] = 200,
    [RF_PRODUCT_DESCRIPTION] = 1000,
    [RF_PRODUCT_INVENTORY_UNIT] = 50,
    [RF_PRODUCT_SALES_UNIT] = 50,
    [RF_PRODUCT_PURCHASE_UNIT] = 50,
};

size_t rf_product_characters_max(rf_product_field field)
{
    return characters_max[field];
}

rf_text rf_without_blanks(rf_text text)
{
    while (text.length > 0 && text.bytes[0] == ' ') {
        text.bytes++;
        text.length--;
    }
    while (text.length > 0 && text.bytes[text.length - 1] == ' ') {
        text.length--;
    }
    return text;
}

rf_status rf_read_area(rf_json_object object, bool *given,
                       rf_attribute_area *out, rf_error *err)
{
    static const char member[] = "attributeArea";
    rf_text text = RF_TEXT_EMPTY;
    rf_status status =
        rf_json_string(object, member, RF_JSON_OPTIONAL,
                       RF_ATTRIBUTE_NAME_CHARACTERS_MAX, &text, err);
    text = rf_without_blanks(text);
    *given = text.length > 0;
    if (status != RF_OK || !*given || rf_attribute_area_find(text, out)) {
        return status;
    }
    rf_fail(err, RF_E_INVALID_FIELD,
            "ProductAttribute, DimensionAttribute or BatchAttribute is "
            "expected");
    return rf_json_at(object, rf_text_of(member), RF_E_INVALID_FIELD, err);
}
