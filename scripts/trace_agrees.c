/*
 * trace_agrees.c - a formula's expression held against what Lua makes of it.
 *
 * This proves nothing that the tracer has not proved already; it is there to
 * catch mistakes in the tracer and in the library it trusts.
 */
#include "scripts/number.h"
#include "scripts/trace.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Samples by hand, and behind them some at random, always the same. */
typedef enum {
    SAMPLE_ZEROS,
    SAMPLE_ONES,
    SAMPLE_TENTHS,
    SAMPLE_NEGATIVE,
    SAMPLE_LARGE,
    SAMPLE_LARGE_NEGATIVE,
    SAMPLE_FALLING,
    SAMPLE_ALTERNATING,
    SAMPLE_RANDOM,
    SAMPLE_COUNT = SAMPLE_RANDOM + 8
} sample_kind;

/* Whole, so that sums of them stay exact as floats. */
#define LARGE_UNITS INT64_C(1000000000)

/* Random values stay below this, with six decimals. */
#define RANDOM_UNITS INT64_C(1000000)

/* A result that could be larger than this says nothing: what Lua made of it
 * might not be in range any more. */
#define COMPARED_MAX 9e12

/* What a float is wrong by at most, as a part of it: half a unit in its last
 * place. */
#define FLOAT_ERROR 0x1p-53

/* One comparison: the values by number of the read, and how Lua gets them. */
typedef struct comparison {
    const rf_trace *trace;
    rf_trace_slot_name *slot_name;
    void *self;
    rf_quantity values[RF_TRACE_READS_MAX];
} comparison;

/* Scatter the bits of a number (the finisher of SplitMix64). */
static uint64_t scatter(uint64_t number)
{
    number += UINT64_C(0x9E3779B97F4A7C15);
    number = (number ^ number >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    number = (number ^ number >> 27) * UINT64_C(0x94D049BB133111EB);
    return number ^ number >> 31;
}

static rf_quantity random_quantity(unsigned sample, int64_t read)
{
    uint64_t bits = scatter((uint64_t)sample << 32 | (uint64_t)read);
    uint64_t range = (uint64_t)(RANDOM_UNITS * RF_QUANTITY_SCALE);
    return (rf_quantity)(bits % (2 * range)) - (rf_quantity)range;
}

/* The value of a read in a sample. */
static rf_quantity pick_quantity(unsigned sample, int64_t read)
{
    switch (sample) {
    case SAMPLE_ZEROS:
        return 0;
    case SAMPLE_ONES:
        return RF_QUANTITY_SCALE;
    case SAMPLE_TENTHS:
        return (read + 1) * (RF_QUANTITY_SCALE / 10);
    case SAMPLE_NEGATIVE:
        return -(read + 1) * RF_QUANTITY_SCALE - 250000;
    case SAMPLE_LARGE:
        return (LARGE_UNITS - read) * RF_QUANTITY_SCALE;
    case SAMPLE_LARGE_NEGATIVE:
        return (read - LARGE_UNITS) * RF_QUANTITY_SCALE;
    case SAMPLE_FALLING:
        return (1000 - 10 * read) * RF_QUANTITY_SCALE + 500001;
    case SAMPLE_ALTERNATING:
        return (read % 2 == 0 ? 1000 : -1000) * RF_QUANTITY_SCALE + read;
    default:
        return random_quantity(sample, read);
    }
}

/* How large, in units, what Lua computes can get on its way. */
static double bound_result(const comparison *compared)
{
    const rf_expression *expression = &compared->trace->expression;
    double bounds[RF_EXPRESSION_NODES_MAX] = {0};
    for (size_t i = 0; i < expression->count; i++) {
        const rf_expression_node *node = &expression->nodes[i];
        switch (node->kind) {
        case RF_EXPRESSION_CONSTANT:
            bounds[i] = fabs(rf_number_of_quantity(node->value));
            break;
        case RF_EXPRESSION_READ:
            bounds[i] =
                fabs(rf_number_of_quantity(compared->values[node->left]));
            break;
        case RF_EXPRESSION_SCALE:
            bounds[i] = bounds[node->left] * fabs((double)node->value);
            break;
        case RF_EXPRESSION_ADD:
        case RF_EXPRESSION_SUBTRACT:
            bounds[i] = bounds[node->left] + bounds[node->right];
            break;
        case RF_EXPRESSION_MAX:
        case RF_EXPRESSION_MIN:
            bounds[i] = fmax(bounds[node->left], bounds[node->right]);
            break;
        }
    }
    return bounds[expression->count - 1];
}

/* The reader's side: the value of the measure that a slot stands for. */
static rf_status read_value(void *self, unsigned slot, rf_value *out,
                            rf_error *err)
{
    const comparison *compared = self;
    rf_text name = compared->slot_name(compared->self, slot);
    const rf_trace *trace = compared->trace;
    for (size_t i = 0; i < trace->read_count; i++) {
        if (rf_text_is_name(rf_text_of(trace->reads[i].name), name)) {
            *out = (rf_value){.kind = RF_VALUE_NUMBER,
                              .quantity = compared->values[i]};
            return RF_OK;
        }
    }
    return rf_fail(err, RF_E_INTERNAL, "the compiled form does not read %.*s",
                   (int)name.length, name.bytes);
}

static bool fail_difference(const comparison *compared, rf_quantity native,
                            rf_quantity in_lua, rf_script_failure *failure)
{
    char native_text[RF_QUANTITY_TEXT_MAX];
    char lua_text[RF_QUANTITY_TEXT_MAX];
    char first_text[RF_QUANTITY_TEXT_MAX];
    rf_quantity_print(native, native_text);
    rf_quantity_print(in_lua, lua_text);
    rf_quantity_print(compared->values[0], first_text);
    *failure = (rf_script_failure){.outcome = RF_SCRIPT_CONTRACT};
    bool has_reads = compared->trace->read_count > 0;
    snprintf(failure->message, sizeof failure->message,
             "compiled it is %s, in Lua %s%s%.80s%s%s", native_text, lua_text,
             has_reads ? ", where " : "",
             has_reads ? compared->trace->reads[0].name : "",
             has_reads ? " is " : "", has_reads ? first_text : "");
    return false;
}

/* Evaluate both on the values of a sample. */
static bool compare(rf_sandbox *sandbox, rf_function function,
                    comparison *compared, rf_script_failure *failure)
{
    const rf_trace *trace = compared->trace;
    double bound = bound_result(compared);
    if (bound > COMPARED_MAX) {
        return true;
    }
    rf_reader reader = {compared, read_value};
    rf_quantity native = 0;
    rf_quantity in_lua = 0;
    rf_error err = {0};
    if (rf_sandbox_call(sandbox, function, &reader, &in_lua, failure) !=
        RF_SCRIPT_OK) {
        return false;
    }
    if (rf_expression_value(&trace->expression, compared->values, &native,
                            &err) != RF_OK) {
        *failure = (rf_script_failure){.outcome = RF_SCRIPT_CONTRACT,
                                       .cause = err.status};
        snprintf(failure->message, sizeof failure->message, "%.190s",
                 err.message);
        return false;
    }
    /* Each operation errs by a part of its result, which the bound covers.
     * An error below half a millionth is rounded away. */
    double error = bound * FLOAT_ERROR * (double)(trace->expression.count + 1);
    int64_t allowed = (int64_t)(error * (double)RF_QUANTITY_SCALE + 0.5);
    int64_t difference = native - in_lua;
    if (difference > allowed || difference < -allowed) {
        return fail_difference(compared, native, in_lua, failure);
    }
    return true;
}

bool rf_trace_agrees(rf_sandbox *sandbox, rf_function function,
                     const rf_trace *trace, rf_trace_slot_name *slot_name,
                     void *self, rf_script_failure *failure)
{
    comparison compared = {
        .trace = trace, .slot_name = slot_name, .self = self};
    for (unsigned sample = 0; sample < SAMPLE_COUNT; sample++) {
        for (size_t i = 0; i < trace->read_count; i++) {
            compared.values[i] = pick_quantity(sample, (int64_t)i);
        }
        if (!compare(sandbox, function, &compared, failure)) {
            return false;
        }
    }
    return true;
}
