/*
 * json_write.c - commas, quotes and escapes.
 *
 * Every value is written into room that was reserved once for all of it, so a
 * small reply costs one capacity check for each key and value.
 */
#include "server/json_write.h"

#include "server/utf8.h"

#include <string.h>

#define INDENT_BLANKS 2

/* Sign and digits of any 64-bit integer. */
#define INTEGER_TEXT_MAX 20

void rf_json_writer_init(rf_json_writer *writer, rf_buffer *out, bool pretty)
{
    *writer = (rf_json_writer){.out = out, .pretty = pretty};
}

static bool is_in_object(const rf_json_writer *writer)
{
    return (writer->objects >> writer->depth & 1) != 0;
}

static void put_line_break(rf_json_writer *writer)
{
    rf_buffer_append_byte(writer->out, '\n');
    for (unsigned i = 0; i < writer->depth * INDENT_BLANKS; i++) {
        rf_buffer_append_byte(writer->out, ' ');
    }
}

/* Put what separates a value or key from the one in front of it, and return
 * room for `size` more bytes; NULL when there is none. */
static char *begin_piece(rf_json_writer *writer, size_t size)
{
    if (writer->pretty && writer->depth > 0) {
        if (writer->comma) {
            rf_buffer_append_byte(writer->out, ',');
        }
        put_line_break(writer);
        return rf_buffer_reserve(writer->out, size);
    }
    char *room = rf_buffer_reserve(writer->out, size + 1);
    if (room != NULL && writer->comma) {
        *room++ = ',';
    }
    return room;
}

/* The same for a value, which belongs behind its key in an object. */
static char *begin_value(rf_json_writer *writer, size_t size)
{
    if (writer->keyed) {
        writer->keyed = false;
        writer->comma = true;
        return rf_buffer_reserve(writer->out, size);
    }
    RF_ASSERT(!is_in_object(writer));
    char *room = begin_piece(writer, size);
    writer->comma = true;
    return room;
}

/* Take the room up to `end` into use. */
static void end_piece(rf_json_writer *writer, const char *end)
{
    writer->out->length = (size_t)(end - writer->out->bytes);
}

static char *copy_bytes(char *to, const char *from, size_t length)
{
    if (length > 0) {
        memcpy(to, from, length);
    }
    return to + length;
}

static void begin_container(rf_json_writer *writer, char bracket,
                            bool is_object)
{
    RF_ASSERT(writer->depth < RF_JSON_WRITE_DEPTH_MAX);
    char *room = begin_value(writer, 1);
    if (room != NULL) {
        *room = bracket;
        end_piece(writer, room + 1);
    }
    writer->depth++;
    writer->objects &= ~(UINT64_C(1) << writer->depth);
    writer->objects |= (uint64_t)is_object << writer->depth;
    writer->comma = false;
}

static void end_container(rf_json_writer *writer, unsigned char bracket,
                          bool is_object)
{
    RF_ASSERT(writer->depth > 0 && !writer->keyed &&
              is_in_object(writer) == is_object);
    writer->depth--;
    if (writer->pretty && writer->comma) {
        put_line_break(writer);
    }
    rf_buffer_append_byte(writer->out, bracket);
    writer->comma = true;
}

void rf_json_begin_object(rf_json_writer *writer)
{
    begin_container(writer, '{', true);
}

void rf_json_end_object(rf_json_writer *writer)
{
    end_container(writer, '}', true);
}

void rf_json_begin_array(rf_json_writer *writer)
{
    begin_container(writer, '[', false);
}

void rf_json_end_array(rf_json_writer *writer)
{
    end_container(writer, ']', false);
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x7F && c != '"' &&
           c != '\\';
}

static void append_escape(rf_buffer *out, uint32_t character)
{
    static const char digits[] = "0123456789abcdef";
    const char escape[6] = {'\\',
                            'u',
                            digits[character >> 12 & 15],
                            digits[character >> 8 & 15],
                            digits[character >> 4 & 15],
                            digits[character & 15]};
    rf_buffer_append(out, escape, sizeof escape);
}

static void append_control(rf_buffer *out, char c)
{
    static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (size_t i = 0; i + 1 < sizeof named; i += 2) {
        if (named[i] == c) {
            const char escape[2] = {'\\', named[i + 1]};
            rf_buffer_append(out, escape, sizeof escape);
            return;
        }
    }
    append_escape(out, (unsigned char)c);
}

/* Append the character at the start of `bytes`, which is not plain, and
 * return how many bytes it had. */
static size_t append_special(rf_buffer *out, const char *bytes, size_t length)
{
    if ((unsigned char)*bytes < 0x80) {
        append_control(out, *bytes);
        return 1;
    }
    uint32_t character = 0;
    size_t step = rf_utf8_read(bytes, length, &character);
    if (step == 0) {
        append_escape(out, 0xFFFD);
        return 1;
    }
    if (character == 0x2028 || character == 0x2029) {
        append_escape(out, character);
    } else {
        rf_buffer_append(out, bytes, step);
    }
    return step;
}

static size_t count_plain(const char *bytes, size_t length)
{
    size_t count = 0;
    while (count < length && is_plain(bytes[count])) {
        count++;
    }
    return count;
}

/* Append the inside of a string that holds something to escape. */
static void append_escaped(rf_buffer *out, rf_text text)
{
    size_t at = 0;
    while (at < text.length) {
        size_t plain = count_plain(text.bytes + at, text.length - at);
        rf_buffer_append(out, text.bytes + at, plain);
        at += plain;
        if (at < text.length) {
            at += append_special(out, text.bytes + at, text.length - at);
        }
    }
}

/* Put a string into `room`, which takes it as long as nothing needs escaping,
 * and `behind` after it. */
static void put_quoted(rf_json_writer *writer, char *room, rf_text text,
                       rf_text behind)
{
    if (room == NULL) {
        return;
    }
    *room++ = '"';
    if (count_plain(text.bytes, text.length) == text.length) {
        room = copy_bytes(room, text.bytes, text.length);
        *room++ = '"';
        end_piece(writer, copy_bytes(room, behind.bytes, behind.length));
        return;
    }
    end_piece(writer, room);
    append_escaped(writer->out, text);
    rf_buffer_append_byte(writer->out, '"');
    rf_buffer_append(writer->out, behind.bytes, behind.length);
}

void rf_json_put_key_text(rf_json_writer *writer, rf_text key)
{
    RF_ASSERT(is_in_object(writer) && !writer->keyed);
    rf_text behind = {": ", writer->pretty ? 2 : 1};
    put_quoted(writer, begin_piece(writer, key.length + 2 + behind.length), key,
               behind);
    writer->keyed = true;
}

void rf_json_put_key(rf_json_writer *writer, const char *literal)
{
    RF_ASSERT(is_in_object(writer) && !writer->keyed);
    size_t length = strlen(literal);
    char *room = begin_piece(writer, length + 4);
    if (room != NULL) {
        *room++ = '"';
        room = copy_bytes(room, literal, length);
        room = copy_bytes(room, "\": ", writer->pretty ? 3 : 2);
        end_piece(writer, room);
    }
    writer->keyed = true;
}

void rf_json_put_text(rf_json_writer *writer, rf_text text)
{
    put_quoted(writer, begin_value(writer, text.length + 2), text,
               RF_TEXT_EMPTY);
}

void rf_json_put_string(rf_json_writer *writer, const char *string)
{
    rf_json_put_text(writer, rf_text_of(string));
}

void rf_json_put_quantity(rf_json_writer *writer, rf_quantity quantity)
{
    char *room = begin_value(writer, RF_QUANTITY_TEXT_MAX);
    if (room != NULL) {
        end_piece(writer, room + rf_quantity_print(quantity, room));
    }
}

void rf_json_put_integer(rf_json_writer *writer, int64_t integer)
{
    char text[INTEGER_TEXT_MAX];
    char *first = text + sizeof text;
    /* Negated as unsigned, so that the smallest integer works too. */
    uint64_t rest = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
    do {
        *--first = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (integer < 0) {
        *--first = '-';
    }
    rf_json_put_raw(writer,
                    (rf_text){first, (size_t)(text + sizeof text - first)});
}

void rf_json_put_bool(rf_json_writer *writer, bool value)
{
    rf_json_put_raw(writer, rf_text_of(value ? "true" : "false"));
}

void rf_json_put_null(rf_json_writer *writer)
{
    rf_json_put_raw(writer, rf_text_of("null"));
}

void rf_json_put_raw(rf_json_writer *writer, rf_text json)
{
    char *room = begin_value(writer, json.length);
    if (room != NULL) {
        end_piece(writer, copy_bytes(room, json.bytes, json.length));
    }
}
