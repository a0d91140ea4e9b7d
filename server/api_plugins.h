/*
 * api_plugins.h - what the calls about plugins share.
 */
#ifndef RINGFENCE_SERVER_API_PLUGINS_H
#define RINGFENCE_SERVER_API_PLUGINS_H

#include "server/api_internal.h"

/* The handlers that change something: api_plugins_change.c. */
rf_step rf_plugins__put(rf_call *call);
rf_step rf_plugins__remove(rf_call *call);
rf_step rf_plugins__roll_back(rf_call *call);

/* The one that only says what would change: api_plugins_preview.c. */
rf_step rf_plugins__preview(rf_call *call);

/* Check the name of a plugin, and that of one of its files (plugin_files.h).
 * RF_E_INVALID_FIELD; `field` is what the error calls it. */
RF_MUST_CHECK rf_status rf_plugins__check_name(rf_text name, const char *field,
                                               rf_error *err);
RF_MUST_CHECK rf_status rf_plugins__check_file(rf_text file, const char *field,
                                               rf_error *err);

/* 64 hexadecimal digits, NUL. */
#define RF_PLUGINS_HASH_SIZE 65

/* Write the SHA-256 of a text in hexadecimal digits; false when the library
 * failed. */
RF_MUST_CHECK bool rf_plugins__hash(rf_text text,
                                    char out[RF_PLUGINS_HASH_SIZE]);

#endif
