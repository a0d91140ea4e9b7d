/*
 * test_expression.c - values of formulas that are data.
 *
 * Beside the cases chosen by hand, random expressions over quantities of every
 * size are held against GMP's big integers, which know no limit.
 */
#include "core/expression.h"
#include "tests/unit/unit.h"

#include <gmp.h>

#include <stdbool.h>
#include <stdio.h>

#define UNIT RF_QUANTITY_SCALE
#define RANDOM_CASES 50000
#define RANDOM_NODES_MAX 24
#define RANDOM_READS 6

/* ---- By hand ---- */

static rf_expression_node constant(int64_t millionths)
{
    return (rf_expression_node){RF_EXPRESSION_CONSTANT, 0, 0, millionths};
}

static rf_expression_node read_of(unsigned number)
{
    return (rf_expression_node){RF_EXPRESSION_READ, (uint16_t)number, 0, 0};
}

static rf_expression_node scale(unsigned left, int64_t factor)
{
    return (rf_expression_node){RF_EXPRESSION_SCALE, (uint16_t)left, 0, factor};
}

static rf_expression_node both(rf_expression_kind kind, unsigned left,
                               unsigned right)
{
    return (rf_expression_node){kind, (uint16_t)left, (uint16_t)right, 0};
}

/* Evaluate and expect success. */
static rf_quantity value_of(const rf_expression_node *nodes, size_t count,
                            const rf_quantity *reads)
{
    rf_expression expression = {nodes, count};
    rf_error err = {0};
    rf_quantity value = -1;
    assert_int_equal(rf_expression_value(&expression, reads, &value, &err),
                     RF_OK);
    return value;
}

/* Evaluate and expect an overflow that leaves the result alone. */
static void expect_overflow(const rf_expression_node *nodes, size_t count,
                            const rf_quantity *reads)
{
    rf_expression expression = {nodes, count};
    rf_error err = {0};
    rf_quantity value = 77;
    assert_int_equal(rf_expression_value(&expression, reads, &value, &err),
                     RF_E_QUANTITY_OVERFLOW);
    assert_int_equal(err.status, RF_E_QUANTITY_OVERFLOW);
    assert_true(err.message[0] != '\0');
    assert_int_equal(value, 77);
    assert_int_equal(rf_expression_value(&expression, reads, &value, NULL),
                     RF_E_QUANTITY_OVERFLOW);
}

#define VALUE_OF(nodes, reads)                                                 \
    value_of(nodes, sizeof(nodes) / sizeof((nodes)[0]), reads)
#define EXPECT_OVERFLOW(nodes, reads)                                          \
    expect_overflow(nodes, sizeof(nodes) / sizeof((nodes)[0]), reads)

static void single_nodes(void **state)
{
    (void)state;
    rf_expression_node five[] = {constant(5 * UNIT)};
    assert_int_equal(VALUE_OF(five, NULL), 5 * UNIT);
    rf_quantity reads[] = {10, INT64_MIN, INT64_MAX};
    rf_expression_node lowest[] = {read_of(1)};
    assert_int_equal(VALUE_OF(lowest, reads), INT64_MIN);
    rf_expression_node highest[] = {read_of(2)};
    assert_int_equal(VALUE_OF(highest, reads), INT64_MAX);
}

static void each_operation(void **state)
{
    (void)state;
    rf_quantity reads[] = {7 * UNIT, 10 * UNIT};
    rf_expression_node nodes[] = {read_of(0), read_of(1), constant(0)};
    nodes[2] = both(RF_EXPRESSION_ADD, 0, 1);
    assert_int_equal(VALUE_OF(nodes, reads), 17 * UNIT);
    nodes[2] = both(RF_EXPRESSION_SUBTRACT, 0, 1);
    assert_int_equal(VALUE_OF(nodes, reads), -3 * UNIT);
    nodes[2] = both(RF_EXPRESSION_MAX, 0, 1);
    assert_int_equal(VALUE_OF(nodes, reads), 10 * UNIT);
    nodes[2] = both(RF_EXPRESSION_MIN, 0, 1);
    assert_int_equal(VALUE_OF(nodes, reads), 7 * UNIT);
    nodes[2] = scale(1, -3);
    assert_int_equal(VALUE_OF(nodes, reads), -30 * UNIT);
    nodes[2] = both(RF_EXPRESSION_MAX, 1, 1);
    assert_int_equal(VALUE_OF(nodes, reads), 10 * UNIT);
}

/* max(0, a - 2 * b + 0.5), below and above the clamp. */
static void clamp(void **state)
{
    (void)state;
    rf_expression_node nodes[] = {
        read_of(0),         read_of(1),
        scale(1, 2),        both(RF_EXPRESSION_SUBTRACT, 0, 2),
        constant(UNIT / 2), both(RF_EXPRESSION_ADD, 3, 4),
        constant(0),        both(RF_EXPRESSION_MAX, 6, 5),
    };
    rf_quantity above[] = {10 * UNIT, 1};
    assert_int_equal(VALUE_OF(nodes, above), 10 * UNIT - 2 + UNIT / 2);
    rf_quantity below[] = {10 * UNIT, 6 * UNIT};
    assert_int_equal(VALUE_OF(nodes, below), 0);
}

static void result_must_fit(void **state)
{
    (void)state;
    rf_quantity reads[] = {INT64_MAX, INT64_MIN, 1};
    rf_expression_node over[] = {read_of(0), read_of(2),
                                 both(RF_EXPRESSION_ADD, 0, 1)};
    EXPECT_OVERFLOW(over, reads);
    rf_expression_node under[] = {read_of(1), read_of(2),
                                  both(RF_EXPRESSION_SUBTRACT, 0, 1)};
    EXPECT_OVERFLOW(under, reads);
    rf_expression_node negated[] = {read_of(1), scale(0, -1)};
    EXPECT_OVERFLOW(negated, reads);
    rf_expression_node just[] = {read_of(1), read_of(0),
                                 both(RF_EXPRESSION_ADD, 0, 1)};
    assert_int_equal(VALUE_OF(just, reads), -1);
}

/* What leaves the range of a quantity and comes back is no overflow. */
static void way_may_be_wide(void **state)
{
    (void)state;
    rf_quantity reads[] = {INT64_MAX};
    rf_expression_node nodes[] = {
        read_of(0),
        scale(0, RF_EXPRESSION_FACTOR_MAX),
        scale(0, 1 - RF_EXPRESSION_FACTOR_MAX),
        both(RF_EXPRESSION_ADD, 1, 2),
    };
    assert_int_equal(VALUE_OF(nodes, reads), INT64_MAX);
}

/* Two of the largest factors fit, a third does not, even if it is cut off. */
static void product_must_fit(void **state)
{
    (void)state;
    rf_quantity reads[] = {INT64_MAX, -INT64_MAX};
    rf_expression_node nodes[] = {
        read_of(0),
        scale(0, RF_EXPRESSION_FACTOR_MAX),
        scale(1, RF_EXPRESSION_FACTOR_MAX),
        constant(UNIT),
        both(RF_EXPRESSION_MIN, 2, 3),
    };
    assert_int_equal(VALUE_OF(nodes, reads), UNIT);
    nodes[3] = scale(2, -RF_EXPRESSION_FACTOR_MAX);
    nodes[4] = both(RF_EXPRESSION_MAX, 0, 3);
    EXPECT_OVERFLOW(nodes, reads);
    rf_quantity small[] = {1};
    assert_int_equal(VALUE_OF(nodes, small), 1);
}

/* Doubling sums overflow the double width, too. */
static void sum_must_fit(void **state)
{
    (void)state;
    rf_quantity reads[] = {INT64_MAX, INT64_MIN};
    rf_expression_node nodes[RF_EXPRESSION_NODES_MAX] = {read_of(0)};
    for (unsigned i = 1; i < RF_EXPRESSION_NODES_MAX - 1; i++) {
        nodes[i] = both(RF_EXPRESSION_ADD, i - 1, i - 1);
    }
    nodes[RF_EXPRESSION_NODES_MAX - 1] = both(RF_EXPRESSION_MIN, 0, 0);
    EXPECT_OVERFLOW(nodes, reads);
    /* 63 bits doubled 64 times are the widest there is. */
    nodes[65] = both(RF_EXPRESSION_MIN, 0, 64);
    assert_int_equal(value_of(nodes, 66, reads), INT64_MAX);
    nodes[0] = read_of(1);
    nodes[65] = both(RF_EXPRESSION_MAX, 0, 64);
    assert_int_equal(value_of(nodes, 66, reads), INT64_MIN);
    nodes[65] = both(RF_EXPRESSION_SUBTRACT, 0, 64);
    EXPECT_OVERFLOW(nodes, reads);
}

static void largest_expression(void **state)
{
    (void)state;
    rf_expression_node nodes[RF_EXPRESSION_NODES_MAX] = {read_of(0)};
    for (unsigned i = 1; i < RF_EXPRESSION_NODES_MAX; i++) {
        nodes[i] = both(RF_EXPRESSION_ADD, i - 1, 0);
    }
    rf_quantity reads[] = {3};
    assert_int_equal(VALUE_OF(nodes, reads), 3 * RF_EXPRESSION_NODES_MAX);
}

/* ---- At random, against GMP ---- */

typedef struct model {
    uint64_t seed;
    rf_expression_node nodes[RANDOM_NODES_MAX];
    size_t count;
    rf_quantity reads[RANDOM_READS];
    mpz_t values[RANDOM_NODES_MAX];
} model;

static uint64_t next_random(model *m)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return m->seed;
}

static unsigned random_below(model *m, unsigned bound)
{
    return (unsigned)(next_random(m) >> 33) % bound;
}

/* Amounts of every size, both signs. */
static int64_t random_amount(model *m)
{
    return (int64_t)next_random(m) >> random_below(m, 64);
}

static void make_random(model *m)
{
    m->count = 1 + random_below(m, RANDOM_NODES_MAX);
    for (unsigned i = 0; i < RANDOM_READS; i++) {
        m->reads[i] = random_amount(m);
    }
    for (unsigned i = 0; i < m->count; i++) {
        rf_expression_kind kind =
            i == 0 ? (rf_expression_kind)random_below(m, 2)
                   : (rf_expression_kind)random_below(m, RF_EXPRESSION_MIN + 1);
        rf_expression_node *node = &m->nodes[i];
        *node = (rf_expression_node){kind, 0, 0, random_amount(m)};
        if (kind == RF_EXPRESSION_READ) {
            node->left = (uint16_t)random_below(m, RANDOM_READS);
        } else if (kind != RF_EXPRESSION_CONSTANT) {
            node->left = (uint16_t)random_below(m, i);
            node->right = (uint16_t)random_below(m, i);
        }
        if (kind == RF_EXPRESSION_SCALE) {
            node->value %= RF_EXPRESSION_FACTOR_MAX + 1;
        }
    }
}

static void model_node(model *m, size_t i)
{
    const rf_expression_node *node = &m->nodes[i];
    mpz_t *left = &m->values[node->left];
    mpz_t *right = &m->values[node->right];
    int order = 0;
    switch (node->kind) {
    case RF_EXPRESSION_CONSTANT:
        mpz_set_si(m->values[i], node->value);
        break;
    case RF_EXPRESSION_READ:
        mpz_set_si(m->values[i], m->reads[node->left]);
        break;
    case RF_EXPRESSION_ADD:
        mpz_add(m->values[i], *left, *right);
        break;
    case RF_EXPRESSION_SUBTRACT:
        mpz_sub(m->values[i], *left, *right);
        break;
    case RF_EXPRESSION_SCALE:
        mpz_mul_si(m->values[i], *left, node->value);
        break;
    case RF_EXPRESSION_MAX:
    case RF_EXPRESSION_MIN:
        order = mpz_cmp(*left, *right);
        order = node->kind == RF_EXPRESSION_MAX ? order : -order;
        mpz_set(m->values[i], order > 0 ? *left : *right);
        break;
    }
}

/* Whether a number fits so many bits in two's complement. */
static bool fits(mpz_t value, unsigned bits)
{
    mpz_t shifted;
    mpz_init(shifted);
    mpz_fdiv_q_2exp(shifted, value, bits - 1);
    bool is_sign = mpz_sgn(shifted) == 0 || mpz_cmp_si(shifted, -1) == 0;
    mpz_clear(shifted);
    return is_sign;
}

/* The value, or no value. */
static bool model_value(model *m, rf_quantity *out)
{
    for (size_t i = 0; i < m->count; i++) {
        model_node(m, i);
        if (!fits(m->values[i], 128)) {
            return false;
        }
    }
    if (!fits(m->values[m->count - 1], 64)) {
        return false;
    }
    *out = mpz_get_si(m->values[m->count - 1]);
    return true;
}

static void random_expressions(void **state)
{
    (void)state;
    model m = {.seed = UINT64_C(88172645463325252)};
    size_t refused = 0;
    for (size_t i = 0; i < RANDOM_NODES_MAX; i++) {
        mpz_init(m.values[i]);
    }
    for (size_t round = 0; round < RANDOM_CASES; round++) {
        make_random(&m);
        rf_quantity expected = 0;
        bool has_value = model_value(&m, &expected);
        rf_expression expression = {m.nodes, m.count};
        rf_quantity value = 0;
        rf_status status =
            rf_expression_value(&expression, m.reads, &value, NULL);
        assert_int_equal(status, has_value ? RF_OK : RF_E_QUANTITY_OVERFLOW);
        assert_int_equal(value, expected);
        refused += has_value ? 0 : 1;
    }
    for (size_t i = 0; i < RANDOM_NODES_MAX; i++) {
        mpz_clear(m.values[i]);
    }
    print_message("%d expressions, %zu of them overflow\n", RANDOM_CASES,
                  refused);
    assert_in_range(refused, RANDOM_CASES / 20, RANDOM_CASES / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_nodes),
        cmocka_unit_test(each_operation),
        cmocka_unit_test(clamp),
        cmocka_unit_test(result_must_fit),
        cmocka_unit_test(way_may_be_wide),
        cmocka_unit_test(product_must_fit),
        cmocka_unit_test(sum_must_fit),
        cmocka_unit_test(largest_expression),
        cmocka_unit_test(random_expressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
