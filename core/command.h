/*
 * command.h - requests to change stock, and what became of them.
 *
 * A command names everything by its stable number (measures, coordinates), so
 * that it means the same under whichever generation it is carried out. It is
 * filled in by the server, checked once by rf_command_check, and executed by
 * the engine. A job is one or more commands of one request: independent lines
 * of a bulk, or a basket that succeeds or fails as a whole.
 */
#ifndef RINGFENCE_CORE_COMMAND_H
#define RINGFENCE_CORE_COMMAND_H

#include "core/catalog.h"
#include "core/codec.h"
#include "core/day.h"
#include "core/generation.h"
#include "core/level.h"
#include "core/measures.h"

/* The numbers are stored in the journal: append only. */
typedef enum {
    RF_OPERATION_POST = 1,
    RF_OPERATION_RESERVE = 2,
    RF_OPERATION_UNRESERVE = 3,
    RF_OPERATION_ERASE = 4,
    RF_OPERATION_CONFIGURE = 5,
    RF_OPERATION_ALLOCATE = 6,
    RF_OPERATION_UNALLOCATE = 7,
    RF_OPERATION_REALLOCATE = 8,
    RF_OPERATION_CONSUME = 9,
    RF_OPERATION_EXPIRE = 10,
    RF_OPERATION_SET = 11,
    RF_OPERATION_PLAN = 12, /* the head of a basket of allocations */
    RF_OPERATION_SCHEDULE = 13,
    RF_OPERATION_RESYNC = 14,
    RF_OPERATION_PRODUCT = 15,
    RF_OPERATION_ADJUST = 16,
    RF_OPERATION_COUNT
} rf_operation;

/* What an allocation asks for. */
typedef enum {
    RF_SHARE_QUANTITY, /* `quantity` */
    RF_SHARE_ALL,      /* what is there; no more than `quantity` if above 0 */
    RF_SHARE_PERCENT   /* so many percent of what is there, rounded down */
} rf_share;

/* 100 percent, in millionths of a percent. */
#define RF_PERCENT_MAX (INT64_C(100) * RF_QUANTITY_SCALE)

/* A hundred years. */
#define RF_TTL_MS_MAX (INT64_C(36525) * 86400 * 1000)

/* What an allocation record has, and where it is. */
typedef struct rf_expectation {
    const rf_place *place; /* with its groups */
    rf_quantity allocated;
} rf_expectation;

/* A change that is expected on a day. */
typedef struct rf_scheduled {
    rf_day day;
    rf_measure measure;
    rf_quantity delta;
} rf_scheduled;

/* What an adjustment belongs to in the client's books; all of it may be left
 * out, texts by being empty. */
typedef struct rf_reference {
    rf_text category;
    rf_text document;
    rf_text journal; /* the ERP's, which it is going to be booked in */
    bool has_price;
    rf_quantity price; /* of one unit */
    bool has_date;
    int64_t date_ms; /* since 1970, UTC */
} rf_reference;

/* All texts are borrowed until the job is done. */
typedef struct rf_command {
    rf_operation operation;
    rf_text id; /* the client's */
    rf_text organization;
    rf_text product; /* may be empty in an unreserve */
    rf_place place;  /* with the groups, in the four on allocations */

    /* Post: deltas, in order of measure numbers, none twice. Consume: the
     * physical measures, `quantity` for an addition, -`quantity` for a
     * subtraction. Set: what they become. */
    const rf_amount *changes;
    size_t change_count;

    /* Post: the day that the changes were scheduled for, or 0. What stands
     * there of them at the place comes off it, as far as it goes. */
    rf_day realizes;

    /* Schedule: what is added to days, in order of these and then of the
     * measures, none twice. */
    const rf_scheduled *scheduled;
    size_t scheduled_count;

    /* Set: when that was so, since 1970; 0 for now, so that 1970 itself is
     * given as one millisecond later. */
    int64_t at_ms;

    /* Reserve and adjust; the measure is of no other. */
    rf_measure measure;
    rf_quantity quantity; /* unreserve: OffsetQty */
    bool check;           /* ifCheckAvailForReserv */
    bool allow_partial;   /* allocate, too */
    rf_quantity minimum;  /* of what is done in part, 0 for any */
    rf_text recipient;    /* also of what a consumption reserves */
    rf_text order_tag;
    int64_t ttl_ms;     /* a hold that ends so long after it was made, at most
                           RF_TTL_MS_MAX; or */
    int64_t expires_ms; /* one that ends then, since 1970. Both 0: no hold; so
                           1970 itself is given as any other time in the past */

    /* Unreserve: the reservation's id as the client sent it. */
    rf_text reservation;

    /* Adjust. */
    const rf_reference *reference;
    int64_t delay_ms; /* posted so much later; 0: at once. How much is no part
                         of its content */

    /* Allocate. */
    rf_share share;
    rf_quantity percent; /* in millionths of a percent */
    unsigned decimals;   /* that a percentage is rounded down to, 6 at most */

    /* Reallocate: what it takes from; only the groups count. */
    const rf_place *source;

    /* Plan: what the basket behind it was made for. It is no part of its
     * content, which is told by `order_tag`. */
    const rf_expectation *expected;
    size_t expected_count;

    /* Product: the sealed record, no bytes to delete it. */
    rf_bytes record;

    rf_fingerprint fingerprint; /* filled in by rf_command_check */
} rf_command;

/* What became of a command. */
typedef struct rf_result {
    rf_status status;  /* RF_OK, a refusal, or why it could not be done */
    bool partial;      /* done in part */
    bool replayed;     /* remembered, nothing was done now */
    bool stale;        /* a set that changed nothing: newer ones stand */
    char message[192]; /* empty on success, but for what a set left alone */
    char field[96];
    rf_script_place script; /* where, when a script failed */
    uint64_t number;        /* journal number of the command */
    uint64_t basket; /* journal number of its basket's first line, or 0 */

    rf_quantity quantity;  /* what was reserved, allocated, ... */
    rf_quantity available; /* what could have been had */
    rf_quantity invalid_offset;
    uint64_t reservation;         /* id of the record, 0 for none */
    uint64_t reservation_created; /* journal number of its first reservation */
    int64_t expires_ms;           /* of a hold, 0: none; or when an adjustment
                                     that is staged is posted */
    bool has_binding;             /* a refused check names the level */
    rf_level binding_level;
    rf_quantity binding_value;
    rf_measures quantities; /* of a dry run: the total at the dimensions that
                               were given, as it would be. The result's own */
} rf_result;

typedef struct rf_job rf_job;

struct rf_job {
    rf_job *next;              /* for whoever queues it */
    rf_generation *generation; /* the one it was checked under; a reference */
    rf_command *commands;
    rf_result *results;
    size_t count;
    bool atomic;        /* all lines or none */
    bool dry_run;       /* only tell what would happen: later lines see the
                           earlier ones, nobody else sees any */
    bool stops_invalid; /* an invalid line follows the last one: a basket
                           that gets that far is undone */
    rf_text actor;
    unsigned char request_id[16];
    int64_t queued_ns; /* monotonic, for the latency histogram */

    /* Out: the line that stopped a basket, or `count`. */
    size_t stopped_at;
    /* Out: RF_OK, or why what is due in the environment could not be done. */
    rf_status due_status;

    void (*done)(rf_job *job); /* called on the writer's thread */
    void *owner;
};

/* Say whether quantities at a command's place tell what it does. */
bool rf_operation_is_of_stock(rf_operation operation);

/* Check a command against a catalog: lengths in bytes, the dimensions that a
 * reservation may have (those that may be dropped are dropped), its mapping,
 * quantities that must not be zero, groups without gaps, the measures that a
 * consumption names; then fill in the fingerprint of its
 * content, for which `scratch` is memory that is used again. Only what makes a
 * request invalid is found here: refusals are the engine's, which remembers
 * them. */
RF_MUST_CHECK rf_status rf_command_check(const rf_catalog *catalog,
                                         rf_command *command,
                                         rf_buffer *scratch, rf_error *err);

/* Free what a result owns; only the results of a dry run own something. */
void rf_result_done(rf_result *result);

/* Return the word that a client reads as "code": of what was refused, or of
 * what there is to say about a success; "" when there is nothing. Borrowed for
 * ever. */
const char *rf_result_word(const rf_result *result);

/* The contract's words for an operation: "reserve" and "ohre". */
const char *rf_operation_name(rf_operation operation);
const char *rf_operation_prefix(rf_operation operation);

#define RF_RESERVATION_TEXT_MAX 40

/* Print a reservation's id as clients see it, and read it back; false: it
 * cannot be one of ours. The second half is where to find its product when a
 * client does not say it. */
size_t rf_reservation_print(uint64_t id, uint64_t created,
                            char text[RF_RESERVATION_TEXT_MAX]);
bool rf_reservation_parse(rf_text text, uint64_t *id, uint64_t *created);

#endif
