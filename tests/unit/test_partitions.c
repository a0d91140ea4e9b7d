/*
 * test_partitions.c - what there is, listed: partitions and reservations.
 */
#include "core/cursor.h"
#include "core/partitions.h"
#include "core/reservations.h"
#include "tests/unit/engine_rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define SHELF "siteid=1, locationid=W"

/* What a listing visited, a line each. */
typedef struct lines {
    char text[8192];
    size_t used;
    size_t count;
    size_t calls;
} lines;

static void print(lines *out, rf_text text)
{
    assert_true(out->used + text.length < sizeof out->text);
    if (text.length == 0) {
        return; /* its bytes may be NULL */
    }
    memcpy(out->text + out->used, text.bytes, text.length);
    out->used += text.length;
    out->text[out->used] = '\0';
}

static void post(engine_rig *rig, const char *product, const char *place,
                 const char *changes)
{
    rf_command command = engine_post(rig, product, place, changes);
    engine_do(rig, &command);
}

static rf_status note_partition(void *context, const rf_partition *partition,
                                rf_error *err)
{
    (void)err;
    print(context, partition->id);
    print(context, rf_text_of("\n"));
    ((lines *)context)->count++;
    return RF_OK;
}

static const char *list_partitions(engine_rig *rig, size_t limit, lines *out)
{
    rf_partition_listing listing = {.generation = engine_generation(rig),
                                    .limit = limit,
                                    .visit = note_partition,
                                    .context = out};
    bool end = false;
    memset(out, 0, sizeof *out);
    while (!end) {
        size_t before = out->count;
        assert_int_equal(
            rf_partitions_list(rig->disk->store, &listing, &end, NULL), RF_OK);
        assert_true(out->count - before <= limit);
        out->calls++;
    }
    return out->text;
}

static void test_locations_are_listed_once(void **state)
{
    engine_rig *rig = *state;
    lines out;
    assert_string_equal(list_partitions(rig, 10, &out), "");
    for (int i = 0; i < 50; i++) {
        char product[32];
        snprintf(product, sizeof product, "P%d", i);
        post(rig, product, "siteid=1, locationid=W", "pos.inbound=1");
        post(rig, product, "siteid=10", "pos.inbound=1");
    }
    post(rig, "P1", "siteid=2, locationid=A~B", "pos.inbound=1");
    post(rig, "P1", "", "pos.inbound=1");
    rf_command other = engine_post(rig, "P1", SHELF, "pos.inbound=1");
    other.organization = rf_text_of("nord");
    engine_do(rig, &other);
    const char *all = "nord~1~W\nusmf~~\nusmf~1~W\nusmf~2~A%7EB\nusmf~10~\n";
    assert_string_equal(list_partitions(rig, 10, &out), all);
    assert_int_equal(out.calls, 1);
    assert_string_equal(list_partitions(rig, 2, &out), all);
    assert_int_equal(out.calls, 3);
    assert_int_equal(engine_erase(rig, "usmf~1~W"), RF_OK);
    assert_string_equal(list_partitions(rig, 10, &out),
                        "nord~1~W\nusmf~~\nusmf~2~A%7EB\nusmf~10~\n");
}

static void test_products_are_listed_once(void **state)
{
    engine_rig *rig = *state;
    lines out;
    rig->draft->draft.by_product = true;
    engine_configure(rig);
    post(rig, "B", SHELF, "pos.inbound=1");
    post(rig, "B", "siteid=2", "pos.inbound=1");
    post(rig, "A~", SHELF, "pos.inbound=1");
    post(rig, "C", "", "pos.inbound=1");
    assert_string_equal(list_partitions(rig, 1, &out),
                        "usmf~B\nusmf~C\nusmf~A%7E\n");
    assert_int_equal(out.calls, 4);
    assert_int_equal(engine_erase(rig, "usmf~B"), RF_OK);
    assert_string_equal(list_partitions(rig, 10, &out), "usmf~C\nusmf~A%7E\n");
}

static rf_status note_held(void *context, const rf_held *held, rf_error *err)
{
    char quantity[RF_QUANTITY_TEXT_MAX];
    rf_quantity_print(held->reservation->quantity, quantity);
    (void)err;
    print(context, held->product);
    print(context, rf_text_of(" "));
    print(context, held->place->value[2]);
    print(context, rf_text_of("/"));
    print(context, held->reservation->order_tag);
    print(context, rf_text_of("/"));
    print(context, held->reservation->recipient);
    print(context, rf_text_of("="));
    print(context, rf_text_of(quantity));
    print(context, rf_text_of(" "));
    ((lines *)context)->count++;
    return RF_OK;
}

/* Each page starts from the text that the last one ended with. */
static const char *list_held(engine_rig *rig,
                             const rf_reservation_filter *filter, size_t limit,
                             lines *out)
{
    char after[RF_CURSOR_TEXT_MAX] = "";
    rf_reservation_listing listing = {.environment =
                                          engine_generation(rig)->environment,
                                      .filter = filter,
                                      .limit = limit,
                                      .visit = note_held,
                                      .context = out};
    bool end = false;
    memset(out, 0, sizeof *out);
    while (!end) {
        size_t before = out->count;
        assert_true(rf_cursor_parse(rf_text_of(after), &listing.next));
        assert_int_equal(
            rf_reservations_list(rig->disk->store, &listing, &end, NULL),
            RF_OK);
        assert_true(out->count - before <= limit);
        rf_cursor_print(&listing.next, after);
        out->calls++;
    }
    return out->text;
}

static void reserve(engine_rig *rig, const char *product, const char *place,
                    double quantity, const char *tag, const char *recipient)
{
    rf_command command = engine_reserve(rig, product, place, quantity, false);
    command.order_tag = rf_text_of(tag);
    command.recipient = rf_text_of(recipient);
    engine_do(rig, &command);
}

static void test_reservations_are_filtered(void **state)
{
    engine_rig *rig = *state;
    lines out;
    rf_reservation_filter all = {0};
    assert_string_equal(list_held(rig, &all, 10, &out), "");
    post(rig, "A", SHELF, "pos.inbound=1");
    reserve(rig, "B", SHELF, 1, "t1", "web");
    reserve(rig, "C", SHELF ", ColorId=red", 2, "t2", "web");
    reserve(rig, "C", SHELF ", ColorId=red", -2, "t2", "web");
    reserve(rig, "D", "siteid=2, locationid=W, ColorId=red", 3, "t2", "shop");
    rig->now_ms += 5000;
    reserve(rig, "E", SHELF ", ColorId=blue", 4, "", "");
    reserve(rig, "F", SHELF, -1, "", "");
    post(rig, "G", SHELF, "pos.inbound=1");
    assert_string_equal(list_held(rig, &all, 10, &out),
                        "B /t1/web=1 D red/t2/shop=3 E blue//=4 ");

    rf_text tag = rf_text_of("t2");
    rf_text nothing = RF_TEXT_EMPTY;
    rf_text web = rf_text_of("web");
    rf_place at = engine_place(rig, "siteid=1");
    rf_reservation_filter filter = {.order_tag = &tag};
    assert_string_equal(list_held(rig, &filter, 10, &out), "D red/t2/shop=3 ");
    filter = (rf_reservation_filter){.order_tag = &nothing};
    assert_string_equal(list_held(rig, &filter, 10, &out), "E blue//=4 ");
    filter = (rf_reservation_filter){.recipient = &web};
    assert_string_equal(list_held(rig, &filter, 10, &out), "B /t1/web=1 ");
    filter = (rf_reservation_filter){.place = &at};
    assert_string_equal(list_held(rig, &filter, 10, &out),
                        "B /t1/web=1 E blue//=4 ");
    filter = (rf_reservation_filter){.product = rf_text_of("D")};
    assert_string_equal(list_held(rig, &filter, 10, &out), "D red/t2/shop=3 ");
    filter.organization = rf_text_of(RIG_ORGANIZATION);
    assert_string_equal(list_held(rig, &filter, 10, &out), "D red/t2/shop=3 ");
    filter.organization = rf_text_of("nord");
    assert_string_equal(list_held(rig, &filter, 10, &out), "");
    filter =
        (rf_reservation_filter){.has_before = true, .before_ms = rig->now_ms};
    assert_string_equal(list_held(rig, &filter, 10, &out),
                        "B /t1/web=1 D red/t2/shop=3 ");
    filter.before_ms++;
    list_held(rig, &filter, 10, &out);
    assert_int_equal(out.count, 3);
}

static void test_reservations_come_in_pages(void **state)
{
    engine_rig *rig = *state;
    lines out;
    rf_reservation_filter all = {0};
    for (int i = 0; i < 30; i++) {
        char product[32];
        char tag[32];
        snprintf(product, sizeof product, "P%d", i / 10);
        snprintf(tag, sizeof tag, "order-%d", i);
        reserve(rig, product, SHELF, 1, tag, "");
    }
    char whole[8192];
    snprintf(whole, sizeof whole, "%s", list_held(rig, &all, 1000, &out));
    assert_int_equal(out.count, 30);
    assert_string_equal(list_held(rig, &all, 7, &out), whole);
    assert_int_equal(out.calls, 5);
    assert_string_equal(list_held(rig, &all, 1, &out), whole);
    rf_reservation_filter product = {.organization =
                                         rf_text_of(RIG_ORGANIZATION),
                                     .product = rf_text_of("P1")};
    list_held(rig, &product, 3, &out);
    assert_int_equal(out.count, 10);
}

/* Thousands of products without a reservation take several slices. */
static void test_a_long_way_to_a_reservation(void **state)
{
    engine_rig *rig = *state;
    rf_job *first = NULL;
    rf_job **end = &first;
    for (int i = 0; i < 11000; i++) {
        char product[32];
        snprintf(product, sizeof product, "P%05d", i);
        rf_command command = engine_post(rig, product, SHELF, "pos.inbound=1");
        *end = engine_job(rig, &command, 1);
        end = &(*end)->next;
    }
    engine_run_job(rig, first);
    reserve(rig, "P10999", SHELF, 1, "", "");
    lines out;
    rf_reservation_filter all = {0};
    assert_string_equal(list_held(rig, &all, 10, &out), "P10999 //=1 ");
    assert_true(out.calls >= 2);
}

static void test_a_cursor_is_not_believed(void **state)
{
    engine_rig *rig = *state;
    reserve(rig, "P", SHELF, 1, "", "");
    rf_key cursor;
    assert_false(rf_cursor_parse(rf_text_of("abc"), &cursor));
    assert_false(rf_cursor_parse(rf_text_of("xy"), &cursor));
    assert_false(rf_cursor_parse(rf_text_of("AB"), &cursor));
    char longest[2 * RF_STORE_KEY_MAX + 3];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_false(rf_cursor_parse(rf_text_of(longest), &cursor));
    static const char *const others[] = {"00", "0000", "ffff", "0009ff"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        lines out = {0};
        bool end = false;
        rf_reservation_filter all = {0};
        rf_reservation_listing listing = {
            .environment = engine_generation(rig)->environment,
            .filter = &all,
            .limit = 10,
            .visit = note_held,
            .context = &out};
        assert_true(rf_cursor_parse(rf_text_of(others[i]), &listing.next));
        assert_int_equal(
            rf_reservations_list(rig->disk->store, &listing, &end, NULL),
            RF_OK);
        assert_true(end);
        assert_int_equal(out.count, 0);
    }
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_shop, engine_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_locations_are_listed_once),
        CASE(test_products_are_listed_once),
        CASE(test_reservations_are_filtered),
        CASE(test_reservations_come_in_pages),
        CASE(test_a_long_way_to_a_reservation),
        CASE(test_a_cursor_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
