#ifndef SHIKAKU_TESTS_HTTP_SERVICE_H
#define SHIKAKU_TESTS_HTTP_SERVICE_H

#include <pthread.h>

#include "http/server.h"
#include "identities.h"

enum { MOST_HELD = 64, LOG_SIZE = 65536 };

/*
 * A real server on loopback with endpoints that show one thing each:
 *   GET /hello "hello"      POST /echo the body        GET /items/{id} the parameter    GET /size/{n} n bytes
 *   POST /large up to 1 MiB, its length                GET /none no answer              GET /split an answer
 * that cannot be sent          GET /whoami the caller's code, needs a certificate          GET /last ends the
 * connection POST /later the body, from another thread          POST /hold kept until service_release()
 * Problems are answered as {"problem":N}. Every request that reaches a handler is noted in `log`.
 */
struct service {
    struct http_server *server;
    struct http_router *router;
    uint16_t port;     /* plain */
    uint16_t tls_port; /* mutual TLS; 0 unless started with identities */
    unsigned tls_listener;
    pthread_t answerer;
    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t changed;
    struct http_ticket later[1024], held[MOST_HELD];
    size_t later_count, held_count;
    bool ending;
    bool connected;     /* as the last finished request saw it */
    char log[LOG_SIZE]; /* "POST /echo\n" … */
    size_t log_length;
};

/* Fails the test where anything does not work. identities NULL: without TLS. */
struct service *service_start(const struct http_limits *limits, unsigned loops,
                              const struct identities *identities, enum tls_client_certificate client);
/* Waits until n requests are held, then answers them all "released" from the test's thread. */
void service_release(struct service *service, size_t n);
void service_wait_for_held(struct service *service, size_t n);
/* Whether the request released last still had a caller. */
bool service_saw_caller(struct service *service);
void service_stop(struct service *service);
struct http_metrics service_metrics(const struct service *service);

#endif
