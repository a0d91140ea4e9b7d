/*
 * fake_host.h - a host of scripts with a single one, for the tests of those
 * who ask it.
 *
 * The script, iv.free of the plugin acme, gives what was posted to pos.inbound
 * less what is softly reserved. The host notes what it was asked about.
 */
#ifndef RINGFENCE_TESTS_UNIT_FAKE_HOST_H
#define RINGFENCE_TESTS_UNIT_FAKE_HOST_H

#include "tests/unit/engine_rig.h"

/* Places that are noted; there may be more. */
#define FAKE_HOST_GIVEN_MAX 8

typedef struct fake_host {
    rf_formula_host face;
    rf_measure inbound;
    rf_measure reserved;
    bool fails; /* from now on, as a script does */
    unsigned asked;
    unsigned released;
    rf_level given[FAKE_HOST_GIVEN_MAX]; /* of the places, in order */
    int64_t now_ms;                      /* of the last question */
    char product[16];
} fake_host;

/* Publish the shop with its reservations checked by the host's script. The
 * host has to last until the rig's tear-down, which releases it. */
void fake_host_publish(fake_host *host, engine_rig *rig);

#endif
