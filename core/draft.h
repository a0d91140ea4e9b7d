/*
 * draft.h - a configuration document as read, before it is believed.
 *
 * Whoever reads a document fills in a draft: names as they are spelled, each
 * with the place where it stands, so that a mistake can be reported as
 * "$.inventorySystemConfigurations.iv.reservMappings.softreserved". All
 * memory is borrowed from the reader until the catalog is built. Form (what
 * must be text, a list, a number in range) is the reader's business; meaning
 * is checked by rf_catalog_build.
 */
#ifndef RINGFENCE_CORE_DRAFT_H
#define RINGFENCE_CORE_DRAFT_H

#include "core/error.h"
#include "core/expression.h"
#include "core/formula.h"
#include "core/text.h"

#include <stdbool.h>

typedef struct rf_draft_name {
    rf_text text;
    rf_text path; /* where it stands in the document */
} rf_draft_name;

typedef struct rf_draft_pair {
    rf_draft_name from;
    rf_draft_name to;
} rf_draft_pair;

typedef struct rf_draft_names {
    rf_draft_name *items;
    size_t count;
    rf_text path; /* of the list itself */
} rf_draft_names;

typedef struct rf_draft_pairs {
    rf_draft_pair *items;
    size_t count;
    rf_text path; /* of the list itself */
} rf_draft_pairs;

/* name = sum of `added` minus sum of `subtracted`, each "source.measure". */
typedef struct rf_draft_calculated {
    rf_draft_name name;
    rf_draft_names added;
    rf_draft_names subtracted;
} rf_draft_calculated;

typedef struct rf_draft_source {
    rf_draft_name name;
    rf_draft_pairs mappings; /* own dimension name -> base dimension */
    rf_draft_names physicals;
    rf_draft_calculated *calculated;
    size_t calculated_count;
    rf_draft_pairs reservations; /* measure -> "source.calculated" */
} rf_draft_source;

/* A calculated measure that is promised ahead: "source.measure". */
typedef struct rf_draft_promise {
    rf_draft_name measure;
    unsigned days;
} rf_draft_promise;

/* One measure that a plugin's formula reads, and where. */
typedef struct rf_draft_read {
    rf_text name; /* "source.measure" */
    rf_text file;
    int line;
} rf_draft_read;

/* A formula of a plugin. One that has an expression is evaluated from that; its
 * reads are then all there are, by the numbers the expression uses. Else the
 * host is asked, and the reads are those that are known of. */
typedef struct rf_draft_formula {
    rf_text name; /* "source.measure"; the source must be configured */
    rf_script_place place;
    rf_expression expression; /* no nodes: ask the host */
    const rf_draft_read *reads;
    size_t read_count;
    unsigned script; /* its number at the host */
} rf_draft_formula;

typedef struct rf_draft {
    bool by_product;
    bool strict;
    bool drops_dimensions;
    bool allow_fno_writes;
    int refusal_http_status;
    unsigned id_retention_days;

    rf_draft_source *sources;
    size_t source_count;
    rf_draft_names *index_sets; /* without the partition's set 0 */
    size_t index_set_count;
    rf_draft_names *schedule_sets;
    size_t schedule_set_count;
    unsigned schedule_days; /* how far ahead; 0: as far as each promise says */
    rf_draft_promise *promises;
    size_t promise_count;
    rf_draft_names *levels; /* ringfence.levels */
    size_t level_count;
    rf_draft_names reservation_keys;
    rf_draft_names groups;  /* highest first */
    rf_draft_pairs aliases; /* "source.measure" -> "source.measure" */
    rf_draft_names plugins; /* to be loaded, in this order */

    /* What those plugins bring; the host is lent to the catalog. */
    const rf_draft_formula *formulas;
    size_t formula_count;
    rf_formula_host *host;
} rf_draft;

#define RF_PROBLEMS_MAX 20

/* Mistakes found in a document, in the order of finding. More than
 * RF_PROBLEMS_MAX are counted, not kept. */
typedef struct rf_problem {
    rf_status status;
    char path[160];
    char message[160];
    rf_script_place script; /* where in a plugin, or empty */
} rf_problem;

typedef struct rf_problems {
    size_t count;
    rf_problem items[RF_PROBLEMS_MAX];
} rf_problems;

/* Note a mistake of the document; too long texts are cut between two
 * characters. */
void rf_problems_add(rf_problems *problems, rf_text path, const char *format,
                     ...) RF_PRINTF(3, 4);

/* Note a mistake of another kind than a bad document; `place` says where in a
 * plugin it is, or is NULL, and the path is then made from it. */
void rf_problems_add_as(rf_problems *problems, rf_status status, rf_text path,
                        const rf_script_place *place, const char *format, ...)
    RF_PRINTF(5, 6);

/* Report the mistakes, of which there is one at least, as a failure: with
 * RF_E_BAD_CONFIGURATION if one of them is of the document, else the status of
 * the first. The field is the path of the first, the message names as many as
 * fit and counts the rest. */
rf_status rf_problems_fail(const rf_problems *problems, rf_error *err);

/* Return how many bytes of a name a message shows, whole characters only. For
 * "%.*s", whose arguments RF_SHOWN gives. */
int rf_shown_length(rf_text name);

#define RF_SHOWN(name) rf_shown_length(name), (name).bytes

#endif
