/*
 * test_catalog_mistakes.c - what is wrong with a configuration.
 */
#include "core/catalog.h"
#include "tests/unit/draft_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

/* Build what must be refused, with the registry left alone. */
static void assert_refused(draft_fixture *f, rf_status expected)
{
    size_t measures = rf_registry_measure_count(f->registry);
    size_t groups = rf_registry_group_count(f->registry);
    assert_int_equal(rf_catalog_build(&f->draft, f->registry, &f->problems,
                                      &f->catalog, &f->err),
                     expected);
    assert_null(f->catalog);
    assert_true(f->problems.count > 0);
    assert_int_equal(f->err.status, expected);
    assert_int_equal(rf_registry_measure_count(f->registry), measures);
    assert_int_equal(rf_registry_group_count(f->registry), groups);
}

static void assert_problem(draft_fixture *f, const char *path, const char *part)
{
    assert_refused(f, RF_E_BAD_CONFIGURATION);
    if (f->problems.count != 1 ||
        strcmp(f->problems.items[0].path, path) != 0 ||
        strstr(f->problems.items[0].message, part) == NULL) {
        fail_msg("%zu problems, first '%s: %s', not '%s: %s'",
                 f->problems.count, f->problems.items[0].path,
                 f->problems.items[0].message, path, part);
    }
    draft_reset(f);
    draft_shop(f);
}

static void test_mistakes_of_names(void **state)
{
    draft_fixture *f = *state;
    char name[64];
    memset(name, 'n', 61);
    name[61] = '\0';
    draft_source(f, "", "");
    assert_problem(f, "sources[0]", "is empty");
    draft_source(f, name, "");
    assert_problem(f, "sources[3]", "60 characters");
    draft_source(f, "shop\x07", "");
    assert_problem(f, "sources[3]", "control");
    draft_source(f, "shop\x7F", "");
    assert_problem(f, "sources[3]", "control");
    draft_source(f, "shop.two", "");
    assert_problem(f, "sources[3]", "dot");
    draft_source(f, "Pos", "");
    assert_problem(f, "sources[3]", "more than once");
    draft_source(f, "shop", "sold,");
    assert_problem(f, "physicals[1]", "is empty");
    draft_source(f, "shop", "a, b\x1F");
    assert_problem(f, "physicals[1]", "control");
    draft_source(f, "shop", "a, b, A");
    assert_problem(f, "physicals[2]", "shop.A is a physical measure already");
    draft_formula(f, "pos", "inbound", "", "");
    assert_problem(f, "inbound", "pos.inbound is a physical measure already");
    draft_formula(f, "iv", "ONHAND", "", "");
    assert_problem(f, "ONHAND", "is a calculated measure already");
    draft_source(f, "@iv", "@available_to_allocate");
    assert_problem(f, "$", "@iv.@available_to_allocate must be a calculated");
    draft_source(f, "@iv", "@availiable_to_allocate");
    assert_problem(f, "$", "@iv.@availiable_to_allocate must be a calculated");
}

static void test_mistakes_of_own_measures(void **state)
{
    draft_fixture *f = *state;
    draft_shop(f);
    draft_source(f, "@iv", "");
    draft_formula(f, "@iv", "@allocated", "pos.inbound", "");
    assert_problem(f, "$", "@iv.@allocated must be a physical");
    draft_source(f, "@iv", "");
    draft_formula(f, "@iv", "@available_to_allocate", "", "");
    draft_formula(f, "@iv", "@availiable_to_allocate", "", "");
    assert_problem(f, "@availiable_to_allocate",
                   "@iv.@available_to_allocate is a calculated");
}

static void test_mistakes_of_mappings(void **state)
{
    draft_fixture *f = *state;
    draft_shop(f);
    f->sources[0].mappings =
        draft_pairs(f, "a > siteid, b > flavourid", "maps");
    assert_problem(f, "maps[1]", "flavourid is not a base dimension");
    f->sources[0].mappings = draft_pairs(f, "a > Empty", "maps");
    assert_problem(f, "maps[0]", "Empty is not a base dimension");
    f->sources[0].mappings = draft_pairs(f, "a > siteid, A > sizeid", "maps");
    assert_problem(f, "maps[1]", "more than once");
    f->sources[0].mappings = draft_pairs(f, "> siteid", "maps");
    assert_problem(f, "maps[0]", "is empty");
}

static void test_mistakes_of_formulas(void **state)
{
    draft_fixture *f = *state;
    draft_shop(f);
    draft_formula(f, "iv", "f", "pos.inbound, wms.nothing", "pos.outbound");
    assert_problem(f, "added[1]", "wms.nothing is not a configured measure");
    draft_formula(f, "iv", "f", "", "inbound");
    assert_problem(f, "subtracted[0]", "inbound is not a configured");
    draft_formula(f, "iv", "f", ".inbound", "");
    assert_problem(f, "added[0]", "is not a configured measure");
    draft_formula(f, "iv", "f", "pos.", "");
    assert_problem(f, "added[0]", "is not a configured measure");
    draft_formula(f, "iv", "f", "pos.inbound", "POS.Inbound");
    assert_problem(f, "subtracted[0]", "more than once");
    draft_formula(f, "iv", "f", "iv.onhand, iv.stock", "");
    f->draft.aliases = draft_pairs(f, "iv.stock > iv.onhand", "aliases");
    assert_problem(f, "added[1]", "more than once");
}

static void test_cycles_are_named(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "a", "x");
    draft_formula(f, "a", "user", "a.one", "a.x");
    draft_formula(f, "a", "one", "a.x", "a.two");
    draft_formula(f, "a", "two", "a.three", "");
    draft_formula(f, "a", "three", "a.one", "a.x");
    draft_formula(f, "a", "fine", "a.x", "");
    assert_refused(f, RF_E_FORMULA_CYCLE);
    assert_int_equal(f->problems.count, 1);
    assert_string_equal(f->problems.items[0].path, "one");
    assert_non_null(strstr(f->problems.items[0].message,
                           "a.one -> a.two -> a.three -> a.one"));

    draft_reset(f);
    draft_source(f, "a", "x");
    draft_formula(f, "a", "self", "a.self", "");
    assert_refused(f, RF_E_FORMULA_CYCLE);
    assert_non_null(strstr(f->problems.items[0].message, ": a.self -> a.self"));

    draft_reset(f);
    draft_source(f, "a", "x");
    draft_formula(f, "a", "self", "a.self, a.nothing", "");
    assert_refused(f, RF_E_BAD_CONFIGURATION);
    assert_int_equal(f->problems.count, 2);
}

static void test_a_long_cycle_is_cut(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "a", "x");
    for (int i = 0; i < 500; i++) {
        char name[32];
        char next[32];
        snprintf(name, sizeof name, "formula\xC3\xA9%d", i);
        snprintf(next, sizeof next, "a.formula\xC3\xA9%d", (i + 1) % 500);
        draft_formula(f, "a", name, next, "");
    }
    assert_refused(f, RF_E_FORMULA_CYCLE);
    assert_int_equal(f->problems.count, 1);
    assert_true(strlen(f->problems.items[0].message) > 150);
}

static void test_factors_have_a_limit(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "a", "x");
    draft_doubling(f, "a.x", 63);
    assert_refused(f, RF_E_BAD_CONFIGURATION);
    assert_int_equal(f->problems.count, 1);
    assert_string_equal(f->problems.items[0].path, "f63");
    assert_non_null(strstr(f->problems.items[0].message, "too large"));
}

static void test_mistakes_of_reservations(void **state)
{
    draft_fixture *f = *state;
    draft_shop(f);
    rf_draft_source *iv = &f->sources[2];
    iv->reservations = draft_pairs(f, "softreserved > iv.nowhere", "res");
    assert_problem(f, "res[0]", "iv.nowhere is not a configured calculated");
    iv->reservations = draft_pairs(f, "softreserved > onhand", "res");
    assert_problem(f, "res[0]", "onhand is not a configured calculated");
    iv->reservations = draft_pairs(f, "softreserved > pos.inbound", "res");
    assert_problem(f, "res[0]", "pos.inbound is not a configured calculated");
    iv->reservations = draft_pairs(f, "onhand > iv.onhand", "res");
    assert_problem(f, "res[0]", "onhand is not a physical measure of iv");
    iv->reservations = draft_pairs(f, "pos.nothing > iv.onhand", "res");
    assert_problem(f, "res[0]", "pos.nothing is not a physical measure");
    f->sources[0].reservations =
        draft_pairs(f, "iv.softreserved > iv.onhand", "two");
    assert_problem(f, "res[0]", "has a reservation mapping already");
    f->draft.reservation_keys =
        draft_names(f, "SiteId, LocationId, flavour", "keys");
    assert_problem(f, "keys[2]", "flavour is not a base dimension");
    f->draft.reservation_keys =
        draft_names(f, "SiteId, LocationId, Empty", "keys");
    assert_problem(f, "keys[2]", "Empty is not a base dimension");
    f->draft.reservation_keys =
        draft_names(f, "SiteId, LocationId, siteid", "keys");
    assert_problem(f, "keys[2]", "more than once");
    f->draft.reservation_keys = draft_names(f, "SiteId, ColorId", "keys");
    assert_problem(f, "keys", "must contain siteid and locationid");
}

static void test_mistakes_of_sets_and_levels(void **state)
{
    draft_fixture *f = *state;
    draft_shop(f);
    draft_index_set(f, "ColorId, flavour");
    assert_problem(f, "set[1]", "flavour is not a base dimension");
    draft_index_set(f, "ColorId, colorid");
    assert_problem(f, "set[1]", "more than once");
    draft_index_set(f, "ColorId, SiteId");
    assert_problem(f, "set", "belong to the partition");
    draft_schedule_set(f, "flavour");
    assert_problem(f, "schedule[0]", "flavour is not a base dimension");
    draft_level(f, "ColorId, Empty");
    assert_problem(f, "level[1]", "Empty is not a base dimension");
    /* The same dimension under its two names. */
    draft_level(f, "InventDimension3, CustomDimension3");
    assert_problem(f, "level[1]", "more than once");
}

static void test_mistakes_of_promises(void **state)
{
    draft_fixture *f = *state;
    rf_draft_promise promise = {
        {rf_text_of("iv.nothing"), rf_text_of("promise")}, 7};
    draft_shop(f);
    f->draft.promises = &promise;
    f->draft.promise_count = 1;
    assert_problem(f, "promise", "not a configured calculated measure");
    draft_source(f, "a", draft_list(f, "m", 9));
    draft_formula(f, "a", "eight", draft_list(f, "a.m", 8), "");
    draft_formula(f, "a", "nine", draft_list(f, "a.m", 9), "");
    f->draft.promises = &promise;
    f->draft.promise_count = 1;
    promise.measure.text = rf_text_of("a.eight");
    draft_build(f);
    rf_catalog_free(f->catalog);
    f->catalog = NULL;
    promise.measure.text = rf_text_of("a.nine");
    assert_problem(f, "promise", "more than 8 physical measures");
}

static void test_mistakes_of_aliases(void **state)
{
    draft_fixture *f = *state;
    draft_shop(f);
    f->draft.aliases = draft_pairs(f, "iv.a > iv.nothing", "a");
    assert_problem(f, "a[0]", "iv.nothing is not a configured measure");
    f->draft.aliases = draft_pairs(f, "alias > iv.onhand", "a");
    assert_problem(f, "a[0]", "source.measure");
    f->draft.aliases = draft_pairs(f, "web.a > iv.onhand", "a");
    assert_problem(f, "a[0]", "web is not a data source");
    f->draft.aliases = draft_pairs(f, "pos.inbound > iv.onhand", "a");
    assert_problem(f, "a[0]", "has a meaning already");
    f->draft.aliases =
        draft_pairs(f, "iv.a > iv.onhand, IV.A > iv.onhand", "a");
    assert_problem(f, "a[1]", "has a meaning already");
    f->draft.aliases = draft_pairs(f, "iv.a > iv.onhand, iv.b > iv.a", "a");
    assert_problem(f, "a[1]", "iv.a is not a configured measure");
    f->draft.aliases = draft_pairs(f, "iv.a\x01 > iv.onhand", "a");
    assert_problem(f, "a[0]", "control");
}

static void test_mistakes_of_groups(void **state)
{
    draft_fixture *f = *state;
    draft_shop(f);
    f->draft.groups = draft_names(f, "channel,, region", "groups");
    assert_problem(f, "groups[1]", "is empty");
    f->draft.groups = draft_names(f, "channel, CHANNEL", "groups");
    assert_problem(f, "groups[1]", "more than once");
    f->draft.groups = draft_names(f, "1, 2, 3, 4, 5, 6, 7, 8, 9", "groups");
    assert_problem(f, "groups", "8");
    f->draft.groups = draft_names(f, "1, 2, 3, 4, 5, 6, 7, 8", "groups");
    assert_int_equal(draft_build(f)->group_order_count, 8);
}

static void test_all_mistakes_are_told_at_once(void **state)
{
    draft_fixture *f = *state;
    draft_shop(f);
    f->sources[1].mappings = draft_pairs(f, "a > nowhere", "maps");
    draft_formula(f, "iv", "f", "iv.none", "");
    f->sources[2].reservations = draft_pairs(f, "x > y.z", "res");
    f->draft.groups = draft_names(f, "a, a", "groups");
    draft_index_set(f, "siteid");
    rf_problems_add(&f->problems, rf_text_of("$.early"), "known already");
    assert_refused(f, RF_E_BAD_CONFIGURATION);
    assert_int_equal(f->problems.count, 7);
    assert_string_equal(f->err.field, "$.early");
    assert_non_null(strstr(f->err.message, "nowhere is not a base dimension"));
}

static void test_source_limit_just_under_at_and_over(void **state)
{
    draft_fixture *f = *state;
    char room[DRAFT_SOURCES_MAX][16];
    for (size_t i = 0; i < RF_SOURCES_MAX - 1; i++) {
        snprintf(room[i], sizeof room[i], "source%zu", i);
        draft_source(f, room[i], "");
    }
    assert_int_equal(draft_build(f)->source_count, RF_SOURCES_MAX);
    rf_catalog_free(f->catalog);
    f->catalog = NULL;
    draft_source(f, "one more", "");
    assert_problem(f, "$", "64");

    draft_reset(f);
    for (size_t i = 0; i < DRAFT_SOURCES_MAX; i++) {
        snprintf(room[i], sizeof room[i], "source%zu", i);
        draft_source(f, room[i], "");
    }
    assert_refused(f, RF_E_BAD_CONFIGURATION);
    assert_string_equal(f->problems.items[0].path, "sources[64]");
}

static void test_measure_limit_just_under_at_and_over(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "a", draft_list(f, "m", RF_NAMED_MEASURES_MAX - 6));
    draft_formula(f, "a", "sum", "a.m0", "");
    rf_catalog *catalog = draft_build(f);
    assert_int_equal(catalog->physical_count + catalog->calculated_count,
                     RF_NAMED_MEASURES_MAX);
    rf_catalog_free(f->catalog);
    f->catalog = NULL;
    draft_source(f, "b", "one more");
    assert_refused(f, RF_E_BAD_CONFIGURATION);
    assert_non_null(strstr(f->problems.items[0].message, "1024"));

    draft_reset(f);
    draft_source(f, "a", draft_list(f, "n", 3000));
    draft_formula(f, "a", "sum", "a.n0", "");
    assert_refused(f, RF_E_BAD_CONFIGURATION);
}

static void test_measures_ever_configured_have_a_limit(void **state)
{
    draft_fixture *f = *state;
    for (char part = 'a'; part < 'e'; part++) {
        draft_reset(f);
        draft_source(f, "s", draft_list(f, (char[]){part, 0}, 1000));
        draft_build(f);
    }
    rf_catalog_free(f->catalog);
    f->catalog = NULL;
    draft_reset(f);
    draft_source(f, "s", draft_list(f, "e", 92));
    assert_refused(f, RF_E_BAD_CONFIGURATION);
    assert_int_equal(f->problems.count, 1);
    assert_string_equal(f->problems.items[0].path, "physicals[91]");
    assert_non_null(strstr(f->problems.items[0].message, "4096"));
    draft_reset(f);
    draft_source(f, "s", draft_list(f, "e", 91));
    draft_build(f);
}

static void test_groups_ever_configured_have_a_limit(void **state)
{
    draft_fixture *f = *state;
    for (char part = 'a'; part < 'd'; part++) {
        draft_reset(f);
        f->draft.groups =
            draft_names(f, draft_list(f, (char[]){part, 0}, 8), "g");
        draft_build(f);
    }
    rf_catalog_free(f->catalog);
    f->catalog = NULL;
    draft_reset(f);
    f->draft.groups = draft_names(f, draft_list(f, "d", 7), "groups");
    assert_problem(f, "groups[6]", "64");
}

static void test_term_limit_just_under_at_and_over(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "a", draft_list(f, "m", 80));
    char *terms = draft_list(f, "a.m", RF_TERMS_MAX);
    draft_formula(f, "a", "sum", terms, "");
    draft_build(f);
    assert_int_equal(draft_find_calculated(f, "a", "sum")->sum.term_count,
                     RF_TERMS_MAX);
    rf_catalog_free(f->catalog);
    f->catalog = NULL;
    draft_formula(f, "a", "more", terms, "a.m64");
    draft_formula(f, "a", "flat", "a.sum, a.m64", "");
    assert_refused(f, RF_E_BAD_CONFIGURATION);
    assert_int_equal(f->problems.count, 2);
    assert_string_equal(f->problems.items[0].path, "more");
    assert_non_null(strstr(f->problems.items[0].message, "64 terms"));
    assert_string_equal(f->problems.items[1].path, "flat");
    assert_non_null(strstr(f->problems.items[1].message, "64 physical"));
}

static void test_mapping_limit_just_under_at_and_over(void **state)
{
    draft_fixture *f = *state;
    for (size_t over = 0; over < 2; over++) {
        size_t count = RF_MAPPINGS_MAX + over;
        draft_reset(f);
        rf_draft_source *a = draft_source(f, "a", "x");
        rf_draft_names left = draft_names(f, draft_list(f, "d", count), "maps");
        a->mappings = draft_pairs(f, "", "maps");
        a->mappings.items =
            rf_arena_calloc(&f->arena, count, sizeof *a->mappings.items);
        assert_non_null(a->mappings.items);
        for (size_t i = 0; i < count; i++) {
            a->mappings.items[i].from = left.items[i];
            a->mappings.items[i].to.text = rf_text_of("siteid");
        }
        a->mappings.count = count;
        if (over == 0) {
            draft_build(f);
            rf_catalog_free(f->catalog);
            f->catalog = NULL;
        }
    }
    assert_problem(f, "maps", "256");
}

static void test_alias_limit_just_under_at_and_over(void **state)
{
    draft_fixture *f = *state;
    draft_source(f, "a", "x");
    rf_draft_names left =
        draft_names(f, draft_list(f, "a.alias", RF_ALIASES_MAX + 1), "aliases");
    rf_draft_pair *items =
        rf_arena_calloc(&f->arena, left.count, sizeof *items);
    assert_non_null(items);
    for (size_t i = 0; i < left.count; i++) {
        items[i].from = left.items[i];
        items[i].to.text = rf_text_of("a.x");
    }
    f->draft.aliases = (rf_draft_pairs){items, RF_ALIASES_MAX, left.path};
    draft_build(f);
    assert_ptr_equal(draft_find_physical(f, "a", "alias1023"),
                     draft_find_physical(f, "a", "x"));
    rf_catalog_free(f->catalog);
    f->catalog = NULL;
    f->draft.aliases.count++;
    assert_problem(f, "aliases", "1024");
}

static void test_level_limit_just_under_at_and_over(void **state)
{
    draft_fixture *f = *state;
    /* The leaf, {}, site, place, two of the reservation dimensions, and the
     * two of what is scheduled. */
    size_t count = 8;
    for (unsigned i = 4; i < 33 && count < RF_CATALOG_LEVELS_MAX; i++) {
        for (unsigned j = i + 1; j < 33 && count < RF_CATALOG_LEVELS_MAX; j++) {
            char keys[64];
            rf_text left = rf_dimension_name(i);
            rf_text right = rf_dimension_name(j);
            snprintf(keys, sizeof keys, "%s, %s", left.bytes, right.bytes);
            draft_level(f, keys);
            count++;
        }
    }
    assert_int_equal(draft_build(f)->level_count, RF_CATALOG_LEVELS_MAX);
    rf_catalog_free(f->catalog);
    f->catalog = NULL;
    draft_level(f, "ExtendedDimension8");
    draft_level(f, "ExtendedDimension7");
    assert_problem(f, "$", "120");
}

#define TEST(function)                                                         \
    cmocka_unit_test_setup_teardown(function, draft_set_up, draft_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_mistakes_of_names),
        TEST(test_mistakes_of_own_measures),
        TEST(test_mistakes_of_mappings),
        TEST(test_mistakes_of_formulas),
        TEST(test_cycles_are_named),
        TEST(test_a_long_cycle_is_cut),
        TEST(test_factors_have_a_limit),
        TEST(test_mistakes_of_reservations),
        TEST(test_mistakes_of_sets_and_levels),
        TEST(test_mistakes_of_promises),
        TEST(test_mistakes_of_aliases),
        TEST(test_mistakes_of_groups),
        TEST(test_all_mistakes_are_told_at_once),
        TEST(test_source_limit_just_under_at_and_over),
        TEST(test_measure_limit_just_under_at_and_over),
        TEST(test_measures_ever_configured_have_a_limit),
        TEST(test_groups_ever_configured_have_a_limit),
        TEST(test_term_limit_just_under_at_and_over),
        TEST(test_mapping_limit_just_under_at_and_over),
        TEST(test_alias_limit_just_under_at_and_over),
        TEST(test_level_limit_just_under_at_and_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
