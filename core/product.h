/*
 * product.h - what is known of a product: its names, units and attributes.
 *
 * One record a product and organization, replaced as a whole. It is no stock:
 * nothing is added up from it, and it may be there before the first change of
 * stock or after the last one was erased. What it is for is finding products
 * (search.h).
 *
 * Company and item number, the organization and the product, are the record's
 * key; the value holds the rest.
 */
#ifndef RINGFENCE_CORE_PRODUCT_H
#define RINGFENCE_CORE_PRODUCT_H

#include "core/arena.h"
#include "core/buffer.h"
#include "core/error.h"
#include "core/store.h"
#include "core/text.h"

#include <stdbool.h>

/* More than any catalogue has of one product; the bytes are what bounds how
 * long a look at a record may take. */
#define RF_PRODUCT_ATTRIBUTES_MAX 64
#define RF_ATTRIBUTE_VALUES_MAX 64
#define RF_PRODUCT_RECORD_BYTES_MAX ((size_t)32 * 1024)

/* The numbers are no part of the stored form, but their order is that of the
 * texts in it, from the third one on: append only. */
typedef enum {
    RF_PRODUCT_COMPANY,
    RF_PRODUCT_ITEM_NUMBER,
    RF_PRODUCT_SEARCH_NAME,
    RF_PRODUCT_TYPE,
    RF_PRODUCT_NAME,
    RF_PRODUCT_DESCRIPTION,
    RF_PRODUCT_INVENTORY_UNIT,
    RF_PRODUCT_SALES_UNIT,
    RF_PRODUCT_PURCHASE_UNIT,
    RF_PRODUCT_FIELD_COUNT
} rf_product_field;

/* What an attribute tells apart. The numbers are stored: append only. */
typedef enum {
    RF_AREA_PRODUCT,
    RF_AREA_DIMENSION,
    RF_AREA_BATCH,
    RF_AREA_COUNT
} rf_attribute_area;

typedef struct rf_attribute {
    rf_text name;
    rf_text type_name; /* may be empty */
    rf_attribute_area area;
    const rf_text *values; /* any number of them, none too */
    size_t value_count;
} rf_attribute;

/* Texts and lists are borrowed; a field that was not given is empty. */
typedef struct rf_product {
    rf_text fields[RF_PRODUCT_FIELD_COUNT];
    const rf_attribute *attributes;
    size_t attribute_count;
} rf_product;

/* Return the contract's name of a field ("productName") or of an area
 * ("BatchAttribute"). Borrowed for ever. */
const char *rf_product_field_name(rf_product_field field);
const char *rf_attribute_area_name(rf_attribute_area area);

/* Find them by that name, in any letter case; false: there is none. */
bool rf_product_field_find(rf_text name, rf_product_field *out);
bool rf_attribute_area_find(rf_text name, rf_attribute_area *out);

/* Append the sealed value of a record. */
void rf_product_encode(const rf_product *product, rf_buffer *out);

/* Read a record of the table of products. Texts are borrowed from key and
 * value, lists from the arena. RF_E_STORAGE: damaged. RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_product_read(rf_bytes key, rf_bytes value,
                                        rf_arena *arena, rf_product *out,
                                        rf_error *err);

#endif
