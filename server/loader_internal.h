/*
 * loader_internal.h - what the files of the loader share.
 *
 * loader.c is the queue and its thread; loader_run.c does what is asked, kind
 * by kind, and loader_reload.c what the files say, at the start too;
 * loader_publish.c takes one attempt to the writer and its files to the disk;
 * loader_entry.c remembers.
 */
#ifndef RINGFENCE_SERVER_LOADER_INTERNAL_H
#define RINGFENCE_SERVER_LOADER_INTERNAL_H

#include "core/generation.h"
#include "core/world.h"
#include "server/candidate.h"
#include "server/environment_change.h"
#include "server/generation_files.h"
#include "server/loader.h"

#include <pthread.h>

/* What the loader remembers of an environment. */
typedef struct rf_loader_entry {
    char id[RF_ENVIRONMENT_ID_MAX + 1];
    bool is_loaded;
    rf_fingerprint content; /* of what is in force, when it is loaded */
    /* The numbers to go on from, where they are not those of the generation in
     * force: there is none, or the writer was given more since. Else NULL. */
    rf_registry *registry;
    rf_generation_kept kept[RF_GENERATIONS_KEPT]; /* newest first */
    size_t kept_count;
} rf_loader_entry;

struct rf_loader {
    rf_loader_options options;
    pthread_t thread;
    bool is_started;
    pthread_mutex_t lock; /* around everything down to `writer_is_gone` */
    pthread_cond_t filled;
    rf_load *first;
    rf_load **end;
    size_t waiting;
    bool is_stopping;
    pthread_cond_t settled; /* the writer is done with an attempt */
    bool writer_is_gone;
    pthread_mutex_t entries_lock; /* others read what the loader writes */
    rf_loader_entry **entries;
    size_t entry_count;
    rf_view view;
};

/* One environment on its way to another generation. */
typedef struct rf_attempt {
    rf_loader *loader;
    rf_loader_entry *entry;
    rf_text actor;
    const unsigned char *request_id; /* 16 bytes, or NULL */
    bool is_start;                   /* goes on from where the last run ended */
    bool is_from_files;              /* nothing on disk has to change */
    bool is_dry_run;                 /* everything is tried, nothing is done */
    bool needs_empty;                /* not while there is stock */
    rf_arena memory; /* for what is put into request and change */
    rf_candidate_request request;
    rf_candidate candidate;
    rf_environment_change change;

    rf_task task;
    bool is_settled; /* under the loader's lock */
    uint64_t number; /* that the writer gave it, 0 before */
    int64_t published_ms;
} rf_attempt;

/* ---- loader_entry.c ---- */

/* Find what is remembered of an environment, or begin to. RF_E_NO_MEMORY. */
RF_MUST_CHECK rf_status rf_loader__entry(rf_loader *loader, rf_text environment,
                                         rf_loader_entry **out, rf_error *err);
void rf_loader__free_entries(rf_loader *loader);

/* Read which generations are kept on disk. */
RF_MUST_CHECK rf_status rf_loader__read_kept(rf_loader *loader,
                                             rf_loader_entry *entry,
                                             rf_error *err);

/* Say whether a generation of that number and content is kept. */
bool rf_loader__is_kept(const rf_loader_entry *entry, uint64_t number,
                        rf_fingerprint content);

/* Note what has been published; older ones beyond the limit are forgotten, on
 * disk too. */
void rf_loader__note_published(const rf_attempt *attempt);

/* The generation in force, or NULL; borrowed until the end of the load, or
 * until the next one is published, which nobody else does. */
rf_generation *rf_loader__current(rf_loader *loader, rf_text environment);

/* ---- loader_publish.c ---- */

/* Make ready for an attempt; fill in request and change afterwards.
 * RF_E_NO_MEMORY. Pair with rf_loader__end in any case. */
RF_MUST_CHECK rf_status rf_loader__begin(rf_attempt *attempt, rf_loader *loader,
                                         rf_text environment, rf_error *err);
void rf_loader__end(rf_attempt *attempt);

/* Have the writer publish the candidate, which has been built. */
RF_MUST_CHECK rf_status rf_loader__publish(rf_attempt *attempt, rf_error *err);

/* ---- loader_run.c ---- */

/* Do what a load asks and fill in its results; `done` is not called. */
void rf_loader__run(rf_loader *loader, rf_load *load);

/* Bring an attempt to what the files say: its document, and the plugins in the
 * folders. Nothing is published when that is in force. */
RF_MUST_CHECK rf_status rf_loader__load_files(rf_attempt *attempt,
                                              rf_text document, bool *changed,
                                              rf_error *err);

/* ---- loader_reload.c ---- */

/* Read files again, of one environment or of all there are. */
void rf_loader__reload(rf_loader *loader, rf_load *load);

/* ---- loader.c ---- */

/* Tell the observer what became of an environment. */
void rf_loader__tell(const rf_loader *loader, const rf_load *load,
                     const rf_load_outcome *outcome);

#endif
