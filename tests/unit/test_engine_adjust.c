/*
 * test_engine_adjust.c - adjustments at once, and those that are staged.
 */
#include "core/adjustment.h"
#include "core/alloc.h"
#include "core/journal.h"
#include "tests/unit/holds_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define SHELF "siteid=1, locationid=W"
#define OTHER_SHELF "siteid=2, locationid=X"
#define RED_S SHELF ", ColorId=red, SizeId=S"
#define MINUTE INT64_C(60000)

static const rf_reference counted = {.category = {"Count", 5},
                                     .document = {"C-17", 4},
                                     .journal = {"Cnt", 3},
                                     .has_price = true,
                                     .price = 1250000,
                                     .has_date = true,
                                     .date_ms = 1700000000000};

static rf_command adjustment(engine_rig *rig, const char *place,
                             double quantity, int64_t delay_ms)
{
    rf_command command = engine_post(rig, "SHIRT", place, "");
    command.operation = RF_OPERATION_ADJUST;
    command.measure = engine_measure(rig, "pos.inbound");
    command.quantity = engine_units(quantity);
    command.reference = &counted;
    command.delay_ms = delay_ms;
    return command;
}

static rf_result *adjust(engine_rig *rig, const char *place, double quantity,
                         int64_t delay_ms)
{
    rf_command command = adjustment(rig, place, quantity, delay_ms);
    return engine_do(rig, &command);
}

/* The entries of adjustments, as they were made. */
typedef struct told {
    rf_entry entries[600]; /* without their texts */
    rf_quantity deltas[600];
    char documents[600][8];
    size_t count;
} told;

static bool note_entry(void *context, const rf_entry *entry)
{
    told *seen = context;
    if (entry->operation == RF_OPERATION_ADJUST) {
        size_t at = seen->count++;
        assert_true(at < 600);
        seen->entries[at] = *entry;
        seen->deltas[at] =
            entry->movement_count == 0 ? 0 : entry->movements[0].delta;
        snprintf(seen->documents[at], sizeof seen->documents[at], "%.*s",
                 (int)entry->adjusted.reference.document.length,
                 entry->adjusted.reference.document.bytes);
    }
    return true;
}

static const told *read_told(engine_rig *rig)
{
    told *seen = rf_arena_calloc(&rig->arena, 1, sizeof *seen);
    assert_non_null(seen);
    rf_store *store = rig->disk->store;
    rf_store_transaction *reader = rig_begin(store, false);
    assert_int_equal(
        rf_journal_read(
            store, reader,
            (rf_journal_range){engine_generation(rig)->environment, 0},
            note_entry, seen, NULL),
        RF_OK);
    store->operations->abort(reader);
    return seen;
}

static void test_posts_at_once(void **state)
{
    engine_rig *rig = *state;
    const rf_result *result = adjust(rig, RED_S, 5, 0);
    assert_true(result->quantity == engine_units(5));
    assert_true(result->expires_ms == 0);
    adjust(rig, RED_S, -7.5, 0);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", -2.5);
    engine_expect(rig, "SHIRT", "", "pos.inbound", -2.5);
    const told *seen = read_told(rig);
    assert_int_equal(seen->count, 2);
    assert_true(seen->deltas[1] == engine_units(-7.5));
    assert_string_equal(seen->documents[0], "C-17");
    const rf_adjusted *adjusted = &seen->entries[1].adjusted;
    assert_int_equal(adjusted->staged, 0);
    assert_int_equal(adjusted->measure, engine_measure(rig, "pos.inbound"));
    assert_true(adjusted->reference.has_price && adjusted->reference.has_date);
    assert_true(adjusted->reference.price == counted.price);
    assert_true(adjusted->reference.date_ms == counted.date_ms);
    assert_int_equal(holds_count_ends(rig), 0);
}

static void test_posts_when_its_time_has_come(void **state)
{
    engine_rig *rig = *state;
    const rf_result *result = adjust(rig, RED_S, 5, 5 * MINUTE);
    uint64_t staged = result->number;
    assert_true(result->expires_ms == rig->now_ms + 5 * MINUTE);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 0);
    assert_int_equal(holds_count_ends(rig), 1);
    assert_false(holds_is_past(rig, rig->now_ms + 5 * MINUTE - 1));
    holds_sweep_at(rig, rig->now_ms + 5 * MINUTE - 1);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 0);
    holds_sweep_at(rig, rig->now_ms + 1);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 5);
    engine_expect(rig, "SHIRT", SHELF, "pos.inbound", 5);
    holds_sweep_at(rig, rig->now_ms + 100 * MINUTE);
    engine_settle(rig);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 5);
    const told *seen = read_told(rig);
    assert_int_equal(seen->count, 2);
    assert_int_equal(seen->entries[0].movement_count, 0);
    assert_int_equal(seen->entries[1].adjusted.staged, staged);
    assert_true(seen->deltas[1] == engine_units(5));
    assert_true(seen->entries[1].result.expires_ms == 0);
    assert_string_equal(seen->documents[1], "C-17");
    assert_int_equal(holds_count_ends(rig), 0);
}

/* A command of the batch that comes first sees it. */
static void test_is_posted_in_front_of_a_batch(void **state)
{
    engine_rig *rig = *state;
    adjust(rig, RED_S, 5, MINUTE);
    rf_command more = engine_reserve(rig, "SHIRT", RED_S, 5, true);
    assert_int_equal(engine_run(rig, &more)->status,
                     RF_E_INSUFFICIENT_AVAILABLE);
    rig->now_ms += MINUTE;
    more = engine_reserve(rig, "SHIRT", RED_S, 5, true);
    assert_int_equal(engine_run(rig, &more)->status, RF_OK);
}

static void test_is_posted_after_a_restart(void **state)
{
    engine_rig *rig = *state;
    adjust(rig, RED_S, 5, MINUTE);
    engine_restart(rig);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 0);
    rig->now_ms += MINUTE;
    engine_restart(rig);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 5);
    engine_restart(rig);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 5);
    assert_int_equal(read_told(rig)->count, 2);
}

/* The same id counts once, before it is posted and afterwards. */
static void test_an_id_counts_once(void **state)
{
    engine_rig *rig = *state;
    rf_command command = adjustment(rig, RED_S, 5, MINUTE);
    uint64_t number = engine_do(rig, &command)->number;
    rf_result *again = engine_do(rig, &command);
    assert_true(again->replayed && again->number == number);
    rig->now_ms += MINUTE;
    again = engine_do(rig, &command);
    assert_true(again->replayed && again->number == number);
    assert_true(again->expires_ms == rig->now_ms);
    command.delay_ms = 7 * MINUTE; /* the server's business */
    assert_true(engine_do(rig, &command)->replayed);
    command.delay_ms = 0;
    assert_int_equal(engine_run(rig, &command)->status, RF_E_CONFLICT);
    command.delay_ms = MINUTE;
    rf_reference other = counted;
    other.document = rf_text_of("C-18");
    command.reference = &other;
    assert_int_equal(engine_run(rig, &command)->status, RF_E_CONFLICT);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 5);
}

static void test_many_at_once_and_holds_between(void **state)
{
    engine_rig *rig = *state;
    rf_command lines[500];
    for (unsigned i = 0; i < 500; i++) {
        lines[i] = i % 2 == 0 ? adjustment(rig, RED_S, 1, MINUTE)
                              : holds_command(rig, RED_S, 1, MINUTE);
    }
    engine_run_job(rig, engine_job(rig, lines, 500));
    assert_int_equal(holds_count_ends(rig), 500);
    rig->now_ms += MINUTE;
    engine_settle(rig);
    assert_int_equal(holds_count_ends(rig), 0);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 250);
    engine_expect(rig, "SHIRT", RED_S, "iv.softreserved", 0);
}

static void test_baskets_and_dry_runs(void **state)
{
    engine_rig *rig = *state;
    rf_command lines[2] = {adjustment(rig, RED_S, 1, MINUTE),
                           engine_reserve(rig, "SHIRT", RED_S, 1, true)};
    rf_job *job = engine_job(rig, lines, 2);
    job->atomic = true;
    rf_result *results = engine_run_job(rig, job);
    assert_int_equal(results[0].status, RF_E_BASKET_REFUSED);
    assert_int_equal(holds_count_ends(rig), 0);
    rf_command trial = adjustment(rig, RED_S, 1, MINUTE);
    job = engine_job(rig, &trial, 1);
    job->dry_run = true;
    results = engine_run_job(rig, job);
    assert_int_equal(results[0].status, RF_OK);
    rf_result_done(&results[0]);
    assert_int_equal(holds_count_ends(rig), 0);
    assert_false(holds_is_past(rig, INT64_MAX - 1));
    lines[0] = adjustment(rig, RED_S, 1, MINUTE);
    lines[1] = adjustment(rig, RED_S, 2, MINUTE);
    job = engine_job(rig, lines, 2);
    job->atomic = true;
    engine_run_job(rig, job);
    assert_int_equal(holds_count_ends(rig), 2);
    holds_sweep_at(rig, rig->now_ms + MINUTE);
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 3);
}

static void test_erasing_drops_what_is_staged(void **state)
{
    engine_rig *rig = *state;
    adjust(rig, RED_S, 5, MINUTE);
    adjust(rig, OTHER_SHELF, 3, MINUTE);
    holds_post(rig, RED_S, "pos.inbound=1");
    assert_int_equal(engine_erase(rig, "usmf~1~W"), RF_OK);
    adjust(rig, SHELF, 2, MINUTE);
    rig->now_ms += MINUTE;
    engine_settle(rig);
    assert_int_equal(holds_count_ends(rig), 0);
    engine_expect(rig, "SHIRT", SHELF, "pos.inbound", 2);
    engine_expect(rig, "SHIRT", OTHER_SHELF, "pos.inbound", 3);
}

/* Everything is erased, and then partitions are told by another rule. */
static void test_erasing_before_the_rule_changes(void **state)
{
    engine_rig *rig = *state;
    adjust(rig, RED_S, 5, MINUTE);
    assert_int_equal(engine_erase(rig, "usmf~1~W"), RF_OK);
    rig->draft->draft.by_product = true;
    engine_configure(rig);
    adjust(rig, RED_S, 2, MINUTE);
    rig->now_ms += MINUTE;
    engine_settle(rig);
    engine_expect(rig, "SHIRT", SHELF, "pos.inbound", 2);
}

/* What has no room is refused, told, and keeps nothing else waiting. */
static void test_a_total_that_has_no_room(void **state)
{
    engine_rig *rig = *state;
    rf_command high = adjustment(rig, RED_S, 0, 0);
    high.quantity = INT64_MAX - engine_units(4);
    engine_do(rig, &high);
    uint64_t staged = adjust(rig, RED_S, 5, MINUTE)->number;
    adjust(rig, OTHER_SHELF, 3, MINUTE);
    rig->now_ms += MINUTE;
    engine_settle(rig);
    assert_int_equal(holds_count_ends(rig), 0);
    engine_expect(rig, "SHIRT", OTHER_SHELF, "pos.inbound", 3);
    assert_true(engine_total(rig, "SHIRT", RED_S,
                             "siteid, locationid, ColorId, SizeId",
                             "pos.inbound") == INT64_MAX - engine_units(4));
    const told *seen = read_told(rig);
    assert_int_equal(seen->count, 5);
    bool is_told = false;
    for (size_t i = 3; i < 5; i++) {
        const rf_entry *entry = &seen->entries[i];
        if (entry->adjusted.staged == staged) {
            assert_int_equal(entry->result.status, RF_E_QUANTITY_OVERFLOW);
            assert_int_equal(entry->movement_count, 0);
            is_told = true;
        }
    }
    assert_true(is_told);
}

static void test_a_level_is_built_meanwhile(void **state)
{
    engine_rig *rig = *state;
    for (unsigned i = 0; i < 400; i++) {
        char place[64];
        snprintf(place, sizeof place, SHELF ", ColorId=c%u, SizeId=s%u", i,
                 i % 3);
        adjust(rig, place, 1, MINUTE + i / 100);
    }
    draft_index_set(rig->draft, "SizeId");
    rf_task *task = engine_submit_configure(rig);
    rig->now_ms += MINUTE;
    for (unsigned i = 0; i < 5; i++) {
        bool more;
        assert_int_equal(rf_engine_step(rig->engine, &more, NULL), RF_OK);
        rig->now_ms += 1;
    }
    engine_settle(rig);
    assert_int_equal(task->status, RF_OK);
    engine_expect(rig, "SHIRT", SHELF, "pos.inbound", 400);
    engine_expect(rig, "SHIRT", SHELF ", SizeId=s1", "pos.inbound", 133);
}

/* Whichever allocation fails, an adjustment is posted wholly or not at all. */
static void test_without_memory(void **state)
{
    engine_rig *rig = *state;
    rf_status status = RF_E_NO_MEMORY;
    unsigned long nth = 0;
    adjust(rig, RED_S, 5, MINUTE);
    rig->now_ms += MINUTE;
    rf_job *job = engine_job(rig, NULL, 0);
    while (status != RF_OK) {
        rf_error err = {0};
        rf_alloc_fail_at(++nth);
        status = rf_engine_run(rig->engine, job, &err);
        rf_alloc_fail_at(0);
        assert_true(status == RF_OK || status == RF_E_NO_MEMORY);
        assert_int_equal(read_told(rig)->count, status == RF_OK ? 2 : 1);
    }
    engine_expect(rig, "SHIRT", RED_S, "pos.inbound", 5);
}

static void test_the_stored_form(void **state)
{
    rf_buffer stored = {0};
    rf_staged back = {.quantity = 0};
    rf_staged staged = {
        .id = rf_text_of("a-1"),
        .measure = 7,
        .quantity = -5,
        .coordinates = {(const unsigned char *)"\1\1x", 3},
        .reference = {.category = {NULL, 0}, .document = rf_text_of("D")}};
    (void)state;
    rf_staged_encode(&staged, &stored);
    rf_bytes value = {(const unsigned char *)stored.bytes, stored.length};
    assert_int_equal(rf_staged_decode(value, &back, NULL), RF_OK);
    assert_true(rf_text_equal(back.id, staged.id));
    assert_true(back.measure == 7 && back.quantity == -5);
    assert_int_equal(back.coordinates.length, 3);
    assert_int_equal(back.reference.category.length, 0);
    assert_true(rf_text_equal(back.reference.document, rf_text_of("D")));
    assert_false(back.reference.has_price || back.reference.has_date);
    for (size_t length = 0; length < stored.length; length++) {
        value.length = length;
        assert_int_equal(rf_staged_decode(value, &back, NULL), RF_E_STORAGE);
    }
    rf_buffer_done(&stored);
}

/* The keys of holds are what they were before there was anything else. */
static void test_keys_of_both_kinds(void **state)
{
    rf_key key;
    rf_due_parts back;
    rf_due_parts parts = {1, 2,          rf_text_of("o"), rf_text_of("p"),
                          3, RF_DUE_HOLD};
    (void)state;
    rf_key_due(&key, &parts);
    assert_int_equal(key.length, 2 + 8 + 2 + 2 + 8);
    assert_int_equal(rf_key_read_due(rf_key_bytes(&key), &back, NULL), RF_OK);
    assert_int_equal(back.kind, RF_DUE_HOLD);
    parts.kind = RF_DUE_ADJUSTMENT;
    rf_key_due(&key, &parts);
    assert_int_equal(key.length, 2 + 8 + 2 + 2 + 8 + 1);
    assert_int_equal(rf_key_read_due(rf_key_bytes(&key), &back, NULL), RF_OK);
    assert_int_equal(back.kind, RF_DUE_ADJUSTMENT);
    assert_int_equal(back.reservation, 3);
    key.bytes[key.length - 1] = 9;
    assert_int_equal(rf_key_read_due(rf_key_bytes(&key), &back, NULL),
                     RF_E_STORAGE);
}

/* Put other bytes in the place of what is staged; none: it is gone. */
static void replace_staged(engine_rig *rig, const rf_result *result,
                           rf_bytes value)
{
    rf_key key;
    rf_due_parts parts = {engine_generation(rig)->environment,
                          result->expires_ms,
                          rf_text_of(RIG_ORGANIZATION),
                          rf_text_of("SHIRT"),
                          result->number,
                          RF_DUE_ADJUSTMENT};
    rf_key_due(&key, &parts);
    rf_store *store = rig->disk->store;
    rf_store_item item = {RF_TABLE_DUE, rf_key_bytes(&key), value};
    rf_store_transaction *writer = rig_begin(store, true);
    assert_int_equal(store->operations->save(writer, &item, 1, NULL), RF_OK);
    rig_commit(store, writer);
    rig->is_damaged = true;
}

static void test_verification_reads_what_is_staged(void **state)
{
    engine_rig *rig = *state;
    rf_verify_report report = {0};
    const rf_result *result = adjust(rig, RED_S, 5, MINUTE);
    assert_int_equal(engine_verify(rig, &report), 0);
    replace_staged(rig, result, (rf_bytes){(const unsigned char *)"\1", 1});
    /* It is damaged, and it does not wait any more. */
    assert_int_equal(engine_verify(rig, &report), 2);
}

static void test_verification_misses_what_was_staged(void **state)
{
    engine_rig *rig = *state;
    rf_verify_report report = {0};
    adjust(rig, RED_S, 5, MINUTE);
    adjust(rig, RED_S, 7, 0);
    holds_sweep_at(rig, rig->now_ms + MINUTE);
    const rf_result *result = adjust(rig, RED_S, -5, MINUTE);
    assert_int_equal(engine_verify(rig, &report), 0);
    replace_staged(rig, result, (rf_bytes){NULL, 0});
    assert_int_equal(engine_verify(rig, &report), 1);
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_shop, engine_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_posts_at_once),
        CASE(test_posts_when_its_time_has_come),
        CASE(test_is_posted_in_front_of_a_batch),
        CASE(test_is_posted_after_a_restart),
        CASE(test_an_id_counts_once),
        CASE(test_many_at_once_and_holds_between),
        CASE(test_baskets_and_dry_runs),
        CASE(test_erasing_drops_what_is_staged),
        CASE(test_erasing_before_the_rule_changes),
        CASE(test_a_total_that_has_no_room),
        CASE(test_a_level_is_built_meanwhile),
        CASE(test_without_memory),
        CASE(test_verification_reads_what_is_staged),
        CASE(test_verification_misses_what_was_staged),
        cmocka_unit_test(test_the_stored_form),
        cmocka_unit_test(test_keys_of_both_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
