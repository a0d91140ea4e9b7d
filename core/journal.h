/*
 * journal.h - what happened, in order, for ever (or as long as it is kept).
 *
 * Every accepted or refused command appends one entry under the next number of
 * its environment, in the transaction that carries the change. An entry holds
 * enough to answer the request again, to redo it, and to tell why a number is
 * what it is.
 */
#ifndef RINGFENCE_CORE_JOURNAL_H
#define RINGFENCE_CORE_JOURNAL_H

#include "core/buffer.h"
#include "core/command.h"
#include "core/day.h"
#include "core/store.h"

/* One changed measure of the stock, or of what is scheduled: by how much, and
 * what it is now at exactly the command's dimensions. What moves between groups
 * changes no stock. */
typedef struct rf_movement {
    rf_measure measure;
    rf_day day; /* that it is scheduled for; 0: it is stock now */
    rf_quantity delta;
    rf_quantity total;
} rf_movement;

/* What the entry of an adjustment says beside its quantity, which is the
 * result's: one that is staged has no movement yet, and the one that posts it
 * names it. Which of them it is, is told by when it is posted, which only a
 * staged one has. */
typedef struct rf_adjusted {
    uint64_t staged; /* number of the entry that is posted, or 0 */
    rf_measure measure;
    rf_reference reference;
} rf_adjusted;

/* An entry as read or to be written; texts are borrowed. */
typedef struct rf_entry {
    uint64_t number;
    int64_t at_ms;
    uint64_t id_hash; /* 0: nothing to remember */
    rf_operation operation;
    rf_fingerprint fingerprint;
    unsigned char request_id[16];
    rf_text actor;
    rf_text id;
    rf_text organization;
    rf_text product;
    rf_bytes coordinates; /* encoded as in a key, the groups included */
    rf_bytes source;      /* the groups a reallocation takes from, or empty */
    const rf_movement *movements;
    size_t movement_count;
    rf_text code;         /* the word of a refusal, else empty */
    rf_adjusted adjusted; /* of an adjustment */
    rf_result result;     /* everything but `own` and `replayed` */
} rf_entry;

/* Most measures one command may change. */
#define RF_MOVEMENTS_MAX 1024

/* Append the entry's stored form. */
void rf_entry_encode(const rf_entry *entry, rf_buffer *out);

/* Read a stored entry; its movements are written to `movements`.
 * RF_E_STORAGE: damaged. */
RF_MUST_CHECK rf_status rf_entry_decode(rf_bytes value, uint64_t number,
                                        rf_movement movements[RF_MOVEMENTS_MAX],
                                        rf_entry *out, rf_error *err);

/* Read only when an entry was made and the hash of its id, without checking
 * the rest: rebuilding the id memory looks at millions. */
RF_MUST_CHECK bool rf_entry_peek(rf_bytes value, int64_t *at_ms,
                                 uint64_t *id_hash);

/* The same for organization and product: a history looks at many entries and
 * wants few. Texts are borrowed from the value. */
RF_MUST_CHECK bool rf_entry_peek_product(rf_bytes value, rf_text *organization,
                                         rf_text *product);

/* Hash what an id is unique for. Never 0. */
uint64_t rf_journal_id_hash(uint16_t environment, rf_operation operation,
                            rf_text id);

/* Called for each entry read; return false to stop. */
typedef bool rf_entry_visit(void *context, const rf_entry *entry);

/* The entries of an environment with numbers above `after`. */
typedef struct rf_journal_range {
    uint16_t environment;
    uint64_t after;
} rf_journal_range;

/* Visit the entries of a range, in order. */
RF_MUST_CHECK rf_status rf_journal_read(rf_store *store,
                                        rf_store_transaction *transaction,
                                        rf_journal_range range,
                                        rf_entry_visit *visit, void *context,
                                        rf_error *err);

/* Find the first and last number of an environment's journal; both 0 when it
 * is empty. */
RF_MUST_CHECK rf_status rf_journal_bounds(rf_store *store,
                                          rf_store_transaction *transaction,
                                          uint16_t environment, uint64_t *first,
                                          uint64_t *last, rf_error *err);

#endif
