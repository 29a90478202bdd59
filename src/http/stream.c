#include "http/stream.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

static enum stream_result result_of_errno(enum stream_result blocked)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? blocked : STREAM_FAILED;
}

static enum stream_result plain_handshake(struct stream *stream)
{
    (void)stream;
    return STREAM_DONE;
}

static enum stream_result plain_read(struct stream *stream, uint8_t *out, size_t capacity, size_t *length)
{
    ssize_t got = recv(stream->fd, out, capacity, 0);
    *length = got > 0 ? (size_t)got : 0;
    if (got < 0)
        return result_of_errno(STREAM_WANTS_READ);
    return got == 0 ? STREAM_ENDED : STREAM_DONE;
}

static enum stream_result plain_write(struct stream *stream, struct bytes bytes, size_t *written)
{
    ssize_t sent = send(stream->fd, bytes.data, bytes.length, MSG_NOSIGNAL);
    *written = sent > 0 ? (size_t)sent : 0;
    return sent < 0 ? result_of_errno(STREAM_WANTS_WRITE) : STREAM_DONE;
}

static bool plain_holds_more(const struct stream *stream)
{
    (void)stream;
    return false;
}

static void plain_finish(struct stream *stream)
{
    shutdown(stream->fd, SHUT_WR);
}

static const struct stream_io plain_io = {plain_handshake, plain_read, plain_write, plain_holds_more,
                                          plain_finish};

/* SSL_get_error() is right only when the queue was empty before. It mostly is, and clearing it costs more
 * than looking. */
static void empty_error_queue(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

/* Call right after the operation that gave `given`, the error queue having been empty before it. */
static enum stream_result result_of_tls(struct stream *stream, int given)
{
    switch (SSL_get_error(stream->ssl, given)) {
    case SSL_ERROR_NONE:
        return STREAM_DONE;
    case SSL_ERROR_WANT_READ:
        return STREAM_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return STREAM_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return STREAM_ENDED;
    default:
        return STREAM_FAILED;
    }
}

static enum stream_result tls_handshake(struct stream *stream)
{
    empty_error_queue();
    int given = SSL_do_handshake(stream->ssl);
    return given == 1 ? STREAM_DONE : result_of_tls(stream, given);
}

static enum stream_result tls_read(struct stream *stream, uint8_t *out, size_t capacity, size_t *length)
{
    empty_error_queue();
    int given = SSL_read_ex(stream->ssl, out, capacity, length);
    if (given == 1)
        return STREAM_DONE;
    *length = 0;
    return result_of_tls(stream, given);
}

static enum stream_result tls_write(struct stream *stream, struct bytes bytes, size_t *written)
{
    empty_error_queue();
    int given = SSL_write_ex(stream->ssl, bytes.data, bytes.length, written);
    if (given == 1)
        return STREAM_DONE;
    *written = 0;
    return result_of_tls(stream, given);
}

static bool tls_holds_more(const struct stream *stream)
{
    return SSL_has_pending(stream->ssl) == 1;
}

static void tls_finish(struct stream *stream)
{
    empty_error_queue();
    if (SSL_is_init_finished(stream->ssl))
        SSL_shutdown(stream->ssl); /* close_notify, if it can be sent now; the peer's is not waited for */
    empty_error_queue();
    shutdown(stream->fd, SHUT_WR);
}

static const struct stream_io tls_io = {tls_handshake, tls_read, tls_write, tls_holds_more, tls_finish};

void stream_open_plain(struct stream *stream, int fd)
{
    *stream = (struct stream){.io = &plain_io, .fd = fd};
}

enum status stream_open_tls(struct stream *stream, int fd, SSL_CTX *context)
{
    *stream = (struct stream){.io = &tls_io, .fd = fd, .ssl = SSL_new(context)};
    if (!stream->ssl || SSL_set_fd(stream->ssl, fd) != 1) {
        stream_close(stream);
        return ERR_NO_MEMORY;
    }
    SSL_set_accept_state(stream->ssl);
    /* One read(2) takes all that has come, instead of one for the record's header and one for the rest. */
    SSL_set_read_ahead(stream->ssl, 1);
    SSL_set_mode(stream->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_options(stream->ssl, SSL_OP_NO_RENEGOTIATION);
    return OK;
}

void stream_close(struct stream *stream)
{
    SSL_free(stream->ssl);
    if (stream->fd >= 0)
        close(stream->fd);
    stream->ssl = NULL;
    stream->fd = -1;
}
