/*
 * loader_entry.c - what the loader remembers of each environment.
 */
#include "core/alloc.h"
#include "server/loader_internal.h"

#include <stdio.h>
#include <string.h>

static rf_loader_entry *find_entry(const rf_loader *loader, rf_text environment)
{
    for (size_t i = 0; i < loader->entry_count; i++) {
        if (rf_text_equal(rf_text_of(loader->entries[i]->id), environment)) {
            return loader->entries[i];
        }
    }
    return NULL;
}

rf_status rf_loader__entry(rf_loader *loader, rf_text environment,
                           rf_loader_entry **out, rf_error *err)
{
    *out = find_entry(loader, environment);
    if (*out != NULL) {
        return RF_OK;
    }
    rf_loader_entry *entry = rf_calloc(1, sizeof *entry);
    pthread_mutex_lock(&loader->entries_lock);
    rf_loader_entry **entries =
        entry == NULL ? NULL
                      : rf_realloc(loader->entries, loader->entry_count + 1,
                                   sizeof(rf_loader_entry *));
    if (entries != NULL) {
        snprintf(entry->id, sizeof entry->id, "%.*s", (int)environment.length,
                 environment.bytes);
        loader->entries = entries;
        entries[loader->entry_count++] = entry;
    }
    pthread_mutex_unlock(&loader->entries_lock);
    if (entries == NULL) {
        rf_free(entry);
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    *out = entry;
    return RF_OK;
}

void rf_loader__free_entries(rf_loader *loader)
{
    for (size_t i = 0; i < loader->entry_count; i++) {
        rf_registry_free(loader->entries[i]->registry);
        rf_free(loader->entries[i]);
    }
    rf_free(loader->entries);
}

rf_status rf_loader__read_kept(rf_loader *loader, rf_loader_entry *entry,
                               rf_error *err)
{
    return rf_generation_files_list(
        loader->options.options->environments_directory, rf_text_of(entry->id),
        entry->kept, RF_GENERATIONS_KEPT, &entry->kept_count, err);
}

static bool is_same(rf_fingerprint a, rf_fingerprint b)
{
    return a.high == b.high && a.low == b.low;
}

bool rf_loader__is_kept(const rf_loader_entry *entry, uint64_t number,
                        rf_fingerprint content)
{
    for (size_t i = 0; i < entry->kept_count; i++) {
        if (entry->kept[i].note.number == number) {
            return is_same(entry->kept[i].content, content);
        }
    }
    return false;
}

/* Drop what was never in force: it has this number, or a later one. */
static void drop_from(rf_loader_entry *entry, uint64_t number)
{
    size_t dropped = 0;
    while (dropped < entry->kept_count &&
           entry->kept[dropped].note.number >= number) {
        dropped++;
    }
    entry->kept_count -= dropped;
    memmove(entry->kept, entry->kept + dropped,
            entry->kept_count * sizeof entry->kept[0]);
}

static void push(rf_loader_entry *entry, const rf_attempt *attempt)
{
    if (entry->kept_count < RF_GENERATIONS_KEPT) {
        entry->kept_count++;
    }
    memmove(entry->kept + 1, entry->kept,
            (entry->kept_count - 1) * sizeof entry->kept[0]);
    rf_generation_kept *newest = &entry->kept[0];
    newest->content = attempt->candidate.content;
    newest->note = (rf_generation_note){.number = attempt->number,
                                        .published_ms = attempt->published_ms};
    snprintf(newest->note.actor, sizeof newest->note.actor, "%.*s",
             (int)attempt->actor.length, attempt->actor.bytes);
}

void rf_loader__note_published(const rf_attempt *attempt)
{
    rf_loader *loader = attempt->loader;
    rf_loader_entry *entry = attempt->entry;
    bool is_known =
        rf_loader__is_kept(entry, attempt->number, attempt->candidate.content);
    pthread_mutex_lock(&loader->entries_lock);
    drop_from(entry, attempt->number + (is_known ? 1 : 0));
    if (!is_known) {
        push(entry, attempt);
    }
    pthread_mutex_unlock(&loader->entries_lock);
    entry->is_loaded = true;
    entry->content = attempt->candidate.content;
    rf_generation_files_prune(loader->options.options->environments_directory,
                              rf_text_of(entry->id), attempt->number,
                              RF_GENERATIONS_KEPT);
}

rf_generation *rf_loader__current(rf_loader *loader, rf_text environment)
{
    const rf_world *world =
        rf_view_world(&loader->view, rf_engine_globe(loader->options.engine));
    return rf_world_find(world, environment);
}

size_t rf_loader_generations(rf_loader *loader, rf_text environment,
                             rf_generation_note out[RF_GENERATIONS_KEPT])
{
    size_t count = 0;
    pthread_mutex_lock(&loader->entries_lock);
    const rf_loader_entry *entry = find_entry(loader, environment);
    if (entry != NULL) {
        count = entry->kept_count;
        for (size_t i = 0; i < count; i++) {
            out[i] = entry->kept[i].note;
        }
    }
    pthread_mutex_unlock(&loader->entries_lock);
    return count;
}
