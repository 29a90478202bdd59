#include "pki/sealed.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/cursor.h"
#include "pki/gcm.h"
#include "pki/library.h"
#include "pki/sealed_ephemeral.h"

enum { SECRET_LENGTH = 32, POINT_AT = 1 + SHA256_LENGTH };

static const char derivation_label[] = "shikaku-sealed-1";

/* Key and nonce of one message. */
struct material {
    struct secret_key key;
    uint8_t nonce[AEAD_NONCE_LENGTH];
};

/* The x coordinate. OpenSSL checks that the peer's point lies on the curve. */
static enum status agree(const struct private_key *own, EVP_PKEY *peer, uint8_t secret[SECRET_LENGTH])
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(own->handle, NULL);
    if (!context)
        return library_refused(ERR_NO_MEMORY);
    size_t length = SECRET_LENGTH;
    bool done = EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, peer) == 1 &&
                EVP_PKEY_derive(context, secret, &length) == 1 && length == SECRET_LENGTH;
    EVP_PKEY_CTX_free(context);
    return done ? OK : library_refused(ERR_CRYPTO);
}

static enum status derive(const struct private_key *own, EVP_PKEY *peer, struct bytes header,
                          struct material *out)
{
    uint8_t secret[SECRET_LENGTH];
    uint8_t derived[sizeof(out->key.bytes) + sizeof(out->nonce)];
    uint8_t info[sizeof(derivation_label) - 1 + SEALED_HEADER_LENGTH];
    memcpy(info, derivation_label, sizeof(derivation_label) - 1);
    memcpy(info + sizeof(derivation_label) - 1, header.data, SEALED_HEADER_LENGTH);
    enum status status = agree(own, peer, secret);
    if (status == OK)
        status = hkdf_sha256(bytes_of(secret, sizeof(secret)), (struct bytes){0},
                             bytes_of(info, sizeof(info)), derived, sizeof(derived));
    if (status == OK) {
        memcpy(out->key.bytes, derived, sizeof(out->key.bytes));
        memcpy(out->nonce, derived + sizeof(out->key.bytes), sizeof(out->nonce));
    }
    secret_wipe(secret, sizeof(secret));
    secret_wipe(derived, sizeof(derived));
    return status;
}

static enum status associated_of(struct bytes header, struct sealed_context context, struct buffer *out)
{
    size_t label_length = strlen(context.label);
    if (label_length > UINT16_MAX || context.context.length > SEALED_LIMIT)
        return ERR_TOO_LARGE;
    struct writer writer = writer_to(out);
    write_bytes(&writer, header);
    write_u16(&writer, (uint16_t)label_length);
    write_bytes(&writer, bytes_of(context.label, label_length));
    write_sized(&writer, context.context);
    return writer.status;
}

static enum status header_make(const struct private_key *ephemeral, const struct public_key *recipient,
                               uint8_t header[SEALED_HEADER_LENGTH])
{
    struct sha256 hash;
    enum status status = public_key_hash(recipient, &hash);
    if (status != OK)
        return status;
    header[0] = SEALED_VERSION;
    memcpy(header + 1, hash.bytes, SHA256_LENGTH);
    const struct public_key public = {.kind = ephemeral->kind, .handle = ephemeral->handle};
    return public_key_content(&public, header + POINT_AT);
}

enum status sealed_seal_with(const struct private_key *ephemeral, const struct public_key *recipient,
                             struct sealed_context context, struct bytes plaintext, struct buffer *out)
{
    if (recipient->kind != KEY_P256 || ephemeral->kind != KEY_P256)
        return ERR_UNSUPPORTED;
    if (plaintext.length > SEALED_LIMIT - SEALED_OVERHEAD)
        return ERR_TOO_LARGE;
    size_t before = out->length;
    uint8_t header[SEALED_HEADER_LENGTH] = {0};
    struct bytes header_bytes = bytes_of(header, sizeof(header));
    struct buffer associated = {0};
    struct material material;
    enum status status = header_make(ephemeral, recipient, header);
    if (status == OK)
        status = associated_of(header_bytes, context, &associated);
    if (status == OK)
        status = derive(ephemeral, recipient->handle, header_bytes, &material);
    if (status == OK)
        status = buffer_append(out, header_bytes);
    if (status == OK)
        status = gcm_seal(&material.key, material.nonce, buffer_bytes(&associated), plaintext, out);
    if (status != OK)
        out->length = before;
    secret_wipe(&material, sizeof(material));
    buffer_free(&associated);
    return status;
}

enum status sealed_seal(const struct public_key *recipient, struct sealed_context context,
                        struct bytes plaintext, struct buffer *out)
{
    struct private_key ephemeral = {0};
    enum status status = private_key_create(KEY_P256, &ephemeral);
    if (status == OK)
        status = sealed_seal_with(&ephemeral, recipient, context, plaintext, out);
    private_key_free(&ephemeral);
    return status;
}

enum status sealed_recipient(struct bytes message, struct sha256 *out)
{
    if (message.length < SEALED_OVERHEAD || message.length > SEALED_LIMIT)
        return ERR_MALFORMED;
    if (message.data[0] != SEALED_VERSION)
        return ERR_VERSION;
    memcpy(out->bytes, message.data + 1, SHA256_LENGTH);
    return OK;
}

static enum status is_sealed_to(const struct private_key *recipient, struct bytes message)
{
    struct sha256 named, own;
    enum status status = sealed_recipient(message, &named);
    struct public_key public = {.kind = recipient->kind, .handle = recipient->handle};
    if (status == OK)
        status = public_key_hash(&public, &own);
    if (status == OK && !sha256_equal(&named, &own))
        status = ERR_NOT_FOUND;
    return status;
}

enum status sealed_open(const struct private_key *recipient, struct sealed_context context,
                        struct bytes message, struct buffer *out)
{
    out->secret = true;
    if (recipient->kind != KEY_P256)
        return ERR_UNSUPPORTED;
    enum status status = is_sealed_to(recipient, message);
    if (status != OK)
        return status;
    struct bytes header = bytes_of(message.data, SEALED_HEADER_LENGTH);
    struct public_key ephemeral = {0};
    if (public_key_from_content(KEY_P256, header.data + POINT_AT, &ephemeral) != OK)
        return ERR_CRYPTO; /* no point of the curve */
    struct buffer associated = {0};
    struct material material;
    status = associated_of(header, context, &associated);
    if (status == OK)
        status = derive(recipient, ephemeral.handle, header, &material);
    if (status == OK)
        status = gcm_open(&material.key, material.nonce, buffer_bytes(&associated),
                          bytes_from(message, SEALED_HEADER_LENGTH), out);
    secret_wipe(&material, sizeof(material));
    buffer_free(&associated);
    public_key_free(&ephemeral);
    return status;
}
