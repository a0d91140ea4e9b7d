/*
 * test_search.c - which products an expression finds, operator by operator.
 */
#include "core/alloc.h"
#include "core/search.h"
#include "tests/unit/product_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

/* One product and conditions on it; `field` is a field of the record, or an
 * attribute behind an @, with type and area when they are asked for. */
typedef struct row {
    const char *product;
    const char *field;
    const char *relation;
    const char *values; /* apart by bars */
    bool holds;
} row;

#define CABLE "productName=Speaker Cable 10; productType=Item"
#define HEAVY                                                                  \
    "@Weight:Pound=370|90.5; @Weight:Kilo:BatchAttribute=41; @Colour=Deep Red"

static const row rows[] = {
    {CABLE, "productName", "IsExactly", "speaker cable 10", true},
    {CABLE, "productName", "IsExactly", "Speaker Cable", false},
    {CABLE, "productName", "IsExactly", "x|SPEAKER CABLE 10", true},
    {CABLE, "productName", "IsNot", "Speaker cable 10", false},
    {CABLE, "productName", "IsNot", "Speaker", true},
    {CABLE, "productName", "IsNot", "Speaker|speaker CABLE 10", false},
    {CABLE, "productName", "Contains", "KER ca", true},
    {CABLE, "productName", "Contains", "kerca", false},
    {CABLE, "productName", "Contains", "kerca|10", true},
    {CABLE, "productName", "Contains", "speaker cable 10 ", false},
    {CABLE, "productName", "Contains", "0", true},
    {CABLE, "productName", "DoesNotContain", "able", false},
    {CABLE, "productName", "DoesNotContain", "table", true},
    {CABLE, "productName", "DoesNotContain", "table|able", false},
    {CABLE, "productName", "BeginsWith", "speaker", true},
    {CABLE, "productName", "BeginsWith", "cable", false},
    {CABLE, "productName", "BeginsWith", "cable|Sp", true},
    {CABLE, "productName", "BeginsWith", "speaker cable 100", false},
    {CABLE, "productName", "IsOneOf", "a|b|speaker cable 10", true},
    {CABLE, "productName", "IsOneOf", "a|b|speaker", false},
    {CABLE, "productName", "GreaterEqual", "SPEAKER", true},
    {CABLE, "productName", "GreaterEqual", "speaker cable 10", true},
    {CABLE, "productName", "GreaterEqual", "speaker cable 2", false},
    {CABLE, "productName", "GreaterEqual", "t|a", true},
    {CABLE, "productName", "LessEqual", "speaker cable 2", true},
    {CABLE, "productName", "LessEqual", "speaker cable 10", true},
    {CABLE, "productName", "LessEqual", "speaker", false},
    {CABLE, "productName", "Between", "R|T", true},
    {CABLE, "productName", "Between", "speaker cable 10|z", true},
    {CABLE, "productName", "Between", "a|speaker CABLE 10", true},
    {CABLE, "productName", "Between", "t|z", false},
    {CABLE, "productName", "Between", "z|a", false},
    /* A field that is not there satisfies what is negative. */
    {CABLE, "productDescription", "IsExactly", "x", false},
    {CABLE, "productDescription", "IsNot", "x", true},
    {CABLE, "productDescription", "Contains", "x", false},
    {CABLE, "productDescription", "DoesNotContain", "x", true},
    {CABLE, "productDescription", "LessEqual", "x", false},
    {CABLE, "productDescription", "GreaterEqual", "x", false},
    /* Any value of an attribute is enough, for a negative one none may be. */
    {HEAVY, "@weight", "IsExactly", "370", true},
    {HEAVY, "@Weight", "IsExactly", "41", true},
    {HEAVY, "@Weight", "IsExactly", "370.0", false},
    {HEAVY, "@Weight", "IsNot", "41", false},
    {HEAVY, "@Weight", "IsNot", "42", true},
    {HEAVY, "@Weight", "IsOneOf", "1|2|90.5", true},
    {HEAVY, "@Weight", "Contains", "7", true},
    {HEAVY, "@Weight", "DoesNotContain", "7", false},
    {HEAVY, "@Weight", "DoesNotContain", "8", true},
    {HEAVY, "@Weight", "BeginsWith", "90", true},
    {HEAVY, "@Colour", "Contains", "red", true},
    {HEAVY, "@Size", "IsExactly", "370", false},
    {HEAVY, "@Size", "IsNot", "370", true},
    {HEAVY, "@Size", "DoesNotContain", "3", true},
    {HEAVY, "@Size", "LessEqual", "3", false},
    {"@Size", "@Size", "IsNot", "x", true},
    {"@Size", "@Size", "Contains", "x", false},
    /* Numbers are compared as such, where both are; texts as texts. */
    {HEAVY, "@Weight", "GreaterEqual", "370", true},
    {HEAVY, "@Weight", "GreaterEqual", "370.000001", false},
    {HEAVY, "@Weight", "GreaterEqual", "1e2", true},
    {HEAVY, "@Weight", "LessEqual", "41.0", true},
    {HEAVY, "@Weight", "LessEqual", "40", false},
    {HEAVY, "@Weight", "LessEqual", "100", true},
    {HEAVY, "@Weight", "Between", "90|91", true},
    {HEAVY, "@Weight", "Between", "91|369", false},
    {HEAVY, "@Weight", "Between", "-1|41", true},
    {HEAVY, "@Colour", "GreaterEqual", "5", true},
    {HEAVY, "@Colour", "LessEqual", "5", false},
    {HEAVY, "@Weight", "GreaterEqual", "heavy", false},
    {"@Since=2024-02-29", "@Since", "Between", "2024-02-01|2024-03-01", true},
    {"@Since=2024-02-29", "@Since", "LessEqual", "2024-02-28", false},
    /* More decimals than a quantity has: a text. */
    {"@W=0.12345678", "@W", "GreaterEqual", "0.2", false},
    {"@W=9.12345678", "@W", "GreaterEqual", "10", true},
    /* Type and area narrow down which attributes are looked at. */
    {HEAVY, "@Weight:pound", "IsExactly", "370", true},
    {HEAVY, "@Weight:Pound", "IsExactly", "41", false},
    {HEAVY, "@Weight:Kilo", "IsExactly", "41", true},
    {HEAVY, "@Weight:Kilo:BatchAttribute", "IsExactly", "41", true},
    {HEAVY, "@Weight:Kilo:ProductAttribute", "IsExactly", "41", false},
    {HEAVY, "@Weight:Stone", "IsNot", "41", true},
};

static int set_up(void **state)
{
    rf_arena *arena = rf_calloc(1, sizeof *arena);
    assert_non_null(arena);
    rf_arena_init(arena, 4096, 0);
    *state = arena;
    return 0;
}

static int tear_down(void **state)
{
    rf_arena_done(*state);
    rf_free(*state);
    return 0;
}

static void read_subject(const char *text, rf_search_condition *out)
{
    rf_text rest = rf_text_of(text);
    rf_text area;
    if (text[0] != '@') {
        assert_true(rf_product_field_find(rest, &out->field));
        return;
    }
    rest.bytes++;
    rest.length--;
    out->is_of_attribute = true;
    assert_true(product_piece(&rest, ':', &out->attribute));
    if (!product_piece(&rest, ':', &out->type_name)) {
        return;
    }
    out->has_area = product_piece(&rest, ':', &area);
    if (out->has_area) {
        assert_true(rf_attribute_area_find(area, &out->area));
    }
}

static rf_search_condition make(rf_arena *arena, const char *field,
                                const char *relation, const char *values)
{
    rf_search_condition condition = {0};
    rf_search_value *list = rf_arena_calloc(arena, 16, sizeof *list);
    rf_text rest = rf_text_of(values);
    rf_text value;
    assert_non_null(list);
    read_subject(field, &condition);
    assert_true(
        rf_search_operator_find(rf_text_of(relation), &condition.relation));
    while (product_piece(&rest, '|', &value)) {
        list[condition.value_count++] = rf_search_value_of(value);
    }
    condition.values = list;
    return condition;
}

static void test_every_operator(void **state)
{
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const row *at = &rows[i];
        rf_search_condition condition =
            make(*state, at->field, at->relation, at->values);
        rf_search_filter filter = {.conditions = &condition,
                                   .condition_count = 1};
        if (rf_search_matches(&filter, product_make(*state, at->product)) !=
            at->holds) {
            print_message("%s: %s %s %s is not %d\n", at->product, at->field,
                          at->relation, at->values, at->holds);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void test_operators_are_found_in_any_case(void **state)
{
    rf_search_operator relation;
    (void)state;
    assert_true(rf_search_operator_find(rf_text_of("contains"), &relation));
    assert_int_equal(relation, RF_SEARCH_CONTAINS);
    assert_true(rf_search_operator_find(rf_text_of("ISONEOF"), &relation));
    assert_int_equal(relation, RF_SEARCH_IS_ONE_OF);
    assert_false(rf_search_operator_find(rf_text_of("Like"), &relation));
    assert_false(rf_search_operator_find(RF_TEXT_EMPTY, &relation));
}

/* Truth tables: two conditions and one filter with two more. */
static void test_and_and_or(void **state)
{
    static const char *const letters[] = {"a", "b", "c", "d"};
    rf_search_condition conditions[4];
    for (int i = 0; i < 4; i++) {
        conditions[i] = make(*state, "@letter", "IsExactly", letters[i]);
    }
    for (unsigned bits = 0; bits < 64; bits++) {
        bool is[4];
        char text[64];
        snprintf(text, sizeof text, "@letter=-");
        for (unsigned i = 0; i < 4; i++) {
            is[i] = (bits >> i & 1) != 0;
            if (is[i]) {
                strcat(text, "|");
                strcat(text, letters[i]);
            }
        }
        bool outer_any = (bits & 16) != 0;
        bool inner_any = (bits & 32) != 0;
        rf_search_filter inner = {.any = inner_any,
                                  .conditions = &conditions[2],
                                  .condition_count = 2};
        rf_search_filter outer = {.any = outer_any,
                                  .conditions = conditions,
                                  .condition_count = 2,
                                  .filters = &inner,
                                  .filter_count = 1};
        bool second = inner_any ? is[2] || is[3] : is[2] && is[3];
        bool expected =
            outer_any ? is[0] || is[1] || second : is[0] && is[1] && second;
        assert_int_equal(rf_search_matches(&outer, product_make(*state, text)),
                         expected);
    }
}

/* A filter as deep as may be, and one made of nothing but filters. */
static void test_filters_inside_each_other(void **state)
{
    rf_search_condition condition =
        make(*state, "productType", "IsExactly", "item");
    rf_search_filter chain[RF_SEARCH_DEPTH_MAX] = {
        {.conditions = &condition, .condition_count = 1}};
    for (size_t i = 1; i < RF_SEARCH_DEPTH_MAX; i++) {
        chain[i] = (rf_search_filter){
            .any = i % 2 == 0, .filters = &chain[i - 1], .filter_count = 1};
    }
    const rf_search_filter *top = &chain[RF_SEARCH_DEPTH_MAX - 1];
    assert_true(rf_search_matches(top, product_make(*state, CABLE)));
    assert_false(rf_search_matches(top, product_make(*state, HEAVY)));
}

static void test_values_know_whether_they_are_numbers(void **state)
{
    (void)state;
    rf_search_value value = rf_search_value_of(rf_text_of("2.50"));
    assert_true(value.is_number);
    assert_int_equal(value.number, 2500000);
    assert_false(rf_search_value_of(rf_text_of("2,5")).is_number);
    assert_false(rf_search_value_of(rf_text_of("1.2345678")).is_number);
    assert_false(rf_search_value_of(RF_TEXT_EMPTY).is_number);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_every_operator),
        CASE(test_operators_are_found_in_any_case),
        CASE(test_and_and_or),
        CASE(test_filters_inside_each_other),
        CASE(test_values_know_whether_they_are_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
