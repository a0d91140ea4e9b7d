/*
 * engine_dry.c - what a dry run shows.
 *
 * A dry run is carried out like any other job and undone afterwards, its
 * journal entries included. All that is left of it are its results, and each of
 * them shows the quantities as they were then.
 */
#include "core/engine_internal.h"

/* Find the product of a command that may not name it: a reversal says it by
 * the entry of what is reversed. */
static rf_status find_product(const rf_command *command, const rf_plan *plan,
                              rf_text *out, rf_error *err)
{
    *out = plan->product.length > 0 ? plan->product : command->product;
    if (out->length > 0 || plan->created_entry == NULL ||
        !plan->created_entry->present) {
        return RF_OK;
    }
    rf_text organization;
    return rf_entry_peek_product(plan->created_entry->as.bytes, &organization,
                                 out)
               ? RF_OK
               : rf_fail(err, RF_E_STORAGE, "a journal entry is damaged");
}

rf_status rf_engine__total(rf_engine *engine, rf_store_transaction *transaction,
                           const rf_command *command, const rf_plan *plan,
                           rf_measures *out, rf_error *err)
{
    rf_work *work = &engine->work;
    rf_level level = command->place.given & RF_LEVEL_LEAF;
    rf_posting posting;
    rf_total total = {0};
    rf_text product;
    rf_status status = find_product(command, plan, &product, err);
    if (status == RF_OK) {
        status = rf_posting_plan(work, command->organization, product,
                                 &command->place, &posting, err);
    }
    if (status == RF_OK) {
        status = rf_total_plan(work, &posting, level, &total, err);
    }
    if (status == RF_OK) {
        status = rf_workset_load(engine->workset, transaction, err);
    }
    if (status == RF_OK) {
        status = rf_total_sum(work, &total, out, err);
    }
    if (status != RF_OK) {
        rf_measures_done(out);
    }
    return status;
}

void rf_engine__hide_quantities(rf_job *job)
{
    for (size_t i = 0; job->dry_run && i < job->count; i++) {
        rf_result_done(&job->results[i]);
    }
}

void rf_engine__hide_numbers(rf_job *job, uint64_t last)
{
    for (size_t i = 0; i < job->count; i++) {
        rf_result *result = &job->results[i];
        if (result->number > last) {
            result->number = 0;
        }
        if (result->basket > last) {
            result->basket = 0;
        }
    }
}
