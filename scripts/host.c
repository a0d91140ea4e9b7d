/*
 * host.c - answering the core: a script's value for a subject.
 *
 * Each thread calls scripts in its own state. A state in which a limit was
 * broken is thrown away and made anew as soon as nothing runs in it; a script
 * that goes on breaking limits is switched off, or it would take 5 ms of every
 * request that needs it.
 */
#include "scripts/scripts_internal.h"

#define NS_PER_MS 1000000

bool rf_breaches__add(rf_breaches *breaches, int64_t now_ms)
{
    unsigned place =
        atomic_fetch_add(&breaches->next, 1) % (RF_BREACHES_MAX - 1);
    long long oldest =
        atomic_exchange(&breaches->times_ms[place], (long long)now_ms);
    return oldest != 0 && now_ms - oldest < RF_BREACHES_MS;
}

void rf_breaches__forget(rf_breaches *breaches)
{
    for (size_t i = 0; i < RF_BREACHES_MAX - 1; i++) {
        atomic_store(&breaches->times_ms[i], 0);
    }
    atomic_store(&breaches->off, false);
}

static rf_status fail_off(const rf_script *script, rf_error *err)
{
    return rf_scripts__fail_at(
        &script->place, RF_E_SCRIPT, err,
        "plugin %s, %s: it is switched off after %d breaches of its limits; "
        "reload it to try again",
        script->place.plugin, script->place.function, RF_BREACHES_MAX);
}

/* Count a breach of the outermost script of a thread: whatever it used is paid
 * for by its budget. */
static void note_breach(const rf_state *state, rf_script *script)
{
    int64_t now_ms = rf_scripts__now_ns() / NS_PER_MS;
    if (state->depth == 0 && rf_breaches__add(&script->breaches, now_ms)) {
        atomic_store(&script->breaches.off, true);
    }
}

/* Tell how a call failed. What a measure's own evaluation said is passed up as
 * it is: it knows better what is wrong. */
static rf_status fail_call(const rf_state *state, rf_script *script,
                           const rf_script_failure *failure,
                           const rf_error *nested, rf_error *err)
{
    bool is_breach = failure->outcome == RF_SCRIPT_LIMIT_CPU ||
                     failure->outcome == RF_SCRIPT_LIMIT_MEMORY;
    if (is_breach && failure->cause != RF_E_NO_MEMORY) {
        note_breach(state, script);
    }
    if (nested->status != RF_OK) {
        if (err != NULL) {
            *err = *nested;
        }
        return nested->status;
    }
    atomic_fetch_add(&script->failures, 1);
    rf_script_place place = rf_scripts__place(state->set, script, failure);
    rf_status status =
        failure->cause == RF_E_NO_MEMORY ? RF_E_NO_MEMORY : RF_E_SCRIPT;
    return rf_scripts__fail_at(&place, status, err, "plugin %s, %s, %s:%d: %s",
                               place.plugin, place.function, place.file,
                               place.line, failure->message);
}

/* Throw away a state in which nothing runs and a limit was broken. A new one
 * that cannot be made now is made before the next call. */
static void renew(rf_state *state)
{
    if (state->depth == 0 && rf_sandbox_is_spent(state->sandbox)) {
        rf_state__close(state);
        rf_error err;
        (void)!rf_state__build(state, &err);
    }
}

rf_status rf_host__evaluate(rf_formula_host *host, unsigned number,
                            const rf_subject *subject, rf_quantity *out,
                            rf_error *err)
{
    rf_scripts *set = (rf_scripts *)host;
    RF_ASSERT(number < set->script_count);
    RF_ASSERT(subject->thread < set->state_count);
    rf_script *script = set->scripts[number];
    rf_state *state = &set->states[subject->thread];
    if (atomic_load_explicit(&script->breaches.off, memory_order_relaxed)) {
        return fail_off(script, err);
    }
    if (state->sandbox == NULL) {
        rf_status status = rf_state__build(state, err);
        if (status != RF_OK) {
            return status;
        }
    }
    rf_script_failure failure;
    rf_error nested;
    if (rf_state__call(state, number, subject, out, &failure, &nested) ==
        RF_SCRIPT_OK) {
        return RF_OK;
    }
    rf_status status = fail_call(state, script, &failure, &nested, err);
    renew(state);
    return status;
}
