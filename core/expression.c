/*
 * expression.c - the values of formulas.
 *
 * One pass over the nodes, whose operands come before them. Everything on the
 * way is twice as wide as a quantity, so that a sum may pass the limits as long
 * as it comes back; overflow of the double width is a failure, too.
 */
#include "core/expression.h"

#include <stdbool.h>

__extension__ typedef __int128 wide;

/* The value of a node that is neither constant nor read; false on overflow. */
static bool combine(const rf_expression_node *node, const wide *values,
                    wide *out)
{
    wide left = values[node->left];
    if (node->kind == RF_EXPRESSION_SCALE) {
        return !__builtin_mul_overflow(left, node->value, out);
    }
    wide right = values[node->right];
    if (node->kind == RF_EXPRESSION_ADD) {
        return !__builtin_add_overflow(left, right, out);
    }
    if (node->kind == RF_EXPRESSION_SUBTRACT) {
        return !__builtin_sub_overflow(left, right, out);
    }
    bool takes_left =
        node->kind == RF_EXPRESSION_MAX ? left >= right : left <= right;
    *out = takes_left ? left : right;
    return true;
}

static rf_status fail_overflow(rf_error *err)
{
    return rf_fail(err, RF_E_QUANTITY_OVERFLOW,
                   "a formula's value is beyond what a quantity can hold");
}

rf_status rf_expression_value(const rf_expression *expression,
                              const rf_quantity *reads, rf_quantity *out,
                              rf_error *err)
{
    RF_ASSERT(expression->count > 0 &&
              expression->count <= RF_EXPRESSION_NODES_MAX);
    wide values[RF_EXPRESSION_NODES_MAX];
    wide result = 0;
    for (size_t i = 0; i < expression->count; i++) {
        const rf_expression_node *node = &expression->nodes[i];
        if (node->kind == RF_EXPRESSION_CONSTANT) {
            result = node->value;
        } else if (node->kind == RF_EXPRESSION_READ) {
            result = reads[node->left];
        } else if (!combine(node, values, &result)) {
            return fail_overflow(err);
        }
        values[i] = result;
    }
    if (result > INT64_MAX || result < INT64_MIN) {
        return fail_overflow(err);
    }
    *out = (rf_quantity)result;
    return RF_OK;
}
