/*
 * test_allocation_random.c - thousands of random commands, judged a second time
 * by a model that keeps nothing but leaves and allocation records and adds up
 * all leaves for every question.
 *
 * The random numbers are always the same, so a failure comes back; it tells the
 * seed and the step.
 */
#include "core/allocations.h"
#include "tests/unit/engine_rig.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define HISTORIES 12
#define STEPS 60
#define JOBS_MAX 16 /* of one step */
#define LINES_MAX 4

/* Location, colour, size and style; of each two values and none. */
#define DIMENSIONS 4
#define LOCATION 0
#define STYLE 3 /* cannot be reserved by */
#define PLACES 81
#define GROUPS 27 /* channel, region and kind, likewise */

#define TEXT_MAX 200 /* of a place */

typedef struct stock {
    rf_quantity inbound;
    rf_quantity outbound;
    rf_quantity reserved;
    rf_quantity allocated;
} stock;

typedef struct record {
    bool exists;
    rf_quantity allocated;
    rf_quantity given;
    rf_quantity consumed;
} record;

/* Everything that is remembered. */
typedef struct books {
    stock leaves[PLACES];
    record records[PLACES][GROUPS];
    rf_result reserved[PLACES]; /* the last result, to give it back by */
} books;

typedef struct model {
    engine_rig *rig;
    uint64_t seed;
    bool strict;
    bool by_product;
    bool is_tame; /* stock only comes in, and every reservation is checked */
    size_t group_count;
    unsigned judged[2]; /* lines done, lines refused */
    books now;
} model;

/* A command as the model sees it. */
typedef struct ask {
    rf_operation operation;
    unsigned place;
    unsigned groups;
    unsigned source;
    rf_quantity quantity;
    bool check;
    bool partial;
    rf_quantity minimum;
    rf_share share;
    unsigned percent;
    const char *measures; /* of a consumption */
} ask;

/* What should come of it. */
typedef struct verdict {
    rf_status status;
    rf_quantity quantity;
    rf_quantity available; /* of a refusal */
} verdict;

static unsigned next_random(model *m, unsigned below)
{
    m->seed = m->seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(m->seed >> 33) % below;
}

/* ---- Places ---- */

/* The value of a dimension, 0 for none; the same for groups. */
static unsigned digit(unsigned place, unsigned dimension)
{
    static const unsigned weights[] = {27, 9, 3, 1};
    return place / weights[dimension] % 3;
}

static unsigned given_of(unsigned place)
{
    unsigned mask = 0;
    for (unsigned d = 0; d < DIMENSIONS; d++) {
        mask |= digit(place, d) > 0 ? 1U << d : 0;
    }
    return mask;
}

static bool lies_below(unsigned leaf, unsigned place, unsigned level)
{
    for (unsigned d = 0; d < DIMENSIONS; d++) {
        if ((level & 1U << d) != 0 && digit(leaf, d) != digit(place, d)) {
            return false;
        }
    }
    return true;
}

static const char *place_text(unsigned place, unsigned groups,
                              char text[TEXT_MAX])
{
    static const char *const names[] = {"locationid", "ColorId", "SizeId",
                                        "StyleId"};
    static const char *const group_names[] = {"channel", "Region", "kind"};
    size_t length = (size_t)snprintf(text, TEXT_MAX, "siteid=1");
    for (unsigned d = 0; d < DIMENSIONS; d++) {
        if (digit(place, d) > 0) {
            length +=
                (size_t)snprintf(text + length, TEXT_MAX - length, ", %s=%c",
                                 names[d], 'a' + (int)digit(place, d));
        }
    }
    for (unsigned g = 0; g < 3; g++) {
        if (digit(groups, g + 1) > 0) {
            length += (size_t)snprintf(text + length, TEXT_MAX - length,
                                       ", %s=%c", group_names[g],
                                       'p' + (int)digit(groups, g + 1));
        }
    }
    return text;
}

/* ---- The model's own judgement ---- */

static rf_quantity available_at(const model *m, unsigned place, unsigned level)
{
    rf_quantity sum = 0;
    for (unsigned leaf = 0; leaf < PLACES; leaf++) {
        const stock *at = &m->now.leaves[leaf];
        if (lies_below(leaf, place, level)) {
            sum += at->inbound - at->outbound - at->reserved - at->allocated;
        }
    }
    return sum;
}

static bool is_held_at(const model *m, unsigned level)
{
    for (unsigned place = 0; place < PLACES; place++) {
        bool holds = m->now.leaves[place].reserved > 0;
        for (unsigned g = 0; g < GROUPS; g++) {
            holds = holds || m->now.records[place][g].allocated > 0;
        }
        if (holds && given_of(place) == level) {
            return true;
        }
    }
    return false;
}

/* Location, colour, size: the prefixes of these, the location's at least when
 * stock is kept by location. */
static bool is_prefix(const model *m, unsigned level)
{
    return (level == 0 && m->by_product) || level == 1 || level == 3 ||
           level == 7;
}

static rf_quantity find_available(const model *m, unsigned place)
{
    unsigned own = given_of(place);
    rf_quantity least = available_at(m, place, own);
    for (unsigned level = 0; m->strict && level < 16; level++) {
        bool is_checked = (level & ~own) == 0 &&
                          (is_prefix(m, level) || is_held_at(m, level));
        if (is_checked && available_at(m, place, level) < least) {
            least = available_at(m, place, level);
        }
    }
    /* By product the whole is above the site. */
    return least > 0 ? least : 0;
}

static verdict refuse(rf_status status, rf_quantity available)
{
    return (verdict){status, 0, available};
}

static verdict judge_share(const ask *a, rf_quantity available)
{
    rf_quantity share = available;
    if (a->share == RF_SHARE_PERCENT) {
        share = available * (rf_quantity)a->percent / 100;
        share -= share % RF_QUANTITY_SCALE;
    } else if (a->quantity > 0 && a->quantity < share) {
        share = a->quantity;
    }
    return share > 0 && share >= a->minimum
               ? (verdict){RF_OK, share, 0}
               : refuse(RF_E_INSUFFICIENT_AVAILABLE, available);
}

static verdict judge_taking(const model *m, const ask *a)
{
    rf_quantity available = find_available(m, a->place);
    if (a->share != RF_SHARE_QUANTITY) {
        return judge_share(a, available);
    }
    if (a->quantity <= available) {
        return (verdict){RF_OK, a->quantity, 0};
    }
    return a->partial && available > 0 && available >= a->minimum
               ? (verdict){RF_OK, available, 0}
               : refuse(RF_E_INSUFFICIENT_AVAILABLE, available);
}

static verdict judge(const model *m, const ask *a)
{
    const record *from = &m->now.records[a->place][a->groups];
    if (a->operation == RF_OPERATION_REALLOCATE) {
        from = &m->now.records[a->place][a->source];
    }
    if (a->operation == RF_OPERATION_POST ||
        (a->operation == RF_OPERATION_RESERVE && !a->check)) {
        return (verdict){RF_OK, a->quantity, 0};
    }
    if (a->operation == RF_OPERATION_UNRESERVE) {
        rf_quantity held = m->now.leaves[a->place].reserved;
        held = held > 0 ? held : 0;
        return (verdict){RF_OK, a->quantity < held ? a->quantity : held, 0};
    }
    if (a->operation == RF_OPERATION_RESERVE ||
        a->operation == RF_OPERATION_ALLOCATE) {
        return judge_taking(m, a);
    }
    return a->quantity <= from->allocated
               ? (verdict){RF_OK, a->quantity, 0}
               : refuse(RF_E_INSUFFICIENT_ALLOCATED, from->allocated);
}

/* ---- What a command does to the books ---- */

static void book_consumed(stock *leaf, const ask *a)
{
    leaf->inbound -= strstr(a->measures, "inbound") ? a->quantity : 0;
    leaf->outbound += strstr(a->measures, "outbound") ? a->quantity : 0;
    leaf->reserved += strstr(a->measures, "softreserved") ? a->quantity : 0;
}

static void book(books *all, const ask *a, rf_quantity quantity)
{
    stock *leaf = &all->leaves[a->place];
    record *own = &all->records[a->place][a->groups];
    if (a->operation == RF_OPERATION_POST) {
        leaf->inbound += quantity;
    } else if (a->operation == RF_OPERATION_RESERVE) {
        leaf->reserved += quantity;
    } else if (a->operation == RF_OPERATION_UNRESERVE) {
        leaf->reserved -= quantity;
    } else if (a->operation == RF_OPERATION_ALLOCATE) {
        own->exists = true;
        own->allocated += quantity;
        own->given += quantity;
        leaf->allocated += quantity;
    } else if (a->operation == RF_OPERATION_REALLOCATE) {
        own->exists = true;
        all->records[a->place][a->source].allocated -= quantity;
        own->allocated += quantity;
        own->given += quantity;
    } else {
        own->allocated -= quantity;
        leaf->allocated -= quantity;
    }
    if (a->operation == RF_OPERATION_CONSUME) {
        own->consumed += quantity;
        book_consumed(leaf, a);
    }
}

/* ---- Asking at random ---- */

static unsigned random_groups(model *m)
{
    unsigned depth = 1 + next_random(m, (unsigned)m->group_count);
    unsigned groups = 0;
    for (unsigned g = 0; g < 3; g++) {
        groups = groups * 3 + (g < depth ? 1 + next_random(m, 2) : 0);
    }
    return groups;
}

static unsigned random_place(model *m, bool has_location)
{
    unsigned place = next_random(m, PLACES);
    while (has_location && digit(place, LOCATION) == 0) {
        place = next_random(m, PLACES);
    }
    return place;
}

static rf_quantity random_quantity(model *m)
{
    rf_quantity whole = 1 + (rf_quantity)next_random(m, 12);
    return whole * RF_QUANTITY_SCALE / (next_random(m, 4) == 0 ? 7 : 1);
}

/* Mostly a record that has something. */
static void choose_record(model *m, ask *a)
{
    for (int tries = 0; tries < 60; tries++) {
        a->place = random_place(m, !m->by_product);
        a->groups = random_groups(m);
        if (m->now.records[a->place][a->groups].allocated > 0) {
            break;
        }
    }
}

static void choose_measures(model *m, ask *a)
{
    static const char *const measures[] = {"", "pos.inbound=-1",
                                           "pos.outbound=1, @iv.@consumed=1",
                                           "iv.softreserved=1"};
    unsigned count = digit(a->place, STYLE) > 0 ? 3 : 4;
    a->measures = measures[next_random(m, count)];
}

static void choose_taking(model *m, ask *a, unsigned dice)
{
    a->operation = dice < 55 ? RF_OPERATION_RESERVE : RF_OPERATION_ALLOCATE;
    a->place = random_place(m, !m->by_product);
    a->check = m->is_tame || next_random(m, 8) > 0;
    a->partial = next_random(m, 3) == 0;
    a->minimum = a->partial && next_random(m, 2) == 0 ? random_quantity(m) : 0;
    if (a->operation == RF_OPERATION_RESERVE) {
        a->place -= digit(a->place, STYLE);
        return;
    }
    a->groups = random_groups(m);
    a->share = (rf_share)(next_random(m, 6) < 3 ? next_random(m, 3)
                                                : RF_SHARE_QUANTITY);
    a->percent = 1 + next_random(m, 100);
    if (a->share == RF_SHARE_ALL && next_random(m, 2) == 0) {
        a->quantity = 0;
    }
}

static ask choose(model *m)
{
    ask a = {.quantity = random_quantity(m), .measures = ""};
    unsigned dice = next_random(m, 100);
    if (dice < 25) {
        a.operation = RF_OPERATION_POST;
        a.place = random_place(m, false);
        a.quantity *= !m->is_tame && next_random(m, 3) == 0 ? -1 : 1;
    } else if (dice < 32) {
        a.operation = RF_OPERATION_UNRESERVE;
        a.place = random_place(m, !m->by_product);
        a.place -= digit(a.place, STYLE);
    } else if (dice < 75) {
        choose_taking(m, &a, dice);
    } else {
        static const rf_operation operations[] = {RF_OPERATION_UNALLOCATE,
                                                  RF_OPERATION_REALLOCATE,
                                                  RF_OPERATION_CONSUME};
        a.operation = operations[next_random(m, 3)];
        choose_record(m, &a);
        choose_measures(m, &a);
    }
    if (a.operation == RF_OPERATION_REALLOCATE) {
        a.source = a.groups;
        while (a.source == a.groups) {
            a.groups = random_groups(m);
        }
    }
    return a;
}

/* ---- Asking the engine ---- */

static double units(rf_quantity quantity)
{
    return (double)quantity / (double)RF_QUANTITY_SCALE;
}

static rf_command make_command(model *m, const ask *a)
{
    char text[TEXT_MAX];
    char from[TEXT_MAX];
    place_text(a->place, a->groups, text);
    engine_rig *rig = m->rig;
    rf_command command;
    if (a->operation == RF_OPERATION_POST) {
        command = engine_post(rig, "P", text, "pos.inbound=1");
        rf_amount *amount = rf_arena_calloc(&rig->arena, 1, sizeof *amount);
        assert_non_null(amount);
        *amount = (rf_amount){command.changes[0].measure, a->quantity};
        command.changes = amount;
    } else if (a->operation == RF_OPERATION_RESERVE) {
        command = engine_reserve(rig, "P", text, units(a->quantity), a->check);
    } else if (a->operation == RF_OPERATION_UNRESERVE) {
        command = engine_unreserve(rig, "P", text, &m->now.reserved[a->place],
                                   units(a->quantity));
    } else if (a->operation == RF_OPERATION_REALLOCATE) {
        place_text(a->place, a->source, from);
        command = engine_reallocate(rig, "P", from, text, units(a->quantity));
    } else if (a->operation == RF_OPERATION_CONSUME) {
        command =
            engine_consume(rig, "P", text, units(a->quantity), a->measures);
    } else {
        command =
            engine_allocation(rig, a->operation, "P", text, units(a->quantity));
    }
    command.allow_partial = a->partial;
    command.minimum = a->minimum;
    command.share = a->share;
    command.percent = engine_units(a->percent);
    return command;
}

static void compare(const verdict *expected, const rf_result *result,
                    const ask *a, const char *when)
{
    char text[TEXT_MAX];
    bool is_same =
        result->status == expected->status &&
        (result->status != RF_OK || a->operation == RF_OPERATION_POST ||
         result->quantity == expected->quantity) &&
        (result->status == RF_OK || result->available == expected->available);
    if (!is_same) {
        fail_msg("%s: %s %f at %s: %s %f, available %f; the model says %s %f, "
                 "available %f",
                 when, rf_operation_name(a->operation), units(a->quantity),
                 place_text(a->place, a->groups, text),
                 rf_status_word(result->status), units(result->quantity),
                 units(result->available), rf_status_word(expected->status),
                 units(expected->quantity), units(expected->available));
    }
}

/* One job, and what should come of it. */
typedef struct task {
    ask asks[LINES_MAX];
    verdict verdicts[LINES_MAX];
    size_t count;
    bool is_undone;
    rf_job *job;
} task;

/* Choose the lines of a job, judge them one after the other, and book what is
 * done; a basket ends with its first refusal and leaves the books as they
 * were. */
static void prepare(model *m, task *out)
{
    rf_command commands[LINES_MAX] = {0};
    books before = m->now;
    bool atomic = next_random(m, 3) == 0;
    size_t count = 1 + next_random(m, LINES_MAX);
    *out = (task){0};
    while (out->count < count && !out->is_undone) {
        size_t i = out->count++;
        ask *a = &out->asks[i];
        *a = choose(m);
        if (a->operation == RF_OPERATION_UNRESERVE &&
            m->now.reserved[a->place].reservation == 0) {
            a->operation = RF_OPERATION_POST;
        }
        commands[i] = make_command(m, a);
        out->verdicts[i] = judge(m, a);
        if (out->verdicts[i].status == RF_OK) {
            book(&m->now, a, out->verdicts[i].quantity);
        } else {
            out->is_undone = atomic;
        }
    }
    if (out->is_undone) {
        m->now = before;
    }
    out->job = engine_job(m->rig, commands, out->count);
    out->job->atomic = atomic;
}

static void compare_task(model *m, const task *t, const char *when)
{
    const rf_result *results = t->job->results;
    for (size_t i = 0; i < t->count; i++) {
        m->judged[results[i].status == RF_OK ? 0 : 1]++;
        if (t->is_undone && i + 1 < t->count) {
            assert_int_equal(results[i].status, RF_E_BASKET_REFUSED);
            continue;
        }
        compare(&t->verdicts[i], &results[i], &t->asks[i], when);
        if (!t->is_undone && results[i].reservation != 0) {
            m->now.reserved[t->asks[i].place] = results[i];
        }
    }
}

/* Run some jobs as one batch. */
static void run_step(model *m, const char *when)
{
    static task tasks[JOBS_MAX];
    size_t count = 1 + next_random(m, JOBS_MAX);
    for (size_t i = 0; i < count; i++) {
        prepare(m, &tasks[i]);
        if (i > 0) {
            tasks[i - 1].job->next = tasks[i].job;
        }
    }
    engine_run_job(m->rig, tasks[0].job);
    for (size_t i = 0; i < count; i++) {
        compare_task(m, &tasks[i], when);
    }
}

/* ---- What must hold ---- */

/* At every level that is checked, and all of whose coordinates are given, no
 * more is promised than there is. */
static void expect_nothing_oversold(const model *m, const char *when)
{
    for (unsigned place = 0; place < PLACES; place++) {
        unsigned level = given_of(place);
        if ((is_prefix(m, level) || is_held_at(m, level)) &&
            available_at(m, place, level) < 0) {
            char text[TEXT_MAX];
            fail_msg("%s: %s is oversold", when, place_text(place, 0, text));
        }
    }
}

typedef struct reading {
    const model *m;
    unsigned place;
    size_t count;
} reading;

static unsigned group_digit(const rf_place *place, unsigned group)
{
    rf_text value = place->value[RF_DIMENSION_COUNT + group];
    return value.length == 0 ? 0 : (unsigned)(value.bytes[0] - 'p');
}

static rf_status check_record(void *context, const rf_allocation *allocation,
                              rf_error *err)
{
    reading *read = context;
    unsigned groups = group_digit(allocation->place, 0) * 9 +
                      group_digit(allocation->place, 1) * 3 +
                      group_digit(allocation->place, 2);
    const record *own = &read->m->now.records[read->place][groups];
    read->count++;
    return own->exists && own->allocated == allocation->allocated &&
                   own->given == allocation->cumulative_allocated &&
                   own->consumed == allocation->consumed
               ? RF_OK
               : rf_fail(err, RF_E_INTERNAL, "a record is wrong");
}

static void expect_records(const model *m)
{
    for (unsigned p = 0; p < PLACES; p++) {
        char text[TEXT_MAX];
        rf_place place = engine_place(m->rig, place_text(p, 0, text));
        rf_allocation_query query = {rf_text_of(RIG_ORGANIZATION),
                                     rf_text_of("P"), &place, false};
        reading read = {m, p, 0};
        rf_allocation_listing listing = {.generation =
                                             engine_generation(m->rig),
                                         .limit = 3,
                                         .visit = check_record,
                                         .context = &read};
        bool end = false;
        while (!end) {
            assert_int_equal(rf_allocations_read(m->rig->disk->store, &listing,
                                                 &query, &end, NULL),
                             RF_OK);
        }
        size_t expected = 0;
        for (unsigned g = 0; g < GROUPS; g++) {
            expected += m->now.records[p][g].exists ? 1 : 0;
        }
        assert_int_equal(read.count, expected);
    }
}

/* Half-way a group is added; what was allocated before stays what it is. */
static void add_group(model *m)
{
    m->rig->draft->draft.groups =
        draft_names(m->rig->draft, "channel, Region, kind", "groups");
    engine_configure(m->rig);
    m->group_count = 3;
}

static void run_history(void **state, unsigned history)
{
    static model m;
    m = (model){.rig = *state,
                .seed = 1000 + history,
                .strict = history % 5 != 4,
                .by_product = history % 3 == 2,
                .is_tame = history % 2 == 0,
                .group_count = 2};
    print_message("seed %u\n", 1000 + history);
    m.rig->draft->draft.strict = m.strict;
    m.rig->draft->draft.by_product = m.by_product;
    engine_configure(m.rig);
    for (unsigned step = 0; step < STEPS; step++) {
        char when[64];
        snprintf(when, sizeof when, "seed %u, step %u", 1000 + history, step);
        run_step(&m, when);
        if (m.is_tame && m.strict) {
            expect_nothing_oversold(&m, when);
        }
        if (step == STEPS / 2) {
            add_group(&m);
        }
    }
    expect_records(&m);
    print_message("  %u done, %u refused\n", m.judged[0], m.judged[1]);
    assert_true(m.judged[0] > 100 && m.judged[1] > 50);
}

static void test_random_histories(void **state)
{
    for (unsigned history = 0; history < HISTORIES; history++) {
        if (history > 0) {
            assert_int_equal(engine_tear_down(state), 0);
            engine_set_up_pool(state);
        }
        run_history(state, history);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_random_histories,
                                        engine_set_up_pool, engine_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
