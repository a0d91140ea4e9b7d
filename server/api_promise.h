/*
 * api_promise.h - what can be promised, day by day (ATP).
 *
 * A query that asks for it gets two more members in each row:
 *
 *     "quantitiesByDate":{"2031-03-11T00:00:00":{"pos":{"inbound":5}}},
 *     "atpQuantities":{"2031-03-11T00:00:00Z":{"iv":{"onhand":7}}}
 *
 * The first tells what is scheduled, the second how much of each configured
 * measure can be promised from that day on: the least that there will be on it
 * or on any later day of the period, if all comes as scheduled. Which days are
 * told is the client's choice and changes no number.
 */
#ifndef RINGFENCE_SERVER_API_PROMISE_H
#define RINGFENCE_SERVER_API_PROMISE_H

#include "core/arena.h"
#include "core/day.h"
#include "core/query.h"
#include "server/json_write.h"

/* How rows are put (api_row.h): what is worked out once for all of an answer,
 * and what they show. */
typedef struct rf_row_layout rf_row_layout;
typedef struct rf_row_style rf_row_style;

/* What a query asks for. */
typedef struct rf_promise_request {
    bool wanted;
    rf_text from; /* dates as the client spells them, or empty */
    rf_text to;
    int64_t now_ms; /* one time for a whole answer */
} rf_promise_request;

/* What is worked out once for all rows of an answer. */
typedef struct rf_promises rf_promises;

/* Say whether a query that asks for promises may: its groups, site and location
 * aside, are one index set of the schedule, and it filters by nothing else.
 * RF_E_ATP_GROUP_BY. */
RF_MUST_CHECK rf_status rf_promise_check(const rf_catalog *catalog,
                                         const rf_query *query, rf_error *err);

/* Have a query read what is scheduled from today on, and prepare for its rows.
 * Both borrow the catalog and the arena. RF_E_INVALID_FIELD: a date is none, or
 * the first comes after the last. RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_promises_make(const rf_catalog *catalog,
                                         const rf_promise_request *request,
                                         rf_arena *arena, rf_query *query,
                                         rf_promises **out, rf_error *err);

/* Put both members of a row. The failures of rf_row_put. */
RF_MUST_CHECK rf_status rf_promises_put(rf_promises *promises,
                                        rf_row_layout *layout,
                                        const rf_row_style *style,
                                        const rf_row *row,
                                        rf_json_writer *writer, rf_error *err);

#endif
