/*
 * pool.c - changing an allocation record with all its totals.
 */
#include "core/pool.h"

#include "core/check.h"

static rf_status out_of_memory(rf_error *err)
{
    return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
}

static rf_status add_node(rf_pool *pool, rf_record *node, rf_error *err)
{
    if (node == NULL) {
        return out_of_memory(err);
    }
    pool->nodes[pool->count++] = node;
    return RF_OK;
}

rf_status rf_pool_plan(rf_work *work, rf_text organization, rf_text product,
                       const rf_place *place, rf_pool *out, rf_error *err)
{
    const rf_environment *environment = work->environment;
    const rf_level_state *own = rf_environment_pool_level(environment);
    *out = (rf_pool){.dimensions = place->given & RF_LEVEL_LEAF};
    if (own == NULL) {
        return RF_OK;
    }
    out->nodes = rf_arena_alloc(rf_workset_arena(work->workset),
                                environment->level_count * sizeof *out->nodes);
    if (out->nodes == NULL) {
        return out_of_memory(err);
    }
    rf_key prefix;
    rf_key_product(&prefix, environment->number, organization, product);
    rf_record *record = rf_work_want_node(work, &prefix, own, place);
    rf_status status = add_node(out, record, err);
    for (size_t i = 0; i < environment->level_count && status == RF_OK; i++) {
        const rf_level_state *level = &environment->levels[i];
        if (level != own && (level->level & RF_LEVEL_GROUPS) != 0 &&
            rf_level_state_counts(level, record->key)) {
            status = add_node(
                out, rf_work_want_node(work, &prefix, level, place), err);
        }
    }
    return status;
}

rf_quantity rf_pool_allocated(const rf_work *work, const rf_pool *pool)
{
    return pool->count == 0 ? 0
                            : rf_measures_get(&pool->nodes[0]->node.measures,
                                              work->catalog->pool.allocated);
}

rf_status rf_pool_add(rf_work *work, const rf_pool *pool, rf_measure measure,
                      rf_quantity delta, rf_error *err)
{
    rf_status status = RF_OK;
    for (size_t i = 0; i < pool->count && status == RF_OK; i++) {
        status =
            rf_workset_add(work->workset, pool->nodes[i], measure, delta, err);
    }
    return status;
}

rf_status rf_pool_allocate(rf_work *work, const rf_pool *pool, rf_record *head,
                           rf_quantity delta, rf_error *err)
{
    bool was_live = rf_pool_allocated(work, pool) > 0;
    rf_status status =
        rf_pool_add(work, pool, work->catalog->pool.allocated, delta, err);
    return status == RF_OK
               ? rf_check_count(work, head, pool->dimensions, was_live,
                                rf_pool_allocated(work, pool) > 0, err)
               : status;
}
