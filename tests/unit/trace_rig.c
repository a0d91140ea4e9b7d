/*
 * trace_rig.c - a sandbox for formulas in which every measure exists.
 */
#include "tests/unit/trace_rig.h"

#include "scripts/exact.h"
#include "scripts/prelude.h"
#include "scripts/sandbox_internal.h"
#include "tests/unit/unit.h"

#include <lua5.4/lua.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_GROUP 2

/* Slots of ctx, far from those of measures. */
enum {
    SLOT_CHANNEL = 100000,
    SLOT_QTY,
    SLOT_SKU
};

static const char kept_key;
static const char fresh_key;

static unsigned find_slot(trace_rig *rig, const char *name)
{
    for (unsigned i = 0; i < rig->slot_count; i++) {
        if (rf_text_is_name(rf_text_of(rig->slots[i]), rf_text_of(name))) {
            return i;
        }
    }
    assert_true(rig->slot_count < TRACE_RIG_SLOTS);
    snprintf(rig->slots[rig->slot_count], sizeof rig->slots[0], "%s", name);
    return rig->slot_count++;
}

static unsigned find_group(trace_rig *rig, rf_text name)
{
    for (unsigned i = 0; i < rig->group_count; i++) {
        if (rf_text_is_name(rf_text_of(rig->groups[i]), name)) {
            return FIRST_GROUP + i;
        }
    }
    assert_true(rig->group_count < TRACE_RIG_GROUPS);
    snprintf(rig->groups[rig->group_count], sizeof rig->groups[0], "%.*s",
             (int)name.length, name.bytes);
    return FIRST_GROUP + rig->group_count++;
}

static rf_status find_context(rf_text name, rf_member *out, rf_error *err)
{
    static const char *const names[] = {"channel", "qty", "sku"};
    for (unsigned i = 0; i < 3; i++) {
        if (rf_text_is_name(rf_text_of(names[i]), name)) {
            *out = (rf_member){false, SLOT_CHANNEL + i};
            return RF_OK;
        }
    }
    return rf_fail(err, RF_E_UNKNOWN_MEASURE, "ctx has no %.*s",
                   (int)name.length, name.bytes);
}

static rf_status find_member(void *self, unsigned group, rf_text name,
                             rf_member *out, rf_error *err)
{
    trace_rig *rig = self;
    if (group == RF_GROUP_CONTEXT) {
        return find_context(name, out, err);
    }
    if (group == RF_GROUP_MEASURES) {
        *out = (rf_member){true, find_group(rig, name)};
        return RF_OK;
    }
    char full[128];
    snprintf(full, sizeof full, "%s.%.*s", rig->groups[group - FIRST_GROUP],
             (int)name.length, name.bytes);
    *out = (rf_member){false, find_slot(rig, full)};
    return RF_OK;
}

static bool list_members(void *self, unsigned group, size_t index,
                         rf_text *name)
{
    trace_rig *rig = self;
    size_t seen = 0;
    if (group < FIRST_GROUP) {
        return false;
    }
    const char *source = rig->groups[group - FIRST_GROUP];
    size_t length = strlen(source);
    for (unsigned i = 0; i < rig->slot_count; i++) {
        const char *slot = rig->slots[i];
        if (strncmp(slot, source, length) == 0 && slot[length] == '.' &&
            seen++ == index) {
            *name = rf_text_of(slot + length + 1);
            return true;
        }
    }
    return false;
}

static rf_status read_value(void *self, unsigned slot, rf_value *out,
                            rf_error *err)
{
    (void)err;
    trace_rig *rig = self;
    *out = (rf_value){.kind = RF_VALUE_TEXT};
    switch (slot) {
    case SLOT_CHANNEL:
        out->text = rf_text_of("web");
        break;
    case SLOT_SKU:
        out->text = rf_text_of("SKU-1");
        break;
    case SLOT_QTY:
        *out = (rf_value){.kind = RF_VALUE_INTEGER, .integer = 3};
        break;
    default:
        assert_true(slot < rig->slot_count);
        *out =
            (rf_value){.kind = RF_VALUE_NUMBER, .quantity = rig->values[slot]};
    }
    return RF_OK;
}

rf_text trace_rig_slot_name(void *self, unsigned slot)
{
    const trace_rig *rig = self;
    return slot < rig->slot_count ? rf_text_of(rig->slots[slot])
                                  : rf_text_of("ctx");
}

/* ---- More functions for the library ---- */

static int l_keep(lua_State *L)
{
    lua_settop(L, 1);
    lua_pushvalue(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &kept_key);
    return 1;
}

static int l_kept(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &kept_key);
    return 1;
}

/* What no library function should do: hand out code of scripts that nobody
 * captured. */
static int l_fresh(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &fresh_key);
    return 1;
}

static void make_fresh(lua_State *L)
{
    rf_sandbox__compile(L, "fresh.lua",
                        rf_text_of("return function(x)\n"
                                   "  if x == 7 then return 1000 end\n"
                                   "  return x\n"
                                   "end"));
    lua_call(L, 0, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &fresh_key);
}

static int l_prepare(lua_State *L)
{
    make_fresh(L);
    rf_sandbox__push_library(L);
    lua_pushcfunction(L, l_keep);
    lua_setfield(L, -2, "keep");
    lua_pushcfunction(L, l_kept);
    lua_setfield(L, -2, "kept");
    lua_pushcfunction(L, l_fresh);
    lua_setfield(L, -2, "fresh");
    rf_sandbox__compile(L, RF_PRELUDE_NAME, rf_prelude_text());
    rf_exact__push(L);
    lua_call(L, 1, 1);
    rf_sandbox__freeze(L);
    lua_setfield(L, -2, "ringfence");
    return 0;
}

/* ---- The rig ---- */

void trace_rig_open(trace_rig *rig, size_t formulas)
{
    memset(rig, 0, sizeof *rig);
    rig->schema = (rf_schema){rig, find_member, list_members};
    rig->reader = (rf_reader){rig, read_value};
    rf_sandbox_limits limits = rf_sandbox_limits_default();
    /* A machine under load must not fail a test that is about numbers. */
    limits.load.deadline_ns = INT64_C(60000000000);
    limits.call.deadline_ns = INT64_C(60000000000);
    rf_error err;
    assert_int_equal(
        rf_sandbox_create(&limits, &rig->schema, &rig->sandbox, &err), RF_OK);
    rf_sandbox_begin_loading(rig->sandbox, formulas);
    rf_script_failure failure;
    assert_int_equal(
        rf_sandbox__enter(rig->sandbox, l_prepare, NULL, limits.load, &failure),
        RF_SCRIPT_OK);
}

void trace_rig_close(trace_rig *rig)
{
    rf_sandbox_free(rig->sandbox);
    rig->sandbox = NULL;
}

int trace_rig_set_up(void **state)
{
    trace_rig *rig = malloc(sizeof *rig);
    assert_non_null(rig);
    trace_rig_open(rig, 200);
    trace_rig_fill(rig);
    *state = rig;
    return 0;
}

int trace_rig_tear_down(void **state)
{
    trace_rig_close(*state);
    free(*state);
    return 0;
}

rf_function trace_rig_load(trace_rig *rig, const char *source)
{
    rf_function function = RF_FUNCTION_NONE;
    rf_script_failure failure = {.outcome = RF_SCRIPT_OK};
    if (rf_sandbox_load_function(rig->sandbox, "plugin.lua", rf_text_of(source),
                                 &function, &failure) != RF_SCRIPT_OK) {
        fail_msg("line %d: %s in\n%s", failure.line, failure.message, source);
    }
    return function;
}

rf_function trace_rig_load_body(trace_rig *rig, const char *body)
{
    char source[8192];
    int length =
        snprintf(source, sizeof source, "return function(m, ctx) %s end", body);
    assert_true(length > 0 && (size_t)length < sizeof source);
    return trace_rig_load(rig, source);
}

void trace_rig_append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
    assert_true(length >= 0 && (size_t)length < size - used);
}

rf_quantity trace_rig_millionths(double units)
{
    return (rf_quantity)llround(units * (double)RF_QUANTITY_SCALE);
}

void trace_rig_set_exactly(trace_rig *rig, const char *name,
                           rf_quantity quantity)
{
    rig->values[find_slot(rig, name)] = quantity;
}

void trace_rig_set(trace_rig *rig, const char *name, double units)
{
    trace_rig_set_exactly(rig, name, trace_rig_millionths(units));
}

void trace_rig_fill(trace_rig *rig)
{
    trace_rig_set(rig, "fno.onhand", 250);
    trace_rig_set(rig, "fno.onordered", 100);
    trace_rig_set(rig, "fno.reserved", 40);
    trace_rig_set(rig, "fno.intransit", 15);
    trace_rig_set(rig, "@iv.@allocated", 30);
    trace_rig_set(rig, "@iv.@promised", 5);
    trace_rig_set(rig, "pos.fraction", 0.1);
    trace_rig_set(rig, "pos.negative", -7.25);
}

rf_script_outcome trace_rig_try(trace_rig *rig, rf_function function,
                                rf_quantity *out, rf_script_failure *failure)
{
    return rf_sandbox_call(rig->sandbox, function, &rig->reader, out, failure);
}

rf_quantity trace_rig_call(trace_rig *rig, rf_function function)
{
    rf_quantity value = 0;
    rf_script_failure failure = {.outcome = RF_SCRIPT_OK};
    if (trace_rig_try(rig, function, &value, &failure) != RF_SCRIPT_OK) {
        fail_msg("line %d: %s", failure.line, failure.message);
    }
    return value;
}

bool trace_rig_trace(trace_rig *rig, rf_function function)
{
    rf_trace_formula(rig->sandbox, function, &rig->trace);
    assert_false(rf_sandbox_is_spent(rig->sandbox));
    bool is_compiled = rig->trace.expression.count > 0;
    assert_true(is_compiled == (rig->trace.reason[0] == '\0'));
    return is_compiled;
}

rf_quantity trace_rig_value(const trace_rig *rig)
{
    rf_quantity reads[RF_TRACE_READS_MAX] = {0};
    for (size_t i = 0; i < rig->trace.read_count; i++) {
        for (unsigned k = 0; k < rig->slot_count; k++) {
            if (rf_text_is_name(rf_text_of(rig->slots[k]),
                                rf_text_of(rig->trace.reads[i].name))) {
                reads[i] = rig->values[k];
            }
        }
    }
    rf_error err = {0};
    rf_quantity value = 0;
    rf_status status =
        rf_expression_value(&rig->trace.expression, reads, &value, &err);
    if (status != RF_OK) {
        fail_msg("%s", err.message);
    }
    return value;
}

void trace_rig_join_reads(const trace_rig *rig, char *out, size_t size)
{
    out[0] = '\0';
    for (size_t i = 0; i < rig->trace.read_count; i++) {
        trace_rig_append(out, size, "%s ", rig->trace.reads[i].name);
    }
}

void trace_rig_check_samples(trace_rig *rig, rf_function function)
{
    rf_script_failure failure = {.outcome = RF_SCRIPT_OK};
    if (!rf_trace_agrees(rig->sandbox, function, &rig->trace,
                         trace_rig_slot_name, rig, &failure)) {
        fail_msg("%s", failure.message);
    }
}

void trace_rig_check_agrees(trace_rig *rig, rf_function function)
{
    trace_rig_check_samples(rig, function);
    assert_int_equal(trace_rig_value(rig), trace_rig_call(rig, function));
}
