/*
 * job_record.c - encoding jobs, their ids and what they are to do.
 */
#include "core/job_record.h"

#include <stdio.h>
#include <string.h>

#define JOB_FORMAT 1
#define GUID_TEXT_LENGTH 36

static const char *const kind_words[] = {
    [RF_JOB_RESYNC] = "ResyncJob", [RF_JOB_LOG] = "LogTransactionJob"};

static const char *const state_words[] = {
    [RF_JOB_QUEUED] = "Queued",
    [RF_JOB_RUNNING] = "Running",
    [RF_JOB_COMPLETED] = "Completed",
    [RF_JOB_FAILED] = "Failed",
};

const char *rf_job_kind_word(rf_job_kind kind)
{
    return kind_words[kind];
}

const char *rf_job_state_word(rf_job_state state)
{
    return state_words[state];
}

bool rf_job_record_is_finished(const rf_job_record *record)
{
    return record->state == RF_JOB_COMPLETED || record->state == RF_JOB_FAILED;
}

static rf_text text_of_bytes(rf_bytes bytes)
{
    return (rf_text){(const char *)bytes.bytes, bytes.length};
}

static rf_bytes read_bytes(rf_reader *reader)
{
    rf_text text = rf_read_text(reader);
    return (rf_bytes){(const unsigned char *)text.bytes, text.length};
}

void rf_job_record_encode(const rf_job_record *record, rf_buffer *out)
{
    size_t start = out->length;
    rf_buffer_append_byte(out, JOB_FORMAT);
    rf_buffer_append_byte(out, (unsigned char)record->state);
    rf_write_signed(out, record->created_ms);
    rf_write_signed(out, record->updated_ms);
    rf_write_varint(out, record->number);
    rf_write_varint(out, record->done);
    rf_write_varint(out, record->total);
    rf_write_varint(out, record->failures);
    rf_write_fixed64(out, record->content.high);
    rf_write_fixed64(out, record->content.low);
    rf_buffer_append(out, record->request_id, sizeof record->request_id);
    rf_write_text(out, record->actor);
    rf_write_text(out, record->progress);
    rf_write_text(out, record->message);
    rf_write_text(out, text_of_bytes(record->parameters));
    rf_write_text(out, text_of_bytes(record->position));
    rf_seal(out, start);
}

rf_status rf_job_record_decode(rf_bytes value, rf_job_record *out,
                               rf_error *err)
{
    rf_reader reader;
    rf_job_record record = {0};
    rf_status status = rf_unseal(value, JOB_FORMAT, "job", &reader, err);
    if (status != RF_OK) {
        return status;
    }
    unsigned state = rf_read_byte(&reader);
    record.created_ms = rf_read_signed(&reader);
    record.updated_ms = rf_read_signed(&reader);
    record.number = rf_read_varint(&reader);
    record.done = rf_read_varint(&reader);
    record.total = rf_read_varint(&reader);
    record.failures = rf_read_varint(&reader);
    record.content.high = rf_read_fixed64(&reader);
    record.content.low = rf_read_fixed64(&reader);
    for (size_t i = 0; i < sizeof record.request_id; i++) {
        record.request_id[i] = rf_read_byte(&reader);
    }
    record.actor = rf_read_text(&reader);
    record.progress = rf_read_text(&reader);
    record.message = rf_read_text(&reader);
    record.parameters = read_bytes(&reader);
    record.position = read_bytes(&reader);
    if (reader.failed || reader.at != reader.end || state < RF_JOB_QUEUED ||
        state > RF_JOB_FAILED) {
        return rf_fail(err, RF_E_STORAGE, "the store holds a damaged job");
    }
    record.state = (rf_job_state)state;
    *out = record;
    return RF_OK;
}

static rf_status take_record(rf_bytes value, rf_arena *arena,
                             rf_job_record *out, rf_error *err)
{
    const void *copy = rf_arena_copy(arena, value.bytes, value.length);
    return copy == NULL
               ? rf_fail(err, RF_E_NO_MEMORY, "out of memory")
               : rf_job_record_decode((rf_bytes){copy, value.length}, out, err);
}

rf_status rf_job_record_load(rf_store *store, const rf_key *key,
                             rf_arena *arena, rf_job_record *out, bool *found,
                             rf_error *err)
{
    rf_store_item item = {.table = RF_TABLE_JOBS, .key = rf_key_bytes(key)};
    rf_store_transaction *transaction = NULL;
    rf_status status =
        store->operations->begin(store, false, &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status = store->operations->load(transaction, &item, 1, err);
    *found = status == RF_OK && item.value.bytes != NULL;
    if (*found) {
        status = take_record(item.value, arena, out, err);
    }
    store->operations->abort(transaction);
    return status;
}

/* ---- Ids ---- */

static bool is_kind(unsigned kind)
{
    return kind == RF_JOB_RESYNC || kind == RF_JOB_LOG;
}

void rf_job_key(rf_key *key, uint16_t environment, const rf_job_id *id)
{
    rf_key_environment(key, environment);
    key->bytes[key->length++] = (unsigned char)id->kind;
    memcpy(key->bytes + key->length, id->guid, sizeof id->guid);
    key->length = (uint16_t)(key->length + sizeof id->guid);
}

bool rf_job_key_read(rf_bytes key, rf_job_id *out)
{
    size_t start = 3; /* behind the environment and the kind */
    if (key.length != start + sizeof out->guid || !is_kind(key.bytes[2])) {
        return false;
    }
    out->kind = (rf_job_kind)key.bytes[2];
    memcpy(out->guid, key.bytes + start, sizeof out->guid);
    return true;
}

static bool is_dash(size_t place)
{
    return place == 8 || place == 13 || place == 18 || place == 23;
}

size_t rf_job_id_print(const rf_job_id *id, char text[RF_JOB_ID_TEXT_MAX])
{
    static const char digits[] = "0123456789abcdef";
    size_t byte = 0;
    size_t start =
        (size_t)snprintf(text, RF_JOB_ID_TEXT_MAX, "%s:", kind_words[id->kind]);
    for (size_t place = 0; place < GUID_TEXT_LENGTH; place++) {
        char *at = text + start + place;
        if (is_dash(place)) {
            *at = '-';
            continue;
        }
        *at = digits[id->guid[byte / 2] >> (byte % 2 == 0 ? 4 : 0) & 0xF];
        byte++;
    }
    text[start + GUID_TEXT_LENGTH] = '\0';
    return start + GUID_TEXT_LENGTH;
}

static int read_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *digit = memchr(digits, rf_lower(c), 16);
    return digit == NULL ? -1 : (int)(digit - digits);
}

static bool read_guid(const char *text, unsigned char guid[16])
{
    size_t digits = 0;
    memset(guid, 0, 16);
    for (size_t place = 0; place < GUID_TEXT_LENGTH; place++) {
        int digit = read_digit(text[place]);
        if (is_dash(place) ? text[place] != '-' : digit < 0) {
            return false;
        }
        if (digit >= 0) {
            unsigned char *byte = &guid[digits++ / 2];
            *byte = (unsigned char)(*byte << 4 | digit);
        }
    }
    return true;
}

bool rf_job_id_parse(rf_text text, rf_job_id *out)
{
    if (text.length <= GUID_TEXT_LENGTH) {
        return false;
    }
    size_t length = text.length - GUID_TEXT_LENGTH - 1;
    rf_text word = {text.bytes, length};
    for (unsigned kind = 0; kind < sizeof kind_words / sizeof kind_words[0];
         kind++) {
        if (is_kind(kind) &&
            rf_text_is_name(word, rf_text_of(kind_words[kind])) &&
            text.bytes[length] == ':') {
            out->kind = (rf_job_kind)kind;
            return read_guid(text.bytes + length + 1, out->guid);
        }
    }
    return false;
}

/* ---- What is to be done ---- */

static rf_status fail_parameters(rf_error *err)
{
    return rf_fail(err, RF_E_STORAGE, "the parameters of a job are damaged");
}

void rf_resync_encode(const rf_measure *measures, size_t count, rf_buffer *out)
{
    for (size_t i = 0; i < count; i++) {
        rf_write_varint(out, measures[i]);
    }
}

rf_status rf_resync_decode(rf_bytes parameters,
                           rf_measure measures[RF_RESYNC_MEASURES_MAX],
                           size_t *count, rf_error *err)
{
    rf_reader reader = rf_reader_of(parameters);
    size_t found = 0;
    while (reader.at < reader.end) {
        uint64_t measure = rf_read_varint(&reader);
        if (reader.failed || measure >= RF_MEASURES_MAX ||
            found == RF_RESYNC_MEASURES_MAX) {
            return fail_parameters(err);
        }
        measures[found++] = (rf_measure)measure;
    }
    *count = found;
    return RF_OK;
}

void rf_log_selection_encode(const rf_log_selection *selection, rf_buffer *out)
{
    rf_write_text(out, selection->id);
    rf_write_text(out, selection->organization);
    rf_write_text(out, selection->product);
    rf_write_signed(out, selection->from_ms);
    rf_write_signed(out, selection->end_ms);
    rf_write_coordinates(out, selection->place.given, &selection->place);
}

rf_status rf_log_selection_decode(rf_bytes parameters, rf_log_selection *out,
                                  rf_error *err)
{
    rf_reader reader = rf_reader_of(parameters);
    bool hashed = false;
    out->id = rf_read_text(&reader);
    out->organization = rf_read_text(&reader);
    out->product = rf_read_text(&reader);
    out->from_ms = rf_read_signed(&reader);
    out->end_ms = rf_read_signed(&reader);
    rf_bytes rest = {reader.at, (size_t)(reader.end - reader.at)};
    if (reader.failed ||
        rf_coordinates_read(rest, &out->place, &hashed, err) != RF_OK ||
        hashed) {
        return fail_parameters(err);
    }
    return RF_OK;
}
