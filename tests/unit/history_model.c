/*
 * history_model.c - brute force over rows, allocation records, reservations.
 */
#include "tests/unit/history_model.h"

#include "tests/unit/unit.h"

#include <string.h>

/* ---- Places ---- */

bool history_same_place(const history_spot *a, const history_spot *b)
{
    return memcmp(a->dimension, b->dimension, sizeof a->dimension) == 0;
}

bool history_same_spot(const history_spot *a, const history_spot *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

unsigned history_level(const history_spot *spot)
{
    unsigned level = 0;
    for (unsigned d = 0; d < HISTORY_DIMENSIONS; d++) {
        level |= spot->dimension[d] > 0 ? 1U << d : 0;
    }
    return level;
}

static bool lies_below(const history_spot *row, const history_spot *spot,
                       unsigned level)
{
    for (unsigned d = 0; d < HISTORY_DIMENSIONS; d++) {
        if ((level & 1U << d) != 0 && row->dimension[d] != spot->dimension[d]) {
            return false;
        }
    }
    return true;
}

/* ---- The books ---- */

const history_row *history_find_row(const history_books *books,
                                    const history_spot *spot)
{
    for (size_t i = 0; i < books->row_count; i++) {
        if (history_same_place(&books->rows[i].spot, spot)) {
            return &books->rows[i];
        }
    }
    return NULL;
}

const history_pool *history_find_pool(const history_books *books,
                                      const history_spot *spot)
{
    for (size_t i = 0; i < books->pool_count; i++) {
        if (history_same_spot(&books->pools[i].spot, spot)) {
            return &books->pools[i];
        }
    }
    return NULL;
}

static history_row *row_at(history_books *books, const history_spot *spot)
{
    const history_row *found = history_find_row(books, spot);
    if (found != NULL) {
        return &books->rows[found - books->rows];
    }
    assert_true(books->row_count < HISTORY_ITEMS_MAX);
    history_row *row = &books->rows[books->row_count++];
    *row = (history_row){.spot = *spot};
    memset(row->spot.group, 0, sizeof row->spot.group);
    return row;
}

static history_pool *pool_at(history_books *books, const history_spot *spot)
{
    const history_pool *found = history_find_pool(books, spot);
    if (found != NULL) {
        return &books->pools[found - books->pools];
    }
    assert_true(books->pool_count < HISTORY_ITEMS_MAX);
    history_pool *pool = &books->pools[books->pool_count++];
    *pool = (history_pool){.spot = *spot};
    return pool;
}

/* Return the reservation at a spot that is for ever, or a new one. */
static size_t hold_at(history_books *books, const history_spot *spot,
                      int64_t expires_ms)
{
    for (size_t i = 0; i < books->hold_count; i++) {
        const history_hold *hold = &books->holds[i];
        if (expires_ms == 0 && hold->expires_ms == 0 &&
            history_same_place(&hold->spot, spot)) {
            return i;
        }
    }
    assert_true(books->hold_count < HISTORY_ITEMS_MAX);
    books->holds[books->hold_count] =
        (history_hold){.spot = *spot, .expires_ms = expires_ms};
    return books->hold_count++;
}

/* Reserve at a spot; return the reservation. */
static size_t enter_hold(history_books *books, const history_spot *spot,
                         int64_t expires_ms, rf_quantity quantity)
{
    size_t hold = hold_at(books, spot, expires_ms);
    books->holds[hold].quantity += quantity;
    row_at(books, spot)->amount[HISTORY_RESERVED] += quantity;
    return hold;
}

void history_resync(history_books *books)
{
    books->hold_count = 0;
    for (size_t i = 0; i < books->row_count; i++) {
        books->rows[i].amount[HISTORY_RESERVED] = 0;
    }
}

size_t history_expire(history_books *books, int64_t now_ms)
{
    size_t ended = 0;
    for (size_t i = 0; i < books->hold_count; i++) {
        history_hold *hold = &books->holds[i];
        if (hold->quantity > 0 && hold->expires_ms != 0 &&
            hold->expires_ms <= now_ms) {
            row_at(books, &hold->spot)->amount[HISTORY_RESERVED] -=
                hold->quantity;
            hold->quantity = 0;
            ended++;
        }
    }
    return ended;
}

/* ---- What is free ---- */

static rf_quantity sum_of(const history_books *books, const history_spot *spot,
                          unsigned level, history_measure measure)
{
    rf_quantity sum = 0;
    for (size_t i = 0; i < books->row_count; i++) {
        if (lies_below(&books->rows[i].spot, spot, level)) {
            sum += books->rows[i].amount[measure];
        }
    }
    return sum;
}

/* What is there and not promised to anybody. */
static rf_quantity rest_at(const history_books *books, const history_spot *spot,
                           unsigned level)
{
    return sum_of(books, spot, level, HISTORY_INBOUND) -
           sum_of(books, spot, level, HISTORY_OUTBOUND) -
           sum_of(books, spot, level, HISTORY_RESERVED) -
           sum_of(books, spot, level, HISTORY_ALLOCATED);
}

rf_quantity history_script(rf_quantity stock, bool has_colour)
{
    rf_quantity part = stock % RF_QUANTITY_SCALE;
    rf_quantity whole =
        stock - part - (part < 0 ? (rf_quantity)RF_QUANTITY_SCALE : 0);
    return has_colour && whole > 0 ? whole - RF_QUANTITY_SCALE : whole;
}

static rf_quantity free_at(const history_rules *rules,
                           const history_books *books, const history_ask *ask,
                           unsigned level)
{
    rf_quantity value = rest_at(books, &ask->spot, level);
    if (rules->by_script) {
        value = history_script(value, (level & 1U << HISTORY_COLOUR) != 0);
    }
    return ask->operation == RF_OPERATION_RESERVE
               ? value
               : value - sum_of(books, &ask->spot, level, HISTORY_SAFETY);
}

static bool is_held_at(const history_books *books, unsigned level)
{
    for (size_t i = 0; i < books->hold_count; i++) {
        if (books->holds[i].quantity > 0 &&
            history_level(&books->holds[i].spot) == level) {
            return true;
        }
    }
    for (size_t i = 0; i < books->pool_count; i++) {
        if (books->pools[i].allocated > 0 &&
            history_level(&books->pools[i].spot) == level) {
            return true;
        }
    }
    return false;
}

/* Site, location, colour, size in this order; where stock is kept by location,
 * no less than the first two. */
static bool is_prefix(const history_rules *rules, unsigned level)
{
    return ((level == 0 || level == 1) && rules->by_product) || level == 3 ||
           level == 7 || level == 15;
}

/* Mark the levels of a check: the own one, the prefixes above it, what the own
 * one has in common with every level where something is held, and what any two
 * of these have in common. */
static void mark_levels(const history_rules *rules, const history_books *books,
                        unsigned own, bool marked[HISTORY_LEVELS])
{
    for (unsigned level = 0; level < HISTORY_LEVELS; level++) {
        bool in_partition = rules->by_product || (level & own & 3) == 3;
        if ((level & ~own) == 0 && is_prefix(rules, level)) {
            marked[level] = true;
        }
        if (in_partition && is_held_at(books, level)) {
            marked[level & own] = true;
        }
    }
    for (unsigned turn = 0; turn < HISTORY_DIMENSIONS; turn++) {
        for (unsigned pair = 0; pair < HISTORY_LEVELS * HISTORY_LEVELS;
             pair++) {
            unsigned one = pair / HISTORY_LEVELS;
            unsigned other = pair % HISTORY_LEVELS;
            if (marked[one] && marked[other]) {
                marked[one & other] = true;
            }
        }
    }
}

static rf_quantity least_free(const history_rules *rules,
                              const history_books *books,
                              const history_ask *ask)
{
    unsigned own = history_level(&ask->spot);
    rf_quantity least = free_at(rules, books, ask, own);
    bool marked[HISTORY_LEVELS] = {false};
    marked[own] = true;
    if (rules->strict) {
        mark_levels(rules, books, own, marked);
    }
    for (unsigned level = 0; level < HISTORY_LEVELS; level++) {
        if (marked[level]) {
            rf_quantity value = free_at(rules, books, ask, level);
            least = value < least ? value : least;
        }
    }
    return least;
}

/* The place above a row at a level, which gives no more than the row. */
static history_spot narrow(const history_spot *row, unsigned level)
{
    history_spot spot = {{0}, {0}};
    for (unsigned d = 0; d < HISTORY_DIMENSIONS; d++) {
        spot.dimension[d] = (level & 1U << d) != 0 ? row->dimension[d] : 0;
    }
    return spot;
}

bool history_is_oversold(const history_rules *rules, const history_books *books,
                         history_spot *where)
{
    for (size_t i = 0; i < books->row_count; i++) {
        const history_spot *row = &books->rows[i].spot;
        unsigned own = history_level(row);
        for (unsigned level = 0; level <= own; level++) {
            *where = narrow(row, level);
            if ((level & ~own) == 0 && rest_at(books, where, level) < 0 &&
                (rules->by_product || (level & 3) == 3)) {
                return true;
            }
        }
    }
    return false;
}

/* ---- Judging ---- */

static history_verdict done(rf_quantity quantity)
{
    return (history_verdict){.quantity = quantity, .hold = HISTORY_NONE};
}

static history_verdict refused(rf_status status)
{
    return (history_verdict){.status = status, .hold = HISTORY_NONE};
}

/* What is granted of a share of what is there, 0 for nothing. */
static rf_quantity grant_share(const history_ask *ask, rf_quantity available)
{
    static const rf_quantity steps[] = {1000000, 100000, 10000, 1000,
                                        100,     10,     1};
    rf_quantity share = available;
    if (ask->share == RF_SHARE_PERCENT) {
        /* In two parts, so that no product is beyond 64 bits. */
        rf_quantity whole = available / 100000000 * ask->percent;
        share = whole + available % 100000000 * ask->percent / 100000000;
        share -= share % steps[ask->decimals];
    } else if (ask->quantity > 0 && ask->quantity < share) {
        share = ask->quantity;
    }
    return share >= ask->minimum ? share : 0;
}

static rf_quantity grant(const history_ask *ask, rf_quantity available)
{
    if (ask->share != RF_SHARE_QUANTITY) {
        return grant_share(ask, available);
    }
    if (ask->quantity <= available) {
        return ask->quantity;
    }
    return ask->partial && available >= ask->minimum ? available : 0;
}

static history_verdict judge_free(const history_rules *rules,
                                  const history_books *books,
                                  const history_ask *ask)
{
    rf_quantity least = least_free(rules, books, ask);
    rf_quantity available = least > 0 ? least : 0;
    rf_quantity granted = grant(ask, available);
    history_verdict verdict =
        granted > 0 ? done(granted) : refused(RF_E_INSUFFICIENT_AVAILABLE);
    verdict.least = least;
    verdict.available = available;
    verdict.partial = granted > 0 && granted < ask->quantity &&
                      ask->share != RF_SHARE_PERCENT;
    return verdict;
}

static history_verdict judge_reserve(const history_rules *rules,
                                     history_books *books,
                                     const history_ask *ask, int64_t now_ms)
{
    if (ask->quantity < 0 && (ask->check || ask->ttl_ms != 0)) {
        return refused(RF_E_NEGATIVE_QUANTITY);
    }
    history_verdict verdict =
        ask->check ? judge_free(rules, books, ask) : done(ask->quantity);
    if (verdict.status == RF_OK) {
        int64_t expires_ms = ask->ttl_ms == 0 ? 0 : now_ms + ask->ttl_ms;
        verdict.hold =
            enter_hold(books, &ask->spot, expires_ms, verdict.quantity);
    }
    return verdict;
}

static history_verdict judge_unreserve(history_books *books,
                                       const history_ask *ask)
{
    history_hold *hold = &books->holds[ask->hold];
    bool is_gone = hold->expires_ms != 0 && hold->quantity == 0;
    if (is_gone || !history_same_place(&hold->spot, &ask->spot)) {
        history_verdict verdict = refused(RF_E_UNKNOWN_RESERVATION);
        verdict.beyond = ask->quantity;
        return verdict;
    }
    rf_quantity held = hold->quantity > 0 ? hold->quantity : 0;
    history_verdict verdict = done(ask->quantity < held ? ask->quantity : held);
    verdict.beyond = ask->quantity - verdict.quantity;
    verdict.partial = verdict.beyond > 0;
    verdict.hold = ask->hold;
    hold->quantity -= verdict.quantity;
    row_at(books, &ask->spot)->amount[HISTORY_RESERVED] -= verdict.quantity;
    return verdict;
}

static history_verdict judge_allocate(const history_rules *rules,
                                      history_books *books,
                                      const history_ask *ask)
{
    history_verdict verdict = judge_free(rules, books, ask);
    if (verdict.status == RF_OK) {
        history_pool *pool = pool_at(books, &ask->spot);
        pool->allocated += verdict.quantity;
        pool->given += verdict.quantity;
        row_at(books, &ask->spot)->amount[HISTORY_ALLOCATED] +=
            verdict.quantity;
    }
    return verdict;
}

static history_verdict judge_reallocate(history_books *books,
                                        const history_ask *ask,
                                        history_pool *from)
{
    from->allocated -= ask->quantity;
    history_pool *to = pool_at(books, &ask->spot);
    to->allocated += ask->quantity;
    to->given += ask->quantity;
    return done(ask->quantity);
}

/* What is consumed changes the measures that are named, whose signs are those
 * by which they lower what is there. */
static history_verdict judge_consume(history_books *books,
                                     const history_ask *ask, history_pool *from)
{
    history_verdict verdict = done(ask->quantity);
    history_row *row = row_at(books, &ask->spot);
    from->allocated -= ask->quantity;
    from->consumed += ask->quantity;
    row->amount[HISTORY_ALLOCATED] -= ask->quantity;
    if ((ask->named & 1U << HISTORY_INBOUND) != 0) {
        row->amount[HISTORY_INBOUND] -= ask->quantity;
    }
    if ((ask->named & 1U << HISTORY_OUTBOUND) != 0) {
        row->amount[HISTORY_OUTBOUND] += ask->quantity;
    }
    if ((ask->named & 1U << HISTORY_RESERVED) != 0) {
        verdict.hold = enter_hold(books, &ask->spot, 0, ask->quantity);
    }
    return verdict;
}

/* What takes from a record: there must be enough in it. */
static history_verdict judge_pool(history_books *books, const history_ask *ask)
{
    history_spot spot = ask->spot;
    if (ask->operation == RF_OPERATION_REALLOCATE) {
        memcpy(spot.group, ask->source.group, sizeof spot.group);
    }
    const history_pool *found = history_find_pool(books, &spot);
    rf_quantity allocated = found == NULL ? 0 : found->allocated;
    history_verdict verdict = refused(RF_E_INSUFFICIENT_ALLOCATED);
    if (found != NULL && ask->quantity <= allocated) {
        history_pool *from = &books->pools[found - books->pools];
        if (ask->operation == RF_OPERATION_REALLOCATE) {
            verdict = judge_reallocate(books, ask, from);
        } else if (ask->operation == RF_OPERATION_CONSUME) {
            verdict = judge_consume(books, ask, from);
        } else {
            from->allocated -= ask->quantity;
            row_at(books, &spot)->amount[HISTORY_ALLOCATED] -= ask->quantity;
            verdict = done(ask->quantity);
        }
    }
    verdict.available = allocated;
    return verdict;
}

static history_verdict judge_rows(history_books *books, const history_ask *ask)
{
    history_row *row = row_at(books, &ask->spot);
    history_verdict verdict = done(0);
    verdict.stale = ask->operation == RF_OPERATION_SET;
    for (unsigned m = 0; m < HISTORY_MEASURES; m++) {
        if ((ask->named & 1U << m) == 0) {
            continue;
        }
        if (ask->operation == RF_OPERATION_POST) {
            row->amount[m] += ask->amount[m];
        } else if (row->set_ms[m] <= ask->at_ms) {
            row->amount[m] = ask->amount[m];
            row->set_ms[m] = ask->at_ms;
            verdict.stale = false;
        }
    }
    return verdict;
}

history_verdict history_judge(const history_rules *rules, history_books *books,
                              const history_ask *ask, int64_t now_ms)
{
    if (ask->operation == RF_OPERATION_POST ||
        ask->operation == RF_OPERATION_SET) {
        return judge_rows(books, ask);
    }
    if (ask->operation == RF_OPERATION_UNRESERVE) {
        return judge_unreserve(books, ask);
    }
    if (!rules->by_product && (history_level(&ask->spot) & 3) != 3) {
        return refused(RF_E_MISSING_PARTITION);
    }
    if (ask->operation == RF_OPERATION_RESERVE) {
        return judge_reserve(rules, books, ask, now_ms);
    }
    return ask->operation == RF_OPERATION_ALLOCATE
               ? judge_allocate(rules, books, ask)
               : judge_pool(books, ask);
}
