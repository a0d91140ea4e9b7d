/*
 * api_products.c - what is known of products: POST /products, /products/bulk,
 * GET /products.
 *
 * A line says all that is known of one product from then on, or deletes it.
 * Organization and product go by two names each: those of product data,
 * company and itemNumber, and those of stock.
 */
#include "core/products.h"
#include "server/api_command.h"
#include "server/api_page.h"
#include "server/api_parameter.h"
#include "server/api_product.h"
#include "server/api_result.h"
#include "server/api_write.h"

#include <stdio.h>

/* An attribute's path in a line. */
#define PATH_BYTES 48

/* ---- Reading a line ---- */

/* Read a member that may go by a second name; both must say the same. */
static rf_status read_either(rf_json_object line, const char *name,
                             const char *alias, size_t max, rf_text *out,
                             rf_error *err)
{
    rf_text other = RF_TEXT_EMPTY;
    *out = RF_TEXT_EMPTY;
    rf_status status =
        rf_json_string(line, name, RF_JSON_OPTIONAL, max, out, err);
    if (status == RF_OK) {
        status =
            rf_json_string(line, alias, RF_JSON_OPTIONAL, max, &other, err);
    }
    if (status != RF_OK) {
        return status;
    }
    if (out->length > 0 && other.length > 0 && !rf_text_equal(*out, other)) {
        return rf_fail_field(err, RF_E_CONFLICTING_FIELDS, alias,
                             "%s and %s say different things", name, alias);
    }
    *out = out->length > 0 ? *out : other;
    return out->length > 0 ? RF_OK
                           : rf_fail_field(err, RF_E_MISSING_FIELD, name,
                                           "%s is missing", name);
}

static rf_status read_values(rf_call *call, rf_json_object object,
                             rf_attribute *out, rf_error *err)
{
    static const char member[] = "attributeValues";
    const rf_json *array = NULL;
    rf_status status = rf_json_child(object, member, RF_JSON_REQUIRED,
                                     RF_JSON_ARRAY, &array, err);
    if (status != RF_OK) {
        return status;
    }
    size_t count = rf_json_length(array);
    rf_text *values = rf_call_alloc(call, count + 1, sizeof *values);
    if (values == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    if (count > RF_ATTRIBUTE_VALUES_MAX) {
        rf_fail(err, RF_E_TOO_MANY_ITEMS, "at most %d values are allowed",
                RF_ATTRIBUTE_VALUES_MAX);
        return rf_json_at(object, rf_text_of(member), RF_E_TOO_MANY_ITEMS, err);
    }
    for (const rf_json *value = rf_json_first(array);
         value != NULL && status == RF_OK; value = rf_json_next(value)) {
        status = rf_json_to_text(value, RF_ATTRIBUTE_VALUE_CHARACTERS_MAX,
                                 &values[out->value_count++], err);
    }
    out->values = values;
    return rf_json_at(object, rf_text_of(member), status, err);
}

static rf_status read_attribute(rf_call *call, rf_json_object object,
                                rf_attribute *out, rf_error *err)
{
    bool given = false;
    *out = (rf_attribute){.type_name = RF_TEXT_EMPTY, .area = RF_AREA_PRODUCT};
    rf_status status =
        rf_json_string(object, "attributeName", RF_JSON_REQUIRED,
                       RF_ATTRIBUTE_NAME_CHARACTERS_MAX, &out->name, err);
    if (status == RF_OK) {
        status = rf_json_string(object, "attributeTypeName", RF_JSON_OPTIONAL,
                                RF_ATTRIBUTE_NAME_CHARACTERS_MAX,
                                &out->type_name, err);
    }
    if (status == RF_OK) {
        status = rf_read_area(object, &given, &out->area, err);
    }
    return status == RF_OK ? read_values(call, object, out, err) : status;
}

/* Find the list of attributes, which goes by two names as well. */
static rf_status find_attributes(rf_json_object line, const char **name,
                                 const rf_json **out, rf_error *err)
{
    static const char first[] = "attributes";
    static const char second[] = "productAttributes";
    const rf_json *other = NULL;
    rf_status status =
        rf_json_child(line, first, RF_JSON_OPTIONAL, RF_JSON_ARRAY, out, err);
    if (status == RF_OK) {
        status = rf_json_child(line, second, RF_JSON_OPTIONAL, RF_JSON_ARRAY,
                               &other, err);
    }
    if (status == RF_OK && *out != NULL && other != NULL) {
        return rf_fail_field(err, RF_E_CONFLICTING_FIELDS, second,
                             "%s and %s are the same", first, second);
    }
    *name = other != NULL ? second : first;
    *out = other != NULL ? other : *out;
    return status;
}

static rf_status read_attributes(rf_call *call, rf_json_object line,
                                 rf_product *out, rf_error *err)
{
    const rf_json *array = NULL;
    const char *name = NULL;
    rf_status status = find_attributes(line, &name, &array, err);
    if (status != RF_OK || array == NULL) {
        return status;
    }
    size_t count = rf_json_length(array);
    if (count > RF_PRODUCT_ATTRIBUTES_MAX) {
        return rf_fail_field(err, RF_E_TOO_MANY_ITEMS, name,
                             "at most %d attributes are allowed",
                             RF_PRODUCT_ATTRIBUTES_MAX);
    }
    rf_attribute *attributes =
        rf_call_alloc(call, count + 1, sizeof *attributes);
    if (attributes == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    out->attributes = attributes;
    for (const rf_json *value = rf_json_first(array);
         value != NULL && status == RF_OK; value = rf_json_next(value)) {
        char path[PATH_BYTES];
        size_t index = out->attribute_count++;
        snprintf(path, sizeof path, "%s[%zu]", name, index);
        status = rf_json_is(value, RF_JSON_OBJECT)
                     ? read_attribute(call, (rf_json_object){value, path},
                                      &attributes[index], err)
                     : rf_fail_field(err, RF_E_INVALID_FIELD, path,
                                     "an object is expected");
    }
    return status;
}

/* Read the fields that are no part of the key. */
static rf_status read_fields(rf_json_object line, rf_product *out,
                             rf_error *err)
{
    rf_status status = RF_OK;
    for (rf_product_field i = RF_PRODUCT_SEARCH_NAME;
         i < RF_PRODUCT_FIELD_COUNT && status == RF_OK; i++) {
        out->fields[i] = RF_TEXT_EMPTY;
        status =
            rf_json_string(line, rf_product_field_name(i), RF_JSON_OPTIONAL,
                           rf_product_characters_max(i), &out->fields[i], err);
    }
    return status;
}

/* The record is encoded here: the writer only stores it. */
static rf_status encode(rf_call *call, const rf_product *product,
                        rf_command *command, rf_error *err)
{
    rf_buffer *bytes = &call->thread->scratch;
    rf_buffer_clear(bytes);
    rf_product_encode(product, bytes);
    const char *copy = rf_buffer_failed(bytes)
                           ? NULL
                           : rf_arena_copy(&call->exchange->arena, bytes->bytes,
                                           bytes->length);
    if (copy == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    command->record = (rf_bytes){(const unsigned char *)copy, bytes->length};
    return RF_OK;
}

static rf_status read_product(rf_call *call, rf_json_object line,
                              rf_command *command, rf_error *err)
{
    rf_product product = {.attributes = NULL};
    bool deletes = false;
    rf_status status = read_either(line, "company", "organizationId",
                                   RF_ORGANIZATION_CHARACTERS_MAX,
                                   &command->organization, err);
    if (status == RF_OK) {
        status = read_either(line, "itemNumber", "productId",
                             RF_PRODUCT_CHARACTERS_MAX, &command->product, err);
    }
    if (status == RF_OK) {
        status = rf_json_bool(line, "delete", RF_JSON_OPTIONAL, &deletes, err);
    }
    if (status != RF_OK || deletes) {
        return status;
    }
    status = read_fields(line, &product, err);
    if (status == RF_OK) {
        status = read_attributes(call, line, &product, err);
    }
    return status == RF_OK ? encode(call, &product, command, err) : status;
}

static rf_step post_one(rf_call *call)
{
    return rf_write_one(call, RF_OPERATION_PRODUCT, read_product);
}

static rf_step post_many(rf_call *call)
{
    return rf_write_many(call, RF_OPERATION_PRODUCT, read_product);
}

/* ---- Reading back ---- */

typedef struct products {
    rf_page page;
    rf_text organization;
    rf_text product;
} products;

static void put_text(rf_json_writer *writer, const char *name, rf_text text)
{
    rf_json_put_key(writer, name);
    rf_json_put_text(writer, text);
}

static void put_attribute(rf_json_writer *writer, const rf_attribute *attribute)
{
    rf_json_begin_object(writer);
    put_text(writer, "attributeName", attribute->name);
    put_text(writer, "attributeTypeName", attribute->type_name);
    put_text(writer, "attributeArea",
             rf_text_of(rf_attribute_area_name(attribute->area)));
    rf_json_put_key(writer, "attributeValues");
    rf_json_begin_array(writer);
    for (size_t i = 0; i < attribute->value_count; i++) {
        rf_json_put_text(writer, attribute->values[i]);
    }
    rf_json_end_array(writer);
    rf_json_end_object(writer);
}

static rf_status put_product(void *context, const rf_product *product,
                             rf_error *err)
{
    products *p = context;
    rf_json_writer *writer = &p->page.writer;
    (void)err;
    rf_json_begin_object(writer);
    for (rf_product_field i = 0; i < RF_PRODUCT_FIELD_COUNT; i++) {
        put_text(writer, rf_product_field_name(i), product->fields[i]);
    }
    rf_json_put_key(writer, "attributes");
    rf_json_begin_array(writer);
    for (size_t i = 0; i < product->attribute_count; i++) {
        put_attribute(writer, &product->attributes[i]);
    }
    rf_json_end_array(writer);
    rf_json_end_object(writer);
    p->page.shown++;
    return RF_OK;
}

static rf_status note_another(void *context, const rf_product *product,
                              rf_error *err)
{
    products *p = context;
    (void)product;
    (void)err;
    p->page.another = true;
    return RF_OK;
}

static rf_step read_on(rf_call *call)
{
    products *p = call->state;
    rf_page *page = &p->page;
    rf_error error = {0};
    bool end = false;
    rf_product_listing listing = {.environment = call->generation->environment,
                                  .organization = p->organization,
                                  .product = p->product,
                                  .limit = rf_page_room(page),
                                  .visit = rf_page_is_full(page) ? note_another
                                                                 : put_product,
                                  .context = p,
                                  .next = page->next};
    if (rf_products_list(call->thread->api->options.store, &listing, &end,
                         &error) != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    if (!page->another) {
        page->next = listing.next;
    }
    return end || page->another ? rf_page_end(page, "products") : RF_STEP_AGAIN;
}

static rf_status read_filter(products *p, const rf_url_pair *pair,
                             rf_error *err)
{
    if (rf_page_owns(pair->name)) {
        return RF_OK;
    }
    if (rf_text_is_name(pair->name, rf_text_of("organizationId"))) {
        return rf_parameter_text(pair, RF_ORGANIZATION_BYTES_MAX,
                                 &p->organization, err);
    }
    if (rf_text_is_name(pair->name, rf_text_of("productId"))) {
        return rf_parameter_text(pair, RF_PRODUCT_BYTES_MAX, &p->product, err);
    }
    return rf_parameter_fail(pair, RF_E_INVALID_FIELD,
                             "there is no such filter", err);
}

static rf_step list_products(rf_call *call)
{
    rf_error error = {0};
    products *p = rf_call_alloc(call, 1, sizeof *p);
    if (p == NULL) {
        return rf_reply_no_memory(call);
    }
    rf_status status = rf_page_read(call, &p->page, &error);
    for (size_t i = 0; i < call->query.count && status == RF_OK; i++) {
        status = read_filter(p, &call->query.pairs[i], &error);
    }
    if (status != RF_OK) {
        return rf_reply_failure(call, &error);
    }
    call->state = p;
    call->resume = read_on;
    rf_page_begin(&p->page);
    return read_on(call);
}

static const rf_route rows[] = {
    {RF_METHOD_POST, "/products/bulk", RF_MAY_POST_STOCK, RF_ROUTE_BODY,
     post_many},
    {RF_METHOD_POST, "/products", RF_MAY_POST_STOCK, RF_ROUTE_BODY, post_one},
    {RF_METHOD_GET, "/products", RF_MAY_READ, 0, list_products},
};

const rf_routes rf_routes_products = {rows, sizeof rows / sizeof rows[0]};
