/*
 * draft.c - the mistakes of a document, and how they are told.
 */
#include "core/draft.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* As much of a name as a message shows before there is room for nothing else.
 */
#define SHOWN_BYTES_MAX 72

/* Return the longest length up to `max` that cuts no UTF-8 sequence. */
static size_t cut_length(const char *bytes, size_t length, size_t max)
{
    if (length <= max) {
        return length;
    }
    size_t cut = max;
    while (cut > 0 && ((unsigned char)bytes[cut] & 0xC0) == 0x80) {
        cut--;
    }
    return cut;
}

int rf_shown_length(rf_text name)
{
    return (int)cut_length(name.bytes, name.length, SHOWN_BYTES_MAX);
}

static void copy_path(rf_problem *problem, rf_text path)
{
    size_t length =
        cut_length(path.bytes, path.length, sizeof problem->path - 1);
    if (length > 0) {
        memcpy(problem->path, path.bytes, length);
    }
    problem->path[length] = '\0';
}

void rf_problems_add(rf_problems *problems, rf_text path, const char *format,
                     ...)
{
    if (problems->count++ >= RF_PROBLEMS_MAX) {
        return;
    }
    rf_problem *problem = &problems->items[problems->count - 1];
    copy_path(problem, path);

    /* One byte more than is kept, to see where the cut goes through. */
    char text[sizeof problem->message + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t length = cut_length(text, strlen(text), sizeof problem->message - 1);
    memcpy(problem->message, text, length);
    problem->message[length] = '\0';
}

/* Append "path: what" if it fits into `size` bytes together with `reserve`
 * bytes for the count of the others. */
static bool append_problem(char *text, size_t size, const rf_problem *problem,
                           size_t reserve)
{
    char part[sizeof problem->path + sizeof problem->message + 8];
    size_t used = strlen(text);
    int length = snprintf(part, sizeof part, "%s%s: %s", used == 0 ? "" : "; ",
                          problem->path, problem->message);
    if (length < 0 || used + (size_t)length + reserve >= size) {
        return false;
    }
    memcpy(text + used, part, (size_t)length + 1);
    return true;
}

rf_status rf_problems_fail(const rf_problems *problems, rf_status status,
                           rf_error *err)
{
    RF_ASSERT(problems->count > 0);
    const rf_problem *first = &problems->items[0];
    size_t kept =
        problems->count < RF_PROBLEMS_MAX ? problems->count : RF_PROBLEMS_MAX;
    char text[sizeof err->message] = "";
    char rest[32] = "";
    size_t shown = 0;
    size_t reserve = problems->count > 1 ? sizeof rest : 0;
    while (shown < kept &&
           append_problem(text, sizeof text, &problems->items[shown],
                          shown + 1 == problems->count ? 0 : reserve)) {
        shown++;
    }
    if (shown == 0) {
        return rf_fail_field(err, status, first->path, "%s", first->message);
    }
    if (shown < problems->count) {
        snprintf(rest, sizeof rest, "; and %zu more", problems->count - shown);
    }
    return rf_fail_field(err, status, first->path, "%s%s", text, rest);
}
