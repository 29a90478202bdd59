#include "http/counters.h"

const int64_t http_time_bounds[HTTP_TIME_BUCKETS] = {
    100,   250,    500,    1000,   2500,    5000,    10000,   25000,
    50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, INT64_MAX,
};

void count_time(struct counters *counters, int64_t microseconds)
{
    unsigned bucket = 0;
    while (microseconds > http_time_bounds[bucket])
        bucket++;
    count(counters, COUNT_BUCKETS + bucket, 1);
    count(counters, COUNT_TIME, microseconds > 0 ? (uint64_t)microseconds : 0);
}

/* The two were read at different moments. */
static uint64_t difference(uint64_t begun, uint64_t ended)
{
    return begun > ended ? begun - ended : 0;
}

void counters_add(const struct counters *counters, struct http_metrics *sum)
{
    uint64_t values[COUNTERS];
    for (unsigned i = 0; i < COUNTERS; i++)
        values[i] = atomic_load_explicit(&counters->values[i], memory_order_relaxed);
    sum->connections_accepted += values[COUNT_ACCEPTED];
    sum->connections_refused += values[COUNT_REFUSED];
    sum->connections_open += difference(values[COUNT_ACCEPTED], values[COUNT_CLOSED]);
    sum->connections_timed_out += values[COUNT_TIMED_OUT];
    sum->handshakes += values[COUNT_HANDSHAKES];
    sum->handshake_failures += values[COUNT_HANDSHAKE_FAILURES];
    sum->requests_in_work += difference(values[COUNT_KEPT], values[COUNT_FINISHED]);
    sum->answers_dropped += values[COUNT_DROPPED];
    sum->bytes_in += values[COUNT_BYTES_IN];
    sum->bytes_out += values[COUNT_BYTES_OUT];
    sum->time_total += values[COUNT_TIME];
    for (unsigned i = 0; i < 6; i++)
        sum->responses[i] += values[COUNT_CLASSES + i];
    for (unsigned i = 0; i < HTTP_PROBLEM_COUNT; i++)
        sum->problems[i] += values[COUNT_PROBLEMS + i];
    for (unsigned i = 0; i < HTTP_TIME_BUCKETS; i++)
        sum->time_buckets[i] += values[COUNT_BUCKETS + i];
}
