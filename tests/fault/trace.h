/*
 * trace.h - what the recorder writes down and the replay reads.
 *
 * A trace is a sequence of records, each a header and, for some kinds, bytes.
 * A write is recorded before it is made, because a power cut may find it half
 * done; that it is durable is recorded after the call that made it so has
 * returned. A reply is recorded before it is handed to the kernel. So the
 * records before any cut are all that had begun by then, and a client may know
 * of a reply only if it is among them.
 */
#ifndef RINGFENCE_TESTS_FAULT_TRACE_H
#define RINGFENCE_TESTS_FAULT_TRACE_H

#include <stdint.h>

/* The environment variable that tells the recorder the path of the trace. */
#define RF_TRACE_PATH "RINGFENCE_RECORD_TRACE"

typedef enum {
    RF_TRACE_WRITE = 1, /* bytes for the store at `where` */
    RF_TRACE_DURABLE,   /* the write with the number `where` is durable */
    RF_TRACE_SYNC,      /* all writes numbered below `where` are durable */
    RF_TRACE_TRUNCATE,  /* the store's size becomes `where` */
    RF_TRACE_SENT,      /* bytes for the socket `where` */
    RF_TRACE_UNSOUND    /* something the replay cannot follow; why, as text */
} rf_trace_kind;

typedef struct rf_trace_header {
    uint64_t kind;
    uint64_t number; /* counts up from 0 without gaps */
    uint64_t where;
    uint64_t length; /* of the bytes that follow */
} rf_trace_header;

#endif
