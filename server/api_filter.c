/*
 * api_filter.c - filters, groups and flags of a query, however it was asked.
 */
#include "server/api_filter.h"

#include "server/api_command.h"
#include "server/api_filter_internal.h"
#include "server/api_time.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Texts ---- */

rf_status rf_filter__texts(rf_call *call, const rf_json *array,
                           size_t characters_max, rf_texts *out, rf_error *err)
{
    if (!rf_json_is(array, RF_JSON_ARRAY)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "an array is expected");
    }
    rf_text *texts =
        rf_call_alloc(call, rf_json_length(array) + 1, sizeof *texts);
    if (texts == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
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
    *out = (rf_texts){texts, read};
    return RF_OK;
}

static int compare_texts(const void *a, const void *b)
{
    return rf_text_compare(*(const rf_text *)a, *(const rf_text *)b);
}

/* Sort texts and keep each of them once, so that no row is told twice. */
static size_t sort_once(rf_texts texts)
{
    size_t kept = 0;
    qsort(texts.items, texts.count, sizeof *texts.items, compare_texts);
    for (size_t i = 0; i < texts.count; i++) {
        if (kept == 0 ||
            !rf_text_equal(texts.items[i], texts.items[kept - 1])) {
            texts.items[kept++] = texts.items[i];
        }
    }
    return kept;
}

/* ---- Filters and groups ---- */

rf_status rf_filter__fail(const rf_stock_query *query, rf_status status,
                          const char *name, const char *message, rf_error *err)
{
    char field[64];
    snprintf(field, sizeof field, "%s%s", query->path, name);
    return rf_fail_field(err, status, field, "%s", message);
}

rf_status rf_filter__coordinate(const rf_call *call, const rf_source *source,
                                rf_text name, unsigned *out, rf_error *err)
{
    int coordinate = rf_catalog_dimension(rf_call_catalog(call), source, name);
    if (coordinate < 0) {
        return rf_fail(err, RF_E_UNKNOWN_DIMENSION,
                       "there is no dimension %.*s", RF_SHOWN(name));
    }
    *out = (unsigned)coordinate;
    return RF_OK;
}

rf_status rf_filter__organizations(rf_stock_query *out, rf_texts texts,
                                   rf_error *err)
{
    out->query.organization_count = sort_once(texts);
    out->query.organizations = texts.items;
    if (!out->second && out->query.organization_count > 1) {
        return rf_fail(err, RF_E_TOO_MANY_ORGANIZATIONS,
                       "Api-Version 1.0 takes one organization");
    }
    return RF_OK;
}

rf_status rf_filter__products(const rf_call *call, rf_stock_query *out,
                              rf_texts texts, rf_error *err)
{
    size_t max = (size_t)call->thread->api->options.options->query_products;
    if (out->searches && texts.count > 0) {
        return rf_fail(err, RF_E_INVALID_FIELD,
                       "productSearch takes the place of ids here");
    }
    if (texts.count > max) {
        return rf_fail(err, RF_E_TOO_MANY_ITEMS,
                       "at most %zu products are allowed", max);
    }
    out->query.products = texts.items;
    out->query.product_count = texts.count;
    return RF_OK;
}

bool rf_filter__is_search(const rf_stock_query *query, rf_text name)
{
    return query->searches &&
           rf_text_is_name(name, rf_text_of("productSearch"));
}

bool rf_filter__is_filtered(const rf_stock_query *query, unsigned coordinate)
{
    for (size_t i = 0; i < query->query.filter_count; i++) {
        if (query->filters[i].coordinate == coordinate) {
            return true;
        }
    }
    return false;
}

rf_status rf_filter__values(const rf_call *call, const rf_source *source,
                            rf_text name, rf_texts texts, rf_stock_query *out,
                            rf_error *err)
{
    unsigned coordinate = 0;
    rf_status status =
        rf_filter__coordinate(call, source, name, &coordinate, err);
    if (status != RF_OK || texts.count == 0) {
        return status; /* an empty list is no filter, as in the hosted service
                        */
    }
    if (rf_filter__is_filtered(out, coordinate)) {
        return rf_fail(err, RF_E_DUPLICATE_DIMENSION,
                       "%.*s is filtered under two names", RF_SHOWN(name));
    }
    out->query.filters = out->filters;
    out->filters[out->query.filter_count++] =
        (rf_filter){coordinate, texts.items, texts.count};
    return RF_OK;
}

rf_status rf_filter__groups(const rf_call *call, const rf_source *source,
                            rf_texts names, rf_stock_query *out, rf_error *err)
{
    rf_status status = RF_OK;
    for (size_t i = 0; i < names.count && status == RF_OK; i++) {
        unsigned coordinate = 0;
        status = rf_filter__coordinate(call, source, names.items[i],
                                       &coordinate, err);
        out->query.group_by |= RF_BIT(coordinate);
    }
    return status;
}

/* ---- What is neither filter nor group ---- */

bool rf_filter__is_flag(rf_text name)
{
    static const char *const names[] = {"returnNegative", "dimensionDataSource",
                                        "QueryATP", "ATPFromDate", "ATPToDate"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (rf_text_is_name(name, rf_text_of(names[i]))) {
            return true;
        }
    }
    return false;
}

static rf_status read_body_flags(rf_json_object body, rf_stock_query *out,
                                 rf_error *err)
{
    rf_promise_request *promise = &out->promise;
    rf_status status = rf_json_bool(body, "returnNegative", RF_JSON_OPTIONAL,
                                    &out->negative, err);
    if (status == RF_OK) {
        status = rf_json_bool(body, "QueryATP", RF_JSON_OPTIONAL,
                              &promise->wanted, err);
    }
    if (status == RF_OK) {
        status = rf_json_string(body, "ATPFromDate", RF_JSON_OPTIONAL,
                                RF_TIME_CHARACTERS_MAX, &promise->from, err);
    }
    return status == RF_OK
               ? rf_json_string(body, "ATPToDate", RF_JSON_OPTIONAL,
                                RF_TIME_CHARACTERS_MAX, &promise->to, err)
               : status;
}

rf_status rf_filter__url_flags(const rf_call *call, rf_stock_query *out,
                               rf_error *err)
{
    rf_promise_request *promise = &out->promise;
    rf_status status =
        rf_call_flag(call, "returnNegative", &out->negative, err);
    promise->from =
        rf_url_query_value(&call->query, rf_text_of("ATPFromDate"), NULL);
    promise->to =
        rf_url_query_value(&call->query, rf_text_of("ATPToDate"), NULL);
    return status == RF_OK
               ? rf_call_flag(call, "QueryATP", &promise->wanted, err)
               : status;
}

/* ---- Bodies ---- */

/* Clients of the preview put the data source among the filters, in an array of
 * one. */
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

/* Any other version, and none, is answered as 1.0. */
static bool is_second_version(rf_text version)
{
    return rf_text_equal(version, rf_text_of("2.0")) ||
           rf_text_equal(version, rf_text_of("2"));
}

rf_status rf_filter__open(rf_call *call, rf_filter_body *body,
                          rf_stock_query *out, rf_error *err)
{
    const rf_catalog *catalog = rf_call_catalog(call);
    const rf_json *value = NULL;
    out->path = "filters.";
    out->second = is_second_version(call->exchange->request.api_version);
    if (!rf_json_is(call->body, RF_JSON_OBJECT)) {
        return rf_fail(err, RF_E_INVALID_FIELD, "an object is expected");
    }
    *body = (rf_filter_body){.body = {call->body, ""}};
    rf_status status =
        rf_read_dimension_source(catalog, body->body, &body->source, err);
    if (status == RF_OK) {
        status = rf_json_child(body->body, "filters", RF_JSON_REQUIRED,
                               RF_JSON_OBJECT, &value, err);
    }
    body->filters = (rf_json_object){value, "filters"};
    return status == RF_OK
               ? read_preview_source(catalog, body->filters, &body->source, err)
               : status;
}

static rf_status read_groups(rf_call *call, const rf_filter_body *body,
                             rf_stock_query *out, rf_error *err)
{
    const rf_json *array = NULL;
    rf_texts names = {0};
    rf_status status =
        rf_json_child(body->body, "groupByValues", RF_JSON_OPTIONAL,
                      RF_JSON_ARRAY, &array, err);
    if (status != RF_OK || array == NULL) {
        return status;
    }
    status =
        rf_filter__texts(call, array, RF_SOURCE_CHARACTERS_MAX, &names, err);
    if (status == RF_OK) {
        status = rf_filter__groups(call, body->source, names, out, err);
    }
    return rf_json_at(body->body, rf_text_of("groupByValues"), status, err);
}

rf_status rf_filter__close(rf_call *call, const rf_filter_body *body,
                           rf_stock_query *out, rf_error *err)
{
    rf_status status = read_groups(call, body, out, err);
    return status == RF_OK ? read_body_flags(body->body, out, err) : status;
}

/* ---- What is legal ---- */

/* Without a product only a place bounds what has to be read. */
static rf_status check_reach(const rf_catalog *catalog, bool placed,
                             const rf_stock_query *query, rf_error *err)
{
    if (query->searches || query->query.product_count > 0) {
        return RF_OK;
    }
    if (catalog->by_product) {
        return rf_filter__fail(query, RF_E_MISSING_PRODUCT, "productId",
                               "a product is needed", err);
    }
    return placed ? RF_OK
                  : rf_filter__fail(query, RF_E_MISSING_PRODUCT, "productId",
                                    "a product, a site or a location is needed",
                                    err);
}

rf_status rf_filter__check(const rf_call *call, bool placed,
                           rf_stock_query *out, rf_error *err)
{
    const rf_catalog *catalog = rf_call_catalog(call);
    if (!catalog->has_index) {
        return rf_fail(err, RF_E_NO_INDEX, "No index hierarchy has been set.");
    }
    if (!catalog->by_product) {
        out->query.group_by |= RF_LEVEL_PLACE;
    }
    rf_status status = check_reach(catalog, placed, out, err);
    return status == RF_OK && out->promise.wanted
               ? rf_promise_check(catalog, &out->query, err)
               : status;
}
