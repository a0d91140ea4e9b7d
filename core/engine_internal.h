/*
 * engine_internal.h - what the engine's files share.
 *
 * engine.c runs batches, engine_ids.c remembers ids, engine_dry.c tells what
 * would be, engine_configure.c publishes generations and builds levels,
 * engine_groups.c sees to it that allocation records keep their groups,
 * engine_erase.c erases partitions, engine_expire.c does what is due: it ends
 * holds, engine_staged.c posts adjustments; engine_jobs.c opens jobs and
 * carries on with them, engine_resync.c and engine_resync_find.c are what one
 * of them does, engine_retain.c drops what is too old, engine_days.c what was
 * scheduled for days long over.
 */
#ifndef RINGFENCE_CORE_ENGINE_INTERNAL_H
#define RINGFENCE_CORE_ENGINE_INTERNAL_H

#include "core/adjustment.h"
#include "core/engine.h"
#include "core/environment.h"
#include "core/job_record.h"
#include "core/level_scan.h"
#include "core/operation.h"
#include "core/workset.h"

/* A journal entry of this batch, not stored yet. */
typedef struct rf_pending {
    rf_environment *environment;
    uint64_t number;
    uint64_t id_hash;
    int64_t expires_ms; /* of a hold it made, 0: none */
    size_t offset;      /* of its bytes in the buffer of entries */
    size_t length;
} rf_pending;

typedef struct rf_configuration rf_configuration;

/* The erasure under way. */
typedef struct rf_erasing {
    size_t partition; /* index of the one under way */
    bool parsed;
    bool noted; /* its ids are forgotten */
    char scratch[RF_PARTITION_TEXT_MAX];
    rf_text organization;
    rf_place place;
    char product[RF_PRODUCT_BYTES_MAX];
    size_t product_length; /* 0: look for the next one */
    bool by_product;
    bool product_done; /* by the transaction under way */
    bool partition_done;
} rf_erasing;

/* The job under way, of whichever environment: one at a time. Its texts lie in
 * `stored`, but for those that its steps set. */
typedef struct rf_running_job {
    rf_environment *environment;
    rf_job_id id;
    rf_job_record record;
    rf_buffer stored;
    rf_buffer position; /* what record.position borrows from */
    char message[256];
    int64_t rests_until_ms; /* after a failure */
} rf_running_job;

/* Something whose time has come. */
typedef struct rf_due_item {
    rf_key key;
    rf_due_parts parts; /* the texts lie in `key` */
    rf_plan plan;
    rf_place place;
    rf_staged staged; /* an adjustment; its texts lie in the workset's arena */
} rf_due_item;

typedef struct rf_pending_list {
    rf_pending *items;
    size_t count;
    size_t capacity;
    rf_buffer bytes;
} rf_pending_list;

struct rf_engine {
    rf_engine_options options;
    rf_store *store;
    rf_workset *workset;
    rf_globe *globe;
    void (*settled)(void *self); /* may be NULL */
    void *settled_self;
    rf_environment **environments;
    size_t environment_count;
    rf_pending_list pending;
    rf_work work;
    uint64_t basket;         /* first number of the basket under way, or 0 */
    rf_task *tasks;          /* the first is under way */
    rf_task *opening;        /* jobs to be opened */
    rf_running_job *running; /* or NULL */
    rf_configuration *configuration; /* its progress, or NULL */
    rf_erasing *erasing;             /* likewise */
    rf_generation **retired; /* replaced, perhaps still read by someone */
    size_t retired_count;
    size_t maintained; /* whose turn it is for retention */
    int64_t now_ms;    /* of the batch under way */
};

/* Find an environment by its number or id, or NULL. */
rf_environment *rf_engine__environment(rf_engine *engine, uint16_t number);
rf_environment *rf_engine__environment_by_id(rf_engine *engine, rf_text id);

/* Point engine->work at an environment for the next command. */
void rf_engine__begin_work(rf_engine *engine, rf_environment *environment);

/* Append an entry to the pending ones and remember its id. The entry's number
 * becomes the environment's last. */
RF_MUST_CHECK rf_status rf_engine__append(rf_engine *engine,
                                          rf_environment *environment,
                                          const rf_entry *entry, rf_error *err);

/* Take back the pending entries from `count` on. */
void rf_engine__take_back(rf_engine *engine, size_t count);

/* Save workset and pending entries and commit; RF_OK means durable. On any
 * other status nothing is changed, and the pending entries are taken back. */
RF_MUST_CHECK rf_status rf_engine__commit(rf_engine *engine,
                                          rf_store_transaction *transaction,
                                          rf_error *err);

/* Rebuild an environment's bounds and id memory from its journal. */
RF_MUST_CHECK rf_status rf_engine__recall(rf_engine *engine,
                                          rf_environment *environment,
                                          rf_error *err);

/* Want the journal entries that may hold this command's id. */
RF_MUST_CHECK rf_status rf_engine__plan_known(rf_engine *engine,
                                              rf_environment *environment,
                                              const rf_command *command,
                                              rf_plan *plan, rf_error *err);

/* Look for the command's id among them and the pending entries. `*found`: the
 * result is the remembered one, or RF_E_CONFLICT. */
RF_MUST_CHECK rf_status rf_engine__find_known(rf_engine *engine,
                                              const rf_command *command,
                                              const rf_plan *plan,
                                              rf_result *result, bool *found,
                                              rf_error *err);

/* Add up what there is now, for this batch, at exactly the dimensions of a
 * command. `out` is empty, and stays so on failure. */
RF_MUST_CHECK rf_status rf_engine__total(rf_engine *engine,
                                         rf_store_transaction *transaction,
                                         const rf_command *command,
                                         const rf_plan *plan, rf_measures *out,
                                         rf_error *err);

/* Forget what results of a dry run show, and the journal numbers above `last`
 * that were taken back. */
void rf_engine__hide_quantities(rf_job *job);
void rf_engine__hide_numbers(rf_job *job, uint64_t last);

/* Enter an environment that the engine does not know yet; it belongs to the
 * engine afterwards. */
RF_MUST_CHECK rf_status rf_engine__add_environment(rf_engine *engine,
                                                   rf_environment *environment,
                                                   rf_error *err);

/* Counting the allocation records of an environment, in steps. */
typedef struct rf_record_count {
    rf_level_scan scan;
    uint64_t records;
    uint64_t as_of; /* the environment's `allocations` when it began */
    bool is_done;
} rf_record_count;

/* Say whether allocation records keep their meaning under a catalog: its groups
 * begin with all of the published ones, in their order. */
bool rf_engine__keeps_groups(const rf_environment *environment,
                             const rf_catalog *catalog);

/* Take the groups of a catalog that is about to be published. */
void rf_engine__set_groups(rf_environment *environment,
                           const rf_catalog *catalog);

/* Begin counting, count on, and refuse what needs that there are none.
 * RF_E_DATA_PRESENT: there are some; the message says how many. */
void rf_engine__start_count(const rf_environment *environment,
                            rf_record_count *count);
RF_MUST_CHECK rf_status rf_engine__count_step(rf_engine *engine,
                                              const rf_environment *environment,
                                              rf_record_count *count,
                                              rf_error *err);

/* Begin a maintenance transaction over an empty workset. */
RF_MUST_CHECK rf_status rf_engine__begin(rf_engine *engine,
                                         rf_store_transaction **out,
                                         rf_error *err);

/* Delete stock records whose keys were written to `keys` as texts. */
RF_MUST_CHECK rf_status
rf_engine__delete_keys(rf_engine *engine, rf_store_transaction *transaction,
                       const rf_buffer *keys, rf_error *err);

/* The product that is being erased, and its key without the kind. */
rf_text rf_engine__product(const rf_erasing *erasing);
void rf_engine__erased_product(const rf_engine *engine, rf_key *out);

/* Take away the allocation records that were wanted: the first `count` records
 * of the workset. */
RF_MUST_CHECK rf_status
rf_engine__erase_pools(rf_engine *engine, rf_store_transaction *transaction,
                       size_t count, rf_error *err);

/* Note a piece of administration in its environment's journal. */
RF_MUST_CHECK rf_status rf_engine__journal_task(rf_engine *engine,
                                                rf_environment *environment,
                                                const rf_task *task,
                                                rf_operation operation,
                                                rf_error *err);

/* Tell the observer that something has become durable. */
void rf_engine__settle(rf_engine *engine);

/* Want the nodes of a staged adjustment; when they are loaded post it, unless
 * its partition was erased since, and tell the journal. What cannot be posted
 * is refused there. It is not staged any more in any case. */
RF_MUST_CHECK rf_status rf_engine__want_staged(rf_engine *engine,
                                               rf_due_item *item,
                                               rf_error *err);
RF_MUST_CHECK rf_status rf_engine__post_staged(rf_engine *engine,
                                               rf_environment *environment,
                                               rf_due_item *item,
                                               rf_error *err);

/* Say whether a failure is the matter of one environment, whose records are
 * damaged, and others can go on. */
bool rf_engine__is_of_environment(rf_status status);

/* Do what is due in an environment, end holds and post adjustments: some, or
 * all of it.
 * What is still to come is noted in the environment's `due`. */
RF_MUST_CHECK rf_status rf_engine__expire_step(rf_engine *engine,
                                               rf_environment *environment,
                                               int64_t now_ms, rf_error *err);
RF_MUST_CHECK rf_status rf_engine__expire(rf_engine *engine,
                                          rf_environment *environment,
                                          int64_t now_ms, rf_error *err);

/* Forget the progress of the task under way. */
void rf_engine__configure_forget(rf_engine *engine);
void rf_engine__erase_forget(rf_engine *engine);

/* Put down the job under way; its record says where to go on. */
void rf_engine__put_job_down(rf_engine *engine);

/* Count an environment's jobs, at the start. */
RF_MUST_CHECK rf_status rf_engine__count_jobs(rf_engine *engine,
                                              rf_environment *environment,
                                              rf_error *err);

/* Begin anew with the levels whose old days are to go. To be called when levels
 * have changed their places in the list. */
void rf_engine__sweep_again(rf_environment *environment);

/* Save the record of the job under way in a transaction. */
RF_MUST_CHECK rf_status rf_engine__save_job(rf_engine *engine,
                                            rf_store_transaction *transaction,
                                            rf_error *err);

/* Carry on with a resync: one transaction, which saves the job's record, too.
 * When there is nothing left, that is finished then. */
RF_MUST_CHECK rf_status rf_engine__resync_step(rf_engine *engine,
                                               rf_running_job *job,
                                               rf_error *err);

/* Drop what is left of jobs that came to their end before a time. */
RF_MUST_CHECK rf_status rf_engine__drop_jobs(rf_engine *engine,
                                             rf_environment *environment,
                                             int64_t before_ms, rf_error *err);

/* One bounded step of a kind of maintenance; `*more` is set when there is more
 * of it to do at once, and left alone otherwise. Whatever it fails with is as
 * if it had not been begun. */
typedef rf_status rf_maintenance(rf_engine *engine, bool *more, rf_error *err);

RF_MUST_CHECK rf_maintenance rf_engine__open_jobs_step;
RF_MUST_CHECK rf_maintenance rf_engine__jobs_step;
RF_MUST_CHECK rf_maintenance rf_engine__drop_levels_step;
RF_MUST_CHECK rf_maintenance rf_engine__retain_step;
RF_MUST_CHECK rf_maintenance rf_engine__past_days_step;

/* The same of the task under way; `*finished`: it is done. */
RF_MUST_CHECK rf_status rf_engine__configure_step(rf_engine *engine,
                                                  rf_task *task, bool *finished,
                                                  rf_error *err);
RF_MUST_CHECK rf_status rf_engine__erase_step(rf_engine *engine, rf_task *task,
                                              bool *finished, rf_error *err);

#endif
