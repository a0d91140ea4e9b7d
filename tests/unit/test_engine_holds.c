/*
 * test_engine_holds.c - reservations that end by themselves.
 */
#include "core/journal.h"
#include "core/reservations.h"
#include "tests/unit/holds_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define SHELF "siteid=1, locationid=W"
#define OTHER_SHELF "siteid=2, locationid=X"
#define RED_S SHELF ", ColorId=red, SizeId=S"
#define ONLY_S SHELF ", SizeId=S"
#define MINUTE INT64_C(60000)
#define DAY (MINUTE * 24 * 60)

static void test_a_hold_counts_until_its_instant(void **state)
{
    engine_rig *rig = *state;
    const int64_t start = rig->now_ms;
    holds_post(rig, RED_S, "pos.inbound=5");
    rf_result *held = holds_make(rig, RED_S, 5, MINUTE);
    assert_true(held->expires_ms == start + MINUTE);
    assert_true(held->quantity == engine_units(5));
    rf_command more = engine_reserve(rig, "SHIRT", RED_S, 5, true);
    rig->now_ms = start + MINUTE - 1;
    assert_int_equal(engine_run(rig, &more)->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
    engine_expect(rig, "SHIRT", SHELF, "iv.softreserved", 5);
    more = engine_reserve(rig, "SHIRT", RED_S, 5, true);
    rig->now_ms = start + MINUTE;
    assert_int_equal(engine_run(rig, &more)->status, RF_OK);
    engine_expect(rig, "SHIRT", SHELF, "iv.softreserved", 5);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 5);
}

static void test_a_hold_may_end_at_a_time(void **state)
{
    engine_rig *rig = *state;
    rf_command command = holds_command(rig, RED_S, 2, 0);
    command.expires_ms = rig->now_ms + 1;
    assert_true(engine_do(rig, &command)->expires_ms == command.expires_ms);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 2);
    holds_sweep_at(rig, command.expires_ms);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
}

/* Whoever reads sees without a lock that there is something to end first. */
static void test_every_thread_can_see_what_is_due(void **state)
{
    engine_rig *rig = *state;
    const int64_t start = rig->now_ms;
    assert_false(holds_is_past(rig, INT64_MAX - 1));
    holds_make(rig, RED_S, 1, 2 * MINUTE);
    holds_make(rig, RED_S, 1, MINUTE);
    holds_make(rig, RED_S, 1, 3 * MINUTE);
    assert_false(holds_is_past(rig, start + MINUTE - 1));
    assert_true(holds_is_past(rig, start + MINUTE));
    holds_sweep_at(rig, start + MINUTE);
    assert_false(holds_is_past(rig, start + 2 * MINUTE - 1));
    assert_true(holds_is_past(rig, start + 2 * MINUTE));
    holds_sweep_at(rig, start + DAY);
    assert_false(holds_is_past(rig, INT64_MAX - 1));
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
}

static void test_every_hold_is_a_record_of_its_own(void **state)
{
    engine_rig *rig = *state;
    rf_command lasting = engine_reserve(rig, "SHIRT", RED_S, 1, false);
    rf_result *first = engine_do(rig, &lasting);
    rf_result *second = holds_make(rig, RED_S, 1, MINUTE);
    rf_result *third = holds_make(rig, RED_S, 1, MINUTE);
    assert_true(first->expires_ms == 0);
    assert_true(second->reservation != first->reservation);
    assert_true(third->reservation != first->reservation);
    assert_true(third->reservation != second->reservation);
    assert_int_equal(third->reservation_created, third->number);
    assert_int_equal(holds_count_ends(rig), 2);
    rig->now_ms += MINUTE;
    lasting = engine_reserve(rig, "SHIRT", RED_S, 1, false);
    assert_int_equal(engine_do(rig, &lasting)->reservation, first->reservation);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 2);
}

/* The level at which only holds lay is free again with the last of them. */
static void test_levels_are_free_again(void **state)
{
    engine_rig *rig = *state;
    holds_post(rig, RED_S, "pos.inbound=10");
    holds_make(rig, ONLY_S, 8, MINUTE);
    holds_make(rig, ONLY_S, 1, 2 * MINUTE);
    rf_command command = engine_reserve(rig, "SHIRT", RED_S, 2, true);
    assert_int_equal(engine_run(rig, &command)->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
    rig->now_ms += MINUTE;
    command = engine_reserve(rig, "SHIRT", RED_S, 9, true);
    engine_do(rig, &command);
    rig->now_ms += MINUTE;
    command = engine_reserve(rig, "SHIRT", RED_S, 1, true);
    engine_do(rig, &command);
}

static void test_what_is_given_back_does_not_end_again(void **state)
{
    engine_rig *rig = *state;
    rf_result *part = holds_make(rig, RED_S, 5, MINUTE);
    rf_result *whole = holds_make(rig, RED_S, 3, MINUTE);
    assert_int_equal(holds_give_back(rig, RED_S, part, 2)->status, RF_OK);
    assert_int_equal(holds_count_ends(rig), 2);
    rf_result *result = holds_give_back(rig, RED_S, whole, 4);
    assert_int_equal(result->status, RF_OK);
    assert_true(result->invalid_offset == engine_units(1));
    assert_int_equal(holds_count_ends(rig), 1);
    assert_int_equal(holds_give_back(rig, RED_S, whole, 1)->status,
                     RF_E_UNKNOWN_RESERVATION);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 3);
    uint64_t before = holds_last_number(rig);
    holds_sweep_at(rig, rig->now_ms + MINUTE);
    assert_int_equal(holds_last_number(rig), before + 1);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
}

static void test_an_ended_hold_is_unknown(void **state)
{
    engine_rig *rig = *state;
    rf_result *held = holds_make(rig, RED_S, 5, MINUTE);
    rig->now_ms += MINUTE;
    rf_result *result = holds_give_back(rig, RED_S, held, 2);
    assert_int_equal(result->status, RF_E_UNKNOWN_RESERVATION);
    assert_true(result->invalid_offset == engine_units(2));
    rf_command back = engine_unreserve(rig, "", RED_S, held, 2);
    assert_int_equal(engine_run(rig, &back)->status, RF_E_UNKNOWN_RESERVATION);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
}

static void test_a_hold_is_given_back_without_its_product(void **state)
{
    engine_rig *rig = *state;
    rf_result *held = holds_make(rig, RED_S, 5, MINUTE);
    rf_command back = engine_unreserve(rig, "", RED_S, held, 5);
    engine_do(rig, &back);
    assert_int_equal(holds_count_ends(rig), 0);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
}

static void expect_first_answer(engine_rig *rig, const rf_command *command,
                                const rf_result *first)
{
    const rf_result *again = engine_do(rig, command);
    assert_true(again->replayed);
    assert_int_equal(again->number, first->number);
    assert_int_equal(again->reservation, first->reservation);
    assert_int_equal(again->reservation_created, first->reservation_created);
    assert_true(again->expires_ms == first->expires_ms);
    assert_true(again->quantity == first->quantity);
}

static void test_the_same_again_after_the_end(void **state)
{
    engine_rig *rig = *state;
    rf_command by_length = holds_command(rig, RED_S, 5, MINUTE);
    rf_command by_time = holds_command(rig, RED_S, 5, 0);
    by_time.expires_ms = rig->now_ms + MINUTE;
    const rf_result *first = engine_do(rig, &by_length);
    const rf_result *second = engine_do(rig, &by_time);
    rig->now_ms += 2 * MINUTE;
    expect_first_answer(rig, &by_length, first);
    expect_first_answer(rig, &by_time, second);
    engine_restart(rig);
    expect_first_answer(rig, &by_length, first);
    expect_first_answer(rig, &by_time, second);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
}

/* An id that was forgotten makes another hold beside the first. */
static void test_the_same_again_after_it_was_forgotten(void **state)
{
    engine_rig *rig = *state;
    rf_command command = holds_command(rig, RED_S, 5, DAY * 90);
    const rf_result *first = engine_do(rig, &command);
    rig->now_ms += DAY * 31;
    engine_settle(rig);
    rf_result *second = engine_do(rig, &command);
    assert_false(second->replayed);
    assert_true(second->reservation != first->reservation);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 10);
    holds_sweep_at(rig, rig->now_ms + DAY * 59);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 5);
    assert_int_equal(holds_give_back(rig, RED_S, second, 5)->status, RF_OK);
}

static void test_the_past_is_invalid_and_not_remembered(void **state)
{
    engine_rig *rig = *state;
    uint64_t before = holds_last_number(rig);
    const int64_t times[] = {rig->now_ms, rig->now_ms - 1, 1, -1, INT64_MIN};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        rf_command command = holds_command(rig, RED_S, 5, 0);
        command.expires_ms = times[i];
        rf_result *result = engine_run(rig, &command);
        assert_int_equal(result->status, RF_E_INVALID_FIELD);
        assert_string_equal(result->field, "expiresAt");
        assert_int_equal(result->number, 0);
        command.expires_ms = rig->now_ms + 1;
        assert_false(engine_do(rig, &command)->replayed);
    }
    assert_int_equal(holds_last_number(rig), before + 5);
    assert_int_equal(holds_count_ends(rig), 5);
}

static void test_what_is_no_hold(void **state)
{
    engine_rig *rig = *state;
    rf_error err = {0};
    rf_command command = holds_command(rig, RED_S, 5, 1);
    const rf_catalog *catalog = engine_catalog(rig);
    command.expires_ms = rig->now_ms + MINUTE;
    assert_int_equal(rf_command_check(catalog, &command, &rig->scratch, &err),
                     RF_E_CONFLICTING_FIELDS);
    command.expires_ms = 0;
    command.ttl_ms = RF_TTL_MS_MAX;
    assert_int_equal(rf_command_check(catalog, &command, &rig->scratch, &err),
                     RF_OK);
    command.ttl_ms = RF_TTL_MS_MAX + 1;
    assert_int_equal(rf_command_check(catalog, &command, &rig->scratch, &err),
                     RF_E_INVALID_FIELD);
    assert_string_equal(err.field, "ttlSeconds");
    command.ttl_ms = -1;
    assert_int_equal(rf_command_check(catalog, &command, &rig->scratch, &err),
                     RF_E_INVALID_FIELD);
    command = holds_command(rig, RED_S, -5, MINUTE);
    assert_int_equal(engine_run(rig, &command)->status, RF_E_NEGATIVE_QUANTITY);
    assert_int_equal(holds_count_ends(rig), 0);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
}

/* All of a batch happens at one instant: what ends then has ended for every
 * command of it. */
static void test_a_batch_at_the_very_instant(void **state)
{
    engine_rig *rig = *state;
    holds_post(rig, RED_S, "pos.inbound=5");
    rf_result *held = holds_make(rig, RED_S, 5, MINUTE);
    rf_command lines[] = {
        engine_unreserve(rig, "SHIRT", RED_S, held, 1),
        engine_reserve(rig, "SHIRT", RED_S, 5, true),
        engine_reserve(rig, "SHIRT", RED_S, 1, true),
    };
    rig->now_ms += MINUTE;
    const rf_result *results = engine_run_job(rig, engine_job(rig, lines, 3));
    assert_int_equal(results[0].status, RF_E_UNKNOWN_RESERVATION);
    assert_int_equal(results[1].status, RF_OK);
    assert_int_equal(results[2].status, RF_E_INSUFFICIENT_AVAILABLE);
}

static void test_a_hold_made_and_given_back_in_one_batch(void **state)
{
    engine_rig *rig = *state;
    rf_command first = holds_command(rig, RED_S, 5, MINUTE);
    rf_job *job = engine_job(rig, &first, 1);
    const rf_result *held = engine_run_job(rig, job);
    rf_command lines[] = {
        holds_command(rig, RED_S, 2, MINUTE),
        engine_unreserve(rig, "SHIRT", RED_S, held, 5), first, /* remembered */
    };
    const rf_result *results = engine_run_job(rig, engine_job(rig, lines, 3));
    assert_int_equal(results[1].status, RF_OK);
    assert_true(results[2].replayed);
    assert_int_equal(holds_count_ends(rig), 1);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 2);
}

static void test_an_undone_basket_holds_nothing(void **state)
{
    engine_rig *rig = *state;
    rf_result *held = holds_make(rig, RED_S, 4, 2 * MINUTE);
    rf_command lines[] = {
        holds_command(rig, RED_S, 5, MINUTE),
        engine_unreserve(rig, "SHIRT", RED_S, held, 4),
        engine_reserve(rig, "SHIRT", RED_S, 50, true),
    };
    rf_job *job = engine_job(rig, lines, 3);
    job->atomic = true;
    engine_run_job(rig, job);
    assert_int_equal(job->stopped_at, 2);
    assert_int_equal(holds_count_ends(rig), 1);
    assert_false(holds_is_past(rig, rig->now_ms + MINUTE));
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 4);
    holds_sweep_at(rig, rig->now_ms + 2 * MINUTE);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
}

static void test_a_clock_that_jumps_back(void **state)
{
    engine_rig *rig = *state;
    const int64_t start = rig->now_ms;
    uint64_t before = holds_last_number(rig);
    holds_make(rig, RED_S, 5, MINUTE);
    holds_make(rig, RED_S, 3, 3 * MINUTE);
    holds_sweep_at(rig, start - DAY);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 8);
    holds_sweep_at(rig, start + MINUTE);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 3);
    holds_sweep_at(rig, start);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 3);
    holds_make(rig, RED_S, 2, MINUTE);
    holds_sweep_at(rig, start + MINUTE);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 3);
    holds_sweep_at(rig, start + 3 * MINUTE);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
    assert_int_equal(holds_last_number(rig), before + 6);
}

/* What ended while nobody was there is seen as due before anything is read. */
static void test_holds_that_end_while_the_engine_is_away(void **state)
{
    engine_rig *rig = *state;
    const int64_t start = rig->now_ms;
    holds_make(rig, RED_S, 5, MINUTE);
    holds_make(rig, RED_S, 3, 3 * MINUTE);
    rig->now_ms = start + MINUTE;
    rf_view_done(&rig->view);
    engine_restart(rig);
    holds_sweep_at(rig, rig->now_ms);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 3);
    assert_false(holds_is_past(rig, start + 3 * MINUTE - 1));
    assert_true(holds_is_past(rig, start + 3 * MINUTE));
    engine_restart(rig);
    holds_sweep_at(rig, rig->now_ms);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 3);
    holds_sweep_at(rig, start + 3 * MINUTE);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
}

/* An end that is noted for another time than the hold's is not one. */
static void test_an_end_that_is_left_over(void **state)
{
    engine_rig *rig = *state;
    rf_store *store = rig->disk->store;
    const rf_result *held = holds_make(rig, RED_S, 5, 2 * MINUTE);
    rf_due_parts parts = {engine_generation(rig)->environment,
                          rig->now_ms + MINUTE,
                          rf_text_of(RIG_ORGANIZATION),
                          rf_text_of("SHIRT"),
                          held->reservation,
                          RF_DUE_HOLD};
    rf_key key;
    rf_key_due(&key, &parts);
    rf_store_item item = {
        RF_TABLE_DUE, rf_key_bytes(&key), {(const unsigned char *)"\1", 1}};
    rf_store_transaction *writer = rig_begin(store, true);
    assert_int_equal(store->operations->save(writer, &item, 1, NULL), RF_OK);
    rig_commit(store, writer);
    engine_restart(rig);
    holds_sweep_at(rig, rig->now_ms + MINUTE);
    assert_int_equal(holds_count_ends(rig), 1);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 5);
    assert_false(holds_is_past(rig, rig->now_ms));
}

static void test_erasing_takes_ends_away(void **state)
{
    engine_rig *rig = *state;
    holds_make(rig, RED_S, 5, MINUTE);
    holds_make(rig, SHELF, 1, 2 * MINUTE);
    holds_make(rig, OTHER_SHELF, 3, MINUTE);
    assert_int_equal(engine_erase(rig, "usmf~1~W"), RF_OK);
    assert_int_equal(holds_count_ends(rig), 1);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
    engine_expect(rig, "SHIRT", OTHER_SHELF, "iv.softreserved", 3);
    holds_sweep_at(rig, rig->now_ms + 2 * MINUTE);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
    engine_expect(rig, "SHIRT", OTHER_SHELF, "iv.softreserved", 0);
    assert_int_equal(holds_count_ends(rig), 0);
}

/* Copied out of the journal, whose texts are borrowed. */
typedef struct told {
    rf_entry entry;
    rf_movement movement;
    char actor[16];
    char product[16];
    size_t count;
} told;

static bool take_end(void *context, const rf_entry *entry)
{
    told *out = context;
    if (entry->operation == RF_OPERATION_EXPIRE) {
        assert_int_equal(entry->movement_count, 1);
        assert_int_equal(entry->id.length, 0);
        assert_int_equal(entry->code.length, 0);
        out->entry = *entry;
        out->movement = entry->movements[0];
        snprintf(out->actor, sizeof out->actor, "%.*s",
                 (int)entry->actor.length, entry->actor.bytes);
        snprintf(out->product, sizeof out->product, "%.*s",
                 (int)entry->product.length, entry->product.bytes);
        out->count++;
    }
    return true;
}

static told read_ends(engine_rig *rig)
{
    rf_store *store = rig->disk->store;
    rf_store_transaction *reader = rig_begin(store, false);
    told out = {.count = 0};
    rf_journal_range range = {engine_generation(rig)->environment, 0};
    assert_int_equal(
        rf_journal_read(store, reader, range, take_end, &out, NULL), RF_OK);
    store->operations->abort(reader);
    return out;
}

static void test_the_journal_tells_the_end(void **state)
{
    engine_rig *rig = *state;
    rf_command lasting = engine_reserve(rig, "SHIRT", RED_S, 4, false);
    engine_do(rig, &lasting);
    rf_result *held = holds_make(rig, RED_S, 5, MINUTE);
    uint64_t before = holds_last_number(rig);
    assert_int_equal(read_ends(rig).count, 0);
    holds_sweep_at(rig, rig->now_ms + MINUTE + 1);
    told end = read_ends(rig);
    assert_int_equal(end.count, 1);
    assert_int_equal(end.entry.number, before + 1);
    assert_true(end.entry.at_ms == rig->now_ms);
    assert_string_equal(end.actor, "system");
    assert_string_equal(end.product, "SHIRT");
    assert_string_equal(rf_operation_name(end.entry.operation), "expire");
    assert_int_equal(end.entry.result.reservation, held->reservation);
    assert_int_equal(end.entry.result.reservation_created, held->number);
    assert_true(end.entry.result.quantity == engine_units(5));
    assert_int_equal(end.movement.measure,
                     engine_measure(rig, "iv.softreserved"));
    assert_true(end.movement.delta == -engine_units(5));
    assert_true(end.movement.total == engine_units(4));
}

typedef struct listed {
    size_t count;
    int64_t expires_ms;
} listed;

static rf_status note_held(void *context, const rf_held *held, rf_error *err)
{
    listed *out = context;
    (void)err;
    out->count++;
    out->expires_ms = held->reservation->expires_ms;
    return RF_OK;
}

static listed list_before(engine_rig *rig, bool has_end, int64_t end_ms)
{
    rf_reservation_filter filter = {.has_end = has_end, .end_ms = end_ms};
    listed out = {0};
    rf_reservation_listing listing = {
        .environment = engine_generation(rig)->environment,
        .filter = &filter,
        .limit = 100,
        .visit = note_held,
        .context = &out,
    };
    bool end = false;
    while (!end) {
        assert_int_equal(
            rf_reservations_list(rig->disk->store, &listing, &end, NULL),
            RF_OK);
    }
    return out;
}

static void test_holds_are_listed_by_their_end(void **state)
{
    engine_rig *rig = *state;
    const int64_t start = rig->now_ms;
    rf_command lasting = engine_reserve(rig, "SHIRT", RED_S, 4, false);
    engine_do(rig, &lasting);
    holds_make(rig, RED_S, 5, MINUTE);
    holds_make(rig, RED_S, 6, 2 * MINUTE);
    assert_int_equal(list_before(rig, false, 0).count, 3);
    assert_int_equal(list_before(rig, true, start + MINUTE).count, 0);
    listed one = list_before(rig, true, start + MINUTE + 1);
    assert_int_equal(one.count, 1);
    assert_true(one.expires_ms == start + MINUTE);
    assert_int_equal(list_before(rig, true, INT64_MAX).count, 2);
    holds_sweep_at(rig, start + MINUTE);
    assert_int_equal(list_before(rig, false, 0).count, 2);
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_shop, engine_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_a_hold_counts_until_its_instant),
        CASE(test_a_hold_may_end_at_a_time),
        CASE(test_every_thread_can_see_what_is_due),
        CASE(test_every_hold_is_a_record_of_its_own),
        CASE(test_levels_are_free_again),
        CASE(test_what_is_given_back_does_not_end_again),
        CASE(test_an_ended_hold_is_unknown),
        CASE(test_a_hold_is_given_back_without_its_product),
        CASE(test_the_same_again_after_the_end),
        CASE(test_the_same_again_after_it_was_forgotten),
        CASE(test_the_past_is_invalid_and_not_remembered),
        CASE(test_what_is_no_hold),
        CASE(test_a_batch_at_the_very_instant),
        CASE(test_a_hold_made_and_given_back_in_one_batch),
        CASE(test_an_undone_basket_holds_nothing),
        CASE(test_a_clock_that_jumps_back),
        CASE(test_holds_that_end_while_the_engine_is_away),
        CASE(test_an_end_that_is_left_over),
        CASE(test_erasing_takes_ends_away),
        CASE(test_the_journal_tells_the_end),
        CASE(test_holds_are_listed_by_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
