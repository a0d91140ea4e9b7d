/*
 * api_entry.c - writing journal entries, alone and in pages.
 */
#include "server/api_entry.h"

#include "core/allocation.h"
#include "core/key.h"
#include "server/api_groups.h"
#include "server/api_result.h"

#include <stdio.h>

static void put_request_id(rf_json_writer *writer, const unsigned char id[16])
{
    static const char digits[] = "0123456789abcdef";
    char text[36];
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text[at++] = '-';
        }
        text[at++] = digits[id[i] >> 4];
        text[at++] = digits[id[i] & 15];
    }
    rf_json_put_key(writer, "requestId");
    rf_json_put_text(writer, (rf_text){text, at});
}

/* Put "source.measure". A measure that the configuration names no more goes by
 * its number. */
static void put_measure_text(rf_json_writer *writer, const rf_catalog *catalog,
                             rf_measure measure,
                             void (*put)(rf_json_writer *writer, rf_text text))
{
    char text[512];
    const rf_physical *named = rf_catalog_physical_number(catalog, measure);
    int length = named == NULL
                     ? snprintf(text, sizeof text, "#%u", (unsigned)measure)
                     : snprintf(text, sizeof text, "%.*s.%.*s",
                                (int)named->source.length, named->source.bytes,
                                (int)named->name.length, named->name.bytes);
    RF_ASSERT(length > 0 && (size_t)length < sizeof text);
    put(writer, (rf_text){text, (size_t)length});
}

static void put_measure_key(rf_json_writer *writer, const rf_catalog *catalog,
                            rf_measure measure)
{
    put_measure_text(writer, catalog, measure, rf_json_put_key_text);
}

/* Put the movements of one day, or, where that is 0, of the stock. */
static void put_amounts(rf_json_writer *writer, const rf_catalog *catalog,
                        const rf_entry *entry, rf_day day, bool totals)
{
    rf_json_begin_object(writer);
    for (size_t i = 0; i < entry->movement_count; i++) {
        const rf_movement *movement = &entry->movements[i];
        if (movement->day == day) {
            put_measure_key(writer, catalog, movement->measure);
            rf_json_put_quantity(writer,
                                 totals ? movement->total : movement->delta);
        }
    }
    rf_json_end_object(writer);
}

/* Days come in order, those of a schedule alone or behind the stock. */
static void put_days(rf_json_writer *writer, const rf_catalog *catalog,
                     const rf_entry *entry, bool totals)
{
    rf_day last = 0;
    rf_json_begin_object(writer);
    for (size_t i = 0; i < entry->movement_count; i++) {
        rf_day day = entry->movements[i].day;
        char text[RF_DAY_TEXT_SIZE];
        if (day == last) {
            continue;
        }
        rf_day_print(day, text);
        rf_json_put_key_text(writer, rf_text_of(text));
        put_amounts(writer, catalog, entry, day, totals);
        last = day;
    }
    rf_json_end_object(writer);
}

static bool has_days(const rf_entry *entry)
{
    size_t count = entry->movement_count;
    return count > 0 && entry->movements[count - 1].day != 0;
}

static void put_movements(rf_json_writer *writer, const rf_catalog *catalog,
                          const rf_entry *entry)
{
    rf_json_put_key(writer, "deltas");
    put_amounts(writer, catalog, entry, 0, false);
    rf_json_put_key(writer, "totals");
    put_amounts(writer, catalog, entry, 0, true);
    if (has_days(entry)) {
        rf_json_put_key(writer, "deltasByDate");
        put_days(writer, catalog, entry, false);
        rf_json_put_key(writer, "totalsByDate");
        put_days(writer, catalog, entry, true);
    }
}

static void put_key(rf_json_writer *writer, const char *name, rf_text text)
{
    rf_json_put_key(writer, name);
    rf_json_put_text(writer, text);
}

/* Refusals have a word, whatever else they have. */
static void put_result(rf_json_writer *writer, const rf_entry *entry)
{
    bool good = entry->code.length == 0;
    rf_json_put_key(writer, "result");
    rf_json_put_string(writer, !good                   ? "refused"
                               : entry->result.partial ? "partialSuccess"
                                                       : "success");
    put_key(writer, "code", rf_text_of(rf_result_word(&entry->result)));
    rf_json_put_key(writer, "message");
    rf_json_put_string(writer, entry->result.message);
    if (entry->result.basket != 0) {
        rf_json_put_key(writer, "basket");
        rf_json_put_integer(writer, (int64_t)entry->result.basket);
    }
}

/* What is moved between groups is in no delta. */
static void put_groups(rf_json_writer *writer, const rf_catalog *catalog,
                       const rf_entry *entry, const rf_place *place)
{
    rf_place source;
    bool hashed = false;
    rf_put_groups(writer, catalog, "groups", place);
    if (entry->source.length > 0 &&
        rf_coordinates_read(entry->source, &source, &hashed, NULL) == RF_OK) {
        rf_put_groups(writer, catalog, "sourceGroups", &source);
    }
    if (entry->code.length == 0) {
        rf_json_put_key(writer, "quantity");
        rf_json_put_quantity(writer, entry->result.quantity);
    }
}

/* An entry's own coordinates are never shortened to a hash. */
static void put_dimensions(rf_json_writer *writer, const rf_catalog *catalog,
                           const rf_entry *entry)
{
    rf_place place;
    bool hashed = false;
    if (rf_coordinates_read(entry->coordinates, &place, &hashed, NULL) !=
        RF_OK) {
        place.given = 0;
    }
    rf_json_put_key(writer, "dimensions");
    rf_put_place(writer, catalog, place.given & RF_LEVEL_LEAF, &place);
    if (rf_allocation_is(entry->operation)) {
        put_groups(writer, catalog, entry, &place);
    }
}

static void put_some(rf_json_writer *writer, const char *name, rf_text text)
{
    if (text.length > 0) {
        put_key(writer, name, text);
    }
}

/* Only what was given, by the names it was given by. */
static void put_reference(rf_json_writer *writer, const rf_reference *reference)
{
    rf_json_put_key(writer, "reference");
    rf_json_begin_object(writer);
    put_some(writer, "externalReferenceCategory", reference->category);
    put_some(writer, "externalReferenceId", reference->document);
    put_some(writer, "fnoJournalNameId", reference->journal);
    if (reference->has_price) {
        rf_json_put_key(writer, "costPrice");
        rf_json_put_quantity(writer, reference->price);
    }
    if (reference->has_date) {
        rf_json_put_key(writer, "transDate");
        rf_put_date(writer, reference->date_ms);
    }
    rf_json_end_object(writer);
}

/* What is staged is in no delta yet. */
static void put_adjustment(rf_json_writer *writer, const rf_catalog *catalog,
                           const rf_entry *entry)
{
    const rf_adjusted *adjusted = &entry->adjusted;
    rf_put_adjustment_state(writer, &entry->result);
    if (adjusted->staged != 0) {
        rf_json_put_key(writer, "staged");
        rf_json_put_integer(writer, (int64_t)adjusted->staged);
    }
    rf_json_put_key(writer, "measure");
    put_measure_text(writer, catalog, adjusted->measure, rf_json_put_text);
    rf_json_put_key(writer, "quantity");
    rf_json_put_quantity(writer, entry->result.quantity);
    put_reference(writer, &adjusted->reference);
}

void rf_entry_put(rf_json_writer *writer, const rf_catalog *catalog,
                  const rf_entry *entry)
{
    rf_json_begin_object(writer);
    rf_json_put_key(writer, "number");
    rf_json_put_integer(writer, (int64_t)entry->number);
    rf_json_put_key(writer, "at");
    rf_put_time(writer, entry->at_ms);
    put_key(writer, "actor", entry->actor);
    put_request_id(writer, entry->request_id);
    rf_json_put_key(writer, "operation");
    rf_json_put_string(writer, rf_operation_name(entry->operation));
    put_key(writer, "id", entry->id);
    put_key(writer, "organizationId", entry->organization);
    put_key(writer, "productId", entry->product);
    put_dimensions(writer, catalog, entry);
    put_movements(writer, catalog, entry);
    if (entry->operation == RF_OPERATION_ADJUST) {
        put_adjustment(writer, catalog, entry);
    }
    put_result(writer, entry);
    rf_json_end_object(writer);
}

/* ---- Pages ---- */

void rf_entries_begin(rf_call *call, rf_json_writer *writer)
{
    rf_reply_begin(call, 200, writer);
    rf_json_begin_object(writer);
    rf_json_put_key(writer, "events");
    rf_json_begin_array(writer);
}

rf_step rf_entries_end(rf_json_writer *writer, uint64_t last, rf_text link)
{
    rf_json_end_array(writer);
    rf_json_put_key(writer, "last");
    rf_json_put_integer(writer, (int64_t)last);
    rf_json_put_key(writer, "nextLink");
    rf_json_put_text(writer, link);
    rf_json_end_object(writer);
    return RF_STEP_DONE;
}
