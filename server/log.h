/*
 * log.h - one line for each event, on standard error.
 *
 *     2031-03-10T09:00:00.250Z warn store commit failed error=28 retry=false
 *
 * A line is built on the stack and leaves with one write, so lines of several
 * threads never mix. Whatever a client or plugin can choose goes into a value:
 * it is cut at 200 characters, quoted where it holds blanks, and stripped of
 * its power to end the line, steer a terminal or turn the reading direction.
 * Time, level, part and keys are literals of ours.
 *
 *     rf_log_line line;
 *     rf_log_begin(&line, RF_LOG_WARN, "store", "commit failed");
 *     rf_log_integer(&line, "error", code);
 *     rf_log_end(&line);
 *
 * A line below the current level costs one comparison for each call.
 */
#ifndef RINGFENCE_SERVER_LOG_H
#define RINGFENCE_SERVER_LOG_H

#include "core/error.h"
#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    RF_LOG_ERROR, /* something was lost or refused that should not be */
    RF_LOG_WARN,  /* something is odd; the line says what happens next */
    RF_LOG_INFO,  /* start, stop, reload */
    RF_LOG_DEBUG  /* for the one who looks for a fault */
} rf_log_level;

#define RF_LOG_VALUE_MAX 200

/* A pipe takes this much in one piece. */
#define RF_LOG_LINE_MAX 4096

typedef struct rf_log_line {
    size_t length;
    bool silent; /* below the level: nothing is collected */
    bool cut;
    char text[RF_LOG_LINE_MAX];
} rf_log_line;

/* Log to descriptor `fd` (2 until called) what is at `level` or more serious
 * (RF_LOG_INFO until called). Any thread, any time. */
void rf_log_setup(int fd, rf_log_level level);

/* Find a level by its name ("error", "warn", "info", "debug"). */
bool rf_log_level_of(rf_text name, rf_log_level *level);

/* Start a line. The message may hold foreign text, such as that of an
 * rf_error; it is escaped like a value but neither quoted nor cut. */
void rf_log_begin(rf_log_line *line, rf_log_level level, const char *part,
                  const char *message);

/* Add " key=value". What no longer fits is left out. */
void rf_log_text(rf_log_line *line, const char *key, rf_text value);
void rf_log_string(rf_log_line *line, const char *key, const char *value);
void rf_log_integer(rf_log_line *line, const char *key, int64_t value);
void rf_log_bool(rf_log_line *line, const char *key, bool value);

/* Add code, field and message of a failure. */
void rf_log_failure(rf_log_line *line, const rf_error *failure);

/* Write the line. A failure to write is nobody's to handle: it is ignored. */
void rf_log_end(rf_log_line *line);

/* A line without values. */
void rf_log_event(rf_log_level level, const char *part, const char *message);

#endif
