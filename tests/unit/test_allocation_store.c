/*
 * test_allocation_store.c - allocation records over changes of configuration,
 * erasures and damage.
 */
#include "core/journal.h"
#include "core/key.h"
#include "core/record.h"
#include "tests/unit/engine_rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define RED "siteid=1, locationid=W, ColorId=red"
#define BLUE "siteid=2, locationid=X, ColorId=blue"
#define WEB ", channel=web"
#define WEB_EU ", channel=web, Region=EU"

static void allocate(engine_rig *rig, const char *product, const char *place,
                     double quantity)
{
    rf_command command =
        engine_allocation(rig, RF_OPERATION_ALLOCATE, product, place, quantity);
    engine_do(rig, &command);
}

/* Allocate a unit of many products to two groups each. */
static void fill(engine_rig *rig, int products)
{
    rf_job *first = NULL;
    rf_job **end = &first;
    for (int i = 0; i < products; i++) {
        char product[16];
        snprintf(product, sizeof product, "P%d", i);
        const char *place = i % 2 == 0 ? RED : BLUE;
        const char *web = i % 2 == 0 ? RED WEB : BLUE WEB;
        const char *eu = i % 2 == 0 ? RED WEB_EU : BLUE WEB_EU;
        rf_command lines[] = {
            engine_post(rig, product, place, "pos.inbound=5"),
            engine_allocation(rig, RF_OPERATION_ALLOCATE, product, web, 1),
            engine_allocation(rig, RF_OPERATION_ALLOCATE, product, eu, 2),
        };
        *end = engine_job(rig, lines, 3);
        end = &(*end)->next;
    }
    engine_run_job(rig, first);
}

/* What is allocated at a place: the total of a level, named by its groups. */
static double total(engine_rig *rig, const char *product, const char *place,
                    const char *groups)
{
    char level[1024];
    int length = snprintf(level, sizeof level, "%s", groups);
    for (unsigned d = 0; d < RF_DIMENSION_COUNT; d++) {
        rf_text name = rf_dimension_name(d);
        length += snprintf(level + length, sizeof level - (size_t)length,
                           ", %.*s", (int)name.length, name.bytes);
    }
    return (double)engine_total(rig, product, place, level, "@iv.@allocated") /
           (double)RF_QUANTITY_SCALE;
}

static void set_groups(engine_rig *rig, const char *groups)
{
    rig->draft->draft.groups = draft_names(rig->draft, groups, "groups");
}

/* ---- Groups that come and go ---- */

static void test_a_group_is_added_below(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 700);
    set_groups(rig, "channel, Region, kind");
    draft_level(rig->draft, "ColorId");
    engine_configure(rig);
    engine_expect(rig, "P7", "ColorId=blue", "@iv.@allocated", 3);
    assert_true(total(rig, "P7", BLUE WEB, "channel, Region, kind") == 1);
    assert_true(total(rig, "P7", BLUE WEB, "channel, Region") == 1);
    assert_true(total(rig, "P7", BLUE WEB, "channel") == 3);
    rf_command command =
        engine_reallocate(rig, "P7", BLUE WEB_EU, BLUE WEB_EU ", kind=x", 2);
    engine_do(rig, &command);
    assert_true(total(rig, "P7", BLUE WEB_EU, "channel, Region") == 2);
    assert_true(total(rig, "P7", BLUE WEB_EU, "channel, Region, kind") == 0);
}

/* Whatever changes while the new level is built is in it at the end. */
static void test_changes_while_a_group_is_added(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 700);
    set_groups(rig, "channel, Region, kind");
    draft_level(rig->draft, "ColorId");
    rf_task *task = engine_submit_configure(rig);
    int steps = 0;
    while (task->owner != NULL) {
        bool more = true;
        assert_int_equal(rf_engine_step(rig->engine, &more, NULL), RF_OK);
        rf_verify_report report = {0};
        assert_int_equal(engine_verify(rig, &report), 0);
        static const char *const products[] = {"P0", "P350", "P698"};
        for (int i = 0; i < 3; i++) {
            rf_command command =
                engine_post(rig, products[i], RED, "pos.inbound=2");
            engine_do(rig, &command);
            allocate(rig, products[i], RED WEB, 1);
            command =
                engine_reallocate(rig, products[i], RED WEB, RED WEB_EU, 0.5);
            engine_do(rig, &command);
        }
        steps++;
    }
    assert_int_equal(task->status, RF_OK);
    assert_true(steps > 3);
    static const char *const products[] = {"P0", "P350", "P698"};
    for (int i = 0; i < 3; i++) {
        assert_true(total(rig, products[i], RED WEB, "channel, Region, kind") ==
                    1 + 0.5 * steps);
        assert_true(total(rig, products[i], RED WEB_EU,
                          "channel, Region, kind") == 2 + 0.5 * steps);
    }
}

static void test_adding_a_group_goes_on_after_a_restart(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 700);
    set_groups(rig, "channel, Region, kind, size");
    engine_submit_configure(rig);
    for (int i = 0; i < 3; i++) {
        bool more;
        assert_int_equal(rf_engine_step(rig->engine, &more, NULL), RF_OK);
    }
    engine_restart(rig);
    assert_true(
        total(rig, "P699", BLUE WEB_EU, "channel, Region, kind, size") == 2);
    rf_verify_report report = {0};
    assert_int_equal(engine_verify(rig, &report), 0);
    assert_int_equal(report.allocations, 1400);
}

static void expect_refused(engine_rig *rig, const char *groups,
                           const char *records)
{
    set_groups(rig, groups);
    uint64_t generation = engine_generation(rig)->number;
    rf_task *task = engine_submit_configure(rig);
    engine_settle(rig);
    assert_int_equal(task->status, RF_E_DATA_PRESENT);
    assert_string_equal(task->error.field, "allocationConfiguration");
    if (strstr(task->error.message, records) == NULL ||
        strstr(task->error.message, "GET /allocation/records") == NULL) {
        fail_msg("%s", task->error.message);
    }
    assert_int_equal(engine_generation(rig)->number, generation);
}

static void test_groups_with_records_stay_where_they_are(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 3000);
    expect_refused(rig, "channel", " 6000 ");
    expect_refused(rig, "Region, channel", " 6000 ");
    expect_refused(rig, "kind, channel, Region", " 6000 ");
    expect_refused(rig, "", " 6000 ");
    set_groups(rig, "channel, Region");
    engine_restart(rig);
    expect_refused(rig, "Region", " 6000 ");
    set_groups(rig, "channel, Region");
    engine_configure(rig);
    assert_true(total(rig, "P1", BLUE WEB, "channel") == 3);
}

/* An empty record is a record: it goes with its partition. */
static void test_groups_change_where_nothing_is_allocated(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 1);
    rf_command taken[] = {
        engine_allocation(rig, RF_OPERATION_UNALLOCATE, "P0", RED WEB, 1),
        engine_allocation(rig, RF_OPERATION_UNALLOCATE, "P0", RED WEB_EU, 2),
    };
    engine_run_job(rig, engine_job(rig, taken, 2));
    expect_refused(rig, "Region", " 2 ");
    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~1~W"), RF_OK);
    set_groups(rig, "kind, channel");
    engine_configure(rig);
    rf_view_done(&rig->view);
    engine_settle(rig);
    rf_command command = engine_post(rig, "P0", RED, "pos.inbound=5");
    engine_do(rig, &command);
    allocate(rig, "P0", RED ", kind=a", 3);
    allocate(rig, "P0", RED ", kind=a, channel=web", 1);
    assert_true(total(rig, "P0", RED ", kind=a", "kind") == 4);
    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~1~W"), RF_OK);
    set_groups(rig, "");
    engine_configure(rig);
    set_groups(rig, "Region");
    engine_configure(rig);
}

/* Ask what an allocation would do; its journal number is given again. */
static void try_to_allocate(engine_rig *rig)
{
    rf_command command =
        engine_allocation(rig, RF_OPERATION_ALLOCATE, "P", RED WEB, 1);
    rf_job *job = engine_job(rig, &command, 1);
    job->dry_run = true;
    rf_result *result = engine_run_job(rig, job);
    assert_int_equal(result->status, RF_OK);
    rf_result_done(result);
}

/* Records that are made while a configuration is under way count, too. */
static void test_an_allocation_comes_in_between(void **state)
{
    engine_rig *rig = *state;
    rf_command command = engine_post(rig, "P", RED, "pos.inbound=5");
    engine_do(rig, &command);
    for (int before = 1; before <= 3; before++) {
        try_to_allocate(rig);
        set_groups(rig, "Region");
        rf_task *task = engine_submit_configure(rig);
        bool more;
        for (int i = 0; i < before; i++) {
            assert_int_equal(rf_engine_step(rig->engine, &more, NULL), RF_OK);
        }
        assert_non_null(task->owner);
        allocate(rig, "P", RED WEB, 1);
        engine_settle(rig);
        assert_int_equal(task->status, RF_E_DATA_PRESENT);
        assert_true(total(rig, "P", RED WEB, "channel, Region") == 1);
        assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~1~W"), RF_OK);
        command = engine_post(rig, "P", RED, "pos.inbound=5");
        engine_do(rig, &command);
        set_groups(rig, "channel, Region");
        engine_configure(rig);
    }
}

/* A command that was checked before the groups changed is refused after. */
static void test_a_command_of_before(void **state)
{
    engine_rig *rig = *state;
    rf_command post = engine_post(rig, "P", RED, "pos.inbound=5");
    engine_do(rig, &post);
    rf_command commands[] = {
        engine_allocation(rig, RF_OPERATION_ALLOCATE, "P", RED WEB, 1),
        engine_reallocate(rig, "P", RED WEB_EU, RED WEB, 1),
        engine_consume(rig, "P", RED WEB, 1, "iv.softreserved=1"),
    };
    rf_job *job = engine_job(rig, commands, 3);
    rf_generation *before = rf_generation_hold(engine_generation(rig));
    set_groups(rig, "");
    engine_configure(rig);
    job->generation = before;
    rf_result *results = engine_run_job(rig, job);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(results[i].status, RF_E_UNKNOWN_GROUP);
    }
    rf_generation_release(before);
    engine_expect(rig, "P", RED, "@iv.@allocated", 0);
}

/* ---- Erasing ---- */

static void test_a_location_is_erased_with_its_records(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 20);
    rf_command command = engine_consume(rig, "P0", RED WEB_EU, 1, "");
    engine_do(rig, &command);
    rf_command line = engine_post(rig, "P0", BLUE, "pos.inbound=5");
    engine_do(rig, &line);
    allocate(rig, "P0", BLUE WEB, 4);
    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~1~W"), RF_OK);
    assert_true(total(rig, "P0", RED WEB, "channel") == 0);
    assert_true(total(rig, "P0", BLUE WEB, "channel") == 4);
    engine_expect(rig, "P0", "", "@iv.@allocated", 4);
    engine_expect(rig, "P0", "", "@iv.@consumed", 0);
    rf_verify_report report = {0};
    assert_int_equal(engine_verify(rig, &report), 0);
    assert_int_equal(report.allocations, 21);
}

static void test_an_erasure_cut_short(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 1);
    for (int i = 0; i < 700; i++) {
        char place[100];
        snprintf(place, sizeof place, RED ", channel=web, Region=%d", i);
        allocate(rig, "P0", place, 0.001);
    }
    engine_submit_erase(rig, RIG_ORGANIZATION "~1~W");
    rf_verify_report report = {0};
    bool more;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(rf_engine_step(rig->engine, &more, NULL), RF_OK);
        assert_int_equal(engine_verify(rig, &report), 0);
    }
    assert_true(report.allocations < 702);
    engine_restart(rig);
    assert_int_equal(engine_verify(rig, &report), 0);
    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~1~W"), RF_OK);
    assert_int_equal(engine_verify(rig, &report), 0);
    assert_int_equal(report.allocations, 0);
    assert_int_equal(report.leaves, 0);
}

static void test_a_product_is_erased_with_its_records(void **state)
{
    engine_rig *rig = *state;
    rig->draft->draft.by_product = true;
    engine_configure(rig);
    fill(rig, 3);
    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~P1"), RF_OK);
    rf_verify_report report = {0};
    assert_int_equal(engine_verify(rig, &report), 0);
    assert_int_equal(report.allocations, 4);
    engine_expect(rig, "P1", "", "@iv.@allocated", 0);
    engine_expect(rig, "P2", "", "@iv.@allocated", 3);
}

/* ---- The journal ---- */

typedef struct entries {
    size_t count;
    rf_level given[8];
    rf_level source[8];
    size_t movements[8];
} entries;

static bool note_entry(void *context, const rf_entry *entry)
{
    entries *noted = context;
    rf_place place;
    bool hashed;
    assert_true(noted->count < 8);
    assert_int_equal(
        rf_coordinates_read(entry->coordinates, &place, &hashed, NULL), RF_OK);
    noted->given[noted->count] = place.given & RF_LEVEL_GROUPS;
    assert_int_equal(rf_coordinates_read(entry->source, &place, &hashed, NULL),
                     RF_OK);
    noted->source[noted->count] = place.given;
    noted->movements[noted->count++] = entry->movement_count;
    return true;
}

static void test_entries_tell_the_groups(void **state)
{
    engine_rig *rig = *state;
    rf_command lines[] = {
        engine_post(rig, "P", RED, "pos.inbound=5"),
        engine_allocation(rig, RF_OPERATION_ALLOCATE, "P", RED WEB_EU, 4),
        engine_reallocate(rig, "P", RED WEB_EU, RED WEB, 2),
        engine_consume(rig, "P", RED WEB, 1, "pos.inbound=-1"),
    };
    engine_run_job(rig, engine_job(rig, lines, 4));
    entries noted = {0};
    rf_store *store = rig->disk->store;
    rf_store_transaction *reader = rig_begin(store, false);
    rf_journal_range range = {engine_generation(rig)->environment, 1};
    assert_int_equal(
        rf_journal_read(store, reader, range, note_entry, &noted, NULL), RF_OK);
    store->operations->abort(reader);
    assert_int_equal(noted.count, 4);
    rf_level web = engine_level(rig, "channel");
    rf_level eu = engine_level(rig, "channel, Region");
    const entries expected = {
        4, {0, eu, web, web}, {0, 0, eu, 0}, {1, 2, 0, 4}};
    assert_memory_equal(&noted, &expected, sizeof expected);
}

/* ---- Damage ---- */

typedef struct told {
    size_t count;
    char first[512];
    char all[8192];
} told;

static bool note_difference(void *context, const char *text)
{
    told *lines = context;
    if (lines->count++ == 0) {
        snprintf(lines->first, sizeof lines->first, "%s", text);
    }
    strncat(lines->all, text, sizeof lines->all - strlen(lines->all) - 1);
    return true;
}

/* Change a node behind the engine's back, by so many units. */
static void spoil(engine_rig *rig, const char *place, rf_level level,
                  rf_measure measure, double units)
{
    const rf_generation *generation = engine_generation(rig);
    rf_place at = engine_place(rig, place);
    rf_key key;
    rf_key_product(&key, generation->environment, rf_text_of(RIG_ORGANIZATION),
                   rf_text_of("P0"));
    rf_key_node(&key, rf_generation_level(generation, level).number, level,
                &at);
    rf_store *store = rig->disk->store;
    rf_store_transaction *writer = rig_begin(store, true);
    rf_store_item item = {.table = RF_TABLE_STOCK, .key = rf_key_bytes(&key)};
    rf_node node = {.coordinates = {(const unsigned char *)"", 0}};
    rf_buffer value = {0};
    assert_int_equal(store->operations->load(writer, &item, 1, NULL), RF_OK);
    if (item.value.bytes != NULL) {
        assert_int_equal(rf_node_decode(item.value, &node, NULL), RF_OK);
    }
    assert_int_equal(
        rf_measures_add(&node.measures, measure, engine_units(units), NULL),
        RF_OK);
    rf_node_encode(&node, &value);
    item.value = (rf_bytes){(const unsigned char *)value.bytes, value.length};
    assert_int_equal(store->operations->save(writer, &item, 1, NULL), RF_OK);
    rig_commit(store, writer);
    rf_measures_done(&node.measures);
    rf_buffer_done(&value);
}

static void expect_told(engine_rig *rig, size_t count, const char *first,
                        const char *also)
{
    told lines = {0};
    rf_verify_report report = {0};
    rf_verify_options options = {.differ = note_difference, .context = &lines};
    rig->is_damaged = true;
    assert_int_equal(rf_verify(rig->disk->store, &options, &report, NULL),
                     RF_OK);
    if (lines.count != count || strstr(lines.first, first) == NULL ||
        strstr(lines.all, also) == NULL) {
        fail_msg("%zu: %s", lines.count, lines.all);
    }
}

static rf_level pool_level(engine_rig *rig)
{
    return RF_LEVEL_LEAF | engine_catalog(rig)->group_mask;
}

static void test_a_spoilt_total_of_groups(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 2);
    spoil(rig, RED WEB, RF_LEVEL_LEAF | engine_level(rig, "channel"),
          engine_measure(rig, "@iv.@allocated"), 1);
    expect_told(rig, 1,
                "channel web: the total of @iv.@allocated is 1 too high "
                "for its allocations",
                "");
}

static void test_a_spoilt_record(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 2);
    spoil(rig, RED WEB, pool_level(rig),
          engine_measure(rig, "@iv.@cumulative_allocated"), 1);
    expect_told(rig, 3,
                "ColorId red: the total of @iv.@cumulative_allocated is 1 too "
                "low for its allocations",
                "the journal does not add up to the allocations");
}

static void test_a_spoilt_share_of_moved(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 2);
    spoil(rig, RED WEB, pool_level(rig), engine_catalog(rig)->pool.reallocated,
          1);
    expect_told(rig, 2, "the total of @iv.@reallocated is 1 too low",
                "the journal does not add up to the allocations");
}

static void test_a_record_that_nobody_counts(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 2);
    rf_measure allocated = engine_measure(rig, "@iv.@allocated");
    spoil(rig, "siteid=1, locationid=W" WEB, pool_level(rig), allocated, 1);
    expect_told(rig, 4, "siteid 1, locationid W: the total of @iv.@allocated",
                "the product's head does not count what it holds");
}

static void test_a_record_below_zero_or_with_a_gap(void **state)
{
    engine_rig *rig = *state;
    fill(rig, 2);
    rf_measure allocated = engine_measure(rig, "@iv.@allocated");
    spoil(rig, RED ", Region=EU", pool_level(rig), allocated, -1);
    expect_told(rig, 5, "an allocation lacks a group above another",
                "an allocation is below zero");
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_pool, engine_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_a_group_is_added_below),
        CASE(test_changes_while_a_group_is_added),
        CASE(test_adding_a_group_goes_on_after_a_restart),
        CASE(test_groups_with_records_stay_where_they_are),
        CASE(test_groups_change_where_nothing_is_allocated),
        CASE(test_an_allocation_comes_in_between),
        CASE(test_a_command_of_before),
        CASE(test_a_location_is_erased_with_its_records),
        CASE(test_an_erasure_cut_short),
        CASE(test_a_product_is_erased_with_its_records),
        CASE(test_entries_tell_the_groups),
        CASE(test_a_spoilt_total_of_groups),
        CASE(test_a_spoilt_record),
        CASE(test_a_spoilt_share_of_moved),
        CASE(test_a_record_that_nobody_counts),
        CASE(test_a_record_below_zero_or_with_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
