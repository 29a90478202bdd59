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

/*
 * A SubjectPublicKeyInfo of one of our kinds has a fixed form around the key's own bytes (RFC 3279 2.3.1, RFC
 * 5480 2): it is composed and compared here, since the library's general decoder costs some hundred
 * microseconds for each certificate that is looked at, and one form means one name a key.
 */
static const uint8_t rsa_head[] = {0x30, 0x82, 0x01, 0x22, 0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48,
                                   0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82, 0x01,
                                   0x0F, 0x00, 0x30, 0x82, 0x01, 0x0A, 0x02, 0x82, 0x01, 0x01, 0x00};
static const uint8_t rsa_tail[] = {0x02, 0x03, 0x01, 0x00, 0x01}; /* 65537 */
static const uint8_t p256_head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48,
                                    0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48,
                                    0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
static const uint8_t p384_head[] = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02,
                                    0x01, 0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00};

enum { POINT_P256 = 65, POINT_P384 = 97, POINT_UNCOMPRESSED = 0x04 };

static const struct form {
    enum key_kind kind;
    struct bytes head;
    size_t length; /* of a modulus, or of an uncompressed point */
    struct bytes tail;
    const char *group;
} forms[] = {
    {KEY_RSA_2048, {rsa_head, sizeof(rsa_head)}, RSA_2048_LENGTH, {rsa_tail, sizeof(rsa_tail)}, NULL},
    {KEY_P256, {p256_head, sizeof(p256_head)}, POINT_P256, {0}, SN_X9_62_prime256v1},
    {KEY_P384, {p384_head, sizeof(p384_head)}, POINT_P384, {0}, SN_secp384r1},
};

static const struct form *form_of_kind(enum key_kind kind)
{
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        if (forms[i].kind == kind)
            return &forms[i];
    }
    return NULL;
}

static const struct form *form_of_encoding(struct bytes der)
{
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        const struct form *form = &forms[i];
        if (der.length != form->head.length + form->length + form->tail.length)
            continue;
        struct bytes tail = bytes_from(der, form->head.length + form->length);
        if (bytes_equal(bytes_of(der.data, form->head.length), form->head) && bytes_equal(tail, form->tail))
            return form;
    }
    return NULL;
}

/* A modulus of exactly 2,048 bits, or a point in its uncompressed form. */
static bool content_fits(const struct form *form, const uint8_t *content)
{
    return form->kind == KEY_RSA_2048 ? content[0] & 0x80 : content[0] == POINT_UNCOMPRESSED;
}

static EVP_PKEY *key_of_parameters(const char *type, OSSL_PARAM_BLD *builder)
{
    EVP_PKEY *handle = NULL;
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (parameters && context && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &handle, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        handle = NULL;
    OSSL_PARAM_free(parameters);
    EVP_PKEY_CTX_free(context);
    return handle;
}

static EVP_PKEY *rsa_of(const uint8_t modulus[RSA_2048_LENGTH])
{
    BIGNUM *number = BN_bin2bn(modulus, RSA_2048_LENGTH, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *handle = NULL;
    if (number && builder && BN_is_odd(number) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, number) == 1 &&
        OSSL_PARAM_BLD_push_uint(builder, OSSL_PKEY_PARAM_RSA_E, RSA_EXPONENT) == 1)
        handle = key_of_parameters("RSA", builder);
    OSSL_PARAM_BLD_free(builder);
    BN_free(number);
    return handle;
}

/* NULL where the point does not lie on the curve: the library looks. */
static EVP_PKEY *point_of(const struct form *form, const uint8_t *point)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *handle = NULL;
    if (builder &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, form->group, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, form->length) == 1)
        handle = key_of_parameters("EC", builder);
    OSSL_PARAM_BLD_free(builder);
    return handle;
}

enum status public_key_from_content(enum key_kind kind, const uint8_t *content, struct public_key *out)
{
    const struct form *form = form_of_kind(kind);
    if (!form)
        return ERR_UNSUPPORTED;
    if (!content_fits(form, content))
        return ERR_MALFORMED;
    EVP_PKEY *handle = kind == KEY_RSA_2048 ? rsa_of(content) : point_of(form, content);
    if (!handle)
        return library_refused(ERR_MALFORMED);
    *out = (struct public_key){.kind = kind, .handle = handle};
    return OK;
}

enum status public_key_from_modulus(const uint8_t modulus[RSA_2048_LENGTH], struct public_key *out)
{
    return public_key_from_content(KEY_RSA_2048, modulus, out);
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

enum status public_key_content(const struct public_key *key, uint8_t *out)
{
    if (key->kind == KEY_RSA_2048)
        return public_key_modulus(key, out);
    const struct form *form = form_of_kind(key->kind);
    if (!form)
        return ERR_UNSUPPORTED;
    size_t length = 0;
    bool done = EVP_PKEY_get_octet_string_param(key->handle, OSSL_PKEY_PARAM_PUB_KEY, out, form->length,
                                                &length) == 1 &&
                length == form->length && out[0] == POINT_UNCOMPRESSED;
    return done ? OK : library_refused(ERR_CRYPTO);
}

enum status public_key_of(const struct private_key *key, struct public_key *out)
{
    const struct public_key borrowed = {.kind = key->kind, .handle = key->handle};
    uint8_t content[RSA_2048_LENGTH];
    /* From its content, so that no private part can travel with it. */
    enum status status = public_key_content(&borrowed, content);
    return status == OK ? public_key_from_content(key->kind, content, out) : status;
}

enum status public_key_encode(const struct public_key *key, struct buffer *out)
{
    const struct form *form = form_of_kind(key->kind);
    uint8_t content[RSA_2048_LENGTH];
    if (!form)
        return ERR_UNSUPPORTED;
    size_t before = out->length;
    enum status status = public_key_content(key, content);
    if (status == OK)
        status = buffer_append(out, form->head);
    if (status == OK)
        status = buffer_append(out, bytes_of(content, form->length));
    if (status == OK)
        status = buffer_append(out, form->tail);
    if (status != OK)
        out->length = before;
    return status;
}

enum status public_key_decode(struct bytes der, struct public_key *out)
{
    const struct form *form = form_of_encoding(der);
    return form ? public_key_from_content(form->kind, der.data + form->head.length, out) : ERR_UNSUPPORTED;
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
