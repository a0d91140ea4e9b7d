/*
 * api_search_read.c - filters, conditions and values of an expression.
 */
#include "server/api_search_read.h"

#include "server/api_product.h"

#include <stdio.h>

/* As long as the field of an error. */
#define PATH_BYTES 128

/* Words of operators are short. */
#define WORD_CHARACTERS_MAX 50

/* An expression being read. */
typedef struct reading {
    rf_call *call;
    bool of_attributes; /* the filter at hand */
    size_t conditions;  /* so far */
    size_t values;
} reading;

static rf_status fail_memory(rf_error *err)
{
    return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
}

/* Fail at a member of an object. */
static rf_status fail_at(rf_json_object object, const char *member,
                         rf_status status, const char *message, rf_error *err)
{
    rf_fail(err, status, "%s", message);
    return rf_json_at(object, rf_text_of(member), status, err);
}

/* Fail beyond a limit. */
static rf_status fail_limit(rf_json_object object, const char *member,
                            size_t max, const char *what, rf_error *err)
{
    rf_fail(err, RF_E_TOO_MANY_ITEMS, "at most %zu %s are allowed", max, what);
    return rf_json_at(object, rf_text_of(member), RF_E_TOO_MANY_ITEMS, err);
}

/* Refuse members that are none of a list, which ends with NULL. */
static rf_status check_members(rf_json_object object, const char *const *known,
                               rf_error *err)
{
    for (const rf_json *member = rf_json_first(object.value); member != NULL;
         member = rf_json_next(member)) {
        size_t i = 0;
        while (known[i] != NULL &&
               !rf_text_is_name(rf_json_name(member), rf_text_of(known[i]))) {
            i++;
        }
        if (known[i] == NULL) {
            return fail_at(object, rf_json_name(member).bytes,
                           RF_E_INVALID_FIELD, "there is no such member", err);
        }
    }
    return RF_OK;
}

/* Read a word that may have blanks round it. */
static rf_status read_word(rf_json_object object, const char *member,
                           rf_json_need need, rf_text *out, rf_error *err)
{
    rf_status status =
        rf_json_string(object, member, need, WORD_CHARACTERS_MAX, out, err);
    *out = rf_without_blanks(*out);
    return status;
}

/* ---- Conditions ---- */

static rf_status read_relation(rf_json_object object, rf_search_condition *out,
                               rf_error *err)
{
    static const char member[] = "conditionOperator";
    rf_text word = RF_TEXT_EMPTY;
    rf_status status = read_word(object, member, RF_JSON_REQUIRED, &word, err);
    if (status != RF_OK || rf_search_operator_find(word, &out->relation)) {
        return status;
    }
    return fail_at(object, member, RF_E_INVALID_FIELD,
                   "IsExactly, IsNot, Contains, DoesNotContain, BeginsWith, "
                   "IsOneOf, GreaterEqual, LessEqual or Between is expected",
                   err);
}

/* Say what is wrong with so many values. */
static rf_status check_count(const reading *read, rf_json_object object,
                             const char *member,
                             const rf_search_condition *condition,
                             rf_error *err)
{
    if (condition->value_count == 0) {
        return fail_at(object, member, RF_E_INVALID_FIELD, "a value is needed",
                       err);
    }
    if (condition->relation == RF_SEARCH_BETWEEN &&
        condition->value_count != 2) {
        return fail_at(object, member, RF_E_INVALID_FIELD,
                       "Between takes two values, from and to", err);
    }
    if (condition->value_count > RF_SEARCH_VALUES_MAX - read->values) {
        return fail_limit(object, member, RF_SEARCH_VALUES_MAX,
                          "values of all conditions together", err);
    }
    return RF_OK;
}

static rf_status read_values(reading *read, rf_json_object object,
                             const char *member, rf_search_condition *out,
                             rf_error *err)
{
    const rf_json *array = NULL;
    size_t max = out->is_of_attribute ? RF_ATTRIBUTE_VALUE_CHARACTERS_MAX
                                      : rf_product_characters_max(out->field);
    rf_status status = rf_json_child(object, member, RF_JSON_REQUIRED,
                                     RF_JSON_ARRAY, &array, err);
    if (status == RF_OK) {
        out->value_count = rf_json_length(array);
        status = check_count(read, object, member, out, err);
    }
    if (status != RF_OK) {
        return status;
    }
    rf_search_value *values =
        rf_call_alloc(read->call, out->value_count, sizeof *values);
    if (values == NULL) {
        return fail_memory(err);
    }
    size_t index = 0;
    for (const rf_json *value = rf_json_first(array); value != NULL;
         value = rf_json_next(value)) {
        rf_text text = RF_TEXT_EMPTY;
        status = rf_json_to_text(value, max, &text, err);
        if (status != RF_OK) {
            return rf_json_at(object, rf_text_of(member), status, err);
        }
        values[index++] = rf_search_value_of(text);
    }
    out->values = values;
    read->values += index;
    return RF_OK;
}

/* Find the one field of the record that a condition looks at. */
static rf_status find_field(rf_json_object object, const char **member,
                            rf_search_condition *out, rf_error *err)
{
    *member = NULL;
    for (const rf_json *value = rf_json_first(object.value); value != NULL;
         value = rf_json_next(value)) {
        const char *name = rf_json_name(value).bytes;
        if (rf_text_is_name(rf_text_of(name),
                            rf_text_of("conditionOperator"))) {
            continue;
        }
        if (!rf_product_field_find(rf_text_of(name), &out->field)) {
            return fail_at(object, name, RF_E_INVALID_FIELD,
                           "products have no such field", err);
        }
        if (*member != NULL) {
            return fail_at(object, name, RF_E_CONFLICTING_FIELDS,
                           "a condition looks at one field", err);
        }
        *member = name;
    }
    return *member != NULL
               ? RF_OK
               : fail_at(object, "", RF_E_MISSING_FIELD,
                         "a field such as productName is missing", err);
}

static rf_status read_product_condition(reading *read, rf_json_object object,
                                        rf_search_condition *out, rf_error *err)
{
    const char *member = NULL;
    rf_status status = find_field(object, &member, out, err);
    return status == RF_OK ? read_values(read, object, member, out, err)
                           : status;
}

static rf_status read_attribute_condition(reading *read, rf_json_object object,
                                          rf_search_condition *out,
                                          rf_error *err)
{
    static const char *const known[] = {
        "attributeName",   "attributeTypeName", "attributeArea",
        "attributeValues", "conditionOperator", NULL};
    out->is_of_attribute = true;
    out->type_name = RF_TEXT_EMPTY;
    rf_status status = check_members(object, known, err);
    if (status == RF_OK) {
        status = rf_json_string(object, "attributeName", RF_JSON_REQUIRED,
                                RF_ATTRIBUTE_NAME_CHARACTERS_MAX,
                                &out->attribute, err);
    }
    if (status == RF_OK) {
        status = rf_json_string(object, "attributeTypeName", RF_JSON_OPTIONAL,
                                RF_ATTRIBUTE_NAME_CHARACTERS_MAX,
                                &out->type_name, err);
    }
    if (status == RF_OK) {
        status = rf_read_area(object, &out->has_area, &out->area, err);
    }
    return status == RF_OK
               ? read_values(read, object, "attributeValues", out, err)
               : status;
}

static rf_status read_condition(reading *read, rf_json_object object,
                                rf_search_condition *out, rf_error *err)
{
    rf_status status = read_relation(object, out, err);
    if (status != RF_OK) {
        return status;
    }
    return read->of_attributes
               ? read_attribute_condition(read, object, out, err)
               : read_product_condition(read, object, out, err);
}

/* Say that an element of a list is no object. */
static rf_status check_element(rf_json_object element, rf_error *err)
{
    return rf_json_is(element.value, RF_JSON_OBJECT)
               ? RF_OK
               : rf_fail_field(err, RF_E_INVALID_FIELD, element.path,
                               "an object is expected");
}

static rf_status read_conditions(reading *read, rf_json_object object,
                                 rf_search_filter *out, rf_error *err)
{
    static const char member[] = "conditions";
    const rf_json *array = NULL;
    rf_status status = rf_json_child(object, member, RF_JSON_OPTIONAL,
                                     RF_JSON_ARRAY, &array, err);
    size_t count = array == NULL ? 0 : rf_json_length(array);
    if (status != RF_OK || count == 0) {
        return status;
    }
    read->conditions += count;
    if (read->conditions > RF_SEARCH_CONDITIONS_MAX) {
        return fail_limit(object, member, RF_SEARCH_CONDITIONS_MAX,
                          "conditions", err);
    }
    rf_search_condition *conditions =
        rf_call_alloc(read->call, count, sizeof *conditions);
    if (conditions == NULL) {
        return fail_memory(err);
    }
    for (const rf_json *value = rf_json_first(array);
         value != NULL && status == RF_OK; value = rf_json_next(value)) {
        char path[PATH_BYTES];
        size_t index = out->condition_count++;
        snprintf(path, sizeof path, "%s.%s[%zu]", object.path, member, index);
        rf_json_object element = {value, path};
        status = check_element(element, err);
        if (status == RF_OK) {
            status = read_condition(read, element, &conditions[index], err);
        }
    }
    out->conditions = conditions;
    return status;
}

/* ---- Filters ---- */

static rf_status read_logic(rf_json_object object, bool *any, rf_error *err)
{
    static const char member[] = "logicalOperator";
    rf_text word = RF_TEXT_EMPTY;
    rf_status status = read_word(object, member, RF_JSON_OPTIONAL, &word, err);
    *any = rf_text_is_name(word, rf_text_of("Or"));
    if (status != RF_OK || *any || word.length == 0 ||
        rf_text_is_name(word, rf_text_of("And"))) {
        return status;
    }
    return fail_at(object, member, RF_E_INVALID_FIELD, "And or Or is expected",
                   err);
}

static rf_status read_filter(reading *read, rf_json_object object, size_t depth,
                             rf_search_filter *out, rf_error *err);

/* NOLINTNEXTLINE(misc-no-recursion): bounded by RF_SEARCH_DEPTH_MAX */
static rf_status read_filters(reading *read, rf_json_object object,
                              size_t depth, rf_search_filter *out,
                              rf_error *err)
{
    static const char member[] = "subFilters";
    const rf_json *array = NULL;
    rf_status status = rf_json_child(object, member, RF_JSON_OPTIONAL,
                                     RF_JSON_ARRAY, &array, err);
    size_t count = array == NULL ? 0 : rf_json_length(array);
    if (status != RF_OK || count == 0) {
        return status;
    }
    if (depth == RF_SEARCH_DEPTH_MAX) {
        return fail_limit(object, member, RF_SEARCH_DEPTH_MAX,
                          "filters inside each other", err);
    }
    rf_search_filter *filters =
        rf_call_alloc(read->call, count, sizeof *filters);
    if (filters == NULL) {
        return fail_memory(err);
    }
    for (const rf_json *value = rf_json_first(array);
         value != NULL && status == RF_OK; value = rf_json_next(value)) {
        char path[PATH_BYTES];
        size_t index = out->filter_count++;
        snprintf(path, sizeof path, "%s.%s[%zu]", object.path, member, index);
        rf_json_object element = {value, path};
        status = check_element(element, err);
        if (status == RF_OK) {
            status =
                read_filter(read, element, depth + 1, &filters[index], err);
        }
    }
    out->filters = filters;
    return status;
}

/* A filter without conditions would find everything or nothing. */
/* NOLINTNEXTLINE(misc-no-recursion): bounded by RF_SEARCH_DEPTH_MAX */
static rf_status read_filter(reading *read, rf_json_object object, size_t depth,
                             rf_search_filter *out, rf_error *err)
{
    static const char *const known[] = {"logicalOperator", "conditions",
                                        "subFilters", NULL};
    rf_status status = check_members(object, known, err);
    if (status == RF_OK) {
        status = read_logic(object, &out->any, err);
    }
    if (status == RF_OK) {
        status = read_conditions(read, object, out, err);
    }
    if (status == RF_OK) {
        status = read_filters(read, object, depth, out, err);
    }
    return status == RF_OK && out->condition_count + out->filter_count == 0
               ? fail_at(object, "conditions", RF_E_MISSING_FIELD,
                         "a condition is needed", err)
               : status;
}

/* ---- The expression ---- */

/* Read one of the two filters, if it is there, behind those there are. */
static rf_status read_part(reading *read, rf_json_object object,
                           const char *member, rf_search_filter *filters,
                           size_t *count, rf_error *err)
{
    char path[PATH_BYTES];
    const rf_json *value = NULL;
    rf_status status = rf_json_child(object, member, RF_JSON_OPTIONAL,
                                     RF_JSON_OBJECT, &value, err);
    if (status != RF_OK || value == NULL) {
        return status;
    }
    snprintf(path, sizeof path, "%s.%s", object.path, member);
    return read_filter(read, (rf_json_object){value, path}, 1,
                       &filters[(*count)++], err);
}

/* Find the expression: in the body, or among its filters, where ids would be.
 */
static rf_status find_search(const rf_call *call, rf_json_object *out,
                             rf_error *err)
{
    static const char member[] = "productSearch";
    static const char inner[] = "filters.productSearch";
    rf_json_object body = {call->body, ""};
    rf_json_object filters = {rf_json_member(call->body, rf_text_of("filters")),
                              "filters"};
    const rf_json *first = NULL;
    const rf_json *second = NULL;
    rf_status status = rf_json_child(body, member, RF_JSON_OPTIONAL,
                                     RF_JSON_OBJECT, &first, err);
    if (status == RF_OK) {
        status = rf_json_child(filters, member, RF_JSON_OPTIONAL,
                               RF_JSON_OBJECT, &second, err);
    }
    if (status == RF_OK && first != NULL && second != NULL) {
        return rf_fail_field(err, RF_E_CONFLICTING_FIELDS, inner,
                             "productSearch is given twice");
    }
    if (status == RF_OK && first == NULL && second == NULL) {
        return rf_fail_field(err, RF_E_MISSING_FIELD, member,
                             "productSearch is missing");
    }
    *out = first != NULL ? (rf_json_object){first, member}
                         : (rf_json_object){second, inner};
    return status;
}

rf_status rf_search_read(rf_call *call, rf_search *out, rf_error *err)
{
    static const char *const known[] = {"productFilter", "attributeFilter",
                                        NULL};
    reading read = {.call = call};
    rf_json_object object = {NULL, ""};
    rf_search_filter *filters = rf_call_alloc(call, 2, sizeof *filters);
    if (filters == NULL) {
        return fail_memory(err);
    }
    size_t count = 0;
    rf_status status = find_search(call, &object, err);
    if (status == RF_OK) {
        status = check_members(object, known, err);
    }
    for (size_t i = 0; known[i] != NULL && status == RF_OK; i++) {
        read.of_attributes = i == 1;
        status = read_part(&read, object, known[i], filters, &count, err);
    }
    if (status == RF_OK && count == 0) {
        status = fail_at(object, "", RF_E_MISSING_FIELD,
                         "productFilter or attributeFilter is needed", err);
    }
    if (status == RF_OK) {
        *out = (rf_search){{.filters = filters, .filter_count = count},
                           read.values};
    }
    return status;
}
