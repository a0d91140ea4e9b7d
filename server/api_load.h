/*
 * api_load.h - things that the loader does for a call.
 */
#ifndef RINGFENCE_SERVER_API_LOAD_H
#define RINGFENCE_SERVER_API_LOAD_H

#include "server/api_internal.h"
#include "server/json_write.h"

/* Make a load for the call's environment, in the call's memory; NULL when there
 * is none. */
rf_load *rf_load_make(rf_call *call, rf_load_kind kind);

/* Hand a load of the call to the loader and wait; `finish` is what the call is
 * resumed with, and gives back what the load brought (rf_load_done). Actor,
 * request id, whether it is a dry run, `done` and `owner` are filled in here.
 */
rf_step rf_load_submit(rf_call *call, rf_load *load, rf_call_step *finish);

/* Put "dryRun" where a load was one. */
void rf_load_put_dry_run(const rf_load *load, rf_json_writer *writer);

/* Reply why a load failed: with all mistakes of a document when there are
 * several, of which an error could tell but a few. */
rf_step rf_load_refuse(rf_call *call, const rf_load *load);

#endif
