/*
 * verify_stock.c - one product at a time: every total against its leaves.
 *
 * The leaves are added up for every level as the levels would have it; then
 * each node that is stored is taken away again. What does not come to nothing
 * is a difference, whichever side it is on.
 */
#include "core/alloc.h"
#include "core/slice.h"
#include "core/verify_internal.h"

#include <inttypes.h>
#include <string.h>

/* Most rows have a few measures that were ever set. */
#define SET_TIMES_BLOCK_BYTES ((size_t)1024)

typedef struct product_check {
    rf_verifier *verifier;
    rf_verify_subject *subject;
    const rf_level_state *leaf;
    const rf_level_state *pool; /* of the allocation records, or NULL */
    const rf_level_state *schedule;
    rf_key_parts parts; /* of the record at hand */
    rf_node node;
    rf_arena arena;  /* for one record */
    rf_head head;    /* as stored */
    rf_head counted; /* from the reservations and allocations */
    rf_status status;
} product_check;

static void differ(product_check *check, const rf_place *place,
                   const char *what)
{
    rf_verify__differ_at(check->verifier, check->subject, &check->parts, place,
                         "%s", what);
}

static const rf_level_state *find_level(const rf_environment *environment,
                                        uint8_t number)
{
    for (size_t i = 0; i < environment->level_count; i++) {
        if (environment->levels[i].number == number) {
            return &environment->levels[i];
        }
    }
    return NULL;
}

/* Read a node's measures and place, and see that it lies where it should.
 * false: it cannot be used. */
static bool read_node(product_check *check, const rf_level_state *level,
                      rf_bytes key, rf_bytes value, rf_place *place)
{
    rf_error damage = {0};
    bool hashed = false;
    rf_status status = rf_node_decode(value, &check->node, &damage);
    if (status == RF_OK) {
        status = rf_coordinates_read(check->parts.coordinates, place, &hashed,
                                     &damage);
    }
    if (status == RF_OK && hashed) {
        status = rf_coordinates_read(check->node.coordinates, place, &hashed,
                                     &damage);
    }
    if (status == RF_E_NO_MEMORY) {
        check->status = rf_fail(check->verifier->err, status, "out of memory");
        return false;
    }
    if (status != RF_OK) {
        differ(check, NULL, damage.message);
        return false;
    }
    rf_key expected;
    rf_key_product(&expected, check->parts.environment,
                   check->parts.organization, check->parts.product);
    rf_key_node(&expected, level->number, level->level, place);
    if (hashed || (place->given & ~level->level) != 0 ||
        expected.length != key.length ||
        memcmp(expected.bytes, key.bytes, key.length) != 0) {
        differ(check, place, "a node's key does not fit its coordinates");
        return false;
    }
    return true;
}

static void note_overflow(product_check *check, const rf_place *place,
                          rf_status status)
{
    if (status == RF_E_QUANTITY_OVERFLOW) {
        differ(check, place, "a total is too large to be exact");
    } else if (status != RF_OK) {
        check->status = rf_fail(check->verifier->err, status, "out of memory");
    }
}

/* Add a leaf to what every level of its kind should hold. */
static void expect_leaf(product_check *check, const rf_level_state *own,
                        rf_bytes key, const rf_place *place)
{
    const rf_environment *environment = check->subject->environment;
    rf_level_kind kind = rf_level_kind_of(own->level);
    for (size_t i = 0; i < environment->level_count; i++) {
        const rf_level_state *level = &environment->levels[i];
        if (level == own || rf_level_kind_of(level->level) != kind ||
            !rf_level_state_counts(level, key)) {
            continue;
        }
        note_overflow(check, place,
                      rf_groups_add(&check->subject->expected[i], level->level,
                                    place, &check->node.measures, NULL));
    }
}

/* Add what the node at hand has of the measures of allocations to what its leaf
 * should have, or, with `sign` -1, take away what the leaf has. */
static void expect_allocations(product_check *check, const rf_place *place,
                               int sign)
{
    rf_verify_subject *subject = check->subject;
    const rf_measures *measures = &check->node.measures;
    rf_amount amounts[4];
    rf_measures totalled = {amounts, 0, 4};
    for (uint16_t i = 0; subject->has_pool && i < measures->count; i++) {
        rf_amount amount = measures->amounts[i];
        if (!rf_pool_measures_are_totalled(&subject->pool, amount.measure)) {
            continue;
        }
        if (sign < 0 &&
            !rf_quantity_subtract(0, amount.quantity, &amount.quantity)) {
            note_overflow(check, place, RF_E_QUANTITY_OVERFLOW);
            return;
        }
        amounts[totalled.count++] = amount;
    }
    size_t leaf = (size_t)(check->leaf - subject->environment->levels);
    if (totalled.count > 0) {
        note_overflow(check, place,
                      rf_groups_add(&subject->expected[leaf], RF_LEVEL_LEAF,
                                    place, &totalled, NULL));
    }
}

static void tally_node(product_check *check, const rf_level_state *own,
                       const rf_place *place, rf_tally *tally)
{
    rf_buffer *scratch = &check->subject->expected[0].scratch;
    rf_buffer_clear(scratch);
    rf_write_coordinates(scratch, own->level, place);
    if (rf_buffer_failed(scratch)) {
        check->status =
            rf_fail(check->verifier->err, RF_E_NO_MEMORY, "out of memory");
        return;
    }
    rf_bytes coordinates = {(const unsigned char *)scratch->bytes,
                            scratch->length};
    for (uint16_t i = 0; i < check->node.measures.count; i++) {
        const rf_amount *amount = &check->node.measures.amounts[i];
        rf_verify__tally(tally, check->parts.organization, check->parts.product,
                         coordinates, amount->measure, amount->quantity);
    }
}

static bool visit_leaf(void *context, rf_bytes key, rf_bytes value)
{
    product_check *check = context;
    rf_place place;
    if (rf_key_read(key, &check->parts, NULL) != RF_OK) {
        return true; /* told when all records are looked at */
    }
    check->verifier->report->leaves++;
    if (read_node(check, check->leaf, key, value, &place)) {
        expect_leaf(check, check->leaf, key, &place);
        expect_allocations(check, &place, -1);
        tally_node(check, check->leaf, &place, &check->subject->stock);
    }
    return check->status == RF_OK && !check->verifier->is_stopped;
}

/* Say whether the groups are the highest of the published ones. */
static bool has_no_gap(const rf_environment *environment, rf_level given)
{
    rf_level prefix = RF_LEVEL_LEAF;
    size_t count = 0;
    while (count < environment->group_count &&
           (given & RF_BIT(environment->groups[count])) != 0) {
        prefix |= RF_BIT(environment->groups[count++]);
    }
    return count > 0 && (given & ~prefix) == 0;
}

static void check_allocation(product_check *check, const rf_place *place)
{
    const rf_verify_subject *subject = check->subject;
    rf_quantity allocated =
        subject->has_pool
            ? rf_measures_get(&check->node.measures, subject->pool.allocated)
            : 0;
    if (!has_no_gap(subject->environment, place->given)) {
        differ(check, place, "an allocation lacks a group above another");
    }
    if (allocated < 0) {
        differ(check, place, "an allocation is below zero");
    }
    if (allocated > 0 &&
        !rf_head_count(&check->counted, place->given & RF_LEVEL_LEAF, 1)) {
        differ(check, place, "something is held at too many levels");
    }
}

static bool visit_allocation(void *context, rf_bytes key, rf_bytes value)
{
    product_check *check = context;
    rf_place place;
    if (rf_key_read(key, &check->parts, NULL) != RF_OK) {
        return true; /* told when all records are looked at */
    }
    check->verifier->report->allocations++;
    if (read_node(check, check->pool, key, value, &place)) {
        expect_leaf(check, check->pool, key, &place);
        expect_allocations(check, &place, 1);
        tally_node(check, check->pool, &place, &check->subject->allocations);
        check_allocation(check, &place);
    }
    return check->status == RF_OK && !check->verifier->is_stopped;
}

/* What was scheduled for days that are over goes at leisure, level by level. */
static bool is_over(const product_check *check, const rf_place *place)
{
    rf_day day = 0;
    return (place->given & RF_BIT(RF_DAY)) != 0 &&
           rf_day_parse(place->value[RF_DAY], &day) &&
           day < check->subject->environment->scheduled_from;
}

static bool visit_scheduled(void *context, rf_bytes key, rf_bytes value)
{
    product_check *check = context;
    rf_place place;
    rf_day day;
    if (rf_key_read(key, &check->parts, NULL) != RF_OK) {
        return true; /* told when all records are looked at */
    }
    check->verifier->report->scheduled++;
    if (read_node(check, check->schedule, key, value, &place) &&
        !is_over(check, &place)) {
        if (!rf_day_parse(place.value[RF_DAY], &day)) {
            differ(check, &place, "something is scheduled for no day");
        }
        expect_leaf(check, check->schedule, key, &place);
        tally_node(check, check->schedule, &place, &check->subject->stock);
    }
    return check->status == RF_OK && !check->verifier->is_stopped;
}

static void check_place(product_check *check, const rf_place *place)
{
    rf_key key;
    rf_key_place(&key, check->parts.environment, check->parts.organization,
                 place->value[RF_SITE], place->value[RF_LOCATION],
                 check->parts.product);
    rf_store_item item = {RF_TABLE_PLACE, rf_key_bytes(&key), {NULL, 0}};
    rf_status status = check->verifier->store->operations->load(
        check->verifier->transaction, &item, 1, check->verifier->err);
    if (status != RF_OK) {
        check->status = status;
    } else if (item.value.bytes == NULL) {
        differ(check, place, "the index of places lacks this product");
    }
}

/* Take a node away from what its level should hold. */
static void check_node(product_check *check, rf_bytes key, rf_bytes value)
{
    const rf_environment *environment = check->subject->environment;
    const rf_level_state *level =
        find_level(environment, check->parts.level_number);
    rf_place place;
    if (level != NULL && (level == check->leaf || level == check->pool ||
                          level == check->schedule)) {
        return; /* read before */
    }
    check->verifier->report->nodes++;
    if (level == NULL) {
        differ(check, NULL, "a node belongs to a level that does not exist");
        return;
    }
    if (!read_node(check, level, key, value, &place) ||
        level->phase == RF_LEVEL_DROPPING || is_over(check, &place)) {
        return;
    }
    rf_measures *measures = &check->node.measures;
    for (uint16_t i = 0; i < measures->count; i++) {
        if (!rf_quantity_subtract(0, measures->amounts[i].quantity,
                                  &measures->amounts[i].quantity)) {
            note_overflow(check, &place, RF_E_QUANTITY_OVERFLOW);
            return;
        }
    }
    note_overflow(
        check, &place,
        rf_groups_add(&check->subject->expected[level - environment->levels],
                      level->level, &place, measures, NULL));
    if (level->level == RF_LEVEL_PLACE && level->phase == RF_LEVEL_ACTIVE) {
        check_place(check, &place);
    }
}

/* A hold holds something, and its end is noted. */
static void check_hold(product_check *check, const rf_reservation *hold,
                       const rf_place *place)
{
    bool found = false;
    if (hold->expires_ms == 0) {
        return;
    }
    check->verifier->report->holds++;
    if (hold->quantity <= 0) {
        differ(check, place, "a hold is kept that holds nothing");
    }
    check->status =
        rf_verify__find_end(check->verifier, &check->parts, hold->expires_ms,
                            &found, check->verifier->err);
    if (check->status == RF_OK && !found) {
        differ(check, place, "it is not noted when a hold ends");
    }
}

static void check_reservation(product_check *check, rf_bytes value)
{
    rf_reservation reservation;
    rf_place place;
    bool hashed;
    rf_error damage = {0};
    check->verifier->report->reservations++;
    rf_status status = rf_reservation_decode(value, &reservation, &damage);
    if (status == RF_OK) {
        status = rf_coordinates_read(reservation.coordinates, &place, &hashed,
                                     &damage);
    }
    if (status != RF_OK) {
        differ(check, NULL, damage.message);
        return;
    }
    if (hashed || place.given != reservation.level) {
        differ(check, &place,
               "a reservation's level is not that of its "
               "coordinates");
    }
    if (reservation.quantity > 0 &&
        !rf_head_count(&check->counted, reservation.level, 1)) {
        differ(check, &place, "something is held at too many levels");
    }
    check_hold(check, &reservation, &place);
}

/* When a row was set can be read, and is of a row. */
static void check_set_times(product_check *check, rf_bytes value)
{
    rf_set_times times;
    rf_place place;
    bool hashed;
    rf_error damage = {0};
    rf_arena_reset(&check->arena);
    rf_status status =
        rf_set_times_decode(value, &check->arena, &times, &damage);
    if (status == RF_OK) {
        status = rf_coordinates_read(check->parts.coordinates, &place, &hashed,
                                     &damage);
    }
    if (status == RF_E_NO_MEMORY) {
        check->status = rf_fail(check->verifier->err, status, "out of memory");
    } else if (status != RF_OK) {
        differ(check, NULL, damage.message);
    } else if ((place.given & ~RF_LEVEL_LEAF) != 0) {
        differ(check, &place, "something is set that is no row of the stock");
    }
}

static bool visit_record(void *context, rf_bytes key, rf_bytes value)
{
    product_check *check = context;
    rf_error damage = {0};
    if (rf_key_read(key, &check->parts, &damage) != RF_OK) {
        rf_verify__differ(check->verifier, "%s: %s",
                          check->subject->environment->id, damage.message);
    } else if (check->parts.kind == RF_KEY_NODE) {
        check_node(check, key, value);
    } else if (check->parts.kind == RF_KEY_RESERVATION) {
        check_reservation(check, value);
    } else if (check->parts.kind == RF_KEY_SET_TIMES) {
        check_set_times(check, value);
    } else if (rf_head_decode(value, &check->head, &damage) != RF_OK) {
        differ(check, NULL, damage.message);
        check->head.count = 0;
    }
    return check->status == RF_OK && !check->verifier->is_stopped;
}

static uint64_t count_at(const rf_head *head, rf_level level)
{
    uint64_t count = 0;
    for (uint16_t i = 0; i < head->count; i++) {
        if (head->levels[i].level == level) {
            count += head->levels[i].count;
        }
    }
    return count;
}

static bool has_same_counts(const rf_head *one, const rf_head *other)
{
    for (uint16_t i = 0; i < one->count; i++) {
        const rf_level_holds *holds = &one->levels[i];
        if (holds->count == 0 ||
            holds->count != count_at(other, holds->level)) {
            return false;
        }
    }
    return true;
}

/* Tell each total that did not come to nothing; `parts` says what it should be
 * the sum of. */
static void check_group(product_check *check, const rf_group *group,
                        const char *parts)
{
    const rf_registry *registry = check->subject->environment->registry;
    rf_place place;
    bool hashed;
    if (rf_coordinates_read(group->coordinates, &place, &hashed, NULL) !=
        RF_OK) {
        return;
    }
    for (uint16_t i = 0; i < group->measures.count; i++) {
        const rf_amount *amount = &group->measures.amounts[i];
        if (amount->quantity == 0) {
            continue;
        }
        char off[RF_QUANTITY_TEXT_MAX];
        rf_text name = rf_text_of("a measure without a name");
        if (amount->measure < rf_registry_measure_count(registry)) {
            name = rf_registry_measure_name(registry, amount->measure);
        }
        rf_quantity_print(amount->quantity, off);
        bool is_low = amount->quantity > 0;
        rf_verify__differ_at(
            check->verifier, check->subject, &check->parts, &place,
            "the total of %.*s is %s too %s for its %s", (int)name.length,
            name.bytes, is_low ? off : off + 1, is_low ? "low" : "high", parts);
    }
}

static void check_totals(product_check *check)
{
    const rf_environment *environment = check->subject->environment;
    for (size_t i = 0; i < environment->level_count; i++) {
        rf_groups *groups = &check->subject->expected[i];
        const rf_level_state *level = &environment->levels[i];
        bool of_allocations =
            level == check->leaf ||
            rf_level_kind_of(level->level) == RF_LEVEL_OF_ALLOCATIONS;
        for (size_t g = 0; g < groups->count && !check->verifier->is_stopped;
             g++) {
            check_group(check, &groups->items[g],
                        of_allocations ? "allocations" : "leaves");
        }
        rf_groups_clear(groups);
    }
    if (!has_same_counts(&check->head, &check->counted) ||
        !has_same_counts(&check->counted, &check->head)) {
        differ(check, NULL, "the product's head does not count what it holds");
    }
}

/* Visit the nodes of one level. */
static rf_status scan_level(product_check *check, const rf_key *product,
                            const rf_level_state *level, rf_store_visit *visit,
                            rf_error *err)
{
    static const rf_key start = {0};
    if (level == NULL || check->status != RF_OK ||
        check->verifier->is_stopped) {
        return RF_OK;
    }
    rf_key prefix = *product;
    rf_key_level(&prefix, level->number);
    return rf_slice_scan(check->verifier->store, check->verifier->transaction,
                         &(rf_slice_range){&prefix, &start}, visit, check, err);
}

/* `product` is a key of the product without its kind. */
static rf_status verify_product(rf_verifier *verifier,
                                rf_verify_subject *subject,
                                const rf_key *product, rf_error *err)
{
    static const rf_key start = {0};
    product_check *check = rf_calloc(1, sizeof *check);
    if (check == NULL) {
        return rf_fail(err, RF_E_NO_MEMORY, "out of memory");
    }
    rf_arena_init(&check->arena, SET_TIMES_BLOCK_BYTES, 0);
    check->verifier = verifier;
    check->subject = subject;
    check->leaf =
        rf_environment_active_level(subject->environment, RF_LEVEL_LEAF);
    check->pool = rf_environment_pool_level(subject->environment);
    check->schedule =
        rf_environment_leaf_level(subject->environment, RF_LEVEL_OF_SCHEDULES);
    rf_status status = scan_level(check, product, check->leaf, visit_leaf, err);
    if (status == RF_OK) {
        status = scan_level(check, product, check->pool, visit_allocation, err);
    }
    if (status == RF_OK) {
        status =
            scan_level(check, product, check->schedule, visit_scheduled, err);
    }
    if (status == RF_OK && check->status == RF_OK && !verifier->is_stopped) {
        status = rf_slice_scan(verifier->store, verifier->transaction,
                               &(rf_slice_range){product, &start}, visit_record,
                               check, err);
    }
    if (status == RF_OK) {
        status = check->status;
    }
    if (status == RF_OK && !verifier->is_stopped) {
        check_totals(check);
    }
    rf_measures_done(&check->node.measures);
    rf_arena_done(&check->arena);
    rf_free(check);
    verifier->report->products++;
    return status;
}

typedef struct finding {
    rf_key key;
    bool found;
} finding;

static bool take_first(void *context, rf_bytes key, rf_bytes value)
{
    finding *first = context;
    (void)value;
    memcpy(first->key.bytes, key.bytes, key.length);
    first->key.length = (uint16_t)key.length;
    first->found = true;
    return false;
}

/* Verify the product of the first record found, and jump behind it; a record
 * that belongs to no product is told and stepped over. */
static rf_status verify_next(rf_verifier *verifier, const finding *first,
                             rf_key *next, rf_error *err)
{
    rf_bytes key = rf_key_bytes(&first->key);
    rf_verify_subject *subject = rf_verify__subject(verifier, key);
    rf_key_parts parts;
    if (subject == NULL || rf_key_read(key, &parts, NULL) != RF_OK) {
        rf_verify__differ(verifier, "the stock has a record that belongs to no "
                                    "product of any environment");
        rf_slice_behind(next, key);
        return RF_OK;
    }
    rf_key product;
    rf_key_product(&product, parts.environment, parts.organization,
                   parts.product);
    rf_status status = verify_product(verifier, subject, &product, err);
    *next = product;
    bool bounded = rf_key_after_prefix(next);
    RF_ASSERT(bounded);
    return status;
}

rf_status rf_verify__stock(rf_verifier *verifier, rf_error *err)
{
    rf_key next = {0};
    for (;;) {
        finding first = {.found = false};
        rf_status status = verifier->store->operations->scan(
            verifier->transaction,
            &(rf_store_range){RF_TABLE_STOCK,
                              next.length > 0 ? rf_key_bytes(&next)
                                              : (rf_bytes){NULL, 0},
                              (rf_bytes){NULL, 0}},
            take_first, &first, err);
        if (status != RF_OK || !first.found) {
            return status;
        }
        status = verify_next(verifier, &first, &next, err);
        if (status != RF_OK || verifier->is_stopped) {
            return status;
        }
    }
}
