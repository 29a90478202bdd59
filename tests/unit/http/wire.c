#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire.h"

#include <arpa/inet.h>
#include <http_parser.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE = 5000, READ_SIZE = 16384 };

void wire_open(struct wire *wire, uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = PATIENCE / 1000};
    int on = 1;
    *wire = (struct wire){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(wire->fd >= 0);
    setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(wire->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(wire->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(wire->fd, (struct sockaddr *)&to, sizeof to), 0);
}

bool wire_open_tls(struct wire *wire, uint16_t port, SSL_CTX *context)
{
    wire_open(wire, port);
    wire->ssl = SSL_new(context);
    assert_non_null(wire->ssl);
    SSL_set_fd(wire->ssl, wire->fd);
    ERR_clear_error();
    return SSL_connect(wire->ssl) == 1;
}

void wire_close(struct wire *wire)
{
    SSL_free(wire->ssl);
    close(wire->fd);
    buffer_free(&wire->input);
    *wire = (struct wire){.fd = -1};
}

void wire_reset(struct wire *wire)
{
    struct linger now = {.l_onoff = 1};
    setsockopt(wire->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    wire_close(wire);
}

bool wire_send(struct wire *wire, struct bytes bytes)
{
    while (bytes.length) {
        size_t written = 0;
        if (wire->ssl) {
            ERR_clear_error();
            if (SSL_write_ex(wire->ssl, bytes.data, bytes.length, &written) != 1)
                return false;
        } else {
            ssize_t sent = send(wire->fd, bytes.data, bytes.length, MSG_NOSIGNAL);
            if (sent <= 0)
                return false;
            written = (size_t)sent;
        }
        bytes = bytes_from(bytes, written);
    }
    return true;
}

bool wire_send_text(struct wire *wire, const char *text)
{
    return wire_send(wire, bytes_of_text(text));
}

/* False at the end of the connection. */
static bool read_more(struct wire *wire)
{
    uint8_t into[READ_SIZE];
    size_t length = 0;
    if (wire->ssl) {
        ERR_clear_error();
        if (SSL_read_ex(wire->ssl, into, sizeof into, &length) != 1)
            length = 0;
    } else {
        ssize_t got = recv(wire->fd, into, sizeof into, 0);
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            fail_msg("no answer within %d ms", PATIENCE);
        length = got > 0 ? (size_t)got : 0;
    }
    if (length)
        assert_int_equal(buffer_append(&wire->input, bytes_of(into, length)), OK);
    return length > 0;
}

struct reading {
    struct wire_response *response;
    bool to_head;
    bool complete;
};

static int on_body(struct http_parser *parser, const char *at, size_t length)
{
    struct reading *reading = parser->data;
    return buffer_append(&reading->response->body, bytes_of(at, length)) == OK ? 0 : 1;
}

static int on_head(struct http_parser *parser)
{
    const struct reading *reading = parser->data;
    return reading->to_head ? 1 : 0;
}

static int on_complete(struct http_parser *parser)
{
    struct reading *reading = parser->data;
    reading->complete = true;
    reading->response->status = parser->status_code;
    reading->response->keep_alive = http_should_keep_alive(parser) != 0;
    http_parser_pause(parser, 1);
    return 0;
}

static void drop_front(struct buffer *buffer, size_t length)
{
    memmove(buffer->data, buffer->data + length, buffer->length - length);
    buffer->length -= length;
}

bool wire_read(struct wire *wire, struct wire_response *response, bool to_head)
{
    static const struct http_parser_settings callbacks = {
        .on_body = on_body, .on_headers_complete = on_head, .on_message_complete = on_complete};
    for (;;) {
        struct reading reading = {response, to_head, false};
        struct http_parser parser = {.data = &reading};
        buffer_clear(&response->body);
        http_parser_init(&parser, HTTP_RESPONSE);
        size_t taken =
            wire->input.length
                ? http_parser_execute(&parser, &callbacks, (const char *)wire->input.data, wire->input.length)
                : 0;
        if (!reading.complete && HTTP_PARSER_ERRNO(&parser) != HPE_OK)
            fail_msg("not a response: %s", http_errno_description(HTTP_PARSER_ERRNO(&parser)));
        if (!reading.complete) {
            if (!read_more(wire))
                return false;
            continue;
        }
        const uint8_t *end = memmem(wire->input.data, wire->input.length, "\r\n\r\n", 4);
        buffer_clear(&response->head);
        size_t head = (size_t)(end - wire->input.data) + 4;
        assert_int_equal(buffer_append(&response->head, bytes_of(wire->input.data, head)), OK);
        drop_front(&wire->input, head + response->body.length);
        (void)taken;
        return true;
    }
}

unsigned wire_read_status(struct wire *wire)
{
    struct wire_response response = {0};
    unsigned status = wire_read(wire, &response, false) ? response.status : 0;
    wire_response_free(&response);
    return status;
}

bool wire_is_at_end(struct wire *wire)
{
    return wire->input.length == 0 && !read_more(wire);
}

bool wire_is_silent(struct wire *wire, unsigned milliseconds)
{
    struct pollfd readable = {.fd = wire->fd, .events = POLLIN};
    return wire->input.length == 0 && poll(&readable, 1, (int)milliseconds) == 0;
}

bool wire_response_has(const struct wire_response *response, const char *text)
{
    return memmem(response->head.data, response->head.length, text, strlen(text)) != NULL;
}

void wire_response_free(struct wire_response *response)
{
    buffer_free(&response->head);
    buffer_free(&response->body);
    *response = (struct wire_response){0};
}
