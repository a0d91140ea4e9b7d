/*
 * api_filter_url.c - reading a query from a URL.
 *
 * A list is written with commas, or by repeating its name, or both. Commas part
 * values after they have been decoded, so a value that holds one can only be
 * asked for in a body. An empty piece is left out, and a parameter of nothing
 * else is no filter.
 */
#include "server/api_command.h"
#include "server/api_filter_internal.h"
#include "server/utf8.h"

#include <string.h>

/* Errors tell a parameter like a member of a body. */
#define PARAMETERS ((rf_json_object){NULL, ""})

/* Take the first piece off a list. */
static rf_text take_piece(rf_text *list)
{
    const char *comma =
        list->length == 0 ? NULL : memchr(list->bytes, ',', list->length);
    size_t length =
        comma == NULL ? list->length : (size_t)(comma - list->bytes);
    rf_text piece = {list->bytes, length};
    size_t taken = comma == NULL ? length : length + 1;
    list->bytes += taken;
    list->length -= taken;
    return piece;
}

static size_t count_pieces(const rf_url_query *query, rf_text name)
{
    size_t count = 0;
    size_t from = 0;
    const rf_url_pair *pair;
    while ((pair = rf_url_query_next(query, name, &from)) != NULL) {
        for (rf_text rest = pair->value; rest.length > 0;) {
            count += take_piece(&rest).length > 0;
        }
    }
    return count;
}

/* Gather the values of every parameter of that name. */
static rf_status gather(rf_call *call, rf_text name, size_t characters_max,
                        rf_texts *out, rf_error *err)
{
    size_t from = 0;
    const rf_url_pair *pair;
    out->count = 0;
    out->items = rf_call_alloc(call, count_pieces(&call->query, name) + 1,
                               sizeof *out->items);
    if (out->items == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    while ((pair = rf_url_query_next(&call->query, name, &from)) != NULL) {
        for (rf_text rest = pair->value; rest.length > 0;) {
            rf_text piece = take_piece(&rest);
            if (rf_utf8_count(piece) > characters_max) {
                return rf_fail(err, RF_E_TOO_LONG,
                               "at most %zu characters are allowed",
                               characters_max);
            }
            if (piece.length > 0) {
                out->items[out->count++] = piece;
            }
        }
    }
    return RF_OK;
}

static bool is_group(rf_text name)
{
    return rf_text_is_name(name, rf_text_of("groupBy")) ||
           rf_text_is_name(name, rf_text_of("groupByValues"));
}

static rf_status read_name(rf_call *call, const rf_source *source, rf_text name,
                           rf_stock_query *out, rf_error *err)
{
    bool organizations = rf_text_is_name(name, rf_text_of("organizationId"));
    bool products = rf_text_is_name(name, rf_text_of("productId"));
    rf_texts texts = {0};
    size_t max = products ? RF_PRODUCT_CHARACTERS_MAX : RF_VALUE_CHARACTERS_MAX;
    rf_status status = gather(call, name, max, &texts, err);
    if (status != RF_OK) {
        return status;
    }
    if (organizations) {
        return rf_filter__organizations(out, texts, err);
    }
    if (products) {
        return rf_filter__products(call, out, texts, err);
    }
    return is_group(name)
               ? rf_filter__groups(call, source, texts, out, err)
               : rf_filter__values(call, source, name, texts, out, err);
}

/* Say whether a parameter has been read with an earlier one of its name. */
static bool is_repeated(const rf_url_query *query, size_t index)
{
    size_t from = 0;
    const rf_url_pair *pair = &query->pairs[index];
    return rf_url_query_next(query, pair->name, &from) != pair;
}

static rf_status read_source(const rf_call *call, const rf_source **out,
                             rf_error *err)
{
    rf_text parameter = rf_text_of("dimensionDataSource");
    rf_text name = rf_url_query_value(&call->query, parameter, NULL);
    rf_status status =
        rf_find_dimension_source(rf_call_catalog(call), name, out, err);
    return rf_json_at(PARAMETERS, parameter, status, err);
}

static rf_status read_names(rf_call *call, const rf_source *source,
                            rf_stock_query *out, rf_error *err)
{
    const rf_url_query *query = &call->query;
    for (size_t i = 0; i < query->count; i++) {
        const rf_url_pair *pair = &query->pairs[i];
        if (rf_filter__is_flag(pair->name) || is_repeated(query, i)) {
            continue;
        }
        rf_status status = read_name(call, source, pair->name, out, err);
        if (status != RF_OK) {
            return rf_json_at(PARAMETERS, pair->name, status, err);
        }
    }
    return out->query.organization_count > 0
               ? RF_OK
               : rf_filter__fail(out, RF_E_MISSING_FIELD, "organizationId",
                                 "an organization is needed", err);
}

rf_status rf_url_query_read(rf_call *call, rf_stock_query *out, rf_error *err)
{
    const rf_source *source = NULL;
    out->path = "";
    rf_status status = read_source(call, &source, err);
    if (status == RF_OK) {
        status = read_names(call, source, out, err);
    }
    if (status == RF_OK) {
        status = rf_filter__url_flags(call, out, err);
    }
    bool placed = rf_filter__is_filtered(out, RF_SITE) ||
                  rf_filter__is_filtered(out, RF_LOCATION);
    return status == RF_OK ? rf_filter__check(call, placed, out, err) : status;
}
