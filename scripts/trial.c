/*
 * trial.c - trying every formula before anybody relies on it.
 *
 * Each is called on three nodes (nothing posted, one of everything, much of
 * everything), twice in one state and once in another: the outcomes must be the
 * same, no limit may be broken, and it must work on one of the nodes. A formula
 * that fails on some is accepted: dividing by a measure that is zero may well
 * be meant.
 */
#include "scripts/scripts_internal.h"

/* Quantities of the samples, in units. */
static const int64_t sample_units[] = {0, 1, 1000000000};

#define SAMPLE_COUNT (sizeof sample_units / sizeof sample_units[0])

/* The sample whose evaluation is timed. */
#define SAMPLE_ONES 1

/* 2000-01-01. */
#define SAMPLE_TIME_MS INT64_C(946684800000)

/* Evaluations in a round, rounds, and when no further round is begun. The
 * fastest round is the one that was disturbed least. */
#define COST_EVALUATIONS 16
#define COST_ROUNDS 4
#define COST_NS_MAX 1000000

typedef struct trial {
    rf_scripts *set;
    rf_state *first;
    rf_state *second;
    rf_place place;
    rf_measures samples[SAMPLE_COUNT];
    /* Of the first formula that fails only because one that it uses does. That
     * one is to blame, and is found when it is tried itself. */
    rf_error deferred;
} trial;

/* What one call came to. */
typedef struct result {
    rf_script_outcome outcome;
    rf_quantity value;
    rf_script_failure failure;
    rf_error nested;
} result;

static rf_subject subject_of(const trial *self, size_t sample)
{
    return (rf_subject){.catalog = self->set->catalog,
                        .organization = rf_text_of("trial"),
                        .product = rf_text_of("trial"),
                        .place = &self->place,
                        .measures = &self->samples[sample],
                        .now_ms = SAMPLE_TIME_MS};
}

static void call(const trial *self, rf_state *state, const rf_script *script,
                 size_t sample, result *out)
{
    rf_subject subject = subject_of(self, sample);
    subject.thread = (unsigned)(state - self->set->states);
    out->value = 0;
    out->nested.status = RF_OK;
    out->outcome = rf_state__call(state, script->number, &subject, &out->value,
                                  &out->failure, &out->nested);
}

/* Say whether a call found something that no other call can make good. A limit
 * is broken by all scripts that wait for each other. */
static bool is_fatal(const result *got)
{
    return got->outcome == RF_SCRIPT_LIMIT_CPU ||
           got->outcome == RF_SCRIPT_LIMIT_MEMORY ||
           got->outcome == RF_SCRIPT_INTERNAL ||
           got->failure.cause == RF_E_UNKNOWN_MEASURE ||
           got->failure.cause == RF_E_NO_MEMORY;
}

/* Refuse a script for its failure, which may be that of another. */
static rf_status refuse(const trial *self, const rf_script *script,
                        const result *got, rf_error *err)
{
    bool is_nested = got->nested.status != RF_OK;
    rf_script_place place =
        is_nested && got->nested.script.plugin[0] != '\0'
            ? got->nested.script
            : rf_scripts__place(self->set, script, &got->failure);
    rf_status status = RF_E_PLUGIN_FAILED;
    if (got->failure.cause == RF_E_UNKNOWN_MEASURE ||
        got->failure.cause == RF_E_NO_MEMORY) {
        status = got->failure.cause;
    }
    return rf_scripts__fail_at(
        &place, status, err, "%s: %s", script->place.function,
        is_nested ? got->nested.message : got->failure.message);
}

/* Call a script on one sample in all ways; `out` is what it came to. */
static rf_status try_sample(const trial *self, const rf_script *script,
                            size_t sample, result *out, rf_error *err)
{
    rf_state *const states[] = {self->first, self->first, self->second};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        result got;
        call(self, states[i], script, sample, &got);
        if (is_fatal(&got)) {
            return refuse(self, script, &got, err);
        }
        if (i > 0 && (got.outcome != out->outcome || got.value != out->value)) {
            return rf_scripts__fail_at(
                &script->place, RF_E_PLUGIN_FAILED, err,
                "%s gives different results for the same measures",
                script->place.function);
        }
        *out = got;
    }
    return RF_OK;
}

static rf_status try_script(trial *self, const rf_script *script, rf_error *err)
{
    result failed = {.outcome = RF_SCRIPT_OK};
    bool works = false;
    for (size_t sample = 0; sample < SAMPLE_COUNT; sample++) {
        result got = {.outcome = RF_SCRIPT_OK};
        rf_status status = try_sample(self, script, sample, &got, err);
        if (status != RF_OK) {
            return status;
        }
        works = works || got.outcome == RF_SCRIPT_OK;
        if (got.outcome != RF_SCRIPT_OK && failed.outcome == RF_SCRIPT_OK) {
            failed = got;
        }
    }
    if (works) {
        return RF_OK;
    }
    if (failed.nested.status == RF_OK) {
        return refuse(self, script, &failed, err);
    }
    if (self->deferred.status == RF_OK) {
        (void)refuse(self, script, &failed, &self->deferred);
    }
    return RF_OK;
}

/* Measure what one evaluation costs, as the core asks for it. */
static uint64_t measure_cost(const trial *self, const rf_script *script)
{
    rf_subject subject = subject_of(self, SAMPLE_ONES);
    int64_t best = INT64_MAX;
    int64_t start = rf_scripts__now_ns();
    int64_t now = start;
    for (int round = 0; round < COST_ROUNDS && now - start < COST_NS_MAX;
         round++) {
        int64_t before = rf_scripts__now_ns();
        for (int i = 0; i < COST_EVALUATIONS; i++) {
            rf_quantity value;
            rf_error err;
            (void)!rf_calculated_value(script->calculated, &subject, &value,
                                       &err);
        }
        now = rf_scripts__now_ns();
        best = now - before < best ? now - before : best;
    }
    return (uint64_t)(best / COST_EVALUATIONS);
}

static rf_status fill_sample(const rf_catalog *catalog, int64_t units,
                             rf_measures *out, rf_error *err)
{
    rf_status status = RF_OK;
    for (size_t i = 0; status == RF_OK && i < catalog->physical_count; i++) {
        status = rf_measures_add(out, catalog->physicals[i].number,
                                 units * RF_QUANTITY_SCALE, err);
    }
    return status;
}

/* What a trial did is no failure of a script in use. */
static void forget_failures(const rf_scripts *set)
{
    for (size_t i = 0; i < set->script_count; i++) {
        rf_script *script = set->scripts[i];
        atomic_store(&script->failures, 0);
        rf_breaches__forget(&script->breaches);
    }
}

static rf_status try_all(trial *self, rf_error *err)
{
    rf_scripts *set = self->set;
    for (size_t i = 0; i < set->script_count; i++) {
        rf_script *script = set->scripts[i];
        int64_t start = rf_scripts__now_ns();
        rf_status status = try_script(self, script, err);
        if (status != RF_OK) {
            return status;
        }
        script->cost_ns = measure_cost(self, script);
        set->plugins[script->plugin].load_ns +=
            (uint64_t)(rf_scripts__now_ns() - start);
    }
    forget_failures(set);
    if (self->deferred.status != RF_OK) {
        if (err != NULL) {
            *err = self->deferred;
        }
        return self->deferred.status;
    }
    return RF_OK;
}

rf_status rf_scripts__try(rf_scripts *set, rf_state *first, rf_state *second,
                          rf_error *err)
{
    trial self = {.set = set, .first = first, .second = second};
    for (size_t i = 0; i < RF_COORDINATES_MAX; i++) {
        self.place.value[i] = RF_TEXT_EMPTY;
    }
    rf_status status = RF_OK;
    for (size_t i = 0; status == RF_OK && i < SAMPLE_COUNT; i++) {
        status =
            fill_sample(set->catalog, sample_units[i], &self.samples[i], err);
    }
    if (status == RF_OK) {
        status = try_all(&self, err);
    }
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        rf_measures_done(&self.samples[i]);
    }
    return status;
}
