/*
 * api_internal.h - what the files of the api part share.
 *
 * A call is one request on its way through the api: made by the dispatcher
 * (api.c) once the path is known, handed to the handler of its route, and, if
 * that has to wait, resumed later on the same I/O thread. Everything a call
 * needs lives in its exchange's arena.
 *
 * Each resource has a file of its own with a const table of its routes; the
 * dispatcher knows the tables and nothing else about them.
 */
#ifndef RINGFENCE_SERVER_API_INTERNAL_H
#define RINGFENCE_SERVER_API_INTERNAL_H

#include "core/command.h"
#include "core/generation.h"
#include "core/world.h"
#include "server/api.h"
#include "server/api_route.h"
#include "server/json.h"
#include "server/url.h"

#include <pthread.h>
#include <stdatomic.h>

/* What an I/O thread keeps between its requests. */
typedef struct rf_api_thread {
    rf_api *api;
    unsigned number; /* of the states that run formulas for it */
    rf_metrics_shard *metrics;
    rf_view view;
    const rf_world *world; /* what it shows during this request */
    rf_auth_cache auth_cache;
    rf_buffer scratch; /* for fingerprints; its memory is used again */
} rf_api_thread;

#define RF_ROUTES_MAX 128

struct rf_api {
    rf_api_options options;
    rf_metrics *metrics;
    const char *route_words[RF_ROUTES_MAX]; /* labels, lent to the metrics */
    size_t
        route_counters[RF_ROUTES_MAX]; /* by route: which label it counts as */
    const char *operation_words[RF_OPERATION_COUNT];
    rf_metrics_shard *writer_metrics;
    pthread_mutex_t scraping; /* sources are asked by one thread at a time */
    rf_view scrape_view;      /* while they are asked */
    atomic_bool draining;
    atomic_llong script_error_ns;  /* when one was logged last */
    atomic_uint script_errors_cut; /* not logged since */
    atomic_uint streams;           /* of events, open now */
    rf_api_wire wire;
};

typedef struct rf_call rf_call;

/* Carry a call on. RF_STEP_WAIT and RF_STEP_AGAIN: `resume` of the call is
 * what comes next. */
typedef rf_step rf_call_step(rf_call *call);

typedef enum {
    RF_ROUTE_OPEN = 1 << 0,     /* asks for no key */
    RF_ROUTE_HOST = 1 << 1,     /* stands at the root, in no environment */
    RF_ROUTE_BODY = 1 << 2,     /* takes a JSON body */
    RF_ROUTE_DOCUMENT = 1 << 3, /* takes one that may be deeper and longer */
    RF_ROUTE_CREATES = 1 << 4,  /* the environment need not exist yet */
    RF_ROUTE_TEXT = 1 << 5,     /* takes a body of text, read by its handler */
    RF_ROUTE_STOCK = 1 << 6,    /* reads stock or what is held: holds that have
                                   ended are ended first */
    RF_ROUTE_REAL = 1 << 7,     /* changes something and cannot be tried:
                                   dryRun=true is refused */
    RF_ROUTE_TUPLES = 1 << 8    /* takes a JSON body of many small values */
} rf_route_flag;

/* One row of a resource's table. */
typedef struct rf_route {
    rf_method method;
    const char *path;    /* "/plugins/{name}", below the environment */
    unsigned permission; /* bits of rf_permission */
    unsigned flags;      /* bits of rf_route_flag */
    rf_call_step *handle;
} rf_route;

typedef struct rf_routes {
    const rf_route *rows;
    size_t count;
} rf_routes;

/* The tables. */
extern const rf_routes rf_routes_onhand;
extern const rf_routes rf_routes_schedule;
extern const rf_routes rf_routes_set;
extern const rf_routes rf_routes_reserve;
extern const rf_routes rf_routes_query;
extern const rf_routes rf_routes_availability;
extern const rf_routes rf_routes_allocation;
extern const rf_routes rf_routes_allocation_query;
extern const rf_routes rf_routes_allocation_records;
extern const rf_routes rf_routes_allocation_plan;
extern const rf_routes rf_routes_configuration;
extern const rf_routes rf_routes_partitions;
extern const rf_routes rf_routes_events;
extern const rf_routes rf_routes_history;
extern const rf_routes rf_routes_reservations;
extern const rf_routes rf_routes_products;
extern const rf_routes rf_routes_plugins;
extern const rf_routes rf_routes_reload;
extern const rf_routes rf_routes_jobs;
extern const rf_routes rf_routes_adjustment;
extern const rf_routes rf_routes_log;
extern const rf_routes rf_routes_server;
extern const rf_routes rf_routes_token;
extern const rf_routes rf_routes_orders;
extern const rf_routes rf_routes_envelope;
extern const rf_routes rf_routes_pages;

/* All of them, in the order in which the dispatcher goes through them. Borrowed
 * for ever. */
const rf_routes *const *rf_api_tables(size_t *count);

struct rf_call {
    rf_exchange *exchange;
    rf_api_thread *thread;
    const rf_route *route; /* NULL while none was found */
    size_t route_index;    /* among the metrics' words */
    const rf_identity *identity;
    rf_caller caller;          /* room for an identity of the call's own */
    rf_generation *generation; /* a reference, or NULL */
    rf_text environment;       /* as the path spells it */
    rf_text captured[RF_ROUTE_CAPTURES_MAX]; /* what stands for the braces */
    rf_url_query query;
    const rf_json *body; /* NULL for routes without one */
    rf_call_step *resume;
    void *state; /* the handler's own */
};

/* The catalog of the call's environment. */
const rf_catalog *rf_call_catalog(const rf_call *call);

/* Return the generation in force now, borrowed until the thread looks again. */
rf_generation *rf_call_newest(const rf_call *call);

/* Take the generation in force now instead of the one the call has; for calls
 * that outlive generations, which would else keep them. */
void rf_call_renew(rf_call *call);

/* Give it back until then. */
void rf_call_rest(rf_call *call);

/* Find the call's environment and check that the caller may use the call's
 * route there; takes a reference to its generation.
 * RF_E_UNKNOWN_ENVIRONMENT, RF_E_FORBIDDEN. */
RF_MUST_CHECK rf_status rf_call_enter(rf_call *call, rf_error *err);

/* Run the handler of the call's route, holds that have ended ended first where
 * it asks for that. */
rf_step rf_call_serve(rf_call *call);

/* Take zeroed memory that lives as long as the call; NULL when there is none.
 */
void *rf_call_alloc(rf_call *call, size_t count, size_t size);

/* Read a parameter of the query: true or false, in any letter case.
 * RF_E_INVALID_FIELD. Absent: `out` stays as it was. */
RF_MUST_CHECK rf_status rf_call_flag(const rf_call *call, const char *name,
                                     bool *out, rf_error *err);

/* The same for a whole number from `min` to `max`. */
RF_MUST_CHECK rf_status rf_call_integer(const rf_call *call, const char *name,
                                        int64_t min, int64_t max, int64_t *out,
                                        rf_error *err);

/* Read a text that is nothing but decimal digits; false: it is not, or too
 * large. */
bool rf_api_read_digits(rf_text text, int64_t *out);

/* Write the 16 bytes of the call's correlation id. */
void rf_call_request_id(const rf_call *call, unsigned char out[16]);

/* Nanoseconds of a clock that never goes back. */
int64_t rf_api_now_ns(void);

/* Milliseconds since 1970: what time it is for formulas. */
int64_t rf_api_clock_ms(void);

#endif
