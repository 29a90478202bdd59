#ifndef SHIKAKU_HTTP_ROUTER_H
#define SHIKAKU_HTTP_ROUTER_H

#include "http/message.h"

/* Runs on a loop thread and must not block. Ends by http_answer() or http_request_keep(). */
typedef void (*http_handler)(struct http_request *request, void *context);

struct http_route {
    enum method method; /* a GET route also answers HEAD */
    const char
        *pattern; /* "/v1/loads/{load}/rows": exact segments, or {…} for one whole segment, not empty */
    http_handler handler;
    void *context;          /* borrowed, passed to the handler */
    size_t body_limit;      /* bytes; 0: the limit of the server */
    bool needs_certificate; /* 401 for a caller without a client certificate */
};

struct http_router;

/* Copies the routes (patterns are borrowed and must outlive the router). ERR_EXISTS for two routes that
 * answer the same requests, ERR_MALFORMED for a pattern that is not one. */
enum status http_router_new(const struct http_route *routes, size_t count,
                            struct http_router **out) MUST_CHECK;
void http_router_free(struct http_router *router);

struct http_match {
    const struct http_route *route;               /* NULL: see problem */
    enum http_problem problem;                    /* NOT_FOUND or METHOD_NOT_ALLOWED */
    unsigned allowed;                             /* bits 1 << enum method of the routes with this path */
    struct bytes parameters[HTTP_MAX_PARAMETERS]; /* still percent-encoded */
    size_t parameter_count;
};

/* An exact segment wins over a parameter. */
struct http_match http_router_find(const struct http_router *router, enum method method, struct bytes path);

#endif
