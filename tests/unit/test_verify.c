/*
 * test_verify.c - every kind of damage is found, and nothing else is told.
 *
 * Each case spoils one thing behind the engine's back, through the store, and
 * reads what the verifier makes of it.
 */
#include "core/journal.h"
#include "core/key.h"
#include "core/record.h"
#include "tests/unit/engine_rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define SHELF "siteid=1, locationid=W"
#define RED_S SHELF ", ColorId=red, SizeId=S"

typedef struct told {
    char text[RF_VERIFY_TOLD_MAX][512];
    size_t count;
    size_t stop_at;
} told;

static bool note(void *context, const char *text)
{
    told *lines = context;
    assert_true(lines->count < RF_VERIFY_TOLD_MAX);
    strncpy(lines->text[lines->count++], text, 511);
    return lines->stop_at == 0 || lines->count < lines->stop_at;
}

static told *verify(engine_rig *rig, rf_verify_report *report)
{
    told *lines = rf_arena_calloc(&rig->arena, 1, sizeof *lines);
    rf_error err = {0};
    assert_non_null(lines);
    rf_verify_options options = {.differ = note, .context = lines};
    if (rf_verify(rig->disk->store, &options, report, &err) != RF_OK) {
        fail_msg("%s", err.message);
    }
    return lines;
}

/* Expect differences, the first of which has this text in it. */
static void expect(engine_rig *rig, uint64_t count, const char *text)
{
    rf_verify_report report = {0};
    const told *lines = verify(rig, &report);
    rig->is_damaged = true;
    for (size_t i = 0; i < lines->count; i++) {
        print_message("  %s\n", lines->text[i]);
    }
    assert_int_equal(report.differences, count);
    if (strstr(lines->text[0], text) == NULL) {
        fail_msg("'%s' does not say '%s'", lines->text[0], text);
    }
}

static void fill(engine_rig *rig)
{
    rf_command lines[] = {
        engine_post(rig, "SHIRT", RED_S, "pos.inbound=5, pos.outbound=1"),
        engine_post(rig, "SHIRT", SHELF ", ColorId=blue", "pos.inbound=2"),
        engine_post(rig, "TROUSERS", "siteid=2, locationid=X", "pos.inbound=3"),
        engine_reserve(rig, "SHIRT", RED_S, 2, true),
        engine_reserve(rig, "SHIRT", SHELF, 1, true),
    };
    const rf_result *results = engine_run_job(rig, engine_job(rig, lines, 5));
    rf_command back = engine_unreserve(rig, "", SHELF, &results[4], 1);
    engine_do(rig, &back);
}

static void save(engine_rig *rig, rf_table table, const rf_key *key,
                 rf_bytes value)
{
    rf_store *store = rig->disk->store;
    rf_store_item item = {table, rf_key_bytes(key), value};
    rf_store_transaction *writer = rig_begin(store, true);
    assert_int_equal(store->operations->save(writer, &item, 1, NULL), RF_OK);
    rig_commit(store, writer);
}

static void remove_record(engine_rig *rig, rf_table table, const rf_key *key)
{
    save(rig, table, key, (rf_bytes){NULL, 0});
}

/* Copy a record, to be spoilt. */
static rf_buffer load(engine_rig *rig, rf_table table, const rf_key *key)
{
    rf_store *store = rig->disk->store;
    rf_store_item item = {.table = table, .key = rf_key_bytes(key)};
    rf_store_transaction *reader = rig_begin(store, false);
    rf_buffer copy = {0};
    assert_int_equal(store->operations->load(reader, &item, 1, NULL), RF_OK);
    assert_non_null(item.value.bytes);
    rf_buffer_append(&copy, item.value.bytes, item.value.length);
    store->operations->abort(reader);
    return copy;
}

static void flip(engine_rig *rig, rf_table table, const rf_key *key)
{
    rf_buffer value = load(rig, table, key);
    value.bytes[value.length / 2] ^= 0x10;
    save(rig, table, key,
         (rf_bytes){(const unsigned char *)value.bytes, value.length});
    rf_buffer_done(&value);
}

static rf_key product_key(engine_rig *rig, const char *product)
{
    rf_key key;
    rf_key_product(&key, engine_generation(rig)->environment,
                   rf_text_of(RIG_ORGANIZATION), rf_text_of(product));
    return key;
}

/* The key of the node at a level. */
static rf_key node_key(engine_rig *rig, const char *product, const char *place,
                       rf_level level)
{
    const rf_generation *generation = engine_generation(rig);
    rf_key key = product_key(rig, product);
    rf_place at = engine_place(rig, place);
    for (size_t i = 0; i < generation->level_count; i++) {
        if (generation->levels[i].level == level) {
            rf_key_node(&key, generation->levels[i].number, level, &at);
            return key;
        }
    }
    fail_msg("no such level");
    return key;
}

static void save_node(engine_rig *rig, const rf_key *key, const char *measure,
                      double units)
{
    rf_node node = {.coordinates = {(const unsigned char *)"", 0}};
    rf_buffer value = {0};
    assert_int_equal(rf_measures_add(&node.measures,
                                     engine_measure(rig, measure),
                                     engine_units(units), NULL),
                     RF_OK);
    rf_node_encode(&node, &value);
    save(rig, RF_TABLE_STOCK, key,
         (rf_bytes){(const unsigned char *)value.bytes, value.length});
    rf_measures_done(&node.measures);
    rf_buffer_done(&value);
}

static void test_a_sound_store_is_counted(void **state)
{
    engine_rig *rig = *state;
    fill(rig);
    rf_verify_report report = {0};
    const told *lines = verify(rig, &report);
    assert_int_equal(lines->count, 0);
    assert_int_equal(report.differences, 0);
    assert_int_equal(report.environments, 1);
    assert_int_equal(report.products, 2);
    assert_int_equal(report.leaves, 4);
    assert_true(report.nodes > report.leaves);
    assert_int_equal(report.reservations, 2);
    assert_int_equal(report.journal_entries, 7);
    assert_int_equal(report.places, 2);
    assert_int_equal(report.replayed, 1);
}

static void test_an_empty_store_is_sound(void **state)
{
    engine_rig *rig = *state;
    rf_verify_report report = {0};
    assert_int_equal(verify(rig, &report)->count, 0);
    assert_int_equal(report.environments, 0);
    assert_int_equal(report.differences, 0);
}

static void test_a_wrong_total(void **state)
{
    engine_rig *rig = *state;
    fill(rig);
    rf_key key = node_key(rig, "TROUSERS", "siteid=2", RF_BIT(RF_SITE));
    save_node(rig, &key, "pos.inbound", 4.5);
    expect(rig, 1,
           "organization usmf, product TROUSERS, siteid 2: the total "
           "of pos.inbound is 1.5 too high");
}

static void test_a_missing_node(void **state)
{
    engine_rig *rig = *state;
    fill(rig);
    rf_key key = node_key(rig, "TROUSERS", "", 0);
    remove_record(rig, RF_TABLE_STOCK, &key);
    expect(rig, 1, "product TROUSERS: the total of pos.inbound is 3 too low");
}

static void test_a_node_without_leaves(void **state)
{
    engine_rig *rig = *state;
    fill(rig);
    rf_key key = node_key(rig, "TROUSERS", "siteid=9", RF_BIT(RF_SITE));
    save_node(rig, &key, "pos.outbound", 1);
    expect(rig, 1, "siteid 9: the total of pos.outbound is 1 too high");
}

/* A leaf that changes is wrong at every level, and in the journal's sum. */
static void test_a_changed_leaf(void **state)
{
    engine_rig *rig = *state;
    fill(rig);
    rf_key key =
        node_key(rig, "TROUSERS", "siteid=2, locationid=X", RF_LEVEL_LEAF);
    save_node(rig, &key, "pos.inbound", 2);
    rf_verify_report report = {0};
    const told *lines = verify(rig, &report);
    rig->is_damaged = true;
    /* At every level but its own, those of the two groups and the two of what
     * is scheduled. */
    assert_int_equal(report.differences,
                     engine_generation(rig)->level_count - 1 - 4 + 1);
    assert_non_null(
        strstr(lines->text[lines->count - 1], "the journal do not add up"));
}

static void test_damaged_records(void **state)
{
    engine_rig *rig = *state;
    fill(rig);
    rf_key key = node_key(rig, "TROUSERS", "siteid=2", RF_BIT(RF_SITE));
    flip(rig, RF_TABLE_STOCK, &key);
    expect(rig, 2, "the checksum of a stored node is wrong");
}

static void test_a_node_under_another_key(void **state)
{
    engine_rig *rig = *state;
    fill(rig);
    rf_key key =
        node_key(rig, "TROUSERS", "siteid=2, locationid=X", RF_LEVEL_PLACE);
    rf_buffer value = load(rig, RF_TABLE_STOCK, &key);
    rf_key other = node_key(rig, "TROUSERS", "", RF_BIT(RF_SITE));
    rf_key_coordinate(&other, 3, rf_text_of("L"));
    save(rig, RF_TABLE_STOCK, &other,
         (rf_bytes){(const unsigned char *)value.bytes, value.length});
    rf_buffer_done(&value);
    expect(rig, 1, "a node's key does not fit its coordinates");
}

static void test_a_level_that_is_not_there(void **state)
{
    engine_rig *rig = *state;
    fill(rig);
    rf_key key = product_key(rig, "TROUSERS");
    rf_key_level(&key, 199);
    save_node(rig, &key, "pos.inbound", 1);
    expect(rig, 1, "a node belongs to a level that does not exist");
}

static void test_heads_and_reservations(void **state)
{
    engine_rig *rig = *state;
    fill(rig);
    rf_key key = product_key(rig, "SHIRT");
    rf_key_head(&key);
    rf_buffer value = load(rig, RF_TABLE_STOCK, &key);
    remove_record(rig, RF_TABLE_STOCK, &key);
    expect(rig, 1, "head does not count what it holds");
    save(rig, RF_TABLE_STOCK, &key,
         (rf_bytes){(const unsigned char *)value.bytes, value.length});
    rf_buffer_done(&value);
    flip(rig, RF_TABLE_STOCK, &key);
    expect(rig, 2, "the checksum of a stored head is wrong");
}

static void test_a_reservation_that_nobody_counts(void **state)
{
    engine_rig *rig = *state;
    fill(rig);
    rf_key key = product_key(rig, "SHIRT");
    rf_reservation reservation = {
        .level = RF_LEVEL_PLACE,
        .coordinates = {(const unsigned char *)"\1\1"
                                               "1",
                        3},
        .recipient = RF_TEXT_EMPTY,
        .order_tag = RF_TEXT_EMPTY,
        .quantity = 1,
    };
    rf_buffer value = {0};
    rf_reservation_encode(&reservation, &value);
    rf_key_reservation(&key, 77);
    save(rig, RF_TABLE_STOCK, &key,
         (rf_bytes){(const unsigned char *)value.bytes, value.length});
    rf_buffer_done(&value);
    expect(rig, 2, "a reservation's level is not that of its coordinates");
    flip(rig, RF_TABLE_STOCK, &key);
    expect(rig, 1, "the checksum of a stored reservation is wrong");
}

/* Where the hold's end is noted. */
static rf_key end_key(engine_rig *rig, const rf_result *held, int64_t at_ms)
{
    rf_due_parts parts = {engine_generation(rig)->environment,
                          at_ms,
                          rf_text_of(RIG_ORGANIZATION),
                          rf_text_of("SHIRT"),
                          held->reservation,
                          RF_DUE_HOLD};
    rf_key key;
    rf_key_due(&key, &parts);
    return key;
}

static void test_the_ends_of_holds(void **state)
{
    engine_rig *rig = *state;
    fill(rig);
    rf_command command = engine_reserve(rig, "SHIRT", RED_S, 1, false);
    command.ttl_ms = 1000;
    const rf_result *held = engine_do(rig, &command);
    rf_verify_report report = {0};
    assert_int_equal(verify(rig, &report)->count, 0);
    assert_int_equal(report.holds, 1);
    const rf_bytes mark = {(const unsigned char *)"\1", 1};
    rf_key key = end_key(rig, held, held->expires_ms);
    remove_record(rig, RF_TABLE_DUE, &key);
    expect(rig, 1, "it is not noted when a hold ends");
    rf_key late = end_key(rig, held, held->expires_ms + 1);
    save(rig, RF_TABLE_DUE, &late, mark);
    expect(rig, 2, "it is not noted when a hold ends");
    save(rig, RF_TABLE_DUE, &key, mark);
    expect(rig, 1, "product SHIRT: something ends that is not held");
    save(rig, RF_TABLE_DUE, &late, (rf_bytes){(const unsigned char *)"x", 1});
    expect(rig, 1, "a damaged entry");
    remove_record(rig, RF_TABLE_DUE, &late);
    late.length--;
    save(rig, RF_TABLE_DUE, &late, mark);
    expect(rig, 1, "a damaged entry");
    remove_record(rig, RF_TABLE_DUE, &late);
    key = product_key(rig, "SHIRT");
    rf_key_reservation(&key, held->reservation);
    remove_record(rig, RF_TABLE_STOCK, &key);
    expect(rig, 2, "the product's head does not count what it holds");
}

static void test_the_index_of_places(void **state)
{
    engine_rig *rig = *state;
    fill(rig);
    rf_key key;
    rf_text organization = rf_text_of(RIG_ORGANIZATION);
    uint16_t environment = engine_generation(rig)->environment;
    rf_key_place(&key, environment, organization, rf_text_of("9"),
                 rf_text_of("Z"), rf_text_of("SHIRT"));
    save(rig, RF_TABLE_PLACE, &key, (rf_bytes){(const unsigned char *)"\1", 1});
    rf_verify_report report = {0};
    assert_int_equal(verify(rig, &report)->count, 0); /* stock may go */

    rf_key_place(&key, environment, organization, rf_text_of("2"),
                 rf_text_of("X"), rf_text_of("TROUSERS"));
    remove_record(rig, RF_TABLE_PLACE, &key);
    expect(rig, 1, "the index of places lacks this product");
    save(rig, RF_TABLE_PLACE, &key, (rf_bytes){(const unsigned char *)"\2", 1});
    expect(rig, 1, "the index of places has a damaged entry");
}

static void test_the_journal(void **state)
{
    engine_rig *rig = *state;
    fill(rig);
    rf_key key;
    rf_key_journal(&key, engine_generation(rig)->environment, 3);
    rf_buffer value = load(rig, RF_TABLE_JOURNAL, &key);
    remove_record(rig, RF_TABLE_JOURNAL, &key);
    expect(rig, 2, "the journal goes from number 2 to 4");
    save(rig, RF_TABLE_JOURNAL, &key,
         (rf_bytes){(const unsigned char *)value.bytes, value.length});
    rf_buffer_done(&value);
    flip(rig, RF_TABLE_JOURNAL, &key);
    expect(rig, 2, "journal entry 3: the checksum");
}

/* Where the journal's beginning is gone nothing can be added up. */
static void test_a_journal_without_its_beginning(void **state)
{
    engine_rig *rig = *state;
    fill(rig);
    rf_key key;
    rf_key_journal(&key, engine_generation(rig)->environment, 1);
    remove_record(rig, RF_TABLE_JOURNAL, &key);
    rf_verify_report report = {0};
    assert_int_equal(verify(rig, &report)->count, 0);
    assert_int_equal(report.replayed, 0);
}

static void test_records_of_nobody(void **state)
{
    engine_rig *rig = *state;
    fill(rig);
    rf_key key;
    rf_key_product(&key, 999, rf_text_of(RIG_ORGANIZATION), rf_text_of("P"));
    rf_key_head(&key);
    save(rig, RF_TABLE_STOCK, &key, (rf_bytes){(const unsigned char *)"x", 1});
    rf_key_journal(&key, 999, 1);
    save(rig, RF_TABLE_JOURNAL, &key,
         (rf_bytes){(const unsigned char *)"x", 1});
    rf_key_place(&key, 999, RF_TEXT_EMPTY, RF_TEXT_EMPTY, RF_TEXT_EMPTY,
                 RF_TEXT_EMPTY);
    save(rig, RF_TABLE_PLACE, &key, (rf_bytes){(const unsigned char *)"\1", 1});
    rf_key_due(&key, &(rf_due_parts){999, 1, rf_text_of(RIG_ORGANIZATION),
                                     rf_text_of("P"), 1, RF_DUE_HOLD});
    save(rig, RF_TABLE_DUE, &key, (rf_bytes){(const unsigned char *)"\1", 1});
    expect(rig, 4, "the stock has a record that belongs to no product");
}

static void test_an_environment_that_cannot_be_read(void **state)
{
    engine_rig *rig = *state;
    fill(rig);
    rf_key key = {.length = sizeof "environment/" - 1 + 2};
    memcpy(key.bytes, "environment/\0\1", key.length);
    flip(rig, RF_TABLE_META, &key);
    expect(rig, 1, "nothing else was looked at");
}

static void test_telling_can_be_stopped(void **state)
{
    engine_rig *rig = *state;
    fill(rig);
    rf_key key =
        node_key(rig, "TROUSERS", "siteid=2, locationid=X", RF_LEVEL_LEAF);
    save_node(rig, &key, "pos.inbound", 2);
    rf_verify_report report = {0};
    told *lines = rf_arena_calloc(&rig->arena, 1, sizeof *lines);
    assert_non_null(lines);
    lines->stop_at = 2;
    rf_verify_options options = {.differ = note, .context = lines};
    assert_int_equal(rf_verify(rig->disk->store, &options, &report, NULL),
                     RF_OK);
    assert_int_equal(lines->count, 2);
    assert_int_equal(report.differences, 2);
    rig->is_damaged = true;
}

static void test_no_more_than_a_hundred_are_told(void **state)
{
    engine_rig *rig = *state;
    fill(rig);
    for (int i = 0; i < 150; i++) {
        char product[16];
        snprintf(product, sizeof product, "P%d", i);
        rf_key key = node_key(rig, product, "siteid=2", RF_BIT(RF_SITE));
        save_node(rig, &key, "pos.inbound", 2);
    }
    rf_verify_report report = {0};
    assert_int_equal(verify(rig, &report)->count, RF_VERIFY_TOLD_MAX);
    assert_int_equal(report.differences, 150);
    rig->is_damaged = true;
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_shop, engine_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_a_sound_store_is_counted),
        cmocka_unit_test_setup_teardown(test_an_empty_store_is_sound,
                                        engine_set_up, engine_tear_down),
        CASE(test_a_wrong_total),
        CASE(test_a_missing_node),
        CASE(test_a_node_without_leaves),
        CASE(test_a_changed_leaf),
        CASE(test_damaged_records),
        CASE(test_a_node_under_another_key),
        CASE(test_a_level_that_is_not_there),
        CASE(test_heads_and_reservations),
        CASE(test_a_reservation_that_nobody_counts),
        CASE(test_the_ends_of_holds),
        CASE(test_the_index_of_places),
        CASE(test_the_journal),
        CASE(test_a_journal_without_its_beginning),
        CASE(test_records_of_nobody),
        CASE(test_an_environment_that_cannot_be_read),
        CASE(test_telling_can_be_stopped),
        CASE(test_no_more_than_a_hundred_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
