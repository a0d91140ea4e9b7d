/*
 * api_entry.h - journal entries as JSON, alone and in pages.
 *
 *     {"number":17,"at":"...","actor":"till","requestId":"...",
 *      "operation":"reserve","id":"r-1","organizationId":"usmf",
 *      "productId":"48","dimensions":{...},"deltas":{...},"totals":{...},
 *      "result":"success","code":"","message":""}
 *
 * Those of allocations have "groups" as well, those of reallocations also
 * "sourceGroups", and where they succeeded "quantity". Those of adjustments
 * have "state", "measure", "quantity" and "reference"; one that was staged is
 * posted by another one, which has its number as "staged".
 *
 * A page is {"events":[...],"last":17,"nextLink":""}.
 */
#ifndef RINGFENCE_SERVER_API_ENTRY_H
#define RINGFENCE_SERVER_API_ENTRY_H

#include "core/journal.h"
#include "server/api_internal.h"
#include "server/json_write.h"

/* Entries of one page. */
#define RF_ENTRIES_DEFAULT 100
#define RF_ENTRIES_MAX 1000

/* Put one entry. */
void rf_entry_put(rf_json_writer *writer, const rf_catalog *catalog,
                  const rf_entry *entry);

/* Begin the reply of a call that is a page. */
void rf_entries_begin(rf_call *call, rf_json_writer *writer);

/* End it; `last` is of the journal. Returns RF_STEP_DONE. */
rf_step rf_entries_end(rf_json_writer *writer, uint64_t last, rf_text link);

#endif
