/*
 * api_promise.c - adding up what is scheduled.
 *
 * A formula is evaluated over everything that there will be on a day, not over
 * what comes on it: a constant in it, or a largest or smallest, then counts
 * once, as it does for the stock.
 */
#include "server/api_promise.h"

#include "server/api_result.h"
#include "server/api_row.h"
#include "server/api_time.h"

#include <stdio.h>
#include <string.h>

struct rf_promises {
    const rf_catalog *catalog;
    rf_day today;
    rf_day first; /* told; both lie in the period */
    rf_day last;
    rf_measures sum;     /* of the row at hand, up to a day; arena memory */
    rf_quantity *values; /* by promise, then by day from today on */
};

/* ---- Asking ---- */

static bool is_schedule_set(const rf_schedule_rules *schedule, rf_level groups,
                            rf_level filtered)
{
    for (size_t i = 0; i < schedule->set_count; i++) {
        if (schedule->sets[i] == groups) {
            return rf_level_covers(groups, filtered);
        }
    }
    return false;
}

rf_status rf_promise_check(const rf_catalog *catalog, const rf_query *query,
                           rf_error *err)
{
    rf_level filtered = 0;
    for (size_t i = 0; i < query->filter_count; i++) {
        filtered |= RF_BIT(query->filters[i].coordinate);
    }
    if (catalog->schedule.grouped &&
        !is_schedule_set(&catalog->schedule, query->group_by & ~RF_LEVEL_PLACE,
                         filtered & ~RF_LEVEL_PLACE)) {
        return rf_fail_field(err, RF_E_ATP_GROUP_BY, "groupByValues",
                             "what can be promised is told by exactly the "
                             "dimensions of one index set of the schedule, "
                             "and filtered by no others than these, site and "
                             "location");
    }
    return RF_OK;
}

static rf_status read_date(rf_text text, const char *field, rf_day *out,
                           rf_error *err)
{
    return text.length == 0 || rf_time_parse_day(text, out)
               ? RF_OK
               : rf_fail_field(err, RF_E_INVALID_FIELD, field,
                               "a date such as 2031-03-10 is expected");
}

/* Read which days are told, and keep those that lie in the period. */
static rf_status read_dates(rf_promises *promises,
                            const rf_promise_request *request, rf_error *err)
{
    rf_day end = promises->last;
    rf_status status =
        read_date(request->from, "ATPFromDate", &promises->first, err);
    if (status == RF_OK) {
        status = read_date(request->to, "ATPToDate", &promises->last, err);
    }
    if (status == RF_OK && request->from.length > 0 && request->to.length > 0 &&
        promises->first > promises->last) {
        return rf_fail_field(err, RF_E_INVALID_FIELD, "ATPFromDate",
                             "ATPFromDate lies behind ATPToDate");
    }
    promises->first =
        promises->first < promises->today ? promises->today : promises->first;
    promises->last = promises->last > end ? end : promises->last;
    return status;
}

rf_status rf_promises_make(const rf_catalog *catalog,
                           const rf_promise_request *request, rf_arena *arena,
                           rf_query *query, rf_promises **out, rf_error *err)
{
    const rf_schedule_rules *schedule = &catalog->schedule;
    size_t capacity = catalog->physical_count;
    rf_promises *promises = rf_arena_calloc(arena, 1, sizeof *promises);
    rf_amount *amounts = rf_arena_calloc(arena, capacity + 1, sizeof *amounts);
    rf_quantity *values = rf_arena_calloc(
        arena, schedule->promise_count * schedule->days + 1, sizeof *values);
    if (promises == NULL || amounts == NULL || values == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_day today = rf_day_of(request->now_ms);
    rf_day last = today + (rf_day)schedule->days - 1;
    *promises = (rf_promises){.catalog = catalog,
                              .today = today,
                              .first = today,
                              .last = last,
                              .sum = {amounts, 0, (uint16_t)(capacity + 1)},
                              .values = values};
    query->scheduled = true;
    query->first_day = today;
    query->last_day = last;
    *out = promises;
    return read_dates(promises, request, err);
}

/* ---- Working out ---- */

/* Add what a formula can read; anything else is no measure any more. */
static rf_status add(rf_promises *promises, const rf_measures *measures,
                     rf_error *err)
{
    rf_status status = RF_OK;
    for (uint16_t i = 0; i < measures->count && status == RF_OK; i++) {
        const rf_amount *amount = &measures->amounts[i];
        if (rf_catalog_physical_number(promises->catalog, amount->measure) !=
            NULL) {
            status = rf_measures_add(&promises->sum, amount->measure,
                                     amount->quantity, err);
        }
    }
    return status;
}

static rf_quantity *value_of(const rf_promises *promises, size_t promise,
                             unsigned day)
{
    return &promises->values[promise * promises->catalog->schedule.days + day];
}

/* Evaluate all promises over what there will be on a day. */
static rf_status project(const rf_promises *promises, const rf_row_style *style,
                         const rf_row *row, unsigned day, rf_error *err)
{
    const rf_catalog *catalog = promises->catalog;
    rf_subject subject = {.catalog = catalog,
                          .organization = row->organization,
                          .product = row->product,
                          .place = row->place,
                          .measures = &promises->sum,
                          .now_ms = style->now_ms,
                          .thread = style->thread};
    rf_status status = RF_OK;
    for (size_t i = 0; i < catalog->schedule.promise_count && status == RF_OK;
         i++) {
        size_t formula = catalog->schedule.promises[i].formula;
        status = rf_calculated_value(&catalog->calculated[formula], &subject,
                                     value_of(promises, i, day), err);
    }
    return status;
}

static void repeat(const rf_promises *promises, unsigned day)
{
    for (size_t i = 0; i < promises->catalog->schedule.promise_count; i++) {
        *value_of(promises, i, day) = *value_of(promises, i, day - 1);
    }
}

/* What there is on a day can be promised only if no later day has less. */
static void keep_least(const rf_promises *promises)
{
    const rf_schedule_rules *schedule = &promises->catalog->schedule;
    for (size_t i = 0; i < schedule->promise_count; i++) {
        for (unsigned day = schedule->promises[i].days - 1; day > 0; day--) {
            rf_quantity *value = value_of(promises, i, day - 1);
            rf_quantity later = *value_of(promises, i, day);
            *value = later < *value ? later : *value;
        }
    }
}

static rf_status work_out(rf_promises *promises, const rf_row_style *style,
                          const rf_row *row, rf_error *err)
{
    size_t next = 0;
    promises->sum.count = 0;
    rf_status status = add(promises, row->measures, err);
    for (unsigned day = 0;
         day < promises->catalog->schedule.days && status == RF_OK; day++) {
        bool changes = next < row->day_count &&
                       row->days[next].day == promises->today + (rf_day)day;
        if (changes) {
            status = add(promises, row->days[next++].measures, err);
        }
        if (status == RF_OK && (changes || day == 0)) {
            status = project(promises, style, row, day, err);
        } else if (status == RF_OK) {
            repeat(promises, day);
        }
    }
    if (status == RF_OK) {
        keep_least(promises);
    }
    return status;
}

/* ---- Telling ---- */

static void put_day_key(rf_json_writer *writer, rf_day day, const char *end)
{
    char date[RF_DAY_TEXT_SIZE];
    char key[RF_DAY_TEXT_SIZE + 16];
    rf_day_print(day, date);
    snprintf(key, sizeof key, "%sT00:00:00%s", date, end);
    rf_json_put_key_text(writer, rf_text_of(key));
}

/* A day on which all was taken back has nothing scheduled. */
static rf_status put_scheduled(const rf_promises *promises,
                               rf_row_layout *layout, const rf_row_style *style,
                               const rf_row *row, rf_json_writer *writer,
                               rf_error *err)
{
    rf_row_style whole = *style;
    rf_status status = RF_OK;
    whole.negative = true;
    rf_json_put_key(writer, "quantitiesByDate");
    rf_json_begin_object(writer);
    for (size_t i = 0; i < row->day_count && status == RF_OK; i++) {
        const rf_row_day *day = &row->days[i];
        rf_row scheduled = *row;
        scheduled.measures = day->measures;
        if (day->day >= promises->first && day->day <= promises->last &&
            !rf_measures_are_zero(day->measures)) {
            put_day_key(writer, day->day, "");
            status =
                rf_row_put_quantities(layout, &whole, &scheduled, writer, err);
        }
    }
    if (status == RF_OK) {
        rf_json_end_object(writer);
    }
    return status;
}

/* Put the values of one data source, if it has any that day. */
static void put_source(const rf_promises *promises, rf_text source,
                       unsigned day, rf_json_writer *writer)
{
    const rf_catalog *catalog = promises->catalog;
    bool open = false;
    for (size_t i = 0; i < catalog->schedule.promise_count; i++) {
        const rf_promise *promise = &catalog->schedule.promises[i];
        const rf_calculated *formula = &catalog->calculated[promise->formula];
        if (day >= promise->days || !rf_text_equal(formula->source, source)) {
            continue;
        }
        if (!open) {
            rf_json_put_key_text(writer, source);
            rf_json_begin_object(writer);
            open = true;
        }
        rf_json_put_key_text(writer, formula->name);
        rf_json_put_quantity(writer, *value_of(promises, i, day));
    }
    if (open) {
        rf_json_end_object(writer);
    }
}

static void put_promised(const rf_promises *promises, rf_json_writer *writer)
{
    const rf_catalog *catalog = promises->catalog;
    rf_json_put_key(writer, "atpQuantities");
    rf_json_begin_object(writer);
    for (rf_day day = promises->first; day <= promises->last; day++) {
        put_day_key(writer, day, "Z");
        rf_json_begin_object(writer);
        for (size_t i = 0; i < catalog->source_count; i++) {
            put_source(promises, catalog->sources[i].name,
                       (unsigned)(day - promises->today), writer);
        }
        rf_json_end_object(writer);
    }
    rf_json_end_object(writer);
}

rf_status rf_promises_put(rf_promises *promises, rf_row_layout *layout,
                          const rf_row_style *style, const rf_row *row,
                          rf_json_writer *writer, rf_error *err)
{
    rf_status status = work_out(promises, style, row, err);
    if (status == RF_OK) {
        status = put_scheduled(promises, layout, style, row, writer, err);
    }
    if (status == RF_OK) {
        put_promised(promises, writer);
    }
    return status;
}
