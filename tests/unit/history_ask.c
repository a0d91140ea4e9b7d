/*
 * history_ask.c - choosing commands, and making them.
 */
#include "tests/unit/history_ask.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define NAMED(measure) (1U << HISTORY_##measure)

unsigned history_pick(history_chooser *chooser, unsigned below)
{
    chooser->seed =
        chooser->seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(chooser->seed >> 33) % below;
}

static bool pick_one_in(history_chooser *c, unsigned count)
{
    return history_pick(c, count) == 0;
}

/* ---- Choosing ---- */

/* Mostly whole units, few enough that two takers get in each other's way. */
static rf_quantity pick_quantity(history_chooser *c)
{
    rf_quantity whole = 1 + (rf_quantity)history_pick(c, 12);
    return whole * RF_QUANTITY_SCALE / (pick_one_in(c, 4) ? 7 : 1);
}

/* Any place. By location stock lies at a site and mostly at a location, and
 * nothing can be taken elsewhere; by product it may be anywhere. */
static history_spot pick_anywhere(history_chooser *c)
{
    history_spot spot = {{0}, {0}};
    for (unsigned d = 0; d < HISTORY_DIMENSIONS; d++) {
        bool is_partition = !c->rules->by_product && d <= HISTORY_LOCATION;
        bool is_given = !pick_one_in(c, is_partition ? 20 : 3);
        spot.dimension[d] =
            (unsigned char)(is_given ? 1 + history_pick(c, 2) : 0);
    }
    if (!c->rules->by_product) {
        spot.dimension[0] = 1;
    }
    return spot;
}

/* Every other time where there is a row already, or above it. */
static history_spot pick_place(history_chooser *c)
{
    size_t count = c->books->row_count;
    history_spot spot = pick_anywhere(c);
    bool is_styled = pick_one_in(c, 3);
    if (count > 0 && pick_one_in(c, 2)) {
        spot = c->books->rows[history_pick(c, (unsigned)count)].spot;
        unsigned d = history_pick(c, 2 * HISTORY_DIMENSIONS);
        if (d < HISTORY_DIMENSIONS &&
            (c->rules->by_product || d > HISTORY_LOCATION)) {
            spot.dimension[d] = 0;
        }
    }
    if (!is_styled) {
        spot.dimension[HISTORY_STYLE] = 0;
    }
    return spot;
}

static void pick_groups(history_chooser *c, history_spot *spot)
{
    unsigned depth = 1 + history_pick(c, c->group_count);
    for (unsigned g = 0; g < HISTORY_GROUPS; g++) {
        spot->group[g] =
            (unsigned char)(g < depth ? 1 + history_pick(c, 2) : 0);
    }
}

static void choose_post(history_chooser *c, history_ask *ask)
{
    ask->operation = RF_OPERATION_POST;
    ask->spot = pick_place(c);
    ask->named = pick_one_in(c, 6) ? NAMED(SAFETY) : NAMED(INBOUND);
    ask->amount[HISTORY_INBOUND] = 2 * pick_quantity(c);
    ask->amount[HISTORY_SAFETY] = RF_QUANTITY_SCALE;
    if (!c->is_tame && pick_one_in(c, 3)) {
        ask->amount[HISTORY_INBOUND] *= -1;
    }
    if (!c->is_tame && pick_one_in(c, 6)) {
        ask->named |= NAMED(OUTBOUND);
        ask->amount[HISTORY_OUTBOUND] = pick_quantity(c);
    }
}

/* A count that is not lower than what is there, unless all may happen. */
static void choose_set(history_chooser *c, history_ask *ask)
{
    ask->operation = RF_OPERATION_SET;
    ask->spot = pick_place(c);
    if (c->books->row_count > 0 && !pick_one_in(c, 4)) {
        size_t at = history_pick(c, (unsigned)c->books->row_count);
        ask->spot = c->books->rows[at].spot;
    }
    const history_row *row = history_find_row(c->books, &ask->spot);
    ask->named = NAMED(INBOUND);
    ask->amount[HISTORY_INBOUND] = pick_quantity(c);
    if (c->is_tame && row != NULL) {
        ask->amount[HISTORY_INBOUND] += row->amount[HISTORY_INBOUND];
    } else if (!c->is_tame && pick_one_in(c, 3)) {
        ask->named |= NAMED(OUTBOUND);
        ask->amount[HISTORY_OUTBOUND] = pick_quantity(c);
    }
    ask->at_ms = c->now_ms - 1000 * (int64_t)history_pick(c, 40);
}

static void choose_unreserve(history_chooser *c, history_ask *ask)
{
    size_t count = c->books->hold_count;
    ask->operation = RF_OPERATION_UNRESERVE;
    ask->hold = history_pick(c, (unsigned)count);
    ask->spot = c->books->holds[ask->hold].spot;
    memset(ask->spot.group, 0, sizeof ask->spot.group);
    ask->quantity = pick_quantity(c);
    if (pick_one_in(c, 12)) {
        ask->spot.dimension[HISTORY_COLOUR] = (unsigned char)history_pick(c, 3);
    }
}

static void choose_part(history_chooser *c, history_ask *ask)
{
    ask->partial = pick_one_in(c, 3);
    ask->minimum = ask->partial && pick_one_in(c, 2) ? pick_quantity(c) : 0;
}

static void choose_reserve(history_chooser *c, history_ask *ask)
{
    ask->operation = RF_OPERATION_RESERVE;
    ask->spot = pick_place(c);
    ask->spot.dimension[HISTORY_STYLE] = 0;
    ask->quantity = pick_quantity(c);
    ask->check = c->is_tame || !pick_one_in(c, 5);
    ask->ttl_ms = pick_one_in(c, 3) ? 500 * (1 + history_pick(c, 16)) : 0;
    if (!c->is_tame && pick_one_in(c, 12)) {
        ask->quantity *= -1;
    }
    choose_part(c, ask);
}

static void choose_allocate(history_chooser *c, history_ask *ask)
{
    ask->operation = RF_OPERATION_ALLOCATE;
    ask->spot = pick_place(c);
    pick_groups(c, &ask->spot);
    ask->quantity = pick_quantity(c);
    choose_part(c, ask);
    if (pick_one_in(c, 2)) {
        ask->share = (rf_share)history_pick(c, 3);
        ask->percent = 1 + (rf_quantity)history_pick(c, RF_PERCENT_MAX);
        ask->decimals = history_pick(c, 7);
    }
    if (ask->share == RF_SHARE_ALL && pick_one_in(c, 2)) {
        ask->quantity = 0;
    }
}

static void choose_measures(history_chooser *c, history_ask *ask)
{
    static const unsigned measures[] = {0, NAMED(INBOUND), NAMED(OUTBOUND),
                                        NAMED(RESERVED),
                                        NAMED(INBOUND) | NAMED(OUTBOUND)};
    do {
        ask->named = measures[history_pick(c, c->is_tame ? 4 : 5)];
    } while (ask->named == NAMED(RESERVED) &&
             ask->spot.dimension[HISTORY_STYLE] > 0);
}

/* Something with a record; sometimes there is none. */
static void choose_pool(history_chooser *c, history_ask *ask)
{
    static const rf_operation operations[] = {
        RF_OPERATION_UNALLOCATE, RF_OPERATION_REALLOCATE, RF_OPERATION_CONSUME};
    ask->operation = operations[history_pick(c, 3)];
    ask->quantity = pick_quantity(c);
    size_t count = c->books->pool_count;
    if (count > 0 && !pick_one_in(c, 16)) {
        ask->spot = c->books->pools[history_pick(c, (unsigned)count)].spot;
    } else {
        ask->spot = pick_place(c);
        pick_groups(c, &ask->spot);
    }
    if (ask->operation == RF_OPERATION_REALLOCATE) {
        ask->source = ask->spot;
        do {
            pick_groups(c, &ask->spot);
        } while (history_same_spot(&ask->spot, &ask->source));
    } else if (ask->operation == RF_OPERATION_CONSUME) {
        choose_measures(c, ask);
    }
}

/* Nobody can ask for a reservation before he was told its id. */
static bool knows_all_holds(const history_books *books)
{
    return books->hold_count > 0 && books->holds[books->hold_count - 1].id != 0;
}

history_ask history_choose(history_chooser *c)
{
    history_ask ask = {.operation = RF_OPERATION_POST};
    unsigned dice = history_pick(c, 100);
    bool unreserves = dice < 8 && knows_all_holds(c->books);
    bool is_early = c->books->row_count < 3 && dice < 60;
    if (is_early || (dice < 27 && !unreserves)) {
        choose_post(c, &ask);
    } else if (unreserves) {
        choose_unreserve(c, &ask);
    } else if (dice < 38) {
        choose_set(c, &ask);
    } else if (dice < 65) {
        choose_reserve(c, &ask);
    } else if (dice < 83) {
        choose_allocate(c, &ask);
    } else {
        choose_pool(c, &ask);
    }
    return ask;
}

/* ---- The engine's words ---- */

static size_t append_pair(char text[HISTORY_TEXT_MAX], size_t length,
                          const char *name, unsigned value)
{
    return value == 0
               ? 0
               : (size_t)snprintf(text + length, HISTORY_TEXT_MAX - length,
                                  "%s=%c, ", name, 'a' + (int)value);
}

const char *history_spot_text(const history_spot *spot,
                              char text[HISTORY_TEXT_MAX])
{
    static const char *const dimensions[] = {"siteid", "locationid", "ColorId",
                                             "SizeId", "StyleId"};
    static const char *const groups[] = {"channel", "Region", "kind"};
    size_t length = 0;
    text[0] = '\0';
    for (unsigned d = 0; d < HISTORY_DIMENSIONS; d++) {
        length += append_pair(text, length, dimensions[d], spot->dimension[d]);
    }
    for (unsigned g = 0; g < HISTORY_GROUPS; g++) {
        length += append_pair(text, length, groups[g], spot->group[g]);
    }
    return text;
}

const char *history_product(size_t product, char text[HISTORY_TEXT_MAX])
{
    snprintf(text, HISTORY_TEXT_MAX, "%zu", product);
    return text;
}

const char *history_measure_name(history_measure measure)
{
    static const char *const names[] = {"pos.inbound", "pos.outbound",
                                        "shelf.safety", "iv.softreserved",
                                        "@iv.@allocated"};
    return names[measure];
}

/* Name the measures of a change, with their amounts put in afterwards: they
 * are millionths, which the rig's texts are not made for. */
static rf_command make_change(engine_rig *rig, const char *product,
                              const char *place, const history_ask *ask)
{
    char names[HISTORY_TEXT_MAX] = "";
    rf_quantity amount[HISTORY_MEASURES];
    size_t length = 0;
    for (unsigned m = 0; m < HISTORY_MEASURES; m++) {
        if ((ask->named & 1U << m) != 0) {
            length +=
                (size_t)snprintf(names + length, sizeof names - length,
                                 "%s=%u,", history_measure_name(m), m + 1);
        }
    }
    rf_command command = engine_post(rig, product, place, names);
    rf_amount *changes =
        rf_arena_calloc(&rig->arena, command.change_count + 1, sizeof *changes);
    assert_non_null(changes);
    memcpy(amount, ask->amount, sizeof amount);
    for (size_t i = 0; i < command.change_count; i++) {
        rf_quantity m =
            command.changes[i].quantity / (rf_quantity)RF_QUANTITY_SCALE - 1;
        changes[i] = (rf_amount){command.changes[i].measure, amount[m]};
    }
    command.changes = changes;
    command.operation = ask->operation;
    command.at_ms = ask->at_ms;
    return command;
}

static rf_command make_consumption(engine_rig *rig, const char *product,
                                   const char *place, const history_ask *ask)
{
    char names[HISTORY_TEXT_MAX];
    snprintf(names, sizeof names, "%s%s%s",
             (ask->named & NAMED(INBOUND)) != 0 ? "pos.inbound=-1," : "",
             (ask->named & NAMED(OUTBOUND)) != 0
                 ? "pos.outbound=1,@iv.@consumed=1,"
                 : "",
             (ask->named & NAMED(RESERVED)) != 0 ? "iv.softreserved=1," : "");
    double units = (double)ask->quantity / (double)RF_QUANTITY_SCALE;
    return engine_consume(rig, product, place, units, names);
}

static rf_command make_unreserve(engine_rig *rig, const char *product,
                                 const char *place, const history_hold *hold)
{
    rf_result reserved = {.reservation = hold->id,
                          .reservation_created = hold->created};
    return engine_unreserve(rig, product, place, &reserved, 1);
}

rf_command history_command(engine_rig *rig, size_t product,
                           const history_books *books, const history_ask *ask)
{
    char name[HISTORY_TEXT_MAX];
    char place[HISTORY_TEXT_MAX];
    char from[HISTORY_TEXT_MAX];
    rf_command command;
    history_product(product, name);
    history_spot_text(&ask->spot, place);
    if (ask->operation == RF_OPERATION_POST ||
        ask->operation == RF_OPERATION_SET) {
        return make_change(rig, name, place, ask);
    }
    if (ask->operation == RF_OPERATION_CONSUME) {
        return make_consumption(rig, name, place, ask);
    }
    if (ask->operation == RF_OPERATION_UNRESERVE) {
        command = make_unreserve(rig, name, place, &books->holds[ask->hold]);
    } else if (ask->operation == RF_OPERATION_RESERVE) {
        command = engine_reserve(rig, name, place, 1, ask->check);
    } else if (ask->operation == RF_OPERATION_REALLOCATE) {
        history_spot_text(&ask->source, from);
        command = engine_reallocate(rig, name, from, place, 1);
    } else {
        command = engine_allocation(rig, ask->operation, name, place, 1);
    }
    command.quantity = ask->quantity;
    command.allow_partial = ask->partial;
    command.minimum = ask->minimum;
    command.ttl_ms = ask->ttl_ms;
    command.share = ask->share;
    command.percent = ask->percent;
    command.decimals = ask->decimals;
    return command;
}
