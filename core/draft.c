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

static void copy_text(char *out, size_t size, rf_text text)
{
    size_t length = cut_length(text.bytes, text.length, size - 1);
    if (length > 0) {
        memcpy(out, text.bytes, length);
    }
    out[length] = '\0';
}

/* Return the next free problem, with path and place, or NULL when only the
 * count can still grow. */
static rf_problem *next_problem(rf_problems *problems, rf_status status,
                                rf_text path, const rf_script_place *place)
{
    if (problems->count++ >= RF_PROBLEMS_MAX) {
        return NULL;
    }
    rf_problem *problem = &problems->items[problems->count - 1];
    *problem = (rf_problem){.status = status};
    if (place != NULL) {
        problem->script = *place;
        snprintf(problem->path, sizeof problem->path, "%s/%s:%d", place->plugin,
                 place->file, place->line);
    } else {
        copy_text(problem->path, sizeof problem->path, path);
    }
    return problem;
}

static void write_message(rf_problem *problem, const char *format,
                          va_list arguments)
{
    /* One byte more than is kept, to see where the cut goes through. */
    char text[sizeof problem->message + 1];
    vsnprintf(text, sizeof text, format, arguments);
    copy_text(problem->message, sizeof problem->message, rf_text_of(text));
}

void rf_problems_add(rf_problems *problems, rf_text path, const char *format,
                     ...)
{
    rf_problem *problem =
        next_problem(problems, RF_E_BAD_CONFIGURATION, path, NULL);
    if (problem != NULL) {
        va_list arguments;
        va_start(arguments, format);
        write_message(problem, format, arguments);
        va_end(arguments);
    }
}

void rf_problems_add_as(rf_problems *problems, rf_status status, rf_text path,
                        const rf_script_place *place, const char *format, ...)
{
    rf_problem *problem = next_problem(problems, status, path, place);
    if (problem != NULL) {
        va_list arguments;
        va_start(arguments, format);
        write_message(problem, format, arguments);
        va_end(arguments);
    }
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

static rf_status status_of(const rf_problems *problems, size_t kept)
{
    for (size_t i = 0; i < kept; i++) {
        if (problems->items[i].status == RF_E_BAD_CONFIGURATION) {
            return RF_E_BAD_CONFIGURATION;
        }
    }
    return problems->items[0].status;
}

static rf_status fail_at(const rf_problem *problem, rf_status status,
                         const char *text, const char *rest, rf_error *err)
{
    rf_fail_field(err, status, problem->path, "%s%s", text, rest);
    if (err != NULL) {
        err->script = problem->script;
    }
    return status;
}

rf_status rf_problems_fail(const rf_problems *problems, rf_error *err)
{
    RF_ASSERT(problems->count > 0);
    const rf_problem *first = &problems->items[0];
    size_t kept =
        problems->count < RF_PROBLEMS_MAX ? problems->count : RF_PROBLEMS_MAX;
    rf_status status = status_of(problems, kept);
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
        return fail_at(first, status, first->message, rest, err);
    }
    if (shown < problems->count) {
        snprintf(rest, sizeof rest, "; and %zu more", problems->count - shown);
    }
    return fail_at(first, status, text, rest, err);
}
