/*
 * api_result.h - the shapes of replies: single results, errors, numbers.
 *
 * Every reply to a write and every error is one object:
 *
 *     {"id":"ohre~r-1","processingStatus":"failure","message":"...",
 *      "statusCode":500,"code":"insufficient_available","field":"quantity"}
 *
 * `code` and `field` are there on failures only, but for a set that came too
 * late to change anything: that is a success with a `code`. What a plugin is to
 * blame for says where: `plugin` and `line`, with the `function` that failed
 * while it was asked, or the `file` that could not be loaded. The body's
 * statusCode follows from the class of the status alone; the HTTP status is the
 * same but for refusals, where the environment decides.
 */
#ifndef RINGFENCE_SERVER_API_RESULT_H
#define RINGFENCE_SERVER_API_RESULT_H

#include "core/command.h"
#include "server/api_internal.h"
#include "server/json_write.h"

#define RF_CONTENT_JSON "application/json; charset=utf-8"

/* The members that every result has. Texts are borrowed. */
typedef struct rf_answer {
    const char *prefix; /* of the id, such as "ohre" */
    rf_text id;         /* the client's; empty: the result's id is "" */
    rf_status status;
    bool partial; /* done in part */
    const char *message;
    const char *field;             /* empty: none */
    const rf_script_place *script; /* where in a plugin, or NULL */
} rf_answer;

/* Return the body's statusCode. */
int rf_answer_code(rf_status status);

/* Return the HTTP status; `refusal` is that of refusals, 0 for the body's. */
int rf_answer_http(rf_status status, int refusal);

/* Put the members of an answer; the object is the caller's to begin and end. */
void rf_answer_put(rf_json_writer *writer, const rf_answer *answer);

/* Put what a command's result adds: reservationId, quantity, available and
 * binding of a reservation, when a hold ends, and the like. */
void rf_result_put_extra(rf_json_writer *writer, const rf_catalog *catalog,
                         const rf_command *command, const rf_result *result);

/* Put `dimensions` or the like: an object with the coordinates of `shown`, a
 * coordinate without a value as "". */
void rf_put_place(rf_json_writer *writer, const rf_catalog *catalog,
                  rf_level shown, const rf_place *place);

/* Put the names of a level's coordinates, an array. */
void rf_put_level(rf_json_writer *writer, const rf_catalog *catalog,
                  rf_level level);

/* Put `binding`: which level left the least, and how much that was. */
void rf_put_binding(rf_json_writer *writer, const rf_catalog *catalog,
                    rf_level level, rf_quantity value);

/* Put `reservationId`; `created` is the journal number of its first command. */
void rf_put_reservation_id(rf_json_writer *writer, uint64_t id,
                           uint64_t created);

/* Put the `state` of an adjustment that was not refused: "posted", or "staged"
 * and `postsAt`. */
void rf_put_adjustment_state(rf_json_writer *writer, const rf_result *result);

/* Put a time as text, "2031-03-10T09:00:00Z"; milliseconds since 1970. The
 * exact one has milliseconds, too, where they are not zero. */
void rf_put_time(rf_json_writer *writer, int64_t at_ms);
void rf_put_exact_time(rf_json_writer *writer, int64_t at_ms);

/* Put a date, "2031-03-10"; of any time in it. */
void rf_put_date(rf_json_writer *writer, int64_t at_ms);

/* Begin the JSON reply of a call. */
void rf_reply_begin(rf_call *call, int status, rf_json_writer *writer);

/* Tell the log about a failure that should not be: a bug of ours or a plugin's
 * failure. All others are the client's to know. Plugins' failures are counted,
 * and logged once a second at most. */
void rf_answer_log(const rf_call *call, const rf_answer *answer);

/* End a call with an error. Returns RF_STEP_DONE, or RF_STEP_DROP where a part
 * of the reply is on its way: that goes to the log. */
rf_step rf_reply_error(rf_call *call, const rf_answer *answer);

/* The same for an error that belongs to no id. */
rf_step rf_reply_failure(rf_call *call, const rf_error *error);

/* The same for memory that could not be had. */
rf_step rf_reply_no_memory(rf_call *call);

#endif
