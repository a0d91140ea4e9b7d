/*
 * buffer.h - a growing run of bytes.
 *
 * A failed growth is remembered instead of reported at each step: append
 * freely, then ask rf_buffer_failed once. After a failure appends do nothing.
 */
#ifndef RINGFENCE_CORE_BUFFER_H
#define RINGFENCE_CORE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rf_buffer {
    char *bytes; /* owned, freed by rf_buffer_done */
    size_t length;
    size_t capacity;
    bool failed;
} rf_buffer;

/* An empty buffer is all zeroes: `rf_buffer buffer = {0};` */

void rf_buffer_done(rf_buffer *buffer);

/* Forget the content and a failure, keep the memory. */
void rf_buffer_clear(rf_buffer *buffer);

/* Return room for `size` more bytes without using it yet, or NULL. */
char *rf_buffer_reserve(rf_buffer *buffer, size_t size);

void rf_buffer_append(rf_buffer *buffer, const void *bytes, size_t length);
void rf_buffer_append_string(rf_buffer *buffer, const char *string);
void rf_buffer_append_byte(rf_buffer *buffer, unsigned char byte);

/* Say whether some append since the last clear found no memory. */
bool rf_buffer_failed(const rf_buffer *buffer);

#endif
