#ifndef SHIKAKU_TESTS_HTTP_WIRE_H
#define SHIKAKU_TESTS_HTTP_WIRE_H

#include <openssl/types.h>

#include "base/bytes.h"

/* A caller that sends exactly the bytes it is given, and reads responses. Nothing here waits longer than five
 * seconds: then the test fails. */
struct wire {
    int fd;
    SSL *ssl;            /* NULL: plain */
    struct buffer input; /* received, not yet read as a response */
};

struct wire_response {
    unsigned status;
    bool keep_alive;
    struct buffer head; /* status line and headers */
    struct buffer body;
};

void wire_open(struct wire *wire, uint16_t port);
/* False when the handshake fails. context: client side, borrowed. */
bool wire_open_tls(struct wire *wire, uint16_t port, SSL_CTX *context);
void wire_close(struct wire *wire);
/* As close(), but with a reset. */
void wire_reset(struct wire *wire);
/* False when the other end does not take it. */
bool wire_send(struct wire *wire, struct bytes bytes);
bool wire_send_text(struct wire *wire, const char *text);
/* False when the connection ends before a whole response. to_head: it has no body, whatever its headers say.
 */
bool wire_read(struct wire *wire, struct wire_response *response, bool to_head);
/* Status of the next response; 0 when the connection ends instead. */
unsigned wire_read_status(struct wire *wire);
/* Whether nothing but the end of the connection comes. */
bool wire_is_at_end(struct wire *wire);
/* Whether nothing comes for that long. */
bool wire_is_silent(struct wire *wire, unsigned milliseconds);
bool wire_response_has(const struct wire_response *response, const char *text); /* in the head */
void wire_response_free(struct wire_response *response);

#endif
