/*
 * switch.h - the switch of the fault library, shared between two processes.
 *
 * A file that the test and the server under test both map. The test writes a
 * fault as a text and raises `generation`; the library reads the text at its
 * next call. So a fault goes on and off while the server runs, and the test
 * sees how often it struck.
 *
 * A fault is "class:nth:error[:sticky]": the nth call of the class from now on
 * fails with that error, and with "sticky" every later one too.
 *
 *   class     data, meta (the descriptors of the store that need a sync, and
 *             that do not), sync, truncate, mmap, accept, send
 *   error     a name such as EIO; SHORT: only half of the bytes are taken;
 *             LATE, for data and meta: the write is made, and EIO reported
 */
#ifndef RINGFENCE_TESTS_FAULT_SWITCH_H
#define RINGFENCE_TESTS_FAULT_SWITCH_H

#include <stdatomic.h>

/* The environment variable with the path of the switch's file. */
#define RF_SWITCH_PATH "RINGFENCE_FAULT_SWITCH"

enum {
    RF_SWITCH_SPEC_BYTES = 64
};

typedef struct rf_switch {
    atomic_uint generation; /* raised behind every change of `spec` */
    atomic_uint hits;       /* calls that were made to fail since then */
    char spec[RF_SWITCH_SPEC_BYTES];
} rf_switch;

/* Make the file and map it. Ends the test when that fails. */
rf_switch *rf_switch_create(const char *path);

/* Unmap it; the file goes with its folder. */
void rf_switch_close(rf_switch *self);

/* Switch a fault on. Nothing may be under way that could read half of it: the
 * library compares generations, and the text is in place before that moves. */
void rf_switch_on(rf_switch *self, const char *spec);

/* Switch it off. Returns how often it struck. */
unsigned rf_switch_off(rf_switch *self);

#endif
