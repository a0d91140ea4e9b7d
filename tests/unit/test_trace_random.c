/*
 * test_trace_random.c - thousands of random formulas, compiled and in Lua.
 *
 * Formulas are made of sums, differences, whole factors, decimal constants,
 * largest and smallest values, local variables, helper functions and the
 * library's, over a dozen measures, so that all of them can be compiled. Each
 * is evaluated both ways on random quantities, and the two must agree to the
 * last digit. Values are kept so small that Lua's floats are exact after
 * rounding. The same formulas with one construct in them that cannot be
 * compiled must not be. The random numbers are always the same.
 */
#include "tests/unit/trace_rig.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMULAS 2500
#define FOREIGN_FORMULAS 1500
#define VALUE_SETS 50
#define FORMULAS_IN_STATE 50
#define ROOM ((size_t)4 * FORMULAS_IN_STATE)
#define MEASURES 12
#define TEXT_MAX 8000

/* Formulas stay below these, and so within the limits of an expression. */
#define OPERATIONS_MAX 110

/* Units that a formula may come to. The errors of 110 operations on floats of
 * this size stay below half a millionth. */
#define RESULT_MAX 2e7

/* Units of a measure. */
#define VALUE_MAX 5000

static const char *const measures[MEASURES] = {
    "fno.onhand",      "fno.onordered",    "fno.reserved",   "pos.inbound",
    "pos.outbound",    "pos.returned",     "@iv.@allocated", "@iv.@promised",
    "iv.softreserved", "wms.unrestricted", "wms.blocked",    "erp.planned"};

/* What formulas may use beside the library. */
static const char prologue[] =
    "local HALF, STEP = 0.5, 1.25\n"
    "local weights = { two = 2, minus = -3, deep = { seven = 7.0 } }\n"
    "local function less(a, b) return a - b end\n"
    "local function twice(a) return less(a, a * -1) end\n"
    "local function shifted(a, b) return 2 * a + b * 3 - STEP end\n"
    "local lib = { above = function(x) return math.max(0, x) end,\n"
    "  both = function(a, b) return less(twice(a), -b), 'and more' end }\n"
    "return function(m, ctx)\n";

/* A formula being written. */
typedef struct writer {
    uint64_t seed;
    char text[TEXT_MAX];
    size_t length;
    unsigned operations; /* at most, with those of helpers */
    unsigned locals;     /* variables v1, v2, .. that can be used */
    double local_bounds[16];
    const char *foreign; /* written once in place of a measure, or NULL */
    unsigned foreign_in; /* measures before it is */
} writer;

static uint64_t next_random(writer *w)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return w->seed;
}

static unsigned pick(writer *w, unsigned bound)
{
    return (unsigned)(next_random(w) >> 33) % bound;
}

static void put(writer *w, const char *text)
{
    size_t length = strlen(text);
    assert_true(w->length + length < sizeof w->text);
    memcpy(w->text + w->length, text, length + 1);
    w->length += length;
}

/* Names are spelled in any case, as fields or as texts. */
static void put_name(writer *w, const char *name, size_t length)
{
    char text[64];
    char spelled[32];
    bool is_plain = name[0] != '@';
    for (size_t i = 0; i < length; i++) {
        bool upper = pick(w, 4) == 0 && name[i] >= 'a' && name[i] <= 'z';
        spelled[i] = (char)(upper ? name[i] - 'a' + 'A' : name[i]);
    }
    spelled[length] = '\0';
    snprintf(text, sizeof text, is_plain && pick(w, 4) > 0 ? ".%s" : "['%s']",
             spelled);
    put(w, text);
}

static void put_measure(writer *w)
{
    const char *name = measures[pick(w, MEASURES)];
    size_t source = strcspn(name, ".");
    put(w, "m");
    put_name(w, name, source);
    put_name(w, name + source + 1, strlen(name + source + 1));
}

/* A decimal of at most six places, as an integer, a float or a fraction. */
static double put_constant(writer *w)
{
    char text[64];
    static const unsigned powers[] = {10, 100, 1000, 10000, 100000, 1000000};
    unsigned places = pick(w, 6);
    switch (pick(w, 5)) {
    case 0:
        put(w, "HALF");
        return 0.5;
    case 1:
        snprintf(text, sizeof text, "%u", pick(w, 1000));
        break;
    case 2:
        snprintf(text, sizeof text, "%u.0", pick(w, 1000));
        break;
    default:
        snprintf(text, sizeof text, "%u.%0*u", pick(w, 1000), (int)places + 1,
                 pick(w, powers[places]));
    }
    put(w, text);
    return fabs(strtod(text, NULL));
}

static double put_value(writer *w, unsigned depth);

/* What stands where a value is needed and is not made of others. */
static double put_leaf(writer *w)
{
    if (w->foreign != NULL && w->foreign_in-- == 0) {
        put(w, w->foreign);
        w->foreign = NULL;
        return 0;
    }
    if (w->locals > 0 && pick(w, 3) == 0) {
        char text[16];
        unsigned number = pick(w, w->locals);
        snprintf(text, sizeof text, "v%u", number + 1);
        put(w, text);
        return w->local_bounds[number];
    }
    put_measure(w);
    w->operations++;
    return VALUE_MAX;
}

/* A value, or a constant in its place. */
static double put_operand(writer *w, unsigned depth)
{
    w->operations++;
    return pick(w, 4) == 0 ? put_constant(w) : put_value(w, depth);
}

static double put_sum(writer *w, unsigned depth)
{
    bool is_reversed = pick(w, 2) == 0;
    put(w, "(");
    double left = is_reversed ? put_operand(w, depth) : put_value(w, depth);
    put(w, pick(w, 2) == 0 ? " + " : " - ");
    double right = is_reversed ? put_value(w, depth) : put_operand(w, depth);
    put(w, ")");
    return left + right;
}

static double put_product(writer *w, unsigned depth)
{
    static const struct {
        const char *text;
        double size;
    } factors[] = {{"2", 2},
                   {"-1", 1},
                   {"0", 0},
                   {"12", 12},
                   {"3.0", 3},
                   {"-20", 20},
                   {"weights.two", 2},
                   {"weights.minus", 3},
                   {"weights.deep.seven", 7}};
    unsigned factor = pick(w, sizeof factors / sizeof factors[0]);
    double bound;
    put(w, "(");
    if (pick(w, 2) == 0) {
        put(w, factors[factor].text);
        put(w, " * ");
        bound = put_value(w, depth);
    } else {
        bound = put_value(w, depth);
        put(w, " * ");
        put(w, factors[factor].text);
    }
    put(w, ")");
    return bound * factors[factor].size;
}

/* max and min of up to four, at least one of them no constant. */
static double put_extremum(writer *w, unsigned depth)
{
    put(w, pick(w, 2) == 0 ? "math.max(" : "math.min(");
    unsigned others = pick(w, 4);
    unsigned symbol_at = pick(w, others + 1);
    double bound = 0;
    for (unsigned i = 0; i <= others; i++) {
        put(w, i > 0 ? ", " : "");
        double next =
            i == symbol_at ? put_value(w, depth) : put_operand(w, depth);
        bound = fmax(bound, next);
        w->operations++;
    }
    put(w, ")");
    return bound;
}

/* What a helper makes of its one or two arguments: its bound is `first` times
 * that of the one, `second` times that of the other, and `more`. */
typedef struct helper {
    const char *name;
    double first;
    double second;
    double more;
    unsigned operations;
} helper;

static const helper helpers[] = {
    {"twice", 2, 0, 0, 2},
    {"lib.above", 1, 0, 0, 2},
    {"ringfence.positive", 1, 0, 0, 2},
    {"(assert)", 1, 0, 0, 0},
    {"-", 1, 0, 0, 1},
    {"less", 1, 1, 0, 1},
    {"shifted", 2, 3, 1.25, 5},
    {"lib.both", 2, 1, 0, 4},
};

static double put_helper(writer *w, unsigned depth)
{
    const helper *called =
        &helpers[pick(w, sizeof helpers / sizeof helpers[0])];
    put(w, "(");
    put(w, called->name);
    put(w, "(");
    double bound = called->first * put_value(w, depth) + called->more;
    if (called->second > 0) {
        put(w, ", ");
        bound += called->second * put_value(w, depth);
    }
    put(w, "))");
    w->operations += called->operations;
    return bound;
}

static double put_clamp(writer *w, unsigned depth)
{
    put(w, "ringfence.clamp(");
    double bound = put_value(w, depth);
    put(w, ", ");
    bound = fmax(bound, put_operand(w, depth));
    put(w, ", ");
    bound = fmax(bound, put_operand(w, depth));
    put(w, ")");
    w->operations += 2;
    return bound;
}

/* Write a value that depends on measures; return how large it can be. */
static double put_value(writer *w, unsigned depth)
{
    if (depth == 0 || pick(w, 5) == 0) {
        return put_leaf(w);
    }
    switch (pick(w, 8)) {
    case 0:
    case 1:
    case 2:
        return put_sum(w, depth - 1);
    case 3:
        return put_product(w, depth - 1);
    case 4:
    case 5:
        return put_extremum(w, depth - 1);
    case 6:
        return put_clamp(w, depth - 1);
    default:
        return put_helper(w, depth - 1);
    }
}

/* Write a formula; false: it has become too large. */
static bool write_formula(writer *w)
{
    char text[32];
    w->length = 0;
    w->operations = 0;
    w->locals = 0;
    put(w, prologue);
    unsigned locals = pick(w, 5);
    for (unsigned i = 0; i < locals; i++) {
        snprintf(text, sizeof text, "  local v%u = ", i + 1);
        put(w, text);
        w->local_bounds[i] = put_value(w, 1 + pick(w, 2));
        put(w, "\n");
        w->locals = i + 1;
    }
    put(w, "  return ");
    double bound = put_value(w, 2 + pick(w, 5));
    put(w, "\nend");
    return bound <= RESULT_MAX && w->operations <= OPERATIONS_MAX;
}

static void set_random_values(trace_rig *rig, writer *w)
{
    bool are_whole = pick(w, 4) == 0;
    for (unsigned i = 0; i < MEASURES; i++) {
        uint64_t range = UINT64_C(2) * VALUE_MAX * 1000000 + 1;
        rf_quantity value = (rf_quantity)(next_random(w) % range) -
                            INT64_C(1000000) * VALUE_MAX;
        if (are_whole) {
            value -= value % RF_QUANTITY_SCALE;
        }
        trace_rig_set_exactly(rig, measures[i], pick(w, 8) == 0 ? 0 : value);
    }
}

static size_t compare_values(trace_rig *rig, writer *w, rf_function function)
{
    for (unsigned i = 0; i < VALUE_SETS; i++) {
        set_random_values(rig, w);
        rf_quantity native = trace_rig_value(rig);
        rf_quantity in_lua = trace_rig_call(rig, function);
        if (native != in_lua) {
            fail_msg("%lld, in Lua %lld:\n%s", (long long)native,
                     (long long)in_lua, w->text);
        }
    }
    return VALUE_SETS;
}

static void start(writer *w, uint64_t seed)
{
    *w = (writer){.seed = seed};
    print_message("seed %llu\n", (unsigned long long)seed);
}

static void compiled_formulas_agree(void **state)
{
    (void)state;
    static writer w;
    static trace_rig rig;
    size_t nodes = 0;
    size_t evaluations = 0;
    start(&w, UINT64_C(1234567890123456789));
    for (unsigned done = 0; done < FORMULAS; done++) {
        if (done % FORMULAS_IN_STATE == 0) {
            trace_rig_close(&rig);
            trace_rig_open(&rig, ROOM);
        }
        while (!write_formula(&w)) {
        }
        rf_function function = trace_rig_load(&rig, w.text);
        if (!trace_rig_trace(&rig, function)) {
            fail_msg("%s:\n%s", rig.trace.reason, w.text);
        }
        rf_script_failure failure;
        if (!rf_trace_agrees(rig.sandbox, function, &rig.trace,
                             trace_rig_slot_name, &rig, &failure)) {
            fail_msg("%s:\n%s", failure.message, w.text);
        }
        evaluations += compare_values(&rig, &w, function);
        nodes += rig.trace.expression.count;
    }
    trace_rig_close(&rig);
    print_message("%d formulas of %zu nodes, %zu comparisons\n", FORMULAS,
                  nodes / FORMULAS, evaluations);
    assert_true(evaluations >= 100000);
}

/* ---- With something that cannot be compiled ---- */

static const char *const foreign_parts[] = {
    "(m.fno.onhand / 2)",
    "(7 // m.fno.onhand)",
    "(m.fno.onhand % 7)",
    "(m.pos.inbound ^ 2)",
    "(m.pos.inbound * 0.5)",
    "(m.pos.inbound * 1.000001)",
    "(m.pos.inbound * m.pos.outbound)",
    "(m.pos.inbound + 0.12345678)",
    "(m.pos.inbound > 10 and 1 or 2)",
    "(m.pos.inbound == 0 and 1 or 2)",
    "(m.pos.inbound ~= 0 and 1 or 2)",
    "(m.pos.inbound or 5)",
    "(m.pos.inbound and 5)",
    "(not m.pos.inbound and 5 or 6)",
    "({ [0] = 4, [1] = 5 })[m.pos.inbound and 0]",
    "math.floor(m.fno.onhand)",
    "math.abs(m.fno.onhand)",
    "math.fmod(m.fno.onhand, 9)",
    "(math.tointeger(m.fno.onhand) or 3)",
    "string.len(tostring(m.fno.onhand))",
    "string.len(type(m.fno.onhand))",
    "tonumber(m.fno.onhand)",
    "ringfence.percent(m.fno.onhand, 10)",
    "ringfence.round(m.fno.onhand, 2)",
    "(ringfence.between(m.fno.onhand, 1, 99) and 1 or 0)",
    "ringfence.sum(m.fno)",
    "(function() return m.fno.onhand end)()",
    "select(-1, (function(...) return ... end)(m.fno.onhand))",
    "(m.fno.onhand + ctx.qty)",
    "ctx.qty",
    "(ctx.channel == 'web' and 1 or 2)",
    "m.fno[ctx.sku and 'onhand']",
    "fresh()(m.fno.onhand)",
};

#define FOREIGN_PARTS (sizeof foreign_parts / sizeof foreign_parts[0])

static void foreign_formulas_stay_in_lua(void **state)
{
    (void)state;
    static writer w;
    static trace_rig rig;
    unsigned reads = 0;
    start(&w, UINT64_C(987654321987654321));
    for (unsigned done = 0; done < FOREIGN_FORMULAS; done++) {
        if (done % FORMULAS_IN_STATE == 0) {
            trace_rig_close(&rig);
            trace_rig_open(&rig, ROOM);
        }
        do {
            w.foreign = foreign_parts[done % FOREIGN_PARTS];
            w.foreign_in = pick(&w, 6);
        } while (!write_formula(&w) || w.foreign != NULL);
        if (trace_rig_trace(&rig, trace_rig_load(&rig, w.text))) {
            fail_msg("compiled:\n%s", w.text);
        }
        reads += rig.trace.read_count > 0 ? 1 : 0;
    }
    trace_rig_close(&rig);
    print_message("%d formulas, %u with known reads\n", FOREIGN_FORMULAS,
                  reads);
    assert_true(reads > FOREIGN_FORMULAS * 8 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiled_formulas_agree),
        cmocka_unit_test(foreign_formulas_stay_in_lua),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
