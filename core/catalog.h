/*
 * catalog.h - what an environment's configuration means.
 *
 * A catalog is built once from a draft (draft.h), checked as a whole, and
 * never changes afterwards; every thread may read it. It answers what a name
 * stands for, which measure a formula reads, which levels totals are kept at,
 * and which rules a reservation obeys.
 *
 * Physical measures and groups have numbers that are given on first use and
 * stored (registry.h), so that records stay valid whatever a document's order.
 */
#ifndef RINGFENCE_CORE_CATALOG_H
#define RINGFENCE_CORE_CATALOG_H

#include "core/error.h"
#include "core/formula.h"
#include "core/level.h"
#include "core/measures.h"
#include "core/pool_measures.h"
#include "core/quantity.h"

typedef struct rf_draft rf_draft;
typedef struct rf_registry rf_registry;
typedef struct rf_problems rf_problems;
typedef struct rf_catalog_index rf_catalog_index;

/* The most that one configuration may hold. Whoever goes beyond is told the
 * limit; room that callers set aside by these numbers is always enough. */
#define RF_SOURCES_MAX 64
#define RF_NAMED_MEASURES_MAX 1024 /* physical and calculated together */
#define RF_TERMS_MAX 64            /* of a formula, also when flattened */
#define RF_PARTS_MAX 64            /* of a formula, likewise */
#define RF_MAPPINGS_MAX 256        /* of one source */
#define RF_ALIASES_MAX 1024
#define RF_GROUPS_MAX 8
#define RF_CATALOG_LEVELS_MAX 120
#define RF_NAME_CHARACTERS_MAX 60

/* One addend of a sum: factor times the physical measure, or the part, of that
 * number. */
typedef struct rf_term {
    uint16_t number;
    int64_t factor;
} rf_term;

/* constant + terms + parts. Both lists are in order of their numbers; no
 * factor is zero. */
typedef struct rf_sum {
    rf_quantity constant;
    const rf_term *terms; /* physical measures */
    size_t term_count;
    const rf_term *parts; /* of the formula the sum belongs to */
    size_t part_count;
} rf_sum;

typedef enum {
    RF_PART_MAX, /* the larger of left and right */
    RF_PART_MIN,
    RF_PART_SCRIPT /* the value of a formula that the host evaluates */
} rf_part_kind;

/* What a formula holds that cannot be multiplied out. The sums of a part use
 * only parts that come before it. */
typedef struct rf_part {
    rf_part_kind kind;
    rf_sum left;
    rf_sum right;
    uint16_t formula; /* of a script: index into calculated[] */
} rf_part;

typedef struct rf_physical {
    rf_text source; /* lower case, as all names here */
    rf_text name;
    rf_measure number;
    int reservation; /* index into calculated[] of its mapping, or -1 */
} rf_physical;

typedef enum {
    RF_FORMULA_LINEAR, /* a sum of physical measures */
    RF_FORMULA_TREE,   /* with largest and smallest in it */
    RF_FORMULA_LUA     /* needs the host, wholly or in part */
} rf_formula_kind;

/* A calculated measure, flattened: formulas over other formulas have been
 * multiplied out, so that only physical measures and parts are left. */
typedef struct rf_calculated {
    rf_text source;
    rf_text name;
    rf_formula_kind kind;
    bool is_script; /* the host evaluates it; else `sum` is its value */
    unsigned script;
    rf_sum sum;
    const rf_part *parts;
    size_t part_count;
    /* The physical measures it is known to read, in order: all of them unless
     * a script finds out more as it runs. */
    const rf_measure *reads;
    size_t read_count;
} rf_calculated;

/* One name of a data source for a base dimension. */
typedef struct rf_mapping {
    rf_text name;
    unsigned dimension;
} rf_mapping;

typedef struct rf_source {
    rf_text name;
    bool read_only; /* fno without allowFnoWrites, @iv always */
    const rf_mapping *mappings;
    size_t mapping_count;
} rf_source;

/* How far ahead changes may be scheduled, in days from today on. */
#define RF_SCHEDULE_DAYS_MAX 180
#define RF_SCHEDULE_DAYS_DEFAULT 30

/* Most physical measures that all promises together may read. */
#define RF_PROMISE_READS_MAX 8

/* A calculated measure that is promised ahead. */
typedef struct rf_promise {
    size_t formula; /* index into calculated[] */
    unsigned days;  /* how far ahead, today included */
} rf_promise;

/* What may be scheduled, and what is promised of it. */
typedef struct rf_schedule_rules {
    unsigned days;        /* how far ahead anything may be scheduled */
    bool grouped;         /* promises are told apart by an index set only */
    const rf_level *sets; /* without site and location */
    size_t set_count;
    const rf_promise *promises;
    size_t promise_count;
} rf_schedule_rules;

/* The whole catalog, to be read only. Owned by whoever built it. */
struct rf_catalog {
    bool by_product;       /* partition rule: product, else site and location */
    bool strict;           /* hierarchyCheck */
    bool drops_dimensions; /* unconfigured dimensions of a reservation */
    bool allow_fno_writes;
    bool has_index;          /* some index set besides the partition's */
    int refusal_http_status; /* 0 mirrors the body's statusCode */
    unsigned id_retention_days;

    const rf_source *sources;
    size_t source_count;
    const rf_physical *physicals; /* in order of their numbers */
    size_t physical_count;
    const rf_calculated *calculated;
    size_t calculated_count;
    rf_formula_host *host; /* of the scripts; NULL where there are none */

    const unsigned *reservation_dimensions; /* in configured order */
    size_t reservation_dimension_count;
    const rf_text *groups; /* by coordinate - RF_DIMENSION_COUNT; also those
                              that are not configured any more */
    size_t group_count;
    const unsigned *group_order; /* coordinates, highest group first */
    size_t group_order_count;
    rf_level group_mask;   /* of the configured groups */
    rf_pool_measures pool; /* what allocations change */
    size_t pool_formula;   /* index into calculated[]: what can be allocated */
    rf_schedule_rules schedule;

    const rf_level *levels; /* every configured level, the leaf's first */
    size_t level_count;

    rf_catalog_index *index; /* what the look-ups below go by */
};

/* Build a catalog from a draft, whose memory may go afterwards. Names that
 * `registry` does not know yet get the next numbers, and are added to it.
 * Every mistake found is added to `problems`, which may hold some already;
 * when it is not empty at the end, RF_E_BAD_CONFIGURATION (or, when the
 * document has no other mistake, the status of the first) is returned with all
 * of them in `err`, and the registry is as it was. The draft's host is not
 * touched. */
RF_MUST_CHECK rf_status rf_catalog_build(const rf_draft *draft,
                                         rf_registry *registry,
                                         rf_problems *problems,
                                         rf_catalog **out, rf_error *err);

void rf_catalog_free(rf_catalog *catalog);

/* The look-ups take names in any case. */

/* Find a data source by name, or NULL. */
const rf_source *rf_catalog_source(const rf_catalog *catalog, rf_text name);

/* Find a physical measure by source and name, aliases included, or NULL. */
const rf_physical *rf_catalog_physical(const rf_catalog *catalog,
                                       rf_text source, rf_text name);

/* Find a physical measure by its stored number; NULL when the configuration
 * does not name it any more. */
const rf_physical *rf_catalog_physical_number(const rf_catalog *catalog,
                                              rf_measure number);

/* Find a calculated measure by source and name, aliases included, or NULL. */
const rf_calculated *rf_catalog_calculated(const rf_catalog *catalog,
                                           rf_text source, rf_text name);

/* Resolve a dimension name of a request: a base dimension, or one of the names
 * of `source` when that is not NULL. Returns the dimension or -1. */
int rf_catalog_dimension(const rf_catalog *catalog, const rf_source *source,
                         rf_text name);

/* Find a configured group by name. Returns its coordinate or -1. */
int rf_catalog_group(const rf_catalog *catalog, rf_text name);

/* Return a coordinate's name as replies print it. */
rf_text rf_catalog_coordinate_name(const rf_catalog *catalog,
                                   unsigned coordinate);

/* Return the mask of the reservation dimensions. */
rf_level rf_catalog_reservation_mask(const rf_catalog *catalog);

/* Say whether a measure is `@softreserved` of the service's own source and has
 * a mapping: nobody posts to it, but it can be reserved. */
bool rf_physical_is_own_reservation(const rf_physical *measure);

/* Return the word for a kind: "linear", "tree", "lua". */
const char *rf_formula_kind_word(rf_formula_kind kind);

/* Evaluate a formula of the subject's catalog over a node's measures; a measure
 * that was never posted is zero. RF_E_QUANTITY_OVERFLOW: the value does not
 * fit. RF_E_SCRIPT: a script failed; err says where. */
RF_MUST_CHECK rf_status rf_calculated_value(const rf_calculated *calculated,
                                            const rf_subject *subject,
                                            rf_quantity *out, rf_error *err);

#endif
