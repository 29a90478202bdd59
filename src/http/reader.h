#ifndef SHIKAKU_HTTP_READER_H
#define SHIKAKU_HTTP_READER_H

#include "http/limits.h"
#include "http/parser.h"

/*
 * Reads one request from bytes that arrive in any pieces, and lets nothing through that two readers could
 * understand differently. Refused before the parser sees it: a line end without CR, CR elsewhere, bytes
 * outside visible ASCII, space or tab before a line or a colon, names that are not tokens, a request line
 * that is not exactly "METHOD /path HTTP/1.x". After it: none or several Host, Content-Length together with
 * Transfer-Encoding, either of them twice, a length that is not plain digits, a coding other than exactly
 * "chunked", chunk extensions, trailers. Knows nothing of sockets.
 */

enum reader_state {
    READER_HEAD,       /* collecting whole lines up to the empty one */
    READER_ROUTING,    /* head complete: the owner sets body_limit or discards, then feeds on */
    READER_LENGTH,     /* body with Content-Length */
    READER_CHUNK_LINE, /* size of the next chunk */
    READER_CHUNK,      /* bytes of a chunk */
    READER_CHUNK_END,  /* CRLF after a chunk */
    READER_BODY_END,   /* CRLF after the last chunk: a trailer is refused */
    READER_COMPLETE,
    READER_REFUSED, /* problem says why; nothing after this can be trusted to begin a request */
};

struct reader {
    enum reader_state state;
    enum http_problem problem;
    const struct http_limits *limits; /* borrowed */
    struct parser *parser;            /* owned */
    struct buffer head;               /* target and headers point into it */
    struct buffer line;               /* of chunked framing */
    struct buffer body;
    size_t line_start; /* in head: where the line not yet complete begins */
    size_t first_line; /* length of the request line with its end */
    struct parsed_head parsed;
    struct http_header headers[HTTP_MAX_HEADERS];
    uint64_t left;     /* bytes of body or chunk still to come */
    size_t received;   /* sum of the chunks announced so far */
    size_t body_limit; /* set while READER_ROUTING */
    bool discard;      /* the body is read and forgotten: the answer is known already */
    bool skipped_line; /* one empty line before a request is allowed (RFC 9112 2.2) */
    bool expects_continue;
};

/* The reader must not move afterwards. ERR_NO_MEMORY. */
enum status reader_open(struct reader *reader, const struct http_limits *limits) MUST_CHECK;
void reader_close(struct reader *reader);
/* Ready for the next request; memory is kept unless a body made it large. */
void reader_reset(struct reader *reader);

/* Takes bytes until the state is ROUTING, COMPLETE or REFUSED, or input is used up. Returns how many. */
size_t reader_feed(struct reader *reader, struct bytes input);

/* Whether a byte of the request has arrived. */
bool reader_has_begun(const struct reader *reader);
/* Whether the body, as far as its length is known beforehand, fits a limit. */
bool reader_body_fits(const struct reader *reader, size_t limit);

#endif
