/*
 * formula.c - what one evaluation of a formula costs, in nanoseconds.
 *
 * The same sum of eight measures as the configuration writes it, as a plugin
 * that is compiled, as one that stays in Lua; and a tree. Prints `name value`
 * lines, the smallest of several rounds each, so that whatever else the machine
 * does is left out.
 */
#include "core/catalog.h"
#include "core/draft.h"
#include "core/registry.h"
#include "scripts/scripts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MEASURES 8
#define ROUNDS 20
#define CALLS 20000

static const char source[] =
    "local function sum(m)\n"
    "  return m.a.m0 + m.a.m1 - m.a.m2 - m.a.m3 + m.a.m4 + m.a.m5 - m.a.m6\n"
    "    - m.a.m7\n"
    "end\n"
    "return { name = 'bench', version = '1', formulas = {\n"
    "  ['a.compiled'] = sum,\n"
    "  ['a.tree'] = function(m)\n"
    "    return math.max(0, m.a.m0 + m.a.m1 - m.a.m2)\n"
    "  end,\n"
    "  ['a.lua'] = function(m)\n"
    "    local free = m.a.m0 + m.a.m1 - m.a.m2 - m.a.m3 + m.a.m4 + m.a.m5\n"
    "      - m.a.m6 - m.a.m7\n"
    "    if free ~= free then return 0 end\n"
    "    return free\n"
    "  end,\n"
    "} }\n";

static void stop(const char *what, const rf_error *err)
{
    fprintf(stderr, "formula: %s: %s\n", what, err->message);
    exit(1);
}

static rf_catalog *make_catalog(rf_scripts *scripts)
{
    static const char *const names[MEASURES] = {"m0", "m1", "m2", "m3",
                                                "m4", "m5", "m6", "m7"};
    static const char *const full[MEASURES] = {"a.m0", "a.m1", "a.m4", "a.m5",
                                               "a.m2", "a.m3", "a.m6", "a.m7"};
    static rf_draft_name physicals[MEASURES];
    static rf_draft_name terms[MEASURES];
    static const char *const keys[] = {"siteid", "locationid"};
    static rf_draft_name reservation[2];
    rf_text path = rf_text_of("$");
    for (size_t i = 0; i < MEASURES; i++) {
        physicals[i] = (rf_draft_name){rf_text_of(names[i]), path};
        terms[i] = (rf_draft_name){rf_text_of(full[i]), path};
    }
    for (size_t i = 0; i < 2; i++) {
        reservation[i] = (rf_draft_name){rf_text_of(keys[i]), path};
    }
    rf_draft_calculated configured = {
        .name = {rf_text_of("configured"), path},
        .added = {terms, MEASURES / 2, path},
        .subtracted = {terms + MEASURES / 2, MEASURES / 2, path}};
    rf_draft_source a = {.name = {rf_text_of("a"), path},
                         .physicals = {physicals, MEASURES, path},
                         .calculated = &configured,
                         .calculated_count = 1};
    rf_draft draft = {.strict = true,
                      .sources = &a,
                      .source_count = 1,
                      .reservation_keys = {reservation, 2, path},
                      .host = rf_scripts_host(scripts)};
    draft.formulas = rf_scripts_formulas(scripts, &draft.formula_count);
    rf_registry *registry = NULL;
    rf_problems problems = {0};
    rf_catalog *catalog = NULL;
    rf_error err = {0};
    if (rf_registry_create(&registry, &err) != RF_OK ||
        rf_catalog_build(&draft, registry, &problems, &catalog, &err) !=
            RF_OK) {
        stop("the catalog", &err);
    }
    rf_registry_free(registry);
    return catalog;
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Print the smallest cost of one call over some rounds. */
static void measure(const rf_catalog *catalog, const char *name)
{
    rf_amount amounts[MEASURES];
    for (size_t i = 0; i < MEASURES; i++) {
        amounts[i] = (rf_amount){(rf_measure)i, (rf_quantity)(i + 1) * 1500000};
    }
    rf_measures node = {amounts, MEASURES, MEASURES};
    rf_place place = {0};
    rf_subject subject = {.catalog = catalog,
                          .organization = rf_text_of("usmf"),
                          .product = rf_text_of("P000042"),
                          .place = &place,
                          .measures = &node,
                          .now_ms = INT64_C(1900000000000)};
    const rf_calculated *formula =
        rf_catalog_calculated(catalog, rf_text_of("a"), rf_text_of(name));
    rf_error err = {0};
    double best = 0;
    rf_quantity total = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (int i = 0; i < CALLS; i++) {
            rf_quantity value = 0;
            amounts[0].quantity = i;
            if (rf_calculated_value(formula, &subject, &value, &err) != RF_OK) {
                stop(name, &err);
            }
            total += value;
        }
        double cost = (now_ns() - start) / CALLS;
        best = round == 0 || cost < best ? cost : best;
    }
    printf("%s %.1f %s %lld\n", name, best, rf_formula_kind_word(formula->kind),
           (long long)total);
}

int main(void)
{
    rf_plugin_file file = {rf_text_of("plugin.lua"), rf_text_of(source)};
    rf_plugin_source plugin = {rf_text_of("bench"), &file, 1};
    rf_scripts_options options = {.threads = 1, .compile = true};
    rf_scripts *scripts = NULL;
    rf_error err = {0};
    if (rf_scripts_load(&plugin, 1, &options, &scripts, &err) != RF_OK) {
        stop("the plugin", &err);
    }
    rf_catalog *catalog = make_catalog(scripts);
    if (rf_scripts_bind(scripts, catalog, &err) != RF_OK) {
        stop("the plugin", &err);
    }
    static const char *const names[] = {"configured", "compiled", "tree",
                                        "lua"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        measure(catalog, names[i]);
    }
    rf_scripts_free(scripts);
    rf_catalog_free(catalog);
    return 0;
}
