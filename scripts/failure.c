/*
 * failure.c - what a script did wrong, as a status, a place and a sentence.
 *
 * A sandbox tells failures in its own words (rf_script_failure); this is where
 * they become rf_error, the only place that knows which status is for which.
 */
#include "scripts/scripts_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Copy a text that may be longer, whole characters only. RF_SHOWN cuts at less
 * than the functions' names have room for. */
static void copy_shown(char *to, size_t size, rf_text from)
{
    snprintf(to, size, "%.*s", RF_SHOWN(from));
}

rf_script_place rf_scripts__place_of(const rf_plugin *plugin, rf_text file,
                                     int line)
{
    rf_script_place place = {.line = line};
    copy_shown(place.plugin, sizeof place.plugin, plugin->name);
    copy_shown(place.file, sizeof place.file, file);
    return place;
}

static bool has_file(const rf_plugin *plugin, const char *name)
{
    for (size_t i = 0; i < plugin->file_count; i++) {
        if (rf_text_equal(plugin->files[i].name, rf_text_of(name))) {
            return true;
        }
    }
    return false;
}

/* Let a place be where the failure says, when that is in one of the plugin's
 * own files: a line of the prelude helps nobody. */
static void move_to_failure(rf_script_place *place, const rf_plugin *plugin,
                            const rf_script_failure *failure)
{
    if (failure->line > 0 && has_file(plugin, failure->file)) {
        snprintf(place->file, sizeof place->file, "%s", failure->file);
        place->line = failure->line;
    }
}

rf_script_place rf_scripts__place(const rf_scripts *set,
                                  const rf_script *script,
                                  const rf_script_failure *failure)
{
    rf_script_place place = script->place;
    move_to_failure(&place, &set->plugins[script->plugin], failure);
    return place;
}

rf_status rf_scripts__fail_at(const rf_script_place *place, rf_status status,
                              rf_error *err, const char *format, ...)
{
    char message[sizeof err->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    rf_fail(err, status, "%s", message);
    if (err != NULL) {
        err->script = *place;
    }
    return status;
}

static rf_status load_status(const rf_script_failure *failure)
{
    if (failure->cause == RF_E_NO_MEMORY) {
        return RF_E_NO_MEMORY;
    }
    switch (failure->outcome) {
    case RF_SCRIPT_SYNTAX:
    case RF_SCRIPT_BINARY:
    case RF_SCRIPT_SIZE:
        return RF_E_PLUGIN_SYNTAX;
    case RF_SCRIPT_INTERNAL:
        return RF_E_INTERNAL;
    case RF_SCRIPT_OK:
    case RF_SCRIPT_ERROR:
    case RF_SCRIPT_LIMIT_CPU:
    case RF_SCRIPT_LIMIT_MEMORY:
    case RF_SCRIPT_CONTRACT:
    case RF_SCRIPT_IMPURE:
        break;
    }
    bool is_told = failure->cause == RF_E_DUPLICATE_DEFINITION ||
                   failure->cause == RF_E_EXAMPLE_FAILED;
    return is_told ? failure->cause : RF_E_PLUGIN_FAILED;
}

rf_status rf_scripts__fail_load(const rf_plugin *plugin,
                                const rf_script_failure *failure,
                                const rf_script_place *place, rf_error *err)
{
    rf_script_place at = *place;
    move_to_failure(&at, plugin, failure);
    return rf_scripts__fail_at(&at, load_status(failure), err, "%s",
                               failure->message);
}

int64_t rf_scripts__now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
