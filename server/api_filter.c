/*
 * api_filter.c - filters, groups and pages of an index query.
 */
#include "server/api_filter.h"

#include "server/api_command.h"

#include <stdlib.h>
#include <string.h>

/* Larger numbers of pages or warehouses are slips. */
#define PAGE_MAX 1000000000

/* Longer than any date is written. */
#define DATE_CHARACTERS_MAX 100

static rf_status fail_memory(rf_error *err)
{
    return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
}

/* Read an array of texts. The error's field is left empty. */
static rf_status read_texts(rf_call *call, const rf_json *array,
                            size_t characters_max, rf_text **out, size_t *count,
                            rf_error *err)
{
    if (!rf_json_is(array, RF_JSON_ARRAY)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "an array is expected");
    }
    rf_text *texts =
        rf_call_alloc(call, rf_json_length(array) + 1, sizeof *texts);
    if (texts == NULL) {
        return fail_memory(err);
    }
    size_t read = 0;
    for (const rf_json *value = rf_json_first(array); value != NULL;
         value = rf_json_next(value)) {
        rf_status status =
            rf_json_to_string(value, characters_max, &texts[read++], err);
        if (status != RF_OK) {
            return status;
        }
    }
    *out = texts;
    *count = read;
    return RF_OK;
}

/* ---- The data source of the names ---- */

/* Clients of the preview put it among the filters, in an array of one. */
static rf_status read_preview_source(const rf_catalog *catalog,
                                     rf_json_object filters,
                                     const rf_source **source, rf_error *err)
{
    rf_text name = rf_text_of("dimensionDataSource");
    const rf_json *array = rf_json_member(filters.value, name);
    if (array == NULL || rf_json_is(array, RF_JSON_NULL)) {
        return RF_OK;
    }
    const rf_json *only =
        rf_json_is(array, RF_JSON_ARRAY) ? rf_json_first(array) : NULL;
    if (!rf_json_is(only, RF_JSON_STRING) || rf_json_next(only) != NULL) {
        rf_fail(err, RF_E_INVALID_FIELD, "an array of one text is expected");
        return rf_json_at(filters, name, RF_E_INVALID_FIELD, err);
    }
    const rf_source *found = rf_catalog_source(catalog, rf_json_text(only));
    if (found == NULL) {
        rf_fail(err, RF_E_UNKNOWN_DATA_SOURCE, "there is no such data source");
        return rf_json_at(filters, name, RF_E_UNKNOWN_DATA_SOURCE, err);
    }
    if (*source != NULL && *source != found) {
        rf_fail(err, RF_E_CONFLICTING_FIELDS,
                "two data sources are named for the dimensions");
        return rf_json_at(filters, name, RF_E_CONFLICTING_FIELDS, err);
    }
    *source = found;
    return RF_OK;
}

/* ---- Filters ---- */

static bool is_name(rf_text name, const char *word)
{
    return rf_text_is_name(name, rf_text_of(word));
}

static int compare_texts(const void *a, const void *b)
{
    return rf_text_compare(*(const rf_text *)a, *(const rf_text *)b);
}

/* Sort texts and keep each of them once, so that no row is told twice. */
static size_t sort_once(rf_text *texts, size_t count)
{
    size_t kept = 0;
    qsort(texts, count, sizeof *texts, compare_texts);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !rf_text_equal(texts[i], texts[kept - 1])) {
            texts[kept++] = texts[i];
        }
    }
    return kept;
}

static rf_status read_organizations(rf_call *call, const rf_json *member,
                                    rf_index_query *out, rf_error *err)
{
    rf_query *query = &out->query;
    rf_text *texts = NULL;
    size_t count = 0;
    rf_status status = read_texts(call, member, RF_ORGANIZATION_CHARACTERS_MAX,
                                  &texts, &count, err);
    if (status != RF_OK) {
        return status;
    }
    query->organization_count = sort_once(texts, count);
    query->organizations = texts;
    if (!out->second && query->organization_count > 1) {
        return rf_fail(err, RF_E_TOO_MANY_ORGANIZATIONS,
                       "Api-Version 1.0 takes one organization");
    }
    return status;
}

static rf_status read_products(rf_call *call, const rf_json *member,
                               rf_index_query *out, rf_error *err)
{
    size_t max = (size_t)call->thread->api->options.options->query_products;
    rf_query *query = &out->query;
    rf_text *texts = NULL;
    rf_status status = read_texts(call, member, RF_PRODUCT_CHARACTERS_MAX,
                                  &texts, &query->product_count, err);
    query->products = texts;
    if (status == RF_OK && query->product_count > max) {
        return rf_fail(err, RF_E_TOO_MANY_ITEMS,
                       "at most %zu products are allowed", max);
    }
    return status;
}

/* Say whether a coordinate has a filter already. */
static bool is_filtered(const rf_index_query *out, unsigned coordinate)
{
    for (size_t i = 0; i < out->query.filter_count; i++) {
        if (out->filters[i].coordinate == coordinate) {
            return true;
        }
    }
    return false;
}

/* An empty list of values is no filter, as in the hosted service. */
static rf_status read_dimension(rf_call *call, const rf_source *source,
                                const rf_json *member, rf_index_query *out,
                                rf_error *err)
{
    rf_text name = rf_json_name(member);
    int coordinate = rf_catalog_dimension(rf_call_catalog(call), source, name);
    if (coordinate < 0) {
        return rf_fail(err, RF_E_UNKNOWN_DIMENSION,
                       "there is no dimension %.*s", RF_SHOWN(name));
    }
    rf_filter filter = {.coordinate = (unsigned)coordinate};
    rf_text *values = NULL;
    rf_status status = read_texts(call, member, RF_VALUE_CHARACTERS_MAX,
                                  &values, &filter.count, err);
    filter.values = values;
    if (status != RF_OK || filter.count == 0) {
        return status;
    }
    if (is_filtered(out, filter.coordinate)) {
        return rf_fail(err, RF_E_DUPLICATE_DIMENSION,
                       "%.*s is filtered under two names", RF_SHOWN(name));
    }
    out->filters[out->query.filter_count++] = filter;
    return RF_OK;
}

/* A filter that is null is one that is left out. */
static rf_status read_filter(rf_call *call, const rf_source *source,
                             const rf_json *member, rf_index_query *out,
                             rf_error *err)
{
    rf_text name = rf_json_name(member);
    if (rf_json_is(member, RF_JSON_NULL) ||
        is_name(name, "dimensionDataSource")) {
        return RF_OK;
    }
    if (is_name(name, "organizationId")) {
        return read_organizations(call, member, out, err);
    }
    if (is_name(name, "productId")) {
        return read_products(call, member, out, err);
    }
    return read_dimension(call, source, member, out, err);
}

static rf_status read_filters(rf_call *call, rf_json_object filters,
                              const rf_source *source, rf_index_query *out,
                              rf_error *err)
{
    out->query.filters = out->filters;
    for (const rf_json *member = rf_json_first(filters.value); member != NULL;
         member = rf_json_next(member)) {
        rf_status status = read_filter(call, source, member, out, err);
        if (status != RF_OK) {
            return rf_json_at(filters, rf_json_name(member), status, err);
        }
    }
    if (out->query.organization_count == 0) {
        return rf_fail_field(err, RF_E_MISSING_FIELD, "filters.organizationId",
                             "an organization is needed");
    }
    return RF_OK;
}

/* ---- Groups, flags, pages ---- */

static rf_status read_groups(rf_call *call, rf_json_object body,
                             const rf_source *source, rf_level *out,
                             rf_error *err)
{
    const rf_json *array = NULL;
    rf_text *names = NULL;
    size_t count = 0;
    rf_text member = rf_text_of("groupByValues");
    rf_status status = rf_json_child(body, "groupByValues", RF_JSON_OPTIONAL,
                                     RF_JSON_ARRAY, &array, err);
    if (status != RF_OK || array == NULL) {
        return status;
    }
    status =
        read_texts(call, array, RF_SOURCE_CHARACTERS_MAX, &names, &count, err);
    for (size_t i = 0; i < count && status == RF_OK; i++) {
        int coordinate =
            rf_catalog_dimension(rf_call_catalog(call), source, names[i]);
        if (coordinate < 0) {
            status = rf_fail(err, RF_E_UNKNOWN_DIMENSION,
                             "there is no dimension %.*s", RF_SHOWN(names[i]));
        } else {
            *out |= RF_BIT(coordinate);
        }
    }
    return rf_json_at(body, member, status, err);
}

static rf_status read_flags(rf_json_object body, rf_index_query *out,
                            rf_error *err)
{
    rf_promise_request *promise = &out->promise;
    rf_status status = rf_json_bool(body, "returnNegative", RF_JSON_OPTIONAL,
                                    &out->negative, err);
    promise->from = RF_TEXT_EMPTY;
    promise->to = RF_TEXT_EMPTY;
    if (status == RF_OK) {
        status = rf_json_bool(body, "QueryATP", RF_JSON_OPTIONAL,
                              &promise->wanted, err);
    }
    if (status == RF_OK) {
        status = rf_json_string(body, "ATPFromDate", RF_JSON_OPTIONAL,
                                DATE_CHARACTERS_MAX, &promise->from, err);
    }
    return status == RF_OK
               ? rf_json_string(body, "ATPToDate", RF_JSON_OPTIONAL,
                                DATE_CHARACTERS_MAX, &promise->to, err)
               : status;
}

static rf_status read_page(const rf_call *call, rf_index_query *out,
                           rf_error *err)
{
    if (!out->second) {
        return RF_OK;
    }
    out->page_number = 1;
    rf_status status = rf_call_integer(call, "pageNumber", 1, PAGE_MAX,
                                       &out->page_number, err);
    return status == RF_OK ? rf_call_integer(call, "pageSize", 1, PAGE_MAX,
                                             &out->page_size, err)
                           : status;
}

/* ---- What is legal ---- */

/* Without a product only a place bounds what has to be read. */
static rf_status check_reach(const rf_catalog *catalog,
                             const rf_index_query *query, rf_error *err)
{
    if (!catalog->has_index) {
        return rf_fail(err, RF_E_NO_INDEX, "No index hierarchy has been set.");
    }
    if (query->query.product_count > 0) {
        return RF_OK;
    }
    if (catalog->by_product) {
        return rf_fail_field(err, RF_E_MISSING_PRODUCT, "filters.productId",
                             "a product is needed");
    }
    return is_filtered(query, RF_SITE) || is_filtered(query, RF_LOCATION)
               ? RF_OK
               : rf_fail_field(err, RF_E_MISSING_PRODUCT, "filters.productId",
                               "a product, a site or a location is needed");
}

/* Any other version, and none, is answered as 1.0. */
static bool is_second_version(rf_text version)
{
    return rf_text_equal(version, rf_text_of("2.0")) ||
           rf_text_equal(version, rf_text_of("2"));
}

static rf_status read_members(rf_call *call, rf_json_object body,
                              rf_index_query *out, rf_error *err)
{
    const rf_catalog *catalog = rf_call_catalog(call);
    const rf_source *source = NULL;
    const rf_json *value = NULL;
    rf_status status = rf_read_dimension_source(catalog, body, &source, err);
    if (status == RF_OK) {
        status = rf_json_child(body, "filters", RF_JSON_REQUIRED,
                               RF_JSON_OBJECT, &value, err);
    }
    rf_json_object filters = {value, "filters"};
    if (status == RF_OK) {
        status = read_preview_source(catalog, filters, &source, err);
    }
    if (status == RF_OK) {
        status = read_filters(call, filters, source, out, err);
    }
    return status == RF_OK
               ? read_groups(call, body, source, &out->query.group_by, err)
               : status;
}

rf_status rf_index_query_read(rf_call *call, rf_index_query *out, rf_error *err)
{
    rf_json_object body = {call->body, ""};
    if (!rf_json_is(call->body, RF_JSON_OBJECT)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "an object is expected");
    }
    memset(out, 0, sizeof *out);
    out->second = is_second_version(call->exchange->request.api_version);
    rf_status status = read_members(call, body, out, err);
    if (status == RF_OK) {
        status = read_flags(body, out, err);
    }
    if (status == RF_OK) {
        status = read_page(call, out, err);
    }
    if (status == RF_OK && !rf_call_catalog(call)->by_product) {
        out->query.group_by |= RF_LEVEL_PLACE;
    }
    if (status == RF_OK) {
        status = check_reach(rf_call_catalog(call), out, err);
    }
    return status == RF_OK && out->promise.wanted
               ? rf_promise_check(rf_call_catalog(call), &out->query, err)
               : status;
}
