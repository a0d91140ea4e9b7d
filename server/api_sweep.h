/*
 * api_sweep.h - no answer counts a hold that has ended.
 *
 * The writer ends holds when their time comes, a moment late at times. A route
 * that reads what they count in (RF_ROUTE_STOCK) is not handled before the
 * writer has ended those that had ended when the request was read.
 */
#ifndef RINGFENCE_SERVER_API_SWEEP_H
#define RINGFENCE_SERVER_API_SWEEP_H

#include "server/api_internal.h"

/* Have the writer end what has ended, if anything has, then handle the call.
 * When there is no room to write, the call is handled all the same: reads go
 * on. When the writer cannot do it for another reason, the call fails: its
 * answer would be wrong and nobody could tell. */
rf_step rf_sweep_first(rf_call *call);

#endif
