/*
 * test_engine_set.c - counts: what they change, and which of them wins.
 */
#include "core/alloc.h"
#include "core/journal.h"
#include "core/key.h"
#include "core/record.h"
#include "tests/unit/set_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define SHELF "siteid=1, locationid=W"
#define RED SHELF ", ColorId=red"
#define RED_S RED ", SizeId=S"
#define OTHER_SHELF "siteid=1, locationid=X"
#define BLOCK_ROWS 1300 /* more than one step of erasing takes */

/* ---- What a count changes ---- */

static void test_only_what_is_named_changes(void **state)
{
    engine_rig *rig = *state;
    set_post(rig, RED, "pos.inbound=510, pos.outbound=13");
    set_post(rig, RED_S, "pos.inbound=70");
    set_post(rig, SHELF, "pos.inbound=9");
    set_do(rig, RED, "pos.inbound=250.5", 0);
    /* The levels add rows up: 70 and 9 are as they were. */
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 70);
    engine_expect(rig, "SHIRT", RED, "pos.inbound", 320.5);
    engine_expect(rig, "SHIRT", RED, "pos.outbound", 13);
    engine_expect(rig, "SHIRT", SHELF, "pos.inbound", 329.5);
    engine_expect(rig, "SHIRT", "", "pos.inbound", 329.5);
    set_post(rig, RED, "pos.inbound=-50.5");
    set_do(rig, RED, "pos.outbound=0", 0);
    engine_expect(rig, "SHIRT", SHELF, "pos.inbound", 279);
    engine_expect(rig, "SHIRT", SHELF, "pos.outbound", 0);
    set_do(rig, SHELF, "pos.inbound=-4", 0);
    engine_expect(rig, "SHIRT", SHELF, "pos.inbound", 266);
}

/* A row that is counted as nothing is a row. */
static void test_a_count_of_nothing(void **state)
{
    engine_rig *rig = *state;
    rf_command command = set_command(rig, RED_S, "pos.outbound=0", 0);
    rf_job *job = engine_job(rig, &command, 1);
    job->dry_run = true;
    rf_result *result = engine_run_job(rig, job);
    assert_true(rf_measures_has(&result->quantities,
                                engine_measure(rig, "pos.outbound")));
    rf_result_done(result);
    set_do(rig, RED_S, "pos.inbound=0", 0);
    rf_verify_report report = {0};
    assert_int_equal(engine_verify(rig, &report), 0);
    assert_int_equal(report.leaves, 1);
}

/* 37, set 100, +5, set 90 of an earlier time, set 80 of a later one. */
static void test_the_later_count_wins(void **state)
{
    engine_rig *rig = *state;
    set_post(rig, RED_S, "pos.inbound=37");
    set_do(rig, RED_S, "pos.inbound=100", 50);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 100);
    set_post(rig, RED_S, "pos.inbound=5");
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 105);
    set_stale(rig, RED_S, "pos.inbound=90", 49);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 105);
    set_do(rig, RED_S, "pos.inbound=80", 51);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 80);
}

static void test_of_equal_times_the_later_request_wins(void **state)
{
    engine_rig *rig = *state;
    set_do(rig, RED_S, "pos.inbound=1", 50);
    set_do(rig, RED_S, "pos.inbound=2", 50);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 2);
}

static void test_without_a_time_it_is_now(void **state)
{
    engine_rig *rig = *state;
    rf_command ahead = set_command(rig, RED_S, "pos.inbound=3", 0);
    set_do(rig, RED_S, "pos.inbound=1", 0);
    set_do(rig, RED_S, "pos.inbound=2", 0);
    set_stale(rig, RED_S, "pos.inbound=4", 1);
    ahead.at_ms = rig->now_ms + 1;
    assert_false(engine_do(rig, &ahead)->stale);
    set_stale(rig, RED_S, "pos.inbound=5", 0);
    rig->now_ms++;
    set_do(rig, RED_S, "pos.inbound=6", 0);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 6);
}

static void test_times_long_ago(void **state)
{
    engine_rig *rig = *state;
    rf_command command = set_command(rig, RED_S, "pos.inbound=1", 0);
    command.at_ms = INT64_C(-62135596800000); /* the year 1 */
    assert_false(engine_do(rig, &command)->stale);
    command = set_command(rig, RED_S, "pos.inbound=2", 0);
    command.at_ms = -1;
    assert_false(engine_do(rig, &command)->stale);
    command = set_command(rig, RED_S, "pos.inbound=3", 0);
    command.at_ms = -2;
    assert_true(engine_do(rig, &command)->stale);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 2);
}

/* Times are of a row and a measure. */
static void test_each_row_and_measure_has_its_time(void **state)
{
    engine_rig *rig = *state;
    set_do(rig, RED_S, "pos.inbound=1", 50);
    set_do(rig, RED_S, "pos.outbound=2", 10);
    set_do(rig, RED, "pos.inbound=3", 10);
    set_do(rig, OTHER_SHELF, "pos.inbound=4", 10);
    set_do(rig, "", "pos.inbound=5", 10);
    rf_command command = set_command(rig, RED_S, "pos.inbound=6", 10);
    command.product = rf_text_of("COAT");
    assert_false(engine_do(rig, &command)->stale);
    command = set_command(rig, RED_S, "pos.inbound=7", 10);
    command.organization = rf_text_of("brno");
    assert_false(engine_do(rig, &command)->stale);
    engine_expect(rig, "SHIRT", "", "pos.inbound", 13);
    assert_int_equal(set_count_records(rig), 6);
}

/* A count of several measures leaves alone the ones that are newer. */
static void test_a_count_that_is_stale_in_part(void **state)
{
    engine_rig *rig = *state;
    set_do(rig, RED_S, "pos.inbound=1", 30);
    const rf_result *result = set_do(
        rig, RED_S, "fno.availphysical=5, pos.inbound=6, pos.outbound=7", 20);
    assert_non_null(strstr(result->message, "1 of 3"));
    engine_expect(rig, "SHIRT", RED_S, "fno.availphysical", 5);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 1);
    engine_expect(rig, "SHIRT", RED_S, "pos.outbound", 7);
    /* Each has the time it was set for. */
    set_stale(rig, RED_S, "fno.availphysical=8, pos.outbound=8", 19);
    set_do(rig, RED_S, "pos.outbound=9", 20);
    set_stale(rig, RED_S, "pos.inbound=9", 29);
    set_do(rig, RED_S, "pos.inbound=9", 30);
    assert_int_equal(set_count_records(rig), 1);
}

/* What cannot be is no count, and leaves no time behind. */
static void test_quantities_that_cannot_be(void **state)
{
    engine_rig *rig = *state;
    rf_command flood = engine_post(rig, "SHIRT", RED_S, "pos.inbound=-1");
    rf_amount huge = {engine_measure(rig, "pos.inbound"), INT64_MIN + 1};
    flood.changes = &huge;
    engine_do(rig, &flood);
    rf_command command = set_command(rig, RED_S, "pos.inbound=1", 50);
    rf_result *result = engine_run(rig, &command);
    assert_int_equal(result->status, RF_E_QUANTITY_OVERFLOW);
    assert_true(engine_run(rig, &command)->replayed);
    assert_int_equal(set_count_records(rig), 0);
    /* At its own row it fits, but not in the total above. */
    command = set_command(rig, RED, "pos.inbound=-5, pos.outbound=1", 50);
    assert_int_equal(engine_run(rig, &command)->status, RF_E_QUANTITY_OVERFLOW);
    engine_expect(rig, "SHIRT", RED, "pos.outbound", 0);
    assert_int_equal(set_count_records(rig), 0);
    set_do(rig, RED_S, "pos.inbound=-1", 10);
    engine_expect(rig, "SHIRT", SHELF, "pos.inbound", -1);
}

/* A row whose key does not fit is told from others by its hash. */
static void test_long_coordinates(void **state)
{
    engine_rig *rig = *state;
    char place[1024];
    char other[1024];
    char value[190];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    snprintf(place, sizeof place, SHELF ", ColorId=%s, SizeId=%s, StyleId=a",
             value, value);
    snprintf(other, sizeof other, SHELF ", ColorId=%s, SizeId=%s, StyleId=b",
             value, value);
    set_do(rig, place, "pos.inbound=1", 50);
    set_stale(rig, place, "pos.inbound=2", 40);
    set_do(rig, other, "pos.inbound=3", 40);
    engine_expect(rig, "SHIRT", SHELF, "pos.inbound", 4);
    assert_int_equal(set_count_records(rig), 2);
    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~1~W"), RF_OK);
    assert_int_equal(set_count_records(rig), 0);
}

/* ---- Ids and the journal ---- */

/* What an entry says. */
typedef struct said {
    uint64_t number;
    rf_operation operation;
    size_t movements;
    rf_movement first;
    char word[32];
    char message[192];
} said;

static bool take_entry(void *context, const rf_entry *entry)
{
    said *out = context;
    out->number = entry->number;
    out->operation = entry->operation;
    out->movements = entry->movement_count;
    if (entry->movement_count > 0) {
        out->first = entry->movements[0];
    }
    snprintf(out->word, sizeof out->word, "%s", rf_result_word(&entry->result));
    snprintf(out->message, sizeof out->message, "%s", entry->result.message);
    return false;
}

static said read_entry(engine_rig *rig, uint64_t number)
{
    said out = {0};
    rf_store *store = rig->disk->store;
    rf_store_transaction *reader = rig_begin(store, false);
    rf_journal_range range = {engine_generation(rig)->environment, number - 1};
    assert_int_equal(
        rf_journal_read(store, reader, range, take_entry, &out, NULL), RF_OK);
    store->operations->abort(reader);
    assert_int_equal(out.number, number);
    return out;
}

static void test_the_journal(void **state)
{
    engine_rig *rig = *state;
    set_post(rig, RED_S, "pos.inbound=37");
    said entry =
        read_entry(rig, set_do(rig, RED_S, "pos.inbound=30", 50)->number);
    assert_int_equal(entry.operation, RF_OPERATION_SET);
    assert_string_equal(rf_operation_name(entry.operation), "set");
    assert_string_equal(rf_operation_prefix(entry.operation), "ohse");
    assert_int_equal(entry.movements, 1);
    assert_true(entry.first.delta == engine_units(-7));
    assert_true(entry.first.total == engine_units(30));
    assert_string_equal(entry.word, "");
    entry =
        read_entry(rig, set_stale(rig, RED_S, "pos.inbound=31", 40)->number);
    assert_int_equal(entry.operation, RF_OPERATION_SET);
    assert_int_equal(entry.movements, 0);
    assert_string_equal(entry.word, "stale_snapshot");
    assert_string_not_equal(entry.message, "");
    entry = read_entry(
        rig, set_do(rig, RED_S, "pos.inbound=31, pos.outbound=2", 40)->number);
    assert_int_equal(entry.movements, 1);
    assert_true(entry.first.total == engine_units(2));
    assert_string_equal(entry.word, "");
}

static void test_ids(void **state)
{
    engine_rig *rig = *state;
    rf_command first = set_command(rig, RED_S, "pos.inbound=10", 0);
    rf_command late = set_command(rig, RED_S, "pos.inbound=11", 40);
    assert_false(engine_do(rig, &first)->replayed);
    assert_true(engine_do(rig, &late)->stale);
    set_post(rig, RED_S, "pos.inbound=1");
    for (int round = 0; round < 2; round++) {
        rf_result *result = engine_do(rig, &first);
        assert_true(result->replayed && !result->stale);
        result = engine_do(rig, &late);
        assert_true(result->replayed && result->stale);
        assert_string_not_equal(result->message, "");
        engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 11);
        engine_restart(rig);
    }
    /* The time and the values are the content; a change event with the same
     * id is something else. */
    late.at_ms += 1;
    assert_int_equal(engine_run(rig, &late)->status, RF_E_CONFLICT);
    rf_amount other = {late.changes[0].measure, engine_units(12)};
    late.at_ms -= 1;
    late.changes = &other;
    assert_int_equal(engine_run(rig, &late)->status, RF_E_CONFLICT);
    late.operation = RF_OPERATION_POST;
    late.at_ms = 0;
    assert_false(engine_do(rig, &late)->replayed);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 23);
}

/* ---- Together with other commands ---- */

static void test_lines_see_the_ones_before(void **state)
{
    engine_rig *rig = *state;
    rf_command lines[] = {
        set_command(rig, RED_S, "pos.inbound=10", 50),
        engine_post(rig, "SHIRT", RED_S, "pos.inbound=1"),
        set_command(rig, RED_S, "pos.inbound=20", 40),
        set_command(rig, RED_S, "pos.inbound=30, pos.outbound=3", 40),
        set_command(rig, RED_S, "pos.outbound=4", 39),
    };
    for (int atomic = 0; atomic < 2; atomic++) {
        for (size_t i = 0; i < 5; i++) {
            lines[i].product = rf_text_of(atomic == 1 ? "COAT" : "SHIRT");
            lines[i].id = rf_text_of(&"abcdefghij"[5 * (size_t)atomic + i]);
        }
        rf_job *job = engine_job(rig, lines, 5);
        job->atomic = atomic == 1;
        const rf_result *results = engine_run_job(rig, job);
        for (size_t i = 0; i < 5; i++) {
            assert_int_equal(results[i].status, RF_OK);
            assert_int_equal(results[i].stale, i == 2 || i == 4);
        }
        const char *product = lines[0].product.bytes;
        engine_expect(rig, product, RED_S, "pos.inbound", 11);
        engine_expect(rig, product, RED_S, "pos.outbound", 3);
    }
}

/* Several jobs of one batch. */
static void test_jobs_of_a_batch(void **state)
{
    engine_rig *rig = *state;
    rf_command one = set_command(rig, RED_S, "pos.inbound=10", 50);
    rf_command two = set_command(rig, RED_S, "pos.inbound=20", 40);
    rf_job *jobs = engine_job(rig, &one, 1);
    jobs->next = engine_job(rig, &two, 1);
    rf_job *second = jobs->next;
    engine_run_job(rig, jobs);
    assert_false(jobs->results[0].stale);
    assert_true(second->results[0].stale);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 10);
}

static void test_what_is_undone_leaves_no_time(void **state)
{
    engine_rig *rig = *state;
    set_do(rig, RED_S, "pos.outbound=1", 10);
    rf_command lines[] = {
        set_command(rig, RED_S, "pos.inbound=5", 50),
        set_command(rig, RED_S, "pos.outbound=5", 50),
        engine_reserve(rig, "SHIRT", RED_S, 6, true),
    };
    rf_command behind = set_command(rig, RED_S, "pos.outbound=2", 11);
    rf_job *job = engine_job(rig, lines, 3);
    rf_job *next = engine_job(rig, &behind, 1);
    job->atomic = true;
    job->next = next;
    const rf_result *results = engine_run_job(rig, job);
    assert_int_equal(results[0].status, RF_E_BASKET_REFUSED);
    assert_int_equal(results[2].status, RF_E_INSUFFICIENT_AVAILABLE);
    assert_int_equal(next->results[0].status, RF_OK);
    assert_false(next->results[0].stale);
    job = engine_job(rig, lines, 2);
    job->dry_run = true;
    job->commands[0].id = rf_text_of("x");
    job->commands[1].id = rf_text_of("y");
    results = engine_run_job(rig, job);
    assert_true(rf_measures_get(&results[1].quantities,
                                engine_measure(rig, "pos.outbound")) ==
                engine_units(5));
    rf_result_done(&job->results[0]);
    rf_result_done(&job->results[1]);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 0);
    engine_expect(rig, "SHIRT", RED_S, "pos.outbound", 2);
    set_stale(rig, RED_S, "pos.outbound=7", 10);
    set_do(rig, RED_S, "pos.inbound=7, pos.outbound=7", 11);
    /* A count decides what is there to reserve. */
    lines[2] = engine_reserve(rig, "SHIRT", RED_S, 1, true);
    assert_int_equal(engine_run(rig, &lines[2])->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
}

/* ---- What is stored ---- */

static void test_times_are_stored(void **state)
{
    engine_rig *rig = *state;
    set_do(rig, RED_S, "pos.inbound=1, pos.outbound=2", 50);
    engine_restart(rig);
    set_stale(rig, RED_S, "pos.outbound=3", 49);
    set_do(rig, RED_S, "pos.outbound=4", 60);
    engine_restart(rig);
    set_stale(rig, RED_S, "pos.outbound=5", 59);
    set_do(rig, RED_S, "pos.inbound=5", 50);
}

/* Rows that are only posted to have nothing beside them. */
static void test_posts_leave_no_times(void **state)
{
    engine_rig *rig = *state;
    set_post(rig, RED_S, "pos.inbound=1");
    rf_command command = engine_reserve(rig, "SHIRT", RED_S, 1, true);
    engine_do(rig, &command);
    assert_int_equal(set_count_records(rig), 0);
    set_do(rig, RED_S, "pos.inbound=5", 50);
    set_post(rig, RED_S, "pos.inbound=1");
    assert_int_equal(set_count_records(rig), 1);
}

static void test_erasing(void **state)
{
    engine_rig *rig = *state;
    set_do(rig, RED_S, "pos.inbound=1", 50);
    set_do(rig, SHELF, "pos.inbound=1", 50);
    set_do(rig, OTHER_SHELF, "pos.inbound=1", 50);
    set_do(rig, "siteid=1", "pos.inbound=1", 50);
    set_do(rig, "ColorId=red", "pos.inbound=1", 50);
    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~1~W"), RF_OK);
    assert_int_equal(set_count_records(rig), 3);
    set_do(rig, RED_S, "pos.inbound=2", 10);
    set_do(rig, SHELF, "pos.inbound=2", 10);
    set_stale(rig, OTHER_SHELF, "pos.inbound=2", 10);
    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~1~"), RF_OK);
    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~~"), RF_OK);
    set_do(rig, "siteid=1", "pos.inbound=2", 10);
    set_do(rig, "ColorId=red", "pos.inbound=2", 10);
    engine_expect(rig, "SHIRT", "", "pos.inbound", 9);
}

static void test_erasing_a_product(void **state)
{
    engine_rig *rig = *state;
    rig->draft->draft.by_product = true;
    engine_configure(rig);
    set_do(rig, RED_S, "pos.inbound=1", 50);
    set_do(rig, "", "pos.inbound=1", 50);
    rf_command coat = set_command(rig, RED_S, "pos.inbound=1", 50);
    coat.product = rf_text_of("COAT");
    engine_do(rig, &coat);
    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~SHIRT"), RF_OK);
    assert_int_equal(set_count_records(rig), 1);
    set_do(rig, RED_S, "pos.inbound=2", 10);
    set_do(rig, "", "pos.inbound=2", 10);
}

/* More rows than one transaction erases; every row has its own time. */
static void test_erasing_many_rows(void **state)
{
    engine_rig *rig = *state;
    rf_command *lines = rf_arena_calloc(&rig->arena, BLOCK_ROWS, sizeof *lines);
    assert_non_null(lines);
    for (int i = 0; i < BLOCK_ROWS; i++) {
        char place[64];
        snprintf(place, sizeof place, SHELF ", SizeId=%d", i);
        lines[i] = set_command(rig, place, "pos.inbound=1", i + 1);
    }
    engine_run_job(rig, engine_job(rig, lines, BLOCK_ROWS));
    assert_int_equal(set_count_records(rig), BLOCK_ROWS);
    engine_expect(rig, "SHIRT", SHELF, "pos.inbound", BLOCK_ROWS);
    assert_int_equal(engine_erase(rig, RIG_ORGANIZATION "~1~W"), RF_OK);
    assert_int_equal(set_count_records(rig), 0);
    rf_verify_report report = {0};
    assert_int_equal(engine_verify(rig, &report), 0);
    assert_int_equal(report.products, 0);
}

/* ---- Damage ---- */

static void set_key(engine_rig *rig, const char *place, rf_key *key)
{
    rf_place at = engine_place(rig, place);
    rf_key_product(key, engine_generation(rig)->environment,
                   rf_text_of(RIG_ORGANIZATION), rf_text_of("SHIRT"));
    rf_key_set_times(key, &at);
}

static void save_times(engine_rig *rig, const rf_key *key,
                       const rf_buffer *value)
{
    rf_store *store = rig->disk->store;
    rf_store_transaction *writer = rig_begin(store, true);
    rf_store_item item = {RF_TABLE_STOCK,
                          rf_key_bytes(key),
                          {(const unsigned char *)value->bytes, value->length}};
    assert_int_equal(store->operations->save(writer, &item, 1, NULL), RF_OK);
    rig_commit(store, writer);
    rig->is_damaged = true;
}

static bool keep_text(void *context, const char *text)
{
    snprintf(context, 256, "%s", text);
    return true;
}

/* Expect one difference that says so. */
static void expect_damage(engine_rig *rig, const char *what)
{
    char told[256] = "";
    rf_error err = {0};
    rf_verify_report report = {0};
    rf_verify_options options = {.differ = keep_text, .context = told};
    assert_int_equal(rf_verify(rig->disk->store, &options, &report, &err),
                     RF_OK);
    assert_int_equal(report.differences, 1);
    if (strstr(told, what) == NULL) {
        fail_msg("'%s' does not say '%s'", told, what);
    }
}

static void test_damaged_times(void **state)
{
    engine_rig *rig = *state;
    rf_key key;
    rf_set_time items[] = {{1, 5}, {2, -6}};
    rf_set_times times = {items, 2};
    rf_buffer value = {0};
    set_do(rig, RED_S, "pos.inbound=1", 50);
    set_key(rig, RED_S, &key);
    rf_set_times_encode(&times, &value);
    value.bytes[2] ^= 4;
    save_times(rig, &key, &value);
    expect_damage(rig, "time of a set");
    rf_command command = set_command(rig, RED_S, "pos.inbound=2", 60);
    assert_int_equal(engine_run(rig, &command)->status, RF_E_STORAGE);
    /* Measures out of order would not be found again. */
    static const rf_set_time swapped[] = {{2, 5}, {1, 6}};
    static const rf_set_time twice[] = {{2, 5}, {2, 6}};
    static const rf_set_time beyond[] = {{1, 5}, {RF_MEASURES_MAX, 6}};
    static const rf_set_time *const wrong[] = {swapped, twice, beyond};
    for (size_t i = 0; i < 3; i++) {
        times.items = wrong[i];
        rf_buffer_clear(&value);
        rf_set_times_encode(&times, &value);
        save_times(rig, &key, &value);
        expect_damage(rig, "a damaged time of a set");
    }
    rf_buffer_done(&value);
}

static void test_times_of_no_row(void **state)
{
    engine_rig *rig = *state;
    rf_key key;
    rf_set_times times = {0};
    rf_buffer value = {0};
    set_do(rig, RED_S, "pos.inbound=1", 50);
    set_key(rig, RED_S, &key);
    rf_set_times_encode(&times, &value);
    rf_key_coordinate(&key, RF_DIMENSION_COUNT, rf_text_of("web"));
    save_times(rig, &key, &value);
    rf_buffer_done(&value);
    expect_damage(rig, "no row of the stock");
}

/* Every allocation fails once: nothing is half done, and the time is stored
 * with its value. */
static void test_without_memory(void **state)
{
    engine_rig *rig = *state;
    set_do(rig, RED_S, "pos.inbound=1, pos.outbound=1", 10);
    engine_restart(rig);
    rf_status status = RF_E_NO_MEMORY;
    unsigned long nth = 0;
    rf_command lines[] = {
        set_command(rig, RED_S, "fno.availphysical=2, pos.outbound=2", 50),
        set_command(rig, OTHER_SHELF, "pos.inbound=2", 50),
    };
    while (status != RF_OK) {
        rf_error err = {0};
        rf_job *job = engine_job(rig, lines, 2);
        rf_alloc_fail_at(++nth);
        status = rf_engine_run(rig->engine, job, &err);
        rf_alloc_fail_at(0);
        assert_true(status == RF_OK || status == RF_E_NO_MEMORY);
        if (status != RF_OK) {
            assert_int_equal(set_count_records(rig), 1);
            engine_expect(rig, "SHIRT", RED_S, "pos.outbound", 1);
        }
    }
    assert_true(nth > 5);
    engine_expect(rig, "SHIRT", RED_S, "pos.outbound", 2);
    set_stale(rig, RED_S, "fno.availphysical=3, pos.outbound=3", 49);
    set_do(rig, RED_S, "pos.inbound=3", 10);
}

#define CASE(test)                                                             \
    cmocka_unit_test_setup_teardown(test, engine_set_up_shop, engine_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_only_what_is_named_changes),
        CASE(test_a_count_of_nothing),
        CASE(test_the_later_count_wins),
        CASE(test_of_equal_times_the_later_request_wins),
        CASE(test_without_a_time_it_is_now),
        CASE(test_times_long_ago),
        CASE(test_each_row_and_measure_has_its_time),
        CASE(test_a_count_that_is_stale_in_part),
        CASE(test_quantities_that_cannot_be),
        CASE(test_long_coordinates),
        CASE(test_the_journal),
        CASE(test_ids),
        CASE(test_lines_see_the_ones_before),
        CASE(test_jobs_of_a_batch),
        CASE(test_what_is_undone_leaves_no_time),
        CASE(test_times_are_stored),
        CASE(test_posts_leave_no_times),
        CASE(test_erasing),
        CASE(test_erasing_many_rows),
        cmocka_unit_test_setup_teardown(test_erasing_a_product, engine_set_up,
                                        engine_tear_down),
        CASE(test_damaged_times),
        CASE(test_times_of_no_row),
        CASE(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
