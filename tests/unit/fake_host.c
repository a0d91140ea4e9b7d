/*
 * fake_host.c - a host of scripts with a single one.
 */
#include "tests/unit/fake_host.h"

#include "tests/unit/unit.h"

#include <string.h>

static void note(fake_host *host, const rf_subject *subject)
{
    for (unsigned c = 0; c < RF_COORDINATES_MAX; c++) {
        bool is_given = (subject->place->given & RF_BIT(c)) != 0;
        assert_true(is_given == (subject->place->value[c].length > 0));
    }
    if (host->asked < FAKE_HOST_GIVEN_MAX) {
        host->given[host->asked] = subject->place->given;
    }
    host->asked++;
    host->now_ms = subject->now_ms;
    assert_true(subject->product.length < sizeof host->product);
    memcpy(host->product, subject->product.bytes, subject->product.length);
    host->product[subject->product.length] = '\0';
}

static rf_status evaluate(rf_formula_host *self, unsigned script,
                          const rf_subject *subject, rf_quantity *out,
                          rf_error *err)
{
    fake_host *host = (fake_host *)self;
    assert_int_equal(script, 0);
    note(host, subject);
    if (host->fails) {
        rf_fail(err, RF_E_SCRIPT, "it is not a good day");
        err->script = (rf_script_place){.plugin = "acme",
                                        .file = "plugin.lua",
                                        .function = "iv.free",
                                        .line = 12};
        return RF_E_SCRIPT;
    }
    *out = rf_measures_get(subject->measures, host->inbound) -
           rf_measures_get(subject->measures, host->reserved);
    return RF_OK;
}

static void release(rf_formula_host *self)
{
    ((fake_host *)self)->released++;
}

void fake_host_publish(fake_host *host, engine_rig *rig)
{
    static rf_draft_formula formula;
    formula = (rf_draft_formula){
        .name = rf_text_of("iv.free"),
        .place = {.plugin = "acme", .file = "plugin.lua", .line = 1}};
    *host = (fake_host){.face = {evaluate, release}};
    draft_fixture *f = rig->draft;
    draft_reset(f);
    draft_shop(f);
    f->draft.formulas = &formula;
    f->draft.formula_count = 1;
    f->draft.host = &host->face;
    f->draft.sources[2].reservations =
        draft_pairs(f, "softreserved > iv.free", "res");
    engine_configure(rig);
    host->inbound = engine_measure(rig, "pos.inbound");
    host->reserved = engine_measure(rig, "iv.softreserved");
}
