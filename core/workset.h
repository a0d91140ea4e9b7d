/*
 * workset.h - the unit of work: every record a batch reads or changes.
 *
 * Planning asks for records by key (want); they are loaded in one call;
 * applying changes them in memory, where later commands of the batch see it;
 * saving writes each changed record once. Nothing here decides anything: the
 * operations do (operation.h).
 *
 * Changes since a mark can be undone, which is how a refused command and a
 * basket that did not fit leave no trace. Undoing cannot fail.
 *
 * A workset belongs to the writer. Records live until rf_workset_reset.
 */
#ifndef RINGFENCE_CORE_WORKSET_H
#define RINGFENCE_CORE_WORKSET_H

#include "core/arena.h"
#include "core/key.h"
#include "core/record.h"
#include "core/store.h"

typedef enum {
    RF_RECORD_NODE,
    RF_RECORD_HEAD,
    RF_RECORD_RESERVATION,
    RF_RECORD_SET_TIMES,
    RF_RECORD_MARKER, /* only its presence counts: the place index, holds */
    RF_RECORD_STAGED, /* an adjustment that is due, as bytes */
    RF_RECORD_ENTRY,  /* a journal entry, read only */
    RF_RECORD_PRODUCT /* the sealed value as it is, never loaded */
} rf_record_kind;

typedef struct rf_record {
    struct rf_record *next_same_hash;
    struct rf_record *next; /* in order of the first want */
    uint64_t hash;
    rf_table table;
    rf_record_kind kind;
    bool loaded;  /* the store was asked */
    bool present; /* exists, as far as this batch knows */
    bool dirty;   /* differs from the store */
    rf_bytes key;
    rf_node node; /* its list keeps its memory when the record is reused */
    union {
        rf_head *head; /* NULL: not there */
        rf_reservation reservation;
        rf_set_times set_times;
        rf_bytes bytes; /* RF_RECORD_ENTRY, _PRODUCT, _STAGED: the stored value
                         */
    } as;
} rf_record;

typedef struct rf_workset rf_workset;

RF_MUST_CHECK rf_status rf_workset_create(rf_store *store, rf_workset **out,
                                          rf_error *err);
void rf_workset_free(rf_workset *workset);

/* Forget every record; the memory is kept for the next batch. */
void rf_workset_reset(rf_workset *workset);

/* Return the record of a key, entering it, still to be loaded, when it is new.
 * NULL: out of memory. */
rf_record *rf_workset_want(rf_workset *workset, rf_table table,
                           rf_record_kind kind, const rf_key *key);

/* The same for a record that is about to be written whatever the store holds:
 * it is not loaded and counts as absent. */
rf_record *rf_workset_blind(rf_workset *workset, rf_table table,
                            rf_record_kind kind, const rf_key *key);

/* Ask for every node whose key starts with `prefix`. */
RF_MUST_CHECK bool rf_workset_want_range(rf_workset *workset,
                                         const rf_key *prefix);

/* Say whether something was asked for that is not loaded yet. */
bool rf_workset_is_waiting(const rf_workset *workset);

/* Load what was asked for. */
RF_MUST_CHECK rf_status rf_workset_load(rf_workset *workset,
                                        rf_store_transaction *transaction,
                                        rf_error *err);

/* Return the first record; `next` leads through all of them. */
rf_record *rf_workset_first(const rf_workset *workset);

/* Remember the state of now, and return to it. */
size_t rf_workset_mark(const rf_workset *workset);
void rf_workset_undo(rf_workset *workset, size_t mark);

/* Change a loaded record. Each can be undone.
 * RF_E_QUANTITY_OVERFLOW, RF_E_NO_MEMORY: unchanged. */
RF_MUST_CHECK rf_status rf_workset_add(rf_workset *workset, rf_record *record,
                                       rf_measure measure, rf_quantity delta,
                                       rf_error *err);
RF_MUST_CHECK rf_status rf_workset_set_head(rf_workset *workset,
                                            rf_record *record,
                                            const rf_head *head, rf_error *err);
RF_MUST_CHECK rf_status
rf_workset_set_reservation(rf_workset *workset, rf_record *record,
                           const rf_reservation *reservation, rf_error *err);
/* The list is borrowed until the workset is reset. */
RF_MUST_CHECK rf_status rf_workset_set_times(rf_workset *workset,
                                             rf_record *record,
                                             const rf_set_times *times,
                                             rf_error *err);
/* The value is borrowed until the workset is saved; no bytes: delete it. */
RF_MUST_CHECK rf_status rf_workset_set_bytes(rf_workset *workset,
                                             rf_record *record, rf_bytes value,
                                             rf_error *err);
RF_MUST_CHECK rf_status rf_workset_set_present(rf_workset *workset,
                                               rf_record *record, bool present,
                                               rf_error *err);

/* Delete a loaded node. This cannot be undone: it is for maintenance, which
 * commits on its own. */
void rf_workset_drop_node(rf_record *record);

/* Save every changed record, in the order they were first wanted. */
RF_MUST_CHECK rf_status rf_workset_save(rf_workset *workset,
                                        rf_store_transaction *transaction,
                                        rf_error *err);

/* Memory for what belongs to records, borrowed until reset. */
rf_arena *rf_workset_arena(rf_workset *workset);

/* Lend an empty buffer; its content lasts until the next call. */
rf_buffer *rf_workset_scratch(rf_workset *workset);

#endif
