/*
 * options.h - the server's own settings: one table, one file.
 *
 * The file named by --config is a JSON object; `{}` is enough. Every option is
 * one row of the table in options.c: name, type, default, bounds and a
 * sentence. The table is what is parsed by, checked by and printed as
 * documentation, so the three cannot differ. An unknown name or a bad value
 * stops the start; all mistakes are reported at once, each with its path.
 *
 * The upper bounds of `limits` are what the server was built and tested for:
 * configuration may lower them, not raise them.
 *
 * Settings of one environment are not here; they stand in its own document.
 */
#ifndef RINGFENCE_SERVER_OPTIONS_H
#define RINGFENCE_SERVER_OPTIONS_H

#include "core/arena.h"
#include "core/buffer.h"
#include "core/draft.h"
#include "core/error.h"
#include "core/text.h"
#include "server/json.h"
#include "server/log.h"

#include <stdbool.h>
#include <stdint.h>

/* All settings. Texts are NUL-terminated, and they and the lists are borrowed
 * from `memory`, so they live until rf_options_done. Not to be changed after
 * the start. Units are in the table's names. */
typedef struct rf_options {
    const char *listen;
    const char *data_directory;
    const char *plugins_directory;
    const char *environments_directory;
    int64_t io_threads; /* 0: as many as cores */
    bool watch_plugins;
    bool compile_formulas;

    int64_t body_bytes;
    int64_t bulk_items;
    int64_t query_products;
    int64_t head_bytes;
    int64_t headers;
    int64_t connections;
    int64_t queue_commands;
    int64_t streams;
    int64_t history_entries;

    int64_t request_ms;
    int64_t idle_ms;
    int64_t heartbeat_ms;
    int64_t replaced_ms;
    int64_t drain_ms;

    int64_t map_bytes;
    int64_t free_space_bytes;
    int64_t retention_days;
    int64_t journal_bytes;
    int64_t ids_max;
    int64_t adjustment_minutes;

    rf_log_level log_level;
    bool behind_tls_proxy;
    const rf_json *auth_keys;    /* an array, or NULL for none; see auth.h */
    const rf_json *auth_clients; /* the same */

    rf_arena memory;
} rf_options;

/* Set every option to its default. Pair with rf_options_done. */
void rf_options_init(rf_options *options);

void rf_options_done(rf_options *options);

/* Read a configuration text over the defaults. Call once, after init.
 * RF_E_BAD_JSON, RF_E_DUPLICATE_KEY: not a JSON document.
 * RF_E_BAD_CONFIGURATION: `problems` lists every mistake, with paths such as
 * "limits.bodyBytes"; the error tells the first. The options are then usable
 * for nothing but rf_options_done. RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_options_read(rf_options *options, rf_text text,
                                        rf_problems *problems, rf_error *err);

/* Replace one option whose type is text, as the command line does. `value` is
 * copied. RF_E_BAD_CONFIGURATION, RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_options_override(rf_options *options,
                                            const char *name, const char *value,
                                            rf_error *err);

/* Check what no single option tells: whoever listens beyond this machine needs
 * keys, and something in front that speaks TLS. Call when all overrides are
 * in. Mistakes go to `problems`. */
void rf_options_check(const rf_options *options, rf_problems *problems);

/* Say whether `listen` names this machine only. */
bool rf_options_is_loopback(const rf_options *options);

/* Append the table as Markdown, for the README. */
void rf_options_print(rf_buffer *out);

#endif
