/*
 * histogram.c - latencies counted in buckets of about one and a half percent.
 */
#include "tests/bench/histogram.h"

#define STEP_BITS 6
#define STEPS (UINT64_C(1) << STEP_BITS)
#define LONGEST_NS ((UINT64_C(1) << 40) - 1)

static unsigned find_bucket(uint64_t ns)
{
    if (ns < STEPS) {
        return (unsigned)ns;
    }
    unsigned power = 63U - (unsigned)__builtin_clzll(ns);
    unsigned shift = power - STEP_BITS;
    return (shift + 1) * (unsigned)STEPS +
           (unsigned)((ns >> shift) & (STEPS - 1));
}

/* The first value that lies above the bucket. */
static uint64_t bucket_end(unsigned bucket)
{
    if (bucket < STEPS) {
        return bucket + 1;
    }
    unsigned shift = bucket / (unsigned)STEPS - 1;
    uint64_t step = bucket % STEPS;
    return (STEPS + step + 1) << shift;
}

void histogram_add(histogram *latencies, uint64_t ns)
{
    uint64_t counted = ns < LONGEST_NS ? ns : LONGEST_NS;
    latencies->counts[find_bucket(counted)]++;
    latencies->total++;
    if (counted > latencies->max_ns) {
        latencies->max_ns = counted;
    }
}

double histogram_quantile_us(const histogram *latencies, double share)
{
    double wanted = share * (double)latencies->total;
    uint64_t seen = 0;
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += latencies->counts[bucket];
        if (seen > 0 && (double)seen >= wanted) {
            uint64_t end = bucket_end(bucket);
            uint64_t value = end < latencies->max_ns ? end : latencies->max_ns;
            return (double)value / 1000.0;
        }
    }
    return 0.0;
}
