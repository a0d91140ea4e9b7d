/*
 * trace_nodes.h - the expression that a trace builds up.
 *
 * Equal nodes are made once. Each node carries two bounds that decide whether
 * the expression means what Lua would have computed, whatever the quantities:
 * how large it can get at all, and how large as a Lua integer, which wraps.
 */
#ifndef RINGFENCE_SCRIPTS_TRACE_NODES_H
#define RINGFENCE_SCRIPTS_TRACE_NODES_H

#include "core/expression.h"

#include <stdint.h>

typedef struct rf_trace_nodes {
    rf_expression_node *items; /* RF_EXPRESSION_NODES_MAX, borrowed */
    size_t count;
    double reach[RF_EXPRESSION_NODES_MAX]; /* magnitude at most, in units */
    double whole[RF_EXPRESSION_NODES_MAX]; /* as an integer; 0: never one */
} rf_trace_nodes;

/* Each returns NULL, or in few words why the formula stays in Lua, `out` then
 * being untouched. Operands are numbers of nodes. */
const char *rf_trace_nodes__read(rf_trace_nodes *nodes, unsigned read,
                                 uint16_t *out);

/* A number that a script wrote or computed. It must be a decimal of at most
 * six places: the float nearest to one. */
const char *rf_trace_nodes__constant(rf_trace_nodes *nodes, double units,
                                     uint16_t *out);
const char *rf_trace_nodes__scale(rf_trace_nodes *nodes, uint16_t operand,
                                  double factor, uint16_t *out);

/* Sum, difference, the larger or the smaller. */
const char *rf_trace_nodes__combine(rf_trace_nodes *nodes,
                                    rf_expression_kind kind, uint16_t left,
                                    uint16_t right, uint16_t *out);

/* Drop what the node does not need, so that it becomes the last. */
void rf_trace_nodes__finish(rf_trace_nodes *nodes, uint16_t result);

#endif
