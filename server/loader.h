/*
 * loader.h - the thread that makes the next generation of an environment.
 *
 * Whatever changes what an environment runs goes through it, one thing after
 * the other: a new document, a changed plugin, a reload, a rollback, the start.
 * It reads the document and the plugins' files, loads them aside, builds the
 * catalog, tries everything, and only then has the writer publish. When
 * anything is wrong the old generation stays, on disk as well.
 *
 * An environment runs the plugins that its document names; a copy of its own
 * (plugin_files.h) hides the shared one. The last ten generations are kept on
 * disk (generation_files.h) and can be put back.
 */
#ifndef RINGFENCE_SERVER_LOADER_H
#define RINGFENCE_SERVER_LOADER_H

#include "core/draft.h"
#include "core/engine.h"
#include "core/store.h"
#include "server/options.h"
#include "server/preview.h"
#include "server/writer.h"

typedef enum {
    RF_LOAD_RELOAD,    /* read the files again */
    RF_LOAD_CONFIGURE, /* put a new document in force */
    RF_LOAD_PUT,      /* put one file into the environment's copy of a plugin */
    RF_LOAD_REMOVE,   /* forget the environment's copy of a plugin */
    RF_LOAD_ROLLBACK, /* put an earlier generation back */
    RF_LOAD_PREVIEW   /* say what changed files would change */
} rf_load_kind;

/* What became of one environment. */
typedef struct rf_load_outcome {
    char environment[RF_ENVIRONMENT_ID_MAX + 1];
    uint64_t generation; /* in force now, 0: none */
    bool changed;        /* a new one was published */
    rf_error error;      /* status RF_OK when all is well; there may be a
                            message even so, of something to look after */
} rf_load_outcome;

typedef struct rf_load rf_load;

/* One thing to do; texts are borrowed until `done` was called. */
struct rf_load {
    rf_load *next; /* for the queue */
    rf_load_kind kind;
    rf_text environment; /* reload: "" for all there are */
    rf_text actor;
    unsigned char request_id[16];
    rf_text document; /* configure: as it shall be kept */
    uint64_t over;    /* configure: the generation whose document was changed
                         into this one; once another is in force it is refused
                         with RF_E_CHANGED. 0: whatever is in force */
    bool needs_empty; /* configure: refuse while there is stock */
    rf_text plugin;   /* put, remove */
    rf_text file;     /* put */
    rf_text text;     /* put */
    uint64_t number;  /* rollback */
    const rf_preview_request *preview;
    bool dry_run;  /* try everything, change nothing; not for reload */
    bool is_quiet; /* reload: nobody asked, so tell only of changes */

    /* Out. `error` is of the first environment that failed. */
    rf_error error;
    rf_problems problems; /* of a document, all of them */
    uint64_t generation;
    bool changed; /* or would be, in a dry run. put, remove: false when the
                     environment does not run the plugin, or runs the same as
                     before */
    rf_load_outcome *outcomes; /* reload: one per environment */
    size_t outcome_count;
    rf_preview_result *result; /* preview */

    void (*done)(rf_load *load); /* on the loader's thread */
    void *owner;
};

/* Give back what a load brought. */
void rf_load_done(rf_load *load);

typedef struct rf_loader rf_loader;

typedef struct rf_loader_options {
    const rf_options *options; /* folders, switches */
    rf_store *store;
    rf_engine *engine; /* until the start; afterwards only its globe */
    rf_writer *writer; /* NULL: the caller steps the engine itself (start) */
    unsigned threads;  /* that evaluate formulas; the last is the loader's */
    void *observer;
    /* Something was tried, in whichever way; for the log and the counters. On
     * the loader's thread. May be NULL. */
    void (*tried)(void *observer, const rf_load *load,
                  const rf_load_outcome *outcome);
} rf_loader_options;

RF_MUST_CHECK rf_status rf_loader_create(const rf_loader_options *options,
                                         rf_loader **out, rf_error *err);
void rf_loader_free(rf_loader *loader);

/* Publish every environment of the folder, before anything else runs; what a
 * crash has left there is put right first. The first that cannot be used ends
 * it: the error's field is its file, `problems` tells all mistakes of its
 * document. */
RF_MUST_CHECK rf_status rf_loader_load_all(rf_loader *loader,
                                           rf_problems *problems,
                                           rf_error *err);

/* Start and stop the thread. Stopping finishes what is under way and answers
 * the rest RF_E_STOPPING. */
RF_MUST_CHECK rf_status rf_loader_start(rf_loader *loader, rf_writer *writer,
                                        rf_error *err);
void rf_loader_stop(rf_loader *loader);

/* The writer's thread has ended with its work undone: whatever waits for it
 * fails with RF_E_OUTCOME_UNKNOWN. */
void rf_loader_abandon(rf_loader *loader);

/* Hand over something to do; any thread. RF_E_STOPPING; RF_E_OVERLOADED: too
 * much is waiting already. */
RF_MUST_CHECK rf_status rf_loader_submit(rf_loader *loader, rf_load *load,
                                         rf_error *err);

/* One generation as it is remembered. */
typedef struct rf_generation_note {
    uint64_t number;
    int64_t published_ms;
    char actor[64];
} rf_generation_note;

#define RF_GENERATIONS_KEPT 10

/* Copy what is remembered of an environment, newest first; returns how many. */
size_t rf_loader_generations(rf_loader *loader, rf_text environment,
                             rf_generation_note out[RF_GENERATIONS_KEPT]);

#endif
