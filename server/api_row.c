/*
 * api_row.c - choosing and writing the measures of a row.
 */
#include "server/api_row.h"

#include "server/api_result.h"

#include <string.h>

typedef enum {
    MEASURE_ABSENT,
    MEASURE_ZERO, /* read by a formula that is shown */
    MEASURE_POSTED
} measure_state;

/* The measures of one source, as indexes into the catalog's lists. */
typedef struct source_layout {
    rf_text name;
    size_t *physicals;
    size_t physical_count;
    size_t *calculated;
    size_t calculated_count;
} source_layout;

struct rf_row_layout {
    const rf_catalog *catalog;
    source_layout *sources;
    size_t source_count;
    /* Of the row being written. */
    unsigned char *states;   /* measure_state of each physical measure */
    rf_quantity *quantities; /* of each physical measure */
    bool *shown;             /* each calculated measure */
};

/* Find a source's measures once, so that rows need not compare names. */
static bool fill_source(const rf_catalog *catalog, source_layout *source,
                        rf_arena *arena)
{
    source->physicals = rf_arena_calloc(arena, catalog->physical_count + 1,
                                        sizeof *source->physicals);
    source->calculated = rf_arena_calloc(arena, catalog->calculated_count + 1,
                                         sizeof *source->calculated);
    if (source->physicals == NULL || source->calculated == NULL) {
        return false;
    }
    for (size_t i = 0; i < catalog->physical_count; i++) {
        if (rf_text_equal(catalog->physicals[i].source, source->name)) {
            source->physicals[source->physical_count++] = i;
        }
    }
    for (size_t i = 0; i < catalog->calculated_count; i++) {
        if (rf_text_equal(catalog->calculated[i].source, source->name)) {
            source->calculated[source->calculated_count++] = i;
        }
    }
    return true;
}

rf_status rf_row_layout_make(const rf_catalog *catalog, rf_arena *arena,
                             rf_row_layout **out, rf_error *err)
{
    rf_row_layout *layout = rf_arena_calloc(arena, 1, sizeof *layout);
    bool good = layout != NULL;
    if (good) {
        size_t physicals = catalog->physical_count + 1;
        layout->catalog = catalog;
        layout->source_count = catalog->source_count;
        layout->sources = rf_arena_calloc(arena, catalog->source_count + 1,
                                          sizeof *layout->sources);
        layout->states = rf_arena_calloc(arena, physicals, 1);
        layout->quantities =
            rf_arena_calloc(arena, physicals, sizeof *layout->quantities);
        layout->shown = rf_arena_calloc(arena, catalog->calculated_count + 1,
                                        sizeof *layout->shown);
        good = layout->sources != NULL && layout->states != NULL &&
               layout->quantities != NULL && layout->shown != NULL;
    }
    for (size_t i = 0; good && i < catalog->source_count; i++) {
        layout->sources[i].name = catalog->sources[i].name;
        good = fill_source(catalog, &layout->sources[i], arena);
    }
    if (!good) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    *out = layout;
    return RF_OK;
}

/* Return the place of a measure in the catalog's list, or -1. */
static ptrdiff_t find_physical(const rf_catalog *catalog, rf_measure number)
{
    const rf_physical *found = rf_catalog_physical_number(catalog, number);
    return found == NULL ? -1 : found - catalog->physicals;
}

/* Note what was posted. A measure the configuration names no more is not
 * shown. Returns whether any is. */
static bool take_posted(rf_row_layout *layout, const rf_measures *measures)
{
    bool any = false;
    memset(layout->states, MEASURE_ABSENT, layout->catalog->physical_count);
    for (size_t i = 0; i < measures->count; i++) {
        ptrdiff_t at =
            find_physical(layout->catalog, measures->amounts[i].measure);
        if (at >= 0) {
            layout->states[at] = MEASURE_POSTED;
            layout->quantities[at] = measures->amounts[i].quantity;
            any = true;
        }
    }
    return any;
}

/* A sum of nothing but measures nobody ever posted says nothing. */
static bool reads_posted(const rf_calculated *formula,
                         const rf_measures *measures)
{
    for (size_t i = 0; i < formula->read_count; i++) {
        if (rf_measures_has(measures, formula->reads[i])) {
            return true;
        }
    }
    return false;
}

/* Choose the calculated measures, and fill in what else they read. What a
 * script reads may not be known before it runs, so a row of anything shows
 * those that are no plain sums. */
static void take_calculated(rf_row_layout *layout, const rf_measures *measures,
                            bool any)
{
    const rf_catalog *catalog = layout->catalog;
    for (size_t i = 0; i < catalog->calculated_count; i++) {
        const rf_calculated *formula = &catalog->calculated[i];
        layout->shown[i] = formula->kind == RF_FORMULA_LINEAR
                               ? reads_posted(formula, measures)
                               : any;
        for (size_t r = 0; layout->shown[i] && r < formula->read_count; r++) {
            ptrdiff_t at = find_physical(catalog, formula->reads[r]);
            if (at >= 0 && layout->states[at] == MEASURE_ABSENT) {
                layout->states[at] = MEASURE_ZERO;
                layout->quantities[at] = 0;
            }
        }
    }
}

/* Put one value, opening its source's object in front of the first. */
static void put_value(rf_json_writer *writer, const rf_row_style *style,
                      rf_text source, rf_text name, rf_quantity value,
                      bool *open)
{
    if (value < 0 && !style->negative) {
        return;
    }
    if (!*open) {
        rf_json_put_key_text(writer, source);
        rf_json_begin_object(writer);
        *open = true;
    }
    rf_json_put_key_text(writer, name);
    rf_json_put_quantity(writer, value);
}

/* Put one source's measures, physical ones first; nothing when none is shown.
 */
static rf_status put_source(const rf_row_layout *layout,
                            const rf_row_style *style,
                            const source_layout *source,
                            const rf_subject *subject, rf_json_writer *writer,
                            rf_error *err)
{
    const rf_catalog *catalog = layout->catalog;
    bool open = false;
    for (size_t i = 0; i < source->physical_count; i++) {
        size_t at = source->physicals[i];
        if (layout->states[at] != MEASURE_ABSENT) {
            put_value(writer, style, source->name, catalog->physicals[at].name,
                      layout->quantities[at], &open);
        }
    }
    for (size_t i = 0; i < source->calculated_count; i++) {
        const rf_calculated *formula =
            &catalog->calculated[source->calculated[i]];
        if (!layout->shown[source->calculated[i]]) {
            continue;
        }
        rf_quantity value = 0;
        rf_status status = rf_calculated_value(formula, subject, &value, err);
        if (status != RF_OK) {
            return status;
        }
        put_value(writer, style, source->name, formula->name, value, &open);
    }
    if (open) {
        rf_json_end_object(writer);
    }
    return RF_OK;
}

rf_status rf_row_put_quantities(rf_row_layout *layout,
                                const rf_row_style *style, const rf_row *row,
                                rf_json_writer *writer, rf_error *err)
{
    rf_subject subject = {.catalog = layout->catalog,
                          .organization = row->organization,
                          .product = row->product,
                          .place = row->place,
                          .measures = row->measures,
                          .now_ms = style->now_ms,
                          .thread = style->thread};
    bool any = take_posted(layout, row->measures);
    take_calculated(layout, row->measures, any);
    rf_json_begin_object(writer);
    for (size_t i = 0; i < layout->source_count; i++) {
        rf_status status = put_source(layout, style, &layout->sources[i],
                                      &subject, writer, err);
        if (status != RF_OK) {
            return status;
        }
    }
    rf_json_end_object(writer);
    return RF_OK;
}

static rf_status put_row(rf_row_layout *layout, const rf_row_style *style,
                         const rf_row *row, rf_json_writer *writer,
                         rf_error *err)
{
    rf_json_begin_object(writer);
    if (style->organization) {
        rf_json_put_key(writer, "organizationId");
        rf_json_put_text(writer, row->organization);
    }
    rf_json_put_key(writer, "productId");
    rf_json_put_text(writer, row->product);
    rf_json_put_key(writer, "dimensions");
    rf_put_place(writer, layout->catalog, style->shown, row->place);
    rf_json_put_key(writer, "quantities");
    rf_status status = rf_row_put_quantities(layout, style, row, writer, err);
    if (status == RF_OK && style->promises != NULL) {
        status =
            rf_promises_put(style->promises, layout, style, row, writer, err);
    }
    if (status == RF_OK) {
        rf_json_end_object(writer);
    }
    return status;
}

rf_status rf_row_put(rf_row_layout *layout, const rf_row_style *style,
                     const rf_row *row, rf_json_writer *writer, rf_error *err)
{
    rf_level more = style->fixed.given & ~row->place->given;
    if (more == 0 || layout->catalog->host == NULL) {
        return put_row(layout, style, row, writer, err);
    }
    rf_place place = *row->place;
    rf_row complete = *row;
    complete.place = &place;
    place.given |= more;
    for (; more != 0; more &= more - 1) {
        unsigned coordinate = (unsigned)__builtin_ctzll(more);
        place.value[coordinate] = style->fixed.value[coordinate];
    }
    return put_row(layout, style, &complete, writer, err);
}
