/*
 * operation_product.c - what is known of a product becomes something else.
 *
 * A record is replaced or deleted as a whole, whatever there was, so nothing
 * has to be read first. No stock is touched.
 */
#include "core/operation.h"

#include <stdio.h>

static rf_status plan_product(rf_work *work, const rf_command *command,
                              rf_plan *plan, rf_error *err)
{
    rf_key key;
    rf_key_product(&key, work->environment->number, command->organization,
                   command->product);
    plan->known_product = rf_workset_blind(work->workset, RF_TABLE_PRODUCTS,
                                           RF_RECORD_PRODUCT, &key);
    return plan->known_product != NULL
               ? RF_OK
               : rf_fail(err, RF_E_NO_MEMORY, "out of memory");
}

static rf_status apply_product(rf_work *work, const rf_command *command,
                               rf_plan *plan, rf_result *result, rf_error *err)
{
    if (command->record.bytes == NULL) {
        snprintf(result->message, sizeof result->message,
                 "the product's record is deleted");
    }
    return rf_workset_set_bytes(work->workset, plan->known_product,
                                command->record, err);
}

const rf_operation_entry rf_operation_product = {
    RF_OPERATION_PRODUCT, "product", "prod", plan_product, apply_product};
