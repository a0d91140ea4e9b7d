/*
 * random.c - randomness from the system.
 */
#include "server/random.h"

#include <errno.h>
#include <sys/random.h>

rf_status rf_random_fill(void *bytes, size_t size, rf_error *err)
{
    ssize_t got = 0;
    do {
        got = getrandom(bytes, size, 0);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)size
               ? RF_OK
               : rf_fail(err, RF_E_INTERNAL, "the system gives no randomness");
}
