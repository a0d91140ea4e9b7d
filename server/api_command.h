/*
 * api_command.h - what all writing bodies have in common, read from JSON.
 *
 * Names are resolved here, under the catalog of the call: dimensions with the
 * help of dimensionDataSource, data sources, measures. What is read is
 * borrowed from the body's tree. Errors name the member at fault by its path
 * in the line, as the client spelled it.
 */
#ifndef RINGFENCE_SERVER_API_COMMAND_H
#define RINGFENCE_SERVER_API_COMMAND_H

#include "core/command.h"
#include "server/api_internal.h"
#include "server/json_read.h"

/* Limits of texts, in characters. */
#define RF_ORGANIZATION_CHARACTERS_MAX 50
#define RF_PRODUCT_CHARACTERS_MAX 100
#define RF_VALUE_CHARACTERS_MAX 50
#define RF_SOURCE_CHARACTERS_MAX 50
#define RF_MODIFIER_CHARACTERS_MAX 50
#define RF_TAG_CHARACTERS_MAX 100

/* Most measures one event may change. */
#define RF_EVENT_QUANTITIES_MAX 256

/* Find a data source that explains names of dimensions; NULL for a blank name.
 * RF_E_UNKNOWN_DATA_SOURCE, without a field. */
RF_MUST_CHECK rf_status rf_find_dimension_source(const rf_catalog *catalog,
                                                 rf_text name,
                                                 const rf_source **out,
                                                 rf_error *err);

/* Find the data source that "dimensionDataSource" names; NULL when it is left
 * out or blank. RF_E_INVALID_FIELD, RF_E_TOO_LONG, RF_E_UNKNOWN_DATA_SOURCE. */
RF_MUST_CHECK rf_status rf_read_dimension_source(const rf_catalog *catalog,
                                                 rf_json_object object,
                                                 const rf_source **out,
                                                 rf_error *err);

/* Read "dimensions", as "dimensionDataSource" names them, into an empty place.
 * `*named` gets every coordinate that was named, those with an empty value too.
 * The errors of rf_read_key. */
RF_MUST_CHECK rf_status rf_read_dimensions(const rf_call *call,
                                           rf_json_object line,
                                           rf_json_need need, rf_place *place,
                                           rf_level *named, rf_error *err);

/* Read organizationId, productId and dimensions. `*named`, which may be NULL,
 * gets every coordinate that was named, those with an empty value too.
 * RF_E_MISSING_FIELD, RF_E_INVALID_FIELD, RF_E_TOO_LONG,
 * RF_E_UNKNOWN_DATA_SOURCE, RF_E_UNKNOWN_DIMENSION, RF_E_DUPLICATE_DIMENSION.
 */
RF_MUST_CHECK rf_status rf_read_key(const rf_call *call, rf_json_object line,
                                    rf_json_need product, rf_command *out,
                                    rf_level *named, rf_error *err);

/* Find a source that the caller may write to. `name` is what the error calls
 * the member. RF_E_UNKNOWN_DATA_SOURCE, RF_E_READ_ONLY_SOURCE. */
RF_MUST_CHECK rf_status rf_find_writable_source(const rf_call *call,
                                                rf_text name,
                                                const rf_source **out,
                                                rf_error *err);

/* Find a physical measure of a source found like that, aliases included.
 * RF_E_UNKNOWN_MEASURE, RF_E_READ_ONLY_SOURCE. */
RF_MUST_CHECK rf_status rf_find_writable_measure(const rf_call *call,
                                                 const rf_source *source,
                                                 rf_text name, rf_measure *out,
                                                 rf_error *err);

/* Read {"source": {"measure": quantity}} into amounts in order of the measure
 * numbers. The errors above, RF_E_INVALID_QUANTITY, RF_E_DUPLICATE_KEY,
 * RF_E_TOO_MANY_ITEMS. */
RF_MUST_CHECK rf_status rf_read_quantities(
    const rf_call *call, rf_json_object quantities,
    rf_amount amounts[RF_EVENT_QUANTITIES_MAX], size_t *count, rf_error *err);

/* Read what is said about quantities at a place: the key as above, and the
 * quantities into `changes`. The errors of both, RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_read_event(rf_call *call, rf_json_object line,
                                      rf_command *command, rf_error *err);

/* Enter an amount in its place among `*count` in order of their measures.
 * RF_E_DUPLICATE_KEY: its measure is there already. RF_E_TOO_MANY_ITEMS: there
 * are RF_EVENT_QUANTITIES_MAX. */
RF_MUST_CHECK rf_status rf_add_amount(rf_amount *amounts, size_t *count,
                                      rf_amount amount, rf_error *err);

/* Read allowPartial and minQuantity. RF_E_INVALID_FIELD,
 * RF_E_INVALID_QUANTITY. */
RF_MUST_CHECK rf_status rf_read_partial(rf_json_object line,
                                        rf_command *command, rf_error *err);

/* Read recipient and orderTag. RF_E_INVALID_FIELD, RF_E_TOO_LONG. */
RF_MUST_CHECK rf_status rf_read_owner(rf_json_object line, rf_command *command,
                                      rf_error *err);

#endif
