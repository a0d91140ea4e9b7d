/*
 * histogram.h - latencies counted in buckets of about one and a half percent.
 *
 * A run may make tens of millions of requests, so single values are not kept.
 * Every power of two is cut into 64 equal buckets: small enough that two runs
 * are told apart, few enough to stay in the processor's cache.
 */
#ifndef RINGFENCE_TESTS_BENCH_HISTOGRAM_H
#define RINGFENCE_TESTS_BENCH_HISTOGRAM_H

#include <stdint.h>

/* 64 buckets for each power of two up to 2^40 nanoseconds, 18 minutes. */
#define HISTOGRAM_BUCKETS (36 * 64)

/* All zero is an empty histogram. */
typedef struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
    uint64_t max_ns;
} histogram;

/* Count one latency; what is longer than 2^40 ns counts as that. */
void histogram_add(histogram *latencies, uint64_t ns);

/* The latency in microseconds that a `share` (0 to 1) of the values does not
 * exceed, to the width of a bucket; 0 when nothing was counted. */
double histogram_quantile_us(const histogram *latencies, double share);

#endif
