/*
 * test_allocations.c - finding allocation records again.
 */
#include "tests/unit/allocation_rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define SHELF "siteid=1, locationid=W"
#define RED SHELF ", ColorId=red"
#define RED_S RED ", SizeId=S"
#define WEB ", channel=web"

static void post(engine_rig *rig, const char *place, const char *changes)
{
    rf_command command = engine_post(rig, ALLOCATION_PRODUCT, place, changes);
    engine_do(rig, &command);
}

static void allocate(engine_rig *rig, const char *place, double quantity)
{
    rf_command command = engine_allocation(rig, RF_OPERATION_ALLOCATE,
                                           ALLOCATION_PRODUCT, place, quantity);
    engine_do(rig, &command);
}

static void test_records_are_found_by_place_and_groups(void **state)
{
    engine_rig *rig = *state;
    post(rig, RED, "pos.inbound=100");
    post(rig, SHELF, "pos.inbound=100");
    post(rig, RED_S, "pos.inbound=1");
    for (int i = 0; i < 8; i++) {
        char place[100];
        snprintf(place, sizeof place, RED ", channel=web, Region=%d", i);
        allocate(rig, place, i + 1);
    }
    allocate(rig, RED WEB, 1);
    allocate(rig, RED ", channel=shop", 1);
    allocate(rig, SHELF WEB, 1);
    allocate(rig, RED_S WEB, 1);
    for (size_t limit = 1; limit < 12; limit++) {
        assert_int_equal(allocation_read(rig, RED, false, limit).count, 10);
        assert_int_equal(allocation_read(rig, RED WEB, true, limit).count, 9);
    }
    assert_int_equal(allocation_read(rig, RED WEB, false, 5).count, 1);
    assert_int_equal(allocation_read(rig, RED ", channel=we", true, 5).count,
                     0);
    assert_int_equal(allocation_read(rig, SHELF, false, 5).count, 1);
    assert_int_equal(allocation_read(rig, "siteid=1", false, 5).count, 0);
    allocation_found records =
        allocation_read(rig, RED ", channel=web, Region=7", false, 1);
    assert_int_equal(records.count, 1);
    assert_int_equal(records.given,
                     engine_level(rig, "siteid, locationid, ColorId, channel, "
                                       "Region"));
    assert_true(allocation_total(rig, RED WEB) == 37);
}

/* Coordinates that do not fit into a key are found all the same. */
static void test_long_coordinates_are_found(void **state)
{
    engine_rig *rig = *state;
    char place[800];
    char region[1300];
    char value[200];
    memset(value, 'v', sizeof value);
    value[190] = '\0';
    snprintf(place, sizeof place, SHELF ", ColorId=%s, SizeId=S", value);
    post(rig, place, "pos.inbound=10");
    snprintf(region, sizeof region, "%s, channel=%s, Region=%s", place, value,
             value);
    allocate(rig, region, 3);
    snprintf(region, sizeof region, "%s, channel=%s", place, value);
    allocate(rig, region, 2);
    snprintf(region, sizeof region, "%s, channel=c", place);
    allocate(rig, region, 1);
    for (size_t limit = 1; limit < 5; limit++) {
        assert_int_equal(allocation_read(rig, place, false, limit).count, 3);
        snprintf(region, sizeof region, "%s, channel=%s", place, value);
        assert_int_equal(allocation_read(rig, region, true, limit).count, 2);
        assert_int_equal(allocation_read(rig, region, false, limit).count, 1);
    }
    assert_true(allocation_total(rig, region) == 5);
    rf_place too_long = engine_place(rig, SHELF WEB);
    char bytes[300] = "";
    too_long.value[RF_LOCATION] = (rf_text){bytes, sizeof bytes};
    rf_allocation_query query = {rf_text_of(RIG_ORGANIZATION),
                                 rf_text_of("BIKE"), &too_long, true};
    rf_allocation total;
    assert_int_equal(rf_allocations_total(rig->disk->store,
                                          engine_generation(rig), &query,
                                          &total, NULL),
                     RF_OK);
    assert_true(total.allocated == 0);
}

static void test_all_records_are_listed(void **state)
{
    engine_rig *rig = *state;
    for (int i = 0; i < 40; i++) {
        char product[16];
        snprintf(product, sizeof product, "P%d", i);
        rf_command command = engine_post(rig, product, RED, "pos.inbound=1");
        engine_do(rig, &command);
        if (i % 3 == 0) {
            command = engine_allocation(rig, RF_OPERATION_ALLOCATE, product,
                                        RED WEB, 1);
            engine_do(rig, &command);
        }
    }
    for (size_t limit = 1; limit < 40; limit += 7) {
        allocation_found records = {0};
        rf_allocation_listing listing = {.generation = engine_generation(rig),
                                         .limit = limit,
                                         .visit = allocation_note,
                                         .context = &records};
        bool end = false;
        while (!end) {
            assert_int_equal(
                rf_allocations_list(rig->disk->store, &listing, &end, NULL),
                RF_OK);
        }
        assert_int_equal(records.count, 14);
    }
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_pool, engine_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_records_are_found_by_place_and_groups),
        CASE(test_long_coordinates_are_found),
        CASE(test_all_records_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
