#include "pki/tls.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "pki/library.h"

/* TLS 1.2 for peers that have no 1.3; forward secret and authenticated ciphers only. */
#define CIPHERS_OF_TLS12 "ECDHE+AESGCM:ECDHE+CHACHA20"

/* Sessions of one service are not resumed at another. */
static const unsigned char session_context[] = "shikaku";

static enum status file_is_there(const char *path)
{
    struct buffer content = {.secret = true};
    enum status status = file_read(path, 1 << 20, &content);
    buffer_free(&content);
    return status;
}

static enum status use_own_certificate(SSL_CTX *context, const char *certificate_file, const char *key_file)
{
    enum status status = file_is_there(certificate_file);
    if (status != OK)
        return status;
    if (SSL_CTX_use_certificate_chain_file(context, certificate_file) != 1)
        return ERR_MALFORMED;
    struct private_key key;
    status = private_key_load(key_file, &key);
    if (status != OK)
        return status;
    if (SSL_CTX_use_PrivateKey(context, key.handle) != 1 || SSL_CTX_check_private_key(context) != 1)
        status = ERR_DAMAGED; /* the key is another certificate's */
    private_key_free(&key);
    return status;
}

static enum status believe(SSL_CTX *context, const char *ca_file)
{
    enum status status = file_is_there(ca_file);
    if (status != OK)
        return status;
    return SSL_CTX_load_verify_file(context, ca_file) == 1 ? OK : ERR_MALFORMED;
}

static SSL_CTX *context_new(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);
    if (context && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_cipher_list(context, CIPHERS_OF_TLS12) == 1) {
        SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
        return context;
    }
    SSL_CTX_free(context);
    return NULL;
}

static enum status ask_for_client(SSL_CTX *context, const struct tls_server_settings *settings)
{
    if (settings->client == TLS_CLIENT_NONE)
        return OK;
    enum status status = believe(context, settings->client_ca_file);
    if (status != OK)
        return status;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(settings->client_ca_file);
    if (!names)
        return ERR_MALFORMED;
    SSL_CTX_set_client_CA_list(context, names);
    int mode = SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE;
    if (settings->client == TLS_CLIENT_REQUIRED)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(context, mode, NULL);
    return OK;
}

enum status tls_server_context(const struct tls_server_settings *settings, SSL_CTX **out)
{
    SSL_CTX *context = context_new(TLS_server_method());
    if (!context)
        return library_refused(ERR_NO_MEMORY);
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    enum status status = OK;
    if (SSL_CTX_set_session_id_context(context, session_context, sizeof(session_context) - 1) != 1)
        status = ERR_CRYPTO;
    if (status == OK)
        status = use_own_certificate(context, settings->certificate_file, settings->key_file);
    if (status == OK)
        status = ask_for_client(context, settings);
    if (status != OK)
        SSL_CTX_free(context);
    else
        *out = context;
    return library_refused(status);
}

enum status tls_client_context(const struct tls_client_settings *settings, SSL_CTX **out)
{
    SSL_CTX *context = context_new(TLS_client_method());
    if (!context)
        return library_refused(ERR_NO_MEMORY);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    enum status status = believe(context, settings->server_ca_file);
    if (status == OK && settings->certificate_file)
        status = use_own_certificate(context, settings->certificate_file, settings->key_file);
    if (status != OK)
        SSL_CTX_free(context);
    else
        *out = context;
    return library_refused(status);
}

enum status tls_expect_server(SSL *ssl, const char *name)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);
    bool done;
    if (address) {
        done = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    } else {
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        done = SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
    }
    ASN1_OCTET_STRING_free(address);
    return library_refused(done ? OK : ERR_CRYPTO);
}

static enum status identify(const struct certificate *certificate, const struct public_key *issuer,
                            struct machine_identity *out)
{
    if (certificate->kind != CERTIFICATE_MACHINE)
        return ERR_MALFORMED;
    struct buffer spki = {0};
    enum status status = public_key_encode(issuer, &spki);
    if (status == OK)
        status = certificate_id_make(buffer_bytes(&spki), &certificate->serial, &out->id);
    buffer_free(&spki);
    out->fingerprint = certificate->fingerprint;
    out->subject = certificate->machine;
    out->not_after = certificate->not_after;
    return status;
}

static bool issued(const struct certificate *issuer, const struct certificate *certificate)
{
    const X509_NAME *name = X509_get_subject_name(issuer->handle);
    return X509_NAME_cmp(X509_get_issuer_name(certificate->handle), name) == 0 &&
           certificate_verify(certificate, &issuer->key) == OK;
}

/* One of OpenSSL's as one of ours. */
static enum status read_certificate(X509 *x509, struct certificate *out)
{
    struct certificate borrowed = {.handle = x509};
    struct buffer der = {0};
    enum status status = certificate_encode(&borrowed, &der);
    if (status == OK)
        status = certificate_parse(buffer_bytes(&der), out);
    buffer_free(&der);
    return status;
}

/* Among the CAs that the context believes. The handshake's own chain is gone in a resumed session. */
static enum status find_issuer(SSL *ssl, const struct certificate *certificate, struct public_key *out)
{
    STACK_OF(X509) *believed = X509_STORE_get1_all_certs(SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)));
    enum status status = ERR_MALFORMED;
    for (int i = 0; status != OK && i < sk_X509_num(believed); i++) {
        struct certificate candidate;
        if (read_certificate(sk_X509_value(believed, i), &candidate) != OK)
            continue;
        if (issued(&candidate, certificate)) {
            *out = public_key_share(&candidate.key);
            status = OK;
        }
        certificate_free(&candidate);
    }
    sk_X509_pop_free(believed, X509_free);
    return library_refused(status);
}

enum status tls_peer_identity(SSL *ssl, struct machine_identity *out)
{
    X509 *peer = SSL_get0_peer_certificate(ssl);
    if (!peer || SSL_get_verify_result(ssl) != X509_V_OK)
        return ERR_NOT_FOUND;
    struct certificate certificate;
    enum status status = read_certificate(peer, &certificate);
    if (status != OK)
        return status;
    struct public_key issuer = {0};
    status = find_issuer(ssl, &certificate, &issuer);
    if (status == OK)
        status = identify(&certificate, &issuer, out);
    public_key_free(&issuer);
    certificate_free(&certificate);
    return status;
}

struct issuer_search {
    const struct certificate *certificate;
    struct public_key found;
};

static enum status try_issuer(void *context, struct bytes der)
{
    struct issuer_search *search = context;
    struct certificate candidate;
    enum status status = certificate_parse(der, &candidate);
    if (status != OK)
        return status;
    if (!search->found.handle && issued(&candidate, search->certificate))
        search->found = public_key_share(&candidate.key);
    certificate_free(&candidate);
    return library_refused(OK);
}

enum status machine_identity_load(const char *certificate_file, const char *ca_file,
                                  struct machine_identity *out)
{
    struct certificate certificate;
    enum status status = certificate_load(certificate_file, &certificate);
    if (status != OK)
        return status;
    struct buffer pem = {0};
    struct issuer_search search = {.certificate = &certificate};
    status = file_read(ca_file, 1 << 20, &pem);
    if (status == OK)
        status = certificates_each(buffer_bytes(&pem), try_issuer, &search);
    if (status == OK)
        status = search.found.handle ? identify(&certificate, &search.found, out) : ERR_DENIED;
    public_key_free(&search.found);
    buffer_free(&pem);
    certificate_free(&certificate);
    return status;
}
