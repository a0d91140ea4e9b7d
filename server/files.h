/*
 * files.h - reading files whole, and making changes of a folder durable.
 */
#ifndef RINGFENCE_SERVER_FILES_H
#define RINGFENCE_SERVER_FILES_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/text.h"

#include <stddef.h>

/* Tell in `err` what the operating system said, from errno: "cannot open x:
 * ...". Returns RF_E_STORAGE_FULL when there is no room, else RF_E_STORAGE. */
rf_status rf_files_fail(rf_error *err, const char *what, const char *path);

/* Append a whole file to `out`. RF_E_STORAGE: it cannot be read.
 * RF_E_BAD_CONFIGURATION: it is larger than `bytes_max`. RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_files_read(const char *path, size_t bytes_max,
                                      rf_buffer *out, rf_error *err);

/* Write all of a text to a descriptor. `path` is for the message. */
RF_MUST_CHECK rf_status rf_files_write(int fd, rf_text text, const char *path,
                                       rf_error *err);

/* Make new and renamed entries of a folder durable. */
RF_MUST_CHECK rf_status rf_files_sync_directory(const char *path,
                                                rf_error *err);

#endif
