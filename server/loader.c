/*
 * loader.c - the loader's queue and thread.
 */
#include "server/loader.h"

#include "core/alloc.h"
#include "server/loader_internal.h"

/* Things that may wait: each can take seconds, and nobody waits longer. */
#define LOADS_MAX 64

static bool init_locks(rf_loader *loader)
{
    return pthread_mutex_init(&loader->lock, NULL) == 0 &&
           pthread_mutex_init(&loader->entries_lock, NULL) == 0 &&
           pthread_cond_init(&loader->filled, NULL) == 0 &&
           pthread_cond_init(&loader->settled, NULL) == 0;
}

rf_status rf_loader_create(const rf_loader_options *options, rf_loader **out,
                           rf_error *err)
{
    rf_loader *loader = rf_calloc(1, sizeof *loader);
    if (loader == NULL || !init_locks(loader)) {
        rf_free(loader);
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    loader->options = *options;
    loader->end = &loader->first;
    *out = loader;
    return RF_OK;
}

void rf_loader_free(rf_loader *loader)
{
    if (loader == NULL) {
        return;
    }
    rf_loader_stop(loader);
    rf_view_done(&loader->view);
    rf_loader__free_entries(loader);
    pthread_cond_destroy(&loader->settled);
    pthread_cond_destroy(&loader->filled);
    pthread_mutex_destroy(&loader->entries_lock);
    pthread_mutex_destroy(&loader->lock);
    rf_free(loader);
}

void rf_loader__tell(const rf_loader *loader, const rf_load *load,
                     const rf_load_outcome *outcome)
{
    if (loader->options.tried != NULL) {
        loader->options.tried(loader->options.observer, load, outcome);
    }
}

/* Wait for the next thing to do. Returns NULL when there will be none; what is
 * still waiting is then answered by the caller. */
static rf_load *take(rf_loader *loader)
{
    pthread_mutex_lock(&loader->lock);
    while (loader->first == NULL && !loader->is_stopping) {
        pthread_cond_wait(&loader->filled, &loader->lock);
    }
    rf_load *load = loader->is_stopping ? NULL : loader->first;
    if (load != NULL) {
        loader->first = load->next;
        loader->end = loader->first == NULL ? &loader->first : loader->end;
        loader->waiting--;
    }
    pthread_mutex_unlock(&loader->lock);
    return load;
}

/* Answer what came too late. Nothing is added any more. */
static void refuse_rest(rf_loader *loader)
{
    rf_load *load = loader->first;
    loader->first = NULL;
    while (load != NULL) {
        rf_load *next = load->next;
        rf_fail(&load->error, RF_E_STOPPING, "the server is stopping");
        load->done(load);
        load = next;
    }
}

static void *run_loader(void *argument)
{
    rf_loader *loader = argument;
    rf_load *load;
    while ((load = take(loader)) != NULL) {
        rf_loader__run(loader, load);
        /* Old generations, and the levels only they need, wait for views. */
        rf_view_done(&loader->view);
        load->done(load);
    }
    refuse_rest(loader);
    return NULL;
}

rf_status rf_loader_start(rf_loader *loader, rf_writer *writer, rf_error *err)
{
    loader->options.writer = writer;
    if (pthread_create(&loader->thread, NULL, run_loader, loader) != 0) {
        return rf_fail(err, RF_E_INTERNAL, "the loader's thread did not start");
    }
    loader->is_started = true;
    return RF_OK;
}

void rf_loader_stop(rf_loader *loader)
{
    pthread_mutex_lock(&loader->lock);
    loader->is_stopping = true;
    pthread_cond_signal(&loader->filled);
    pthread_mutex_unlock(&loader->lock);
    if (loader->is_started) {
        pthread_join(loader->thread, NULL);
        loader->is_started = false;
    }
}

void rf_loader_abandon(rf_loader *loader)
{
    pthread_mutex_lock(&loader->lock);
    loader->writer_is_gone = true;
    pthread_cond_broadcast(&loader->settled);
    pthread_mutex_unlock(&loader->lock);
}

rf_status rf_loader_submit(rf_loader *loader, rf_load *load, rf_error *err)
{
    rf_status status = RF_OK;
    pthread_mutex_lock(&loader->lock);
    if (loader->is_stopping) {
        status = rf_fail(err, RF_E_STOPPING, "the server is stopping");
    } else if (loader->waiting == LOADS_MAX) {
        status = rf_fail(err, RF_E_OVERLOADED,
                         "%d changes of plugins and configurations are waiting "
                         "already",
                         LOADS_MAX);
    } else {
        load->next = NULL;
        *loader->end = load;
        loader->end = &load->next;
        loader->waiting++;
        pthread_cond_signal(&loader->filled);
    }
    pthread_mutex_unlock(&loader->lock);
    return status;
}

void rf_load_done(rf_load *load)
{
    rf_free(load->outcomes);
    rf_preview_free(load->result);
    load->outcomes = NULL;
    load->outcome_count = 0;
    load->result = NULL;
}
