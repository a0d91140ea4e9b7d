/*
 * api_filter_exact.c - reading an exact query: names, and tuples of values.
 *
 * The names may stand in any order. Inside, the values of a tuple stand in the
 * order of their coordinates behind the organization; in 1.0 that is the same
 * for all of them.
 */
#include "server/api_command.h"
#include "server/api_filter_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* What the values at each position of a tuple are. */
typedef struct columns {
    size_t place[RF_DIMENSION_COUNT + 1]; /* in rf_tuple, 0: organization */
    size_t count;
    bool has_organization;
} columns;

/* An organization in a tuple is read as the values beside it are. */
_Static_assert(RF_ORGANIZATION_CHARACTERS_MAX == RF_VALUE_CHARACTERS_MAX,
               "organizations and values are equally long");

static bool is_name(rf_text name, const char *word)
{
    return rf_text_is_name(name, rf_text_of(word));
}

static const char *name_of_names(const rf_stock_query *out)
{
    return out->second ? "keys" : "dimensions";
}

/* ---- What stands among the filters ---- */

/* A filter that would have no effect shows too much, so it is refused. */
static rf_status check_member(const rf_stock_query *out, const rf_json *member,
                              rf_error *err)
{
    rf_text name = rf_json_name(member);
    bool known = is_name(name, "productId") || is_name(name, "values") ||
                 is_name(name, "dimensionDataSource") ||
                 is_name(name, name_of_names(out)) ||
                 rf_filter__is_search(out, name) ||
                 (!out->second && is_name(name, "organizationId"));
    if (known || rf_json_is(member, RF_JSON_NULL)) {
        return RF_OK;
    }
    return rf_fail(
        err, RF_E_INVALID_FIELD,
        "an exact query of Api-Version %s has %s%s, %s and values",
        out->second ? "2.0" : "1.0", out->second ? "" : "organizationId, ",
        out->searches ? "productSearch" : "productId", name_of_names(out));
}

static rf_status check_members(const rf_filter_body *body,
                               const rf_stock_query *out, rf_error *err)
{
    for (const rf_json *member = rf_json_first(body->filters.value);
         member != NULL; member = rf_json_next(member)) {
        rf_status status = check_member(out, member, err);
        if (status != RF_OK) {
            return rf_json_at(body->filters, rf_json_name(member), status, err);
        }
    }
    return RF_OK;
}

/* Read an optional list of texts. */
static rf_status read_list(rf_call *call, rf_json_object filters,
                           const char *name, size_t characters_max,
                           rf_texts *out, rf_error *err)
{
    const rf_json *array = NULL;
    rf_status status = rf_json_child(filters, name, RF_JSON_OPTIONAL,
                                     RF_JSON_ARRAY, &array, err);
    if (status != RF_OK || array == NULL) {
        return status;
    }
    status = rf_filter__texts(call, array, characters_max, out, err);
    return rf_json_at(filters, rf_text_of(name), status, err);
}

static rf_status read_organization(rf_call *call, rf_json_object filters,
                                   rf_stock_query *out, rf_error *err)
{
    rf_texts texts = {0};
    rf_text name = rf_text_of("organizationId");
    if (out->second) {
        return RF_OK; /* each tuple has its own */
    }
    rf_status status = read_list(call, filters, "organizationId",
                                 RF_ORGANIZATION_CHARACTERS_MAX, &texts, err);
    if (status == RF_OK && texts.count == 0) {
        return rf_filter__fail(out, RF_E_MISSING_FIELD, "organizationId",
                               "an organization is needed", err);
    }
    return status == RF_OK
               ? rf_json_at(filters, name,
                            rf_filter__organizations(out, texts, err), err)
               : status;
}

static rf_status read_products(rf_call *call, rf_json_object filters,
                               rf_stock_query *out, rf_error *err)
{
    rf_texts texts = {0};
    rf_status status = read_list(call, filters, "productId",
                                 RF_PRODUCT_CHARACTERS_MAX, &texts, err);
    return status == RF_OK
               ? rf_json_at(filters, rf_text_of("productId"),
                            rf_filter__products(call, out, texts, err), err)
               : status;
}

/* ---- Names ---- */

static rf_status add_name(const rf_call *call, const rf_source *source,
                          rf_text name, columns *list, rf_stock_query *out,
                          rf_error *err)
{
    unsigned coordinate = 0;
    bool is_organization = out->second && is_name(name, "organizationId");
    rf_status status =
        is_organization
            ? RF_OK
            : rf_filter__coordinate(call, source, name, &coordinate, err);
    if (status != RF_OK) {
        return status;
    }
    if (is_organization ? list->has_organization
                        : (out->named & RF_BIT(coordinate)) != 0) {
        return rf_fail(err, RF_E_DUPLICATE_DIMENSION, "%.*s is named twice",
                       RF_SHOWN(name));
    }
    if (is_organization) {
        list->has_organization = true;
    } else {
        out->named |= RF_BIT(coordinate);
    }
    list->place[list->count++] = is_organization ? 0 : coordinate + 1;
    return RF_OK;
}

/* Now that all coordinates are known, so are their places. */
static void place_columns(columns *list, rf_level named)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->place[i] > 0) {
            rf_level bit = RF_BIT(list->place[i] - 1);
            list->place[i] = rf_level_size(named & (bit - 1)) + 1;
        }
    }
}

static rf_status check_names(const rf_call *call, const columns *list,
                             const rf_stock_query *out, rf_error *err)
{
    if (out->second && !list->has_organization) {
        return rf_fail(err, RF_E_MISSING_FIELD,
                       "organizationId must be among the keys");
    }
    return rf_call_catalog(call)->by_product ||
                   rf_level_covers(out->named, RF_LEVEL_PLACE)
               ? RF_OK
               : rf_fail(err, RF_E_PARTITION_NEEDED,
                         "siteId and locationId must be named where stock is "
                         "partitioned by them");
}

static rf_status read_names(rf_call *call, const rf_filter_body *body,
                            columns *list, rf_stock_query *out, rf_error *err)
{
    const char *member = name_of_names(out);
    const rf_json *array = NULL;
    rf_texts names = {0};
    rf_status status = rf_json_child(body->filters, member, RF_JSON_REQUIRED,
                                     RF_JSON_ARRAY, &array, err);
    if (status != RF_OK) {
        return status;
    }
    status =
        rf_filter__texts(call, array, RF_SOURCE_CHARACTERS_MAX, &names, err);
    for (size_t i = 0; i < names.count && status == RF_OK; i++) {
        status = add_name(call, body->source, names.items[i], list, out, err);
    }
    if (status == RF_OK) {
        status = check_names(call, list, out, err);
    }
    place_columns(list, out->named);
    return rf_json_at(body->filters, rf_text_of(member), status, err);
}

/* ---- Tuples ---- */

static rf_status read_tuple(const columns *list, const rf_json *array,
                            rf_text *texts, rf_error *err)
{
    if (!rf_json_is(array, RF_JSON_ARRAY)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "an array is expected");
    }
    if (rf_json_length(array) != list->count) {
        return rf_fail(err, RF_E_TUPLE_LENGTH,
                       "%zu names are followed by %zu values", list->count,
                       rf_json_length(array));
    }
    const rf_json *value = rf_json_first(array);
    for (size_t i = 0; i < list->count; i++, value = rf_json_next(value)) {
        rf_status status = rf_json_to_string(value, RF_VALUE_CHARACTERS_MAX,
                                             &texts[list->place[i]], err);
        if (status != RF_OK) {
            return status;
        }
    }
    return RF_OK;
}

static int compare_tuples(const void *a, const void *b)
{
    const rf_tuple *left = a;
    const rf_tuple *right = b;
    int order = 0;
    for (size_t i = 0; i < left->count && order == 0; i++) {
        order = rf_text_compare(left->texts[i], right->texts[i]);
    }
    return order;
}

/* The same tuple twice is told once. */
static size_t sort_once(rf_tuple *tuples, size_t count)
{
    size_t kept = 0;
    qsort(tuples, count, sizeof *tuples, compare_tuples);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || compare_tuples(&tuples[i], &tuples[kept - 1]) != 0) {
            tuples[kept++] = tuples[i];
        }
    }
    return kept;
}

/* The organizations of the query are those of its tuples. */
static rf_status take_organizations(rf_call *call, rf_stock_query *out,
                                    rf_error *err)
{
    rf_texts texts = {
        rf_call_alloc(call, out->tuple_count + 1, sizeof *texts.items),
        out->tuple_count};
    if (texts.items == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < texts.count; i++) {
        texts.items[i] = out->tuples[i].texts[0];
    }
    return rf_filter__organizations(out, texts, err);
}

static rf_status read_tuples(rf_call *call, rf_json_object filters,
                             const columns *list, rf_stock_query *out,
                             rf_error *err)
{
    const rf_json *array = rf_json_member(filters.value, rf_text_of("values"));
    size_t count = rf_json_length(array);
    size_t width = rf_level_size(out->named) + 1;
    rf_tuple *tuples = rf_call_alloc(call, count + 1, sizeof *tuples);
    rf_text *texts = rf_call_alloc(call, (count + 1) * width, sizeof *texts);
    if (tuples == NULL || texts == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    const rf_json *values = rf_json_first(array);
    for (size_t i = 0; i < count; i++, values = rf_json_next(values)) {
        tuples[i] = (rf_tuple){texts, width};
        if (!out->second) {
            texts[0] = out->query.organizations[0];
        }
        rf_status status = read_tuple(list, values, texts, err);
        if (status != RF_OK) {
            char name[32];
            snprintf(name, sizeof name, "values[%zu]", i);
            return rf_json_at(filters, rf_text_of(name), status, err);
        }
        texts += width;
    }
    out->tuples = tuples;
    out->tuple_count = sort_once(tuples, count);
    return take_organizations(call, out, err);
}

static rf_status read_values(rf_call *call, rf_json_object filters,
                             const columns *list, rf_stock_query *out,
                             rf_error *err)
{
    const rf_json *array = NULL;
    rf_status status = rf_json_child(filters, "values", RF_JSON_REQUIRED,
                                     RF_JSON_ARRAY, &array, err);
    if (status != RF_OK) {
        return status;
    }
    if (rf_json_length(array) > RF_QUERY_TUPLES_MAX) {
        return rf_fail_field(err, RF_E_TOO_MANY_ITEMS, "filters.values",
                             "at most %d combinations are allowed",
                             RF_QUERY_TUPLES_MAX);
    }
    return read_tuples(call, filters, list, out, err);
}

/* Pages of rows are not for exact queries; who asks for one must not take the
 * whole for it. */
static rf_status refuse_page(const rf_call *call, rf_error *err)
{
    static const char *const names[] = {"limit", "after"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bool found = false;
        (void)rf_url_query_value(&call->query, rf_text_of(names[i]), &found);
        if (found) {
            return rf_fail_field(err, RF_E_INVALID_FIELD, names[i],
                                 "an exact query has no pages");
        }
    }
    return RF_OK;
}

static rf_status read_filters(rf_call *call, const rf_filter_body *body,
                              rf_stock_query *out, rf_error *err)
{
    columns list = {0};
    rf_status status = check_members(body, out, err);
    if (status == RF_OK) {
        status = read_organization(call, body->filters, out, err);
    }
    if (status == RF_OK) {
        status = read_products(call, body->filters, out, err);
    }
    if (status == RF_OK) {
        status = read_names(call, body, &list, out, err);
    }
    return status == RF_OK ? read_values(call, body->filters, &list, out, err)
                           : status;
}

rf_status rf_exact_query_read(rf_call *call, rf_stock_query *out, rf_error *err)
{
    rf_filter_body body;
    rf_status status = rf_filter__open(call, &body, out, err);
    out->exact = true;
    if (status == RF_OK) {
        status = refuse_page(call, err);
    }
    if (status == RF_OK) {
        status = read_filters(call, &body, out, err);
    }
    if (status == RF_OK) {
        status = rf_filter__close(call, &body, out, err);
    }
    out->query.group_by |= out->named;
    return status == RF_OK ? rf_filter__check(call, true, out, err) : status;
}
