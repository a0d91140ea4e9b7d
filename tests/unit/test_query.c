/*
 * test_query.c - which rows a query answers with, and in what order.
 */
#include "core/alloc.h"
#include "core/key.h"
#include "core/query.h"
#include "tests/unit/engine_rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHELF "siteid=1, locationid=W"
#define VALUES_MAX 40

/* A query from short texts; "ColorId=red|blue" filters, "ColorId=" filters by
 * not given. */
typedef struct question {
    engine_rig *rig;
    rf_query query;
    rf_filter filters[8];
    rf_text values[8][VALUES_MAX];
    rf_text products[VALUES_MAX];
    rf_text organizations[4];
    rf_arena arena;
    char rows[8192]; /* the answer, a line for each row */
    size_t used;
    size_t row_count;
    size_t slices;
    rf_query_run *run;
    bool pauses;     /* after each row */
    rf_quantity sum; /* of pos.inbound */
    rf_status status;
} question;

static size_t split(engine_rig *rig, const char *text, char separator,
                    rf_text *out)
{
    size_t count = 0;
    const char *at = rf_arena_copy(&rig->arena, text, strlen(text));
    assert_non_null(at);
    for (;;) {
        const char *end = strchr(at, separator);
        size_t length = end == NULL ? strlen(at) : (size_t)(end - at);
        assert_true(count < VALUES_MAX);
        out[count++] = (rf_text){at, length};
        if (end == NULL) {
            return count;
        }
        at = end + 1;
    }
}

static void add_filter(question *asked, unsigned coordinate, const char *values)
{
    size_t place = asked->query.filter_count++;
    assert_true(place < 8);
    asked->filters[place] =
        (rf_filter){coordinate, asked->values[place],
                    split(asked->rig, values, '|', asked->values[place])};
}

static question *ask(engine_rig *rig, const char *products, const char *filters,
                     const char *group_by)
{
    question *asked = rf_arena_calloc(&rig->arena, 1, sizeof *asked);
    assert_non_null(asked);
    asked->rig = rig;
    asked->query.organization_count =
        split(rig, RIG_ORGANIZATION, ' ', asked->organizations);
    if (products[0] != '\0') {
        asked->query.product_count = split(rig, products, '|', asked->products);
    }
    for (const char *at = filters + strspn(filters, ", "); *at != '\0';) {
        char name[64];
        char values[1024];
        int read = 0;
        assert_int_equal(sscanf(at, "%63[^=]=%n", name, &read), 1);
        at += read;
        size_t length = strcspn(at, ",");
        assert_true(length < sizeof values);
        memcpy(values, at, length);
        values[length] = '\0';
        add_filter(asked, (unsigned)__builtin_ctzll(engine_level(rig, name)),
                   values);
        at += length + strspn(at + length, ", ");
    }
    asked->query.organizations = asked->organizations;
    asked->query.products = asked->products;
    asked->query.filters = asked->filters;
    asked->query.group_by = engine_level(rig, group_by);
    return asked;
}

static void print(question *asked, rf_text text)
{
    if (text.length > 0 && asked->used + text.length < sizeof asked->rows) {
        memcpy(asked->rows + asked->used, text.bytes, text.length);
        asked->used += text.length;
    }
}

static void print_quantity(question *asked, const rf_amount *amount)
{
    char text[RF_QUANTITY_TEXT_MAX];
    const rf_physical *measure =
        rf_catalog_physical_number(engine_catalog(asked->rig), amount->measure);
    rf_quantity_print(amount->quantity, text);
    print(asked, rf_text_of(" "));
    print(asked, measure->name);
    print(asked, rf_text_of("="));
    print(asked, rf_text_of(text));
}

/* "SHIRT 1/W/red inbound=5": the values of group_by, an empty one too. */
static rf_status note_row(void *context, const rf_row *row, rf_error *err)
{
    question *asked = context;
    const char *separator = " ";
    (void)err;
    assert_int_equal(row->place->given & ~asked->query.group_by, 0);
    print(asked, row->product);
    for (rf_level rest = asked->query.group_by; rest != 0; rest &= rest - 1) {
        print(asked, rf_text_of(separator));
        print(asked, row->place->value[__builtin_ctzll(rest)]);
        separator = "/";
    }
    for (uint16_t i = 0; i < row->measures->count; i++) {
        print_quantity(asked, &row->measures->amounts[i]);
    }
    print(asked, rf_text_of("\n"));
    asked->sum += rf_measures_get(row->measures,
                                  engine_measure(asked->rig, "pos.inbound"));
    asked->row_count++;
    if (asked->pauses) {
        rf_query_pause(asked->run);
    }
    return RF_OK;
}

static const char *answer(question *asked)
{
    rf_error err = {0};
    bool done = false;
    asked->run = NULL;
    rf_arena_init(&asked->arena, 8192, 0);
    asked->status = rf_query_start(engine_generation(asked->rig), &asked->query,
                                   &asked->arena, &asked->run, &err);
    while (asked->status == RF_OK && !done) {
        asked->status = rf_query_slice(asked->run, asked->rig->disk->store,
                                       note_row, asked, &done, &err);
        asked->slices++;
    }
    rf_query_free(asked->run);
    rf_arena_done(&asked->arena);
    asked->rows[asked->used < sizeof asked->rows ? asked->used
                                                 : sizeof asked->rows - 1] =
        '\0';
    return asked->rows;
}

static const char *rows(engine_rig *rig, const char *products,
                        const char *filters, const char *group_by)
{
    question *asked = ask(rig, products, filters, group_by);
    const char *text = answer(asked);
    assert_int_equal(asked->status, RF_OK);
    return text;
}

static void post(engine_rig *rig, const char *product, const char *place,
                 const char *changes)
{
    rf_command command = engine_post(rig, product, place, changes);
    engine_do(rig, &command);
}

/* The example of the configuration's documentation: one product in two
 * colours, three sizes and two styles. */
static void post_shirts(engine_rig *rig)
{
    post(rig, "SHIRT", SHELF ", ColorId=navy, SizeId=S, StyleId=slim",
         "pos.inbound=4");
    post(rig, "SHIRT", SHELF ", ColorId=navy, SizeId=S, StyleId=wide",
         "pos.inbound=6");
    post(rig, "SHIRT", SHELF ", ColorId=navy, SizeId=L, StyleId=slim",
         "pos.inbound=9");
    post(rig, "SHIRT", SHELF ", ColorId=sand, SizeId=S, StyleId=slim",
         "pos.inbound=10");
    post(rig, "SHIRT", SHELF ", ColorId=sand, SizeId=M, StyleId=wide",
         "pos.inbound=11, pos.outbound=1");
    post(rig, "SHIRT", SHELF ", ColorId=sand, SizeId=L, StyleId=wide",
         "pos.inbound=13");
}

static void test_a_level_is_read_as_it_is(void **state)
{
    engine_rig *rig = *state;
    post_shirts(rig);
    assert_string_equal(
        rows(rig, "SHIRT", "siteid=1, locationid=W", "siteid, locationid"),
        "SHIRT 1/W inbound=53 outbound=1\n");
    assert_string_equal(rows(rig, "SHIRT", "siteid=1, locationid=W",
                             "siteid, locationid, ColorId"),
                        "SHIRT 1/W/navy inbound=19\n"
                        "SHIRT 1/W/sand inbound=34 outbound=1\n");
    assert_string_equal(rows(rig, "SHIRT", "", ""),
                        "SHIRT inbound=53 outbound=1\n");
    assert_string_equal(
        rows(rig, "SHIRT", "siteid=2, locationid=W", "siteid, locationid"), "");
    assert_string_equal(rows(rig, "NONE", "", ""), "");
}

static void test_other_combinations_are_added_up(void **state)
{
    engine_rig *rig = *state;
    post_shirts(rig);
    assert_string_equal(rows(rig, "SHIRT", "siteid=1, locationid=W", "SizeId"),
                        "SHIRT L inbound=22\n"
                        "SHIRT M inbound=11 outbound=1\n"
                        "SHIRT S inbound=20\n");
    assert_string_equal(rows(rig, "SHIRT", "StyleId=wide", "SizeId"),
                        "SHIRT L inbound=13\n"
                        "SHIRT M inbound=11 outbound=1\n"
                        "SHIRT S inbound=6\n");
    assert_string_equal(rows(rig, "SHIRT",
                             SHELF ", ColorId=sand|navy, SizeId=S|L",
                             "siteid, locationid"),
                        "SHIRT 1/W inbound=42\n");
    assert_string_equal(
        rows(rig, "SHIRT", SHELF ", ColorId=navy|navy", "siteid"),
        "SHIRT 1 inbound=19\n");
    assert_string_equal(rows(rig, "SHIRT", "ColorId=Navy", ""), "");
}

static void test_rows_are_in_order_of_their_values(void **state)
{
    engine_rig *rig = *state;
    post(rig, "P", "siteid=2, locationid=A", "pos.inbound=1");
    post(rig, "P", "siteid=10, locationid=B", "pos.inbound=2");
    post(rig, "P", "siteid=10, locationid=AA", "pos.inbound=3");
    post(rig, "P", "siteid=10", "pos.inbound=4");
    post(rig, "P", "locationid=B", "pos.inbound=5");
    post(rig, "P", "", "pos.inbound=6");
    post(rig, "O", "siteid=10", "pos.inbound=7");
    post(rig, "N10", "siteid=10", "pos.inbound=8");
    assert_string_equal(rows(rig, "P|O|N10|P", "", "siteid, locationid"),
                        "N10 10/ inbound=8\n"
                        "O 10/ inbound=7\n"
                        "P / inbound=6\n"
                        "P /B inbound=5\n"
                        "P 10/ inbound=4\n"
                        "P 10/AA inbound=3\n"
                        "P 10/B inbound=2\n"
                        "P 2/A inbound=1\n");
}

static void test_empty_means_not_given(void **state)
{
    engine_rig *rig = *state;
    post(rig, "P", "siteid=1, locationid=W", "pos.inbound=1");
    post(rig, "P", "siteid=1", "pos.inbound=2");
    post(rig, "P", "locationid=W", "pos.inbound=4");
    post(rig, "P", "", "pos.inbound=8");
    post(rig, "P", "siteid=1, ColorId=red", "pos.inbound=16");
    assert_string_equal(rows(rig, "P", "siteid=, locationid=W", ""),
                        "P inbound=4\n");
    assert_string_equal(
        rows(rig, "P", "siteid=1, locationid=", "siteid, locationid"),
        "P 1/ inbound=18\n");
    assert_string_equal(rows(rig, "P", "siteid=1|, locationid=|W", ""),
                        "P inbound=31\n");
    assert_string_equal(rows(rig, "P", "siteid=1, ColorId=", "siteid"),
                        "P 1 inbound=3\n");
    assert_string_equal(rows(rig, "P",
                             "siteid=1, locationid=, ColorId=|red, SizeId=|S",
                             "ColorId"),
                        "P  inbound=2\nP red inbound=16\n");
}

static void test_many_values_are_looked_up(void **state)
{
    engine_rig *rig = *state;
    char sites[256] = "";
    for (int i = 0; i < 30; i++) {
        char place[64];
        snprintf(place, sizeof place, "siteid=%d, locationid=W", i);
        post(rig, "P", place, "pos.inbound=1");
        if (i % 3 != 0) {
            snprintf(place, sizeof place, "%s%d", sites[0] == '\0' ? "" : "|",
                     i);
            strcat(sites, place);
        }
    }
    char filters[300];
    snprintf(filters, sizeof filters, "siteid=%s", sites);
    question *asked = ask(rig, "P", filters, "siteid, locationid");
    answer(asked);
    assert_int_equal(asked->row_count, 20);
    assert_string_equal(rows(rig, "P", filters, ""), "P inbound=20\n");
}

static void test_hashed_keys_are_found(void **state)
{
    engine_rig *rig = *state;
    char red[201];
    char small[201];
    char style[201];
    char place[1024];
    memset(red, 'r', 200);
    memset(small, 's', 200);
    memset(style, 't', 200);
    red[200] = small[200] = style[200] = '\0';
    draft_index_set(rig->draft, "ColorId, SizeId, StyleId");
    engine_configure(rig);
    snprintf(place, sizeof place, "%s, ColorId=%s, SizeId=%s, StyleId=%s",
             SHELF, red, small, style);
    post(rig, "P", place, "pos.inbound=1");
    snprintf(place, sizeof place, "%s, ColorId=%s, SizeId=%s, StyleId=x", SHELF,
             red, small);
    post(rig, "P", place, "pos.inbound=2");
    post(rig, "P", SHELF ", ColorId=b, SizeId=c, StyleId=d", "pos.inbound=4");
    post(rig, "P", SHELF ", SizeId=c, StyleId=d", "pos.inbound=8");

    snprintf(place, sizeof place, "%s, ColorId=%s", SHELF, red);
    assert_string_equal(rows(rig, "P", place, "siteid"), "P 1 inbound=3\n");
    question *asked = ask(rig, "P", place, "StyleId");
    answer(asked);
    assert_int_equal(asked->row_count, 2);
    snprintf(place, sizeof place, "%s, ColorId=b|%s|", SHELF, red);
    asked = ask(rig, "P", place, "StyleId, SizeId");
    answer(asked);
    assert_int_equal(asked->row_count, 3);
    assert_true(asked->sum == engine_units(15));
    snprintf(place, sizeof place, "%s, ColorId=%s, SizeId=%s", SHELF, red,
             small);
    asked = ask(rig, "P", place, "StyleId");
    answer(asked);
    assert_int_equal(asked->row_count, 2);
    snprintf(place, sizeof place, "%s, ColorId=%s, SizeId=%s, StyleId=%s|x",
             SHELF, red, small, style);
    assert_string_equal(rows(rig, "P", place, "siteid"), "P 1 inbound=3\n");
    assert_string_equal(rows(rig, "P", SHELF ", ColorId=, SizeId=c", "ColorId"),
                        "P  inbound=8\n");
}

static void test_places_are_walked_without_products(void **state)
{
    engine_rig *rig = *state;
    post(rig, "A", "siteid=1, locationid=W, ColorId=red", "pos.inbound=1");
    post(rig, "A", "siteid=1, locationid=W, ColorId=blue", "pos.inbound=2");
    post(rig, "B", "siteid=1, locationid=W", "pos.inbound=3");
    post(rig, "C", "siteid=1, locationid=X", "pos.inbound=4");
    post(rig, "A", "siteid=2, locationid=W", "pos.inbound=5");
    post(rig, "B", "siteid=2", "pos.inbound=6");
    post(rig, "LONGER", "siteid=1, locationid=W", "pos.inbound=7");
    post(rig, "D", "siteid=11, locationid=W", "pos.inbound=8");
    assert_string_equal(rows(rig, "", SHELF, "siteid, locationid"),
                        "A 1/W inbound=3\n"
                        "B 1/W inbound=3\n"
                        "LONGER 1/W inbound=7\n");
    assert_string_equal(rows(rig, "", "locationid=W", "siteid, locationid"),
                        "A 1/W inbound=3\n"
                        "B 1/W inbound=3\n"
                        "LONGER 1/W inbound=7\n"
                        "A 2/W inbound=5\n"
                        "D 11/W inbound=8\n");
    assert_string_equal(
        rows(rig, "", "siteid=1|2, locationid=X|", "siteid, locationid"),
        "C 1/X inbound=4\n"
        "B 2/ inbound=6\n");
    assert_string_equal(rows(rig, "", "siteid=1, ColorId=red|blue",
                             "siteid, locationid, ColorId"),
                        "A 1/W/blue inbound=2\n"
                        "A 1/W/red inbound=1\n");
    assert_string_equal(rows(rig, "", "siteid=3", "siteid, locationid"), "");
    question *asked = ask(rig, "", SHELF, "siteid");
    answer(asked);
    assert_int_equal(asked->status, RF_E_MISSING_PRODUCT);
}

/* Stock of several products at several places, in two organizations. */
static void post_everywhere(engine_rig *rig)
{
    static const char *const products[] = {"B", "A", "LONGER"};
    static const char *const places[] = {
        "siteid=1, locationid=W", "siteid=1, locationid=LONG",
        "siteid=22, locationid=W", "siteid=3", ""};
    for (size_t i = 0; i < 15; i++) {
        rf_command command =
            engine_post(rig, products[i % 3], places[i / 3], "pos.inbound=1");
        engine_do(rig, &command);
        if (i % 4 != 0) {
            command = engine_post(rig, products[i % 3], places[i / 3],
                                  "pos.inbound=2");
            command.organization = rf_text_of("demf");
            engine_do(rig, &command);
        }
    }
}

static question *ask_everywhere(engine_rig *rig, const char *products)
{
    question *asked = ask(rig, products, "", "siteid, locationid");
    asked->organizations[0] = rf_text_of("demf");
    asked->organizations[1] = rf_text_of("usmf");
    asked->query.organization_count = 2;
    return asked;
}

typedef struct marks {
    rf_query_mark items[40];
    size_t count;
    rf_arena *arena;
} marks;

static rf_text keep(const marks *m, rf_text text)
{
    return (rf_text){rf_arena_copy(m->arena, text.bytes, text.length),
                     text.length};
}

static rf_status note_mark(void *context, const rf_row *row, rf_error *err)
{
    marks *m = context;
    (void)err;
    assert_true(m->count < 40);
    m->items[m->count++] =
        (rf_query_mark){.organization = keep(m, row->organization),
                        .product = keep(m, row->product),
                        .site = keep(m, row->place->value[RF_SITE]),
                        .location = keep(m, row->place->value[RF_LOCATION])};
    return RF_OK;
}

static void collect_marks(engine_rig *rig, const char *products, marks *out)
{
    question *asked = ask_everywhere(rig, products);
    rf_query_run *run = NULL;
    bool done = false;
    out->count = 0;
    out->arena = &rig->arena;
    rf_arena_init(&asked->arena, 8192, 0);
    assert_int_equal(rf_query_start(engine_generation(rig), &asked->query,
                                    &asked->arena, &run, NULL),
                     RF_OK);
    while (!done) {
        assert_int_equal(
            rf_query_slice(run, rig->disk->store, note_mark, out, &done, NULL),
            RF_OK);
    }
    rf_query_free(run);
    rf_arena_done(&asked->arena);
}

/* Return what stands behind so many lines. */
static const char *skip_lines(const char *text, size_t count)
{
    for (; count > 0; count--) {
        text = strchr(text, '\n') + 1;
    }
    return text;
}

static void test_an_answer_begins_behind_any_row(void **state)
{
    engine_rig *rig = *state;
    post_everywhere(rig);
    marks m;
    const char *whole = answer(ask_everywhere(rig, ""));
    collect_marks(rig, "", &m);
    assert_int_equal(m.count, 26);
    for (size_t i = 0; i < m.count; i++) {
        question *asked = ask_everywhere(rig, "");
        asked->query.behind = &m.items[i];
        assert_string_equal(answer(asked), skip_lines(whole, i + 1));
    }
}

/* Of listed products the whole product is behind the mark. */
static void test_an_answer_begins_behind_any_product(void **state)
{
    engine_rig *rig = *state;
    post_everywhere(rig);
    marks m;
    const char *whole = answer(ask_everywhere(rig, "B|A|LONGER|NONE"));
    collect_marks(rig, "B|A|LONGER|NONE", &m);
    for (size_t i = 0; i < m.count; i++) {
        size_t last = i;
        while (last + 1 < m.count &&
               rf_text_equal(m.items[last + 1].product, m.items[i].product)) {
            last++;
        }
        question *asked = ask_everywhere(rig, "B|A|LONGER|NONE");
        asked->query.behind = &m.items[i];
        assert_string_equal(answer(asked), skip_lines(whole, last + 1));
    }
}

static void test_a_mark_need_not_be_there(void **state)
{
    engine_rig *rig = *state;
    post_everywhere(rig);
    rf_query_mark mark = {.organization = rf_text_of("usmf"),
                          .product = rf_text_of("AA"),
                          .site = rf_text_of("3"),
                          .location = RF_TEXT_EMPTY};
    question *asked = ask_everywhere(rig, "A|LONGER");
    asked->query.behind = &mark;
    answer(asked);
    assert_int_equal(asked->row_count, 5);
    asked = ask_everywhere(rig, "");
    asked->query.behind = &mark;
    assert_string_equal(answer(asked), "LONGER 3/ inbound=1\n"
                                       "A 22/W inbound=1\n"
                                       "B 22/W inbound=1\n"
                                       "LONGER 22/W inbound=1\n");
    mark.organization = rf_text_of("none");
    asked = ask_everywhere(rig, "");
    asked->query.behind = &mark;
    answer(asked);
    assert_int_equal(asked->status, RF_E_INVALID_FIELD);
    char longest[RF_PRODUCT_BYTES_MAX + 1];
    memset(longest, 'x', sizeof longest);
    mark.organization = rf_text_of("usmf");
    mark.product = (rf_text){longest, sizeof longest};
    asked = ask_everywhere(rig, "");
    asked->query.behind = &mark;
    answer(asked);
    assert_int_equal(asked->status, RF_E_INVALID_FIELD);
}

/* One row for each place, however many products lie there. */
static void test_places_are_told_alone(void **state)
{
    engine_rig *rig = *state;
    post_everywhere(rig);
    question *asked = ask_everywhere(rig, "");
    asked->query.places = true;
    assert_string_equal(answer(asked), " /\n 1/W\n 1/LONG\n 3/\n 22/W\n"
                                       " /\n 1/W\n 1/LONG\n 3/\n 22/W\n");
    asked = ask(rig, "", "siteid=1|22|4, locationid=W|X", "siteid, locationid");
    asked->query.places = true;
    assert_string_equal(answer(asked), " 1/W\n 22/W\n");
}

static void test_a_visitor_can_pause(void **state)
{
    engine_rig *rig = *state;
    post_everywhere(rig);
    static const char *const products[] = {"", "A|B|LONGER"};
    for (size_t i = 0; i < 2; i++) {
        const char *whole = answer(ask_everywhere(rig, products[i]));
        question *asked = ask_everywhere(rig, products[i]);
        asked->pauses = true;
        assert_string_equal(answer(asked), whole);
        assert_int_equal(asked->slices, asked->row_count + 1);
    }
}

static void test_several_organizations(void **state)
{
    engine_rig *rig = *state;
    rf_command other = engine_post(rig, "P", SHELF, "pos.inbound=2");
    other.organization = rf_text_of("demf");
    engine_do(rig, &other);
    post(rig, "P", SHELF, "pos.inbound=1");
    question *asked = ask(rig, "P", SHELF, "");
    asked->organizations[0] = rf_text_of("usmf");
    asked->organizations[1] = rf_text_of("none");
    asked->organizations[2] = rf_text_of("demf");
    asked->query.organization_count = 3;
    assert_string_equal(answer(asked), "P inbound=1\nP inbound=2\n");
    asked = ask(rig, "", SHELF, "siteid, locationid");
    asked->organizations[1] = rf_text_of("demf");
    asked->query.organization_count = 2;
    assert_string_equal(answer(asked), "P 1/W inbound=1\nP 1/W inbound=2\n");
}

static void test_what_cannot_be_stored_is_not_there(void **state)
{
    engine_rig *rig = *state;
    post(rig, "P", SHELF, "pos.inbound=1");
    char longest[600];
    char filters[700];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_string_equal(rows(rig, longest, "", ""), "");
    snprintf(filters, sizeof filters, "siteid=%s", longest);
    assert_string_equal(rows(rig, "P", filters, ""), "");
    snprintf(filters, sizeof filters, "siteid=%s|1", longest);
    assert_string_equal(rows(rig, "P", filters, ""), "P inbound=1\n");
    snprintf(filters, sizeof filters, "ColorId=%s", longest);
    assert_string_equal(rows(rig, "P", filters, ""), "");
    question *asked = ask(rig, "P", "", "");
    asked->organizations[0] = rf_text_of(longest);
    assert_string_equal(answer(asked), "");
}

static void test_large_products_take_several_slices(void **state)
{
    enum {
        LEAVES = 25000
    };
    engine_rig *rig = *state;
    for (int i = 0; i < LEAVES;) {
        rf_job *first = NULL;
        rf_job **end = &first;
        for (int stop = i + 1000; i < stop; i++) {
            char place[64];
            snprintf(place, sizeof place, "siteid=%d, locationid=W, BatchId=%d",
                     i % 7, i);
            rf_command command =
                engine_post(rig, "BIG", place, "pos.inbound=1");
            *end = engine_job(rig, &command, 1);
            end = &(*end)->next;
        }
        engine_run_job(rig, first);
    }
    question *asked = ask(rig, "BIG", "", "BatchId");
    answer(asked);
    assert_int_equal(asked->row_count, LEAVES);
    assert_true(asked->sum == engine_units(LEAVES));
    assert_true(asked->slices >= 5);
    asked = ask(rig, "BIG", "BatchId=24999", "siteid");
    assert_string_equal(answer(asked), "BIG 2 inbound=1\n");
    assert_true(asked->slices >= 3);
    asked = ask(rig, "BIG", "siteid=1|5", "");
    answer(asked);
    assert_int_equal(asked->slices, 1);
    assert_int_equal(asked->row_count, 1);
}

static rf_status refuse_row(void *context, const rf_row *row, rf_error *err)
{
    (void)context;
    (void)row;
    return rf_fail(err, RF_E_TOO_MANY_ITEMS, "enough");
}

static void test_a_visitor_can_end_it(void **state)
{
    engine_rig *rig = *state;
    post_shirts(rig);
    static const char *const groups[] = {"siteid, locationid", "SizeId"};
    for (size_t i = 0; i < 2; i++) {
        question *asked = ask(rig, "SHIRT", SHELF, groups[i]);
        rf_arena_init(&asked->arena, 8192, 0);
        rf_query_run *run = NULL;
        bool done = false;
        assert_int_equal(rf_query_start(engine_generation(rig), &asked->query,
                                        &asked->arena, &run, NULL),
                         RF_OK);
        assert_int_equal(rf_query_slice(run, rig->disk->store, refuse_row, NULL,
                                        &done, NULL),
                         RF_E_TOO_MANY_ITEMS);
        assert_false(done);
        rf_query_free(run);
        rf_arena_done(&asked->arena);
    }
}

/* Fail each allocation in turn: an error, no crash, no leak. */
static void test_it_survives_lack_of_memory(void **state)
{
    engine_rig *rig = *state;
    post_shirts(rig);
    rf_status status = RF_E_NO_MEMORY;
    unsigned long nth = 1;
    while (status == RF_E_NO_MEMORY) {
        question *asked =
            ask(rig, "SHIRT|OTHER", "StyleId=wide|slim", "SizeId");
        rf_alloc_fail_at(nth++);
        answer(asked);
        rf_alloc_fail_at(0);
        status = asked->status;
    }
    assert_int_equal(status, RF_OK);
    assert_true(nth > 3);
}

int main(void)
{
#define CASE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up_shop, engine_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_a_level_is_read_as_it_is),
        CASE(test_other_combinations_are_added_up),
        CASE(test_rows_are_in_order_of_their_values),
        CASE(test_empty_means_not_given),
        CASE(test_many_values_are_looked_up),
        CASE(test_hashed_keys_are_found),
        CASE(test_places_are_walked_without_products),
        CASE(test_an_answer_begins_behind_any_row),
        CASE(test_an_answer_begins_behind_any_product),
        CASE(test_a_mark_need_not_be_there),
        CASE(test_places_are_told_alone),
        CASE(test_a_visitor_can_pause),
        CASE(test_several_organizations),
        CASE(test_what_cannot_be_stored_is_not_there),
        CASE(test_large_products_take_several_slices),
        CASE(test_a_visitor_can_end_it),
        CASE(test_it_survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
