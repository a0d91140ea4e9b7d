/*
 * json_write.h - writing JSON straight into a buffer.
 *
 * Replies are written from left to right without a tree: begin, keys, values,
 * end. The writer sets commas and, if asked to, line breaks. Using it wrongly
 * (a value without a key in an object, an end without its begin) is a bug of
 * ours and stops the process. Memory that cannot be had is remembered by the
 * buffer; ask rf_buffer_failed once at the end.
 *
 *     rf_json_writer writer;
 *     rf_json_writer_init(&writer, &response->body, false);
 *     rf_json_begin_object(&writer);
 *     rf_json_put_key(&writer, "id");
 *     rf_json_put_text(&writer, id);
 *     rf_json_end_object(&writer);
 */
#ifndef RINGFENCE_SERVER_JSON_WRITE_H
#define RINGFENCE_SERVER_JSON_WRITE_H

#include "core/buffer.h"
#include "core/quantity.h"
#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

/* Deepest nesting that can be written. */
#define RF_JSON_WRITE_DEPTH_MAX 32

typedef struct rf_json_writer {
    rf_buffer *out;   /* borrowed */
    uint64_t objects; /* bit n: the container at depth n is an object */
    unsigned depth;
    bool pretty;
    bool comma; /* a value stands in front, in the same container */
    bool keyed; /* a key was put, its value comes next */
} rf_json_writer;

/* Set up a writer that appends to `out`. `pretty` puts every value on a line
 * of its own, two blanks deeper for each level. */
void rf_json_writer_init(rf_json_writer *writer, rf_buffer *out, bool pretty);

void rf_json_begin_object(rf_json_writer *writer);
void rf_json_end_object(rf_json_writer *writer);
void rf_json_begin_array(rf_json_writer *writer);
void rf_json_end_array(rf_json_writer *writer);

/* Put the name of the next member. A literal of ours is taken as it is, text
 * from elsewhere is escaped. */
void rf_json_put_key(rf_json_writer *writer, const char *literal);
void rf_json_put_key_text(rf_json_writer *writer, rf_text key);

/* Put text. Quotes, backslashes, control bytes, DEL, U+2028 and U+2029 are
 * escaped; a byte that is not part of valid UTF-8 becomes U+FFFD. */
void rf_json_put_text(rf_json_writer *writer, rf_text text);

/* The same for a NUL-terminated string. */
void rf_json_put_string(rf_json_writer *writer, const char *string);

/* Put a quantity as the shortest exact decimal. */
void rf_json_put_quantity(rf_json_writer *writer, rf_quantity quantity);

void rf_json_put_integer(rf_json_writer *writer, int64_t integer);
void rf_json_put_bool(rf_json_writer *writer, bool value);
void rf_json_put_null(rf_json_writer *writer);

/* Put a piece of valid JSON, such as the text of a number, as it is. */
void rf_json_put_raw(rf_json_writer *writer, rf_text json);

#endif
