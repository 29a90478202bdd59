#ifndef SHIKAKU_HTTP_CLIENT_H
#define SHIKAKU_HTTP_CLIENT_H

#include "base/bytes.h"
#include "http/message.h"

/*
 * A blocking HTTP client for one peer: one connection kept alive, mutual TLS, only one CA file trusted. One
 * call at a time; http_client_cancel() from any thread ends a call that waits. No redirects, no proxies, no
 * cookies.
 */
struct http_client;

struct http_client_settings {
    const char *base_url;         /* "https://host:port" without a final '/', or "http://…" for loopback */
    const char *ca_file;          /* PEM: the only CAs believed; NULL only with http:// */
    const char *certificate_file; /* PEM, NULL: none */
    const char *key_file;         /* PEM, NULL: none */
    /* For a process that may open no file later: files are read and the host's name is looked up now, once.
     */
    bool prepare;
    unsigned connect_time; /* ms for resolve, connect and handshake together; 0: 5,000 */
};

/* How far a call came before it failed. */
enum http_hop { HTTP_HOP_NONE, HTTP_HOP_RESOLVE, HTTP_HOP_CONNECT, HTTP_HOP_TLS, HTTP_HOP_HTTP };

/* "resolve", "connect", …: a word for logs. */
const char *http_hop_name(enum http_hop hop);

struct http_call {
    enum method method; /* GET, POST, PUT, DELETE */
    const char *path;   /* starts with '/'; no identifiers of people */
    const char *content_type;
    struct bytes body;
    const struct http_header *headers;
    size_t header_count;
    unsigned deadline;     /* ms for the whole call; 0: 30,000 */
    size_t response_limit; /* bytes of body; 0: 1 MiB */
    bool with_headers;     /* keep the response's headers */
};

/* Zero-initialised is empty; reused from call to call; freed by http_reply_free(). */
struct http_reply {
    unsigned status; /* 0 when no answer came */
    struct buffer body;
    struct buffer headers; /* "Name: value\r\n" lines */
    char content_type[96]; /* "" when there was none */
    enum http_hop failed;  /* where it failed; HTTP_HOP_NONE when an answer came */
    int64_t microseconds;
};

/* ERR_NOT_FOUND, ERR_DENIED (a key that others can open), ERR_MALFORMED by the files, which are read again
 * for every new connection: a certificate replaced on disk is used by the next one. */
enum status http_client_new(const struct http_client_settings *settings, struct http_client **out) MUST_CHECK;
void http_client_free(struct http_client *client);

/*
 * OK whenever an answer came, whatever its status. ERR_UNREACHABLE: resolve, connect or a broken connection;
 * ERR_CRYPTO: TLS would not trust, or was not trusted; ERR_TIMEOUT: deadline; ERR_TOO_LARGE: response_limit;
 * ERR_MALFORMED: not HTTP; ERR_WRONG_STATE: cancelled; ERR_NO_MEMORY. libcurl repeats a call by itself in one
 * case: a kept connection that the peer closed without a byte of answer.
 */
enum status http_client_call(struct http_client *client, const struct http_call *call,
                             struct http_reply *reply) MUST_CHECK;
/* Any thread: the running call, or else the next one, ends with ERR_WRONG_STATE. */
void http_client_cancel(struct http_client *client);

/* The first header of that name in the reply's headers (with_headers); empty when there is none. */
struct bytes http_reply_header(const struct http_reply *reply, const char *name);
void http_reply_free(struct http_reply *reply);

#endif
