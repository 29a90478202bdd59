#ifndef SHIKAKU_HTTP_EXCHANGE_H
#define SHIKAKU_HTTP_EXCHANGE_H

#include <stdatomic.h>

#include "http/loop.h"
#include "http/reader.h"
#include "http/router.h"

struct connection;
struct listener;

/*
 * A request with all that belongs to it. Exchanges are pooled by loop and freed only with it, so that a
 * ticket can always look at the generation of the one that it names.
 */
struct exchange {
    struct http_request request; /* first: a handler's pointer is a pointer to the exchange */
    struct exchange *next_free, *next_of_all;
    struct connection *connection; /* NULL when it has gone */
    struct connection *orphan_of;  /* the connection that has gone but still holds the peer */
    struct reader reader;
    struct region region;
    const struct http_route *route;
    enum http_problem problem; /* the answer, known before the body was read; HTTP_PROBLEM_COUNT: none */
    unsigned allowed;          /* methods, for Allow */
    unsigned retry_after;      /* seconds */
    bool is_head;
    bool keep_alive;
    bool kept;     /* the handler answers later; loop's thread only */
    uint64_t uses; /* counts up when it goes back to the pool */
    uint64_t generation;
    atomic_uint_fast64_t ticket; /* generation that may still be posted; 0: none */
    struct http_task task;
    void (*finish)(struct http_request *request, void *argument);
    void *finish_argument;
};

/* From the pool, ready to read a request of that connection; NULL without memory. */
struct exchange *exchange_acquire(struct connection *connection);
void exchange_release(struct exchange *exchange);
void exchange_free(struct exchange *exchange);

/* The head has been read: finds the route and what must be refused, and tells the reader what to do with the
 * body. body_follows: bytes of it are already there. */
void exchange_begin(struct exchange *exchange, bool body_follows);
/* All has been read: calls the handler, or answers the problem found before. */
void exchange_handle(struct exchange *exchange);
/* Answers a problem now and ends the connection. */
void exchange_refuse(struct exchange *exchange, enum http_problem problem);
/* A kept request took too long: answers in its place and leaves it to its ticket's holder. */
void exchange_give_up(struct exchange *exchange);
/* The connection is being closed under a kept request. */
void exchange_orphan(struct exchange *exchange);

#endif
