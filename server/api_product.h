/*
 * api_product.h - what bodies say of products, in records and in searches.
 */
#ifndef RINGFENCE_SERVER_API_PRODUCT_H
#define RINGFENCE_SERVER_API_PRODUCT_H

#include "core/product.h"
#include "server/api_internal.h"
#include "server/json_read.h"

/* Limits of texts, in characters. */
#define RF_ATTRIBUTE_NAME_CHARACTERS_MAX 100
#define RF_ATTRIBUTE_VALUE_CHARACTERS_MAX 1000

/* Return the most characters that a field takes. */
size_t rf_product_characters_max(rf_product_field field);

/* Read attributeArea, in any letter case and with blanks round it, as the
 * hosted service's own examples have them. `*given` says whether it is there.
 * RF_E_INVALID_FIELD. */
RF_MUST_CHECK rf_status rf_read_area(rf_json_object object, bool *given,
                                     rf_attribute_area *out, rf_error *err);

/* Take the blanks off both ends. */
rf_text rf_without_blanks(rf_text text);

#endif
