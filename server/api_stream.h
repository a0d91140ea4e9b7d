/*
 * api_stream.h - the journal as server-sent events.
 *
 *     id: 17
 *     event: reserve
 *     data: {"number":17,...}
 *
 * A stream begins behind a number and follows the journal for as long as the
 * client listens. It keeps no queue: each time the client has taken what it
 * was sent, the next piece is read from the journal. So nothing is left out
 * however slow the client is, it costs one piece of memory, and the writer
 * knows nothing of it.
 */
#ifndef RINGFENCE_SERVER_API_STREAM_H
#define RINGFENCE_SERVER_API_STREAM_H

#include "server/api_internal.h"

/* Say whether a call asks for a stream instead of a page. */
bool rf_stream_is_wanted(const rf_call *call);

/* Answer the call with the entries behind `after`, or behind the header
 * Last-Event-ID: that is what a client that connects again has seen. */
rf_step rf_stream_begin(rf_call *call, uint64_t after);

#endif
