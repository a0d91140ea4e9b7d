/*
 * draft_fixture.c - drafts of configurations from short texts.
 */
#include "tests/unit/draft_fixture.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rf_text copy_text(draft_fixture *f, const char *bytes, size_t length)
{
    const char *copy = rf_arena_copy(&f->arena, bytes, length);
    assert_non_null(copy);
    return (rf_text){copy, length};
}

static rf_text format_path(draft_fixture *f, const char *list, size_t place)
{
    char path[64];
    int length = snprintf(path, sizeof path, "%s[%zu]", list, place);
    return copy_text(f, path, (size_t)length);
}

/* Split at `separator`; a blank on either side of it belongs to it. */
static rf_text take_part(draft_fixture *f, const char **text, char separator)
{
    const char *start = *text + strspn(*text, " ");
    const char *end = strchr(start, separator);
    *text = end == NULL ? NULL : end + 1;
    size_t length = end == NULL ? strlen(start) : (size_t)(end - start);
    while (length > 0 && start[length - 1] == ' ') {
        length--;
    }
    return copy_text(f, start, length);
}

static size_t count_parts(const char *text)
{
    size_t count = 1;
    for (const char *at = text; *at != '\0'; at++) {
        count += *at == ',' ? 1 : 0;
    }
    return text[0] == '\0' ? 0 : count;
}

rf_draft_names draft_names(draft_fixture *f, const char *text, const char *path)
{
    rf_draft_names list = {.path = rf_text_of(path)};
    list.items =
        rf_arena_calloc(&f->arena, count_parts(text) + 1, sizeof *list.items);
    assert_non_null(list.items);
    for (const char *at = text; at != NULL && text[0] != '\0';) {
        list.items[list.count].text = take_part(f, &at, ',');
        list.items[list.count].path = format_path(f, path, list.count);
        list.count++;
    }
    return list;
}

rf_draft_pairs draft_pairs(draft_fixture *f, const char *text, const char *path)
{
    rf_draft_names both = draft_names(f, text, path);
    rf_draft_pairs list = {.path = both.path};
    list.items = rf_arena_calloc(&f->arena, both.count + 1, sizeof *list.items);
    assert_non_null(list.items);
    for (size_t i = 0; i < both.count; i++) {
        const char *at = both.items[i].text.bytes;
        rf_text from = take_part(f, &at, '>');
        assert_non_null(at);
        list.items[i].from = (rf_draft_name){from, both.items[i].path};
        list.items[i].to =
            (rf_draft_name){take_part(f, &at, '>'), both.items[i].path};
    }
    list.count = both.count;
    return list;
}

rf_draft_source *draft_source(draft_fixture *f, const char *name,
                              const char *physicals)
{
    rf_draft_source *added = &f->sources[f->draft.source_count];
    added->name = (rf_draft_name){
        rf_text_of(name), format_path(f, "sources", f->draft.source_count)};
    added->physicals = draft_names(f, physicals, "physicals");
    f->draft.source_count++;
    return added;
}

static rf_draft_source *find_source(draft_fixture *f, const char *name)
{
    size_t at = 0;
    while (at < f->draft.source_count &&
           !rf_text_is_name(f->sources[at].name.text, rf_text_of(name))) {
        at++;
    }
    assert_true(at < f->draft.source_count);
    return &f->sources[at];
}

void draft_formula(draft_fixture *f, const char *in, const char *name,
                   const char *added, const char *subtracted)
{
    rf_draft_source *owner = find_source(f, in);
    size_t count = owner->calculated_count;
    rf_draft_calculated *all =
        rf_arena_calloc(&f->arena, count + 1, sizeof *all);
    assert_non_null(all);
    if (count > 0) {
        memcpy(all, owner->calculated, count * sizeof *all);
    }
    all[count].name = (rf_draft_name){copy_text(f, name, strlen(name)),
                                      copy_text(f, name, strlen(name))};
    all[count].added = draft_names(f, added, "added");
    all[count].subtracted = draft_names(f, subtracted, "subtracted");
    owner->calculated = all;
    owner->calculated_count = count + 1;
}

static rf_draft_names *append_set(draft_fixture *f, rf_draft_names **sets,
                                  size_t *count)
{
    rf_draft_names *all = rf_arena_calloc(&f->arena, *count + 1, sizeof *all);
    assert_non_null(all);
    if (*count > 0) {
        memcpy(all, *sets, *count * sizeof *all);
    }
    *sets = all;
    return &all[(*count)++];
}

void draft_index_set(draft_fixture *f, const char *keys)
{
    *append_set(f, &f->draft.index_sets, &f->draft.index_set_count) =
        draft_names(f, keys, "set");
}

void draft_schedule_set(draft_fixture *f, const char *keys)
{
    *append_set(f, &f->draft.schedule_sets, &f->draft.schedule_set_count) =
        draft_names(f, keys, "schedule");
}

void draft_level(draft_fixture *f, const char *keys)
{
    *append_set(f, &f->draft.levels, &f->draft.level_count) =
        draft_names(f, keys, "level");
}

void draft_reset(draft_fixture *f)
{
    rf_arena_reset(&f->arena);
    memset(f->sources, 0, sizeof f->sources);
    f->problems = (rf_problems){0};
    f->draft = (rf_draft){.strict = true,
                          .refusal_http_status = 409,
                          .id_retention_days = 7,
                          .sources = f->sources};
    f->draft.reservation_keys =
        draft_names(f, "SiteId, LocationId, ColorId, SizeId", "keys");
}

int draft_set_up(void **state)
{
    draft_fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    rf_arena_init(&f->arena, 4096, 0);
    assert_int_equal(rf_registry_create(&f->registry, NULL), RF_OK);
    draft_reset(f);
    *state = f;
    return 0;
}

int draft_tear_down(void **state)
{
    draft_fixture *f = *state;
    rf_catalog_free(f->catalog);
    rf_registry_free(f->registry);
    rf_arena_done(&f->arena);
    free(f);
    return 0;
}

void draft_shop(draft_fixture *f)
{
    draft_source(f, "fno", "AvailPhysical");
    rf_draft_source *pos = draft_source(f, "POS", "Inbound, Outbound");
    pos->mappings =
        draft_pairs(f, "PosSite > SiteId, PosColor > colorid", "maps");
    rf_draft_source *iv = draft_source(f, "iv", "SoftReserved");
    draft_formula(f, "iv", "OnHand", "pos.inbound, fno.availphysical",
                  "pos.outbound");
    draft_formula(f, "iv", "AvailableToReserve", "iv.onhand",
                  "IV.SoftReserved, @iv.@allocated");
    iv->reservations =
        draft_pairs(f, "softreserved > iv.availabletoreserve", "res");
    f->draft.groups = draft_names(f, "channel, Region", "groups");
    draft_index_set(f, "ColorId, SizeId");
}

rf_catalog *draft_build(draft_fixture *f)
{
    rf_catalog_free(f->catalog);
    f->catalog = NULL;
    rf_status status = rf_catalog_build(&f->draft, f->registry, &f->problems,
                                        &f->catalog, &f->err);
    if (status != RF_OK) {
        fail_msg("%s", f->err.message);
    }
    assert_int_equal(f->problems.count, 0);
    return f->catalog;
}

char *draft_list(draft_fixture *f, const char *prefix, size_t count)
{
    size_t room = count * 24 + 1;
    char *text = rf_arena_calloc(&f->arena, room, 1);
    assert_non_null(text);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(text + used, room - used, "%s%s%zu",
                                 i == 0 ? "" : ",", prefix, i);
    }
    return text;
}

void draft_doubling(draft_fixture *f, const char *terms, int last)
{
    draft_formula(f, "a", "f0", terms, "");
    for (int i = 1; i <= last; i++) {
        char previous[32];
        char copy[32];
        char both[64];
        char name[32];
        snprintf(previous, sizeof previous, "a.f%d", i - 1);
        snprintf(copy, sizeof copy, "c%d", i);
        snprintf(both, sizeof both, "%s, a.c%d", previous, i);
        snprintf(name, sizeof name, "f%d", i);
        draft_formula(f, "a", copy, previous, "");
        draft_formula(f, "a", name, both, "");
    }
}

const rf_physical *draft_find_physical(const draft_fixture *f, const char *in,
                                       const char *name)
{
    return rf_catalog_physical(f->catalog, rf_text_of(in), rf_text_of(name));
}

const rf_calculated *draft_find_calculated(const draft_fixture *f,
                                           const char *in, const char *name)
{
    return rf_catalog_calculated(f->catalog, rf_text_of(in), rf_text_of(name));
}
