#include "pki/key.h"

#include <assert.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "pki/library.h"
#include "pki/private_file.h"

enum { KEY_FILE_LIMIT = 16384, RSA_BITS = 2048, RSA_EXPONENT = 65537 };

static bool is_our_rsa(const EVP_PKEY *handle)
{
    BIGNUM *exponent = NULL;
    bool ours = EVP_PKEY_get_bits(handle) == RSA_BITS &&
                EVP_PKEY_get_bn_param(handle, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
                BN_is_word(exponent, RSA_EXPONENT);
    BN_free(exponent);
    return ours;
}

/* A point has three forms; one is enough, and one key then has one name. */
static bool point_is_uncompressed(const EVP_PKEY *handle)
{
    char form[16];
    return EVP_PKEY_get_utf8_string_param(handle, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, form,
                                          sizeof(form), NULL) == 1 &&
           strcmp(form, OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) == 0;
}

static enum key_kind kind_of_curve(const EVP_PKEY *handle)
{
    char group[32];
    int explicit_parameters = 0;
    if (!point_is_uncompressed(handle))
        return KEY_NONE;
    if (EVP_PKEY_get_int_param(handle, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                               &explicit_parameters) == 1 &&
        explicit_parameters)
        return KEY_NONE; /* a curve of the sender's making (CVE-2020-0601) */
    if (EVP_PKEY_get_group_name(handle, group, sizeof(group), NULL) != 1)
        return KEY_NONE;
    if (strcmp(group, SN_X9_62_prime256v1) == 0)
        return KEY_P256;
    return strcmp(group, SN_secp384r1) == 0 ? KEY_P384 : KEY_NONE;
}

static enum key_kind kind_of(const EVP_PKEY *handle)
{
    if (EVP_PKEY_is_a(handle, "RSA"))
        return is_our_rsa(handle) ? KEY_RSA_2048 : KEY_NONE;
    return EVP_PKEY_is_a(handle, "EC") ? kind_of_curve(handle) : KEY_NONE;
}

/* Takes the handle over, also where it fails. */
static enum status take_private(EVP_PKEY *handle, struct private_key *out)
{
    enum key_kind kind = kind_of(handle);
    if (kind == KEY_NONE) {
        EVP_PKEY_free(handle);
        return library_refused(ERR_UNSUPPORTED);
    }
    *out = (struct private_key){.kind = kind, .handle = handle};
    return OK;
}

static enum status take_public(EVP_PKEY *handle, struct public_key *out)
{
    enum key_kind kind = kind_of(handle);
    if (kind == KEY_NONE) {
        EVP_PKEY_free(handle);
        return library_refused(ERR_UNSUPPORTED);
    }
    *out = (struct public_key){.kind = kind, .handle = handle};
    return OK;
}

enum status private_key_create(enum key_kind kind, struct private_key *out)
{
    EVP_PKEY *handle = NULL;
    switch (kind) {
    case KEY_RSA_2048:
        handle = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS);
        break;
    case KEY_P256:
        handle = EVP_PKEY_Q_keygen(NULL, NULL, "EC", SN_X9_62_prime256v1);
        break;
    case KEY_P384:
        handle = EVP_PKEY_Q_keygen(NULL, NULL, "EC", SN_secp384r1);
        break;
    case KEY_NONE:
        return ERR_UNSUPPORTED;
    }
    if (!handle)
        return library_refused(ERR_CRYPTO);
    *out = (struct private_key){.kind = kind, .handle = handle};
    return OK;
}

/* A key file never asks for a password: there is nobody at the terminal of a service. */
static int no_password(char *buffer, int size, int writing, void *context)
{
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

enum status private_key_save(const struct private_key *key, const char *path)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    if (!bio)
        return library_refused(ERR_NO_MEMORY);
    enum status status = ERR_CRYPTO;
    if (PEM_write_bio_PKCS8PrivateKey(bio, key->handle, NULL, NULL, 0, no_password, NULL) == 1) {
        char *pem;
        long length = BIO_get_mem_data(bio, &pem);
        status = length > 0 ? private_file_write(path, bytes_of(pem, (size_t)length)) : ERR_CRYPTO;
    }
    BIO_free(bio);
    return status == OK ? OK : library_refused(status);
}

enum status private_key_load(const char *path, struct private_key *out)
{
    struct buffer pem = {.secret = true};
    enum status status = private_file_read(path, KEY_FILE_LIMIT, &pem);
    BIO *bio = status == OK ? BIO_new_mem_buf(pem.data, (int)pem.length) : NULL;
    if (status == OK && !bio)
        status = ERR_NO_MEMORY;
    if (status == OK) {
        EVP_PKEY *handle = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
        status = handle ? take_private(handle, out) : ERR_MALFORMED;
    }
    BIO_free(bio);
    buffer_free(&pem);
    return status == OK ? OK : library_refused(status);
}

enum status private_key_encode(const struct private_key *key, struct buffer *out)
{
    out->secret = true;
    PKCS8_PRIV_KEY_INFO *wrapped = EVP_PKEY2PKCS8(key->handle);
    int length = wrapped ? i2d_PKCS8_PRIV_KEY_INFO(wrapped, NULL) : -1;
    enum status status = length > 0 ? buffer_reserve(out, (size_t)length) : ERR_CRYPTO;
    if (status == OK) {
        uint8_t *position = out->data + out->length;
        i2d_PKCS8_PRIV_KEY_INFO(wrapped, &position);
        out->length += (size_t)length;
    }
    PKCS8_PRIV_KEY_INFO_free(wrapped);
    return status == OK ? OK : library_refused(status);
}

enum status private_key_decode(struct bytes der, struct private_key *out)
{
    if (der.length == 0 || der.length > KEY_FILE_LIMIT)
        return ERR_MALFORMED;
    const uint8_t *position = der.data;
    EVP_PKEY *handle = d2i_AutoPrivateKey(NULL, &position, (long)der.length);
    if (!handle)
        return library_refused(ERR_MALFORMED);
    if (position != der.data + der.length) {
        EVP_PKEY_free(handle);
        return ERR_MALFORMED;
    }
    return take_private(handle, out);
}

void private_key_free(struct private_key *key)
{
    EVP_PKEY_free(key->handle);
    *key = (struct private_key){0};
}

enum status public_key_of(const struct private_key *key, struct public_key *out)
{
    struct public_key borrowed = {.kind = key->kind, .handle = key->handle};
    struct buffer der = {0};
    /* Through the encoding, so that no private part can travel with it. */
    enum status status = public_key_encode(&borrowed, &der);
    if (status == OK)
        status = public_key_decode(buffer_bytes(&der), out);
    buffer_free(&der);
    return status;
}

enum status public_key_encode(const struct public_key *key, struct buffer *out)
{
    int length = key->handle ? i2d_PUBKEY(key->handle, NULL) : -1;
    if (length <= 0)
        return library_refused(ERR_CRYPTO);
    enum status status = buffer_reserve(out, (size_t)length);
    if (status != OK)
        return status;
    uint8_t *position = out->data + out->length;
    i2d_PUBKEY(key->handle, &position);
    out->length += (size_t)length;
    return OK;
}

/* One encoding a key, or else one key would have two names. */
static enum status refuse_other_encodings(const struct public_key *key, struct bytes der)
{
    struct buffer again = {0};
    enum status status = public_key_encode(key, &again);
    if (status == OK && !bytes_equal(buffer_bytes(&again), der))
        status = ERR_MALFORMED;
    buffer_free(&again);
    return status;
}

enum status public_key_decode(struct bytes der, struct public_key *out)
{
    if (der.length == 0 || der.length > KEY_FILE_LIMIT)
        return ERR_MALFORMED;
    const uint8_t *position = der.data;
    EVP_PKEY *handle = d2i_PUBKEY(NULL, &position, (long)der.length);
    if (!handle)
        return library_refused(ERR_MALFORMED);
    struct public_key key;
    enum status status = take_public(handle, &key);
    if (status != OK)
        return status;
    status = refuse_other_encodings(&key, der);
    if (status != OK)
        public_key_free(&key);
    else
        *out = key;
    return status;
}

enum status public_key_save(const struct public_key *key, const char *path)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio)
        return library_refused(ERR_NO_MEMORY);
    enum status status = ERR_CRYPTO;
    if (PEM_write_bio_PUBKEY(bio, key->handle) == 1) {
        char *pem;
        long length = BIO_get_mem_data(bio, &pem);
        status = length > 0 ? file_write_durably(path, bytes_of(pem, (size_t)length), 0644) : ERR_CRYPTO;
    }
    BIO_free(bio);
    return status == OK ? OK : library_refused(status);
}

enum status public_key_load(const char *path, struct public_key *out)
{
    struct buffer pem = {0};
    enum status status = file_read(path, KEY_FILE_LIMIT, &pem);
    BIO *bio = status == OK ? BIO_new_mem_buf(pem.data, (int)pem.length) : NULL;
    if (status == OK && !bio)
        status = ERR_NO_MEMORY;
    if (status == OK) {
        EVP_PKEY *handle = PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);
        status = handle ? take_public(handle, out) : ERR_MALFORMED;
    }
    BIO_free(bio);
    buffer_free(&pem);
    return status == OK ? OK : library_refused(status);
}

static EVP_PKEY *rsa_of(BIGNUM *modulus)
{
    EVP_PKEY *handle = NULL;
    OSSL_PARAM *parameters = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (builder && context && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_uint(builder, OSSL_PKEY_PARAM_RSA_E, RSA_EXPONENT) == 1)
        parameters = OSSL_PARAM_BLD_to_param(builder);
    if (parameters && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &handle, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        handle = NULL;
    OSSL_PARAM_free(parameters);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_BLD_free(builder);
    return handle;
}

enum status public_key_from_modulus(const uint8_t modulus[RSA_2048_LENGTH], struct public_key *out)
{
    BIGNUM *number = BN_bin2bn(modulus, RSA_2048_LENGTH, NULL);
    if (!number)
        return library_refused(ERR_NO_MEMORY);
    EVP_PKEY *handle = BN_is_odd(number) ? rsa_of(number) : NULL;
    BN_free(number);
    if (!handle)
        return library_refused(ERR_MALFORMED);
    return take_public(handle, out);
}

enum status public_key_modulus(const struct public_key *key, uint8_t out[RSA_2048_LENGTH])
{
    if (key->kind != KEY_RSA_2048)
        return ERR_UNSUPPORTED;
    BIGNUM *modulus = NULL;
    bool done = EVP_PKEY_get_bn_param(key->handle, OSSL_PKEY_PARAM_RSA_N, &modulus) == 1 &&
                BN_bn2binpad(modulus, out, RSA_2048_LENGTH) == RSA_2048_LENGTH;
    BN_free(modulus);
    return done ? OK : library_refused(ERR_CRYPTO);
}

struct public_key public_key_share(const struct public_key *key)
{
    if (key->handle)
        EVP_PKEY_up_ref(key->handle);
    return *key;
}

enum status public_key_hash(const struct public_key *key, struct sha256 *out)
{
    struct buffer der = {0};
    enum status status = public_key_encode(key, &der);
    if (status == OK)
        status = sha256_of(buffer_bytes(&der), out);
    buffer_free(&der);
    return status;
}

void public_key_free(struct public_key *key)
{
    EVP_PKEY_free(key->handle);
    *key = (struct public_key){0};
}

static const EVP_MD *digest_for(enum key_kind kind)
{
    switch (kind) {
    case KEY_RSA_2048:
    case KEY_P256:
        return EVP_sha256();
    case KEY_P384:
        return EVP_sha384();
    case KEY_NONE:
        break;
    }
    return NULL;
}

enum status private_key_sign(const struct private_key *key, struct bytes message, struct signature *out)
{
    const EVP_MD *digest = digest_for(key->kind);
    if (!digest)
        return ERR_UNSUPPORTED;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context)
        return library_refused(ERR_NO_MEMORY);
    out->length = sizeof(out->bytes);
    bool done = EVP_DigestSignInit(context, NULL, digest, NULL, key->handle) == 1 &&
                EVP_DigestSign(context, out->bytes, &out->length, message.data, message.length) == 1;
    EVP_MD_CTX_free(context);
    return done ? OK : library_refused(ERR_CRYPTO);
}

enum status public_key_verify(const struct public_key *key, struct bytes message, struct bytes signature)
{
    const EVP_MD *digest = digest_for(key->kind);
    if (!digest)
        return ERR_UNSUPPORTED;
    if (signature.length == 0 || signature.length > SIGNATURE_LIMIT)
        return ERR_CRYPTO;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context)
        return library_refused(ERR_NO_MEMORY);
    bool fits =
        EVP_DigestVerifyInit(context, NULL, digest, NULL, key->handle) == 1 &&
        EVP_DigestVerify(context, signature.data, signature.length, message.data, message.length) == 1;
    EVP_MD_CTX_free(context);
    return fits ? OK : library_refused(ERR_CRYPTO);
}

enum status private_key_sign_padded(const struct private_key *key, struct bytes padded_over,
                                    struct signature *out)
{
    if (key->kind != KEY_RSA_2048)
        return ERR_UNSUPPORTED;
    if (padded_over.length == 0 || padded_over.length > RSA_2048_LENGTH - RSA_PKCS1_PADDING_SIZE)
        return ERR_RANGE;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->handle, NULL);
    if (!context)
        return library_refused(ERR_NO_MEMORY);
    out->length = sizeof(out->bytes);
    bool done = EVP_PKEY_sign_init(context) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_sign(context, out->bytes, &out->length, padded_over.data, padded_over.length) == 1;
    EVP_PKEY_CTX_free(context);
    return done ? OK : library_refused(ERR_CRYPTO);
}

void digest_info_sha256(const struct sha256 *digest, uint8_t out[DIGEST_INFO_LENGTH])
{
    static const uint8_t prefix[] = {0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                     0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    static_assert(sizeof(prefix) + SHA256_LENGTH == DIGEST_INFO_LENGTH, "RFC 8017 9.2, note 1");
    memcpy(out, prefix, sizeof(prefix));
    memcpy(out + sizeof(prefix), digest->bytes, SHA256_LENGTH);
}
