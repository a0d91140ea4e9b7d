/*
 * api_write.h - from a body to the writer and back: one line, or many.
 *
 * A write reads its lines into commands, checks them, hands them to the writer
 * as one job and waits; when the job is durable the reply is written on the
 * I/O thread. A single write is a list of one line with a simpler reply. In a
 * list, lines that are invalid are answered without the writer's help, and the
 * others are carried out; in a basket (?atomic=true) the first invalid line
 * ends the judging.
 *
 * With ?dryRun=true nothing is changed: the reply is the usual one with
 * "dryRun", and every line that would succeed shows what there would then be
 * (api_dry_run.h).
 */
#ifndef RINGFENCE_SERVER_API_WRITE_H
#define RINGFENCE_SERVER_API_WRITE_H

#include "core/command.h"
#include "server/api_internal.h"
#include "server/json_read.h"

/* Read one line, but for its id, into a command that is all zeroes but for
 * operation and id. */
typedef rf_status rf_line_read(rf_call *call, rf_json_object line,
                               rf_command *out, rf_error *err);

/* Carry out the body as one command. */
rf_step rf_write_one(rf_call *call, rf_operation operation, rf_line_read *read);

/* Carry out the body as a list of commands. */
rf_step rf_write_many(rf_call *call, rf_operation operation,
                      rf_line_read *read);

#endif
