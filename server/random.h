/*
 * random.h - bytes that nobody can guess, for keys and secrets.
 */
#ifndef RINGFENCE_SERVER_RANDOM_H
#define RINGFENCE_SERVER_RANDOM_H

#include "core/error.h"

#include <stddef.h>

/* Fill at most 256 bytes. RF_E_INTERNAL: the system gives none. */
RF_MUST_CHECK rf_status rf_random_fill(void *bytes, size_t size, rf_error *err);

#endif
