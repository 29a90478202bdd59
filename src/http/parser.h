#ifndef SHIKAKU_HTTP_PARSER_H
#define SHIKAKU_HTTP_PARSER_H

#include "http/message.h"

/*
 * The HTTP/1 grammar, by Debian's http_parser; this header is all that the rest knows of it, so that llhttp
 * can take its place. It is lenient: reader.h decides what it gets to see, line by line.
 */
struct parser;

struct parser *parser_new(void);
void parser_free(struct parser *parser);
/* Ready for the next message. */
void parser_reset(struct parser *parser);

struct parsed_head {
    enum method method;
    unsigned major, minor; /* HTTP/major.minor */
    struct bytes target;
    size_t header_count;
    uint64_t content_length; /* 0 when there is none */
    bool chunked;
    bool keep_alive;
    bool has_body; /* more belongs to this message */
};

/* A whole head, request line to empty line. Views point into head. ERR_MALFORMED; ERR_TOO_LARGE: more than
 * capacity headers; ERR_UNSUPPORTED: a method or transfer coding that it does not know. */
enum status parser_read_head(struct parser *parser, struct bytes head, struct http_header *headers,
                             size_t capacity, struct parsed_head *out) MUST_CHECK;
/* One chunk-size line with its CRLF. ERR_MALFORMED. */
enum status parser_read_chunk_line(struct parser *parser, struct bytes line, uint64_t *size) MUST_CHECK;
/* Bytes of a body, or the line ends after a chunk and after the last one. *body counts those that are
 * content; *complete: the message ends with the last of these bytes. */
enum status parser_read_body(struct parser *parser, struct bytes piece, size_t *body,
                             bool *complete) MUST_CHECK;

#endif
