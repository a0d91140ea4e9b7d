/*
 * engine_groups.c - which groups a new configuration may have.
 *
 * An allocation record is told from others by its groups in their order. One
 * more group below all others is no matter: the records there are lack it. A
 * group can go or move only where there is no record, with or without something
 * left in it. Records are counted in steps, while others may be made, so
 * whoever counts looks at the end whether that has happened.
 */
#include "core/engine_internal.h"

#include <inttypes.h>
#include <string.h>

#define RECORDS_PER_STEP 5000

bool rf_engine__keeps_groups(const rf_environment *environment,
                             const rf_catalog *catalog)
{
    if (catalog->group_order_count < environment->group_count) {
        return false;
    }
    for (size_t i = 0; i < environment->group_count; i++) {
        if (catalog->group_order[i] != environment->groups[i]) {
            return false;
        }
    }
    return true;
}

void rf_engine__set_groups(rf_environment *environment,
                           const rf_catalog *catalog)
{
    environment->group_count = catalog->group_order_count;
    for (size_t i = 0; i < catalog->group_order_count; i++) {
        environment->groups[i] = catalog->group_order[i];
    }
}

void rf_engine__start_count(const rf_environment *environment,
                            rf_record_count *count)
{
    const rf_level_state *level = rf_environment_pool_level(environment);
    *count = (rf_record_count){.as_of = environment->allocations,
                               .is_done = level == NULL};
    if (level != NULL) {
        count->scan = (rf_level_scan){.environment = environment->number,
                                      .level_number = level->number,
                                      .limit = RECORDS_PER_STEP};
    }
}

static rf_status count_record(void *context, rf_bytes key,
                              const rf_key_parts *parts, rf_bytes value,
                              rf_error *err)
{
    rf_record_count *count = context;
    (void)key;
    (void)parts;
    (void)value;
    (void)err;
    count->records++;
    return RF_OK;
}

rf_status rf_engine__count_step(rf_engine *engine,
                                const rf_environment *environment,
                                rf_record_count *count, rf_error *err)
{
    rf_store_transaction *transaction = NULL;
    rf_status status = engine->store->operations->begin(engine->store, false,
                                                        &transaction, err);
    if (status != RF_OK) {
        return status;
    }
    status = rf_level_scan_run(engine->store, transaction, &count->scan,
                               count_record, count, err);
    engine->store->operations->abort(transaction);
    count->is_done = count->scan.ended;
    if (status != RF_OK || !count->is_done || count->records == 0) {
        return status;
    }
    return rf_fail_field(
        err, RF_E_DATA_PRESENT, "allocationConfiguration",
        "a group can be removed or moved only where nothing was ever "
        "allocated, and %s has %" PRIu64
        " allocation records: GET /allocation/records lists them",
        environment->id, count->records);
}
