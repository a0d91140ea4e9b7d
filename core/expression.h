/*
 * expression.h - a formula as data: sums, whole-number factors, constants,
 * largest and smallest, over measures that are named elsewhere.
 *
 * This is the form in which a script's formula reaches the catalog
 * (rf_draft_formula), which puts it together with the formulas it uses. All
 * arithmetic is exact: millionths in twice the width of a quantity, and only
 * the result has to fit.
 */
#ifndef RINGFENCE_CORE_EXPRESSION_H
#define RINGFENCE_CORE_EXPRESSION_H

#include "core/error.h"
#include "core/quantity.h"

#include <stddef.h>
#include <stdint.h>

#define RF_EXPRESSION_NODES_MAX 128

/* The largest factor either way: it is exact as a float, and a few of them
 * multiplied still leave room. */
#define RF_EXPRESSION_FACTOR_MAX INT64_C(1000000000)

typedef enum {
    RF_EXPRESSION_CONSTANT, /* value, in millionths */
    RF_EXPRESSION_READ,     /* the measure with the number `left` */
    RF_EXPRESSION_ADD,      /* left + right */
    RF_EXPRESSION_SUBTRACT, /* left - right */
    RF_EXPRESSION_SCALE,    /* left * value, a whole number */
    RF_EXPRESSION_MAX,      /* the larger of left and right */
    RF_EXPRESSION_MIN
} rf_expression_kind;

/* Operands are numbers of nodes that come before. */
typedef struct rf_expression_node {
    rf_expression_kind kind;
    uint16_t left;
    uint16_t right;
    int64_t value;
} rf_expression_node;

/* The last node is the result. */
typedef struct rf_expression {
    const rf_expression_node *nodes;
    size_t count;
} rf_expression;

/* Evaluate over the quantities of the measures it reads.
 * RF_E_QUANTITY_OVERFLOW: the result, or a product on the way, does not fit. */
RF_MUST_CHECK rf_status rf_expression_value(const rf_expression *expression,
                                            const rf_quantity *reads,
                                            rf_quantity *out, rf_error *err);

#endif
