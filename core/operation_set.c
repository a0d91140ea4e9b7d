/*
 * operation_set.c - counts: measures of a row become what was counted.
 *
 * A count says how much there was at its time, so the latest one stands,
 * whatever the order they arrive in: when each measure of a row was set last is
 * kept beside its leaf. Change events know nothing of it and add on top.
 */
#include "core/operation.h"

#include <stdio.h>

static rf_status plan_set(rf_work *work, const rf_command *command,
                          rf_plan *plan, rf_error *err)
{
    rf_key key;
    rf_key_product(&key, work->environment->number, command->organization,
                   command->product);
    rf_key_set_times(&key, &command->place);
    plan->set_times = rf_workset_want(work->workset, RF_TABLE_STOCK,
                                      RF_RECORD_SET_TIMES, &key);
    if (plan->set_times == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    return rf_posting_plan(work, command->organization, command->product,
                           &command->place, &plan->posting, err);
}

/* Of equal times the later request wins. */
static bool is_stale(const rf_plan *plan, rf_measure measure, int64_t at_ms)
{
    const rf_set_time *last =
        rf_set_times_find(&plan->set_times->as.set_times, measure);
    return last != NULL && last->at_ms > at_ms;
}

/* Post what is missing to a value, which may be nothing: the row has the
 * measure from now on. */
static rf_status set_measure(rf_work *work, rf_posting *posting,
                             const rf_amount *value, rf_error *err)
{
    rf_quantity delta;
    rf_quantity present =
        rf_measures_get(&posting->nodes[0]->node.measures, value->measure);
    if (!rf_quantity_subtract(value->quantity, present, &delta)) {
        return rf_fail(err, RF_E_QUANTITY_OVERFLOW,
                       "the change is beyond what can be stored");
    }
    return rf_posting_apply(work, posting, value->measure, delta, err);
}

/* Merge the measures that were set now into the times there were. */
static rf_status note_times(rf_work *work, const rf_command *command,
                            const rf_plan *plan, int64_t at_ms, rf_error *err)
{
    const rf_set_times *before = &plan->set_times->as.set_times;
    rf_set_times after = {NULL, 0};
    rf_set_time *items =
        rf_arena_alloc(rf_workset_arena(work->workset),
                       (before->count + command->change_count) * sizeof *items);
    if (items == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    size_t old = 0;
    for (size_t i = 0; i < command->change_count; i++) {
        rf_measure measure = command->changes[i].measure;
        while (old < before->count && before->items[old].measure < measure) {
            items[after.count++] = before->items[old++];
        }
        if (is_stale(plan, measure, at_ms)) {
            continue; /* it is the next of those there were */
        }
        items[after.count++] = (rf_set_time){measure, at_ms};
        if (old < before->count && before->items[old].measure == measure) {
            old++;
        }
    }
    while (old < before->count) {
        items[after.count++] = before->items[old++];
    }
    after.items = items;
    return rf_workset_set_times(work->workset, plan->set_times, &after, err);
}

/* Say what was left alone, if anything was. */
static void tell_stale(const rf_command *command, size_t stale,
                       rf_result *result)
{
    result->stale = stale > 0 && stale == command->change_count;
    if (result->stale) {
        snprintf(result->message, sizeof result->message,
                 "set at a later time already: nothing was changed");
    } else if (stale > 0) {
        snprintf(result->message, sizeof result->message,
                 "%zu of %zu measures were set at a later time already and "
                 "left alone",
                 stale, command->change_count);
    }
}

static rf_status apply_set(rf_work *work, const rf_command *command,
                           rf_plan *plan, rf_result *result, rf_error *err)
{
    int64_t at_ms = command->at_ms == 0 ? work->now_ms : command->at_ms;
    size_t stale = 0;
    rf_status status = RF_OK;
    for (size_t i = 0; i < command->change_count && status == RF_OK; i++) {
        const rf_amount *value = &command->changes[i];
        if (is_stale(plan, value->measure, at_ms)) {
            stale++;
        } else {
            status = set_measure(work, &plan->posting, value, err);
        }
    }
    if (status == RF_OK && stale < command->change_count) {
        status = note_times(work, command, plan, at_ms, err);
    }
    if (status == RF_OK) {
        rf_posting_note_totals(work, &plan->posting);
        tell_stale(command, stale, result);
    }
    return status;
}

const rf_operation_entry rf_operation_set = {RF_OPERATION_SET, "set", "ohse",
                                             plan_set, apply_set};
