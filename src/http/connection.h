#ifndef SHIKAKU_HTTP_CONNECTION_H
#define SHIKAKU_HTTP_CONNECTION_H

#include <event2/event_struct.h>

#include "http/exchange.h"
#include "http/stream.h"

/*
 * One connection, in one of these states. Every state is a list of the loop, oldest first, so that looking
 * for those whose time is over means looking at the head of each list: no timer belongs to a connection.
 */
enum connection_state {
    /* TLS handshake under way. → IDLE, or DEAD when it fails or takes longer than handshake_time. */
    CONNECTION_HANDSHAKE,
    /* Waiting for the first byte of a request. → HEAD, HANDLING, or LINGERING after idle_time, the limit of
     * requests, or when the server stops. */
    CONNECTION_IDLE,
    /* Part of a head is there. → BODY, HANDLING, or a 408 after header_time. */
    CONNECTION_HEAD,
    /* The head is there, part of the body is missing. → HANDLING, or a 408 after body_time. */
    CONNECTION_BODY,
    /* A handler has the request. What the peer sends meanwhile stays in the socket: nothing is read until the
     * answer is out. → IDLE or WRITING; a 503 after answer_time. */
    CONNECTION_HANDLING,
    /* Part of an answer is waiting for the peer to take it. → IDLE, LINGERING, or DEAD after write_time. */
    CONNECTION_WRITING,
    /* We have said that nothing follows, and throw away what still comes, since closing over unread bytes
     * would reset the connection and take our last answer with it. → DEAD when the peer closes or after
     * linger_time. */
    CONNECTION_LINGERING,
    /* Socket closed; freed by the next sweep, once no kept request refers to it. */
    CONNECTION_DEAD,
    CONNECTION_STATES,
};

struct connection {
    struct connection *previous, *next; /* of the state's list */
    struct http_loop *loop;
    enum connection_state state;
    int64_t since; /* monotonic microseconds: when it came into the state */
    struct stream stream;
    struct event readable, writable;
    bool reading;              /* `readable` is added */
    bool read_waits_for_write; /* TLS has something to send before it can read on */
    bool close_after_write;
    struct exchange *exchange; /* being read or handled; NULL between requests */
    bool feeding;              /* its input is being looked at right now, further up the stack */
    struct buffer input;       /* read but not yet looked at, while a request is being handled */
    size_t input_done;         /* bytes of input that were looked at */
    struct buffer output;      /* encoded but not yet written */
    size_t output_done;        /* bytes of output that are written */
    size_t requests;
    size_t lingered; /* bytes thrown away */
    size_t orphans;  /* kept requests that outlive this connection */
    struct listener *listener;
    struct http_peer peer;
};

struct connection_list {
    struct connection *first, *last;
};

/* Takes over fd in any case. */
void connection_open(struct http_loop *loop, struct listener *listener, int fd, const uint8_t address[16]);
/* Writes an answer that response_encode() made, then goes on with the next request, or ends. */
void connection_send(struct connection *connection, struct bytes encoded, bool close);
/* Says that nothing follows and lingers. */
void connection_finish(struct connection *connection);
void connection_close(struct connection *connection);
/* Ends those whose time is over and frees the dead. */
void connections_sweep(struct http_loop *loop);
/* Ends those that have no request in work; with force all. */
void connections_end(struct http_loop *loop, bool force);
/* At the end of the loop, after connections_end(loop, true). */
void connections_free(struct http_loop *loop);

#endif
