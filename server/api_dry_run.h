/*
 * api_dry_run.h - what a dry run shows of a command that would succeed.
 *
 * "quantities" is what there would then be at the command's dimensions, in the
 * form of a query row. It is null where a formula over it fails: whoever sends
 * the command might never ask for that one. It is null, too, where scripts
 * would have to know the product of a reversal that does not name it.
 */
#ifndef RINGFENCE_SERVER_API_DRY_RUN_H
#define RINGFENCE_SERVER_API_DRY_RUN_H

#include "core/command.h"
#include "server/api_internal.h"
#include "server/json_write.h"

/* What is worked out once for all lines of a reply. */
typedef struct rf_dry_run rf_dry_run;

/* Make it in the call's memory. RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_dry_run_make(rf_call *call, rf_dry_run **out,
                                        rf_error *err);

/* Put `quantities` of one result. */
void rf_dry_run_put(rf_json_writer *writer, const rf_dry_run *dry_run,
                    const rf_command *command, const rf_result *result);

#endif
