#ifndef SHIKAKU_HTTP_LOOP_STATE_H
#define SHIKAKU_HTTP_LOOP_STATE_H

#include <event2/event_struct.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http/census.h"
#include "http/connection.h"
#include "http/counters.h"
#include "http/rate.h"
#include "http/response.h"
#include "http/server.h"

enum { READ_SIZE = 32768, MAX_LISTENERS = 8 };

/* One listening address, shared by all loops. */
struct listener {
    struct http_server *server;
    const struct http_router *router;
    bool is_tls;
    uint16_t port;
    pthread_mutex_t lock; /* for context */
    SSL_CTX *context;     /* owned */
};

/* A loop's own socket for a listener. */
struct door {
    struct http_loop *loop;
    struct listener *listener;
    int fd;
    struct event acceptable;
    bool resting; /* no file descriptors left: tried again at the next sweep */
};

struct http_loop {
    struct http_server *server;
    unsigned index;
    pthread_t thread;
    bool started;
    struct event_base *base;
    struct event wake, sweep;
    int wake_fd;
    _Atomic(struct http_task *) tasks; /* newest first */
    struct door doors[MAX_LISTENERS];
    size_t door_count;
    struct connection_list lists[CONNECTION_STATES];
    size_t open;                /* connections not DEAD */
    struct exchange *pool;      /* free ones */
    struct exchange *exchanges; /* all */
    struct buffer output;       /* where answers are encoded */
    bool stopping;
    int64_t force_at; /* monotonic microseconds, when stopping: what still runs then is cut off */
    struct http_task stop_task;
    uint64_t id_prefix, id_count; /* of request ids */
    char date[HTTP_DATE_SIZE];
    struct counters counters;
    uint8_t scratch[READ_SIZE]; /* what was just read */
};

struct http_server {
    struct http_limits limits;
    http_problem_writer problem_writer;
    void *problem_context;
    struct census *census;
    struct rate *rate; /* NULL: no limit */
    struct listener listeners[MAX_LISTENERS];
    unsigned listener_count;
    unsigned loop_count;
    bool running, ended;
    _Atomic int64_t force_at;
    struct http_loop *loops[];
};

enum status loop_open(struct http_server *server, unsigned index, struct http_loop **out) MUST_CHECK;
void loop_free(struct http_loop *loop);
/* Watches a bound socket; takes over fd in any case. */
enum status loop_add_door(struct http_loop *loop, struct listener *listener, int fd) MUST_CHECK;
enum status loop_start(struct http_loop *loop) MUST_CHECK;
/* From the loop's thread: to be asked whenever a connection has ended. */
void loop_end_if_done(struct http_loop *loop);

#endif
