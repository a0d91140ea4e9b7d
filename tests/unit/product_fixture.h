/*
 * product_fixture.h - records of products from short texts, for their tests.
 *
 * A record is described as "productName=Deluxe cable; productType=Item;
 * @Weight=370|330; @Colour:Text:BatchAttribute=red": fields by their names,
 * attributes behind an @ with their type and area when they have any, values
 * apart by bars. Whatever cannot be read fails the case.
 */
#ifndef RINGFENCE_TESTS_UNIT_PRODUCT_FIXTURE_H
#define RINGFENCE_TESTS_UNIT_PRODUCT_FIXTURE_H

#include "core/product.h"

/* Make a record; it lives as long as the arena. */
rf_product *product_make(rf_arena *arena, const char *text);

/* Take the next piece of a text up to a mark, or its end, without the blanks in
 * front of it; false: there is none. */
bool product_piece(rf_text *rest, char mark, rf_text *out);

/* Return the sealed value of a record. */
rf_bytes product_record(rf_arena *arena, const char *text);

/* Compare two records member by member. */
void product_assert_equal(const rf_product *a, const rf_product *b);

#endif
