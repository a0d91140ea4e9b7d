/*
 * names.c - measures by name, before there is a catalog.
 */
#include "scripts/names.h"

#include "core/alloc.h"
#include "core/draft.h"

#include <string.h>

#define ARENA_BLOCK_BYTES ((size_t)4096)
#define CAPACITY_FIRST 32

/* Sources are the groups behind the two roots. */
#define GROUP_SOURCES (RF_GROUP_CONTEXT + 1)

void rf_names_init(rf_names *names)
{
    *names = (rf_names){0};
    rf_arena_init(&names->arena, ARENA_BLOCK_BYTES, 0);
}

void rf_names_done(rf_names *names)
{
    rf_free(names->sources.items);
    rf_free(names->measures.items);
    rf_arena_done(&names->arena);
}

static rf_status fail_memory(rf_error *err)
{
    return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
}

static bool make_room(rf_name_list *list)
{
    if (list->count < list->capacity) {
        return true;
    }
    size_t capacity = list->capacity == 0 ? CAPACITY_FIRST : list->capacity * 2;
    rf_name_entry *items = rf_realloc(list->items, capacity, sizeof *items);
    if (items == NULL) {
        return false;
    }
    list->items = items;
    list->capacity = capacity;
    return true;
}

/* Find an entry, or add it; the name is copied then. */
static rf_status find_entry(rf_names *names, rf_name_list *list,
                            rf_name_entry wanted, unsigned *out, rf_error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].source == wanted.source &&
            rf_text_is_name(list->items[i].name, wanted.name)) {
            *out = (unsigned)i;
            return RF_OK;
        }
    }
    const char *copy =
        rf_arena_copy(&names->arena, wanted.name.bytes, wanted.name.length);
    if (copy == NULL || !make_room(list)) {
        return fail_memory(err);
    }
    wanted.name.bytes = copy;
    *out = (unsigned)list->count;
    list->items[list->count++] = wanted;
    return RF_OK;
}

static rf_status find_source(rf_names *names, rf_text name, rf_member *out,
                             rf_error *err)
{
    unsigned number = 0;
    rf_status status = find_entry(names, &names->sources,
                                  (rf_name_entry){0, name}, &number, err);
    *out = (rf_member){true, GROUP_SOURCES + number};
    return status;
}

static rf_status find_measure(rf_names *names, unsigned source, rf_text name,
                              rf_member *out, rf_error *err)
{
    rf_text owner = names->sources.items[source].name;
    size_t length = owner.length + 1 + name.length;
    char *full = rf_malloc(length);
    if (full == NULL) {
        return fail_memory(err);
    }
    memcpy(full, owner.bytes, owner.length);
    full[owner.length] = '.';
    memcpy(full + owner.length + 1, name.bytes, name.length);
    unsigned slot = 0;
    rf_status status = find_entry(
        names, &names->measures,
        (rf_name_entry){source, (rf_text){full, length}}, &slot, err);
    rf_free(full);
    *out = (rf_member){false, slot};
    return status;
}

static rf_status find_name(void *self, unsigned group, rf_text name,
                           rf_member *out, rf_error *err)
{
    rf_names *names = self;
    if (group == RF_GROUP_MEASURES) {
        return find_source(names, name, out, err);
    }
    if (group == RF_GROUP_CONTEXT) {
        return rf_fail(err, RF_E_SCRIPT, "ctx has no %.*s yet", RF_SHOWN(name));
    }
    return find_measure(names, group - GROUP_SOURCES, name, out, err);
}

static bool list_nothing(void *self, unsigned group, size_t index,
                         rf_text *name)
{
    (void)self;
    (void)group;
    (void)index;
    (void)name;
    return false;
}

rf_schema rf_names_schema(rf_names *names)
{
    return (rf_schema){names, find_name, list_nothing};
}

rf_text rf_names_slot_name(void *self, unsigned slot)
{
    const rf_names *names = self;
    return slot < names->measures.count ? names->measures.items[slot].name
                                        : RF_TEXT_EMPTY;
}
