/*
 * test_id_memory.c - the memory of ids against a model that keeps a list.
 *
 * Hashes are drawn so that many are equal, and so that many pairs want the
 * last slots of the table and go round its end. RINGFENCE_SEED varies a run.
 */
#include "core/alloc.h"
#include "core/id_memory.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define STEPS 60000
#define MODEL_MAX 4000

typedef struct pair {
    uint64_t hash;
    uint64_t number;
} pair;

typedef struct model {
    pair pairs[MODEL_MAX];
    size_t count;
} model;

static uint64_t random_state;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static int set_up(void **state)
{
    rf_id_memory *memory = NULL;
    const char *seed = getenv("RINGFENCE_SEED");
    random_state = seed == NULL ? 88172645463325252U : strtoull(seed, NULL, 10);
    if (random_state == 0 || rf_id_memory_create(&memory, NULL) != RF_OK) {
        return -1;
    }
    *state = memory;
    return 0;
}

static int tear_down(void **state)
{
    rf_id_memory_free(*state);
    return 0;
}

static uint64_t random_hash(void)
{
    switch (random_next() % 4) {
    case 0:
        return UINT64_MAX - random_next() % 30; /* the last slots */
    case 1:
        return random_next() % 100 * (UINT64_MAX / 100);
    default:
        return random_next();
    }
}

static void insert(rf_id_memory *memory, uint64_t hash, uint64_t number)
{
    assert_int_equal(rf_id_memory_insert(memory, hash, number, NULL), RF_OK);
}

/* Count how often a pair is found. */
static size_t count_found(const rf_id_memory *memory, uint64_t hash,
                          uint64_t number)
{
    size_t count = 0;
    uint64_t found;
    rf_id_cursor cursor = {0};
    while (rf_id_memory_find(memory, hash, &cursor, &found)) {
        count += found == number;
    }
    return count;
}

/* Check one hash: the memory finds the model's numbers and no others. */
static void assert_same(const rf_id_memory *memory, const model *expected,
                        uint64_t hash)
{
    size_t found = 0;
    size_t wanted = 0;
    uint64_t number;
    rf_id_cursor cursor = {0};
    while (rf_id_memory_find(memory, hash, &cursor, &number)) {
        found++;
    }
    for (size_t i = 0; i < expected->count; i++) {
        if (expected->pairs[i].hash == hash) {
            wanted++;
            assert_int_equal(
                count_found(memory, hash, expected->pairs[i].number), 1);
        }
    }
    assert_int_equal(found, wanted);
}

static void remove_from_both(rf_id_memory *memory, model *expected,
                             size_t index)
{
    pair gone = expected->pairs[index];
    assert_true(rf_id_memory_remove(memory, gone.hash, gone.number));
    expected->pairs[index] = expected->pairs[--expected->count];
    assert_false(rf_id_memory_remove(memory, gone.hash, gone.number));
}

static void test_it_finds_what_a_list_would(void **state)
{
    rf_id_memory *memory = *state;
    static model expected;
    expected.count = 0;
    for (uint64_t step = 1; step <= STEPS; step++) {
        /* Grow for a while, then shrink for a while. */
        bool is_growing = step / 5000 % 2 == 0;
        if (expected.count < MODEL_MAX &&
            random_next() % 4 < (is_growing ? 3 : 1)) {
            pair new_pair = {random_hash(), step};
            insert(memory, new_pair.hash, new_pair.number);
            expected.pairs[expected.count++] = new_pair;
        } else if (expected.count > 0) {
            remove_from_both(memory, &expected, random_next() % expected.count);
        }
        assert_int_equal(rf_id_memory_count(memory), expected.count);
        assert_same(memory, &expected, random_hash());
    }
    for (size_t i = 0; i < expected.count; i++) {
        assert_same(memory, &expected, expected.pairs[i].hash);
    }
    while (expected.count > 0) {
        remove_from_both(memory, &expected, expected.count - 1);
    }
    assert_int_equal(rf_id_memory_count(memory), 0);
}

static void test_an_empty_memory_finds_nothing(void **state)
{
    rf_id_memory *memory = *state;
    assert_int_equal(count_found(memory, 1, 1), 0);
    assert_false(rf_id_memory_remove(memory, 1, 1));
    assert_int_equal(rf_id_memory_count(memory), 0);
}

static void test_equal_pairs_are_kept_and_forgotten_one_by_one(void **state)
{
    rf_id_memory *memory = *state;
    insert(memory, 7, 1);
    insert(memory, 7, 1);
    insert(memory, 7, 2);
    assert_int_equal(count_found(memory, 7, 1), 2);
    assert_true(rf_id_memory_remove(memory, 7, 1));
    assert_int_equal(count_found(memory, 7, 1), 1);
    assert_int_equal(count_found(memory, 7, 2), 1);
    assert_false(rf_id_memory_remove(memory, 7, 3));
}

static void test_reserving_keeps_what_is_there(void **state)
{
    rf_id_memory *memory = *state;
    for (uint64_t number = 1; number <= 1000; number++) {
        insert(memory, number * UINT64_C(0x9E3779B97F4A7C15), number);
    }
    assert_int_equal(rf_id_memory_reserve(memory, 30000, NULL), RF_OK);
    size_t bytes = rf_id_memory_bytes(memory);
    assert_true(bytes < 30000 * 16 * 4 / 3 + 1024);
    for (uint64_t number = 1001; number <= 30000; number++) {
        insert(memory, number * UINT64_C(0x9E3779B97F4A7C15), number);
    }
    assert_int_equal(rf_id_memory_bytes(memory), bytes);
    for (uint64_t number = 1; number <= 30000; number++) {
        assert_int_equal(
            count_found(memory, number * UINT64_C(0x9E3779B97F4A7C15), number),
            1);
    }
    assert_int_equal(rf_id_memory_reserve(memory, 10, NULL), RF_OK);
    assert_int_equal(rf_id_memory_reserve(memory, SIZE_MAX, NULL),
                     RF_E_NO_MEMORY);
    assert_int_equal(rf_id_memory_count(memory), 30000);
}

static void test_every_failed_allocation_is_survived(void **state)
{
    (void)state;
    rf_id_memory *memory = NULL;
    rf_alloc_fail_at(1);
    assert_int_equal(rf_id_memory_create(&memory, NULL), RF_E_NO_MEMORY);
    assert_null(memory);
    assert_int_equal(rf_id_memory_create(&memory, NULL), RF_OK);
    size_t failed = 0;
    for (uint64_t number = 1; number <= 5000; number++) {
        uint64_t hash = random_next();
        rf_alloc_fail_at(1);
        rf_status status = rf_id_memory_insert(memory, hash, number, NULL);
        rf_alloc_fail_at(0);
        if (status != RF_OK) {
            assert_int_equal(status, RF_E_NO_MEMORY);
            assert_int_equal(count_found(memory, hash, number), 0);
            failed++;
            insert(memory, hash, number);
        }
        assert_int_equal(count_found(memory, hash, number), 1);
        assert_int_equal(rf_id_memory_count(memory), number);
    }
    assert_true(failed > 5);
    rf_alloc_fail_at(1);
    assert_int_equal(rf_id_memory_reserve(memory, 100000, NULL),
                     RF_E_NO_MEMORY);
    assert_int_equal(rf_id_memory_count(memory), 5000);
    rf_id_memory_free(memory);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_it_finds_what_a_list_would),
        CASE(test_an_empty_memory_finds_nothing),
        CASE(test_equal_pairs_are_kept_and_forgotten_one_by_one),
        CASE(test_reserving_keeps_what_is_there),
        CASE(test_every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
