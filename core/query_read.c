/*
 * query_read.c - reading the nodes of one product that pass the filters.
 *
 * Coordinates that lead the level and are filtered are sought: for every
 * combination of their values the keys with that prefix are read. When that
 * covers the whole level a combination is one key, and nothing is scanned.
 *
 * Where a key's tail is hashed, the coordinates behind site and location are
 * not in it; such keys stand behind all others of their place and are looked
 * at separately.
 */
#include "core/query_internal.h"

#include <string.h>

/* What a key has in place of coordinates that are hashed (key.c). */
#define HASHED_MARK 0xFF

static void plan_reading(rf_query_run *run)
{
    run->sought = 0;
    run->combinations = 1;
    for (rf_level rest = run->level.level; rest != 0; rest &= rest - 1) {
        rf_level bit = rest & -rest;
        if ((run->filtered & bit) == 0) {
            return;
        }
        size_t values =
            rf_query__filter(run, (unsigned)__builtin_ctzll(rest))->count;
        if (values > RF_QUERY_COMBINATIONS_MAX / run->combinations) {
            return;
        }
        run->combinations *= values;
        run->sought |= bit;
    }
}

void rf_query__turn(rf_query_run *run, bool to_schedule)
{
    run->reading = (rf_reading){.combination = 0};
    run->in_schedule = to_schedule;
    run->level = to_schedule ? run->schedule_level : run->stock_level;
    plan_reading(run);
}

/* Note the values of one combination; the last coordinate turns fastest. */
static void pick(rf_query_run *run, size_t combination)
{
    size_t rest_combinations = run->combinations;
    for (rf_level rest = run->sought; rest != 0; rest &= rest - 1) {
        unsigned coordinate = (unsigned)__builtin_ctzll(rest);
        const rf_filter *filter = rf_query__filter(run, coordinate);
        rest_combinations /= filter->count;
        rf_text value =
            filter->values[combination / rest_combinations % filter->count];
        run->picked.value[coordinate] = value;
        if (value.length > 0) {
            run->picked.given |= RF_BIT(coordinate);
        } else {
            run->picked.given &= ~RF_BIT(coordinate);
        }
    }
}

static void start_key(const rf_query_run *run, rf_key *key)
{
    rf_key_product(key, run->generation->environment,
                   run->query.organizations[run->organization],
                   run->at_product);
}

/* A single key that is a row by itself needs no adding up. */
static rf_status tell_node(rf_query_run *run, rf_query_slicing *slicing,
                           rf_error *err)
{
    rf_level group_by = run->query.group_by;
    rf_place place;
    const rf_place *at = &run->picked;
    if (group_by != run->level.level) {
        place = (rf_place){.given = run->picked.given & group_by};
        for (rf_level rest = place.given; rest != 0; rest &= rest - 1) {
            unsigned coordinate = (unsigned)__builtin_ctzll(rest);
            place.value[coordinate] = run->picked.value[coordinate];
        }
        at = &place;
    }
    rf_row row = {.organization = run->query.organizations[run->organization],
                  .product = run->at_product,
                  .place = at,
                  .measures = &run->node.measures};
    return slicing->visit(slicing->context, &row, err);
}

static rf_status read_point(rf_query_run *run, rf_query_slicing *slicing,
                            rf_error *err)
{
    rf_key key;
    pick(run, run->reading.combination);
    start_key(run, &key);
    rf_key_node(&key, run->level.number, run->level.level, &run->picked);
    rf_store_item item = {RF_TABLE_STOCK, rf_key_bytes(&key), {NULL, 0}};
    rf_slice_spend(&slicing->slice);
    rf_status status =
        slicing->store->operations->load(slicing->transaction, &item, 1, err);
    if (status != RF_OK || item.value.bytes == NULL) {
        return status;
    }
    status = rf_node_decode(item.value, &run->node, err);
    if (status != RF_OK) {
        return status;
    }
    return run->combinations == 1 && !run->query.scheduled
               ? tell_node(run, slicing, err)
               : rf_groups_add(&run->groups, run->query.group_by, &run->picked,
                               &run->node.measures, err);
}

/* Write the prefix of the range under way; false: there is no such range. */
static bool make_prefix(const rf_query_run *run, rf_key *key)
{
    start_key(run, key);
    rf_key_level(key, run->level.number);
    for (rf_level rest = run->sought; rest != 0; rest &= rest - 1) {
        unsigned coordinate = (unsigned)__builtin_ctzll(rest);
        rf_text value = run->picked.value[coordinate];
        if (coordinate > RF_LOCATION && run->reading.in_hashed) {
            break;
        }
        if (key->length + 2 + value.length > RF_STORE_KEY_MAX) {
            return false; /* every such key is hashed */
        }
        rf_key_coordinate(key, coordinate, value);
    }
    if (run->reading.in_hashed) {
        key->bytes[key->length++] = HASHED_MARK;
    }
    return true;
}

typedef struct scanning {
    rf_query_run *run;
    rf_query_slicing *slicing;
    size_t head; /* bytes of a key before its coordinates */
    rf_status status;
    rf_error *err;
} scanning;

/* Days sort as their texts do. */
static bool is_in_window(const rf_query_run *run, rf_text day)
{
    return rf_text_compare(day, rf_text_of(run->first_day)) >= 0 &&
           rf_text_compare(day, rf_text_of(run->last_day)) <= 0;
}

static bool passes(const rf_query_run *run, const rf_place *place)
{
    if (run->in_schedule && !is_in_window(run, place->value[RF_DAY])) {
        return false;
    }
    for (rf_level rest = run->filtered; rest != 0; rest &= rest - 1) {
        unsigned coordinate = (unsigned)__builtin_ctzll(rest);
        rf_text value = place->value[coordinate];
        bool is_sought = (run->sought & RF_BIT(coordinate)) != 0;
        if (is_sought
                ? !rf_text_equal(value, run->picked.value[coordinate])
                : !rf_query__allows(rf_query__filter(run, coordinate), value)) {
            return false;
        }
    }
    return true;
}

/* Say whether hashed keys have a range of their own, which is not this one. */
static bool is_of_hashed_range(const rf_query_run *run)
{
    return (run->sought & ~RF_LEVEL_PLACE) != 0 && !run->reading.in_hashed;
}

static rf_status take_node(scanning *scan, rf_bytes key, rf_bytes value)
{
    rf_query_run *run = scan->run;
    rf_place place;
    bool hashed;
    rf_bytes coordinates = {key.bytes + scan->head, key.length - scan->head};
    rf_status status =
        rf_coordinates_read(coordinates, &place, &hashed, scan->err);
    bool is_elsewhere = hashed ? is_of_hashed_range(run) : !passes(run, &place);
    if (status == RF_OK && is_elsewhere) {
        return RF_OK;
    }
    if (status == RF_OK) {
        status = rf_node_decode(value, &run->node, scan->err);
    }
    if (status == RF_OK && hashed) {
        status = rf_coordinates_read(run->node.coordinates, &place, &hashed,
                                     scan->err);
        if (status == RF_OK && !passes(run, &place)) {
            return RF_OK;
        }
    }
    return status == RF_OK
               ? rf_groups_add(&run->groups, run->query.group_by, &place,
                               &run->node.measures, scan->err)
               : status;
}

static bool visit_node(void *context, rf_bytes key, rf_bytes value)
{
    scanning *scan = context;
    scan->status = take_node(scan, key, value);
    if (scan->status != RF_OK) {
        return false;
    }
    if (!rf_slice_spend(&scan->slicing->slice)) {
        rf_slice_behind(&scan->run->reading.next, key);
        return false;
    }
    return true;
}

/* Read on in the range under way. */
static rf_status read_range(rf_query_run *run, rf_query_slicing *slicing,
                            bool *end, rf_error *err)
{
    rf_key prefix;
    *end = true;
    pick(run, run->reading.combination);
    if (!make_prefix(run, &prefix)) {
        return RF_OK;
    }
    rf_key head;
    start_key(run, &head);
    rf_key_level(&head, run->level.number);
    rf_key next = run->reading.next;
    run->reading.next.length = 0;
    scanning scan = {
        .run = run, .slicing = slicing, .head = head.length, .err = err};
    rf_slice_spend(&slicing->slice); /* seeking costs as much as a key */
    rf_slice_range range = {&prefix, &next};
    rf_status status = rf_slice_scan(slicing->store, slicing->transaction,
                                     &range, visit_node, &scan, err);
    *end = run->reading.next.length == 0;
    return status != RF_OK ? status : scan.status;
}

/* Go on to the next range: the hashed keys of the same combination, where a
 * coordinate is sought that hashing hides, then the next combination. */
static bool next_range(rf_query_run *run)
{
    rf_reading *reading = &run->reading;
    if (!reading->in_hashed && (run->sought & ~RF_LEVEL_PLACE) != 0) {
        reading->in_hashed = true;
        return true;
    }
    reading->in_hashed = false;
    return ++reading->combination < run->combinations;
}

static rf_status read_level(rf_query_run *run, rf_query_slicing *slicing,
                            bool *end, rf_error *err)
{
    bool are_points = run->sought == run->level.level;
    *end = false;
    while (!*end && !slicing->slice.is_over) {
        rf_status status;
        if (are_points) {
            status = read_point(run, slicing, err);
            *end = ++run->reading.combination == run->combinations;
        } else {
            bool range_end;
            status = read_range(run, slicing, &range_end, err);
            *end = range_end && !next_range(run);
        }
        if (status != RF_OK) {
            return status;
        }
    }
    return RF_OK;
}

rf_status rf_query__read(rf_query_run *run, rf_query_slicing *slicing,
                         bool *end, rf_error *err)
{
    bool level_end;
    rf_status status = read_level(run, slicing, &level_end, err);
    bool turns = level_end && run->query.scheduled && !run->in_schedule;
    if (turns) {
        rf_query__turn(run, true);
    }
    *end = level_end && !turns;
    return status;
}
