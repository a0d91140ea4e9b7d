/*
 * environment.h - one tenant, as the writer sees it.
 *
 * Everything here belongs to the writer's thread. What other threads may see
 * is the published generation. The numbers of names and levels are stored in
 * the meta table and read back at start.
 */
#ifndef RINGFENCE_CORE_ENVIRONMENT_H
#define RINGFENCE_CORE_ENVIRONMENT_H

#include "core/codec.h"
#include "core/day.h"
#include "core/due.h"
#include "core/generation.h"
#include "core/id_memory.h"
#include "core/key.h"
#include "core/registry.h"
#include "core/store.h"

/* A level is built leaf by leaf in key order. Until it is complete, a change
 * is posted to it only when its leaf has been passed already, so that every
 * leaf counts exactly once whenever the change comes. Leaves are those of the
 * level's kind: of one with groups they are the allocation records. */
typedef enum {
    RF_LEVEL_ACTIVE = 1,   /* complete: every change is posted to it */
    RF_LEVEL_BUILDING = 2, /* complete up to and including `cursor` */
    RF_LEVEL_DROPPING = 3  /* being deleted, nothing is posted to it */
} rf_level_phase;

typedef struct rf_level_state {
    rf_level level;
    uint8_t number;
    rf_level_phase phase;
    rf_key cursor; /* among the leaves (building) or the level's own nodes */
} rf_level_state;

/* Data of a partition was erased when the journal stood at `number`: ids
 * remembered for it up to there are forgotten. */
typedef struct rf_erasure {
    uint64_t partition; /* hash of the partition's id */
    uint64_t number;
} rf_erasure;

typedef struct rf_environment {
    uint16_t number;
    char id[RF_ENVIRONMENT_ID_MAX + 1];
    rf_generation *generation; /* the published one; NULL before the first */
    rf_registry *registry;
    rf_due *due;            /* lives as long as the environment */
    int64_t rests_until_ms; /* after doing what is due has failed */
    rf_level_state levels[RF_LEVELS_MAX];
    size_t level_count;
    /* The groups of the published configuration, the highest first: the leaf
     * level with all of them holds the allocation records. */
    unsigned groups[RF_GROUPS_MAX];
    size_t group_count;
    /* How often an allocation record may have been made since the start; it
     * grows even when that is taken back. */
    uint64_t allocations;
    uint64_t generation_number;
    rf_fingerprint document; /* of the published configuration's text */
    uint64_t first_number;   /* of the journal as kept, 0 when empty */
    uint64_t last_number;
    rf_id_memory *ids;
    int64_t first_ms;       /* when the first entry was made, about */
    uint64_t ids_from;      /* oldest journal number whose id is remembered */
    int64_t ids_since_ms;   /* when that was */
    int64_t retained_ms;    /* when retention was last looked at */
    uint64_t journal_bytes; /* of the entries kept, about */
    rf_erasure *erasures;
    size_t erasure_count;
    rf_day scheduled_from; /* what was scheduled for days before counts nowhere
                              and goes */
    rf_day swept_to;       /* all of it has gone up to here, since the start */
    rf_key sweep;          /* where that has got in the level under way */
    size_t swept_levels;
    size_t jobs_kept;
    size_t jobs_waiting;   /* those of them that are not finished */
    int64_t jobs_since_ms; /* no finished one is older; INT64_MAX: there is
                              none */
} rf_environment;

/* Make an environment that nobody has heard of yet. */
RF_MUST_CHECK rf_status rf_environment_create(uint16_t number, rf_text id,
                                              rf_environment **out,
                                              rf_error *err);
void rf_environment_free(rf_environment *environment);

/* Append the meta record of an environment, without its document. */
RF_MUST_CHECK rf_status rf_environment_save(rf_store *store,
                                            rf_store_transaction *transaction,
                                            const rf_environment *environment,
                                            rf_error *err);

/* Called with each stored environment, which then belongs to the callee. */
typedef rf_status
rf_environment_visit(void *context, rf_environment *environment, rf_error *err);

/* Read every stored environment, without its journal's bounds and ids. */
RF_MUST_CHECK rf_status rf_environment_load_all(
    rf_store *store, rf_store_transaction *transaction,
    rf_environment_visit *visit, void *context, rf_error *err);

/* Say whether a level holds what lies at a leaf, and changes there are posted
 * to it: once it is active, or when its building has passed the leaf. */
bool rf_level_state_counts(const rf_level_state *level, rf_bytes leaf);

/* Return the active level with exactly these coordinates, or NULL. */
const rf_level_state *
rf_environment_active_level(const rf_environment *environment, rf_level level);

/* Return the level that holds the allocation records, or NULL when the
 * published configuration has no groups. */
const rf_level_state *
rf_environment_pool_level(const rf_environment *environment);

/* Return the level that holds the leaves of a kind: what is allocated has none
 * without groups, and what is scheduled none before the first configuration. */
const rf_level_state *
rf_environment_leaf_level(const rf_environment *environment,
                          rf_level_kind kind);

/* Return the smallest active level that contains these coordinates, which are
 * dimensions only; there is always the leaf. */
const rf_level_state *
rf_environment_covering_level(const rf_environment *environment,
                              rf_level level);

/* Note that a partition was erased at a journal number. */
RF_MUST_CHECK rf_status rf_environment_note_erasure(rf_environment *environment,
                                                    uint64_t partition,
                                                    uint64_t number,
                                                    rf_error *err);

/* Return the journal number at which a partition was last erased, or 0. */
uint64_t rf_environment_erased_at(const rf_environment *environment,
                                  uint64_t partition);

/* Hash what partition a place of a product lies in. */
uint64_t rf_partition_hash(bool by_product, rf_text organization,
                           rf_text product, const rf_place *place);

#endif
