/*
 * test_catalog.c - what a configuration means.
 */
#include "core/alloc.h"
#include "core/catalog.h"
#include "tests/unit/draft_fixture.h"
#include "tests/unit/unit.h"

#include <string.h>

static void assert_text(rf_text text, const char *expected)
{
    if (!rf_text_equal(text, rf_text_of(expected))) {
        fail_msg("'%.*s' is not '%s'", (int)text.length, text.bytes, expected);
    }
}

static void test_an_empty_draft_has_the_own_source(void **state)
{
    draft_fixture *f = *state;
    rf_catalog *catalog = draft_build(f);
    assert_int_equal(catalog->source_count, 1);
    assert_text(catalog->sources[0].name, "@iv");
    assert_true(catalog->sources[0].read_only);
    assert_int_equal(catalog->physical_count, 4);
    assert_non_null(draft_find_physical(f, "@iv", "@allocated"));
    assert_non_null(draft_find_physical(f, "@iv", "@consumed"));
    assert_non_null(draft_find_physical(f, "@iv", "@cumulative_allocated"));
    assert_non_null(draft_find_physical(f, "@iv", "@cumulative_consumed"));
    assert_null(draft_find_physical(f, "@iv", "@softreserved"));
    const rf_calculated *pool =
        draft_find_calculated(f, "@iv", "@available_to_allocate");
    assert_non_null(pool);
    assert_int_equal(pool->sum.term_count, 1);
    assert_int_equal(pool->sum.terms[0].factor, -1);
    assert_int_equal(pool->sum.terms[0].number,
                     draft_find_physical(f, "@iv", "@allocated")->number);
    assert_false(catalog->has_index);
    assert_int_equal(catalog->group_count, 0);
    assert_int_equal(catalog->group_mask, 0);
}

static void test_settings_are_carried_over(void **state)
{
    draft_fixture *f = *state;
    f->draft.by_product = true;
    f->draft.strict = false;
    f->draft.drops_dimensions = true;
    f->draft.allow_fno_writes = true;
    f->draft.refusal_http_status = 0;
    f->draft.id_retention_days = 30;
    draft_index_set(f, "Empty");
    draft_source(f, "fno", "availphysical");
    rf_catalog *catalog = draft_build(f);
    assert_true(catalog->by_product);
    assert_false(catalog->strict);
    assert_true(catalog->drops_dimensions);
    assert_true(catalog->allow_fno_writes);
    assert_true(catalog->has_index);
    assert_int_equal(catalog->refusal_http_status, 0);
    assert_int_equal(catalog->id_retention_days, 30);
    assert_false(rf_catalog_source(catalog, rf_text_of("FnO"))->read_only);
    assert_true(rf_catalog_source(catalog, rf_text_of("@IV"))->read_only);
}

static void test_names_are_found_in_any_case(void **state)
{
    draft_fixture *f = *state;
    draft_shop(f);
    rf_catalog *catalog = draft_build(f);
    assert_text(draft_find_physical(f, "Pos", "INBOUND")->name, "inbound");
    assert_text(draft_find_physical(f, "pos", "inbound")->source, "pos");
    assert_null(draft_find_physical(f, "pos", "onhand"));
    assert_null(draft_find_physical(f, "iv", "onhand"));
    assert_null(draft_find_physical(f, "", ""));
    assert_text(draft_find_calculated(f, "Iv", "onHAND")->name, "onhand");
    assert_null(draft_find_calculated(f, "pos", "inbound"));
    assert_null(rf_catalog_source(catalog, rf_text_of("po")));
    assert_true(rf_catalog_source(catalog, rf_text_of("fno"))->read_only);
    assert_false(rf_catalog_source(catalog, rf_text_of("pos"))->read_only);
}

static void test_dimensions_go_by_own_names_first(void **state)
{
    draft_fixture *f = *state;
    draft_shop(f);
    f->sources[1].mappings =
        draft_pairs(f, "PosSite > SiteId, ColorId > SizeId", "maps");
    rf_catalog *catalog = draft_build(f);
    const rf_source *pos = rf_catalog_source(catalog, rf_text_of("pos"));
    int site = rf_dimension_find(rf_text_of("siteid"));
    int color = rf_dimension_find(rf_text_of("colorid"));
    int size = rf_dimension_find(rf_text_of("sizeid"));
    rf_text possite = rf_text_of("POSSITE");
    assert_int_equal(rf_catalog_dimension(catalog, pos, possite), site);
    assert_int_equal(rf_catalog_dimension(catalog, NULL, possite), -1);
    assert_int_equal(rf_catalog_dimension(catalog, pos, rf_text_of("colorid")),
                     size);
    assert_int_equal(rf_catalog_dimension(catalog, NULL, rf_text_of("colorid")),
                     color);
    assert_int_equal(rf_catalog_dimension(catalog, pos, rf_text_of("SITEID")),
                     site);
    assert_text(rf_catalog_coordinate_name(catalog, RF_SITE), "siteid");
    assert_text(rf_catalog_coordinate_name(catalog, RF_DIMENSION_COUNT + 1),
                "Region");
}

static void test_numbers_outlive_the_order_of_a_document(void **state)
{
    draft_fixture *f = *state;
    draft_shop(f);
    draft_build(f);
    rf_measure inbound = draft_find_physical(f, "pos", "inbound")->number;
    rf_measure outbound = draft_find_physical(f, "pos", "outbound")->number;

    draft_reset(f);
    draft_source(f, "shop", "new");
    draft_source(f, "pos", "outbound, inbound");
    f->draft.groups = draft_names(f, "REGION, season", "groups");
    rf_catalog *catalog = draft_build(f);
    assert_int_equal(draft_find_physical(f, "pos", "inbound")->number, inbound);
    assert_int_equal(draft_find_physical(f, "pos", "outbound")->number,
                     outbound);
    assert_int_equal(rf_registry_measure_count(f->registry), 10);
    for (size_t i = 1; i < catalog->physical_count; i++) {
        assert_true(catalog->physicals[i - 1].number <
                    catalog->physicals[i].number);
    }
    assert_ptr_equal(rf_catalog_physical_number(catalog, inbound),
                     draft_find_physical(f, "pos", "inbound"));
    /* Number 0 was fno.availphysical, which is not configured any more. */
    assert_null(rf_catalog_physical_number(catalog, 0));
    assert_null(rf_catalog_physical_number(catalog, 10));
    /* What only allocation records hold has a number all the same. */
    assert_null(rf_catalog_physical_number(catalog, catalog->pool.reallocated));
    assert_int_equal(draft_find_physical(f, "@iv", "@allocated")->number,
                     catalog->pool.allocated);

    assert_int_equal(catalog->group_count, 3);
    assert_int_equal(catalog->group_order_count, 2);
    assert_int_equal(catalog->group_order[0], RF_DIMENSION_COUNT + 1);
    assert_int_equal(catalog->group_order[1], RF_DIMENSION_COUNT + 2);
    assert_int_equal(catalog->group_mask, RF_BIT(RF_DIMENSION_COUNT + 1) |
                                              RF_BIT(RF_DIMENSION_COUNT + 2));
    assert_text(rf_catalog_coordinate_name(catalog, RF_DIMENSION_COUNT),
                "channel");
    assert_text(rf_catalog_coordinate_name(catalog, RF_DIMENSION_COUNT + 1),
                "REGION");
}

static void test_reservations_are_mapped(void **state)
{
    draft_fixture *f = *state;
    draft_shop(f);
    f->sources[0].reservations =
        draft_pairs(f, "pos.outbound > @iv.@availiable_to_allocate", "res");
    rf_catalog *catalog = draft_build(f);
    assert_ptr_equal(
        &catalog->calculated[draft_find_physical(f, "iv", "softreserved")
                                 ->reservation],
        draft_find_calculated(f, "iv", "availabletoreserve"));
    assert_ptr_equal(
        &catalog->calculated[draft_find_physical(f, "pos", "outbound")
                                 ->reservation],
        draft_find_calculated(f, "@iv", "@available_to_allocate"));
    assert_int_equal(draft_find_physical(f, "pos", "inbound")->reservation, -1);
    assert_int_equal(catalog->reservation_dimension_count, 4);
    assert_int_equal(catalog->reservation_dimensions[1], RF_LOCATION);
    assert_int_equal(rf_catalog_reservation_mask(catalog), 0xF);
}

static void test_aliases_stand_for_measures(void **state)
{
    draft_fixture *f = *state;
    draft_shop(f);
    draft_formula(f, "iv", "Free", "iv.stock", "iv.softreservordered");
    f->draft.aliases = draft_pairs(
        f, "iv.SoftReservOrdered > iv.softreserved, iv.Stock > iv.OnHand", "a");
    f->sources[2].reservations =
        draft_pairs(f, "SoftReservOrdered > iv.free", "res");
    draft_build(f);
    assert_ptr_equal(draft_find_physical(f, "IV", "softreservordered"),
                     draft_find_physical(f, "iv", "softreserved"));
    assert_ptr_equal(draft_find_calculated(f, "iv", "stock"),
                     draft_find_calculated(f, "iv", "onhand"));
    assert_int_equal(draft_find_calculated(f, "iv", "free")->sum.term_count, 4);
    assert_true(draft_find_physical(f, "iv", "softreserved")->reservation >= 0);
}

static void test_the_pool_measure_has_two_spellings(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "pos", "inbound");
    draft_source(f, "@iv", "@softreserved");
    draft_formula(f, "@iv", "@Availiable_To_Allocate", "pos.inbound", "");
    draft_formula(f, "@iv", "use", "@iv.@availiable_to_allocate", "");
    draft_formula(f, "@iv", "use2", "@iv.@available_to_allocate", "");
    rf_catalog *catalog = draft_build(f);
    assert_int_equal(catalog->calculated_count, 3);
    const rf_calculated *pool =
        draft_find_calculated(f, "@iv", "@available_to_allocate");
    assert_text(pool->name, "@available_to_allocate");
    assert_ptr_equal(draft_find_calculated(f, "@iv", "@availiable_to_allocate"),
                     pool);
    assert_int_equal(pool->sum.term_count, 1);
    assert_non_null(draft_find_physical(f, "@iv", "@softreserved"));
}

static rf_measures amounts(rf_amount *items, size_t count)
{
    return (rf_measures){items, (uint16_t)count, (uint16_t)count};
}

/* Evaluate a formula that asks no host. */
static rf_status evaluate(const rf_calculated *measure, const rf_measures *node,
                          rf_quantity *out, rf_error *err)
{
    rf_subject subject = {.measures = node};
    return rf_calculated_value(measure, &subject, out, err);
}

static void assert_value(const rf_calculated *measure, const rf_measures *node,
                         rf_quantity expected)
{
    rf_quantity value = 42;
    assert_int_equal(evaluate(measure, node, &value, NULL), RF_OK);
    assert_int_equal(value, expected);
}

static void test_formulas_are_multiplied_out(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "a", "x, y, z, unused");
    draft_formula(f, "a", "top", "a.twice, a.z", "a.mixed");
    draft_formula(f, "a", "twice", "a.mixed, a.copy", "a.y");
    draft_formula(f, "a", "copy", "a.mixed", "");
    draft_formula(f, "a", "mixed", "a.x", "a.y");
    draft_formula(f, "a", "nothing", "a.mixed", "a.copy");
    draft_build(f);
    /* twice = 2x - 3y; top = 2x - 3y + z - (x - y) = x - 2y + z. */
    const rf_calculated *top = draft_find_calculated(f, "a", "top");
    assert_int_equal(top->sum.term_count, 3);
    int64_t factors[] = {1, -2, 1};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(top->sum.terms[i].number, i);
        assert_int_equal(top->sum.terms[i].factor, factors[i]);
    }
    assert_int_equal(draft_find_calculated(f, "a", "nothing")->sum.term_count,
                     0);

    rf_amount all[] = {{0, 100}, {1, 10}, {2, 1}, {3, 1000}};
    rf_measures node = amounts(all, 4);
    assert_value(top, &node, 81);
    assert_value(draft_find_calculated(f, "a", "twice"), &node, 170);
    assert_value(draft_find_calculated(f, "a", "nothing"), &node, 0);
    node = amounts(all + 1, 1);
    assert_value(top, &node, -20);
    node = amounts(all + 3, 1);
    assert_value(top, &node, 0);
    node = amounts(NULL, 0);
    assert_value(top, &node, 0);
}

static void test_a_value_overflows_only_as_a_whole(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "a", "x, y, z");
    draft_formula(f, "a", "sum", "a.x, a.y", "a.z");
    draft_formula(f, "a", "double", "a.sum, a.copy", "");
    draft_formula(f, "a", "copy", "a.sum", "");
    draft_build(f);
    const rf_calculated *sum = draft_find_calculated(f, "a", "sum");
    rf_amount all[] = {{0, INT64_MAX}, {1, INT64_MAX}, {2, INT64_MAX}};
    rf_measures node = amounts(all, 3);
    assert_value(sum, &node, INT64_MAX);
    rf_quantity value = 42;
    rf_error err;
    assert_int_equal(
        evaluate(draft_find_calculated(f, "a", "double"), &node, &value, &err),
        RF_E_QUANTITY_OVERFLOW);
    assert_int_equal(err.status, RF_E_QUANTITY_OVERFLOW);
    node = amounts(all, 2);
    assert_int_equal(evaluate(sum, &node, &value, NULL),
                     RF_E_QUANTITY_OVERFLOW);
    assert_int_equal(value, 42);
    all[0] = (rf_amount){2, INT64_MAX};
    node = amounts(all, 1);
    assert_value(sum, &node, -INT64_MAX);
    all[0].quantity = INT64_MIN;
    assert_int_equal(evaluate(sum, &node, &value, NULL),
                     RF_E_QUANTITY_OVERFLOW);
}

/* Sixteen times the largest factor and quantity is beyond any integer. */
static void test_large_factors_overflow_too(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "a", "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15");
    draft_doubling(f,
                   "a.0, a.1, a.2, a.3, a.4, a.5, a.6, a.7, a.8, a.9, a.10, "
                   "a.11, a.12, a.13, a.14, a.15",
                   61);
    draft_build(f);
    const rf_calculated *last = draft_find_calculated(f, "a", "f61");
    assert_int_equal(last->sum.terms[15].factor, INT64_C(1) << 61);
    rf_amount all[16];
    for (size_t i = 0; i < 16; i++) {
        all[i] = (rf_amount){(rf_measure)i, i == 0 ? 3 : 0};
    }
    rf_measures node = amounts(all, 16);
    assert_value(last, &node, INT64_C(3) << 61);
    for (size_t i = 0; i < 16; i++) {
        all[i].quantity = INT64_MAX;
        rf_quantity value;
        assert_int_equal(evaluate(last, &node, &value, NULL),
                         RF_E_QUANTITY_OVERFLOW);
    }
}

static bool has_level(const rf_catalog *catalog, rf_level level)
{
    size_t found = 0;
    for (size_t i = 0; i < catalog->level_count; i++) {
        found += catalog->levels[i] == level ? 1 : 0;
    }
    assert_true(found <= 1);
    return found == 1;
}

enum {
    COLOR = 2,
    SIZE = 3,
    STYLE = 4,
    BATCH = 6
};

static void draft_levels(draft_fixture *f)
{
    draft_index_set(f, "Empty");
    draft_index_set(f, "StyleId, Empty, ColorId");
    draft_schedule_set(f, "BatchId, SizeId");
    draft_level(f, "SizeId");
    draft_level(f, "LocationId, SiteId");
    draft_level(f, "");
}

static void test_levels_by_location(void **state)
{
    draft_fixture *f = *state;
    draft_levels(f);
    rf_catalog *catalog = draft_build(f);
    assert_int_equal(catalog->levels[0], RF_LEVEL_LEAF);
    assert_true(has_level(catalog, 0));
    assert_true(has_level(catalog, RF_BIT(RF_SITE)));
    assert_true(has_level(catalog, RF_LEVEL_PLACE));
    assert_true(has_level(catalog, RF_LEVEL_PLACE | RF_BIT(COLOR)));
    assert_true(
        has_level(catalog, RF_LEVEL_PLACE | RF_BIT(COLOR) | RF_BIT(SIZE)));
    assert_true(has_level(catalog, RF_LEVEL_PLACE | RF_BIT(STYLE)));
    assert_true(
        has_level(catalog, RF_LEVEL_PLACE | RF_BIT(STYLE) | RF_BIT(COLOR)));
    assert_true(
        has_level(catalog, RF_LEVEL_PLACE | RF_BIT(BATCH) | RF_BIT(SIZE)));
    assert_true(has_level(catalog, RF_BIT(SIZE)));
    assert_true(has_level(catalog, RF_LEVEL_PLACE | RF_BIT(BATCH) |
                                       RF_BIT(SIZE) | RF_BIT(RF_DAY)));
    assert_true(has_level(catalog, RF_LEVEL_SCHEDULE));
    assert_int_equal(catalog->level_count, 12);
}

static void test_levels_by_product(void **state)
{
    draft_fixture *f = *state;
    draft_levels(f);
    f->draft.by_product = true;
    f->draft.reservation_keys = draft_names(f, "ColorId", "keys");
    rf_catalog *catalog = draft_build(f);
    assert_int_equal(catalog->levels[0], RF_LEVEL_LEAF);
    assert_true(has_level(catalog, RF_BIT(COLOR)));
    assert_true(has_level(catalog, RF_LEVEL_PLACE | RF_BIT(STYLE)));
    assert_true(has_level(catalog, RF_BIT(STYLE)));
    assert_true(
        has_level(catalog, RF_LEVEL_PLACE | RF_BIT(STYLE) | RF_BIT(COLOR)));
    assert_true(has_level(catalog, RF_BIT(STYLE) | RF_BIT(COLOR)));
    assert_true(
        has_level(catalog, RF_LEVEL_PLACE | RF_BIT(BATCH) | RF_BIT(SIZE)));
    assert_true(has_level(catalog, RF_BIT(BATCH) | RF_BIT(SIZE)));
    assert_true(has_level(catalog, RF_BIT(SIZE)));
    assert_true(has_level(catalog, RF_LEVEL_PLACE | RF_BIT(BATCH) |
                                       RF_BIT(SIZE) | RF_BIT(RF_DAY)));
    assert_true(
        has_level(catalog, RF_BIT(BATCH) | RF_BIT(SIZE) | RF_BIT(RF_DAY)));
    assert_true(has_level(catalog, RF_LEVEL_SCHEDULE));
    assert_int_equal(catalog->level_count, 15);
}

static rf_draft_promise promise(const char *measure, unsigned days)
{
    return (rf_draft_promise){{rf_text_of(measure), rf_text_of("promise")},
                              days};
}

static void test_promises(void **state)
{
    draft_fixture *f = *state;
    rf_draft_promise promises[] = {promise("IV.OnHand", 7),
                                   promise("iv.availabletoreserve", 3),
                                   promise("iv.onhand", 5)};
    draft_shop(f);
    draft_schedule_set(f, "SizeId, SiteId");
    f->draft.promises = promises;
    f->draft.promise_count = 3;
    f->draft.schedule_days = 180;
    const rf_schedule_rules *schedule = &draft_build(f)->schedule;
    assert_true(schedule->grouped);
    assert_int_equal(schedule->days, 180);
    assert_int_equal(schedule->set_count, 1);
    assert_int_equal(schedule->sets[0], RF_BIT(SIZE));
    assert_int_equal(schedule->promise_count, 2);
    assert_int_equal(schedule->promises[1].days, 180);
    /* Each for itself, as far ahead as the furthest. */
    f->draft.schedule_days = 0;
    schedule = &draft_build(f)->schedule;
    assert_false(schedule->grouped);
    assert_int_equal(schedule->days, 7);
    assert_int_equal(schedule->promises[1].days, 3);
    /* Nothing is said. */
    f->draft.promise_count = 0;
    f->draft.schedule_set_count = 0;
    schedule = &draft_build(f)->schedule;
    assert_int_equal(schedule->days, RF_SCHEDULE_DAYS_DEFAULT);
    assert_int_equal(schedule->set_count, 1);
    assert_int_equal(schedule->sets[0], 0);
}

static void test_the_longest_name_counts_characters(void **state)
{
    draft_fixture *f = *state;
    char name[121];
    for (size_t i = 0; i < 120; i += 2) {
        memcpy(name + i, "\xC3\xA9", 3);
    }
    draft_source(f, name, name);
    draft_build(f);
    assert_non_null(draft_find_physical(f, name, name));
}

/* Fail one allocation after the other, until none is left to fail. */
static unsigned long sweep_build(draft_fixture *f)
{
    unsigned long nth = 1;
    rf_status status;
    do {
        rf_registry *registry = NULL;
        assert_int_equal(rf_registry_create(&registry, NULL), RF_OK);
        rf_alloc_fail_at(nth);
        status = rf_catalog_build(&f->draft, registry, &f->problems,
                                  &f->catalog, &f->err);
        if (status != RF_OK) {
            assert_int_equal(status, RF_E_NO_MEMORY);
            assert_null(f->catalog);
            assert_int_equal(rf_registry_measure_count(registry), 0);
            assert_int_equal(rf_registry_group_count(registry), 0);
        }
        rf_registry_free(registry);
        nth++;
    } while (status != RF_OK);
    rf_alloc_fail_at(0);
    rf_catalog_free(f->catalog);
    f->catalog = NULL;
    assert_int_equal(f->problems.count, 0);
    return nth;
}

/* Memory is taken in blocks; drafts of many sizes make every single piece the
 * one that needs a new block. */
static void test_every_failed_allocation_is_reported(void **state)
{
    draft_fixture *f = *state;
    for (size_t count = 1; count < 400; count += 2) {
        draft_reset(f);
        draft_shop(f);
        draft_levels(f);
        f->draft.aliases = draft_pairs(f, "iv.stock > iv.onhand", "aliases");
        draft_source(f, "big", draft_list(f, "measure", count));
        assert_true(sweep_build(f) > 5);
    }
    rf_catalog_free(NULL);
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, draft_set_up, draft_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_empty_draft_has_the_own_source),
        TEST(test_settings_are_carried_over),
        TEST(test_names_are_found_in_any_case),
        TEST(test_dimensions_go_by_own_names_first),
        TEST(test_numbers_outlive_the_order_of_a_document),
        TEST(test_reservations_are_mapped),
        TEST(test_aliases_stand_for_measures),
        TEST(test_the_pool_measure_has_two_spellings),
        TEST(test_formulas_are_multiplied_out),
        TEST(test_a_value_overflows_only_as_a_whole),
        TEST(test_large_factors_overflow_too),
        TEST(test_levels_by_location),
        TEST(test_levels_by_product),
        TEST(test_promises),
        TEST(test_the_longest_name_counts_characters),
        TEST(test_every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
