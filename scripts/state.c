/*
 * state.c - Lua states with all plugins of a set in them, and calling formulas.
 *
 * Every thread has a state of its own, and a set is loaded in an extra one. All
 * run the same sources in the same order; plugins have no clock and no chance,
 * so each state gets the same functions.
 */
#include "scripts/binding.h"
#include "scripts/exact.h"
#include "scripts/plugin.h"
#include "scripts/prelude.h"
#include "scripts/sandbox_internal.h"

#include <lauxlib.h>
#include <lua.h>

#include <stdio.h>

/* A state may take memory for as many formulas as would be written in the text
 * of the plugins at so many bytes each, up to a bound for the process's sake.
 * How many there are is not known before the plugins have run, and what else
 * they hold needs memory, too. */
#define FORMULA_TEXT_BYTES 64
#define FORMULAS_ESTIMATED_MAX ((size_t)4 * RF_SCRIPT_FORMULAS_MAX)

static size_t estimate_formulas(const rf_scripts *set)
{
    size_t bytes = rf_prelude_text().length;
    for (size_t i = 0; i < set->plugin_count; i++) {
        for (size_t j = 0; j < set->plugins[i].file_count; j++) {
            bytes += set->plugins[i].files[j].text.length;
        }
    }
    size_t formulas = bytes / FORMULA_TEXT_BYTES;
    return formulas < FORMULAS_ESTIMATED_MAX ? formulas
                                             : FORMULAS_ESTIMATED_MAX;
}

/* Give the chunks of a state the globals `ringfence` and `use`. */
static int l_prepare(lua_State *L)
{
    rf_state *state = lua_touserdata(L, 1);
    rf_sandbox__compile(L, RF_PRELUDE_NAME, rf_prelude_text());
    rf_exact__push(L);
    lua_call(L, 1, 1);
    luaL_checktype(L, -1, LUA_TTABLE);
    rf_sandbox__freeze(L);
    rf_sandbox__push_library(L);
    lua_insert(L, -2);
    lua_setfield(L, -2, "ringfence");
    rf_plugin__install_use(L, state);
    return 0;
}

rf_status rf_state__open(rf_state *state, rf_error *err)
{
    rf_sandbox_limits limits = rf_sandbox_limits_default();
    rf_status status =
        rf_sandbox_create(&limits, &state->schema, &state->sandbox, err);
    if (status != RF_OK) {
        state->sandbox = NULL;
        return status;
    }
    rf_sandbox_begin_loading(state->sandbox, estimate_formulas(state->set));
    rf_script_failure failure;
    rf_script_outcome outcome = rf_sandbox__enter(state->sandbox, l_prepare,
                                                  state, limits.load, &failure);
    if (outcome == RF_SCRIPT_OK) {
        return RF_OK;
    }
    rf_state__close(state);
    if (failure.cause == RF_E_NO_MEMORY) {
        return rf_fail(err, RF_E_NO_MEMORY, "%s", failure.message);
    }
    return rf_fail(err, RF_E_INTERNAL, "%s:%d: %s", failure.file, failure.line,
                   failure.message);
}

rf_status rf_state__build(rf_state *state, rf_error *err)
{
    const rf_scripts *set = state->set;
    rf_status status = rf_state__open(state, err);
    for (size_t i = 0; status == RF_OK && i < set->plugin_count; i++) {
        status = rf_plugin__fetch(state, &set->plugins[i], err);
    }
    if (status != RF_OK) {
        rf_state__close(state);
        return status;
    }
    rf_sandbox_end_loading(state->sandbox);
    return RF_OK;
}

void rf_state__close(rf_state *state)
{
    rf_sandbox_free(state->sandbox);
    state->sandbox = NULL;
}

/* Say whether the script waits for its own value. */
static bool is_called(const rf_state *state, unsigned script)
{
    for (unsigned i = 0; i < state->depth; i++) {
        if (state->calls[i] == script) {
            return true;
        }
    }
    return false;
}

/* A formula that names the measures it reads as it runs can go round in a
 * circle that nobody could see before. */
static rf_script_outcome fail_circle(rf_script_failure *failure)
{
    *failure = (rf_script_failure){.outcome = RF_SCRIPT_ERROR};
    snprintf(failure->message, sizeof failure->message,
             "the formula needs its own value");
    return RF_SCRIPT_ERROR;
}

rf_script_outcome rf_state__call(rf_state *state, unsigned script,
                                 const rf_subject *subject, rf_quantity *out,
                                 rf_script_failure *failure, rf_error *nested)
{
    nested->status = RF_OK;
    if (is_called(state, script)) {
        return fail_circle(failure);
    }
    rf_frame frame = {.state = state, .subject = subject, .nested = nested};
    rf_reader reader = rf_binding_reader(&frame);
    RF_ASSERT(state->depth <= RF_SANDBOX_DEPTH_MAX);
    state->calls[state->depth++] = script;
    rf_script_outcome outcome = rf_sandbox_call(
        state->sandbox, state->functions[script], &reader, out, failure);
    state->depth--;
    return outcome;
}
