/*
 * error.c - the status table and the text of a failure.
 */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word;
    rf_class class;
} status_table[RF_STATUS_COUNT] = {
#define RF_STATUS_ROW(name, word, class) [name] = {word, class},
    RF_STATUS_TABLE(RF_STATUS_ROW)
#undef RF_STATUS_ROW
};

const char *rf_status_word(rf_status status)
{
    RF_ASSERT(status < RF_STATUS_COUNT);
    return status_table[status].word;
}

rf_class rf_status_class(rf_status status)
{
    RF_ASSERT(status < RF_STATUS_COUNT);
    return status_table[status].class;
}

/* Return how many bytes the character that begins with this byte has. */
static size_t character_bytes(unsigned char first)
{
    return first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

/* Drop a UTF-8 sequence that was cut by the end of the buffer, so that the
 * text stays valid in a JSON reply. */
static void trim_cut_character(char *text, size_t length)
{
    size_t start = length;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) {
        start--;
    }
    if (start > 0 &&
        start - 1 + character_bytes((unsigned char)text[start - 1]) > length) {
        text[start - 1] = '\0';
    }
}

static void copy_cut(char *to, size_t size, const char *from)
{
    size_t length = strlen(from);
    if (length < size) {
        memcpy(to, from, length + 1);
        return;
    }
    memcpy(to, from, size - 1);
    to[size - 1] = '\0';
    trim_cut_character(to, size - 1);
}

static rf_status RF_PRINTF(4, 0)
    fail_text(rf_error *err, rf_status status, const char *field,
              const char *format, va_list arguments)
{
    if (err == NULL) {
        return status;
    }
    err->status = status;
    err->script = (rf_script_place){0};
    copy_cut(err->field, sizeof err->field, field);
    int needed =
        vsnprintf(err->message, sizeof err->message, format, arguments);
    if (needed >= (int)sizeof err->message) {
        trim_cut_character(err->message, sizeof err->message - 1);
    }
    return status;
}

rf_status rf_fail(rf_error *err, rf_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail_text(err, status, "", format, arguments);
    va_end(arguments);
    return status;
}

rf_status rf_fail_field(rf_error *err, rf_status status, const char *field,
                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail_text(err, status, field, format, arguments);
    va_end(arguments);
    return status;
}

_Noreturn void rf_assert_failed(const char *condition, const char *file,
                                int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    abort();
}
