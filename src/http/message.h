#ifndef SHIKAKU_HTTP_MESSAGE_H
#define SHIKAKU_HTTP_MESSAGE_H

#include "base/bytes.h"
#include "base/region.h"
#include "pki/tls.h"

/*
 * A request as a handler sees it, and the answer it gives (RFC 9110, RFC 9112). Everything here happens on
 * the loop thread of the request's connection unless a function says "any thread".
 */

/* METHOD_HEAD never reaches a handler: a HEAD is dispatched as GET and its body left out. */
enum method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_OTHER, /* no route can have it */
};

const char *method_name(enum method method);

struct http_header {
    struct bytes name;
    struct bytes value; /* without surrounding white space */
};

struct http_loop;

/* Who is at the other end of a connection. Looked at once, after the handshake. */
struct http_peer {
    /* A machine's certificate was shown and leads to a CA of the listener's context. Whether it is still
     * good (suspended, revoked, identity.not_after) is not looked at here: that is asked per request. */
    bool authenticated;
    struct machine_identity identity; /* zeros unless authenticated */
    uint8_t address[16];              /* IPv6, or IPv4 mapped into it */
    bool loopback;
};

enum { HTTP_MAX_PARAMETERS = 4, HTTP_REQUEST_ID_LENGTH = 32 };

/*
 * Borrowed by the handler until it answers; with http_request_keep() it stays valid, region and body
 * included, until the answer, even when the connection has died meanwhile.
 */
struct http_request {
    enum method method; /* of the route: GET for a HEAD */
    struct bytes path;  /* as sent, starts with '/', without the query */
    struct bytes query; /* as sent, without '?'; empty when there is none */
    struct bytes
        parameters[HTTP_MAX_PARAMETERS]; /* the {…} segments of the route in order, percent-decoded */
    const struct http_header *headers;
    size_t header_count;
    struct bytes body;
    const struct http_peer *peer;
    struct region *region; /* for whatever lives as long as the request; limited */
    struct http_loop *loop;
    char id[HTTP_REQUEST_ID_LENGTH + 1]; /* hexadecimal, unique; also sent as X-Request-Id */
    int64_t received;                    /* monotonic_microseconds() when its head was complete */
    void *attachment;                    /* the handler's own, NULL at first */
};

/* The first header of that name (compared without case); NULL where there is none. */
const struct bytes *http_request_header(const struct http_request *request, const char *name);
/* A query parameter, percent- and plus-decoded into the region. ERR_NOT_FOUND; ERR_MALFORMED when it is given
 * twice or is not well-formed; ERR_NO_MEMORY. */
enum status http_request_query(const struct http_request *request, const char *name,
                               struct bytes *out) MUST_CHECK;

/*
 * Content-Length, Date, Connection and X-Request-Id are written by the server. Everything pointed to is
 * borrowed until http_answer() returns. A header with CR, LF or NUL in it turns the answer into a 500.
 */
struct http_response {
    unsigned status;          /* 200-599 */
    const char *content_type; /* NULL: none (and no body) */
    struct bytes body;
    const struct http_header *headers;
    size_t header_count;
    const char *server_timing; /* the value of Server-Timing; NULL: none */
    bool close;                /* end the connection after this answer */
};

/* Once a request; the request is gone afterwards. Dropped quietly if the connection has died. */
void http_answer(struct http_request *request, const struct http_response *response);
/* status, content type and body in one call. */
void http_answer_with(struct http_request *request, unsigned status, const char *content_type,
                      struct bytes body);

/*
 * Answering later: keep the request in the handler and return. A ticket names one kept request for as long as
 * it is unanswered and is harmless after that: generations are compared.
 */
struct http_ticket {
    struct http_request *request;
    uint64_t generation;
};

struct http_ticket http_request_keep(struct http_request *request);
/* The kept request, for a handler that goes on on the same loop; NULL once it was answered or posted. */
struct http_request *http_ticket_request(struct http_ticket ticket);
/*
 * Any thread, never fails or allocates: has finish(request, argument) called on the request's loop, where it
 * must call http_answer() or keep the request again. Until then the request and its region belong to the
 * holder of the ticket. Called even when the caller has gone or was told 503 because the time to answer was
 * over: the answer is then dropped. Once a ticket; further calls do nothing and give false.
 */
bool http_ticket_post(struct http_ticket ticket, void (*finish)(struct http_request *request, void *argument),
                      void *argument);
/* Whether anybody still waits for the answer. */
bool http_request_is_connected(const struct http_request *request);

/*
 * What the server itself has to refuse. Each has a status; the text comes from the problem writer of the
 * server, so that the catalogue of reasons stays outside.
 */
enum http_problem {
    HTTP_PROBLEM_MALFORMED,          /* 400 not HTTP/1.x as we read it */
    HTTP_PROBLEM_UNAUTHENTICATED,    /* 401 the route wants a client certificate */
    HTTP_PROBLEM_NOT_FOUND,          /* 404 */
    HTTP_PROBLEM_METHOD_NOT_ALLOWED, /* 405 with Allow */
    HTTP_PROBLEM_REQUEST_TIMEOUT,    /* 408 the request did not arrive in time */
    HTTP_PROBLEM_BODY_TOO_LARGE,     /* 413 */
    HTTP_PROBLEM_TARGET_TOO_LONG,    /* 414 */
    HTTP_PROBLEM_UNSUPPORTED_MEDIA,  /* 415 a Content-Encoding */
    HTTP_PROBLEM_EXPECTATION_FAILED, /* 417 an Expect other than 100-continue */
    HTTP_PROBLEM_TOO_MANY_REQUESTS,  /* 429 with Retry-After */
    HTTP_PROBLEM_HEADERS_TOO_LARGE,  /* 431 */
    HTTP_PROBLEM_INTERNAL,           /* 500 a handler gave no answer, or one that cannot be sent */
    HTTP_PROBLEM_NOT_IMPLEMENTED,    /* 501 a transfer coding other than chunked */
    HTTP_PROBLEM_UNAVAILABLE,        /* 503 shutting down, or no answer within the time allowed */
    HTTP_PROBLEM_VERSION,            /* 505 neither HTTP/1.0 nor HTTP/1.1 */
    HTTP_PROBLEM_COUNT,
};

unsigned http_problem_status(enum http_problem problem);

/*
 * Fills content type and body of the response (status and needed headers are set already). request has what
 * was read so far: with HTTP_PROBLEM_MALFORMED only region and id are sure. Nothing filled: an empty body is
 * sent.
 */
typedef void (*http_problem_writer)(void *context, struct http_request *request, enum http_problem problem,
                                    struct http_response *response);

#endif
