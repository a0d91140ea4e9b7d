/*
 * record.c - encoding and decoding the values of the stock table.
 */
#include "core/record.h"

#include "core/codec.h"

#define NODE_FORMAT 1
#define HEAD_FORMAT 1
#define RESERVATION_FORMAT 1
#define SET_TIMES_FORMAT 1

/* Of a measure and a time, each at least a byte. */
#define SET_TIME_BYTES_MIN 2

static rf_text text_of_bytes(rf_bytes bytes)
{
    return (rf_text){(const char *)bytes.bytes, bytes.length};
}

static rf_bytes bytes_of_text(rf_text text)
{
    return (rf_bytes){(const unsigned char *)text.bytes, text.length};
}

static rf_status finish(const rf_reader *reader, const char *what,
                        rf_error *err)
{
    if (reader->failed || reader->at != reader->end) {
        return rf_fail(err, RF_E_STORAGE, "the store holds a damaged %s", what);
    }
    return RF_OK;
}

void rf_node_encode(const rf_node *node, rf_buffer *out)
{
    size_t start = out->length;
    rf_buffer_append_byte(out, NODE_FORMAT);
    rf_write_text(out, text_of_bytes(node->coordinates));
    for (uint16_t i = 0; i < node->measures.count; i++) {
        rf_write_varint(out, node->measures.amounts[i].measure);
        rf_write_signed(out, node->measures.amounts[i].quantity);
    }
    rf_seal(out, start);
}

static rf_status decode_amounts(rf_reader *reader, rf_measures *out,
                                rf_error *err)
{
    while (!reader->failed && reader->at < reader->end) {
        uint64_t measure = rf_read_varint(reader);
        rf_quantity quantity = rf_read_signed(reader);
        if (measure >= RF_MEASURES_MAX) {
            reader->failed = true;
            break;
        }
        rf_status status =
            rf_measures_add(out, (rf_measure)measure, quantity, err);
        if (status != RF_OK) {
            return status;
        }
    }
    return finish(reader, "node", err);
}

rf_status rf_node_decode(rf_bytes value, rf_node *out, rf_error *err)
{
    rf_reader reader;
    out->measures.count = 0;
    rf_status status = rf_unseal(value, NODE_FORMAT, "node", &reader, err);
    if (status == RF_OK) {
        out->coordinates = bytes_of_text(rf_read_text(&reader));
        status = decode_amounts(&reader, &out->measures, err);
    }
    if (status != RF_OK) {
        out->measures.count = 0;
    }
    return status;
}

void rf_head_encode(const rf_head *head, rf_buffer *out)
{
    size_t start = out->length;
    rf_buffer_append_byte(out, HEAD_FORMAT);
    for (uint16_t i = 0; i < head->count; i++) {
        rf_write_varint(out, head->levels[i].level);
        rf_write_varint(out, head->levels[i].count);
    }
    rf_seal(out, start);
}

rf_status rf_head_decode(rf_bytes value, rf_head *out, rf_error *err)
{
    rf_reader reader;
    rf_status status = rf_unseal(value, HEAD_FORMAT, "head", &reader, err);
    if (status != RF_OK) {
        return status;
    }
    out->count = 0;
    while (!reader.failed && reader.at < reader.end) {
        if (out->count == RF_HEAD_LEVELS_MAX) {
            reader.failed = true;
            break;
        }
        rf_level_holds *holds = &out->levels[out->count++];
        holds->level = rf_read_varint(&reader);
        holds->count = rf_read_varint(&reader);
    }
    return finish(&reader, "head", err);
}

bool rf_head_count(rf_head *head, rf_level level, int change)
{
    uint16_t place = 0;
    while (place < head->count && head->levels[place].level != level) {
        place++;
    }
    if (place == head->count) {
        if (change < 0 || head->count == RF_HEAD_LEVELS_MAX) {
            return false;
        }
        head->levels[head->count++] = (rf_level_holds){level, 0};
    }
    rf_level_holds *holds = &head->levels[place];
    if (change < 0 && holds->count == 0) {
        return false;
    }
    holds->count += change > 0 ? 1 : UINT64_MAX;
    if (holds->count == 0) {
        *holds = head->levels[--head->count];
    }
    return true;
}

void rf_reservation_encode(const rf_reservation *reservation, rf_buffer *out)
{
    size_t start = out->length;
    rf_buffer_append_byte(out, RESERVATION_FORMAT);
    rf_write_varint(out, reservation->measure);
    rf_write_varint(out, reservation->level);
    rf_write_text(out, text_of_bytes(reservation->coordinates));
    rf_write_text(out, reservation->recipient);
    rf_write_text(out, reservation->order_tag);
    rf_write_signed(out, reservation->created_ms);
    rf_write_signed(out, reservation->updated_ms);
    rf_write_varint(out, reservation->created_number);
    rf_write_signed(out, reservation->quantity);
    if (reservation->expires_ms != 0) {
        rf_write_signed(out, reservation->expires_ms);
    }
    rf_seal(out, start);
}

rf_status rf_reservation_decode(rf_bytes value, rf_reservation *out,
                                rf_error *err)
{
    rf_reader reader;
    rf_status status =
        rf_unseal(value, RESERVATION_FORMAT, "reservation", &reader, err);
    if (status != RF_OK) {
        return status;
    }
    uint64_t measure = rf_read_varint(&reader);
    reader.failed = reader.failed || measure >= RF_MEASURES_MAX;
    out->measure = (rf_measure)measure;
    out->level = rf_read_varint(&reader);
    out->coordinates = bytes_of_text(rf_read_text(&reader));
    out->recipient = rf_read_text(&reader);
    out->order_tag = rf_read_text(&reader);
    out->created_ms = rf_read_signed(&reader);
    out->updated_ms = rf_read_signed(&reader);
    out->created_number = rf_read_varint(&reader);
    out->quantity = rf_read_signed(&reader);
    out->expires_ms = reader.at < reader.end ? rf_read_signed(&reader) : 0;
    return finish(&reader, "reservation", err);
}

void rf_set_times_encode(const rf_set_times *times, rf_buffer *out)
{
    size_t start = out->length;
    rf_buffer_append_byte(out, SET_TIMES_FORMAT);
    for (size_t i = 0; i < times->count; i++) {
        rf_write_varint(out, times->items[i].measure);
        rf_write_signed(out, times->items[i].at_ms);
    }
    rf_seal(out, start);
}

rf_status rf_set_times_decode(rf_bytes value, rf_arena *arena,
                              rf_set_times *out, rf_error *err)
{
    rf_reader reader;
    uint64_t least = 0; /* that the next measure may be */
    *out = (rf_set_times){NULL, 0};
    rf_status status =
        rf_unseal(value, SET_TIMES_FORMAT, "time of a set", &reader, err);
    if (status != RF_OK) {
        return status;
    }
    size_t room = (size_t)(reader.end - reader.at) / SET_TIME_BYTES_MIN;
    rf_set_time *items = rf_arena_calloc(arena, room + 1, sizeof *items);
    if (items == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    size_t count = 0;
    while (!reader.failed && reader.at < reader.end) {
        uint64_t measure = rf_read_varint(&reader);
        int64_t at_ms = rf_read_signed(&reader);
        if (reader.failed || measure < least || measure >= RF_MEASURES_MAX) {
            reader.failed = true;
            break;
        }
        least = measure + 1;
        items[count++] = (rf_set_time){(rf_measure)measure, at_ms};
    }
    status = finish(&reader, "time of a set", err);
    if (status == RF_OK) {
        *out = (rf_set_times){items, count};
    }
    return status;
}

const rf_set_time *rf_set_times_find(const rf_set_times *times,
                                     rf_measure measure)
{
    for (size_t i = 0; i < times->count; i++) {
        if (times->items[i].measure == measure) {
            return &times->items[i];
        }
    }
    return NULL;
}
