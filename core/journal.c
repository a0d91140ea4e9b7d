/*
 * journal.c - encoding entries, reading them back.
 *
 * An entry opens with fields of fixed size, so that the scan which rebuilds
 * the id memory reads two of them without decoding the rest.
 */
#include "core/journal.h"

#include "core/adjustment.h"
#include "core/codec.h"
#include "core/key.h"

#include <string.h>

#define ENTRY_FORMAT 1
#define AT_OFFSET 1
#define ID_HASH_OFFSET 9
#define FIXED_END 17
#define TEXTS_OFFSET 51 /* behind operation, flags, fingerprint, request id */

enum {
    FLAG_PARTIAL = 1,
    FLAG_BINDING = 2,
    FLAG_SOURCE = 4,
    FLAG_EXPIRES = 8,
    FLAG_STALE = 16,
    FLAG_DAYS = 32 /* some movements are of a schedule */
};

uint64_t rf_journal_id_hash(uint16_t environment, rf_operation operation,
                            rf_text id)
{
    unsigned char bytes[3 + 512];
    size_t length = id.length < 512 ? id.length : 512;
    bytes[0] = (unsigned char)(environment >> 8);
    bytes[1] = (unsigned char)(environment & 0xFF);
    bytes[2] = (unsigned char)operation;
    memcpy(bytes + 3, id.bytes, length);
    uint64_t hash = rf_hash(bytes, 3 + length);
    return hash == 0 ? 1 : hash;
}

static void encode_result(const rf_result *result, rf_buffer *out)
{
    rf_write_text(out, rf_text_of(result->message));
    rf_write_text(out, rf_text_of(result->field));
    rf_write_varint(out, result->basket);
    rf_write_signed(out, result->quantity);
    rf_write_signed(out, result->available);
    rf_write_signed(out, result->invalid_offset);
    rf_write_fixed64(out, result->reservation);
    rf_write_varint(out, result->reservation_created);
    if (result->has_binding) {
        rf_write_varint(out, result->binding_level);
        rf_write_signed(out, result->binding_value);
    }
    if (result->expires_ms != 0) {
        rf_write_signed(out, result->expires_ms);
    }
}

static bool has_days(const rf_entry *entry)
{
    size_t i = 0;
    while (i < entry->movement_count && entry->movements[i].day == 0) {
        i++;
    }
    return i < entry->movement_count;
}

static unsigned char flags_of(const rf_entry *entry)
{
    const rf_result *result = &entry->result;
    return (unsigned char)((result->partial ? FLAG_PARTIAL : 0) |
                           (result->has_binding ? FLAG_BINDING : 0) |
                           (entry->source.length > 0 ? FLAG_SOURCE : 0) |
                           (result->expires_ms != 0 ? FLAG_EXPIRES : 0) |
                           (result->stale ? FLAG_STALE : 0) |
                           (has_days(entry) ? FLAG_DAYS : 0));
}

static void encode_adjusted(const rf_adjusted *adjusted, rf_buffer *out)
{
    rf_write_varint(out, adjusted->staged);
    rf_write_varint(out, adjusted->measure);
    rf_reference_write(&adjusted->reference, out);
}

static void decode_adjusted(rf_reader *reader, rf_adjusted *out)
{
    out->staged = rf_read_varint(reader);
    out->measure = (rf_measure)rf_read_varint(reader);
    rf_reference_read(reader, &out->reference);
}

void rf_entry_encode(const rf_entry *entry, rf_buffer *out)
{
    size_t start = out->length;
    const rf_result *result = &entry->result;
    rf_buffer_append_byte(out, ENTRY_FORMAT);
    rf_write_fixed64(out, (uint64_t)entry->at_ms);
    rf_write_fixed64(out, entry->id_hash);
    rf_buffer_append_byte(out, (unsigned char)entry->operation);
    rf_buffer_append_byte(out, flags_of(entry));
    rf_write_fixed64(out, entry->fingerprint.high);
    rf_write_fixed64(out, entry->fingerprint.low);
    rf_buffer_append(out, entry->request_id, sizeof entry->request_id);
    rf_write_text(out, entry->actor);
    rf_write_text(out, entry->id);
    rf_write_text(out, entry->organization);
    rf_write_text(out, entry->product);
    rf_write_text(out, (rf_text){(const char *)entry->coordinates.bytes,
                                 entry->coordinates.length});
    rf_write_varint(out, entry->movement_count);
    for (size_t i = 0; i < entry->movement_count; i++) {
        rf_write_varint(out, entry->movements[i].measure);
        rf_write_signed(out, entry->movements[i].delta);
        rf_write_signed(out, entry->movements[i].total);
    }
    rf_write_text(out, entry->code);
    encode_result(result, out);
    if (entry->source.length > 0) {
        rf_write_text(out, (rf_text){(const char *)entry->source.bytes,
                                     entry->source.length});
    }
    if (has_days(entry)) {
        for (size_t i = 0; i < entry->movement_count; i++) {
            rf_write_signed(out, entry->movements[i].day);
        }
    }
    if (entry->operation == RF_OPERATION_ADJUST) {
        encode_adjusted(&entry->adjusted, out);
    }
    rf_seal(out, start);
}

static void copy_text(char *to, size_t size, rf_text from)
{
    size_t length = from.length < size ? from.length : size - 1;
    memcpy(to, from.bytes, length);
    to[length] = '\0';
}

static void decode_result(rf_reader *reader, unsigned flags, rf_result *out)
{
    copy_text(out->message, sizeof out->message, rf_read_text(reader));
    copy_text(out->field, sizeof out->field, rf_read_text(reader));
    out->basket = rf_read_varint(reader);
    out->quantity = rf_read_signed(reader);
    out->available = rf_read_signed(reader);
    out->invalid_offset = rf_read_signed(reader);
    out->reservation = rf_read_fixed64(reader);
    out->reservation_created = rf_read_varint(reader);
    out->partial = (flags & FLAG_PARTIAL) != 0;
    out->stale = (flags & FLAG_STALE) != 0;
    out->has_binding = (flags & FLAG_BINDING) != 0;
    if (out->has_binding) {
        out->binding_level = rf_read_varint(reader);
        out->binding_value = rf_read_signed(reader);
    }
    if ((flags & FLAG_EXPIRES) != 0) {
        out->expires_ms = rf_read_signed(reader);
    }
}

/* Translate a stored word back; words are stable, enumerators are not. */
static bool status_of_word(rf_text word, rf_status *out)
{
    for (int i = 0; i < RF_STATUS_COUNT; i++) {
        if (rf_text_equal(word, rf_text_of(rf_status_word((rf_status)i)))) {
            *out = (rf_status)i;
            return true;
        }
    }
    return false;
}

static void decode_movements(rf_reader *reader, rf_movement *movements,
                             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        movements[i].measure = (rf_measure)rf_read_varint(reader);
        movements[i].day = 0;
        movements[i].delta = rf_read_signed(reader);
        movements[i].total = rf_read_signed(reader);
    }
}

static void decode_days(rf_reader *reader, rf_movement *movements, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t day = rf_read_signed(reader);
        if (day < RF_DAY_MIN || day > RF_DAY_MAX) {
            reader->failed = true;
            return;
        }
        movements[i].day = (rf_day)day;
    }
}

rf_status rf_entry_decode(rf_bytes value, uint64_t number,
                          rf_movement movements[RF_MOVEMENTS_MAX],
                          rf_entry *out, rf_error *err)
{
    rf_reader reader;
    rf_status status =
        rf_unseal(value, ENTRY_FORMAT, "journal entry", &reader, err);
    if (status != RF_OK) {
        return status;
    }
    rf_entry entry = {.number = number, .movements = movements};
    entry.at_ms = (int64_t)rf_read_fixed64(&reader);
    entry.id_hash = rf_read_fixed64(&reader);
    entry.operation = (rf_operation)rf_read_byte(&reader);
    unsigned flags = rf_read_byte(&reader);
    entry.fingerprint.high = rf_read_fixed64(&reader);
    entry.fingerprint.low = rf_read_fixed64(&reader);
    for (size_t i = 0; i < sizeof entry.request_id; i++) {
        entry.request_id[i] = rf_read_byte(&reader);
    }
    entry.actor = rf_read_text(&reader);
    entry.id = rf_read_text(&reader);
    entry.organization = rf_read_text(&reader);
    entry.product = rf_read_text(&reader);
    rf_text coordinates = rf_read_text(&reader);
    entry.coordinates = (rf_bytes){(const unsigned char *)coordinates.bytes,
                                   coordinates.length};
    entry.movement_count = rf_read_varint(&reader);
    if (reader.failed || entry.movement_count > RF_MOVEMENTS_MAX) {
        return rf_fail(err, RF_E_STORAGE, "journal entry %lu is damaged",
                       (unsigned long)number);
    }
    decode_movements(&reader, movements, entry.movement_count);
    entry.code = rf_read_text(&reader);
    decode_result(&reader, flags, &entry.result);
    if ((flags & FLAG_SOURCE) != 0) {
        rf_text source = rf_read_text(&reader);
        entry.source =
            (rf_bytes){(const unsigned char *)source.bytes, source.length};
    }
    if ((flags & FLAG_DAYS) != 0) {
        decode_days(&reader, movements, entry.movement_count);
    }
    if (entry.operation == RF_OPERATION_ADJUST) {
        decode_adjusted(&reader, &entry.adjusted);
    }
    entry.result.number = number;
    if (reader.failed || reader.at != reader.end ||
        !status_of_word(entry.code, &entry.result.status)) {
        return rf_fail(err, RF_E_STORAGE, "journal entry %lu is damaged",
                       (unsigned long)number);
    }
    *out = entry;
    return RF_OK;
}

bool rf_entry_peek(rf_bytes value, int64_t *at_ms, uint64_t *id_hash)
{
    if (value.length < FIXED_END || value.bytes[0] != ENTRY_FORMAT) {
        return false;
    }
    uint64_t fields[2];
    memcpy(&fields[0], value.bytes + AT_OFFSET, sizeof fields[0]);
    memcpy(&fields[1], value.bytes + ID_HASH_OFFSET, sizeof fields[1]);
    *at_ms = (int64_t)__builtin_bswap64(fields[0]);
    *id_hash = __builtin_bswap64(fields[1]);
    return true;
}

bool rf_entry_peek_product(rf_bytes value, rf_text *organization,
                           rf_text *product)
{
    if (value.length < TEXTS_OFFSET || value.bytes[0] != ENTRY_FORMAT) {
        return false;
    }
    rf_reader reader = rf_reader_of(
        (rf_bytes){value.bytes + TEXTS_OFFSET, value.length - TEXTS_OFFSET});
    rf_read_text(&reader); /* actor */
    rf_read_text(&reader); /* id */
    *organization = rf_read_text(&reader);
    *product = rf_read_text(&reader);
    return !reader.failed;
}

typedef struct read_context {
    rf_entry_visit *visit;
    void *context;
    rf_status status;
    rf_error *err;
    rf_movement movements[RF_MOVEMENTS_MAX];
} read_context;

static bool read_one(void *argument, rf_bytes key, rf_bytes value)
{
    read_context *context = argument;
    rf_entry entry;
    context->status = rf_entry_decode(value, rf_key_journal_number(key),
                                      context->movements, &entry, context->err);
    return context->status == RF_OK && context->visit(context->context, &entry);
}

rf_status rf_journal_read(rf_store *store, rf_store_transaction *transaction,
                          rf_journal_range range, rf_entry_visit *visit,
                          void *context, rf_error *err)
{
    if (range.after == UINT64_MAX) {
        return RF_OK;
    }
    rf_key from;
    rf_key to;
    rf_key_journal(&from, range.environment, range.after + 1);
    rf_key_journal(&to, range.environment, UINT64_MAX);
    read_context reading = {.visit = visit, .context = context, .err = err};
    rf_status status = store->operations->scan(
        transaction,
        &(rf_store_range){RF_TABLE_JOURNAL, rf_key_bytes(&from),
                          rf_key_bytes(&to)},
        read_one, &reading, err);
    return status != RF_OK ? status : reading.status;
}

static bool note_number(void *context, rf_bytes key, rf_bytes value)
{
    (void)value;
    *(uint64_t *)context = rf_key_journal_number(key);
    return false;
}

rf_status rf_journal_bounds(rf_store *store, rf_store_transaction *transaction,
                            uint16_t environment, uint64_t *first,
                            uint64_t *last, rf_error *err)
{
    rf_key from;
    rf_key to;
    rf_key_journal(&from, environment, 0);
    rf_key_journal(&to, environment, UINT64_MAX);
    *first = 0;
    *last = 0;
    rf_status status = store->operations->scan(
        transaction,
        &(rf_store_range){RF_TABLE_JOURNAL, rf_key_bytes(&from),
                          rf_key_bytes(&to)},
        note_number, first, err);
    if (status != RF_OK || *first == 0) {
        return status;
    }
    rf_store_item item = {.table = RF_TABLE_JOURNAL, .key = rf_key_bytes(&to)};
    status = store->operations->last(transaction, &item, err);
    if (status == RF_OK && item.key.bytes != NULL) {
        *last = rf_key_journal_number(item.key);
    }
    return status;
}
