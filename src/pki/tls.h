#ifndef SHIKAKU_PKI_TLS_H
#define SHIKAKU_PKI_TLS_H

#include <openssl/types.h>

#include "pki/certificate.h"

/* TLS 1.2 and 1.3 contexts, and who is at the other end. */

enum tls_client_certificate { TLS_CLIENT_NONE, TLS_CLIENT_OPTIONAL, TLS_CLIENT_REQUIRED };

struct tls_server_settings {
    const char *certificate_file; /* PEM chain */
    const char *key_file;         /* PEM; refused where group or others can open it */
    enum tls_client_certificate client;
    const char *client_ca_file; /* PEM: the machine CAs; needed unless TLS_CLIENT_NONE */
};

struct tls_client_settings {
    const char *server_ca_file;   /* PEM: the only CAs believed */
    const char *certificate_file; /* NULL: no certificate of our own */
    const char *key_file;
};

/* Owned by the caller: SSL_CTX_free(). One context serves all threads. Server: sessions resume by tickets;
 * ALPN is left to the caller. ERR_NOT_FOUND, ERR_DENIED, ERR_MALFORMED by the files. */
enum status tls_server_context(const struct tls_server_settings *settings, SSL_CTX **out) MUST_CHECK;
enum status tls_client_context(const struct tls_client_settings *settings, SSL_CTX **out) MUST_CHECK;
/* Before the handshake: the name or address that the server's certificate must be for; also SNI. */
enum status tls_expect_server(SSL *ssl, const char *name) MUST_CHECK;

/* Who called: from a client certificate that the handshake verified (resumed sessions too). Its state and
 * not_after are to be looked at for each request, not for each handshake. */
struct machine_identity {
    struct certificate_id id;
    struct sha256 fingerprint; /* SHA-256 of the DER: the `caller` field of a statement */
    struct machine_subject subject;
    moment not_after;
};

/* ERR_NOT_FOUND: no certificate given. ERR_MALFORMED: not a machine's. Costs some microseconds; ask once a
 * connection. */
enum status tls_peer_identity(SSL *ssl, struct machine_identity *out) MUST_CHECK;
/* The same from a certificate file and its CA's: what a client says of itself. */
enum status machine_identity_load(const char *certificate_file, const char *ca_file,
                                  struct machine_identity *out) MUST_CHECK;

#endif
