/*
 * api_history.h - pages of what is picked out of the journal.
 *
 * A page is read in slices. It ends when it is full, when the journal ends, or
 * when so many entries were looked at as `limits.historyEntries` allows; the
 * link to the next one is empty only where the journal ended.
 */
#ifndef RINGFENCE_SERVER_API_HISTORY_H
#define RINGFENCE_SERVER_API_HISTORY_H

#include "core/history.h"
#include "server/api_internal.h"
#include "server/json_write.h"

typedef struct rf_history_page rf_history_page;

struct rf_history_page {
    rf_call *call;
    rf_json_writer writer; /* inside the array of entries */
    rf_history_filter filter;
    rf_place place;   /* of the filter */
    const char *path; /* of the link to the next page */
    void (*put)(rf_history_page *page, const rf_entry *entry);
    rf_step (*end)(rf_history_page *page, rf_text link);
    void *state; /* of whoever reads the page */

    rf_history history;
    int64_t limit;
    int64_t shown;
    bool another; /* there is an entry behind the page */
};

/* Make a page as the call's `limit` and `after` say, which filters nothing but
 * the environment; it lives as long as the call. RF_E_INVALID_FIELD. */
RF_MUST_CHECK rf_status rf_history_page_make(rf_call *call,
                                             rf_history_page **out,
                                             rf_error *err);

/* Read a page, whose reply has begun, to its end. */
rf_step rf_history_page_read(rf_history_page *page);

#endif
