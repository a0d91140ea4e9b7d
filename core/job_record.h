/*
 * job_record.h - what the store keeps of a job: what is done between batches.
 *
 * A job outlives the request that opened it, and the process: its record says
 * what is to be done, how far that is, and where to go on. Whatever a step of a
 * job changes is saved together with the record, so that a job goes on exactly
 * where it stopped. A job that only selects something is completed as soon as
 * it is there.
 *
 * Clients know a job by "ResyncJob:" and a GUID.
 */
#ifndef RINGFENCE_CORE_JOB_RECORD_H
#define RINGFENCE_CORE_JOB_RECORD_H

#include "core/arena.h"
#include "core/codec.h"
#include "core/key.h"
#include "core/level.h"
#include "core/measures.h"

/* Jobs of one environment that are not finished; one more is refused. */
#define RF_JOBS_WAITING_MAX 1000

/* Jobs of one environment that are kept; the oldest finished one, of the same
 * kind if there is one, makes room for one more. There is always one, because
 * not all of these can be waiting. */
#define RF_JOBS_KEPT_MAX 2000

/* The numbers are stored: append only. */
typedef enum {
    RF_JOB_RESYNC = 1, /* takes reservations away */
    RF_JOB_LOG = 2     /* selects entries of the journal */
} rf_job_kind;

/* Likewise. */
typedef enum {
    RF_JOB_QUEUED = 1,
    RF_JOB_RUNNING = 2,
    RF_JOB_COMPLETED = 3,
    RF_JOB_FAILED = 4
} rf_job_state;

typedef struct rf_job_id {
    rf_job_kind kind;
    unsigned char guid[16];
} rf_job_id;

/* Texts and bytes are borrowed. */
typedef struct rf_job_record {
    rf_job_state state;
    int64_t created_ms; /* since 1970, UTC */
    int64_t updated_ms;
    uint64_t number; /* the journal's last when the job was opened */
    uint64_t done;   /* of `total`, in the unit of its kind */
    uint64_t total;
    uint64_t failures;      /* of the step at hand, one after another */
    rf_fingerprint content; /* of what the client asked for */
    unsigned char request_id[16];
    rf_text actor;
    rf_text progress;    /* what it is at, in words */
    rf_text message;     /* what became of it */
    rf_bytes parameters; /* what to do, as its kind encodes it */
    rf_bytes position;   /* where to go on, likewise; empty: not begun */
} rf_job_record;

/* Append the stored form. */
void rf_job_record_encode(const rf_job_record *record, rf_buffer *out);

/* Read a stored record. RF_E_STORAGE: damaged. */
RF_MUST_CHECK rf_status rf_job_record_decode(rf_bytes value, rf_job_record *out,
                                             rf_error *err);

/* Look up a job in the store, in a transaction of its own; its record borrows
 * from `arena`. `*found` says whether there is one. */
RF_MUST_CHECK rf_status rf_job_record_load(rf_store *store, const rf_key *key,
                                           rf_arena *arena, rf_job_record *out,
                                           bool *found, rf_error *err);

/* Say whether a job has come to its end. */
bool rf_job_record_is_finished(const rf_job_record *record);

/* The word for a state: "Queued", and for a kind: "ResyncJob". */
const char *rf_job_state_word(rf_job_state state);
const char *rf_job_kind_word(rf_job_kind kind);

/* Make the key of a job, and find its id in one. false: it is no such key. */
void rf_job_key(rf_key *key, uint16_t environment, const rf_job_id *id);
bool rf_job_key_read(rf_bytes key, rf_job_id *out);

#define RF_JOB_ID_TEXT_MAX 64

/* Print a job's id as clients see it, and read it back, the word of the kind
 * and the digits in any letter case; false: it cannot be one of ours. */
size_t rf_job_id_print(const rf_job_id *id, char text[RF_JOB_ID_TEXT_MAX]);
bool rf_job_id_parse(rf_text text, rf_job_id *out);

/* Measures whose reservations a resync takes away, as its parameters. */
#define RF_RESYNC_MEASURES_MAX 256

void rf_resync_encode(const rf_measure *measures, size_t count, rf_buffer *out);
RF_MUST_CHECK rf_status rf_resync_decode(
    rf_bytes parameters, rf_measure measures[RF_RESYNC_MEASURES_MAX],
    size_t *count, rf_error *err);

/* Entries that a log job selects, as its parameters: up to its journal number
 * only, so that the selection stays what it is. */
typedef struct rf_log_selection {
    rf_text id; /* the client's */
    rf_text organization;
    rf_text product; /* empty: any */
    rf_place place;  /* what is given there must be equal */
    int64_t from_ms; /* made then or later, since 1970 */
    int64_t end_ms;  /* and before then */
} rf_log_selection;

void rf_log_selection_encode(const rf_log_selection *selection, rf_buffer *out);
RF_MUST_CHECK rf_status rf_log_selection_decode(rf_bytes parameters,
                                                rf_log_selection *out,
                                                rf_error *err);

#endif
