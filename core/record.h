/*
 * record.h - the values of the stock table: nodes, heads, reservations, and
 * when something was set.
 *
 * A node holds the totals of one level at one set of coordinates. A head says
 * at which levels a product holds live reservations and allocations. A
 * reservation is what one caller, or all callers without a tag of their own,
 * hold at one place. When a row was set, its leaf has a list beside it that
 * says when; rows that were only posted to have none.
 *
 * Decoding borrows texts from the stored bytes and allocates only lists.
 */
#ifndef RINGFENCE_CORE_RECORD_H
#define RINGFENCE_CORE_RECORD_H

#include "core/arena.h"
#include "core/buffer.h"
#include "core/error.h"
#include "core/level.h"
#include "core/measures.h"
#include "core/store.h"

/* A node's value. `coordinates` is empty unless the key holds only a hash. */
typedef struct rf_node {
    rf_measures measures;
    rf_bytes coordinates;
} rf_node;

/* How many reservations and allocations above zero a product holds at one
 * level; of an allocation only the dimensions count. */
typedef struct rf_level_holds {
    rf_level level;
    uint64_t count;
} rf_level_holds;

/* More levels than callers mix in practice; a hold at one more is refused
 * rather than left out of the check. */
#define RF_HEAD_LEVELS_MAX 64

typedef struct rf_head {
    uint16_t count;
    rf_level_holds levels[RF_HEAD_LEVELS_MAX];
} rf_head;

typedef struct rf_reservation {
    rf_measure measure;
    rf_level level;       /* the coordinates that were given */
    rf_bytes coordinates; /* encoded as in a key */
    rf_text recipient;
    rf_text order_tag;
    int64_t created_ms; /* since 1970, UTC */
    int64_t updated_ms;
    uint64_t created_number; /* journal number of the first reservation */
    rf_quantity quantity;    /* may be negative after unchecked reversals */
    int64_t expires_ms;      /* when a hold ends, 0: it stays */
} rf_reservation;

/* The time that a measure was last set for, milliseconds since 1970. */
typedef struct rf_set_time {
    rf_measure measure;
    int64_t at_ms;
} rf_set_time;

/* Those of one row, in order of the measures. All zeroes is an empty list. */
typedef struct rf_set_times {
    const rf_set_time *items;
    size_t count;
} rf_set_times;

/* Append a sealed value. */
void rf_node_encode(const rf_node *node, rf_buffer *out);
void rf_head_encode(const rf_head *head, rf_buffer *out);
void rf_reservation_encode(const rf_reservation *reservation, rf_buffer *out);
void rf_set_times_encode(const rf_set_times *times, rf_buffer *out);

/* Read a stored value. RF_E_STORAGE: damaged. RF_E_NO_MEMORY. A node must have
 * been initialised: its list's memory is used again, and it is left empty on
 * failure. */
RF_MUST_CHECK rf_status rf_node_decode(rf_bytes value, rf_node *out,
                                       rf_error *err);
RF_MUST_CHECK rf_status rf_head_decode(rf_bytes value, rf_head *out,
                                       rf_error *err);
RF_MUST_CHECK rf_status rf_reservation_decode(rf_bytes value,
                                              rf_reservation *out,
                                              rf_error *err);

/* The same; the list lives in the arena. */
RF_MUST_CHECK rf_status rf_set_times_decode(rf_bytes value, rf_arena *arena,
                                            rf_set_times *out, rf_error *err);

/* Return the time of a measure, or NULL when it was never set. */
const rf_set_time *rf_set_times_find(const rf_set_times *times,
                                     rf_measure measure);

/* Count a hold in (+1) or out (-1) of a level. Return false when the head is
 * full, or does not count what is to be counted out: then it is damaged. */
RF_MUST_CHECK bool rf_head_count(rf_head *head, rf_level level, int change);

#endif
