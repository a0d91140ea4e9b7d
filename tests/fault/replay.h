/*
 * replay.h - the store as it may be after a power cut at any moment.
 *
 * A trace is cut at a random record. What had been made durable by then is in
 * the image. Each write that had begun but was not durable is kept, lost or
 * torn: a disk may do any of that, in any order, down to single sectors.
 * A cut before the first sync is not tried: nothing can have been promised
 * before the store's own first pages were safe.
 */
#ifndef RINGFENCE_TESTS_FAULT_REPLAY_H
#define RINGFENCE_TESTS_FAULT_REPLAY_H

#include "tests/fault/common.h"
#include "tests/fault/trace.h"

/* One state of the store's file; all borrowed during the visit. */
typedef struct rf_image {
    const char *bytes;
    size_t size;
    size_t record;    /* the cut: records before it had begun */
    size_t records;   /* of the whole trace */
    size_t unsynced;  /* writes that were not durable at the cut */
    const char *fate; /* what became of those, in words */
} rf_image;

/* Who looks at the replay: at every reply in the order they were sent, and at
 * every image, whose cut comes after the replies seen so far. */
typedef struct rf_replay_visitor {
    void *self;
    void (*sent)(void *self, uint64_t socket, const char *bytes, size_t length);
    void (*image)(void *self, const rf_image *image);
} rf_replay_visitor;

/* Cut a trace `images` times, in the order of time. A trace that is unsound or
 * was never synced ends the test. */
void rf_replay_run(const char *trace_path, rf_random *random, size_t images,
                   const rf_replay_visitor *visitor);

#endif
