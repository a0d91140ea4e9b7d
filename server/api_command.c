/*
 * api_command.c - keys, dimensions and quantities of a line.
 */
#include "server/api_command.h"

#include <stdio.h>
#include <string.h>

/* Clients send blanks for "no data source". */
static bool is_blank(rf_text text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] != ' ' && text.bytes[i] != '\t') {
            return false;
        }
    }
    return true;
}

rf_status rf_find_dimension_source(const rf_catalog *catalog, rf_text name,
                                   const rf_source **out, rf_error *err)
{
    *out = is_blank(name) ? NULL : rf_catalog_source(catalog, name);
    return *out != NULL || is_blank(name)
               ? RF_OK
               : rf_fail(err, RF_E_UNKNOWN_DATA_SOURCE,
                         "there is no data source %.*s", RF_SHOWN(name));
}

rf_status rf_read_dimension_source(const rf_catalog *catalog,
                                   rf_json_object object, const rf_source **out,
                                   rf_error *err)
{
    rf_text name = RF_TEXT_EMPTY;
    rf_status status =
        rf_json_string(object, "dimensionDataSource", RF_JSON_OPTIONAL,
                       RF_SOURCE_CHARACTERS_MAX, &name, err);
    *out = NULL;
    if (status != RF_OK) {
        return status;
    }
    status = rf_find_dimension_source(catalog, name, out, err);
    return rf_json_at(object, rf_text_of("dimensionDataSource"), status, err);
}

/* Enter one dimension into a place. An empty value means "not given". */
static rf_status add_dimension(rf_place *place, unsigned coordinate,
                               rf_text value, rf_error *err)
{
    rf_level bit = RF_BIT(coordinate);
    if (value.length == 0) {
        return RF_OK;
    }
    if ((place->given & bit) != 0 &&
        !rf_text_equal(place->value[coordinate], value)) {
        rf_text name = rf_dimension_name(coordinate);
        return rf_fail(err, RF_E_DUPLICATE_DIMENSION,
                       "%.*s is given twice, with different values",
                       (int)name.length, name.bytes);
    }
    place->given |= bit;
    place->value[coordinate] = value;
    return RF_OK;
}

static rf_status read_dimension(const rf_catalog *catalog,
                                const rf_source *source, const rf_json *member,
                                rf_place *place, rf_level *named, rf_error *err)
{
    rf_text name = rf_json_name(member);
    int coordinate = rf_catalog_dimension(catalog, source, name);
    if (coordinate < 0) {
        return rf_fail(err, RF_E_UNKNOWN_DIMENSION,
                       "there is no dimension %.*s", RF_SHOWN(name));
    }
    rf_text value = RF_TEXT_EMPTY;
    rf_status status =
        rf_json_to_string(member, RF_VALUE_CHARACTERS_MAX, &value, err);
    if (status != RF_OK) {
        return status;
    }
    *named |= RF_BIT(coordinate);
    return add_dimension(place, (unsigned)coordinate, value, err);
}

rf_status rf_read_dimensions(const rf_call *call, rf_json_object line,
                             rf_json_need need, rf_place *place,
                             rf_level *named, rf_error *err)
{
    const rf_catalog *catalog = rf_call_catalog(call);
    const rf_source *source = NULL;
    const rf_json *value = NULL;
    rf_status status = rf_read_dimension_source(catalog, line, &source, err);
    if (status == RF_OK) {
        status = rf_json_child(line, "dimensions", need, RF_JSON_OBJECT, &value,
                               err);
    }
    if (status != RF_OK || value == NULL) {
        return status;
    }
    rf_json_object dimensions = {value, "dimensions"};
    for (const rf_json *member = rf_json_first(value); member != NULL;
         member = rf_json_next(member)) {
        status = read_dimension(catalog, source, member, place, named, err);
        if (status != RF_OK) {
            return rf_json_at(dimensions, rf_json_name(member), status, err);
        }
    }
    return RF_OK;
}

rf_status rf_read_key(const rf_call *call, rf_json_object line,
                      rf_json_need product, rf_command *out, rf_level *named,
                      rf_error *err)
{
    rf_level ignored = 0;
    out->organization = RF_TEXT_EMPTY;
    out->product = RF_TEXT_EMPTY;
    rf_status status =
        rf_json_string(line, "organizationId", RF_JSON_REQUIRED,
                       RF_ORGANIZATION_CHARACTERS_MAX, &out->organization, err);
    if (status == RF_OK) {
        status = rf_json_string(line, "productId", product,
                                RF_PRODUCT_CHARACTERS_MAX, &out->product, err);
    }
    return status == RF_OK
               ? rf_read_dimensions(call, line, RF_JSON_REQUIRED, &out->place,
                                    named == NULL ? &ignored : named, err)
               : status;
}

/* The ERP's own source is open to the ERP, whatever the configuration says. */
static bool may_write(const rf_call *call, const rf_source *source)
{
    return !source->read_only ||
           (rf_text_is_name(source->name, rf_text_of("fno")) &&
            rf_identity_may(call->identity, RF_MAY_WRITE_FNO));
}

static rf_status fail_read_only(const rf_source *source, rf_error *err)
{
    return rf_fail(err, RF_E_READ_ONLY_SOURCE,
                   "the measures of %.*s are not for you to write",
                   RF_SHOWN(source->name));
}

rf_status rf_find_writable_source(const rf_call *call, rf_text name,
                                  const rf_source **out, rf_error *err)
{
    *out = rf_catalog_source(rf_call_catalog(call), name);
    if (*out == NULL) {
        return rf_fail(err, RF_E_UNKNOWN_DATA_SOURCE,
                       "there is no data source %.*s", RF_SHOWN(name));
    }
    return may_write(call, *out) ? RF_OK : fail_read_only(*out, err);
}

rf_status rf_find_writable_measure(const rf_call *call, const rf_source *source,
                                   rf_text name, rf_measure *out, rf_error *err)
{
    const rf_catalog *catalog = rf_call_catalog(call);
    const rf_physical *measure =
        rf_catalog_physical(catalog, source->name, name);
    if (measure == NULL) {
        return rf_fail(err, RF_E_UNKNOWN_MEASURE,
                       "%.*s has no physical measure %.*s",
                       RF_SHOWN(source->name), RF_SHOWN(name));
    }
    /* An alias may lead to a measure of another source. */
    if (!rf_text_equal(measure->source, source->name)) {
        const rf_source *owner = rf_catalog_source(catalog, measure->source);
        if (owner == NULL || !may_write(call, owner)) {
            return fail_read_only(owner == NULL ? source : owner, err);
        }
    }
    *out = measure->number;
    return RF_OK;
}

/* Insert an amount in its place: most events have one or two. */
rf_status rf_add_amount(rf_amount *amounts, size_t *count, rf_amount amount,
                        rf_error *err)
{
    size_t at = *count;
    while (at > 0 && amounts[at - 1].measure > amount.measure) {
        at--;
    }
    if (at > 0 && amounts[at - 1].measure == amount.measure) {
        return rf_fail(err, RF_E_DUPLICATE_KEY,
                       "two names for the same measure");
    }
    if (*count == RF_EVENT_QUANTITIES_MAX) {
        return rf_fail(err, RF_E_TOO_MANY_ITEMS,
                       "one event takes at most %d quantities",
                       RF_EVENT_QUANTITIES_MAX);
    }
    memmove(&amounts[at + 1], &amounts[at], (*count - at) * sizeof *amounts);
    amounts[at] = amount;
    *count += 1;
    return RF_OK;
}

/* Read the measures of one source. */
static rf_status read_source(const rf_call *call, const rf_json *member,
                             rf_amount *amounts, size_t *count, rf_error *err)
{
    const rf_source *source = NULL;
    rf_text name = rf_json_name(member);
    rf_status status = rf_find_writable_source(call, name, &source, err);
    if (status == RF_OK && !rf_json_is(member, RF_JSON_OBJECT)) {
        status = rf_fail(err, RF_E_INVALID_FIELD, "an object is expected");
    }
    if (status != RF_OK) {
        return rf_json_at((rf_json_object){member, ""}, name, status, err);
    }
    rf_json_object object = {member, name.bytes};
    for (const rf_json *value = rf_json_first(member); value != NULL;
         value = rf_json_next(value)) {
        rf_measure measure = 0;
        rf_quantity quantity = 0;
        status = rf_find_writable_measure(call, source, rf_json_name(value),
                                          &measure, err);
        if (status == RF_OK) {
            status = rf_json_to_quantity(value, &quantity, err);
        }
        if (status == RF_OK) {
            status = rf_add_amount(amounts, count,
                                   (rf_amount){measure, quantity}, err);
        }
        if (status != RF_OK) {
            return rf_json_at(object, rf_json_name(value), status, err);
        }
    }
    return RF_OK;
}

rf_status rf_read_quantities(const rf_call *call, rf_json_object quantities,
                             rf_amount amounts[RF_EVENT_QUANTITIES_MAX],
                             size_t *count, rf_error *err)
{
    *count = 0;
    for (const rf_json *member = rf_json_first(quantities.value);
         member != NULL; member = rf_json_next(member)) {
        rf_status status = read_source(call, member, amounts, count, err);
        if (status != RF_OK) {
            char inner[sizeof err->field];
            memcpy(inner, err->field, sizeof inner);
            return rf_json_at(quantities, rf_text_of(inner), status, err);
        }
    }
    if (*count == 0) {
        rf_fail(err, RF_E_MISSING_FIELD, "no quantity is given");
        return rf_json_at(quantities, RF_TEXT_EMPTY, RF_E_MISSING_FIELD, err);
    }
    return RF_OK;
}

rf_status rf_read_event(rf_call *call, rf_json_object line, rf_command *command,
                        rf_error *err)
{
    const rf_json *quantities = NULL;
    rf_amount amounts[RF_EVENT_QUANTITIES_MAX];
    size_t count = 0;
    rf_status status =
        rf_read_key(call, line, RF_JSON_REQUIRED, command, NULL, err);
    if (status == RF_OK) {
        status = rf_json_child(line, "quantities", RF_JSON_REQUIRED,
                               RF_JSON_OBJECT, &quantities, err);
    }
    if (status == RF_OK) {
        status =
            rf_read_quantities(call, (rf_json_object){quantities, "quantities"},
                               amounts, &count, err);
    }
    if (status != RF_OK) {
        return status;
    }
    rf_amount *changes = rf_call_alloc(call, count, sizeof *changes);
    if (changes == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    memcpy(changes, amounts, count * sizeof *changes);
    command->changes = changes;
    command->change_count = count;
    return RF_OK;
}

rf_status rf_read_partial(rf_json_object line, rf_command *command,
                          rf_error *err)
{
    rf_status status = rf_json_bool(line, "allowPartial", RF_JSON_OPTIONAL,
                                    &command->allow_partial, err);
    if (status == RF_OK) {
        status = rf_json_quantity(line, "minQuantity", RF_JSON_OPTIONAL,
                                  &command->minimum, err);
    }
    if (status == RF_OK && command->minimum < 0) {
        return rf_fail_field(err, RF_E_INVALID_QUANTITY, "minQuantity",
                             "minQuantity must not be negative");
    }
    return status;
}

rf_status rf_read_owner(rf_json_object line, rf_command *command, rf_error *err)
{
    rf_status status =
        rf_json_string(line, "recipient", RF_JSON_OPTIONAL,
                       RF_TAG_CHARACTERS_MAX, &command->recipient, err);
    return status == RF_OK
               ? rf_json_string(line, "orderTag", RF_JSON_OPTIONAL,
                                RF_TAG_CHARACTERS_MAX, &command->order_tag, err)
               : status;
}
