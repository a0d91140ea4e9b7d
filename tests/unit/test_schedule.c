/*
 * test_schedule.c - what is expected on days to come: posting, realizing,
 * erasing and forgetting it, and reading it back row by row.
 */
#include "core/key.h"
#include "core/query.h"
#include "tests/unit/engine_rig.h"
#include "tests/unit/full_store.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHELF "siteid=1, locationid=W"
#define RED SHELF ", ColorId=red"
#define RED_S RED ", SizeId=S"
#define BLUE_S SHELF ", ColorId=blue, SizeId=S"
#define PERIOD 30
#define MS_PER_DAY INT64_C(86400000)
#define MANY_ROWS 1300 /* more than one step of building or erasing takes */

static rf_day today(const engine_rig *rig)
{
    return rf_day_of(rig->now_ms);
}

static void next_days(engine_rig *rig, int days)
{
    rig->now_ms += days * MS_PER_DAY;
}

static rf_command schedule_one(engine_rig *rig, const char *place, int day,
                               const char *measure, double quantity)
{
    char change[64];
    rf_scheduled *scheduled =
        rf_arena_calloc(&rig->arena, 1, sizeof *scheduled);
    assert_non_null(scheduled);
    snprintf(change, sizeof change, "%s=0", measure);
    rf_command command = engine_post(rig, "SHIRT", place, change);
    *scheduled = (rf_scheduled){today(rig) + day, command.changes[0].measure,
                                engine_units(quantity)};
    command.operation = RF_OPERATION_SCHEDULE;
    command.changes = NULL;
    command.change_count = 0;
    command.scheduled = scheduled;
    command.scheduled_count = 1;
    return command;
}

static void schedule(engine_rig *rig, const char *place, int day,
                     const char *measure, double quantity)
{
    rf_command command = schedule_one(rig, place, day, measure, quantity);
    engine_do(rig, &command);
}

static void commit(engine_rig *rig, const char *place, int day,
                   const char *changes)
{
    rf_command command = engine_post(rig, "SHIRT", place, changes);
    command.realizes = today(rig) + day;
    engine_do(rig, &command);
}

static void post(engine_rig *rig, const char *place, const char *changes)
{
    rf_command command = engine_post(rig, "SHIRT", place, changes);
    engine_do(rig, &command);
}

/* ---- Reading back ---- */

typedef struct reading {
    engine_rig *rig;
    char text[4096];
    size_t used;
} reading;

static void add_text(reading *r, const char *text)
{
    int length =
        snprintf(r->text + r->used, sizeof r->text - r->used, "%s", text);
    r->used += (size_t)length;
    assert_true(r->used < sizeof r->text);
}

static void add_amounts(reading *r, const rf_measures *measures)
{
    static const char *const names[] = {"pos.inbound", "pos.outbound"};
    for (size_t i = 0; i < 2; i++) {
        rf_measure measure = engine_measure(r->rig, names[i]);
        if (rf_measures_has(measures, measure)) {
            char number[RF_QUANTITY_TEXT_MAX];
            rf_quantity_print(rf_measures_get(measures, measure), number);
            add_text(r, i == 0 ? "+" : "-");
            add_text(r, number);
        }
    }
}

/* A row is "red: +5 1:+7-2;": on hand, then day by day from today. */
static rf_status note_row(void *context, const rf_row *row, rf_error *err)
{
    reading *r = context;
    int colour = rf_dimension_find(rf_text_of("ColorId"));
    char name[64];
    (void)err;
    assert_int_equal(row->place->given & RF_BIT(RF_DAY), 0);
    snprintf(name, sizeof name, "%.*s:", (int)row->place->value[colour].length,
             row->place->value[colour].length == 0
                 ? ""
                 : row->place->value[colour].bytes);
    add_text(r, name);
    add_amounts(r, row->measures);
    for (size_t i = 0; i < row->day_count; i++) {
        snprintf(name, sizeof name, " %d:", row->days[i].day - today(r->rig));
        add_text(r, name);
        add_amounts(r, row->days[i].measures);
    }
    add_text(r, ";");
    return RF_OK;
}

/* Ask by colour, with sizes added up. */
static const char *rows_of(engine_rig *rig, const char *product, bool by_place)
{
    static reading r;
    rf_text organization = rf_text_of(RIG_ORGANIZATION);
    rf_text name = product == NULL ? RF_TEXT_EMPTY : rf_text_of(product);
    rf_text site = rf_text_of("1");
    rf_filter filter = {RF_SITE, &site, 1};
    rf_query query = {.organizations = &organization,
                      .organization_count = 1,
                      .products = &name,
                      .product_count = product == NULL ? 0 : 1,
                      .filters = &filter,
                      .filter_count = by_place ? 1 : 0,
                      .group_by =
                          engine_level(rig, "siteid, locationid, ColorId"),
                      .scheduled = true,
                      .first_day = today(rig),
                      .last_day = today(rig) + PERIOD - 1};
    rf_arena arena;
    rf_query_run *run = NULL;
    rf_error err = {0};
    bool done = false;
    r = (reading){.rig = rig};
    rf_arena_init(&arena, 8192, 0);
    assert_int_equal(
        rf_query_start(engine_generation(rig), &query, &arena, &run, &err),
        RF_OK);
    while (!done) {
        assert_int_equal(
            rf_query_slice(run, rig->disk->store, note_row, &r, &done, &err),
            RF_OK);
    }
    rf_query_free(run);
    rf_arena_done(&arena);
    return r.text;
}

static const char *rows(engine_rig *rig)
{
    return rows_of(rig, "SHIRT", false);
}

/* ---- Cases ---- */

static void test_it_lies_beside_the_stock(void **state)
{
    engine_rig *rig = *state;
    schedule(rig, RED_S, 1, "pos.inbound", 5);
    schedule(rig, RED_S, 1, "pos.inbound", 2);
    schedule(rig, RED, 3, "pos.outbound", 4);
    assert_string_equal(rows(rig), "red: 1:+7 3:-4;");
    post(rig, BLUE_S, "pos.inbound=9");
    post(rig, RED_S, "pos.inbound=1");
    assert_string_equal(rows(rig), "blue:+9;red:+1 1:+7 3:-4;");
    engine_expect(rig, "SHIRT", RED, "pos.inbound", 1);
    schedule(rig, RED_S, 1, "pos.inbound", -7);
    assert_string_equal(rows(rig), "blue:+9;red:+1 1:+0 3:-4;");
}

/* A product that is only expected is found by its place, too. */
static void test_what_is_only_expected_is_found(void **state)
{
    engine_rig *rig = *state;
    schedule(rig, RED_S, 0, "pos.inbound", 5);
    assert_string_equal(rows_of(rig, NULL, true), "red: 0:+5;");
}

static void expect_refused(engine_rig *rig, int day, const char *field)
{
    rf_command command = schedule_one(rig, RED_S, day, "pos.inbound", 1);
    const rf_result *result = engine_run(rig, &command);
    assert_int_equal(result->status, RF_E_DATE_OUT_OF_WINDOW);
    assert_string_equal(result->field, field);
    assert_int_equal(result->number, 0);
}

static void test_only_days_of_the_period(void **state)
{
    engine_rig *rig = *state;
    assert_int_equal(today(rig), 19675);
    expect_refused(rig, -1, "quantitiesByDate.2023-11-13");
    expect_refused(rig, PERIOD, "quantitiesByDate.2023-12-14");
    schedule(rig, RED_S, 0, "pos.inbound", 1);
    schedule(rig, RED_S, PERIOD - 1, "pos.inbound", 2);
    assert_string_equal(rows(rig), "red: 0:+1 29:+2;");
    next_days(rig, 1);
    schedule(rig, RED_S, PERIOD - 1, "pos.inbound", 4);
    assert_string_equal(rows(rig), "red: 28:+2 29:+4;");
}

/* Also where its day has left the period meanwhile. */
static void test_a_copy_is_answered_from_memory(void **state)
{
    engine_rig *rig = *state;
    rf_command command = schedule_one(rig, RED_S, 0, "pos.inbound", 3);
    engine_do(rig, &command);
    next_days(rig, 1);
    assert_true(engine_do(rig, &command)->replayed);
    rf_command other = schedule_one(rig, RED_S, 0, "pos.inbound", 3);
    other.id = command.id;
    assert_int_equal(engine_run(rig, &other)->status, RF_E_CONFLICT);
}

static void test_a_commit_moves_it_into_the_stock(void **state)
{
    engine_rig *rig = *state;
    schedule(rig, RED_S, 2, "pos.inbound", 10);
    commit(rig, RED_S, 2, "pos.inbound=4");
    assert_string_equal(rows(rig), "red:+4 2:+6;");
    commit(rig, RED_S, 2, "pos.inbound=8, pos.outbound=1");
    assert_string_equal(rows(rig), "red:+12-1 2:+0;");
    commit(rig, RED_S, 2, "pos.inbound=1");
    assert_string_equal(rows(rig), "red:+13-1 2:+0;");
    /* The opposite of what is expected takes nothing off it. */
    schedule(rig, RED_S, 2, "pos.inbound", 10);
    commit(rig, RED_S, 2, "pos.inbound=-3");
    assert_string_equal(rows(rig), "red:+10-1 2:+10;");
    schedule(rig, RED_S, 3, "pos.inbound", -10);
    commit(rig, RED_S, 3, "pos.inbound=-4");
    assert_string_equal(rows(rig), "red:+6-1 2:+10 3:+-6;");
}

/* What is late is still found where it was expected. */
static void test_a_commit_of_yesterday(void **state)
{
    engine_rig *rig = *state;
    schedule(rig, RED_S, 0, "pos.inbound", 10);
    next_days(rig, 1);
    assert_string_equal(rows(rig), "");
    commit(rig, RED_S, -1, "pos.inbound=10");
    assert_string_equal(rows(rig), "red:+10;");
    assert_int_equal(engine_total(rig, "SHIRT", RED_S ", date=2023-11-14",
                                  "siteid, locationid, date", "pos.inbound"),
                     0);
}

static void test_erasing_takes_it_along(void **state)
{
    engine_rig *rig = *state;
    for (int i = 0; i < MANY_ROWS; i++) {
        char place[96];
        snprintf(place, sizeof place, SHELF ", BatchId=b%d", i);
        schedule(rig, place, i % PERIOD, "pos.inbound", 1);
    }
    schedule(rig, "siteid=1, locationid=X, ColorId=red", 1, "pos.inbound", 5);
    post(rig, RED_S, "pos.inbound=1");
    assert_int_equal(engine_erase(rig, "usmf~1~W"), RF_OK);
    assert_string_equal(rows(rig), "red: 1:+5;");
}

/* A set that is configured later finds what was scheduled before. */
static void test_levels_are_built_for_it(void **state)
{
    engine_rig *rig = *state;
    for (int i = 0; i < MANY_ROWS; i++) {
        char place[96];
        snprintf(place, sizeof place, SHELF ", BatchId=b%d, ColorId=red", i);
        schedule(rig, place, 1 + i % 2, "pos.inbound", 1);
    }
    assert_string_equal(rows(rig), "red: 1:+650 2:+650;");
    draft_schedule_set(rig->draft, "ColorId");
    engine_configure(rig);
    assert_string_equal(rows(rig), "red: 1:+650 2:+650;");
    assert_int_equal(engine_total(rig, "SHIRT", RED ", date=2023-11-15",
                                  "siteid, locationid, ColorId, date",
                                  "pos.inbound"),
                     engine_units(650));
    schedule(rig, RED_S, 1, "pos.inbound", 1);
    assert_string_equal(rows(rig), "red: 1:+651 2:+650;");
}

static uint64_t count_scheduled(engine_rig *rig)
{
    rf_verify_report report;
    assert_int_equal(engine_verify(rig, &report), 0);
    return report.scheduled;
}

static void test_days_long_over_go(void **state)
{
    engine_rig *rig = *state;
    for (int i = 0; i < 10; i++) {
        schedule(rig, RED_S, i, "pos.inbound", 1);
        schedule(rig, SHELF, i, "pos.outbound", 1);
    }
    engine_settle(rig);
    assert_int_equal(count_scheduled(rig), 20);
    next_days(rig, 36);
    engine_settle(rig);
    assert_int_equal(count_scheduled(rig), 10);
    engine_restart(rig);
    assert_int_equal(count_scheduled(rig), 10);
    schedule(rig, RED_S, 1, "pos.inbound", 1);
    next_days(rig, 100);
    engine_settle(rig);
    assert_int_equal(count_scheduled(rig), 0);
    assert_string_equal(rows(rig), "");
}

/* Deleting takes room, too. */
static void test_days_go_from_a_store_that_is_full(void **state)
{
    engine_rig *rig = *state;
    full_store full;
    schedule(rig, RED_S, 1, "pos.inbound", 1);
    engine_settle(rig);
    next_days(rig, 36);
    full_store_begin(&full, rig->disk->store);
    full.commits_full = 1;
    full.can_grow = true;
    engine_settle(rig);
    full_store_end(&full);
    assert_int_equal(full.commits_full, 0);
    assert_int_equal(count_scheduled(rig), 0);
}

static uint64_t count_nodes(engine_rig *rig)
{
    rf_verify_report report;
    assert_int_equal(engine_verify(rig, &report), 0);
    return report.nodes + report.scheduled;
}

/* A level that is dropped gives its place among the levels to the last one,
 * which must be swept nevertheless. */
static void test_levels_change_while_days_go(void **state)
{
    engine_rig *rig = *state;
    bool more = false;
    schedule(rig, RED_S, 1, "pos.inbound", 1);
    engine_settle(rig);
    next_days(rig, 36);
    assert_int_equal(rf_engine_step(rig->engine, &more, NULL), RF_OK);
    assert_true(more);
    draft_schedule_set(rig->draft, "ColorId");
    const rf_task *task = engine_submit_configure(rig);
    while (task->owner != NULL) {
        assert_int_equal(rf_engine_step(rig->engine, &more, NULL), RF_OK);
    }
    engine_generation(rig); /* nobody looks at the one before any more */
    engine_settle(rig);
    assert_int_equal(count_nodes(rig), 0);
}

/* Note the key of every node whose coordinates are in its value. */
static bool note_hashed(void *context, rf_bytes key, rf_bytes value)
{
    engine_rig *rig = context;
    rf_key_parts parts;
    rf_place place;
    bool hashed = false;
    (void)value;
    assert_int_equal(rf_key_read(key, &parts, NULL), RF_OK);
    if (parts.kind != RF_KEY_NODE ||
        rf_coordinates_read(parts.coordinates, &place, &hashed, NULL) !=
            RF_OK ||
        !hashed) {
        return true;
    }
    rf_write_text(&rig->scratch,
                  (rf_text){(const char *)key.bytes, key.length});
    return true;
}

static void spoil_long(engine_rig *rig)
{
    const rf_store_operations *operations = rig->disk->store->operations;
    rf_store_transaction *writer = rig_begin(rig->disk->store, true);
    rf_buffer_clear(&rig->scratch);
    assert_int_equal(
        operations->scan(writer, &(rf_store_range){.table = RF_TABLE_STOCK},
                         note_hashed, rig, NULL),
        RF_OK);
    assert_true(rig->scratch.length > 0);
    rf_reader reader = rf_reader_of((rf_bytes){
        (const unsigned char *)rig->scratch.bytes, rig->scratch.length});
    while (reader.at < reader.end) {
        rf_text key = rf_read_text(&reader);
        rf_store_item item = {RF_TABLE_STOCK,
                              {(const unsigned char *)key.bytes, key.length},
                              {(const unsigned char *)"x", 1}};
        assert_int_equal(operations->save(writer, &item, 1, NULL), RF_OK);
    }
    rig_commit(rig->disk->store, writer);
    rig->is_damaged = true;
}

/* What cannot be read keeps nothing else from going. */
static void test_damage_keeps_no_days(void **state)
{
    engine_rig *rig = *state;
    rf_verify_report report;
    char place[640];
    int head = snprintf(place, sizeof place, "siteid=1, locationid=W");
    for (const char *name = "abc"; *name != '\0'; name++) {
        static const char *const dimensions[] = {"StyleId", "ColorId",
                                                 "SizeId"};
        head += snprintf(place + head, sizeof place - (size_t)head,
                         ", %s=%0190d", dimensions[*name - 'a'], 7);
    }
    schedule(rig, place, 1, "pos.inbound", 1);
    schedule(rig, RED_S, 1, "pos.inbound", 1);
    engine_settle(rig);
    next_days(rig, 36);
    spoil_long(rig);
    engine_settle(rig);
    assert_true(engine_verify(rig, &report) > 0);
    assert_int_equal(report.scheduled, 1);
}

static void test_a_dry_run_leaves_nothing(void **state)
{
    engine_rig *rig = *state;
    rf_command command = schedule_one(rig, RED_S, 1, "pos.inbound", 3);
    rf_job *job = engine_job(rig, &command, 1);
    job->dry_run = true;
    rf_result *result = engine_run_job(rig, job);
    assert_int_equal(result->status, RF_OK);
    rf_result_done(result);
    assert_string_equal(rows(rig), "");
    assert_int_equal(count_scheduled(rig), 0);
}

static void test_a_basket_is_undone_whole(void **state)
{
    engine_rig *rig = *state;
    rf_command commands[] = {
        schedule_one(rig, RED_S, 1, "pos.inbound", 3),
        schedule_one(rig, RED_S, PERIOD, "pos.inbound", 3),
    };
    rf_job *job = engine_job(rig, commands, 2);
    job->atomic = true;
    const rf_result *results = engine_run_job(rig, job);
    assert_int_equal(results[0].status, RF_E_BASKET_REFUSED);
    assert_int_equal(results[1].status, RF_E_DATE_OUT_OF_WINDOW);
    assert_string_equal(rows(rig), "");
}

/* ---- At random ---- */

#define PLACES 8
#define STEPS 400

typedef struct books {
    double stock[PLACES];
    double days[PLACES][PERIOD];
    bool has_stock[PLACES];
    bool has_day[PLACES][PERIOD];
} books;

static unsigned pick(uint64_t *seed, unsigned below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(*seed >> 33) % below;
}

/* Every second place lies so deep that its key is hashed; the first half are
 * red, the second blue. */
static const char *random_place(unsigned number, char text[700])
{
    char deep[240] = "";
    if (number % 2 == 1) {
        memset(deep, 'x', 180);
        deep[180] = '\0';
    }
    snprintf(text, 700, SHELF ", ColorId=%s, StyleId=s%u%s%s%s%s",
             number < PLACES / 2 ? "red" : "blue", number,
             number % 2 == 1 ? ", BatchId=" : "", deep,
             number % 2 == 1 ? ", SerialId=" : "", deep);
    return text;
}

static void expect_books(engine_rig *rig, const books *kept)
{
    char expected[4096];
    size_t used = 0;
    expected[0] = '\0';
    for (unsigned half = 0; half < 2; half++) {
        double stock = 0;
        double days[PERIOD] = {0};
        bool has_stock = false;
        bool has_day[PERIOD] = {false};
        bool has_any = false;
        for (unsigned i = 0; i < PLACES / 2; i++) {
            /* blue sorts before red */
            unsigned at = half == 0 ? i + PLACES / 2 : i;
            stock += kept->stock[at];
            has_stock = has_stock || kept->has_stock[at];
            for (int d = 0; d < PERIOD; d++) {
                days[d] += kept->days[at][d];
                has_day[d] = has_day[d] || kept->has_day[at][d];
                has_any = has_any || has_day[d];
            }
        }
        if (!has_any && !has_stock) {
            continue;
        }
        used += (size_t)snprintf(expected + used, sizeof expected - used,
                                 "%s:", half == 0 ? "blue" : "red");
        if (has_stock) {
            used += (size_t)snprintf(expected + used, sizeof expected - used,
                                     "+%g", stock);
        }
        for (int d = 0; d < PERIOD; d++) {
            if (has_day[d]) {
                used +=
                    (size_t)snprintf(expected + used, sizeof expected - used,
                                     " %d:+%g", d, days[d]);
            }
        }
        used += (size_t)snprintf(expected + used, sizeof expected - used, ";");
    }
    assert_string_equal(rows(rig), expected);
}

static void pass_day(books *kept)
{
    for (unsigned i = 0; i < PLACES; i++) {
        memmove(&kept->days[i][0], &kept->days[i][1],
                (PERIOD - 1) * sizeof kept->days[i][0]);
        memmove(&kept->has_day[i][0], &kept->has_day[i][1],
                (PERIOD - 1) * sizeof kept->has_day[i][0]);
        kept->days[i][PERIOD - 1] = 0;
        kept->has_day[i][PERIOD - 1] = false;
    }
}

static void random_step(engine_rig *rig, books *kept, uint64_t *seed)
{
    char place[700];
    char change[64];
    unsigned at = pick(seed, PLACES);
    int day = (int)pick(seed, PERIOD);
    double quantity = (double)pick(seed, 41) - 20;
    random_place(at, place);
    snprintf(change, sizeof change, "pos.inbound=%g", quantity);
    switch (pick(seed, 8)) {
    case 0:
        post(rig, place, change);
        kept->stock[at] += quantity;
        kept->has_stock[at] = true;
        break;
    case 1: {
        double there = kept->days[at][day];
        bool same = (there > 0) == (quantity > 0) && there != 0;
        double taken = !same                                  ? 0
                       : (quantity > 0) == (quantity < there) ? quantity
                                                              : there;
        commit(rig, place, day, change);
        kept->stock[at] += quantity;
        kept->has_stock[at] = true;
        kept->days[at][day] -= taken;
        break;
    }
    case 2:
        if (pick(seed, 4) == 0) {
            next_days(rig, 1);
            pass_day(kept);
        }
        break;
    default:
        schedule(rig, place, day, "pos.inbound", quantity);
        kept->days[at][day] += quantity;
        kept->has_day[at][day] = true;
    }
}

static void test_random_histories(void **state)
{
    engine_rig *rig = *state;
    books kept = {.stock = {0}};
    uint64_t seed = 7;
    for (int i = 0; i < STEPS; i++) {
        random_step(rig, &kept, &seed);
        if (i % 10 == 9) {
            expect_books(rig, &kept);
        }
        if (i == STEPS / 2) {
            draft_schedule_set(rig->draft, "ColorId");
            engine_restart(rig);
            engine_settle(rig);
        }
    }
}

static int set_up(void **state)
{
    if (engine_set_up(state) != 0) {
        return -1;
    }
    engine_rig *rig = *state;
    rig->draft->draft.schedule_days = PERIOD;
    engine_configure(rig);
    return 0;
}

#define CASE(test)                                                             \
    cmocka_unit_test_setup_teardown(test, set_up, engine_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_it_lies_beside_the_stock),
        CASE(test_what_is_only_expected_is_found),
        CASE(test_only_days_of_the_period),
        CASE(test_a_copy_is_answered_from_memory),
        CASE(test_a_commit_moves_it_into_the_stock),
        CASE(test_a_commit_of_yesterday),
        CASE(test_erasing_takes_it_along),
        CASE(test_levels_are_built_for_it),
        CASE(test_days_long_over_go),
        CASE(test_days_go_from_a_store_that_is_full),
        CASE(test_levels_change_while_days_go),
        CASE(test_damage_keeps_no_days),
        CASE(test_a_dry_run_leaves_nothing),
        CASE(test_a_basket_is_undone_whole),
        CASE(test_random_histories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
