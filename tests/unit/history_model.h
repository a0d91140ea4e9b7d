/*
 * history_model.h - what should become of a product, by brute force.
 *
 * The books of one product are three lists: rows of stock, allocation records
 * and reservations. Every question is answered by going through them: no total
 * is kept, no level is remembered. The engine is judged by this model, so it
 * shares no code with the engine.
 *
 * Coordinates are small numbers, 0 for one that is not given. A level is a set
 * of dimensions, one bit for each.
 */
#ifndef RINGFENCE_TESTS_UNIT_HISTORY_MODEL_H
#define RINGFENCE_TESTS_UNIT_HISTORY_MODEL_H

#include "core/command.h"

/* Site, location, colour, size; and the style, which no reservation has. */
#define HISTORY_DIMENSIONS 5
#define HISTORY_LOCATION 1
#define HISTORY_COLOUR 2
#define HISTORY_STYLE 4
#define HISTORY_GROUPS 3

/* Every set of dimensions. */
#define HISTORY_LEVELS (1U << HISTORY_DIMENSIONS)

#define HISTORY_ITEMS_MAX 96 /* rows, records and reservations of a product */

typedef struct history_spot {
    unsigned char dimension[HISTORY_DIMENSIONS];
    unsigned char group[HISTORY_GROUPS];
} history_spot;

/* Stock is inbound less outbound; a part of it is only for reservations. */
typedef enum {
    HISTORY_INBOUND,
    HISTORY_OUTBOUND,
    HISTORY_SAFETY,
    HISTORY_RESERVED,
    HISTORY_ALLOCATED,
    HISTORY_MEASURES
} history_measure;

typedef struct history_row {
    history_spot spot;
    rf_quantity amount[HISTORY_MEASURES];
    int64_t set_ms[HISTORY_MEASURES]; /* 0: never */
} history_row;

typedef struct history_pool {
    history_spot spot;
    rf_quantity allocated;
    rf_quantity given;
    rf_quantity consumed;
} history_pool;

typedef struct history_hold {
    history_spot spot;
    rf_quantity quantity;
    int64_t expires_ms; /* 0: it stays, and others at the spot join it */
    uint64_t id;        /* the engine's, 0 until it is known */
    uint64_t created;
} history_hold;

typedef struct history_books {
    history_row rows[HISTORY_ITEMS_MAX];
    history_pool pools[HISTORY_ITEMS_MAX];
    history_hold holds[HISTORY_ITEMS_MAX];
    size_t row_count;
    size_t pool_count;
    size_t hold_count;
} history_books;

/* How an environment judges. */
typedef struct history_rules {
    bool strict;
    bool by_product;
    bool by_script; /* what is free is what history_script makes of it */
} history_rules;

/* A command as the model sees it. */
typedef struct history_ask {
    rf_operation operation;
    history_spot spot;
    history_spot source; /* reallocate: its groups */
    unsigned named;      /* post, set, consume: a bit for each measure */
    rf_quantity amount[HISTORY_MEASURES]; /* post, set */
    int64_t at_ms;                        /* set, never 0 */
    rf_quantity quantity;
    bool check;
    bool partial;
    rf_quantity minimum;
    int64_t ttl_ms;
    size_t hold; /* unreserve: which of the books' */
    rf_share share;
    rf_quantity percent; /* in millionths */
    unsigned decimals;
} history_ask;

/* What should come of it. */
typedef struct history_verdict {
    rf_status status;
    rf_quantity quantity;
    rf_quantity available;
    rf_quantity least;  /* of what was looked at, below 0 as well */
    rf_quantity beyond; /* unreserve: what there was not */
    bool partial;
    bool stale;
    size_t hold; /* the reservation it made or raised, or HISTORY_NONE */
} history_verdict;

#define HISTORY_NONE SIZE_MAX

/* Compare places without groups, and with them. */
bool history_same_place(const history_spot *a, const history_spot *b);
bool history_same_spot(const history_spot *a, const history_spot *b);

/* The set of dimensions that are given. */
unsigned history_level(const history_spot *spot);

/* What the script says is free where there is so much: whole units only, and
 * where a colour is given one of them stays on the shelf. */
rf_quantity history_script(rf_quantity stock, bool has_colour);

/* Find something in the books; NULL: it is not there. */
const history_row *history_find_row(const history_books *books,
                                    const history_spot *spot);
const history_pool *history_find_pool(const history_books *books,
                                      const history_spot *spot);

/* End the reservations whose time has come. Return how many. */
size_t history_expire(history_books *books, int64_t now_ms);

/* Take all reservations away, and what is posted to their measure. */
void history_resync(history_books *books);

/* Judge a command, and enter in the books what it does if it does anything. */
history_verdict history_judge(const history_rules *rules, history_books *books,
                              const history_ask *ask, int64_t now_ms);

/* Find a place inside a partition, at any level whatever, where more is
 * promised than there is. */
bool history_is_oversold(const history_rules *rules, const history_books *books,
                         history_spot *where);

#endif
