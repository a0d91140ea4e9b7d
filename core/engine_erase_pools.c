/*
 * engine_erase_pools.c - erasing allocation records with all their totals.
 *
 * A record's leaf, and every level above it, loses what the record had; so
 * leaves and records agree after every transaction. The leaf itself stays until
 * its own turn.
 */
#include "core/engine_internal.h"

/* A record that goes, and what hangs on it. */
typedef struct leaving {
    rf_place place;
    rf_posting posting;
    rf_pool pool;
} leaving;

static rf_status plan_record(rf_engine *engine, const rf_record *record,
                             leaving *out, rf_error *err)
{
    const rf_erasing *erasing = engine->erasing;
    rf_key_parts parts;
    rf_status status = rf_work_read_node(record, &parts, &out->place, err);
    if (status == RF_OK) {
        status = rf_posting_plan(&engine->work, erasing->organization,
                                 rf_engine__product(erasing), &out->place,
                                 &out->posting, err);
    }
    return status == RF_OK ? rf_pool_plan(&engine->work, erasing->organization,
                                          rf_engine__product(erasing),
                                          &out->place, &out->pool, err)
                           : status;
}

/* Take an amount of the record away from the stock, as far as it is in it. */
static rf_status lower_stock(rf_engine *engine, const leaving *record,
                             rf_amount amount, rf_error *err)
{
    const rf_pool_measures *measures = &engine->work.catalog->pool;
    rf_status status = RF_OK;
    if (!rf_pool_measures_are_totalled(measures, amount.measure)) {
        return RF_OK;
    }
    for (size_t i = 0; i < record->posting.count && status == RF_OK; i++) {
        status = rf_workset_add(engine->workset, record->posting.nodes[i],
                                amount.measure, -amount.quantity, err);
    }
    return status;
}

/* The list of measures keeps its order meanwhile: all are in it already. */
static rf_status erase_record(rf_engine *engine, const leaving *record,
                              rf_record *head, rf_error *err)
{
    const rf_measures *measures = &record->pool.nodes[0]->node.measures;
    bool was_live = rf_pool_allocated(&engine->work, &record->pool) > 0;
    rf_status status = RF_OK;
    for (uint16_t m = 0; m < measures->count && status == RF_OK; m++) {
        rf_amount amount = measures->amounts[m];
        status = lower_stock(engine, record, amount, err);
        if (status == RF_OK) {
            status = rf_pool_add(&engine->work, &record->pool, amount.measure,
                                 -amount.quantity, err);
        }
    }
    return status == RF_OK
               ? rf_check_count(&engine->work, head, record->pool.dimensions,
                                was_live, false, err)
               : status;
}

static void drop_zero_nodes(const rf_pool *pool)
{
    for (size_t i = 0; i < pool->count; i++) {
        if (rf_measures_are_zero(&pool->nodes[i]->node.measures)) {
            rf_workset_drop_node(pool->nodes[i]);
        }
    }
}

rf_status rf_engine__erase_pools(rf_engine *engine,
                                 rf_store_transaction *transaction,
                                 size_t count, rf_error *err)
{
    leaving *records = rf_arena_calloc(rf_workset_arena(engine->workset), count,
                                       sizeof *records);
    rf_key product;
    rf_engine__erased_product(engine, &product);
    const rf_record *record = rf_workset_first(engine->workset);
    rf_record *head = rf_check_want_head(&engine->work, &product);
    if (records == NULL || head == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_status status = rf_workset_load(engine->workset, transaction, err);
    for (size_t i = 0; i < count && status == RF_OK; i++) {
        status = plan_record(engine, record, &records[i], err);
        record = record->next;
    }
    if (status == RF_OK) {
        status = rf_workset_load(engine->workset, transaction, err);
    }
    for (size_t i = 0; i < count && status == RF_OK; i++) {
        status = erase_record(engine, &records[i], head, err);
    }
    /* Totals of several records go only when all of these are gone. */
    for (size_t i = 0; i < count && status == RF_OK; i++) {
        drop_zero_nodes(&records[i].pool);
    }
    return status;
}
