/*
 * files.h - reading files whole, and replacing them durably.
 *
 * Files are named by a path, or by the name of an entry in an open folder. A
 * file that is replaced is written aside first, under a hidden name, so that a
 * crash leaves the old one or the new.
 */
#ifndef RINGFENCE_SERVER_FILES_H
#define RINGFENCE_SERVER_FILES_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>

/* Room for the longest name of an entry, with its NUL. */
#define RF_FILES_NAME_SIZE 256

/* Tell in `err` what the operating system said, from errno: "cannot open x:
 * ...". Returns RF_E_STORAGE_FULL when there is no room, else RF_E_STORAGE. */
rf_status rf_files_fail(rf_error *err, const char *what, const char *path);

/* Append a whole file to `out`. RF_E_STORAGE: it cannot be read.
 * RF_E_BAD_CONFIGURATION: it is larger than `bytes_max`. RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_files_read(const char *path, size_t bytes_max,
                                      rf_buffer *out, rf_error *err);

/* The same for an entry that strangers may have made: nothing but a regular
 * file is read, and nobody is waited for. A symbolic link is followed only if
 * `follow`. RF_E_BAD_CONFIGURATION: it is something else, or too large, or it
 * changed while it was read. */
RF_MUST_CHECK rf_status rf_files_read_at(int folder, const char *name,
                                         bool follow, size_t bytes_max,
                                         rf_buffer *out, rf_error *err);

/* Write all of a text to a descriptor. `path` is for the message. */
RF_MUST_CHECK rf_status rf_files_write(int fd, rf_text text, const char *path,
                                       rf_error *err);

/* Write a file whose content is durable when this returns RF_OK; that it is in
 * the folder is not. One that was there is overwritten. */
RF_MUST_CHECK rf_status rf_files_write_at(int folder, const char *name,
                                          rf_text text, rf_error *err);

/* Put a text in place of a file, all or nothing: when this returns RF_OK it is
 * durable. */
RF_MUST_CHECK rf_status rf_files_replace_at(int folder, const char *name,
                                            rf_text text, rf_error *err);

/* Make new and renamed entries of a folder durable. */
RF_MUST_CHECK rf_status rf_files_sync_directory(const char *path,
                                                rf_error *err);

#endif
