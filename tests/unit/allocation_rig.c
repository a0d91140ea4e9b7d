/*
 * allocation_rig.c - reading allocation records, for the tests of them.
 */
#include "tests/unit/allocation_rig.h"

#include "tests/unit/unit.h"

rf_status allocation_note(void *context, const rf_allocation *allocation,
                          rf_error *err)
{
    allocation_found *found = context;
    (void)err;
    found->count++;
    found->last = *allocation;
    found->last.organization = RF_TEXT_EMPTY;
    found->last.product = RF_TEXT_EMPTY;
    found->last.place = NULL;
    found->given = allocation->place->given;
    return RF_OK;
}

static rf_allocation_query make_query(const rf_place *place, bool prefix)
{
    return (rf_allocation_query){rf_text_of(RIG_ORGANIZATION),
                                 rf_text_of(ALLOCATION_PRODUCT), place, prefix};
}

allocation_found allocation_read(engine_rig *rig, const char *place,
                                 bool prefix, size_t limit)
{
    allocation_found found = {0};
    rf_place at = engine_place(rig, place);
    rf_allocation_query query = make_query(&at, prefix);
    rf_allocation_listing listing = {.generation = engine_generation(rig),
                                     .limit = limit,
                                     .visit = allocation_note,
                                     .context = &found};
    bool end = false;
    while (!end) {
        size_t before = found.count;
        assert_int_equal(
            rf_allocations_read(rig->disk->store, &listing, &query, &end, NULL),
            RF_OK);
        assert_true(found.count - before <= limit);
    }
    return found;
}

void allocation_expect(engine_rig *rig, const char *place, double allocated,
                       double cumulative, double consumed)
{
    allocation_found found = allocation_read(rig, place, false, 10);
    assert_int_equal(found.count, 1);
    assert_true(found.last.allocated == engine_units(allocated));
    assert_true(found.last.cumulative_allocated == engine_units(cumulative));
    assert_true(found.last.consumed == engine_units(consumed));
    assert_true(found.last.cumulative_consumed == engine_units(consumed));
}

double allocation_total(engine_rig *rig, const char *place)
{
    rf_place at = engine_place(rig, place);
    rf_allocation_query query = make_query(&at, true);
    rf_allocation total;
    assert_int_equal(rf_allocations_total(rig->disk->store,
                                          engine_generation(rig), &query,
                                          &total, NULL),
                     RF_OK);
    return (double)total.allocated / (double)RF_QUANTITY_SCALE;
}
