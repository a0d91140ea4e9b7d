/*
 * http_internal.h - the objects the files of the http part share.
 *
 * rf_http owns its threads, a thread owns its connections. Everything of a
 * thread and of its connections is touched on that thread alone, which is why
 * nothing here has a lock; the exceptions are atomic and say so. A connection
 * reaches its thread over `woken`: when it has been accepted, and each time
 * its exchange is to be resumed.
 */
#ifndef RINGFENCE_SERVER_HTTP_INTERNAL_H
#define RINGFENCE_SERVER_HTTP_INTERNAL_H

#include "server/http.h"
#include "server/http_memory.h"
#include "server/http_parse.h"
#include "server/http_reply.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

struct bufferevent;
struct evconnlistener;
struct event;
struct event_base;

typedef struct rf_http_thread rf_http_thread;
typedef struct rf_http_connection rf_http_connection;

typedef enum {
    RF_HTTP_OPENING,   /* accepted, its thread has not seen it yet */
    RF_HTTP_READING,   /* idle, or part of a request is there */
    RF_HTTP_HANDLING,  /* the handler has the exchange */
    RF_HTTP_STREAMING, /* a stream rests between two pieces */
    RF_HTTP_WRITING,   /* the client has not taken all of the replies */
    RF_HTTP_LINGERING, /* our side is shut, waiting for the client's */
    RF_HTTP_DEAD       /* freed when the current callback ends */
} rf_http_state;

struct rf_http_connection {
    rf_exchange exchange; /* first: rf_exchange_wake gets back from it */
    rf_http_thread *thread;
    rf_http_connection *previous; /* of all connections of the thread */
    rf_http_connection *next;
    rf_http_connection *next_queued;    /* on `woken` or on `again` */
    rf_http_connection *watch_previous; /* of the thread's streams that watch */
    rf_http_connection *watch_next;
    struct bufferevent *events; /* owned; NULL once the client is gone */
    rf_http_parser *parser;     /* owned */
    rf_buffer out;              /* small replies not yet sent */
    uint64_t started_ns;        /* first byte of the request */
    uint64_t deadline_ns;       /* of the present state */
    uint64_t replied_ns;        /* the head of a stream was sent */
    uint64_t sent_ns;           /* its last piece was sent */
    size_t pending_bytes;       /* of it, not taken when the deadline was set */
    size_t held_bytes;          /* of it, taken from the budget */
    size_t discarded_bytes;     /* while lingering */
    int descriptor;             /* until `events` owns it, then -1 */
    rf_http_state state;
    bool unwanted;    /* one too many: refuse it and hang up */
    bool closing;     /* the reply under way is the last */
    bool input_ended; /* the client will send no more */
    bool asked_close; /* the client wants to close after this request */
    bool is_watcher;  /* on the list of those, until the exchange ends */
    bool watching;    /* the stream rests until it is stirred */
    bool stirred;     /* it was, but the client has not taken all */
};

struct rf_http_thread {
    rf_http *http;
    unsigned index;
    pthread_t id;
    struct event_base *base;
    struct event *wake_event;
    struct event *sweep_event;
    struct event *again_event;
    int wake_descriptor;
    _Atomic(rf_http_connection *) woken; /* pushed to by any thread */
    rf_http_connection *open;
    rf_http_connection *watchers;
    atomic_uint watcher_count;       /* read by any thread */
    atomic_bool stirred;             /* set by any thread */
    rf_http_connection *again_first; /* to be resumed at the next turn */
    rf_http_connection *again_last;
    void *context; /* the handler's, NULL when it did not start */
    rf_http_random random;
    char date[RF_HTTP_DATE_BYTES];
    bool draining;
    uint64_t drain_deadline_ns;
};

struct rf_http {
    rf_http_options options;
    rf_http_limits limits;
    rf_http_memory memory;
    rf_http_thread **threads;        /* owned; NULL before the start */
    struct evconnlistener *listener; /* on the first thread's loop */
    unsigned next_thread;            /* for the next connection */
    uint64_t accept_warned_ns;
    unsigned port;
    atomic_uint connections;
    atomic_bool stopping;
    sem_t ready; /* posted by each thread when its handler is */
    sem_t go;    /* posted for each thread when all are */
    bool running;
};

/* ---- http.c ---- */

uint64_t rf_http_now_ns(void);

/* Pass a problem to the owner of the server. */
void rf_http_warn(const rf_http *http, const char *format, ...) RF_PRINTF(2, 3);

/* ---- http_listen.c ---- */

/* Raise the descriptor limit, or lower connections_max and warn. */
RF_MUST_CHECK rf_status rf_http_fit_descriptors(rf_http *http, rf_error *err);

/* Bind and listen on the first thread's loop, and learn the port. */
RF_MUST_CHECK rf_status rf_http_listen(rf_http *http, rf_error *err);

/* Accept again if there is room again. */
void rf_http_listen_again(rf_http *http);

void rf_http_unlisten(rf_http *http);

/* ---- http_thread.c ---- */

/* Make a thread's loop without starting it; NULL when out of memory or
 * descriptors. */
rf_http_thread *rf_http_thread_create(rf_http *http, unsigned index);

/* The thread's body, for pthread_create. */
void *rf_http_thread_run(void *thread);

/* Have a connection looked at on its thread. Any thread. */
void rf_http_thread_push(rf_http_thread *thread,
                         rf_http_connection *connection);

/* Have the thread notice that the server is stopping. Any thread. */
void rf_http_thread_notify(rf_http_thread *thread);

/* Have the thread's streams that watch look again. Any thread. */
void rf_http_thread_stir(rf_http_thread *thread);

/* Have a connection's exchange resumed on a later turn of the loop. */
void rf_http_thread_again(rf_http_thread *thread,
                          rf_http_connection *connection);

void rf_http_thread_add(rf_http_thread *thread, rf_http_connection *connection);
void rf_http_thread_remove(rf_http_thread *thread,
                           rf_http_connection *connection);

/* After the thread has ended: close connections it never saw. Returns how many
 * exchanges were left waiting. */
unsigned rf_http_thread_leftovers(rf_http_thread *thread);

/* Free an ended thread with everything it holds. NULL is accepted. */
void rf_http_thread_free(rf_http_thread *thread);

/* ---- http_send.c ---- */

/* Small replies are joined up to this size, so that pipelined requests share
 * one system call; a larger body is handed over instead of copied. */
#define RF_HTTP_JOINED_BYTES_MAX ((size_t)16 * 1024)

/* Clear a buffer, and free its memory if a large reply went through it. */
void rf_http_give_back(rf_buffer *buffer);

/* The client is gone: close the socket. The connection is dead then, unless
 * its exchange is being handled, which goes on without a client. */
void rf_http_lose(rf_http_connection *connection);

/* The same for a client that takes nothing: what the kernel still keeps for it
 * is given up at once. */
void rf_http_cut(rf_http_connection *connection);

/* Bytes the socket would not take yet. Not for a lost connection. */
size_t rf_http_unsent_bytes(const rf_http_connection *connection);

/* Queue the response of the exchange. A large body is moved out of it, or, when
 * too many of them wait already, becomes a refusal. */
void rf_http_queue_reply(rf_http_connection *connection);

/* Send what is queued, as far as the client takes it. */
void rf_http_send_now(rf_http_connection *connection);

/* ---- http_stream.c; all but `finish` and `forget` for a stream at rest or
 * one whose exchange has just said what is next ---- */

/* Send the body as the next piece, after the head if it is the first. */
void rf_http_stream_send(rf_http_connection *connection);

/* Rest until the client has taken the piece, and, when the stream watches,
 * until it is stirred. */
void rf_http_stream_rest(rf_http_connection *connection, bool watching);

/* Say whether there is nothing more to wait for: the client is gone, or wanted
 * the head only, or the stream would watch for ever. */
bool rf_http_stream_is_over(const rf_http_connection *connection);

/* End the rest. */
void rf_http_stream_rouse(rf_http_connection *connection);

/* The client has taken all there was. */
void rf_http_stream_taken(rf_http_connection *connection);

/* Something has happened. */
void rf_http_stream_stirred(rf_http_connection *connection);

/* The deadline has passed: send a heartbeat, or lose a client that has taken
 * nothing. */
void rf_http_stream_expire(rf_http_connection *connection);

/* The server is stopping. */
void rf_http_stream_drain(rf_http_connection *connection);

/* Queue the rest of the body and the end. */
void rf_http_stream_finish(rf_http_connection *connection);

/* Give back what the stream took from the budget. */
void rf_http_stream_release(rf_http_connection *connection);

/* The exchange has ended, it may have been a stream. */
void rf_http_stream_forget(rf_http_connection *connection);

/* ---- http_connection.c; each of the calls may free the connection ---- */

/* Make a connection for an accepted socket, which it then owns; NULL (the
 * socket still the caller's) when out of memory. */
rf_http_connection *rf_http_connection_create(rf_http_thread *thread,
                                              int descriptor);

void rf_http_connection_free(rf_http_connection *connection);

/* It came over `woken`: begin to read, or resume its exchange. */
void rf_http_connection_woken(rf_http_connection *connection);

/* Resume its exchange. */
void rf_http_connection_resume(rf_http_connection *connection);

/* Its deadline has passed. */
void rf_http_connection_expire(rf_http_connection *connection);

/* The server is stopping: close it if it is idle. */
void rf_http_connection_drain(rf_http_connection *connection);

/* The server has stopped: close it. Only an exchange that somebody may still
 * wake outlives this, until rf_http_free. */
void rf_http_connection_abandon(rf_http_connection *connection);

#endif
