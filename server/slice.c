/*
 * slice.c - asking the scheduler for short slices.
 *
 * The C library has no call for this, so the kernel's structure stands here.
 */
#include "server/slice.h"

#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLICE_NANOSECONDS 100000

struct attributes {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime; /* of an ordinary thread: its slice */
    uint64_t deadline;
    uint64_t period;
};

void rf_slice_shorten(void)
{
    struct attributes wanted = {.size = sizeof wanted,
                                .policy = SCHED_OTHER,
                                .runtime = SLICE_NANOSECONDS};
    if (syscall(SYS_sched_setattr, 0, &wanted, 0) != 0) {
        return; /* an older kernel, or not allowed: slower, not wrong */
    }
}
