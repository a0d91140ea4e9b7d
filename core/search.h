/*
 * search.h - which products an expression finds.
 *
 * A filter is a list of conditions and of further filters, of which all must
 * hold or any. A condition looks at a field of the product's record, or at the
 * attributes with a name. It holds when any value there satisfies any of its
 * own; a negative one (IsNot, DoesNotContain) when none does, so that a product
 * without the field or attribute satisfies negative conditions and no others.
 *
 * Texts compare without case, over ASCII, as all names here. Where an order is
 * asked for and both sides are exact decimals they compare as numbers, else as
 * texts, byte by byte; so dates are best written with the year first.
 */
#ifndef RINGFENCE_CORE_SEARCH_H
#define RINGFENCE_CORE_SEARCH_H

#include "core/product.h"
#include "core/quantity.h"

/* What an expression may be made of: more than anybody writes by hand, few
 * enough that one product is looked at in no time. Filters count inside each
 * other; conditions and values count in the whole expression. */
#define RF_SEARCH_DEPTH_MAX 5
#define RF_SEARCH_CONDITIONS_MAX 256
#define RF_SEARCH_VALUES_MAX 1000

typedef enum {
    RF_SEARCH_IS_EXACTLY,
    RF_SEARCH_IS_NOT,
    RF_SEARCH_CONTAINS,
    RF_SEARCH_DOES_NOT_CONTAIN,
    RF_SEARCH_BEGINS_WITH,
    RF_SEARCH_IS_ONE_OF,
    RF_SEARCH_GREATER_EQUAL,
    RF_SEARCH_LESS_EQUAL,
    RF_SEARCH_BETWEEN, /* two values: from, to; both belong to it */
    RF_SEARCH_OPERATOR_COUNT
} rf_search_operator;

/* A text to compare with, and the number that it is, if it is one. */
typedef struct rf_search_value {
    rf_text text;
    bool is_number;
    rf_quantity number;
} rf_search_value;

/* All texts and lists are borrowed. */
typedef struct rf_search_condition {
    rf_search_operator relation;
    bool is_of_attribute;
    rf_product_field field; /* what it looks at; or */
    rf_text attribute;      /* the name of attributes, */
    rf_text type_name;      /* of this type; empty: of any, */
    bool has_area;
    rf_attribute_area area;        /* and of this area */
    const rf_search_value *values; /* at least one */
    size_t value_count;
} rf_search_condition;

typedef struct rf_search_filter rf_search_filter;

struct rf_search_filter {
    bool any; /* one is enough; else all must hold */
    const rf_search_condition *conditions;
    size_t condition_count;
    const rf_search_filter *filters;
    size_t filter_count;
};

typedef struct rf_search {
    rf_search_filter filter;
    size_t value_count; /* of all conditions: what a look at a product costs */
} rf_search;

/* Find an operator by the contract's name, in any letter case; false: there is
 * none. */
bool rf_search_operator_find(rf_text name, rf_search_operator *out);

/* Make a value of a text, which is borrowed. */
rf_search_value rf_search_value_of(rf_text text);

/* Say whether a filter holds for a product. The filters are not more than a
 * handful inside each other: whoever makes them sees to it. */
bool rf_search_matches(const rf_search_filter *filter,
                       const rf_product *product);

#endif
