/*
 * command.c - checking a command before it is queued, and its fingerprint.
 */
#include "core/command.h"

#include "core/adjustment.h"
#include "core/allocation.h"
#include "core/key.h"
#include "core/operation.h"
#include "core/product.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const rf_operation_entry *const entries[RF_OPERATION_COUNT] = {
    [RF_OPERATION_POST] = &rf_operation_post,
    [RF_OPERATION_RESERVE] = &rf_operation_reserve,
    [RF_OPERATION_UNRESERVE] = &rf_operation_unreserve,
    [RF_OPERATION_ALLOCATE] = &rf_operation_allocate,
    [RF_OPERATION_UNALLOCATE] = &rf_operation_unallocate,
    [RF_OPERATION_REALLOCATE] = &rf_operation_reallocate,
    [RF_OPERATION_CONSUME] = &rf_operation_consume,
    [RF_OPERATION_SET] = &rf_operation_set,
    [RF_OPERATION_PLAN] = &rf_operation_plan,
    [RF_OPERATION_SCHEDULE] = &rf_operation_schedule,
    [RF_OPERATION_PRODUCT] = &rf_operation_product,
    [RF_OPERATION_ADJUST] = &rf_operation_adjust,
};

const rf_operation_entry *rf_operation_find(rf_operation operation)
{
    return operation < RF_OPERATION_COUNT ? entries[operation] : NULL;
}

const char *rf_operation_name(rf_operation operation)
{
    if (operation == RF_OPERATION_ERASE) {
        return "erase";
    }
    if (operation == RF_OPERATION_CONFIGURE) {
        return "configure";
    }
    if (operation == RF_OPERATION_EXPIRE) {
        return "expire";
    }
    if (operation == RF_OPERATION_RESYNC) {
        return "resync";
    }
    const rf_operation_entry *entry = rf_operation_find(operation);
    return entry == NULL ? "" : entry->name;
}

const char *rf_operation_prefix(rf_operation operation)
{
    const rf_operation_entry *entry = rf_operation_find(operation);
    return entry == NULL ? "" : entry->prefix;
}

bool rf_operation_is_of_stock(rf_operation operation)
{
    return operation != RF_OPERATION_PRODUCT;
}

rf_status rf_refuse(rf_result *result, rf_status status, const char *field,
                    const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(result->message, sizeof result->message, format, arguments);
    va_end(arguments);
    snprintf(result->field, sizeof result->field, "%s", field);
    result->status = status;
    return RF_OK;
}

static rf_status check_bytes(rf_text text, size_t bytes_max, const char *field,
                             rf_error *err)
{
    if (text.length > bytes_max) {
        return rf_fail_field(err, RF_E_TOO_LONG, field,
                             "%s takes at most %zu bytes", field, bytes_max);
    }
    return RF_OK;
}

static rf_status check_place(const rf_catalog *catalog, const rf_place *place,
                             const char *groups, rf_error *err)
{
    for (rf_level rest = place->given; rest != 0; rest &= rest - 1) {
        unsigned coordinate = (unsigned)__builtin_ctzll(rest);
        size_t bytes_max = coordinate <= RF_LOCATION
                               ? RF_PLACE_VALUE_BYTES_MAX
                               : RF_COORDINATE_VALUE_BYTES_MAX;
        if (place->value[coordinate].length > bytes_max) {
            rf_text name = rf_catalog_coordinate_name(catalog, coordinate);
            char field[128];
            snprintf(field, sizeof field, "%s.%.*s",
                     coordinate < RF_DIMENSION_COUNT ? "dimensions" : groups,
                     (int)name.length, name.bytes);
            return rf_fail_field(err, RF_E_TOO_LONG, field,
                                 "%s takes at most %zu bytes", field,
                                 bytes_max);
        }
    }
    return RF_OK;
}

static rf_status fail_not_reservable(const rf_catalog *catalog,
                                     rf_level outside, rf_error *err)
{
    rf_text name =
        rf_catalog_coordinate_name(catalog, (unsigned)__builtin_ctzll(outside));
    char field[128];
    snprintf(field, sizeof field, "dimensions.%.*s", (int)name.length,
             name.bytes);
    return rf_fail_field(err, RF_E_DIMENSION_NOT_RESERVABLE, field,
                         "%.*s is not among the reservation dimensions",
                         (int)name.length, name.bytes);
}

/* Drop or refuse the dimensions that a reservation may not have. */
static rf_status filter_place(const rf_catalog *catalog, rf_command *command,
                              rf_error *err)
{
    rf_level mask = rf_catalog_reservation_mask(catalog);
    rf_level outside = command->place.given & ~mask;
    if (outside == 0) {
        return RF_OK;
    }
    if (catalog->drops_dimensions) {
        command->place.given &= mask;
        return RF_OK;
    }
    return command->operation == RF_OPERATION_UNRESERVE
               ? RF_OK /* no record lies there */
               : fail_not_reservable(catalog, outside, err);
}

static rf_status check_hold(const rf_command *command, rf_error *err)
{
    if (command->ttl_ms != 0 && command->expires_ms != 0) {
        return rf_fail_field(err, RF_E_CONFLICTING_FIELDS, "ttlSeconds",
                             "a hold ends after a time or at a time, not both");
    }
    if (command->ttl_ms < 0 || command->ttl_ms > RF_TTL_MS_MAX) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, "ttlSeconds",
                             "a time of at most a hundred years is expected");
    }
    return RF_OK;
}

static rf_status check_reserve(const rf_catalog *catalog, rf_command *command,
                               rf_error *err)
{
    const rf_physical *measure =
        rf_catalog_physical_number(catalog, command->measure);
    if (measure == NULL || measure->reservation < 0) {
        return rf_fail_field(err, RF_E_NO_RESERVATION_MAPPING, "modifier",
                             "the measure has no reservation mapping");
    }
    if (command->quantity == 0) {
        return rf_fail_field(err, RF_E_INVALID_QUANTITY, "quantity",
                             "quantity must not be zero");
    }
    rf_status status = check_hold(command, err);
    return status == RF_OK ? filter_place(catalog, command, err) : status;
}

static rf_status check_unreserve(const rf_catalog *catalog, rf_command *command,
                                 rf_error *err)
{
    if (command->quantity <= 0) {
        return rf_fail_field(err, RF_E_INVALID_QUANTITY, "OffsetQty",
                             "OffsetQty must be above zero");
    }
    return filter_place(catalog, command, err);
}

static rf_status check_record(const rf_command *command, rf_error *err)
{
    return command->record.length <= RF_PRODUCT_RECORD_BYTES_MAX
               ? RF_OK
               : rf_fail_field(err, RF_E_TOO_LONG, "attributes",
                               "what is known of a product takes at most %zu "
                               "bytes",
                               RF_PRODUCT_RECORD_BYTES_MAX);
}

/* Allocations came later: the content of all others is as it ever was. */
static void write_allocation(const rf_command *command, rf_buffer *out)
{
    rf_level source =
        command->source == NULL ? 0 : command->source->given & RF_LEVEL_GROUPS;
    rf_buffer_append_byte(out, (unsigned char)command->share);
    rf_write_signed(out, command->percent);
    rf_write_varint(out, command->decimals);
    rf_write_varint(out, source);
    if (source != 0) {
        rf_write_coordinates(out, source, command->source);
    }
}

/* Schedules came later, too. */
static void write_schedule(const rf_command *command, rf_buffer *out)
{
    for (size_t i = 0; i < command->scheduled_count; i++) {
        rf_write_signed(out, command->scheduled[i].day);
        rf_write_varint(out, command->scheduled[i].measure);
        rf_write_signed(out, command->scheduled[i].delta);
    }
    if (command->realizes != 0) {
        rf_write_signed(out, command->realizes);
    }
}

/* Write what makes the content of a command; everything but its id. */
static void write_content(const rf_command *command, rf_buffer *out)
{
    rf_buffer_append_byte(out, (unsigned char)command->operation);
    rf_write_text(out, command->organization);
    rf_write_text(out, command->product);
    rf_write_varint(out, command->place.given);
    rf_write_coordinates(out, command->place.given, &command->place);
    rf_write_varint(out, command->change_count);
    for (size_t i = 0; i < command->change_count; i++) {
        rf_write_varint(out, command->changes[i].measure);
        rf_write_signed(out, command->changes[i].quantity);
    }
    rf_write_varint(out, command->measure);
    rf_write_signed(out, command->quantity);
    rf_buffer_append_byte(out, command->check ? 1 : 0);
    rf_buffer_append_byte(out, command->allow_partial ? 1 : 0);
    rf_write_signed(out, command->minimum);
    rf_write_text(out, command->recipient);
    rf_write_text(out, command->order_tag);
    rf_write_text(out, command->reservation);
    if (rf_allocation_is(command->operation)) {
        write_allocation(command, out);
    }
    if (command->operation == RF_OPERATION_SET) {
        rf_write_signed(out, command->at_ms);
    }
    write_schedule(command, out);
    if (command->operation == RF_OPERATION_PRODUCT) {
        rf_write_text(out, (rf_text){(const char *)command->record.bytes,
                                     command->record.length});
    }
    if (command->operation == RF_OPERATION_ADJUST) {
        rf_buffer_append_byte(out, command->delay_ms != 0 ? 1 : 0);
        rf_reference_write(command->reference, out);
    }
    if (command->ttl_ms != 0 || command->expires_ms != 0) {
        rf_write_signed(out, command->ttl_ms);
        rf_write_signed(out, command->expires_ms);
    }
}

/* The buffer is the thread's own and keeps its memory: this runs for every
 * command. */
static rf_status note_fingerprint(rf_command *command, rf_buffer *scratch,
                                  rf_error *err)
{
    rf_buffer_clear(scratch);
    write_content(command, scratch);
    if (rf_buffer_failed(scratch)) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    command->fingerprint = rf_fingerprint_of(scratch->bytes, scratch->length);
    return RF_OK;
}

rf_status rf_command_check(const rf_catalog *catalog, rf_command *command,
                           rf_buffer *scratch, rf_error *err)
{
    rf_status status =
        check_bytes(command->organization, RF_ORGANIZATION_BYTES_MAX,
                    "organizationId", err);
    if (status == RF_OK) {
        status = check_bytes(command->product, RF_PRODUCT_BYTES_MAX,
                             "productId", err);
    }
    if (status == RF_OK) {
        status = check_place(catalog, &command->place, "groups", err);
    }
    if (status == RF_OK && command->source != NULL) {
        status = check_place(catalog, command->source, "sourceGroups", err);
    }
    if (status == RF_OK && rf_allocation_is(command->operation)) {
        status = rf_allocation_check(catalog, command, err);
    }
    if (status == RF_OK && command->operation == RF_OPERATION_RESERVE) {
        status = check_reserve(catalog, command, err);
    }
    if (status == RF_OK && command->operation == RF_OPERATION_UNRESERVE) {
        status = check_unreserve(catalog, command, err);
    }
    if (status == RF_OK && command->operation == RF_OPERATION_PRODUCT) {
        status = check_record(command, err);
    }
    if (status == RF_OK && command->operation == RF_OPERATION_ADJUST &&
        command->quantity == 0) {
        status = rf_fail_field(err, RF_E_INVALID_QUANTITY, "quantity",
                               "quantity must not be zero");
    }
    return status == RF_OK ? note_fingerprint(command, scratch, err) : status;
}

void rf_result_done(rf_result *result)
{
    rf_measures_done(&result->quantities);
}

const char *rf_result_word(const rf_result *result)
{
    return result->status == RF_OK && result->stale
               ? "stale_snapshot"
               : rf_status_word(result->status);
}

size_t rf_reservation_print(uint64_t id, uint64_t created,
                            char text[RF_RESERVATION_TEXT_MAX])
{
    int length = snprintf(text, RF_RESERVATION_TEXT_MAX,
                          "%016" PRIx64 "-%" PRIx64, id, created);
    return (size_t)length;
}

static bool read_hex(rf_text text, uint64_t *out)
{
    uint64_t number = 0;
    if (text.length == 0 || text.length > 16) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        const char *digits = "0123456789abcdef";
        const char *digit = memchr(digits, text.bytes[i], 16);
        if (digit == NULL) {
            return false;
        }
        number = number << 4 | (uint64_t)(digit - digits);
    }
    *out = number;
    return true;
}

bool rf_reservation_parse(rf_text text, uint64_t *id, uint64_t *created)
{
    return text.length > 17 && text.bytes[16] == '-' &&
           read_hex((rf_text){text.bytes, 16}, id) &&
           read_hex((rf_text){text.bytes + 17, text.length - 17}, created);
}
