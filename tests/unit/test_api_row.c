/*
 * test_api_row.c - which measures a row shows, and how it is written.
 */
#include "server/api_row.h"
#include "tests/unit/draft_fixture.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define UNIT INT64_C(1000000)

static rf_buffer out;
static rf_measures posted;
static rf_place place;
static rf_row_style style;
static rf_row_layout *layout;

static int set_up(void **state)
{
    int result = draft_set_up(state);
    draft_fixture *f = *state;
    draft_shop(f);
    draft_build(f);
    place = (rf_place){.given = RF_BIT(RF_SITE)};
    place.value[RF_SITE] = rf_text_of("10");
    style = (rf_row_style){.shown = RF_LEVEL_PLACE, .negative = true};
    assert_int_equal(
        rf_row_layout_make(f->catalog, &f->arena, &layout, &f->err), RF_OK);
    return result;
}

static int tear_down(void **state)
{
    rf_buffer_done(&out);
    rf_measures_done(&posted);
    return draft_tear_down(state);
}

static void post(draft_fixture *f, const char *source, const char *name,
                 rf_quantity quantity)
{
    const rf_physical *measure = draft_find_physical(f, source, name);
    assert_non_null(measure);
    assert_int_equal(
        rf_measures_add(&posted, measure->number, quantity, &f->err), RF_OK);
}

/* Write one row into the emptied buffer. */
static rf_status write_row(draft_fixture *f)
{
    rf_row row = {.organization = rf_text_of("acme"),
                  .product = rf_text_of("LAMP"),
                  .place = &place,
                  .measures = &posted};
    rf_json_writer writer;
    rf_buffer_clear(&out);
    rf_json_writer_init(&writer, &out, false);
    return rf_row_put(layout, &style, &row, &writer, &f->err);
}

static void assert_row(draft_fixture *f, const char *expected)
{
    assert_int_equal(write_row(f), RF_OK);
    rf_buffer_append_byte(&out, '\0');
    assert_false(rf_buffer_failed(&out));
    assert_string_equal(out.bytes, expected);
}

#define HEAD                                                                   \
    "{\"productId\":\"LAMP\",\"dimensions\":{\"siteid\":\"10\","               \
    "\"locationid\":\"\"},\"quantities\":"

static void nothing_posted_shows_nothing(void **state)
{
    draft_fixture *f = *state;
    assert_row(f, HEAD "{}}");
}

static void formulas_bring_their_terms_as_zeros(void **state)
{
    draft_fixture *f = *state;
    post(f, "pos", "inbound", 5 * UNIT);
    assert_row(f, HEAD "{\"fno\":{\"availphysical\":0},"
                       "\"pos\":{\"inbound\":5,\"outbound\":0},"
                       "\"iv\":{\"softreserved\":0,\"onhand\":5,"
                       "\"availabletoreserve\":5},"
                       "\"@iv\":{\"@allocated\":0}}}");
}

static void formulas_without_a_posted_term_stay_away(void **state)
{
    draft_fixture *f = *state;
    post(f, "iv", "softreserved", 2 * UNIT);
    assert_row(f, HEAD "{\"fno\":{\"availphysical\":0},"
                       "\"pos\":{\"inbound\":0,\"outbound\":0},"
                       "\"iv\":{\"softreserved\":2,"
                       "\"availabletoreserve\":-2},"
                       "\"@iv\":{\"@allocated\":0}}}");
}

static void zero_that_was_posted_is_shown(void **state)
{
    draft_fixture *f = *state;
    post(f, "@iv", "@consumed", 0);
    assert_row(f, HEAD "{\"@iv\":{\"@consumed\":0}}}");
}

static void negative_values_can_be_left_out(void **state)
{
    draft_fixture *f = *state;
    style.negative = false;
    post(f, "iv", "softreserved", 2 * UNIT);
    post(f, "pos", "inbound", -UNIT);
    assert_row(f, HEAD "{\"fno\":{\"availphysical\":0},"
                       "\"pos\":{\"outbound\":0},"
                       "\"iv\":{\"softreserved\":2},"
                       "\"@iv\":{\"@allocated\":0}}}");
}

static void a_row_says_its_organization_when_asked(void **state)
{
    draft_fixture *f = *state;
    style.organization = true;
    style.shown = 0;
    assert_row(f, "{\"organizationId\":\"acme\",\"productId\":\"LAMP\","
                  "\"dimensions\":{},\"quantities\":{}}");
}

static void rows_do_not_leak_into_each_other(void **state)
{
    draft_fixture *f = *state;
    post(f, "pos", "inbound", 5 * UNIT);
    assert_int_equal(write_row(f), RF_OK);
    rf_measures_done(&posted);
    assert_row(f, HEAD "{}}");
}

static void a_value_that_does_not_fit_fails(void **state)
{
    draft_fixture *f = *state;
    post(f, "pos", "inbound", INT64_MAX);
    post(f, "fno", "availphysical", UNIT);
    assert_int_equal(write_row(f), RF_E_QUANTITY_OVERFLOW);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_posted_shows_nothing),
        TEST(formulas_bring_their_terms_as_zeros),
        TEST(formulas_without_a_posted_term_stay_away),
        TEST(zero_that_was_posted_is_shown),
        TEST(negative_values_can_be_left_out),
        TEST(a_row_says_its_organization_when_asked),
        TEST(rows_do_not_leak_into_each_other),
        TEST(a_value_that_does_not_fit_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
