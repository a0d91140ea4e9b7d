/*
 * api_page.h - lists that are read page by page.
 *
 *     {"Value":[...],"nextLink":"reservations?after=...&limit=100"}
 *
 * A page has at most `limit` rows, fewer when they are long, and says where the
 * next one begins; the last one says "". When a page is full its reader looks
 * whether there is another row, so that no link leads to an empty page.
 */
#ifndef RINGFENCE_SERVER_API_PAGE_H
#define RINGFENCE_SERVER_API_PAGE_H

#include "core/key.h"
#include "server/api_internal.h"
#include "server/json_write.h"

typedef struct rf_page {
    rf_call *call;
    rf_json_writer writer;
    rf_key next; /* where the list goes on; empty: at its beginning */
    int64_t limit;
    int64_t shown; /* rows put so far */
    bool another;  /* there is one behind the page */
} rf_page;

/* Read `limit` and `after` of a call into an empty page. What `after` says
 * comes from outside: whoever lists must not believe it. RF_E_INVALID_FIELD. */
RF_MUST_CHECK rf_status rf_page_read(rf_call *call, rf_page *out,
                                     rf_error *err);

/* Say whether a parameter is one of the page's own. */
bool rf_page_owns(rf_text parameter);

/* How many rows to read next. */
size_t rf_page_room(const rf_page *page);

/* Say whether all rows are put: what is read next only tells that there are
 * more. */
bool rf_page_is_full(const rf_page *page);

/* Begin the reply, and end it with the link to the next page, which is asked
 * for at `path` with the same filters. */
void rf_page_begin(rf_page *page);
rf_step rf_page_end(rf_page *page, const char *path);

#endif
