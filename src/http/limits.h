#ifndef SHIKAKU_HTTP_LIMITS_H
#define SHIKAKU_HTTP_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Everything that bounds what a peer can make the server do, in one place. The values are ours. Times are
 * milliseconds and are checked about four times a second; 0 means no limit where "0: none" stands.
 */
struct http_limits {
    /* Size */
    size_t request_line;   /* bytes of the first line; default 4,096 → 414 */
    size_t header_bytes;   /* bytes of all header lines; default 16,384 → 431 */
    size_t header_count;   /* default 64, at most HTTP_MAX_HEADERS → 431 */
    size_t body;           /* of a route that sets none of its own; default 65,536 → 413 */
    size_t request_memory; /* a request's region; default 16 MiB */

    /* Number */
    size_t connections; /* all listeners together; default 8,192. Beyond it the longest idle one is closed */
    size_t connections_per_peer; /* IPv4 address or IPv6 /64; 0: none; default 0, since proxies and NAT share
                                    one */
    size_t requests_per_connection; /* 0: none; default 100,000 */

    /* Time, ms */
    unsigned handshake_time; /* default 10,000 */
    unsigned idle_time;      /* between two requests; default 75,000 */
    unsigned header_time;    /* first byte to end of the headers, however slowly they drip; default 10,000 */
    unsigned body_time;      /* end of the headers to the last byte of the body; default 60,000 */
    unsigned answer_time;    /* a kept request; 0: none; default 120,000 → 503 */
    unsigned write_time;     /* until the peer has taken an answer; default 60,000 */
    unsigned linger_time;    /* taking what the peer still sends after a last answer; default 2,000 */

    /* Rate, per client certificate, or per address without one */
    unsigned requests_per_second; /* 0: none; default 0 */
    unsigned burst;               /* default 2 × requests_per_second → 429 */
};

enum { HTTP_MAX_HEADERS = 128 };

extern const struct http_limits http_default_limits;

#endif
