/*
 * buffer.c - appending bytes.
 */
#include "core/buffer.h"

#include "core/alloc.h"

#include <string.h>

#define FIRST_CAPACITY ((size_t)256)

void rf_buffer_done(rf_buffer *buffer)
{
    rf_free(buffer->bytes);
    *buffer = (rf_buffer){0};
}

void rf_buffer_clear(rf_buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
}

char *rf_buffer_reserve(rf_buffer *buffer, size_t size)
{
    if (buffer->failed || size > SIZE_MAX / 4 ||
        buffer->length > SIZE_MAX / 4) {
        buffer->failed = true;
        return NULL;
    }
    size_t needed = buffer->length + size;
    if (needed > buffer->capacity) {
        size_t capacity =
            buffer->capacity == 0 ? FIRST_CAPACITY : buffer->capacity;
        while (capacity < needed) {
            capacity *= 2;
        }
        char *bytes = rf_realloc(buffer->bytes, capacity, 1);
        if (bytes == NULL) {
            buffer->failed = true;
            return NULL;
        }
        buffer->bytes = bytes;
        buffer->capacity = capacity;
    }
    return buffer->bytes + buffer->length;
}

void rf_buffer_append(rf_buffer *buffer, const void *bytes, size_t length)
{
    if (length == 0) {
        return;
    }
    char *room = rf_buffer_reserve(buffer, length);
    if (room != NULL) {
        memcpy(room, bytes, length);
        buffer->length += length;
    }
}

void rf_buffer_append_string(rf_buffer *buffer, const char *string)
{
    rf_buffer_append(buffer, string, strlen(string));
}

void rf_buffer_append_byte(rf_buffer *buffer, unsigned char byte)
{
    rf_buffer_append(buffer, &byte, 1);
}

bool rf_buffer_failed(const rf_buffer *buffer)
{
    return buffer->failed;
}
