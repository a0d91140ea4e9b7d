/*
 * examples.c - running a plugin's examples.
 *
 * An example is run through the formula's Lua function, and a second time as
 * the core evaluates the measure, which may be natively. When it gives a
 * calculated measure, the second way is left out: a native formula has such
 * measures multiplied out. For the same reason a formula of the configuration
 * document, which has no Lua function, does not see what is given for a
 * calculated measure that it uses.
 */
#include "scripts/scripts_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* An example being run. */
typedef struct run {
    rf_scripts *set;
    const rf_example *example;
    rf_state *state;
    rf_measures measures;
    rf_place place;
    rf_override *overrides; /* room for all that is given */
    size_t override_count;
} run;

/* Fail with the place of the formula; the message names the example first. */
static rf_status RF_PRINTF(4, 5)
    fail_example(const run *self, rf_status status, rf_error *err,
                 const char *format, ...)
{
    const rf_example *example = self->example;
    char reason[sizeof err->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return rf_scripts__fail_at(
        &example->script->place, status, err, "example %u%s%.*s%s of %s: %s",
        example->number, example->name.length > 0 ? " (" : "",
        RF_SHOWN(example->name), example->name.length > 0 ? ")" : "",
        example->script->place.function, reason);
}

static rf_status fail_measure(const run *self, rf_text name, rf_error *err)
{
    return fail_example(self, RF_E_UNKNOWN_MEASURE, err,
                        "there is no measure %.*s", RF_SHOWN(name));
}

static rf_status fail_twice(const run *self, rf_text name, rf_error *err)
{
    return fail_example(self, RF_E_EXAMPLE_FAILED, err, "%.*s is given twice",
                        RF_SHOWN(name));
}

static bool is_overridden(const run *self, const rf_calculated *calculated)
{
    for (size_t i = 0; i < self->override_count; i++) {
        if (self->overrides[i].calculated == calculated) {
            return true;
        }
    }
    return false;
}

/* Take over one given quantity. */
static rf_status give_amount(run *self, const rf_example_amount *given,
                             rf_error *err)
{
    const rf_catalog *catalog = self->set->catalog;
    const char *dot = memchr(given->name.bytes, '.', given->name.length);
    if (dot == NULL) {
        return fail_measure(self, given->name, err);
    }
    size_t length = (size_t)(dot - given->name.bytes);
    rf_text source = {given->name.bytes, length};
    rf_text name = {dot + 1, given->name.length - length - 1};
    const rf_physical *physical = rf_catalog_physical(catalog, source, name);
    if (physical != NULL) {
        if (rf_measures_has(&self->measures, physical->number)) {
            return fail_twice(self, given->name, err);
        }
        return rf_measures_add(&self->measures, physical->number,
                               given->quantity, err);
    }
    const rf_calculated *calculated =
        rf_catalog_calculated(catalog, source, name);
    if (calculated == NULL) {
        return fail_measure(self, given->name, err);
    }
    if (is_overridden(self, calculated)) {
        return fail_twice(self, given->name, err);
    }
    self->overrides[self->override_count++] =
        (rf_override){calculated, given->quantity};
    return RF_OK;
}

/* Find the coordinate of a configured group, or return -1. */
static int find_group(const rf_catalog *catalog, rf_text name)
{
    for (size_t i = 0; i < catalog->group_order_count; i++) {
        unsigned group = catalog->group_order[i];
        if (rf_text_is_name(rf_catalog_coordinate_name(catalog, group), name)) {
            return (int)group;
        }
    }
    return -1;
}

static int find_dimension(const rf_catalog *catalog, rf_text name)
{
    return rf_catalog_dimension(catalog, NULL, name);
}

static rf_status give_values(run *self, const rf_example_values *values,
                             int (*find)(const rf_catalog *, rf_text),
                             const char *what, rf_error *err)
{
    for (size_t i = 0; i < values->count; i++) {
        const rf_example_value *value = &values->items[i];
        int coordinate = find(self->set->catalog, value->name);
        if (coordinate < 0) {
            return fail_example(self, RF_E_EXAMPLE_FAILED, err,
                                "there is no %s %.*s", what,
                                RF_SHOWN(value->name));
        }
        if (value->value.length > 0) {
            self->place.given |= RF_BIT((unsigned)coordinate);
            self->place.value[coordinate] = value->value;
        }
    }
    return RF_OK;
}

static rf_status prepare(run *self, rf_error *err)
{
    const rf_example *example = self->example;
    for (size_t i = 0; i < RF_COORDINATES_MAX; i++) {
        self->place.value[i] = RF_TEXT_EMPTY;
    }
    for (size_t i = 0; i < example->given_count; i++) {
        rf_status status = give_amount(self, &example->given[i], err);
        if (status != RF_OK) {
            return status;
        }
    }
    rf_status status = give_values(self, &example->dimensions, find_dimension,
                                   "dimension", err);
    if (status == RF_OK) {
        status = give_values(self, &example->groups, find_group, "group", err);
    }
    return status;
}

static rf_status check(const run *self, const char *way, rf_quantity got,
                       rf_error *err)
{
    if (got == self->example->expect) {
        return RF_OK;
    }
    char expected_text[RF_QUANTITY_TEXT_MAX];
    char got_text[RF_QUANTITY_TEXT_MAX];
    rf_quantity_print(self->example->expect, expected_text);
    rf_quantity_print(got, got_text);
    return fail_example(self, RF_E_EXAMPLE_FAILED, err, "expected %s, got %s%s",
                        expected_text, got_text, way);
}

static rf_status fail_run(const run *self, const char *message, rf_error *err)
{
    char expected[RF_QUANTITY_TEXT_MAX];
    rf_quantity_print(self->example->expect, expected);
    return fail_example(self, RF_E_EXAMPLE_FAILED, err,
                        "expected %s, but it failed: %s", expected, message);
}

/* Run the Lua function. */
static rf_status run_script(const run *self, const rf_subject *subject,
                            rf_error *err)
{
    rf_state *state = self->state;
    rf_quantity got = 0;
    rf_script_failure failure;
    rf_error nested;
    state->overrides = self->overrides;
    state->override_count = self->override_count;
    rf_script_outcome outcome = rf_state__call(
        state, self->example->script->number, subject, &got, &failure, &nested);
    state->override_count = 0;
    state->overrides = NULL;
    if (outcome == RF_SCRIPT_OK) {
        return check(self, "", got, err);
    }
    if (failure.cause == RF_E_UNKNOWN_MEASURE ||
        failure.cause == RF_E_NO_MEMORY) {
        return fail_example(self, failure.cause, err, "%s", failure.message);
    }
    return fail_run(
        self, nested.status != RF_OK ? nested.message : failure.message, err);
}

/* Run it as the core does. */
static rf_status run_measure(const run *self, const rf_subject *subject,
                             rf_error *err)
{
    rf_quantity got = 0;
    rf_error failed;
    rf_status status = rf_calculated_value(self->example->script->calculated,
                                           subject, &got, &failed);
    if (status == RF_OK) {
        return check(self, " when it is compiled", got, err);
    }
    if (status == RF_E_NO_MEMORY) {
        return fail_example(self, status, err, "%s", failed.message);
    }
    return fail_run(self, failed.message, err);
}

static rf_status run_prepared(const run *self, rf_error *err)
{
    const rf_example *example = self->example;
    rf_subject subject = {.catalog = self->set->catalog,
                          .organization = example->organization,
                          .product = example->product,
                          .place = &self->place,
                          .measures = &self->measures,
                          .now_ms = example->now_ms,
                          .thread =
                              (unsigned)(self->state - self->set->states)};
    rf_status status = run_script(self, &subject, err);
    if (status == RF_OK && self->override_count == 0) {
        status = run_measure(self, &subject, err);
    }
    return status;
}

static rf_status run_example(rf_scripts *set, const rf_example *example,
                             rf_state *state, rf_error *err)
{
    run self = {.set = set, .example = example, .state = state};
    self.overrides = rf_arena_calloc(&set->arena, example->given_count,
                                     sizeof *self.overrides);
    if (self.overrides == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_status status = prepare(&self, err);
    if (status == RF_OK) {
        status = run_prepared(&self, err);
    }
    rf_measures_done(&self.measures);
    return status;
}

rf_status rf_scripts__run_examples(rf_scripts *set, const rf_plugin *plugin,
                                   rf_state *state, rf_error *err)
{
    for (size_t i = 0; i < plugin->example_count; i++) {
        rf_status status = run_example(set, &plugin->examples[i], state, err);
        if (status != RF_OK) {
            return status;
        }
    }
    return RF_OK;
}
