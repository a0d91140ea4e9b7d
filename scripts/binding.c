/*
 * binding.c - what m and ctx hold: a catalog's names, a subject's values.
 */
#include "scripts/binding.h"

#include "scripts/date.h"

#include <string.h>

_Static_assert(sizeof((rf_frame *)0)->date >= RF_DAY_TEXT_SIZE,
               "a frame has room for any date");

/* Groups: the two roots, then these, then one per source. */
#define GROUP_DIMENSIONS 2u
#define GROUP_GROUPS 3u
#define GROUP_SOURCES 4u

/* Slots of ctx, which come after the physical and the calculated measures; the
 * coordinates come last. */
enum {
    SLOT_ORGANIZATION,
    SLOT_PRODUCT,
    SLOT_TIME,
    SLOT_DATE,
    SLOT_COORDINATES
};

/* The names of ctx, in the order in which they are listed. */
static const struct {
    const char *name;
    rf_member member; /* a slot counts from the first of ctx */
} context_names[] = {
    {"organization", {false, SLOT_ORGANIZATION}},
    {"product", {false, SLOT_PRODUCT}},
    {"time", {false, SLOT_TIME}},
    {"date", {false, SLOT_DATE}},
    {"dimensions", {true, GROUP_DIMENSIONS}},
    {"groups", {true, GROUP_GROUPS}},
};

#define CONTEXT_COUNT (sizeof context_names / sizeof context_names[0])

static unsigned context_slots(const rf_catalog *catalog)
{
    return (unsigned)(catalog->physical_count + catalog->calculated_count);
}

/* ---- Names ---- */

static rf_status find_source(const rf_catalog *catalog, rf_text name,
                             rf_member *out, rf_error *err)
{
    const rf_source *source = rf_catalog_source(catalog, name);
    if (source == NULL) {
        return rf_fail(err, RF_E_UNKNOWN_MEASURE,
                       "there is no data source %.*s", RF_SHOWN(name));
    }
    unsigned number = (unsigned)(source - catalog->sources);
    *out = (rf_member){true, GROUP_SOURCES + number};
    return RF_OK;
}

static rf_status find_measure(const rf_catalog *catalog, unsigned number,
                              rf_text name, rf_member *out, rf_error *err)
{
    rf_text source = catalog->sources[number].name;
    const rf_physical *physical = rf_catalog_physical(catalog, source, name);
    if (physical != NULL) {
        *out = (rf_member){false, (unsigned)(physical - catalog->physicals)};
        return RF_OK;
    }
    const rf_calculated *calculated =
        rf_catalog_calculated(catalog, source, name);
    if (calculated != NULL) {
        size_t index = (size_t)(calculated - catalog->calculated);
        *out = (rf_member){false, (unsigned)(catalog->physical_count + index)};
        return RF_OK;
    }
    return rf_fail(err, RF_E_UNKNOWN_MEASURE, "there is no measure %.*s.%.*s",
                   RF_SHOWN(source), RF_SHOWN(name));
}

static rf_status find_context(const rf_catalog *catalog, rf_text name,
                              rf_member *out, rf_error *err)
{
    for (size_t i = 0; i < CONTEXT_COUNT; i++) {
        if (rf_text_is_name(rf_text_of(context_names[i].name), name)) {
            *out = context_names[i].member;
            out->number += out->is_group ? 0 : context_slots(catalog);
            return RF_OK;
        }
    }
    return rf_fail(err, RF_E_SCRIPT, "ctx has no %.*s", RF_SHOWN(name));
}

static rf_member coordinate_member(const rf_catalog *catalog,
                                   unsigned coordinate)
{
    return (rf_member){false,
                       context_slots(catalog) + SLOT_COORDINATES + coordinate};
}

static rf_status find_dimension(const rf_catalog *catalog, rf_text name,
                                rf_member *out, rf_error *err)
{
    int dimension = rf_catalog_dimension(catalog, NULL, name);
    if (dimension < 0) {
        return rf_fail(err, RF_E_SCRIPT, "there is no dimension %.*s",
                       RF_SHOWN(name));
    }
    *out = coordinate_member(catalog, (unsigned)dimension);
    return RF_OK;
}

static rf_status find_group(const rf_catalog *catalog, rf_text name,
                            rf_member *out, rf_error *err)
{
    for (size_t i = 0; i < catalog->group_order_count; i++) {
        unsigned coordinate = catalog->group_order[i];
        if (rf_text_is_name(rf_catalog_coordinate_name(catalog, coordinate),
                            name)) {
            *out = coordinate_member(catalog, coordinate);
            return RF_OK;
        }
    }
    return rf_fail(err, RF_E_SCRIPT, "there is no group %.*s", RF_SHOWN(name));
}

static rf_status find_name(void *self, unsigned group, rf_text name,
                           rf_member *out, rf_error *err)
{
    const rf_catalog *catalog = self;
    switch (group) {
    case RF_GROUP_MEASURES:
        return find_source(catalog, name, out, err);
    case RF_GROUP_CONTEXT:
        return find_context(catalog, name, out, err);
    case GROUP_DIMENSIONS:
        return find_dimension(catalog, name, out, err);
    case GROUP_GROUPS:
        return find_group(catalog, name, out, err);
    default:
        return find_measure(catalog, group - GROUP_SOURCES, name, out, err);
    }
}

/* List the physical measures of a source, which lie among those of others. */
static bool list_measures(const rf_catalog *catalog, unsigned number,
                          size_t index, rf_text *name)
{
    rf_text source = catalog->sources[number].name;
    for (size_t i = 0; i < catalog->physical_count; i++) {
        const rf_physical *physical = &catalog->physicals[i];
        if (!rf_text_equal(physical->source, source)) {
            continue;
        }
        if (index == 0) {
            *name = physical->name;
            return true;
        }
        index--;
    }
    return false;
}

static bool list_sources(const rf_catalog *catalog, size_t index, rf_text *name)
{
    if (index < catalog->source_count) {
        *name = catalog->sources[index].name;
    }
    return index < catalog->source_count;
}

static bool list_context(size_t index, rf_text *name)
{
    if (index < CONTEXT_COUNT) {
        *name = rf_text_of(context_names[index].name);
    }
    return index < CONTEXT_COUNT;
}

static bool list_groups(const rf_catalog *catalog, size_t index, rf_text *name)
{
    if (index < catalog->group_order_count) {
        *name =
            rf_catalog_coordinate_name(catalog, catalog->group_order[index]);
    }
    return index < catalog->group_order_count;
}

static bool list_names(void *self, unsigned group, size_t index, rf_text *name)
{
    const rf_catalog *catalog = self;
    switch (group) {
    case RF_GROUP_MEASURES:
        return list_sources(catalog, index, name);
    case RF_GROUP_CONTEXT:
        return list_context(index, name);
    case GROUP_DIMENSIONS:
        if (index < RF_DIMENSION_COUNT) {
            *name = rf_dimension_name((unsigned)index);
        }
        return index < RF_DIMENSION_COUNT;
    case GROUP_GROUPS:
        return list_groups(catalog, index, name);
    default:
        return list_measures(catalog, group - GROUP_SOURCES, index, name);
    }
}

rf_schema rf_binding_schema(const rf_catalog *catalog)
{
    /* The functions above only read it; a schema's self is for any use. */
    union {
        const rf_catalog *catalog;
        void *self;
    } lent = {.catalog = catalog};
    return (rf_schema){lent.self, find_name, list_names};
}

/* ---- Values ---- */

static rf_value text_value(rf_text text)
{
    return (rf_value){.kind = RF_VALUE_TEXT, .text = text};
}

/* Whole seconds, also before 1970. */
static int64_t seconds_of(int64_t time_ms)
{
    return time_ms / 1000 - (time_ms % 1000 < 0 ? 1 : 0);
}

static rf_value read_context(rf_frame *frame, unsigned slot)
{
    const rf_subject *subject = frame->subject;
    int64_t seconds = seconds_of(subject->now_ms);
    switch (slot) {
    case SLOT_ORGANIZATION:
        return text_value(subject->organization);
    case SLOT_PRODUCT:
        return text_value(subject->product);
    case SLOT_TIME:
        return (rf_value){.kind = RF_VALUE_INTEGER, .integer = seconds};
    case SLOT_DATE:
        rf_date_print(seconds, frame->date);
        return text_value(rf_text_of(frame->date));
    default:
        return text_value(subject->place->value[slot - SLOT_COORDINATES]);
    }
}

static const rf_override *find_override(const rf_state *state,
                                        const rf_calculated *calculated)
{
    for (size_t i = 0; i < state->override_count; i++) {
        if (state->overrides[i].calculated == calculated) {
            return &state->overrides[i];
        }
    }
    return NULL;
}

/* Evaluate a calculated measure. While an example gives some of these, the
 * formulas of plugins run in Lua, where every one that they use passes here. */
static rf_status evaluate_nested(rf_frame *frame,
                                 const rf_calculated *calculated,
                                 rf_quantity *out, rf_error *err)
{
    rf_state *state = frame->state;
    if (state->override_count > 0) {
        const rf_override *override = find_override(state, calculated);
        int script =
            state->set->script_of[calculated - state->set->catalog->calculated];
        if (override != NULL) {
            *out = override->quantity;
            return RF_OK;
        }
        if (script >= 0) {
            return rf_host__evaluate(&state->set->host, (unsigned)script,
                                     frame->subject, out, err);
        }
    }
    return rf_calculated_value(calculated, frame->subject, out, err);
}

static rf_status read_value(void *self, unsigned slot, rf_value *out,
                            rf_error *err)
{
    rf_frame *frame = self;
    const rf_catalog *catalog = frame->state->set->catalog;
    if (slot < catalog->physical_count) {
        out->kind = RF_VALUE_NUMBER;
        out->quantity = rf_measures_get(frame->subject->measures,
                                        catalog->physicals[slot].number);
        return RF_OK;
    }
    if (slot >= context_slots(catalog)) {
        *out = read_context(frame, slot - context_slots(catalog));
        return RF_OK;
    }
    const rf_calculated *calculated =
        &catalog->calculated[slot - catalog->physical_count];
    rf_status status =
        evaluate_nested(frame, calculated, &out->quantity, frame->nested);
    out->kind = RF_VALUE_NUMBER;
    if (status != RF_OK && err != NULL) {
        *err = *frame->nested;
    }
    return status;
}

rf_reader rf_binding_reader(rf_frame *frame)
{
    return (rf_reader){frame, read_value};
}
