/*
 * log.c - building and writing log lines.
 */
#include "server/log.h"

#include "server/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {
    [RF_LOG_ERROR] = "error",
    [RF_LOG_WARN] = "warn",
    [RF_LOG_INFO] = "info",
    [RF_LOG_DEBUG] = "debug",
};

/* The log sink: the one place where all threads write. */
static atomic_int sink_fd = STDERR_FILENO;
static atomic_int sink_level = RF_LOG_INFO;

/* Kept free at the end of a line for the mark of a cut and the line feed. */
#define TAIL "...\n"
#define ROOM_MAX (RF_LOG_LINE_MAX - sizeof TAIL)

/* Longest form of one escaped character, "\u{10ffff}" and more. */
#define ESCAPE_MAX 16

void rf_log_setup(int fd, rf_log_level level)
{
    atomic_store_explicit(&sink_fd, fd, memory_order_relaxed);
    atomic_store_explicit(&sink_level, (int)level, memory_order_relaxed);
}

bool rf_log_level_of(rf_text name, rf_log_level *level)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (rf_text_is_name(name, rf_text_of(level_names[i]))) {
            *level = (rf_log_level)i;
            return true;
        }
    }
    return false;
}

/* Append a piece as a whole or not at all. After the first piece that does
 * not fit, nothing is appended any more. */
static void append(rf_log_line *line, const char *bytes, size_t length)
{
    if (line->cut || length > ROOM_MAX - line->length) {
        line->cut = true;
        return;
    }
    memcpy(line->text + line->length, bytes, length);
    line->length += length;
}

static void append_string(rf_log_line *line, const char *string)
{
    append(line, string, strlen(string));
}

/* Append one character of foreign text and return how many bytes it had. */
static size_t append_character(rf_log_line *line, rf_text rest)
{
    char escape[ESCAPE_MAX];
    uint32_t character = 0;
    size_t step = rf_utf8_read(rest.bytes, rest.length, &character);
    if (step == 0) {
        snprintf(escape, sizeof escape, "\\x%02x",
                 (unsigned)(unsigned char)*rest.bytes);
        append_string(line, escape);
        return 1;
    }
    if (rf_utf8_is_unprintable(character)) {
        snprintf(escape, sizeof escape, "\\u%04x", (unsigned)character);
        append_string(line, escape);
    } else {
        if (character == '"' || character == '\\') {
            append(line, "\\", 1);
        }
        append(line, rest.bytes, step);
    }
    return step;
}

/* Append foreign text, at most `characters_max` characters of it. */
static void append_foreign(rf_log_line *line, rf_text text,
                           size_t characters_max)
{
    size_t at = 0;
    for (size_t i = 0; i < characters_max && at < text.length; i++) {
        rf_text rest = {text.bytes + at, text.length - at};
        at += append_character(line, rest);
    }
    if (at < text.length) {
        append_string(line, "...");
    }
}

static void append_time(rf_log_line *line)
{
    struct timespec now = {0};
    struct tm utc = {0};
    char text[64];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + length, sizeof text - length, ".%03ldZ ",
             now.tv_nsec / 1000000);
    append_string(line, text);
}

void rf_log_begin(rf_log_line *line, rf_log_level level, const char *part,
                  const char *message)
{
    line->length = 0;
    line->cut = false;
    line->silent =
        (int)level > atomic_load_explicit(&sink_level, memory_order_relaxed);
    if (line->silent) {
        return;
    }
    append_time(line);
    append_string(line, level_names[level]);
    append_string(line, " ");
    append_string(line, part);
    append_string(line, " ");
    append_foreign(line, rf_text_of(message), SIZE_MAX);
}

static void append_key(rf_log_line *line, const char *key)
{
    append_string(line, " ");
    append_string(line, key);
    append_string(line, "=");
}

static bool needs_quotes(rf_text value)
{
    for (size_t i = 0; i < value.length; i++) {
        if (strchr(" \"=\\", value.bytes[i]) != NULL) {
            return true;
        }
    }
    return value.length == 0;
}

void rf_log_text(rf_log_line *line, const char *key, rf_text value)
{
    if (line->silent) {
        return;
    }
    const char *quote = needs_quotes(value) ? "\"" : "";
    append_key(line, key);
    append_string(line, quote);
    append_foreign(line, value, RF_LOG_VALUE_MAX);
    append_string(line, quote);
}

void rf_log_string(rf_log_line *line, const char *key, const char *value)
{
    rf_log_text(line, key, rf_text_of(value));
}

void rf_log_integer(rf_log_line *line, const char *key, int64_t value)
{
    if (line->silent) {
        return;
    }
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    append_key(line, key);
    append_string(line, text);
}

void rf_log_bool(rf_log_line *line, const char *key, bool value)
{
    rf_log_string(line, key, value ? "true" : "false");
}

void rf_log_failure(rf_log_line *line, const rf_error *failure)
{
    rf_log_string(line, "code", rf_status_word(failure->status));
    if (failure->field[0] != '\0') {
        rf_log_string(line, "field", failure->field);
    }
    rf_log_string(line, "error", failure->message);
}

void rf_log_end(rf_log_line *line)
{
    if (line->silent) {
        return;
    }
    const char *tail = line->cut ? TAIL : "\n";
    memcpy(line->text + line->length, tail, strlen(tail));
    line->length += strlen(tail);
    int fd = atomic_load_explicit(&sink_fd, memory_order_relaxed);
    ssize_t written = 0;
    do {
        written = write(fd, line->text, line->length);
    } while (written < 0 && errno == EINTR);
}

void rf_log_event(rf_log_level level, const char *part, const char *message)
{
    rf_log_line line;
    rf_log_begin(&line, level, part, message);
    rf_log_end(&line);
}
