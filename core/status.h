/*
 * status.h - every outcome a function of Ringfence can report.
 *
 * One table holds all of them: the C name, the stable word that a client reads
 * as "code", and the class that decides the HTTP status and the body's
 * statusCode. Functions return rf_status; RF_OK is zero. The text and the
 * field that go with a failure travel in rf_error (error.h).
 */
#ifndef RINGFENCE_CORE_STATUS_H
#define RINGFENCE_CORE_STATUS_H

/* What kind of answer a status is. The numbers clients see for a class are
 * chosen in the server, not here. */
typedef enum {
    RF_CLASS_OK,
    RF_CLASS_INVALID,     /* the request itself is wrong, never remembered */
    RF_CLASS_REFUSED,     /* a business refusal, remembered and replayed */
    RF_CLASS_NOT_FOUND,   /* what the request names does not exist */
    RF_CLASS_CONFLICT,    /* same id with other content, data in the way */
    RF_CLASS_UNKNOWN,     /* nobody knows who is asking */
    RF_CLASS_FORBIDDEN,   /* the caller's role does not allow it */
    RF_CLASS_METHOD,      /* the path exists, the method does not */
    RF_CLASS_TOO_LARGE,   /* the body is over its limit */
    RF_CLASS_MEDIA,       /* the body is not JSON */
    RF_CLASS_INTERNAL,    /* a script failed, or we have a bug */
    RF_CLASS_UNAVAILABLE, /* the store or the queue cannot take it now */
    RF_CLASS_STORAGE_FULL /* no room: writes are refused, reads go on */
} rf_class;

/* X(enumerator, word, class), in the order of the contract's table. Words are
 * stored; of two statuses with one word the first is what a stored one means.
 */
#define RF_STATUS_TABLE(X)                                                     \
    X(RF_OK, "", RF_CLASS_OK)                                                  \
    X(RF_E_BAD_JSON, "bad_json", RF_CLASS_INVALID)                             \
    X(RF_E_DUPLICATE_KEY, "duplicate_key", RF_CLASS_INVALID)                   \
    X(RF_E_MISSING_FIELD, "missing_field", RF_CLASS_INVALID)                   \
    X(RF_E_INVALID_FIELD, "invalid_field", RF_CLASS_INVALID)                   \
    X(RF_E_CONFLICTING_FIELDS, "conflicting_fields", RF_CLASS_INVALID)         \
    X(RF_E_TOO_LONG, "too_long", RF_CLASS_INVALID)                             \
    X(RF_E_INVALID_QUANTITY, "invalid_quantity", RF_CLASS_INVALID)             \
    X(RF_E_UNKNOWN_DIMENSION, "unknown_dimension", RF_CLASS_INVALID)           \
    X(RF_E_DUPLICATE_DIMENSION, "duplicate_dimension", RF_CLASS_INVALID)       \
    X(RF_E_UNKNOWN_DATA_SOURCE, "unknown_data_source", RF_CLASS_INVALID)       \
    X(RF_E_UNKNOWN_MEASURE, "unknown_measure", RF_CLASS_INVALID)               \
    X(RF_E_READ_ONLY_SOURCE, "read_only_source", RF_CLASS_INVALID)             \
    X(RF_E_SOURCE_MISMATCH, "source_mismatch", RF_CLASS_INVALID)               \
    X(RF_E_UNKNOWN_GROUP, "unknown_group", RF_CLASS_INVALID)                   \
    X(RF_E_GROUP_GAP, "group_gap", RF_CLASS_INVALID)                           \
    X(RF_E_NO_GROUPS, "no_groups", RF_CLASS_INVALID)                           \
    X(RF_E_NOT_A_RECIPIENT, "not_a_recipient", RF_CLASS_INVALID)               \
    X(RF_E_NO_RESERVATION_MAPPING, "no_reservation_mapping", RF_CLASS_INVALID) \
    X(RF_E_DIMENSION_NOT_RESERVABLE, "dimension_not_reservable",               \
      RF_CLASS_INVALID)                                                        \
    X(RF_E_WRONG_MODIFIER, "wrong_modifier", RF_CLASS_INVALID)                 \
    X(RF_E_TUPLE_LENGTH, "tuple_length", RF_CLASS_INVALID)                     \
    X(RF_E_MISSING_PRODUCT, "missing_product", RF_CLASS_INVALID)               \
    X(RF_E_TOO_MANY_ORGANIZATIONS, "too_many_organizations", RF_CLASS_INVALID) \
    X(RF_E_NO_INDEX, "no_index", RF_CLASS_INVALID)                             \
    X(RF_E_ATP_GROUP_BY, "atp_group_by", RF_CLASS_INVALID)                     \
    X(RF_E_DATE_OUT_OF_WINDOW, "date_out_of_window", RF_CLASS_INVALID)         \
    X(RF_E_TOO_MANY_ITEMS, "too_many_items", RF_CLASS_INVALID)                 \
    X(RF_E_EMPTY_BATCH, "empty_batch", RF_CLASS_INVALID)                       \
    X(RF_E_BAD_CONFIGURATION, "bad_configuration", RF_CLASS_INVALID)           \
    X(RF_E_FORMULA_CYCLE, "formula_cycle", RF_CLASS_INVALID)                   \
    X(RF_E_PLUGIN_SYNTAX, "plugin_syntax", RF_CLASS_INVALID)                   \
    X(RF_E_PLUGIN_FAILED, "plugin_failed", RF_CLASS_INVALID)                   \
    X(RF_E_DUPLICATE_DEFINITION, "duplicate_definition", RF_CLASS_INVALID)     \
    X(RF_E_EXAMPLE_FAILED, "example_failed", RF_CLASS_INVALID)                 \
    X(RF_E_INVALID_CLIENT, "invalid_client", RF_CLASS_UNKNOWN)                 \
    X(RF_E_FORBIDDEN, "forbidden", RF_CLASS_FORBIDDEN)                         \
    X(RF_E_METHOD_NOT_ALLOWED, "method_not_allowed", RF_CLASS_METHOD)          \
    X(RF_E_BODY_TOO_LARGE, "body_too_large", RF_CLASS_TOO_LARGE)               \
    X(RF_E_UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", RF_CLASS_MEDIA)   \
    X(RF_E_UNKNOWN_PATH, "unknown_path", RF_CLASS_NOT_FOUND)                   \
    X(RF_E_UNKNOWN_ENVIRONMENT, "unknown_environment", RF_CLASS_NOT_FOUND)     \
    X(RF_E_UNKNOWN_RESERVATION, "unknown_reservation", RF_CLASS_NOT_FOUND)     \
    X(RF_E_UNKNOWN_ORDER, "unknown_order", RF_CLASS_NOT_FOUND)                 \
    X(RF_E_UNKNOWN_JOB, "unknown_job", RF_CLASS_NOT_FOUND)                     \
    X(RF_E_UNKNOWN_PLUGIN, "unknown_plugin", RF_CLASS_NOT_FOUND)               \
    X(RF_E_UNKNOWN_GENERATION, "unknown_generation", RF_CLASS_NOT_FOUND)       \
    X(RF_E_INSUFFICIENT_AVAILABLE, "insufficient_available", RF_CLASS_REFUSED) \
    X(RF_E_INSUFFICIENT_ALLOCATED, "insufficient_allocated", RF_CLASS_REFUSED) \
    X(RF_E_NEGATIVE_QUANTITY, "negative_quantity", RF_CLASS_REFUSED)           \
    X(RF_E_MISSING_PARTITION, "missing_partition", RF_CLASS_REFUSED)           \
    X(RF_E_PARTITION_NEEDED, "missing_partition", RF_CLASS_INVALID)            \
    X(RF_E_BASKET_REFUSED, "basket_refused", RF_CLASS_REFUSED)                 \
    X(RF_E_QUANTITY_OVERFLOW, "quantity_overflow", RF_CLASS_REFUSED)           \
    X(RF_E_CONFLICT, "conflict", RF_CLASS_CONFLICT)                            \
    X(RF_E_CHANGED, "changed", RF_CLASS_CONFLICT)                              \
    X(RF_E_DATA_PRESENT, "data_present", RF_CLASS_CONFLICT)                    \
    X(RF_E_SCRIPT, "script_error", RF_CLASS_INTERNAL)                          \
    X(RF_E_INTERNAL, "internal_error", RF_CLASS_INTERNAL)                      \
    X(RF_E_NO_MEMORY, "out_of_memory", RF_CLASS_UNAVAILABLE)                   \
    X(RF_E_OVERLOADED, "overloaded", RF_CLASS_UNAVAILABLE)                     \
    X(RF_E_STOPPING, "stopping", RF_CLASS_UNAVAILABLE)                         \
    X(RF_E_STORAGE, "storage_unavailable", RF_CLASS_UNAVAILABLE)               \
    X(RF_E_STORAGE_FULL, "storage_unavailable", RF_CLASS_STORAGE_FULL)         \
    X(RF_E_OUTCOME_UNKNOWN, "outcome_unknown", RF_CLASS_UNAVAILABLE)

typedef enum {
#define RF_STATUS_ENUM(name, word, class) name,
    RF_STATUS_TABLE(RF_STATUS_ENUM)
#undef RF_STATUS_ENUM
    RF_STATUS_COUNT
} rf_status;

/* Return the stable word of a status ("" for RF_OK). Borrowed for ever. */
const char *rf_status_word(rf_status status);

/* Return the class of a status. */
rf_class rf_status_class(rf_status status);

#endif
