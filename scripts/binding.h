/*
 * binding.h - what m and ctx hold: a catalog's names, a subject's values.
 *
 * m.<source>.<measure> is any measure of the catalog, aliases included; names
 * compare without case. ctx has organization and product (texts), time (whole
 * Unix seconds), date ("2031-03-10", UTC), dimensions.<base dimension> and
 * groups.<configured group> (texts, "" when the subject has none). `pairs`
 * goes over the sources of m, the physical measures of a source, the names of
 * ctx, its dimensions and its groups, each by name. Any other name raises.
 *
 * Slots are numbered by the catalog's own lists, so finding a name needs no
 * memory and reading one no search.
 */
#ifndef RINGFENCE_SCRIPTS_BINDING_H
#define RINGFENCE_SCRIPTS_BINDING_H

#include "scripts/scripts_internal.h"

/* What one call reads from. */
typedef struct rf_frame {
    rf_state *state;
    const rf_subject *subject;
    rf_error *nested; /* what a measure's own evaluation failed with */
    char date[24];    /* as the call sees it */
} rf_frame;

/* The names of a catalog, which must live as long as the schema is used. */
rf_schema rf_binding_schema(const rf_catalog *catalog);

/* The values of a call; `frame` is borrowed until it is over. */
rf_reader rf_binding_reader(rf_frame *frame);

#endif
