/*
 * api_row.h - one row of a query's answer.
 *
 *     {"productId":"T-shirt","dimensions":{"siteid":"1","ColorId":"red"},
 *      "quantities":{"pos":{"inbound":5,"availquantity":5}}}
 *
 * A row shows the physical measures that were ever posted there; every sum that
 * reads at least one of them; every other formula, if there are any at all; and
 * the other measures those formulas are known to read, as 0. Sources and
 * measures are in lower case, site and location too, the other dimensions as
 * they are known.
 */
#ifndef RINGFENCE_SERVER_API_ROW_H
#define RINGFENCE_SERVER_API_ROW_H

#include "core/arena.h"
#include "core/catalog.h"
#include "core/query.h"
#include "server/api_promise.h"
#include "server/json_write.h"

/* Make the layout for a catalog, which it borrows, in the arena.
 * RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_row_layout_make(const rf_catalog *catalog,
                                           rf_arena *arena, rf_row_layout **out,
                                           rf_error *err);

struct rf_row_style {
    rf_level shown;        /* the coordinates of "dimensions" */
    bool organization;     /* put "organizationId", too */
    bool negative;         /* put values below zero */
    int64_t now_ms;        /* for formulas: one time for a whole answer */
    unsigned thread;       /* whose scripts to use */
    rf_promises *promises; /* put what can be promised, too; or NULL */

    /* What the place of every row is known to be beside what tells rows apart:
     * formulas see that, too. */
    rf_place fixed;
};

/* Put one row, whose place may hold more coordinates than are shown.
 * RF_E_QUANTITY_OVERFLOW: a formula's value does not fit; RF_E_SCRIPT: a script
 * failed. The writer is then in the middle of the row. */
RF_MUST_CHECK rf_status rf_row_put(rf_row_layout *layout,
                                   const rf_row_style *style, const rf_row *row,
                                   rf_json_writer *writer, rf_error *err);

/* Put nothing but the object of its quantities; the same failures. */
RF_MUST_CHECK rf_status rf_row_put_quantities(rf_row_layout *layout,
                                              const rf_row_style *style,
                                              const rf_row *row,
                                              rf_json_writer *writer,
                                              rf_error *err);

#endif
