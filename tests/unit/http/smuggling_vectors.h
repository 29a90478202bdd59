#ifndef SHIKAKU_TESTS_HTTP_SMUGGLING_VECTORS_H
#define SHIKAKU_TESTS_HTTP_SMUGGLING_VECTORS_H

#include <stddef.h>

#include "http/message.h"

/* Requests that some readers understand in two ways, or that hide a second request in the first. */
struct smuggling_vector {
    const char *name;
    const char *text;
    size_t length;
    enum http_problem problem; /* how we refuse it */
};

#define SMUGGLING_VECTOR(name, text, problem)                                                                \
    {                                                                                                        \
        name, text, sizeof(text) - 1, problem                                                                \
    }

static const struct smuggling_vector smuggling_vectors[] = {
    SMUGGLING_VECTOR("a bare LF ends the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a bare LF ends a header", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("bare LFs end the head", "GET / HTTP/1.1\r\nHost: a\n\n", HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a bare CR within a header",
                     "GET / HTTP/1.1\r\nHost: a\r\nX: a\rContent-Length: 5\r\n\r\n", HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("CR CR LF", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a space before the colon",
                     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello", HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a tab before the colon",
                     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a folded header",
                     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a header before the first that is folded", "GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a header line without a colon", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a header without a name", "GET / HTTP/1.1\r\nHost: a\r\n: 5\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("length and chunks together",
                     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR(
        "chunks and length together",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("two lengths that differ",
                     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("the same length twice",
                     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a hexadecimal length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("an empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a length beyond 64 bits",
                     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551621\r\n\r\nhello",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a space in a length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 0\r\n\r\nhello",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR(
        "chunked twice",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\n",
        HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR(
        "chunked and identity",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"
        "0\r\n\r\n",
        HTTP_PROBLEM_NOT_IMPLEMENTED),
    SMUGGLING_VECTOR("a coding before chunked",
                     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                     HTTP_PROBLEM_NOT_IMPLEMENTED),
    SMUGGLING_VECTOR("a coding like chunked",
                     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
                     HTTP_PROBLEM_NOT_IMPLEMENTED),
    SMUGGLING_VECTOR("a coding in quotes",
                     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
                     HTTP_PROBLEM_NOT_IMPLEMENTED),
    SMUGGLING_VECTOR("chunked with a vertical tab",
                     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b"
                     "chunked\r\n\r\n0\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("chunks in HTTP/1.0",
                     "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR(
        "a chunk size with 0x",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR(
        "a chunk size with a sign",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
        HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR(
        "a chunk size with a space",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
        HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR(
        "a chunk size beyond 32 bits",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100000005\r\nhello\r\n0\r\n\r\n",
        HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR(
        "a chunk size beyond 64 bits",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n",
        HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("an empty chunk size",
                     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a chunk size that ends with a bare LF",
                     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a chunk size that ends with a bare CR",
                     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\rXhello\r\n0\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR(
        "a chunk extension",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n",
        HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR(
        "a bare LF in a chunk extension",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;\nxx\r\nhello\r\n0\r\n\r\n",
        HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR(
        "a chunk longer than its size",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n",
        HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a chunk that ends with a bare LF",
                     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("two bytes other than CRLF after a chunk",
                     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXY0\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR(
        "a trailer",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n",
        HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a bare LF after the last chunk",
                     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("no host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a host with a user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a target with a host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a tunnel", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("the server as a whole", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("two spaces in the request line", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a space after the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a tab in the request line", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("no version", "GET /\r\nHost: a\r\n\r\n", HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a version in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a version with two digits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("HTTP/2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", HTTP_PROBLEM_VERSION),
    SMUGGLING_VECTOR("HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", HTTP_PROBLEM_VERSION),
    SMUGGLING_VECTOR("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a method nobody knows", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
                     HTTP_PROBLEM_NOT_IMPLEMENTED),
    SMUGGLING_VECTOR("a method in lower case", "get / HTTP/1.1\r\nHost: a\r\n\r\n",
                     HTTP_PROBLEM_NOT_IMPLEMENTED),
    SMUGGLING_VECTOR("a fragment", "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a backslash in the target", "GET /\\a HTTP/1.1\r\nHost: a\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("bytes beyond ASCII in the target", "GET /\xe3\x81\x82 HTTP/1.1\r\nHost: a\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("bytes beyond ASCII in a header", "GET / HTTP/1.1\r\nHost: a\r\nX: \xe3\x81\x82\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("NUL in a header", "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("NUL in a name", "GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n", HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("two empty lines before a request", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a handshake of TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
                     HTTP_PROBLEM_MALFORMED),
    SMUGGLING_VECTOR("a compressed body",
                     "POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
                     HTTP_PROBLEM_UNSUPPORTED_MEDIA),
    SMUGGLING_VECTOR("an expectation nobody knows",
                     "POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 5\r\n\r\nhello",
                     HTTP_PROBLEM_EXPECTATION_FAILED),
};

#endif
