#ifndef SHIKAKU_PKI_KEY_H
#define SHIKAKU_PKI_KEY_H

#include <openssl/types.h>

#include "pki/symmetric.h"

/*
 * Asymmetric keys. Only four kinds exist here; another kind is ERR_UNSUPPORTED where it comes in. The
 * signature algorithm follows from the key, nothing else:
 *   RSA-2048, e 65537   PKCS#1 v1.5 with SHA-256
 *   P-256               ECDSA with SHA-256, DER encoded (machines, feed; also ECDH for sealed messages)
 *   P-384               ECDSA with SHA-384, DER encoded (the coming card)
 */
enum key_kind { KEY_NONE, KEY_RSA_2048, KEY_P256, KEY_P384 };

enum {
    RSA_2048_LENGTH = 256, /* bytes of a modulus and of a signature */
    SIGNATURE_LIMIT = 256, /* the longest signature of any kind */
};

/* Zero-initialised is empty. Freed by …_free(), which leaves it empty; OpenSSL wipes the private part. */
struct private_key {
    enum key_kind kind;
    EVP_PKEY *handle; /* owned */
};

struct public_key {
    enum key_kind kind;
    EVP_PKEY *handle; /* owned (counted) */
};

enum status private_key_create(enum key_kind kind, struct private_key *out) MUST_CHECK;
/* PKCS#8 PEM, mode 0600. Loading refuses (ERR_DENIED) a file that group or others can open. */
enum status private_key_save(const struct private_key *key, const char *path) MUST_CHECK;
enum status private_key_load(const char *path, struct private_key *out) MUST_CHECK;
/* PKCS#8 DER, for stores that encrypt it themselves (a card's image). out is appended to, marked secret. */
enum status private_key_encode(const struct private_key *key, struct buffer *out) MUST_CHECK;
enum status private_key_decode(struct bytes der, struct private_key *out) MUST_CHECK;
void private_key_free(struct private_key *key);

enum status public_key_of(const struct private_key *key, struct public_key *out) MUST_CHECK;
/* SubjectPublicKeyInfo DER (RFC 5280 4.1.2.7), appended; and back, from the one form that each kind has:
 * ERR_UNSUPPORTED for any other bytes, ERR_MALFORMED for a modulus or a point that cannot be. */
enum status public_key_encode(const struct public_key *key, struct buffer *out) MUST_CHECK;
enum status public_key_decode(struct bytes der, struct public_key *out) MUST_CHECK;
/* "-----BEGIN PUBLIC KEY-----", mode 0644. */
enum status public_key_save(const struct public_key *key, const char *path) MUST_CHECK;
enum status public_key_load(const char *path, struct public_key *out) MUST_CHECK;
/* RSA-2048 with e 65537 from its 256-byte modulus, and the modulus of such a key. */
enum status public_key_from_modulus(const uint8_t modulus[RSA_2048_LENGTH],
                                    struct public_key *out) MUST_CHECK;
enum status public_key_modulus(const struct public_key *key, uint8_t out[RSA_2048_LENGTH]) MUST_CHECK;
/* The key's own bytes: a modulus (256), or an uncompressed point (65, 97). */
enum { PUBLIC_KEY_CONTENT_LIMIT = RSA_2048_LENGTH };
enum status public_key_from_content(enum key_kind kind, const uint8_t *content,
                                    struct public_key *out) MUST_CHECK;
enum status public_key_content(const struct public_key *key, uint8_t *out) MUST_CHECK;
/* Another owner of the same key: cheap, safe between threads. */
struct public_key public_key_share(const struct public_key *key);
/* SHA-256 of the SubjectPublicKeyInfo DER: how keys are named (`centre` of a statement, recipient of a
 * sealed message). */
enum status public_key_hash(const struct public_key *key, struct sha256 *out) MUST_CHECK;
void public_key_free(struct public_key *key);

struct signature {
    size_t length;
    uint8_t bytes[SIGNATURE_LIMIT];
};

/* Signs the message (hashing it) by the algorithm above. */
enum status private_key_sign(const struct private_key *key, struct bytes message,
                             struct signature *out) MUST_CHECK;
/* OK, or ERR_CRYPTO when the signature is not this key's over this message. */
enum status public_key_verify(const struct public_key *key, struct bytes message,
                              struct bytes signature) MUST_CHECK;

/* RSA only: PKCS#1 v1.5 type 1 padding over the 1–245 bytes given (a DigestInfo), nothing hashed: what the
 * card's compute-signature command does. */
enum status private_key_sign_padded(const struct private_key *key, struct bytes padded_over,
                                    struct signature *out) MUST_CHECK;
/* DER DigestInfo(SHA-256, digest), RFC 8017 9.2: 19 fixed bytes and the digest. */
enum { DIGEST_INFO_LENGTH = 51 };
void digest_info_sha256(const struct sha256 *digest, uint8_t out[DIGEST_INFO_LENGTH]);

#endif
