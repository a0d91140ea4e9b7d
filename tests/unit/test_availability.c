/*
 * test_availability.c - what a caller is told can be had is what a checked
 * reservation gets.
 */
#include "core/availability.h"
#include "tests/unit/fake_host.h"
#include "tests/unit/holds_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define SHELF "siteid=1, locationid=W"
#define OTHER_SHELF "siteid=2, locationid=W"
#define RED SHELF ", ColorId=red"
#define RED_S SHELF ", ColorId=red, SizeId=S"
#define RED_L SHELF ", ColorId=red, SizeId=L"
#define BLUE_S SHELF ", ColorId=blue, SizeId=S"
#define ONLY_S SHELF ", SizeId=S"
#define MINUTE INT64_C(60000)
#define OWN_MAX 12

/* More than there ever is, so that a check of it says what there is. */
#define PLENTY 1e9

typedef struct asked {
    const char *place;
    const char *measure; /* of iv */
    uint64_t own[OWN_MAX];
    size_t own_count;
} asked;

static rf_status try_read(engine_rig *rig, const asked *what,
                          rf_availability *out, rf_error *err)
{
    rf_place place = engine_place(rig, what->place);
    rf_availability_request request = {
        .organization = rf_text_of(RIG_ORGANIZATION),
        .product = rf_text_of("SHIRT"),
        .place = &place,
        .measure = rf_catalog_calculated(engine_catalog(rig), rf_text_of("iv"),
                                         rf_text_of(what->measure)),
        .own = what->own,
        .own_count = what->own_count,
        .now_ms = rig->now_ms,
    };
    assert_non_null(request.measure);
    return rf_availability_read(rig->disk->store, engine_generation(rig),
                                &request, &rig->arena, out, err);
}

static rf_availability read_asked(engine_rig *rig, const asked *what)
{
    rf_availability out;
    rf_error err = {0};
    if (try_read(rig, what, &out, &err) != RF_OK) {
        fail_msg("%s", err.message);
    }
    return out;
}

static rf_availability read_at(engine_rig *rig, const char *place)
{
    asked what = {.place = place, .measure = "availabletoreserve"};
    return read_asked(rig, &what);
}

static const rf_result *reserve(engine_rig *rig, const char *place,
                                double quantity)
{
    rf_command command = engine_reserve(rig, "SHIRT", place, quantity, false);
    return engine_do(rig, &command);
}

static void expect_available(const rf_availability *found, double units)
{
    if (found->available != engine_units(units)) {
        char text[RF_QUANTITY_TEXT_MAX];
        rf_quantity_print(found->available, text);
        fail_msg("%s is available", text);
    }
}

static void test_the_smallest_level_binds(void **state)
{
    engine_rig *rig = *state;
    holds_post(rig, RED_S, "pos.inbound=14, pos.outbound=2");
    holds_post(rig, BLUE_S, "fno.availphysical=3");
    reserve(rig, SHELF, 7);
    reserve(rig, RED_S, 1);
    rf_availability found = read_at(rig, RED_S);
    expect_available(&found, 7);
    assert_int_equal(found.version, holds_last_number(rig));
    assert_int_equal(found.level_count, 3);
    assert_int_equal(found.levels[0].level,
                     engine_level(rig, "siteid, locationid, ColorId, SizeId"));
    assert_true(found.levels[0].value == engine_units(11));
    assert_int_equal(found.levels[1].level,
                     engine_level(rig, "siteid, locationid, ColorId"));
    assert_true(found.levels[1].value == engine_units(11));
    assert_int_equal(found.levels[2].level, RF_LEVEL_PLACE);
    assert_true(found.levels[2].value == engine_units(7));
    assert_int_equal(found.binding, 2);
    assert_int_equal(found.own_count, 0);
    assert_int_equal(found.measures.count, 3);
    assert_true(
        rf_measures_get(&found.measures, engine_measure(rig, "pos.inbound")) ==
        engine_units(14));
    assert_true(
        rf_measures_get(&found.measures, engine_measure(rig, "pos.outbound")) ==
        engine_units(2));
    assert_true(rf_measures_get(&found.measures,
                                engine_measure(rig, "iv.softreserved")) ==
                engine_units(1));
    found = read_at(rig, BLUE_S);
    expect_available(&found, 3);
    assert_int_equal(found.binding, 0);
}

static void test_it_is_never_below_zero(void **state)
{
    engine_rig *rig = *state;
    reserve(rig, RED_S, 13);
    rf_availability found = read_at(rig, RED_S);
    expect_available(&found, 0);
    assert_true(found.levels[found.binding].value == engine_units(-13));
    asked what = {.place = SHELF, .measure = "onhand"};
    found = read_asked(rig, &what);
    expect_available(&found, 0);
    assert_true(found.levels[0].value == 0);
}

static void test_nothing_is_known_of_the_product(void **state)
{
    engine_rig *rig = *state;
    rf_availability found = read_at(rig, RED_S);
    expect_available(&found, 0);
    assert_int_equal(found.measures.count, 0);
    assert_int_equal(found.level_count, 3);
    assert_int_equal(found.binding, 0);
}

static void test_the_measure_can_be_another(void **state)
{
    engine_rig *rig = *state;
    holds_post(rig, RED_S, "pos.inbound=14");
    reserve(rig, RED_S, 4);
    asked what = {.place = RED_S, .measure = "onhand"};
    rf_availability found = read_asked(rig, &what);
    expect_available(&found, 14);
    found = read_at(rig, RED_S);
    expect_available(&found, 10);
}

/* A level of which no totals are kept, with leaves whose keys are hashed. */
static void test_totals_that_nobody_keeps(void **state)
{
    engine_rig *rig = *state;
    char place[700] = SHELF ", StyleId=";
    char other[800];
    size_t length = strlen(place);
    memset(place + length, 's', 200);
    snprintf(other, sizeof other, "%s, ColorId=", place);
    length = strlen(other);
    memset(other + length, 'c', 200);
    snprintf(other + length + 200, 50, ", SizeId=%030d", 7);
    holds_post(rig, other, "pos.inbound=5");
    holds_post(rig, place, "pos.inbound=3");
    holds_post(rig, RED_S, "pos.inbound=50");
    holds_post(rig, "siteid=1, locationid=V", "pos.inbound=60");
    rf_availability found = read_at(rig, place);
    expect_available(&found, 8);
    found = read_at(rig, SHELF ", ColorId=red, StyleId=none");
    expect_available(&found, 0);
    found = read_at(rig, ONLY_S);
    expect_available(&found, 50);
}

static void test_own_reservations_are_left_out(void **state)
{
    engine_rig *rig = *state;
    holds_post(rig, RED_S, "pos.inbound=10");
    const rf_result *mine = holds_make(rig, RED_S, 4, MINUTE);
    const rf_result *coarse = holds_make(rig, SHELF, 1, MINUTE);
    const rf_result *theirs = holds_make(rig, RED_S, 3, MINUTE);
    rf_command other = engine_reserve(rig, "TROUSERS", RED_S, 5, false);
    const rf_result *elsewhere = engine_do(rig, &other);
    rf_availability found = read_at(rig, RED_S);
    expect_available(&found, 2);
    asked what = {.place = RED_S, .measure = "availabletoreserve"};
    what.own[what.own_count++] = mine->reservation;
    found = read_asked(rig, &what);
    expect_available(&found, 6);
    what.own[what.own_count++] = coarse->reservation;
    what.own[what.own_count++] = mine->reservation; /* once is enough */
    what.own[what.own_count++] = 12345;
    what.own[what.own_count++] = 0;
    what.own[what.own_count++] = elsewhere->reservation;
    found = read_asked(rig, &what);
    expect_available(&found, 7);
    assert_int_equal(found.own_count, 2);
    assert_int_equal(found.own[0].id, mine->reservation);
    assert_int_equal(found.own[0].created_number, mine->reservation_created);
    assert_true(found.own[0].quantity == engine_units(4));
    assert_int_equal(found.own[1].id, coarse->reservation);
    assert_true(rf_measures_get(&found.measures,
                                engine_measure(rig, "iv.softreserved")) ==
                engine_units(3));
    what.own[what.own_count++] = theirs->reservation;
    found = read_asked(rig, &what);
    expect_available(&found, 10);
    engine_expect(rig, "SHIRT", SHELF, "iv.softreserved", 8);
    holds_sweep_at(rig, rig->now_ms + MINUTE);
    found = read_asked(rig, &what);
    expect_available(&found, 10);
    assert_int_equal(found.own_count, 0);
}

/* An odd level is checked for what others hold there only. */
static void test_own_levels_are_left_out(void **state)
{
    engine_rig *rig = *state;
    holds_post(rig, RED_S, "pos.inbound=10");
    holds_post(rig, RED_L, "pos.inbound=10");
    reserve(rig, BLUE_S, 6);
    asked what = {.place = RED_S, .measure = "availabletoreserve"};
    rf_availability found = read_asked(rig, &what);
    expect_available(&found, 10);
    const rf_result *mine = holds_make(rig, ONLY_S, 1, MINUTE);
    found = read_asked(rig, &what);
    expect_available(&found, 3);
    what.own[what.own_count++] = mine->reservation;
    found = read_asked(rig, &what);
    expect_available(&found, 10);
    holds_make(rig, ONLY_S, 1, MINUTE);
    found = read_asked(rig, &what);
    expect_available(&found, 3);
}

/* ---- At random, against checks ---- */

typedef struct own_list {
    rf_result holds[OWN_MAX];
    const char *places[OWN_MAX];
    size_t count;
} own_list;

/* Ask the writer for more than there is, when some holds were given back; all
 * of it is undone. */
static rf_result check(engine_rig *rig, const char *place, const own_list *own)
{
    rf_command lines[OWN_MAX + 1];
    size_t count = 0;
    for (; count < own->count; count++) {
        lines[count] = engine_unreserve(rig, "SHIRT", own->places[count],
                                        &own->holds[count], 1000);
    }
    lines[count++] = engine_reserve(rig, "SHIRT", place, PLENTY, true);
    rf_job *job = engine_job(rig, lines, count);
    job->dry_run = true;
    rf_result *results = engine_run_job(rig, job);
    rf_result out = results[count - 1];
    for (size_t i = 0; i < count; i++) {
        rf_result_done(&results[i]);
    }
    assert_int_equal(out.status, RF_E_INSUFFICIENT_AVAILABLE);
    return out;
}

static void compare(engine_rig *rig, const char *place, const own_list *own)
{
    asked what = {.place = place, .measure = "availabletoreserve"};
    for (size_t i = 0; i < own->count; i++) {
        what.own[what.own_count++] = own->holds[i].reservation;
    }
    rf_availability found = read_asked(rig, &what);
    rf_result expected = check(rig, place, own);
    assert_true(found.available == expected.available);
    assert_true(found.levels[found.binding].value == expected.binding_value);
    assert_int_equal(found.levels[found.binding].level, expected.binding_level);
    assert_int_equal(found.version, holds_last_number(rig));
    for (size_t i = 0; i < found.level_count; i++) {
        assert_true(found.levels[i].value >= expected.binding_value);
        assert_true(found.levels[i].value > expected.binding_value ||
                    i >= found.binding);
        for (size_t k = 0; k < i; k++) {
            assert_true(found.levels[i].level != found.levels[k].level);
        }
    }
}

/* What happens between two readings. */
static void stir(engine_rig *rig, uint64_t *seed, const char *place,
                 own_list *own)
{
    unsigned what = holds_pick(seed, 10);
    unsigned units = 1 + holds_pick(seed, 4);
    if (what < 4) {
        holds_post(rig, place, units == 4 ? "pos.outbound=7" : "pos.inbound=9");
    } else if (what < 6) {
        reserve(rig, place, units == 4 ? -2.0 : units);
    } else if (what < 9) {
        int64_t ttl_ms = (1 + holds_pick(seed, 9)) * MINUTE;
        const rf_result *held = holds_make(rig, place, units, ttl_ms);
        if (own->count < OWN_MAX && holds_pick(seed, 2) == 0) {
            own->places[own->count] = place;
            own->holds[own->count++] = *held;
        }
    } else {
        holds_sweep_at(rig, rig->now_ms + MINUTE);
    }
}

/* Every hold of the list is still there: the others end without a word. */
static void keep_live(engine_rig *rig, own_list *own)
{
    size_t count = 0;
    for (size_t i = 0; i < own->count; i++) {
        if (own->holds[i].expires_ms > rig->now_ms) {
            own->holds[count] = own->holds[i];
            own->places[count++] = own->places[i];
        }
    }
    own->count = count;
}

static void walk(engine_rig *rig, const char *const *places, unsigned count)
{
    static const own_list nobody;
    own_list own = {.count = 0};
    uint64_t seed = 4711;
    for (unsigned i = 0; i < 250; i++) {
        stir(rig, &seed, places[holds_pick(&seed, count)], &own);
        keep_live(rig, &own);
        const char *place = places[holds_pick(&seed, count)];
        compare(rig, place, &nobody);
        compare(rig, place, &own);
    }
}

static const char *const shelves[] = {SHELF,  OTHER_SHELF, RED,   RED_S, RED_L,
                                      BLUE_S, ONLY_S,      RED_S, ONLY_S};
static const char *const anywhere[] = {
    "",     "siteid=1", "ColorId=red", "SizeId=S", "siteid=2, SizeId=S",
    SHELF,  RED,        RED_S,         BLUE_S,     "ColorId=red, SizeId=S",
    ONLY_S, OTHER_SHELF};

static void walk_shop(engine_rig *rig, bool by_product, bool strict)
{
    rig->draft->draft.by_product = by_product;
    rig->draft->draft.strict = strict;
    engine_configure(rig);
    if (by_product) {
        walk(rig, anywhere, sizeof anywhere / sizeof anywhere[0]);
    } else {
        walk(rig, shelves, sizeof shelves / sizeof shelves[0]);
    }
}

static void test_as_checked_strict_by_location(void **state)
{
    walk_shop(*state, false, true);
}

static void test_as_checked_independent_by_location(void **state)
{
    walk_shop(*state, false, false);
}

static void test_as_checked_strict_by_product(void **state)
{
    walk_shop(*state, true, true);
}

static void test_as_checked_independent_by_product(void **state)
{
    walk_shop(*state, true, false);
}

/* ---- Scripts ---- */

static void test_scripts_are_asked_at_every_level(void **state)
{
    engine_rig *rig = *state;
    static fake_host host; /* it is released at tear-down */
    static const own_list nobody;
    fake_host_publish(&host, rig);
    holds_post(rig, RED_S, "pos.inbound=5");
    holds_post(rig, BLUE_S, "pos.inbound=5");
    reserve(rig, ONLY_S, 7);
    asked what = {.place = RED_S, .measure = "free"};
    rf_availability found = read_asked(rig, &what);
    assert_int_equal(host.asked, 4);
    assert_int_equal(found.level_count, 4);
    expect_available(&found, 3);
    assert_true(check(rig, RED_S, &nobody).available == found.available);
    assert_true(host.now_ms == rig->now_ms);
    host.fails = true;
    rf_error err = {0};
    assert_int_equal(try_read(rig, &what, &found, &err), RF_E_SCRIPT);
    assert_string_equal(err.message, "it is not a good day");
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_shop, engine_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_the_smallest_level_binds),
        CASE(test_it_is_never_below_zero),
        CASE(test_nothing_is_known_of_the_product),
        CASE(test_the_measure_can_be_another),
        CASE(test_totals_that_nobody_keeps),
        CASE(test_own_reservations_are_left_out),
        CASE(test_own_levels_are_left_out),
        CASE(test_as_checked_strict_by_location),
        CASE(test_as_checked_independent_by_location),
        CASE(test_as_checked_strict_by_product),
        CASE(test_as_checked_independent_by_product),
        CASE(test_scripts_are_asked_at_every_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
