/*
 * test_engine_set_random.c - random histories of counts and change events, in
 * batches, baskets and dry runs, judged by a model of rows, measures and times.
 *
 * The random numbers are always the same, so a failure comes back; the last
 * history that is told is the one.
 */
#include "core/record.h"
#include "tests/unit/holds_fixture.h"
#include "tests/unit/set_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define HISTORIES 20
#define STEPS 80
#define ROWS 9 /* three locations by three colours, none among them */
#define MEASURES 3
#define JOBS_MAX 3 /* of one step */
#define LINES_MAX 4
#define TIMES 6 /* so few that many are equal */

static const char *const measures[MEASURES] = {"fno.availphysical",
                                               "pos.inbound", "pos.outbound"};

typedef struct cell {
    bool exists;
    bool was_set;
    rf_quantity quantity;
    int64_t set_ms;
} cell;

typedef struct books {
    cell cells[ROWS][MEASURES];
} books;

/* What is asked for, and what should come of it. */
typedef struct ask {
    bool is_set;
    bool is_refused; /* a reservation of what cannot be there */
    unsigned row;
    int seconds;
    bool named[MEASURES];
    int values[MEASURES];
    bool is_stale;
} ask;

typedef struct model {
    engine_rig *rig;
    uint64_t seed;
    books now;
    unsigned stale;   /* counts that were too late */
    unsigned refused; /* baskets that were undone */
    unsigned erased;
} model;

static const char *row_place(unsigned row, char text[64])
{
    static const char *const locations[] = {"", ", locationid=W",
                                            ", locationid=X"};
    static const char *const colours[] = {"", ", ColorId=red",
                                          ", ColorId=blue"};
    snprintf(text, 64, "siteid=1%s%s", locations[row / 3], colours[row % 3]);
    return text;
}

static ask choose(model *m)
{
    ask a = {.row = holds_pick(&m->seed, ROWS)};
    a.is_refused = holds_pick(&m->seed, 16) == 0;
    a.is_set = holds_pick(&m->seed, 3) > 0;
    a.seconds = (int)holds_pick(&m->seed, TIMES); /* 0 is now */
    a.named[holds_pick(&m->seed, MEASURES)] = true;
    for (size_t i = 0; i < MEASURES; i++) {
        a.named[i] = a.named[i] || holds_pick(&m->seed, 3) == 0;
        a.values[i] = (int)holds_pick(&m->seed, 41) - 20;
    }
    return a;
}

static rf_command command_of(model *m, const ask *a)
{
    char place[64];
    char values[256] = "";
    size_t length = 0;
    for (size_t i = 0; i < MEASURES; i++) {
        if (a->named[i]) {
            length += (size_t)snprintf(values + length, sizeof values - length,
                                       "%s=%d,", measures[i], a->values[i]);
        }
    }
    row_place(a->row, place);
    if (a->is_refused) {
        return engine_reserve(m->rig, "SHIRT", "siteid=1, locationid=W", 1e9,
                              true);
    }
    return a->is_set ? set_command(m->rig, place, values, a->seconds)
                     : engine_post(m->rig, "SHIRT", place, values);
}

/* ---- The model ---- */

static void judge_set(const model *m, books *after, ask *a)
{
    int64_t at_ms = a->seconds == 0 ? m->rig->now_ms
                                    : SET_EPOCH + (int64_t)a->seconds * 1000;
    a->is_stale = true;
    for (size_t i = 0; i < MEASURES; i++) {
        cell *c = &after->cells[a->row][i];
        if (!a->named[i] || (c->was_set && c->set_ms > at_ms)) {
            continue;
        }
        *c = (cell){true, true, engine_units(a->values[i]), at_ms};
        a->is_stale = false;
    }
}

static void judge_post(books *after, const ask *a)
{
    for (size_t i = 0; i < MEASURES; i++) {
        cell *c = &after->cells[a->row][i];
        if (a->named[i]) {
            c->exists = true;
            c->quantity += engine_units(a->values[i]);
        }
    }
}

/* Judge the lines of a job; return how many there are to carry out. */
static size_t judge(model *m, const rf_job *job, ask *asks)
{
    books after = m->now;
    size_t line = 0;
    while (line < job->count) {
        ask *a = &asks[line];
        if (a->is_refused && job->atomic) {
            m->refused++;
            return line;
        }
        if (a->is_set && !a->is_refused) {
            judge_set(m, &after, a);
        } else if (!a->is_refused) {
            judge_post(&after, a);
        }
        line++;
    }
    if (!job->dry_run) {
        m->now = after;
    }
    return line;
}

static void check_job(model *m, const rf_job *job, const ask *asks,
                      size_t carried)
{
    for (size_t i = 0; i < job->count; i++) {
        const rf_result *result = &job->results[i];
        bool undone = carried < job->count;
        if (undone || asks[i].is_refused) {
            assert_int_equal(result->status, undone && i != carried
                                                 ? RF_E_BASKET_REFUSED
                                                 : RF_E_INSUFFICIENT_AVAILABLE);
            continue;
        }
        assert_int_equal(result->status, RF_OK);
        assert_int_equal(result->stale, asks[i].is_set && asks[i].is_stale);
        m->stale += result->stale ? 1 : 0;
    }
    for (size_t i = 0; job->dry_run && i < job->count; i++) {
        rf_result_done(&job->results[i]);
    }
}

/* ---- Steps ---- */

static void run_batch(model *m)
{
    rf_job *jobs[JOBS_MAX] = {NULL};
    ask asks[JOBS_MAX][LINES_MAX] = {0};
    size_t carried[JOBS_MAX] = {0};
    size_t count = 1 + holds_pick(&m->seed, JOBS_MAX);
    for (size_t j = 0; j < count; j++) {
        rf_command lines[LINES_MAX];
        size_t line_count = 1 + holds_pick(&m->seed, LINES_MAX);
        for (size_t i = 0; i < line_count; i++) {
            asks[j][i] = choose(m);
            lines[i] = command_of(m, &asks[j][i]);
        }
        jobs[j] = engine_job(m->rig, lines, line_count);
        jobs[j]->atomic = holds_pick(&m->seed, 2) == 0;
        jobs[j]->dry_run = holds_pick(&m->seed, 6) == 0;
        if (j > 0) {
            jobs[j - 1]->next = jobs[j];
        }
        carried[j] = judge(m, jobs[j], asks[j]);
    }
    engine_run_job(m->rig, jobs[0]);
    for (size_t j = 0; j < count; j++) {
        check_job(m, jobs[j], asks[j], carried[j]);
    }
}

static void erase(model *m)
{
    assert_int_equal(engine_erase(m->rig, RIG_ORGANIZATION "~1~W"), RF_OK);
    memset(m->now.cells[3], 0, 3 * sizeof m->now.cells[3]);
    m->erased++;
}

static size_t count_set_rows(const model *m)
{
    size_t count = 0;
    for (size_t row = 0; row < ROWS; row++) {
        bool any = false;
        for (size_t i = 0; i < MEASURES; i++) {
            any = any || m->now.cells[row][i].was_set;
        }
        count += any ? 1 : 0;
    }
    return count;
}

static void check_books(const model *m)
{
    for (unsigned row = 0; row < ROWS; row++) {
        for (size_t i = 0; i < MEASURES; i++) {
            const cell *c = &m->now.cells[row][i];
            char place[64];
            rf_quantity found = 0;
            bool has =
                set_row(m->rig, row_place(row, place), measures[i], &found);
            assert_int_equal(has, c->exists);
            assert_true(found == c->quantity);
        }
    }
    assert_int_equal(set_count_records(m->rig), count_set_rows(m));
}

static void step(model *m)
{
    switch (holds_pick(&m->seed, 24)) {
    case 0:
        engine_restart(m->rig);
        break;
    case 1:
        erase(m);
        break;
    case 2:
        m->rig->now_ms += 1000;
        break;
    default:
        run_batch(m);
        break;
    }
    check_books(m);
}

static void run_history(model *m, unsigned history)
{
    void *state = NULL;
    engine_set_up_shop(&state);
    m->rig = state;
    m->seed = history + 1;
    m->now = (books){0};
    /* "Now" lies among the other times, so that it is not always the last. */
    m->rig->now_ms = SET_EPOCH + 3000;
    print_message("history %u\n", history);
    for (unsigned i = 0; i < STEPS; i++) {
        step(m);
    }
    assert_int_equal(engine_tear_down(&state), 0);
}

static void test_random_histories(void **state)
{
    model m = {0};
    (void)state;
    for (unsigned history = 0; history < HISTORIES; history++) {
        run_history(&m, history);
    }
    /* They have seen what they are for. */
    assert_true(m.stale > 100 && m.refused > 20 && m.erased > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_histories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
