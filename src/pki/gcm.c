#include "pki/gcm.h"

#include <limits.h>
#include <openssl/evp.h>

#include "pki/library.h"

/* OpenSSL counts in int; nothing of ours comes near. */
enum { PLAINTEXT_LIMIT = INT_MAX / 2 };

static bool seal_into(EVP_CIPHER_CTX *context, const struct secret_key *key, const uint8_t *nonce,
                      struct bytes associated, struct bytes plaintext, uint8_t *out)
{
    int length;
    if (EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key->bytes, nonce) != 1)
        return false;
    if (associated.length &&
        EVP_EncryptUpdate(context, NULL, &length, associated.data, (int)associated.length) != 1)
        return false;
    if (plaintext.length &&
        EVP_EncryptUpdate(context, out, &length, plaintext.data, (int)plaintext.length) != 1)
        return false;
    return EVP_EncryptFinal_ex(context, out + plaintext.length, &length) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LENGTH, out + plaintext.length) == 1;
}

static bool open_into(EVP_CIPHER_CTX *context, const struct secret_key *key, const uint8_t *nonce,
                      struct bytes associated, struct bytes ciphertext, const uint8_t *tag, uint8_t *out)
{
    int length;
    uint8_t expected[AEAD_TAG_LENGTH]; /* the library takes no const tag */
    for (size_t i = 0; i < sizeof(expected); i++)
        expected[i] = tag[i];
    if (EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key->bytes, nonce) != 1)
        return false;
    if (associated.length &&
        EVP_DecryptUpdate(context, NULL, &length, associated.data, (int)associated.length) != 1)
        return false;
    if (ciphertext.length &&
        EVP_DecryptUpdate(context, out, &length, ciphertext.data, (int)ciphertext.length) != 1)
        return false;
    return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_LENGTH, expected) == 1 &&
           EVP_DecryptFinal_ex(context, out + ciphertext.length, &length) == 1;
}

enum status gcm_seal(const struct secret_key *key, const uint8_t nonce[AEAD_NONCE_LENGTH],
                     struct bytes associated, struct bytes plaintext, struct buffer *out)
{
    if (plaintext.length > PLAINTEXT_LIMIT || associated.length > PLAINTEXT_LIMIT)
        return ERR_TOO_LARGE;
    enum status status = buffer_reserve(out, plaintext.length + AEAD_TAG_LENGTH);
    if (status != OK)
        return status;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!context)
        return ERR_NO_MEMORY;
    bool done = seal_into(context, key, nonce, associated, plaintext, out->data + out->length);
    EVP_CIPHER_CTX_free(context);
    if (!done)
        return library_refused(ERR_CRYPTO);
    out->length += plaintext.length + AEAD_TAG_LENGTH;
    return OK;
}

enum status gcm_open(const struct secret_key *key, const uint8_t nonce[AEAD_NONCE_LENGTH],
                     struct bytes associated, struct bytes sealed, struct buffer *out)
{
    if (sealed.length < AEAD_TAG_LENGTH)
        return ERR_CRYPTO;
    if (sealed.length > PLAINTEXT_LIMIT || associated.length > PLAINTEXT_LIMIT)
        return ERR_TOO_LARGE;
    struct bytes ciphertext = bytes_of(sealed.data, sealed.length - AEAD_TAG_LENGTH);
    enum status status = buffer_reserve(out, ciphertext.length + 1);
    if (status != OK)
        return status;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!context)
        return ERR_NO_MEMORY;
    uint8_t *plaintext = out->data + out->length;
    bool done =
        open_into(context, key, nonce, associated, ciphertext, sealed.data + ciphertext.length, plaintext);
    EVP_CIPHER_CTX_free(context);
    if (!done) {
        secret_wipe(plaintext, ciphertext.length);
        return library_refused(ERR_CRYPTO);
    }
    out->length += ciphertext.length;
    return OK;
}
