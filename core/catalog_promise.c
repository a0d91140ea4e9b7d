/*
 * catalog_promise.c - which calculated measures are promised ahead, and how
 * far.
 */
#include "core/catalog_internal.h"

/* The physical measures that the promises read, each of them once. */
typedef struct read_list {
    rf_measure measures[RF_PROMISE_READS_MAX];
    size_t count;
    bool full;
} read_list;

static void note_read(read_list *list, rf_measure measure)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->measures[i] == measure) {
            return;
        }
    }
    if (list->count == RF_PROMISE_READS_MAX) {
        list->full = true;
        return;
    }
    list->measures[list->count++] = measure;
}

static bool find_formula(rf_builder *builder, const rf_draft_name *measure,
                         size_t *out)
{
    rf_text source;
    rf_text name;
    rf_meaning meaning = {RF_MEANS_NOTHING, 0};
    if (rf_builder__split(measure->text, &source, &name)) {
        meaning = rf_catalog__meaning(builder->index, source, name);
    }
    if (meaning.kind != RF_MEANS_CALCULATED) {
        rf_problems_add(builder->problems, measure->path,
                        "%.*s is not a configured calculated measure",
                        RF_SHOWN(measure->text));
        return false;
    }
    *out = meaning.number;
    return true;
}

static bool is_listed(const rf_schedule_rules *schedule, size_t formula)
{
    for (size_t i = 0; i < schedule->promise_count; i++) {
        if (schedule->promises[i].formula == formula) {
            return true;
        }
    }
    return false;
}

/* Nothing can be promised further ahead than anything may be scheduled. */
static void settle_days(rf_schedule_rules *schedule, rf_promise *promises,
                        unsigned days)
{
    schedule->grouped = days > 0;
    schedule->days = days;
    for (size_t i = 0; i < schedule->promise_count; i++) {
        if (days > 0) {
            promises[i].days = days;
        } else if (promises[i].days > schedule->days) {
            schedule->days = promises[i].days;
        }
    }
    if (schedule->days == 0) {
        schedule->days = RF_SCHEDULE_DAYS_DEFAULT;
    }
}

void rf_builder__read_promises(rf_builder *builder)
{
    const rf_draft *draft = builder->draft;
    rf_schedule_rules *schedule = &builder->catalog->schedule;
    read_list reads = {.count = 0};
    rf_promise *promises = rf_builder__allocate(
        builder, draft->promise_count + 1, sizeof *promises);
    if (promises == NULL) {
        return;
    }
    schedule->promises = promises;
    for (size_t i = 0; i < draft->promise_count; i++) {
        const rf_draft_promise *promise = &draft->promises[i];
        size_t formula = 0;
        if (!find_formula(builder, &promise->measure, &formula) ||
            is_listed(schedule, formula)) {
            continue; /* two names of one measure are one promise */
        }
        promises[schedule->promise_count++] =
            (rf_promise){formula, promise->days};
        const rf_calculated *read = &builder->calculated[formula];
        for (size_t r = 0; r < read->read_count; r++) {
            note_read(&reads, read->reads[r]);
        }
    }
    if (reads.full) {
        rf_problems_add(builder->problems, draft->promises[0].measure.path,
                        "the measures promised ahead read more than %d "
                        "physical measures",
                        RF_PROMISE_READS_MAX);
    }
    settle_days(schedule, promises, draft->schedule_days);
}
