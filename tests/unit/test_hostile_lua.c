/*
 * test_hostile_lua.c - the scripts of tests/hostile/lua, each loaded and called
 * four times.
 *
 * What comes of a script is written down as a transcript: one line for its
 * load and one for each call. A transcript must be what the script's first line
 * allows, and the same in a second state, on a small stack and in another
 * process. Then memory is made to fail everywhere in turn.
 */
#include "core/alloc.h"
#include "tests/unit/sandbox_rig.h"
#include "tests/unit/unit.h"

#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SCRIPTS_MAX 128
#define CALLS 4
#define STEP_MAX_NS 100000000
#define SECONDS_MAX 100
#define STACK_BYTES ((size_t)512 * 1024)

/* How far the failing allocation goes into a script, and how many sizes of
 * memory are tried. */
#define SWEEP_ALLOCATIONS_MAX 400
#define SWEEP_SIZES 128

/* What a script came to, as the words of its first line. */
typedef struct transcript {
    char steps[1 + CALLS][64]; /* "" where there was no call */
} transcript;

/* The longest step so far, and whose it was. */
typedef struct slowest {
    int64_t ns;
    char script[64];
} slowest;

static glob_t scripts;
static _Thread_local slowest slowest_step;

static const double usual[] = {250, 100, 40, 15, 30, 5};
static const double others[] = {7, 0, 9, 1, 2, 3};

/* A script that uses what the hostile ones would like to change. */
static const char control_source[] =
    "local weights = { 1, 2, 3 }\n"
    "return function(m, ctx)\n"
    "  local sum = 0\n"
    "  for i, w in ipairs(weights) do sum = sum + i * w end\n"
    "  sum = sum + math.max(m.fno.onhand, 7) + string.len(tostring(sum))\n"
    "  if type(sum) == 'number' and ctx.sku == 'SKU-1' then sum = sum + 1000 "
    "end\n"
    "  return sum\n"
    "end\n";
#define CONTROL_RESULT 1266

/* The time of the thread alone: the machine may be busy with something else. A
 * hang is ended by the alarm. */
static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- One script ---- */

static const char *load_word(rf_script_outcome outcome)
{
    bool is_limit =
        outcome == RF_SCRIPT_LIMIT_CPU || outcome == RF_SCRIPT_LIMIT_MEMORY;
    return is_limit ? "limit" : rf_script_outcome_word(outcome);
}

static const char *call_word(rf_script_outcome outcome)
{
    return outcome == RF_SCRIPT_LIMIT_MEMORY ? "limit-mem"
                                             : rf_script_outcome_word(outcome);
}

/* A failure must be fit for a log: printable, and without addresses. */
static void check_failure(const rf_script_failure *failure)
{
    assert_true(failure->message[0] != '\0');
    for (const char *at = failure->message; *at != '\0'; at++) {
        assert_in_range(*at, ' ', '~');
    }
    assert_null(strstr(failure->message, "0x"));
    assert_null(strchr(failure->file, '/'));
}

static void note_time(const char *script, int64_t start_ns)
{
    int64_t ns = now_ns() - start_ns;
    if (ns > slowest_step.ns) {
        slowest_step.ns = ns;
        snprintf(slowest_step.script, sizeof slowest_step.script, "%s", script);
    }
    if (ns >= STEP_MAX_NS) {
        fail_msg("a step took %.1f ms", (double)ns / 1e6);
    }
}

static void call_once(sandbox_rig *rig, rf_function function,
                      const char *script, char step[64])
{
    rf_script_failure failure;
    rf_quantity result = 0;
    int64_t start_ns = now_ns();
    rf_script_outcome outcome =
        sandbox_rig_call(rig, function, &result, &failure);
    note_time(script, start_ns);
    if (outcome == RF_SCRIPT_OK) {
        char text[RF_QUANTITY_TEXT_MAX];
        rf_quantity_print(result, text);
        snprintf(step, 64, "harmless=%s", text);
        return;
    }
    check_failure(&failure);
    snprintf(step, 64, "run-stop(%s)", call_word(outcome));
}

/* Load a script and call it with the usual values twice, with others, and with
 * the usual ones again. */
static void run_script(sandbox_rig *rig, const char *script, rf_text source,
                       transcript *out)
{
    memset(out, 0, sizeof *out);
    rf_script_failure failure;
    rf_function function;
    int64_t start_ns = now_ns();
    rf_script_outcome outcome =
        sandbox_rig_load(rig, source, &function, &failure);
    note_time(script, start_ns);
    if (outcome != RF_SCRIPT_OK) {
        check_failure(&failure);
        snprintf(out->steps[0], sizeof out->steps[0], "load-reject(%s)",
                 load_word(outcome));
        return;
    }
    snprintf(out->steps[0], sizeof out->steps[0], "loaded");
    for (int i = 0; i < CALLS; i++) {
        bool is_other = i == 2;
        sandbox_rig_set(rig, is_other ? others : usual, is_other ? 1 : 3);
        call_once(rig, function, script, out->steps[1 + i]);
    }
}

/* The control must give the same before and after. */
static void call_control(sandbox_rig *rig, rf_function control)
{
    rf_script_failure failure;
    rf_quantity result;
    sandbox_rig_set(rig, usual, 3);
    assert_int_equal(sandbox_rig_call(rig, control, &result, &failure),
                     RF_SCRIPT_OK);
    assert_int_equal(result, CONTROL_RESULT * RF_QUANTITY_SCALE);
}

/* Run a script in a state of its own, beside the control. */
static void write_transcript(const char *path, transcript *out)
{
    sandbox_rig rig;
    assert_int_equal(sandbox_rig_init(&rig, NULL), RF_OK);
    rf_function control;
    rf_script_failure failure;
    assert_int_equal(
        sandbox_rig_load(&rig, rf_text_of(control_source), &control, &failure),
        RF_SCRIPT_OK);
    call_control(&rig, control);
    rf_text source = sandbox_rig_read_file(path);
    run_script(&rig, path, source, out);
    call_control(&rig, control);
    assert_true(rf_sandbox_bytes_peak(rig.sandbox) <=
                rf_sandbox_limits_default().memory_bytes);
    sandbox_rig_done(&rig);
    free((void *)(uintptr_t)source.bytes);
}

static bool is_limit(const char *step)
{
    return strncmp(step, "run-stop(limit", strlen("run-stop(limit")) == 0;
}

/* Which of the limits strikes first may depend on the clock, but nothing else
 * may. */
static void assert_steps_equal(const char *a, const char *b)
{
    if (!is_limit(a) || !is_limit(b)) {
        assert_string_equal(a, b);
    }
}

static void assert_transcripts_equal(const transcript *a, const transcript *b)
{
    for (int i = 0; i < 1 + CALLS; i++) {
        assert_steps_equal(a->steps[i], b->steps[i]);
    }
}

/* ---- What a script's first line allows ---- */

/* Say whether an outcome is one of those behind the last "; expect: ". */
static bool is_expected(rf_text source, const char *outcome)
{
    const char *end = memchr(source.bytes, '\n', source.length);
    assert_non_null(end);
    char *line = strndup(source.bytes, (size_t)(end - source.bytes));
    assert_non_null(line);
    char *list = strstr(line, "; expect: ");
    assert_non_null(list);
    list += strlen("; expect: ");
    bool is_found = false;
    while (list != NULL && !is_found) {
        char *next = strstr(list, " or ");
        size_t length = next != NULL ? (size_t)(next - list) : strlen(list);
        is_found =
            strlen(outcome) == length && strncmp(list, outcome, length) == 0;
        list = next != NULL ? next + strlen(" or ") : NULL;
    }
    free(line);
    return is_found;
}

static void assert_expected(const char *path, const transcript *found)
{
    rf_text source = sandbox_rig_read_file(path);
    bool is_loaded = strcmp(found->steps[0], "loaded") == 0;
    const char *outcome = found->steps[is_loaded ? 1 : 0];
    if (!is_expected(source, outcome)) {
        fail_msg("%s: %s", path, outcome);
    }
    free((void *)(uintptr_t)source.bytes);
}

static void test_script(void **state)
{
    const char *path = *state;
    transcript first;
    transcript second;
    alarm(SECONDS_MAX);
    write_transcript(path, &first);
    assert_expected(path, &first);
    assert_steps_equal(first.steps[1], first.steps[2]);
    assert_steps_equal(first.steps[1], first.steps[4]);
    write_transcript(path, &second);
    assert_transcripts_equal(&first, &second);
    alarm(0);
}

/* ---- Elsewhere ---- */

static void write_all(transcript *out)
{
    for (size_t i = 0; i < scripts.gl_pathc; i++) {
        write_transcript(scripts.gl_pathv[i], &out[i]);
    }
}

static void *run_thread(void *out)
{
    write_all(out);
    return NULL;
}

/* On a small stack, while another thread runs the same. */
static void test_equal_on_a_small_stack(void **state)
{
    (void)state;
    static transcript here[SCRIPTS_MAX];
    static transcript there[SCRIPTS_MAX];
    alarm(SECONDS_MAX);
    pthread_attr_t attributes;
    pthread_t thread;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, STACK_BYTES), 0);
    assert_int_equal(pthread_create(&thread, &attributes, run_thread, there),
                     0);
    write_all(here);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
    for (size_t i = 0; i < scripts.gl_pathc; i++) {
        assert_transcripts_equal(&here[i], &there[i]);
    }
    alarm(0);
}

/* Write a transcript of everything to a pipe, in a process of its own. */
static void run_child(int out)
{
    static transcript all[SCRIPTS_MAX];
    write_all(all);
    const char *at = (const char *)all;
    size_t left = scripts.gl_pathc * sizeof all[0];
    while (left > 0) {
        ssize_t written = write(out, at, left);
        if (written <= 0) {
            _exit(1);
        }
        at += written;
        left -= (size_t)written;
    }
    _exit(0);
}

static void read_transcripts(int in, transcript *out)
{
    char *at = (char *)out;
    size_t left = scripts.gl_pathc * sizeof *out;
    while (left > 0) {
        ssize_t count = read(in, at, left);
        assert_true(count > 0);
        at += count;
        left -= (size_t)count;
    }
}

static void test_equal_in_another_process(void **state)
{
    (void)state;
    static transcript here[SCRIPTS_MAX];
    static transcript there[SCRIPTS_MAX];
    int ends[2];
    alarm(SECONDS_MAX);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        run_child(ends[1]);
    }
    close(ends[1]);
    read_transcripts(ends[0], there);
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    write_all(here);
    for (size_t i = 0; i < scripts.gl_pathc; i++) {
        assert_transcripts_equal(&here[i], &there[i]);
    }
    alarm(0);
}

/* ---- Memory that fails ---- */

/* Load and call once, whatever comes of it. */
static rf_script_outcome try_script(sandbox_rig *rig, rf_text source,
                                    rf_quantity *result)
{
    rf_script_failure failure;
    rf_function function;
    rf_script_outcome outcome =
        sandbox_rig_load(rig, source, &function, &failure);
    if (outcome == RF_SCRIPT_OK) {
        outcome = sandbox_rig_call(rig, function, result, &failure);
    }
    if (outcome != RF_SCRIPT_OK) {
        check_failure(&failure);
    }
    return outcome;
}

/* Let the nth allocation from the load on fail; true while there is one. What
 * a script gives back must not differ for that. */
static bool fail_nth(rf_text source, unsigned long nth, rf_quantity expected,
                     bool is_harmless)
{
    sandbox_rig rig;
    assert_int_equal(sandbox_rig_init(&rig, NULL), RF_OK);
    rf_quantity result = 0;
    unsigned long before = rf_alloc_count();
    rf_alloc_fail_at(nth);
    rf_script_outcome outcome = try_script(&rig, source, &result);
    rf_alloc_fail_at(0);
    bool is_reached = rf_alloc_count() - before >= nth;
    if (outcome == RF_SCRIPT_OK) {
        assert_true(is_harmless);
        assert_int_equal(result, expected);
    }
    sandbox_rig_done(&rig);
    return is_reached;
}

static void test_any_allocation_of_a_script_fails(void **state)
{
    (void)state;
    alarm(SECONDS_MAX);
    unsigned long runs = 0;
    for (size_t i = 0; i < scripts.gl_pathc; i++) {
        rf_text source = sandbox_rig_read_file(scripts.gl_pathv[i]);
        sandbox_rig rig;
        assert_int_equal(sandbox_rig_init(&rig, NULL), RF_OK);
        rf_quantity expected = 0;
        bool is_harmless = try_script(&rig, source, &expected) == RF_SCRIPT_OK;
        sandbox_rig_done(&rig);
        unsigned long nth = 1;
        while (nth <= SWEEP_ALLOCATIONS_MAX &&
               fail_nth(source, nth, expected, is_harmless)) {
            nth++;
        }
        runs += nth;
        free((void *)(uintptr_t)source.bytes);
    }
    print_message("# %lu runs with a failing allocation\n", runs);
    alarm(0);
}

static void test_any_allocation_of_a_state_fails(void **state)
{
    (void)state;
    sandbox_rig rig;
    for (unsigned long nth = 1;; nth++) {
        unsigned long before = rf_alloc_count();
        rf_alloc_fail_at(nth);
        rf_status status = sandbox_rig_init(&rig, NULL);
        rf_alloc_fail_at(0);
        bool is_reached = rf_alloc_count() - before >= nth;
        assert_true(status == RF_OK || status == RF_E_NO_MEMORY);
        assert_int_equal(rig.sandbox == NULL, status != RF_OK);
        sandbox_rig_done(&rig);
        if (!is_reached) {
            assert_int_equal(status, RF_OK);
            assert_true(nth > 50);
            return;
        }
    }
}

/* From some allocation on all of them fail: the state may be no larger. */
static void test_memory_ends_anywhere(void **state)
{
    (void)state;
    alarm(SECONDS_MAX);
    sandbox_rig rig;
    assert_int_equal(sandbox_rig_init(&rig, NULL), RF_OK);
    size_t state_bytes = rf_sandbox_bytes_peak(rig.sandbox);
    sandbox_rig_done(&rig);
    rf_sandbox_limits limits = rf_sandbox_limits_default();
    for (size_t i = 0; i < scripts.gl_pathc; i++) {
        rf_text source = sandbox_rig_read_file(scripts.gl_pathv[i]);
        for (size_t size = 1; size <= SWEEP_SIZES; size++) {
            limits.memory_bytes = size * 2 * state_bytes / SWEEP_SIZES;
            rf_quantity result;
            if (sandbox_rig_init(&rig, &limits) == RF_OK) {
                (void)try_script(&rig, source, &result);
                assert_true(rf_sandbox_bytes_peak(rig.sandbox) <=
                            limits.memory_bytes);
            }
            sandbox_rig_done(&rig);
        }
        free((void *)(uintptr_t)source.bytes);
    }
    alarm(0);
}

/* ---- All of them ---- */

static void test_slowest_step(void **state)
{
    (void)state;
    assert_true(slowest_step.ns > 0);
    print_message("# slowest step: %.2f ms, %s\n",
                  (double)slowest_step.ns / 1e6, slowest_step.script);
    assert_true(slowest_step.ns < STEP_MAX_NS);
}

int main(void)
{
    static const struct CMUnitTest more[] = {
        cmocka_unit_test(test_equal_on_a_small_stack),
        cmocka_unit_test(test_equal_in_another_process),
        cmocka_unit_test(test_slowest_step),
        cmocka_unit_test(test_any_allocation_of_a_state_fails),
        cmocka_unit_test(test_any_allocation_of_a_script_fails),
        cmocka_unit_test(test_memory_ends_anywhere),
    };
    enum {
        MORE = sizeof more / sizeof more[0]
    };
    static struct CMUnitTest tests[SCRIPTS_MAX + MORE];
    RF_ASSERT(glob("tests/hostile/lua/*.lua", 0, NULL, &scripts) == 0);
    RF_ASSERT(scripts.gl_pathc <= SCRIPTS_MAX);
    size_t count = 0;
    for (; count < scripts.gl_pathc; count++) {
        tests[count] = (struct CMUnitTest){
            .name = strrchr(scripts.gl_pathv[count], '/') + 1,
            .test_func = test_script,
            .initial_state = scripts.gl_pathv[count],
        };
    }
    memcpy(&tests[count], more, sizeof more);
    int failures = _cmocka_run_group_tests("hostile scripts", tests,
                                           count + MORE, NULL, NULL);
    globfree(&scripts);
    return failures;
}
