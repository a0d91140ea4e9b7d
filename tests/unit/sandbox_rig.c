/*
 * sandbox_rig.c - a sandbox with a few measures for scripts to read.
 */
#include "tests/unit/sandbox_rig.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GROUP_FNO = 2,
    GROUP_IV = 3
};

enum {
    SLOT_SKU = SANDBOX_RIG_MEASURES,
    SLOT_NODE,
    SLOT_CHANNEL,
    SLOT_QTY,
    SLOT_NOTHING,
    SLOT_SECONDS
};

/* Every name, in the order in which its group lists it. */
static const struct {
    unsigned group;
    const char *name;
    rf_member member;
} names[] = {
    {RF_GROUP_MEASURES, "@iv", {true, GROUP_IV}},
    {RF_GROUP_MEASURES, "fno", {true, GROUP_FNO}},
    {GROUP_FNO, "intransit", {false, 3}},
    {GROUP_FNO, "onhand", {false, 0}},
    {GROUP_FNO, "onordered", {false, 1}},
    {GROUP_FNO, "reserved", {false, 2}},
    {GROUP_IV, "@allocated", {false, 4}},
    {GROUP_IV, "@promised", {false, 5}},
    {RF_GROUP_CONTEXT, "channel", {false, SLOT_CHANNEL}},
    {RF_GROUP_CONTEXT, "node", {false, SLOT_NODE}},
    {RF_GROUP_CONTEXT, "nothing", {false, SLOT_NOTHING}},
    {RF_GROUP_CONTEXT, "qty", {false, SLOT_QTY}},
    {RF_GROUP_CONTEXT, "seconds", {false, SLOT_SECONDS}},
    {RF_GROUP_CONTEXT, "sku", {false, SLOT_SKU}},
};

#define NAME_COUNT (sizeof names / sizeof names[0])

static rf_status find(void *self, unsigned group, rf_text name, rf_member *out,
                      rf_error *err)
{
    sandbox_rig *rig = self;
    rig->finds++;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (names[i].group == group &&
            rf_text_is_name(name, rf_text_of(names[i].name))) {
            *out = names[i].member;
            return RF_OK;
        }
    }
    return rf_fail(err, RF_E_UNKNOWN_MEASURE, "there is no %.*s here",
                   (int)name.length, name.bytes);
}

static bool list(void *self, unsigned group, size_t index, rf_text *name)
{
    (void)self;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (names[i].group == group && index-- == 0) {
            *name = rf_text_of(names[i].name);
            return true;
        }
    }
    return false;
}

static rf_quantity quantity_of(double units)
{
    return (rf_quantity)(units * (double)RF_QUANTITY_SCALE);
}

static rf_status value(void *self, unsigned slot, rf_value *out, rf_error *err)
{
    (void)err;
    sandbox_rig *rig = self;
    rig->reads++;
    *out = (rf_value){.kind = RF_VALUE_TEXT};
    switch (slot) {
    case SLOT_SKU:
        out->text = rf_text_of("SKU-1");
        break;
    case SLOT_NODE:
        out->text = rf_text_of("N1");
        break;
    case SLOT_CHANNEL:
        out->text = rf_text_of("web");
        break;
    case SLOT_NOTHING:
        out->kind = RF_VALUE_NIL;
        break;
    case SLOT_SECONDS:
        out->kind = RF_VALUE_INTEGER;
        out->integer = 1700000000;
        break;
    case SLOT_QTY:
        out->kind = RF_VALUE_NUMBER;
        out->quantity = quantity_of(rig->quantity);
        break;
    default:
        out->kind = RF_VALUE_NUMBER;
        out->quantity = quantity_of(rig->values[slot]);
    }
    return RF_OK;
}

void sandbox_rig_set(sandbox_rig *rig,
                     const double values[SANDBOX_RIG_MEASURES], double quantity)
{
    memcpy(rig->values, values, sizeof rig->values);
    rig->quantity = quantity;
}

rf_status sandbox_rig_init(sandbox_rig *rig, const rf_sandbox_limits *limits)
{
    rf_sandbox_limits defaults = rf_sandbox_limits_default();
    memset(rig, 0, sizeof *rig);
    rig->schema = (rf_schema){rig, find, list};
    rig->reader = (rf_reader){rig, value};
    sandbox_rig_set(rig, (double[]){250, 100, 40, 15, 30, 5}, 3);
    return rf_sandbox_create(limits != NULL ? limits : &defaults, &rig->schema,
                             &rig->sandbox, NULL);
}

void sandbox_rig_done(sandbox_rig *rig)
{
    rf_sandbox_free(rig->sandbox);
    rig->sandbox = NULL;
}

rf_script_outcome sandbox_rig_load(sandbox_rig *rig, rf_text source,
                                   rf_function *out, rf_script_failure *failure)
{
    return rf_sandbox_load_function(rig->sandbox, "script.lua", source, out,
                                    failure);
}

rf_script_outcome sandbox_rig_call(sandbox_rig *rig, rf_function function,
                                   rf_quantity *out, rf_script_failure *failure)
{
    return rf_sandbox_call(rig->sandbox, function, &rig->reader, out, failure);
}

rf_text sandbox_rig_read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    RF_ASSERT(file != NULL);
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    RF_ASSERT(out != NULL);
    for (int c = getc(file); c != EOF; c = getc(file)) {
        putc(c, out);
    }
    fclose(file);
    fclose(out);
    return (rf_text){bytes, size};
}

/* ---- Assertions ---- */

int sandbox_rig_set_up(void **state)
{
    static sandbox_rig rig;
    *state = &rig;
    return sandbox_rig_init(&rig, NULL) == RF_OK ? 0 : -1;
}

int sandbox_rig_tear_down(void **state)
{
    sandbox_rig_done(*state);
    return 0;
}

rf_function sandbox_rig_must_load(sandbox_rig *rig, const char *source)
{
    rf_function function = RF_FUNCTION_NONE;
    rf_script_failure failure;
    rf_script_outcome outcome =
        sandbox_rig_load(rig, rf_text_of(source), &function, &failure);
    if (outcome != RF_SCRIPT_OK) {
        fail_msg("%s: %s", source, failure.message);
    }
    return function;
}

void sandbox_rig_assert_gives(sandbox_rig *rig, const char *source,
                              rf_quantity expected)
{
    rf_quantity result = 0;
    rf_script_failure failure;
    rf_script_outcome outcome = sandbox_rig_call(
        rig, sandbox_rig_must_load(rig, source), &result, &failure);
    if (outcome != RF_SCRIPT_OK) {
        fail_msg("%s: %s", source, failure.message);
    }
    if (result != expected) {
        fail_msg("%s: %lld", source, (long long)result);
    }
}

void sandbox_rig_assert_value(sandbox_rig *rig, const char *expression,
                              int64_t expected)
{
    char source[512];
    snprintf(source, sizeof source, "return function(m, ctx) return %s end",
             expression);
    sandbox_rig_assert_gives(rig, source, expected * RF_QUANTITY_SCALE);
}

void sandbox_rig_assert_holds(sandbox_rig *rig, const char *condition)
{
    char source[512];
    snprintf(source, sizeof source,
             "return function(m, ctx) if %s then return 1 end return 0 end",
             condition);
    sandbox_rig_assert_gives(rig, source, RF_QUANTITY_SCALE);
}

rf_script_failure sandbox_rig_call_to_fail(sandbox_rig *rig,
                                           rf_function function,
                                           rf_script_outcome expected)
{
    rf_script_failure failure = {.outcome = RF_SCRIPT_OK};
    rf_quantity result = 12345;
    rf_script_outcome outcome =
        sandbox_rig_call(rig, function, &result, &failure);
    if (outcome != expected) {
        fail_msg("%s: %s", rf_script_outcome_word(outcome),
                 outcome == RF_SCRIPT_OK ? "" : failure.message);
    }
    assert_int_equal(failure.outcome, expected);
    assert_int_equal(result, 12345);
    return failure;
}

void sandbox_rig_assert_fails(sandbox_rig *rig, const char *expression,
                              rf_script_outcome expected, const char *message)
{
    char source[512];
    snprintf(source, sizeof source, "return function(m, ctx) return %s end",
             expression);
    rf_script_failure failure = sandbox_rig_call_to_fail(
        rig, sandbox_rig_must_load(rig, source), expected);
    assert_string_equal(failure.message, message);
    assert_string_equal(failure.file, "script.lua");
    assert_int_equal(failure.line, 1);
}

rf_script_failure sandbox_rig_load_to_fail(sandbox_rig *rig, rf_text source,
                                           rf_script_outcome expected)
{
    rf_script_failure failure = {.outcome = RF_SCRIPT_OK};
    rf_function function = 12345;
    rf_script_outcome outcome =
        sandbox_rig_load(rig, source, &function, &failure);
    if (outcome != expected) {
        fail_msg("%s: %s", rf_script_outcome_word(outcome),
                 outcome == RF_SCRIPT_OK ? "" : failure.message);
    }
    assert_int_equal(failure.outcome, expected);
    assert_int_equal(function, 12345);
    return failure;
}

void sandbox_rig_assert_rejected(sandbox_rig *rig, const char *source,
                                 rf_script_outcome expected,
                                 const char *message, int line)
{
    rf_script_failure failure =
        sandbox_rig_load_to_fail(rig, rf_text_of(source), expected);
    assert_string_equal(failure.message, message);
    assert_string_equal(failure.file, line > 0 ? "script.lua" : "");
    assert_int_equal(failure.line, line);
}
