/*
 * operation_adjust.c - adjustments: change a measure now, or stage the change.
 *
 * No availability is checked, as with change events. One that is staged changes
 * nothing but the table of what is due; engine_staged.c posts it when its time
 * has come.
 */
#include "core/adjustment.h"
#include "core/operation.h"

static rf_status plan_adjust(rf_work *work, const rf_command *command,
                             rf_plan *plan, rf_error *err)
{
    return command->delay_ms != 0
               ? RF_OK
               : rf_posting_plan(work, command->organization, command->product,
                                 &command->place, &plan->posting, err);
}

/* Encode what is staged into the workset's memory. */
static rf_status encode(rf_work *work, const rf_command *command, rf_bytes *out,
                        rf_error *err)
{
    rf_arena *arena = rf_workset_arena(work->workset);
    rf_buffer *scratch = rf_workset_scratch(work->workset);
    rf_write_coordinates(scratch, command->place.given, &command->place);
    const void *place =
        rf_buffer_failed(scratch)
            ? NULL
            : rf_arena_copy(arena, scratch->bytes, scratch->length);
    rf_staged staged = {.id = command->id,
                        .measure = command->measure,
                        .quantity = command->quantity,
                        .coordinates = {place, scratch->length},
                        .reference = *command->reference};
    rf_buffer_clear(scratch);
    rf_staged_encode(&staged, scratch);
    const void *copy =
        place == NULL || rf_buffer_failed(scratch)
            ? NULL
            : rf_arena_copy(arena, scratch->bytes, scratch->length);
    *out = (rf_bytes){copy, scratch->length};
    return copy == NULL ? rf_fail(err, RF_E_NO_MEMORY, "out of memory") : RF_OK;
}

/* The number of its journal entry makes the marker its own. */
static rf_status stage(rf_work *work, const rf_command *command, int64_t at_ms,
                       rf_error *err)
{
    rf_key key;
    rf_bytes bytes = {NULL, 0};
    rf_due_parts parts = {
        work->environment->number, at_ms,        command->organization,
        command->product,          work->number, RF_DUE_ADJUSTMENT};
    rf_key_due(&key, &parts);
    rf_record *record =
        rf_workset_blind(work->workset, RF_TABLE_DUE, RF_RECORD_STAGED, &key);
    if (record == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_status status = encode(work, command, &bytes, err);
    return status == RF_OK
               ? rf_workset_set_bytes(work->workset, record, bytes, err)
               : status;
}

static rf_status apply_adjust(rf_work *work, const rf_command *command,
                              rf_plan *plan, rf_result *result, rf_error *err)
{
    result->quantity = command->quantity;
    if (command->delay_ms != 0) {
        result->expires_ms = work->now_ms + command->delay_ms;
        return stage(work, command, result->expires_ms, err);
    }
    rf_status status = rf_posting_apply(work, &plan->posting, command->measure,
                                        command->quantity, err);
    if (status == RF_OK) {
        rf_posting_note_totals(work, &plan->posting);
    }
    return status;
}

const rf_operation_entry rf_operation_adjust = {
    RF_OPERATION_ADJUST, "adjust", "adju", plan_adjust, apply_adjust};
