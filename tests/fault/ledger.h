/*
 * ledger.h - what the clients asked for and what they were told.
 *
 * Every operation is entered before it is sent (its intent) and completed when
 * its reply has come. An operation without a reply is unknown: sending the
 * very same request again, with the same ids, has to settle it. From the
 * replies alone the ledger knows what every total must be; a copy of it goes
 * to <root>/ledger.log for the reader of a failure.
 *
 * Stock lies in cells: a product, a location and a color, where "no color" is
 * stock that was posted coarser. Reservations are checked at the color and at
 * the location. Stock is only ever added, so no level can fall below zero
 * unless too much was promised.
 */
#ifndef RINGFENCE_TESTS_FAULT_LEDGER_H
#define RINGFENCE_TESTS_FAULT_LEDGER_H

#include "tests/fault/common.h"
#include "tests/fault/json_scan.h"

#include <stdio.h>

enum {
    RF_LEDGER_PRODUCTS = 6,
    RF_LEDGER_LOCATIONS = 2,
    RF_LEDGER_COLORS = 4, /* the first is "no color" */
    RF_LEDGER_CELLS =
        RF_LEDGER_PRODUCTS * RF_LEDGER_LOCATIONS * RF_LEDGER_COLORS,
    RF_LEDGER_LINES_MAX = 4
};

typedef enum {
    RF_LINE_POST,
    RF_LINE_RESERVE,
    RF_LINE_UNRESERVE
} rf_line_kind;

typedef enum {
    RF_OUTCOME_UNKNOWN,
    RF_OUTCOME_SUCCESS,
    RF_OUTCOME_PARTIAL,
    RF_OUTCOME_REFUSED
} rf_outcome;

/* One command: a request of its own or a line of a bulk. */
typedef struct rf_line {
    rf_line_kind kind;
    rf_outcome outcome;
    unsigned cell;
    unsigned journaled; /* journal entries seen with its id */
    int64_t quantity;   /* asked for, in millionths */
    int64_t effect;     /* what the reply says it changed */
} rf_line;

typedef enum {
    RF_FORM_SINGLE,
    RF_FORM_BULK,
    RF_FORM_BASKET
} rf_form;

/* One request. */
typedef struct rf_operation {
    rf_form form;
    unsigned line_count;
    rf_line lines[RF_LEDGER_LINES_MAX];
    char *request; /* NULL once settled and old */
    char *body;    /* of the reply; NULL while unknown, or old */
    int status;    /* HTTP status of the reply; 0 while unknown */
} rf_operation;

typedef struct rf_ledger {
    rf_random random;
    rf_operation *operations;
    size_t count;
    size_t capacity;
    size_t forgotten;  /* operations before this one have lost their texts */
    size_t unanswered; /* replies that settled nothing: 503 and the like */
    char *surprise;    /* the first of them, or NULL */
    char *fault;       /* the first reply that cannot be right, or NULL */
    int64_t stock[RF_LEDGER_CELLS];
    int64_t reserved[RF_LEDGER_CELLS];
    char *reservations[RF_LEDGER_CELLS]; /* the id of each cell's record */
    FILE *trail;
} rf_ledger;

/* Set up an empty ledger that writes its trail to `trail_path`. */
void rf_ledger_init(rf_ledger *ledger, uint64_t seed, const char *trail_path);

/* Free everything. */
void rf_ledger_done(rf_ledger *ledger);

/* Enter a new random operation. Returns its place in `operations`. */
size_t rf_ledger_add(rf_ledger *ledger);

/* Enter a new operation with one line. */
size_t rf_ledger_add_single(rf_ledger *ledger, rf_line_kind kind, unsigned cell,
                            int64_t quantity);

/* Return a settled operation whose texts are still there, to be sent again;
 * false when there is none yet. */
bool rf_ledger_pick_settled(rf_ledger *ledger, size_t *place_out);

/* Enter a reply. The first that settles the operation is applied; any later
 * one must be equal to it, else it is a fault. Returns whether the operation
 * is settled now. */
bool rf_ledger_answer(rf_ledger *ledger, size_t place, int status,
                      const char *body, size_t length);

/* Enter a copy of an operation of another ledger, as one nobody has answered
 * yet: the same request, the same ids when entered in the same order. */
void rf_ledger_copy(rf_ledger *ledger, const rf_operation *operation);

/* Find the line with this id (a string value, with or without the prefix that
 * results carry); NULL when the ledger has none. Borrowed until the next add.
 * `place_out` gets the place of its operation, unless it is NULL. */
rf_line *rf_ledger_find(rf_ledger *ledger, rf_json id, size_t *place_out);

/* Return the cell of a product and dimensions as replies name them; -1 when
 * they are none of ours. */
int rf_ledger_cell(rf_json product, rf_json dimensions);

/* Return the word the journal uses for a kind and for an outcome. */
const char *rf_ledger_operation_word(rf_line_kind kind);
const char *rf_ledger_result_word(rf_outcome outcome);

/* Record the first fault in words; later ones are dropped. */
void rf_ledger_fault(rf_ledger *ledger, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
