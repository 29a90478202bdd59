#ifndef SHIKAKU_HTTP_METRICS_H
#define SHIKAKU_HTTP_METRICS_H

#include <stdint.h>

#include "http/message.h"

enum { HTTP_TIME_BUCKETS = 16 };

/* Upper bounds of the time buckets in microseconds; the last has none (INT64_MAX). */
extern const int64_t http_time_bounds[HTTP_TIME_BUCKETS];

/* Numbers since the start of the server, except open connections and requests in work. Nothing about people.
 */
struct http_metrics {
    uint64_t connections_accepted;
    uint64_t connections_refused; /* by a limit */
    uint64_t connections_open;
    uint64_t connections_timed_out;
    uint64_t handshakes;
    uint64_t handshake_failures;
    uint64_t requests_in_work; /* kept, not yet answered */
    uint64_t responses[6];     /* by status / 100; 0 and 1 unused */
    uint64_t answers_dropped;  /* the caller had gone */
    uint64_t problems[HTTP_PROBLEM_COUNT];
    uint64_t bytes_in; /* of HTTP, inside TLS */
    uint64_t bytes_out;
    uint64_t
        time_buckets[HTTP_TIME_BUCKETS]; /* requests by time from end of head to answer; not cumulative */
    uint64_t time_total;                 /* microseconds */
};

#endif
