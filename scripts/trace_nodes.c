/*
 * trace_nodes.c - adding to an expression, within its limits.
 */
#include "scripts/trace_nodes.h"

#include "scripts/number.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Constants of a script: up to these, a decimal of six places can be told from
 * its neighbours as a float, and a whole number fits a quantity. */
#define FRACTION_MAX 9e9
#define WHOLE_MAX 9e12

/* Beyond the largest quantity, in units. */
#define READ_REACH 9.3e12

/* Values on the way stay below this, in units, so that their millionths fit the
 * 128 bits they are computed in: the only overflow is that of a result. */
#define REACH_MAX 1e31

/* Lua integers up to here are exact as floats, and far from wrapping. */
#define INTEGER_MAX 9007199254740992.0

static bool is_same(const rf_expression_node *a, const rf_expression_node *b)
{
    return a->kind == b->kind && a->left == b->left && a->right == b->right &&
           a->value == b->value;
}

/* Find or make a node. */
static const char *add(rf_trace_nodes *nodes, rf_expression_node node,
                       double reach, double whole, uint16_t *out)
{
    for (size_t i = 0; i < nodes->count; i++) {
        if (is_same(&nodes->items[i], &node)) {
            *out = (uint16_t)i;
            return NULL;
        }
    }
    if (nodes->count == RF_EXPRESSION_NODES_MAX) {
        return "takes too many operations";
    }
    if (reach > REACH_MAX || whole > INTEGER_MAX) {
        return "multiplies by too much";
    }
    size_t number = nodes->count++;
    nodes->items[number] = node;
    nodes->reach[number] = reach;
    nodes->whole[number] = whole;
    *out = (uint16_t)number;
    return NULL;
}

const char *rf_trace_nodes__read(rf_trace_nodes *nodes, unsigned read,
                                 uint16_t *out)
{
    rf_expression_node node = {RF_EXPRESSION_READ, (uint16_t)read, 0, 0};
    return add(nodes, node, READ_REACH, 0, out);
}

const char *rf_trace_nodes__constant(rf_trace_nodes *nodes, double units,
                                     uint16_t *out)
{
    double size = fabs(units);
    if (!(size <= WHOLE_MAX)) {
        return "has a constant that is too large";
    }
    bool is_whole = size == floor(size);
    rf_quantity quantity = 0;
    if (!is_whole &&
        (size > FRACTION_MAX || !rf_number_round(units, &quantity) ||
         (double)quantity / (double)RF_QUANTITY_SCALE != units)) {
        return "has a constant of more than six decimals";
    }
    if (is_whole) {
        quantity = (rf_quantity)units * RF_QUANTITY_SCALE;
    }
    rf_expression_node node = {RF_EXPRESSION_CONSTANT, 0, 0, quantity};
    return add(nodes, node, size, is_whole ? size : 0, out);
}

const char *rf_trace_nodes__scale(rf_trace_nodes *nodes, uint16_t operand,
                                  double factor, uint16_t *out)
{
    double size = fabs(factor);
    if (!(size <= (double)RF_EXPRESSION_FACTOR_MAX)) {
        return "multiplies by too much";
    }
    if (size != floor(size)) {
        return "multiplies by a fraction";
    }
    rf_expression_node node = {RF_EXPRESSION_SCALE, operand, 0,
                               (int64_t)factor};
    return add(nodes, node, nodes->reach[operand] * size,
               nodes->whole[operand] * size, out);
}

const char *rf_trace_nodes__combine(rf_trace_nodes *nodes,
                                    rf_expression_kind kind, uint16_t left,
                                    uint16_t right, uint16_t *out)
{
    rf_expression_node node = {kind, left, right, 0};
    const double *reach = nodes->reach;
    const double *whole = nodes->whole;
    if (kind == RF_EXPRESSION_MAX || kind == RF_EXPRESSION_MIN) {
        return add(nodes, node, fmax(reach[left], reach[right]),
                   fmax(whole[left], whole[right]), out);
    }
    /* A sum with a float is a float. */
    return add(nodes, node, reach[left] + reach[right],
               whole[left] + whole[right], out);
}

static bool has_operand(const rf_expression_node *node)
{
    return node->kind != RF_EXPRESSION_CONSTANT &&
           node->kind != RF_EXPRESSION_READ;
}

static bool has_two_operands(const rf_expression_node *node)
{
    return has_operand(node) && node->kind != RF_EXPRESSION_SCALE;
}

void rf_trace_nodes__finish(rf_trace_nodes *nodes, uint16_t result)
{
    bool is_needed[RF_EXPRESSION_NODES_MAX] = {false};
    uint16_t number_of[RF_EXPRESSION_NODES_MAX] = {0};
    is_needed[result] = true;
    for (size_t i = (size_t)result + 1; i-- > 0;) {
        const rf_expression_node *node = &nodes->items[i];
        if (is_needed[i] && has_operand(node)) {
            is_needed[node->left] = true;
        }
        if (is_needed[i] && has_two_operands(node)) {
            is_needed[node->right] = true;
        }
    }
    size_t count = 0;
    for (size_t i = 0; i <= result; i++) {
        rf_expression_node node = nodes->items[i];
        if (!is_needed[i]) {
            continue;
        }
        if (has_operand(&node)) {
            node.left = number_of[node.left];
        }
        if (has_two_operands(&node)) {
            node.right = number_of[node.right];
        }
        number_of[i] = (uint16_t)count;
        nodes->items[count++] = node;
    }
    nodes->count = count;
}
