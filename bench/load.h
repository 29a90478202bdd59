#ifndef SHIKAKU_BENCH_LOAD_H
#define SHIKAKU_BENCH_LOAD_H

#include <openssl/types.h>
#include <sys/types.h>

#include "base/bytes.h"

/*
 * Load on an HTTP server from one thread: connections that are kept alive, each with one request under way,
 * so that the rate is what the server gives. Times are from the last byte sent to the last byte received.
 */
struct load_settings {
    const char *address; /* numeric IPv4 */
    uint16_t port;
    SSL_CTX *tls; /* borrowed, client side; NULL: plain HTTP */
    unsigned connections;
    double warm_up; /* seconds, not counted */
    double seconds;
    pid_t server;  /* its processor time is read from /proc; 0: not known. Threads included, children not. */
    int processor; /* where to run, or -1 */
    /* The whole request, head and body, as sent; borrowed until the next call. */
    struct bytes (*next_request)(void *context);
    /* Sees each answer; may be NULL. */
    void (*see_response)(void *context, unsigned status, struct bytes body);
    void *context;
};

struct load_result {
    uint64_t requests;
    uint64_t failures; /* answers other than 2xx, and broken connections */
    double seconds;
    double p50, p90, p99, p999, longest; /* microseconds */
    double server_microseconds;          /* processor time of the server a request; 0 when not known */
    double own_microseconds;
};

enum status load_run(const struct load_settings *settings, struct load_result *result) MUST_CHECK;
/* One line for people, or one JSON object. */
void load_print(const char *name, const struct load_result *result, bool json);

#endif
