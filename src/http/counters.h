#ifndef SHIKAKU_HTTP_COUNTERS_H
#define SHIKAKU_HTTP_COUNTERS_H

#include <stdatomic.h>

#include "http/metrics.h"

/* A loop's numbers: written by its thread alone, read by any. */
enum counter {
    COUNT_ACCEPTED,
    COUNT_REFUSED,
    COUNT_CLOSED,
    COUNT_TIMED_OUT,
    COUNT_HANDSHAKES,
    COUNT_HANDSHAKE_FAILURES,
    COUNT_KEPT,
    COUNT_FINISHED, /* of the kept ones */
    COUNT_DROPPED,
    COUNT_BYTES_IN,
    COUNT_BYTES_OUT,
    COUNT_TIME,
    COUNT_CLASSES,                                       /* 6: responses by status / 100 */
    COUNT_PROBLEMS = COUNT_CLASSES + 6,                  /* by enum http_problem */
    COUNT_BUCKETS = COUNT_PROBLEMS + HTTP_PROBLEM_COUNT, /* by time */
    COUNTERS = COUNT_BUCKETS + HTTP_TIME_BUCKETS,
};

struct counters {
    atomic_uint_fast64_t values[COUNTERS];
};

/* The writer's thread only: no locked instruction. */
static inline void count(struct counters *counters, unsigned counter, uint64_t by)
{
    uint64_t value = atomic_load_explicit(&counters->values[counter], memory_order_relaxed);
    atomic_store_explicit(&counters->values[counter], value + by, memory_order_relaxed);
}

void count_time(struct counters *counters, int64_t microseconds);
void counters_add(const struct counters *counters, struct http_metrics *sum);

#endif
