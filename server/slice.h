/*
 * slice.h - a thread's share of a core.
 */
#ifndef RINGFENCE_SERVER_SLICE_H
#define RINGFENCE_SERVER_SLICE_H

/* Ask that the calling thread be run in short slices. A thread that sleeps for
 * every flush of the disk then gets a core soon after it wakes, instead of
 * waiting until the threads that serve connections have used up theirs.
 * Nothing happens on kernels that cannot do it. */
void rf_slice_shorten(void);

#endif
