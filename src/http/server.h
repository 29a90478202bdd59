#ifndef SHIKAKU_HTTP_SERVER_H
#define SHIKAKU_HTTP_SERVER_H

#include "http/limits.h"
#include "http/loop.h"
#include "http/message.h"
#include "http/metrics.h"
#include "http/router.h"

/*
 * An HTTP/1.1 server: loop threads, each with a listening socket of its own (SO_REUSEPORT) for every
 * listener. Signals are the program's: loop threads block them all. SIGPIPE is ignored by http_server_new().
 */
struct http_server;

struct http_server_settings {
    unsigned loops; /* threads; 0: one a processor */
    struct http_limits limits;
    http_problem_writer problem_writer; /* NULL: problems have no body */
    void *problem_context;              /* borrowed */
};

struct http_listener_settings {
    const char *address; /* numeric, "127.0.0.1", "::", … */
    uint16_t port;       /* 0: any, see http_server_port() */
    /* From tls_server_context(), which also says whether callers show a certificate. NULL: plain HTTP, for
     * loopback and behind a proxy. One reference is taken over, also on failure. */
    SSL_CTX *tls;
    const struct http_router *router; /* borrowed; must outlive the server */
};

enum status http_server_new(const struct http_server_settings *settings, struct http_server **out) MUST_CHECK;
/* Before http_server_start(). Binds at once. *listener: a number for the calls below, may be NULL.
 * ERR_EXISTS: address in use; ERR_DENIED; ERR_MALFORMED: not an address. */
enum status http_server_listen(struct http_server *server, const struct http_listener_settings *settings,
                               unsigned *listener) MUST_CHECK;
uint16_t http_server_port(const struct http_server *server, unsigned listener);
/* Once: ERR_WRONG_STATE when it runs or has run. */
enum status http_server_start(struct http_server *server) MUST_CHECK;
/* New connections use this context; open ones stay with theirs. Takes over one reference. Any thread. */
void http_server_replace_tls(struct http_server *server, unsigned listener, SSL_CTX *tls);
/*
 * Stops accepting, closes idle connections, lets requests in work finish for at most that many milliseconds,
 * then ends the loops. Tickets may still be posted afterwards (nothing happens) until http_server_free().
 */
void http_server_stop(struct http_server *server, unsigned milliseconds);
/* NULL is fine; stops at once if it still runs. No ticket may be used after this. */
void http_server_free(struct http_server *server);

unsigned http_server_loops(const struct http_server *server);
struct http_loop *http_server_loop(struct http_server *server, unsigned index);
/* Any thread. */
void http_server_metrics(const struct http_server *server, struct http_metrics *out);

#endif
