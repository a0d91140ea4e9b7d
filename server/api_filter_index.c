/*
 * api_filter_index.c - reading an index query: lists of values, and pages.
 */
#include "server/api_command.h"
#include "server/api_filter_internal.h"

/* Larger numbers of pages or warehouses are slips. */
#define PAGE_MAX 1000000000

/* Most rows of a page that is counted in rows. */
#define LIMIT_MAX 10000

static bool is_name(rf_text name, const char *word)
{
    return rf_text_is_name(name, rf_text_of(word));
}

static rf_status read_organizations(rf_call *call, const rf_json *member,
                                    rf_stock_query *out, rf_error *err)
{
    rf_texts texts = {0};
    rf_status status = rf_filter__texts(
        call, member, RF_ORGANIZATION_CHARACTERS_MAX, &texts, err);
    return status == RF_OK ? rf_filter__organizations(out, texts, err) : status;
}

static rf_status read_products(rf_call *call, const rf_json *member,
                               rf_stock_query *out, rf_error *err)
{
    rf_texts texts = {0};
    rf_status status =
        rf_filter__texts(call, member, RF_PRODUCT_CHARACTERS_MAX, &texts, err);
    return status == RF_OK ? rf_filter__products(call, out, texts, err)
                           : status;
}

static rf_status read_values(rf_call *call, const rf_source *source,
                             const rf_json *member, rf_stock_query *out,
                             rf_error *err)
{
    rf_texts texts = {0};
    rf_text name = rf_json_name(member);
    unsigned coordinate = 0;
    rf_status status =
        rf_filter__coordinate(call, source, name, &coordinate, err);
    if (status == RF_OK) {
        status = rf_filter__texts(call, member, RF_VALUE_CHARACTERS_MAX, &texts,
                                  err);
    }
    return status == RF_OK
               ? rf_filter__values(call, source, name, texts, out, err)
               : status;
}

/* A filter that is null is one that is left out. */
static rf_status read_filter(rf_call *call, const rf_source *source,
                             const rf_json *member, rf_stock_query *out,
                             rf_error *err)
{
    rf_text name = rf_json_name(member);
    if (rf_json_is(member, RF_JSON_NULL) ||
        is_name(name, "dimensionDataSource") ||
        rf_filter__is_search(out, name)) {
        return RF_OK;
    }
    if (is_name(name, "organizationId")) {
        return read_organizations(call, member, out, err);
    }
    if (is_name(name, "productId")) {
        return read_products(call, member, out, err);
    }
    return read_values(call, source, member, out, err);
}

static rf_status read_filters(rf_call *call, const rf_filter_body *body,
                              rf_stock_query *out, rf_error *err)
{
    for (const rf_json *member = rf_json_first(body->filters.value);
         member != NULL; member = rf_json_next(member)) {
        rf_status status = read_filter(call, body->source, member, out, err);
        if (status != RF_OK) {
            return rf_json_at(body->filters, rf_json_name(member), status, err);
        }
    }
    return out->query.organization_count > 0
               ? RF_OK
               : rf_filter__fail(out, RF_E_MISSING_FIELD, "organizationId",
                                 "an organization is needed", err);
}

/* ---- Pages ---- */

static bool has_organization(const rf_query *query, rf_text organization)
{
    for (size_t i = 0; i < query->organization_count; i++) {
        if (rf_text_equal(query->organizations[i], organization)) {
            return true;
        }
    }
    return false;
}

static rf_status read_after(const rf_call *call, rf_stock_query *out,
                            rf_error *err)
{
    rf_text text = rf_url_query_value(&call->query, rf_text_of("after"), NULL);
    if (text.length == 0) {
        return RF_OK;
    }
    return rf_mark_parse(text, &out->after) &&
                   has_organization(&out->query,
                                    rf_mark_names(&out->after).organization)
               ? RF_OK
               : rf_fail_field(err, RF_E_INVALID_FIELD, "after",
                               "after: what a nextLink of this query says is "
                               "expected");
}

/* Pages are counted in warehouses or in rows. */
static rf_status check_page(const rf_call *call, const rf_stock_query *out,
                            rf_error *err)
{
    bool has_number = false;
    bool of_rows = out->limit > 0 || out->after.length > 0;
    const char *field = out->limit > 0 ? "limit" : "after";
    (void)rf_url_query_value(&call->query, rf_text_of("pageNumber"),
                             &has_number);
    if (of_rows && !out->second) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, field,
                             "%s is of Api-Version 2.0", field);
    }
    return of_rows && (has_number || out->page_size > 0)
               ? rf_fail_field(err, RF_E_CONFLICTING_FIELDS, field,
                               "pages are counted in rows (limit, after) or in "
                               "warehouses (pageNumber, pageSize)")
               : RF_OK;
}

static rf_status read_page(const rf_call *call, rf_stock_query *out,
                           rf_error *err)
{
    out->page_number = 1;
    rf_status status =
        rf_call_integer(call, "limit", 1, LIMIT_MAX, &out->limit, err);
    if (status == RF_OK) {
        status = read_after(call, out, err);
    }
    if (status == RF_OK && out->second) {
        status = rf_call_integer(call, "pageNumber", 1, PAGE_MAX,
                                 &out->page_number, err);
    }
    if (status == RF_OK && out->second) {
        status = rf_call_integer(call, "pageSize", 1, PAGE_MAX, &out->page_size,
                                 err);
    }
    return status == RF_OK ? check_page(call, out, err) : status;
}

rf_status rf_index_query_read(rf_call *call, rf_stock_query *out, rf_error *err)
{
    rf_filter_body body;
    rf_status status = rf_filter__open(call, &body, out, err);
    if (status == RF_OK) {
        status = read_filters(call, &body, out, err);
    }
    if (status == RF_OK) {
        status = rf_filter__close(call, &body, out, err);
    }
    if (status == RF_OK) {
        status = read_page(call, out, err);
    }
    bool placed = rf_filter__is_filtered(out, RF_SITE) ||
                  rf_filter__is_filtered(out, RF_LOCATION);
    return status == RF_OK ? rf_filter__check(call, placed, out, err) : status;
}
