/*
 * test_histories.c - thousands of random histories, each of a product of its
 * own, judged a second time by brute force (history_model.h).
 *
 * All histories of an environment go on together, step by step, so that some
 * hundreds of commands share a transaction. What the engine decides must be
 * what the model decides: done or refused, how much, of how much. Half of the
 * histories are tame: stock only comes in and whatever is taken is checked.
 * Theirs must never be oversold.
 *
 * The random numbers are always the same, so a failure comes back; it tells
 * the product and the step.
 */
#include "tests/unit/history_ask.h"
#include "tests/unit/history_audit.h"
#include "tests/unit/jobs_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 36
#define LINES_MAX 3  /* of one history at one step */
#define JOBS_MAX 500 /* of one batch */
#define STEP_MS 1000

/* What happens to all histories of an environment at once. */
#define GROWN_AT 12 /* a group and an index set more */
#define RESYNCED_AT 17
#define SHRUNK_AT 22 /* the index set is gone */
#define IS_RESTARTED_AT(step) ((step) == 8 || (step) == 12 || (step) == 25)

typedef struct history {
    uint64_t seed;
    bool is_tame;
} history;

/* What a run has seen, so that it is known to have seen something. */
typedef struct tally {
    unsigned done;
    unsigned refused; /* for what there is, or for what is allocated */
    unsigned partial;
    unsigned stale;
    unsigned expired;
    unsigned undone; /* baskets */
} tally;

typedef struct run {
    engine_rig *rig;
    history_rules rules;
    size_t count;
    uint64_t first_seed;
    unsigned group_count;
    history *histories;
    history_books *books;
    tally seen;
} run;

/* One job of a batch, and what should come of it. */
typedef struct task {
    size_t product;
    history_ask asks[LINES_MAX];
    history_verdict verdicts[LINES_MAX];
    size_t count;
    bool is_undone;
    rf_job *job;
} task;

/* ---- The host of a formula ---- */

typedef struct fake_host {
    rf_formula_host face;
    rf_measure measures[HISTORY_MEASURES];
    rf_level colour;
} fake_host;

static rf_status evaluate_fake(rf_formula_host *self, unsigned script,
                               const rf_subject *subject, rf_quantity *out,
                               rf_error *err)
{
    const fake_host *host = (const fake_host *)self;
    rf_quantity amount[HISTORY_MEASURES];
    (void)script;
    (void)err;
    for (unsigned m = 0; m < HISTORY_MEASURES; m++) {
        amount[m] = rf_measures_get(subject->measures, host->measures[m]);
    }
    *out =
        history_script(amount[HISTORY_INBOUND] - amount[HISTORY_OUTBOUND] -
                           amount[HISTORY_RESERVED] - amount[HISTORY_ALLOCATED],
                       (subject->place->given & host->colour) != 0);
    return RF_OK;
}

static void release_fake(rf_formula_host *self)
{
    (void)self;
}

/* ---- Configuring ---- */

/* What can be allocated is what can be reserved but for a safety stock. */
static void draft_measures(run *r)
{
    draft_fixture *f = r->rig->draft;
    static rf_draft_formula formula;
    static fake_host host;
    draft_source(f, "@iv", "");
    draft_source(f, "shelf", "safety");
    draft_formula(f, "@iv", "@available_to_allocate",
                  r->rules.by_script ? "iv.free" : "iv.availabletoreserve",
                  "shelf.safety");
    if (!r->rules.by_script) {
        engine_configure(r->rig);
        return;
    }
    formula = (rf_draft_formula){
        .name = rf_text_of("iv.free"),
        .place = {.plugin = "acme", .file = "plugin.lua", .line = 1}};
    host =
        (fake_host){.face = {evaluate_fake, release_fake},
                    .colour = RF_BIT(rf_dimension_find(rf_text_of("ColorId")))};
    f->draft.formulas = &formula;
    f->draft.formula_count = 1;
    f->draft.host = &host.face;
    f->sources[2].reservations =
        draft_pairs(f, "softreserved > iv.free", "res");
    engine_configure(r->rig);
    for (unsigned m = 0; m < HISTORY_MEASURES; m++) {
        host.measures[m] = engine_measure(r->rig, history_measure_name(m));
    }
}

static void grow(run *r)
{
    draft_fixture *f = r->rig->draft;
    f->draft.groups = draft_names(f, "channel, Region, kind", "groups");
    draft_index_set(f, "SizeId, StyleId");
    engine_configure(r->rig);
    r->group_count = 3;
}

static void shrink(run *r)
{
    r->rig->draft->draft.index_set_count--;
    engine_configure(r->rig);
}

/* Take all reservations away, with a restart on the way. */
static void resync(run *r)
{
    jobs_submit_resync(r->rig, 1, "iv.softreserved");
    assert_int_equal(jobs_step(r->rig), RF_OK);
    assert_int_equal(jobs_state(r->rig, 1), RF_JOB_RUNNING);
    engine_reopen(r->rig);
    engine_settle(r->rig);
    assert_int_equal(jobs_state(r->rig, 1), RF_JOB_COMPLETED);
    for (size_t p = 0; p < r->count; p++) {
        history_resync(&r->books[p]);
    }
    history_audit(r->rig, r->books, r->count);
}

/* ---- One batch ---- */

static history_chooser make_chooser(const run *r, size_t product)
{
    return (history_chooser){.seed = r->histories[product].seed,
                             .rules = &r->rules,
                             .books = &r->books[product],
                             .group_count = r->group_count,
                             .now_ms = r->rig->now_ms,
                             .is_tame = r->histories[product].is_tame};
}

/* Choose the lines of a job, judge them one after the other, and book what is
 * done; a basket ends with its first refusal and leaves the books as they
 * were. */
static void prepare(run *r, size_t product, task *out)
{
    static history_books before;
    rf_command commands[LINES_MAX] = {0};
    history_books *books = &r->books[product];
    history_chooser chooser = make_chooser(r, product);
    size_t count =
        history_pick(&chooser, 4) > 0 ? 1 : 2 + history_pick(&chooser, 2);
    bool atomic = count > 1 && history_pick(&chooser, 2) == 0;
    *out = (task){.product = product};
    if (atomic) {
        before = *books;
    }
    while (out->count < count && !out->is_undone) {
        size_t i = out->count++;
        out->asks[i] = history_choose(&chooser);
        commands[i] = history_command(r->rig, product, books, &out->asks[i]);
        out->verdicts[i] =
            history_judge(&r->rules, books, &out->asks[i], r->rig->now_ms);
        out->is_undone = atomic && out->verdicts[i].status != RF_OK;
    }
    if (out->is_undone) {
        *books = before;
    }
    out->job = engine_job(r->rig, commands, out->count);
    out->job->atomic = atomic;
    r->histories[product].seed = chooser.seed;
}

static bool is_same(const history_verdict *expected, const rf_result *result,
                    rf_operation operation)
{
    bool has_quantity = result->status == RF_OK &&
                        operation != RF_OPERATION_POST &&
                        operation != RF_OPERATION_SET;
    return result->status == expected->status &&
           (!has_quantity || result->quantity == expected->quantity) &&
           result->available == expected->available &&
           result->invalid_offset == expected->beyond &&
           result->partial == expected->partial &&
           result->stale == expected->stale &&
           (!result->has_binding || result->binding_value == expected->least);
}

static double units(rf_quantity quantity)
{
    return (double)quantity / (double)RF_QUANTITY_SCALE;
}

static void compare(const task *t, size_t line, unsigned step)
{
    char place[HISTORY_TEXT_MAX];
    const history_ask *ask = &t->asks[line];
    const history_verdict *expected = &t->verdicts[line];
    const rf_result *result = &t->job->results[line];
    if (!is_same(expected, result, ask->operation)) {
        fail_msg("product %zu, step %u: %s %f at %s: %s %f of %f; the model "
                 "says %s %f of %f",
                 t->product, step, rf_operation_name(ask->operation),
                 units(ask->quantity), history_spot_text(&ask->spot, place),
                 rf_status_word(result->status), units(result->quantity),
                 units(result->available), rf_status_word(expected->status),
                 units(expected->quantity), units(expected->available));
    }
}

/* The model learns how the engine calls a reservation, once. */
static void learn_hold(history_books *books, const history_verdict *verdict,
                       const rf_result *result)
{
    assert_int_equal(result->reservation != 0, verdict->hold != HISTORY_NONE);
    if (verdict->hold == HISTORY_NONE) {
        return;
    }
    history_hold *hold = &books->holds[verdict->hold];
    if (hold->id == 0) {
        hold->id = result->reservation;
        hold->created = result->reservation_created;
    }
    assert_true(hold->id == result->reservation);
    assert_true(hold->created == result->reservation_created);
}

static void count_line(tally *seen, const rf_result *result)
{
    seen->done += result->status == RF_OK ? 1 : 0;
    seen->refused += result->status == RF_E_INSUFFICIENT_AVAILABLE ||
                             result->status == RF_E_INSUFFICIENT_ALLOCATED
                         ? 1
                         : 0;
    seen->partial += result->partial ? 1 : 0;
    seen->stale += result->stale ? 1 : 0;
}

static void compare_task(run *r, const task *t, unsigned step)
{
    r->seen.undone += t->is_undone ? 1 : 0;
    for (size_t i = 0; i < t->count; i++) {
        const rf_result *result = &t->job->results[i];
        if (t->is_undone && i + 1 < t->count) {
            assert_int_equal(result->status, RF_E_BASKET_REFUSED);
            continue;
        }
        compare(t, i, step);
        count_line(&r->seen, result);
        if (result->status == RF_OK) {
            learn_hold(&r->books[t->product], &t->verdicts[i], result);
        }
    }
}

/* What one line of a batch was made of is not needed for the next one. */
static void forget_batch(engine_rig *rig)
{
    rig->configuring = NULL; /* done long ago */
    rf_arena_reset(&rig->arena);
}

static void run_batch(run *r, size_t from, size_t to, unsigned step)
{
    static task tasks[JOBS_MAX];
    size_t count = to - from;
    for (size_t i = 0; i < count; i++) {
        prepare(r, from + i, &tasks[i]);
        if (i > 0) {
            tasks[i - 1].job->next = tasks[i].job;
        }
    }
    engine_run_job(r->rig, tasks[0].job);
    for (size_t i = 0; i < count; i++) {
        compare_task(r, &tasks[i], step);
    }
    forget_batch(r->rig);
}

/* ---- All histories ---- */

static void expect_none_oversold(const run *r, unsigned step)
{
    for (size_t p = 0; p < r->count; p++) {
        history_spot where;
        if (r->histories[p].is_tame &&
            history_is_oversold(&r->rules, &r->books[p], &where)) {
            char place[HISTORY_TEXT_MAX];
            fail_msg("product %zu, step %u: oversold at %s", p, step,
                     history_spot_text(&where, place));
        }
    }
}

static void run_step(run *r, unsigned step)
{
    r->rig->now_ms += STEP_MS;
    for (size_t p = 0; p < r->count; p++) {
        r->seen.expired +=
            (unsigned)history_expire(&r->books[p], r->rig->now_ms);
    }
    for (size_t from = 0; from < r->count; from += JOBS_MAX) {
        size_t to = from + JOBS_MAX < r->count ? from + JOBS_MAX : r->count;
        run_batch(r, from, to, step);
    }
    if (r->rules.strict) {
        expect_none_oversold(r, step);
    }
    if (step == GROWN_AT) {
        grow(r);
    } else if (step == SHRUNK_AT) {
        shrink(r);
    } else if (step == RESYNCED_AT) {
        resync(r);
    }
    if (IS_RESTARTED_AT(step)) {
        engine_restart(r->rig);
        history_audit(r->rig, r->books, r->count);
    }
}

static void print_tally(const run *r)
{
    const tally *seen = &r->seen;
    print_message("  %u done (%u in part, %u stale), %u refused, %u baskets "
                  "undone, %u holds ended\n",
                  seen->done, seen->partial, seen->stale, seen->refused,
                  seen->undone, seen->expired);
    size_t least = r->count;
    assert_true(seen->done > 15 * least && seen->refused > 4 * least);
    assert_true(seen->partial > least / 4 && seen->stale > least / 16);
    assert_true(seen->undone > least / 2 && seen->expired > least / 2);
}

static void start(run *r)
{
    r->group_count = 2;
    r->histories = calloc(r->count, sizeof *r->histories);
    r->books = calloc(r->count, sizeof *r->books);
    assert_non_null(r->histories);
    assert_non_null(r->books);
    for (size_t i = 0; i < r->count; i++) {
        r->histories[i] = (history){r->first_seed + i, i % 2 == 0};
    }
    r->rig->draft->draft.strict = r->rules.strict;
    r->rig->draft->draft.by_product = r->rules.by_product;
    draft_measures(r);
}

static void run_histories(void **state, history_rules rules, size_t count,
                          uint64_t first_seed)
{
    run r = {.rig = *state,
             .rules = rules,
             .count = count,
             .first_seed = first_seed};
    print_message("seeds %llu to %llu, %d steps each\n",
                  (unsigned long long)first_seed,
                  (unsigned long long)(first_seed + count - 1), STEPS);
    start(&r);
    for (unsigned step = 0; step < STEPS; step++) {
        run_step(&r, step);
    }
    history_audit(r.rig, r.books, r.count);
    print_tally(&r);
    free(r.books);
    free(r.histories);
}

static void test_by_location(void **state)
{
    run_histories(state, (history_rules){.strict = true}, 2500, 100000);
}

static void test_by_product(void **state)
{
    run_histories(state, (history_rules){.strict = true, .by_product = true},
                  1250, 200000);
}

static void test_by_location_with_a_script(void **state)
{
    run_histories(state, (history_rules){.strict = true, .by_script = true},
                  500, 300000);
}

static void test_by_product_with_a_script(void **state)
{
    run_histories(state, (history_rules){true, true, true}, 350, 400000);
}

/* As the hosted service does it: nothing but the level of the request. */
static void test_independent_levels(void **state)
{
    run_histories(state, (history_rules){.strict = false}, 400, 500000);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, engine_set_up, engine_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_by_location),
        TEST(test_by_product),
        TEST(test_by_location_with_a_script),
        TEST(test_by_product_with_a_script),
        TEST(test_independent_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
