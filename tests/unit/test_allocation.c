/*
 * test_allocation.c - setting stock aside for groups: what each command does,
 * and what it is checked for.
 */
#include "core/alloc.h"
#include "tests/unit/allocation_rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define SHELF "siteid=1, locationid=W"
#define RED SHELF ", ColorId=red"
#define RED_S RED ", SizeId=S"
#define ONLY_S SHELF ", SizeId=S"
#define WEB ", channel=web"
#define WEB_EU ", channel=web, Region=EU"
#define WEB_US ", channel=web, Region=US"

static void post(engine_rig *rig, const char *place, const char *changes)
{
    rf_command command = engine_post(rig, "BIKE", place, changes);
    engine_do(rig, &command);
}

static rf_result *run(engine_rig *rig, rf_operation operation,
                      const char *place, double quantity)
{
    rf_command command =
        engine_allocation(rig, operation, "BIKE", place, quantity);
    return engine_run(rig, &command);
}

static rf_result *allocate(engine_rig *rig, const char *place, double quantity)
{
    return run(rig, RF_OPERATION_ALLOCATE, place, quantity);
}

static rf_result *unallocate(engine_rig *rig, const char *place,
                             double quantity)
{
    return run(rig, RF_OPERATION_UNALLOCATE, place, quantity);
}

static rf_result *reallocate(engine_rig *rig, const char *from, const char *to,
                             double quantity)
{
    rf_command command = engine_reallocate(rig, "BIKE", from, to, quantity);
    return engine_run(rig, &command);
}

static rf_result *consume(engine_rig *rig, const char *place, double quantity,
                          const char *measures)
{
    rf_command command = engine_consume(rig, "BIKE", place, quantity, measures);
    return engine_run(rig, &command);
}

static rf_result *reserve(engine_rig *rig, const char *place, double quantity)
{
    rf_command command = engine_reserve(rig, "BIKE", place, quantity, true);
    return engine_run(rig, &command);
}

/* What the stock says at a place. */
static void expect_stock(engine_rig *rig, const char *place, double allocated,
                         double cumulative, double consumed)
{
    engine_expect(rig, "BIKE", place, "@iv.@allocated", allocated);
    engine_expect(rig, "BIKE", place, "@iv.@cumulative_allocated", cumulative);
    engine_expect(rig, "BIKE", place, "@iv.@consumed", consumed);
    engine_expect(rig, "BIKE", place, "@iv.@cumulative_consumed", consumed);
}

/* What can be allocated: one unit more is too much. */
static void expect_pool(engine_rig *rig, const char *place, double units)
{
    char groups[128];
    snprintf(groups, sizeof groups, "%s, channel=probe", place);
    rf_result *result = allocate(rig, groups, units + 1);
    assert_int_equal(result->status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_true(result->available == engine_units(units));
}

/* ---- Effects ---- */

static void test_what_each_command_does(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED, "pos.inbound=20");
    assert_true(allocate(rig, RED WEB_US, 10)->quantity == engine_units(10));
    allocation_expect(rig, RED WEB_US, 10, 10, 0);
    expect_stock(rig, RED, 10, 10, 0);
    expect_stock(rig, "", 10, 10, 0);
    expect_pool(rig, RED, 10);

    assert_int_equal(unallocate(rig, RED WEB_US, 4)->status, RF_OK);
    allocation_expect(rig, RED WEB_US, 6, 10, 0);
    expect_stock(rig, SHELF, 6, 10, 0);
    expect_pool(rig, RED, 14);

    assert_int_equal(reallocate(rig, RED WEB_US, RED WEB_EU, 2)->status, RF_OK);
    allocation_expect(rig, RED WEB_US, 4, 10, 0);
    allocation_expect(rig, RED WEB_EU, 2, 2, 0);
    expect_stock(rig, RED, 6, 10, 0);
    expect_pool(rig, RED, 14);

    assert_int_equal(consume(rig, RED WEB_EU, 1, "")->status, RF_OK);
    allocation_expect(rig, RED WEB_EU, 1, 2, 1);
    expect_stock(rig, RED, 5, 10, 1);
    expect_stock(rig, "siteid=1", 5, 10, 1);
    expect_pool(rig, RED, 15); /* nothing of the stock was named */

    assert_true(allocation_total(rig, RED WEB) == 5);
    assert_true(allocation_total(rig, RED WEB_US) == 4);
    assert_true(allocation_total(rig, RED) == 5);
    assert_true(allocation_total(rig, RED ", channel=shop") == 0);
}

static void test_what_each_command_needs(void **state)
{
    engine_rig *rig = *state;
    assert_int_equal(allocate(rig, RED WEB, 1)->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
    post(rig, RED, "pos.inbound=8");
    rf_result *result = allocate(rig, RED WEB, 8.5);
    assert_int_equal(result->status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_true(result->available == engine_units(8));
    assert_true(result->has_binding);
    assert_int_equal(allocate(rig, RED WEB, 8)->status, RF_OK);
    static const rf_operation takers[] = {RF_OPERATION_UNALLOCATE,
                                          RF_OPERATION_CONSUME};
    for (int i = 0; i < 2; i++) {
        result = run(rig, takers[i], RED WEB, 8.000001);
        assert_int_equal(result->status, RF_E_INSUFFICIENT_ALLOCATED);
        assert_string_equal(result->field, "quantity");
        assert_true(result->available == engine_units(8));
        result = run(rig, takers[i], RED WEB_EU, 1);
        assert_int_equal(result->status, RF_E_INSUFFICIENT_ALLOCATED);
        assert_true(result->available == 0);
        result = run(rig, takers[i], SHELF WEB, 1);
        assert_int_equal(result->status, RF_E_INSUFFICIENT_ALLOCATED);
    }
    assert_int_equal(reallocate(rig, RED WEB, RED WEB_EU, 9)->status,
                     RF_E_INSUFFICIENT_ALLOCATED);
    assert_int_equal(reallocate(rig, RED WEB_EU, RED WEB, 1)->status,
                     RF_E_INSUFFICIENT_ALLOCATED);
    assert_int_equal(allocate(rig, "siteid=1" WEB, 1)->status,
                     RF_E_MISSING_PARTITION);
    allocation_expect(rig, RED WEB, 8, 8, 0);
    expect_stock(rig, RED, 8, 8, 0);
}

/* Parent and child are pools of their own; both count for the parent's total.
 */
static void test_every_prefix_is_a_pool(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED, "pos.inbound=10");
    assert_int_equal(allocate(rig, RED WEB, 6)->status, RF_OK);
    expect_pool(rig, RED, 4);
    assert_int_equal(reallocate(rig, RED WEB, RED WEB_EU, 4)->status, RF_OK);
    allocation_expect(rig, RED WEB, 2, 6, 0);
    allocation_expect(rig, RED WEB_EU, 4, 4, 0);
    assert_true(allocation_total(rig, RED WEB) == 6);
    expect_pool(rig, RED, 4);
    assert_int_equal(allocate(rig, RED WEB_EU, 4)->status, RF_OK);
    allocation_expect(rig, RED WEB, 2, 6, 0);
    allocation_expect(rig, RED WEB_EU, 8, 8, 0);
    expect_pool(rig, RED, 0);
    assert_int_equal(reallocate(rig, RED WEB_EU, RED WEB, 8)->status, RF_OK);
    allocation_expect(rig, RED WEB_EU, 0, 8, 0);
    allocation_expect(rig, RED WEB, 10, 14, 0);
    assert_int_equal(unallocate(rig, RED WEB_EU, 1)->status,
                     RF_E_INSUFFICIENT_ALLOCATED);
}

static void test_goods_leave_as_they_are_consumed(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED, "pos.inbound=20");
    allocate(rig, RED WEB_US, 10);
    reallocate(rig, RED WEB_US, RED WEB_EU, 2);
    assert_int_equal(consume(rig, RED WEB_US, 3, "pos.inbound=-1")->status,
                     RF_OK);
    allocation_expect(rig, RED WEB_US, 5, 10, 3);
    allocation_expect(rig, RED WEB_EU, 2, 2, 0);
    engine_expect(rig, "BIKE", RED, "pos.inbound", 17);
    expect_stock(rig, RED, 7, 10, 3);
    expect_pool(rig, RED, 10);
    unallocate(rig, RED WEB_EU, 1);
    expect_stock(rig, RED, 6, 10, 3);
    expect_pool(rig, RED, 11);
    /* Both ways of taking from the pool's formula, and its own measure. */
    assert_int_equal(
        consume(rig, RED WEB_US, 2, "pos.outbound=1, @iv.@consumed=1")->status,
        RF_OK);
    engine_expect(rig, "BIKE", RED, "pos.outbound", 2);
    expect_stock(rig, RED, 4, 10, 5);
    expect_pool(rig, RED, 11);
}

static void test_what_is_consumed_can_be_reserved(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED, "pos.inbound=20");
    rf_result *held = reserve(rig, RED, 2);
    allocate(rig, RED WEB, 8);
    unallocate(rig, RED WEB, 2);
    expect_pool(rig, RED, 12);
    rf_result *result = consume(rig, RED WEB, 3, "iv.softreserved=1");
    assert_int_equal(result->status, RF_OK);
    assert_int_equal(result->reservation, held->reservation);
    assert_int_equal(result->reservation_created, held->number);
    engine_expect(rig, "BIKE", RED, "iv.softreserved", 5);
    expect_stock(rig, RED, 3, 8, 3);
    expect_pool(rig, RED, 12);
    assert_int_equal(reserve(rig, RED, 13)->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
    assert_int_equal(reserve(rig, RED, 12)->status, RF_OK);
    rf_command back = engine_unreserve(rig, "BIKE", RED, result, 17);
    assert_true(engine_do(rig, &back)->quantity == engine_units(17));
    engine_expect(rig, "BIKE", RED, "iv.softreserved", 0);
    /* The first of its record: it is found by its entry, too. */
    result = consume(rig, RED WEB, 3, "iv.softreserved=1");
    back = engine_unreserve(rig, "", RED, result, 3);
    assert_true(engine_do(rig, &back)->quantity == engine_units(3));
    assert_int_equal(reserve(rig, RED, 20)->status, RF_OK);
}

/* ---- How much ---- */

static void test_a_part_can_be_allocated(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED, "pos.inbound=5");
    rf_command command =
        engine_allocation(rig, RF_OPERATION_ALLOCATE, "BIKE", RED WEB, 8);
    command.allow_partial = true;
    command.minimum = engine_units(5.1);
    assert_int_equal(engine_run(rig, &command)->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
    command = engine_allocation(rig, RF_OPERATION_ALLOCATE, "BIKE", RED WEB, 8);
    command.allow_partial = true;
    rf_result *result = engine_do(rig, &command);
    assert_true(result->partial);
    assert_true(result->quantity == engine_units(5));
    allocation_expect(rig, RED WEB, 5, 5, 0);
    result = engine_do(rig, &command);
    assert_true(result->replayed && result->partial);
    assert_true(result->quantity == engine_units(5));
    allocation_expect(rig, RED WEB, 5, 5, 0);
}

static rf_result *share(engine_rig *rig, rf_share share, double quantity,
                        double percent, unsigned decimals)
{
    rf_command command = engine_allocation(rig, RF_OPERATION_ALLOCATE, "BIKE",
                                           RED WEB, quantity);
    command.share = share;
    command.percent = engine_units(percent);
    command.decimals = decimals;
    return engine_run(rig, &command);
}

static void test_whatever_is_there_can_be_allocated(void **state)
{
    engine_rig *rig = *state;
    rf_result *result = share(rig, RF_SHARE_ALL, 0, 0, 0);
    assert_int_equal(result->status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_true(result->available == 0);
    post(rig, RED, "pos.inbound=5.25");
    result = share(rig, RF_SHARE_ALL, 2, 0, 0);
    assert_false(result->partial);
    assert_true(result->quantity == engine_units(2));
    result = share(rig, RF_SHARE_ALL, 4, 0, 0);
    assert_true(result->partial);
    assert_true(result->quantity == engine_units(3.25));
    post(rig, RED, "pos.inbound=1.5");
    result = share(rig, RF_SHARE_ALL, 0, 0, 0);
    assert_false(result->partial);
    assert_true(result->quantity == engine_units(1.5));
    allocation_expect(rig, RED WEB, 6.75, 6.75, 0);
    expect_pool(rig, RED, 0);
}

static void test_a_percentage_is_rounded_down(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED, "pos.inbound=10");
    rf_result *result = share(rig, RF_SHARE_PERCENT, 0, 33.333333, 0);
    assert_true(result->quantity == engine_units(3));
    result = share(rig, RF_SHARE_PERCENT, 0, 12.5, 2); /* of 7 */
    assert_true(result->quantity == engine_units(0.87));
    result = share(rig, RF_SHARE_PERCENT, 0, 0.000001, 6); /* of 6.13 */
    assert_int_equal(result->status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_string_equal(result->field, "percent");
    assert_true(result->available == engine_units(6.13));
    result = share(rig, RF_SHARE_PERCENT, 0, 16, 0);
    assert_int_equal(result->status, RF_E_INSUFFICIENT_AVAILABLE);
    result = share(rig, RF_SHARE_PERCENT, 0, 100, 6);
    assert_true(result->quantity == engine_units(6.13));
    expect_pool(rig, RED, 0);
}

/* ---- What is invalid ---- */

static void expect_invalid(engine_rig *rig, rf_command *command,
                           rf_status status, const char *field)
{
    rf_error err = {0};
    assert_int_equal(
        rf_command_check(engine_catalog(rig), command, &rig->scratch, &err),
        status);
    assert_string_equal(err.field, field);
}

static void test_groups_are_filled_from_the_top(void **state)
{
    engine_rig *rig = *state;
    rf_command command =
        engine_allocation(rig, RF_OPERATION_ALLOCATE, "BIKE", RED, 1);
    expect_invalid(rig, &command, RF_E_NO_GROUPS, "groups");
    command.place = engine_place(rig, RED ", Region=EU");
    expect_invalid(rig, &command, RF_E_GROUP_GAP, "groups.Region");
    command.place = engine_place(rig, RED WEB);
    command.place.given |= RF_BIT(RF_DIMENSION_COUNT + 7);
    expect_invalid(rig, &command, RF_E_UNKNOWN_GROUP, "groups.?");
    command = engine_reallocate(rig, "BIKE", RED, RED WEB, 1);
    expect_invalid(rig, &command, RF_E_NO_GROUPS, "sourceGroups");
    command.source = NULL;
    expect_invalid(rig, &command, RF_E_NO_GROUPS, "sourceGroups");
    command = engine_reallocate(rig, "BIKE", WEB, RED WEB, 1);
    expect_invalid(rig, &command, RF_E_CONFLICTING_FIELDS, "sourceGroups");
    char text[300] = RED WEB ", Region=";
    memset(text + strlen(text), 'x', 201);
    command = engine_allocation(rig, RF_OPERATION_CONSUME, "BIKE", text, 1);
    expect_invalid(rig, &command, RF_E_TOO_LONG, "groups.Region");
    assert_int_equal(
        rf_catalog_group(engine_catalog(rig), rf_text_of("CHANNEL")),
        RF_DIMENSION_COUNT);
    assert_int_equal(rf_catalog_group(engine_catalog(rig), rf_text_of("x")),
                     -1);
}

static void test_quantities_are_above_zero(void **state)
{
    engine_rig *rig = *state;
    static const rf_operation operations[] = {
        RF_OPERATION_ALLOCATE, RF_OPERATION_UNALLOCATE, RF_OPERATION_CONSUME};
    for (int i = 0; i < 3; i++) {
        rf_command command =
            engine_allocation(rig, operations[i], "BIKE", RED WEB, 0);
        expect_invalid(rig, &command, RF_E_INVALID_QUANTITY, "quantity");
        command.quantity = -1;
        expect_invalid(rig, &command, RF_E_INVALID_QUANTITY, "quantity");
        command.quantity = i == 0 ? -1 : 0;
        command.share = RF_SHARE_ALL; /* only of what is not allocated yet */
        expect_invalid(rig, &command, RF_E_INVALID_QUANTITY, "quantity");
    }
    rf_command command =
        engine_allocation(rig, RF_OPERATION_ALLOCATE, "BIKE", RED WEB, 0);
    command.share = RF_SHARE_PERCENT;
    expect_invalid(rig, &command, RF_E_INVALID_QUANTITY, "percent");
    command.percent = RF_PERCENT_MAX + 1;
    expect_invalid(rig, &command, RF_E_INVALID_QUANTITY, "percent");
}

static void test_only_some_measures_can_be_consumed(void **state)
{
    engine_rig *rig = *state;
    static const struct {
        const char *measures;
        rf_status status;
        const char *field;
    } cases[] = {
        {"pos.inbound=1", RF_E_WRONG_MODIFIER, "pos.inbound"},
        {"pos.outbound=-1", RF_E_WRONG_MODIFIER, "pos.outbound"},
        {"iv.softreserved=-1", RF_E_WRONG_MODIFIER, "iv.softreserved"},
        {"@iv.@consumed=-1", RF_E_WRONG_MODIFIER, "@iv.@consumed"},
        {"@iv.@allocated=1", RF_E_READ_ONLY_SOURCE, "@iv.@allocated"},
        {"@iv.@cumulative_consumed=1", RF_E_READ_ONLY_SOURCE,
         "@iv.@cumulative_consumed"},
        {"fno.availphysical=-1", RF_E_READ_ONLY_SOURCE, "fno.availphysical"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char field[80];
        rf_command command =
            engine_consume(rig, "BIKE", RED WEB, 1, cases[i].measures);
        snprintf(field, sizeof field, "physicalMeasures.%s", cases[i].field);
        expect_invalid(rig, &command, cases[i].status, field);
    }
    rf_command command = engine_consume(rig, "BIKE", RED ", BatchId=b" WEB, 1,
                                        "iv.softreserved=1");
    expect_invalid(rig, &command, RF_E_DIMENSION_NOT_RESERVABLE,
                   "physicalMeasures.iv.softreserved");
}

/* ---- Levels ---- */

static void test_allocations_are_checked_at_coarser_levels(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED, "pos.inbound=12");
    post(rig, SHELF ", ColorId=blue", "pos.outbound=5");
    assert_int_equal(reserve(rig, RED, 4)->status, RF_OK);
    assert_int_equal(allocate(rig, SHELF WEB, 2)->status, RF_OK);
    rf_result *result = allocate(rig, RED WEB, 2);
    assert_int_equal(result->status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_true(result->available == engine_units(1));
    assert_int_equal(result->binding_level, RF_LEVEL_PLACE);
    assert_int_equal(allocate(rig, RED WEB, 1)->status, RF_OK);
    assert_int_equal(reserve(rig, RED, 1)->status, RF_E_INSUFFICIENT_AVAILABLE);
}

/* What is allocated at a level that nobody configured binds finer
 * reservations and allocations, as long as something is left of it. */
static void test_odd_levels_count_while_something_is_left(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED_S, "pos.inbound=10");
    post(rig, RED, "pos.inbound=50");
    assert_int_equal(allocate(rig, ONLY_S WEB, 7)->status, RF_OK);
    rf_result *result = reserve(rig, RED_S, 4);
    assert_int_equal(result->status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_true(result->available == engine_units(3));
    assert_int_equal(result->binding_level,
                     engine_level(rig, "siteid, locationid, SizeId"));
    assert_int_equal(allocate(rig, RED_S WEB_EU, 4)->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
    /* Moved to another record at the same level, it still counts. */
    assert_int_equal(reallocate(rig, ONLY_S WEB, ONLY_S WEB_EU, 7)->status,
                     RF_OK);
    assert_int_equal(reserve(rig, RED_S, 4)->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
    assert_int_equal(unallocate(rig, ONLY_S WEB_EU, 7)->status, RF_OK);
    assert_int_equal(reserve(rig, RED_S, 10)->status, RF_OK);
}

static void test_independent_checks_look_at_one_level(void **state)
{
    engine_rig *rig = *state;
    rig->draft->draft.strict = false;
    engine_configure(rig);
    post(rig, RED, "pos.inbound=5");
    assert_int_equal(allocate(rig, SHELF WEB, 5)->status, RF_OK);
    assert_int_equal(allocate(rig, RED WEB, 5)->status, RF_OK);
    assert_int_equal(allocate(rig, RED WEB, 1)->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
    expect_stock(rig, SHELF, 10, 10, 0);
}

static void test_by_product_no_place_is_needed(void **state)
{
    engine_rig *rig = *state;
    rig->draft->draft.by_product = true;
    engine_configure(rig);
    post(rig, RED, "pos.inbound=5");
    assert_int_equal(allocate(rig, "channel=web", 3)->status, RF_OK);
    rf_result *result = allocate(rig, RED WEB, 3);
    assert_int_equal(result->status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_true(result->available == engine_units(2));
    assert_int_equal(result->binding_level, 0);
    allocation_found records = allocation_read(rig, "", false, 1);
    assert_int_equal(records.count, 1);
    assert_true(records.last.allocated == engine_units(3));
}

/* ---- Ids and baskets ---- */

static void test_ids_and_their_content(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED, "pos.inbound=20");
    rf_command first =
        engine_allocation(rig, RF_OPERATION_ALLOCATE, "BIKE", RED WEB, 5);
    engine_do(rig, &first);
    assert_true(engine_do(rig, &first)->replayed);
    rf_command other =
        engine_allocation(rig, RF_OPERATION_ALLOCATE, "BIKE", RED WEB_EU, 5);
    other.id = first.id;
    assert_int_equal(engine_run(rig, &other)->status, RF_E_CONFLICT);
    rf_command moved = engine_reallocate(rig, "BIKE", RED WEB, RED WEB_EU, 1);
    engine_do(rig, &moved);
    engine_restart(rig);
    assert_true(engine_do(rig, &moved)->replayed);
    other = engine_reallocate(rig, "BIKE", RED WEB_US, RED WEB_EU, 1);
    other.id = moved.id;
    assert_int_equal(engine_run(rig, &other)->status, RF_E_CONFLICT);
    allocation_expect(rig, RED WEB, 4, 5, 0);
    rf_command refused = engine_consume(rig, "BIKE", RED WEB, 9, "");
    assert_int_equal(engine_run(rig, &refused)->status,
                     RF_E_INSUFFICIENT_ALLOCATED);
    const rf_result *again = engine_run(rig, &refused);
    assert_true(again->replayed);
    assert_int_equal(again->status, RF_E_INSUFFICIENT_ALLOCATED);
    assert_true(again->available == engine_units(4));
}

static void test_baskets_leave_no_trace(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED, "pos.inbound=20");
    rf_command lines[] = {
        engine_allocation(rig, RF_OPERATION_ALLOCATE, "BIKE", RED WEB, 5),
        engine_reallocate(rig, "BIKE", RED WEB, RED WEB_EU, 5),
        engine_consume(rig, "BIKE", RED WEB_EU, 2, "iv.softreserved=1"),
        engine_allocation(rig, RF_OPERATION_ALLOCATE, "BIKE", RED WEB, 16),
    };
    rf_job *job = engine_job(rig, lines, 4);
    job->atomic = true;
    rf_result *results = engine_run_job(rig, job);
    assert_int_equal(job->stopped_at, 3);
    assert_true(results[3].available == engine_units(15));
    assert_int_equal(allocation_read(rig, RED, false, 10).count, 0);
    engine_expect(rig, "BIKE", RED, "iv.softreserved", 0);
    lines[3] =
        engine_allocation(rig, RF_OPERATION_ALLOCATE, "BIKE", RED WEB, 15);
    for (int i = 0; i < 3; i++) {
        lines[i].id = rf_text_of(i == 0 ? "new-0" : i == 1 ? "new-1" : "new-2");
    }
    job = engine_job(rig, lines, 4);
    job->atomic = true;
    engine_run_job(rig, job);
    assert_int_equal(job->stopped_at, 4);
    allocation_expect(rig, RED WEB, 15, 20, 0);
    allocation_expect(rig, RED WEB_EU, 3, 5, 2);
}

/* ---- Lack of memory ---- */

/* Whichever allocation fails, nothing or everything happens. */
static void test_it_survives_lack_of_memory(void **state)
{
    engine_rig *rig = *state;
    rf_status status = RF_E_NO_MEMORY;
    unsigned long nth = 1;
    post(rig, RED, "pos.inbound=100000");
    while (status == RF_E_NO_MEMORY && nth < 500) {
        char region[100];
        snprintf(region, sizeof region, RED ", channel=web, Region=%lu", nth);
        rf_command lines[] = {
            engine_allocation(rig, RF_OPERATION_ALLOCATE, "BIKE", region, 5),
            engine_reallocate(rig, "BIKE", region, RED WEB, 1),
            engine_consume(rig, "BIKE", region, 2,
                           "pos.inbound=-1, iv.softreserved=1"),
            engine_allocation(rig, RF_OPERATION_UNALLOCATE, "BIKE", region, 1),
        };
        rf_job *job = engine_job(rig, lines, 4);
        job->atomic = true;
        engine_restart(rig); /* with all its memory given back */
        job->generation = engine_generation(rig);
        rf_alloc_fail_at(nth++);
        status = engine_run_job(rig, job)[0].status;
        rf_alloc_fail_at(0);
        assert_int_equal(allocation_read(rig, region, false, 9).count,
                         status == RF_OK ? 1 : 0);
        job = engine_job(rig, lines, 4);
        job->atomic = true;
        engine_run_job(rig, job);
        allocation_expect(rig, region, 1, 5, 2);
    }
    assert_int_equal(status, RF_OK);
    assert_true(nth > 5);
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_pool, engine_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_what_each_command_does),
        CASE(test_what_each_command_needs),
        CASE(test_every_prefix_is_a_pool),
        CASE(test_goods_leave_as_they_are_consumed),
        CASE(test_what_is_consumed_can_be_reserved),
        CASE(test_a_part_can_be_allocated),
        CASE(test_whatever_is_there_can_be_allocated),
        CASE(test_a_percentage_is_rounded_down),
        CASE(test_groups_are_filled_from_the_top),
        CASE(test_quantities_are_above_zero),
        CASE(test_only_some_measures_can_be_consumed),
        CASE(test_allocations_are_checked_at_coarser_levels),
        CASE(test_odd_levels_count_while_something_is_left),
        CASE(test_independent_checks_look_at_one_level),
        CASE(test_by_product_no_place_is_needed),
        CASE(test_ids_and_their_content),
        CASE(test_baskets_leave_no_trace),
        CASE(test_it_survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
