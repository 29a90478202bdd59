#ifndef SHIKAKU_HTTP_STREAM_H
#define SHIKAKU_HTTP_STREAM_H

#include <openssl/types.h>

#include "base/bytes.h"

/* Bytes over a non-blocking socket, plain or through TLS. */
enum stream_result {
    STREAM_DONE,
    STREAM_WANTS_READ,  /* again when the socket is readable */
    STREAM_WANTS_WRITE, /* again when it is writable */
    STREAM_ENDED,       /* the peer has ended its direction */
    STREAM_FAILED,
};

struct stream;

struct stream_io {
    enum stream_result (*handshake)(struct stream *stream);
    enum stream_result (*read)(struct stream *stream, uint8_t *out, size_t capacity, size_t *length);
    /* After WANTS_…, the next call starts with the same bytes. */
    enum stream_result (*write)(struct stream *stream, struct bytes bytes, size_t *written);
    /* Bytes have been taken from the socket that the next read gives: the socket may never become readable
     * for them. */
    bool (*holds_more)(const struct stream *stream);
    /* Says that nothing follows; best effort. */
    void (*finish)(struct stream *stream);
};

struct stream {
    const struct stream_io *io;
    int fd;   /* owned; -1 when closed */
    SSL *ssl; /* owned; NULL for plain */
};

void stream_open_plain(struct stream *stream, int fd);
/* As the server's end. Takes over fd in either case. ERR_NO_MEMORY. */
enum status stream_open_tls(struct stream *stream, int fd, SSL_CTX *context) MUST_CHECK;
void stream_close(struct stream *stream);

#endif
