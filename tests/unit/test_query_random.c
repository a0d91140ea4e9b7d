/*
 * test_query_random.c - thousands of random questions, answered a second time
 * by looking at every leaf.
 *
 * The random numbers are always the same, so a failure comes back.
 */
#include "core/query.h"
#include "tests/unit/engine_rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define LEAVES 400
#define QUESTIONS 3000
#define DIMENSIONS 5 /* site, location, colour, size, style */
#define VALUES 5     /* of each; the first one is "not given" */
#define PRODUCTS 4

typedef struct leaf {
    unsigned product;
    unsigned value[DIMENSIONS];
    rf_quantity quantity;
} leaf;

typedef struct model {
    engine_rig *rig;
    uint64_t seed;
    leaf leaves[LEAVES];
    char names[DIMENSIONS][VALUES][200];
    rf_text texts[DIMENSIONS][VALUES];
    rf_text products[PRODUCTS];

    /* The question under way. */
    rf_level group_by;
    bool walks; /* without products */
    bool asks_product[PRODUCTS];
    bool asks_value[DIMENSIONS][VALUES]; /* all: not filtered */
    rf_quantity found;
    size_t rows;
    char last[2048];
} model;

static unsigned next_random(model *m, unsigned below)
{
    m->seed = m->seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(m->seed >> 33) % below;
}

/* Some values are so long that keys of fine levels must be hashed. */
static void make_names(model *m)
{
    for (unsigned d = 0; d < DIMENSIONS; d++) {
        m->texts[d][0] = RF_TEXT_EMPTY;
        for (unsigned v = 1; v < VALUES; v++) {
            size_t length = d >= 2 && v >= 3 ? 180 : 1 + v % 3;
            memset(m->names[d][v], (char)('a' + v), length);
            m->texts[d][v] = (rf_text){m->names[d][v], length};
        }
    }
    static const char *const products[PRODUCTS] = {"P", "Q10", "Q2", "none"};
    for (unsigned p = 0; p < PRODUCTS; p++) {
        m->products[p] = rf_text_of(products[p]);
    }
}

static void post_leaves(model *m)
{
    for (size_t i = 0; i < LEAVES; i++) {
        leaf *at = &m->leaves[i];
        at->product = next_random(m, PRODUCTS - 1);
        at->quantity = engine_units(next_random(m, 1000) + 1);
        rf_command command = engine_post(m->rig, "", "", "pos.inbound=1");
        rf_amount amount = {command.changes[0].measure, at->quantity};
        command.changes = &amount;
        command.product = m->products[at->product];
        for (unsigned d = 0; d < DIMENSIONS; d++) {
            at->value[d] = next_random(m, VALUES);
            command.place.value[d] = m->texts[d][at->value[d]];
            command.place.given |= at->value[d] > 0 ? RF_BIT(d) : 0;
        }
        engine_do(m->rig, &command);
    }
}

static bool is_asked(const model *m, const leaf *at)
{
    bool asked = m->asks_product[at->product];
    for (unsigned d = 0; d < DIMENSIONS; d++) {
        asked = asked && m->asks_value[d][at->value[d]];
    }
    return asked;
}

static bool is_in_row(const model *m, const leaf *at, const rf_row *row)
{
    bool inside = rf_text_equal(m->products[at->product], row->product);
    for (unsigned d = 0; d < DIMENSIONS; d++) {
        inside = inside && ((m->group_by & RF_BIT(d)) == 0 ||
                            rf_text_equal(m->texts[d][at->value[d]],
                                          row->place->value[d]));
    }
    return inside;
}

/* Rows of one product must come in order, hence each of them once; without
 * products those of one product at one place. */
static bool is_in_order(model *m, const rf_row *row)
{
    char now[2048];
    size_t length = 0;
    size_t shared = row->product.length + 1;
    length += (size_t)snprintf(now, sizeof now, "%.*s\1",
                               (int)row->product.length, row->product.bytes);
    for (unsigned d = 0; d < DIMENSIONS; d++) {
        rf_text value = row->place->value[d];
        length += (size_t)snprintf(now + length, sizeof now - length, "%.*s\1",
                                   (int)value.length,
                                   value.length == 0 ? "" : value.bytes);
        shared = m->walks && d <= RF_LOCATION ? length : shared;
    }
    bool in_order =
        strncmp(now, m->last, shared) != 0 || strcmp(m->last, now) < 0;
    memcpy(m->last, now, length + 1);
    return in_order;
}

static rf_status check_row(void *context, const rf_row *row, rf_error *err)
{
    model *m = context;
    rf_quantity sum = 0;
    size_t leaves = 0;
    for (size_t i = 0; i < LEAVES; i++) {
        if (is_asked(m, &m->leaves[i]) && is_in_row(m, &m->leaves[i], row)) {
            sum += m->leaves[i].quantity;
            leaves++;
        }
    }
    m->found += sum;
    m->rows++;
    bool is_right = leaves > 0 && row->measures->count == 1 &&
                    row->measures->amounts[0].quantity == sum &&
                    is_in_order(m, row);
    /* To fail here would leave the query's transaction open. */
    return is_right ? RF_OK
                    : rf_fail(err, RF_E_INTERNAL, "row %zu is wrong", m->rows);
}

/* Choose some of a dimension's values, or all of them by not filtering. */
static void choose_values(model *m, unsigned dimension, rf_query *query,
                          rf_filter *filters, rf_text *values)
{
    bool filters_it = next_random(m, 2) == 0;
    rf_filter *filter = &filters[query->filter_count];
    *filter = (rf_filter){dimension, values, 0};
    for (unsigned v = 0; v < VALUES; v++) {
        bool asks = !filters_it || next_random(m, 3) == 0;
        m->asks_value[dimension][v] = asks;
        if (asks) {
            values[filter->count++] = m->texts[dimension][v];
        }
    }
    if (filters_it && filter->count == 0) {
        values[filter->count++] = m->texts[dimension][1];
        m->asks_value[dimension][1] = true;
    }
    query->filter_count += filters_it ? 1 : 0;
}

static void choose_products(model *m, rf_query *query, rf_text *products)
{
    bool walks = next_random(m, 4) == 0;
    m->walks = walks;
    for (unsigned p = 0; p < PRODUCTS; p++) {
        m->asks_product[p] = walks || next_random(m, 2) == 0;
        if (m->asks_product[p] && !walks) {
            products[query->product_count++] = m->products[p];
        }
    }
    if (!walks && query->product_count == 0) {
        products[query->product_count++] = m->products[0];
        m->asks_product[0] = true;
    }
    if (walks) {
        m->group_by |= RF_LEVEL_PLACE;
    }
}

static void run_query(model *m, const rf_query *query)
{
    rf_arena arena;
    rf_query_run *run = NULL;
    bool done = false;
    rf_arena_init(&arena, 8192, 0);
    assert_int_equal(
        rf_query_start(engine_generation(m->rig), query, &arena, &run, NULL),
        RF_OK);
    while (!done) {
        assert_int_equal(
            rf_query_slice(run, m->rig->disk->store, check_row, m, &done, NULL),
            RF_OK);
    }
    rf_query_free(run);
    rf_arena_done(&arena);
}

static void ask(model *m)
{
    rf_text organization = rf_text_of(RIG_ORGANIZATION);
    rf_text products[PRODUCTS];
    rf_text values[DIMENSIONS][VALUES];
    rf_filter filters[DIMENSIONS];
    rf_query query = {.organizations = &organization,
                      .organization_count = 1,
                      .products = products,
                      .filters = filters};
    m->group_by = next_random(m, 1U << DIMENSIONS);
    for (unsigned d = 0; d < DIMENSIONS; d++) {
        choose_values(m, d, &query, filters, values[d]);
    }
    choose_products(m, &query, products);
    query.group_by = m->group_by;
    m->found = 0;
    m->rows = 0;
    m->last[0] = '\0';
    run_query(m, &query);
    rf_quantity expected = 0;
    for (size_t i = 0; i < LEAVES; i++) {
        expected += is_asked(m, &m->leaves[i]) ? m->leaves[i].quantity : 0;
    }
    assert_true(m->found == expected);
}

static void test_random_questions(void **state)
{
    engine_rig *rig = *state;
    draft_index_set(rig->draft, "ColorId, SizeId, StyleId");
    engine_configure(rig);
    model *m = rf_arena_calloc(&rig->arena, 1, sizeof *m);
    assert_non_null(m);
    m->rig = rig;
    m->seed = 20240229;
    make_names(m);
    post_leaves(m);
    size_t rows = 0;
    for (int i = 0; i < QUESTIONS; i++) {
        ask(m);
        rows += m->rows;
    }
    assert_true(rows > QUESTIONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_random_questions,
                                        engine_set_up_shop, engine_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
