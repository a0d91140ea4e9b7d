/*
 * search.c - looking at one product.
 */
#include "core/search.h"

/* ---- Comparing ---- */

/* Order texts without case, the shorter first: below, at or above 0. */
static int compare_texts(rf_text a, rf_text b)
{
    size_t shared = a.length < b.length ? a.length : b.length;
    for (size_t i = 0; i < shared; i++) {
        unsigned char left = (unsigned char)rf_lower(a.bytes[i]);
        unsigned char right = (unsigned char)rf_lower(b.bytes[i]);
        if (left != right) {
            return left < right ? -1 : 1;
        }
    }
    return (a.length > b.length) - (a.length < b.length);
}

static int compare(rf_text text, const rf_search_value *value)
{
    rf_quantity number;
    if (value->is_number && rf_quantity_parse(text, &number, NULL) == RF_OK) {
        return (number > value->number) - (number < value->number);
    }
    return compare_texts(text, value->text);
}

static bool is_same(rf_text text, const rf_search_value *value)
{
    return rf_text_is_name(text, value->text);
}

static bool begins(rf_text text, const rf_search_value *value)
{
    size_t length = value->text.length;
    return length <= text.length &&
           rf_text_is_name((rf_text){text.bytes, length}, value->text);
}

static bool contains(rf_text text, const rf_search_value *value)
{
    while (text.length >= value->text.length) {
        if (begins(text, value)) {
            return true;
        }
        if (text.length == 0) {
            break;
        }
        text.bytes++;
        text.length--;
    }
    return false;
}

static bool is_at_least(rf_text text, const rf_search_value *value)
{
    return compare(text, value) >= 0;
}

static bool is_at_most(rf_text text, const rf_search_value *value)
{
    return compare(text, value) <= 0;
}

/* ---- Operators ---- */

typedef struct operation {
    const char *name;
    bool (*holds)(rf_text text, const rf_search_value *value);
    bool is_negative; /* holds where that does not */
} operation;

static const operation operations[RF_SEARCH_OPERATOR_COUNT] = {
    [RF_SEARCH_IS_EXACTLY] = {"IsExactly", is_same, false},
    [RF_SEARCH_IS_NOT] = {"IsNot", is_same, true},
    [RF_SEARCH_CONTAINS] = {"Contains", contains, false},
    [RF_SEARCH_DOES_NOT_CONTAIN] = {"DoesNotContain", contains, true},
    [RF_SEARCH_BEGINS_WITH] = {"BeginsWith", begins, false},
    [RF_SEARCH_IS_ONE_OF] = {"IsOneOf", is_same, false},
    [RF_SEARCH_GREATER_EQUAL] = {"GreaterEqual", is_at_least, false},
    [RF_SEARCH_LESS_EQUAL] = {"LessEqual", is_at_most, false},
    [RF_SEARCH_BETWEEN] = {"Between", is_at_least, false}, /* and at most */
};

bool rf_search_operator_find(rf_text name, rf_search_operator *out)
{
    for (size_t i = 0; i < RF_SEARCH_OPERATOR_COUNT; i++) {
        if (rf_text_is_name(name, rf_text_of(operations[i].name))) {
            *out = (rf_search_operator)i;
            return true;
        }
    }
    return false;
}

rf_search_value rf_search_value_of(rf_text text)
{
    rf_search_value value = {.text = text};
    value.is_number = rf_quantity_parse(text, &value.number, NULL) == RF_OK;
    return value;
}

/* ---- Conditions ---- */

/* Say whether a text of the product satisfies a condition, or, when that is
 * negative, the opposite of it. */
static bool is_satisfied(const rf_search_condition *condition, rf_text text)
{
    if (condition->relation == RF_SEARCH_BETWEEN) {
        return is_at_least(text, &condition->values[0]) &&
               is_at_most(text, &condition->values[1]);
    }
    const operation *asked = &operations[condition->relation];
    for (size_t i = 0; i < condition->value_count; i++) {
        if (asked->holds(text, &condition->values[i])) {
            return true;
        }
    }
    return false;
}

static bool is_meant(const rf_search_condition *condition,
                     const rf_attribute *attribute)
{
    return rf_text_is_name(attribute->name, condition->attribute) &&
           (condition->type_name.length == 0 ||
            rf_text_is_name(attribute->type_name, condition->type_name)) &&
           (!condition->has_area || attribute->area == condition->area);
}

static bool has_attribute(const rf_search_condition *condition,
                          const rf_product *product)
{
    for (size_t i = 0; i < product->attribute_count; i++) {
        const rf_attribute *attribute = &product->attributes[i];
        if (!is_meant(condition, attribute)) {
            continue;
        }
        for (size_t v = 0; v < attribute->value_count; v++) {
            if (is_satisfied(condition, attribute->values[v])) {
                return true;
            }
        }
    }
    return false;
}

static bool has_field(const rf_search_condition *condition,
                      const rf_product *product)
{
    rf_text text = product->fields[condition->field];
    return text.length > 0 && is_satisfied(condition, text);
}

static bool holds(const rf_search_condition *condition,
                  const rf_product *product)
{
    bool found = condition->is_of_attribute ? has_attribute(condition, product)
                                            : has_field(condition, product);
    return found != operations[condition->relation].is_negative;
}

/* NOLINTNEXTLINE(misc-no-recursion): bounded by RF_SEARCH_DEPTH_MAX */
bool rf_search_matches(const rf_search_filter *filter,
                       const rf_product *product)
{
    for (size_t i = 0; i < filter->condition_count; i++) {
        if (holds(&filter->conditions[i], product) == filter->any) {
            return filter->any;
        }
    }
    for (size_t i = 0; i < filter->filter_count; i++) {
        if (rf_search_matches(&filter->filters[i], product) == filter->any) {
            return filter->any;
        }
    }
    return !filter->any;
}
