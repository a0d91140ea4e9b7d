/*
 * document_schedule.c - which measures are promised ahead, and how far.
 *
 *     "atpCalculatedMeasures": {"iv": {"onhand": 7}, "pos": {"net": 7}}
 */
#include "core/catalog.h"
#include "server/document_internal.h"

#include <string.h>

/* Join the names of a source and a measure with a dot. */
static rf_text join(rf_document_reader *reader, rf_text source, rf_text name)
{
    size_t length = source.length + 1 + name.length;
    char *text = rf_document__allocate(reader, length + 1, 1);
    if (text == NULL) {
        return RF_TEXT_EMPTY;
    }
    memcpy(text, source.bytes, source.length);
    text[source.length] = '.';
    memcpy(text + source.length + 1, name.bytes, name.length);
    return (rf_text){text, length};
}

/* Read the measures of one source behind those there are. */
static void read_source(rf_document_reader *reader,
                        const rf_document_part *source, rf_draft *draft)
{
    const rf_json_range range = {1, RF_SCHEDULE_DAYS_MAX};
    for (const rf_json *value = rf_json_first(source->value); value != NULL;
         value = rf_json_next(value)) {
        rf_text name = rf_json_name(value);
        rf_text path = rf_document__path(reader, source->path, name);
        int64_t days = 0;
        rf_error err;
        if (rf_json_to_integer(value, range, &days, &err) != RF_OK) {
            rf_problems_add(reader->problems, path, "%s", err.message);
            continue;
        }
        draft->promises[draft->promise_count++] = (rf_draft_promise){
            {join(reader, rf_json_name(source->value), name), path},
            (unsigned)days};
    }
}

static size_t count_measures(const rf_json *sources)
{
    size_t count = 0;
    for (const rf_json *source = rf_json_first(sources); source != NULL;
         source = rf_json_next(source)) {
        count += rf_json_length(source);
    }
    return count;
}

void rf_document__read_promises(rf_document_reader *reader,
                                const rf_document_part *section,
                                rf_draft *draft)
{
    rf_document_part all;
    if (!rf_document__child(reader, section, "atpCalculatedMeasures",
                            RF_JSON_OBJECT, &all)) {
        return;
    }
    draft->promises = rf_document__allocate(
        reader, count_measures(all.value) + 1, sizeof *draft->promises);
    for (const rf_json *value = rf_json_first(all.value);
         draft->promises != NULL && value != NULL;
         value = rf_json_next(value)) {
        rf_text name = rf_json_name(value);
        rf_document_part source = {value,
                                   rf_document__path(reader, all.path, name)};
        if (rf_document__is(reader, &source, RF_JSON_OBJECT)) {
            read_source(reader, &source, draft);
        }
    }
}
