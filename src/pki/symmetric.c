#include "pki/symmetric.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "base/random.h"
#include "pki/gcm.h"
#include "pki/library.h"
#include "pki/private_file.h"

enum status sha256_of(struct bytes bytes, struct sha256 *out)
{
    return sha256_of_parts(&bytes, 1, out);
}

enum status sha256_of_parts(const struct bytes *parts, size_t count, struct sha256 *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context)
        return ERR_NO_MEMORY;
    bool done = EVP_DigestInit_ex(context, library_sha256(), NULL) == 1;
    for (size_t i = 0; done && i < count; i++)
        done = parts[i].length == 0 || EVP_DigestUpdate(context, parts[i].data, parts[i].length) == 1;
    done = done && EVP_DigestFinal_ex(context, out->bytes, NULL) == 1;
    EVP_MD_CTX_free(context);
    return done ? OK : library_refused(ERR_CRYPTO);
}

bool sha256_equal(const struct sha256 *a, const struct sha256 *b)
{
    return memcmp(a->bytes, b->bytes, SHA256_LENGTH) == 0;
}

static bool mac_update(EVP_MAC_CTX *context, const struct bytes *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (parts[i].length && EVP_MAC_update(context, parts[i].data, parts[i].length) != 1)
            return false;
    }
    return true;
}

enum status hmac_sha256(const struct secret_key *key, const struct bytes *parts, size_t count,
                        struct sha256 *out)
{
    const EVP_MAC_CTX *unkeyed = library_hmac_sha256();
    EVP_MAC_CTX *context = unkeyed ? EVP_MAC_CTX_dup(unkeyed) : NULL;
    if (!context)
        return library_refused(ERR_NO_MEMORY);
    size_t length = 0;
    bool done = EVP_MAC_init(context, key->bytes, sizeof(key->bytes), NULL) == 1 &&
                mac_update(context, parts, count) &&
                EVP_MAC_final(context, out->bytes, &length, sizeof(out->bytes)) == 1;
    EVP_MAC_CTX_free(context);
    return done && length == SHA256_LENGTH ? OK : library_refused(ERR_CRYPTO);
}

/* OpenSSL takes no const bytes in its parameters, and reads them only. */
static OSSL_PARAM octets(const char *name, struct bytes bytes)
{
    static uint8_t nothing[1];
    union {
        const uint8_t *given;
        uint8_t *wanted;
    } data = {.given = bytes.length ? bytes.data : nothing};
    return OSSL_PARAM_construct_octet_string(name, data.wanted, bytes.length);
}

enum status hkdf_sha256(struct bytes input_key, struct bytes salt, struct bytes context, uint8_t *out,
                        size_t length)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *derivation = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    EVP_KDF_free(kdf);
    if (!derivation)
        return ERR_NO_MEMORY;
    char digest[] = "SHA256";
    const OSSL_PARAM settings[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        octets(OSSL_KDF_PARAM_KEY, input_key),
        octets(OSSL_KDF_PARAM_SALT, salt),
        octets(OSSL_KDF_PARAM_INFO, context),
        OSSL_PARAM_construct_end(),
    };
    bool done = EVP_KDF_derive(derivation, out, length, settings) == 1;
    EVP_KDF_CTX_free(derivation);
    return done ? OK : library_refused(ERR_CRYPTO);
}

void secret_key_create(struct secret_key *out)
{
    random_fill(out->bytes, sizeof(out->bytes));
}

void secret_key_wipe(struct secret_key *key)
{
    secret_wipe(key, sizeof(*key));
}

enum status secret_key_save(const struct secret_key *key, const char *path)
{
    return private_file_write(path, bytes_of(key->bytes, sizeof(key->bytes)));
}

enum status secret_key_load(const char *path, struct secret_key *out)
{
    struct buffer content = {.secret = true};
    enum status status = private_file_read(path, sizeof(out->bytes), &content);
    if (status == OK && content.length != sizeof(out->bytes))
        status = ERR_DAMAGED;
    if (status == OK)
        memcpy(out->bytes, content.data, sizeof(out->bytes));
    buffer_free(&content);
    return status;
}

enum status aead_seal(const struct secret_key *key, struct bytes associated, struct bytes plaintext,
                      struct buffer *out)
{
    uint8_t nonce[AEAD_NONCE_LENGTH];
    random_fill(nonce, sizeof(nonce));
    size_t before = out->length;
    enum status status = buffer_append(out, bytes_of(nonce, sizeof(nonce)));
    if (status == OK)
        status = gcm_seal(key, nonce, associated, plaintext, out);
    if (status != OK)
        out->length = before;
    return status;
}

enum status aead_open(const struct secret_key *key, struct bytes associated, struct bytes sealed,
                      struct buffer *out)
{
    if (sealed.length < AEAD_OVERHEAD)
        return ERR_CRYPTO;
    return gcm_open(key, sealed.data, associated, bytes_from(sealed, AEAD_NONCE_LENGTH), out);
}
